"""`alphacrystal benchmark cspbench`: whole predictions of CSPBench's compounds, or of any record file's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.config import PredictConfig
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.evaluate import match_pair
from alphacrystal.pipeline.energies import open_relaxer, relax_settings
from alphacrystal.rank import combined_cost, combined_order
from alphacrystal_bench.cspbench.causes import CAUSES, FOUND
from alphacrystal_bench.cspbench.compounds import Compound, Row, compound_row
from alphacrystal_bench.cspbench.template_control import read_templates, template_matches
from alphacrystal_bench.harness.progress import Progress, silent
from alphacrystal_bench.harness.resumable_rows import append_row, check_settings, read_rows
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.harness.sampling import drawn

Rates = dict[str, float]

TOPS = (1, 5, 10, 20)
BINS = ((1, 6), (7, 12), (13, 20), (21, 999))  # atoms in the primitive cell


@dataclass(frozen=True, slots=True)
class CspBenchSettings:
    """What is predicted, and how.

    Attributes:
        relax: Whether the candidates are relaxed.
        potential: With what.
        workers: Relaxation processes.
        seed: Of the predictions and of the random control.
        limit: Compounds drawn at random; all if None.
        templates: Known crystals for the control of templates, which is left out if None.
    """

    relax: bool = True
    potential: str = "chgnet"
    workers: int = 2
    seed: int = 0
    limit: int | None = None
    templates: Path | None = None

    def prediction(self) -> PredictConfig:
        """The default settings otherwise."""
        return PredictConfig(relax=self.relax, potential=self.potential, workers=self.workers, seed=self.seed)

    def noted(self) -> dict[str, Any]:
        """What an interrupted run must share with the one that goes on."""
        return {"relax": self.relax, "potential": self.potential, "seed": self.seed}


def compounds_of(records: Iterable[StructureRecord], categories: Mapping[str, str]) -> list[Compound]:
    """Records as compounds; ``categories`` by id."""
    return [
        Compound(record.id, record.reduced_formula, record.structure(), categories.get(record.id, ""))
        for record in records
    ]


def benchmark_cspbench(
    compounds: Sequence[Compound],
    settings: CspBenchSettings,
    out: Path,
    *,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Predict compounds and count where the known structures stand; finished ones are kept in ``out``.

    Args:
        compounds: Known structures.
        settings: Of the run.
        out: Folder of the rows and of the run folders.
        on_progress: Called with (stage, done, total).

    Returns:
        Rates of each order and control, by category and size, causes of failures, cost, facts, all rows.

    Raises:
        InputError: There are no compounds, or the folder holds a run with other settings.
    """
    if not compounds:
        raise InputError("There are no compounds to predict.")
    facts = run_facts(settings.seed)
    begun = time.monotonic()
    compounds = drawn(compounds, settings.limit, settings.seed)
    tell = on_progress or silent
    out.mkdir(parents=True, exist_ok=True)
    check_settings(out, settings.noted())
    truths = _relaxed_truths(compounds, settings, out, tell) if settings.relax else {}
    kept = read_rows(out / "rows.jsonl")
    rows = []
    for done, compound in enumerate(compounds):
        tell("predict", done, len(compounds))
        if compound.id not in kept:
            energy = truths.get(compound.id, {}).get("energy_per_atom")
            folder = out / "runs" / f"{compound.formula}-{compound.id}"
            kept[compound.id] = compound_row(compound, settings.prediction(), folder, energy)
            append_row(out / "rows.jsonl", kept[compound.id])
        rows.append(kept[compound.id])
    tell("predict", len(compounds), len(compounds))
    result = _tables(rows, [truths[c.id] for c in compounds if c.id in truths])
    if settings.templates is not None:
        copies = _template_copies(compounds, settings, out, tell)
        result["templates"] = {
            f"top-{top}": _share(any(copies[compound.id][:top]) for compound in compounds) for top in TOPS
        }
    return {
        **result,
        **facts,
        "relax": settings.relax,
        "potential": settings.potential if settings.relax else None,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "rows": rows,
    }


