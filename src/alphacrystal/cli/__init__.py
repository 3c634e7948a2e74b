"""The command line: one module of ``commands`` for each command."""

from alphacrystal.cli.app import main

__all__ = ["main"]
