"""`alphacrystal evaluate`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

#: Values of CSPBenchMetrics for ScAl and the same crystal with another origin.
SC_AL = {
    "wyckoff_rmse": 0.3870,
    "wyckoff_mae": 0.34,
    "sinkhorn_dist": 4.3299,
    "chamfer_dist": 3.6778,
    "hausdorff_dist": 2.4522,
    "superpose_rmsd": 1.4594,
    "superpose_old": 0,
    "edit_graph_distance": 0,
    "rms_dist": 0,
    "fingerprint": 0,
    "ofm_dist": 0,
}

#: StructureMatcher with the tolerances of the preset cspbench.
STRICT = "StructureMatcher, ltol 0.2, stol 0.3, angle_tol 5"


def sc_al(shift: tuple[float, float, float] = (0, 0, 0)) -> Structure:
    sites = [[(x + s) % 1 for s in shift] for x in (0.0, 0.5)]
    return Structure(Lattice.cubic(3.3703), ["Sc", "Al"], sites)


@pytest.fixture
def crystals(tmp_path: Path, textbook: Callable[[str], Structure]) -> Path:
    """Ranked TiO2 candidates and NaCl below ``predicted``, rutile, anatase and NaCl in ``targets``."""
    predicted, targets = tmp_path / "predicted", tmp_path / "targets"
    for folder in (predicted / "titania", predicted / "salt", targets):
        folder.mkdir(parents=True)
    rutile = textbook("rutile").copy()
    for place, name in ((10, "rutile"), (2, "anatase")):
        textbook(name).to(str(predicted / "titania" / f"{place}.cif"))
    rutile.replace_species({"Ti": "Sn"})
    rutile.to(str(predicted / "titania" / "1.cif"))
    textbook("caesium chloride").copy().replace_species({"Cs": "Na"}).to(str(predicted / "salt" / "POSCAR"))
    for name in ("rutile", "anatase", "halite"):
        textbook(name).to(str(targets / f"{name}.cif"))
    return tmp_path


def test_two_files_give_every_metric_and_its_invariant_form(run, tmp_path: Path) -> None:
    sc_al().to("target.cif")
    sc_al((0.58, 0.09, 0.43)).to("predicted.cif")
    outcome = run("evaluate", "predicted.cif", "target.cif", "--metrics", "all", "--json")
    assert outcome.code == 0
    found = json.loads(outcome.out)
    assert {name: found["metrics"][name] for name in SC_AL} == {
        name: pytest.approx(value, abs=5.1e-5) for name, value in SC_AL.items()
    }
    assert found["metrics"]["superpose_invariant"] == pytest.approx(0, abs=1e-6)
    assert found["metrics"]["energy_distance"] == pytest.approx(0, abs=1e-3)
    assert found["potential"] == "chgnet"
    assert found["match"]["matched"] is True
    assert found["match"]["space_group"] == {"0.01": [221, 221], "0.1": [221, 221]}
    assert found["n_atoms"] == [2, 2]


def test_values_that_cannot_be_had_are_null_with_a_reason(run, textbook) -> None:
    textbook("halite").to("target.cif")
    textbook("halite").get_primitive_structure().to("predicted.cif")
    outcome = run(
        "evaluate", "predicted.cif", "target.cif", "--metrics", "superpose_old,wyckoff_mse", "--json"
    )
    found = json.loads(outcome.out)
    assert found["metrics"]["superpose_old"] is None
    assert found["reasons"]["superpose_old"] == (
        "not comparable, because it pairs atoms by their order and the cells hold 8 and 2 atoms"
    )
    assert found["metrics"]["wyckoff_mse_invariant"] == pytest.approx(0, abs=1e-6)


def test_table_of_a_pair_puts_the_invariant_form_beside(run) -> None:
    sc_al().to("target.cif")
    sc_al((0.58, 0.09, 0.43)).to("predicted.cif")
    outcome = run("evaluate", "predicted.cif", "target.cif", "--metrics", "superpose_rmsd")
    assert outcome.out.splitlines()[0] == (
        "Same structure: yes (StructureMatcher, ltol 0.2, stol 0.3, angle_tol 5; rms 0.000)"
    )
    line = next(line for line in outcome.out.splitlines() if line.startswith("superpose_rmsd"))
    assert line.split() == ["superpose_rmsd", "1.4594", "0.0000", "Å"]
    assert all(len(line) <= 80 for line in outcome.out.splitlines()[1:])


@pytest.mark.parametrize(
    ("predicted", "preset", "answer"),
    [
        ("rutile", "cspbench", f"yes ({STRICT}; rms 0.000)"),
        (
            "anatase",
            "diffcsp",
            "no (StructureMatcher, ltol 0.3, stol 0.5, angle_tol 10; no mapping within the tolerances)",
        ),
        (
            "halite",
            "cspbench",
            f"no ({STRICT}; different composition: predicted NaCl, target TiO2)",
        ),
    ],
)
def test_first_line_says_whether_two_structures_are_the_same(
    run, textbook, predicted: str, preset: str, answer: str
) -> None:
    textbook("rutile").to("target.vasp", fmt="poscar")
    textbook(predicted).to("predicted.vasp", fmt="poscar")
    arguments = ("evaluate", "predicted.vasp", "target.vasp", "--metrics", "none", "--preset", preset)
    assert run(*arguments).out.splitlines()[0] == f"Same structure: {answer}"
    verdict = json.loads(run(*arguments, "--json").out)["same_structure"]
    assert verdict["sentence"] == f"Same structure: {answer}"
    assert verdict["same"] is answer.startswith("yes")
    assert (verdict["rms"] is None) is answer.startswith("no")
    assert (verdict["reason"] is None) is answer.startswith("yes")
    assert verdict["ltol"] == {"cspbench": 0.2, "diffcsp": 0.3}[preset]


@pytest.mark.parametrize(
    ("ranked", "answer", "best"),
    [
        (["anatase", "rutile", "anatase", "rutile"], "2 of 4 candidates match; best at rank 2", 2),
        (["anatase", "anatase"], "0 of 2 candidates match", None),
    ],
)
def test_first_line_counts_the_candidates_that_match(
    run, textbook, ranked: list[str], answer: str, best: int | None
) -> None:
    textbook("rutile").to("target.vasp", fmt="poscar")
    Path("ranked").mkdir()
    for rank, name in enumerate(ranked, 1):
        textbook(name).to(f"ranked/{rank}.vasp", fmt="poscar")
    first = run("evaluate", "ranked", "target.vasp").out.splitlines()[0]
    assert first == f"Same structure: {answer} (StructureMatcher, ltol 0.2, stol 0.3, angle_tol 5)"
    verdict = json.loads(run("evaluate", "ranked", "target.vasp", "--json").out)["same_structure"]
    assert (verdict["best_rank"], verdict["candidates"]) == (best, len(ranked))


def test_first_line_counts_the_targets_that_are_matched(run, crystals: Path) -> None:
    first = run("evaluate", "predicted", "targets").out.splitlines()[0]
    assert first.startswith("Same structure: 2 of 3 targets are matched, 1 at rank 1 (StructureMatcher, ")
    verdict = json.loads(run("evaluate", "predicted", "targets", "--json").out)["same_structure"]
    assert (verdict["matched"], verdict["targets"], verdict["matched_at_rank_1"]) == (2, 3, 1)


def test_folders_are_matched_by_formula_and_natural_order(run, crystals: Path) -> None:
    found = json.loads(run("evaluate", "predicted", "targets", "--json").out)
    by_name = {Path(target["name"]).stem: target for target in found["targets"]}
    assert (by_name["anatase"]["match_rank"], by_name["rutile"]["match_rank"]) == (1, 2)
    assert by_name["halite"]["match_rank"] is None
    assert [Path(pair["predicted"]).name for pair in by_name["rutile"]["pairs"]] == ["2.cif", "10.cif"]
    assert found["match"]["match_rate"] == {
        "1": pytest.approx(1 / 3),
        "5": pytest.approx(2 / 3),
        "10": pytest.approx(2 / 3),
        "20": pytest.approx(2 / 3),
    }
    assert found["polymorphs"]["metre"] == pytest.approx(2 / 3)
    assert found["unused_formulas"] == ["SnO2"]


def test_csv_has_one_line_per_pair(run, crystals: Path) -> None:
    outcome = run("evaluate", "predicted", "targets", "--metrics", "chamfer_dist", "--top", "1", "--csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [(Path(row["target"]).stem, row["matched"]) for row in rows] == [
        ("anatase", "true"),
        ("halite", "false"),
        ("rutile", "false"),
    ]
    assert rows[0]["chamfer_dist"] == rows[0]["chamfer_invariant"] == "0.000000"
    assert rows[1]["space_group_predicted_0.1"] == "221"


def test_table_of_folders_shows_rates_and_targets(run, crystals: Path) -> None:
    outcome = run("evaluate", "predicted", "targets", "--preset", "diffcsp")
    assert "preset diffcsp (0.3, 0.5, 10 degrees)" in outcome.out
    assert "METRe 66.7%" in outcome.out
    assert "Predictions of no target: SnO2" in outcome.out


def test_run_folder_is_read_in_rank_order(run, textbook) -> None:
    run("predict", "NaCl", "--no-relax", "--candidates", "6", "--top", "3", "--out", "run", "--cell", "NaCl")
    textbook("halite").to("target.cif")
    found = json.loads(run("evaluate", "run", "target.cif", "--json").out)
    listed = [line.split(",")[1] for line in Path("run/summary.csv").read_text().splitlines()[1:]]
    assert [pair["predicted"] for pair in found["targets"][0]["pairs"]] == [f"run/{name}" for name in listed]
    assert found["targets"][0]["match_rank"] == 1
    first = json.loads(run("evaluate", "run", "target.cif", "--top", "1", "--json").out)
    assert [pair["rank"] for pair in first["targets"][0]["pairs"]] == [1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing", "targets"], "There is no file or folder nothing."),
        (["predicted", "empty"], "holds no structure files"),
        (["predicted/titania/1.cif", "targets"], "predicted are SnO2, targets are NaCl, TiO2"),
        (["predicted", "targets", "--metrics", "rmsd"], "There is no metric named 'rmsd'"),
        (["predicted", "targets", "--preset", "strict"], "choose one of cspbench, diffcsp"),
        (["predicted", "targets", "--json", "--csv"], "Give --json or --csv, not both."),
        (["predicted", "targets", "--metrics", "all", "--potential", "x"], "There is no potential named 'x'"),
        (["predicted", "broken.cif"], "broken.cif is not a valid CIF"),
    ],
)
def test_bad_input_is_one_sentence(run, crystals: Path, arguments: list[str], sentence: str) -> None:
    (crystals / "empty").mkdir()
    (crystals / "broken.cif").write_text("nothing")
    outcome = run("evaluate", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.sentence
