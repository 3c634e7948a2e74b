"""Disordered crystals and alloys on the command line and in Python."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

import alphacrystal

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{sites}
"""
CU3AU = CIF.format(name="Cu3Au", a=3.77, sites="M Cu 0 0 0 0.75\nM Au 0 0 0 0.25")
NAKCL = CIF.format(name="NaKCl2", a=6.0, sites="M Na 0 0 0 0.5\nM K 0 0 0 0.5\nCl Cl 0.5 0.5 0.5 1")
YSZ = CIF.format(name="YSZ", a=5.14, sites="M Zr 0 0 0 0.5\nM Y 0 0 0 0.5\nO O 0.25 0.25 0.25 0.875")


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def facts(folder: Path) -> dict[str, Any]:
    (item,) = json.loads((folder / "run.json").read_text())["disorder"]
    assert json.loads((folder / "results.json").read_text())["disorder"] == [item]
    return dict(item)


def test_rank_lists_the_orderings_of_an_alloy_by_energy(run: Run, rows_of: Rows, tmp_path: Path) -> None:
    path, out = written(tmp_path, "cu3au.cif", CU3AU), tmp_path / "run"
    done = run("rank", path, "--order-max-atoms", 4, "--out", out)
    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    assert "cu3au.cif is disordered (site M holds 0.75 Cu, 0.25 Au)" in text
    assert "its entropy of ideal mixing is 0.562 k_B (4.85e-05 eV/K) per atom" in text
    assert "Candidates are all 7 inequivalent orderings of cu3au.cif, with up to 4 atoms" in text
    rows = rows_of(out / "summary.csv")
    assert {row["parent"] for row in rows} == {"cu3au.cif"}
    # The 35 sublattices of index 4 have 4 decorations each; a translation keeps none of them.
    assert sum(int(row["arrangements"]) for row in rows) == 35 * 4
    energies = [float(row["energy_per_atom_ev"]) for row in rows]
    assert energies == sorted(energies)
    assert {"Pm-3m", "I4/mmm"} <= {row["space_group_symbol"] for row in rows}  # L1_2 and D0_22
    item = facts(out)
    assert item["entropy_kb_per_atom"] == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4), abs=1e-6)
    assert item["energy_spread_per_atom_ev"] == pytest.approx(energies[-1] - energies[0], abs=2e-6)
    weights = [int(row["arrangements"]) for row in rows]
    mean = sum(e * w for e, w in zip(energies, weights, strict=True)) / sum(weights) - energies[0]
    assert item["mean_above_lowest_per_atom_ev"] == pytest.approx(mean, abs=2e-6)
    page = (out / "report.html").read_text()
    assert '<h2 id="disorder-title">Disorder</h2>' in page
    assert "Equivalent arrangements of the atoms" in page


def test_relax_orders_a_salt_and_keeps_an_ordered_file_beside_it(
    run: Run, rows_of: Rows, tmp_path: Path
) -> None:
    disordered = written(tmp_path, "salt.cif", NAKCL)
    ordered = tmp_path / "ordered.cif"
    lattice = Lattice.tetragonal(6.0 / 2**0.5, 6.0)
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 0.5]]
    Structure(lattice, ["Na", "K", "Cl", "Cl"], sites).to(str(ordered))
    out = tmp_path / "run"
    options = ("--order-max-atoms", 8, "--order-candidates", 3, "--steps", 5, "--workers", 1)
    done = run("relax", disordered, ordered, *options, "--out", out)
    assert done.code == 0, done.err
    item = facts(out)
    assert (item["kept"], item["largest_cell"]) == (3, 8)
    assert item["sites"] == [
        {
            "label": "M",
            "sites": 1,
            "occupancies": {"K": 0.5, "Na": 0.5},
            "approximated": {"K": 0.5, "Na": 0.5},
        }
    ]
    candidates = json.loads((out / "results.json").read_text())["candidates"]
    assert [candidate["generator"] for candidate in candidates] == ["ordering"] * 3 + ["file"]
    assert {row["formula"] for row in rows_of(out / "summary.csv")} == {"KNaCl2"}


def test_an_oxide_with_vacancies_has_balanced_orderings_of_low_electrostatic_energy(
    run: Run, tmp_path: Path
) -> None:
    path, out = written(tmp_path, "ysz.cif", YSZ), tmp_path / "run"
    done = run("rank", path, "--order-candidates", 4, "--out", out)
    assert done.code == 0, done.err
    item = facts(out)
    assert item["selection"] == "electrostatic"
    assert item["orderings"] > 4 == item["kept"]
    assert item["sites"][1]["approximated"] == {"O": 0.875}
    results = json.loads((out / "results.json").read_text())
    provenances = [candidate["provenance"] for candidate in results["candidates"]]
    energies = [provenance["electrostatic_energy_per_atom_ev"] for provenance in provenances]
    assert energies == sorted(energies)
    assert results["formula"] in ("Zr2Y2O7", "Y2Zr2O7")


