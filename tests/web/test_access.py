"""Who may come in, and what requests from elsewhere can do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alphacrystal.errors import InputError
from alphacrystal.web import ServeSettings, create_app

TOKEN = "correct-horse-battery"  # noqa: S105
QUICK = {"formula": "NaCl", "relax": False, "candidates": 3}
EVERYWHERE = "0.0.0.0"  # noqa: S104
Open = Callable[..., TestClient]


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.5", "example.org"])
def test_other_machines_need_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match="--token"):
        create_app(ServeSettings(folder=tmp_path, host=host))


@pytest.mark.parametrize("token", ["", "short", "sixteen letters\n", "schlüssel-zum-haus"])
def test_token_that_can_be_guessed_or_not_be_sent_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(InputError, match="at least 16"):
        create_app(ServeSettings(folder=tmp_path, token=token))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/server"),
        ("GET", "/api/jobs"),
        ("POST", "/api/jobs"),
        ("GET", "/api/runs"),
        ("GET", "/api/runs/earlier"),
        ("GET", "/api/runs/earlier/zip"),
        ("GET", "/api/runs/earlier/report"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/compare?left=earlier&right=earlier"),
        ("GET", "//api/runs"),
        ("GET", "/api/session/../runs"),
    ],
)
def test_nothing_of_the_runs_is_seen_without_the_token(open_server: Open, method: str, path: str) -> None:
    client = open_server(host=EVERYWHERE, token=TOKEN)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": "a=b; ;;"}):
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert "earlier" not in answer.text
    assert client.get("/api/runs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_page_exchanges_the_token_for_a_cookie(open_server: Open) -> None:
    client = open_server(host=EVERYWHERE, token=TOKEN)
    assert client.get("/").status_code == 200
    assert client.get("/assets/page.js").status_code == 200
    assert client.post("/api/session", json={"token": "wrong"}).status_code == 403
    assert client.get("/api/runs").status_code == 401
    answer = client.post("/api/session", json={"token": TOKEN})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert client.get("/api/runs").status_code == 200
    client.delete("/api/session")
    assert client.get("/api/runs").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8765", "", "[::1"])
def test_name_that_another_site_made_point_here_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "[::1]:8765"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_page_of_another_site_cannot_start_jobs(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/jobs", json=QUICK, headers=headers).status_code == 403
    assert client.get("/api/jobs").json() == []


def test_form_of_another_site_cannot_start_jobs(client: TestClient) -> None:
    text = '{"formula": "NaCl", "relax": false}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert client.post("/api/jobs", content=text, headers={"Content-Type": kind}).status_code == 422
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize(
    "path", ["/", "/api/runs", "/api/none", "/assets/page.css", "/api/runs/earlier/report"]
)
def test_every_answer_carries_the_policies(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_page_names_nothing_outside_of_the_server(client: TestClient) -> None:
    texts = [client.get("/").text]
    for name in (
        "serve.css",
        "page.css",
        "page.js",
        "api.js",
        "jobs.js",
        "runs.js",
        "show.js",
        "compare.js",
        "explore.js",
        "form.js",
        "inputs.js",
        "series.js",
    ):
        answer = client.get(f"/assets/{name}")
        assert answer.status_code == 200
        texts.append(answer.text)
    assert not [text for text in texts if "http:" in text or "https:" in text or "innerHTML" in text]
    assert " on" not in texts[0].replace(" on</", "").replace("one ", "")  # no inline event handlers
    assert "style=" not in texts[0]
