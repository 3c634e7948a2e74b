"""AlphaCrystal: crystal structure prediction from a formula."""

__version__ = "0.1.0"

__all__ = ["__version__"]
