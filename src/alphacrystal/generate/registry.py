"""The registry of generators: names, requirements and functions that build them for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from alphacrystal.crystal import LatticeParameters, SpaceGroupChoice, as_structure
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.generate.protocol import Budget, Candidate, EnergyFunction, Generator
from alphacrystal.runtime.registry import Registry
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    import numpy as np

    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.diffraction import PeakList


SEARCHED_ATOMS = 20  # in the cells of searches without learned structure types, unless the user names cells


@dataclass(frozen=True, slots=True)
class GeneratorContext:
    """The input of a function that builds a generator.

    Attributes:
        formula: Reduced formula.
        formula_units: Formula units Z that the primitive cell may hold.
        config: All settings of the run.
        energies: Returns the energy function of the run's potential; loads the potential.
        check_potential: Raises an error if the potential cannot evaluate the elements of the formula.
        on_progress: Called with (done, total).
        on_candidate: Called with candidates that an interrupted run should keep.
        finished: Finished parts of an interrupted run, for generators that work in parts.
        on_part: Called with the number and the candidates of each finished part.
        peaks: Measured peaks that the structures must explain, None without a powder pattern.
    """

    formula: Formula
    formula_units: Sequence[int]
    config: PredictConfig
    energies: Callable[[], EnergyFunction]
    check_potential: Callable[[], None]
    on_progress: StageProgress | None = None
    on_candidate: Callable[[Candidate], None] | None = None
    finished: Mapping[int, Sequence[Candidate]] = field(default_factory=dict)
    on_part: Callable[[int, list[Candidate]], None] | None = None
    peaks: PeakList | None = None

    @property
    def searched_units(self) -> Sequence[int]:
        """Formula units Z for searches without learned structure types.

        Cells of up to SEARCHED_ATOMS atoms, or the smallest cell; all cells if the user names Z or the cell.
        """
        if self.config.z or self.config.cell is not None:
            return self.formula_units
        atoms = self.formula.num_atoms
        return [z for z in self.formula_units if z * atoms <= SEARCHED_ATOMS] or self.formula_units[:1]

    @property
    def space_group(self) -> SpaceGroupChoice | None:
        """The only space group or crystal system that the user allows, None for all."""
        return self.config.space_group

    @property
    def lattice(self) -> LatticeParameters | None:
        """The conventional cell that the user gives, None without one."""
        return LatticeParameters(*self.config.lattice) if self.config.lattice else None

    @property
    def budget(self) -> Budget:
        """Limits of the generator."""
        config = self.config
        return Budget(config.max_energy_calls, config.max_proposals, config.generate_seconds)


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """The description of a generator.

    Attributes:
        name: Name on the command line and in provenance.
        label: One line for help, the page and the documentation.
        build: Builds the generator for a run.
        check: Raises an InputError before the run starts if something is missing.
        models: Networks that it needs in addition to those of every run.
        on_page: Whether the web page offers it; it must not need a file of the user.
        in_parts: Whether it reports finished parts itself, so that a resumed run continues within it.
        unrelaxed_copies: Whether its likely candidates may also be listed unrelaxed; False for rough
            coordinates that are meant to be relaxed.
        exhaustive: Whether fewer candidates than requested are all that there are.
    """

    name: str
    label: str
    build: Callable[[GeneratorContext], Generator]
    check: Callable[[GeneratorContext], None] | None = None
    models: tuple[str, ...] = ()
    on_page: bool = False
    in_parts: bool = False
    unrelaxed_copies: bool = True
    exhaustive: bool = False


def _wrap(name: str, factory: object) -> GeneratorSpec:
    """The spec of another package's factory."""
    if not callable(factory):
        raise InputError(f"The generator {name} is not a function of a GeneratorContext.")
    build = cast("Callable[[GeneratorContext], Generator]", factory)
    return GeneratorSpec(name, f"generator {name} of another package", build)


GENERATORS: Registry[GeneratorSpec] = Registry(
    "generator", "alphacrystal.generate.generators", "alphacrystal.generators", _wrap
)


def register(
    name: str,
    label: str,
    *,
    check: Callable[[GeneratorContext], None] | None = None,
    models: tuple[str, ...] = (),
    on_page: bool = False,
    in_parts: bool = False,
    unrelaxed_copies: bool = True,
    exhaustive: bool = False,
) -> Callable[[Callable[[GeneratorContext], Generator]], Callable[[GeneratorContext], Generator]]:
    """Register a function that builds a generator; see `GeneratorSpec` for the arguments."""

    def decorate(build: Callable[[GeneratorContext], Generator]) -> Callable[[GeneratorContext], Generator]:
        GENERATORS.add(
            GeneratorSpec(name, label, build, check, models, on_page, in_parts, unrelaxed_copies, exhaustive)
        )
        return build

    return decorate


def build_generator(name: str, context: GeneratorContext) -> Generator:
    """Build a generator whose candidates and errors are checked.

    Raises:
        InputError: The name is unknown, or the generator cannot be built.
    """
    spec = GENERATORS.get(name)
    try:
        generator = spec.build(context)
    except AlphaCrystalError:
        raise
    except Exception as error:
        raise _failure(name, error) from error
    if not callable(getattr(generator, "generate", None)):
        raise InputError(f"The generator {name} is not a Generator: it has no method generate.")
    return generator if spec.build.__module__.startswith("alphacrystal.") else _Checked(name, generator)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A generator of another package; its candidates are checked and its errors become sentences."""

    name: str
    generator: Generator

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates of the other generator.

        Raises:
            InputError: It failed, or yielded something else than ordered crystals of the formula.
        """
        yielded = 0
        try:
            for candidate in self.generator.generate(formula, count, rng):
                if yielded == count:
                    return
                yield self._checked(candidate, formula)
                yielded += 1
        except AlphaCrystalError:
            raise
        except Exception as error:
            raise _failure(self.name, error) from error

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


def _failure(name: str, error: Exception) -> InputError:
    return InputError(f"The generator {name} failed: {type(error).__name__} {error}".rstrip() + ".")
