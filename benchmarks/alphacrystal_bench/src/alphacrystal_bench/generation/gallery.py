"""Gallery: predictions of twenty well-known compounds, with a picture of each first structure.

An illustration, not evidence: these compounds may be in the training data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.config import make_config
from alphacrystal.crystal import prototype_names, structure_from_json, structure_to_json
from alphacrystal.pipeline.predict import predict
from alphacrystal.plots import crystal_panels
from alphacrystal.report import typeset_formula, typeset_symbol
from alphacrystal.typing import Progress
from alphacrystal_bench.generation.textbook_structures import TEXTBOOK, TextbookCompound
from alphacrystal_bench.harness.pages import fact_line, markdown_table, page_text, percent
from alphacrystal_bench.harness.rows import Row, Rows, check_settings

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Small cells first.
GALLERY = (
    "Si", "Mg", "NaCl", "CsCl", "ZnS", "ZnO", "CaF2", "Cu3Au", "SrTiO3", "LiCoO2",
    "TiO2", "MoS2", "LaNi5", "Nb3Sn", "CuFeS2", "SiO2", "Al2O3", "CaCO3", "FeS2", "MgAl2O4",
)  # fmt: skip
LISTED = 20
PICTURE = 3.2  # inches wide
COLUMNS = 4  # pictures side by side
MOST_REPEATED = 12  # atoms of a hexagonal cell that is drawn as 2 × 2 × 1 cells


def benchmark_gallery(
    out: Path, on_progress: Progress, *, limit: int | None = None, relax: bool = True, seed: int = 0
) -> dict[str, Any]:
    """Predict the compounds with default settings, without dispersion and the table of known phases.

    Args:
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, in the order of the gallery; all of them if None.
        relax: Whether the candidates are relaxed.
        seed: Random seed.
    """
    check_settings(out, {"relax": relax, "seed": seed})
    finished = Rows(out / "gallery.jsonl", key=lambda row: str(row["formula"]))
    compounds = {compound.formula: compound for compound in TEXTBOOK}
    formulas = GALLERY[:limit]
    rows = []
    for done, formula in enumerate(formulas):
        on_progress("predict", done, len(formulas))
        compute = partial(_row, compounds[formula], out / "runs" / formula, relax, seed)
        rows.append(finished.compute(formula, compute))
    on_progress("predict", len(formulas), len(formulas))
    return {"n": len(rows), "relax": relax, "agree": sum(row["rank"] == 1 for row in rows), "rows": rows}


def _row(compound: TextbookCompound, folder: Path, relax: bool, seed: int) -> Row:
    """The first structure of a prediction, and the first one with the prototype of the known structure."""
    config = make_config(top=LISTED, relax=relax, seed=seed, known_phases=False, dispersion="none", workers=1)
    resume = (folder / "events.jsonl").is_file()
    run = predict(compound.formula, config, folder=folder, resume=resume, page=False)
    known = prototype_names(compound.structure())
    first = run.ranked[0]
    ranks = [item.rank for item in run.ranked if item.prototype == known]
    return {
        "formula": compound.formula,
        "known": known,
        "known_space_group": compound.space_group,
        "rank": min(ranks, default=None),
        "prototype": first.prototype,
        "structure_type": first.structure_type,
        "space_group": first.space_group_symbol,
        "space_group_number": first.space_group_number,
        "cell": [round(float(value), 3) for value in first.structure.lattice.parameters],
        "probability": first.probability,
        "structure": structure_to_json(first.structure),
    }


def render(result: Mapping[str, Any]) -> str:
    """The first structure of each compound, and whether it has the known prototype."""
    header = ["", "prototype", "space group", "cell (Å, °)", "probability", "known structure", "agrees"]
    rows = [
        [
            typeset_formula(row["formula"]),
            row["prototype"] or row["structure_type"],
            f"{typeset_symbol(row['space_group'])} ({row['space_group_number']})",
            _cell_text(row["cell"]),
            percent(row["probability"], 0),
            f"{row['known']}, {typeset_symbol(row['known_space_group'])}",
            _agreement(row["rank"]),
        ]
        for row in result["rows"]
    ]
    details = ", relaxed with chgnet" if result["relax"] else ", not relaxed"
    options = "" if result["relax"] else " --no-relax"
    lines = [
        "# Gallery",
        "",
        page_text("gallery_page"),
        "",
        f"The first structure has the known prototype for {result['agree']} of {result['n']} compounds.",
        "",
        *markdown_table(header, rows),
        "",
        fact_line("gallery", result, options=options, details=details),
    ]
    return "\n".join(lines) + "\n"


def _cell_text(cell: list[float]) -> str:
    """Lengths, then the angles unless all are right angles."""
    lengths, angles = cell[:3], cell[3:]
    text = " ".join(f"{length:.2f}" for length in lengths)
    return text if angles == [90, 90, 90] else f"{text}, {' '.join(f'{angle:.4g}' for angle in angles)}"


def _agreement(rank: int | None) -> str:
    if rank == 1:
        return "yes"
    return "no, not listed" if rank is None else f"no, rank {rank}"


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw each first structure into a folder with the name of the page."""
    target = page.with_suffix("")
    cells = [_picture(row, target) for row in result["rows"]]
    lines = ["", "## Pictures", "", page_text("gallery_pictures"), "", *_grid(cells)]
    return "\n".join(lines) + "\n"


def _picture(row: Mapping[str, Any], target: Path) -> tuple[str, str]:
    """The image and its caption as Markdown."""
    structure = as_drawn(structure_from_json(row["structure"]), row["space_group_number"])
    formula, symbol = typeset_formula(row["formula"]), typeset_symbol(row["space_group"])
    png, svg = crystal_panels([[(f"{formula}, {symbol}", structure)]], target / row["formula"], width=PICTURE)
    svg.unlink()  # the page shows the PNG, which is smaller
    name = row["prototype"] or row["structure_type"]
    return f"![{formula}: {name}]({target.name}/{png.name})", f"{formula}: {name}"


def as_drawn(structure: Structure, space_group: int) -> Structure:
    """Small hexagonal cells four times, so that layers and rings can be seen."""
    hexagonal = 143 <= space_group <= 194
    return structure * (2, 2, 1) if hexagonal and len(structure) <= MOST_REPEATED else structure


def _grid(cells: list[tuple[str, str]]) -> Iterator[str]:
    """A table of images, each with its caption below."""
    yield "| " + " | ".join([" "] * COLUMNS) + " |"
    yield "|" + ":---:|" * COLUMNS
    for start in range(0, len(cells), COLUMNS):
        line = cells[start : start + COLUMNS]
        line += [("", "")] * (COLUMNS - len(line))
        yield "| " + " | ".join(image for image, _ in line) + " |"
        yield "| " + " | ".join(caption for _, caption in line) + " |"
