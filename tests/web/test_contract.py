"""The API keeps to its own description, whatever it is sent."""

from __future__ import annotations

import json
from typing import Any
from unittest import SkipTest

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

# Well-formed is not yet a formula: positive_data_acceptance asks for more than a description can tell.
ROUTES = {
    "GET /api/server",
    "GET /api/jobs",
    "POST /api/jobs",
    "GET /api/jobs/{job_id}",
    "DELETE /api/jobs/{job_id}",
    "POST /api/jobs/{job_id}/cancel",
    "POST /api/jobs/{job_id}/resume",
    "GET /api/runs",
    "GET /api/runs/{run_id}",
    "GET /api/runs/{run_id}/report",
    "GET /api/runs/{run_id}/zip",
    "GET /api/runs/{run_id}/structures/{rank}/cif",
    "GET /api/runs/{run_id}/structures/{rank}/poscar",
    "GET /api/series/{series_id}",
    "GET /api/series/{series_id}/report",
    "GET /api/series/{series_id}/figure",
    "GET /api/series/{series_id}/zip",
    "POST /api/explorations",
    "POST /api/explorations/{exploration_id}/continue",
    "GET /api/explorations",
    "GET /api/explorations/{exploration_id}",
    "GET /api/explorations/{exploration_id}/hull",
    "GET /api/explorations/{exploration_id}/table",
    "GET /api/explorations/{exploration_id}/figure",
    "GET /api/explorations/{exploration_id}/structures/{name}",
    "GET /api/explorations/{exploration_id}/zip",
    "GET /api/compare",
    "POST /api/session",
    "DELETE /api/session",
}


@pytest.mark.parametrize("examples", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_made_up_requests_are_answered_as_described(start_server: Any, examples: int) -> None:
    """Examples of each route, well-formed and malformed."""
    import schemathesis
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    # No job is started: the limit of the disk is reached already, and that is looked at last.
    server = start_server("--disk-mb", "0.001")
    schema = schemathesis.openapi.from_url(f"{server.address}/api/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {operation.label for operation in operations} == ROUTES
    for operation in operations:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

            @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            try:
                ask()
            except (Unsatisfiable, SkipTest):  # nothing about this operation can be malformed
                continue
            except BaseException as error:
                raise AssertionError(f"{operation.label}, {mode.value}: {error}") from error
    assert server.client.get("/api/jobs").json() == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["formula", "candidates", "units", "cell", "relax", "pressure", "xrd", "xrd_name", "x"]
                ),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_answered_with_a_sentence(client: Any, body: Any) -> None:
    content = json.dumps(body)
    answer = client.post("/api/jobs", content=content, headers={"Content-Type": "application/json"})
    if answer.status_code == 201:  # a formula by chance
        client.post(f"/api/jobs/{answer.json()['id']}/cancel")
        return
    assert answer.status_code in {413, 422, 429}
    assert isinstance(answer.json()["detail"], str)
