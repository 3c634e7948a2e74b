"""The result of a run: ranked list, structures, report page, figures; written to a run folder and read back.

``Prediction`` is the result of the pipeline; ``write_run_folder`` writes it.
"""

from alphacrystal.report._chemistry import Chemistry, SiteChemistry, chemistry
from alphacrystal.report._crystal_view import crystal_view
from alphacrystal.report._events import EventLog, plain_json
from alphacrystal.report._figures import write_figures
from alphacrystal.report._html import page_style
from alphacrystal.report._hull_page import HullPage, HullPagePhase, hull_page
from alphacrystal.report._index import (
    BEST_COLUMNS,
    INDEX_COLUMNS,
    PATTERN_COLUMNS,
    IndexRow,
    best_values,
    by_agreement,
    index_row,
    write_index,
)
from alphacrystal.report._layers import (
    LAYER_COLUMNS,
    LAYERS_CSV,
    LAYERS_FOLDER,
    LAYERS_FORMAT_VERSION,
    LAYERS_JSON,
    LayerList,
    LayerRow,
    check_layers_folder,
    layer_row,
    layers_content,
    layers_legend,
    layers_table,
    write_layers,
)
from alphacrystal.report._layout import (
    CHECKPOINT_FOLDER,
    INPUTS_FOLDER,
    MEASURED_STEM,
    PAGE_FILE,
    REQUEST_FILE,
    RUN_FILE,
    SERIES_FILE,
    default_folder,
    pressure_folder,
)
from alphacrystal.report._pattern_fit import pattern_sentences
from alphacrystal.report._prediction import DistogramSummary, OrbitDistanceSummary, Prediction
from alphacrystal.report._pressure_series import (
    ENTHALPIES_FILE,
    ENTHALPY_FIGURE,
    TRANSITIONS_FILE,
    EnthalpyRow,
    PressurePhase,
    TransitionRow,
    read_pressure_series,
    write_pressure_series,
)
from alphacrystal.report._read import RunSummary, finished_run, read_run_folder, run_summary
from alphacrystal.report._run_folder import prepare_output_folder, write_run_folder
from alphacrystal.report._run_record import CellProbability, RunRecord
from alphacrystal.report._sentences import list_sentences, next_step
from alphacrystal.report._structure_text import cif_text, poscar_text, typeset_formula, typeset_symbol
from alphacrystal.report._summary import (
    SUMMARY_COLUMNS,
    SummaryRow,
    summary_csv,
)
from alphacrystal.report._table import (
    at_pressure,
    candidate_counts,
    cell_list,
    html_table,
    ranked_table,
    shown_rows,
    table_legend,
    table_titles,
)

__all__ = [
    "BEST_COLUMNS",
    "CHECKPOINT_FOLDER",
    "ENTHALPIES_FILE",
    "ENTHALPY_FIGURE",
    "INDEX_COLUMNS",
    "INPUTS_FOLDER",
    "LAYERS_CSV",
    "LAYERS_FOLDER",
    "LAYERS_FORMAT_VERSION",
    "LAYERS_JSON",
    "LAYER_COLUMNS",
    "MEASURED_STEM",
    "PAGE_FILE",
    "PATTERN_COLUMNS",
    "REQUEST_FILE",
    "RUN_FILE",
    "SERIES_FILE",
    "SUMMARY_COLUMNS",
    "TRANSITIONS_FILE",
    "CellProbability",
    "Chemistry",
    "DistogramSummary",
    "EnthalpyRow",
    "EventLog",
    "HullPage",
    "HullPagePhase",
    "IndexRow",
    "LayerList",
    "LayerRow",
    "OrbitDistanceSummary",
    "Prediction",
    "PressurePhase",
    "RunRecord",
    "RunSummary",
    "SiteChemistry",
    "SummaryRow",
    "TransitionRow",
    "at_pressure",
    "best_values",
    "by_agreement",
    "candidate_counts",
    "cell_list",
    "check_layers_folder",
    "chemistry",
    "cif_text",
    "crystal_view",
    "default_folder",
    "finished_run",
    "html_table",
    "hull_page",
    "index_row",
    "layer_row",
    "layers_content",
    "layers_legend",
    "layers_table",
    "list_sentences",
    "next_step",
    "page_style",
    "pattern_sentences",
    "plain_json",
    "poscar_text",
    "prepare_output_folder",
    "pressure_folder",
    "ranked_table",
    "read_pressure_series",
    "read_run_folder",
    "run_summary",
    "shown_rows",
    "summary_csv",
    "table_legend",
    "table_titles",
    "typeset_formula",
    "typeset_symbol",
    "write_figures",
    "write_index",
    "write_layers",
    "write_pressure_series",
    "write_run_folder",
]
