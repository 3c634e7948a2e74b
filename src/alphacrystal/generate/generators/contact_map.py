"""The AlphaCrystal-I generator: predicted contact map → CMCrystal's search in the most probable space groups.

Hu et al., ACS Omega 8, 26170 (2023), arXiv 2102.01620; CMCrystal: Hu et al., arXiv 2008.07016. Of
each space group one crystal is built, as there: the Wyckoff assignments with the fewest orbits are screened
and the one whose contacts agree best is kept, in a cell that does not move. Space groups and cells come from
the networks of this package instead of CRYSPNet and MLatticeABC. Coupled coordinates stay coupled, and atoms
may not clash; the original allows both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Distogram, atom_sites, contact_limits
from alphacrystal.errors import InputError
from alphacrystal.generate.arrangement import to_structure
from alphacrystal.generate.generators.distance_matrix import normalised
from alphacrystal.generate.protocol import UNLIMITED, Budget, BudgetUse, Candidate
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.typing import IntArray, StageProgress

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.crystal import LatticeParameters, SpaceGroupChoice, SymmetryHypothesis
    from alphacrystal.reconstruct import Reconstruction, SearchSettings

BATCH = 8  # space groups searched as one batch
SCREENED = 32  # Wyckoff assignments looked at in each space group
MARGIN = 0.5  # Å between the distances and the limit of a contact, so that each pair is clearly classified
EDGES = np.linspace(0.5, 10.0, 39)  # Å, of the distogram that carries the map
CONTACT_WEIGHT = 5.0  # of 1 - F1 against the log-probability of the space group; not tuned
NO_SPREAD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ContactMapGenerator:
    """Builds one candidate for each of the most probable space groups and Z from a predicted contact map.

    Attributes:
        formula_units: Formula units Z the primitive cell may hold; cells of more than 12 atoms are left out.
        space_group: Only this group, or those of this crystal system, if given.
        lattice: Conventional cell to use instead of predicted ones.
        search: Effort of the reconstruction.
        models: Folder of weights; the shipped ones by default.
        budget: When to stop; a proposal is one searched Wyckoff assignment.
        on_progress: Called with (space groups done, space groups in total).
    """

    formula_units: Sequence[int]
    space_group: SpaceGroupChoice | None = None
    lattice: LatticeParameters | None = None
    search: SearchSettings | None = None
    models: Path | None = None
    budget: Budget = UNLIMITED
    on_progress: StageProgress | None = field(default=None, compare=False)
    name: str = "contact_map"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, best first by space group and agreement of the contacts.

        Raises:
            InputError: No requested cell has at most 12 atoms, or none can be placed.
        """
        formula_units = small_units(formula, self.formula_units)
        seed = int(rng.integers(2**31))
        use = BudgetUse(self.budget)
        candidates: list[Candidate] = []
        groups = self._groups(formula, formula_units, count)
        log_probabilities = dict(groups)
        for start in range(0, len(groups), BATCH):
            if use.exhausted:
                break
            chosen = [number for number, _ in groups[start : start + BATCH]]
            hypotheses = [
                hypothesis
                for number in chosen
                for hypothesis in self._screened(formula, formula_units, number)
            ]
            built = self._reconstruct(hypotheses, seed + start)
            use.proposals += len(hypotheses)
            candidates += self._best_of_each(hypotheses, built, log_probabilities, seed)
            if self.on_progress:
                self.on_progress(start + len(chosen), len(groups))
        yield from normalised(candidates)[:count]

    def _groups(self, formula: Formula, formula_units: Sequence[int], count: int) -> list[tuple[int, float]]:
        """The most probable space groups with their log-probabilities."""
        from alphacrystal.learn import type_probabilities

        structure_types, logs = type_probabilities(
            formula, formula_units, group=self.space_group, models=self.models
        )
        totals: dict[int, float] = {}
        for structure_type, log in zip(structure_types, logs.tolist(), strict=True):
            group = structure_type.space_group
            totals[group] = float(np.logaddexp(totals.get(group, -np.inf), log))
        return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))[:count]

    def _screened(
        self, formula: Formula, formula_units: Sequence[int], number: int
    ) -> list[SymmetryHypothesis]:
        """Hypotheses of a space group with the fewest orbits of each Z, their cells held."""
        from alphacrystal.learn import predict_hypotheses

        try:
            hypotheses = predict_hypotheses(
                formula, formula_units, SCREENED, group=number, lattice=self.lattice, models=self.models
            )
        except InputError:  # a given lattice may fit one likely space group and not another
            if isinstance(self.space_group, int):
                raise
            return []
        fewest: dict[int, int] = {}
        for hypothesis in hypotheses:
            z = hypothesis.formula_units
            fewest[z] = min(fewest.get(z, 10**6), _orbits(hypothesis))
        return [
            replace(hypothesis, shape_scale=NO_SPREAD)
            for hypothesis in hypotheses
            if _orbits(hypothesis) == fewest[hypothesis.formula_units]
        ]

    def _reconstruct(self, hypotheses: Sequence[SymmetryHypothesis], seed: int) -> list[Reconstruction]:
        from alphacrystal.reconstruct import SearchSettings, reconstruct

        if not hypotheses:
            return []
        settings = replace(self.search or SearchSettings(), fitness="contacts")
        contents = [tuple(atom_sites(item).numbers.tolist()) for item in hypotheses]
        maps = {content: self._map(np.array(content, dtype=np.int64)) for content in set(contents)}
        return reconstruct(hypotheses, [maps[content] for content in contents], settings, seed)

    def _map(self, numbers: IntArray) -> Distogram:
        """The predicted contact map as distances clearly within or beyond those of a contact."""
        from alphacrystal.learn import ContactNet, contact_probabilities, load_model, models_folder

        net = load_model("contact", models_folder(self.models))
        assert isinstance(net, ContactNet)
        limits = contact_limits(numbers)
        touching = contact_probabilities(net, numbers) > 0.5
        distances = limits + np.where(touching, -MARGIN, MARGIN)
        np.fill_diagonal(distances, 0.0)
        return replace(Distogram.from_distances(numbers, distances, EDGES), answer=distances)

    def _best_of_each(
        self,
        hypotheses: Sequence[SymmetryHypothesis],
        built: Sequence[Reconstruction],
        log_probabilities: Mapping[int, float],
        seed: int,
    ) -> list[Candidate]:
        """The best agreement of each space group and Z."""
        best: dict[tuple[int, int], tuple[float, int]] = {}
        for index, (hypothesis, rebuilt) in enumerate(zip(hypotheses, built, strict=True)):
            key, cost = (hypothesis.space_group, hypothesis.formula_units), rebuilt.geometry + rebuilt.penalty
            best[key] = min(best.get(key, (np.inf, -1)), (cost, index))
        candidates = []
        for cost, index in best.values():
            rebuilt, hypothesis = built[index], hypotheses[index]
            provenance: dict[str, object] = {
                "contact_f1": round(1 - rebuilt.geometry, 4),
                "penalty": round(rebuilt.penalty, 4),
                "seed": seed,
            }
            structure = to_structure(rebuilt.lattice, rebuilt.numbers, rebuilt.positions)
            score = log_probabilities[hypothesis.space_group] - CONTACT_WEIGHT * cost
            candidates.append(Candidate(structure, self.name, score, hypothesis, provenance))
        return candidates