def test_predict_from_a_file_searches_nothing_else_and_resumes(
    run: Run, rows_of: Rows, tmp_path: Path
) -> None:
    path, out = written(tmp_path, "cu3au.cif", CU3AU), tmp_path / "run"
    options = ("--from", path, "--candidates", 4, "--steps", 2, "--workers", 1, "--out", out)
    done = run("predict", *options)
    assert done.code == 0, done.err
    rows = rows_of(out / "summary.csv")
    assert {row["generator"] for row in rows} == {"ordering"}
    assert "requested candidates" not in done.out
    again = run("predict", "--resume", "--from", path, "--out", out)
    assert again.code == 0, again.err
    assert rows_of(out / "summary.csv") == rows


def test_predict_alloy_lists_orderings_of_each_lattice(run: Run, rows_of: Rows, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--alloy", "fcc,bcc", "--candidates", 4, "--no-relax", "--out", out)
    done = run("predict", "Al0.5Ni0.5", *options)
    assert done.code == 0, done.err
    rows = rows_of(out / "summary.csv")
    assert {row["parent"] for row in rows} == {"fcc Al0.5Ni0.5", "bcc Al0.5Ni0.5"}
    assert "Pm-3m" in {row["space_group_symbol"] for row in rows}  # B2
    assert "entropy of ideal mixing is 0.693 k_B" in done.out
    assert "spread" not in done.out


def test_an_alloy_that_does_not_fit_is_approximated_with_a_note(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--alloy", "fcc", "--candidates", 2, "--no-relax", "--out", out)
    done = run("predict", "Al0.73Ni0.27", *options)
    assert done.code == 0, done.err
    assert "Al0.73Ni0.27 was approximated by Al8Ni3" in done.out
    item = facts(out)
    assert item["sites"][0]["occupancies"] == {"Al": 0.73, "Ni": 0.27}
    assert item["occupancy_error"] == pytest.approx(0.73 - 8 / 11, abs=1e-4)


def test_a_fractional_formula_of_metals_has_a_hint(run: Run, tmp_path: Path) -> None:
    done = run(
        "predict", "Al0.5Ni0.5", "--no-relax", "--candidates", 1, "--max-atoms", 2, "--out", tmp_path / "a"
    )
    assert "for a solid solution Al0.5Ni0.5 give --alloy fcc,bcc,hcp" in done.out


LAMNO3 = CIF.format(
    name="LaMnO3", a=3.9, sites="La La 0 0 0 1\nMn Mn 0.5 0.5 0.5 1\nO O 0.5 0.5 0 1"
).replace("F m -3 m", "P m -3 m")


def test_a_solid_solution_in_the_structure_of_a_parent(run: Run, rows_of: Rows, tmp_path: Path) -> None:
    path, out = written(tmp_path, "lamno3.cif", LAMNO3), tmp_path / "run"
    options = (
        "--solid-solution",
        path,
        "--candidates",
        3,
        "--no-relax",
        "--order-max-atoms",
        20,
        "--out",
        out,
    )
    done = run("predict", "La0.7Sr0.3MnO3", *options)
    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    assert "La0.7Sr0.3MnO3 was approximated by La2SrMn3O9, whose atoms fit into --order-max-atoms" in text
    assert "La0.7Sr0.3MnO3 in lamno3.cif is disordered (site La holds 0.7 La, 0.3 Sr" in text
    rows = rows_of(out / "summary.csv")
    assert {(row["formula"], row["generator"]) for row in rows} == {("La2SrMn3O9", "ordering")}
    assert facts(out)["sites"][0]["approximated"] == {"La": 0.6667, "Sr": 0.3333}


def test_fractional_formulas_of_compounds_have_a_hint(run: Run, tmp_path: Path) -> None:
    options = ("--no-relax", "--candidates", 1, "--max-atoms", 25)
    done = run("predict", "La0.8Sr0.2MnO3", *options, "--out", tmp_path / "a")
    text = " ".join(done.out.split())
    assert "Note: La0.8Sr0.2MnO3 was read as La4SrMn5O15." in text
    assert "The candidates are ordered compounds with 25 atoms in the formula unit" in text
    assert "give a parent compound (--solid-solution FILE)" in text
    assert "A close composition with 20 atoms is La3SrMn4O12." in text
    refused = run("predict", "La0.65Sr0.35MnO3", *options[:3], "--out", tmp_path / "b")
    assert refused.code == 2
    assert "choose a simpler formula, e.g. La2SrMn3O9 (15 atoms)." in " ".join(refused.err.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("rank", "big.cif"), "big.cif is disordered (site M holds 0.5 K, 0.5 Na) and its primitive cell"),
        (("rank", "rough.cif", "--order-max-atoms", "1"), "rough.cif is disordered (site M holds 0.75 Cu"),
        (("rank", "sum.cif"), "sum.cif has overlapping atoms of different elements (site M holds 0.8 Cu"),
        (("rank", "nan.cif"), "Site M of nan.cif has the occupancy 'nan', which is no number"),
        (("rank", "zero.cif"), "zero.cif lists no occupied site"),
        (("rank", "over.cif"), "Site M of over.cif has the occupancy 1.5, which is not between 0 and 1"),
        (("predict", "--from", "whole.cif"), "whole.cif is fully ordered: relax it with alphacrystal relax"),
        (("predict", "NaCl", "--from", "rough.cif"), "rough.cif is a structure and has a formula"),
        (("predict", "NaCl", "--disordered", "rough.cif"), "have the composition Cu3Au, not NaCl"),
        (("predict", "NaCl", "--generators", "ordering"), "give --disordered FILE, --solid-solution"),
        (("predict", "Cu3Au", "--disordered", "rough.cif", "--alloy", "fcc"), "give --disordered FILE, "),
        (("predict", "Cu", "--alloy", "fcc"), "Cu is one element"),
        (("predict", "Cu3Au", "--solid-solution", "whole.cif"), "does not fit on the sites of whole.cif"),
        (("predict", "Cu3Au", "--solid-solution", "rough.cif"), "rough.cif is disordered"),
        (("predict", "CuAu", "--alloy", "diamond"), "'fcc', 'bcc' or 'hcp'"),
        (("predict", "CuAu", "--alloy", "fcc", "--z", "2"), "leave out --z"),
        (("predict", "CuAu", "--alloy", "fcc", "--order-max-atoms", "81"), "order_max_atoms"),
    ],
)  # fmt: skip
def test_what_cannot_be_ordered_is_refused_in_one_sentence(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    big = "\n".join(f"M Na {x} {y} {z} 0.5\nM K {x} {y} {z} 0.5" for x, y, z in _fifty_places())
    p1 = CIF.replace("F m -3 m", "P 1")
    for name, text in {
        "big": p1.format(name="big", a=14.0, sites=big),
        "rough": CU3AU,
        "sum": CIF.format(name="x", a=3.8, sites="M Cu 0 0 0 0.8\nM Au 0 0 0 0.4"),
        "nan": CIF.format(name="x", a=3.8, sites="M Cu 0 0 0 nan"),
        "zero": CIF.format(name="x", a=3.8, sites="M Cu 0 0 0 0"),
        "over": CIF.format(name="x", a=3.8, sites="M Cu 0 0 0 1.5"),
        "whole": CIF.format(name="x", a=3.6, sites="M Cu 0 0 0 1"),
    }.items():
        written(tmp_path, f"{name}.cif", text)
    done = run(*arguments, "--out", "out")
    assert done.code == 2
    assert sentence in " ".join(done.err.split())
    assert done.err.count("Error: ") == 1
    assert not (tmp_path / "out" / "run.json").exists()


def _fifty_places() -> list[tuple[float, float, float]]:
    return [(0.2 * (i % 5), 0.2 * (i // 5 % 5), 0.5 * (i // 25) + 0.013 * i) for i in range(50)]


def test_python_functions_take_disordered_structures(tmp_path: Path) -> None:
    salt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(6.0), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    (folder,) = alphacrystal.rank([salt], folder=tmp_path / "rank", order_max_atoms=4)
    item = facts(folder)
    assert (item["orderings"], item["kept"], item["selection"]) == (2, 2, "all")
    path = written(tmp_path, "cu3au.cif", CU3AU)
    prediction = alphacrystal.predict(
        "Cu3Au", disordered=path, relax=False, candidates=3, folder=tmp_path / "predict"
    )
    assert [row.parent for row in prediction.rows] == ["cu3au.cif"] * 3
    assert prediction.disorder[0].entropy_kb_per_atom == pytest.approx(0.562335)
