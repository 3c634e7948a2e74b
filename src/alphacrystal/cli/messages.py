"""Sentences on standard error, with control characters of users and files escaped."""

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
    """Print the reason why one item of a list failed; the others continue."""
    typer.echo(printable(f"{name}: {reason}"), err=True)


class NoteHandler(logging.Handler):
    """Prints the log of the package, for example assumptions about a file, as notes on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        typer.echo(printable(f"Note: {record.getMessage()}"), err=True)
