"""All tables about the learned models, on compounds whose formula was held out, beside their rivals."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.data import PreparedStructures, prepare
from alphacrystal.errors import InputError
from alphacrystal.learn import StructureType, load_model, model_hashes, models_folder
from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask
from alphacrystal.typing import FloatArray, IntArray
from alphacrystal_bench.harness.progress import Progress
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.models.baselines import RivalPredictions, crystal_systems, rival_predictions
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

NETWORK, FOREST, FREQUENCY, COPY = "network", "forest", "frequency", "type copy"
TOLD_SYMMETRY = "forest, told symmetry"
TOLD_CELL, FOREST_TOLD_CELL = "network, told the conventional cell", "forest, told the conventional cell"
KNOWN_TYPES = "entries whose type occurs in training"


def benchmark_models(
    source: Path,
    *,
    models: Path | None = None,
    cache: Path,
    forests: bool = True,
    trees: int = TREES,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the symmetry, lattice and distance networks on the validation split of a record source.

    Args:
        source: As for ``prepare``: the records that the networks were trained on.
        models: Folder of weights; the shipped ones by default.
        cache: Folder of prepared arrays and of what forests predict, made if need be.
        forests: Train the rival forests too (needs scikit-learn; about an hour at the first time).
        trees: In each forest.
        seed: Of the forests.
        on_progress: Called with a stage, how much of it is done and how much there is.

    Returns:
        What docs/benchmarks/models.json holds: facts of the run, then "symmetry", "lattice", "distances" and
        "reliability".

    Raises:
        InputError: The source cannot be read, or is not what the networks were trained on; no scikit-learn.
        WeightsError: Weights are missing or damaged.
    """
    if forests:
        require_forests()  # now, for they come last
    tell = on_progress or (lambda stage, done, total: None)
    begin, facts = time.monotonic(), run_facts(seed)  # now: the tree may change while this runs
    data = prepare(source, cache, on_progress=lambda done: tell("prepare", done, done))
    folder = models_folder(models)
    types, elements = structure_types(data)
    task = SymmetryTask(data)
    train, rows = task.train, task.validation
    net = load_model("symmetry", folder)
    if getattr(net, "types", None) != task.model.types:
        raise InputError(
            "The symmetry model was trained on other records than --data holds: give those it was trained on."
        )
    symmetry = predict_symmetry(
        data, types, rows, folder, on_progress=lambda done, total: tell("symmetry", done, total)
    )
    lattices = predict_lattices(LatticeTask(data), load_model("lattice", folder))
    numbers, counts = cell_contents(data)
    fractions = np.zeros((len(data), LAST_ELEMENT + 1))
    np.put_along_axis(fractions, numbers, counts / counts.sum(1, keepdims=True), axis=1)
    copies = type_copies(data, types, elements, fractions[:, 1:], train, rows)
    distances, curves = _distances(data, lattices, folder, tell)
    rivals = None
    if forests:
        rivals = rival_predictions(
            data,
            train,
            rows,
            trees=trees,
            seed=seed,
            cache=cache / "forests",
            on_progress=lambda done, total: tell("trees", done, total),
        )
    return {
        **facts,
        "models": model_hashes(models),
        "structures": {"train": len(train), "validation": len(rows)},
        "trees": trees if forests else 0,
        "symmetry": _symmetry(data, types, train, symmetry, rivals),
        "lattice": _lattice(data, lattices, copies, rivals),
        **distances,
        "reliability": {**curves, **_symmetry_curves(data, symmetry), **_lattice_curves(lattices)},
        "minutes": round((time.monotonic() - begin) / 60, 1),
    }


