"""Response times of every GET route of `alphacrystal serve` with many jobs and runs.

The benchmark writes runs, series of pressures, explorations and finished jobs into a temporary folder, starts
a server process on 127.0.0.1, and requests each GET route of its OpenAPI description in turn. It also uploads
a disordered crystal that is refused after its symmetry is found, so that no job starts. The runs have the
files of a run without relaxation with 20 structures; the identifiers rotate, so that not every response comes
from the memory of the server. Results of worker processes have three lines: the first response, which may be
202 (in progress), the time until the result, and later responses from memory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pymatgen.core import Composition, Lattice, Structure

from alphacrystal.config import PredictConfig
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.pipeline.predict import predict
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table
from alphacrystal_bench.speed.web_folder import PHASE_FILE, write_exploration, write_series

LIMIT_S = 300.0  # of all requests; later ones are left out
START_LIMIT_S = 120.0
SERIES = 4
EXPLORATIONS = 20
PAIRS = 12  # of runs that are compared, each several times
POLL_S = 0.1  # between requests for a result that is in progress
UPLOAD = "POST /api/jobs (disordered crystal, refused)"
FILES = ("run.json", "summary.csv", "events.jsonl", "report.html")


def benchmark_web_load(
    on_progress: Progress, *, runs: int = 2000, jobs: int = 2000, requests_per_route: int = 60
) -> dict[str, Any]:
    """Percentiles of the response times by route.

    Args:
        on_progress: Called with (stage, done, total).
        runs: Runs in the folder of the server.
        jobs: Finished jobs in it.
        requests_per_route: Requests per route.

    Raises:
        AlphaCrystalError: The server does not start.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "runs"
        structures = _write_folder(folder, runs, jobs)
        server, address = _start(folder)
        try:
            with requests.Session() as session:
                ready = _wait_until_ready(session, address)
                routes = _measured(
                    address, session, on_progress, runs, jobs, structures, turns=requests_per_route
                )
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    load = round(os.getloadavg()[0], 1)
    return {"load": load, "runs": runs, "jobs": jobs, "ready_s": round(ready, 1), "routes": routes}


def _write_folder(folder: Path, runs: int, jobs: int) -> int:
    """Write runs and the state files of their finished jobs; return the number of structures per run."""
    template = folder.parent / "template"
    predict(
        "NaCl",
        PredictConfig(relax=False, candidates=40, top=20, known_phases=False, dispersion="none"),
        folder=template,
    )
    begin = datetime.now(UTC) - timedelta(days=30)
    (folder / ".jobs").mkdir(parents=True)
    for number in range(runs):
        run = folder / f"run{number:05}"
        shutil.copytree(template / "structures", run / "structures")
        for cif in (run / "structures").iterdir():  # no two are equal, so that nothing is cached
            text = cif.read_text(encoding="utf-8")
            cif.write_text(f"# {run.name}\n{text}", encoding="utf-8")
        for name in FILES:
            if name == "report.html":  # the largest file by far: one copy, many names
                os.link(template / name, run / name)
            else:
                shutil.copy(template / name, run / name)
    for number in range(jobs):
        job = {
            "id": f"run{number:05}",
            "formula": "NaCl",
            "request": {"formula": "NaCl", "relax": False},
            "workers": 1,
            "status": "done",
            "created": (begin + timedelta(minutes=number)).isoformat(),
            "ended": (begin + timedelta(minutes=number + 1)).isoformat(),
        }
        (folder / ".jobs" / f"{job['id']}.json").write_text(json.dumps(job))
    for number in range(SERIES):
        write_series(folder / f"series{number:05}", template)
    write_exploration(folder / "system00000", template)
    for number in range(1, EXPLORATIONS):
        shutil.copytree(folder / "system00000", folder / f"system{number:05}")
    return len(list((template / "structures").iterdir()))


