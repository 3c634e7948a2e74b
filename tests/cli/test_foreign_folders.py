"""Run folders and campaigns from strangers: nothing outside them is read as theirs, written to or deleted."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Files of the user, which must stay as they are."""
    folder = tmp_path / "home"
    (folder / "empty").mkdir(parents=True)
    (folder / "001_NaCl_sg225.cif").write_text("mine")
    (folder / "thesis.txt").write_text("mine")
    yield folder
    assert {path.name for path in folder.iterdir()} == {"empty", "001_NaCl_sg225.cif", "thesis.txt"}
    assert not any((folder / "empty").iterdir())
    for name in ("001_NaCl_sg225.cif", "thesis.txt"):
        assert (folder / name).read_text() == "mine"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, start_command: Callable[..., Any]) -> Path:
    """A folder with a run and a campaign to copy."""
    place = tmp_path_factory.mktemp("finished")
    (place / "list.txt").write_text("NaCl\nMgO\n")
    for words in (("predict", "NaCl", "--out", "run"), ("campaign", "list.txt", "--out", "all")):
        assert start_command(*words, *QUICK, cwd=place).wait() == 0
    return place


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A run that --resume continues, for it has no report."""
    shutil.copytree(finished / "run", tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    return tmp_path / "run"


def link_folder(name: str, target: str) -> Callable[[Path, Path], None]:
    def link(folder: Path, outside: Path) -> None:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        (folder / name).symlink_to(outside / target)

    return link


def link_file(name: str, *, hard: bool = False) -> Callable[[Path, Path], None]:
    def link(folder: Path, outside: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        if hard:
            (folder / name).hardlink_to(outside / "thesis.txt")
        else:
            (folder / name).symlink_to(outside / "thesis.txt")

    return link


def link_checkpoint(folder: Path, outside: Path) -> None:
    """The real checkpoint, reached through a link."""
    shutil.move(folder / "checkpoint", folder.parent / "checkpoint")
    (folder / "checkpoint").symlink_to(folder.parent / "checkpoint")


RESUMED = {
    "structures": link_folder("structures", "."),
    "empty structures": link_folder("structures", "empty"),
    "checkpoint": link_checkpoint,
    "events": link_file("events.jsonl"),
    "events, hard": link_file("events.jsonl", hard=True),
    "table": link_file("summary.csv"),
    "temporary file": link_file(".run.json.tmp"),
    "temporary structure": link_file("structures/.001_NaCl_sg225.cif.tmp"),
    "relaxations": link_file("checkpoint/relaxations.jsonl"),
    "partial request": link_file("checkpoint/.request.json.tmp"),
    "lock": link_file(".lock"),
    "lock, hard": link_file(".lock", hard=True),
}


@pytest.mark.parametrize("link", list(RESUMED))
def test_resumed_folder_with_a_link_is_refused(run: Run, folder: Path, outside: Path, link: str) -> None:
    RESUMED[link](folder, outside)
    for words in (
        ("predict", "--resume", "--out", "run"),
        ("predict", "NaCl", *QUICK, "--resume", "--out", "run"),
    ):
        outcome = run(*words)
        assert outcome.code == 2
        assert "is a link" in outcome.sentence
    assert not (folder / "report.html").exists()


def test_list_with_a_link_in_one_of_its_runs_is_refused(run: Run, finished_list: Path, outside: Path) -> None:
    (finished_list / "MgO" / "report.html").unlink()
    link_folder("structures", ".")(finished_list / "MgO", outside)
    outcome = run("predict", "--resume", "--out", "batch")
    assert outcome.code == 2
    assert "structures is a link to another place" in outcome.sentence


def test_figures_are_not_drawn_through_a_link(run: Run, folder: Path, outside: Path) -> None:
    (folder / "figures").symlink_to(outside)
    assert run("view", "run").code == 0
    outcome = run("view", "run", "--figures")
    assert outcome.code == 2
    assert "figures leads out of the folder run: remove the link." in outcome.sentence


@pytest.mark.parametrize(
    "file",
    [
        "../home/001_NaCl_sg225.cif",
        "structures/../../home/001_NaCl_sg225.cif",
        "/etc/passwd",
        "{outside}/001_NaCl_sg225.cif",
        "structures/",
        "structures/.hidden.cif",
        "structures/a/b.cif",
        "structures\\..\\x.cif",
        "structures/x.cif\0",
        "",
        "run.json",
    ],
)
def test_structure_file_outside_of_its_folder_is_refused(
    run: Run, folder: Path, outside: Path, file: str
) -> None:
    file = file.format(outside=outside)
    path = folder / "summary.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    rows[1][1] = file
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    for words in (
        ("view", "run"),
        ("view", "run", "--json"),
        ("evaluate", "run", "run"),
        ("view", "run", "--figures"),
    ):
        outcome = run(*words)
        assert outcome.code == 2
        assert "names the structure file" in outcome.sentence
        assert "mine" not in outcome.out + outcome.err
    # The run itself is continued, and its table written anew.
    assert run("predict", "--resume", "--out", "run").code == 0
    assert run("view", "run").code == 0


def oversized(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", DEEP, "run.json is missing or damaged"),
        ("run.json", 17_000_000, "run.json is larger than 16 MB"),
        ("results.json", DEEP, "results.json is missing or damaged"),
        ("summary.csv", 17_000_000, "summary.csv is larger than 16 MB"),
        ("summary.csv", "a," * 1_000_000, "more than 1000 columns"),
        ("summary.csv", "rank," + "a" * 200_000, "summary.csv is missing or damaged"),
        ("summary.csv", "rank\0,file\n1,\0", "summary.csv is missing or damaged"),
        ("checkpoint/request.json", DEEP, "request.json is damaged"),
        ("checkpoint/request.json", 101_000_000, "request.json is larger than 100 MB"),
        ("checkpoint/request.json", '{"formula": 5, "settings": {}}', "request.json is damaged"),
        ("checkpoint/request.json", '{"formula": "NaCl", "settings": []}', "request.json is damaged"),
        ("checkpoint/batch.json", DEEP, "batch.json is damaged"),
        (
            "checkpoint/batch.json",
            '{"formulas": [["NaCl", 5, null]], "settings": {}}',
            "batch.json is damaged",
        ),
        ("checkpoint/batch.json", '{"formulas": [["NaCl"]], "settings": {}}', "batch.json is damaged"),
        ("checkpoint/batch.json", '{"formulas": {"a": 1}, "settings": {}}', "batch.json is damaged"),
    ],
)
def test_file_of_a_run_that_is_too_large_or_too_deep_is_one_sentence(
    run: Run, folder: Path, name: str, content: str | int, sentence: str
) -> None:
    path = folder / name
    if isinstance(content, int):
        oversized(path, content)
    else:
        path.write_text(content)
    words: tuple[object, ...] = ("view", "run", "--figures")
    if name.startswith("checkpoint"):
        words = ("predict", "--resume", "--out", "run")
    outcome = run(*words)
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert len(outcome.sentence) < 500


def test_control_characters_of_a_run_do_not_reach_the_terminal(run: Run, folder: Path) -> None:
    facts = json.loads((folder / "run.json").read_text())
    facts["notes"] = ["clear\x1b[2J"]
    facts["formula"] = "Na\x1b]0;x\x07Cl[red]"
    (folder / "run.json").write_text(json.dumps(facts))
    outcome = run("view", "run")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "[red]" in outcome.out


def test_list_of_a_gigabyte_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    oversized(tmp_path / "list.txt", 1_000_000_000)
    for verb in ("predict", "inspect"):
        outcome = run(verb, "--from", "list.txt")
        assert outcome.code == 2
        assert "larger than 20 MB, the limit for a list of formulas" in outcome.sentence
    oversized(tmp_path / "list.txt", 1_000_000_001)
    assert "larger than 1 GB" in run("campaign", "list.txt", "--out", "all").sentence
    assert not (tmp_path / "all").exists()


@pytest.fixture
def campaign(finished: Path, tmp_path: Path) -> Path:
    """A campaign with one unit that waits."""
    shutil.copytree(finished / "all", tmp_path / "all")
    shutil.copy(finished / "list.txt", tmp_path)
    change(tmp_path / "all", "UPDATE tasks SET status = 'waiting', result = '' WHERE formula = 'NaCl'")
    return tmp_path / "all"


def change(folder: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(folder / "campaign.sqlite")) as database, database:
        database.execute(statement, values)


@pytest.mark.parametrize(
    "place", ["../home", "{outside}", "runs/../../home", "runs", "", ".", "runs/ab/x-0123456789/../../.."]
)
@pytest.mark.parametrize("pack", [False, True])
def test_task_with_a_folder_elsewhere_is_refused(
    run: Run, campaign: Path, outside: Path, place: str, pack: bool
) -> None:
    change(campaign, "UPDATE tasks SET folder = ? WHERE status = 'waiting'", place.format(outside=outside))
    if pack:
        change(campaign, "UPDATE facts SET value = 'true' WHERE name = 'pack'")
    outcome = run("campaign", "--resume", "--out", "all")
    assert outcome.code == 2
    assert "campaign.sqlite is damaged" in outcome.err


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_task_behind_a_link_is_refused(run: Run, campaign: Path, outside: Path, depth: int) -> None:
    (waiting,) = (path.parent for path in campaign.glob("runs/*/NaCl-*/run.json"))
    place = [waiting, waiting.parent, waiting.parent.parent][depth - 1]
    shutil.rmtree(place)
    place.symlink_to(outside / "empty")
    assert run("campaign", "--resume", "--out", "all").code == 0
    text = (campaign / "failures.csv").read_text()
    assert "NaCl" in text
    assert "leads out of the folder" in text


def test_result_elsewhere_does_not_reach_the_index(run: Run, campaign: Path) -> None:
    change(campaign, "UPDATE tasks SET result = '../../home' WHERE status = 'done'")
    outcome = run("campaign", "--resume", "--out", "all")
    assert outcome.code == 2
    assert "home" not in (campaign / "index.csv").read_text()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER UPDATE ON tasks BEGIN DELETE FROM lines; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE TABLE other (x)",
        "CREATE INDEX i ON tasks (length(formula))",
        "ALTER TABLE tasks ADD COLUMN x GENERATED ALWAYS AS (length(formula))",
        "ALTER TABLE facts RENAME TO other",
    ],
)
def test_store_with_a_schema_of_its_own_is_refused(run: Run, campaign: Path, statement: str) -> None:
    change(campaign, statement)
    before = (campaign / "campaign.sqlite").read_bytes()
    for words in (("--resume",), ("list.txt", *QUICK)):
        outcome = run("campaign", *words, "--out", "all")
        assert outcome.code == 2
        assert "it has other tables, views or triggers" in outcome.sentence
    assert (campaign / "campaign.sqlite").read_bytes() == before


def test_value_of_a_store_that_is_too_large_or_too_deep_is_damage(run: Run, campaign: Path) -> None:
    change(campaign, "UPDATE facts SET value = ? WHERE name = 'settings'", DEEP)
    assert "is damaged" in run("campaign", "--resume", "--out", "all").sentence
    change(campaign, "UPDATE facts SET value = ? WHERE name = 'settings'", "[" * 20_000_000)
    assert "is damaged" in run("campaign", "--resume", "--out", "all").sentence


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_store_that_is_a_link_is_refused(run: Run, campaign: Path, outside: Path, suffix: str) -> None:
    path = campaign / f"campaign.sqlite{suffix}"
    path.unlink(missing_ok=True)
    path.symlink_to(outside / "thesis.txt")
    outcome = run("campaign", "--resume", "--out", "all")
    assert outcome.code == 2
    assert "is a link" in outcome.sentence or "holds no campaign" in outcome.sentence


def test_rollback_journal_of_a_stranger_deletes_no_file(run: Run, campaign: Path, outside: Path) -> None:
    """SQLite deletes the file that a hot journal names as its super-journal."""
    victim = str(outside / "thesis.txt").encode()
    magic = bytes.fromhex("d9d505f920a163d7")
    header = magic + b"".join(number.to_bytes(4, "big") for number in (0, 0, 1, 512, 4096))
    end = len(victim).to_bytes(4, "big") + (sum(victim) & 0xFFFFFFFF).to_bytes(4, "big") + magic
    lock_page = (0x40000000 // 4096 + 1).to_bytes(4, "big")
    journal = campaign / "campaign.sqlite-journal"
    journal.write_bytes(header.ljust(512, b"\0") + lock_page + victim + end)
    outcome = run("campaign", "--resume", "--out", "all")
    assert outcome.code == 2
    assert "does not belong to a campaign: remove it" in outcome.sentence
    journal.unlink()
    assert run("campaign", "--resume", "--out", "all").code == 0


def test_store_killed_while_it_was_created_is_begun_anew(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("NaCl\n")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "campaign.sqlite").write_bytes(bytes(100))
    (tmp_path / "all" / "campaign.sqlite-journal").write_bytes(bytes(100))
    assert run("campaign", "list.txt", *QUICK, "--out", "all").code == 0


def test_bad_list_deletes_no_store_that_was_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("formula,space_group\nNaCl,999\n")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "campaign.sqlite").touch()
    (tmp_path / "all" / "campaign.sqlite.backup").write_text("mine")
    assert run("campaign", "list.csv", *QUICK, "--out", "all").code == 2
    assert (tmp_path / "all" / "campaign.sqlite").exists()
    assert (tmp_path / "all" / "campaign.sqlite.backup").read_text() == "mine"
    assert run("campaign", "list.csv", *QUICK, "--out", "other").code == 2
    assert not (tmp_path / "other").exists()
