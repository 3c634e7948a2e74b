"""Ranks of structure types of held-out compounds among known, derived and enumerated types."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.models import derivative_types, removed_types


def ignore(*_: object) -> None:
    """Report no progress."""


def write(folder: Path, records: list[StructureRecord]) -> Path:
    file = folder / "structures.jsonl"
    file.write_text("".join(f"{record.model_dump_json()}\n" for record in records), encoding="utf-8")
    return file


def test_ranks_are_counted_by_size_and_a_removed_type_is_derived(
    tmp_path: Path, records: list[StructureRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removed_types, "TEXTBOOK", removed_types.TEXTBOOK[-1:])  # ilmenite
    file = write(tmp_path, records)
    result: dict[str, Any] = measured(
        0,
        lambda: derivative_types.benchmark_derivative_types(file, tmp_path, ignore, per_class=2, seed=0),
    )
    assert result["n"] == 2
    assert list(result["sizes"]) == ["total", "atoms_1_to_20"]
    for row in result["rows"]:
        ranks = row["ranks"]
        assert row["origin"] == "known"
        assert 1 <= ranks["known"] <= ranks["with_enumerated_types"]
    (ilmenite,) = result["textbook"]
    assert ilmenite["with"] < ilmenite["without"]
    page = derivative_types.render(result)
    assert "| known | 100.0 % |" in page or "| known | 50.0 % |" in page
    assert "| FeTiO3 | ilmenite | corundum |" in page


def test_records_without_held_out_compounds_are_refused(
    tmp_path: Path, records: list[StructureRecord]
) -> None:
    file = write(tmp_path, [record for record in records if record.split == "train"])
    with pytest.raises(InputError, match="validation split"):
        derivative_types.benchmark_derivative_types(file, tmp_path, ignore, per_class=2, seed=0)


def test_help_names_the_options(run: Callable[..., Any]) -> None:
    outcome = run("benchmark", "derivative-types", "--help")
    assert outcome.code == 0
    for option in ("--data", "--per-class", "--seed", "--models"):
        assert option in outcome.out
