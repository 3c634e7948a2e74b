"""The probability that a compound exists at a composition, with the shipped network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alphacrystal.learn.existence.network import Compositions, ExistenceNet, probabilities
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.typing import FloatArray, IntArray


def existence_probabilities(
    symbols: Sequence[str], ratios: IntArray, models: Path | None = None
) -> FloatArray:
    """Probability that a compound exists at each ratio of the atoms of a set of elements.

    Args:
        symbols: Two to four elements, least electronegative first.
        ratios: Atoms of each in the reduced formula, shape (n, elements).
        models: Folder of weights instead of the shipped ones.

    Returns:
        Shape (n,).

    Raises:
        WeightsError: The weights are missing or damaged.
    """
    net = load_model("existence", models_folder(models))
    assert isinstance(net, ExistenceNet)
    return probabilities(net, Compositions.of_system(symbols, ratios))