def _start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A server process and its address."""
    code = "from alphacrystal.cli import main; main()"
    options = ["--folder", str(folder), "--port", "0", "--disk-mb", "1000000"]
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", code, "serve", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    address = re.search(r"http://[^ #]+", server.stdout.readline())
    if address is None:
        server.kill()
        raise AlphaCrystalError("The server does not start.")
    return server, address[0].rstrip("/")


def _wait_until_ready(session: requests.Session, address: str) -> float:
    begin = time.monotonic()
    while time.monotonic() - begin < START_LIMIT_S:
        try:
            if session.get(address, timeout=START_LIMIT_S).ok:
                return time.monotonic() - begin
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AlphaCrystalError("The server does not respond.")


def _path(route: str, turn: int, runs: int, jobs: int, structures: int) -> str:
    """The path of a route with the identifiers of one turn."""
    run = f"run{turn * 37 % runs:05}"
    filled = route.replace("{run_id}", run).replace("{job_id}", f"run{turn * 37 % jobs:05}")
    filled = filled.replace("{rank}", str(1 + turn % structures))
    filled = filled.replace("{series_id}", f"series{turn % SERIES:05}").replace("{name}", PHASE_FILE)
    filled = filled.replace("{exploration_id}", f"system{turn % EXPLORATIONS:05}")
    if route == "/api/compare":
        pair = turn % PAIRS * 37
        filled += f"?left=run{pair % runs:05}&right=run{(pair + 1) % runs:05}"
    if route in {"/api/jobs", "/api/runs"}:
        size = jobs if route == "/api/jobs" else runs
        filled += f"?first={turn % 4 * 50 if turn % 2 else turn * 50 % size}"
    return filled


def _measured(
    address: str,
    session: requests.Session,
    on_progress: Progress,
    runs: int,
    jobs: int,
    structures: int,
    *,
    turns: int,
) -> list[dict[str, Any]]:
    description = session.get(f"{address}/api/openapi.json", timeout=60).json()
    routes = [
        "/",
        "/api/openapi.json",
        *(path for path, methods in description["paths"].items() if "get" in methods),
    ]
    deadline = time.monotonic() + LIMIT_S
    times: dict[str, list[float]] = {}
    failed: dict[str, int] = {}
    seen: set[str] = set()
    for turn in range(turns):
        on_progress("requests", turn, turns)
        for route in routes:
            if time.monotonic() > deadline:
                break
            path = _path(route, turn, runs, jobs, structures)
            begin = time.perf_counter()
            response = session.get(address + path, timeout=120)
            # The first result of a worker process has a separate line.
            computed = route.endswith(("/poscar", "/compare")) and path not in seen
            name = f"{route} (first response)" if computed else route
            seen.add(path)
            times.setdefault(name, []).append(1000 * (time.perf_counter() - begin))
            failed[name] = failed.get(name, 0) + (not response.ok)
            if computed:
                name = f"{route} (until the result)"
                while response.status_code == 202 and time.monotonic() < deadline:
                    time.sleep(POLL_S)
                    response = session.get(address + path, timeout=120)
                times.setdefault(name, []).append(1000 * (time.perf_counter() - begin))
                failed[name] = failed.get(name, 0) + (response.status_code != 200)
        if time.monotonic() < deadline:
            begin = time.perf_counter()
            response = session.post(f"{address}/api/jobs", json=_upload(turn), timeout=120)
            times.setdefault(UPLOAD, []).append(1000 * (time.perf_counter() - begin))
            failed[UPLOAD] = failed.get(UPLOAD, 0) + (response.status_code != 422)
    on_progress("requests", turns, turns)
    return [
        {
            "route": route,
            "requests": len(values),
            "failed": failed[route],
            "p50_ms": round(float(np.percentile(values, 50)), 1),
            "p95_ms": round(float(np.percentile(values, 95)), 1),
            "max_ms": round(max(values), 1),
        }
        for route, values in sorted(times.items())
    ]


def _upload(turn: int) -> dict[str, Any]:
    """A request with a disordered crystal that no ordering with one atom approximates."""
    edge = 3.7 + 0.001 * turn
    contents = [Composition({"Cu": 0.75, "Au": 0.25})]
    crystal = Structure.from_spacegroup(225, Lattice.cubic(edge), contents, [[0, 0, 0]])
    content = b64encode(json.dumps(crystal.as_dict()).encode()).decode()
    return {"disordered": {"name": "alloy.json", "content": content}, "order_max_atoms": 1}


def render(result: Mapping[str, Any]) -> str:
    """Response times by route."""
    keys = ("requests", "failed", "p50_ms", "p95_ms", "max_ms")
    rows = [[row["route"], *(row[key] for key in keys)] for row in result["routes"]]
    details = (
        f", load {result['load']}. {result['runs']} runs, {result['jobs']} jobs, ready after "
        f"{result['ready_s']} s"
    )
    lines = ["# Response times of the web server", "", fact_line("web-load", result, details=details), ""]
    header = ["route", *(key.replace("_", " ") for key in keys)]
    return "\n".join([*lines, *markdown_table(header, rows)]) + "\n"
