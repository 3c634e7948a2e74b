"""The form of a new prediction: its fields are those of the API and options of the command."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.config import PredictConfig
from alphacrystal.exploration import DEFAULTS
from alphacrystal.web import ExploreRequest
from alphacrystal.web._request import JobRequest, NewJob, command

ASSETS = files("alphacrystal.web").joinpath("assets")
#: The form has the content of the cell instead of Z; files have their names.
NO_FIELD = {"z", "xrd_name", "seed_names", "framework_name", "disordered_name", "parent_name"}


def test_form_has_a_field_for_each_setting_of_the_api() -> None:
    page = ASSETS.joinpath("serve.html").read_text(encoding="utf-8")
    script = ASSETS.joinpath("form.js").read_text(encoding="utf-8")
    fields = set(re.findall(r'<(?:input|select) id="(\w+)" name="\1"', page))
    assert fields == set(NewJob.model_fields) - NO_FIELD
    for name in fields:
        assert f'"{name}"' in script, name
    assert "xrd_name" in script


@pytest.mark.parametrize("name", sorted(set(JobRequest.model_fields) - {"formula"} - NO_FIELD | {"z"}))
def test_defaults_are_those_of_a_prediction(name: str) -> None:
    field = JobRequest.model_fields[name]
    assert field.default == PredictConfig.model_fields[name].default
    assert field.description == PredictConfig.model_fields[name].description


def test_form_of_chemical_systems_has_the_settings_of_the_api() -> None:
    script = ASSETS.joinpath("explore.js").read_text(encoding="utf-8")
    body = script.partition("function request()")[2].partition("/** The field that")[0]
    for name in ExploreRequest.model_fields:
        assert re.search(rf'\b{name}:|"{name}"', body), name


@pytest.mark.parametrize("name", sorted(set(ExploreRequest.model_fields) - {"system", "budget"}))
def test_defaults_are_those_of_an_exploration(name: str) -> None:
    field = ExploreRequest.model_fields[name]
    assert field.default == DEFAULTS.get(name, PredictConfig.model_fields[name].default)
    assert field.description == PredictConfig.model_fields[name].description


def test_disorder_reaches_the_process() -> None:
    request = JobRequest(formula="CuAu", alloy=("fcc", "bcc"), order_max_atoms=8, disordered_name="x.cif")
    arguments = command(request, Path("runs/x"), 2, resume=False)
    assert {"--alloy=fcc,bcc", "--order-max-atoms=8", "--disordered=runs/x/inputs/disordered/x.cif"} <= set(
        arguments
    )
    assert not any("disordered-name" in argument for argument in arguments)
    parent = command(JobRequest(formula="CuAu", parent_name="p.cif"), Path("runs/x"), 2, resume=False)
    assert "--solid-solution=runs/x/inputs/parent/p.cif" in parent


def test_settings_reach_the_process() -> None:
    values: dict[str, Any] = {
        "dispersion": "none",
        "phonons": 2,
        "temperature": 450.0,
        "follow_modes": True,
        "known_phases": False,
        "z": (1, 2),
    }
    arguments = command(JobRequest(formula="NaCl", **values), Path("runs/x"), 2, resume=True)
    for option in (
        "--dispersion=none",
        "--phonons=2",
        "--temperature=450.0",
        "--follow-modes",
        "--no-known-phases",
        "--z=1,2",
        "--relax",
        "--workers=2",
        "--out=runs/x",
        "--resume",
    ):
        assert option in arguments, option
    assert arguments[-2:] == ["--", "NaCl"]
    many = {"pressure": [60, 0], "rerank": "chgnet-r2scan", "xrd_name": "a b.XY", "wavelength": "CuKa"}
    arguments = command(JobRequest(formula="NaCl", **many), Path("runs/x"), 2, resume=False)
    for option in (
        "--pressure=60.0,0.0",
        "--rerank=chgnet-r2scan",
        "--xrd=runs/x/measured.xy",
        "--wavelength=CuKa",
    ):
        assert option in arguments, option
    assert not any("xrd-name" in word or "a b" in word for word in arguments)
    plain = command(JobRequest(formula="NaCl"), Path("runs/x"), 2, resume=False)
    assert not any(
        word.startswith(("--follow-modes", "--cell", "--space-group", "--z", "--xrd")) for word in plain
    )


def test_a_job_that_cannot_follow_modes_is_refused_in_one_sentence(start_server: Callable[..., Any]) -> None:
    answer = start_server().client.post("/api/jobs", json={"formula": "NaCl", "follow_modes": True})
    assert 400 <= answer.status_code < 500
    assert "give --phonons N" in answer.json()["detail"]
