"""Markdown page and figures of the benchmark table3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import standard_structure
from alphacrystal.errors import InputError
from alphacrystal.plots import crystal_panels
from alphacrystal_bench.cost.methods import CONTACT_MAP, OURS, RELAXED_TRUTH, TRUE_CELL, method_facts
from alphacrystal_bench.cost.random_searches import GNOA
from alphacrystal_bench.figures.formation_energies import formation_energies
from alphacrystal_bench.harness.pages import markdown_table, number, page_text
from alphacrystal_bench.paper_tables.list_scores import RANDOM_ORIGIN, TOPS
from alphacrystal_bench.paper_tables.paper_compounds import structure_of
from alphacrystal_bench.paper_tables.table3 import FORMS, STANDARD, WRITTEN

CELLS = "standard cells of the Materials Project"
NAMES = {
    OURS: "**ours**",
    WRITTEN: "ours, cells of the CIF files",
    STANDARD[OURS]: f"ours, {CELLS}",
    CONTACT_MAP: "AlphaCrystal-I, our implementation",
    GNOA: "GNOA, our implementation",
    TRUE_CELL: "control: random in the true space group and lattice",
    STANDARD[TRUE_CELL]: f"the same control, {CELLS}",
    RELAXED_TRUTH: "floor: the known structure, relaxed",
    STANDARD[RELAXED_TRUTH]: f"the same floor, {CELLS}",
    RANDOM_ORIGIN: "noise: the known structure, random origin",
}
WORDS = dict(zip(FORMS, ("as published", "invariant", "invariant, any"), strict=True))
ALL = 28  # compounds known by their id
KEYS = [f"top_{top}" for top in TOPS]
COLUMNS = [f"best of {top}" if top > 1 else "first" for top in TOPS]


def render(result: Mapping[str, Any]) -> str:
    """All tables, with their controls."""
    n = result["n"]
    lines = [
        f"# The paper's Table 3: {n} compounds",
        "",
        method_facts("table3", result),
        f"GNOA: {result['seconds']:g} processor seconds per compound.",
        "",
        page_text("table3_page"),
        "",
        "## Goals",
        "",
        *_goals(result),
        "",
        f"## Matched, of {n}",
        "",
        *markdown_table(
            ["", "first", "in ten", "in twenty"],
            [
                [name, *(result["matched"][method][key] for key in KEYS)]
                for method, name in NAMES.items()
                if method in result["matched"]
            ],
        ),
        "",
        f"## Superpose distance below the paper's best of twenty, of {n} compounds",
        "",
        *_counted(result),
        "",
        "## Median superpose distance (Å), over the compounds that have one",
        "",
        *_medians(result),
        "",
        "## Formation energies",
        "",
        *_energies(result),
        "",
        "## Each compound: superpose distance (Å) as the paper computes it",
        "",
        *_compounds([line for line in result["compounds"] if line["by_id"]]),
        "",
        "## Each compound: its invariant form (Å), any prediction",
        "",
        *_invariant([line for line in result["compounds"] if line["by_id"]]),
    ]
    apart = [line for line in result["compounds"] if not line["by_id"]]
    if apart:
        lines += ["", "## Compounds whose structure is not available", ""]
        lines += [f"{line['formula']}: compared with {line['id']} ({line['reason']})." for line in apart]
        lines += ["", *_compounds(apart)]
    return "\n".join(lines) + "\n"


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw Figures 4 and 5 of the paper into a folder with the name of the page."""
    target = page.with_suffix("")
    figures: list[tuple[Path, str]] = []
    lines = [line for line in result["compounds"] if line["by_id"]]
    if lines:
        series = {
            name: [line["methods"][method][which] for line in lines]
            for name, method, which in (
                ("known structure, relaxed", RELAXED_TRUTH, "energy_first"),
                ("ours, first", OURS, "energy_first"),
                ("GNOA, lowest energy", GNOA, "energy_lowest"),
            )
        }
        _, svg = formation_energies([line["formula"] for line in lines], series, target / "figure4")
        figures.append((svg, f"The paper's Figure 4: formation energies, all with {result['potential']}."))
    panels = (("known", "known"), (GNOA, "GNOA"), (OURS, "ours"))
    rows = [
        [(f"{formula}, {name}", _as_drawn(shown[key]) if key in shown else None) for key, name in panels]
        for formula, shown in result.get("examples", {}).items()
    ]
    caption = "The paper's Figure 5: the known structure, the lowest energy of GNOA, our first structure."
    if rows:
        _, svg = crystal_panels(rows, target / "figure5")
        figures.append((svg, caption))
    elif (target / "figure5.svg").is_file():  # stored results have no structures; the figure exists
        figures.append((target / "figure5.svg", caption))
    for svg, _ in figures:
        svg.with_suffix(".png").unlink(missing_ok=True)  # the page shows the SVG
    return "".join(f"\n![{text}]({page.stem}/{svg.name})\n\n{text}\n" for svg, text in figures)


