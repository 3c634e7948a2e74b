"""DMCrystal: from a distogram, a space group with Wyckoff letters and a cell to a crystal structure."""

from alphacrystal.reconstruct._search import Reconstruction, SearchSettings, reconstruct

__all__ = ["Reconstruction", "SearchSettings", "reconstruct"]
