"""The command line: one file per verb."""

from alphacrystal.cli._app import main

__all__ = ["main"]
