"""Servers in this process and as processes of their own, and a finished run for them to show."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from pymatgen.core import Lattice, Structure

from alphacrystal.config import PredictConfig
from alphacrystal.exploration import (
    Exploration,
    ExploreLog,
    Hull,
    Phase,
    enumerate_compositions,
    parse_system,
    write_results,
)
from alphacrystal.pipeline.predict import predict
from alphacrystal.report import cif_text
from alphacrystal.web import Limits, ServeSettings, _process, create_app

HERE = "http://127.0.0.1"
QUICK = {"relax": False, "candidates": 3, "top": 3}
PATIENCE = 240.0  # s, on a busy machine
OVER = {"done", "cancelled", "stopped", "failed"}

START_PROGRAM = _process._spawn

Call = Callable[[str], Any]


def until(look: Callable[[], Any], wanted: Callable[[Any], bool], patience: float = PATIENCE) -> Any:
    """Look again and again until what is seen is as wanted."""
    deadline = time.monotonic() + patience
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.1)
    return found


def computed(client: Any, path: str, **options: Any) -> Any:
    """The answer to GET requests of a result, repeated while the server computes it."""

    def look() -> Any:
        answer = client.get(path, **options)
        assert answer.status_code != 202 or answer.json() == {"status": "computing"}
        return answer

    return until(look, lambda answer: answer.status_code != 202)


@pytest.fixture
def get_computed() -> Callable[..., Any]:
    """The function ``computed``."""
    return computed


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of NaCl, not relaxed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    predict("NaCl", PredictConfig(**QUICK), folder=folder)
    return folder


@pytest.fixture
def runs(tmp_path: Path, finished_run: Path) -> Path:
    """A folder with one earlier run, `earlier`."""
    shutil.copytree(finished_run, tmp_path / "runs" / "earlier")
    return tmp_path / "runs"


@pytest.fixture
def open_server(runs: Path) -> Iterator[Callable[..., TestClient]]:
    """A function that starts the application on the folder of runs; it ends after the test."""
    clients: list[TestClient] = []

    def begin(*, token: str | None = None, host: str = "127.0.0.1", **limits: Any) -> TestClient:
        settings = ServeSettings(folder=runs, host=host, token=token, limits=Limits(**limits))
        client = TestClient(create_app(settings), base_url=HERE, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield begin
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(open_server: Callable[..., TestClient]) -> TestClient:
    """A server with the usual limits."""
    return open_server()


@pytest.fixture
def wait_for() -> Callable[..., dict[str, Any]]:
    """A function of (client, job id, statuses) that waits until the job has one of them."""

    def wait(client: Any, job_id: str, *statuses: str) -> dict[str, Any]:
        wanted = set(statuses) or OVER
        return until(lambda: client.get(f"/api/jobs/{job_id}").json(), lambda job: job["status"] in wanted)

    return wait


@pytest.fixture
def new_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are new processes, as they are outside the tests, and no forks."""
    monkeypatch.setattr(_process, "_spawn", START_PROGRAM)
    monkeypatch.setenv("NEW_PROCESSES", "1")  # for the servers that are processes


@pytest.fixture
def write_job(runs: Path) -> Callable[..., Path]:
    """A function of (file name without .json, changed fields) that writes a foreign state file."""

    def write(name: str, **fields: Any) -> Path:
        state = {
            "id": name,
            "formula": "NaCl",
            "request": {"formula": "NaCl"} | QUICK,
            "workers": 1,
            "status": "done",
            "created": "2025-01-01T00:00:00Z",
            "ended": "2025-01-01T00:01:00Z",
        } | fields
        path = runs / ".jobs" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(state))
        return path

    return write


def tree(folder: Path) -> dict[str, str]:
    """Every entry below a folder with its content or target, to compare before and after."""
    entries = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            entries[name] = f"link to {path.readlink()}"
        elif path.is_file():
            entries[name] = path.read_bytes().hex()
        else:
            entries[name] = "no file"
    return entries


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, str]]:
    """A function that takes a snapshot of a folder."""
    return tree


class Server:
    """`alphacrystal serve` as a process of its own."""

    def __init__(self, start: Callable[..., Any], runs: Path, *options: str) -> None:
        self.process = start("serve", "--folder", runs, "--port", "0", *options, PYTHONUNBUFFERED="1")
        self.greeting = self.process.read_line()
        address = re.search(r"http://[^ #]+", self.greeting)
        assert address, self.greeting
        self.address = address[0].rstrip("/")
        self.client = httpx2.Client(base_url=self.address, timeout=120)
        until(self._answers, bool)

    def _answers(self) -> bool:
        try:
            return self.client.get("/").status_code == 200
        except httpx2.TransportError:
            return False

    def stop(self, number: int = signal.SIGINT) -> str:
        """End it and return what it said."""
        self.client.close()
        self.process.send_signal(number)
        return "".join(self.process.communicate(timeout=PATIENCE))


@pytest.fixture
def start_server(start: Callable[..., Any], runs: Path) -> Iterator[Callable[..., Server]]:
    """A function that starts `alphacrystal serve` with options on the folder of runs."""
    started: list[Server] = []

    def begin(*options: str) -> Server:
        started.append(Server(start, runs, *options))
        return started[-1]

    yield begin
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def finished_exploration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exploration of Na-Cl at 0 and 20 GPa, as the command line writes it."""
    folder = tmp_path_factory.mktemp("finished") / "salt"
    system, pressures = parse_system("Na-Cl"), (0.0, 20.0)
    cell = Structure.from_spacegroup(225, Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    hulls = {}
    for pressure in pressures:
        run = folder / "runs" / "quick" / "NaCl"
        run.mkdir(parents=True, exist_ok=True)
        (run / "1.cif").write_text(cif_text(cell, 225))
        phases = (
            Phase({"Na": 1}, -1.3, "reference"),
            Phase({"Cl": 1}, -1.8, "reference"),
            Phase(
                {"Na": 1, "Cl": 1},
                -3.4,
                "predicted",
                225,
                "Fm-3m",
                known="mp-22862",
                folder="runs/quick/NaCl",
                file="1.cif",
            ),
            Phase({"Na": 2, "Cl": 1}, -2.0, "predicted", 123, "P4/mmm", known="new"),
        )
        hulls[pressure] = Hull(system, phases, pressure)
    settings_of_run = {"candidates": 2}
    log = ExploreLog(
        elements=["Na", "Cl"], pressures=list(pressures), settings=settings_of_run, models={}, version="0"
    )
    log.stopped = "the budget of 2 formulas is spent"
    log.write(folder)
    write_results(
        Exploration(
            system,
            hulls,
            enumerate_compositions(system, 6),
            predicted=2,
            rounds=1,
            stopped=log.stopped,
            failures={},
            folder=folder,
            potential="chgnet",
            pressures=pressures,
        )
    )
    return folder


@pytest.fixture
def salt(runs: Path, finished_exploration: Path) -> Path:
    """The exploration in the folder of runs."""
    folder = runs / "salt"
    shutil.copytree(finished_exploration, folder)
    return folder
