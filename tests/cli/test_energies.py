"""Hulls, elemental references, and ranking of files as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]


def salt(a: float, species: tuple[str, str] = ("Mg", "O")) -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(a), species, [[0, 0, 0], [0.5, 0.5, 0.5]])


def metal(a: float, symbol: str) -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(a), [symbol], [[0, 0, 0]])


@pytest.fixture
def phases(tmp_path: Path) -> Path:
    """A folder of structures of the Al-Ni system, for hulls and references."""
    folder = tmp_path / "phases"
    folder.mkdir()
    metal(4.04, "Al").to(str(folder / "Al.cif"))
    metal(3.52, "Ni").to(str(folder / "Ni.cif"))
    nickel_rich = Structure.from_spacegroup(
        221, Lattice.cubic(3.57), ["Al", "Ni"], [[0, 0, 0], [0.5, 0.5, 0]]
    )
    nickel_rich.to(str(folder / "AlNi3.cif"))
    Structure.from_spacegroup(221, Lattice.cubic(2.89), ["Al", "Ni"], [[0, 0, 0], [0.5] * 3]).to(
        str(folder / "AlNi.cif")
    )
    return folder


def test_hull_of_a_data_file_is_computed_with_the_potential(
    run: Run, tmp_path: Path, rows_of: Rows, phases: Path
) -> None:
    assert run("data", "build", phases, "--out", "phases.jsonl").code == 0
    for pressure in ("0", "20"):
        outcome = run(
            *("relax", phases / "AlNi.cif", "--hull", "phases.jsonl", "--pressure", pressure),
            *("--workers", "1", "--out", f"at{pressure}"),
        )
        assert outcome.code == 0, outcome.err
        (row,) = rows_of(tmp_path / f"at{pressure}" / "summary.csv")
        assert float(row["energy_above_hull_per_atom_ev"]) == pytest.approx(0.0, abs=1e-3)
        assert row["decomposition"] == "1 AlNi (AlNi)"
        assert bool(row["formation_energy_per_atom_ev"]) == (pressure == "0")
        run_file = json.loads((tmp_path / f"at{pressure}" / "run.json").read_text())
        assert run_file["hull_reference"] == "phases.jsonl"
        assert "phases.jsonl" in (tmp_path / f"at{pressure}" / "report.html").read_text()


def test_rank_orders_by_energy_and_relaxes_nothing(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    for a in (4.6, 4.25):
        salt(a).to(str(tmp_path / f"{a}.cif"))
    outcome = run("rank", "4.6.cif", "4.25.cif", "--out", "run")
    assert outcome.code == 0, outcome.err
    assert "unrelaxed structures" in outcome.out
    rows = rows_of(tmp_path / "run" / "summary.csv")
    assert [float(row["volume_per_atom_a3"]) for row in rows] == pytest.approx(
        [4.25**3 / 8, 4.6**3 / 8], rel=1e-4
    )
    assert [row["energy_rank"] for row in rows] == ["1", "2"]


def test_rank_takes_a_model_without_forces(
    run: Run, tmp_path: Path, rows_of: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(tmp_path / "potentials"))
    (tmp_path / "potentials").mkdir()
    (tmp_path / "potentials" / "parabola.py").write_text(
        "import numpy as np\n"
        "class Parabola:\n"
        "    name, supported_elements = 'parabola', frozenset({'Mg', 'O'})\n"
        "    def energies_per_atom(self, structures):\n"
        "        return np.array([(s.volume / len(s) - 10.0) ** 2 - 5.0 for s in structures])\n"
        "make_potential = Parabola\n"
    )
    for a in (4.6, 4.25):
        salt(a).to(str(tmp_path / f"{a}.cif"))
    outcome = run("rank", "4.6.cif", "4.25.cif", "--potential", "parabola", "--out", "run")
    assert outcome.code == 0, outcome.err
    rows = rows_of(tmp_path / "run" / "summary.csv")
    expected = [(a**3 / 8 - 10.0) ** 2 - 5.0 for a in (4.25, 4.6)]
    assert [float(row["energy_per_atom_ev"]) for row in rows] == pytest.approx(expected, abs=1e-3)


def test_small_distortion_of_a_supercell_is_not_averaged_away(
    run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    """Ti off the centre by 0.1 Å, in turn to both sides: below pymatgen's tolerance of a primitive cell."""
    sites = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
    ideal = Structure.from_spacegroup(221, Lattice.cubic(4.0), ["Ba", "Ti", "O"], sites)
    distorted = ideal.make_supercell([1, 1, 2], in_place=False)
    titanium = [i for i, site in enumerate(distorted) if site.specie.symbol == "Ti"]
    for i, sign in zip(titanium, (1, -1), strict=True):
        distorted.translate_sites([i], [0.1 * sign, 0, 0], frac_coords=False)
    energies = []
    for name, structure in {"ideal": ideal, "distorted": distorted}.items():
        structure.to(str(tmp_path / f"{name}.cif"))
        assert run("rank", f"{name}.cif", "--out", name).code == 0
        (row,) = rows_of(tmp_path / name / "summary.csv")
        energies.append(float(row["energy_per_atom_ev"]))
        assert row["n_atoms"] == {"ideal": "5", "distorted": "10"}[name]
    assert abs(energies[0] - energies[1]) > 3e-4


def test_without_symmetry_the_cell_as_given_is_relaxed(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    salt(4.25).to(str(tmp_path / "x.cif"))
    for flag, atoms in (("--symmetry", "2"), ("--no-symmetry", "8")):
        outcome = run("relax", "x.cif", flag, "--workers", "1", "--out", flag)
        assert outcome.code == 0, outcome.err
        (row,) = rows_of(tmp_path / flag / "summary.csv")
        assert (row["n_atoms"], row["space_group_number"]) == (atoms, "225")


def test_references_are_written_and_used(run: Run, tmp_path: Path, rows_of: Rows, phases: Path) -> None:
    outcome = run("data", "references", phases, "--out", "elements.json")
    assert outcome.code == 0, outcome.err
    assert "2 elements written to elements.json" in outcome.out
    table = json.loads((tmp_path / "elements.json").read_text())
    table["elements"]["Ni"]["energy_per_atom"] += 1.0
    (tmp_path / "shifted.json").write_text(json.dumps(table))
    found = []
    for name in ("elements", "shifted"):
        assert run("rank", phases / "AlNi.cif", "--references", f"{name}.json", "--out", name).code == 0
        (row,) = rows_of(tmp_path / name / "summary.csv")
        found.append(float(row["formation_energy_per_atom_ev"]))
    assert found[0] - found[1] == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--hull", "no.jsonl"), "There is no file or folder no.jsonl"),
        (("--references", "no.json"), "no.json is no table of elemental energies"),
        (("--potential", "megnet:model"), "megnet:model gives formation energies but no forces"),
        (("--relaxation", "annealing"), "Setting relaxation: input should be 'gradient' or 'bayesian'"),
    ],
)
def test_unusable_requests_end_before_anything_is_written(
    run: Run, tmp_path: Path, flags: tuple[str, ...], sentence: str
) -> None:
    salt(4.25).to(str(tmp_path / "x.cif"))
    outcome = run("relax", "x.cif", "--out", "run", *flags)
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert not (tmp_path / "run").exists()
