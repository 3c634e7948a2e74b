"""From a record source to weights, model card and loss plot; benchmark compounds never get in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord, benchmark_formulas, prepare
from alphacrystal.errors import InputError
from alphacrystal.learn import MODEL_NAMES, NETWORK_NAMES, load_model, read_card
from alphacrystal.learn.coordinates.fitting import fit_prototype_coordinates
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.existence.training import ExistenceTask, read_formulas
from alphacrystal.learn.training import (
    DEFAULT_SETTINGS,
    ContactTask,
    DistanceTask,
    LatticeTask,
    OrbitDistanceTask,
    SpaceGroupTask,
    SymmetryTask,
    TrainSettings,
    train_model,
    with_overrides,
)
from alphacrystal.learn.training.models import predicted_cells

QUICK = TrainSettings(epochs=1, learning_rate=1e-3)


def zr4al3() -> Structure:
    """A crystal with the formula of a benchmark compound; only the formula matters here."""
    return Structure.from_spacegroup(
        191,
        Lattice.hexagonal(5.433, 5.390),
        ["Zr", "Zr", "Zr", "Al"],
        [[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.5], [0.5, 0, 0]],
    )


def write_records(path: Path, records: list[StructureRecord]) -> Path:
    path.write_text("".join(record.model_dump_json() + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def source(records: list[StructureRecord], tmp_path: Path) -> Path:
    """A few small records and a benchmark compound."""
    own = [record for record in records if record.id.startswith(("perovskite", "corundum"))]
    leak = StructureRecord.from_structure(zr4al3(), "leak")
    leak = leak.model_copy(update={"split": "train"})
    return write_records(tmp_path / "structures.jsonl", [*own, leak])


@pytest.mark.parametrize("name", NETWORK_NAMES)
def test_training_writes_weights_that_load_to_the_same_outputs(
    name: str, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = train_model(name, source, out, settings=QUICK, command=f"alphacrystal train {name}")
    assert result.weights == out / f"{name}.safetensors"
    written = {path.name for path in out.iterdir()}
    assert written - {"cache"} == {
        "checkpoint.pt",
        "log.csv",
        "loss.png",
        "loss.svg",
        f"{name}.json",
        f"{name}.safetensors",
    }
    assert read_card(name, out) == result.card
    assert result.card.metrics
    assert np.isfinite(list(result.card.metrics.values())).all()
    assert result.card.settings["epochs"] == 1
    assert result.card.command == f"alphacrystal train {name}"

    data: Any = read_formulas(source) if name == "existence" else prepare(source, out / "cache")
    kinds: dict[str, Any] = {
        "symmetry": SymmetryTask,
        "group": SpaceGroupTask,
        "lattice": LatticeTask,
        "distance": DistanceTask,
        "orbit_distance": OrbitDistanceTask,
        "contact": ContactTask,
        "existence": ExistenceTask,
    }
    task = kinds[name](data)
    if isinstance(task, DistanceTask | OrbitDistanceTask):
        task.shapes = predicted_cells(task)
    task.model.load_state_dict(torch.load(out / "checkpoint.pt", weights_only=True)["best"])
    loaded = load_model(name, out)
    with torch.no_grad():
        trained, stored = task.validate(task.model.eval()), task.validate(loaded)
    assert stored == pytest.approx(trained, rel=0.02, abs=0.02)  # half precision
    assert {key: round(value, 5) for key, value in trained.items()} == result.card.metrics
    for key, value in task.model.state_dict().items():
        assert torch.allclose(loaded.state_dict()[key].to(value.dtype), value, rtol=1e-3, atol=1e-6), key


def test_coordinates_are_fitted_in_one_pass(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = train_model("coordinates", source, out, command="alphacrystal train coordinates")
    assert {path.name for path in out.iterdir()} == {"cache", "coordinates.json", "coordinates.safetensors"}
    assert read_card("coordinates", out) == result.card
    assert result.card.metrics["share_known"] == 1  # corundum's type
    assert result.card.metrics["best_rmse"] < 0.05
    again = train_model("coordinates", source, out, resume=True)
    assert again.card.sha256 == result.card.sha256
    data = prepare(source, out / "cache")
    loaded = load_model("coordinates", out)
    fitted = fit_prototype_coordinates(data)
    for key, value in fitted.state_dict().items():
        assert torch.allclose(loaded.state_dict()[key], value, rtol=1e-3, atol=5e-4), key  # half precision


def test_a_fit_is_not_replaced_without_a_request(source: Path, tmp_path: Path) -> None:
    train_model("coordinates", source, tmp_path)
    with pytest.raises(InputError, match="already holds a model coordinates: use --resume"):
        train_model("coordinates", source, tmp_path)


def test_crystals_without_free_coordinates_give_a_readable_card(tmp_path: Path) -> None:
    records = []
    for place, (cation, anion) in enumerate([("Li", "F"), ("Li", "Cl"), ("Na", "F"), ("K", "F"), ("K", "I")]):
        halite = Structure.from_spacegroup(
            225, Lattice.cubic(5.0 + place / 10), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]]
        )
        record = StructureRecord.from_structure(halite, f"{cation}{anion}")
        records.append(record.model_copy(update={"split": "val" if place == 0 else "train"}))
    source = tmp_path / "structures.jsonl"
    source.write_text("".join(record.model_dump_json() + "\n" for record in records))
    result = train_model("coordinates", source, tmp_path / "out")
    assert result.card.metrics == {"share_known": 0}  # nothing was there to measure
    assert read_card("coordinates", tmp_path / "out") == result.card
    loaded = load_model("coordinates", tmp_path / "out")
    assert isinstance(loaded, PrototypeCoordinates)
    assert loaded.types == []


def test_a_fit_has_no_epochs() -> None:
    with pytest.raises(InputError, match="coordinates is fitted in one pass: leave out --epochs"):
        with_overrides("coordinates", epochs=3, seed=None)
    assert with_overrides("coordinates", epochs=None) is None


def test_benchmark_compounds_are_in_no_training_array(source: Path, tmp_path: Path) -> None:
    assert "Zr4Al3" in benchmark_formulas()
    assert "leak" in source.read_text(encoding="utf-8")
    result = train_model("lattice", source, tmp_path / "out", settings=QUICK)
    (cached,) = (tmp_path / "out" / "cache").glob("*.npz")
    with np.load(cached, allow_pickle=False) as stored:
        assert "leak" not in stored["ids"].tolist()
        assert not {40, 13} <= set(stored["numbers"][-7:].tolist())
        count = len(stored["ids"])
        training = int((~stored["validation"]).sum())
    assert count == len(source.read_text(encoding="utf-8").splitlines()) - 1
    assert result.card.data.startswith(f"{training} training structures, {count - training} validation")


def test_resuming_a_finished_training_changes_nothing(source: Path, tmp_path: Path) -> None:
    first = train_model("lattice", source, tmp_path / "out", settings=QUICK)
    again = train_model("lattice", source, tmp_path / "out", settings=QUICK, resume=True)
    assert again.card.sha256 == first.card.sha256
    assert again.card.metrics == first.card.metrics


def test_an_earlier_run_is_refused_before_the_source_is_read(source: Path, tmp_path: Path) -> None:
    train_model("lattice", source, tmp_path / "out", settings=QUICK)
    with pytest.raises(InputError, match="already holds a training run"):
        train_model("lattice", tmp_path / "missing.jsonl", tmp_path / "out", settings=QUICK)


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_source_of_one_split_is_bad_input(
    name: str, split: str, records: list[StructureRecord], tmp_path: Path
) -> None:
    own = [record.model_copy(update={"split": split}) for record in records[:3]]
    source = write_records(tmp_path / "small.jsonl", own)
    with pytest.raises(InputError, match=r"no compounds for training or none for validation \(3 structures"):
        train_model(name, source, tmp_path / "out", settings=QUICK)


def test_validation_types_that_never_occur_in_training_are_bad_input_for_the_prior(
    records: list[StructureRecord], tmp_path: Path
) -> None:
    halite = records[0]
    rutile = next(r for r in records if r.id == "rutile-0").model_copy(update={"split": "val"})
    source = write_records(tmp_path / "small.jsonl", [halite, rutile])
    with pytest.raises(InputError, match="none for validation"):
        train_model("symmetry", source, tmp_path / "out", settings=QUICK)


def test_crystals_of_more_elements_than_the_networks_take_are_left_out(
    records: list[StructureRecord], tmp_path: Path
) -> None:
    symbols = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "O", "F"]
    positions = [[i / 9, (i * i % 9) / 9, (i**3 % 7) / 7] for i in range(9)]
    many = StructureRecord.from_structure(Structure(Lattice.cubic(8), symbols, positions), "many")
    copies = [many.model_copy(update={"split": split, "id": f"many-{split}"}) for split in ("train", "val")]
    source = write_records(tmp_path / "structures.jsonl", [*records, *copies])
    data = prepare(source, tmp_path / "cache")
    for task in (SymmetryTask(data), LatticeTask(data)):
        used = set(data.ids[np.concatenate([task.train, task.validation])].tolist())
        assert used == {record.id for record in records}


def test_unknown_models_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model 'energy' to train: choose one of symmetry, group, lat"):
        train_model("energy", tmp_path, tmp_path / "out")


def test_overrides_replace_only_what_is_given() -> None:
    settings = with_overrides("symmetry", epochs=2, seed=None)
    assert settings.epochs == 2
    assert settings.seed == DEFAULT_SETTINGS["symmetry"].seed
    assert settings.learning_rate == DEFAULT_SETTINGS["symmetry"].learning_rate


def test_cards_are_plain_json(source: Path, tmp_path: Path) -> None:
    train_model("lattice", source, tmp_path / "out", settings=QUICK)
    card = json.loads((tmp_path / "out" / "lattice.json").read_text(encoding="utf-8"))
    assert card["name"] == "lattice"
    assert "CC BY 4.0" in card["licence"]
