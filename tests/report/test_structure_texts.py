"""POSCAR and extended XYZ: the texts that pymatgen and ASE write."""

from __future__ import annotations

import io

import pytest
from ase.io.extxyz import read_xyz, write_extxyz
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from alphacrystal.crystal import as_atoms
from alphacrystal.generate import Candidate
from alphacrystal.relaxation import Relaxation, RelaxationStatus
from alphacrystal.report import Prediction, poscar_text
from alphacrystal.report._results import candidates_extxyz

QUARTZ = Structure.from_spacegroup(
    "P3_221", Lattice.hexagonal(4.91, 5.40), ["O", "Si"], [[0.413, 0.267, 0.786], [0.47, 0, 2 / 3]]
)
LEFT_HANDED = Structure(
    Lattice([[0, 4, 0], [4, 0, 0], [0, 0, 5]]), ["Cl", "Na"], [[0, 0, 0], [0.5, 1.2, -0.3]]
)


@pytest.mark.parametrize("structure", [QUARTZ, LEFT_HANDED], ids=["quartz", "left-handed"])
def test_a_poscar_is_that_of_pymatgen(structure: Structure) -> None:
    expected = Poscar(structure.get_sorted_structure()).get_str(significant_figures=10)
    assert poscar_text(structure) == expected


def test_frames_are_those_of_ase() -> None:
    candidates = (
        Candidate(QUARTZ, "template", None, None, {}),
        Candidate(LEFT_HANDED, "distance_matrix", -1.5, None, {}),
    )
    relaxed = Relaxation(QUARTZ, RelaxationStatus.STEP_LIMIT, "", -7.25, 0.5, 0.1, 9, 1.0)
    prediction = Prediction("SiO2", "SiO2", (), candidates, relaxations={0: relaxed})
    text = candidates_extxyz(prediction)
    first, second = as_atoms(QUARTZ), as_atoms(LEFT_HANDED)
    first.info.update(
        candidate=0,
        formula="SiO2",
        generator="template",
        status="step limit",
        energy_per_atom_ev=-7.25,
        max_force_ev_per_a=0.5,
    )
    second.info.update(
        candidate=1, formula="SiO2", generator="distance_matrix", status="not relaxed", log_probability=-1.5
    )
    stream = io.StringIO()
    write_extxyz(stream, [first, second])
    assert text == stream.getvalue()
    assert [atoms.info for atoms in read_xyz(io.StringIO(text), slice(None))] == [first.info, second.info]
