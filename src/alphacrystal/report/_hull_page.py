"""``hull.html``: the phases of a chemical system on one self-contained page that needs no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from alphacrystal import __version__
from alphacrystal.plots import drawn_elements
from alphacrystal.report._events import plain_json
from alphacrystal.report._html import (
    embedded_json,
    page_script,
    page_style,
    page_template,
    script_hashes,
    viewer_parts,
)
from alphacrystal.report._layout import PAGE_FILE
from alphacrystal.report._structure_text import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from pymatgen.core import Structure

_SCRIPTS = (
    "svg.js",
    "save.js",
    "table.js",
    "crystal.js",
    "viewer.js",
    "chart.js",
    "hull.js",
    "hull_page.js",
)


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    explanation: str
    text: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class HullPagePhase:
    """A phase on the page.

    Attributes:
        formula: Reduced formula, e.g. "Li3PS4".
        space_group_symbol: Hermann-Mauguin short symbol, "" where unknown.
        space_group_number: International number, None where unknown.
        fractions: Atomic fraction of each element of the system.
        energy: eV/atom (under pressure: enthalpy).
        formation: Formation energy (enthalpy) in eV/atom.
        above: eV/atom above the hull.
        stable: Whether it is on the hull.
        source: "predicted", "known" or "reference".
        known: Identifier of the known phase, "other structure", "new" or "".
        existence: Probability that a compound exists at the composition, None for elements.
        probability: That the structure is the known or ground-state structure, None where unknown.
        flags: Sentences on reasons to doubt it.
        decomposition: Phases on the hull at its composition, "" for those on the hull.
        cif_name: Name of its CIF, "" without one.
        cif: CIF text, "" without one.
        structure: Conventional cell for the 3D view, None without one.
        run: Address of its report or run folder, relative to the page; "" without one.
    """

    formula: str
    space_group_symbol: str
    space_group_number: int | None
    fractions: tuple[float, ...]
    energy: float
    formation: float
    above: float
    stable: bool
    source: str
    known: str
    existence: float | None
    probability: float | None
    flags: str
    decomposition: str
    cif_name: str
    cif: str
    structure: Structure | None
    run: str = ""

    @property
    def title(self) -> str:
        """Formula and space group for a heading."""
        symbol = typeset_symbol(self.space_group_symbol)
        if not symbol and self.space_group_number is not None:
            symbol = f"space group {self.space_group_number}"
        return typeset_formula(self.formula) + (f" · {symbol}" if symbol else "")


@dataclass(frozen=True, slots=True, eq=False)
class HullPage:
    """The content of the page.

    Attributes:
        name: Chemical system, e.g. "Li-P-S".
        elements: Symbols of the corners.
        lead: One or two sentences with the result.
        notices: Sentences that a reader must know.
        phases: Nearest to the hull first.
        edges: Pairs of phases, by index, that coexist on the hull.
        pressure_gpa: Energies are enthalpies if it is not zero.
        facts: Names and values of the exploration.
        potentials: Formula and the range of each element's chemical potential in eV.
        picture: PNG of the chemical potentials, None without one.
    """

    name: str
    elements: tuple[str, ...]
    lead: str
    notices: tuple[str, ...]
    phases: tuple[HullPagePhase, ...]
    edges: tuple[tuple[int, int], ...]
    pressure_gpa: float
    facts: tuple[tuple[str, str], ...]
    potentials: Mapping[str, Sequence[tuple[float, float]]]
    picture: bytes | None = None


def hull_page(page: HullPage) -> str:
    """Text of ``hull.html``."""
    viewer, licences = viewer_parts()
    scripts = (viewer, page_script(_SCRIPTS))
    quantity = "energy" if page.pressure_gpa == 0 else "enthalpy"
    return page_template("hull.html.j2").render(
        version=__version__,
        name=page.name,
        lead=page.lead,
        notices=page.notices,
        turns=len(page.elements) == 4,
        columns=_columns(quantity),
        rows=[_row(phase) for phase in page.phases],
        legend=(
            f"Formation {quantity} and {quantity} above hull in eV/atom. Existence: probability that a "
            "compound exists at the composition. Probability: that the structure is the known or "
            "ground-state structure of the formula. Known: identifier in the table of known phases, or new "
            "if the table does not have the formula."
        ),
        elements=page.elements,
        potentials=[
            (typeset_formula(formula), [f"{low:.2f} to {high:.2f}" for low, high in ranges])
            for formula, ranges in page.potentials.items()
        ],
        picture=None if page.picture is None else base64.b64encode(page.picture).decode(),
        facts=page.facts,
        data=embedded_json(_data(page, quantity)),
        style=page_style(),
        viewer_script=scripts[0],
        page_script=scripts[1],
        script_hashes=script_hashes(scripts),
        licences=licences,
    )


def _columns(quantity: str) -> tuple[_Column, ...]:
    return (
        _Column("Formula", "Reduced formula", text=True),
        _Column("Space group", "Hermann-Mauguin symbol at 0.1 Å", text=True),
        _Column("Above hull", f"{quantity.capitalize()} above the hull in eV/atom"),
        _Column("Formation", f"Formation {quantity} in eV/atom"),
        _Column("Existence", "Probability that a compound exists at this composition"),
        _Column("Probability", "That the structure is the known or ground-state structure of the formula"),
        _Column("Source", "predicted, known (structure not predicted) or elemental reference", text=True),
        _Column("Known", "Identifier in the table of known phases", text=True),
    )


def _row(phase: HullPagePhase) -> dict[str, Any]:
    symbol = typeset_symbol(phase.space_group_symbol) or (
        "" if phase.space_group_number is None else f"no. {phase.space_group_number}"
    )
    values: list[tuple[str, object]] = [
        (typeset_formula(phase.formula), phase.formula),
        (symbol, phase.space_group_number),
        (f"{phase.above:.3f}", round(phase.above, 6)),
        (f"{phase.formation:.3f}", round(phase.formation, 6)),
        ("" if phase.existence is None else f"{phase.existence:.2f}", phase.existence),
        ("" if phase.probability is None else f"{phase.probability:.2f}", phase.probability),
        (phase.source, phase.source),
        (phase.known, phase.known),
    ]
    return {
        "name": phase.title,
        "cells": [(column, *pair) for column, pair in zip(_columns(""), values, strict=True)],
        "cif": "data:chemical/x-cif;charset=utf-8," + quote(phase.cif) if phase.cif else "",
        "file": phase.cif_name,
        "run": phase.run,
        "run_title": run_title(phase.run),
    }


def run_title(address: str) -> str:
    """Name of the link to a report or run folder."""
    return "Report" if address.endswith(PAGE_FILE) else "Run folder"


def _data(page: HullPage, quantity: str) -> dict[str, Any]:
    """The input of the scripts; lengths in Å, energies in eV/atom."""
    sites = [site.specie.symbol for phase in page.phases if phase.structure for site in phase.structure]
    first = next((i for i, phase in enumerate(page.phases) if phase.stable and phase.structure), 0)
    data: dict[str, Any] = plain_json(
        {
            "name": page.name,
            "elements": page.elements,
            "quantity": quantity,
            "phases": [_phase(phase, quantity) for phase in page.phases],
            "edges": page.edges,
            "drawn": drawn_elements(sites or page.elements),
            "first": first,
        }
    )
    return data


def _phase(phase: HullPagePhase, quantity: str) -> dict[str, Any]:
    facts = [
        (f"{quantity.capitalize()} above hull", f"{phase.above:.4f} eV/atom"),
        (f"Formation {quantity}", f"{phase.formation:.4f} eV/atom"),
        (quantity.capitalize(), f"{phase.energy:.4f} eV/atom"),
        ("Source", phase.source),
    ]
    optional = {
        "Known phase": phase.known,
        "Existence": "" if phase.existence is None else f"{100 * phase.existence:.0f} %",
        "Probability": "" if phase.probability is None else f"{100 * phase.probability:.0f} %",
        "Decomposes into": "" if phase.stable else phase.decomposition,
        "Caution": phase.flags,
    }
    facts += [(name, text) for name, text in optional.items() if text]
    hover = "\n".join(f"{name}: {value}" for name, value in facts[:2])
    cell = phase.structure
    return {
        "name": typeset_formula(phase.formula),
        "title": phase.title,
        "text": f"{phase.title}\n{hover}" + (f"\n{phase.known}" if phase.known else ""),
        "fractions": np.round(phase.fractions, 6),
        "formation": round(phase.formation, 6),
        "above": round(phase.above, 6),
        "stable": phase.stable,
        "element": max(phase.fractions) == 1.0,
        "source": phase.source,
        "facts": facts,
        "structure": None
        if cell is None
        else {
            "file": phase.cif_name,
            "cell": np.round(cell.lattice.matrix, 6),
            "atoms": [
                [site.specie.symbol, *np.round(np.mod(site.frac_coords, 1.0), 6).tolist()] for site in cell
            ],
        },
    }
