"""What published metrics say of a crystal against itself with another origin: the tables of docs/metrics.md.

python benchmarks/metric_noise.py [--origins 200] [--seed 0]
"""

from __future__ import annotations

import argparse

import numpy as np
from ase.spacegroup import crystal
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.evaluate import METRICS, compare, compare_many, match_pair

# Space group, cell (Å, degrees), one site of each orbit; R. W. G. Wyckoff, Crystal Structures (1963-1971).
CRYSTALS = {
    "caesium chloride": (221, (4.123,) * 3 + (90,) * 3, [("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)]),
    "rutile": (136, (4.594, 4.594, 2.959, 90, 90, 90), [("Ti", 0, 0, 0), ("O", 0.3048, 0.3048, 0)]),
    "perovskite SrTiO3": (
        221,
        (3.905,) * 3 + (90,) * 3,
        [("Sr", 0, 0, 0), ("Ti", 0.5, 0.5, 0.5), ("O", 0.5, 0.5, 0)],
    ),
    "quartz": (
        152,
        (4.913, 4.913, 5.405, 90, 90, 120),
        [("Si", 0.4697, 0, 1 / 3), ("O", 0.4135, 0.2669, 0.2144)],
    ),
}
POINTS = "superpose_rmsd,sinkhorn_dist,chamfer_dist,hausdorff_dist"


def structure(
    number: int, cell: tuple[float, ...], sites: list[tuple[str, float, float, float]]
) -> Structure:
    atoms = crystal(
        [site[0] for site in sites], [site[1:] for site in sites], spacegroup=number, cellpar=cell
    )
    return Structure.from_sites(list(AseAtomsAdaptor.get_structure(atoms)))


def origins(count: int, rng: np.random.Generator) -> None:
    print("median (largest) against itself, origin moved at random; share of superpose below 0.1 Å")
    for name, description in CRYSTALS.items():
        target = structure(*description)
        moved = [
            Structure(target.lattice, target.species, (target.frac_coords + rng.random(3)) % 1)
            for _ in range(count)
        ]
        rows = compare_many([(one, target) for one in moved], POINTS)
        for metric in rows[0]:
            values = np.array([row[metric].value for row in rows])
            low = f", {(values < 0.1).mean():.0%} below 0.1" if metric == "superpose_rmsd" else ""
            print(f"{name:18} {metric:20} {np.median(values):8.2f} ({values.max():.2g}){low}")


def orders() -> None:
    """Copper and gold in single and in double layers of one face-centred lattice."""
    sites = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    single = Structure(Lattice.cubic(3.8), ["Cu", "Cu", "Au", "Au"], sites) * (1, 1, 2)
    double = single.copy()
    for index, site in enumerate(double):
        double.replace(index, "Cu" if site.frac_coords[2] < 0.49 else "Au")
    print(f"two orders of CuAu: one crystal {match_pair(double, single).matched}")
    found = compare(double, single, f"{POINTS},fingerprint,edit_graph_distance")
    for name, measured in found.items():
        if METRICS[name].invariant != name:
            form = found[str(METRICS[name].invariant)].value
            print(f"{name:20} {measured.value:8.4f} {form:8.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--origins", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    origins(options.origins, np.random.default_rng(options.seed))
    orders()


if __name__ == "__main__":
    main()
