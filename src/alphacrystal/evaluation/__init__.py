"""How good predictions are: structure matching with its rates, and distances between two crystals."""

from alphacrystal.evaluation._cell_distances import sinkhorn_distance
from alphacrystal.evaluation._compare import best_values, compare, compare_many
from alphacrystal.evaluation._evaluation import EvaluationResult, evaluate
from alphacrystal.evaluation._families import ComparedCrystal
from alphacrystal.evaluation._inputs import read_predicted, read_targets
from alphacrystal.evaluation._matching import (
    PRESETS,
    MatchPreset,
    PairMatch,
    match_pair,
    match_preset,
    space_group_number,
)
from alphacrystal.evaluation._metrics import (
    METRIC_SETS,
    METRICS,
    Metric,
    MetricValue,
    NotComparableError,
    metric_names,
)
from alphacrystal.evaluation._polymorphs import PolymorphSummary, polymorph_summary
from alphacrystal.evaluation._summary import DEPTHS, SYMPRECS, MatchSummary, TargetMatch, match_summary
from alphacrystal.evaluation._superpose import superpose_rmsd
from alphacrystal.evaluation._tasks import TIME_LIMIT_S, run_tasks
from alphacrystal.runtime.task_process import TaskResult

__all__ = [
    "DEPTHS",
    "METRICS",
    "METRIC_SETS",
    "PRESETS",
    "SYMPRECS",
    "TIME_LIMIT_S",
    "ComparedCrystal",
    "EvaluationResult",
    "MatchPreset",
    "MatchSummary",
    "Metric",
    "MetricValue",
    "NotComparableError",
    "PairMatch",
    "PolymorphSummary",
    "TargetMatch",
    "TaskResult",
    "best_values",
    "compare",
    "compare_many",
    "evaluate",
    "match_pair",
    "match_preset",
    "match_summary",
    "metric_names",
    "polymorph_summary",
    "read_predicted",
    "read_targets",
    "run_tasks",
    "sinkhorn_distance",
    "space_group_number",
    "superpose_rmsd",
]
