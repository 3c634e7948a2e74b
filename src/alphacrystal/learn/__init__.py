"""The networks: symmetry prior, lattice model, pair distance network; their training and their weights."""

from alphacrystal.learn.contacts.network import MAX_CONTACT_MAP_ATOMS, ContactNet, contact_probabilities
from alphacrystal.learn.coordinates.lookup import prototype_coordinates
from alphacrystal.learn.distances.distograms import predict_cell_distogram, predict_distograms
from alphacrystal.learn.hypotheses import check_supported, predict_hypotheses, type_probabilities
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.similarity import composition_distances
from alphacrystal.learn.weight_files import (
    CORE_MODELS,
    MODEL_NAMES,
    NETWORK_NAMES,
    ModelCard,
    load_model,
    model_hashes,
    models_folder,
    read_card,
)

__all__ = [
    "CORE_MODELS",
    "MAX_CONTACT_MAP_ATOMS",
    "MODEL_NAMES",
    "NETWORK_NAMES",
    "ContactNet",
    "ModelCard",
    "StructureType",
    "check_supported",
    "composition_distances",
    "contact_probabilities",
    "load_model",
    "model_hashes",
    "models_folder",
    "predict_cell_distogram",
    "predict_distograms",
    "predict_hypotheses",
    "prototype_coordinates",
    "read_card",
    "type_probabilities",
]
