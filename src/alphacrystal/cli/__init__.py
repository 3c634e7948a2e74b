"""The command line: one file per verb."""

from alphacrystal.cli.app import main

__all__ = ["main"]
