"""Training of the models, a separate package so that prediction does not import it."""

from alphacrystal.learn.contacts.network import ContactNetConfig
from alphacrystal.learn.contacts.training import ContactTask
from alphacrystal.learn.distances.sorted_distances import length_order, sorted_rmse
from alphacrystal.learn.distances.training import COMPOSITION_ONLY_SHARE, DistanceTask
from alphacrystal.learn.lattice.network import LatticeNetConfig
from alphacrystal.learn.lattice.training import LatticeTask
from alphacrystal.learn.orbit_distances.training import OrbitDistanceTask
from alphacrystal.learn.space_groups import SpaceGroupTask
from alphacrystal.learn.symmetry.network import SymmetryNetConfig
from alphacrystal.learn.symmetry.training import SymmetryTask
from alphacrystal.learn.training.loop import TrainSettings, train
from alphacrystal.learn.training.models import DEFAULT_SETTINGS, TrainResult, train_model, with_overrides

__all__ = [
    "COMPOSITION_ONLY_SHARE",
    "DEFAULT_SETTINGS",
    "ContactNetConfig",
    "ContactTask",
    "DistanceTask",
    "LatticeNetConfig",
    "LatticeTask",
    "OrbitDistanceTask",
    "SpaceGroupTask",
    "SymmetryNetConfig",
    "SymmetryTask",
    "TrainResult",
    "TrainSettings",
    "length_order",
    "sorted_rmse",
    "train",
    "train_model",
    "with_overrides",
]