def small_units(formula: Formula, formula_units: Sequence[int]) -> list[int]:
    """Those Z whose cells fit in a contact map.

    Raises:
        InputError: There is none.
    """
    from alphacrystal.learn import MAX_CONTACT_MAP_ATOMS as MAX_ATOMS

    small = [z for z in formula_units if z * formula.num_atoms <= MAX_ATOMS]
    if not small:
        raise InputError(
            f"AlphaCrystal-I's contact maps contain at most {MAX_ATOMS} atoms, and the requested cells of "
            f"{formula.text} have more: choose a smaller cell or another generator."
        )
    return small


def _orbits(hypothesis: SymmetryHypothesis) -> int:
    return sum(map(len, hypothesis.occupation.values()))


def _check_contact_map(context: GeneratorContext) -> None:
    if context.config.generators == ("contact_map",):
        small_units(context.formula, context.formula_units)


@register(
    "contact_map",
    "predicted contact maps (AlphaCrystal-I), cells up to 12 atoms",
    check=_check_contact_map,
    models=("contact",),
    on_page=True,
    unrelaxed_copies=False,  # contacts leave the coordinates open
)
def build_contact_map(context: GeneratorContext) -> ContactMapGenerator:
    """Build the generator of a run."""
    return ContactMapGenerator(
        context.formula_units,
        context.space_group,
        context.lattice,
        models=context.config.models,
        budget=context.budget,
        on_progress=context.on_progress,
    )
