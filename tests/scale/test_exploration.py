"""Explorations of chemical systems on a Dask cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ("explore", "Li-F", "--candidates", "2", "--max-atoms", "6", "--steps", "30", "--no-report")


@pytest.mark.slow
def test_cluster_gives_the_hull_of_local_workers(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, cluster: Any
) -> None:
    address, _ = cluster.scheduler()
    cluster.worker(address)
    runs = {"local": ("--workers", "1"), "remote": ("--scheduler", address)}
    for name, where in runs.items():
        process = start(*OPTIONS, *where, "--budget", "2formulas", "--out", tmp_path / name)
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    local, remote = ((tmp_path / name / "hull.csv").read_bytes() for name in runs)
    assert remote == local


@pytest.mark.slow
def test_exploration_continues_after_its_scheduler_is_gone(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, cluster: Any, patience: Callable[..., Any]
) -> None:
    address, scheduler = cluster.scheduler()
    cluster.worker(address)
    options = (*OPTIONS, "--budget", "4formulas", "--out", tmp_path / "out")
    process = start(*options, "--scheduler", address)
    patience(lambda: list(tmp_path.glob("out/runs/*/*/run.json")) or process.poll() is not None)
    scheduler.kill()
    _, err = process.communicate(timeout=300)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/runs/*/*/run.json")}
    assert process.returncode == 1, err
    assert "scheduler" in err
    assert "Traceback" not in err
    assert finished
    last = start(*options, "--workers", "1")
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert all(path.stat().st_mtime_ns == changed for path, changed in finished.items())
