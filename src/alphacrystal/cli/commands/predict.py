"""Predict crystal structures from formulas: a ranked list of relaxed structures and a report."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_failure, print_json, print_run
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.config import INPUT, OUTPUT
from alphacrystal.errors import InputError, explain
from alphacrystal.pipeline.disorder import is_structure_source, parent_formula, refuse_more_formulas
from alphacrystal.pipeline.formula_list import FormulaRequest, gather_requests
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from alphacrystal.config import PredictConfig
    from alphacrystal.report import IndexRow, RunSummary


@settings_options()
def predict(
    formulas: Annotated[
        list[str] | None, typer.Argument(help="Formulas, e.g. Zr4Al3.", metavar="FORMULA...")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="CSV with a formula column, one formula a line, or a structure with partial occupancies.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Output folder; runs/FORMULA-TIME by default.", rich_help_panel=OUTPUT),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in --out.")] = False,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="TOML file of settings; options override it.", rich_help_panel=INPUT),
    ] = None,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Predict crystal structures from formulas: a ranked list of relaxed structures and a report."""
    from alphacrystal.config import make_config, read_config_file
    from alphacrystal.report import default_folder

    values: dict[str, Any] = read_config_file(config_file) if config_file else {}
    values |= settings
    if source is not None and is_structure_source(source):
        refuse_more_formulas(source, formulas or [])
        max_atoms = make_config(**{**values, "pressure": 0.0}).order_max_atoms
        formulas, values["disordered"], source = [parent_formula(source, max_atoms)], source, None
    if resume:
        _resume(out, formulas or [], source, values, as_json)
        return
    requests = gather_requests(formulas or [], source)
    if isinstance(pressures := values.get("pressure"), (tuple, list)):
        if len(requests) > 1:
            raise InputError("Several pressures need one formula: start one command for each formula.")
        config = make_config(**{**values, "pressure": 0.0})
        folder = out or default_folder(_file_name(requests[0].formula))
        _predict_series(requests[0], config, pressures, folder, resume=False, as_json=as_json)
        return
    config = make_config(**values)
    if len(requests) == 1 and source is None:
        folder = out or default_folder(_file_name(requests[0].formula))
        _exit_if_failed(_predict_one(requests[0], config, folder, resume=False, as_json=as_json))
    else:
        _predict_many(requests, config, out or default_folder("batch"), resume=False, as_json=as_json)


def _file_name(formula: str) -> str:
    from alphacrystal.composition import parse_formula

    try:
        return parse_formula(formula).file_name
    except InputError:
        return re.sub(r"[^A-Za-z0-9]", "", formula)[:40] or "formula"


def _predict_one(
    request: FormulaRequest, settings: PredictConfig, folder: Path, *, resume: bool, as_json: bool
) -> RunSummary:
    """Predict and print the list; after an interrupt, print the finished part and the command to resume."""
    from alphacrystal.pipeline.checkpoint import Checkpoint
    from alphacrystal.pipeline.predict import predict as run_prediction

    try:
        with ProgressDisplay(request.formula) as progress:
            run_prediction(
                request.formula, request.applied_to(settings), folder=folder, resume=resume, progress=progress
            )
    except KeyboardInterrupt:
        if (folder / "run.json").is_file():
            print_run(folder, as_json=as_json)
        _print_interrupt(folder, started=Checkpoint(folder).load_request() is not None)
        raise
    return print_run(folder, as_json=as_json)


def _print_interrupt(folder: Path, *, started: bool) -> None:
    if started:
        typer.echo(f"Interrupted; resume with: {_resume_command(folder)}", err=True)
    else:
        typer.echo("Interrupted before anything was computed.", err=True)


