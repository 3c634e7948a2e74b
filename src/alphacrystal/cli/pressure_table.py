"""The lists and transitions of a series of pressures on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphacrystal.cli.output import print_json, printable

if TYPE_CHECKING:
    from alphacrystal.pipeline.pressure_series import PressureSeries

ROWS = 5  # rows of each list


def print_series(series: PressureSeries, *, as_json: bool) -> None:
    """Print the first rows at each pressure and the phases of lowest enthalpy; or one JSON object."""
    from rich.console import Console

    from alphacrystal.report import ranked_table, table_legend

    ranges = [(series.phases[number], begin, end) for number, begin, end in series.ranges]
    if as_json:
        print_json(
            {
                "formula": series.formula,
                "pressures_gpa": list(series.predictions),
                "lists": [prediction.rows for prediction in series.predictions.values()],
                "lowest_enthalpy": [
                    {
                        "from_gpa": begin,
                        "to_gpa": end,
                        "space_group_number": phase.space_group_number,
                        "space_group_symbol": phase.space_group_symbol,
                        "cell_formula": phase.cell_formula,
                    }
                    for phase, begin, end in ranges
                ],
                "folder": str(series.folder),
            }
        )
        return
    console = Console(soft_wrap=True, highlight=False)
    for pressure, prediction in series.predictions.items():
        console.print(f"{printable(series.formula)} at {pressure:g} GPa", markup=False, style="bold")
        rows = prediction.rows
        console.print(ranked_table(rows, ROWS))
    if rows:
        console.print(table_legend(rows))
    console.print("Phase of lowest enthalpy:", markup=False)
    for phase, begin, end in ranges:
        name = f"{phase.space_group_symbol} ({phase.space_group_number}), {phase.cell_formula}"
        console.print(f"  {begin:.4g} to {end:.4g} GPa: {printable(name)}", markup=False)
    console.print(f"Enthalpies: {series.folder / 'enthalpies.csv'}", markup=False)
    console.print(f"Figure: {series.folder / 'enthalpies.png'}", markup=False)
    console.print(f"Report: {series.folder / 'report.html'}", markup=False)