def stored(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result without the structures of Figure 5."""
    return {key: value for key, value in result.items() if key != "examples"}


def _as_drawn(row: Mapping[str, Any]) -> Structure:
    """The conventional cell, so that equal crystals look alike; unchanged if the symmetry is undetermined."""
    try:
        standard, _, _ = standard_structure(structure_of(row))
    except InputError:
        return structure_of(row)
    lattice = Lattice.from_parameters(*standard.lattice.parameters)
    return Structure(lattice, standard.species, standard.frac_coords)


def _goals(result: Mapping[str, Any]) -> list[str]:
    words = {
        "matched_in_10": "matched in the first ten",
        "superpose_better": "superpose distance, best of twenty, below the paper's best of twenty",
        "standard_better": f"the same, {CELLS}",
        "written_better": "the same, cells of the CIF files",
        "invariant_better": "the same, invariant form, predictions that match",
        "any_better": "the same, invariant form, any prediction",
    }
    return markdown_table(
        ["", "goal (of 28)", f"reached (of {result['n']})", ""],
        [
            [words[key], goal["goal"], goal["reached"], _verdict(goal, result["n"])]
            for key, goal in result["goals"].items()
        ],
    )


def _verdict(goal: Mapping[str, Any], n: int) -> str:
    if goal["reached"] >= goal["goal"]:
        return "reached"
    return "missed" if n >= ALL else "not all compounds were run"


def _counted(result: Mapping[str, Any]) -> list[str]:
    better = result["better_than_paper"]
    return markdown_table(
        ["", *(f"{column}, {WORDS[form]}" for form in FORMS for column in COLUMNS)],
        [
            [name, *(better[form][method][key] for form in FORMS for key in KEYS)]
            for method, name in NAMES.items()
        ],
    )


def _medians(result: Mapping[str, Any]) -> list[str]:
    medians, paper = result["medians"], result["paper_medians"]
    rows = [
        [name, *(number(medians[form][method][key]) for form in FORMS for key in KEYS)]
        for method, name in NAMES.items()
    ]
    blank = [""] * (len(FORMS) - 1) * len(KEYS)
    rows.append(["paper: GNOA", number(paper["gnoa"]), "", "", *blank])
    rows.append(["paper: AlphaCrystal-II", "", number(paper["top_10"]), number(paper["top_20"]), *blank])
    return markdown_table(["", *(f"{column}, {WORDS[form]}" for form in FORMS for column in COLUMNS)], rows)


def _energies(result: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            f"{NAMES[method].replace('**', '')}, {'first' if which == 'first' else 'lowest of twenty'}",
            row["n"],
            number(row["median_gap"]),
            number(row["median_distance"]),
            row["within_10_mev"],
            row["lower_by_10_mev"],
        ]
        for method, table in result["formation_energies"].items()
        for which, row in table.items()
    ]
    header = ["", "compounds", "median difference", "median distance", "within 10 meV", "lower by 10 meV"]
    return [
        f"Relative to the known structure relaxed with {result['potential']}, eV/atom.",
        "",
        *markdown_table(header, rows),
    ]


def _compounds(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for line in lines:
        methods = line["methods"]

        def value(method: str, key: str, methods: Mapping[str, Any] = methods) -> str:
            return number(methods[method]["superpose"][key])

        rows.append(
            [
                line["formula"],
                line["id"],
                methods[OURS]["match_rank"] or "no",
                *(value(OURS, key) for key in KEYS),
                value(WRITTEN, "top_20"),
                value(STANDARD[OURS], "top_20"),
                value(CONTACT_MAP, "top_20"),
                value(GNOA, "top_1"),
                value(GNOA, "top_20"),
                value(TRUE_CELL, "top_20"),
                value(RELAXED_TRUTH, "top_1"),
                number(methods[RANDOM_ORIGIN]["median"]),
                value(RANDOM_ORIGIN, "top_20"),
                *(number(line["printed"][key]) for key in ("gnoa", "top_10", "top_20")),
            ]
        )
    header = [
        "",
        "id",
        "our match",
        "ours 1",
        "ours 10",
        "ours 20",
        "CIF 20",
        "MP cells 20",
        "AC-I 20",
        "GNOA 1",
        "GNOA 20",
    ]
    header += ["random 20", "floor", "noise 1 (median)", "noise 20"]
    header += ["paper: GNOA", "paper: AC-II 10", "paper: AC-II 20"]
    return markdown_table(header, rows)


def _invariant(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for line in lines:
        methods = line["methods"]
        columns = [(OURS, key) for key in KEYS]
        columns += [(CONTACT_MAP, "top_20"), (GNOA, "top_1"), (GNOA, "top_20"), (TRUE_CELL, "top_20")]
        columns += [(RELAXED_TRUTH, "top_1"), (RANDOM_ORIGIN, "top_1")]
        rows.append([line["formula"], *(number(methods[method][FORMS[2]][key]) for method, key in columns)])
    header = [
        "",
        "ours 1",
        "ours 10",
        "ours 20",
        "AC-I 20",
        "GNOA 1",
        "GNOA 20",
        "random 20",
        "floor",
        "noise",
    ]
    return markdown_table(header, rows)
