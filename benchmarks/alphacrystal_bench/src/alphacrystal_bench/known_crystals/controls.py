"""Controls without a search: prototype coordinates, copied templates and random crystals."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.errors import InputError
from alphacrystal.generate import RandomSymmetricGenerator, TemplateLibrary
from alphacrystal.generate.protocol import Budget
from alphacrystal.learn import predict_hypotheses
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.causes import true_type
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.cspbench.controls import (
    UNRELAXED,
    commonest_crystals,
    read_templates,
    template_copies,
)
from alphacrystal_bench.harness.rows import Row, Rows
from alphacrystal_bench.known_crystals.comparison import Comparison
from alphacrystal_bench.known_crystals.lists import ListSettings, kept_rows

PROTOTYPES, TEMPLATES, RANDOM = "prototype_coordinates", "templates", "random_crystals"
CONTROLS = (PROTOTYPES, TEMPLATES, RANDOM)
RANDOM_SECONDS = 20.0  # processor seconds of the random crystals of a compound


def control_rows(
    compounds: Sequence[Compound],
    settings: ListSettings,
    templates: Path,
    out: Path,
    on_progress: Progress,
) -> list[Row]:
    """The first twenty structures of each control, compared with the known crystal, without relaxation.

    Args:
        compounds: Known crystals.
        settings: Settings of the predictions.
        templates: Records of known crystals; those of benchmark formulas and of the formula are left out.
        out: Folder that keeps finished compounds.
        on_progress: Called with (stage, done, total).

    Returns:
        Rows with the values of ``Comparison.rows`` by control.
    """
    file = out / "controls.jsonl"
    finished = Rows(file)
    waiting = [compound.formula for compound in compounds if compound.id not in finished]
    library = read_templates(templates, waiting) if waiting else TemplateLibrary({}, templates.name)
    return kept_rows(
        compounds,
        partial(_control_row, settings=settings, library=library),
        file,
        partial(on_progress, "controls"),
    )


def _control_row(compound: Compound, *, settings: ListSettings, library: TemplateLibrary) -> Row:
    formula, seed = parse_formula(compound.formula), settings.seed
    comparison = Comparison(compound.structure, settings.match_seconds)
    row: Row = {"id": compound.id, **{name: [] for name in CONTROLS}}
    units = settings.formula_units(compound, true_type(compound.structure))
    if not units:
        return row
    generator = RandomSymmetricGenerator(units, budget=Budget(seconds=RANDOM_SECONDS))
    try:
        hypotheses = predict_hypotheses(formula, units, UNRELAXED)
        prototypes = list(commonest_crystals(hypotheses, seed)) if hypotheses else []
        random = list(generator.generate(formula, UNRELAXED, np.random.default_rng(seed)))
    except InputError:  # formulas that are refused have no structures
        return row
    copies = template_copies(formula, units, library, seed)
    return row | {
        PROTOTYPES: comparison.rows(prototypes),
        TEMPLATES: comparison.rows(copies),
        RANDOM: comparison.rows([candidate.structure for candidate in random]),
    }
