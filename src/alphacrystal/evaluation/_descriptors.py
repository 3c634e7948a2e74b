"""Descriptors of one crystal that metrics compare: orbital field matrix and smoothed powder pattern."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


# The orbital field matrix.
_START = {"s": 0, "p": 2, "d": 8, "f": 18}
_ORBITALS = 32
#: matminer takes the "Angstrom star" of the X-ray tables (1.00001495 Å) for the ångström; so do its values.
_BOHR_PER_ANGSTROM = 1.00001495 / 0.529177210903

# The powder pattern.
_ANGLES = np.linspace(0.0, 90.0, 901)  # 2θ in degrees
_COPIES = 10  # of a peak per per cent of the highest
_BANDWIDTH = 0.01


@cache
def valence_vector(number: int) -> FloatArray:
    """The valence subshells of an element as ones at their occupation: s1 s2 p1 ... f14, shape (32,).

    Subshells of the highest main quantum number n count, and d of n - 1, f of n - 1 and n - 2.
    """
    from pymatgen.core import Element

    shells: Any = Element.from_Z(number).full_electronic_structure
    highest = max(main for main, _, _ in shells)
    vector = np.zeros(_ORBITALS)
    for main, subshell, electrons in shells:
        depth = highest - main
        if depth <= {"s": 0, "p": 0, "d": 1, "f": 2}[subshell]:
            vector[_START[subshell] + electrons - 1] = 1
    return vector


def orbital_field_matrix(structure: Structure) -> FloatArray:
    """Mean over the atoms of the orbital field matrix, shape (32, 32).

    Lam Pham et al. (doi:10.1080/14686996.2017.1378060) as matminer's OrbitalFieldMatrix gives it: neighbours
    weighted by their solid angles over the largest and by the inverse distance in bohr. Atoms that symmetry
    makes equal are computed once.

    Raises:
        ValueError: No Voronoi cell can be built.
    """
    from pymatgen.analysis import local_env
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    environment: Any = local_env
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Enough images that no atom neighbours itself under the index of its centre.
        large = structure.copy() * (3, 3, 3)
        groups: Any = SpacegroupAnalyzer(large).get_symmetrized_structure().equivalent_indices
        voronoi = environment.VoronoiNN(allow_pathological=True)
        total = np.zeros((_ORBITALS, _ORBITALS))
        for group in groups:
            total += len(group) * _site_matrix(large, group[0], voronoi.get_nn_info(large, group[0]))
    return total / len(large)


def _site_matrix(structure: Any, index: int, neighbours: list[dict[str, Any]]) -> FloatArray:
    site = structure[index]
    field = np.zeros(_ORBITALS)
    for neighbour in neighbours:
        distance = site.distance(neighbour["site"]) * _BOHR_PER_ANGSTROM
        field += valence_vector(neighbour["site"].specie.Z) * neighbour["weight"] / distance
    return np.outer(field, valence_vector(site.specie.Z))


def diffraction_curve(structure: Structure, *, steady: bool = False) -> FloatArray:
    """Density of diffracted Cu Kα intensity over 2θ = 0, 0.1, ..., 90 degrees, shape (901,).

    As CSPBenchMetrics makes it: each peak counts once for each 0.1 % of the highest, weaker ones not at all,
    and a Gaussian kernel of a hundredth of the spread of the peaks smooths them. So the width of a peak
    depends on where the others are.

    Args:
        structure: Any cell of the crystal.
        steady: Whether rounding noise is cut off before peaks are counted. Without, the strongest peak counts
            999 or 1000 times by its last bit, and one crystal in two descriptions differs by 0.0014.

    Raises:
        ValueError: All intensity lies at one angle.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from scipy.stats import gaussian_kde

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pattern = XRDCalculator().get_pattern(structure, two_theta_range=(0, 90))
    counts = np.asarray(pattern.y) * _COPIES
    copies = (np.round(counts, 9) if steady else counts).astype(int)
    return np.asarray(gaussian_kde(np.repeat(pattern.x, copies), bw_method=_BANDWIDTH)(_ANGLES))
