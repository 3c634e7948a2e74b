"""All tables about the learned models on held-out compounds, with baselines and controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.data import PreparedStructures, prepare
from alphacrystal.errors import InputError
from alphacrystal.learn import StructureType, load_model, model_hashes, models_folder
from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask
from alphacrystal.typing import FloatArray, IntArray, Progress
from alphacrystal_bench.models.baselines import ForestPredictions, crystal_systems, forest_predictions
from alphacrystal_bench.models.distance_network import content_cells, network_cells
from alphacrystal_bench.models.distance_table import control_errors, distance_table
from alphacrystal_bench.models.forests import TREES, require_forests
from alphacrystal_bench.models.lattice_network import LatticePredictions, predict_lattices
from alphacrystal_bench.models.lattice_table import lattice_table_by_subset, lattice_table_by_system
from alphacrystal_bench.models.magpie import LAST_ELEMENT, cell_contents
from alphacrystal_bench.models.reliability import (
    DistogramReliability,
    from_confidence,
    from_coverage,
    laplace_quantiles,
)
from alphacrystal_bench.models.subsets import subsets
from alphacrystal_bench.models.symmetry_forest import PUBLISHED_ACCURACY
from alphacrystal_bench.models.symmetry_network import SymmetryPredictions, predict_symmetry
from alphacrystal_bench.models.symmetry_table import (
    frequencies,
    group_table_by_system,
    symmetry_table,
    true_ranks,
)
from alphacrystal_bench.models.type_copy import structure_types, type_copies

NETWORK, FOREST, FREQUENCY, COPY = "network", "forest", "frequency", "type_copy"
FOREST_GIVEN_SYMMETRY = "forest_given_symmetry"
GIVEN_CELL, FOREST_GIVEN_CELL = "network_given_conventional_cell", "forest_given_conventional_cell"
KNOWN_TYPES = "entries_of_known_types"


def benchmark_models(
    source: Path,
    *,
    models: Path | None = None,
    cache: Path,
    forests: bool = True,
    trees: int = TREES,
    seed: int = 0,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Measure the symmetry, lattice and distance networks on the validation split of a record source.

    Args:
        source: Training records of the networks, as for ``prepare``.
        models: Folder of weights; the shipped ones by default.
        cache: Folder of prepared arrays and of predictions of the forests, created if necessary.
        forests: Train the random forests too (needs scikit-learn; about an hour the first time).
        trees: Trees per forest.
        seed: Seed of the forests.
        on_progress: Called with (stage, done, total).

    Returns:
        "symmetry", "lattice", "distances", "distances_without_atom_order" and "reliability", as in
        docs/benchmarks/models.json.

    Raises:
        InputError: The source cannot be read or is not the training data; scikit-learn is not installed.
        WeightsError: Weights are missing or damaged.
    """
    if forests:
        require_forests()  # before the long computations
    data = prepare(source, cache, on_progress=lambda done: on_progress("prepare", done, done))
    folder = models_folder(models)
    types, elements = structure_types(data)
    task = SymmetryTask(data)
    train, rows = task.train, task.validation
    net = load_model("symmetry", folder)
    if getattr(net, "types", None) != task.model.types:
        raise InputError(
            "The symmetry model was trained on other records: name its training records with --data."
        )
    symmetry = predict_symmetry(
        data, types, rows, folder, on_progress=lambda done, total: on_progress("symmetry", done, total)
    )
    lattices = predict_lattices(LatticeTask(data), load_model("lattice", folder))
    numbers, counts = cell_contents(data)
    fractions = np.zeros((len(data), LAST_ELEMENT + 1))
    np.put_along_axis(fractions, numbers, counts / counts.sum(1, keepdims=True), axis=1)
    copies = type_copies(data, types, elements, fractions[:, 1:], train, rows)
    distances, curves = _distances(data, lattices, folder, on_progress)
    forest = None
    if forests:
        forest = forest_predictions(
            data,
            train,
            rows,
            trees=trees,
            seed=seed,
            cache=cache / "forests",
            on_progress=lambda done, total: on_progress("trees", done, total),
        )
    return {
        "models": model_hashes(models),
        "structures": {"train": len(train), "validation": len(rows)},
        "trees": trees if forests else 0,
        "symmetry": _symmetry(data, types, train, symmetry, forest),
        "lattice": _lattice(data, lattices, copies, forest),
        **distances,
        "reliability": {**curves, **_symmetry_curves(data, symmetry), **_lattice_curves(lattices)},
    }


