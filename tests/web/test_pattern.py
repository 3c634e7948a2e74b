"""Uploaded powder patterns: checked at once, stored under a name of the server, fitted."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import simulate_pattern
from alphacrystal.web import JobRequest

QUICK = {"formula": "TiO2", "relax": False, "candidates": 3, "top": 3, "space_group": 136}
Start = Callable[..., Any]
Open = Callable[..., TestClient]
Wait = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def rutile() -> bytes:
    """The file of a pattern of rutile without a wavelength."""
    structure = Structure.from_spacegroup(
        136, Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )
    pattern = simulate_pattern(structure, np.arange(20, 80, 0.03), rng=np.random.default_rng(0))
    stream = io.StringIO()
    np.savetxt(stream, np.column_stack([pattern.two_theta, pattern.intensity]), fmt="%.3f %.1f")
    return stream.getvalue().encode()


def uploaded(content: bytes, name: str = "sample.xy", **fields: Any) -> dict[str, Any]:
    return QUICK | {"xrd": base64.b64encode(content).decode(), "xrd_name": name} | fields


def test_job_with_a_pattern_lists_its_agreement(
    open_server: Open, rutile: bytes, runs: Path, wait_for: Wait
) -> None:
    client = open_server()
    answer = client.post("/api/jobs", json=uploaded(rutile, "My Sample (2).XY", wavelength="CuKa"))
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["request"]["xrd_name"], job["request"]["wavelength"]) == ("My Sample (2).XY", "CuKa")
    assert "xrd" not in job["request"]
    assert len((runs / ".jobs" / f"{job['id']}.json").read_bytes()) < 5000
    job = wait_for(client, job["id"])
    assert (job["status"], job["reason"]) == ("done", "")
    best = client.get(f"/api/runs/{job['id']}").json()["structures"][0]
    assert best["space_group_number"] == 136
    assert best["r_wp"] < 0.2
    assert best["unexplained_peaks"] == 0
    assert "Grey points: measured" in client.get(f"/api/runs/{job['id']}/report").text

    with zipfile.ZipFile(io.BytesIO(client.get(f"/api/runs/{job['id']}/zip").content)) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
        assert archive.read(f"{job['id']}/measured.xy") == rutile
    assert {"report.html", "results.json", "run.json", "summary.csv", "measured.xy"} <= names
    assert any(name.startswith("refined/001_") for name in names)

    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert not (runs / job["id"]).exists()


def test_bad_patterns_are_refused_with_the_sentence_of_the_command_line(
    start_server: Start, run: Any, rutile: bytes, runs: Path, tmp_path: Path
) -> None:
    server = start_server()
    noise = np.random.default_rng(1).bytes(20_000)
    flat = b"".join(b"%.2f 5\n" % angle for angle in np.arange(10, 80, 0.05))
    cases = {
        "missing wavelength": (rutile, None),
        "unknown wavelength": (rutile, "Cu Kb7"),
        "random bytes": (noise, "CuKa"),
        "damaged zip": (b"PK\x03\x04" + noise, "CuKa"),
        "damaged gzip": (b"\x1f\x8b" + noise, "CuKa"),
        "empty": (b"", "CuKa"),
        "few points": (b"10 1\n10.1 2\n", "CuKa"),
        "no peak": (flat, "CuKa"),
        "text": (b"hello\n" * 100, "CuKa"),
    }
    path = tmp_path / "sample.xy"
    for case, (content, wavelength) in cases.items():
        path.write_bytes(content)
        known = {} if wavelength is None else {"wavelength": wavelength}
        answer = server.client.post("/api/jobs", json=uploaded(content, **known))
        assert answer.status_code == 422, case
        options = [] if wavelength is None else ["--wavelength", wavelength]
        outcome = run("predict", "TiO2", "--xrd", path, *options, "--no-relax", "--out", tmp_path / "out")
        assert outcome.code == 2, case
        sentence = outcome.err.strip().removeprefix("Error: ").replace(str(path), "sample.xy")
        assert answer.json()["detail"] == sentence, case
    assert server.client.get("/api/jobs").json() == []
    assert [entry.name for entry in runs.iterdir() if not entry.name.startswith(".")] == ["earlier"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"xrd": None}, "give its content as xrd"),
        ({"xrd": "no base64!"}, "xrd: it is not in base64."),
        ({"xrd": 7}, "base64"),
        ({"xrd_name": "../../etc/passwd"}, "xrd_name"),
        ({"xrd_name": "/etc/passwd"}, "xrd_name"),
        ({"xrd_name": "a\u0000b"}, "xrd_name"),
        ({"xrd_name": "x" * 201}, "xrd_name"),
        ({"wavelength": "x" * 41}, "wavelength"),
        ({"xrd": None, "xrd_name": None, "wavelength": "CuKa"}, "--wavelength belongs to a powder pattern"),
    ],
)
def test_malformed_uploads_are_refused(
    client: TestClient, rutile: bytes, change: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/api/jobs", json=uploaded(rutile, wavelength="CuKa") | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []


def stored_name(name: str) -> str | None:
    return JobRequest(formula="TiO2", xrd_name=name).pattern_file


@given(st.text(min_size=1, max_size=30))
def test_stored_name_is_one_of_the_server(text: str) -> None:
    try:
        name = stored_name(text)
    except ValidationError:  # no file name at all
        return
    assert name is not None
    stem, *endings = name.split(".")
    assert stem == "measured"
    assert 1 <= len(endings) <= 2
    assert all(ending.isascii() and ending.isalpha() and ending.islower() for ending in endings)


def test_stored_name_keeps_a_known_ending() -> None:
    names = {
        "a.XYE": "measured.xye",
        "b.xrdml.gz": "measured.xrdml.gz",
        "c.exe": "measured.dat",
        "raw": "measured.dat",
    }
    assert {name: stored_name(name) for name in names} == names


def test_large_uploads_are_refused_with_their_limit(start_server: Start, rutile: bytes) -> None:
    server = start_server("--pattern-mb", "0.1", "--structures-mb", "0.1")
    assert server.client.get("/api/server").json()["limits"]["pattern_mb"] == 0.1

    def refused(content: bytes) -> str:
        body = json.dumps(uploaded(content, wavelength="CuKa")).encode()
        # A client that sends its whole request before it reads the answer, as most do.
        request = urllib.request.Request(  # noqa: S310 - of this test
            f"{server.address}/api/jobs", body, {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)  # noqa: S310 - of this test
        assert caught.value.code == 413
        detail = json.load(caught.value)["detail"]
        assert isinstance(detail, str)
        return detail

    for size in (100_001, 200_000, 20_000_000):
        detail = refused(rutile + b"\n" * size)
        assert "0.1 MB" in detail
        assert "the limit of this server" in detail
    assert server.client.get("/api/jobs").json() == []
    others = server.client.post("/api/session", json={"token": "x" * 20_000})
    assert (others.status_code, others.json()["detail"]) == (413, "A request may have 16384 bytes at most.")


@pytest.mark.slow
def test_killed_job_with_a_pattern_is_resumed_by_the_next_server(
    start_server: Start, rutile: bytes, runs: Path, wait_for: Wait
) -> None:
    first = start_server()
    job_id = first.client.post("/api/jobs", json=uploaded(rutile, wavelength="CuKa")).json()["id"]
    state = runs / ".jobs" / f"{job_id}.json"
    while (pid := json.loads(state.read_text())["pid"]) is None:
        time.sleep(0.02)
    first.stop(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    assert (runs / job_id / "measured.xy").read_bytes() == rutile

    second = start_server()
    job = wait_for(second.client, job_id)
    assert (job["status"], job["reason"]) == ("done", "")
    assert json.loads(state.read_text())["starts"] == 2
    assert second.client.get(f"/api/runs/{job_id}").json()["structures"][0]["r_wp"] is not None


@pytest.mark.slow
def test_cancelled_job_with_a_pattern_can_be_resumed(
    open_server: Open, rutile: bytes, runs: Path, wait_for: Wait
) -> None:
    client = open_server()
    long = {"formula": "Ca3Al2Si3O12", "candidates": 200, "cell": "Ca3Al2Si3O12"}
    running = client.post("/api/jobs", json=long).json()["id"]
    job_id = client.post("/api/jobs", json=uploaded(rutile, wavelength="CuKa")).json()["id"]
    assert client.post(f"/api/jobs/{job_id}/cancel").json()["status"] == "cancelled"
    client.post(f"/api/jobs/{running}/cancel")
    wait_for(client, running)
    assert client.post(f"/api/jobs/{job_id}/resume").status_code == 200
    assert wait_for(client, job_id)["status"] == "done"


def test_pattern_that_was_replaced_by_a_link_is_not_read(
    open_server: Open, rutile: bytes, runs: Path, tmp_path: Path, wait_for: Wait
) -> None:
    client = open_server()
    long = {"formula": "Ca3Al2Si3O12", "candidates": 200, "cell": "Ca3Al2Si3O12"}
    running = client.post("/api/jobs", json=long).json()["id"]
    job_id = client.post("/api/jobs", json=uploaded(rutile, wavelength="CuKa")).json()["id"]
    secret = tmp_path / "secret.xy"
    secret.write_bytes(rutile)
    (runs / job_id / "measured.xy").unlink()
    (runs / job_id / "measured.xy").symlink_to(secret)
    client.post(f"/api/jobs/{running}/cancel")
    job = wait_for(client, job_id)
    assert job["status"] == "failed"
    assert "measured.xy is not in the run folder" in job["reason"]
    assert client.delete(f"/api/jobs/{job_id}").status_code == 204
    assert secret.read_bytes() == rutile
