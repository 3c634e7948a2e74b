"""Bond-valence parameters fitted to crystals, and the shipped table of them."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import (
    SOFTNESS,
    bond_valence_r0,
    bond_valence_table,
    fit_bond_valences,
)
from alphacrystal.data import StructureRecord

EDGE = 3.9  # Å, of a cubic perovskite
#: Around the octahedral cation: numbers of anions and their distances in half edges, up to 6 Å.
ANIONS_AROUND = ((6, 1.0), (24, 5**0.5), (30, 3.0))


def perovskite(large: str, small: str, anion: str) -> Structure:
    sites = [[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    return Structure(Lattice.cubic(EDGE), [large, small, anion, anion, anion], sites)


FLUORIDES = [perovskite(alkali, "Mg", "F") for alkali in ("Li", "Na", "K", "Rb", "Cs")]


def test_fitted_parameter_makes_the_valence_sum_the_oxidation_state() -> None:
    table = fit_bond_valences((crystal, True) for crystal in FLUORIDES)
    assert list(table) == [("Mg", 2, "F")]  # each alkali metal is in one formula only
    found = table["Mg", 2, "F"]
    total = sum(n * math.exp((found.r0 - half * EDGE / 2) / SOFTNESS) for n, half in ANIONS_AROUND)
    assert total == pytest.approx(2, abs=0.005)
    assert (found.formulas, found.spread) == (5, 0.0)


def test_experimental_crystals_come_first() -> None:
    stretched = [crystal.copy() for crystal in FLUORIDES]
    for crystal in stretched:
        crystal.scale_lattice((1.1 * EDGE) ** 3)
    alone = fit_bond_valences((crystal, True) for crystal in FLUORIDES)
    mixed = [(crystal, False) for crystal in stretched] + [(crystal, True) for crystal in FLUORIDES]
    assert fit_bond_valences(mixed) == alone
    assert (
        fit_bond_valences((crystal, False) for crystal in stretched)["Mg", 2, "F"].r0 > alone["Mg", 2, "F"].r0
    )


@pytest.mark.parametrize("others", [("Ti", "V", "Nb", "Mn", "Cr"), ("Mg", "Al", "Cu", "Au", "Zn")])
def test_crystals_with_several_or_no_balanced_states_do_not_count(others: tuple[str, ...]) -> None:
    anion = "O" if "Ti" in others else "Pt"
    assert fit_bond_valences((perovskite(other, "Fe", anion), True) for other in others) == {}


@pytest.mark.parametrize(
    ("cation", "state", "anion", "literature"),
    [
        ("Ca", 2, "O", 1.967),
        ("Mg", 2, "O", 1.693),
        ("Al", 3, "O", 1.651),
        ("Si", 4, "O", 1.624),
        ("Ti", 4, "O", 1.815),
        ("Na", 1, "Cl", 2.15),
    ],
)
def test_shipped_parameters_agree_with_those_of_measured_crystals(
    cation: str, state: int, anion: str, literature: float
) -> None:
    """Measured: N. E. Brese and M. O'Keeffe, doi:10.1107/S0108768190011041."""
    assert bond_valence_r0(cation, state, anion) == pytest.approx(literature, abs=0.05)


def test_parameters_of_mean_states_lie_between_those_of_whole_ones() -> None:
    two, three, mean = (bond_valence_r0("Fe", state, "O") for state in (2, 3, 8 / 3))
    assert two is not None
    assert three is not None
    assert mean == pytest.approx(two / 3 + three * 2 / 3)
    assert bond_valence_r0("He", 1, "O") is None


def test_every_pair_of_the_table_has_five_formulas_and_a_small_spread() -> None:
    table = bond_valence_table()
    assert len(table) > 500
    for pair, found in table.items():
        assert found.formulas >= 5, pair
        assert 0.5 < found.r0 < 4, pair
        assert 0 <= found.spread <= 0.1, pair


def test_command_builds_the_table_from_training_crystals(run: Callable[..., Any], tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl.gz"
    crystals = [*FLUORIDES, perovskite("Tl", "Mg", "F"), perovskite("Ag", "Mg", "F")]
    with gzip.open(records, "wt") as stream:
        for number, crystal in enumerate(crystals):
            record = StructureRecord.from_structure(crystal, f"crystal-{number}")
            stream.write(record.with_fields(split="train", icsd=True).model_dump_json() + "\n")
    out = tmp_path / "table.json"
    assert run("data", "bond-valences", records, "--out", out).code == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert "CC BY 4.0" in written["source"]
    (pair,) = written["pairs"]
    expected = fit_bond_valences((crystal, True) for crystal in FLUORIDES)["Mg", 2, "F"]
    assert (pair["cation"], pair["state"], pair["anion"], pair["r0"]) == ("Mg", 2, "F", expected.r0)
    outcome = run("data", "bond-valences", records, "--out", out)
    assert outcome.code == 2
    with gzip.open(records, "wt") as stream:
        stream.write("")
    outcome = run("data", "bond-valences", records, "--out", tmp_path / "other.json")
    assert outcome.code == 2
    assert "too few training crystals" in outcome.sentence
