"""Parts of the Markdown pages of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table, the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def number(value: float | None, digits: int = 4) -> str:
    """A number, or "none"."""
    return "none" if value is None else f"{value:.{digits}f}"


def fact_line(name: str, result: Mapping[str, Any]) -> str:
    """Where the numbers of a page come from."""
    relaxed = f"energies by {result['potential']}" + ("" if result["relax"] else ", not relaxed")
    return (
        f"Written by `alphacrystal benchmark {name} --page FILE`: commit {result['commit']}, "
        f"seed {result['seed']}, {result['time']}, {result['machine']['cpu']}, one process, "
        f"{result['cpu_minutes']} processor minutes without the comparison, {relaxed}. "
        f"The methods ran at commit {', '.join(result['row_commits'])}."
    )


def page_text(name: str) -> str:
    """The text of a page that does not change with its numbers."""
    return files("alphacrystal_bench").joinpath(f"data/{name}.md").read_text(encoding="utf-8").rstrip()
