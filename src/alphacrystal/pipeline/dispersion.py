"""Decide on dispersion before the relaxation, and evaluate the energies without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alphacrystal.pipeline.energies import relax_settings
from alphacrystal.pipeline.relaxation import Relaxed, relax_pass

if TYPE_CHECKING:
    from alphacrystal.generate import Candidate
    from alphacrystal.pipeline.checkpoint import Dispersion
    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.relaxation import Relaxer

CONSIDERED = 20  # most probable candidates whose bonding graphs are tested: the default length of a list
LOW_DIMENSIONAL_SHARE = 0.2  # of the probability of these candidates that asks for dispersion
WITHOUT_DISPERSION = "without dispersion"  # pass, by its name in the checkpoint

REASON = "layers or molecules are probable"
MISSING_EXTRA = (
    f"The relaxation leaves dispersion out, although {REASON}: pip install 'alphacrystal[dispersion]' adds it"
)
PLAIN_REFERENCES = (
    "Formation energies and energies above hull are those of the potential without dispersion, as their "
    "references are"
)


def decide_dispersion(
    request: Request, candidates: Sequence[Candidate], store: RunStore
) -> tuple[Request, list[str]]:
    """Replace the setting "auto" by "d3" or "none", once for all structures of a run.

    All energies of a list need one scale. The bonding graphs of the candidates decide before the relaxation,
    and a resumed run keeps the decision.

    Args:
        request: The run.
        candidates: Its candidates, unrelaxed.
        store: Has the decision of an interrupted run.

    Returns:
        The run with the decision, and notes on it.
    """
    setting = request.config.dispersion
    decision = _decision(request, candidates, store) if setting == "auto" else setting
    notes: list[str] = []
    if decision == "missing":
        notes.append(MISSING_EXTRA)
    elif decision == "d3" and request.config.relax:
        named = [f"Relaxed with D3(BJ) dispersion: {REASON}"] if setting == "auto" else []
        notes += [*named, PLAIN_REFERENCES]
    config = request.config.model_copy(update={"dispersion": "d3" if decision == "d3" else "none"})
    return replace(request, config=config), notes


def _decision(request: Request, candidates: Sequence[Candidate], store: RunStore) -> Dispersion:
    if not request.config.relax:
        return "none"
    stored = store.dispersion()
    if stored is None:
        from alphacrystal.relaxation import has_dispersion

        probable = (
            not store.has_relaxations()  # of an earlier version
            and takes_dispersion(request.config.potential)
            and low_dimensional_share(candidates) >= LOW_DIMENSIONAL_SHARE
        )
        stored = "none" if not probable else "d3" if has_dispersion() else "missing"
        store.save_dispersion(stored)
    return stored


def takes_dispersion(potential: str) -> bool:
    """Whether D3 with the parameters of PBE belongs on top of a potential by default."""
    from alphacrystal.relaxation import EnergyScale, energy_scale

    return energy_scale(potential) in (EnergyScale.MP2020, EnergyScale.MP_RAW)


def low_dimensional_share(
    candidates: Sequence[Candidate], limit: float | None = LOW_DIMENSIONAL_SHARE
) -> float:
    """Share of the layers, chains and molecules in the probability of the most probable candidates.

    Args:
        candidates: Those of a run. If some have no probability, all count the same.
        limit: Only as many bonding graphs are computed as decide whether the share reaches it; the result is
            then on the same side of the limit as the share. None for the share itself.
    """
    from alphacrystal.ranking import is_low_dimensional

    known = [value for item in candidates if (value := item.log_probability) is not None]
    scores = known if len(known) == len(candidates) else [0.0] * len(candidates)
    order = sorted(range(len(candidates)), key=lambda index: (-scores[index], index))[:CONSIDERED]
    weights = [math.exp(scores[index] - max(scores)) for index in order]
    low, high, total = 0.0, 0.0, sum(weights)
    for index, weight in zip(order, weights, strict=True):
        if is_low_dimensional(candidates[index].structure):
            low += weight / total
        else:
            high += weight / total
        if limit is not None and (low >= limit or 1 - high < limit):
            break
    return low


def add_plain_energies(
    request: Request, relaxed: Relaxed, store: RunStore, relaxer: Relaxer | None
) -> Relaxed:
    """The relaxed candidates with energies without dispersion, where the run has dispersion.

    Args:
        request: The run, with its decision on dispersion.
        relaxed: Its relaxed candidates.
        store: Finished energies; new ones are added.
        relaxer: Evaluates the structures that the store lacks; with None, only finished ones are used.
    """
    if request.config.dispersion != "d3":
        return relaxed
    structures = {index: end.structure for index, end in relaxed.relaxations.items() if end.usable}
    settings = relax_settings(request.config, dispersion=False).model_copy(update={"max_steps": 0})
    ends = relax_pass(store, relaxer, WITHOUT_DISPERSION, structures, settings)
    plain = {index: end.energy_per_atom for index, end in ends.items() if end.energy_per_atom is not None}
    return replace(relaxed, plain_energies=plain)
