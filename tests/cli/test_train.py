"""`alphacrystal train`: tiny runs on crystals built here, stopped and gone on with."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Composition

from alphacrystal.runtime.folder_lock import lock_folder

Run = Callable[..., Any]

FACE_CENTRED = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
PRIMITIVE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
# Primitive cell over a, position of the anion, a over the sum of radii.
PROTOTYPES = {
    "rock salt": (FACE_CENTRED, [0.5, 0.5, 0.5], 2.0),
    "caesium chloride": (PRIMITIVE, [0.5, 0.5, 0.5], 1.2),
    "zincblende": (FACE_CENTRED, [0.25, 0.25, 0.25], 2.1),
}
CATIONS = {"Li": 0.8, "Na": 1.0, "K": 1.3, "Rb": 1.5, "Mg": 0.7, "Ca": 1.0, "Sr": 1.2, "Ba": 1.4, "Zn": 0.7}
ANIONS = {"H": 1.2, "F": 1.3, "Cl": 1.8, "Br": 1.9, "I": 2.2, "O": 1.3, "S": 1.8, "Se": 1.9, "Te": 2.1}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty-one simple crystals as a record file, every fifth compound kept for validation."""
    path = tmp_path_factory.mktemp("data") / "structures.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number, (cation, anion) in enumerate(product(CATIONS, ANIONS)):
            name = list(PROTOTYPES)[number % 3]
            cell, site, scale = PROTOTYPES[name]
            a = scale * (CATIONS[cation] + ANIONS[anion])
            record = {
                "id": f"{number} {name}",
                "reduced_formula": Composition({cation: 1, anion: 1}).reduced_formula,
                "lattice": [[a * x for x in row] for row in cell],
                "species": [cation, anion],
                "frac_coords": [[0, 0, 0], site],
                "functional": "PBE",
                "split": "val" if number % 5 == 0 else "train",
            }
            stream.write(json.dumps(record) + "\n")
    return path


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    "name", [pytest.param("symmetry", marks=pytest.mark.slow), "group", "lattice", "distance"]
)
def test_training_writes_weights_that_load_again(run: Run, tmp_path: Path, records: Path, name: str) -> None:
    outcome = run("train", name, "--data", records, "--out", "run", "--epochs", "1")
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "run"
    for file in ("checkpoint.pt", "log.csv", "loss.png", f"{name}.safetensors", f"{name}.json"):
        assert (folder / file).stat().st_size > 0
    assert len(log_of(folder)) == 1
    card = json.loads(run("model", "card", name, "--models", folder).out)
    assert card["metrics"]["val_loss"] == pytest.approx(float(log_of(folder)[0]["val_loss"]), abs=1e-3)
    assert f"alphacrystal train {name}" in card["command"]
    assert str(tmp_path) not in json.dumps(card)


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("lattice", 12),
        pytest.param("symmetry", 8, marks=pytest.mark.slow),
        pytest.param("distance", 8, marks=pytest.mark.slow),
    ],
)
def test_interrupted_training_goes_on_and_ends_in_the_same_weights(
    run: Run,
    start: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    records: Path,
    name: str,
    epochs: int,
) -> None:
    cache, broken = tmp_path / "cache", tmp_path / "broken"
    options = ("--data", records, "--cache", cache, "--epochs", epochs, "--seed", 1, "--threads", 1)
    assert run("train", name, *options, "--out", "whole").code == 0

    process = start("train", name, *options, "--out", broken)
    while not (broken / "checkpoint.pt").is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(log_of(broken)) < epochs
    (line,) = [
        line for line in err.splitlines() if line.startswith("Interrupted; resume with: alphacrystal ")
    ]
    assert run(*shlex.split(line.partition(": alphacrystal ")[2])).code == 0
    weights = [(folder / f"{name}.safetensors").read_bytes() for folder in (tmp_path / "whole", broken)]
    assert weights[0] == weights[1]
    assert len(log_of(broken)) == epochs


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "missing.jsonl"], "missing.jsonl"),
        (["--data", "one.jsonl"], "one.jsonl"),
        (["--data", "RECORDS", "--resume"], "no checkpoint in run"),
        (["--data", "RECORDS", "--epochs", "0"], "--epochs"),
        (["--data", "RECORDS", "--out", "/proc/run"], "/proc/run"),
    ],
)
def test_training_refuses_bad_input(
    run: Run, tmp_path: Path, records: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "one.jsonl").write_text(records.read_text().splitlines()[0] + "\n")
    given = [str(records) if word == "RECORDS" else word for word in arguments]
    outcome = run("train", "lattice", "--out", "run", *given)
    assert outcome.code == 2
    assert sentence in outcome.sentence


def test_training_does_not_overwrite_an_earlier_run(run: Run, records: Path) -> None:
    options = ("--data", records, "--out", "run", "--threads", "1")
    assert run("train", "lattice", *options, "--epochs", "1").code == 0
    outcome = run("train", "lattice", *options, "--epochs", "1")
    assert outcome.code == 2
    assert "run already holds a training run" in outcome.sentence
    outcome = run("train", "lattice", *options, "--epochs", "2", "--resume")
    assert outcome.code == 2
    assert "other settings" in outcome.sentence


def test_one_process_trains_in_a_folder(run: Run, records: Path, tmp_path: Path) -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock_folder(tmp_path / "net", create=True):
            holding.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(60)
    try:
        answer = run("train", "group", "--data", records, "--out", tmp_path / "net", "--epochs", 1)
    finally:
        done.set()
        holder.join()
    assert answer.code == 2
    assert "in use" in answer.sentence
    assert not (tmp_path / "net" / "log.csv").exists()
