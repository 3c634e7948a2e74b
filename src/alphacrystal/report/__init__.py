"""The result of a run: ranked list, structures, report page, figures; written to a run folder and read back.

``Prediction`` is the result of the pipeline; ``write_run_folder`` writes it.
"""

from alphacrystal.report._crystal_view import crystal_view
from alphacrystal.report._events import EventLog
from alphacrystal.report._figures import write_figures
from alphacrystal.report._html import page_style
from alphacrystal.report._hull_page import HullPage, HullPagePhase, hull_page
from alphacrystal.report._index import (
    BEST_COLUMNS,
    INDEX_COLUMNS,
    IndexRow,
    best_values,
    by_agreement,
    index_row,
    write_index,
)
from alphacrystal.report._layout import CHECKPOINT_FOLDER, REQUEST_FILE, default_folder
from alphacrystal.report._pattern_fit import pattern_sentences
from alphacrystal.report._plain_json import plain_json
from alphacrystal.report._prediction import DistogramSummary, OrbitDistanceSummary, Prediction
from alphacrystal.report._pressure_series import PressurePhase, write_pressure_series
from alphacrystal.report._read import RunSummary, finished_run, read_run_folder, run_summary
from alphacrystal.report._run_folder import prepare_output_folder, write_run_folder
from alphacrystal.report._run_record import CellProbability, RunRecord
from alphacrystal.report._structure_text import cif_text, poscar_text
from alphacrystal.report._summary import SUMMARY_COLUMNS, SummaryRow
from alphacrystal.report._table import (
    at_pressure,
    candidate_counts,
    cell_list,
    list_sentences,
    ranked_table,
    table_legend,
)
from alphacrystal.report._typeset import typeset_formula, typeset_symbol

__all__ = [
    "BEST_COLUMNS",
    "CHECKPOINT_FOLDER",
    "INDEX_COLUMNS",
    "REQUEST_FILE",
    "SUMMARY_COLUMNS",
    "CellProbability",
    "DistogramSummary",
    "EventLog",
    "HullPage",
    "HullPagePhase",
    "IndexRow",
    "OrbitDistanceSummary",
    "Prediction",
    "PressurePhase",
    "RunRecord",
    "RunSummary",
    "SummaryRow",
    "at_pressure",
    "best_values",
    "by_agreement",
    "candidate_counts",
    "cell_list",
    "cif_text",
    "crystal_view",
    "default_folder",
    "finished_run",
    "hull_page",
    "index_row",
    "list_sentences",
    "page_style",
    "pattern_sentences",
    "plain_json",
    "poscar_text",
    "prepare_output_folder",
    "ranked_table",
    "read_run_folder",
    "run_summary",
    "table_legend",
    "typeset_formula",
    "typeset_symbol",
    "write_figures",
    "write_index",
    "write_pressure_series",
    "write_run_folder",
]
