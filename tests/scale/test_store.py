"""The store: what is one task, what is in which order, and that a half-read list is none."""

from __future__ import annotations

import contextlib
import gc
import json
import shutil
import sqlite3
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Timer

import pytest

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import FormulaRequest, read_requests
from alphacrystal.report import INDEX_COLUMNS, SummaryRow
from alphacrystal.scale import (
    CampaignStore,
    CampaignTask,
    Counts,
    TaskOutcome,
    _store,
    _tables,
    compute,
    write_tables,
)

BEST = SummaryRow(
    rank=1,
    file="structures/001_NaCl_sg225.cif",
    formula="NaCl",
    cell_formula="NaCl",
    z=1,
    n_atoms=2,
    space_group_number=225,
    space_group_symbol="Fm-3m",
    energy_per_atom_ev=-3.5,
    enthalpy_per_atom_ev=None,
    formation_energy_per_atom_ev=None,
    energy_above_hull_per_atom_ev=None,
    volume_per_atom_a3=23.1,
    chemical_rank=1,
    energy_rank=1,
    log_probability=-0.4,
    generator="distance_matrix",
    converged=True,
    max_force_ev_per_a=0.0,
)


def requests(*formulas: str) -> list[FormulaRequest]:
    return [FormulaRequest(formula) for formula in formulas]


def test_formulas_that_mean_the_same_are_one_task_and_keep_their_lines(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill([*requests("NaCl", "MgO", "ClNa", "Na2Cl2"), FormulaRequest("NaCl", None, 221)], {})
        assert [task.formula for task in store.waiting()] == ["NaCl", "MgO", "NaCl"]
        first = next(store.waiting())
        store.record([TaskOutcome(first.key, result=first.folder, best=BEST)])
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
        store.record([TaskOutcome(salt.key, structures=3), TaskOutcome(oxide.key, "It died.", "died")])
        store.record([TaskOutcome(salt.key, "Later.", "internal")])
        counts = store.counts()
    with CampaignStore(tmp_path) as store:
        assert store.counts() == counts
        assert (counts.waiting, counts.done, counts.failed) == (0, 1, 2)
        assert [row[-4] for row in store.lines(failed_only=True)] == ["died", "input"]
        assert store.retry_failed() == 2
        assert [task.formula for task in store.waiting()] == ["MgO", "Xx"]


def test_text_that_is_no_text_is_damage(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl"), {})
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as database, database:
        database.execute("UPDATE tasks SET formula = CAST(x'ff4e' AS TEXT)")
    with CampaignStore(tmp_path) as store, pytest.raises(InputError, match="is damaged"):
        list(store.waiting())


def test_damaged_store_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "campaign.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="is damaged"):
        CampaignStore(tmp_path)


class Immediate:
    """Ends each task as soon as it is asked."""

    workers = capacity = 8

    def __init__(self, failure: str | None = None, kind: str = "") -> None:
        self.held: list[CampaignTask] = []
        self.most = 0
        self.failure, self.failure_type = failure, kind

    def submit(self, task: CampaignTask) -> None:
        self.held.append(task)
        self.most = max(self.most, len(self.held))

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        ended, self.held = self.held, []
        return [TaskOutcome(task.key, self.failure, self.failure_type) for task in ended]


def compositions(count: int) -> Iterator[FormulaRequest]:
    for number in range(count):
        yield FormulaRequest(f"Na{number % 97 + 1}Cl{number // 97 + 1}O101")


def test_memory_does_not_grow_with_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_store, "PAGE_SIZE", 50)
    monkeypatch.setattr(_tables, "_BATCH", 50)
    peaks: dict[int, list[int]] = {200: [], 800: []}
    # The first loads packages and fills the caches of bounded size that reading formulas has. The least of
    # two is taken, for threads of other tests may still be at work.
    for number, count in enumerate((800, 200, 800, 200, 800)):
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
    assert min(peaks[800]) - min(peaks[200]) < 100 * (800 - 200)


def test_campaign_in_which_everything_breaks_stops(tmp_path: Path) -> None:
    with CampaignStore(tmp_path) as store:
        store.fill(compositions(100), {})
        with pytest.raises(AlphaCrystalError, match=r"failed in a row, the last with: No room\."):
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
    assert lines[0] == "number,formula,cell,space_group,failure_type,reason,seconds"
    assert lines[3].startswith("3,Na3Cl1O101,,,input,Too many atoms.")


def test_index_as_parquet_has_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    with CampaignStore(tmp_path) as store:
        store.fill(requests("NaCl", "Xx"), {})
        task = next(store.waiting())
        outcome = TaskOutcome(task.key, result="runs/x", structures=2, best=BEST, seconds=1.5)
        store.record([outcome])
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
        "UPDATE tasks SET formula = x'ff'",
        "UPDATE tasks SET cell = x'ff'",
        "UPDATE tasks SET space_group = 'many'",
    ],
)
def test_waiting_tasks_of_the_wrong_type_are_damage(tmp_path: Path, change: str) -> None:
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
            [
                TaskOutcome(
                    next(store.waiting()).key, seconds=1.0, processor_seconds=1.0, timings_s={"relax": 1.0}
                )
            ]
        )
        assert list(store.times()) == [(1.0, 1.0, {"relax": 1.0})]
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as database, database:
        database.execute(f"UPDATE tasks SET timings = {timings}")  # noqa: S608 - a test's own text
    with CampaignStore(tmp_path) as store, pytest.raises(InputError, match="damaged"):
        list(store.times())


