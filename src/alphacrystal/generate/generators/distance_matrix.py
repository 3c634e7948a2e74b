"""The AlphaCrystal-II generator: hypotheses → distograms → reconstruction → prior × geometry.

Distograms of cells with up to MAX_DISTANCE_ATOMS atoms hold all atom pairs, those of larger cells the
symmetry-distinct pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.generate.protocol import Candidate
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.typing import CountProgress, StageProgress

if TYPE_CHECKING:
    import numpy as np

    from alphacrystal.composition import Formula
    from alphacrystal.crystal import LatticeParameters, SpaceGroupChoice, SymmetryHypothesis
    from alphacrystal.diffraction import PeakList
    from alphacrystal.reconstruct import FitnessName, Reconstruction, SearchSettings

# Weight of the geometry (mean negative log density per pair) against the log prior. On 120 validation
# compounds anything from 0.3 to 1 ranks alike; see docs/ranking.md.
GEOMETRY_WEIGHT = 0.5
HYPOTHESES_PER_CANDIDATE = 1.2  # more than 1, since some give duplicates or overlapping atoms
MAX_HYPOTHESES_PER_CANDIDATE = 2.4  # if many give duplicates
MIN_ADDED = 5  # candidates for which hypotheses are added at a time
CHUNK = 64  # hypotheses searched together
# Candidates of large cells are fewer, which limits the time of their relaxation: MIN_CANDIDATES, then as many
# as MAX_TOTAL_ATOMS allow.
MAX_TOTAL_ATOMS, MIN_CANDIDATES = 2400, 40
# Hypotheses with large cells that are less probable, relative to the most probable one, are not searched:
# they give the fittest prototype or nothing.
MIN_SEARCHED = 2e-3
DEEP_HYPOTHESES = 6  # most probable ones, with a deeper search if they have many free coordinates
DEEP_FREE = 3
MIN_GUIDED = 150  # hypotheses that are compared with the peaks of a powder pattern at least


@dataclass(frozen=True, slots=True)
class DistanceMatrixGenerator:
    """Builds candidates from predicted symmetry, cells and distance matrices.

    Attributes:
        formula_units: Formula units Z the primitive cell may hold.
        space_group: Only this group, or those of this crystal system, if given.
        lattice: Conventional cell to use instead of predicted ones.
        lattice_tolerance: Its relative standard deviation, within which the search changes it.
        search: Effort of the reconstruction; a quick and a thorough one by default.
        fitness: The function that the search minimises, see SearchSettings.
        prototypes: Also build each hypothesis from prototype coordinates. False uses the predicted distances
            alone, as AlphaCrystal-II does.
        models: Folder of weights; the shipped ones by default.
        on_progress: Called with (hypotheses done, hypotheses in total).
        finished: Candidates of the finished parts of an interrupted run with the same settings, by number of
            the part; these parts are not computed again.
        on_part: Called with the number and the candidates of each finished part.
        peaks: Measured peaks of a powder pattern: hypotheses get the cells that index them, and the order of
            prior and peaks together.
        pressure_gpa: Pressure of the compound, which brings further structure types.
    """

    formula_units: Sequence[int]
    space_group: SpaceGroupChoice | None = None
    lattice: LatticeParameters | None = None
    lattice_tolerance: float = 0.0
    search: SearchSettings | None = None
    fitness: FitnessName = "likelihood"
    prototypes: bool = True
    models: Path | None = None
    on_progress: StageProgress | None = field(default=None, compare=False)
    finished: Mapping[int, Sequence[Candidate]] = field(default_factory=dict, compare=False)
    on_part: Callable[[int, list[Candidate]], None] | None = field(default=None, compare=False)
    peaks: PeakList | None = None
    pressure_gpa: float = 0.0
    name: str = "distance_matrix"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, best first by prior × geometry; no two are equal crystals.

        A hypothesis of a known structure type gives two candidates: the result of the search, and the fittest
        of its prototype coordinates. Of equal crystals only the best one is a candidate, and
        further hypotheses are built until there are ``count`` or the hypotheses run out.

        Raises:
            InputError: The cell content cannot be placed, or is too large for the networks.
        """
        from alphacrystal.crystal import group_duplicates
        from alphacrystal.learn import predict_hypotheses

        limit = max(count, int(count * MAX_HYPOTHESES_PER_CANDIDATE))
        hypotheses = predict_hypotheses(
            formula,
            self.formula_units,
            limit if self.peaks is None else max(limit, MIN_GUIDED),
            group=self.space_group,
            lattice=self.lattice,
            pressure_gpa=self.pressure_gpa,
            lattice_tolerance=self.lattice_tolerance,
            models=self.models,
        )
        if self.peaks is not None:
            from alphacrystal.diffraction import guided_hypotheses

            hypotheses = guided_hypotheses(hypotheses, self.peaks)[:limit]
        seed = int(rng.integers(2**31))
        least = max((h.log_probability for h in hypotheses), default=0.0) + math.log(MIN_SEARCHED)
        candidates: list[Candidate] = []
        distinct: list[Candidate] = []
        parts = done = 0
        if self.pressure_gpa > 0 and self.peaks is None and self.lattice is None:
            candidates += self._from_homologues(formula, hypotheses, seed, parts)
            parts += 1
        while len(distinct) < count and done < len(hypotheses):
            missing = max(count - len(distinct), MIN_ADDED)
            begin, end = done, done + math.ceil(missing * HYPOTHESES_PER_CANDIDATE)
            total = min(end, len(hypotheses))
            for part, settings in self._parts(hypotheses[begin:end], first=not done):
                candidates += self._built(part, settings, parts, seed, done, total, least)
                parts += 1
                done += len(part)
            ordered = normalised(candidates)
            groups = group_duplicates([candidate.structure for candidate in ordered])
            distinct = [ordered[group[0]] for group in groups]
        yield from within_atom_budget(distinct[:count])

    def _parts(
        self, hypotheses: Sequence[SymmetryHypothesis], *, first: bool
    ) -> list[tuple[Sequence[SymmetryHypothesis], SearchSettings]]:
        """Hypotheses that are searched together, and the effort; ``first``: with the most probable."""
        from alphacrystal.crystal import free_count
        from alphacrystal.reconstruct import SearchSettings

        quick = self.search or SearchSettings(fitness=self.fitness)
        thorough = self.search or replace(SearchSettings.thorough(), fitness=self.fitness)
        likely = hypotheses[:DEEP_HYPOTHESES] if first else []
        deep = [h for h in likely if free_count(h.space_group, h.occupation.values()) >= DEEP_FREE]
        shallow = [h for h in hypotheses if h not in deep]
        parts: list[tuple[Sequence[SymmetryHypothesis], SearchSettings]] = [(deep, thorough)] if deep else []
        return parts + [(shallow[start : start + CHUNK], quick) for start in range(0, len(shallow), CHUNK)]

    def _built(
        self,
        part: Sequence[SymmetryHypothesis],
        settings: SearchSettings,
        number: int,
        seed: int,
        before: int,
        total: int,
        least: float,
    ) -> list[Candidate]:
        """The candidates of one part, new or finished.

        Args:
            part: Hypotheses.
            settings: Effort of their search.
            number: Number of the part.
            seed: Seed of the run.
            before, total: Hypotheses done so far, and in total.
            least: Log-probability of the hypotheses with large cells that are searched.
        """
        from alphacrystal.crystal import atom_sites
        from alphacrystal.learn import MAX_DISTANCE_ATOMS

        candidates = self.finished.get(number)
        if candidates is None:
            small: list[SymmetryHypothesis] = []
            large: list[SymmetryHypothesis] = []
            for hypothesis in part:
                fits = len(atom_sites(hypothesis).numbers) <= MAX_DISTANCE_ATOMS
                (small if fits else large).append(hypothesis)
            report = self._report(before, total)
            candidates = self._from_distances(small, settings, seed, number, report)
            report = self._report(before + len(small), total)
            likely = [hypothesis for hypothesis in large if hypothesis.log_probability >= least]
            candidates += self._from_orbits(likely, settings, seed, number, report)
            unlikely = [hypothesis for hypothesis in large if hypothesis.log_probability < least]
            candidates += self._from_orbits(unlikely, None, seed, number, report)
            if self.on_part:
                self.on_part(number, candidates)
        if self.on_progress:
            self.on_progress(before + len(part), total)
        return list(candidates)

    def _from_homologues(
        self, formula: Formula, hypotheses: Sequence[SymmetryHypothesis], seed: int, number: int
    ) -> list[Candidate]:
        """Candidates with the structures of heavier homologues in the predicted volumes, as a separate part.

        Arguments as for ``_built``; new or finished.
        """
        from alphacrystal.crystal import lattice_points
        from alphacrystal.learn import homologue_hypotheses

        finished = self.finished.get(number)
        if finished is not None:
            return list(finished)
        models = homologue_hypotheses(
            formula, self.formula_units, hypotheses, group=self.space_group, models=self.models
        )
        report = self._report(0, len(hypotheses))
        candidates = []
        for model in models:
            for built in self._from_orbits([model.homologue], None, seed, number, report):
                mine = model.hypothesis
                structure = built.structure.copy()
                structure.replace_species({model.heavier: model.replaced})
                structure.scale_lattice(mine.lattice.volume / lattice_points(mine.space_group))
                score = (built.log_probability or 0.0) - model.homologue.log_probability
                provenance = {**built.provenance, "homologue": model.heavier}
                candidates.append(
                    Candidate(structure, self.name, score + mine.log_probability, mine, provenance)
                )
        if self.on_part:
            self.on_part(number, candidates)
        return candidates

    def _from_distances(
        self,
        hypotheses: Sequence[SymmetryHypothesis],
        settings: SearchSettings,
        seed: int,
        number: int,
        report: CountProgress,
    ) -> list[Candidate]:
        """Candidates of cells whose distances the network predicts."""
        from alphacrystal.learn import predict_distograms, prototype_coordinates
        from alphacrystal.reconstruct import improve_by_assembly, reconstruct, reconstruct_from_prototypes

        if not hypotheses:
            return []
        distograms = predict_distograms(hypotheses, models=self.models)
        built = reconstruct(hypotheses, distograms, settings, seed + number, on_done=report)
        if settings.assembly:
            built = improve_by_assembly(hypotheses, distograms, built, settings.fitness, seed + number)
        candidates = [self._candidate(*pair, seed) for pair in zip(hypotheses, built, strict=True)]
        if self.prototypes:
            coordinates = prototype_coordinates(hypotheses, models=self.models)
            prototypes = reconstruct_from_prototypes(hypotheses, distograms, coordinates, settings.fitness)
            candidates += [
                self._candidate(hypothesis, prototype, seed)
                for hypothesis, prototype in zip(hypotheses, prototypes, strict=True)
                if prototype
            ]
        return candidates

    def _from_orbits(
        self,
        hypotheses: Sequence[SymmetryHypothesis],
        settings: SearchSettings | None,
        seed: int,
        number: int,
        report: CountProgress,
    ) -> list[Candidate]:
        """Candidates of larger cells, from the predicted distances between their orbits.

        Without settings there is no search, only the fittest prototype of each hypothesis.
        """
        from alphacrystal.learn import nearest_prototypes, predict_orbit_distograms, prototype_coordinates
        from alphacrystal.reconstruct import (
            improve_from_prototypes,
            reconstruct,
            reconstruct_from_prototypes,
        )

        if not hypotheses or not (settings or self.prototypes):
            return []
        nearest = nearest_prototypes(hypotheses, models=self.models)
        distograms = predict_orbit_distograms(hypotheses, nearest, models=self.models)
        coordinates = prototype_coordinates(hypotheses, models=self.models) if self.prototypes else []
        built: Sequence[Reconstruction | None]
        if settings is None:
            built = reconstruct_from_prototypes(hypotheses, distograms, coordinates, self.fitness)
        else:
            searched = reconstruct(hypotheses, distograms, settings, seed + number, on_done=report)
            built = searched
            if self.prototypes:
                starts = [[(item.setting, item.values) for item in prototypes] for prototypes in nearest]
                built = improve_from_prototypes(
                    hypotheses, distograms, searched, coordinates, starts, settings
                )
        return [
            self._candidate(hypothesis, crystal, seed)
            for hypothesis, crystal in zip(hypotheses, built, strict=True)
            if crystal
        ]

    def _report(self, before: int, total: int) -> CountProgress:
        def report(done: int) -> None:
            if self.on_progress:
                self.on_progress(before + done, total)

        return report

    def _candidate(self, hypothesis: SymmetryHypothesis, built: Reconstruction, seed: int) -> Candidate:
        from ase.data import chemical_symbols
        from pymatgen.core import Lattice, Structure

        species = [chemical_symbols[number] for number in built.numbers]
        structure = Structure(Lattice(built.lattice), species, built.positions)
        score = hypothesis.log_probability - GEOMETRY_WEIGHT * (built.geometry + built.penalty)
        provenance: dict[str, object] = {
            "geometry": round(built.geometry, 4),
            "penalty": round(built.penalty, 4),
            "method": built.method,
            "seed": seed,
        }
        return Candidate(structure, self.name, score, hypothesis, provenance)