def _predict_series(
    request: FormulaRequest,
    settings: PredictConfig,
    pressures: Sequence[float],
    folder: Path,
    *,
    resume: bool,
    as_json: bool,
) -> None:
    """Predict one formula at several pressures and print each list and the transitions."""
    from alphacrystal.cli.output import print_series
    from alphacrystal.pipeline.checkpoint import Checkpoint
    from alphacrystal.pipeline.pressure_series import predict_pressures

    try:
        with ProgressDisplay(request.formula) as progress:
            series = predict_pressures(
                request.formula,
                pressures,
                request.applied_to(settings),
                folder=folder,
                resume=resume,
                progress=progress,
            )
    except KeyboardInterrupt:
        _print_interrupt(folder, started=Checkpoint(folder).load_series() is not None)
        raise
    print_series(series, as_json=as_json)


def _exit_if_failed(run: RunSummary) -> None:
    """Exit with code 1 if no candidate could be relaxed; a note of the run has the reasons."""
    if run.failure:
        raise typer.Exit(1)


def _resume_command(folder: Path) -> str:
    return f"alphacrystal predict --resume --out {shlex.quote(str(folder))}"


def _predict_many(
    requests: list[FormulaRequest], settings: PredictConfig, folder: Path, *, resume: bool, as_json: bool
) -> None:
    """Predict each formula in a subfolder; a failed formula does not stop the others.

    The exit code is 1 if a prediction failed or no candidate of it could be relaxed, else 2 if a formula is
    bad input, else 0.
    """
    from alphacrystal.pipeline.checkpoint import Checkpoint
    from alphacrystal.report import IndexRow, by_agreement, prepare_output_folder, write_index
    from alphacrystal.runtime.folder_lock import lock_folder
    from alphacrystal.runtime.torch_device import check_device

    check_device(settings.device)
    with lock_folder(folder, create=True):
        prepare_output_folder(folder, resume=resume)
        Checkpoint(folder).save_batch(
            [astuple(request) for request in requests], settings.model_dump(mode="json")
        )
        rows = [IndexRow(formula=request.formula, folder="", status="waiting") for request in requests]
        names = _folder_names(requests)
        codes = [0]
        index = 0
        try:
            write_index(folder, rows)
            for index, request in enumerate(requests):
                rows[index], code = _batch_row(
                    request, settings, folder / names[index], resume=resume, as_json=as_json
                )
                codes.append(code)
                write_index(folder, rows)
        except KeyboardInterrupt:
            with interrupts_held():
                if rows[index].status == "waiting" and (folder / names[index] / "events.jsonl").is_file():
                    rows[index] = IndexRow(requests[index].formula, names[index], "interrupted")
                write_index(folder, rows)
                typer.echo(f"Resume the whole list with: {_resume_command(folder)}", err=True)
            raise
    for place, row in enumerate(by_agreement(rows), 1):
        factor = "" if row.r_wp is None else f", R_wp {100 * row.r_wp:.1f} %"
        typer.echo(
            f"Agreement with the pattern {place}: {row.formula} {row.space_group_symbol}{factor}, "
            f"{row.unexplained_peaks} peaks unexplained",
            err=as_json,
        )
    failed = sum(row.status == "failed" for row in rows)
    typer.echo(
        f"{len(rows) - failed} of {len(rows)} formulas done; list: {folder / 'index.csv'}", err=as_json
    )
    if exit_code := 1 if 1 in codes else max(codes):
        raise typer.Exit(exit_code)


def _batch_row(
    request: FormulaRequest, settings: PredictConfig, folder: Path, *, resume: bool, as_json: bool
) -> tuple[IndexRow, int]:
    """Predict one formula of several and return its row of the index and its exit code."""
    from alphacrystal.report import IndexRow, finished_run, index_row

    begin = time.monotonic()
    try:
        if resume and (finished := finished_run(folder)):
            run, seconds = finished, sum(finished.timings_s.values())
            if as_json:
                print_json(finished)
        else:
            run = _predict_one(request, settings, folder, resume=resume, as_json=as_json)
            seconds = time.monotonic() - begin
    except Exception as error:  # noqa: BLE001 - a failure of one formula does not stop the others
        code, reason = explain(error)
        print_failure(request.formula, reason)
        row = IndexRow(request.formula, folder.name if folder.is_dir() else "", "failed", reason)
        if as_json:
            print_json(row)
        return row, code
    return index_row(request.formula, run, seconds), 1 if run.failure else 0


