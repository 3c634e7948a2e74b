"""Types that the whole package shares: arrays and callbacks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.intp]  # results of argsort, nonzero and other index functions of NumPy
BoolArray = NDArray[np.bool_]
ComplexArray = NDArray[np.complex128]

#: Progress of a run: stage, items done, items in total (0 where it is not known).
Progress = Callable[[str, int, int], None]
#: Progress of one stage: items done, items in total.
StageProgress = Callable[[int, int], None]
#: Progress without a known total: items done.
CountProgress = Callable[[int], None]
#: Progress of a training: step, steps in total, running loss.
TrainingProgress = Callable[[int, int, float], None]
