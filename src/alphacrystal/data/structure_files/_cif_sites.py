"""Sites and formula that a CIF data block lists, before symmetry is applied."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, MAX_SITES
from alphacrystal.data.structure_files._cif_groups import group_column
from alphacrystal.data.structure_files._cif_items import CifItems, number
from alphacrystal.data.structure_files._listed import ListedSite
from alphacrystal.errors import InputError

_AMOUNT = r"\d+\.?\d*|\.\d+"
COORDINATES = ("atom_site_fract_x", "atom_site_fract_y", "atom_site_fract_z")


def header_formula(items: CifItems, notes: list[str]) -> Mapping[str, float] | None:
    """Amounts by element of the header, None without a formula that can be read."""
    text = items.text("chemical_formula_sum")
    if text is None:
        moiety = items.text("chemical_formula_moiety")
        return None if moiety is None else _known_amounts(_moiety_amounts(moiety))
    amounts = _known_amounts(_amounts(re.sub(r"[\s']", "", text)))
    if amounts is None:
        notes.append(f"The formula {text[:40]!r} of the header could not be read and was not compared.")
        return None
    return amounts


def _amounts(formula: str) -> dict[str, float]:
    """Amounts by element of a formula without brackets or blanks; empty where it cannot be read."""
    amounts: dict[str, float] = {}
    if re.fullmatch(rf"(?:[A-Z][a-z]?(?:{_AMOUNT})?)+", formula):
        for symbol, amount in re.findall(rf"([A-Z][a-z]?)((?:{_AMOUNT})?)", formula):
            element = ISOTOPES.get(symbol, symbol)
            amounts[element] = amounts.get(element, 0.0) + float(amount or 1)
    return amounts


def _moiety_amounts(text: str) -> dict[str, float]:
    """Amounts by element of a formula by moieties, e.g. "Ca 2+, C O3 2-, 2(H2 O)"; empty if unreadable."""
    total: dict[str, float] = {}
    for part in text.split(","):
        match = re.fullmatch(rf"({_AMOUNT})?\s*\(?([^()]+?)(?:\s+\d*[+-])?\)?", part.strip())
        amounts = _amounts(re.sub(r"\s", "", match[2])) if match else {}
        if not match or not amounts:
            return {}
        for symbol, amount in amounts.items():
            total[symbol] = total.get(symbol, 0.0) + amount * float(match[1] or 1)
    return total


def _known_amounts(amounts: Mapping[str, float]) -> Mapping[str, float] | None:
    """The positive amounts, None where there are none, one is too large or an element is unknown."""
    positive = {symbol: amount for symbol, amount in amounts.items() if amount > 0}
    if not positive or max(positive.values()) > MAX_SITES:
        return None
    return positive if positive.keys() <= set(element_table().symbols) else None


def listed_sites(
    items: CifItems, formula: Mapping[str, float] | None, name: str, notes: list[str]
) -> list[ListedSite]:
    """The listed sites, before symmetry is applied."""
    columns = [items.column(tag) for tag in COORDINATES]
    count = len(columns[0] or ())
    labels = items.column("atom_site_label") or [None] * count
    symbols = items.column("atom_site_type_symbol") or [None] * count
    groups = group_column(items, count, name)
    if any(len(column or ()) != count for column in (*columns, labels, symbols)):
        raise InputError(f"{name} lists atom sites with missing columns: correct the loop of atom sites.")
    if count > MAX_SITES:
        raise InputError(f"{name} lists {count} sites; at most {MAX_SITES} can be read.")
    occupancies = items.column("atom_site_occupancy") or [None] * count
    flags = items.column("atom_site_calc_flag") or [None] * count
    attached = items.column("atom_site_attached_hydrogens") or [None] * count
    rows = []
    for place in range(count):
        symbol, label = symbols[place], labels[place] or symbols[place] or f"number {place + 1}"
        if (flags[place] or "").lower() == "dum":
            raise InputError(f"Site {label[:30]} of {name} is a dummy site: remove it.")
        if attached[place] is not None and number(attached[place] or "0") > 0:
            raise InputError(
                f"Site {label[:30]} of {name} has attached hydrogen atoms without positions: add them to the "
                "file."
            )
        if symbol is None:
            symbol = _symbol_of_label(label, formula, name, notes)
        letters = re.match(r"[A-Z][a-z]?", label)
        if symbol.isalpha() and len(symbol) == 2 and symbol.isupper() and letters:
            written = symbol.capitalize()
            if written not in (letters.group(), letters.group()[:1] + label[1:2].lower()):
                raise InputError(
                    f"Site {label[:30]} of {name} has the chemical symbol {symbol}, which its label "
                    f"contradicts: write {written} for the element, or correct the label."
                )
        position = [_coordinate(column[place] if column else None, label, name) for column in columns]
        text = occupancies[place]
        occupancy = 1.0 if text is None else number(text)
        if text is not None and not np.isfinite(occupancy):
            raise InputError(
                f"Site {label[:30]} of {name} has the occupancy {text[:20]!r}, which is no number."
            )
        rows.append(ListedSite(label, symbol, np.array(position), occupancy, groups[place]))
    return rows


def _coordinate(text: str | None, label: str, name: str) -> float:
    if text is None:
        raise InputError(f"Site {label[:30]} of {name} has no coordinates: add them or remove the site.")
    value = number(text)
    if not np.isfinite(value):
        raise InputError(f"Site {label[:30]} of {name} has the coordinate {text[:20]!r}, which is no number.")
    return value


def _symbol_of_label(label: str, formula: Mapping[str, float] | None, name: str, notes: list[str]) -> str:
    """The element of a label such as "Na1" or "OW2", for a file without symbols."""
    known = set(element_table().symbols[1:]) | set(ISOTOPES)
    letters = re.match(r"[A-Za-z]*", label)
    word = letters.group() if letters else ""
    if "," in label or "+" in label.strip("+-0123456789"):
        return label  # several elements: refused as disordered
    if word == "T":  # a tetrahedral site of a zeolite, or tritium
        raise InputError(
            f"Site {label[:30]} of {name} has no chemical symbol, and its label may name a tetrahedral "
            "site: add the column _atom_site_type_symbol."
        )
    if word in known or (len(word) > 1 and word[1].islower() and word[:2] in known):
        return word[:2]
    sizes = (2, 1) if len(word) < 2 or word[1].isupper() else (2,)  # Wat is not tungsten
    choices = [word[:size].capitalize() for size in sizes if word[:size].capitalize() in known]
    if formula is not None:
        choices = [symbol for symbol in choices if ISOTOPES.get(symbol, symbol) in formula] or choices
    if not choices:
        raise InputError(
            f"Site {label[:30]} of {name} has no chemical symbol, and its label names no element: "
            "add the column _atom_site_type_symbol."
        )
    if len(set(choices)) > 1 and "H" in choices:  # HO1 may be a hydrogen atom at O1, or holmium
        raise InputError(
            f"Site {label[:30]} of {name} has no chemical symbol, and its label may mean "
            f"{' or '.join(choices)}: add the column _atom_site_type_symbol."
        )
    if len(set(choices)) > 1:
        notes.append(f"The label {label[:30]} of a site without chemical symbol was read as {choices[0]}.")
    return choices[0]
