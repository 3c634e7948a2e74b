"""Weight files: safetensors in half precision, each with a model card that contains its hash."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from alphacrystal.errors import InputError, WeightsError
from alphacrystal.learn.contacts.network import ContactNet, ContactNetConfig
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates, PrototypeCoordinatesConfig
from alphacrystal.learn.distances.network import DistanceNet, DistanceNetConfig
from alphacrystal.learn.distances.templates import TypeTemplates
from alphacrystal.learn.existence.network import ExistenceNet, ExistenceNetConfig
from alphacrystal.learn.lattice.network import LatticeNet, LatticeNetConfig
from alphacrystal.learn.orbit_distances.network import OrbitDistanceNet, OrbitDistanceNetConfig
from alphacrystal.learn.space_groups import SpaceGroupNet, SpaceGroupNetConfig
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.network import SymmetryNet, SymmetryNetConfig
from alphacrystal.runtime.atomic_write import replacing

# Models of the default generator; "coordinates" holds the prototype coordinates.
CORE_MODELS = ("symmetry", "group", "lattice", "distance", "orbit_distance", "coordinates")
MODEL_NAMES = (*CORE_MODELS, "contact", "existence")
FITTED_MODELS = ("coordinates",)  # fitted in one pass, without epochs
NETWORK_NAMES = tuple(name for name in MODEL_NAMES if name not in FITTED_MODELS)
HALF_PRECISION = ("type_weights",)  # large tables of which a prediction reads a few rows
_UNCHECKED_PARAMETERS = 1_000_000  # networks up to this size are built without a check of the file size
LICENCE = "MIT; trained on Materials Project data, CC BY 4.0 (Jain et al., doi:10.1063/1.4812323)"


class ModelCard(BaseModel):
    """Description, training and metrics of a weights file.

    Attributes:
        name: One of MODEL_NAMES.
        description: One sentence.
        sha256: Hash of the weights file.
        parameters: Number of trained parameters.
        data: Training data.
        split: Definition of the validation split.
        seed: Seed of the training run.
        settings: Training settings and network sizes.
        metrics: Metrics on the validation split.
        command: Command that reproduces the file.
        licence: Licence of the weights.
        trained: Date, machine and training time.
        limits: Limits of the training data.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    sha256: str
    parameters: int
    data: str
    split: str
    seed: int
    settings: dict[str, Any]
    metrics: dict[str, float]
    command: str
    licence: str
    trained: dict[str, Any]
    limits: str


def models_folder(folder: Path | None = None) -> Path:
    """The given folder, else $ALPHACRYSTAL_MODELS, else the weights of the package alphacrystal-weights.

    Raises:
        WeightsError: The package is not installed.
    """
    if folder is not None:
        return folder
    if chosen := os.environ.get("ALPHACRYSTAL_MODELS"):
        return Path(chosen)
    try:
        return Path(str(files("alphacrystal_weights")))
    except ModuleNotFoundError as error:
        raise WeightsError(
            "The package alphacrystal-weights is missing: pip install alphacrystal-weights, or name a folder "
            "of weights with --models."
        ) from error


def read_card(name: str, folder: Path | None = None) -> ModelCard:
    """Read the card of a model.

    Raises:
        InputError: No model has this name.
        WeightsError: The card is missing, unreadable, or describes another model.
    """
    if name not in MODEL_NAMES:
        raise InputError(f"There is no model {name!r}: choose one of {', '.join(MODEL_NAMES)}.")
    path = models_folder(folder) / f"{name}.json"
    try:
        card = ModelCard.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(
            f"The model card {path} is missing: reinstall alphacrystal or pass another --models."
        ) from error
    except OSError as error:
        raise WeightsError(
            f"The model card {path} cannot be read ({error.strerror}): reinstall alphacrystal or pass "
            "another --models."
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"The model card {path} is damaged: reinstall alphacrystal or pass another --models."
        ) from error
    if number := next((key for key, value in card.metrics.items() if not math.isfinite(value)), None):
        raise WeightsError(
            f"The model card {path} is damaged ({number} is not a finite number): reinstall alphacrystal or "
            "pass another --models."
        )
    if card.name != name:
        raise WeightsError(
            f"The model card {path} is of the model {card.name}: reinstall alphacrystal or pass another "
            "--models."
        )
    return card


def _encode_types(types: Sequence[StructureType]) -> str:
    return " ".join(
        f"{structure_type.space_group}:{','.join(structure_type.letters)}" for structure_type in types
    )


@lru_cache(4)  # the models of one training run share their types
def _decode_types(text: str) -> list[StructureType]:
    pairs = (word.split(":") for word in text.split())
    return [StructureType(int(number), tuple(letters.split(","))) for number, letters in pairs]