def orders(row: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The structures of a row in every order, best first."""
    listed = row["listed"]
    made = {"without relaxation": row["unrelaxed"]}
    if listed:
        made["chemical order"] = sorted(listed, key=lambda item: item["chemical"])
        made["energy order"] = sorted(listed, key=lambda item: item["energy"] or 999)
        made["combined order (default)"] = _combined(listed)
    return made


def _combined(listed: Sequence[Row]) -> list[Row]:
    """The default order of today, also for rows that an earlier version made."""
    energies = [item["energy_per_atom"] for item in listed]
    lowest = min((energy for energy in energies if energy is not None), default=0.0)
    above = [None if energy is None else energy - lowest for energy in energies]
    converged = [bool(item["converged"]) for item in listed]
    costs = [
        combined_cost(own, item["log_probability"] or 0.0, converged=done)
        for own, item, done in zip(above, listed, converged, strict=True)
    ]
    return [listed[place] for place in combined_order(costs, above, converged)]


def _tables(rows: Sequence[Row], truths: Sequence[Row]) -> dict[str, Any]:
    relaxed = any(row["listed"] for row in rows)
    names = ["without relaxation"]
    if relaxed:
        names += ["chemical order", "energy order", "combined order (default)"]
    final = names[-1]
    lists = {name: [orders(row).get(name, []) for row in rows] for name in names}
    result: dict[str, Any] = {"n": len(rows), "final": final}
    result["match"] = {name: _rates(lists[name], lambda item, _: item["match"], rows) for name in names}
    result["match_diffcsp"] = {
        name: _rates(lists[name], lambda item, _: item["loose"], rows) for name in names
    }
    for symprec in ("0.01", "0.1"):

        def same(item: Row, row: Row, symprec: str = symprec) -> bool:
            return bool(item["space_group"][symprec] == row["space_group"][symprec] is not None)

        result[f"space_group_{symprec}"] = {name: _rates(lists[name], same, rows) for name in names}
    result["random_coordinates"] = {
        f"top-{top}": _share(any(row["random"][:top]) for row in rows) for top in TOPS
    }
    if truths:
        result["relaxed_ground_truth"] = {
            "n": len(truths),
            "match": _share(item["match"] for item in truths),
        }
    result["symmetry_prior"] = {
        what: {
            f"top-{top}": _share(_within(row.get("true_type", {}).get(what), top) for row in rows)
            for top in TOPS
        }
        for what in ("type", "space_group")
    }
    result["categories"] = _grouped(rows, lists[final], lambda row: row["category"] or "all")
    result["sizes"] = _grouped(rows, lists[final], _size)
    result["causes"] = {
        name: sum(row["cause"] == name for row in rows) for name in (FOUND, *CAUSES, "refused")
    }
    result["lower_than_truth"] = {
        name: sum(row["cause"] == name and bool(row.get("lower_than_truth")) for row in rows)
        for name in CAUSES
    }
    seconds = [row["seconds"] for row in rows if not row["refused"]]
    if seconds:
        result["seconds"] = {
            "median": round(float(np.median(seconds)), 1),
            "longest": round(max(seconds), 1),
        }
    return result


def _rates(lists: Sequence[Sequence[Row]], hit: Callable[[Row, Row], bool], rows: Sequence[Row]) -> Rates:
    return {
        f"top-{top}": _share(
            any(hit(item, row) for item in items[:top]) for items, row in zip(lists, rows, strict=True)
        )
        for top in TOPS
    }


def _grouped(
    rows: Sequence[Row], lists: Sequence[Sequence[Row]], name_of: Callable[[Row], str]
) -> dict[str, Any]:
    table: dict[str, Any] = {}
    names = [name_of(row) for row in rows]
    for name in sorted(set(names)):
        chosen = [k for k, own in enumerate(names) if own == name]
        own_rows, own_lists = [rows[k] for k in chosen], [lists[k] for k in chosen]
        table[name] = {"n": len(chosen), **_rates(own_lists, lambda item, _: item["match"], own_rows)}
    return table


def _size(row: Row) -> str:
    low, high = next(span for span in BINS if span[0] <= row["atoms"] <= span[1])
    return f"{low:2d}-{high} atoms" if high < BINS[-1][1] else f"over {BINS[-2][1]} atoms"


def _share(hits: Iterable[bool]) -> float:
    return round(float(np.mean([bool(hit) for hit in hits])), 4)


def _within(place: int | None, top: int) -> bool:
    return place is not None and place <= top


def _relaxed_truths(
    compounds: Sequence[Compound], settings: CspBenchSettings, out: Path, tell: Progress
) -> dict[str, Row]:
    """The control that no prediction can pass: the known structures, relaxed with the same potential."""
    file = out / "truths.jsonl"
    kept = read_rows(file)
    waiting = [compound for compound in compounds if compound.id not in kept]
    config = settings.prediction()
    if waiting:
        with open_relaxer(config) as pool:
            assert pool is not None
            tell("ground truth", len(kept), len(compounds))
            structures = [compound.structure.get_primitive_structure() for compound in waiting]

            def on_result(place: int, end: Any) -> None:
                compound = waiting[place]
                row = {
                    "id": compound.id,
                    "match": end.usable and bool(match_pair(end.structure, compound.structure).matched),
                    "energy_per_atom": end.energy_per_atom if end.usable else None,
                    "converged": end.converged,
                }
                kept[compound.id] = row
                append_row(file, row)
                tell("ground truth", len(kept), len(compounds))

            pool.relax(structures, relax_settings(config), on_result=on_result)
    return kept


def _template_copies(
    compounds: Sequence[Compound], settings: CspBenchSettings, out: Path, tell: Progress
) -> dict[str, list[bool]]:
    """The control with a memory: matches of the likest templates."""
    assert settings.templates is not None
    file = out / "templates.jsonl"
    kept = read_rows(file)
    waiting = [compound for compound in compounds if compound.id not in kept]
    if waiting:
        library = read_templates(settings.templates, waiting)
        for compound in waiting:
            tell("templates", len(kept), len(compounds))
            row = {"id": compound.id, "matches": template_matches(compound, library, settings.seed)}
            kept[compound.id] = row
            append_row(file, row)
    return {name: row["matches"] for name, row in kept.items()}
