"""`alphacrystal benchmark table5`: small tables, interruption and continuation."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Composition

Run = Callable[..., Any]

FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
PRIMITIVE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
# Primitive cell over a, positions of the anions, a over the sum of radii.
PROTOTYPES = {
    "rock salt": (FACE_CENTRED, [[0.5, 0.5, 0.5]], 2.0),
    "caesium chloride": (PRIMITIVE, [[0.5, 0.5, 0.5]], 1.2),
    "fluorite": (FACE_CENTRED, [[0.25, 0.25, 0.25], [0.75, 0.75, 0.75]], 2.2),
}
CATIONS = {"Li": 0.8, "Na": 1.0, "K": 1.3, "Rb": 1.5, "Mg": 0.7, "Ca": 1.0, "Sr": 1.2, "Ba": 1.4, "Zn": 0.7}
ANIONS = {"H": 1.2, "F": 1.3, "Cl": 1.8, "Br": 1.9, "I": 2.2, "O": 1.3, "S": 1.8, "Se": 1.9, "Te": 2.1}
METHODS = ("controls", "paper", "pair", "types")
SMALL = ("--share", "0.02", "--rows", "1")  # 20 crystals to train on, 2 to test on


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty-one cubic crystals as a record file."""
    path = tmp_path_factory.mktemp("data") / "structures.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number, (cation, anion) in enumerate(product(CATIONS, ANIONS)):
            cell, sites, scale = PROTOTYPES[list(PROTOTYPES)[number % 3]]
            a = scale * (CATIONS[cation] + ANIONS[anion])
            record = {
                "id": f"mp-{number}",
                "reduced_formula": Composition({cation: 1, anion: len(sites)}).reduced_formula,
                "lattice": [[a * x for x in row] for row in cell],
                "species": [cation, *[anion] * len(sites)],
                "frac_coords": [[0, 0, 0], *sites],
                "functional": "PBE",
            }
            stream.write(json.dumps(record) + "\n")
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def cells(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "cells").glob("*.json")}


def test_benchmark_without_a_name_lists_the_benchmarks(run: Run) -> None:
    outcome = run("benchmark")
    assert "table5" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.slow
def test_all_methods_on_a_small_table(run: Run, tmp_path: Path, records: Path, cache: Path) -> None:
    command = ("benchmark", "table5", *SMALL, "--out", "out", "--width", 1 / 32)
    command += ("--epochs", 2, "--pair-epochs", 1, "--splits", "disjoint", "--cell", "conventional")
    outcome = run(*command, "--data", records, "--cache", cache, "--json")
    assert outcome.code == 0, outcome.err
    results = json.loads(outcome.out)
    assert results == json.loads((tmp_path / "out" / "table5.json").read_text(encoding="utf-8"))
    assert cells(tmp_path / "out") == {f"row1-disjoint-{method}" for method in METHODS}
    assert {(cell["train"], cell["test"]) for cell in results["cells"]} == {(20, 2)}
    assert results["data"]["counts"] == {"all": 79, "cubic": 79, "binary": 79, "ternary": 0}
    by_name = {name: own for cell in results["cells"] for name, own in cell["scores"].items()}
    assert by_name["perfect_classes"]["rmse"] <= by_name["modal_class"]["rmse"]
    assert by_name["true_block_means"]["rmse"] < by_name["shuffled_in_elements"]["rmse"]
    assert all(own["rmse"] > 0 for own in by_name.values())

    # The same again needs neither data nor training, and now writes the page.
    again = run(*command, "--page", "page.md")
    assert again.code == 0, again.err
    assert "1.884" in again.out  # the paper's RMSE of row 1
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    for text in (
        results["cells"][0]["facts"]["commit"],
        "--width 0.03125",
        "our pair network",
        "our three models",
        "figure3.png",
    ):
        assert text in page
    assert (tmp_path / "page" / "figure3.svg").is_file()
    assert str(tmp_path) not in page
    stored = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    assert stored["cells"] == results["cells"]

    other = run(*command, "--seed", "1")
    assert other.code == 2
    assert "seed 0 instead of 1" in other.sentence


def test_parts_of_the_table_add_up_in_one_folder(
    run: Run, tmp_path: Path, records: Path, cache: Path
) -> None:
    command = ("benchmark", "table5", "--share", "0.02", "--out", "out", "--methods", "controls")
    given = ("--data", records, "--cache", cache)
    assert run(*command, *given, "--rows", "3", "--splits", "disjoint").code == 0
    assert run(*command, *given, "--rows", "1,3", "--splits", "random").code == 0
    assert cells(tmp_path / "out") == {
        "row3-disjoint-controls",
        "row1-random-controls",
        "row3-random-controls",
    }


def test_other_data_are_refused(run: Run, tmp_path: Path, records: Path, cache: Path) -> None:
    command = ("benchmark", "table5", "--share", "0.02", "--out", "out", "--methods", "controls")
    assert run(*command, "--rows", "1", "--data", records, "--cache", cache).code == 0
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("".join(records.read_text(encoding="utf-8").splitlines(keepends=True)[:60]))
    outcome = run(*command, "--rows", "3", "--data", fewer)
    assert outcome.code == 2
    assert "other data" in outcome.sentence


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--rows", "9"), "there is no row 9"),
        (("--rows", "one"), "--rows takes numbers"),
        (("--methods", "magic"), "controls,paper,pair"),
        (("--splits", "magic"), "random,disjoint"),
        (("--cell", "primitive,conventional"), "--cell takes one of"),
        (("--width", "0"), "--width takes a number from"),
        (("--share", "2"), "--share takes a number from"),
        (("--time-limit", "-1"), "--time-limit takes a number from"),
        ((), "--data"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_sentence(run: Run, tmp_path: Path, flags: tuple[str, ...], sentence: str) -> None:
    outcome = run("benchmark", "table5", "--out", "out", *flags)
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert not cells(tmp_path / "out")


def test_too_few_crystals_are_refused_before_anything_is_trained(
    run: Run, tmp_path: Path, records: Path, cache: Path
) -> None:
    outcome = run("benchmark", "table5", "--out", "out", "--rows", "1,2", "--data", records, "--cache", cache)
    assert outcome.code == 2
    assert "too few" in outcome.sentence
    assert not cells(tmp_path / "out")


def test_damaged_cell_is_named(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "cells"
    folder.mkdir(parents=True)
    (folder / "row1-random-controls.json").write_text('{"row": 1')
    outcome = run("benchmark", "table5", "--out", "out")
    assert outcome.code == 2
    assert "row1-random-controls.json is damaged" in outcome.sentence


def test_an_interrupted_table_keeps_its_cells_and_names_the_command_that_continues(
    start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path, records: Path, cache: Path
) -> None:
    out = tmp_path / "out"
    flags = ("--splits", "random", "--methods", "controls,pair", "--cache", cache)
    process = start(
        "benchmark", "table5", *SMALL, "--data", records, "--out", out, *flags, "--pair-epochs", 5000
    )
    deadline = time.monotonic() + 250  # seconds; on an idle machine it takes a few
    while not (training := list(out.glob("networks/*/log.csv"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert training
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert cells(out) == {"row1-random-controls"}
    command = shlex.split(errors.split("Continue with: alphacrystal ")[1])
    assert str(records) in command
    without_network = [word if word != "controls,pair" else "controls" for word in command]
    assert run(*without_network).code == 0
