"""Generators that other packages offer through entry points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

from alphacrystal.crystal import as_structure
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.generate._candidate import Candidate, Generator

if TYPE_CHECKING:
    import numpy as np

    from alphacrystal.composition import Formula
    from alphacrystal.crystal import LatticeParameters

#: Entry-point group; each entry is a `GeneratorFactory`.
GENERATOR_GROUP = "alphacrystal.generators"


class GeneratorFactory(Protocol):
    """What an entry point of the group ``alphacrystal.generators`` must be."""

    def __call__(
        self, units: Sequence[int], *, space_group: int | None, lattice: LatticeParameters | None
    ) -> Generator:
        """A generator for primitive cells of ``units`` formula units, in a group and cell where given."""
        ...


@dataclass(frozen=True, slots=True)
class _Checked:
    """A generator of another package, whose candidates and errors are looked at before they go on."""

    name: str
    generator: Generator

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates of the other generator.

        Raises:
            InputError: It failed, or gave something else than ordered crystals of the formula.
        """
        made = 0
        try:
            for candidate in self.generator.generate(formula, count, rng):
                if made == count:
                    return
                yield self._checked(candidate, formula)
                made += 1
        except AlphaCrystalError:
            raise
        except Exception as error:
            raise _failed(self.name, error) from error

    def _checked(self, candidate: object, formula: Formula) -> Candidate:
        if not isinstance(candidate, Candidate):
            raise InputError(f"The generator {self.name} gave {type(candidate).__name__}, not a Candidate.")
        structure = as_structure(candidate.structure)
        if not structure.is_ordered or structure.composition.reduced_formula != formula.reduced_formula:
            raise InputError(
                f"The generator {self.name} gave {structure.composition.reduced_formula}, not an ordered "
                f"crystal of {formula.reduced_formula}."
            )
        return replace(candidate, structure=structure, generator=self.name)


def generator_plugins() -> list[str]:
    """Names of the generators that other packages offer here."""
    return sorted({entry.name for entry in entry_points(group=GENERATOR_GROUP)})


def load_generator(
    name: str,
    units: Sequence[int],
    *,
    space_group: int | None = None,
    lattice: LatticeParameters | None = None,
) -> Generator:
    """A generator of another package by name.

    Args:
        name: Of its entry point.
        units: Formula units Z the primitive cell may hold.
        space_group: Only this group, if given.
        lattice: Conventional cell to use, if given.

    Raises:
        InputError: There is none of that name, or it could not be made.
    """
    found = next(iter(entry_points(group=GENERATOR_GROUP, name=name)), None)
    if found is None:
        raise InputError(f"There is no generator named {name!r} in the installed packages.")
    try:
        made = cast(GeneratorFactory, found.load())(units, space_group=space_group, lattice=lattice)
    except AlphaCrystalError:
        raise
    except Exception as error:
        raise _failed(name, error) from error
    if not callable(getattr(made, "generate", None)):
        raise InputError(f"The generator {name} is no Generator: it has no method generate.")
    return _Checked(name, made)


def _failed(name: str, error: Exception) -> InputError:
    return InputError(f"The generator {name} failed: {type(error).__name__} {error}".rstrip() + ".")
