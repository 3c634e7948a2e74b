"""Small crystals of a few structure types with radii that add up, split by formula."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pymatgen.core import Structure

from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal_bench.harness.row_selection import split_rows
from alphacrystal_bench.paper_tables.mp12 import mp12_of_records

torch.set_num_threads(1)

CATIONS = {"Li": 0.76, "Na": 1.02, "K": 1.38, "Rb": 1.52}
ANIONS = {"F": 1.33, "Cl": 1.81, "Br": 1.96, "I": 2.20}
VALIDATION = ("NaBr", "RbCl", "SnO2", "CdS", "HfO2", "LiF")


def crystals(textbook: Callable[[str], Structure]) -> Iterator[Structure]:
    for cation, first in CATIONS.items():
        for anion, second in ANIONS.items():
            structure = textbook("halite").copy()
            structure.replace_species({"Na": cation, "Cl": anion})
            structure.scale_lattice((2 * (first + second)) ** 3)
            yield structure
    for name, original, others in (
        ("caesium chloride", "Cs", ("Tl", "In")),
        ("rutile", "Ti", ("Sn", "Pb", "Ru")),
        ("wurtzite", "Zn", ("Be", "Cd", "Mg")),
        ("baddeleyite", "Zr", ("Hf",)),
    ):
        for place, other in enumerate((original, *others)):
            structure = textbook(name).copy()
            structure.replace_species({original: other} | ({"O": "S"} if other == "Cd" else {}))
            structure.scale_lattice(structure.volume * (1 + 0.04 * place))
            yield structure


@pytest.fixture(scope="session")
def records(textbook: Callable[[str], Structure]) -> list[StructureRecord]:
    """Records with a split, experimental marks and energies above the hull."""
    made = []
    for place, structure in enumerate(crystals(textbook)):
        record = StructureRecord.from_structure(structure, f"crystal-{place}")
        split = "val" if record.reduced_formula in VALIDATION else "train"
        known = {
            "split": split,
            "icsd": place % 3 == 0,
            "e_above_hull": 0.05 * (place % 5),
            "functional": "PBE",
        }
        made.append(record.model_copy(update=known))
    return made


@pytest.fixture(scope="session")
def prepared(records: list[StructureRecord]) -> PreparedStructures:
    """Training arrays of ``records``."""
    rows = [prepare_record(record) for record in records]
    return assemble([row for row in rows if row is not None])


@pytest.fixture(scope="session")
def source(records: list[StructureRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``records`` as a file."""
    path = tmp_path_factory.mktemp("records") / "structures.jsonl"
    path.write_text("".join(record.model_dump_json() + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def data(records: list[StructureRecord]) -> PreparedStructures:
    """Mp_12 of ``records``."""
    return mp12_of_records(records)


@pytest.fixture(scope="session")
def parts(data: PreparedStructures) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``data`` to train on and to test on, no formula in both."""
    return split_rows(data, np.arange(len(data)), 14, 6, seed=0, by_formula=True)
