"""Trained weights of AlphaCrystal: safetensors files, each with a model card of the same name."""

from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files(__name__)))
