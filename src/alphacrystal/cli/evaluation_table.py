"""Evaluation results on the terminal: all metrics of one pair, or rates and targets of several."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.runtime.csv_cells import write_csv

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from alphacrystal.evaluation import EvaluationResult


def evaluation_csv(result: EvaluationResult) -> str:
    """CSV with a header and one line per pair; empty cells where there is no value."""
    rows = result.rows()
    stream = io.StringIO()
    columns = list(rows[0])
    write_csv(stream, columns, ([row.get(name) for name in columns] for row in rows))
    return stream.getvalue()


def print_evaluation(result: EvaluationResult) -> None:
    """Print whether the structures are the same, then tables that fit 80 columns."""
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(result.same_structure()["sentence"], markup=False)
    if result.is_pair:
        _print_pair(result, console)
    else:
        _print_set(result, console)
    if result.potential is not None:
        console.print(f"Energies: {result.potential}.", markup=False)


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _print_pair(result: EvaluationResult, console: Console) -> None:
    from alphacrystal.evaluation import METRICS

    target = result.match.targets[0]
    values = result.values[0][0]
    for symprec in result.match.symprecs:
        predicted, true = target.candidate_space_groups[symprec][0], target.space_group[symprec]
        console.print(f"Space group at {symprec} Å: {predicted or '?'}, target {true or '?'}", markup=False)
    table = _table()
    for name, where in (("metric", "left"), ("value", "right"), ("invariant form", "right"), ("", "left")):
        table.add_column(name, justify=where, no_wrap=True)  # type: ignore[arg-type]
    invariants = {METRICS[name].invariant for name in result.metrics if METRICS[name].invariant != name}
    for name in result.metrics:
        if name in invariants:
            continue
        metric = METRICS[name]
        form = "-" if metric.invariant is None else _number(values[metric.invariant].value)
        other = metric.unit if metric.invariant is None else METRICS[metric.invariant].unit
        units = metric.unit if other == metric.unit else f"{metric.unit}; {other}"
        table.add_row(name, _number(values[name].value), form, units)
    if result.metrics:
        console.print(table)
    for name in result.metrics:
        if values[name].reason:
            console.print(f"{name}: {values[name].reason}", markup=False)


def _print_set(result: EvaluationResult, console: Console) -> None:
    match = result.match
    console.print(
        f"{len(match.targets)} targets, {sum(map(len, result.candidates))} pairs, preset {match.preset.name} "
        f"({match.preset.ltol}, {match.preset.stol}, {match.preset.angle_tol:g} degrees)",
        markup=False,
    )
    table = _table()
    table.add_column("within the first", no_wrap=True)
    for depth in match.depths:
        table.add_column(str(depth), justify="right", no_wrap=True)
    table.add_row("matched", *(f"{match.match_rate(k):.1%}" for k in match.depths))
    table.add_row("RMSE of the matched", *(_number(match.rmse(k)) for k in match.depths))
    for symprec in match.symprecs:
        rates = [f"{match.space_group_rate(k, symprec):.1%}" for k in match.depths]
        table.add_row(f"space group, {symprec} Å", *rates)
        both = [f"{match.both_rate(k, symprec):.1%}" for k in match.depths]
        table.add_row(f"both, {symprec} Å", *both)
    if any(match.undecided(k) for k in match.depths):
        table.add_row("undecided in time", *(str(match.undecided(k)) for k in match.depths))
    console.print(table)
    polymorphs = result.polymorphs
    console.print(
        f"METRe {polymorphs.metre:.1%}, cRMSE {polymorphs.crmse:.4f} (as many candidates as references of a "
        f"composition: {sum(polymorphs.budget.values())})",
        markup=False,
    )
    _print_targets(result, console)
    if result.unused:
        console.print(f"Predictions of no target: {', '.join(result.unused)}", markup=False)


def _print_targets(result: EvaluationResult, console: Console) -> None:
    table = _table()
    table.add_column("target", overflow="fold")
    table.add_column("formula", no_wrap=True)
    for name in ("candidates", "match #", "rms", "group #"):
        table.add_column(name, justify="right", no_wrap=True)
    symprec = result.match.symprecs[-1]
    for target in result.match.targets:
        table.add_row(
            Path(target.name).name,
            target.formula,
            str(len(target.matches)),
            str(target.match_rank or "-"),
            _number(target.rms(len(target.matches))),
            str(target.space_group_rank(symprec) or "-"),
        )
    console.print(table)
    console.print(
        f"match #, group #: rank of the first candidate that matches, or has the group at {symprec} Å"
    )
    for index, target in enumerate(result.match.targets):
        best = result.best(index, result.match.depths[-1]) if result.metrics else {}
        if best:
            console.print(f"\n{target.name}: best of {len(target.matches)}", markup=False)
            values = _table()
            values.add_column("metric", no_wrap=True)
            values.add_column("value", justify="right", no_wrap=True)
            values.add_column("#", justify="right", no_wrap=True)
            for name, hit in best.items():
                values.add_row(name, *(("-", "-") if hit is None else (_number(hit[0]), str(hit[1] + 1))))
            console.print(values)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
