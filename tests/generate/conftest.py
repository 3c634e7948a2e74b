"""A small template library, and energies that are cheap and real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pymatgen.core import Structure

from alphacrystal.data import StructureRecord
from alphacrystal.generate import EnergyFunction, TemplateLibrary
from alphacrystal.relaxation import load_energy_model

torch.set_num_threads(1)

TEMPLATES = (
    "halite",
    "caesium chloride",
    "sphalerite",
    "wurtzite",
    "nickeline",
    "fluorite",
    "rutile",
    "perovskite",
    "spinel",
    "copper",
    "magnesium",
)


@pytest.fixture(scope="session")
def template_records(textbook: Callable[[str], Structure]) -> list[StructureRecord]:
    """Textbook crystals as conventional cells, as a folder of CIF files would give them."""
    return [StructureRecord.from_structure(textbook(name), name) for name in TEMPLATES]


@pytest.fixture(scope="session")
def library(template_records: list[StructureRecord]) -> TemplateLibrary:
    return TemplateLibrary.of_records(template_records)


@pytest.fixture(scope="session")
def energies() -> EnergyFunction:
    """CHGNet in eV/atom."""
    return load_energy_model("chgnet").energies_per_atom
