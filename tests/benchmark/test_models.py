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
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.harness.pages import write_page
from alphacrystal_bench.models import page as models_page
from alphacrystal_bench.models.tables import benchmark_models

PREDICTORS = ("network", "forest", "frequency", "type copy")


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
    result = measured(0, lambda: benchmark_models(source, models=weights, cache=cache, trees=2))
    return json.loads(json.dumps(result))


def shares(rows: dict[str, Any]) -> list[float]:
    """All numbers below a part of the result that are shares."""
    found = []
    for value in rows.values():
        found += shares(value) if isinstance(value, dict) else [value]
    return found


def test_every_table_has_every_predictor_and_every_row_counts_its_entries(result: dict[str, Any]) -> None:
    entries = result["structures"]["validation"]
    symmetry = result["symmetry"]["subsets"]["all_entries"]
    assert symmetry["n"] == entries
    assert set(symmetry["space_group"]) == {
        "network",
        "forest",
        "frequency",
        "network_given_conventional_cell",
        "forest_given_conventional_cell",
    }
    assert all(0 <= share <= 1 for share in shares(symmetry["space_group"]) + shares(symmetry["type"]))
    lattice = result["lattice"]["subsets"]["all_entries"]
    assert set(lattice) == {"n", "network", "forest", "forest_given_symmetry", "type_copy"}
    known = result["lattice"]["subsets"]["entries_of_known_types"]
    assert known["n"] == lattice["type_copy"]["predicted"]
    assert sum(row["n"] for row in result["lattice"]["systems"].values()) == entries
    distances = result["distances"]["all_entries"]
    assert 0 < distances["network_given_type"] < 20
    assert distances["oracle_polymorph_mean"] < 1e-4
    assert len(result["reliability"]) >= 10
    assert {len(hash_) for hash_ in result["models"].values()} == {64}


def test_page_and_figure_show_the_result(result: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "models.md"
    write_page(models_page, result, page, None)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(models_page.render(result).rstrip())
    assert "$" not in text
    lengths = result["lattice"]["subsets"]["all_entries"]["forest"]
    assert f"{lengths['length_mean_percent']:.2f} / {lengths['length_median_percent']:.2f}" in text
    for name in PREDICTORS:
        assert name in text
    assert (tmp_path / "figures" / "reliability.svg").exists()
    with Image.open(tmp_path / "figures" / "reliability.png") as image:
        assert image.width == 800
    panels = models_page.reliability_panels(result["reliability"])
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
    assert (
        (tmp_path / "docs" / "models.md")
        .read_text(encoding="utf-8")
        .startswith(models_page.render(alone).rstrip())
    )
    assert (tmp_path / "docs" / "figures" / "reliability.png").exists()
    assert alone["distances"] == result["distances"]
    row = alone["lattice"]["subsets"]["all_entries"]
    assert set(row) == {"n", "network", "type_copy"}
    assert row["network"] == result["lattice"]["subsets"]["all_entries"]["network"]
    assert "MLatticeABC, here" not in models_page.render(alone)


def test_networks_of_other_records_are_refused(
    source: Path, weights: Path, records: list[StructureRecord], tmp_path: Path
) -> None:
    few = tmp_path / "few.jsonl"
    chosen = [record for record in records if "O" not in record.species]
    few.write_text("".join(record.model_dump_json() + "\n" for record in chosen), encoding="utf-8")
    with pytest.raises(InputError, match="trained on other records"):
        benchmark_models(few, models=weights, cache=tmp_path / "cache", forests=False)
