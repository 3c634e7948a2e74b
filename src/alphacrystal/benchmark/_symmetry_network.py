"""What the symmetry network says about the validation entries, from the formula alone and told more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alphacrystal.benchmark._symmetry_forest import GROUPS
from alphacrystal.crystal import space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal.learn.training import SymmetryTask

BATCH = 128
IMPOSSIBLE = -1e3  # scores of types of another stoichiometry are far below
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryPredictions:
    """Predictions for the validation rows of a SymmetryTask, over the types known from training.

    Attributes:
        rows: Of the prepared structures, shape (n,).
        groups: Probability of each space group, shape (n, 231).
        groups_given_cell: The same told the atoms in the conventional cell, zero where no type fits.
        groups_given_system: The same told that number and the crystal system.
        type_ranks: Types more probable than the true one, infinite where it is unknown, shape (n,).
        type_confidence: Probability of the first type, shape (n,).
        type_right: Whether it is the true one, shape (n,).
    """

    rows: NDArray[np.int64]
    groups: Array
    groups_given_cell: Array
    groups_given_system: Array
    type_ranks: Array
    type_confidence: Array
    type_right: NDArray[np.bool_]


def predict_symmetry(data: PreparedStructures, task: SymmetryTask, net: Any) -> SymmetryPredictions:
    """Evaluate a SymmetryNet ``net`` on the validation split of a task.

    Raises:
        InputError: The network was trained on other records.
    """
    if net.types != task.model.types:
        raise InputError(
            "The symmetry model was trained on other records than --data holds: give those it was trained on."
        )
    rows_of_types, type_groups = net.rows, net.table.space_group
    groups = [space_group(number) for number in range(1, GROUPS)]
    system_of = np.array(["", *(group.crystal_system for group in groups)])
    centring_of = np.array([0, *(len(group.centring) for group in groups)])
    type_systems = system_of[type_groups.numpy()]
    atoms = net.table.atoms * torch.as_tensor(centring_of)[type_groups]
    true_atoms = torch.as_tensor(data.sizes * centring_of[data.space_groups])
    collected: dict[str, list[NDArray[np.float64]]] = {
        name: [] for name in ("groups", "cell", "system", "ranks", "confidence", "right")
    }
    # A batch of few stoichiometries is scored much sooner than one of many.
    order = np.argsort(task.stoichiometry.numpy()[task.validation], kind="stable")
    for start in range(0, len(order), BATCH):
        batch = task.validation[order[start : start + BATCH]]
        with torch.no_grad():
            scores = task.scores(net, batch).double()
        chances = scores.softmax(-1) * (scores > IMPOSSIBLE)
        known = np.array([rows_of_types.get(task.kinds[row], -1) for row in batch])
        own = scores[np.arange(len(batch)), np.maximum(known, 0)]
        ranks = (scores > own[:, None]).sum(1).double().numpy()
        confidence, first = chances.max(1)
        fits = atoms[None] == true_atoms[batch][:, None]
        same_system = torch.as_tensor(type_systems[None] == system_of[data.space_groups[batch]][:, None])
        for name, mask in (("groups", None), ("cell", fits), ("system", fits & same_system)):
            allowed = chances if mask is None else chances * mask
            by_group = torch.zeros(len(batch), GROUPS, dtype=torch.double)
            by_group.index_add_(1, type_groups, allowed)
            total = by_group.sum(1, keepdim=True)
            collected[name].append((by_group / total.clamp(min=1e-300)).numpy())
        collected["ranks"].append(np.where(known >= 0, ranks, np.inf))
        collected["confidence"].append(confidence.numpy())
        collected["right"].append(first.numpy() == known)
    back = np.argsort(order)
    joined = {name: np.concatenate(parts)[back] for name, parts in collected.items()}
    return SymmetryPredictions(
        rows=task.validation,
        groups=joined["groups"],
        groups_given_cell=joined["cell"],
        groups_given_system=joined["system"],
        type_ranks=joined["ranks"],
        type_confidence=joined["confidence"],
        type_right=joined["right"].astype(bool),
    )
