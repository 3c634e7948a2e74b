"""The files of an exploration: tables, CIF files, page and pictures; rewritten after each round."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import PREDICTED, Hull, Phase
from alphacrystal.exploration._page import exploration_page
from alphacrystal.exploration._summary import FORMAT_VERSION, SUMMARY_FILE, summary_text
from alphacrystal.exploration._table import (
    STRUCTURES_FOLDER,
    HullRow,
    hull_columns,
    hull_row,
    ordered_phases,
)
from alphacrystal.runtime.atomic_write import storage_sentence, write_text_atomically
from alphacrystal.runtime.csv_cells import write_csv

CSV_FILE = "hull.csv"
JSON_FILE = "hull.json"
PAGE_FILE = "hull.html"
#: Names of the figures, as PNG and SVG.
FIGURE = "hull"
POTENTIALS_FIGURE = "chemical_potentials"
PRESSURES_FIGURE = "stable_pressures"
MAX_STRUCTURES = 500  # CIF files
MAX_CIF_BYTES = 5_000_000


def write_results(exploration: Exploration, *, page: bool = True) -> None:
    """Write the results of all pressures: into the folder itself, or a subfolder "<pressure>GPa" each.

    Args:
        exploration: Its present state.
        page: Whether to write the page and the pictures.

    Raises:
        AlphaCrystalError: A file cannot be written.
    """
    for pressure, hull in exploration.hulls.items():
        folder = exploration.results_folder(pressure)
        try:
            folder.joinpath(STRUCTURES_FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AlphaCrystalError(storage_sentence(folder, error)) from error
        _write_hull(exploration, hull, folder, page=page)
    if len(exploration.hulls) > 1 and page:
        _draw_pressures(exploration)


def _write_hull(exploration: Exploration, hull: Hull, folder: Path, *, page: bool) -> None:
    order = ordered_phases(hull)
    rows = [hull_row(exploration, hull, index) for index in order]
    cifs = _write_structures(exploration.folder, folder, [hull.phases[index] for index in order], rows)
    rows = [row if row.file in cifs else _without_file(row) for row in rows]
    place = {index: position for position, index in enumerate(order)}
    edges = sorted({tuple(sorted((place[a], place[b]))) for f in hull.facets for a, b in combinations(f, 2)})
    pairs = tuple((a, b) for a, b in edges)
    ranges = hull.potential_ranges()
    _write_csv(folder / CSV_FILE, rows)
    content: dict[str, object] = {
        "format": "alphacrystal-hull",
        "format_version": FORMAT_VERSION,
        "elements": list(exploration.system.elements),
        "pressure_gpa": hull.pressure_gpa,
        "potential": exploration.potential,
        "predicted_formulas": exploration.predicted,
        "considered_formulas": len(exploration.compositions),
        "rounds": exploration.rounds,
        "stopped": exploration.stopped,
        "failures": dict(exploration.failures),
        "phases": [asdict(row) for row in rows],
        "on_hull": [hull.phases[index].formula for index in order if index in hull.stable],
        "coexisting": pairs,
        "chemical_potentials_ev": ranges,
    }
    write_text_atomically(folder / JSON_FILE, json.dumps(content, indent=1, allow_nan=False) + "\n")
    summary = summary_text(content, rows, len(exploration.failures))
    write_text_atomically(folder / SUMMARY_FILE, summary)
    if page:
        picture = _draw(exploration, hull, folder, order, pairs)
        write_text_atomically(
            folder / PAGE_FILE, exploration_page(exploration, hull, order, rows, pairs, cifs, ranges, picture)
        )


def _without_file(row: HullRow) -> HullRow:
    return HullRow(**{**asdict(row), "file": ""})


def _write_csv(path: Path, rows: Sequence[HullRow]) -> None:
    stream, columns = io.StringIO(), hull_columns(rows)
    write_csv(stream, columns, ([getattr(row, name) for name in columns] for row in rows))
    write_text_atomically(path, stream.getvalue())


def _write_structures(
    root: Path, folder: Path, phases: Sequence[Phase], rows: Sequence[HullRow]
) -> dict[str, str]:
    """Copy the CIF files of phases on and near the hull; returns their texts by path in the table."""
    texts: dict[str, str] = {}
    for phase, row in zip(phases, rows, strict=True):
        if not row.file or len(texts) == MAX_STRUCTURES:
            continue
        source, target = root / phase.folder / phase.file, folder / row.file
        try:
            if source.stat().st_size > MAX_CIF_BYTES:
                continue
            text = source.read_text(encoding="utf-8")
            if not target.is_file() or target.read_text(encoding="utf-8") != text:
                write_text_atomically(target, text)
        except (OSError, UnicodeDecodeError):
            continue  # the run folder was removed or damaged: the row stays without a file
        texts[row.file] = text
    for stale in folder.joinpath(STRUCTURES_FOLDER).glob("*_sg*_*.cif"):
        if f"{STRUCTURES_FOLDER}/{stale.name}" not in texts:
            stale.unlink(missing_ok=True)
    return texts


def _draw(
    exploration: Exploration,
    hull: Hull,
    folder: Path,
    order: Sequence[int],
    edges: Sequence[tuple[int, int]],
) -> bytes | None:
    """Draw the hull, and the chemical potentials of two or three elements; the PNG of the latter."""
    from alphacrystal.plots import HullPoint, chemical_potentials, hull_diagram
    from alphacrystal.report import typeset_formula

    system = exploration.system
    title = system.name if hull.pressure_gpa == 0 else f"{system.name}, {hull.pressure_gpa:g} GPa"
    points = [
        HullPoint(
            typeset_formula(hull.phases[i].formula),
            tuple(hull.fractions[i].tolist()),
            float(hull.formation[i]),
            float(hull.above[i]),
            i in hull.stable,
            hull.phases[i].source == PREDICTED,
        )
        for i in order
    ]
    quantity = "energy" if hull.pressure_gpa == 0 else "enthalpy"
    hull_diagram(points, edges, system.elements, folder / FIGURE, quantity=quantity, title=title)
    corners = {
        typeset_formula(formula): points
        for formula, points in hull.potential_corners().items()
        if formula not in system.elements and len(points) >= 2
    }
    if len(system.elements) > 3 or not corners:
        return None
    png, _ = chemical_potentials(corners, system.elements, folder / POTENTIALS_FIGURE, title=title)
    return png.read_bytes()


def _draw_pressures(exploration: Exploration) -> None:
    """Draw the pressures at which each compound is on the hull."""
    from alphacrystal.plots import stable_pressures
    from alphacrystal.report import typeset_formula, typeset_symbol

    stable: dict[tuple[float, ...], dict[float, str]] = {}
    names: dict[tuple[float, ...], str] = {}
    for pressure, hull in exploration.hulls.items():
        for index in hull.stable:
            phase = hull.phases[index]
            if len(phase.counts) > 1:
                key = tuple(hull.fractions[index].tolist())
                names[key] = typeset_formula(phase.formula)
                stable.setdefault(key, {})[pressure] = typeset_symbol(phase.space_group_symbol)
    stable_pressures(
        {names[key]: stable[key] for key in sorted(stable)},
        list(exploration.hulls),
        exploration.folder / PRESSURES_FIGURE,
        title=exploration.system.name,
    )
