"""Constraints and seeds of a prediction on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.pipeline.constraints import violation

Run = Callable[..., Any]


def perovskite(a: float) -> Structure:
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
    return Structure.from_spacegroup("Pm-3m", Lattice.cubic(a), ["Sr", "Ti", "O"], sites)


def test_seed_structures_are_relaxed_ranked_and_named(run: Run, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    perovskite(4.0).to(str(seeds / "cubic.cif"))
    odd = Structure(Lattice.cubic(4.6), ["Sr", "Ti", "O", "O", "O"], [
        [0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.1], [0.5, 0.1, 0.5], [0.12, 0.5, 0.5]
    ])  # fmt: skip
    odd.to(str(tmp_path / "POSCAR_odd"), fmt="poscar")
    out = tmp_path / "run"
    done = run(
        *("predict", "SrTiO3", "--z", "1", "--candidates", 2, "--top", 1, "--steps", 0, "--workers", 1),
        *("--seed-structures", seeds, "--seed-structures", tmp_path / "POSCAR_odd", "--out", out),
    )
    assert done.code == 0, done.err
    assert "The seed structure cubic.cif is row 1" in done.out
    results = json.loads((out / "results.json").read_text())
    # The list has one row and, beyond it, the seed that is not among them.
    assert [row["generator"] for row in results["structures"][1:]] == ["seed"]
    assert results["structures"][1]["probability"] is None
    assert results["structures"][0]["probability"] is not None
    assert [item["provenance"].get("file") for item in results["candidates"]][-2:] == [
        "cubic.cif",
        "POSCAR_odd",
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--seed-structures", "salt.cif"), "salt.cif is NaCl, not SrTiO3"),
        (("--seed-structures", "none.cif"), "none.cif"),
        (("--min-distance", "Ti-F=2"), "names F, which SrTiO3 does not contain"),
        (("--min-distance", "TiO=2"), "give two elements and a distance up to 10 Å, e.g. O-O=2.4"),
        (("--min-distance", "O-O=-1"), "give two elements and a distance up to 10 Å"),
        (("--lattice-tolerance", "5%"), "belongs to a cell"),
        (("--lattice", "3.9", "--lattice-tolerance", "5"), "give a percentage up to 50%, e.g. 5%"),
        (("--lattice", "3.9,4"), "6 numbers"),
        (("--space-group", "Pbnm", "--lattice", "5,5,7,90,90,90"), "give the symbol Pnma and the lattice"),
        (("--space-group", "cubic", "--lattice", "3,3,4,90,90,90"), "any cubic space group: a cubic cell"),
        (("--space-group", "Pm-4m"), "Pm-4m does not exist"),
        (("--fix-sublattice", "salt.cif"), "contains Cl, which SrTiO3 does not"),
        (("--fix-sublattice", "salt.cif", "--generators", "random"), "leave out --generators"),
        (("--generators", "sublattice"), "give --fix-sublattice FILE"),
    ],
)
def test_impossible_constraints_are_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(
        "salt.cif"
    )
    done = run("predict", "SrTiO3", "--no-relax", "--out", "out", *options)
    assert done.code == 2
    assert sentence in " ".join(done.err.split())
    assert not (tmp_path / "out").exists()


def test_structures_below_a_least_distance_are_left_out(run: Run, tmp_path: Path) -> None:
    options = ("predict", "SrTiO3", "--no-relax", "--candidates", 6, "--z", "1,2")
    assert run(*options, "--out", tmp_path / "free").code == 0
    free = [shortest(path, "O") for path in (tmp_path / "free" / "structures").glob("*.cif")]
    limit = round(float(np.mean([min(free), max(free)])), 3)
    done = run(*options, "--min-distance", f"O-O={limit}", "--out", tmp_path / "limited")
    assert done.code == 0, done.err
    assert f"--min-distance O-O={limit} and" in done.out
    limited = [shortest(path, "O") for path in (tmp_path / "limited" / "structures").glob("*.cif")]
    assert len(limited) == sum(distance > limit for distance in free)
    assert min(limited) > limit


def shortest(path: Path, symbol: str) -> float:
    """Shortest distance in Å between two atoms of an element in a CIF."""
    structure = Structure.from_file(path)
    structure.remove_species(set(structure.composition.get_el_amt_dict()) - {symbol})
    return min(
        neighbour.nn_distance for site in structure for neighbour in structure.get_neighbors(site, 6.0)
    )


def test_a_crystal_system_and_a_cubic_cell(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run(
        *("predict", "SrTiO3", "--no-relax", "--candidates", 4, "--space-group", "cubic"),
        *("--lattice", "3.95", "--lattice-tolerance", "2%", "--out", out),
    )
    assert done.code == 0, done.err
    for path in (out / "structures").glob("*.cif"):
        structure = Structure.from_file(path)
        assert structure.get_space_group_info()[1] >= 195
        assert structure.lattice.a == pytest.approx(3.95, rel=0.02)


def test_a_cell_fits_with_any_choice_of_axes_and_as_a_supercell() -> None:
    crystal = perovskite(3.95)
    config = alphacrystal.PredictConfig(lattice=(5.6, 5.6, 7.9, 90, 90, 90), lattice_tolerance=0.01)
    assert violation(crystal, config) is None
    config = alphacrystal.PredictConfig(lattice=(5.6, 5.6, 8.1, 90, 90, 90), lattice_tolerance="1%")
    assert violation(crystal, config) == "--lattice-tolerance 1%"


def test_missing_atoms_of_a_framework_are_searched(run: Run, tmp_path: Path) -> None:
    framework = perovskite(3.92)
    framework.remove_species(["Sr"])
    framework.to(str(tmp_path / "tio3.cif"))
    out = tmp_path / "run"
    done = run("predict", "SrTiO3", "--fix-sublattice", tmp_path / "tio3.cif", "--workers", 1, "--out", out)
    assert done.code == 0, done.err
    assert "Largest shift of an atom of the framework tio3.cif" in " ".join(done.out.split())
    prediction = json.loads((out / "results.json").read_text())
    assert prediction["structures"][0]["space_group_number"] == 221
