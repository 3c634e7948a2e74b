"""Weights on disk: the shipped ones are whole and described, any damage is one clear sentence."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from alphacrystal.errors import InputError, WeightsError
from alphacrystal.learn import (
    CORE_MODELS,
    MODEL_NAMES,
    NETWORK_NAMES,
    ModelCard,
    load_model,
    model_hashes,
    models_folder,
    predict_cell_distogram,
    read_card,
)
from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask
from alphacrystal.learn.weight_files import save_weights, state_size

LARGEST_FILE = 25_000_000
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights."""
    return Path(shutil.copytree(models_folder(), tmp_path / "models"))


def assert_one_sentence(error: pytest.ExceptionInfo[WeightsError], *words: str) -> None:
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    for word in (*words, "reinstall alphacrystal or pass another --models"):
        assert word in text
    assert error.value.exit_code == 2


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_shipped_weights_are_small_and_whole(name: str) -> None:
    folder = models_folder()
    assert (folder / f"{name}.safetensors").stat().st_size < LARGEST_FILE
    model = load_model(name, folder)
    assert not model.training
    assert state_size(model) == read_card(name).parameters > 0
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_shipped_cards_are_complete(name: str) -> None:
    card = read_card(name)
    assert card.name == name
    assert set(card.model_dump()) == set(ModelCard.model_fields)
    for text in (card.description, card.data, card.split, card.command, card.licence, card.limits):
        assert text.strip()
    assert "Materials Project" in card.licence
    assert "CC BY 4.0" in card.licence
    assert "benchmark formulas removed" in card.data
    assert "validation formulas are in no training structure" in card.split
    assert card.command.startswith(f"alphacrystal train {name} --data ")
    assert np.isfinite(list(card.metrics.values())).all()
    assert {"date", "hours", "machine", "torch"} <= set(card.trained)
    if name in NETWORK_NAMES:
        assert "val_loss" in card.metrics
        assert {"epochs", "learning_rate", "seed"} <= set(card.settings)


def test_no_file_is_shipped_that_no_card_describes() -> None:
    expected = {f"{name}{suffix}" for name in MODEL_NAMES for suffix in (".json", ".safetensors")}
    files = {path.name for path in models_folder().iterdir() if path.suffix in (".json", ".safetensors")}
    assert files == expected


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("place", [100, -100])
def test_a_flipped_byte_is_noticed(name: str, place: int, folder: Path) -> None:
    path = folder / f"{name}.safetensors"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        load_model(name, folder)
    assert_one_sentence(error, str(path), "wrong hash")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def scramble(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize("damage", [cut, empty, remove, make_folder, scramble])
@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_damaged_files_are_one_clear_sentence(damage: Damage, suffix: str, folder: Path) -> None:
    path = folder / f"distance{suffix}"
    damage(path)
    with pytest.raises(WeightsError) as error:
        load_model("distance", folder)
    assert_one_sentence(error, str(path))


@pytest.mark.parametrize("field", ["sha256", "metrics", "licence", "data"])
def test_a_card_without_a_field_is_damaged(field: str, folder: Path) -> None:
    path = folder / "lattice.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    del card[field]
    path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(WeightsError) as error:
        read_card("lattice", folder)
    assert_one_sentence(error, str(path), "damaged")


def test_the_card_of_another_model_is_refused(folder: Path) -> None:
    path = folder / "coordinates.json"
    path.write_bytes((folder / "group.json").read_bytes())
    with pytest.raises(WeightsError) as error:
        read_card("coordinates", folder)
    assert_one_sentence(error, str(path), "is of the model group")


def rehash(folder: Path, name: str) -> None:
    """Make the card of a model describe whatever its weights file holds now."""
    from hashlib import sha256

    path = folder / f"{name}.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["sha256"] = sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()
    path.write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "other"),
    [("distance", "symmetry"), ("symmetry", "group"), ("group", "lattice"), ("lattice", "distance")],
)
def test_weights_of_another_network_are_refused(name: str, other: str, folder: Path) -> None:
    shutil.copy(folder / f"{other}.safetensors", folder / f"{name}.safetensors")
    rehash(folder, name)
    with pytest.raises(WeightsError) as error:
        load_model(name, folder)
    assert_one_sentence(error, f"cannot be read as a {name} model")


