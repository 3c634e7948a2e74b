"""``report.html``: one self-contained page that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from alphacrystal import __version__
from alphacrystal.report._diffraction import RADIATION, WAVELENGTH
from alphacrystal.report._events import plain_json
from alphacrystal.report._page_data import page_data, plotted_quantity
from alphacrystal.report._sentences import list_sentences, next_step
from alphacrystal.report._structure_text import poscar_text, typeset_formula, typeset_symbol
from alphacrystal.report._table import cell_list

if TYPE_CHECKING:
    from jinja2 import Template

    from alphacrystal.report._chemistry import Chemistry
    from alphacrystal.report._diffraction import Peak
    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._run_record import RunRecord
    from alphacrystal.report._summary import SummaryRow

_MACHINE = {"cpu": "Processor", "cores": "Cores", "usable_cores": "Usable cores", "platform": "Platform"}
_VIEWER = "3Dmol-min.js"
_SCRIPTS = (
    "svg.js",
    "save.js",
    "table.js",
    "crystal.js",
    "viewer.js",
    "distances.js",
    "chart.js",
    "pattern.js",
    "energy.js",
    "page.js",
)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the page's table; it shows the ``field`` of ``SummaryRow``."""

    field: str
    title: str
    explanation: str
    decimals: int | None = None
    text: bool = False


_COLUMNS = (
    _Column("rank", "Rank", "Default order"),
    _Column("probability", "Probability", "That this is the known or ground-state structure", 3),
    _Column("r_wp", "R_wp", "Misfit between measured and calculated pattern, 0 to about 1", 3),
    _Column("unexplained_peaks", "Unexplained", "Measured peaks that the structure does not explain"),
    _Column("space_group_symbol", "Space group", "Hermann-Mauguin symbol at 0.1 Å", text=True),
    _Column("space_group_number", "No.", "International number of the space group at 0.1 Å"),
    _Column("prototype", "Prototype", "Name of the structure type", text=True),
    _Column(
        "known",
        "Known",
        "Identifier of the known phase that the row is; else whether its formula is known, or new",
        text=True,
    ),
    *(_Column(name, f"{name} (Å)", "Conventional cell, standard setting", 3) for name in ("a", "b", "c")),
    *(
        _Column(name, f"{letter} (°)", "Conventional cell, standard setting", 2)
        for name, letter in (("alpha", "α"), ("beta", "β"), ("gamma", "γ"))
    ),
    _Column("density_g_cm3", "Density (g/cm³)", "Density", 2),
    _Column("enthalpy_per_atom_ev", "Enthalpy (eV/atom)", "Enthalpy per atom after relaxation", 4),
    _Column(
        "energy_above_hull_per_atom_ev", "Above hull (eV/atom)", "Relative to the named reference set", 4
    ),
    _Column(
        "formation_energy_per_atom_ev", "Formation (eV/atom)", "Relative to the elements, same potential", 4
    ),
    _Column("cell_formula", "Cell", "Content of the primitive cell", text=True),
    _Column("energy_per_atom_ev", "Energy (eV/atom)", "Energy per atom after relaxation", 4),
    _Column("flags", "Flags", "Reasons to doubt the energy or the shape; explained below", text=True),
    _Column(
        "second_above_lowest_per_atom_ev",
        "Second potential (eV/atom)",
        "Above the lowest row by the second potential, which is named below",
        4,
    ),
    _Column(
        "second_formation_energy_per_atom_ev",
        "Second potential, formation (eV/atom)",
        "Relative to the elements, second potential",
        4,
    ),
    _Column("volume_per_atom_a3", "Volume (Å³/atom)", "Volume per atom", 2),
    _Column("space_group_number_tight", "At 0.01 Å", "International number at 0.01 Å"),
    _Column("lowest_frequency_thz", "Lowest frequency (THz)", "Of the phonons; negative: imaginary", 2),
    _Column("chemical_rank", "Chemical rank", "Rank by prior × geometry"),
    _Column("energy_rank", "Energy rank", "Rank by energy (enthalpy) per atom"),
    _Column("log_probability", "Log-probability", "Natural log of prior × geometry", 2),
    _Column("parent", "Disordered crystal", "Of which it is an ordered approximant", text=True),
    _Column("arrangements", "Arrangements", "Equivalent arrangements of the atoms in cells of this size"),
    _Column("structure_type", "Structure type", "Label in the style of AFLOW", text=True),
    _Column("generator", "Generator", "Source of the candidate", text=True),
    _Column("converged", "Converged", "Force and stress are below their limits"),
)


