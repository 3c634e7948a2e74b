"""Damaged run folders and campaigns: told or mended, and nothing that was finished goes away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Damage = Callable[[bytes], st.SearchStrategy[bytes]]
Hashes = Callable[[Path], dict[str, str]]
REQUESTS = {
    "fixed": ("predict", "NaCl", "--no-relax", "--candidates", "2", "--max-atoms", "4"),
    "relaxed": ("predict", "MgO", "--candidates", "2", "--max-atoms", "4", "--workers", "1", "--steps", "2"),
    "batch": ("predict", "KCl", "CaO", "--no-relax", "--candidates", "1", "--max-atoms", "4"),
}
#: Written anew by whoever writes a run folder, with its times and dates.
TIMED = {"run.json", "results.json", "report.html", "events.jsonl", "index.csv"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, start_command: Callable[..., Any]) -> Path:
    """A folder of finished runs by name; the batch is of two formulas."""
    folder = tmp_path_factory.mktemp("finished")
    for name, words in REQUESTS.items():
        process = start_command(*words, "--out", folder / name)
        assert process.wait() == 0, process.communicate()
    return folder


@pytest.fixture
def runs(fuzz: Any, finished: Path) -> dict[str, Path]:
    """Copies of the finished runs among the input files, by name."""
    shutil.copytree(finished, fuzz.inputs, dirs_exist_ok=True)
    return {name: fuzz.inputs / name for name in REQUESTS}


@pytest.mark.parametrize("count", [12, pytest.param(120, marks=pytest.mark.slow)])
def test_damaged_run_folder(
    fuzz: Any, damage: Damage, hashes: Hashes, runs: dict[str, Path], count: int
) -> None:
    files = {
        name: [path for path in hashes(folder) if not path.endswith(".html")] for name, folder in runs.items()
    }

    @fuzz.cases(count)
    @given(
        data=st.data(),
        name=st.sampled_from(sorted(runs)),
        verb=st.sampled_from(["resume", "resume", "resume", "view", "evaluate", "again", "relax"]),
        unfinished=st.booleans(),
    )
    def check(data: Any, name: str, verb: str, unfinished: bool) -> None:
        with fuzz.case() as working:
            folder = working / "run"
            shutil.copytree(runs[name], folder)
            file = data.draw(st.sampled_from(files[name]))
            path = folder / file
            if unfinished:
                for page in folder.rglob("report.html"):
                    page.unlink()
            path.write_bytes(data.draw(damage(path.read_bytes())))
            before = hashes(folder)
            own = folder / "KCl" if name == "batch" else folder
            words: dict[str, tuple[object, ...]] = {
                "resume": ("predict", "--resume", "--out", folder),
                "view": ("view", own, "--json"),
                "evaluate": ("evaluate", own, runs["fixed"], "--json", "--time-limit", "5"),
                "again": (*REQUESTS[name], "--out", folder),
                "relax": ("rank", path, "--out", "ranked"),
            }
            outcome = fuzz(*words[verb])
            after = hashes(folder)
            assert before.keys() <= after.keys(), "a file of the run is gone"
            if verb != "resume":
                assert after == before
                return
            changed = {Path(item) for item in before if after[item] != before[item]} - {Path(file)}
            # Lists of a folder may be written anew. Structures, candidates and energies stay.
            assert {item.name for item in changed} <= TIMED, (changed, outcome)
            if outcome.code == 0 and "checkpoint" not in file:
                assert fuzz("view", own).code == 0

    check()


@pytest.mark.parametrize("count", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_damaged_campaign(fuzz: Any, damage: Damage, hashes: Hashes, count: int) -> None:
    (fuzz.inputs / "list.csv").write_text("formula,cell\nNaCl,\nXx,\nMgO,MgO\n")
    quick = ("--no-relax", "--candidates", "1", "--max-atoms", "4")
    whole = fuzz.inputs / "campaign"
    assert fuzz("campaign", fuzz.inputs / "list.csv", *quick, "--out", whole).code == 0

    @fuzz.cases(count)
    @given(
        data=st.data(),
        file=st.sampled_from(["campaign.sqlite"] * 5 + ["index.csv", "failures.csv", "list"]),
        verb=st.sampled_from(["resume", "resume", "again", "with its list"]),
    )
    def check(data: Any, file: str, verb: str) -> None:
        with fuzz.case() as working:
            folder = working / "campaign"
            shutil.copytree(whole, folder)
            listed = working / "list.csv"
            shutil.copy(fuzz.inputs / "list.csv", listed)
            path = listed if file == "list" else folder / file
            path.write_bytes(data.draw(damage(path.read_bytes())))
            before = {name: own for name, own in hashes(folder).items() if name.startswith("runs/")}
            resume = ("campaign", "--resume", "--out", folder)
            words: dict[str, tuple[object, ...]] = {
                "resume": resume,
                "again": ("campaign", listed, *quick, "--out", folder),
                "with its list": ("campaign", listed, *resume[1:]),
            }
            fuzz(*words[verb])
            after = hashes(folder)
            assert {name: after.get(name) for name in before} == before, "a finished run was changed"

    check()


def test_resume_of_a_list_names_the_damaged_run_and_goes_on(fuzz: Any, runs: dict[str, Path]) -> None:
    """One formula of a list whose folder is damaged beyond mending does not stop the others."""
    with fuzz.case() as working:
        folder = working / "run"
        shutil.copytree(runs["batch"], folder)
        (folder / "KCl" / "report.html").unlink()
        (folder / "KCl" / "checkpoint" / "candidates.json").write_text("{")
        (folder / "CaO" / "report.html").unlink()
        outcome = fuzz("predict", "--resume", "--out", folder)
        assert outcome.code == 2
        assert "candidates.json is damaged" in outcome.err
        assert json.loads((folder / "CaO" / "run.json").read_text())["complete"] is True
        assert (folder / "CaO" / "report.html").is_file()
