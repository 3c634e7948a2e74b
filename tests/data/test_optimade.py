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
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal.data import OptimadeSource, _http, download, read_records
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
    """Serves two entries a page; breaks off on request."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.entries = entries
        self.paths: list[str] = []
        self.refusals: list[int] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Pages)
        server.paths.append(self.path)
        if server.refusals and (status := server.refusals.pop(0)):
            document: dict[str, Any] = {"errors": [{"detail": "not\nnow."}]}
        elif self.path.startswith("/v1/info"):
            status, document = (
                200,
                {"data": {"attributes": {"available_licenses": ["CC-BY-4.0"]}}, "meta": {}},
            )
        else:
            start = int(self.path.rpartition("offset=")[2]) if "offset=" in self.path else 0
            following = start + 2
            more = following < len(server.entries)
            status = 200
            document = {
                "data": server.entries[start:following],
                "links": {"next": {"href": f"/v1/structures?offset={following}"} if more else None},
                "meta": {"data_returned": len(server.entries)},
            }
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name http.server gives it
        """Quiet."""


@pytest.fixture
def pages(textbook: Textbook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(_http, "_PAUSE_S", 0.01)
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


def test_busy_server_is_queried_again(pages: Pages, tmp_path: Path) -> None:
    pages.refusals = [0, 503, 429, 0, 504]
    assert fetch_all(OptimadeSource(pages.address), tmp_path / "all.jsonl") == (5, 1)
    assert len(pages.paths) == 3 + 3


def test_download_that_broke_off_goes_on_at_its_page(pages: Pages, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    source = OptimadeSource(pages.address)
    pages.refusals = [0, *([503] * _http.TRIES)]
    with pytest.raises(AlphaCrystalError, match=r"did not answer in 5 tries \(status 503\)"):
        fetch_all(source, out)
    assert not out.exists()
    with out.with_name("all.jsonl.partial").open("ab") as stream:
        stream.write(b'{"id": "torn')  # as a kill in the middle of a page leaves it
    with pytest.raises(InputError, match="continue with --resume"):
        fetch_all(source, out)
    with pytest.raises(InputError, match="had another request"):
        fetch_all(OptimadeSource(pages.address, "nsites<=3"), out, resume=True)
    pages.paths.clear()
    assert fetch_all(source, out, resume=True) == (5, 1)
    assert [path.rpartition("=")[2] for path in pages.paths] == ["2", "4"]
    assert [record.id.rpartition(":")[2] for record in read_records(out)] == list(NAMES)


def test_refusal_is_one_sentence(pages: Pages) -> None:
    pages.refusals = [400]
    with pytest.raises(InputError, match=r"refused the request \(status 400\): not now\."):
        OptimadeSource(pages.address).licence()
    with pytest.raises(InputError, match="is no web address"):
        OptimadeSource("ftp://example.org").first()


def test_source_without_crystals_leaves_no_file(pages: Pages, tmp_path: Path, textbook: Textbook) -> None:
    pages.entries = [disordered(textbook)]
    with pytest.raises(InputError, match="has no ordered crystal that fits"):
        fetch_all(OptimadeSource(pages.address), tmp_path / "all.jsonl")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def serving(entries: list[dict[str, Any]], folder: Path, page_limit: int) -> Iterator[str]:
    """The address of a server of the package optimade with these entries."""
    pytest.importorskip("optimade.server", reason="needs the extra optimade-server")
    pytest.importorskip("mongomock", reason="needs the extra optimade-server")
    stored = folder / "entries.jsonl"
    lines = [{"x-optimade": {"meta": {"api_version": "1.2.0"}}}, *entries]
    stored.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "optimade.json"
    config.write_text(
        json.dumps(
            {
                "insert_from_jsonl": str(stored),
                "insert_test_data": False,
                "database_backend": "mongomock",
                "page_limit": page_limit,
                "log_dir": str(folder / "logs"),
                "provider": {"prefix": "exmpl", "name": "Example", "description": "A test."},
                "provider_fields": {"structures": [{"name": "energy", "type": "float", "description": "eV"}]},
            }
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "optimade.server.main:app", "--port", str(port)],
        env=os.environ | {"OPTIMADE_CONFIG_FILE": str(config)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
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


@pytest.fixture
def reference_server(tmp_path: Path, textbook: Textbook) -> Iterator[str]:
    """The server of the package optimade, on five textbook crystals."""
    with serving([entry(name, textbook(name)) for name in NAMES], tmp_path, 2) as address:
        yield address


def test_reference_server_of_optimade(reference_server: str, tmp_path: Path, textbook: Textbook) -> None:
    source = OptimadeSource(reference_server, 'elements HAS ANY "O","F","Zn" AND nsites<=12', page_limit=2)
    assert fetch_all(source, tmp_path / "some.jsonl") == (3, 0)
    records = {record.id.rpartition(":")[2]: record for record in read_records(tmp_path / "some.jsonl")}
    assert set(records) == {"fluorite", "rutile", "sphalerite"}
    for name, record in records.items():
        assert StructureMatcher().fit(record.structure(), textbook(name))
    assert source.licence() is None  # the server would look a licence up in the internet
    with pytest.raises(InputError, match="refused the request"):
        fetch_all(OptimadeSource(reference_server, "elements HAS HAS"), tmp_path / "none.jsonl")


CATIONS = {
    "Li": 0.8,
    "Na": 1.0,
    "K": 1.4,
    "Rb": 1.5,
    "Mg": 0.7,
    "Ca": 1.0,
    "Sr": 1.2,
    "Ba": 1.4,
}  # radii in Å
ANIONS = {"F": 1.3, "Cl": 1.8, "Br": 2.0, "I": 2.2, "O": 1.4, "S": 1.8, "Se": 2.0, "Te": 2.2}


def rock_salts() -> dict[str, Structure]:
    """Rock salts of plausible size in their primitive cells, by formula."""
    from pymatgen.core import Lattice, Structure

    found = {}
    for (cation, small), (anion, large) in product(CATIONS.items(), ANIONS.items()):
        d = small + large
        lattice = Lattice([[0, d, d], [d, 0, d], [d, d, 0]])
        found[cation + anion] = Structure(lattice, [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return found


@pytest.mark.parametrize("source", ["optimade", pytest.param("files", marks=pytest.mark.slow)])
def test_what_data_build_writes_is_taken_as_it_is(
    run: Callable[..., Any], source: str, tmp_path: Path
) -> None:
    """From a database or a folder to records, and from these to weights, candidates and a hull."""

    def command(*arguments: object) -> str:
        outcome = run(*arguments)
        assert outcome.code == 0, outcome.err
        return str(outcome.out)

    crystals = rock_salts()
    out = "built.jsonl.gz"
    if source == "optimade":
        entries = [entry(name, structure) for name, structure in crystals.items()]
        for document in entries:  # the reference server keeps its own fields without their prefix
            document["attributes"]["energy"] = document["attributes"].pop("_exmpl_energy")
        with serving(entries, tmp_path, 20) as address:
            options = ("--source", source, "--formation-energy-field", "_exmpl_energy")
            said = command("data", "build", address, *options, "--out", out)
    else:
        folder = tmp_path / "crystals"
        folder.mkdir()
        for name, structure in crystals.items():
            structure.to(str(folder / f"{name}.cif"))
        said = command("data", "build", "crystals", "--out", out)
    assert said == f"64 records written to {out}\n"

    stats = json.loads(command("data", "stats", out, "--plot", "drawn", "--json"))
    assert stats["counts"]["structures"] == stats["counts"]["distinct formulas"] == 64
    assert stats["counts"]["split val"] >= 1
    assert stats["counts"]["with a formation energy"] == (64 if source == "optimade" else 0)
    assert {path.suffix for path in tmp_path.glob("drawn.*")} == {".png", ".svg"}

    command("train", "lattice", "--data", out, "--out", "lattice run", "--epochs", "1")
    assert (tmp_path / "lattice run" / "lattice.safetensors").is_file()

    library = ("--generators", "template", "--templates", out, "--candidates", "2", "--out", "run")
    relax = ("--hull", out, "--steps", "5", "--workers", "1")
    (run,) = [json.loads(command("predict", "RbCl", *library, *relax, "--json"))]
    best = run["rows"][0]
    assert (best["space_group_number"], best["generator"]) == (225, "template")
    assert best["energy_above_hull_per_atom_ev"] is not None
    assert run["hull_reference"].startswith(out)
