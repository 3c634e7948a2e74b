"""Predict thousands of formulas in a resumable campaign."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, print_failure, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.cli.settings_options import settings_options
from alphacrystal.errors import AlphaCrystalError, InputError

if TYPE_CHECKING:
    from alphacrystal.scale import CampaignPlan, CampaignTask, Counts, Executor, TaskOutcome

MAX_PRINTED_FAILURES = 5  # all failures are in failures.csv


@settings_options(
    without=(
        "z",
        "cell",
        "space_group",
        "lattice",
        "lattice_tolerance",
        "min_distance",
        "seed_structures",
        "fix_sublattice",
        "disordered",
        "solid_solution",
        "workers",
    )
)
def campaign(
    formulas: Annotated[
        Path | None,
        typer.Argument(help="CSV with a formula column (optional cell, space_group), or one formula a line."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; runs/campaign-TIME by default.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Local worker processes.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler instead of local workers, e.g. tcp://127.0.0.1:8786."),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option("--formula-seconds", min=1, help="Time limit per formula in s for local workers."),
    ] = None,
    report: Annotated[
        bool | None, typer.Option("--report/--no-report", help="Write report pages (default: none).")
    ] = None,
    pack: Annotated[
        bool | None,
        typer.Option("--pack/--no-pack", help="Pack run folders in zip files (default: no)."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the campaign in --out.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: retry failed formulas.")
    ] = False,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="TOML file of settings; options override it.")
    ] = None,
    as_json: JsonOption = False,
    *,
    settings: Mapping[str, Any],
) -> None:
    """Predict thousands of formulas in a resumable campaign."""
    from alphacrystal.config import make_config, read_config_file
    from alphacrystal.report import default_folder
    from alphacrystal.runtime.folder_lock import lock_folder
    from alphacrystal.scale import CampaignPlan, begin_campaign, check_same, stored_plan

    values: dict[str, Any] = read_config_file(config_file) if config_file else {}
    values |= settings
    if isinstance(values.get("pressure"), (tuple, list)):
        raise InputError("A campaign has one pressure: start one campaign for each of them.")
    values.pop("workers", None)  # each formula has one process for relaxation
    if resume and out is None:
        raise InputError("--resume needs the folder: alphacrystal campaign --resume --out DIR.")
    if resume and out is not None and not out.is_dir():
        raise InputError(f"{out} holds no campaign to resume: start one without --resume.")
    if not resume and formulas is None:
        raise InputError("Give a list of formulas, for example: alphacrystal campaign formulas.csv.")
    if not resume and retry_failed:
        raise InputError("--retry-failed needs --resume.")
    folder = out or default_folder("campaign")
    with lock_folder(folder, create=not resume):
        if resume:
            plan = stored_plan(folder)
            check_same(folder, formulas, values)
            _check_local_device(plan, scheduler)
            if report not in {None, plan.page} or pack not in {None, plan.pack}:
                raise InputError(f"The campaign in {folder} keeps its --report and --pack: leave them out.")
        else:
            plan = CampaignPlan(make_config(**{**values, "workers": 1}), bool(report), bool(pack))
            _check_local_device(plan, scheduler)
            assert formulas is not None
            with ProgressDisplay("campaign") as progress:
                begin_campaign(formulas, folder, plan, progress)
        _run(folder, _executor(folder, plan, workers, scheduler, limit), retry_failed, as_json)


def _check_local_device(plan: CampaignPlan, scheduler: str | None) -> None:
    """Refuse a device that this machine does not have; the workers of a cluster check theirs."""
    from alphacrystal.runtime.torch_device import check_device

    if scheduler is None:
        check_device(plan.settings.device)


def _executor(
    folder: Path, plan: CampaignPlan, workers: int, scheduler: str | None, limit: float | None
) -> Executor:
    from alphacrystal.scale import DaskExecutor, LocalExecutor, PredictTask

    work = PredictTask(
        str(folder.resolve()), plan.settings.model_dump(mode="json"), page=plan.page, pack=plan.pack
    )
    if scheduler is None:
        return LocalExecutor(work, workers, limit)
    if limit is not None:
        raise InputError("--formula-seconds is for local workers: leave it out with --scheduler.")
    return DaskExecutor(work, scheduler)


def _run(folder: Path, executor: Executor, retry_failed: bool, as_json: bool) -> None:
    from alphacrystal.scale import run_campaign

    printed = 0

    def on_failure(task: CampaignTask, outcome: TaskOutcome) -> None:
        nonlocal printed
        printed += 1
        if printed <= MAX_PRINTED_FAILURES:
            print_failure(task.formula, str(outcome.failure))
        elif printed == MAX_PRINTED_FAILURES + 1:
            typer.echo(f"Further failures: {folder / 'failures.csv'}", err=True)

    command = f"alphacrystal campaign --resume --out {shlex.quote(str(folder))}"
    try:
        with ProgressDisplay("campaign") as progress:
            counts = run_campaign(
                folder, executor, on_progress=progress, on_failure=on_failure, retry_failed=retry_failed
            )
    except InputError:
        raise
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; resume with: {command}", err=True)
        raise
    except AlphaCrystalError:
        typer.echo(f"Finished results are kept; resume with: {command}", err=True)
        raise
    _print_counts(folder, counts, command, as_json)


def _print_counts(folder: Path, counts: Counts, command: str, as_json: bool) -> None:
    if as_json:
        files = {
            "index": folder / "index.csv",
            "failures": folder / "failures.csv" if counts.failed else None,
        }
        print_json({"total": counts.total, "done": counts.done, "failed": counts.failed, **files})
        return
    typer.echo(f"{counts.done} of {counts.total} formulas done; list: {folder / 'index.csv'}")
    if counts.failed:
        typer.echo(f"{counts.failed} failed; reasons: {folder / 'failures.csv'}")
        typer.echo(f"To retry them: {command} --retry-failed")
