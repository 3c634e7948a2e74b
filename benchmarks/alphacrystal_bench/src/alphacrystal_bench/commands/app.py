"""The command `alphacrystal benchmark`, built from the registry."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alphacrystal.cli.output import JsonOption, create_folder, print_json
from alphacrystal.cli.progress_display import ProgressDisplay
from alphacrystal.errors import InputError
from alphacrystal_bench.harness.registry import Benchmark, Run, benchmarks

Out = Annotated[
    Path | None,
    typer.Option(help="Output folder; a run with the same folder continues. Default: runs/NAME-TIME."),
]
Page = Annotated[
    Path | None, typer.Option(help="Also write a Markdown page, with its numbers and figures next to it.")
]


def run_benchmark(
    benchmark: Benchmark, options: Mapping[str, Any], *, out: Path | None, page: Path | None, as_json: bool
) -> None:
    """Run a benchmark, write its result, and print it as Markdown or JSON.

    Raises:
        AlphaCrystalError: The options are invalid or a file cannot be written.
    """
    from alphacrystal.report import default_folder
    from alphacrystal.runtime.atomic_write import write_text_atomically
    from alphacrystal_bench.harness.facts import measured
    from alphacrystal_bench.harness.pages import write_page

    folder = out or default_folder(benchmark.name)
    create_folder(folder)
    try:
        with ProgressDisplay(benchmark.name) as progress:
            run = Run(folder, progress)
            result = measured(options.get("seed", 0), lambda: benchmark.compute(run, **options))
    except KeyboardInterrupt:
        command = [*sys.argv[1:], *([] if out else ["--out", str(folder)])]
        typer.echo(f"Interrupted. Continue with: alphacrystal {shlex.join(command)}", err=True)
        raise
    write_text_atomically(folder / f"{benchmark.name}.json", json.dumps(result, indent=1) + "\n")
    module = benchmark.page_module()
    if page is not None:
        write_page(module, result, page, folder)
    if as_json:
        print_json(result)
    else:
        typer.echo(module.render(result))


def command_of(benchmark: Benchmark) -> Callable[..., None]:
    """The Typer command of a benchmark: its options, then those of all benchmarks."""

    def command(
        *, out: Path | None = None, page: Path | None = None, as_json: bool = False, **options: Any
    ) -> None:
        run_benchmark(benchmark, options, out=out, page=page, as_json=as_json)

    keyword = inspect.Parameter.KEYWORD_ONLY
    _, *specific = inspect.signature(benchmark.compute, eval_str=True).parameters.values()
    shared = (("out", Out, None), ("page", Page, None), ("as_json", JsonOption, False))
    parameters = [parameter.replace(kind=keyword) for parameter in specific]
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, annotation, default in shared
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = inspect.getdoc(benchmark.compute)
    return command


def write_stored_page(
    name: Annotated[str, typer.Argument(help="Name of the benchmark.")],
    result: Annotated[Path, typer.Argument(help="JSON file of its result.")],
    page: Annotated[Path, typer.Argument(help="Markdown page to write.")],
) -> None:
    """Write the page of a stored result again."""
    from alphacrystal_bench.harness.facts import FORMAT
    from alphacrystal_bench.harness.pages import write_page

    known = benchmarks()
    if name not in known:
        raise InputError(f"There is no benchmark {name!r}: choose from {', '.join(known)}.")
    try:
        content = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{result} cannot be read: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{result} is not a result of format {FORMAT}: run the benchmark again.")
    write_page(known[name].page_module(), content, page, None)


def run_quick(
    out: Annotated[
        Path | None,
        typer.Option(help="Folder with one output folder per benchmark. Default: runs/quick-TIME."),
    ] = None,
) -> None:
    """Run the benchmarks that need no data and little time, one after the other."""
    from alphacrystal.report import default_folder

    folder = out or default_folder("quick")
    for name, benchmark in benchmarks().items():
        if benchmark.quick is not None:
            typer.echo(f"+ alphacrystal benchmark {shlex.join([name, *benchmark.quick])}")
            code = app([name, *benchmark.quick, "--out", str(folder / name)], standalone_mode=False)
            if code:  # an interrupt
                raise typer.Exit(code)


app = typer.Typer(
    no_args_is_help=True, help="Benchmarks with controls: tables of the paper and of this project."
)
for _benchmark in benchmarks().values():
    app.command(_benchmark.name)(command_of(_benchmark))
app.command("page")(write_stored_page)
app.command("quick")(run_quick)