def report_html(
    prediction: Prediction,
    run: RunRecord,
    rows: list[SummaryRow],
    cifs: Mapping[str, str],
    patterns: Sequence[Sequence[Peak]],
    facts: Sequence[Chemistry],
) -> str:
    """Text of ``report.html``.

    Args:
        prediction: Content of the page.
        run: Settings, versions and machine of the run.
        rows: The table of ``summary.csv``.
        cifs: CIF text by ``SummaryRow.file``.
        patterns: Powder pattern of each row.
        facts: Chemistry of each row.
    """
    scripts = (_asset(_VIEWER), page_script(_SCRIPTS))
    columns = [
        column for column in _COLUMNS if any(getattr(row, column.field) not in (None, "") for row in rows)
    ]
    return page_template("report.html.j2").render(
        version=__version__,
        prediction=prediction,
        formula=typeset_formula(prediction.formula),
        run=run,
        warnings=_warnings(prediction),
        cells=typeset_formula(cell_list(prediction.cells)),
        sentences=list_sentences(rows, ("prototype", "known")),
        next_step=next_step(rows),
        columns=columns,
        rows=[
            {
                "row": row,
                "symbol": typeset_symbol(row.space_group_symbol),
                "cells": [(column, _shown(row, column), getattr(row, column.field)) for column in columns],
                "name": row.file.rpartition("/")[2].removesuffix(".cif"),
                "cif_uri": "data:chemical/x-cif;charset=utf-8," + quote(cifs[row.file]),
                "poscar_uri": "data:text/plain;charset=utf-8," + quote(poscar_text(ranked.structure)),
            }
            for row, ranked in zip(rows, prediction.ranked, strict=True)
        ],
        machine={_MACHINE.get(name, name): value for name, value in run.machine.items()},
        unconverged=sum(row.converged is False for row in rows),
        data=embedded_json(page_data(prediction, run, rows, patterns, facts)),
        configuration=json.dumps(plain_json(run.configuration), indent=2, ensure_ascii=False),
        quantity=plotted_quantity(prediction.potential is not None, prediction.pressure_gpa),
        radiation=RADIATION,
        wavelength=WAVELENGTH,
        style=_asset("report.css"),
        viewer_script=scripts[0],
        page_script=scripts[1],
        script_hashes=script_hashes(scripts),
        licences=_asset("3Dmol-LICENSES.txt"),
    )


def page_style() -> str:
    """The style sheet of the report page and the web pages."""
    return _asset("report.css")


def _warnings(prediction: Prediction) -> list[str]:
    warnings = []
    if not prediction.complete:
        warnings.append(
            "This run was interrupted: the list is incomplete. "
            "Repeat the command with --resume to continue it."
        )
    if not prediction.ranked:
        warnings.append("The list is empty: no candidate could be ranked.")
    return warnings + [f"{note.rstrip('.')}." for note in prediction.notes]


def _shown(row: SummaryRow, column: _Column) -> str:
    value = getattr(row, column.field)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.decimals is not None:
        return f"{round(value, column.decimals) + 0.0:.{column.decimals}f}"  # no negative zero
    if column.field == "cell_formula":
        return typeset_formula(str(value))
    if column.field == "space_group_symbol":
        return typeset_symbol(str(value))
    return str(value)


def embedded_json(data: dict[str, Any]) -> str:
    """JSON that cannot close its script element: "<", ">" and "&" are escaped."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    return files("alphacrystal.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def page_script(names: tuple[str, ...]) -> str:
    """One script of several files in ``assets``, which share the object ``report``."""
    parts = "\n".join(_asset(name) for name in names)
    return f'"use strict";\n(function () {{\nconst report = {{}};\n{parts}\n}})();\n'


def script_hashes(scripts: Sequence[str]) -> str:
    """The sources of a content security policy that allows these scripts alone."""
    return " ".join(f"'sha256-{_content_hash(script)}'" for script in scripts)


def viewer_parts() -> tuple[str, str]:
    """The script of the 3D viewer and its licences."""
    return _asset(_VIEWER), _asset("3Dmol-LICENSES.txt")


@cache
def _content_hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


@cache
def page_template(name: str) -> Template:
    """The template of a page, a file in ``assets``."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset(name))
