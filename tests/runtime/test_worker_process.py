"""Worker processes: calls and answers, ends, and workers that a template forks."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphacrystal.runtime.worker_process import WorkerProcess, WorkerTemplate

Start = Callable[[], WorkerProcess]


COUNTING = """
from alphacrystal.runtime.worker_main import report


def count_to(number):
    for part in range(number):
        report(part)
    return number
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(params=["spawned", "forked"])
def start(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts workers, which know the module "counting" and are stopped after the test."""
    (tmp_path / "counting.py").write_text(COUNTING)
    monkeypatch.syspath_prepend(str(tmp_path))
    workers: list[WorkerProcess] = []
    template = WorkerTemplate(["pickle"]) if request.param == "forked" else None

    def begin() -> WorkerProcess:
        worker = WorkerProcess(template=template)
        workers.append(worker)
        assert worker.receive() == ("ready", None)
        return worker

    yield begin
    for worker in workers:
        worker.stop()
        worker.close()
    if template is not None:
        template.stop()


def test_a_call_is_answered_in_parts_and_by_its_value(start: Start) -> None:
    worker = start()
    worker.send(importlib.import_module("counting").count_to, (3,), None)
    answers = [worker.receive() for _ in range(4)]
    assert answers == [("part", 0), ("part", 1), ("part", 2), ("value", 3)]
    worker.send(os.getpid, (), None)
    assert worker.receive() == ("value", worker.pid)


def test_an_error_is_answered_and_the_worker_continues(start: Start) -> None:
    worker = start()
    worker.send(divmod, (1, 0), None)
    kind, sentence = worker.receive() or ("", "")
    assert kind == "failure"
    assert sentence.startswith("ZeroDivisionError: ")
    worker.send(divmod, (7, 2), None)
    assert worker.receive() == ("value", (3, 1))


def test_what_a_function_prints_does_not_get_into_the_answers(start: Start) -> None:
    worker = start()
    worker.send(print, ("words",), None)
    assert worker.receive() == ("value", None)
    worker.send(os.system, ("echo words",), None)
    assert worker.receive() == ("value", 0)


def test_a_worker_is_ended_by_the_kernel_at_its_limit(start: Start) -> None:
    worker = start()
    worker.send(pow, (10, 10**9), 0.2)
    assert worker.receive() is None
    assert worker.stop() == -signal.SIGPROF


def test_a_killed_worker_is_gone_and_others_are_not(start: Start) -> None:
    first, second = start(), start()
    pid = first.pid
    assert pid is not None
    first.send(time.sleep, (600,), None)
    threading.Timer(0.1, first.kill).start()
    assert first.receive() is None
    assert first.stop() == -signal.SIGKILL
    assert not alive(pid)
    second.send(divmod, (7, 2), None)
    assert second.receive() == ("value", (3, 1))


def test_workers_end_with_their_template() -> None:
    template = WorkerTemplate([])
    worker = WorkerProcess(template=template)
    assert worker.receive() == ("ready", None)
    worker.send(time.sleep, (600,), None)
    template.stop()
    assert not template.alive
    assert worker.receive() is None
    assert worker.stop() == -signal.SIGKILL
    worker.close()


def test_a_template_that_cannot_import_its_modules_starts_no_worker() -> None:
    template = WorkerTemplate(["alphacrystal.no_such_module"])
    worker = WorkerProcess(template=template)
    assert worker.receive() is None
    assert worker.pid is None
    late = WorkerProcess(template=template)
    assert late.receive() is None
    for process in (worker, late):
        process.stop()
        process.close()
    template.stop()


def test_a_template_with_threads_starts_new_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_thread.py").write_text(
        "import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    template = WorkerTemplate(["with_thread"])
    worker = WorkerProcess(template=template)
    assert worker.receive() == ("ready", None)
    worker.send(threading.active_count, (), None)
    assert worker.receive() == ("value", 3)  # its own thread of the module, and the one that reads calls
    assert worker.stop() == -signal.SIGKILL
    worker.close()
    template.stop()


@pytest.mark.parametrize("workers", ["WorkerProcess()", "WorkerProcess(template=WorkerTemplate([]))"])
def test_workers_end_with_the_program_that_started_them(workers: str) -> None:
    program = (
        "import os, sys, time\n"
        "from alphacrystal.runtime.worker_process import WorkerProcess, WorkerTemplate\n"
        f"worker = {workers}\n"
        "worker.receive()\n"
        "print(worker.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    deadline = time.monotonic() + 60
    while alive(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(int(done.stdout))


def test_modules_are_imported_before_calls_are_read() -> None:
    """Two threads that import pymatgen at once meet half a module."""
    program = (
        "import sys, threading\n"
        "from alphacrystal.runtime import worker_main\n"
        "def reader(**given):\n"
        "    module = sys.modules.get('pymatgen.core.structure')\n"
        "    sys.exit(7 if hasattr(module, 'Structure') and hasattr(module, 'IMolecule') else 1)\n"
        "threading.Thread = reader\n"
        "sys.argv = ['', 'serve', '0', '1', 'pymatgen.core.structure']\n"
        "worker_main.main()\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert outcome.returncode == 7
