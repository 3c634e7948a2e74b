"""`alphacrystal layers`: layers of runs and files, their energies, and the sentences on bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ase.io import write
from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.crystal import as_atoms
from alphacrystal.data import read_crystals
from alphacrystal.report import LAYER_COLUMNS

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]

THIRD, TWO_THIRDS = (1 / 3, 2 / 3), (2 / 3, 1 / 3)
QUICK = ("--workers", "1", "--steps", "3")

#: Distances in the plane and between layers of boron nitride are near the minimum of this potential, so that
#: layers stay layers; it is no model of the compound.
POTENTIALS = """
from ase.calculators.lj import LennardJones


def lj():
    return LennardJones(sigma=1.4, epsilon=0.2, rc=6.0, ro=5.0, smooth=True)
"""


def nitride(c: float = 6.66, a: float = 2.50) -> Structure:
    """Hexagonal boron nitride."""
    return Structure.from_spacegroup(
        194, Lattice.hexagonal(a, c), ["B", "N"], [[*THIRD, 0.25], [*TWO_THIRDS, 0.25]]
    )


def rhombohedral_nitride() -> Structure:
    return Structure.from_spacegroup(
        160, Lattice.hexagonal(2.50, 9.99), ["B", "N"], [[0, 0, 0], [0, 0, 1 / 3]]
    )


def borazon() -> Structure:
    """Cubic boron nitride, a framework."""
    return Structure.from_spacegroup(216, Lattice.cubic(3.62), ["B", "N"], [[0] * 3, [0.25] * 3])


def hetero() -> Structure:
    """Boron nitride and graphene in turn."""
    sites = [[*THIRD, 0.25], [*TWO_THIRDS, 0.25], [*THIRD, 0.75], [*TWO_THIRDS, 0.75]]
    return Structure(Lattice.hexagonal(2.48, 6.7), ["B", "N", "C", "C"], sites)


@pytest.fixture
def finished(
    run: Run, tmp_path: Path, potentials: Callable[[str, dict[str, str]], Path]
) -> Callable[..., Path]:
    """A function that relaxes crystals with a pair potential into the run folder "run"."""
    potentials(POTENTIALS, {"lj": "lj"})

    def relax(*structures: Structure) -> Path:
        files = []
        for number, structure in enumerate(structures):
            structure.to(str(tmp_path / f"{number}.cif"))
            files.append(f"{number}.cif")
        outcome = run("relax", *files, "--potential", "lj", "--dispersion", "none", *QUICK, "--out", "run")
        assert outcome.code == 0, outcome.err
        return tmp_path / "run"

    return relax


def test_layers_of_a_run(run: Run, finished: Callable[..., Path], rows_of: Rows) -> None:
    folder = finished(nitride(), rhombohedral_nitride(), borazon())
    bulk = rows_of(folder / "summary.csv")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    outcome = run("layers", "run", "--vacuum", "16", *QUICK)
    assert outcome.code == 0, outcome.err
    assert "1 layer from 2 layered structures of 3, relaxed with lj in 16 Å of vacuum" in " ".join(
        outcome.out.split()
    )
    assert "layers: relax 1/1" in outcome.err
    (row,) = rows_of(folder / "layers.csv")
    assert tuple(row) == LAYER_COLUMNS
    assert (row["layer_group_number"], row["layer_group_symbol"]) == ("78", "p-6m2")
    assert (row["space_group_number"], row["space_group_symbol"]) == ("187", "P-6m2")
    assert (row["formula"], row["n_atoms"], row["cell_formula"]) == ("BN", "2", "BN")
    assert (float(row["gamma"]), float(row["thickness_a"])) == (120, 0)
    # Energies above the most stable bulk structure, and above the most stable stacking.
    energy, lowest = float(row["energy_per_atom_ev"]), min(float(item["energy_per_atom_ev"]) for item in bulk)
    above = float(row["separation_mev_per_atom"])
    assert above == pytest.approx(1000 * (energy - lowest), abs=2e-3)
    assert float(row["separation_mev_per_a2"]) == pytest.approx(above * 2 / float(row["area_a2"]), abs=1e-2)
    parents = [int(rank) for rank in row["parents"].split()]
    stackings = {int(item["rank"]): item for item in bulk if item["space_group_number"] != "216"}
    assert sorted(parents) == sorted(stackings)
    parent = float(stackings[parents[0]]["energy_per_atom_ev"])
    assert parent == min(float(item["energy_per_atom_ev"]) for item in stackings.values())
    assert float(row["exfoliation_mev_per_atom"]) == pytest.approx(1000 * (energy - parent), abs=2e-3)
    cell = read_crystals(folder / row["file"])[0].structure
    assert cell.lattice.abc == pytest.approx((float(row["a"]), float(row["b"]), 16.0), abs=1e-5)
    assert cell.frac_coords[:, 2] == pytest.approx([0.5, 0.5])
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before} == before


def test_layers_are_replaced_on_request_only_and_the_same(run: Run, finished: Callable[..., Path]) -> None:
    folder = finished(nitride())
    first = json.loads(run("layers", "run", *QUICK, "--json").out)
    assert json.loads((folder / "layers.json").read_text()) == {
        key: value for key, value in first.items() if key != "folder"
    }
    assert (first["format"], first["format_version"]) == ("alphacrystal-layers", 1)
    assert first["layers"][0]["max_force_ev_per_a"] is not None
    assert first["bulk_rank"] == 1
    content = (folder / "layers.json").read_bytes(), (folder / first["layers"][0]["file"]).read_bytes()
    outcome = run("layers", "run", *QUICK)
    assert outcome.code == 2
    assert "layers.json exists" in outcome.sentence
    assert "--force" in outcome.sentence
    (folder / "layers" / "002_BN_lg80.cif").write_text("an earlier list")
    assert run("layers", "run", *QUICK, "--force").code == 0
    assert content == (
        (folder / "layers.json").read_bytes(),
        (folder / first["layers"][0]["file"]).read_bytes(),
    )
    assert [path.name for path in (folder / "layers").iterdir()] == ["001_BN_lg78.cif"]


#: Facts of a run, options, and words of the sentence that refuses them.
REFUSED: list[tuple[dict[str, object], tuple[str, ...], str]] = [
    ({"complete": False}, (), "was interrupted: finish it with --resume"),
    ({"pressure_gpa": 5.0}, (), "is at 5 GPa"),
    ({}, ("--potential", "chgnet"), "was relaxed with potential = lj"),
    ({}, ("--dispersion", "d3"), "was relaxed with dispersion = none"),
    ({}, ("--vacuum", "5"), "--vacuum takes 10 to 100 Å, not 5"),
    ({}, ("--vacuum", "nan"), "--vacuum takes 10 to 100 Å, not nan"),
    ({}, ("--out", "0.cif"), "0.cif is a file"),
    ({}, ("--fmax", "0"), "fmax"),
]


def test_runs_and_options_that_cannot_be_used(run: Run, finished: Callable[..., Path]) -> None:
    folder = finished(nitride())
    facts = (folder / "run.json").read_text()
    for changes, options, words in REFUSED:
        (folder / "run.json").write_text(json.dumps(json.loads(facts) | changes))
        outcome = run("layers", "run", *options)
        assert outcome.code == 2
        assert words in outcome.sentence
    assert not (folder / "layers").exists()


def test_run_without_layers_or_energies(run: Run, finished: Callable[..., Path], tmp_path: Path) -> None:
    folder = finished(borazon())
    assert "The run in run has no layered crystal" in run("layers", "run").sentence
    table = folder / "summary.csv"
    header, row = table.read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    table.write_text(header + "\n" + ",".join((cells | {"energy_per_atom_ev": ""}).values()) + "\n")
    outcome = run("layers", "run")  # as after predict --no-relax
    assert outcome.code == 2
    assert "has no relaxed structure: predict again without --no-relax" in outcome.sentence
    (tmp_path / "empty").mkdir()
    assert "is not a finished run" in run("layers", "empty").sentence


@pytest.mark.parametrize(
    ("structure", "words"),
    [
        (borazon(), "has no layered crystal"),
        (hetero(), "layers BN and C of another composition than BC2N"),
        (None, "There is no run folder or structure file missing.cif"),
    ],
)
def test_file_without_layers(run: Run, tmp_path: Path, structure: Structure | None, words: str) -> None:
    if structure is not None:
        structure.to(str(tmp_path / "x.cif"))
    outcome = run("layers", "missing.cif" if structure is None else "x.cif", "--out", "run")
    assert outcome.code == 2
    assert words in outcome.sentence
    assert not (tmp_path / "run").exists()


def test_file_of_several_crystals_in_python(
    tmp_path: Path, potentials: Callable[[str, dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stackings of one layer, a framework, and a crystal whose layers are not of its formula."""
    potentials(POTENTIALS, {"lj": "lj"})
    monkeypatch.chdir(tmp_path)
    crystals = [nitride(), rhombohedral_nitride(), borazon(), hetero()]
    write("all.extxyz", [as_atoms(structure) for structure in crystals])
    stages: list[tuple[str, int, int]] = []
    found = alphacrystal.layers(
        "all.extxyz",
        folder="out",
        potential="lj",
        steps=3,
        workers=1,
        progress=lambda stage, done, total: stages.append((stage, done, total)),
    )
    assert (found.crystals, found.layered, found.source) == (4, 3, "all.extxyz")
    (row,), (layer,) = found.rows, found.layers
    assert row.parents == "1 2"
    assert row.separation_mev_per_atom is None
    assert layer.structure.composition.reduced_formula == "BN"
    assert any(
        "Crystal 4 has layers BN and C of another composition than BC2N" in note for note in found.notes
    )
    assert stages[-1] == ("relax", 1, 1)
    with pytest.raises(alphacrystal.InputError, match="Layers have no setting pressure"):
        alphacrystal.layers("all.extxyz", pressure=5.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("structure", "group", "a", "thickness"),
    [
        # Experiment: a of the bulk, which CHGNet without dispersion reproduces within 1.2 %.
        (
            Structure.from_spacegroup(
                194, Lattice.hexagonal(3.16, 12.3), ["Mo", "S"], [[*THIRD, 0.25], [*THIRD, 0.621]]
            ),
            78,
            3.16,
            3.13,
        ),
        (nitride(), 78, 2.504, 0),
        (
            Structure.from_spacegroup(
                194, Lattice.hexagonal(2.464, 6.711), ["C", "C"], [[0, 0, 0.25], [*THIRD, 0.25]]
            ),
            80,
            2.464,
            0,
        ),
    ],
    ids=["MoS2", "BN", "graphene"],
)
def test_known_layers(
    run: Run, tmp_path: Path, rows_of: Rows, structure: Structure, group: int, a: float, thickness: float
) -> None:
    structure.to(str(tmp_path / "x.cif"))
    outcome = run("layers", "x.cif", "--out", "run", "--workers", "1", "--dispersion", "none")
    assert outcome.code == 0, outcome.err
    (row,) = rows_of(tmp_path / "run" / "layers.csv")
    assert int(row["layer_group_number"]) == group
    assert row["converged"] == "true"
    assert float(row["a"]) == pytest.approx(a, abs=0.045)
    assert float(row["thickness_a"]) == pytest.approx(thickness, abs=0.03)
