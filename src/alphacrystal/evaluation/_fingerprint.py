"""The local-environment fingerprint of a crystal and its distances."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.evaluation._metrics import NotComparableError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


_LARGEST = 24
#: Motifs whose order parameters count with the weight of a coordination number: the set "ops" of Zimmermann
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

    functions: dict[int, tuple[Any, ...]] = {}
    for number, motifs in _MOTIFS.items():
        known: Any = CN_OPT_PARAMS.get(number, {})
        parameters = [known.get(motif, [motif]) for motif in motifs]
        functions[number] = tuple(
            LocalStructOrderParams([entry[0]], parameters=[entry[1] if len(entry) > 1 else None])
            for entry in parameters
        )
    return functions


@dataclass(frozen=True, slots=True, eq=False)
class Environments:
    """The surroundings of the atoms of one structure.

    Attributes:
        numbers: Atomic numbers, shape (atoms,).
        orders: Weights of the coordination numbers 1 to 24, each followed by those of its motifs, shape
            (atoms, 61).
        partners: Share of each element among the neighbours of an atom, shape (atoms, elements); the
            structure's elements by atomic number.
    """

    numbers: IntArray
    orders: FloatArray
    partners: FloatArray

    def fingerprint(self) -> FloatArray:
        """Mean, standard deviation, least and largest of each order over the atoms, shape (4, 61)."""
        return _statistics(self.orders)

    def by_element(self) -> dict[int, tuple[float, FloatArray]]:
        """By atomic number: share of the atoms; their statistics and mean shares of partners, one vector."""
        fingerprints = {}
        for number in np.unique(self.numbers):
            atoms = self.numbers == number
            vector = np.concatenate([_statistics(self.orders[atoms]).ravel(), self.partners[atoms].mean(0)])
            fingerprints[int(number)] = (float(atoms.mean()), vector)
        return fingerprints


def _statistics(values: FloatArray) -> FloatArray:
    return np.stack([values.mean(0), values.std(0), values.min(0), values.max(0)])


def environments(structure: Structure) -> Environments:
    """Environments by CrystalNN (Pan et al., doi:10.1021/acs.inorgchem.0c02996), without its cut-offs.

    Its weights by electronegativity are off too. The orders are those of matminer's CrystalNNFingerprint
    "ops".

    Raises:
        ValueError: CrystalNN finds no neighbours.
    """
    from pymatgen.analysis import local_env

    module: Any = local_env
    neighbours = module.CrystalNN(distance_cutoffs=None, x_diff_weight=0)
    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    elements = np.unique(numbers).tolist()
    orders, partners = [], np.zeros((len(structure), len(elements)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in range(len(structure)):
            neighbours_of_site = neighbours.get_nn_data(structure, index)
            orders.append(_orders(structure, index, neighbours_of_site))
            for number, weight in neighbours_of_site.cn_weights.items():
                for entry in neighbours_of_site.cn_nninfo.get(number, ()) if weight else ():
                    partners[index, elements.index(entry["site"].specie.Z)] += weight / number
    return Environments(numbers, np.array(orders), partners)


def _orders(structure: Any, index: int, neighbours_of_site: Any) -> list[float]:
    values: list[float] = []
    for number in range(1, _LARGEST + 1):
        weight = float(neighbours_of_site.cn_weights.get(number, 0))
        values.append(weight)
        for parameter in _order_parameters().get(number, ()):
            if weight == 0:
                values.append(0.0)
                continue
            around = [entry["site"] for entry in neighbours_of_site.cn_nninfo[number]]
            order = parameter.get_order_parameters(
                [structure[index], *around], 0, indices_neighs=list(range(1, len(around) + 1))
            )[0]
            values.append(weight * float(order or 0))
    return values


def fingerprint_distance(one: Environments, other: Environments) -> float:
    """Euclidean distance of the statistics over all atoms of any element."""
    return float(np.linalg.norm(one.fingerprint() - other.fingerprint()))


def element_fingerprint_distance(one: Environments, other: Environments) -> float:
    """Root of the mean over the atoms of the squared distance of the vectors of their elements.

    Raises:
        NotComparableError: The compositions differ.
    """
    mine, theirs = one.by_element(), other.by_element()
    if mine.keys() != theirs.keys() or any(abs(mine[z][0] - theirs[z][0]) > 1e-9 for z in mine):
        raise NotComparableError("their reduced formulas differ")
    return float(np.sqrt(sum(share * ((v - theirs[z][1]) ** 2).sum() for z, (share, v) in mine.items())))