def save_weights(model: nn.Module, path: Path) -> str:
    """Write a network as half-precision safetensors with its sizes and vocabulary, and return the SHA-256."""
    from safetensors.torch import save_file

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    config = asdict(model.config)  # type: ignore[call-overload]
    if isinstance(model, (SymmetryNet, LatticeNet, PrototypeCoordinates)):
        config["types"] = _encode_types(model.types)
    elif isinstance(model, DistanceNet):
        config["types"] = _encode_types(model.templates.types)
    # One metadata entry only: safetensors writes several in random order, which changes the hash.
    metadata = {"config": json.dumps(config)}
    with replacing(path) as unfinished:
        save_file(tensors, unfinished, metadata=metadata)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_sizes(config: dict[str, Any], stored: int) -> None:
    """Refuse network sizes that do not fit the file, before memory is allocated.

    Args:
        config: Sizes of the network. The largest layer has about the square of the largest integer of
            parameters. Floats are rates or multipliers of at most 1.
        stored: Number of values in the file.

    Raises:
        ValueError: A size is not positive, or a network of these sizes has more parameters than the file has
            values.
    """
    layers = config.get("layers", 1)
    if not isinstance(layers, int):
        raise TypeError("layers is not a whole number")
    for name, value in config.items():
        if isinstance(value, int) and not (
            value > 0 and value * value * layers <= max(stored, _UNCHECKED_PARAMETERS)
        ):
            raise ValueError(f"{name} = {value} does not fit the file")
        if isinstance(value, float) and not 0 <= value <= 1:
            raise ValueError(f"{name} = {value} is not between 0 and 1")


def _build(
    name: str, config: dict[str, Any], types: list[StructureType], tensors: dict[str, Tensor]
) -> nn.Module:
    """A model with the sizes and the vocabulary of a weights file."""
    if name == "symmetry":
        members = MemberTable(*(tensors[f"member_{part}"] for part in ("numbers", "kind", "evidence")))
        return SymmetryNet(SymmetryNetConfig(**config), types, members)
    if name == "lattice":
        return LatticeNet(LatticeNetConfig(**config), types)
    if name == "coordinates":
        return PrototypeCoordinates(PrototypeCoordinatesConfig(**config), types, tensors)
    if name == "existence":
        return ExistenceNet(ExistenceNetConfig(**config), tensors["known"])
    if name == "distance":
        prefix = "templates."
        stored = {key.removeprefix(prefix): v for key, v in tensors.items() if key.startswith(prefix)}
        return DistanceNet(DistanceNetConfig(**config), TypeTemplates(types, stored))
    networks: dict[str, tuple[type[nn.Module], type]] = {
        "group": (SpaceGroupNet, SpaceGroupNetConfig),
        "orbit_distance": (OrbitDistanceNet, OrbitDistanceNetConfig),
        "contact": (ContactNet, ContactNetConfig),
    }
    network, settings = networks[name]
    return network(settings(**config))


@cache
def load_model(name: str, folder: Path) -> nn.Module:
    """Load a trained network in evaluation mode, after a check of the hash in its card.

    Raises:
        WeightsError: The file is missing or damaged, does not match its card, or contains NaN or infinity.
    """
    from safetensors import SafetensorError, safe_open

    card = read_card(name, folder)
    path = folder / f"{name}.safetensors"
    hint = "reinstall alphacrystal or pass another --models"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise WeightsError(f"The weights file {path} is missing: {hint}.") from error
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}): {hint}.") from error
    if digest != card.sha256:
        raise WeightsError(
            f"The weights file {path} is not the one its model card describes (wrong hash): {hint}."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        tensors = {
            key: value.float() if value.is_floating_point() and key not in HALF_PRECISION else value
            for key, value in tensors.items()
        }
        if tensor := not_finite(tensors):
            raise WeightsError(f"The weights file {path} contains NaN or an infinity in {tensor}: {hint}.")
        config = json.loads(metadata["config"])
        types = _decode_types(config.pop("types", metadata.get("types", "")))
        _check_sizes(config, sum(value.numel() for value in tensors.values()))
        model = _build(name, config, types, tensors)
        model.load_state_dict(tensors, assign=True)
    except (
        SafetensorError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise WeightsError(f"The weights file {path} cannot be read as a {name} model: {hint}.") from error
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    # Compute cached tables here, so that the first formula is as fast as later ones.
    if isinstance(model, LatticeNet):
        model.related([])
    elif isinstance(model, DistanceNet):
        _ = model.templates.starts
    elif isinstance(model, PrototypeCoordinates):
        _ = model.starts
    return model.eval()


def model_hashes(folder: Path | None = None, names: Sequence[str] = CORE_MODELS) -> dict[str, str]:
    """SHA-256 of each model, from its card."""
    return {name: read_card(name, folder).sha256 for name in names}


def state_size(model: nn.Module) -> int:
    """Number of trained parameters."""
    if isinstance(model, PrototypeCoordinates):
        return model.values.numel()
    return sum(parameter.numel() for parameter in model.parameters())


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Name of the first tensor that contains NaN or infinity, or None."""
    for name, tensor in tensors.items():
        # The sum of a tensor with NaN or infinity is not finite, and is five times as fast as a test of each
        # value.
        if tensor.is_floating_point() and not math.isfinite(tensor.sum()) and not tensor.isfinite().all():
            return name
    return None
