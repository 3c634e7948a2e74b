"""Progress on standard error where it is no terminal: how many, how fast, how long still."""

from __future__ import annotations

import time

import pytest

from alphacrystal.cli.progress_display import ProgressDisplay


@pytest.mark.parametrize(
    ("seconds", "total", "line"),
    [
        (60, 1000, "campaign: formulas 12/1000, 11.0/min, 90 min left"),
        (3600, 100_000, "campaign: formulas 12/100000, 11.0/h, 379 days left"),
        (100, 16, "campaign: formulas 12/16, 6.6/min, 36 s left"),
    ],
)
def test_lines_tell_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seconds: int, total: int, line: str
) -> None:
    """A run that goes on: what was there before does not count for its rate."""
    now = iter([0.0, float(seconds)])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with ProgressDisplay("campaign") as progress:
        progress("formulas", 1, total)
        progress("formulas", 12, total)
    assert capsys.readouterr().err.splitlines() == [f"campaign: formulas 1/{total}", line]


def test_last_line_is_always_there(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay("campaign") as progress:
        for done in range(1, 501):
            progress("formulas", done, 500)
    assert capsys.readouterr().err.splitlines()[-1] == "campaign: formulas 500/500"
