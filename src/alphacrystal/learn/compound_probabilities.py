"""The probability that a compound exists at a composition, with the shipped network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alphacrystal.learn.existence.network import (
    MAX_FORMULA_ATOMS,
    Compositions,
    ExistenceNet,
    considered_ratios,
    frequent_ratios,
    probabilities,
)
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
    return probabilities(_network(models), Compositions.of_system(symbols, ratios))


def compound_ratios(symbols: Sequence[str], max_atoms: int, models: Path | None = None) -> IntArray:
    """Ratios of the atoms of a set of elements at which a compound is considered.

    All ratios with up to 20 atoms in the formula unit, charge-balanced ones with up to 40, and larger ones
    that several known compounds have, as those of Th6Mn23.

    Args:
        symbols: Two to four elements, least electronegative first.
        max_atoms: Atoms in the formula unit at most; there are never more than 40.
        models: Folder of weights instead of the shipped ones.

    Returns:
        Shape (ratios, elements).

    Raises:
        WeightsError: The weights are missing or damaged.
    """
    frequent = frequent_ratios(_network(models).compounds())
    return considered_ratios(symbols, min(max_atoms, MAX_FORMULA_ATOMS), frequent)


def _network(models: Path | None) -> ExistenceNet:
    net = load_model("existence", models_folder(models))
    assert isinstance(net, ExistenceNet)
    return net
