"""`alphacrystal benchmark`: the paper's tables and ours, each a verb of its own."""

from __future__ import annotations

import typer

from alphacrystal_bench.commands import (
    cost,
    cspbench,
    learning_curve,
    models,
    reconstruction,
    speed,
    table3,
    table4,
    table5,
)

app = typer.Typer(no_args_is_help=True, help="Tables of the paper and of ours, with controls.")
for verb in (
    table3.table3,
    table4.table4,
    table5.table5,
    models.models,
    learning_curve.learning_curve,
    reconstruction.reconstruction,
    speed.speed,
    cspbench.cspbench,
    cost.cost,
):
    app.command()(verb)


@app.callback()
def _group() -> None:  # a callback keeps this a group, however few verbs it has
    pass
