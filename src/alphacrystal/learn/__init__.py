"""The networks: symmetry prior, lattice model, pair distance network; their training and their weights."""

from alphacrystal.learn.contacts.network import MOST_ATOMS_IN_CONTACT_MAP, ContactNet, contact_probabilities
from alphacrystal.learn.coordinates.lookup import known_coordinates
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
    "MODEL_NAMES",
    "MOST_ATOMS_IN_CONTACT_MAP",
    "NETWORK_NAMES",
    "ContactNet",
    "ModelCard",
    "StructureType",
    "check_supported",
    "composition_distances",
    "contact_probabilities",
    "known_coordinates",
    "load_model",
    "model_hashes",
    "models_folder",
    "predict_cell_distogram",
    "predict_distograms",
    "predict_hypotheses",
    "read_card",
    "type_probabilities",
]
