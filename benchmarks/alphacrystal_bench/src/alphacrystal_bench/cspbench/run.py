"""Match and space-group rates of whole predictions of the compounds of CSPBench or of a record file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.config import PredictConfig
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair
from alphacrystal.pipeline.energies import open_relaxer, relax_settings
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.causes import CAUSES, FOUND
from alphacrystal_bench.cspbench.compounds import Compound, Row, compound_row
from alphacrystal_bench.cspbench.controls import read_templates, template_matches
from alphacrystal_bench.harness.rows import Rows, check_settings, sample

Rates = dict[str, float]

TOPS = (1, 5, 10, 20)
SIZES = {"atoms_1_to_6": 6, "atoms_7_to_12": 12, "atoms_13_to_20": 20}  # largest number of atoms
OVER = "atoms_over_20"
UNRELAXED, CHEMICAL, ENERGY, COMBINED = (
    "without_relaxation",
    "chemical_order",
    "energy_order",
    "combined_order",
)


@dataclass(frozen=True, slots=True)
class CspBenchSettings:
    """Settings of the benchmark.

    Attributes:
        relax: Whether the candidates are relaxed.
        potential: Potential of the relaxations.
        workers: Relaxation processes.
        seed: Seed of the predictions and of the random control.
        limit: Number of compounds, drawn at random; all of them if None.
        templates: Records of known crystals for the template control, which is left out if None.
    """

    relax: bool = True
    potential: str = "chgnet"
    workers: int = 2
    seed: int = 0
    limit: int | None = None
    templates: Path | None = None

    def prediction(self) -> PredictConfig:
        """Settings of each prediction; all others are the defaults."""
        return PredictConfig(
            relax=self.relax,
            potential=self.potential,
            workers=self.workers,
            seed=self.seed,
            known_phases=False,
            dispersion="none",
        )

    def fixed(self) -> dict[str, Any]:
        """Settings that a continued run must share with the interrupted one."""
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
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Predict compounds and compare their lists with the known structures; ``out`` keeps finished compounds.

    Args:
        compounds: Known structures.
        settings: Settings of the run.
        out: Folder of the rows and of the run folders.
        on_progress: Called with (stage, done, total).

    Returns:
        Rates of each order and control, by category and size, causes of failure, times, all rows.

    Raises:
        InputError: There are no compounds, or the folder holds a run with other settings.
    """
    if not compounds:
        raise InputError("There are no compounds to predict.")
    compounds = sample(compounds, settings.limit, settings.seed)
    out.mkdir(parents=True, exist_ok=True)
    check_settings(out, settings.fixed())
    truths = _relaxed_truths(compounds, settings, out, on_progress) if settings.relax else {}
    finished = Rows(out / "rows.jsonl", upgrade=_upgraded)
    rows = []
    for done, compound in enumerate(compounds):
        on_progress("predict", done, len(compounds))

        def predicted(compound: Compound = compound) -> Row:
            energy = truths.get(compound.id, {}).get("energy_per_atom")
            folder = out / "runs" / f"{compound.formula}-{compound.id}"
            return compound_row(compound, settings.prediction(), folder, energy)

        rows.append(finished.compute(compound.id, predicted))
    on_progress("predict", len(compounds), len(compounds))
    result = _tables(rows, [truths[c.id] for c in compounds if c.id in truths])
    if settings.templates is not None:
        copies = _template_copies(compounds, settings, out, on_progress)
        result["templates"] = {
            f"top_{top}": _share(any(copies[compound.id][:top]) for compound in compounds) for top in TOPS
        }
    return {
        **result,
        "relax": settings.relax,
        "potential": settings.potential if settings.relax else None,
        "rows": rows,
    }


def _upgraded(row: Row) -> Row:
    """A row of format 1, in which causes were sentences."""
    return row | {"cause": row["cause"].replace(" ", "_")}


