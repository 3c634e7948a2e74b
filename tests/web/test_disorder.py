"""Disordered crystals on the page: uploads, the facts of the result, and refusals in one sentence."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

CIF = """data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_disorder_group
{sites}
"""
CU3AU = CIF.format(a=3.77, group="F m -3 m", sites="M Cu 0 0 0 0.75 .\nM Au 0 0 0 0.25 .")
GROUPS = CIF.format(
    a=5,
    group="P -1",
    sites="Na1 Na 0 0 0 1 .\nO1 O .45 .5 .5 .5 -1\nH1 H .3 .5 .55 .5 -1",
)
LAMNO3 = CIF.format(a=3.9, group="P m -3 m", sites="La La 0 0 0 1 .\nMn Mn .5 .5 .5 1 .\nO O .5 .5 0 1 .")
QUICK = {"relax": False, "candidates": 3, "order_max_atoms": 4}
Wait = Callable[..., dict[str, Any]]


def upload(name: str, text: str) -> dict[str, str]:
    return {"name": name, "content": b64encode(text.encode()).decode()}


def test_a_disordered_crystal_needs_no_formula(client: TestClient, runs: Path, wait_for: Wait) -> None:
    answer = client.post("/api/jobs", json=QUICK | {"disordered": upload("my Cu3Au.cif", CU3AU)})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["formula"], job["request"]["disordered_name"]) == ("Cu3Au", "my_Cu3Au.cif")
    job = wait_for(client, job["id"])
    assert (job["status"], job["reason"]) == ("done", "")
    shown = client.get(f"/api/runs/{job['id']}").json()
    (item,) = shown["disorder"]
    assert (item["parent"], item["orderings"], item["kept"]) == ("my_Cu3Au.cif", 7, 3)
    assert item["sites"][0]["occupancies"] == {"Cu": 0.75, "Au": 0.25}
    assert [row["parent"] for row in shown["structures"]] == ["my_Cu3Au.cif"] * 3
    assert any("entropy of ideal mixing is 0.562 k_B" in note for note in shown["notes"])
    assert (runs / job["id"] / "inputs" / "disordered" / "my_Cu3Au.cif").read_text() == CU3AU


def test_disorder_groups_are_part_of_the_result(client: TestClient, wait_for: Wait) -> None:
    job = client.post("/api/jobs", json=QUICK | {"disordered": upload("x.cif", GROUPS)}).json()
    assert wait_for(client, job["id"])["status"] == "done"
    (assembly,) = client.get(f"/api/runs/{job['id']}").json()["disorder"][0]["assemblies"]
    (group,) = assembly["groups"]
    assert (group["name"], group["images"], group["occupancy"]) == ("-1", 2, 1.0)


def test_a_solid_solution_and_an_alloy(client: TestClient, runs: Path, wait_for: Wait) -> None:
    request = {"formula": "La0.7Sr0.3MnO3", "solid_solution": upload("p.cif", LAMNO3)}
    job = client.post("/api/jobs", json=QUICK | request | {"order_max_atoms": 20}).json()
    assert wait_for(client, job["id"])["status"] == "done"
    assert json.loads((runs / job["id"] / "run.json").read_text())["formula"] == "La2SrMn3O9"
    alloy = client.post("/api/jobs", json=QUICK | {"formula": "Al0.5Ni0.5", "alloy": ["bcc"]}).json()
    assert wait_for(client, alloy["id"])["status"] == "done"
    (item,) = client.get(f"/api/runs/{alloy['id']}").json()["disorder"]
    assert item["parent"] == "bcc Al0.5Ni0.5"


@pytest.mark.parametrize(
    ("request_fields", "sentence"),
    [
        ({}, "Give a formula, for example Zr4Al3"),
        ({"disordered": upload("x.cif", LAMNO3)}, "x.cif is fully ordered: relax it"),
        ({"disordered": upload("x.cif", "data_")}, "x.cif holds no data block with fractional coordinates"),
        ({"disordered": upload("x.cif", CU3AU), "formula": "NaCl"}, "the composition Cu3Au, not NaCl"),
        ({"disordered": upload("x.cif", CU3AU), "order_max_atoms": 1}, "cells of up to 1 atoms can only"),
        ({"disordered": upload("x.cif", CU3AU), "alloy": ["fcc"]}, "needs one disordered crystal"),
        ({"disordered": upload("x.cif", CU3AU), "order_candidates": 201}, "200 ordered approximants at most"),
        ({"disordered": upload("x.cif", CU3AU), "generators": ["random"]}, "leave out --generators"),
        ({"disordered": upload("x.cif", CU3AU), "z": [2]}, "leave out --z"),
        ({"solid_solution": upload("x.cif", LAMNO3)}, "Give a formula"),
        ({"solid_solution": upload("x.cif", LAMNO3), "formula": "NaCl"}, "x.cif has no element of NaCl"),
        ({"formula": "CuAu", "disordered_name": "x.cif"}, "give structure files with their contents"),
        ({"formula": "Cu", "alloy": ["fcc"]}, "Cu is one element"),
    ],
)  # fmt: skip
def test_what_cannot_be_ordered_is_refused_at_once(
    client: TestClient, request_fields: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/api/jobs", json=QUICK | request_fields)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]  # noqa: S108 - no path of the server
    assert client.get("/api/jobs").json() == []
