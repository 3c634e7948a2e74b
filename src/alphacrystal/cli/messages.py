"""Sentences on standard error, safe to print whatever a user or a file put into them."""

from __future__ import annotations

import logging

import typer


def printable(text: str) -> str:
    """The text with control characters, which could move the cursor of a terminal, as escapes."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def complain(sentence: str) -> None:
    """An error that ends the command."""
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(printable(sentence), err=True)


def say_failure(name: str, reason: str) -> None:
    """Why one item of a list failed; the others go on."""
    typer.echo(printable(f"{name}: {reason}"), err=True)


class NoteHandler(logging.Handler):
    """Prints what the package logs, such as how a file was read, as notes on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        typer.echo(printable(f"Note: {record.getMessage()}"), err=True)
