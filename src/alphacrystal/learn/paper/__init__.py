"""The paper's side of the distance matrix: its labels, network (section 2.3), training and metrics."""

from alphacrystal.learn.paper._labels import (
    LONGEST_DISTANCE,
    MOST_ATOMS,
    Matrices,
    class_labels,
    decode,
    matrices,
    one_hot,
    pair_mask,
)
from alphacrystal.learn.paper._losses import Loss, matrix_loss
from alphacrystal.learn.paper._metrics import OVERLAP_CUTOFF, MatrixMetrics, matrix_metrics
from alphacrystal.learn.paper._network import (
    PaperNet,
    PaperNetConfig,
    flop_count,
    parameter_count,
    predict_matrices,
)
from alphacrystal.learn.paper._training import PaperTraining, PaperTrainSettings, train_paper_net

__all__ = [
    "LONGEST_DISTANCE",
    "MOST_ATOMS",
    "OVERLAP_CUTOFF",
    "Loss",
    "Matrices",
    "MatrixMetrics",
    "PaperNet",
    "PaperNetConfig",
    "PaperTrainSettings",
    "PaperTraining",
    "class_labels",
    "decode",
    "flop_count",
    "matrices",
    "matrix_loss",
    "matrix_metrics",
    "one_hot",
    "pair_mask",
    "parameter_count",
    "predict_matrices",
    "train_paper_net",
]
