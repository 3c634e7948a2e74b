"""The paper's side of the distance matrix: its labels, network (section 2.3), training and metrics."""

from alphacrystal.learn.paper._labels import (
    LONGEST_DISTANCE,
    MOST_ATOMS,
    class_labels,
    decode,
    matrices,
    one_hot,
    pair_mask,
)
from alphacrystal.learn.paper._metrics import OVERLAP_CUTOFF, MatrixMetrics, matrix_metrics

__all__ = [
    "LONGEST_DISTANCE",
    "MOST_ATOMS",
    "OVERLAP_CUTOFF",
    "MatrixMetrics",
    "class_labels",
    "decode",
    "matrices",
    "matrix_metrics",
    "one_hot",
    "pair_mask",
]
