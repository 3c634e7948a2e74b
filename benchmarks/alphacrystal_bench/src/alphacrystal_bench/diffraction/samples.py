"""Samples of powder patterns: measured, simulated by others, and of held-out compounds with faults."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord
from alphacrystal.diffraction import CU_KALPHA, PowderPattern
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray
from alphacrystal_bench.diffraction.measurements import Spread, measured_pattern
from alphacrystal_bench.harness.rows import sample
from alphacrystal_bench.known_crystals.tables import SIZES
from alphacrystal_bench.known_crystals.validation_sizes import validation_records

SIMULATED_WAVELENGTH = "1.54184"  # Å, of the simulated patterns
#: Faults of the patterns of held-out compounds, from an ideal sample to a poor one.
GRADES: Mapping[str, Spread] = {
    "good": Spread(
        zero=0.01, width=(0.05, 0.1), strain_width=0.05, texture=0.05, counts=(2e4, 1e5), background=0.03
    ),
    "usual": Spread(),
    "poor": Spread(
        zero=0.06, width=(0.15, 0.35), strain_width=0.4, texture=0.35, counts=(300.0, 3000.0), background=0.3
    ),
}
FOREIGN_GRADES = ("usual", "poor")  # with 5 % of another phase
STRAIN = (0.01, 0.02)  # of the measured cell against that of the record, relative


@dataclass(frozen=True, slots=True)
class PatternSample:
    """A powder pattern and the crystal behind it.

    Attributes:
        id: Of the sample.
        set: "lab", "simulated", or "val" with a grade.
        formula: Reduced formula.
        wavelength: Option `--wavelength`.
        two_theta: Degrees, shape (points,).
        intensity: shape (points,).
        crystal: The known crystal; None where only its space group is known.
        space_group: Its number where there is no crystal.
    """

    id: str
    set: str
    formula: str
    wavelength: str
    two_theta: FloatArray
    intensity: FloatArray
    crystal: Structure | None
    space_group: int | None = None

    def write(self, path: Path) -> None:
        """Write the pattern as a file that a user has."""
        columns = np.column_stack([self.two_theta, self.intensity])
        np.savetxt(path, columns, fmt="%.5f %.3f", header="2theta intensity")


def laboratory_samples(data: Path, limit: int | None, seed: int) -> list[PatternSample]:
    """The measured patterns of ``xrd/lab10.jsonl.gz`` in a data folder."""
    rows = sample(list(_lines(data / "xrd" / "lab10.jsonl.gz")), limit, seed)
    return [
        PatternSample(
            id=f"lab-{row['name']}",
            set="lab",
            formula=row["reduced_formula"],
            wavelength=str(row["wavelength_angstrom"]),
            two_theta=np.array(row["two_theta"]),
            intensity=np.array(row["intensities"]),
            crystal=Structure(Lattice(row["lattice"]), row["species"], row["frac_coords"]),
        )
        for row in rows
    ]


def simulated_samples(data: Path, limit: int | None, seed: int) -> list[PatternSample]:
    """The simulated patterns of ``xrd/simulated180.jsonl.gz`` in a data folder."""
    rows = list(enumerate(_lines(data / "xrd" / "simulated180.jsonl.gz")))
    return [
        PatternSample(
            id=f"simulated-{number}",
            set="simulated",
            formula=row["reduced_formula"],
            wavelength=SIMULATED_WAVELENGTH,
            two_theta=row["two_theta_start"] + row["two_theta_step"] * np.arange(len(row["intensities"])),
            intensity=np.array(row["intensities"]),
            crystal=None,
            space_group=int(row["space_group"]),
        )
        for number, row in sample(rows, limit, seed)
    ]


def validation_samples(
    records: Iterable[StructureRecord], count: int, seed: int, grade: str
) -> list[PatternSample]:
    """Faulty patterns of experimental validation compounds with up to 20 atoms.

    The measured crystal is that of the record with a random strain that keeps its symmetry.
    """
    (smallest, *_) = SIZES
    chosen = validation_records(records, count + 1, seed, [smallest])
    samples = []
    for record, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
        rng = np.random.default_rng([seed, *f"{record.id}-{grade}".encode()])
        structure = record.structure()
        foreign = other.structure() if grade in FOREIGN_GRADES else None
        pattern = measured_pattern(strained(structure, rng), foreign, rng, GRADES[grade])
        samples.append(_validation_sample(record, structure, grade, pattern))
    return samples[:count]


def strained(structure: Structure, rng: np.random.Generator) -> Structure:
    """The crystal with another cell of the same symmetry."""
    from alphacrystal.crystal import Crystal, symmetrise_crystal

    crystal = symmetrise_crystal(Crystal.from_structure(structure), 0.01)
    assert crystal.symmetry is not None
    basis = crystal.symmetry.strain_basis()
    strain = np.einsum("m,mij->ij", rng.normal(size=len(basis)), basis)
    strain *= rng.uniform(*STRAIN) * np.sqrt(3) / np.linalg.norm(strain)
    return Crystal(
        crystal.numbers, crystal.lattice @ (np.eye(3) + strain), crystal.frac_coords
    ).to_structure()


def _validation_sample(
    record: StructureRecord, structure: Structure, grade: str, pattern: PowderPattern
) -> PatternSample:
    assert pattern.radiation == CU_KALPHA
    return PatternSample(
        id=f"val-{grade}-{record.id}",
        set=f"val_{grade}",
        formula=record.reduced_formula,
        wavelength="CuKa",
        two_theta=pattern.two_theta,
        intensity=pattern.intensity,
        crystal=structure,
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)
    except OSError as error:
        raise InputError(f"Name the folder that contains xrd/{path.name} with --data DIR.") from error


def training_formulas(records: Sequence[StructureRecord]) -> frozenset[str]:
    """Reduced formulas that the networks were trained on."""
    return frozenset(record.reduced_formula for record in records if record.split == "train")
