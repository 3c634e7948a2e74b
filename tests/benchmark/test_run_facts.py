"""What a benchmark states of its run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alphacrystal_bench.harness.run_facts import commit_of, run_facts


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
