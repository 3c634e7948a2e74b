"""The `alphacrystal` program and its exit codes."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from types import FrameType
from typing import Annotated, NoReturn

import typer

from alphacrystal import __version__
from alphacrystal.cli.command_group import CONTEXT, CommandGroup
from alphacrystal.cli.output import NoteHandler, escape_unencodable_characters, print_error
from alphacrystal.errors import explain
from alphacrystal.runtime.torch_setup import reduce_import_time

INTERRUPTED, TERMINATED = 130, 143  # 128 and the number of the signal

app = typer.Typer(
    name="alphacrystal",
    help="Predict crystal structures from a formula.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
    cls=CommandGroup,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alphacrystal {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Predict crystal structures from a formula."""


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 2 bad input, 1 failure, 130 after Ctrl-C, 143 after SIGTERM."""
    reduce_import_time()
    terminated = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    escape_unencodable_characters()
    logging.getLogger("alphacrystal").addHandler(NoteHandler())
    # pymatgen warns when it sorts by electronegativity; no result depends on this order.
    warnings.filterwarnings("ignore", message="No Pauling electronegativity")
    code = _exit_code()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to write
    sys.exit(TERMINATED if code == INTERRUPTED and terminated else code)


def _exit_code() -> int:
    """Run the command line and print an error as a sentence on standard error."""
    try:
        code = app(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Exit as error:
        return error.exit_code
    except typer.TyperException as error:
        if error.format_message():  # empty after the help text of a command without arguments
            print_error(error.format_message())
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output, for example `head`, has ended: this is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("ALPHACRYSTAL_DEBUG"):
            raise
        code, sentence = explain(error)
        print_error(sentence)
        return code
