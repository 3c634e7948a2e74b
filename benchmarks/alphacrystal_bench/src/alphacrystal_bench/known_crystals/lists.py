"""Predict known crystals and compare their lists; finished compounds are kept on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import FolderInUseError, InputError
from alphacrystal.pipeline.predict import predict
from alphacrystal.typing import Progress, StageProgress
from alphacrystal_bench.cspbench.causes import (
    FOUND,
    LOST,
    RANKED_LOW,
    TOO_LARGE,
    TrueType,
    cause_before_relaxation,
    true_type,
)
from alphacrystal_bench.cspbench.compounds import LISTED, Compound, true_ranks
from alphacrystal_bench.harness.rows import Row, Rows, check_settings
from alphacrystal_bench.known_crystals.comparison import MATCH_SECONDS, PRESETS, Comparison, first_match
from alphacrystal_bench.known_crystals.memory import PeakMemory

if TYPE_CHECKING:
    from alphacrystal.report import Prediction

TOPS = (1, 5, 20)
REFUSED = "refused"
DEFAULT_CANDIDATES: int = PredictConfig.model_fields["candidates"].default
DEFAULT_MAX_ATOMS: int = PredictConfig.model_fields["max_atoms"].default


@dataclass(frozen=True, slots=True)
class ListSettings:
    """Settings of the predictions of known crystals.

    Attributes:
        relax: Whether the candidates are relaxed.
        candidates: Candidates per compound.
        max_atoms: Atoms in the primitive cell at most.
        cell_given: Whether the content of the primitive cell of the known crystal is an input.
        potential: Potential of the relaxations.
        workers: Relaxation processes.
        match_seconds: Processor seconds per comparison.
        seed: Seed of the predictions, of the drawn compounds and of the controls.
    """

    relax: bool = True
    candidates: int = DEFAULT_CANDIDATES
    max_atoms: int = DEFAULT_MAX_ATOMS
    cell_given: bool = False
    potential: str = "chgnet"
    workers: int = 2
    match_seconds: float = MATCH_SECONDS
    seed: int = 0

    def prediction(self, cell: str | None = None) -> PredictConfig:
        """Settings of a prediction with or without a cell content; all others are the defaults.

        Raises:
            InputError: A setting is out of range.
        """
        return make_config(
            top=max(LISTED, *TOPS),
            candidates=self.candidates,
            max_atoms=self.max_atoms,
            relax=self.relax,
            known_phases=False,
            dispersion="none",
            potential=self.potential,
            workers=self.workers,
            seed=self.seed,
            cell=cell,
        )

    def cell(self, compound: Compound, known_type: TrueType | None) -> str | None:
        """Cell content that the prediction of a compound receives; None without one."""
        if not self.cell_given:
            return None
        formula = parse_formula(compound.formula)
        return formula.cell(_atoms(compound, known_type) // formula.num_atoms).name

    def formula_units(self, compound: Compound, known_type: TrueType | None) -> list[int]:
        """Formula units Z that the prediction of a compound considers; none if no cell is small enough."""
        formula = parse_formula(compound.formula)
        if self.cell_given:
            atoms = _atoms(compound, known_type)
            return [atoms // formula.num_atoms] if atoms <= self.max_atoms else []
        if formula.num_atoms > self.max_atoms:
            return []
        return list(formula_units_within(formula, self.max_atoms))

    def fixed(self) -> dict[str, Any]:
        """Settings that a continued run must share with the interrupted one."""
        return {
            "relax": self.relax,
            "candidates": self.candidates,
            "max_atoms": self.max_atoms,
            "cell_given": self.cell_given,
            "potential": self.potential,
            "match_seconds": self.match_seconds,
            "seed": self.seed,
        }


def _atoms(compound: Compound, known_type: TrueType | None) -> int:
    """Atoms in the primitive cell."""
    return compound.atoms if known_type is None else known_type.atoms


def predicted_rows(
    compounds: Sequence[Compound], settings: ListSettings, out: Path, on_progress: Progress
) -> list[Row]:
    """Rows of ``predicted_row``; ``out`` keeps finished compounds and the run folders.

    Raises:
        InputError: There are no compounds, a setting is out of range, or the folder holds a run with other
            settings.
    """
    if not compounds:
        raise InputError("There are no compounds to predict.")
    settings.prediction()  # refuses settings that no compound can have
    check_settings(out, settings.fixed())
    return kept_rows(
        compounds,
        lambda compound: predicted_row(
            compound, settings, out / "runs" / f"{compound.formula}-{compound.id}"
        ),
        out / "rows.jsonl",
        partial(on_progress, "predict"),
    )


def kept_rows(
    compounds: Sequence[Compound],
    compute: Callable[[Compound], Row],
    file: Path,
    on_progress: StageProgress,
) -> list[Row]:
    """One row per compound; those in the file are not computed again."""
    finished = Rows(file)
    rows = []
    for done, compound in enumerate(compounds):
        on_progress(done, len(compounds))
        rows.append(finished.compute(compound.id, partial(compute, compound)))
    on_progress(len(compounds), len(compounds))
    return rows


def predicted_row(compound: Compound, settings: ListSettings, folder: Path) -> Row:
    """Predict a compound and compare its list with the known crystal.

    Args:
        compound: The known crystal.
        settings: Settings of the prediction.
        folder: Run folder; an unfinished prediction continues.

    Returns:
        Values for JSON: ``listed`` (final list) and ``unrelaxed`` (candidates in the order of the generator,
        empty without relaxation) with the values of ``Comparison.rows``; the first rank of the true structure
        type in the final list (``type_rank``), whether any candidate has it (``type_proposed``), its rank and
        that of the space group among all types that are scored (``prior``); by preset the ``cause`` that
        keeps the crystal from the first rank; wall seconds, and peak memory in GB.
    """
    known_type = true_type(compound.structure)
    comparison = Comparison(compound.structure, settings.match_seconds)
    row: Row = {
        "id": compound.id,
        "formula": compound.formula,
        "category": compound.category,
        "atoms": _atoms(compound, known_type),
        "space_group": comparison.space_group,
        "listed": [],
        "unrelaxed": [],
        "type_rank": None,
        "type_proposed": False,
        "prior": {"type": None, "space_group": None},
        "refused": "",
        "seconds": None,
        "peak_gb": None,
    }
    begin = time.monotonic()
    try:
        with PeakMemory() as memory:
            run = predict(
                compound.formula,
                settings.prediction(settings.cell(compound, known_type)),
                folder=folder,
                resume=(folder / "events.jsonl").is_file(),
                page=False,
            )
    except FolderInUseError:
        raise
    except InputError as error:
        cause = TOO_LARGE if row["atoms"] > settings.max_atoms else REFUSED
        return row | {"refused": str(error), "cause": dict.fromkeys(PRESETS, cause)}
    row["seconds"] = round(time.monotonic() - begin, 2)
    row["peak_gb"] = None if memory.gigabytes is None else round(memory.gigabytes, 2)
    row["listed"] = _compared_until_match([item.primitive for item in run.ranked], comparison)
    if settings.relax:
        found = _all_match(row["listed"])
        unrelaxed = [candidate.structure for candidate in run.candidates]
        row["unrelaxed"] = _compared_until_match(unrelaxed, comparison, only_first=found)
    row["type_rank"] = _type_rank(run, known_type)
    hypotheses = [candidate.hypothesis for candidate in run.candidates if candidate.hypothesis is not None]
    row["type_proposed"] = known_type is not None and any(map(known_type.is_of, hypotheses))
    row["prior"] = true_ranks(known_type, compound, settings.formula_units(compound, known_type))
    row["cause"] = {
        preset: _cause(run, row, known_type, comparison, preset, settings.max_atoms) for preset in PRESETS
    }
    return row


def _compared_until_match(
    structures: Sequence[Any], comparison: Comparison, *, only_first: bool = False
) -> list[Row]:
    """The first twenty structures, and the others only if they are needed to find the reason of a miss."""
    first = comparison.rows(structures[: max(TOPS)])
    if only_first or _all_match(first):
        return first
    return first + comparison.rows(structures[max(TOPS) :])


def _all_match(items: Sequence[Row]) -> bool:
    """Whether the known crystal is among some structures with all tolerances."""
    return all(first_match(items, preset) is not None for preset in PRESETS)


def _type_rank(run: Prediction, known_type: TrueType | None) -> int | None:
    """Rank of the first structure that came from a candidate of the true type."""
    for item in run.ranked:
        merged = (run.candidates[index].hypothesis for index in (item.candidate_index, *item.duplicates))
        if known_type is not None and any(h is not None and known_type.is_of(h) for h in merged):
            return item.rank
    return None


def _cause(
    run: Prediction,
    row: Mapping[str, Any],
    known_type: TrueType | None,
    comparison: Comparison,
    preset: str,
    max_atoms: int,
) -> str:
    """As `alphacrystal_bench.cspbench.causes.cause`, with a time limit for each comparison."""
    rank = first_match(row["listed"], preset)
    if rank is not None:
        return FOUND if rank == 1 else RANKED_LOW
    if first_match(row["unrelaxed"], preset) is not None:
        return LOST
    return cause_before_relaxation(
        run,
        known_type,
        comparison.truth,
        lambda crystals: comparison.any_match(crystals, preset),
        max_atoms,
    )
