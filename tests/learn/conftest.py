"""Small crystals, small networks: textbook structures with other elements, split by formula."""

from collections.abc import Callable

import pytest
import torch
from pymatgen.core import Structure

from alphacrystal.data import (
    PreparedStructures,
    StructureRecord,
    assemble,
    benchmark_formulas,
    prepare_record,
)
from alphacrystal.learn.distances.network import DistanceNetConfig
from alphacrystal.learn.lattice.network import LatticeNetConfig
from alphacrystal.learn.symmetry.network import SymmetryNetConfig
from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask

torch.set_num_threads(1)

# Other compounds of the same structure type (about the right cell; the last of each validates).
LIKE = {
    "halite": [{}, {"Na": "K", "Cl": "Br"}, {"Na": "Mg", "Cl": "O"}, {"Na": "Li", "Cl": "F"}],
    "fluorite": [{}, {"Ca": "Sr"}, {"Ca": "Ba"}],
    "rutile": [{}, {"Ti": "Sn"}, {"Ti": "Pb"}],
    "wurtzite": [{}, {"Zn": "Be"}, {"Zn": "Cd", "O": "S"}],
    "perovskite": [{}, {"Sr": "Ba"}, {"Sr": "Ca", "Ti": "Zr"}],
    "corundum": [{}, {"Al": "Cr"}, {"Al": "Fe"}],
    "quartz": [{}, {"Si": "Ge"}],
    "baddeleyite": [{}, {"Zr": "Hf"}],
}


@pytest.fixture(scope="session")
def records(textbook: Callable[[str], Structure]) -> list[StructureRecord]:
    """Textbook crystals with their own and other elements, in two splits."""
    made = []
    for name, replacements in LIKE.items():
        for number, replacement in enumerate(replacements):
            structure = textbook(name).copy()
            structure.replace_species(replacement)
            if structure.composition.reduced_formula in benchmark_formulas():  # training leaves it out
                others = {"Ti": "Ru", "Si": "Mn", "Zr": "Ce", "Al": "Ga", "Mg": "Ca"}
                structure.replace_species({a: b for a, b in others.items() if a in structure.symbol_set})
            structure.scale_lattice(structure.volume * (1 + 0.03 * number))
            record = StructureRecord.from_structure(structure, f"{name}-{number}")
            split = "val" if number == len(replacements) - 1 else "train"
            made.append(record.model_copy(update={"split": split}))
    return made


@pytest.fixture(scope="session")
def prepared(records: list[StructureRecord]) -> PreparedStructures:
    """Training arrays of ``records``."""
    rows = [prepare_record(record) for record in records]
    return assemble([row for row in rows if row is not None])


@pytest.fixture
def symmetry_task(prepared: PreparedStructures) -> SymmetryTask:
    return SymmetryTask(prepared, SymmetryNetConfig(width=16, layers=1, heads=2, site_width=8))


@pytest.fixture
def lattice_task(prepared: PreparedStructures) -> LatticeTask:
    return LatticeTask(
        prepared, LatticeNetConfig(width=16, slot_width=8, element_width=4, layers=1, features=6)
    )


@pytest.fixture
def distance_task(prepared: PreparedStructures) -> DistanceTask:
    config = DistanceNetConfig(width=16, pair_width=8, template_width=8, layers=2, heads=2)
    return DistanceTask(prepared, config)
