"""What `alphacrystal serve` refuses before it listens; what it serves: tests/web."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize("package", ["fastapi", "starlette", "uvicorn"])
def test_missing_package_is_a_hint(run: Run, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    for name in [name for name in sys.modules if name.startswith(("alphacrystal.web", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    outcome = run("serve")
    assert outcome.code == 2
    assert outcome.sentence == "The web page needs more packages: pip install 'alphacrystal[web]'."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "192.0.2.1"], "Listening on 192.0.2.1 gives other machines access and needs a token"),
        (["--token", "short"], "A token needs at least 16"),
        (
            ["--host", "no.such.host.invalid", "--token", "x" * 20],
            "Cannot listen on no.such.host.invalid port",
        ),
        (["--host", "203.0.113.7", "--token", "x" * 20], "Cannot listen on 203.0.113.7 port"),
        (["--minutes", "0"], "--minutes and --disk-mb take positive numbers"),
        (["--disk-mb", "nan"], "--minutes and --disk-mb take positive numbers"),
        (["--folder", "file"], "The folder "),
    ],
)
def test_settings_that_cannot_work_are_refused(run: Run, options: list[str], sentence: str) -> None:
    Path("file").write_text("")
    outcome = run("serve", *options)
    assert outcome.code == 2
    assert outcome.sentence.startswith(sentence)


def test_port_in_use_is_refused(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = run("serve", "--port", taken.getsockname()[1])
    assert outcome.code == 2
    assert "choose another --port" in outcome.sentence
