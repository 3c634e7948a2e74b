"""The paper's tables and figures, and ours, with controls; what every benchmark states about its run.

Each benchmark is a verb of `alphacrystal benchmark`; it reads its data from a folder that the user names.
"""

from alphacrystal.benchmark._cost import benchmark_cost
from alphacrystal.benchmark._cost_page import cost_page, write_cost_page
from alphacrystal.benchmark._cspbench import CspBenchSettings, benchmark_cspbench, compounds_of
from alphacrystal.benchmark._cspbench_page import cspbench_page, write_cspbench_page
from alphacrystal.benchmark._distance_controls import mean_distance, pair_lookup
from alphacrystal.benchmark._learning_curve import CURVES, CurveSettings, learning_curves
from alphacrystal.benchmark._learning_curve_page import learning_curves_page, write_learning_curves_page
from alphacrystal.benchmark._method_runs import MethodSettings, energies_by_formula
from alphacrystal.benchmark._models import benchmark_models
from alphacrystal.benchmark._models_page import models_page, write_models_page
from alphacrystal.benchmark._paper_compounds import PaperCompound, read_table3, read_table4
from alphacrystal.benchmark._random_crystals import commonest_crystals, random_crystals
from alphacrystal.benchmark._reconstruction import EXTRAS as RECONSTRUCTION_EXTRAS
from alphacrystal.benchmark._reconstruction import benchmark_reconstruction
from alphacrystal.benchmark._reconstruction_page import reconstruction_page, write_reconstruction_page
from alphacrystal.benchmark._run_facts import run_facts
from alphacrystal.benchmark._speed import NEED_DATA as SPEED_PARTS_WITH_DATA
from alphacrystal.benchmark._speed import PARTS as SPEED_PARTS
from alphacrystal.benchmark._speed import SpeedSettings, benchmark_speed
from alphacrystal.benchmark._speed_page import speed_page, write_speed_page
from alphacrystal.benchmark._subsets import reference_records
from alphacrystal.benchmark._table3 import benchmark_table3
from alphacrystal.benchmark._table3_page import table3_page, write_table3_page
from alphacrystal.benchmark._table4 import benchmark_table4
from alphacrystal.benchmark._table4_page import table4_page, write_table4_page
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
    "MethodSettings",
    "PaperCompound",
    "SpeedSettings",
    "Table5Results",
    "Table5Settings",
    "benchmark_cost",
    "benchmark_cspbench",
    "benchmark_models",
    "benchmark_reconstruction",
    "benchmark_speed",
    "benchmark_table3",
    "benchmark_table4",
    "commonest_crystals",
    "compounds_of",
    "cost_page",
    "cspbench_page",
    "energies_by_formula",
    "learning_curves",
    "learning_curves_page",
    "mean_distance",
    "models_page",
    "pair_lookup",
    "random_crystals",
    "read_table3",
    "read_table4",
    "reconstruction_page",
    "reference_records",
    "run_facts",
    "run_table5",
    "score_table",
    "speed_page",
    "table3_page",
    "table4_page",
    "table5_legend",
    "write_cost_page",
    "write_cspbench_page",
    "write_learning_curves_page",
    "write_models_page",
    "write_reconstruction_page",
    "write_speed_page",
    "write_table3_page",
    "write_table4_page",
    "write_table5_page",
]
