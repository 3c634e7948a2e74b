"""Downloads from databases that speak OPTIMADE: the reference server, and one that breaks off."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal.data import OptimadeSource, _optimade, download, read_records
from alphacrystal.errors import AlphaCrystalError, InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Textbook = Callable[[str], "Structure"]
NAMES = ("halite", "fluorite", "rutile", "copper", "sphalerite")


def entry(name: str, structure: Structure) -> dict[str, Any]:
    """A structure as OPTIMADE tells it."""
    symbols = [site.specie.symbol for site in structure]
    elements = sorted(set(symbols))
    return {
        "type": "structures",
        "id": name,
        "attributes": {
            "last_modified": "2026-01-01T00:00:00Z",
            "elements": elements,
            "nelements": len(elements),
            "elements_ratios": [symbols.count(symbol) / len(symbols) for symbol in elements],
            "chemical_formula_descriptive": structure.composition.reduced_formula,
            "chemical_formula_reduced": "".join(structure.composition.alphabetical_formula.split()),
            "chemical_formula_anonymous": "A",
            "dimension_types": [1, 1, 1],
            "nperiodic_dimensions": 3,
            "lattice_vectors": structure.lattice.matrix.tolist(),
            "cartesian_site_positions": structure.cart_coords.tolist(),
            "nsites": len(symbols),
            "species": [
                {"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]} for symbol in elements
            ],
            "species_at_sites": symbols,
            "structure_features": [],
            "_exmpl_energy": -1.5,
        },
    }


def disordered(textbook: Textbook) -> dict[str, Any]:
    mixed = entry("alloy", textbook("copper"))
    mixed["attributes"]["species"] = [
        {"name": "Cu", "chemical_symbols": ["Cu", "Au"], "concentration": [0.5, 0.5]}
    ]
    mixed["attributes"]["structure_features"] = ["disorder"]
    return mixed


class Pages(ThreadingHTTPServer):
    """Tells the entries two a page; breaks off as it is told."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.entries = entries
        self.asked: list[str] = []
        self.refusals: list[int] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Pages)
        server.asked.append(self.path)
        if server.refusals and (status := server.refusals.pop(0)):
            told: dict[str, Any] = {"errors": [{"detail": "not\nnow."}]}
        elif self.path.startswith("/v1/info"):
            status, told = 200, {"data": {"attributes": {"available_licenses": ["CC-BY-4.0"]}}, "meta": {}}
        else:
            start = int(self.path.rpartition("offset=")[2]) if "offset=" in self.path else 0
            following = start + 2
            more = following < len(server.entries)
            status = 200
            told = {
                "data": server.entries[start:following],
                "links": {"next": {"href": f"/v1/structures?offset={following}"} if more else None},
                "meta": {"data_returned": len(server.entries)},
            }
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def pages(textbook: Textbook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(_optimade, "_PAUSE_S", 0.01)
    entries = [entry(name, textbook(name)) for name in NAMES]
    server = Pages([*entries[:2], disordered(textbook), *entries[2:]])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetch_all(source: OptimadeSource, out: Path, *, resume: bool = False) -> tuple[int, int]:
    came = download(
        out, {"first": source.first()}, source.first(), lambda at: source.page(at, "CC-BY-4.0"), resume=resume
    )
    return came.records, came.skipped


def test_pages_are_followed_and_disorder_is_left_out(
    pages: Pages, tmp_path: Path, textbook: Textbook
) -> None:
    source = OptimadeSource(pages.address, formation_energy="_exmpl_energy")
    assert source.licence() == "CC-BY-4.0"
    assert fetch_all(source, tmp_path / "all.jsonl.gz") == (5, 1)
    records = list(read_records(tmp_path / "all.jsonl.gz"))
    for name, record in zip(NAMES, records, strict=True):
        assert StructureMatcher().fit(record.structure(), textbook(name))
        assert record.id == f"127.0.0.1:{pages.server_port}:{name}"
        assert record.source == f"{pages.address}/v1/structures/{name}"
        assert (record.e_form, record.licence) == (-1.5, "CC-BY-4.0")
        assert record.energy_source == f"127.0.0.1:{pages.server_port}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.jsonl.gz"]


