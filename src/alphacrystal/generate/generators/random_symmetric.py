"""Random crystals with symmetry, minimum distances and a volume prior, after AIRSS.

Pickard & Needs, J. Phys.: Condens. Matter 23, 053201 (2011), doi:10.1088/0953-8984/23/5/053201. Each try
draws Z, a space group, a Wyckoff assignment, and then a batch of cells and coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    SpaceGroupChoice,
    allowed_groups,
    can_place,
    cell_shape,
    choice_name,
    constrained_shape,
    crystal_system,
    lattice_points,
    obeys_system,
    shape_to_cell,
)
from alphacrystal.errors import InputError
from alphacrystal.generate.arrangement import (
    VOLUME_SPREAD,
    Arrangement,
    arrangement,
    assignments,
    closest_contacts,
    expected_volume,
    to_structure,
)
from alphacrystal.generate.protocol import UNLIMITED, Budget, BudgetUse, Candidate, EnergyFunction
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.typing import FloatArray, StageProgress

if TYPE_CHECKING:
    from alphacrystal.composition import Formula


MIN_COVALENT_FRACTION = 0.72  # of the sum of covalent radii
ASSIGNMENTS = 300  # per space group and Z, fewest orbits first
DRAWS = 16  # cells and coordinates of one assignment, looked at together
RATIO_SPREAD = 0.45  # of log(b/a) and log(c/a)
MAX_COSINE = 0.45  # of free angles: 63 to 117 degrees
PROPOSALS_PER_CANDIDATE = 400  # where the budget does not limit the proposals
BATCH = 16  # crystals in one energy evaluation


@dataclass(frozen=True, slots=True)
class RandomSymmetricGenerator:
    """Draws random crystals and rejects those with atoms that are too close.

    Without ``energies`` the candidates are in random order. With them, as many crystals are drawn as the
    budget has energy calls (``count`` without a limit), and the lowest energies come first.

    Attributes:
        formula_units: Formula units Z the primitive cell may hold.
        space_group: Only this group, or those of this crystal system, if given.
        lattice: Conventional cell to use instead of random ones.
        energies: Energy function that ranks the crystals, None for the order of generation.
        budget: Limits; a proposal is one cell with coordinates.
        closest: Smallest distance allowed, in sums of covalent radii.
        volume: Expected volume in Å³ per atom instead of the table's.
        on_progress: Called with (done, total) of the limit of the run.
    """

    formula_units: Sequence[int]
    space_group: SpaceGroupChoice | None = None
    lattice: LatticeParameters | None = None
    energies: EnergyFunction | None = None
    budget: Budget = UNLIMITED
    closest: float = MIN_COVALENT_FRACTION
    volume: float | None = None
    on_progress: StageProgress | None = field(default=None, compare=False)
    name: str = "random"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates; in the order drawn, or by energy where there is one.

        Raises:
            InputError: No space group that is allowed can hold any of the cells.
        """
        wanted = count
        if self.energies is not None:
            wanted = count if self.budget.energy_calls is None else self.budget.energy_calls
        use = BudgetUse(
            replace(self.budget, proposals=self.budget.proposals or PROPOSALS_PER_CANDIDATE * wanted)
        )
        drawn = self._crystals(formula, wanted, rng, use)
        if self.energies is None:
            yield from drawn
            return
        yield from self._ranked(drawn, self.energies, use)[:count]

    def _crystals(
        self, formula: Formula, wanted: int, rng: np.random.Generator, use: BudgetUse
    ) -> Iterator[Candidate]:
        choices_by_z = groups_that_hold(formula, self.formula_units, self.space_group, self.lattice)
        yielded = 0
        while yielded < wanted and not use.exhausted:
            formula_units, groups = choices_by_z[rng.integers(len(choices_by_z))]
            number = int(groups[rng.integers(len(groups))])
            choices = assignments(formula, formula_units, number, ASSIGNMENTS)
            layout = arrangement(number, choices[rng.integers(len(choices))], formula.elements, formula_units)
            cells = self._cells(formula, layout, rng)
            coordinates = rng.random((DRAWS, layout.free))
            positions, primitive = layout.positions(coordinates), layout.primitive(cells)
            good = np.flatnonzero(closest_contacts(primitive, positions, layout.numbers) >= self.closest)
            use.proposals += int(good[0]) + 1 if len(good) else DRAWS
            if self.on_progress:
                self.on_progress(yielded + len(good[:1]), wanted)
            if len(good):
                yielded += 1
                structure = to_structure(primitive[good[0]], layout.numbers, positions[good[0]])
                yield Candidate(
                    structure, self.name, None, None, {**layout.provenance(), "proposal": use.proposals}
                )

    def _cells(self, formula: Formula, layout: Arrangement, rng: np.random.Generator) -> FloatArray:
        """Conventional rows in Å of random cells, shape (DRAWS, 3, 3)."""
        system = crystal_system(layout.space_group)
        shape = np.zeros((DRAWS, 6))
        shape[:, 1:3] = RATIO_SPREAD * rng.standard_normal((DRAWS, 2))
        shape[:, 3:] = rng.uniform(-MAX_COSINE, MAX_COSINE, (DRAWS, 3))
        content = formula.cell(layout.formula_units)
        volume = expected_volume(content.counts) if self.volume is None else self.volume * content.num_atoms
        shape[:, 0] = np.log(volume * lattice_points(layout.space_group))
        shape[:, 0] += VOLUME_SPREAD * rng.standard_normal(DRAWS)
        if self.lattice is not None:
            shape[:] = cell_shape(self.lattice)
        assert 0 in FREE_SHAPE[system]
        return np.asarray(shape_to_cell(constrained_shape(system, shape)))

    def _ranked(
        self, drawn: Iterator[Candidate], energies: EnergyFunction, use: BudgetUse
    ) -> list[Candidate]:
        evaluated: list[tuple[float, Candidate]] = []
        waiting: list[Candidate] = []

        def evaluate() -> None:
            values = energies([candidate.structure for candidate in waiting])
            for candidate, value in zip(waiting, values, strict=True):
                use.energy_calls += 1
                provenance = {
                    **candidate.provenance,
                    "energy_per_atom_ev": round(float(value), 6),
                    "energy_call": use.energy_calls,
                }
                if np.isfinite(value):
                    evaluated.append((float(value), replace(candidate, provenance=provenance)))
            waiting.clear()

        for candidate in drawn:
            waiting.append(candidate)
            if len(waiting) >= min(BATCH, use.energy_calls_left(BATCH)):
                evaluate()
        if waiting:
            evaluate()
        return [candidate for _, candidate in sorted(evaluated, key=lambda pair: pair[0])]


