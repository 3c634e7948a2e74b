"""Structure types of held-out compounds that known, derived and enumerated types contain, by size."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import SymmetryDescription, describe_symmetry
from alphacrystal.data import StructureRecord, read_records
from alphacrystal.errors import InputError
from alphacrystal.learn import StructureType, models_folder, type_probabilities
from alphacrystal.learn.proposed_types import (
    MAX_ATOMS,
    TypeList,
    network_groups,
    normalised,
    subgroup_types_of,
    type_lists,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text, percent
from alphacrystal_bench.harness.rows import Row, Rows
from alphacrystal_bench.known_crystals.tables import SIZES, size_class
from alphacrystal_bench.known_crystals.validation_sizes import validation_records
from alphacrystal_bench.models.removed_types import textbook_rows

TOPS = (1, 5, 20, 50, 200)
#: Origins of the types that compete, by the name of the row.
SETS = {
    "known": ("known",),
    "with_anti_types_and_ordered_derivatives": ("known", "derivative"),
    "with_related_types": ("known", "derivative", "related"),
    "with_subgroup_types": ("known", "derivative", "subgroup", "related"),
    "with_enumerated_types": ("known", "derivative", "subgroup", "related", "enumerated"),
    "with_enumerated_types_without_subgroup_types": ("known", "derivative", "related", "enumerated"),
}
LISTED = 20  # compounds whose type is not among so many are searched for a parent type
TOLERANCES = (0.1, 0.3, 0.6, 1.0)  # Å


def benchmark_derivative_types(
    data: Path, out: Path, on_progress: Progress, *, per_class: int, seed: int, models: Path | None = None
) -> dict[str, Any]:
    """Ranks of the true types of experimental validation compounds among types of several origins.

    Args:
        data: Records with a split.
        out: Folder of finished compounds.
        on_progress: Called with (stage, done, total).
        per_class: Compounds of each size class, drawn at random.
        seed: Seed of the sample.
        models: Folder of weights; the shipped ones by default.
    """
    folder = models_folder(models)
    finished = Rows(out / "rows.jsonl")
    records = validation_records(read_records(data), per_class, seed)
    rows: list[Row] = []
    for done, record in enumerate(records):
        on_progress("compounds", done, len(records))
        row = finished.compute(record.id, partial(_row, record, folder))
        if "ranks" in row:
            rows.append(row)
    if not rows:
        raise InputError(f"{data} holds no experimental compounds of the validation split.")
    return {
        "n": len(rows),
        "per_class": per_class,
        "seconds": {
            "median": round(float(np.median([row["seconds"] for row in rows])), 3),
            "percentile_95": round(float(np.percentile([row["seconds"] for row in rows], 95)), 3),
        },
        "sizes": {
            name: _shares([row for row in rows if name in ("total", row["size"])])
            for name in ("total", *SIZES)
            if name == "total" or any(row["size"] == name for row in rows)
        },
        "parents": _parents(rows),
        "textbook": textbook_rows(folder),
        "rows": rows,
    }


def _row(record: StructureRecord, folder: Path) -> Row:
    """Ranks of the true type of one compound, and for an unlisted one of parent types."""
    row: Row = {"id": record.id, "formula": record.reduced_formula}
    formula = parse_formula(record.reduced_formula)
    numbers = np.array([atomic_numbers[symbol] for symbol in record.species])
    try:
        crystal = describe_symmetry(np.array(record.lattice), np.array(record.frac_coords), numbers)
    except InputError:
        return row
    if len(crystal.numbers) > MAX_ATOMS or len(formula.elements) > MAX_ELEMENTS:
        return row
    true = _type(crystal)
    elements = tuple(formula.elements)
    counts = tuple(formula.counts[symbol] for symbol in elements)
    units = formula_units_within(formula, MAX_ATOMS)
    type_lists(elements, counts, units, None, folder, subgroups=False)  # scores of parents, not timed
    start = time.process_time()
    subgroup_types_of(elements, counts, folder)
    seconds = time.process_time() - start
    lists = {on: type_lists(elements, counts, units, None, folder, subgroups=on) for on in (True, False)}
    groups = network_groups(elements, counts, folder)
    ranks = {
        name: _rank([one for one in lists["subgroup" in origins] if one.origin in origins], true, groups)
        for name, origins in SETS.items()
    }
    row |= {
        "atoms": len(crystal.numbers),
        "size": size_class(len(crystal.numbers)),
        "seconds": round(seconds, 4),
        "origin": next((one.origin for one in lists[True] if true in one.types), None),
        "ranks": ranks,
    }
    rank = ranks["with_enumerated_types_without_subgroup_types"]
    if rank is None or rank > LISTED:
        row["parents"] = {
            "two_elements_as_one": _parent_ranks(crystal, true, _merged(crystal.numbers)),
            "the_same_elements": _parent_ranks(crystal, true, [crystal.numbers]),
        }
    return row


def _type(crystal: SymmetryDescription) -> StructureType:
    return StructureType(crystal.space_group, tuple(crystal.occupation().values()))


def _rank(
    lists: Sequence[TypeList], true: StructureType, group_probabilities: np.ndarray[Any, Any]
) -> int | None:
    """Rank (from 1) of a type among those of the lists, None if it is in none."""
    types = [structure_type for one in lists for structure_type in one.types]
    if true not in types:
        return None
    values = normalised(types, np.concatenate([one.scores for one in lists]), group_probabilities)
    return int((values > values[types.index(true)]).sum()) + 1


def _merged(numbers: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Atomic numbers with one element in the place of another, for all ordered pairs of elements."""
    for kept, replaced in itertools.permutations(sorted(set(numbers.tolist())), 2):
        yield np.where(numbers == replaced, kept, numbers)


