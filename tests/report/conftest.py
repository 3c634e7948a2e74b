"""Predictions made of textbook structures, as the pipeline would hand them over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import min_image_distances, standard_structure
from alphacrystal.generate import Candidate
from alphacrystal.ranking import RankedStructure
from alphacrystal.relaxation import Relaxation, RelaxationStatus
from alphacrystal.report import DistogramSummary, Prediction, RunRecord

TITANIA = (
    ("P4_2/mnm", Lattice.tetragonal(4.594, 2.959), [(0, 0, 0), (0.305, 0.305, 0)]),  # rutile
    ("I4_1/amd", Lattice.tetragonal(3.785, 9.514), [(0, 0, 0), (0, 0, 0.208)]),  # anatase
    ("Pbca", Lattice.orthorhombic(9.174, 5.449, 5.138), None),  # brookite
    ("Pa-3", Lattice.cubic(4.855), [(0, 0, 0), (0.34, 0.34, 0.34)]),
    ("C2/m", Lattice.monoclinic(12.164, 3.735, 6.513, 107.3), None),  # TiO2(B)
)
BROOKITE = (["Ti", "O", "O"], [(0.129, 0.097, 0.862), (0.010, 0.149, 0.182), (0.230, 0.111, 0.536)])
BRONZE = (
    ["Ti", "Ti", "O", "O", "O", "O"],
    [
        (0.196, 0, 0.285),
        (0.101, 0, 0.707),
        (0.129, 0, 0.998),
        (0.261, 0, 0.656),
        (0.058, 0, 0.371),
        (0.359, 0, 0.291),
    ],
)


def titania_cells() -> list[Structure]:
    """Five polymorphs of TiO2, primitive cells."""
    cells = []
    for symbol, lattice, sites in TITANIA:
        if sites is not None:
            species, positions = ["Ti", "O"], sites
        else:
            species, positions = BROOKITE if symbol == "Pbca" else BRONZE
        cells.append(Structure.from_spacegroup(symbol, lattice, species, positions).get_primitive_structure())
    return cells


def stretched(structure: Structure) -> Structure:
    """A copy with 5 % more volume, as a candidate before relaxation."""
    copy = structure.copy()
    copy.scale_lattice(copy.volume * 1.05)
    return copy


def distogram(structure: Structure) -> DistogramSummary:
    """The true distances of a structure, widened into a Gaussian over the bins."""
    edges = np.linspace(0.5, 12.5, 49)
    centres = 0.5 * (edges[1:] + edges[:-1])
    distances = min_image_distances(structure.lattice.matrix, structure.frac_coords)
    weights = np.exp(-0.5 * ((centres - distances[..., None]) / 0.4) ** 2) + 1e-9
    probabilities = weights / weights.sum(axis=-1, keepdims=True)
    expected = probabilities @ centres
    np.fill_diagonal(expected, 0.0)
    return DistogramSummary(
        cell_formula=structure.composition.formula.replace(" ", ""),
        formula_units=structure.composition.get_reduced_composition_and_factor()[1],
        species=tuple(site.specie.symbol for site in structure),
        expected_distances=expected,
        bin_edges=edges,
        probabilities=probabilities,
    )


@pytest.fixture(scope="session")
def make_prediction() -> Callable[..., Prediction]:
    """Builds a TiO2 prediction: ``make_prediction(relaxed=True, count=5, **fields of Prediction)``."""
    cells = titania_cells()
    standard = [standard_structure(cell) for cell in cells]
    distograms = {item.cell_formula: item for item in map(distogram, cells)}

    def make(*, relaxed: bool = True, count: int = 5, **changes: object) -> Prediction:
        candidates, relaxations, ranked = [], {}, []
        for index in range(count):
            cell = cells[index % len(cells)].copy()
            candidates.append(
                Candidate(
                    structure=stretched(cell),
                    generator="distance_matrix" if index % 2 == 0 else "template",
                    log_probability=-2.0 - 0.7 * index if index != 3 else None,
                    provenance={
                        "seed": 7,
                        "fitness": np.float64(0.25),
                        "template": None,
                        "bad": float("nan"),
                    },
                )
            )
            if relaxed:
                relaxations[index] = Relaxation(
                    structure=cell,
                    status=RelaxationStatus.STEP_LIMIT if index == 2 else RelaxationStatus.CONVERGED,
                    reason="the force was still 0.21 eV/Å after 500 steps" if index == 2 else "",
                    energy_per_atom=-8.9 + 0.05 * index,
                    max_force=0.21 if index == 2 else 0.01,
                    max_stress=0.05,
                    steps=40,
                    seconds=1.5,
                )
            structure, number, symbol = standard[index % len(cells)]
            ranked.append(
                RankedStructure(
                    rank=index + 1,
                    chemical_rank=count - index,
                    energy_rank=index + 1 if relaxed else None,
                    structure=structure,
                    primitive=cell,
                    space_group_number=number,
                    space_group_symbol=symbol,
                    candidate=candidates[index],
                    candidate_index=index,
                    duplicates=(count,) if index == 0 else (),
                    relaxation=relaxations.get(index),
                    formation_energy_per_atom=-3.2 + 0.05 * index if relaxed else None,
                    energy_above_hull_per_atom=None,
                    score=float(index),
                    tight_space_group=number,
                )
            )
        candidates.append(Candidate(cells[0].copy(), "random", None))  # a duplicate of the first
        if relaxed:
            relaxations[count] = Relaxation(
                structure=cells[0],
                status=RelaxationStatus.EXPLODED,
                reason="the forces are not finite",
                energy_per_atom=float("nan"),
                max_force=None,
                max_stress=None,
                steps=3,
                seconds=0.1,
            )
        fields: dict[str, object] = {
            "formula": "TiO2",
            "formula_text": "TiO₂",
            "ranked": tuple(ranked),
            "candidates": tuple(candidates),
            "relaxations": relaxations,
            "distograms": tuple(distograms.values()),
            "potential": "CHGNet 0.3.0" if relaxed else None,
            "timings": {"prior": 0.1, "search": 1.2, "relax": 9.0 if relaxed else 0.0},
        }
        return Prediction(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def run() -> RunRecord:
    return RunRecord(
        configuration={"formula": "TiO2", "top": 20, "pressure": 0.0},
        seed=7,
        model_hashes={"distance": "ab" * 32},
    )
