"""Chemical systems: predictions at many compositions, and the convex hull of their phases.

``explore`` predicts rounds of formulas; ``Exploration`` is its result.
"""

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._explore import (
    DEFAULTS,
    MAX_PRESSURES,
    check_exploration,
    explore,
    stored_exploration,
)
from alphacrystal.exploration._hull import Hull, Phase
from alphacrystal.exploration._log import EVENTS_FILE, LOG_FILE, ExploreLog, parse_log
from alphacrystal.exploration._read import StoredHull, parse_hull, read_hull, summary_of
from alphacrystal.exploration._results import (
    CSV_FILE,
    FIGURE,
    JSON_FILE,
    PAGE_FILE,
    POTENTIALS_FIGURE,
    PRESSURES_FIGURE,
    write_results,
)
from alphacrystal.exploration._run import ExplorationRun
from alphacrystal.exploration._selection import expected_lowering, predicted_depths
from alphacrystal.exploration._sentences import hull_lines
from alphacrystal.exploration._summary import MAX_PHASES, SUMMARY_FILE, HullSummary, parse_summary
from alphacrystal.exploration._system import (
    ChemicalSystem,
    Compositions,
    enumerate_compositions,
    parse_system,
)
from alphacrystal.exploration._systems import SystemRow, explore_systems, read_systems
from alphacrystal.exploration._table import HULL_COLUMNS, STRUCTURES_FOLDER, HullRow, hull_table
from alphacrystal.exploration._tasks import RUNS_FOLDER, Budget, ExploreTask, parse_budget

__all__ = [
    "CSV_FILE",
    "DEFAULTS",
    "EVENTS_FILE",
    "FIGURE",
    "HULL_COLUMNS",
    "JSON_FILE",
    "LOG_FILE",
    "MAX_PHASES",
    "MAX_PRESSURES",
    "PAGE_FILE",
    "POTENTIALS_FIGURE",
    "PRESSURES_FIGURE",
    "RUNS_FOLDER",
    "STRUCTURES_FOLDER",
    "SUMMARY_FILE",
    "Budget",
    "ChemicalSystem",
    "Compositions",
    "Exploration",
    "ExplorationRun",
    "ExploreLog",
    "ExploreTask",
    "Hull",
    "HullRow",
    "HullSummary",
    "Phase",
    "StoredHull",
    "SystemRow",
    "check_exploration",
    "enumerate_compositions",
    "expected_lowering",
    "explore",
    "explore_systems",
    "hull_lines",
    "hull_table",
    "parse_budget",
    "parse_hull",
    "parse_log",
    "parse_summary",
    "parse_system",
    "predicted_depths",
    "read_hull",
    "read_systems",
    "stored_exploration",
    "summary_of",
    "write_results",
]