def within_atom_budget(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first candidates: MIN_CANDIDATES, then as long as they hold MAX_TOTAL_ATOMS atoms together."""
    kept: list[Candidate] = []
    total = 0
    for candidate in candidates:
        total += len(candidate.structure)
        if len(kept) >= MIN_CANDIDATES and total > MAX_TOTAL_ATOMS:
            break
        kept.append(candidate)
    return kept


def normalised(candidates: list[Candidate]) -> list[Candidate]:
    """Candidates by score, best first, with scores normalised to log-probabilities over all of them."""
    scores = [candidate.log_probability or 0.0 for candidate in candidates]
    best = max(scores, default=0.0)
    total = best + math.log(sum(math.exp(score - best) for score in scores)) if scores else 0.0
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [replace(candidates[i], log_probability=scores[i] - total) for i in order]


@register(
    "distance_matrix",
    "predicted symmetry, cells and distance matrices (AlphaCrystal-II)",
    on_page=True,
    in_parts=True,
)
def build_distance_matrix(context: GeneratorContext) -> DistanceMatrixGenerator:
    """Build the generator of a run."""
    return DistanceMatrixGenerator(
        formula_units=context.formula_units,
        space_group=context.space_group,
        lattice=context.lattice,
        lattice_tolerance=(context.config.lattice_tolerance or 0.0) / 2,
        models=context.config.models,
        fitness=context.config.fitness,
        on_progress=context.on_progress,
        finished=context.finished,
        on_part=context.on_part,
        peaks=context.peaks,
        pressure_gpa=context.config.pressure,
    )
