"""`alphacrystal benchmark`: the paper's tables and ours, each a verb of its own."""

from __future__ import annotations

import typer

from alphacrystal.cli import (
    _benchmark_cost,
    _benchmark_cspbench,
    _benchmark_learning_curve,
    _benchmark_models,
    _benchmark_reconstruction,
    _benchmark_speed,
    _benchmark_table3,
    _benchmark_table4,
    _benchmark_table5,
)

app = typer.Typer(no_args_is_help=True, help="Tables of the paper and of ours, with controls.")
for verb in (
    _benchmark_table3.table3,
    _benchmark_table4.table4,
    _benchmark_table5.table5,
    _benchmark_models.models,
    _benchmark_learning_curve.learning_curve,
    _benchmark_reconstruction.reconstruction,
    _benchmark_speed.speed,
    _benchmark_cspbench.cspbench,
    _benchmark_cost.cost,
):
    app.command()(verb)


@app.callback()
def _group() -> None:  # a callback keeps this a group, however few verbs it has
    pass