def _parent_ranks(
    crystal: SymmetryDescription, true: StructureType, species: Iterator[Any] | Sequence[Any]
) -> dict[str, int | None]:
    """Best rank of a more symmetric type of the crystal for each tolerance, None without any.

    Args:
        crystal: The true crystal.
        true: Its structure type.
        species: Atomic numbers of the atoms, one array for each way to count the elements.
    """
    variants = list(species)
    ranks: dict[str, int | None] = {}
    best: int | None = None
    for tolerance in TOLERANCES:
        for numbers in variants:
            try:
                found = describe_symmetry(
                    crystal.primitive_lattice, crystal.primitive_positions, numbers, symprec=tolerance
                )
            except InputError:
                continue
            parent = _type(found)
            if parent.space_group == true.space_group and len(found.numbers) == len(numbers):
                continue  # the same group: an ordered derivative or the type itself
            symbols, amounts = np.unique(numbers, return_counts=True)
            text = "".join(f"{chemical_symbols[z]}{n}" for z, n in zip(symbols, amounts, strict=True))
            formula = parse_formula(text)
            types, values = type_probabilities(formula, formula_units_within(formula, MAX_ATOMS))
            if parent in types:
                rank = int((values > values[types.index(parent)]).sum()) + 1
                best = rank if best is None else min(best, rank)
        ranks[str(tolerance)] = best
    return ranks


def _shares(rows: Sequence[Row]) -> dict[str, Any]:
    """Share of compounds whose type is among the first of each set."""
    return {"n": len(rows)} | {
        name: {
            f"top_{top}": round(float(np.mean([(row["ranks"][name] or np.inf) <= top for row in rows])), 4)
            for top in TOPS
        }
        for name in SETS
    }


def _parents(rows: Sequence[Row]) -> dict[str, Any]:
    """Unlisted compounds with a parent type among the first ones, for each tolerance."""
    unlisted = [row for row in rows if "parents" in row]
    return {"unlisted": len(unlisted)} | {
        name: {
            str(tolerance): {
                f"top_{top}": sum((row["parents"][name][str(tolerance)] or np.inf) <= top for row in unlisted)
                for top in TOPS
            }
            for tolerance in TOLERANCES
        }
        for name in ("two_elements_as_one", "the_same_elements")
    }


def render(result: Mapping[str, Any]) -> str:
    """All tables."""
    header = ("types", *[f"in {top}" for top in TOPS])
    lines = [
        f"# Derivative structure types, {result['n']} compounds",
        "",
        fact_line("derivative-types", result, options=f" --data DIR --per-class {result['per_class']}"),
        "",
        page_text("derivative_types_page"),
        "",
    ]
    for name, shares in result["sizes"].items():
        rows = [(label(key), *[percent(shares[key][f"top_{top}"]) for top in TOPS]) for key in SETS]
        lines += [f"## {label(name)[0].upper()}{label(name)[1:]}, {shares['n']} compounds", ""]
        lines += [*markdown_table(header, rows), ""]
    seconds = result["seconds"]
    cost = (
        f"Processor time of the subgroup types of one compound: median {seconds['median']:.2f} s, 95th "
        f"percentile {seconds['percentile_95']:.2f} s."
    )
    lines += [
        "## Cost",
        "",
        cost,
        "",
        "## Parent types of compounds whose type is not among the first 20",
        "",
        page_text("derivative_types_parents"),
        "",
    ]
    parents = result["parents"]
    for name in ("two_elements_as_one", "the_same_elements"):
        rows = [
            (f"{tolerance} Å", *[counts[f"top_{top}"] for top in TOPS])
            for tolerance, counts in parents[name].items()
        ]
        text = f"{label(name)}, {parents['unlisted']} compounds"
        lines += [f"### {text[0].upper()}{text[1:]}", ""]
        lines += [*markdown_table(("tolerance", *header[1:]), rows), ""]
    lines += ["## Textbook examples", "", page_text("derivative_types_textbook"), ""]
    rows = [
        (row["formula"], row["name"], row["parent"], row["with"] or "–", row["without"] or "–")
        for row in result["textbook"]
    ]
    names = ("compound", "type removed", "parent", "rank", "rank without subgroup types")
    return "\n".join([*lines, *markdown_table(names, rows), ""])
