"""Names and formulas made to lead elsewhere: out of the folder, into options, into the page."""

from __future__ import annotations

import io
import json
import string
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alphacrystal.web import JobRequest
from alphacrystal.web._request import command

Wait = Callable[..., dict[str, Any]]
QUICK = {"relax": False, "candidates": 3, "top": 3}

LEADING_OUT = [
    "..",
    ".",
    ".jobs",
    "../secret",
    "..%2fsecret",
    "%2e%2e%2fsecret",
    "..\\secret",
    "earlier/../../secret",
    "earlier~..",
    "earlier~../../secret",
    "..~secret",
    "batch~../secret",
    "/etc",
    "//etc/passwd",
    "link",
    "batch~link",
    "earlier\x00",
    "earlier\n",
    "earlier%00.html",
    "~",
    "x" * 5000,
]


@pytest.fixture
def secret(runs: Path, finished_run: Path) -> Path:
    """A run outside of the folder, with links to it inside."""
    outside = runs.parent / "secret"
    outside.mkdir()
    for name in ("run.json", "summary.csv", "report.html"):
        (outside / name).write_bytes((finished_run / name).read_bytes())
    (outside / "key.txt").write_text("open sesame")
    (runs / "link").symlink_to(outside)
    (runs / "batch").mkdir()
    (runs / "batch" / "link").symlink_to(outside)
    return outside


def finds_nothing(answer: Any) -> bool:
    """No run; a client that resolves `.` and `..` itself may have asked for a list instead."""
    lists = {"/api/runs", "/api/jobs", "/api/server"}
    missing = answer.status_code in {404, 405} or answer.request.url.path in lists
    return missing and "sesame" not in answer.text


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize("rest", ["", "/report", "/zip", "/structures/1/cif", "/structures/1/poscar"])
def test_no_name_leads_out_of_the_folder(client: TestClient, secret: Path, name: str, rest: str) -> None:
    for path in (f"/api/runs/{name}{rest}", f"/api/runs/{quote(name, safe='')}{rest}"):
        try:
            answer = client.get(path)
        except httpx2.InvalidURL:  # the client itself refuses to send such an address
            continue
        assert finds_nothing(answer)
    assert client.get("/api/compare", params={"left": name, "right": "earlier"}).status_code in {404, 422}
    assert [run["id"] for run in client.get("/api/runs").json()["runs"]] == ["earlier"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=st.sampled_from("./\\~%2eEfF\0 \nabsecret"), max_size=30))
@example(name="..")
def test_random_names_find_nothing(client: TestClient, secret: Path, name: str) -> None:
    for kind in ("runs", "jobs"):
        answer = client.get(f"/api/{kind}/{quote(name, safe='')}")
        assert finds_nothing(answer)


@pytest.mark.parametrize(
    "target", ["../../secret/key.txt", "/etc/hostname", "leak.cif", "structures", "\0", ""]
)
def test_table_of_a_foreign_run_cannot_hand_out_other_files(
    client: TestClient, runs: Path, secret: Path, target: str
) -> None:
    (runs / "earlier" / "leak.cif").symlink_to(secret / "key.txt")
    table = (runs / "earlier" / "summary.csv").read_text().splitlines()
    file = table[1].split(",")[1]
    (runs / "earlier" / "summary.csv").write_text(
        "\n".join([table[0], table[1].replace(file, target)]) + "\n"
    )
    answer = client.get("/api/runs/earlier/structures/1/cif")
    assert answer.status_code in {404, 422}
    assert "sesame" not in answer.text
    archive = zipfile.ZipFile(io.BytesIO(client.get("/api/runs/earlier/zip").content))
    assert "earlier/leak.cif" not in archive.namelist()


@pytest.mark.parametrize(
    "name", ['<img src=x onerror="alert(1)">', 'a"; filename="b', "Zr₄Al₃", " spaces ", "-x", "a+b"]
)
def test_any_folder_name_is_data(client: TestClient, runs: Path, name: str) -> None:
    (runs / "earlier").rename(runs / name)
    (run,) = client.get("/api/runs").json()["runs"]
    assert run["id"] == name
    answer = client.get(f"/api/runs/{quote(name, safe='')}/zip")
    assert answer.status_code == 200
    header = answer.headers["content-disposition"]
    assert (
        header.removeprefix('attachment; filename="')
        .rstrip('"')
        .strip(string.ascii_letters + string.digits + "._-")
        == ""
    )
    entries = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert entries
    for entry in entries:
        assert not entry.startswith(("/", ".."))


def test_folder_name_that_is_no_text_is_passed_over(client: TestClient, runs: Path) -> None:
    try:
        (runs / "earlier").rename(runs / "\udcff")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes no such name")
    assert client.get("/api/runs").json() == {"total": 0, "runs": []}


@pytest.mark.parametrize(
    "formula",
    [
        "--help",
        "--out=elsewhere",
        "-NaCl",
        "--models=/etc",
        "NaCl --out elsewhere",
        "NaCl; touch hacked",
        "$(touch hacked)",
        "`touch hacked`",
        "NaCl\n--out=x",
        "../../NaCl",
        "<script>alert(1)</script>",
        "NaCl\x00",
        "\ud800",
    ],
)
def test_formula_is_never_an_option_a_command_or_a_path(client: TestClient, runs: Path, formula: str) -> None:
    body = json.dumps(QUICK | {"formula": formula})
    answer = client.post("/api/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert client.get("/api/jobs").json() == []
    assert sorted(path.name for path in runs.iterdir()) == [".jobs", "earlier"]


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_texts_of_a_request_stay_single_arguments(formula: str, cell: str) -> None:
    arguments = command(JobRequest(formula=formula, cell=cell), Path("runs/x"), 2, resume=False)
    assert arguments[-2:] == ["--", formula]
    assert arguments.count("--") == 1 + (formula == "--")
    assert f"--cell={cell}" in arguments


def test_run_folder_of_a_formula_with_brackets_has_a_plain_name(client: TestClient, wait_for: Wait) -> None:
    job = client.post("/api/jobs", json=QUICK | {"formula": "Ca(OH)2", "candidates": 1}).json()
    assert set(job["id"]) <= set(string.ascii_letters + string.digits + "-")
    client.post(f"/api/jobs/{job['id']}/cancel")
    wait_for(client, job["id"])


def test_damaged_state_files_do_not_keep_the_server_from_starting(
    open_server: Callable[..., TestClient], runs: Path
) -> None:
    jobs = runs / ".jobs"
    jobs.mkdir()
    (jobs / "a.json").write_text("{")
    (jobs / "b.json").write_bytes(b"\xff\x00")
    (jobs / "c.json").write_text('{"id": "../../x"}')
    client = open_server()
    assert {(job["id"], job["status"]) for job in client.get("/api/jobs").json()} == {
        ("a", "damaged"),
        ("b", "damaged"),
        ("c", "damaged"),
    }
    assert client.delete("/api/jobs/a").status_code == 204
    assert not (jobs / "a.json").exists()
    assert client.post("/api/jobs/b/resume").status_code == 409
