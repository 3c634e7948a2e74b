"""Time of every GET route of `alphacrystal serve` with many jobs and runs.

Writes runs and finished jobs into a temporary folder, starts a server as a process on 127.0.0.1, requests
each GET route of its OpenAPI description in turn, and prints the percentiles of the times. The runs have the
files of a run without relaxation, with 20 structures; their ids go round, so that not every answer comes from
the memory of the server. Results of worker processes have three lines: the first answer, which may be 202
(being computed), the time until the result, and later answers from memory.
Run: python benchmarks/web_load.py [--runs 2000] [--jobs 2000] [--requests 60] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import requests

from alphacrystal import PredictConfig, predict

LIMIT_S = 300.0  # of all requests; what is left out is said
START_LIMIT_S = 120.0
PAIRS = 12  # of runs that are compared, each several times
POLL_S = 0.1  # between requests for a result that is being computed
FILES = ("run.json", "summary.csv", "events.jsonl", "report.html")


def write_folder(folder: Path, runs: int, jobs: int) -> int:
    """Runs, and state files of their finished jobs; returns the number of structures of a run."""
    template = folder.parent / "template"
    predict("NaCl", PredictConfig(relax=False, candidates=40, top=20), folder=template)
    begin = datetime.now(UTC) - timedelta(days=30)
    (folder / ".jobs").mkdir(parents=True)
    for number in range(runs):
        run = folder / f"run{number:05}"
        shutil.copytree(template / "structures", run / "structures")
        for cif in (run / "structures").iterdir():  # no two are equal, or an answer would be known
            cif.write_text(f"# {run.name}\n{cif.read_text()}")
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
    return len(list((template / "structures").iterdir()))


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
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
        sys.exit("The server does not start.")
    return server, address[0].rstrip("/")


def wait_until_ready(session: requests.Session, address: str) -> float:
    begin = time.monotonic()
    while time.monotonic() - begin < START_LIMIT_S:
        try:
            if session.get(address, timeout=START_LIMIT_S).ok:
                return time.monotonic() - begin
        except requests.ConnectionError:
            time.sleep(0.1)
    sys.exit("The server does not answer.")


def address_of(route: str, turn: int, runs: int, jobs: int, structures: int) -> str:
    """A route with the ids of one turn."""
    run = f"run{turn * 37 % runs:05}"
    filled = route.replace("{run_id}", run).replace("{job_id}", f"run{turn * 37 % jobs:05}")
    filled = filled.replace("{rank}", str(1 + turn % structures))
    if route == "/api/compare":
        pair = turn % PAIRS * 37
        filled += f"?left=run{pair % runs:05}&right=run{(pair + 1) % runs:05}"
    if route in {"/api/jobs", "/api/runs"}:
        size = jobs if route == "/api/jobs" else runs
        filled += f"?first={turn % 4 * 50 if turn % 2 else turn * 50 % size}"
    return filled


def measured(
    address: str, session: requests.Session, arguments: argparse.Namespace, structures: int
) -> list[dict]:
    description = session.get(f"{address}/api/openapi.json", timeout=60).json()
    routes = [
        "/",
        "/api/openapi.json",
        *(path for path, ways in description["paths"].items() if "get" in ways),
    ]
    deadline = time.monotonic() + LIMIT_S
    times: dict[str, list[float]] = {}
    failed: dict[str, int] = {}
    seen: set[str] = set()
    for turn in range(arguments.requests):
        for route in routes:
            if time.monotonic() > deadline:
                break
            path = address_of(route, turn, arguments.runs, arguments.jobs, structures)
            begin = time.perf_counter()
            answer = session.get(address + path, timeout=120)
            # What a worker process computes for the first time has a line of its own.
            computed = route.endswith(("/poscar", "/compare")) and path not in seen
            label = f"{route} (first answer)" if computed else route
            seen.add(path)
            times.setdefault(label, []).append(1000 * (time.perf_counter() - begin))
            failed[label] = failed.get(label, 0) + (not answer.ok)
            if computed:
                label = f"{route} (until the result)"
                while answer.status_code == 202 and time.monotonic() < deadline:
                    time.sleep(POLL_S)
                    answer = session.get(address + path, timeout=120)
                times.setdefault(label, []).append(1000 * (time.perf_counter() - begin))
                failed[label] = failed.get(label, 0) + (answer.status_code != 200)
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


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=60, help="requests of each route")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "runs"
        structures = write_folder(folder, arguments.runs, arguments.jobs)
        server, address = start(folder)
        try:
            with requests.Session() as session:
                ready = wait_until_ready(session, address)
                rows = measured(address, session, arguments, structures)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    facts = {
        "commit": commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "runs": arguments.runs,
        "jobs": arguments.jobs,
        "ready_s": round(ready, 1),
    }
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(f"{'route':<66}{'requests':>9}{'failed':>7}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    for row in rows:
        print("{route:<66}{requests:>9}{failed:>7}{p50_ms:>9}{p95_ms:>9}{max_ms:>9}".format(**row))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({**facts, "routes": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
