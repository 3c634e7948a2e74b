"""Whole predictions of known crystals of all sizes: comparisons, stages, tables, samples, controls, pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord, benchmark_formulas
from alphacrystal.errors import InputError
from alphacrystal_bench.cspbench.causes import FOUND, LOST, RANKED_LOW, TOO_LARGE
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.known_crystals import coordinates, field, large_cells, validation_sizes
from alphacrystal_bench.known_crystals.comparison import LOOSE, STRICT, Comparison
from alphacrystal_bench.known_crystals.lists import ListSettings
from alphacrystal_bench.known_crystals.memory import PeakMemory
from alphacrystal_bench.known_crystals.tables import BELOW_LIST, short_row, size_class, stage, summary

SETTINGS = ListSettings(relax=False, candidates=6, max_atoms=6)


def ignore(*_: object) -> None:
    """No progress display."""


@pytest.fixture(scope="module")
def known(textbook: Callable[[str], Structure]) -> list[StructureRecord]:
    """Halite and rutile."""
    return [StructureRecord.from_structure(textbook(name), name) for name in ("halite", "rutile")]


def structure_row(strict: float | None, loose: float | None, *, undecided: bool = False) -> dict[str, Any]:
    return {"rms": {STRICT: strict, LOOSE: loose}, "space_group": 225, "undecided": undecided}


def row_of(listed: list[dict[str, Any]], cause: str, formula: str = "NaCl") -> dict[str, Any]:
    return {
        "id": "one",
        "formula": formula,
        "atoms": 44,
        "space_group": 225,
        "listed": listed,
        "unrelaxed": [],
        "type_rank": 2,
        "type_proposed": True,
        "prior": {"type": 1, "space_group": 1},
        "refused": "",
        "seconds": 1.0,
        "peak_gb": 0.5,
        "cause": dict.fromkeys((STRICT, LOOSE), cause),
    }


def test_both_tolerances_and_the_space_group_of_each_structure(textbook: Callable[[str], Structure]) -> None:
    truth = textbook("rutile")
    stretched = truth.copy()
    stretched.apply_strain([0.25, 0.25, 0])  # cells beyond 0.2 and within 0.3 of each other
    rows = Comparison(truth).rows([truth, textbook("halite"), stretched])
    assert [row["space_group"] for row in rows] == [136, 225, 136]
    assert rows[0]["rms"] == pytest.approx({STRICT: 0.0, LOOSE: 0.0}, abs=1e-6)
    assert rows[1]["rms"] == {STRICT: None, LOOSE: None}
    assert rows[2]["rms"][LOOSE] is not None
    assert not any(row["undecided"] for row in rows)
    assert Comparison(truth).any_match([textbook("halite"), truth], STRICT)
    assert not Comparison(truth).any_match([textbook("halite")], LOOSE)


def test_a_comparison_beyond_its_time_limit_is_undecided(textbook: Callable[[str], Structure]) -> None:
    truth = textbook("spinel")
    row = Comparison(truth, seconds=1e-6).rows([truth])[0]
    assert row["undecided"]
    assert row["rms"] == {STRICT: None, LOOSE: None}


def test_memory_of_this_process_is_measured() -> None:
    with PeakMemory() as memory:
        block = bytearray(200_000_000)
        block[::4096] = b"x" * len(block[::4096])
    if Path("/proc/self/statm").is_file():
        assert memory.gigabytes is not None
        assert memory.gigabytes > 0.2
    else:
        assert memory.gigabytes is None


def test_stages_tell_order_from_rank_and_rank_below_twenty() -> None:
    miss, hit = structure_row(None, None), structure_row(0.1, 0.1)
    assert stage(row_of([hit], FOUND), STRICT) == FOUND
    assert stage(row_of([miss, hit], RANKED_LOW), STRICT) == RANKED_LOW
    assert stage(row_of([*[miss] * 20, hit], RANKED_LOW), STRICT) == BELOW_LIST
    assert stage(row_of([miss], LOST), STRICT) == LOST


def test_polymorphs_share_the_structures_of_their_formula() -> None:
    """Two references of one formula get two structures; METRe counts the references that they match."""
    miss, hit = structure_row(None, None), structure_row(None, 0.2)
    rows = [row_of([hit, miss], FOUND), row_of([miss, hit], FOUND), row_of([miss, hit], FOUND, "KBr")]
    result = summary(rows, {})
    assert result["metre"] == pytest.approx(2 / 3, abs=1e-4)
    assert result["crmse"] == pytest.approx((0.2 + 0.2 + 0.5) / 3, abs=1e-4)
    assert result["match"][LOOSE]["listed"] == {"top_1": 0.3333, "top_5": 1.0, "top_20": 1.0}
    assert result["rmse"][LOOSE]["top_5"] == pytest.approx(0.2)
    assert result["rmse"][STRICT]["top_5"] is None
    assert result["type"] == {"top_1": 0.0, "top_5": 1.0, "top_20": 1.0}
    assert short_row(rows[1])["ranks"] == {STRICT: None, LOOSE: 2}


def test_size_classes() -> None:
    sizes = [size_class(atoms) for atoms in (1, 20, 21, 40, 41, 60, 61, 80, 81)]
    assert sizes[1:8:2] == ["atoms_1_to_20", "atoms_21_to_40", "atoms_41_to_60", "atoms_61_to_80"]
    assert sizes[0] == sizes[1]
    assert sizes[8] == "atoms_over_80"


def test_a_sample_with_controls_is_continued(
    tmp_path: Path, known: list[StructureRecord], textbook: Callable[[str], Structure]
) -> None:
    library = tmp_path / "known"
    library.mkdir()
    other = textbook("halite").replace_species({"Na": "K", "Cl": "Br"}, in_place=False)
    other.to(str(library / "KBr.cif"))
    out = tmp_path / "out"
    out.mkdir()
    first = field.benchmark_field("mp20", known, SETTINGS, out, ignore, limit=1)
    assert first["n"] == 1
    rest = field.benchmark_field("mp20", known, SETTINGS, out, ignore, offset=1)
    assert {row["id"] for row in first["rows"] + rest["rows"]} == {"halite", "rutile"}
    result = measured(
        0, lambda: field.benchmark_field("mp20", known, SETTINGS, out, ignore, templates=library)
    )
    assert len((out / "rows.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    total = result["total"]
    assert total["match"][STRICT]["listed"]["top_20"] == 1.0
    assert total["match"][LOOSE]["templates"]["top_1"] == 0.5
    assert {"prototype_coordinates", "random_crystals"} <= set(total["match"][LOOSE])
    assert total["space_group"]["top_20"] == total["type"]["top_20"] == 1.0
    assert sum(total["stages"][LOOSE].values()) == 2
    assert total["type_proposed"] == 1.0
    assert total["undecided"] == 0
    assert total["median_s"] > 0
    assert all(row["prior"]["type"] for row in result["rows"])
    page = field.render(json.loads(json.dumps(result)))
    assert "elements exchanged, 0.3/0.5/10 | 50.0 % |" in page
    assert "uFlowCSP" in page
    assert "formula only" in page
    with pytest.raises(InputError, match="other settings"):
        field.benchmark_field("mp20", known, replace(SETTINGS, seed=1), out, ignore)


def test_cell_content_is_given_and_cells_over_the_limit_are_counted(
    tmp_path: Path, known: list[StructureRecord]
) -> None:
    settings = replace(SETTINGS, cell_given=True, max_atoms=4)
    result = field.benchmark_field("mpts52", known, settings, tmp_path, ignore)
    by_id = {row["id"]: row for row in result["rows"]}
    assert by_id["halite"]["ranks"][STRICT] is not None
    assert by_id["rutile"]["stage"][STRICT] == TOO_LARGE
    assert "6 atoms" in by_id["rutile"]["refused"]
    request = json.loads((tmp_path / "runs/NaCl-halite/checkpoint/request.json").read_text(encoding="utf-8"))
    assert request["settings"]["cell"] == "NaCl"


def test_relaxed_lists_are_compared_with_those_before_relaxation(
    tmp_path: Path, known: list[StructureRecord]
) -> None:
    settings = replace(SETTINGS, relax=True, candidates=2, max_atoms=2, workers=1)
    result = measured(0, lambda: field.benchmark_field("mp20", known[:1], settings, tmp_path, ignore))
    assert set(result["total"]["match"][STRICT]) == {"listed", "unrelaxed"}
    assert result["rows"][0]["unrelaxed_ranks"][STRICT] is not None
    assert "without relaxation, order of the generator" in field.render(result)


def test_settings_that_no_compound_can_have_are_refused(tmp_path: Path, known: list[StructureRecord]) -> None:
    with pytest.raises(InputError, match="max_atoms"):
        field.benchmark_field("mp20", known, replace(SETTINGS, max_atoms=100_000), tmp_path, ignore)


def test_the_command_passes_its_options(
    run: Callable[..., Any], tmp_path: Path, known: list[StructureRecord]
) -> None:
    (tmp_path / "benchmarks").mkdir()
    file = tmp_path / "benchmarks" / "mp20_400.jsonl"
    file.write_text(f"{known[0].model_dump_json()}\n", encoding="utf-8")
    outcome = run("benchmark", "mp20", "--data", ".", "--cell-given", "--max-atoms", 2)
    assert outcome.code == 2
    assert "leak guard" in outcome.sentence
    record = known[0].model_copy(update={"split": "val", "icsd": True})
    (tmp_path / "structures.jsonl").write_text(f"{record.model_dump_json()}\n", encoding="utf-8")
    flags = ("--no-relax", "--candidates", 2, "--cell-given", "--max-atoms", 2, "--sizes", "20,80", "--json")
    outcome = run("benchmark", "validation-sizes", "--data", ".", "--per-class", 1, *flags)
    assert outcome.code == 0, outcome.err
    settings = json.loads(outcome.out)["settings"]
    assert (settings["candidates"], settings["max_atoms"], settings["cell_given"]) == (2, 2, True)
    assert run("benchmark", "validation-sizes", "--data", ".", "--sizes", "10").code == 2
    outcome = run("benchmark", "large-cells", "--data", ".", "--limit", 1)
    assert outcome.code == 2
    assert "do not contain mp-" in outcome.sentence


def test_samples_outside_the_leak_guard_are_refused(tmp_path: Path, known: list[StructureRecord]) -> None:
    file = tmp_path / "mp20_400.jsonl"
    file.write_text("".join(f"{record.model_dump_json()}\n" for record in known), encoding="utf-8")
    assert "NaCl" not in benchmark_formulas()
    with pytest.raises(InputError, match="leak guard"):
        field.guarded_records(file)


def test_validation_compounds_are_experimental_and_drawn_by_size(records: list[StructureRecord]) -> None:
    chosen = validation_sizes.validation_records(records, 2, 0)
    assert chosen
    assert len(chosen) <= 2
    assert all(record.split == "val" and record.icsd for record in chosen)
    more = validation_sizes.validation_records(records, 9, 0)
    assert {record.id for record in chosen} <= {record.id for record in more}
    assert validation_sizes.validation_records(records, 9, 0, ["atoms_61_to_80"]) == []


def test_validation_by_size_gives_a_page(tmp_path: Path, records: list[StructureRecord]) -> None:
    result = measured(
        0,
        lambda: validation_sizes.benchmark_validation_sizes(
            records, SETTINGS, tmp_path, ignore, per_class=1, classes=["atoms_1_to_20"]
        ),
    )
    assert list(result["sizes"]) == ["atoms_1_to_20"]
    page = validation_sizes.render(result)
    assert "| 1-20 atoms | 1 |" in page
    assert "--per-class 1" in page


def test_the_table_of_large_cells_has_no_benchmark_compound() -> None:
    cells = large_cells.read_large_cells()
    assert len(cells) == len({cell.id for cell in cells}) == len({cell.formula for cell in cells}) == 40
    assert not {cell.formula for cell in cells} & benchmark_formulas()
    assert all(cell.id.startswith("mp-") and 1 <= cell.space_group <= 230 for cell in cells)
    assert all(parse_formula(cell.formula).num_atoms <= 80 for cell in cells)


def test_large_cells_name_their_known_structures(tmp_path: Path, known: list[StructureRecord]) -> None:
    cells = [large_cells.LargeCell("rock salt", "NaCl", 225, "halite")]
    result = measured(0, lambda: large_cells.benchmark_large_cells(cells, known, SETTINGS, tmp_path, ignore))
    assert result["in_first_five"] == 1
    page = large_cells.render(result)
    assert "| rock salt | NaCl | 225 | 2 | halite | train |" in page
    assert "1 of 1 in the first five" in page
    missing = [large_cells.LargeCell("periclase", "MgO", 225, "mp-1265")]
    with pytest.raises(InputError, match="do not contain mp-1265"):
        large_cells.benchmark_large_cells(missing, known, SETTINGS, tmp_path, ignore)


def test_true_types_are_built_in_several_ways(known: list[StructureRecord], tmp_path: Path) -> None:
    records = [record.model_copy(update={"split": "val", "icsd": True}) for record in known]

    def compute() -> dict[str, Any]:
        return coordinates.benchmark_coordinates(records, tmp_path, ignore, per_class=2, seed=0)

    result = measured(0, compute)
    small = result["sizes"]["atoms_1_to_20"]
    assert (small["n"], small["with_type"]) == (2, 2)
    for cell in (coordinates.PREDICTED, coordinates.TRUE):
        assert set(small[cell]) == set(coordinates.METHODS)
        assert small[cell][coordinates.PROTOTYPE] in {0.5, 1.0}  # rutile has prototypes, halite has none
        assert small[cell][coordinates.SEARCH] == small[cell][coordinates.FITTEST] == 1.0
    assert compute()["rows"] == result["rows"]  # kept on disk
    page = coordinates.render(result)
    assert "| fittest of all | 100 % |" in page
    assert "| compounds with a type | 2 of 2 |" in page
