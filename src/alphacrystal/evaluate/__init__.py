"""How good predictions are: structure matching with its rates, and distances between two crystals."""

from alphacrystal.evaluate._compare import best_values, compare, compare_many
from alphacrystal.evaluate._evaluation import EvaluationResult, evaluate
from alphacrystal.evaluate._families import ComparedCrystal
from alphacrystal.evaluate._inputs import read_predicted, read_targets
from alphacrystal.evaluate._matching import PairMatch, match_pair, space_group_number
from alphacrystal.evaluate._metric_value import MetricValue, NotComparableError
from alphacrystal.evaluate._metrics import METRIC_SETS, METRICS, Metric, metric_names
from alphacrystal.evaluate._point_clouds import sinkhorn_distance
from alphacrystal.evaluate._polymorphs import PolymorphSummary, polymorph_summary
from alphacrystal.evaluate._presets import PRESETS, MatchPreset, match_preset
from alphacrystal.evaluate._summary import DEPTHS, SYMPRECS, MatchSummary, TargetMatch, match_summary
from alphacrystal.evaluate._superpose import superpose_rmsd
from alphacrystal.evaluate._tasks import TIME_LIMIT_S, run_tasks
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
