"""What a user can get wrong: one sentence on standard error, exit code 2, nothing written or started."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
QUICK = ("--candidates", "3", "--max-atoms", "4", "--no-relax")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Xx2O3"], "Xx"),
        ([""], "empty"),
        (["Zr4Al3)"], "Zr4Al3)"),
        (["Zr4(Al3"], "Zr4(Al3"),
        (["4"], "4"),
        (["Fe3+"], "charge"),
        (["Ca2+O2-"], "one compound"),
        (["SO4^2-"], "charge"),
        (["Zr-4Al3"], "Zr-4Al3"),
        (["Na0Cl1"], "Na0Cl1"),
        (["Zr99999999999Al3"], "1000"),
        (["Zr4Al3", "--max-atoms", "6"], "--max-atoms 7"),
        (["Na40Cl41"], "81 atoms in one formula unit, more than the 80"),
        (["NaCl", "--max-atoms", "81"], "max_atoms"),
        (["NaCl", "--cell", "Na41Cl41"], "82 atoms, more than the limit of 80"),
        (["NaCl", "--cell", "Na2Cl"], "not a multiple of NaCl"),
        (["NaCl", "--cell", "Na2Cl2", "--z", "1"], "one of --cell and --z"),
        (["NaCl", "--z", "0"], "positive whole numbers"),
        (["NaCl", "--z", "1,x"], "--z takes whole numbers"),
        (["NaCl", "--z", "41"], "82 atoms, more than the limit of 80"),
        (["NaCl", "--space-group", "231"], "space group 231 does not exist"),
        (["NaCl", "--space-group", "0"], "space group 0 does not exist"),
        (["NaCl", "--space-group", "Fm-3x"], "Fm-3x"),
        (["NaCl", "--lattice", "4,4,6,90"], "--lattice takes 6 numbers"),
        (["NaCl", "--lattice", "4,4,six,90,90,90"], "--lattice takes 6 numbers"),
        (["NaCl", "--lattice", "4,4,nan,90,90,90"], "lattice"),
        (["NaCl", "--lattice", "4,4,-6,90,90,90"], "lengths between 0 and 200"),
        (["NaCl", "--lattice", "4,4,6,30,30,170"], "do not close to a cell"),
        (["NaCl", "--lattice", "4,4,6,90,90,90", "--space-group", "225"], "cubic cell has a = b = c"),
        (["NaCl", "--potential", "m4gnet"], "no potential named 'm4gnet'; known here: chgnet, chgnet-r2scan"),
        (["AmO2"], "chgnet does not know the element Am"),
        (["Cm2O3", "--potential", "chgnet-r2scan"], "does not know the element Cm"),
        (["NaCl", "--generators", "dice"], "There is no generator 'dice': choose from"),
        (["NaCl", "--generators", ","], "generator"),
        (["NaCl", "--generators", "template"], "give a file of records or a folder of CIFs with --templates"),
        (["NaCl", "--generators", "template", "--templates", "none.jsonl"], "no template library none.jsonl"),
        (["Ca3Al2Si3O12", "--generators", "contact_map"], "contact maps contain at most 12 atoms"),
        (["AmO2", "--generators", "gnoa-pso", "--no-relax"], "chgnet does not know the element Am"),
        (["NaCl", "--generators", "gnoa-pso", "--no-relax", "--potential", "m4gnet"], "no potential named"),
        (["NaCl", "--generator", "random", "--max-proposals", "0"], "max_proposals"),
        (["NaCl", "--max-energy-calls", "0"], "max_energy_calls"),
        (["NaCl", "--generate-seconds", "0"], "generate_seconds"),
        (["NaCl", "--template-similarity", "colour"], "similarity"),
        (["NaCl", "--top", "0"], "top"),
        (["NaCl", "--candidates", "-3"], "candidates"),
        (["NaCl", "--pressure", "nan"], "pressure"),
        (["NaCl", "--pressure", "inf"], "pressure"),
        (["NaCl", "--fmax", "0"], "fmax"),
        (["NaCl", "--workers", "0"], "workers"),
        (["NaCl", "--seed", "-1"], "seed"),
        (["NaCl", "--models", "nowhere"], "model card nowhere/symmetry.json is missing"),
        ([], "Give at least one formula"),
        (["--resume"], "--resume needs the folder"),
        (["NaCl", "--no-such-flag"], "--no-such-flag"),
        (["LiNaKRbCsBeMgCaSrBa"], "10 elements"),
    ],
)
def test_bad_request_is_refused_with_one_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    outcome = run("predict", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert list(tmp_path.iterdir()) == []


def test_space_group_that_cannot_hold_the_cell_says_which_counts_would(run: Run, tmp_path: Path) -> None:
    outcome = run("predict", "CaF2", "--cell", "CaF2", "--space-group", "227", "--out", "x")
    assert outcome.code == 2
    assert "CaF2 cannot be placed" in outcome.sentence
    assert "space group 227 (Fd-3m)" in outcome.sentence
    assert "the primitive cell can hold Ca2F4 (Z=2, 6 atoms)" in outcome.sentence
    assert not (tmp_path / "x").exists()


def test_formula_that_looks_like_a_flag_is_explained(run: Run) -> None:
    outcome = run("predict", "-NaCl")
    assert outcome.code == 2
    assert outcome.sentence


@pytest.mark.parametrize("name", ["symmetry", "group", "lattice", "distance"])
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("flip a byte", "wrong hash"),
        ("cut", "wrong hash"),
        ("remove", "safetensors is missing"),
        ("remove card", "json is missing"),
        ("spoil card", "json is damaged"),
        ("not tensors", "cannot be read as a"),
    ],
)
def test_damaged_weights_are_named(
    run: Run, weights: Path, tmp_path: Path, name: str, damage: str, sentence: str
) -> None:
    file, card = weights / f"{name}.safetensors", weights / f"{name}.json"
    if damage == "flip a byte":
        content = bytearray(file.read_bytes())
        content[-100] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "remove":
        file.unlink()
    elif damage == "remove card":
        card.unlink()
    elif damage == "spoil card":
        card.write_text("{")
    else:
        file.write_bytes(b"not tensors")
        values = json.loads(card.read_text()) | {"sha256": hashlib.sha256(b"not tensors").hexdigest()}
        card.write_text(json.dumps(values))
    outcome = run("predict", "NaCl", "--models", weights, "--out", "x")
    assert outcome.code == 2
    assert name in outcome.sentence
    assert sentence in outcome.sentence
    assert not (tmp_path / "x").exists()


def test_damaged_weights_are_found_through_the_environment_too(
    run: Run, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (weights / "distance.safetensors").write_bytes(b"")
    monkeypatch.setenv("ALPHACRYSTAL_MODELS", str(weights))
    for arguments in (("predict", "NaCl"), ("inspect", "NaCl"), ("model", "list")):
        outcome = run(*arguments)
        assert outcome.code == 2
        assert "wrong hash" in outcome.sentence


def test_output_folder_with_something_in_it_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").write_text("dear reader")
    outcome = run("predict", "NaCl", *QUICK, "--out", "x")
    assert outcome.code == 2
    assert "x is not empty" in outcome.sentence
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "left",
    [".lock", ".run.json.tmp", "checkpoint/", "checkpoint/.request.json.tmp"],
)
def test_folder_of_a_run_killed_before_it_stored_its_request_is_used(
    run: Run, tmp_path: Path, left: str
) -> None:
    path = tmp_path / "x" / left
    path.parent.mkdir(parents=True)
    if left.endswith("/"):
        path.mkdir()
    else:
        path.write_text("")
    outcome = run("predict", "NaCl", *QUICK, "--out", "x")
    assert outcome.code == 0, outcome.err
    assert json.loads((tmp_path / "x" / "run.json").read_text())["complete"] is True
    assert not list((tmp_path / "x").rglob("*.tmp"))


@pytest.mark.parametrize("left", ["checkpoint/thesis.tex", "checkpoint/request.json", ".other.tmp"])
def test_folder_with_another_file_is_left_alone(run: Run, tmp_path: Path, left: str) -> None:
    path = tmp_path / "x" / left
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    outcome = run("predict", "NaCl", *QUICK, "--out", "x")
    assert outcome.code == 2
    assert "x is not empty" in outcome.sentence
    assert path.read_text() == "{}"


def test_output_folder_that_is_a_file_or_below_one_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "x is a file" in run("predict", "NaCl", *QUICK, "--out", "x").sentence
    outcome = run("predict", "NaCl", *QUICK, "--out", "x/y")
    assert outcome.code == 2
    assert "cannot be written" in outcome.sentence


def test_output_folder_that_cannot_be_written_is_refused(run: Run) -> None:
    if not Path("/proc").is_dir():
        pytest.skip("needs a folder that nobody can write into, such as /proc")
    outcome = run("predict", "NaCl", *QUICK, "--out", "/proc/x")
    assert outcome.code == 2
    assert "/proc/x cannot be written" in outcome.sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("top = ", "not a TOML file"),
        ("top = 'many'", "top"),
        ("colour = 'red'", "colour"),
        ("relax = 3", "relax"),
        ("space_group = 300", "space group 300 does not exist"),
        ("lattice = [1, 2]", "lattice"),
    ],
)
def test_bad_configuration_file_is_named(run: Run, tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    outcome = run("predict", "NaCl", "--config", "run.toml")
    assert outcome.code == 2
    assert sentence in outcome.sentence


def test_missing_configuration_file_is_named(run: Run, tmp_path: Path) -> None:
    assert "no configuration file run.toml" in run("predict", "NaCl", "--config", "run.toml").sentence
    (tmp_path / "folder").mkdir()
    outcome = run("predict", "NaCl", "--config", "folder")
    assert outcome.code == 2
    assert "folder" in outcome.sentence


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("list.csv", b"", "holds no formula"),
        ("list.csv", b"name,cell\nNaCl,\n", "no column named formula"),
        ("list.csv", b"formula\n", "header but no formula"),
        ("list.csv", b"formula,cell\nNaCl,\n,Na2Cl2\n", "line 3 has no formula"),
        ("list.csv", b"formula,space_group\nNaCl,cubic\n", "line 2: space_group 'cubic'"),
        ("list.csv", b"formula,space_group\nNaCl,231\n", "line 2: space_group '231'"),
        ("list.txt", b"# nothing\n\n", "holds no formula"),
        ("list.txt", b"\xff\xfe\x00", "not text in UTF-8"),
    ],
)
def test_bad_formula_list_is_named(
    run: Run, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = run("predict", "--from", name, *QUICK, "--out", "x")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert not (tmp_path / "x").exists()


def test_missing_formula_list_is_named(run: Run) -> None:
    outcome = run("predict", "--from", "list.csv")
    assert outcome.code == 2
    assert "list.csv cannot be read" in outcome.sentence


def test_view_of_something_that_is_no_run_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        outcome = run("view", name)
        assert outcome.code == 2
        assert name in outcome.sentence


def test_unknown_verb_or_model_is_refused(run: Run) -> None:
    assert run("foretell", "NaCl").code == 2
    outcome = run("model", "card", "gpt")
    assert outcome.code == 2
    assert "choose one of symmetry, group, lattice, distance" in outcome.sentence
