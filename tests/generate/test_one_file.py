"""A generator is one file: the help text, the page and the contract see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphacrystal.composition import parse_formula
from alphacrystal.config import make_config
from alphacrystal.generate import GENERATORS, build_generator, generators
from alphacrystal.pipeline.preflight import generator_context

SOURCE = """
from pymatgen.core import Lattice, Structure

from alphacrystal.generate import Candidate, register


class Cubic:
    name = "cubic"

    def generate(self, formula, count, rng):
        for a in 3 + rng.random(count):
            sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
            yield Candidate(Structure(Lattice.cubic(a), list(formula.elements), sites), self.name, None)


@register("cubic", "simple cubic cells of random size", on_page=True)
def build(context):
    return Cubic()
"""


@pytest.fixture
def one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file with a generator, as if it lay in alphacrystal/generate/generators."""
    (tmp_path / "cubic.py").write_text(SOURCE)
    monkeypatch.setattr(generators, "__path__", [*generators.__path__, str(tmp_path)])
    yield
    GENERATORS.remove("cubic")


def test_command_line_lists_and_runs_it(one_file: None, run: Callable[..., Any], tmp_path: Path) -> None:
    assert "simple cubic cells" in " ".join(run("predict", "--help").out.replace("│", " ").split())
    done = run(
        *("predict", "NaCl", "--no-relax", "--generators", "cubic,distance_matrix"),
        *("--candidates", 4, "--z", 1, "--out", tmp_path / "run", "--json"),
    )
    assert done.code == 0, done.err
    assert '"cubic"' in (tmp_path / "run" / "results.json").read_text()


def test_page_offers_it(one_file: None, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="needs the extra web")
    from fastapi.testclient import TestClient

    from alphacrystal.web import JobRequest, ServeSettings, create_app

    assert JobRequest(formula="NaCl", generators=("cubic",)).generators == ("cubic",)
    with TestClient(create_app(ServeSettings(folder=tmp_path)), base_url="http://127.0.0.1:8000") as client:
        assert '<option value="cubic">simple cubic cells of random size</option>' in client.get("/").text


def test_it_keeps_the_contract(one_file: None) -> None:
    """The checks of test_generators.py, which run over all built-in generators."""
    formula = parse_formula("NaCl")
    context = generator_context(formula, [1], make_config())
    first, second = (
        list(build_generator("cubic", context).generate(formula, 3, np.random.default_rng(1)))
        for _ in range(2)
    )
    assert [item.structure for item in first] == [item.structure for item in second]
    assert {item.structure.composition.reduced_formula for item in first} == {"NaCl"}
    assert "cubic" in [spec.name for spec in GENERATORS.built_in()]  # the parameters of the contract tests