def _symmetry(
    data: PreparedStructures,
    types: list[StructureType],
    train: IntArray,
    found: SymmetryPredictions,
    rivals: RivalPredictions | None,
) -> dict[str, Any]:
    rows, truth = found.rows, data.space_groups[found.rows]
    common, type_ranks = frequencies(types, train, rows)
    chances = {NETWORK: found.groups, FREQUENCY: common, TOLD_CELL: found.groups_given_cell}
    by_system = {NETWORK: found.groups_given_system}
    if rivals is not None:
        chances |= {FOREST: rivals.groups, FOREST_TOLD_CELL: rivals.groups_told_cell}
        by_system[FOREST] = rivals.groups_told_system
    ranks = {who: true_ranks(own, truth) for who, own in chances.items()}
    told = {who: true_ranks(own, truth) for who, own in by_system.items()}
    table = symmetry_table(ranks, {NETWORK: found.type_ranks, FREQUENCY: type_ranks}, subsets(data, rows))
    systems = crystal_systems(data)[rows]
    return {"subsets": table, "told the system": group_table_by_system(told, systems, PUBLISHED_ACCURACY)}


def _lattice(
    data: PreparedStructures, found: LatticePredictions, copies: FloatArray, rivals: RivalPredictions | None
) -> dict[str, Any]:
    true, rows = data.lattices[found.rows], found.rows
    predicted = {NETWORK: found.cells, COPY: copies}
    if rivals is not None:
        predicted |= {FOREST: rivals.lengths, TOLD_SYMMETRY: rivals.lengths_told_symmetry}
    masks = subsets(data, rows) | {KNOWN_TYPES: np.isfinite(copies[:, 0])}
    return {
        "subsets": lattice_table_by_subset(true, predicted, masks),
        "systems": lattice_table_by_system(true, predicted, crystal_systems(data)[rows]),
    }


def _distances(
    data: PreparedStructures, lattices: LatticePredictions, folder: Path, tell: Progress
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tables of errors, and reliability curves of the distograms."""
    task, net = DistanceTask(data), load_model("distance", folder)
    task.shapes[lattices.rows] = lattices.shapes
    rows = np.sort(task.validation)
    errors: dict[str, FloatArray] = {}
    unordered: dict[str, FloatArray] = {}
    curves: dict[str, Any] = {}
    passes = {
        "network, told the type": network_cells(task, net, given=True),
        "network": content_cells(data, rows, folder),
        "network without types": network_cells(task, net, given=False),
    }
    done = 0
    for name, cells in passes.items():
        errors[name], unordered[name] = np.zeros(len(rows)), np.zeros(len(rows))
        reliability = DistogramReliability(task.edges.double().numpy())
        for cell in cells:
            place = np.searchsorted(rows, cell.row)
            errors[name][place], unordered[name][place] = cell.error, cell.sorted_rmse
            reliability.add(cell.probabilities, cell.true)
            done += 1
            tell("distograms", done, len(passes) * len(rows))
        bins, coverage = reliability.curves()
        curves |= {
            f"distogram bins, {name}": bins.as_dict(),
            f"distogram intervals, {name}": coverage.as_dict(),
        }
    controls = control_errors(data, task.train, rows)
    masks = subsets(data, rows)
    tables = {
        "distances": distance_table(errors | controls[0], masks),
        "distances, equal atoms without numbers": distance_table(unordered | controls[1], masks),
    }
    return tables, curves


def _symmetry_curves(data: PreparedStructures, found: SymmetryPredictions) -> dict[str, Any]:
    right = found.groups.argmax(1) == data.space_groups[found.rows]
    experimental = data.experimental[found.rows] == 1
    curves = {}
    for suffix, chosen in (("", np.ones(len(right), dtype=bool)), (", experimental", experimental)):
        if chosen.any():
            groups = from_confidence(found.groups.max(1)[chosen], right[chosen])
            types = from_confidence(found.type_confidence[chosen], found.type_right[chosen])
            curves[f"first space group{suffix}"] = groups.as_dict()
            curves[f"first structure type{suffix}"] = types.as_dict()
    return curves


def _lattice_curves(found: LatticePredictions) -> dict[str, Any]:
    curves = {}
    for name, columns in (("volume", slice(0, 1)), ("axial ratios", slice(1, 3)), ("angles", slice(3, 6))):
        free = found.free[:, columns]  # what symmetry fixes has no spread
        if free.any():
            quantiles = laplace_quantiles(found.residuals[:, columns][free], found.scales[:, columns][free])
            curves[f"lattice intervals, {name}"] = from_coverage(quantiles).as_dict()
    return curves
