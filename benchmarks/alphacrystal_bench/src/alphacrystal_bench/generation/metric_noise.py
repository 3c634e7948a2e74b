"""Published metrics of a crystal against itself with another origin (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.spacegroup import crystal
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.evaluation import METRICS, compare, compare_many, match_pair
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

# Space group, cell (Å, degrees), one site of each orbit; R. W. G. Wyckoff, Crystal Structures (1963-1971).
Sites = list[tuple[str, float, float, float]]
CRYSTALS: dict[str, tuple[int, tuple[float, ...], Sites]] = {
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
SMALL = 0.1  # Å: superpose distances below it are counted


def benchmark_metric_noise(on_progress: Progress, *, origins: int = 200, seed: int = 0) -> dict[str, Any]:
    """Point metrics of crystals against themselves, and of two orders of CuAu.

    Args:
        on_progress: Called with (stage, done, total).
        origins: Random origins per crystal.
        seed: Seed of the origins.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for done, (name, description) in enumerate(CRYSTALS.items()):
        on_progress("origins", done, len(CRYSTALS))
        rows += _moved_origins(name, _structure(*description), origins, rng)
    on_progress("origins", len(CRYSTALS), len(CRYSTALS))
    return {"origins": origins, "random_origins": rows, "orders_of_cuau": _orders()}


def _structure(number: int, cell: tuple[float, ...], sites: Sites) -> Structure:
    atoms = crystal(
        [site[0] for site in sites], [site[1:] for site in sites], spacegroup=number, cellpar=cell
    )
    return Structure.from_sites(list(AseAtomsAdaptor.get_structure(atoms)))


def _moved_origins(
    name: str, target: Structure, count: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    copies = [
        Structure(target.lattice, [site.specie for site in target], (target.frac_coords + rng.random(3)) % 1)
        for _ in range(count)
    ]
    measured = compare_many([(copy, target) for copy in copies], POINTS)
    rows = []
    for metric in measured[0]:
        values = np.array([row[metric].value for row in measured])
        row = {
            "crystal": name,
            "metric": metric,
            "median": float(np.median(values)),
            "largest": float(values.max()),
        }
        if metric == "superpose_rmsd":
            row["share_below_0_1"] = float((values < SMALL).mean())
        rows.append(row)
    return rows


def _orders() -> dict[str, Any]:
    """Copper and gold in single and in double layers of one face-centred lattice: two different crystals."""
    sites = [[0.0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    single = Structure(Lattice.cubic(3.8), ["Cu", "Cu", "Au", "Au"], sites) * (1, 1, 2)
    double = single.copy()
    for index, site in enumerate(double):
        double.replace(index, "Cu" if site.frac_coords[2] < 0.49 else "Au")
    measured = compare(double, single, f"{POINTS},fingerprint,edit_graph_distance")
    return {
        "match": bool(match_pair(double, single).matched),
        "metrics": {
            name: {"value": value.value, "invariant": measured[str(METRICS[name].invariant)].value}
            for name, value in measured.items()
            if METRICS[name].invariant != name
        },
    }


def render(result: Mapping[str, Any]) -> str:
    """Both tables."""
    rows = []
    for row in result["random_origins"]:
        below = f"{row['share_below_0_1']:.0%}" if "share_below_0_1" in row else ""
        rows.append([row["crystal"], row["metric"], f"{row['median']:.2f}", f"{row['largest']:.2g}", below])
    orders = result["orders_of_cuau"]
    forms = [
        [name, f"{row['value']:.4f}", f"{row['invariant']:.4f}"] for name, row in orders["metrics"].items()
    ]
    lines = [
        "# Published metrics of a crystal against itself",
        "",
        fact_line("metric-noise", result, details=f". {result['origins']} random origins per crystal"),
        "",
        *markdown_table(["crystal", "metric", "median", "largest", f"below {SMALL} Å"], rows),
        "",
        f"Two orders of CuAu (the same crystal: {'yes' if orders['match'] else 'no'}):",
        "",
        *markdown_table(["metric", "value", "invariant form"], forms),
    ]
    return "\n".join(lines) + "\n"
