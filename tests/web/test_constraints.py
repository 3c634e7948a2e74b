"""Constraints and seeds of a prediction: those of the command line, with its sentences."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pymatgen.core import Structure

from alphacrystal.web import JobRequest
from alphacrystal.web._request import NewJob, command

QUICK = {"formula": "TiO2", "relax": False, "candidates": 3, "top": 3}
Open = Callable[..., TestClient]
Start = Callable[..., Any]
Wait = Callable[..., dict[str, Any]]


def upload(name: str, text: str | bytes) -> dict[str, str]:
    content = text.encode() if isinstance(text, str) else text
    return {"name": name, "content": base64.b64encode(content).decode()}


@pytest.fixture
def rutile(textbook: Callable[[str], Structure]) -> str:
    """A CIF of rutile."""
    return textbook("rutile").to(fmt="cif")


@pytest.fixture
def framework(textbook: Callable[[str], Structure]) -> str:
    """A POSCAR of the layers of LiCoO2 without lithium."""
    structure = textbook("layered oxide")
    structure.remove_species(["Li"])
    return structure.to(fmt="poscar")


def test_seeds_are_in_the_list_and_in_the_run_folder(
    client: TestClient, runs: Path, wait_for: Wait, rutile: str, textbook: Callable[[str], Structure]
) -> None:
    files = [upload("My rutile (1).cif", rutile), upload("POSCAR", textbook("anatase").to(fmt="poscar"))]
    answer = client.post("/api/jobs", json=QUICK | {"seed_structures": files, "top": 1})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["request"]["seed_names"] == ["My_rutile__1_.cif", "POSCAR"]
    assert "seed_structures" not in job["request"]
    assert (runs / job["id"] / "inputs" / "seeds" / "My_rutile__1_.cif").read_text() == rutile
    job = wait_for(client, job["id"])
    assert (job["status"], job["reason"]) == ("done", "")
    run = client.get(f"/api/runs/{job['id']}").json()
    assert {row["space_group_number"] for row in run["structures"]} >= {136, 141}
    notes = " ".join(run["notes"])
    assert "The seed structure My_rutile__1_.cif is row " in notes
    assert "The seed structure POSCAR is row " in notes
    with zipfile.ZipFile(BytesIO(client.get(f"/api/runs/{job['id']}/zip").content)) as archive:
        assert archive.read(f"{job['id']}/inputs/seeds/My_rutile__1_.cif").decode() == rutile
    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert not (runs / job["id"]).exists()


def test_known_positions_of_some_atoms(client: TestClient, wait_for: Wait, framework: str) -> None:
    answer = client.post(
        "/api/jobs", json=QUICK | {"formula": "LiCoO2", "fix_sublattice": upload("coo2.vasp", framework)}
    )
    assert answer.status_code == 201, answer.text
    job = wait_for(client, answer.json()["id"])
    assert (job["status"], job["reason"]) == ("done", "")
    rows = client.get(f"/api/runs/{job['id']}").json()["structures"]
    assert {row["generator"] for row in rows} == {"sublattice"}
    assert {row["cell_formula"] for row in rows} == {"LiCoO2"}


def test_symbols_cells_and_distances_reach_the_run(client: TestClient, runs: Path, wait_for: Wait) -> None:
    constraints = {
        "space_group": "P 42/m n m",
        "lattice": [4.59, 4.59, 2.96, 90, 90, 90],
        "lattice_tolerance": "5%",
        "min_distance": {"O-O": 2.2, "Ti-O": 1.7},
    }
    job = client.post("/api/jobs", json=QUICK | constraints).json()
    job = wait_for(client, job["id"])
    assert (job["status"], job["reason"]) == ("done", "")
    request = runs / job["id"] / "checkpoint" / "request.json"
    settings = json.loads(request.read_text())["settings"]
    assert settings["space_group"] == 136
    assert settings["lattice"] == [4.59, 4.59, 2.96, 90, 90, 90]
    assert settings["lattice_tolerance"] == 0.05
    assert settings["min_distance"] == {"O-O": 2.2, "O-Ti": 1.7}
    rows = client.get(f"/api/runs/{job['id']}").json()["structures"]
    assert {row["space_group_number"] for row in rows} == {136}


def test_settings_reach_the_process() -> None:
    request = JobRequest(
        formula="TiO2",
        space_group="cubic",
        lattice=3.9,
        lattice_tolerance=0.05,
        min_distance={"O-O": 2.2, "O-Ti": 1.7},
        rerank="chgnet-r2scan",
        rerank_steps=20,
        seed_names=("a.cif", "POSCAR"),
        framework_name="ti.vasp",
    )
    arguments = command(request, Path("runs/x"), 2, resume=False)
    for option in (
        "--space-group=cubic",
        "--lattice=3.9",
        "--lattice-tolerance=0.05",
        "--min-distance=O-O=2.2",
        "--min-distance=O-Ti=1.7",
        "--rerank-steps=20",
        "--seed-structures=runs/x/inputs/seeds/a.cif",
        "--seed-structures=runs/x/inputs/seeds/POSCAR",
        "--fix-sublattice=runs/x/inputs/framework/ti.vasp",
    ):
        assert option in arguments, option


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"space_group": "Pm-3q"}, "Pm-3q"),
        ({"space_group": 231}, "space_group"),
        ({"space_group": "Pbnm", "lattice": [5, 6, 7, 90, 90, 90]}, "give the symbol Pnma"),
        ({"space_group": "cubic", "lattice": [5, 6, 7, 90, 90, 90]}, "a cubic cell has"),
        ({"lattice": [5, 6]}, "lattice"),
        ({"lattice": 300}, "lattice"),
        ({"lattice": [1, 1, 1, 10, 10, 170]}, "do not close to a cell"),
        ({"lattice_tolerance": "5%"}, "--lattice-tolerance belongs to a cell"),
        ({"lattice": 4, "lattice_tolerance": "wide"}, "give a percentage up to 50%"),
        ({"lattice": 4, "lattice_tolerance": 2}, "lattice_tolerance"),
        ({"min_distance": {"O-O": 99}}, "give two elements and a distance"),
        ({"min_distance": {"O": 2}}, "give two elements and a distance"),
        ({"min_distance": {"Si-O": 2}}, "names Si, which TiO2 does not contain"),
        ({"rerank_steps": 5}, "name it with --rerank"),
        ({"seed_names": ["a.cif"]}, "give structure files with their contents"),
        ({"seed_structures": ["/etc/passwd"]}, "seed_structures"),
        ({"fix_sublattice": "/etc/passwd"}, "fix_sublattice"),
        ({"seed_structures": [{"name": "../a.cif", "content": ""}]}, "it is no file name"),
        ({"seed_structures": [{"name": "a.cif", "content": "no base64!"}]}, "it is not in base64"),
        ({"seed_structures": [upload("a.cif", "")] * 21}, "seed_structures"),
    ],
)
def test_impossible_constraints_are_refused(
    client: TestClient, change: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/api/jobs", json=QUICK | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []


def test_bad_structure_files_are_refused_with_the_sentence_of_the_command_line(
    start_server: Start,
    run: Any,
    runs: Path,
    tmp_path: Path,
    rutile: str,
    framework: str,
    textbook: Callable[[str], Structure],
) -> None:
    server = start_server()
    salt = textbook("halite").to(fmt="cif")
    cases: dict[str, tuple[str, str, Any]] = {
        "seed of another formula": ("seed-structures", "salt.cif", salt),
        "seed is no crystal": ("seed-structures", "a.cif", "hello\n"),
        "empty seed": ("seed-structures", "POSCAR", ""),
        "binary seed": ("seed-structures", "a.traj", bytes(range(256)) * 20),
        "complete framework": ("fix-sublattice", "all.cif", rutile),
        "framework of others": ("fix-sublattice", "salt.cif", salt),
        "framework is no crystal": ("fix-sublattice", "x.json", "[1"),
    }
    for case, (option, name, content) in cases.items():
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        file = upload(name, path.read_bytes())
        field = option.replace("-", "_")
        body = QUICK | {field: [file] if field == "seed_structures" else file}
        answer = server.client.post("/api/jobs", json=body)
        assert answer.status_code == 422, case
        outcome = run("predict", "TiO2", f"--{option}", path, "--no-relax", "--out", tmp_path / "out")
        assert outcome.code == 2, case
        sentence = outcome.err.strip().removeprefix("Error: ").replace(f"{tmp_path}/", "")
        assert answer.json()["detail"] == sentence, case
    other = server.client.post(
        "/api/jobs",
        json=QUICK | {"formula": "LiCoO2", "z": [3], "fix_sublattice": upload("coo2.vasp", framework)},
    )
    assert "The framework coo2.vasp needs Z = 1 (LiCoO2)" in other.json()["detail"]
    double = [upload("a b.cif", rutile), upload("a_b.cif", rutile)]
    answer = server.client.post("/api/jobs", json=QUICK | {"seed_structures": double})
    assert answer.json()["detail"] == "Two seed structures have the name a_b.cif: rename one of them."
    assert server.client.get("/api/jobs").json() == []
    assert [entry.name for entry in runs.iterdir() if not entry.name.startswith(".")] == ["earlier"]


def test_large_structure_files_are_refused_with_their_limit(open_server: Open, rutile: str) -> None:
    client = open_server(structures_mb=0.05)
    files = [upload(f"{number}.cif", rutile + "\n" * 30_000) for number in range(2)]
    answer = client.post("/api/jobs", json=QUICK | {"seed_structures": files})
    assert answer.status_code == 413
    assert "together larger than 0.05 MB" in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize("part", ["file", "folder"])
def test_seed_that_was_replaced_by_a_link_is_not_read(
    open_server: Open, runs: Path, tmp_path: Path, wait_for: Wait, rutile: str, part: str
) -> None:
    client = open_server()
    long = {"formula": "Ca3Al2Si3O12", "candidates": 200, "cell": "Ca3Al2Si3O12"}
    running = client.post("/api/jobs", json=long).json()["id"]
    job_id = client.post("/api/jobs", json=QUICK | {"seed_structures": [upload("a.cif", rutile)]}).json()[
        "id"
    ]
    secret = tmp_path / "seeds"
    secret.mkdir()
    (secret / "a.cif").write_text(rutile)
    seeds = runs / job_id / "inputs" / "seeds"
    (seeds / "a.cif").unlink()
    if part == "file":
        (seeds / "a.cif").symlink_to(secret / "a.cif")
    else:
        seeds.rmdir()
        seeds.symlink_to(secret)
    client.post(f"/api/jobs/{running}/cancel")
    job = wait_for(client, job_id)
    assert job["status"] == "failed"
    assert "The uploaded file a.cif is not in the run folder" in job["reason"]
    assert client.delete(f"/api/jobs/{job_id}").status_code == 204
    assert (secret / "a.cif").read_text() == rutile


@given(st.text(min_size=1, max_size=250))
def test_stored_name_is_plain(text: str) -> None:
    try:
        request = NewJob.model_validate({"formula": "TiO2", "seed_structures": [upload(text, "x")]}).request()
    except ValidationError:  # no file name at all
        return
    (name,) = request.seed_names
    assert 1 <= len(name) <= 100
    assert not name.startswith(".")
    assert name.isascii()
    assert not set(name) & set("/\\ ;'\"$`\n")
    if text.isascii() and text.replace(".", "").isalnum() and not text.startswith(".") and len(text) <= 100:
        assert name == text
