"""The registry, the commands, run facts and resumable rows of the benchmarks."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.facts import commit_of, measured, run_facts
from alphacrystal_bench.harness.pages import LABELS, label
from alphacrystal_bench.harness.registry import benchmarks, register
from alphacrystal_bench.harness.rows import Rows, check_settings, sample

ROOT = Path(__file__).parents[2]
Run = Callable[..., Any]


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """A file in a repository with one commit."""
    path = tmp_path / "module.py"
    path.write_text("x = 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "module.py")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return path


def test_facts_name_commit_seed_time_machine_and_versions() -> None:
    facts = run_facts(3)
    assert facts["seed"] == 3
    assert {"commit", "time", "machine", "versions"} <= set(facts)
    assert facts["time"].endswith("+00:00")


def test_commit_of_a_clean_checkout(tracked: Path) -> None:
    assert commit_of(tracked) == git(tracked.parent, "rev-parse", "--short", "HEAD")


def test_changes_in_the_checkout_show_as_a_plus(tracked: Path) -> None:
    tracked.write_text("x = 2\n")
    assert commit_of(tracked) == git(tracked.parent, "rev-parse", "--short", "HEAD") + "+"


def test_package_installed_below_a_strange_checkout_has_no_commit(tracked: Path) -> None:
    installed = tracked.parent / "site-packages"
    installed.mkdir()
    (installed / "module.py").write_text("x = 1\n")
    assert commit_of(installed / "module.py") == "unknown"


def test_without_any_checkout_the_commit_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n")
    assert commit_of(tmp_path / "module.py") == "unknown"


def test_result_has_facts_format_and_duration() -> None:
    result = measured(3, lambda: {"n": 1})
    assert (result["n"], result["seed"], result["format"]) == (1, 3, 2)
    assert result["minutes"] >= 0


def test_help_lists_every_registered_benchmark(run: Run) -> None:
    outcome = run("benchmark", "--help")
    assert outcome.code == 0
    assert len(benchmarks()) >= 19
    for name in benchmarks():
        assert f" {name} " in outcome.out


@pytest.mark.parametrize("name", sorted(benchmarks()))
def test_every_benchmark_has_the_shared_options_a_page_and_a_line_in_the_docs(run: Run, name: str) -> None:
    outcome = run("benchmark", name, "--help")
    assert outcome.code == 0, outcome.err
    for option in ("--out", "--page", "--json"):
        assert option in outcome.out
    assert callable(benchmarks()[name].page_module().render)
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")]
    assert any(f"`alphacrystal benchmark {name}" in page for page in pages)


def test_quick_benchmarks_need_no_data() -> None:
    quick = {name: spec.quick for name, spec in benchmarks().items() if spec.quick is not None}
    assert {"textbook", "campaign", "metric-noise", "speed"} <= set(quick)
    assert all("--data" not in options for options in quick.values())
    with pytest.raises(ValueError, match="cannot be quick"):
        register("impossible", title="", page="", needs_data=True, quick=())
    with pytest.raises(ValueError, match="named 'textbook'"):
        register("textbook", title="", page="")(dict)


def test_a_benchmark_runs_and_its_stored_result_gives_the_same_page(run: Run, tmp_path: Path) -> None:
    outcome = run("benchmark", "metric-noise", "--origins", 2, "--out", "out", "--page", "page.md")
    assert outcome.code == 0, outcome.err
    assert "| rutile | superpose_rmsd |" in outcome.out
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.startswith(outcome.out.rstrip())
    assert "[All numbers](page.json)" in page
    result = json.loads((tmp_path / "out" / "metric-noise.json").read_text(encoding="utf-8"))
    assert result == json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    (tmp_path / "page.md").unlink()
    assert run("benchmark", "page", "metric-noise", "page.json", "page.md").code == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_results_of_another_format_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    outcome = run("benchmark", "page", "cost", "old.json", "page.md")
    assert outcome.code == 2
    assert "format 2" in outcome.sentence
    assert run("benchmark", "page", "chess", "old.json", "page.md").code == 2


def test_stored_results_have_identifiers_as_keys() -> None:
    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    files = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
    assert files
    for file in files:
        found = keys(json.loads(file.read_text(encoding="utf-8")))
        assert not [key for key in found if any(letter in key for letter in " ,%()'")], file.name


def test_labels_are_readable() -> None:
    assert label("forest_given_symmetry") == LABELS["forest_given_symmetry"]
    assert label("wrong_lattice") == "wrong lattice"


def test_rows_are_read_again_and_a_line_that_was_cut_off_is_not(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = Rows(file)
    rows.add("a", {"id": "a", "value": 1})
    assert rows.compute("a", lambda: pytest.fail("computed again")) == {"id": "a", "value": 1}
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "b", "val')
    again = Rows(file, upgrade=lambda row: row | {"new": True})
    assert (len(again), again.get("b"), again["a"]["new"]) == (1, None, True)


def test_other_settings_are_refused_in_the_same_folder(tmp_path: Path) -> None:
    check_settings(tmp_path, {"seed": 0})
    check_settings(tmp_path, {"seed": 0})
    with pytest.raises(InputError, match="other settings"):
        check_settings(tmp_path, {"seed": 1})


def test_a_sample_keeps_the_order() -> None:
    assert sample("abcdef", None, 0) == list("abcdef")
    assert sample("abcdef", 3, 1) == sorted(sample("abcdef", 3, 1))
    assert len(sample("abcdef", 3, 1)) == 3


def test_the_wheel_of_the_main_package_has_no_benchmark_code() -> None:
    projects = [
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        for folder in (ROOT, ROOT / "benchmarks" / "alphacrystal_bench")
    ]
    wheels = [project["tool"]["hatch"]["build"]["targets"]["wheel"] for project in projects]
    assert [wheel["packages"] for wheel in wheels] == [["src/alphacrystal"], ["src/alphacrystal_bench"]]
    modules = sorted((ROOT / "src" / "alphacrystal").rglob("*.py"))
    assert modules
    assert not [path for path in modules if "alphacrystal_bench" in path.read_text(encoding="utf-8")]
    assert "benchmark" not in projects[0]["project"].get("entry-points", {}).get("alphacrystal.commands", {})