def orders(row: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The structures of a row in every order, best first; they are stored in the default order."""
    listed = row["listed"]
    lists = {UNRELAXED: row["unrelaxed"]}
    if listed:
        lists[CHEMICAL] = sorted(listed, key=lambda item: item["chemical"])
        lists[ENERGY] = sorted(listed, key=lambda item: item["energy"] or 999)
        lists[COMBINED] = list(listed)
    return lists


def _tables(rows: Sequence[Row], truths: Sequence[Row]) -> dict[str, Any]:
    relaxed = any(row["listed"] for row in rows)
    names = [UNRELAXED, CHEMICAL, ENERGY, COMBINED] if relaxed else [UNRELAXED]
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

        result[f"space_group_{symprec.replace('.', '_')}"] = {
            name: _rates(lists[name], same, rows) for name in names
        }
    result["random_coordinates"] = {
        f"top_{top}": _share(any(row["random"][:top]) for row in rows) for top in TOPS
    }
    if truths:
        result["relaxed_ground_truth"] = {
            "n": len(truths),
            "match": _share(item["match"] for item in truths),
        }
    result["symmetry_prior"] = {
        quantity: {
            f"top_{top}": _share(_within(row.get("true_type", {}).get(quantity), top) for row in rows)
            for top in TOPS
        }
        for quantity in ("type", "space_group")
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
        f"top_{top}": _share(
            any(hit(item, row) for item in items[:top]) for items, row in zip(lists, rows, strict=True)
        )
        for top in TOPS
    }


def _grouped(
    rows: Sequence[Row], lists: Sequence[Sequence[Row]], name_of: Callable[[Row], str]
) -> dict[str, Any]:
    table: dict[str, Any] = {}
    names = [name_of(row) for row in rows]
    order = [*SIZES, OVER]
    for name in sorted(set(names), key=lambda name: (order.index(name) if name in order else 0, name)):
        group = [index for index, other in enumerate(names) if other == name]
        group_rows, group_lists = [rows[index] for index in group], [lists[index] for index in group]
        table[name] = {"n": len(group), **_rates(group_lists, lambda item, _: item["match"], group_rows)}
    return table


def _size(row: Row) -> str:
    return next((name for name, most in SIZES.items() if row["atoms"] <= most), OVER)


def _share(hits: Iterable[bool]) -> float:
    return round(float(np.mean([bool(hit) for hit in hits])), 4)


def _within(rank: int | None, top: int) -> bool:
    return rank is not None and rank <= top


def _relaxed_truths(
    compounds: Sequence[Compound], settings: CspBenchSettings, out: Path, on_progress: Progress
) -> dict[str, Row]:
    """Upper limit of the match rate: the known structures, relaxed with the same potential."""
    finished = Rows(out / "truths.jsonl")
    waiting = [compound for compound in compounds if compound.id not in finished]
    config = settings.prediction()
    if waiting:
        with open_relaxer(config) as pool:
            assert pool is not None
            on_progress("ground truth", len(finished), len(compounds))
            structures = [compound.structure.get_primitive_structure() for compound in waiting]

            def on_result(index: int, end: Any) -> None:
                compound = waiting[index]
                row = {
                    "id": compound.id,
                    "match": end.usable and bool(match_pair(end.structure, compound.structure).matched),
                    "energy_per_atom": end.energy_per_atom if end.usable else None,
                    "converged": end.converged,
                }
                finished.add(compound.id, row)
                on_progress("ground truth", len(finished), len(compounds))

            pool.relax(structures, relax_settings(config), on_result=on_result)
    return {compound.id: finished[compound.id] for compound in compounds if compound.id in finished}


def _template_copies(
    compounds: Sequence[Compound], settings: CspBenchSettings, out: Path, on_progress: Progress
) -> dict[str, list[bool]]:
    """Template control: whether each of the most similar known crystals matches, by compound."""
    assert settings.templates is not None
    finished = Rows(out / "templates.jsonl")
    waiting = [compound for compound in compounds if compound.id not in finished]
    library = read_templates(settings.templates, [c.formula for c in waiting]) if waiting else None
    for compound in waiting:
        assert library is not None
        on_progress("templates", len(finished), len(compounds))
        matches = template_matches(compound.formula, compound.structure, library, settings.seed)
        finished.add(compound.id, {"id": compound.id, "matches": matches})
    return {compound.id: finished[compound.id]["matches"] for compound in compounds}
