"""Training of the networks; kept apart so that predicting needs no training code in memory."""

from alphacrystal.learn._contact_net import ContactNetConfig
from alphacrystal.learn._contact_training import ContactTask
from alphacrystal.learn._distance_training import GIVEN_NOTHING, DistanceTask
from alphacrystal.learn._group_training import GroupTask
from alphacrystal.learn._lattice_net import LatticeNetConfig
from alphacrystal.learn._lattice_training import LatticeTask
from alphacrystal.learn._symmetry_net import SymmetryNetConfig
from alphacrystal.learn._symmetry_training import SymmetryTask
from alphacrystal.learn._train_models import DEFAULT_SETTINGS, TrainResult, train_model, with_overrides
from alphacrystal.learn._training_loop import TrainSettings, train
from alphacrystal.learn._type_mixture import TypeMixture
from alphacrystal.learn._unordered import length_order, unordered_error

__all__ = [
    "DEFAULT_SETTINGS",
    "GIVEN_NOTHING",
    "ContactNetConfig",
    "ContactTask",
    "DistanceTask",
    "GroupTask",
    "LatticeNetConfig",
    "LatticeTask",
    "SymmetryNetConfig",
    "SymmetryTask",
    "TrainResult",
    "TrainSettings",
    "TypeMixture",
    "length_order",
    "train",
    "train_model",
    "unordered_error",
    "with_overrides",
]
