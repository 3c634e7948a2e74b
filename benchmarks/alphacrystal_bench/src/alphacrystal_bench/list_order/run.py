"""Orders of the lists of held-out experimental compounds, and the fit of the probability model.

Each compound is predicted and relaxed with default settings. The probability model is cross-validated by
formula. The orders by fixed weights of the energy are controls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.config import make_config
from alphacrystal.data import StructureRecord
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.pipeline.predict import predict
from alphacrystal.ranking import LIST_INPUTS
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.typing import FloatArray, Progress
from alphacrystal_bench.cspbench.compounds import LISTED
from alphacrystal_bench.harness.rows import Row, Rows, check_settings
from alphacrystal_bench.known_crystals.comparison import Comparison
from alphacrystal_bench.known_crystals.tables import SIZES, size_class
from alphacrystal_bench.known_crystals.validation_sizes import validation_records
from alphacrystal_bench.list_order.evidence import (
    ENERGY_INPUTS,
    EXTRA_INPUTS,
    evidence_row,
    with_second_energies,
)
from alphacrystal_bench.list_order.fitting import Sample, cross_validated, fit, loss_of, samples
from alphacrystal_bench.models.reliability import from_confidence

SCALES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # eV/atom equal to a factor e in probability
TOPS = (1, 5, 20)
#: Inputs of the shipped model.
INPUTS = ("prior", *ENERGY_INPUTS, "change")
#: Sets of inputs that are compared.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "prior": ("prior",),
    "prior_energy": ("prior", *ENERGY_INPUTS),
    "prior_energy_change": INPUTS,
    **{f"and_{name}": (*INPUTS, name) for name in EXTRA_INPUTS},
}
UNLISTED = 1000  # rank of a known crystal that is not in the list


def benchmark_ranking(
    records: Iterable[StructureRecord],
    out: Path,
    on_progress: Progress,
    *,
    per_class: Sequence[int],
    classes: Sequence[str] = tuple(SIZES),
    seed: int = 0,
    workers: int = 2,
    write: Path | None = None,
    rerank: str | None = None,
) -> dict[str, Any]:
    """Match rates of all orders over held-out compounds, and the fitted models.

    Args:
        records: Records with a validation split.
        out: Folder of finished compounds; its run folders are those of `validation-sizes` too.
        on_progress: Called with (stage, done, total).
        per_class: Compounds of each size class, drawn at random, or one number for all.
        classes: Names of the size classes.
        seed: Seed of the sample, the predictions and the folds.
        workers: Relaxation processes.
        write: Folder for the file of the fitted model.
        rerank: Second potential, whose energies are compared with those of the first.

    Raises:
        InputError: The finished compounds in ``out`` are of another second potential.
    """
    if rerank is not None:
        check_settings(out, {"rerank": rerank})
    number = per_class[0] if len(per_class) == 1 else per_class
    chosen = validation_records(records, number, seed, classes)
    finished = Rows(out / "evidence.jsonl")
    rows = []
    for done, record in enumerate(chosen):
        on_progress("predict", done, len(chosen))
        row = finished.compute(record.id, partial(_compound_row, record, out / "runs", seed, workers, rerank))
        if not row["refused"]:
            rows.append(row)
    on_progress("predict", len(chosen), len(chosen))
    result = ranking_tables(rows, seed)
    if write is not None:
        text = json.dumps(result["model"], indent=2) + "\n"
        write_text_atomically(write / "relaxed_lists.json", text)
    return {"per_class": list(per_class), "classes": list(classes), "rerank": rerank, **result}


def _compound_row(record: StructureRecord, runs: Path, seed: int, workers: int, rerank: str | None) -> Row:
    row = {"id": record.id, "formula": record.reduced_formula, "atoms": len(record.species), "refused": ""}
    folder = runs / f"{record.reduced_formula}-{record.id}"
    if not _complete(folder):
        config = make_config(
            top=LISTED, seed=seed, workers=workers, known_phases=False, dispersion="none", rerank=rerank
        )
        resume = (folder / "events.jsonl").is_file()
        try:
            predict(record.reduced_formula, config, folder=folder, resume=resume, page=False)
        except AlphaCrystalError as error:
            return row | {"refused": str(error)}
    return row | evidence_row(folder, Comparison(record.structure()))


def _complete(folder: Path) -> bool:
    file = folder / "run.json"
    return file.is_file() and bool(json.loads(file.read_text(encoding="utf-8"))["complete"])


def ranking_tables(rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """Rates, calibration and fitted models from finished compounds."""
    lists = samples(rows, INPUTS)
    probabilities = cross_validated(lists, INPUTS, seed)
    orders = {
        "chemical": _fixed(rows, None),
        "energy": _fixed(rows, 0.0),
        **{f"fixed_{scale:g}": _fixed(rows, scale) for scale in SCALES},
        "probability": [_rank(-p[:-1], item.known) for p, item in zip(probabilities, lists, strict=True)],
    }
    sizes = [size_class(row["atoms"]) for row in rows]
    compared = {}
    for name, inputs in COMPARED.items():
        variant = samples(rows, inputs)
        values = cross_validated(variant, inputs, seed)
        ranks = [_rank(-p[:-1], item.known) for p, item in zip(values, variant, strict=True)]
        compared[name] = {**_shares(ranks), "loss": round(loss_of(variant, values), 4)}
    return {
        "n": len(rows),
        "seed": seed,
        "orders": {name: _shares(ranks) for name, ranks in orders.items()},
        "sizes": {
            name: {
                "n": sizes.count(name),
                **{
                    order: _shares([rank for rank, size in zip(ranks, sizes, strict=True) if size == name])
                    for order, ranks in orders.items()
                },
            }
            for name in dict.fromkeys(sizes)
        },
        "compared": compared,
        "calibration": calibration(lists, probabilities),
        "model": fitted_model(lists),
        "second": _second_tables(rows, seed),
    }


def _second_tables(rows: Sequence[Row], seed: int) -> dict[str, Any] | None:
    """Rates and loss with the energies of the second potential; None without one."""
    if not all(any(value is not None for value in row.get("second", ())) for row in rows):
        return None
    replaced = [with_second_energies(row) for row in rows]
    lists = samples(replaced, INPUTS)
    probabilities = cross_validated(lists, INPUTS, seed)
    ranks = [_rank(-p[:-1], item.known) for p, item in zip(probabilities, lists, strict=True)]
    return {
        "energy": _shares(_fixed(replaced, 0.0)),
        "probability": {**_shares(ranks), "loss": round(loss_of(lists, probabilities), 4)},
    }


def fitted_model(lists: Sequence[Sample]) -> dict[str, Any]:
    """The weights of the model fitted to all compounds, for the package."""
    model = fit(lists, INPUTS)
    return {
        "description": "Weights of the probability of a structure in relaxed lists (conditional logit).",
        "data": f"{len(lists)} experimental compounds of the validation split, trained on Materials Project "
        "data, CC BY 4.0",
        "command": "alphacrystal benchmark ranking --data DIR --write FOLDER",
        "rows": {name: round(float(value), 4) for name, value in zip(INPUTS, model.rows, strict=True)},
        "none": {name: round(float(value), 4) for name, value in zip(LIST_INPUTS, model.none, strict=True)},
    }


def calibration(lists: Sequence[Sample], probabilities: Sequence[FloatArray]) -> dict[str, Any]:
    """Reliability of the first row, of the first twenty rows, and of "none of these"."""
    shown: dict[str, list[tuple[float, bool]]] = {"first": [], "rows": [], "none": []}
    for item, values in zip(lists, probabilities, strict=True):
        order = np.argsort(-values[:-1], kind="stable")[: max(TOPS)]
        pairs = [(float(values[i]), bool(item.known[i])) for i in order]
        shown["first"] += pairs[:1]
        shown["rows"] += pairs
        shown["none"].append((float(values[-1]), not item.known.any()))
    return {
        name: from_confidence(np.array([p for p, _ in pairs]), np.array([r for _, r in pairs])).as_dict()
        for name, pairs in shown.items()
    }


def _fixed(rows: Sequence[Row], scale: float | None) -> list[int]:
    """Ranks with a fixed weight of the energy: None for none, 0 for the energy alone."""
    ranks = []
    for row in rows:
        above = np.array([9.0 if value is None else value for value in row["above"]])
        score = np.array([-99.0 if value is None else value for value in row["log_probability"]])
        cost = -score if scale is None else above if scale == 0 else above / scale - score
        ranks.append(_rank(cost, np.array(row["known"], dtype=bool)))
    return ranks


def _rank(costs: FloatArray, known: np.ndarray[Any, Any]) -> int:
    places = np.flatnonzero(known[np.argsort(costs, kind="stable")])
    return int(places[0]) + 1 if len(places) else UNLISTED


def _shares(ranks: Sequence[int]) -> dict[str, float]:
    return {f"top_{top}": round(float(np.mean([rank <= top for rank in ranks])), 4) for top in TOPS}
