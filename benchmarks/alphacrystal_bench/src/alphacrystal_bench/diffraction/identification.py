"""Identification of crystals by their powder patterns: the list with the pattern and without it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.pipeline.predict import predict
from alphacrystal.ranking import (
    MEASURED_CELL,
    NONE_INPUTS,
    PATTERN_INPUTS,
    none_evidence,
    pattern_evidence,
    row_probabilities,
)
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.typing import FloatArray, Progress
from alphacrystal_bench.diffraction.samples import PatternSample
from alphacrystal_bench.harness.rows import Row, Rows
from alphacrystal_bench.known_crystals.comparison import LOOSE, STRICT, Comparison
from alphacrystal_bench.list_order.fitting import Fit, Sample, cross_validated, fit, loss_of
from alphacrystal_bench.models.reliability import from_confidence

if TYPE_CHECKING:
    from alphacrystal.report import Prediction

LISTED = 50
TOPS = (1, 5, 20)
EXPLAINED = 0.15  # R_wp below which a crystal explains a pattern
FITTED = "val_usual"  # set that the model is fitted to


def benchmark_xrd(
    samples: Sequence[PatternSample],
    seen: frozenset[str],
    out: Path,
    on_progress: Progress,
    *,
    workers: int,
    seed: int,
    write: Path | None = None,
) -> dict[str, Any]:
    """Predict each sample with its pattern and without.

    Args:
        samples: Patterns.
        seen: Reduced formulas of the training data.
        out: Folder of the finished samples and of the run folders.
        on_progress: Called with (stage, done, total).
        workers: Relaxation processes.
        seed: Seed of the predictions and of the cross-validation.
        write: Folder for the file of the model that is fitted to the set FITTED.
    """
    finished = Rows(out / "samples.jsonl")
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
    rows = []
    for done, item in enumerate(samples):
        on_progress("predict", done, len(samples))
        rows.append(finished.compute(item.id, partial(_sample_row, item, seen, out, workers, seed)))
    on_progress("predict", len(samples), len(samples))
    result = tables(rows, seed)
    if write is not None:
        write_text_atomically(write / "pattern_lists.json", json.dumps(result["model"], indent=2) + "\n")
    return result


def _sample_row(item: PatternSample, seen: frozenset[str], out: Path, workers: int, seed: int) -> Row:
    patterns = out / "patterns"
    patterns.mkdir(exist_ok=True)
    file = patterns / f"{item.id}.xy"
    item.write(file)
    base = make_config(top=LISTED, seed=seed, workers=workers, known_phases=False, dispersion="none")
    guided = base.model_copy(update={"xrd": file, "wavelength": item.wavelength})
    row: Row = {"id": item.id, "set": item.set, "formula": item.formula, "seen": item.formula in seen}
    row["space_group"] = item.space_group
    for name, config in (("with", guided), ("without", base)):
        row[name] = _list_row(item, config, out / "runs" / name / item.id)
    return row


def _list_row(item: PatternSample, config: PredictConfig, folder: Path) -> Row:
    begin = time.monotonic()
    try:
        resume = (folder / "events.jsonl").is_file()
        prediction = predict(item.formula, config, folder=folder, resume=resume, page=False)
    except AlphaCrystalError as error:
        return {"refused": str(error)}
    ranked = prediction.ranked
    row: Row = {
        "refused": "",
        "seconds": None if resume else round(time.monotonic() - begin, 2),
        "groups": [structure.space_group_number for structure in ranked],
        "r_wp": [
            None
            if structure.pattern_fit is None or structure.pattern_fit.profile is None
            else round(structure.pattern_fit.profile.r_wp, 4)
            for structure in ranked
        ],
    }
    if item.crystal is not None:
        matches = Comparison(item.crystal).rows([structure.primitive for structure in ranked])
        row["matched"] = {
            preset: [match["rms"][preset] is not None for match in matches] for preset in (STRICT, LOOSE)
        }
    if config.xrd is not None:
        row["evidence"] = _evidence(prediction)
    return row


def _evidence(prediction: Prediction) -> Row:
    """Inputs of the model of a list with a pattern."""
    ranked = prediction.ranked
    # The energy of a group is that of a member without the stress of a measured cell, where there is one.
    groups = [
        tuple(
            sorted(
                (structure.candidate_index, *structure.duplicates),
                key=lambda index: MEASURED_CELL in prediction.candidates[index].provenance,
            )
        )
        for structure in ranked
    ]
    shares = row_probabilities(prediction.candidates, prediction.relaxations, groups)
    logarithms = [math.log(max(share, 1e-300)) for share in shares]
    fits = [structure.pattern_fit for structure in ranked]
    return {
        "rows": np.round(pattern_evidence(logarithms, fits), 5).tolist(),
        "none": np.round(none_evidence(math.log(max(1 - sum(shares), 1e-6))), 5).tolist(),
    }


def tables(rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """Match rates by set, with the cross-validated model on the set that it is fitted to."""
    lists = {row["id"]: _sample(row) for row in rows if row["set"] == FITTED and not row["with"]["refused"]}
    model = fit(list(lists.values()), PATTERN_INPUTS) if lists else None
    probabilities = dict(zip(lists, cross_validated(list(lists.values()), PATTERN_INPUTS, seed), strict=True))
    sets = {}
    for name in dict.fromkeys(row["set"] for row in rows):
        members = [row for row in rows if row["set"] == name]
        orders = [
            _order(row, probabilities[row["id"]] if row["id"] in probabilities else _shares(row, model))
            for row in members
        ]
        sets[name] = _set_table(members, orders)
    result: dict[str, Any] = {
        "n": len(rows),
        "seed": seed,
        "sets": sets,
        "rows": [_short(row) for row in rows],
    }
    if model is not None:
        values = list(probabilities.values())
        result["loss"] = round(loss_of(list(lists.values()), values), 4)
        result["compared"] = _compared(list(lists.values()), seed)
        result["model"] = _model_file(model, len(lists))
        result["calibration"] = _calibration(list(lists.values()), values)
    return result


def _sample(row: Row) -> Sample:
    evidence, known = row["with"]["evidence"], row["with"]["matched"][STRICT]
    inputs = np.array(evidence["rows"], dtype=np.float64).reshape(-1, len(PATTERN_INPUTS))
    return Sample(inputs, np.array(evidence["none"]), np.array(known, dtype=bool))


def _shares(row: Row, model: Fit | None) -> FloatArray | None:
    """Probabilities by the fitted model; None keeps the order of the list."""
    if model is None or row["with"]["refused"]:
        return None
    evidence = row["with"]["evidence"]
    inputs = np.array(evidence["rows"], dtype=np.float64).reshape(-1, len(PATTERN_INPUTS))
    return model.probabilities(Sample(inputs, np.array(evidence["none"]), np.zeros(len(inputs), dtype=bool)))


def _order(row: Row, shares: FloatArray | None) -> list[int]:
    if row["with"]["refused"]:
        return []
    count = len(row["with"]["groups"])
    return list(range(count)) if shares is None else np.argsort(-shares[:-1], kind="stable").tolist()


def _set_table(rows: Sequence[Row], orders: Sequence[list[int]]) -> dict[str, Any]:
    table: dict[str, Any] = {"n": len(rows), "seen": sum(row["seen"] for row in rows)}
    table["refused"] = sum(bool(row["with"]["refused"]) for row in rows)
    explained = [_explained(row, order) for row, order in zip(rows, orders, strict=True)]
    table["explained_first"] = round(float(np.mean(explained)), 4)
    if all("matched" in row["with"] for row in rows if not row["with"]["refused"]):
        for preset in (STRICT, LOOSE):
            ranks = [_rank(row["with"], order, preset) for row, order in zip(rows, orders, strict=True)]
            plain = [_rank(row["without"], None, preset) for row in rows]
            lost = [rank for rank, before in zip(ranks, plain, strict=True) if before != 1]
            table[preset] = {
                "with": _rates(ranks),
                "without": _rates(plain),
                "not_first_without": len(lost),
                "rescued": round(float(np.mean([rank == 1 for rank in lost])), 4) if lost else None,
                "unseen": _rates([rank for rank, row in zip(ranks, rows, strict=True) if not row["seen"]]),
            }
    seconds = [
        row["with"]["seconds"] - row["without"]["seconds"]
        for row in rows
        if not row["with"]["refused"] and not row["without"]["refused"]
        # A continued prediction has no time.
        if row["with"]["seconds"] is not None and row["without"]["seconds"] is not None
    ]
    table["added_seconds"] = round(float(np.median(seconds)), 2) if seconds else None
    return table


def _explained(row: Row, order: Sequence[int]) -> bool:
    """Whether the first structure has the right space group (where no crystal is known) and a small R_wp."""
    if not order:
        return False
    first = order[0]
    factor = row["with"]["r_wp"][first]
    right = row["space_group"] in (None, row["with"]["groups"][first])
    return bool(right and factor is not None and factor < EXPLAINED)


def _rank(row: Row, order: Sequence[int] | None, preset: str) -> int | None:
    if row["refused"]:
        return None
    matched = row["matched"][preset]
    places = [place for place, index in enumerate(order or range(len(matched)), 1) if matched[index]]
    return places[0] if places else None


def _rates(ranks: Sequence[int | None]) -> dict[str, float | int]:
    count = len(ranks)
    rates = {
        f"top_{top}": round(sum(rank is not None and rank <= top for rank in ranks) / count, 4)
        if count
        else 0.0
        for top in TOPS
    }
    return {"n": count, **rates}


def _compared(lists: Sequence[Sample], seed: int) -> dict[str, Any]:
    """Cross-validated rates of parts of the inputs."""
    result = {}
    for names in (("list",), ("list", "misfit"), ("list", "peaks"), ("misfit", "peaks"), PATTERN_INPUTS):
        columns = [PATTERN_INPUTS.index(name) for name in names]
        part = [Sample(item.inputs[:, columns], item.none, item.known) for item in lists]
        values = cross_validated(part, names, seed)
        ranks = []
        for shares, item in zip(values, part, strict=True):
            places = np.flatnonzero(item.known[np.argsort(-shares[:-1], kind="stable")])
            ranks.append(int(places[0]) + 1 if len(places) else None)
        result["_".join(names)] = {**_rates(ranks), "loss": round(loss_of(part, values), 4)}
    return result


def _model_file(model: Fit, count: int) -> dict[str, Any]:
    return {
        "description": "Weights of the probability of a structure given a pattern (conditional logit).",
        "data": f"simulated patterns of {count} experimental compounds of the validation split, networks "
        "trained on Materials Project data, CC BY 4.0",
        "command": "alphacrystal benchmark xrd --data DIR --write FOLDER",
        "rows": {
            name: round(float(value), 4) for name, value in zip(PATTERN_INPUTS, model.rows, strict=True)
        },
        "none": {name: round(float(value), 4) for name, value in zip(NONE_INPUTS, model.none, strict=True)},
    }


def _calibration(lists: Sequence[Sample], probabilities: Sequence[FloatArray]) -> dict[str, Any]:
    """Reliability of the probability of the first structure."""
    pairs = []
    for item, shares in zip(lists, probabilities, strict=True):
        first = int(np.argmax(shares[:-1]))
        pairs.append((float(shares[first]), bool(item.known[first])))
    return from_confidence(np.array([p for p, _ in pairs]), np.array([r for _, r in pairs])).as_dict()


def _short(row: Row) -> Row:
    """The facts of a sample on the page, in the order of the list."""
    order = _order(row, None)
    short: Row = {key: row[key] for key in ("id", "set", "formula", "seen")}
    short["refused"] = row["with"]["refused"]
    if not row["with"]["refused"] and row["with"]["groups"]:
        short["space_group"] = row["with"]["groups"][0]
        short["r_wp"] = row["with"]["r_wp"][0]
        if "matched" in row["with"]:
            short["rank"] = _rank(row["with"], order, STRICT)
            short["rank_without"] = _rank(row["without"], None, STRICT)
    return short
