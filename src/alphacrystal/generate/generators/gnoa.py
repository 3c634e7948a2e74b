"""GNOA: energies of crystals proposed by a blind search, nothing is relaxed.

Cheng, Gong & Yin, Nat. Commun. 13, 1492 (2022), doi:10.1038/s41467-022-29241-4. A new implementation
of the published description; docs/generators.md lists the differences from the published program and its
corrected errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.generate.gnoa.search import (
    ParzenSearch,
    RandomSearch,
    Search,
    SearchName,
    SwarmSearch,
    require_parzen,
)
from alphacrystal.generate.gnoa.space import GnoaSpace, Proposal
from alphacrystal.generate.protocol import Budget, BudgetUse, Candidate, EnergyFunction
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.crystal import LatticeParameters, SpaceGroupChoice

REJECTED = 999.0  # loss of rejected points
DEFAULT_BUDGET = Budget(proposals=5000)  # GNOA's max_step
BATCH = 16  # crystals in one energy evaluation
SAME_ENERGY = 1e-3  # eV/atom; equal letters within it count as one crystal


@dataclass(frozen=True, slots=True)
class GnoaGenerator:
    """Searches cell, space group, Wyckoff combination and coordinates for the lowest energy.

    Attributes:
        formula_units: Formula units Z of the primitive cell; with ``original_encoding``, of the conventional
            cell.
        energies: The minimised function; it is not called for rejected crystals.
        search: "random", "tpe" (Bayesian optimisation) or "pso" (particle swarm).
        budget: Limits; a proposal is a point, rejected or not, as in the published program.
        space_group: Only this group, or those of this crystal system, if given.
        lattice: Conventional cell to use instead of searching it.
        original_encoding: Give each atom of an orbit separate coordinates and count the atoms of the
            conventional cell, as the published program does; few candidates keep the space group then.
        population: Particles of the swarm.
        startup: Random points before the Parzen estimators.
        on_progress: Called with (done, total) of the limit that is nearest.
        on_better: Called with each new best crystal.
    """

    formula_units: Sequence[int]
    energies: EnergyFunction
    search: SearchName = "tpe"
    budget: Budget = DEFAULT_BUDGET
    space_group: SpaceGroupChoice | None = None
    lattice: LatticeParameters | None = None
    original_encoding: bool = False
    population: int = 200
    startup: int = 200
    on_progress: StageProgress | None = field(default=None, compare=False)
    on_better: Callable[[Candidate], None] | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """Its name among the generators: "gnoa-" and the search."""
        return f"gnoa-{self.search}"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield the ``count`` lowest energies among different crystals once the budget is used up.

        The provenance of a candidate has its "energy_per_atom_ev" and the numbers of its "proposal" and
        "energy_call".

        Raises:
            InputError: No cell can be placed in an allowed space group, or the budget sets no limit.
        """
        if self.budget == Budget():
            raise ValueError("the search needs a budget with a limit")
        space = GnoaSpace(
            formula,
            self.formula_units,
            self.space_group,
            self.lattice,
            original_encoding=self.original_encoding,
        )
        search, use = self._search(space, rng), BudgetUse(self.budget)
        evaluated: list[tuple[float, Candidate]] = []
        while not use.exhausted:
            proposals: list[tuple[int, int, Proposal]] = []
            points = search.ask()
            losses = [REJECTED] * len(points)
            for index, point in enumerate(points[: use.proposals_left(len(points))]):
                use.proposals += 1
                if (proposal := space.proposal(point)) is not None:
                    proposals.append((index, use.proposals, proposal))
            while proposals and not use.time_exhausted and (limit := use.energy_calls_left(BATCH)):
                batch, proposals = proposals[:limit], proposals[limit:]
                self._evaluate(batch, losses, evaluated, use)
            search.tell(losses)
            if self.on_progress:
                self.on_progress(*use.progress())
        yield from _different(evaluated, count)

    def _search(self, space: GnoaSpace, rng: np.random.Generator) -> Search:
        if self.search == "tpe":
            return ParzenSearch(space, rng, self.startup)
        if self.search == "pso":
            return SwarmSearch(space, rng, self.population)
        return RandomSearch(space, rng)

    def _evaluate(
        self,
        proposals: Sequence[tuple[int, int, Proposal]],
        losses: list[float],
        evaluated: list[tuple[float, Candidate]],
        use: BudgetUse,
    ) -> None:
        """Evaluate the energies of proposals; add them to the losses and to the candidates."""
        values = self.energies([proposal.structure for _, _, proposal in proposals])
        best = min((energy for energy, _ in evaluated), default=np.inf)
        for (index, number, proposal), value in zip(proposals, values, strict=True):
            use.energy_calls += 1
            if not np.isfinite(value):
                continue
            losses[index] = float(value)
            provenance = {
                **proposal.provenance,
                "energy_per_atom_ev": round(float(value), 6),
                "energy_call": use.energy_calls,
                "proposal": number,
            }
            candidate = Candidate(proposal.structure, self.name, None, None, provenance)
            evaluated.append((float(value), candidate))
            if value < best:
                best = float(value)
                if self.on_better:
                    self.on_better(candidate)


def _different(evaluated: Sequence[tuple[float, Candidate]], count: int) -> Iterator[Candidate]:
    """The lowest energies, without those that share letters and energy with a lower one."""
    taken: dict[tuple[object, ...], list[float]] = {}
    for energy, candidate in sorted(evaluated, key=lambda pair: pair[0]):
        facts = candidate.provenance
        number = facts.get("space_group", facts.get("drawn_space_group"))
        energies = taken.setdefault((number, str(facts["wyckoff"]), len(candidate.structure)), [])
        if any(energy - other < SAME_ENERGY for other in energies):
            continue
        energies.append(energy)
        yield candidate
        count -= 1
        if count == 0:
            return


def _check_potential(context: GeneratorContext) -> None:
    context.check_potential()


def _check_parzen(context: GeneratorContext) -> None:
    require_parzen()
    context.check_potential()


@register("gnoa-random", "random search for low energies (GNOA)", check=_check_potential, on_page=True)
def build_gnoa_random(context: GeneratorContext) -> GnoaGenerator:
    """Build the random search of a run."""
    return _build(context, "random")


@register("gnoa-tpe", "Parzen estimators for low energies (GNOA)", check=_check_parzen, on_page=True)
def build_gnoa_tpe(context: GeneratorContext) -> GnoaGenerator:
    """Build the search with Parzen estimators of a run."""
    return _build(context, "tpe")


@register("gnoa-pso", "particle swarm for low energies (GNOA)", check=_check_potential, on_page=True)
def build_gnoa_pso(context: GeneratorContext) -> GnoaGenerator:
    """Build the particle swarm of a run."""
    return _build(context, "pso")


def _build(context: GeneratorContext, search: SearchName) -> GnoaGenerator:
    return GnoaGenerator(
        context.searched_units,
        context.energies(),
        search=search,
        budget=DEFAULT_BUDGET if context.budget == Budget() else context.budget,
        space_group=context.space_group,
        lattice=context.lattice,
        original_encoding=context.config.gnoa_original_encoding,
        on_progress=context.on_progress,
        on_better=context.on_candidate,
    )
