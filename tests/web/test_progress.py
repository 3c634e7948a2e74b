"""Progress as read from a growing file."""

from __future__ import annotations

import json
from pathlib import Path

from alphacrystal.web._progress import ProgressReader


def shown(reader: ProgressReader) -> list[tuple[str, int | None, int | None, bool]]:
    return [(stage.name, stage.done, stage.total, stage.ended) for stage in reader.stages()]


def append(path: Path, *events: dict[str, object]) -> None:
    with path.open("a") as stream:
        stream.writelines(json.dumps(event) + "\n" for event in events)


def test_stages_appear_count_and_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = ProgressReader(tmp_path, ("events.jsonl",))
    assert shown(reader) == []
    append(path, {"stage": "generate", "event": "start"})
    assert shown(reader) == [("generate", None, None, False)]
    append(path, {"stage": "generate", "event": "progress", "done": 2, "total": 5})
    assert shown(reader) == [("generate", 2, 5, False)]
    append(path, {"stage": "generate", "event": "end"}, {"stage": "relax", "event": "start"})
    append(path, {"stage": "relax (loose)", "event": "progress", "done": 0, "total": 4})
    append(path, {"stage": "relax", "event": "structure", "candidate": 0})
    assert shown(reader) == [("generate", 2, 5, True), ("relax (loose)", 0, 4, False)]
    append(path, {"stage": "relax (tight)", "event": "progress", "done": 1, "total": 2})
    assert shown(reader)[1:] == [("relax (loose)", 0, 4, True), ("relax (tight)", 1, 2, False)]
    append(path, {"stage": "relax", "event": "end"}, {"stage": "run", "event": "end"})
    assert [ended for *_, ended in shown(reader)] == [True, True, True]


def test_resumed_run_begins_its_stages_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, {"stage": "relax", "event": "start"})
    append(path, {"stage": "relax (loose)", "event": "progress", "done": 3, "total": 4})
    reader = ProgressReader(tmp_path, ("events.jsonl",))
    assert shown(reader) == [("relax (loose)", 3, 4, False)]
    append(path, {"stage": "relax", "event": "start"})
    assert shown(reader) == [("relax", None, None, False)]


def test_torn_and_foreign_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b'\xff\n[]\n{"stage": 3}\n{"stage": "x", "event": "progress", "done": "a"}\n{"stage": "ge'
    )
    reader = ProgressReader(tmp_path, ("events.jsonl",))
    assert shown(reader) == []
    with path.open("a") as stream:
        stream.write('nerate", "event": "start"}\n')
    assert shown(reader) == [("generate", None, None, False)]
