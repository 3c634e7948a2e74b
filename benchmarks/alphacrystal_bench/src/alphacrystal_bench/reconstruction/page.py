"""The Markdown page of ``benchmark_reconstruction``: docs/benchmarks/reconstruction.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically

HEADER = ("", "n", "matched", "median s", "95 % s", "median wall s", "95 % wall s")


def write_reconstruction_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page and, beside it, its numbers.

    Raises:
        AlphaCrystalError: The disk refused a file.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(page.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text_atomically(page, reconstruction_page(result))


def reconstruction_page(result: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    text = (files("alphacrystal_bench") / "data" / "reconstruction_page.md").read_text(encoding="utf-8")
    facts = {name: result[name] for name in ("commit", "seed", "time", "minutes", "n")}
    exact = {"all": result, **result["sizes"], **result["systems"]}
    return Template(text).substitute(
        **facts,
        machine=f"{result['machine']['cpu']}, {result['machine']['cores']} cores",
        exact=_rates(exact),
        missed=", ".join(result["missed"]) or "none",
        extras="\n".join(_extras(result)),
    )


def _extras(result: Mapping[str, Any]) -> Iterable[str]:
    if "noise" in result:
        yield _section("noise", _rates(result["noise"]))
    if "short_distance_weights" in result:
        yield _section("weights", _rates(result["short_distance_weights"]))
    if "rivals" in result:
        run = {name: row for name, row in result["rivals"].items() if "skipped" not in row}
        skipped = [f"{k}: {row['skipped']}" for k, row in result["rivals"].items() if "skipped" in row]
        yield _section("rivals", _rates(run) + "".join(f"\n- {line}" for line in skipped))
    if "evaluations_per_second" in result:
        rows = [
            (name, row["ours"], row["plain_numpy"], f"{row['ratio']} ×")
            for name, row in result["evaluations_per_second"].items()
        ]
        yield _section("speed", _table(("", "ours", "plain NumPy", "ratio"), rows))
    if "ablation" in result:
        yield _section("ablation", _ablation(result["ablation"]))


def _section(name: str, table: str) -> str:
    text = (files("alphacrystal_bench") / "data" / f"reconstruction_{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(table=table)


def _ablation(result: Mapping[str, Any]) -> str:
    header = (
        "space group + letters",
        "cell",
        "distances",
        "top 1 / 5 / 20",
        "random coordinates, 1 / 5 / 20",
    )
    rows = [
        (cell["symmetry"], cell["cell"], cell["distances"], _tops(cell["found"]), _tops(cell["random"]))
        for cell in result["cells"].values()
    ]
    return f"n = {result['n']}\n\n" + _table(header, rows)


def _tops(shares: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares.values()) + " %"


def _rates(table: Mapping[str, Mapping[str, Any]]) -> str:
    names = ("median_s", "p95_s", "median_wall_s", "p95_wall_s")
    rows = [
        (name, row["n"], f"{100 * row['match_rate']:.1f} %", *(f"{row[key]:.3f}" for key in names))
        for name, row in table.items()
    ]
    return _table(HEADER, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"
