"""Training of the networks; kept apart so that predicting needs no training code in memory."""

from alphacrystal.learn.contacts.network import ContactNetConfig
from alphacrystal.learn.contacts.training import ContactTask
from alphacrystal.learn.distances.training import GIVEN_NOTHING, DistanceTask
from alphacrystal.learn.distances.type_mixture import TypeMixture
from alphacrystal.learn.distances.unordered import length_order, unordered_error
from alphacrystal.learn.lattice.network import LatticeNetConfig
from alphacrystal.learn.lattice.training import LatticeTask
from alphacrystal.learn.space_groups.training import GroupTask
from alphacrystal.learn.symmetry.network import SymmetryNetConfig
from alphacrystal.learn.symmetry.training import SymmetryTask
from alphacrystal.learn.training.loop import TrainSettings, train
from alphacrystal.learn.training.models import DEFAULT_SETTINGS, TrainResult, train_model, with_overrides

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