def test_busy_server_is_asked_again(pages: Pages, tmp_path: Path) -> None:
    pages.refusals = [0, 503, 429, 0, 504]
    assert fetch_all(OptimadeSource(pages.address), tmp_path / "all.jsonl") == (5, 1)
    assert len(pages.asked) == 3 + 3


def test_download_that_broke_off_goes_on_at_its_page(pages: Pages, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    source = OptimadeSource(pages.address)
    pages.refusals = [0, *([503] * _optimade.TRIES)]
    with pytest.raises(AlphaCrystalError, match=r"did not answer in 5 tries \(status 503\)"):
        fetch_all(source, out)
    assert not out.exists()
    with out.with_name("all.jsonl.partial").open("ab") as stream:
        stream.write(b'{"id": "torn')  # as a kill in the middle of a page leaves it
    with pytest.raises(InputError, match="go on with --resume"):
        fetch_all(source, out)
    with pytest.raises(InputError, match="asked for something else"):
        fetch_all(OptimadeSource(pages.address, "nsites<=3"), out, resume=True)
    pages.asked.clear()
    assert fetch_all(source, out, resume=True) == (5, 1)
    assert [path.rpartition("=")[2] for path in pages.asked] == ["2", "4"]
    assert [record.id.rpartition(":")[2] for record in read_records(out)] == list(NAMES)


def test_refusal_is_told_in_one_sentence(pages: Pages) -> None:
    pages.refusals = [400]
    with pytest.raises(InputError, match=r"refused the question \(status 400\): not now\."):
        OptimadeSource(pages.address).licence()
    with pytest.raises(InputError, match="is no web address"):
        OptimadeSource("ftp://example.org").first()


def test_source_without_crystals_leaves_no_file(pages: Pages, tmp_path: Path, textbook: Textbook) -> None:
    pages.entries = [disordered(textbook)]
    with pytest.raises(InputError, match="has no ordered crystal that fits"):
        fetch_all(OptimadeSource(pages.address), tmp_path / "all.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def reference_server(tmp_path: Path, textbook: Textbook) -> Iterator[str]:
    """The server of the package optimade, on five textbook crystals."""
    pytest.importorskip("optimade.server")
    pytest.importorskip("mongomock")
    lines = [{"x-optimade": {"meta": {"api_version": "1.2.0"}}}, *(entry(n, textbook(n)) for n in NAMES)]
    stored = tmp_path / "entries.jsonl"
    stored.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "optimade.json"
    config.write_text(
        json.dumps(
            {
                "insert_from_jsonl": str(stored),
                "insert_test_data": False,
                "database_backend": "mongomock",
                "page_limit": 2,
                "log_dir": str(tmp_path / "logs"),
            }
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "optimade.server.main:app", "--port", str(port)],
        env=os.environ | {"OPTIMADE_CONFIG_FILE": str(config)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            assert process.poll() is None, "the server does not start"
            try:
                if requests.get(f"{address}/v1/info", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


def test_reference_server_of_optimade(reference_server: str, tmp_path: Path, textbook: Textbook) -> None:
    source = OptimadeSource(reference_server, 'elements HAS ANY "O","F","Zn" AND nsites<=12', page_limit=2)
    assert fetch_all(source, tmp_path / "some.jsonl") == (3, 0)
    records = {record.id.rpartition(":")[2]: record for record in read_records(tmp_path / "some.jsonl")}
    assert set(records) == {"fluorite", "rutile", "sphalerite"}
    for name, record in records.items():
        assert StructureMatcher().fit(record.structure(), textbook(name))
    assert source.licence() is None  # the server would look a licence up in the internet
    with pytest.raises(InputError, match="refused the question"):
        fetch_all(OptimadeSource(reference_server, "elements HAS HAS"), tmp_path / "none.jsonl")