def groups_that_hold(
    formula: Formula,
    formula_units: Sequence[int],
    space_group: SpaceGroupChoice | None,
    lattice: LatticeParameters | None,
) -> list[tuple[int, list[int]]]:
    """Z with the space groups that can hold its cell; Z that none can hold are left out.

    Raises:
        InputError: There is none at all.
    """
    numbers = allowed_groups(space_group)
    if lattice is not None:
        numbers = [number for number in numbers if obeys_system(crystal_system(number), lattice)]
    choices = []
    for z in formula_units:
        counts = [z * count for count in formula.counts.values()]
        groups = [number for number in numbers if can_place(number, counts)]
        if groups:
            choices.append((z, groups))
    if not choices:
        raise nowhere(formula, formula_units, space_group)
    return choices


def nowhere(
    formula: Formula, formula_units: Sequence[int], space_group: SpaceGroupChoice | None
) -> InputError:
    """The error that no cell can be placed in the space group, or in any that fits the lattice."""
    where = "any space group that fits the lattice"
    if space_group is not None:
        where = f"{choice_name(space_group)} with this lattice"
    cells = ", ".join(formula.cell(z).name for z in formula_units)
    return InputError(f"{cells} cannot be placed in {where}: change --cell, --z or --space-group.")


@register("random", "random symmetric crystals (AIRSS)", on_page=True)
def build_random(context: GeneratorContext) -> RandomSymmetricGenerator:
    """Build the generator of a run."""
    return RandomSymmetricGenerator(
        context.searched_units,
        context.space_group,
        context.lattice,
        budget=context.budget,
        on_progress=context.on_progress,
    )
