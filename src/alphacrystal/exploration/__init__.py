"""Chemical systems: predictions at many compositions, and the convex hull of their phases.

``explore`` predicts rounds of formulas; ``Exploration`` is its result.
"""

from alphacrystal.exploration._budget import Budget, parse_budget
from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._explore import DEFAULTS, explore, stored_exploration
from alphacrystal.exploration._hull import Hull, Phase
from alphacrystal.exploration._lines import hull_lines
from alphacrystal.exploration._log import ExploreLog
from alphacrystal.exploration._results import write_results
from alphacrystal.exploration._run import ExplorationRun
from alphacrystal.exploration._selection import expected_lowering, predicted_depths
from alphacrystal.exploration._system import (
    ChemicalSystem,
    Compositions,
    enumerate_compositions,
    parse_system,
)
from alphacrystal.exploration._systems import SystemRow, explore_systems, read_systems
from alphacrystal.exploration._table import HULL_COLUMNS, hull_table
from alphacrystal.exploration._task import ExploreTask

__all__ = [
    "DEFAULTS",
    "HULL_COLUMNS",
    "Budget",
    "ChemicalSystem",
    "Compositions",
    "Exploration",
    "ExplorationRun",
    "ExploreLog",
    "ExploreTask",
    "Hull",
    "Phase",
    "SystemRow",
    "enumerate_compositions",
    "expected_lowering",
    "explore",
    "explore_systems",
    "hull_lines",
    "hull_table",
    "parse_budget",
    "parse_system",
    "predicted_depths",
    "read_systems",
    "stored_exploration",
    "write_results",
]
