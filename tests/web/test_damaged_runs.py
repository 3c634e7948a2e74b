"""Runs with damaged files: each address answers, with the run or with a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

FILES = ("run.json", "summary.csv", "results.json", "report.html", "events.jsonl")
ADDRESSES = (
    "/api/runs",
    "/api/runs/{}",
    "/api/runs/{}/report",
    "/api/runs/{}/zip",
    "/api/runs/{}/structures/1/cif",
    "/api/compare?left={}&right=earlier",
)


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_damaged_run_is_shown_or_refused(
    client: TestClient,
    runs: Path,
    finished_run: Path,
    damage: Callable[[bytes], st.SearchStrategy[bytes]],
    count: int,
    get_computed: Callable[..., Any],
) -> None:
    structures = [str(path.relative_to(finished_run)) for path in finished_run.glob("structures/*.cif")]
    names = iter(range(10 * count))

    @seed(7)
    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), file=st.sampled_from([*FILES, *structures]))
    def check(data: st.DataObject, file: str) -> None:
        name = f"damaged{next(names)}"  # runs that were read stay in the memory
        folder = runs / name
        shutil.copytree(finished_run, folder)
        content = data.draw(damage((folder / file).read_bytes()))
        (folder / file).write_bytes(content)
        for address in ADDRESSES:
            answer = get_computed(client, address.format(name))
            assert answer.status_code < 500, (address, file, answer.text)
            assert str(runs) not in answer.text or "report" in address
        assert (folder / file).read_bytes() == content
        shutil.rmtree(folder)

    check()