@pytest.fixture
def old_campaign(tmp_path: Path) -> Path:
    """A campaign of format 1, which version 0.1.0 wrote."""
    return Path(shutil.copytree(Path(__file__).parent / "data" / "old_campaign", tmp_path / "old"))


def test_store_of_format_1_is_converted(old_campaign: Path) -> None:
    for _ in range(2):
        with CampaignStore(old_campaign) as store:
            assert store.counts() == Counts(waiting=0, done=2, failed=1)
            assert store.facts()["settings"]["seed"] == 0
            assert [row[-4] for row in store.lines(failed_only=True)] == ["input"]
            store.retry_failed()
            assert [task.formula for task in store.waiting()] == ["Xx2"]
            store.record([TaskOutcome(next(store.waiting()).key, "It failed.", "input", best=BEST)])


def test_energies_under_pressure_were_enthalpies_in_format_1(old_campaign: Path) -> None:
    with contextlib.closing(sqlite3.connect(old_campaign / "campaign.sqlite")) as database, database:
        settings = json.dumps({"pressure": 10.0})
        database.execute("UPDATE facts SET value = ? WHERE name = 'settings'", (settings,))
        database.execute("UPDATE units SET energy_per_atom_ev = -2.5 WHERE formula = 'NaCl'")
    with CampaignStore(old_campaign) as store:
        rows = [dict(zip(INDEX_COLUMNS, row, strict=False)) for row in store.lines()]
    assert [(row["energy_per_atom_ev"], row["enthalpy_per_atom_ev"]) for row in rows[:2]] == [
        (None, -2.5),
        (None, None),
    ]


def test_store_of_a_newer_format_is_refused_with_one_sentence(old_campaign: Path) -> None:
    with contextlib.closing(sqlite3.connect(old_campaign / "campaign.sqlite")) as database, database:
        database.execute("PRAGMA user_version = 5")
        database.execute("CREATE TABLE more (id INTEGER)")
    sentence = r"was written by a newer AlphaCrystal \(format 5; this version reads up to 4\): upgrade\.$"
    with pytest.raises(InputError, match=sentence):
        CampaignStore(old_campaign)


def test_connections_that_open_a_new_store_at_once_agree(tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        barrier = Barrier(6)

        def count(folder: Path = folder, barrier: Barrier = barrier) -> int:
            barrier.wait()
            with CampaignStore(folder, durable=False) as store:
                return store.counts().total

        with ThreadPoolExecutor(6) as pool:
            assert [future.result() for future in [pool.submit(count) for _ in range(6)]] == [0] * 6


def test_a_new_store_waits_for_a_connection_that_holds_the_file(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "campaign.sqlite", isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("PRAGMA user_version = 0")  # creates the file
        other.execute("BEGIN IMMEDIATE")
        release = Timer(0.3, other.execute, ["ROLLBACK"])
        release.start()
        with CampaignStore(tmp_path, durable=False) as store:
            assert store.counts().total == 0
        release.join()
