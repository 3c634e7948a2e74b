"""How alike two compositions of one stoichiometry are, as the symmetry prior has learned it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.typing import FloatArray, IntArray


def composition_distances(
    asked: IntArray,
    known: IntArray,
    counts: Sequence[int],
    models: Path | None = None,
) -> FloatArray:
    """Learned squared distance between compositions, mean over the heads of the symmetry prior.

    Its neighbours vote with the weight exp(-d²), see docs/models.md: 0 is the same composition, 1 is near.

    Args:
        asked: Atomic numbers of the composition asked for, shape (elements,).
        known: Those of the others, element by element in the same roles, shape (n, elements).
        counts: Of the stoichiometry that all share, shape (elements,).
        models: Folder of weights; the shipped ones by default.

    Returns:
        shape (n,).
    """
    net = load_model("symmetry", models_folder(models))
    assert isinstance(net, SymmetryNet)
    with torch.no_grad():
        keys = net.kernel.keys(
            torch.as_tensor(np.concatenate([asked[None], known])), torch.as_tensor(counts).float()
        )
    return np.asarray((keys[:, 1:] - keys[:, :1]).square().sum(-1).mean(0).double().numpy())
