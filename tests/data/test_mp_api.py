"""The Materials Project's own schema and client, where they are installed (the extra materials-project).

Cell, space group and versions of mp-149 are those that the Materials Project gave on 2022-10-05 (CC BY 4.0,
doi:10.1063/1.4812323); the other two documents, mp-900001 and mp-900002, are made up in the same form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import read_records, record_of_document
from alphacrystal.data._materials_project import FIELDS

emmet = pytest.importorskip("emmet.core.summary", reason="needs emmet-core: the extra materials-project")


def primitive(symbols: list[str], edge: float, second: float) -> Structure:
    """Two atoms in the primitive cell of a face-centred lattice with a conventional edge in Å."""
    half = edge / 2
    lattice = Lattice([[0, half, half], [half, 0, half], [half, half, 0]])
    return Structure(lattice, symbols, [[0, 0, 0], [second] * 3])


def document(
    name: str, structure: Structure, group: tuple[str, int], e_form: float, **built: str
) -> dict[str, Any]:
    symbol, number = group
    return {
        "material_id": name,
        "structure": structure.as_dict(),
        "formation_energy_per_atom": e_form,
        "energy_above_hull": 0.0,
        "theoretical": False,
        "symmetry": {"crystal_system": "Cubic", "symbol": symbol, "number": number, "symprec": 0.1},
        "builder_meta": {
            "emmet_version": "0.36.9",
            "pymatgen_version": "2022.4.19",
            "database_version": "2022.10.5",
            "build_date": "2022-10-05T22:00:26.541000",
            **built,
        },
    }


DOCUMENTS = [
    document("mp-149", primitive(["Si", "Si"], 2 * 2.73436, 0.25), ("Fd-3m", 227), 0.0),
    document("mp-900001", primitive(["Na", "Cl"], 5.69, 0.5), ("Fm-3m", 225), -2.0, license="BY-C"),
    document("mp-900002", primitive(["Mg", "O"], 4.25, 0.5), ("Fm-3m", 225), -3.0, license="BY-NC"),
]


def test_fields_requested_are_fields_of_the_summary_document() -> None:
    """The client refuses to ask for others."""
    assert set(FIELDS) <= set(emmet.SummaryDoc.model_fields)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document["material_id"]))
def test_documents_of_the_tests_have_the_schema_of_emmet(document: dict[str, Any]) -> None:
    found = emmet.SummaryDoc.model_validate(document)
    assert found.symmetry.number == document["symmetry"]["number"]
    assert found.builder_meta.database_version == "2022.10.5"
    # What emmet writes becomes the same record as what the tests wrote, but for the spelling of its id.
    written = json.loads(found.model_dump_json(include=set(FIELDS))) | {
        "material_id": document["material_id"]
    }
    assert record_of_document(written) == record_of_document(document)


class MaterialsProject(ThreadingHTTPServer):
    """The two addresses of the Materials Project's API, on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.queries: list[dict[str, list[str]]] = []


class Answer(BaseHTTPRequestHandler):
    server: MaterialsProject

    def do_GET(self) -> None:
        place = urlparse(self.path)
        if place.path.startswith("/heartbeat"):
            self._say(
                {
                    "status": "OK",
                    "version": "0.86.0",
                    "db_version": "2022.10.5",
                    "access_controlled_batch_ids": [],
                }
            )
            return
        query = parse_qs(place.query)
        self.server.queries.append(query)
        wanted = query.get("material_ids", [",".join(str(item["material_id"]) for item in DOCUMENTS)])[
            0
        ].split(",")
        begin = int(query.get("_skip", ["0"])[0])
        fields = query["_fields"][0].split(",")
        found = [
            {field: item.get(field) for field in fields}
            for item in DOCUMENTS
            if item["material_id"] in wanted
        ]
        self._say(
            {"data": found[begin:], "meta": {"total_doc": len(found), "time_stamp": "2026-01-01T00:00:00"}}
        )

    def _say(self, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def project() -> Iterator[MaterialsProject]:
    with MaterialsProject() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def build(folder: Path, port: int, key: str = "k" * 32) -> subprocess.CompletedProcess[str]:
    command = "import sys; sys.argv[0] = 'alphacrystal'; from alphacrystal.cli import main; main()"
    options = ["--source", "materials-project", "--out", "mp.jsonl", "--max-atoms", "4"]
    own = {"MP_API_KEY": key, "MP_API_ENDPOINT": f"http://127.0.0.1:{port}/", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", command, "data", "build", *options],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_client_of_the_materials_project_downloads_records(project: MaterialsProject, tmp_path: Path) -> None:
    pytest.importorskip("mp_api.client", reason="needs mp-api: the extra materials-project")
    done = build(tmp_path, project.server_port)
    assert (done.returncode, done.stdout) == (0, "3 records written to mp.jsonl\n"), done.stderr
    records = {record.id: record for record in read_records(tmp_path / "mp.jsonl")}
    assert {name: record.reduced_formula for name, record in records.items()} == {
        "mp-149": "Si",
        "mp-900001": "NaCl",
        "mp-900002": "MgO",
    }
    assert records["mp-900002"].licence == "CC-BY-NC-4.0"
    assert records["mp-149"].energy_source == "Materials Project 2022.10.5"
    assert records["mp-149"].spacegroup_number == 227
    first, second = project.queries[0], project.queries[-1]
    assert (first["deprecated"], first["nsites_max"]) == (["False"], ["4"])
    assert set(second["_fields"][0].split(",")) == set(FIELDS)


def test_wrong_key_and_a_server_that_is_away_are_sentences(tmp_path: Path) -> None:
    pytest.importorskip("mp_api.client", reason="needs mp-api: the extra materials-project")
    done = build(tmp_path, 9, key="short")
    assert done.returncode == 2
    assert "Error: The key in MP_API_KEY cannot be used" in done.stderr
    done = build(tmp_path, 9)  # nobody listens there
    assert done.returncode == 1
    assert "Error: The Materials Project refused or did not answer" in done.stderr
    assert "Traceback" not in done.stderr
