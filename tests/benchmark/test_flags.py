"""The benchmarks of flags and of the time of phonons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alphacrystal.ranking import FLAGS
from alphacrystal_bench.list_order.flags import LEFT_OUT, flags_of, impossible_structures, render
from alphacrystal_bench.speed.phonons import GOAL, benchmark_phonons
from alphacrystal_bench.speed.phonons import render as render_phonons

FACTS = {"commit": "0", "seed": 0, "time": "now", "machine": {"cpu": "a processor", "cores": 2}}


@pytest.mark.parametrize("name", impossible_structures())
def test_structures_that_cannot_exist_have_a_flag(name: str) -> None:
    assert "unknown" in flags_of(impossible_structures()[name])


def test_page_of_flags_has_each_flag_and_each_structure() -> None:
    shares = {name: 0.0123 for name in FLAGS if name not in LEFT_OUT}
    result: dict[str, Any] = {
        "n": 7,
        "shares": shares,
        "impossible": [
            {"structure": "NaHe2", "flags": ["noble_gas", "unknown"]},
            {"structure": "Xx", "flags": []},
        ],
        "flagged_formulas": [],
        **FACTS,
    }
    page = render(result)
    assert "1.2 %" in page
    assert "| NaHe2 | `noble_gas`, `unknown` |" in page
    assert "| Xx | none |" in page
    assert all(f"`{name}`" in page for name in shares)


@pytest.mark.slow
def test_phonons_of_eight_atoms() -> None:
    pytest.importorskip("phonopy", reason="needs the extra phonons")
    pytest.importorskip("seekpath", reason="needs the extra phonons")
    stages: list[tuple[str, int, int]] = []
    progress: Callable[..., None] = lambda *stage: stages.append(stage)  # noqa: E731 - a callback
    result = benchmark_phonons(progress, limit=1)
    assert result["rows"][0]["atoms"] == 8
    assert result["rows"][0]["displacements"] > 10
    assert result["rows"][0]["cpu_s"] > 0
    assert stages[-1] == ("phonons", 1, 1)
    assert f"at most {GOAL:.0f} s" in render_phonons({**result, **FACTS})