def _folder_names(requests: list[FormulaRequest]) -> list[str]:
    names: list[str] = []
    taken: set[str] = set()
    for request in requests:
        base = _file_name(request.cell or request.formula)
        base += f"-sg{request.space_group}" if request.space_group else ""
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
        taken.add(name)
    return names


def _resume(
    out: Path | None, formulas: list[str], source: Path | None, values: dict[str, Any], as_json: bool
) -> None:
    """Resume a run with the formula and the settings that its folder stores.

    Options with the same values may be repeated; other values are refused.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import check_unchanged, make_config
    from alphacrystal.pipeline.checkpoint import Checkpoint, damaged
    from alphacrystal.report import finished_run

    if out is None:
        raise InputError("--resume needs the folder of the run: alphacrystal predict --resume --out DIR.")
    checkpoint = Checkpoint(out)
    if series := checkpoint.load_series():
        _resume_series(out, series, formulas, source, values, as_json)
        return
    batch, request = checkpoint.load_batch(), checkpoint.load_request()
    stored = batch or request
    if stored is None:
        if formulas and not source and len(formulas) == 1 and (out / "events.jsonl").is_file():
            # Stopped before the formula and the settings were stored.
            single = FormulaRequest(formulas[0])
            _exit_if_failed(_predict_one(single, make_config(**values), out, resume=True, as_json=as_json))
            return
        raise InputError(f"{out} holds no run to resume: start one without --resume.")
    settings = make_config(**stored["settings"])
    check_unchanged(settings, make_config(**{**stored["settings"], **values}), out)
    requested = gather_requests(formulas, source) if formulas or source else []
    if batch is not None:
        requests = _stored_requests(batch, checkpoint.folder / "batch.json")
        if requested and requested != requests:
            raise InputError(f"The run in {out} is of another list of formulas: choose another --out.")
        _predict_many(requests, settings, out, resume=True, as_json=as_json)
        return
    if request is None or not isinstance(request.get("formula"), str):
        raise damaged(checkpoint.folder / "request.json")
    formula = parse_formula(request["formula"])
    if requested and [parse_formula(item.formula) for item in requested] != [formula]:
        names = ", ".join(item.formula for item in requested)
        raise InputError(
            f"The run in {out} is of {request['formula']}, not of {names}: choose another --out."
        )
    if finished_run(out):
        typer.echo("This run is finished: there is nothing to resume.", err=as_json)
        _exit_if_failed(print_run(out, as_json=as_json))
        return
    single = FormulaRequest(request["formula"])
    _exit_if_failed(_predict_one(single, settings, out, resume=True, as_json=as_json))


def _resume_series(
    out: Path,
    stored: Mapping[str, Any],
    formulas: list[str],
    source: Path | None,
    values: dict[str, Any],
    as_json: bool,
) -> None:
    """Resume a series of pressures with its formula and settings."""
    from alphacrystal.config import make_config

    requested = gather_requests(formulas, source) if formulas or source else []
    if len(requested) > 1:
        raise InputError(f"The run in {out} is of {stored['formula']} alone: choose another --out.")
    formula = requested[0].formula if requested else stored["formula"]
    pressures = values.pop("pressure", stored["pressures"])
    if not isinstance(pressures, (tuple, list)):
        pressures = [pressures]
    settings = make_config(**{**stored["settings"], **values})
    _predict_series(FormulaRequest(formula), settings, pressures, out, resume=True, as_json=as_json)


def _stored_requests(batch: Mapping[str, Any], path: Path) -> list[FormulaRequest]:
    """The formulas of a run of several formulas.

    Raises:
        InputError: The file is damaged.
    """
    from alphacrystal.pipeline.checkpoint import damaged

    items = batch.get("formulas")
    requests = []
    for item in items if isinstance(items, list) else [None]:
        match item:
            case [str(formula), str() | None as cell, None | int() as group] if not isinstance(group, bool):
                requests.append(FormulaRequest(formula, cell, group))
            case _:
                raise damaged(path)
    return requests
