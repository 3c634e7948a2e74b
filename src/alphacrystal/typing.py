"""Array types: one name for each element type of the package's NumPy arrays."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.intp]  # results of argsort, nonzero and other index functions of NumPy
BoolArray = NDArray[np.bool_]
