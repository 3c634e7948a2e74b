"""The local-environment fingerprint of a crystal and its distances."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

Array = NDArray[np.float64]

_LARGEST = 24
#: Motifs whose order parameters count beside the weight of a coordination number: the set "ops" of Zimmermann
#: and Jain (doi:10.1039/C9RA07755C); their parameters are pymatgen's.
_MOTIFS: dict[int, tuple[str, ...]] = {
    1: ("sgl_bd",),
    2: ("L-shaped", "water-like", "bent 120 degrees", "bent 150 degrees", "linear"),
    3: ("trigonal planar", "trigonal non-coplanar", "T-shaped"),
    4: (
        "square co-planar",
        "tetrahedral",
        "rectangular see-saw-like",
        "see-saw-like",
        "trigonal pyramidal",
    ),
    5: ("pentagonal planar", "square pyramidal", "trigonal bipyramidal"),
    6: ("hexagonal planar", "octahedral", "pentagonal pyramidal"),
    7: ("hexagonal pyramidal", "pentagonal bipyramidal"),
    8: ("body-centered cubic", "hexagonal bipyramidal"),
    9: ("q2", "q4", "q6"),
    10: ("q2", "q4", "q6"),
    11: ("q2", "q4", "q6"),
    12: ("cuboctahedral", "q2", "q4", "q6"),
}


@cache
def _order_parameters() -> dict[int, tuple[Any, ...]]:
    from pymatgen.analysis.local_env import CN_OPT_PARAMS, LocalStructOrderParams

    found: dict[int, tuple[Any, ...]] = {}
    for number, motifs in _MOTIFS.items():
        known: Any = CN_OPT_PARAMS.get(number, {})
        kinds = [known.get(motif, [motif]) for motif in motifs]
        found[number] = tuple(
            LocalStructOrderParams([kind[0]], parameters=[kind[1] if len(kind) > 1 else None])
            for kind in kinds
        )
    return found


def site_fingerprints(structure: Structure) -> Array:
    """Weights of the coordination numbers 1 to 24 of each atom, with those motifs have, shape (atoms, 61).

    CrystalNN (Pan et al., doi:10.1021/acs.inorgchem.0c02996) without cut-offs and electronegativity; the
    values of matminer's CrystalNNFingerprint "ops".

    Raises:
        ValueError: CrystalNN finds no neighbours.
    """
    from pymatgen.analysis import local_env

    environment: Any = local_env
    neighbours = environment.CrystalNN(distance_cutoffs=None, x_diff_weight=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([_site(structure, index, neighbours) for index in range(len(structure))])


def _site(structure: Any, index: int, neighbours: Any) -> list[float]:
    found = neighbours.get_nn_data(structure, index)
    values: list[float] = []
    for number in range(1, _LARGEST + 1):
        weight = float(found.cn_weights.get(number, 0))
        values.append(weight)
        for parameter in _order_parameters().get(number, ()):
            if weight == 0:
                values.append(0.0)
                continue
            around = [entry["site"] for entry in found.cn_nninfo[number]]
            order = parameter.get_order_parameters(
                [structure[index], *around], 0, indices_neighs=list(range(1, len(around) + 1))
            )[0]
            values.append(weight * float(order or 0))
    return values


def fingerprint(sites: Array) -> Array:
    """Mean, standard deviation, least and largest value over the atoms, shape (4, 61)."""
    return np.stack([sites.mean(0), sites.std(0), sites.min(0), sites.max(0)])


def fingerprint_by_element(structure: Structure, sites: Array) -> dict[str, tuple[float, Array]]:
    """Share of the atoms and fingerprint of each element."""
    symbols = np.array([site.specie.symbol for site in structure])
    return {
        symbol: (float((symbols == symbol).mean()), fingerprint(sites[symbols == symbol]))
        for symbol in sorted(set(symbols.tolist()))
    }
