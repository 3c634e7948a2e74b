"""Hanging computations, idle and slow connections, many requests: the server goes on answering."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alphacrystal.errors import OverloadedError, TimeLimitError
from alphacrystal.web import _connections, _pool
from alphacrystal.web._connections import ARRIVAL_S, MAX_CONNECTIONS, max_connections
from alphacrystal.web._guard import BODY_TIME_LIMIT_S

Start = Callable[..., Any]
PATIENCE_S = 240.0
TOKEN = "correct-horse-battery"  # noqa: S105


@pytest.fixture
def hanging_runs(runs: Path, finished_run: Path) -> list[str]:
    """Runs whose first structures are so large that StructureMatcher does not end on them in minutes."""
    atoms = [(x, y, z) for x in range(7) for y in range(7) for z in range(7)]
    lines = [
        "data_x",
        "_cell_length_a 30\n_cell_length_b 30.001\n_cell_length_c 30.002",
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90",
        "_symmetry_space_group_name_H-M 'P 1'",
        "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z",
    ]
    for number, (x, y, z) in enumerate(atoms):
        shift = 0.003 * (number % 7)
        lines.append(f"A{number} {'Na' if number % 2 else 'Cl'} {x / 7 + shift:.5f} {y / 7:.5f} {z / 7:.5f}")
    names = [f"large{number}" for number in range(9)]
    for name in names:
        shutil.copytree(finished_run, runs / name)
        for path in (runs / name / "structures").glob("*.cif"):
            path.write_text("\n".join([f"# {name}", *lines]) + "\n")  # no two are equal
    return names


@pytest.mark.slow
def test_comparisons_that_hang_are_refused_or_stopped_and_other_requests_answered(
    start_server: Start, hanging_runs: list[str], get_computed: Callable[..., Any]
) -> None:
    server = start_server()
    pairs = list(combinations_with_replacement(hanging_runs, 2))
    statuses: list[int] = []

    def compare(left: str, right: str) -> None:
        with httpx2.Client(base_url=server.address, timeout=300) as client:
            answer = get_computed(client, f"/api/compare?left={left}&right={right}")
            statuses.append(answer.status_code)
            if answer.status_code != 200:
                assert answer.json()["detail"].endswith((".", "minute."))

    threads = [threading.Thread(target=compare, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for _ in range(20):
        for route in (
            "/api/server",
            "/api/jobs",
            "/api/runs",
            "/api/runs/earlier",
            "/api/runs/earlier/report",
        ):
            assert server.client.get(route).status_code == 200
    for thread in threads:
        thread.join()
    assert len(statuses) == 45
    assert set(statuses) <= {200, 503, 504}
    assert statuses.count(503) >= 40
    assert get_computed(server.client, "/api/runs/earlier/structures/1/poscar").status_code == 200
    answer = get_computed(server.client, "/api/compare?left=earlier&right=earlier")
    assert (answer.status_code, answer.json()["undecided"]) == (200, 0)


def test_pool_refuses_stops_and_recovers() -> None:
    import asyncio

    async def check() -> None:
        pool = _pool.ComputePool("waiting", processes=1, waiting=1, limit_s=1.0, preload=())
        try:
            first, second = (asyncio.ensure_future(pool.run(time.sleep, seconds)) for seconds in (1000, 1001))
            await asyncio.sleep(0)  # both take their places
            with pytest.raises(OverloadedError, match="busy with waiting"):
                await pool.run(time.sleep, 1002)
            for late in (first, second):
                with pytest.raises(TimeLimitError, match="The limit of 1 s for waiting"):
                    await late
            assert await pool.run(json.dumps, [1]) == "[1]"
            with pytest.raises(_pool.InputError, match=r"cannot finish waiting"):
                await pool.run(json.loads, "{")
        finally:
            pool.close()
        with pytest.raises(OverloadedError):
            await pool.run(time.sleep, 0)

    asyncio.run(check())


def test_pool_goes_on_without_its_callers_and_shares_the_task(tmp_path: Path) -> None:
    import asyncio

    path = tmp_path / "lines"

    async def check() -> None:
        # One place: a second task for an equal call would be refused.
        pool = _pool.ComputePool("waiting", processes=1, waiting=0, limit_s=PATIENCE_S, preload=())
        call = (subprocess.getoutput, f"echo task >> '{path}'; sleep 0.5; wc -l < '{path}'")
        try:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await pool.run(*call, wait_s=0)
            given_up = asyncio.ensure_future(pool.run(*call))
            await asyncio.sleep(0)
            given_up.cancel()  # as the server does when a visitor closes the connection
            assert await asyncio.gather(pool.run(*call), pool.run(*call, wait_s=PATIENCE_S)) == ["1", "1"]
            assert await pool.run(*call, wait_s=0) == "1"
        finally:
            pool.close()

    asyncio.run(check())


@pytest.mark.parametrize(("memory_s", "tasks"), [(3600.0, 1), (0.0, 3)])
def test_pool_remembers_a_failure_for_a_while(tmp_path: Path, memory_s: float, tasks: int) -> None:
    import asyncio

    path = tmp_path / "lines"

    async def check() -> None:
        pool = _pool.ComputePool(
            "waiting", processes=1, waiting=0, limit_s=PATIENCE_S, preload=(), failure_memory_s=memory_s
        )
        try:
            for _ in range(3):
                with pytest.raises(_pool.InputError, match=r"cannot finish waiting .*exit status 3"):
                    await pool.run(subprocess.check_output, ["sh", "-c", f"echo task >> '{path}'; exit 3"])
        finally:
            pool.close()

    asyncio.run(check())
    assert len(path.read_text().splitlines()) == tasks


Connect = Callable[..., socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function of (server, first bytes) that opens a connection; it is closed after the test."""
    connections: list[socket.socket] = []

    def open_one(server: Any, text: bytes = b"") -> socket.socket:
        host, _, port = server.address.removeprefix("http://").partition(":")
        connections.append(socket.create_connection((host, int(port)), timeout=120))
        connections[-1].sendall(text)
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