@pytest.mark.parametrize("damage", [cut, empty, scramble])
def test_files_that_are_no_safetensors_are_refused(damage: Damage, folder: Path) -> None:
    damage(folder / "symmetry.safetensors")
    rehash(folder, "symmetry")
    with pytest.raises(WeightsError) as error:
        load_model("symmetry", folder)
    assert_one_sentence(error, "cannot be read as a symmetry model")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as error:
        read_card("symmetry", tmp_path / "nowhere")
    assert_one_sentence(error, "nowhere", "missing")


def test_unknown_models_are_bad_input() -> None:
    with pytest.raises(InputError, match="no model 'energy': choose one of symmetry, group, lat"):
        read_card("energy")


def test_the_environment_chooses_the_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphacrystal.composition import parse_formula

    shipped = models_folder()
    (folder / "distance.safetensors").unlink()
    monkeypatch.setenv("ALPHACRYSTAL_MODELS", str(folder))
    assert models_folder() == folder
    cell = parse_formula("NaCl").cell(1)
    with pytest.raises(WeightsError, match=r"distance\.safetensors is missing"):
        predict_cell_distogram(cell, [])
    assert predict_cell_distogram(cell, [], models=shipped).probabilities.shape[:2] == (2, 2)
    assert models_folder(shipped) == shipped


def test_hashes_name_each_model() -> None:
    assert model_hashes() == {name: read_card(name).sha256 for name in CORE_MODELS}
    assert model_hashes(names=MODEL_NAMES)["contact"] == read_card("contact").sha256
    assert all(len(digest) == 64 for digest in model_hashes(names=MODEL_NAMES).values())


def test_equal_weights_make_equal_files(
    symmetry_task: SymmetryTask, lattice_task: LatticeTask, distance_task: DistanceTask, tmp_path: Path
) -> None:
    for task in (symmetry_task, lattice_task, distance_task):
        digests = {save_weights(task.model, tmp_path / f"{number}.safetensors") for number in range(6)}
        assert len(digests) == 1


def put_back(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Write a weights file with its old metadata, and its hash into the card."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, path, metadata=metadata)
    card = path.with_suffix(".json")
    content = json.loads(card.read_text(encoding="utf-8"))
    content["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_weights_that_are_not_finite_are_refused_by_tensor(name: str, value: float, folder: Path) -> None:
    path = folder / f"{name}.safetensors"
    tensors = load_file(path)
    damaged = next(
        key for key, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel() > 1
    )
    tensors[damaged].view(-1)[-1] = value
    put_back(tensors, path)
    with pytest.raises(WeightsError) as error:
        load_model(name, folder)
    assert_one_sentence(error, str(path), f"contains NaN or an infinity in {damaged}")


@pytest.mark.parametrize("value", ["NaN", "1e999"])
def test_card_with_a_metric_that_is_not_finite_is_damaged(value: str, folder: Path) -> None:
    path = folder / "lattice.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["metrics"] = {"val_loss": 12345.5}
    path.write_text(json.dumps(card).replace("12345.5", value), encoding="utf-8")
    with pytest.raises(WeightsError) as error:
        read_card("lattice", folder)
    assert_one_sentence(error, str(path), "val_loss is not a finite number")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("group", {"width": 100_000}),
        ("symmetry", {"layers": 10**9}),
        ("distance", {"max_atoms": 10**6}),
        ("contact", {"width": 100.0}),
        ("lattice", {"layers": "x"}),
    ],
)
def test_sizes_far_beyond_the_file_are_refused_before_memory_is_reserved(
    name: str, sizes: dict[str, object], folder: Path
) -> None:
    path = folder / f"{name}.safetensors"
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    save_file(load_file(path), path, metadata={"config": json.dumps({**config, **sizes})})
    rehash(folder, name)
    with pytest.raises(WeightsError) as error:
        load_model(name, folder)
    assert_one_sentence(error, str(path), f"cannot be read as a {name} model")
    assert not isinstance(error.value.__cause__, RuntimeError)  # torch refuses the tensors of a built network
