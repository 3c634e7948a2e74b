"""The whole benchmark of the models, from records and weights to JSON, page and figure."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.learn import MODEL_NAMES
from alphacrystal.learn.training import TrainSettings, train_model
from alphacrystal_bench.commands.app import app
from alphacrystal_bench.models.page import models_page, reliability_panels, write_models_page
from alphacrystal_bench.models.tables import benchmark_models

WHO = ("network", "forest", "frequency", "type copy")


@pytest.fixture(scope="module")
def weights(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All networks after one pass over the records."""
    folder = tmp_path_factory.mktemp("weights")
    for name in MODEL_NAMES:
        settings = TrainSettings(epochs=1, learning_rate=1e-3)
        train_model(name, source, folder / name, settings=settings, cache=folder / "cache")
        for suffix in (".json", ".safetensors"):
            (folder / name / f"{name}{suffix}").rename(folder / f"{name}{suffix}")
    return folder


@pytest.fixture(scope="module")
def result(source: Path, weights: Path) -> dict[str, Any]:
    cache = weights / "cache"
    return json.loads(json.dumps(benchmark_models(source, models=weights, cache=cache, trees=2)))


def shares(rows: dict[str, Any]) -> list[float]:
    """All numbers below a part of the result that are shares."""
    found = []
    for value in rows.values():
        found += shares(value) if isinstance(value, dict) else [value]
    return found


def test_every_table_has_every_predictor_and_every_row_counts_its_entries(result: dict[str, Any]) -> None:
    entries = result["structures"]["validation"]
    symmetry = result["symmetry"]["subsets"]["all entries"]
    assert symmetry["n"] == entries
    assert set(symmetry["space group"]) == {
        "network",
        "forest",
        "frequency",
        "network, told the conventional cell",
        "forest, told the conventional cell",
    }
    assert all(0 <= share <= 1 for share in shares(symmetry["space group"]) + shares(symmetry["type"]))
    lattice = result["lattice"]["subsets"]["all entries"]
    assert set(lattice) == {"n", "network", "forest", "forest, told symmetry", "type copy"}
    known = result["lattice"]["subsets"]["entries whose type occurs in training"]
    assert known["n"] == lattice["type copy"]["predicted"]
    assert sum(row["n"] for row in result["lattice"]["systems"].values()) == entries
    distances = result["distances"]["all entries"]
    assert 0 < distances["network, told the type"] < 20
    assert distances["oracle, mean of the polymorphs"] < 1e-4
    assert len(result["reliability"]) >= 10
    assert {len(hash_) for hash_ in result["models"].values()} == {64}


def test_page_and_figure_show_the_result(result: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "models.md"
    write_models_page(result, page)
    text = page.read_text(encoding="utf-8")
    assert text == models_page(result)
    assert "$" not in text
    lengths = result["lattice"]["subsets"]["all entries"]["forest"]
    assert f"{lengths['length mean %']:.2f} / {lengths['length median %']:.2f}" in text
    for who in WHO:
        assert who in text
    assert (tmp_path / "figures" / "reliability.svg").exists()
    with Image.open(tmp_path / "figures" / "reliability.png") as image:
        assert image.width == 800
    panels = reliability_panels(result["reliability"])
    assert sum(len(panel.curves) for panel in panels) == len(result["reliability"])


def test_the_command_writes_what_it_says_and_without_forests_the_rest_is_the_same(
    result: dict[str, Any], source: Path, weights: Path, tmp_path: Path
) -> None:
    folders = ("--out", tmp_path / "out", "--cache", weights / "cache", "--models", weights)
    options = ("--no-forests", "--json", "--page", tmp_path / "docs" / "models.md")
    arguments = ["models", "--data", source, *folders, *options]
    outcome = CliRunner().invoke(app, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    alone = json.loads(outcome.stdout)
    assert alone == json.loads((tmp_path / "out" / "models.json").read_text(encoding="utf-8"))
    assert (tmp_path / "docs" / "models.md").read_text(encoding="utf-8") == models_page(alone)
    assert (tmp_path / "docs" / "figures" / "reliability.png").exists()
    assert alone["distances"] == result["distances"]
    row = alone["lattice"]["subsets"]["all entries"]
    assert set(row) == {"n", "network", "type copy"}
    assert row["network"] == result["lattice"]["subsets"]["all entries"]["network"]
    assert "MLatticeABC, here" not in models_page(alone)


def test_networks_of_other_records_are_refused(
    source: Path, weights: Path, records: list[StructureRecord], tmp_path: Path
) -> None:
    few = tmp_path / "few.jsonl"
    chosen = [record for record in records if "O" not in record.species]
    few.write_text("".join(record.model_dump_json() + "\n" for record in chosen), encoding="utf-8")
    with pytest.raises(InputError, match="trained on other records"):
        benchmark_models(few, models=weights, cache=tmp_path / "cache", forests=False)