def is_closed(connection: socket.socket) -> bool:
    """Wait for the server to close a connection."""
    try:
        while connection.recv(4096):
            pass
    except (ConnectionError, TimeoutError) as error:
        return not isinstance(error, TimeoutError)
    return True


def test_idle_sockets_keep_nobody_out(start_server: Start, connect: Connect) -> None:
    server = start_server("--token", TOKEN)
    for number in range(MAX_CONNECTIONS + 100):
        connect(server, b"GET /api/runs HTTP/1.1\r\n" if number % 2 else b"")
        if number % 100 == 99:
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                assert client.get("/api/runs").status_code == 401
    with httpx2.Client(base_url=server.address, timeout=60) as client:
        answer = client.get("/api/runs", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.json()["total"]) == (200, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
        (b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n", b" "),
        (
            b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\n \r\n",
        ),
        (b"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n", b" "),
    ],
    ids=["silent", "slow head", "slow body", "slow chunks", "body of a refused request"],
)
def test_slow_requests_are_closed(start_server: Start, connect: Connect, begin: bytes, drop: bytes) -> None:
    server = start_server("--token", TOKEN)
    connection = connect(server, begin)
    opened = time.monotonic()
    try:
        while time.monotonic() - opened < 2 * (ARRIVAL_S + BODY_TIME_LIMIT_S):
            time.sleep(0.5)
            connection.sendall(drop)
            if not drop:
                break
    except ConnectionError:
        pass
    else:
        assert is_closed(connection)
    assert server.client.get("/").status_code == 200


@pytest.mark.slow
def test_answer_that_nobody_takes_is_dropped(start_server: Start, connect: Connect, runs: Path) -> None:
    server = start_server()
    (runs / "earlier" / "report.html").write_bytes(b" " * 50_000_000)
    connection = connect(server, b"GET /api/runs/earlier/report HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(_connections.STALL_S + 5)
    assert is_closed(connection)
    assert server.client.get("/api/runs").status_code == 200


def test_limit_of_connections_leaves_descriptors_for_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((256, 28), (1024, 400), (10**6, 400), (64, 10)):
        monkeypatch.setattr("resource.getrlimit", lambda _, files=files: (files, files))
        assert max_connections() == most


@pytest.mark.slow
def test_many_visitors_at_once_are_all_answered(start_server: Start) -> None:
    server = start_server()
    routes = ["/api/server", "/api/jobs", "/api/runs", "/api/runs/earlier", "/api/runs/earlier/zip", "/"]

    def visit(number: int) -> int:
        with httpx2.Client(base_url=server.address, timeout=120) as client:
            return client.get(routes[number % len(routes)]).status_code

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(visit, range(240))) == {200}


def test_malformed_http_is_refused_without_a_line_of_the_log(start_server: Start, connect: Connect) -> None:
    server = start_server()
    for text in (
        b"\x00\x01\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"A" * 100_000 + b"\r\n\r\n",
    ):
        connection = connect(server, text)
        assert is_closed(connection)
    answer = connect(
        server, b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    )
    assert answer.recv(100).startswith(b"HTTP/1.1 400")
    lines = server.stop().splitlines()
    assert [line for line in lines if line.strip() and not line.startswith("AlphaCrystal is at")] == []
