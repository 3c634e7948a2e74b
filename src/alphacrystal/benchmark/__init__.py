"""The paper's tables and figures, and ours, with controls; what every benchmark states about its run.

Each benchmark is a verb of `alphacrystal benchmark`; it reads its data from a folder that the user names.
"""

from alphacrystal.benchmark._cspbench import CspBenchSettings, benchmark_cspbench, compounds_of
from alphacrystal.benchmark._cspbench_page import cspbench_page, write_cspbench_page
from alphacrystal.benchmark._distance_controls import mean_distance, pair_lookup
from alphacrystal.benchmark._learning_curve import CURVES, CurveSettings, learning_curves
from alphacrystal.benchmark._learning_curve_page import learning_curves_page, write_learning_curves_page
from alphacrystal.benchmark._models import benchmark_models
from alphacrystal.benchmark._models_page import models_page, write_models_page
from alphacrystal.benchmark._reconstruction import EXTRAS as RECONSTRUCTION_EXTRAS
from alphacrystal.benchmark._reconstruction import benchmark_reconstruction
from alphacrystal.benchmark._reconstruction_page import reconstruction_page, write_reconstruction_page
from alphacrystal.benchmark._run_facts import run_facts
from alphacrystal.benchmark._speed import NEED_DATA as SPEED_PARTS_WITH_DATA
from alphacrystal.benchmark._speed import PARTS as SPEED_PARTS
from alphacrystal.benchmark._speed import SpeedSettings, benchmark_speed
from alphacrystal.benchmark._speed_page import speed_page, write_speed_page
from alphacrystal.benchmark._subsets import reference_records
from alphacrystal.benchmark._table5 import Table5Settings, run_table5
from alphacrystal.benchmark._table5_page import write_table5_page
from alphacrystal.benchmark._table5_results import TABLE5_CELLS, TABLE5_METHODS, TABLE5_SPLITS, Table5Results
from alphacrystal.benchmark._table5_tables import score_table, table5_legend

__all__ = [
    "CURVES",
    "RECONSTRUCTION_EXTRAS",
    "SPEED_PARTS",
    "SPEED_PARTS_WITH_DATA",
    "TABLE5_CELLS",
    "TABLE5_METHODS",
    "TABLE5_SPLITS",
    "CspBenchSettings",
    "CurveSettings",
    "SpeedSettings",
    "Table5Results",
    "Table5Settings",
    "benchmark_cspbench",
    "benchmark_models",
    "benchmark_reconstruction",
    "benchmark_speed",
    "compounds_of",
    "cspbench_page",
    "learning_curves",
    "learning_curves_page",
    "mean_distance",
    "models_page",
    "pair_lookup",
    "reconstruction_page",
    "reference_records",
    "run_facts",
    "run_table5",
    "score_table",
    "speed_page",
    "table5_legend",
    "write_cspbench_page",
    "write_learning_curves_page",
    "write_models_page",
    "write_reconstruction_page",
    "write_speed_page",
    "write_table5_page",
]
