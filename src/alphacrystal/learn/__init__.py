"""The models of the generators: structure types, cells, distances and contacts of a composition.

``model_inputs`` and ``structure_types`` come first. Each model is a module or subpackage with its network and
training:
``space_groups``, ``symmetry``, ``lattice``, ``distances``, ``coordinates``, ``orbit_distances``,
``contacts``, ``existence``. ``weight_files`` loads them; ``type_probabilities``, ``types_under_pressure``,
``hypotheses``, ``distograms``, ``orbit_distograms`` and ``compound_probabilities`` use them to predict;
``training`` trains them.
"""

from alphacrystal.learn.compound_probabilities import compound_ratios, existence_probabilities
from alphacrystal.learn.contacts.network import MAX_CONTACT_MAP_ATOMS, ContactNet, contact_probabilities
from alphacrystal.learn.distograms import (
    MAX_DISTANCE_ATOMS,
    predict_cell_distogram,
    predict_distograms,
)
from alphacrystal.learn.heavier_homologues import HomologueHypothesis, homologue_hypotheses
from alphacrystal.learn.hypotheses import (
    composition_distances,
    predict_hypotheses,
    prototype_coordinates,
)
from alphacrystal.learn.orbit_distograms import nearest_prototypes, predict_orbit_distograms
from alphacrystal.learn.pressure_types import types_under_pressure
from alphacrystal.learn.proposed_types import check_supported, type_probabilities
from alphacrystal.learn.structure_types import StructureType
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
    "MAX_DISTANCE_ATOMS",
    "MODEL_NAMES",
    "NETWORK_NAMES",
    "ContactNet",
    "HomologueHypothesis",
    "ModelCard",
    "StructureType",
    "check_supported",
    "composition_distances",
    "compound_ratios",
    "contact_probabilities",
    "existence_probabilities",
    "homologue_hypotheses",
    "load_model",
    "model_hashes",
    "models_folder",
    "nearest_prototypes",
    "predict_cell_distogram",
    "predict_distograms",
    "predict_hypotheses",
    "predict_orbit_distograms",
    "prototype_coordinates",
    "read_card",
    "type_probabilities",
    "types_under_pressure",
]
