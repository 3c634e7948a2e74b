"""Report versions, extras, potentials, processor and GPU, and test a short prediction."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption, print_json


def doctor(
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Predict and relax NaCl (about 5 s).")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Report versions, extras, potentials, processor and GPU, and test a short prediction.

    The exit code is 1 if a check fails.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from alphacrystal.pipeline.diagnosis import all_passed, diagnose

    checks = diagnose(self_test=self_test)
    passed = all_passed(checks)
    if as_json:
        print_json({"passed": passed, "checks": [asdict(check) for check in checks]})
    else:
        table = Table.grid(padding=(0, 2))
        words = {True: "passed", False: "FAILED", None: ""}
        for check in checks:
            table.add_row(check.name, words[check.passed], Text(check.result))
        Console(highlight=False).print(table)
        typer.echo("All checks passed." if passed else "A check failed: see the lines with FAILED.")
    if not passed:
        raise typer.Exit(1)
