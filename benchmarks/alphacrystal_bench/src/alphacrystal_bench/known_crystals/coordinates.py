"""Ways to find coordinates for the true structure type, without relaxation, by size of the primitive cell.

The type of each compound is an input, and the cell is the predicted one or the true one. So the table shows
what coordinates cost, and what the cell costs, apart from the choice of the type.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import element_order, parse_formula
from alphacrystal.crystal import (
    SymmetryDescription,
    SymmetryHypothesis,
    describe_symmetry,
    free_count,
    lattice_parameters,
    letter_index,
    space_group,
)
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.learn import (
    MAX_DISTANCE_ATOMS,
    nearest_prototypes,
    predict_distograms,
    predict_hypotheses,
    predict_orbit_distograms,
    prototype_coordinates,
)
from alphacrystal.reconstruct import (
    Reconstruction,
    SearchSettings,
    crystal_fitness,
    improve_from_prototypes,
    reconstruct,
    reconstruct_from_prototypes,
)
from alphacrystal.typing import FloatArray, Progress
from alphacrystal_bench.cspbench.causes import true_type
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.cspbench.controls import commonest_crystals, random_crystals
from alphacrystal_bench.cspbench.run import compounds_of
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text, percent
from alphacrystal_bench.harness.rows import Row, check_settings
from alphacrystal_bench.known_crystals.comparison import STRICT, Comparison
from alphacrystal_bench.known_crystals.lists import kept_rows
from alphacrystal_bench.known_crystals.tables import SIZES, size_class
from alphacrystal_bench.known_crystals.validation_sizes import validation_records

TYPES_OF_GROUP = 400  # hypotheses of the true space group among which the true type is looked for
PREDICTED, TRUE = "predicted_cell", "true_cell"
FITTEST, PROTOTYPE = "fittest_of_all", "fittest_prototype"
SEARCH, ATOMS = "search_by_orbits", "search_by_atoms"
FREQUENT, RANDOM = "most_frequent_prototype", "random_coordinates"
LOST = (
    "Compounds without a match in the predicted cell whose fittest crystal agrees with the predicted "
    "distances at least as well as the known crystal"
)
METHODS = (FITTEST, PROTOTYPE, SEARCH, ATOMS, FREQUENT, RANDOM)


def benchmark_coordinates(
    records: Iterable[StructureRecord],
    out: Path,
    on_progress: Progress,
    *,
    per_class: int,
    seed: int,
    classes: Sequence[str] = tuple(SIZES),
) -> dict[str, Any]:
    """Share of compounds whose true type, built in several ways, matches the known structure.

    Args:
        records: Records with a split; experimental compounds of the validation split are drawn from them.
        out: Folder of finished compounds.
        on_progress: Called with (stage, done, total).
        per_class: Compounds of each size class.
        seed: Seed of the drawn compounds and of the searches.
        classes: Names of the size classes.
    """
    torch.set_num_threads(1)
    check_settings(out, {"seed": seed})
    chosen = compounds_of(validation_records(records, per_class, seed, classes), {})
    rows = kept_rows(
        chosen, partial(_row, seed=seed), out / "rows.jsonl", partial(on_progress, "coordinates")
    )
    return {"n": len(rows), "per_class": per_class, "sizes": _by_size(rows), "rows": rows}


def _row(compound: Compound, *, seed: int) -> Row:
    """Whether the crystals of each method match, by cell; None where a method does not apply."""
    row: Row = {"id": compound.id, "formula": compound.formula, "atoms": compound.atoms, "type": "missing"}
    hypothesis = _true_hypothesis(compound)
    if hypothesis is None:
        return row
    numbers = np.array(compound.structure.atomic_numbers, dtype=np.int64)
    found = describe_symmetry(compound.structure.lattice.matrix, compound.structure.frac_coords, numbers)
    row |= {
        "atoms": len(found.numbers),
        "type": hypothesis.source,
        "free": free_count(hypothesis.space_group, hypothesis.occupation.values()),
    }
    true_cell = replace(hypothesis, lattice=lattice_parameters(found.lattice), shape_scale=(0.0,) * 6)
    for name, given in ((PREDICTED, hypothesis), (TRUE, true_cell)):
        begin = time.perf_counter()
        row[name], row[f"{name}_fitness"] = _built(given, compound.structure, found, seed)
        row[f"{name}_s"] = round(time.perf_counter() - begin, 3)
    return row


def _true_hypothesis(compound: Compound) -> SymmetryHypothesis | None:
    """The hypothesis of the true type with its predicted cell; None where the prior does not have it."""
    known_type = true_type(compound.structure)
    if known_type is None:
        return None
    formula = parse_formula(compound.formula)
    units = known_type.atoms // formula.num_atoms
    try:
        hypotheses = predict_hypotheses(formula, [units], TYPES_OF_GROUP, group=known_type.space_group)
    except InputError:  # formulas that are refused have no hypotheses
        return None
    return next(filter(known_type.is_of, hypotheses), None)


def _built(
    hypothesis: SymmetryHypothesis, known: Structure, symmetry: SymmetryDescription, seed: int
) -> tuple[dict[str, bool | None], dict[str, float]]:
    """Whether the crystals of each method match, and the fitness of the fittest and of the known crystal."""
    prototypes = nearest_prototypes([hypothesis])
    (distogram,) = predict_orbit_distograms([hypothesis], prototypes)
    (coordinates,) = prototype_coordinates([hypothesis])
    settings = SearchSettings()
    (searched,) = reconstruct([hypothesis], [distogram], settings, seed)
    starts = [(item.setting, item.values) for item in prototypes[0]]
    (prototype,) = reconstruct_from_prototypes([hypothesis], [distogram], [coordinates], settings.fitness)
    built: dict[str, Sequence[Reconstruction]] = {
        FITTEST: improve_from_prototypes(
            [hypothesis], [distogram], [searched], [coordinates], [starts], settings
        ),
        PROTOTYPE: [prototype] if prototype else [],
        SEARCH: [searched],
    }
    if len(distogram.numbers) <= MAX_DISTANCE_ATOMS:
        built[ATOMS] = reconstruct([hypothesis], predict_distograms([hypothesis]), settings, seed)
    crystals = {name: [_structure(crystal) for crystal in found] for name, found in built.items()}
    crystals[FREQUENT] = list(commonest_crystals([hypothesis], seed))
    crystals[RANDOM] = list(random_crystals([hypothesis], seed))
    comparison = Comparison(known)
    matches = {
        name: comparison.any_match(crystals[name], STRICT) if name in crystals else None for name in METHODS
    }
    fittest = built[FITTEST][0]
    known_fitness = crystal_fitness(distogram, symmetry.primitive_lattice, _positions(symmetry))
    return matches, {
        "fittest": round(fittest.geometry + fittest.penalty, 4),
        "known": round(known_fitness, 4),
    }


def _positions(symmetry: SymmetryDescription) -> FloatArray:
    """Positions of a crystal in the order of ``atom_sites``, shape (atoms, 3)."""
    positions = space_group(symmetry.space_group).positions
    keys = [
        (
            *element_order(chemical_symbols[number]),
            positions[letter].multiplicity,
            letter_index(letter),
            orbit,
        )
        for number, letter, orbit in zip(
            symmetry.numbers.tolist(), symmetry.letters, symmetry.orbits.tolist(), strict=True
        )
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return symmetry.primitive_positions[order]


def _structure(crystal: Reconstruction) -> Structure:
    species = [chemical_symbols[number] for number in crystal.numbers]
    return Structure(Lattice(crystal.lattice), species, crystal.positions)


def _by_size(rows: Sequence[Row]) -> dict[str, Any]:
    """Compounds, those whose type the prior has, and the share of matches by cell and method."""
    result: dict[str, Any] = {}
    for name in SIZES:
        members = [row for row in rows if size_class(row["atoms"]) == name]
        known = [row for row in members if row["type"] != "missing"]
        if not members:
            continue
        result[name] = {"n": len(members), "with_type": len(known)}
        for cell in (PREDICTED, TRUE):
            result[name][cell] = {
                method: round(float(np.mean(values)), 4)
                for method in METHODS
                if (values := [row[cell][method] for row in known if row[cell][method] is not None])
            }
        lost = [row for row in known if not row[PREDICTED][FITTEST]]
        fitter = [row["predicted_cell_fitness"] for row in lost]
        result[name]["without_match"] = len(lost)
        result[name]["fitter_than_known"] = sum(item["fittest"] <= item["known"] for item in fitter)
        seconds = [row[f"{PREDICTED}_s"] for row in known]
        result[name]["median_s"] = round(float(np.median(seconds)), 2) if seconds else None
    return result


def render(result: Mapping[str, Any]) -> str:
    """One table for each cell."""
    names = list(result["sizes"])
    lines = [
        f"# Coordinates of the true structure type, {result['n']} compounds",
        "",
        fact_line("coordinates", result, options=f" --data DIR --per-class {result['per_class']}"),
        "",
        page_text("coordinates_page"),
        "",
    ]
    for cell, title in ((PREDICTED, "In the predicted cell"), (TRUE, "In the true cell")):
        table = [
            [
                method.replace("_", " "),
                *(
                    percent(result["sizes"][name][cell][method], 0)
                    if method in result["sizes"][name][cell]
                    else "–"
                    for name in names
                ),
            ]
            for method in METHODS
        ]
        counts = [f"{result['sizes'][name]['with_type']} of {result['sizes'][name]['n']}" for name in names]
        lines += [
            f"## {title}",
            "",
            *markdown_table(["matched", *map(label, names)], [*table, ["compounds with a type", *counts]]),
            "",
        ]
    lost = ", ".join(
        f"{result['sizes'][name]['fitter_than_known']} of {result['sizes'][name]['without_match']} "
        f"({label(name)})"
        for name in names
    )
    lines += [
        f"{LOST}: {lost}. For these a longer search cannot help.",
        "",
    ]
    return "\n".join(lines)
