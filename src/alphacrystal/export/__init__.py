"""Exports of a run: inputs of DFT and MD programs, OPTIMADE, a supplement of a paper."""

from alphacrystal.export._export import FORMATS, export, parse_rows

__all__ = ["FORMATS", "export", "parse_rows"]
