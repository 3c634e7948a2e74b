"""Generators by name: every name makes one, settings reach it, energies are formation energies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.generate import (
    GENERATORS,
    Budget,
    Generator,
    GnoaGenerator,
    TemplateGenerator,
    build_generator,
)
from alphacrystal.pipeline.energies import energy_function
from alphacrystal.pipeline.preflight import generator_context

torch.set_num_threads(1)

NACL = parse_formula("NaCl")


def build(name: str, formula_units: list[int], config: PredictConfig) -> Generator:
    return build_generator(name, generator_context(NACL, formula_units, config))


@pytest.fixture
def templates(textbook: Callable[[str], Structure], tmp_path: Path) -> Path:
    path = tmp_path / "known.jsonl"
    records = [StructureRecord.from_structure(textbook(name), name) for name in ("halite", "sphalerite")]
    path.write_text("".join(record.model_dump_json() + "\n" for record in records))
    return path


@pytest.mark.parametrize("name", [spec.name for spec in GENERATORS.built_in()])
def test_every_name_makes_the_generator_of_that_name(
    name: str, templates: Path, textbook: Callable[[str], Structure], tmp_path: Path
) -> None:
    known = textbook("halite")
    known.remove_species(["Cl"])
    known.to(str(tmp_path / "sodium.cif"))
    framework = tmp_path / "sodium.cif" if name == "sublattice" else None
    alloy = ("fcc",) if name == "ordering" else ()
    config = make_config(templates=templates, fix_sublattice=framework, alloy=alloy)
    assert build(name, [1], config).name == name


def test_budgets_and_quirks_reach_the_search() -> None:
    limited = make_config(
        max_energy_calls=5, generate_seconds=2.5, gnoa_original_encoding=True, space_group=225
    )
    search = build("gnoa-pso", [4], limited)
    assert isinstance(search, GnoaGenerator)
    assert (search.budget, search.original_encoding) == (Budget(5, None, 2.5), True)
    free = build("gnoa-pso", [4], make_config())
    assert isinstance(free, GnoaGenerator)
    assert free.budget == Budget(proposals=5000)


def test_a_leak_free_library_holds_neither_benchmarks_nor_the_formula_itself(templates: Path) -> None:
    guarded = build("template", [1], make_config(templates=templates, without_benchmarks=True))
    assert isinstance(guarded, TemplateGenerator)
    # halite is the only one that fits, and it is the formula itself
    with pytest.raises(InputError, match=r"No crystal of the template library .* NaCl"):
        list(guarded.generate(NACL, 5, np.random.default_rng(0)))
    open_library = build("template", [1], make_config(templates=templates))
    found = list(open_library.generate(NACL, 5, np.random.default_rng(0)))
    assert {candidate.provenance["template"] for candidate in found} == {"halite"}


def test_energies_are_formation_energies_where_references_are_known(
    textbook: Callable[[str], Structure],
) -> None:
    energies = energy_function(make_config())([textbook("halite").get_primitive_structure()])
    assert energies.shape == (1,)
    assert -2.35 < energies[0] < -1.85  # eV/atom; experiment: -2.13


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphacrystal.runtime.registry.find_spec", lambda name: None)
    search = build("gnoa-tpe", [1], make_config())
    with pytest.raises(InputError, match=r"pip install 'alphacrystal\[bayesian\]'"):
        next(search.generate(NACL, 1, np.random.default_rng(0)))


def test_volumes_name_their_source() -> None:
    from alphacrystal import generate

    path = Path(generate.__file__).parent / "data" / "atomic_volumes.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    assert "CC BY 4.0" in table["source"]
    assert all(volume > 0 for volume in table["volumes"].values())
