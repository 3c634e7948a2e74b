"""Order of the list under pressure: known transitions between two phases."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.config import make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.pressure_series import PressureSeries, predict_pressures
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table, number, page_text
from alphacrystal_bench.harness.rows import Row, Rows, sample

if TYPE_CHECKING:
    from alphacrystal.report import PressurePhase

TRANSITIONS_FILE = "pressure_transitions.csv"
#: Pressures of a series in units of the pressure at which the high phase is tested.
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Pressure in GPa at which the low phase is tested, where it is not 0.
LOW_TESTS = {"MgSiO3": 60.0}
LISTED = 20


@dataclass(frozen=True, slots=True)
class KnownTransition:
    """A transition in the literature.

    Attributes:
        formula: Of the compound.
        low, high: Space groups of the phases below and above it; ``low`` is empty where none is tested.
        pressure_gpa: Of the transition.
        test_gpa: Pressure at which the high phase is tested.
        source: Reference.
    """

    formula: str
    low: tuple[int, ...]
    high: tuple[int, ...]
    pressure_gpa: float
    test_gpa: float
    source: str


def read_transitions(path: Path) -> list[KnownTransition]:
    """The transitions of a CSV file.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [
                KnownTransition(
                    row["formula"],
                    _groups(row["low_space_group"]),
                    _groups(row["high_space_group"]),
                    float(row["transition_gpa"]),
                    float(row["test_gpa"]),
                    row["source"],
                )
                for row in csv.DictReader(stream)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table of transitions: {error}.") from error


def _groups(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split("|") if word)


def benchmark_pressure(
    source: Path, out: Path, on_progress: Progress, *, limit: int | None, workers: int, seed: int
) -> dict[str, Any]:
    """Predict each compound at zero pressure and under pressure.

    Args:
        source: Table of transitions.
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Compounds, drawn at random; all if None.
        workers: Relaxation processes.
        seed: Seed of the predictions.
    """
    known = sample(read_transitions(source), limit, seed)
    finished = Rows(out / "pressure.jsonl", key=lambda row: str(row["formula"]))
    rows = []
    for done, transition in enumerate(known):
        on_progress("predict", done, len(known))
        compute = partial(_row, transition, out / "runs" / transition.formula, workers, seed)
        rows.append(finished.compute(transition.formula, compute))
    on_progress("predict", len(known), len(known))
    return {"n": len(rows), **counts(rows), "rows": rows}


def counts(rows: Sequence[Row]) -> dict[str, Any]:
    """Numbers of compounds whose phases come first, in our order and by enthalpy alone."""
    result: dict[str, Any] = {}
    for name in ("probability", "enthalpy", "known_phases"):
        with_low = [row for row in rows if row["low"]]
        high = [row[name]["high_first"] for row in rows]
        low = [row[name]["low_first"] for row in with_low]
        both = [row[name]["high_first"] and row[name]["low_first"] for row in with_low]
        result[name] = {
            "high_first": sum(map(bool, high)),
            "low_first": sum(map(bool, low)),
            "both": sum(map(bool, both)),
        }
    result["with_low"] = sum(bool(row["low"]) for row in rows)
    return result


def _row(known: KnownTransition, folder: Path, workers: int, seed: int) -> Row:
    row: Row = {
        "formula": known.formula,
        "low": list(known.low),
        "high": list(known.high),
        "literature_gpa": known.pressure_gpa,
        "test_gpa": known.test_gpa,
        "source": known.source,
        "refused": "",
        "low_rank": None,
        "high_rank": None,
        "transition_gpa": None,
        **{
            name: {"high_first": False, "low_first": False}
            for name in ("probability", "enthalpy", "known_phases")
        },
    }
    low_test = LOW_TESTS.get(known.formula, 0.0)
    pressures = sorted({low_test, *(step * known.test_gpa for step in STEPS)})
    try:
        series = predict_pressures(
            known.formula,
            pressures,
            make_config(top=LISTED, workers=workers, seed=seed, known_phases=False, dispersion="none"),
            folder=folder,
            resume=folder.is_dir(),
            page=False,
        )
    except AlphaCrystalError as error:
        return row | {"refused": str(error)}
    for name, pressure, groups in (("low", low_test, known.low), ("high", known.test_gpa, known.high)):
        ranked = series.predictions[pressure].ranked
        found = [item for item in ranked if item.space_group_number in groups]
        row[f"{name}_rank"] = found[0].rank if found else None
        row["probability"][f"{name}_first"] = bool(found) and found[0].rank == 1
        row["enthalpy"][f"{name}_first"] = any(item.energy_rank == 1 for item in found)
    row["known_phases"], row["transition_gpa"] = _known_phases(series, known, low_test)
    return row


def _known_phases(
    series: PressureSeries, known: KnownTransition, low_test: float
) -> tuple[dict[str, bool], float | None]:
    """Which of the two known phases has the lower enthalpy at both tests, and where they cross.

    Of the phases of one space group, the lowest in enthalpy at its test is the known one.
    """
    import numpy as np

    low = _lowest(series.phases, known.low, low_test)
    high = _lowest(series.phases, known.high, known.test_gpa)
    if high is None or (low is None and known.low):
        return {"high_first": False, "low_first": False}, None
    if low is None:
        return {"high_first": True, "low_first": False}, None
    grid = np.linspace(low_test, known.test_gpa, 2001)
    difference = high.enthalpies.at(grid) - low.enthalpies.at(grid)
    crossing = np.flatnonzero(np.diff(np.sign(difference)))
    pressure = None if len(crossing) == 0 else round(float(grid[crossing[0]]), 2)
    return {"high_first": bool(difference[-1] < 0), "low_first": bool(difference[0] > 0)}, pressure


def _lowest(phases: Sequence[PressurePhase], groups: Sequence[int], pressure: float) -> PressurePhase | None:
    import numpy as np

    at = np.array([pressure])
    same_type = [
        phase
        for phase in phases
        if phase.space_group_number in groups and pressure in phase.enthalpies.pressures
    ]
    return min(same_type, key=lambda phase: float(phase.enthalpies.at(at)[0]), default=None)


def render(result: Mapping[str, Any]) -> str:
    """Counts, and one line for each compound."""
    n, lows = result["n"], result["with_low"]
    names = {
        "probability": "**our order**",
        "enthalpy": "enthalpy alone, all structures of our lists",
        "known_phases": "enthalpies of the two known phases alone (error of the potential)",
    }
    summary = [
        [
            text,
            f"{result[name]['high_first']} of {n}",
            f"{result[name]['low_first']} of {lows}",
            f"{result[name]['both']} of {lows}",
        ]
        for name, text in names.items()
    ]
    rows = [
        [
            row["formula"],
            _words(row["low"]),
            _words(row["high"]),
            row["low_rank"] or ("" if not row["low"] else "–"),
            row["high_rank"] or "–",
            f"{row['literature_gpa']:g}",
            "" if row["transition_gpa"] is None else number(row["transition_gpa"], 1),
            row["refused"],
        ]
        for row in result["rows"]
    ]
    lines = [
        "# Pressure-induced transitions",
        "",
        fact_line("pressure", result, options=" --data DIR", details=f", {n} compounds"),
        "",
        page_text("pressure_page"),
        "",
        *markdown_table(["", "high phase first", "low phase first", "both"], summary),
        "",
        *markdown_table(
            [
                "",
                "low phase",
                "high phase",
                "rank of the low phase",
                "rank of the high phase",
                "literature, GPa",
                "here, GPa",
                "",
            ],
            rows,
        ),
    ]
    return "\n".join(lines) + "\n"


def _words(groups: Sequence[int]) -> str:
    return " or ".join(map(str, groups))
