"""``hull.html`` of an exploration."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import Hull
from alphacrystal.exploration._sentences import agreement_sentences, notices, summary_sentence
from alphacrystal.exploration._table import HullRow

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_SHOWN = 60  # structures on the page
MAX_ROWS = 1000  # phases on the page, nearest to the hull first


def exploration_page(
    exploration: Exploration,
    hull: Hull,
    order: Sequence[int],
    rows: Sequence[HullRow],
    edges: Sequence[tuple[int, int]],
    cifs: Mapping[str, str],
    ranges: Mapping[str, Sequence[tuple[float, float]]],
    picture: bytes | None,
) -> str:
    """Text of ``hull.html``.

    Args:
        exploration: Its present state.
        hull: One of its hulls.
        order: Indices of the phases in the order of the table.
        rows: The table.
        edges: Pairs of rows that coexist.
        cifs: CIF texts by path in the table.
        ranges: Ranges of the chemical potentials in eV by formula.
        picture: PNG of the chemical potentials.
    """
    from alphacrystal.ranking import FLAGS
    from alphacrystal.report import HullPage, HullPagePhase, hull_page

    phases = []
    shown = 0
    for index, row in zip(order[:MAX_ROWS], rows[:MAX_ROWS], strict=True):
        structure = _structure(cifs[row.file]) if row.file and shown < MAX_SHOWN else None
        shown += structure is not None
        phases.append(
            HullPagePhase(
                formula=row.formula,
                space_group_symbol=row.space_group_symbol,
                space_group_number=row.space_group_number,
                fractions=tuple(hull.fractions[index].tolist()),
                energy=float(hull.energies[index]),
                formation=row.formation_energy_per_atom_ev,
                above=row.energy_above_hull_per_atom_ev,
                stable=index in hull.stable,
                source=row.source,
                known=row.known,
                existence=row.existence,
                probability=row.probability,
                flags="; ".join(FLAGS[flag] for flag in row.flags.split() if flag in FLAGS),
                decomposition=row.decomposition,
                cif_name=row.file.rpartition("/")[2],
                cif=cifs[row.file] if structure is not None else "",
                structure=structure,
                run=_run_address(exploration, hull, row),
            )
        )
    facts = (
        ("Formulas predicted", f"{exploration.predicted} of {len(exploration.compositions)} considered"),
        ("Rounds", str(exploration.rounds)),
        ("Ended because", exploration.stopped or "it has not ended yet"),
        ("Potential", exploration.potential),
        ("Pressure", f"{hull.pressure_gpa:g} GPa"),
        ("Failed formulas", str(len(exploration.failures))),
    )
    notes = (*agreement_sentences(hull), *notices(hull))
    if len(rows) > MAX_ROWS:
        notes += (f"The page has the {MAX_ROWS} phases nearest to the hull; hull.csv has all {len(rows)}.",)
    return hull_page(
        HullPage(
            name=exploration.system.name
            + ("" if hull.pressure_gpa == 0 else f" at {hull.pressure_gpa:g} GPa"),
            elements=exploration.system.elements,
            lead=summary_sentence(exploration, hull),
            notices=notes,
            phases=tuple(phases),
            edges=tuple(pair for pair in edges if max(pair) < MAX_ROWS),
            pressure_gpa=hull.pressure_gpa,
            facts=facts,
            potentials=ranges,
            picture=picture,
        )
    )


def _run_address(exploration: Exploration, hull: Hull, row: HullRow) -> str:
    """Address of the report of a phase, else of its run folder, relative to the page; "" without one."""
    from alphacrystal.report import PAGE_FILE

    folder = exploration.folder / row.run
    if not row.run or not folder.is_dir():
        return ""
    up = "" if exploration.results_folder(hull.pressure_gpa) == exploration.folder else "../"
    return quote(f"{up}{row.run}/{PAGE_FILE if (folder / PAGE_FILE).is_file() else ''}")


def _structure(text: str) -> Structure | None:
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CifParser.from_str(text).parse_structures(primitive=False)[0]
