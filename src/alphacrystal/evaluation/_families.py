"""Metrics that are computed together, by the name of their family; each is one task with a time limit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.evaluation._cell_distances import AtomicCell
from alphacrystal.evaluation._metrics import MetricValue, NotComparableError, NotComputedError
from alphacrystal.evaluation._wyckoff_rows import IndependentAtoms, wyckoff_differences
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

Values = Mapping[str, MetricValue]


@dataclass(frozen=True, slots=True, eq=False)
class ComparedCrystal:
    """A structure to compare.

    Attributes:
        structure: Ordered, without oxidation states, atoms as the file lists them.
        independent: The rows of its CIF file; all atoms where it has none.
        name: Where it comes from.
    """

    structure: Structure
    independent: IndependentAtoms
    name: str = ""

    @classmethod
    def of(cls, structure: Structure, name: str = "") -> ComparedCrystal:
        """A structure that comes from no file."""
        return cls(structure, IndependentAtoms.of(structure), name)

    @classmethod
    def read(cls, path: Path) -> ComparedCrystal:
        """The structure of a file that holds one.

        Raises:
            InputError: It cannot be read, is disordered, or holds several structures.
        """
        from alphacrystal.data import read_structures

        structures = read_structures(path)
        if len(structures) != 1:
            raise InputError(f"{path} holds {len(structures)} structures: give a file with one.")
        return cls.of_file(structures[0], path)

    @classmethod
    def of_file(cls, structure: Structure, path: Path) -> ComparedCrystal:
        """The only structure of a file, with the rows that the file lists."""
        return cls(structure, IndependentAtoms.read(path) or IndependentAtoms.of(structure), str(path))


def _safely(name: str, compute: Callable[[], float]) -> dict[str, MetricValue]:
    """One metric; an error of its libraries becomes a reason."""
    try:
        value = float(compute())
    except NotComparableError as error:
        return {name: MetricValue.missing(str(error))}
    except NotComputedError as error:
        return {name: MetricValue.not_computed(str(error))}
    except Exception as error:  # noqa: BLE001 - libraries raise anything on odd cells
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return {name: MetricValue.missing(f"its computation failed ({words[:160]})")}
    if not np.isfinite(value):
        return {name: MetricValue.missing("its value is not a finite number")}
    return {name: MetricValue(value)}


def points(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Distances between bare points."""
    from alphacrystal.evaluation._cell_distances import (
        chamfer_distance,
        hausdorff_distance,
        sinkhorn_distance,
    )
    from alphacrystal.evaluation._superpose import superpose_old, superpose_rmsd

    a, b = (np.array(crystal.structure.cart_coords) for crystal in (target, predicted))
    return {
        **_safely("sinkhorn_dist", lambda: sinkhorn_distance(a, b)),
        **_safely("chamfer_dist", lambda: chamfer_distance(a, b)),
        **_safely("hausdorff_dist", lambda: hausdorff_distance(a, b)),
        **_safely("superpose_rmsd", lambda: superpose_rmsd(a, b)),
        **_safely("superpose_old", lambda: superpose_old(a, b)),
    }


def rows(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Differences of the fractional coordinates that the files list."""

    def difference() -> FloatArray:
        return wyckoff_differences(target.independent, predicted.independent)

    return _coordinate_errors("", difference)


def _coordinate_errors(suffix: str, difference: Callable[[], FloatArray]) -> dict[str, MetricValue]:
    return {
        **_safely(f"wyckoff_mse{suffix}", lambda: float((difference() ** 2).mean())),
        **_safely(f"wyckoff_rmse{suffix}", lambda: float(np.sqrt((difference() ** 2).mean()))),
        **_safely(f"wyckoff_mae{suffix}", lambda: float(np.abs(difference()).mean())),
    }


def matching(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Root mean square distance of a loose structure match."""
    return _safely("rms_dist", lambda: _loose_match("get_rms_dist", target, predicted))


def anonymous_matching(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """The same over all exchanges of elements."""
    return _safely("rms_anonymous", lambda: _loose_match("get_rms_anonymous", target, predicted))


def _loose_match(method: str, target: ComparedCrystal, predicted: ComparedCrystal) -> float:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher(ltol=0.6, stol=0.6, angle_tol=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = getattr(matcher, method)(target.structure, predicted.structure)
    if result is None or result[0] is None:
        raise NotComparableError(
            "the structures do not match within StructureMatcher's 0.6, 0.6 and 20 degrees"
        )
    return float(result[0])


def surroundings(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Distances of local-environment fingerprints."""
    from alphacrystal.evaluation import _fingerprint

    @cache
    def environments() -> list[_fingerprint.Environments]:
        return [_fingerprint.environments(crystal.structure) for crystal in (target, predicted)]

    return {
        **_safely("fingerprint", lambda: _fingerprint.fingerprint_distance(*environments())),
        **_safely(
            "fingerprint_by_element", lambda: _fingerprint.element_fingerprint_distance(*environments())
        ),
    }


def orbitals(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Distance of orbital field matrices."""
    from alphacrystal.evaluation._descriptors import orbital_field_matrix

    def compute() -> float:
        one, other = (orbital_field_matrix(crystal.structure) for crystal in (target, predicted))
        return float(np.linalg.norm(one - other))

    return _safely("ofm_dist", compute)


def diffraction(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Distances of powder patterns."""
    from alphacrystal.evaluation._descriptors import diffraction_curve

    def compute(*, steady: bool) -> float:
        one, other = (diffraction_curve(item.structure, steady=steady) for item in (target, predicted))
        return float(np.linalg.norm(one - other))

    return {
        **_safely("xrd_dist", lambda: compute(steady=False)),
        **_safely("xrd_dist_invariant", lambda: compute(steady=True)),
    }


def graphs(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Edit distances of neighbour graphs."""
    from alphacrystal.evaluation._cell_distances import edit_distance

    a, b = AtomicCell.of(target.structure), AtomicCell.of(predicted.structure)
    return _safely("edit_graph_distance", lambda: edit_distance(a, b))


def maps(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Overlap of distance maps."""
    from alphacrystal.evaluation._cell_distances import distance_map_overlap

    a, b = AtomicCell.of(target.structure), AtomicCell.of(predicted.structure)
    return {
        **_safely("distance_map_overlap", lambda: distance_map_overlap(a, b)[0]),
        **_safely("distance_map_f1", lambda: distance_map_overlap(a, b)[1]),
    }


def superpositions(target: ComparedCrystal, predicted: ComparedCrystal) -> Values:
    """Distances between the atoms of the crystals in their best superposition."""
    from alphacrystal.evaluation._superposed import superposed_values

    values: dict[str, MetricValue] = {}
    compute = superposed_values(AtomicCell.of(target.structure), AtomicCell.of(predicted.structure))
    for name, function in compute.items():
        values |= _safely(name, function)
    return values


FAMILIES: dict[str, Callable[[ComparedCrystal, ComparedCrystal], Values]] = {
    "points": points,
    "rows": rows,
    "matching": matching,
    "anonymous_matching": anonymous_matching,
    "environments": surroundings,
    "orbitals": orbitals,
    "diffraction": diffraction,
    "graphs": graphs,
    "maps": maps,
    "superpositions": superpositions,
}

#: Families that take milliseconds for any cell, so that no process need be started for them.
QUICK_FAMILIES = frozenset({"points", "rows", "graphs", "maps"})


def run_family(family: str, target: ComparedCrystal, predicted: ComparedCrystal) -> dict[str, Any]:
    """A family by name, for another process."""
    return dict(FAMILIES[family](target, predicted))
