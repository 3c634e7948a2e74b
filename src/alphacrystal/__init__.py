"""AlphaCrystal: crystal structure prediction from a formula."""

__version__ = "0.1.0"