def _symmetry(
    data: PreparedStructures,
    types: list[StructureType],
    train: IntArray,
    predicted: SymmetryPredictions,
    forest: ForestPredictions | None,
) -> dict[str, Any]:
    rows, truth = predicted.rows, data.space_groups[predicted.rows]
    common, type_ranks = frequencies(types, train, rows)
    groups = {NETWORK: predicted.groups, FREQUENCY: common, GIVEN_CELL: predicted.groups_given_cell}
    groups_given_system = {NETWORK: predicted.groups_given_system}
    if forest is not None:
        groups |= {FOREST: forest.groups, FOREST_GIVEN_CELL: forest.groups_given_cell}
        groups_given_system[FOREST] = forest.groups_given_system
    ranks = {name: true_ranks(values, truth) for name, values in groups.items()}
    by_system = {name: true_ranks(values, truth) for name, values in groups_given_system.items()}
    table = symmetry_table(ranks, {NETWORK: predicted.type_ranks, FREQUENCY: type_ranks}, subsets(data, rows))
    systems = crystal_systems(data)[rows]
    return {
        "subsets": table,
        "given_crystal_system": group_table_by_system(by_system, systems, PUBLISHED_ACCURACY),
    }


def _lattice(
    data: PreparedStructures,
    network: LatticePredictions,
    copies: FloatArray,
    forest: ForestPredictions | None,
) -> dict[str, Any]:
    true, rows = data.lattices[network.rows], network.rows
    predicted = {NETWORK: network.cells, COPY: copies}
    if forest is not None:
        predicted |= {FOREST: forest.lengths, FOREST_GIVEN_SYMMETRY: forest.lengths_given_symmetry}
    masks = subsets(data, rows) | {KNOWN_TYPES: np.isfinite(copies[:, 0])}
    return {
        "subsets": lattice_table_by_subset(true, predicted, masks),
        "systems": lattice_table_by_system(true, predicted, crystal_systems(data)[rows]),
    }


def _distances(
    data: PreparedStructures, lattices: LatticePredictions, folder: Path, on_progress: Progress
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tables of errors, and reliability curves of the distograms."""
    task, net = DistanceTask(data), load_model("distance", folder)
    task.shapes[lattices.rows] = lattices.shapes
    rows = np.sort(task.validation)
    errors: dict[str, FloatArray] = {}
    unordered: dict[str, FloatArray] = {}
    curves: dict[str, Any] = {}
    passes = {
        "network_given_type": network_cells(task, net, given=True),
        "network": content_cells(data, rows, folder),
        "network_without_types": network_cells(task, net, given=False),
    }
    done = 0
    for name, cells in passes.items():
        errors[name], unordered[name] = np.zeros(len(rows)), np.zeros(len(rows))
        reliability = DistogramReliability(task.edges.double().numpy())
        for cell in cells:
            index = np.searchsorted(rows, cell.row)
            errors[name][index], unordered[name][index] = cell.error, cell.sorted_rmse
            reliability.add(cell.probabilities, cell.true)
            done += 1
            on_progress("distograms", done, len(passes) * len(rows))
        bins, coverage = reliability.curves()
        curves |= {
            f"distogram_bins_{name}": bins.as_dict(),
            f"distogram_intervals_{name}": coverage.as_dict(),
        }
    controls = control_errors(data, task.train, rows)
    masks = subsets(data, rows)
    tables = {
        "distances": distance_table(errors | controls[0], masks),
        "distances_without_atom_order": distance_table(unordered | controls[1], masks),
    }
    return tables, curves


def _symmetry_curves(data: PreparedStructures, predicted: SymmetryPredictions) -> dict[str, Any]:
    right = predicted.groups.argmax(1) == data.space_groups[predicted.rows]
    experimental = data.experimental[predicted.rows] == 1
    curves = {}
    for suffix, chosen in (("", np.ones(len(right), dtype=bool)), ("_experimental", experimental)):
        if chosen.any():
            groups = from_confidence(predicted.groups.max(1)[chosen], right[chosen])
            types = from_confidence(predicted.type_confidence[chosen], predicted.type_right[chosen])
            curves[f"first_space_group{suffix}"] = groups.as_dict()
            curves[f"first_structure_type{suffix}"] = types.as_dict()
    return curves


def _lattice_curves(predicted: LatticePredictions) -> dict[str, Any]:
    curves = {}
    for name, columns in (("volume", slice(0, 1)), ("axial_ratios", slice(1, 3)), ("angles", slice(3, 6))):
        free = predicted.free[:, columns]  # fixed quantities have no spread
        if free.any():
            quantiles = laplace_quantiles(
                predicted.residuals[:, columns][free], predicted.scales[:, columns][free]
            )
            curves[f"lattice_intervals_{name}"] = from_coverage(quantiles).as_dict()
    return curves
