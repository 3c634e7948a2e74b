"""The AlphaCrystal-II generator: hypotheses → distograms → reconstruction → prior × geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.generate._candidate import Candidate

if TYPE_CHECKING:
    import numpy as np

    from alphacrystal.composition import Formula
    from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
    from alphacrystal.reconstruct import Reconstruction, SearchSettings

# Weight of the geometry (mean negative log density per pair) against the log prior; chosen on the validation
# split by `alphacrystal benchmark`-style sweeps, see docs/ranking.md.
GEOMETRY_WEIGHT = 1.0
HYPOTHESES_PER_CANDIDATE = 1.2  # a few more than asked for, since some end in the same structure or clash
CHUNK = 64  # hypotheses searched together


@dataclass(frozen=True, slots=True)
class DistanceMatrixGenerator:
    """Builds candidates from predicted symmetry, cells and distance matrices.

    Attributes:
        units: Formula units Z the primitive cell may hold.
        space_group: Only this group, if given.
        lattice: Conventional cell to use instead of predicted ones.
        search: Effort of the reconstruction.
        models: Folder of weights; the shipped ones by default.
        on_progress: Called with (hypotheses done, hypotheses in total).
        finished: Candidates of parts made by an earlier, interrupted run with the same settings, by the index
            of their first hypothesis; they are taken over instead of being made again.
        on_part: Called with that index and the candidates as soon as a part is made.
    """

    units: Sequence[int]
    space_group: int | None = None
    lattice: LatticeParameters | None = None
    search: SearchSettings | None = None
    models: Path | None = None
    on_progress: Callable[[int, int], None] | None = field(default=None, compare=False)
    finished: Mapping[int, Sequence[Candidate]] = field(default_factory=dict, compare=False)
    on_part: Callable[[int, list[Candidate]], None] | None = field(default=None, compare=False)
    name: str = "distance_matrix"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, best first by prior × geometry.

        Raises:
            InputError: The cell content cannot be placed, or is too large for the networks.
        """
        from alphacrystal.learn import predict_distograms, predict_hypotheses
        from alphacrystal.reconstruct import SearchSettings, reconstruct

        wanted = max(count, int(count * HYPOTHESES_PER_CANDIDATE))
        hypotheses = predict_hypotheses(
            formula, self.units, wanted, group=self.space_group, lattice=self.lattice, models=self.models
        )
        settings = self.search or SearchSettings()
        seed = int(rng.integers(2**31))
        candidates: list[Candidate] = []
        for start in range(0, len(hypotheses), CHUNK):
            part = hypotheses[start : start + CHUNK]
            made = list(self.finished.get(start, ()))
            if len(made) != len(part):
                distograms = predict_distograms(part, models=self.models)
                built = reconstruct(part, distograms, settings, seed + start)
                made = [self._candidate(*pair, seed) for pair in zip(part, built, strict=True)]
                if self.on_part:
                    self.on_part(start, made)
            candidates += made
            if self.on_progress:
                self.on_progress(start + len(part), len(hypotheses))
        candidates.sort(key=lambda candidate: -(candidate.log_probability or 0.0))
        yield from candidates[:count]

    def _candidate(self, hypothesis: SymmetryHypothesis, built: Reconstruction, seed: int) -> Candidate:
        from ase.data import chemical_symbols
        from pymatgen.core import Lattice, Structure

        species = [chemical_symbols[number] for number in built.numbers]
        structure = Structure(Lattice(built.lattice), species, built.positions)
        score = hypothesis.log_probability - GEOMETRY_WEIGHT * (built.geometry + built.penalty)
        provenance: dict[str, object] = {
            "space_group": hypothesis.space_group,
            "wyckoff": dict(hypothesis.occupation),
            "formula_units": hypothesis.formula_units,
            "hypothesis_source": hypothesis.source,
            "log_prior": round(hypothesis.log_probability, 4),
            "geometry": round(built.geometry, 4),
            "penalty": round(built.penalty, 4),
            "seed": seed,
        }
        return Candidate(structure, self.name, score, hypothesis, provenance)
