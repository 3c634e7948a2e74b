"""The store: what is one unit, what is in which order, and that a half-read list is none."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import FormulaRequest, read_requests
from alphacrystal.scale import CampaignStore, Outcome, Unit, _store, _tables, compute, write_tables


def requests(*formulas: str) -> list[FormulaRequest]:
    return [FormulaRequest(formula) for formula in formulas]


def test_formulas_that_mean_the_same_are_one_unit_and_keep_their_lines(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill([*requests("NaCl", "MgO", "ClNa", "Na2Cl2"), FormulaRequest("NaCl", None, 221)], {})
        assert [unit.formula for unit in store.waiting()] == ["NaCl", "MgO", "NaCl"]
        first = next(store.waiting())
        store.record([Outcome(first.key, result=first.folder, space_group_number=225)])
        assert [(row[0], row[2], row[5]) for row in store.lines()] == [
            ("NaCl", "done", 225),
            ("MgO", "waiting", None),
            ("ClNa", "done", 225),
            ("Na2Cl2", "done", 225),
            ("NaCl", "waiting", None),
        ]


def test_list_with_a_bad_line_leaves_nothing(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("formula,space_group\nNaCl,\n# salts\nKCl,999\n")
    with CampaignStore(tmp_path) as store:
        with pytest.raises(InputError, match=r"line 4: space_group '999'"):
            store.fill(read_requests(listed), {"list": "x"})
        assert store.counts().total == 0
        assert store.facts() == {}


def test_first_outcome_stays_and_counts_follow(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl", "MgO", "Xx"), {})
        assert (store.counts().waiting, store.counts().failed) == (2, 1)
        salt, oxide = store.waiting()
        store.record([Outcome(salt.key, structures=3), Outcome(oxide.key, "It died.", "died")])
        store.record([Outcome(salt.key, "Later.", "internal")])
        counts = store.counts()
    with CampaignStore(tmp_path) as store:
        assert store.counts() == counts
        assert (counts.waiting, counts.done, counts.failed) == (0, 1, 2)
        assert store.failure_kinds() == {"died": 1, "input": 1}
        assert store.retry_failed() == 2
        assert [unit.formula for unit in store.waiting()] == ["MgO", "Xx"]


def test_text_that_is_no_text_is_damage(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl"), {})
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as database, database:
        database.execute("UPDATE units SET formula = CAST(x'ff4e' AS TEXT)")
    with CampaignStore(tmp_path) as store, pytest.raises(InputError, match="is damaged"):
        list(store.waiting())


def test_damaged_store_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "campaign.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="is damaged"):
        CampaignStore(tmp_path)


class Immediate:
    """Ends each unit as soon as it is asked."""

    workers = capacity = 8

    def __init__(self, failure: str | None = None, kind: str = "") -> None:
        self.held: list[Unit] = []
        self.most = 0
        self.failure, self.kind = failure, kind

    def submit(self, unit: Unit) -> None:
        self.held.append(unit)
        self.most = max(self.most, len(self.held))

    def finished(self, timeout_s: float) -> list[Outcome]:
        ended, self.held = self.held, []
        return [Outcome(unit.key, self.failure, self.kind) for unit in ended]


def compositions(count: int) -> Iterator[FormulaRequest]:
    for number in range(count):
        yield FormulaRequest(f"Na{number % 97 + 1}Cl{number // 97 + 1}O101")


def test_memory_does_not_grow_with_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_store, "PAGE", 50)
    monkeypatch.setattr(_tables, "_BATCH", 50)
    peaks: dict[int, list[int]] = {300: [], 1200: []}
    # The first loads packages and fills the caches of bounded size that reading formulas has. The least of
    # two is taken, for threads of other tests may still be at work.
    for number, count in enumerate((1200, 300, 1200, 300, 1200)):
        folder = tmp_path / str(number)
        folder.mkdir()
        gc.collect()
        tracemalloc.start()
        with CampaignStore(folder) as store:
            store.fill(compositions(count), {})
            executor = Immediate()
            compute(store, executor)  # type: ignore[arg-type]
            write_tables(folder, store)
            assert store.counts().done == count
        assert executor.most <= 8
        peaks[count].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Less than a request and its row would take: the cache of bounded size that reading formulas has.
    assert min(peaks[1200]) - min(peaks[300]) < 100 * (1200 - 300)


def test_campaign_in_which_everything_breaks_stops(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(compositions(100), {})
        with pytest.raises(AlphaCrystalError, match=r"failed one after the other, the last with: No room\."):
            compute(store, Immediate("No room.", "internal"))  # type: ignore[arg-type]
        assert store.counts().waiting > 50


def test_bad_formulas_never_stop_a_campaign(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(compositions(100), {})
        compute(store, Immediate("Too many atoms.", "input"))  # type: ignore[arg-type]
        assert store.counts().failed == 100
        write_tables(tmp_path, store)
    lines = (tmp_path / "failures.csv").read_text().splitlines()
    assert len(lines) == 101
    assert lines[0] == "number,formula,cell,space_group,kind,reason,seconds"
    assert lines[3].startswith("3,Na3Cl1O101,,,input,Too many atoms.")


def test_index_as_parquet_has_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl", "Xx"), {})
        unit = next(store.waiting())
        outcome = Outcome(unit.key, result="runs/x", structures=2, space_group_number=225, seconds=1.5)
        store.record([replace(outcome, energy_per_atom_ev=-3.5)])
        write_tables(tmp_path, store)
    rows = parquet.read_table(tmp_path / "index.parquet").to_pylist()
    assert [row["formula"] for row in rows] == ["NaCl", "Xx"]
    assert (rows[0]["energy_per_atom_ev"], rows[0]["structures"]) == (-3.5, 2)
    assert rows[1]["energy_per_atom_ev"] is None
    header = (tmp_path / "index.csv").read_text().splitlines()[0].split(",")
    assert header == list(rows[0])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE units SET formula = x'ff'",
        "UPDATE units SET cell = x'ff'",
        "UPDATE units SET space_group = 'many'",
    ],
)
def test_waiting_units_of_the_wrong_type_are_damage(tmp_path: Path, change: str) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl"), {})
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as database, database:
        database.execute(change)
    with CampaignStore(tmp_path) as store, pytest.raises(InputError, match="damaged"):
        list(store.waiting())


@pytest.mark.parametrize(
    "timings", ["'{'", "'" + "[" * 1000 + "'", "x'ff'", "'NaN'", '\'{"relax": "long"}\'']
)
def test_damaged_times_are_damage(tmp_path: Path, timings: str) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl"), {})
        store.record(
            [Outcome(next(store.waiting()).key, seconds=1.0, processor_seconds=1.0, timings={"relax": 1.0})]
        )
        assert list(store.times()) == [(1.0, 1.0, {"relax": 1.0})]
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as database, database:
        database.execute(f"UPDATE units SET timings = {timings}")  # noqa: S608 - a test's own text
    with CampaignStore(tmp_path) as store, pytest.raises(InputError, match="damaged"):
        list(store.times())
