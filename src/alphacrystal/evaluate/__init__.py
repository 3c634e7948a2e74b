"""How good predictions are: structure matching with its rates, and distances between two crystals."""

from alphacrystal.evaluate._matching import PairMatch, match_pair, space_group_number
from alphacrystal.evaluate._polymorphs import PolymorphSummary, polymorph_summary
from alphacrystal.evaluate._presets import PRESETS, MatchPreset, match_preset
from alphacrystal.evaluate._summary import DEPTHS, SYMPRECS, MatchSummary, TargetMatch, match_summary
from alphacrystal.evaluate._tasks import TIME_LIMIT_S, TaskResult, run_tasks

__all__ = [
    "DEPTHS",
    "PRESETS",
    "SYMPRECS",
    "TIME_LIMIT_S",
    "MatchPreset",
    "MatchSummary",
    "PairMatch",
    "PolymorphSummary",
    "TargetMatch",
    "TaskResult",
    "match_pair",
    "match_preset",
    "match_summary",
    "polymorph_summary",
    "run_tasks",
    "space_group_number",
]
