"""Template substitution: which template, which element where, how large, and what may not serve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord, benchmark_formulas
from alphacrystal.errors import InputError
from alphacrystal.generate import Budget, Candidate, TemplateGenerator, TemplateLibrary
from alphacrystal.generate.element_pairing import pairings, states_agree


def made(library: TemplateLibrary, text: str, count: int = 5, **more: object) -> list[Candidate]:
    generator = TemplateGenerator(**{"formula_units": [1, 2, 4], "library": library, **more})
    return list(generator.generate(parse_formula(text), count, np.random.default_rng(0)))


@pytest.mark.parametrize("similarity", ["learned", "substitution"])
@pytest.mark.parametrize(
    ("text", "edge", "name"),
    [("KCl", 6.29, "halite"), ("BaTiO3", 4.01, "perovskite"), ("CsBr", 4.29, "caesium chloride")],
)
def test_the_right_structure_is_taken_and_scaled(
    library: TemplateLibrary, textbook: Callable[[str], Structure], similarity: str, text: str, edge: float,
    name: str,
) -> None:  # fmt: skip
    template = textbook(name)
    target = Structure(
        Lattice.cubic(edge),
        [parse_formula(text).elements[_role(site.specie.symbol, template)] for site in template],
        template.frac_coords,
    )
    matcher = StructureMatcher(scale=False, ltol=0.08, stol=0.1, angle_tol=1)
    found = made(library, text, similarity=similarity)
    ranks = [place for place, own in enumerate(found) if matcher.fit(own.structure, target)]
    assert ranks
    assert ranks[0] <= 2


def _role(symbol: str, template: Structure) -> int:
    """Place of an element in the order of electronegativity, in which formulas name theirs."""
    return parse_formula(template.composition.reduced_formula).elements.index(symbol)


def test_scores_fall_and_templates_are_named(library: TemplateLibrary) -> None:
    found = made(library, "MgS")
    scores = [candidate.log_probability for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert sum(np.exp(scores)) == pytest.approx(1)
    first = found[0].provenance
    assert first["template"] in {"halite", "nickeline", "sphalerite", "wurtzite"}
    assert set(first["substitutions"].values()) <= {"Mg", "S"}


def test_elements_take_each_others_places_in_all_ways() -> None:
    formula = parse_formula("BaTiO3")
    assert pairings(formula, {"Sr": 1, "Zr": 1, "S": 3}) == [("Sr", "Zr", "S"), ("Zr", "Sr", "S")]
    assert pairings(formula, {"Sr": 2, "Zr": 1, "S": 2}) == []


def test_oxidation_states_must_have_something_in_common(library: TemplateLibrary) -> None:
    formula = parse_formula("BaTiO3")
    assert states_agree(formula, ("Sr", "Zr", "O"))
    assert not states_agree(formula, ("Li", "Nb", "O"))  # +1 +5 against +2 +4
    assert states_agree(parse_formula("ZrAl"), ("Hf", "Ga"))  # intermetallics have none
    kept = {candidate.provenance["template"] for candidate in made(library, "BaTiO3", 20)}
    every = {c.provenance["template"] for c in made(library, "BaTiO3", 20, oxidation_filter=False)}
    assert kept <= every


def test_requested_sizes_and_groups_are_kept(library: TemplateLibrary) -> None:
    assert {len(c.structure) for c in made(library, "LiF", formula_units=[2])} == {4}
    assert {c.provenance["space_group"] for c in made(library, "MgS", space_group=216)} == {216}


def test_like_templates_count_once(textbook: Callable[[str], Structure]) -> None:
    records = [StructureRecord.from_structure(textbook("halite"), f"copy {k}") for k in range(5)]
    found = made(TemplateLibrary.of_records(records), "LiF")
    assert [candidate.provenance["template"] for candidate in found] == ["copy 0"]


def test_allow_same_formula_may_serve_or_not(library: TemplateLibrary) -> None:
    allowed = made(library, "NaCl")
    assert allowed[0].provenance["template"] == "halite"
    assert allowed[0].provenance["scale"] == 1
    others = made(library, "NaCl", allow_same_formula=False)
    assert others
    assert all(candidate.provenance["template"] != "halite" for candidate in others)
    with pytest.raises(InputError, match="but SrTiO3 itself, which is not allowed"):
        made(library, "SrTiO3", allow_same_formula=False)


def test_forbidden_formulas_are_never_templates_under_any_label(
    template_records: list[StructureRecord],
) -> None:
    zr4al3 = Structure.from_spacegroup(
        191,
        Lattice.hexagonal(5.433, 5.390),
        ["Zr", "Zr", "Zr", "Al"],
        [[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.5], [0.5, 0, 0]],
    )
    leak = StructureRecord.from_structure(zr4al3 * (1, 1, 2), "leak")
    leak = leak.model_copy(update={"reduced_formula": "harmless"})
    everything = TemplateLibrary.of_records([*template_records, leak])
    assert made(everything, "Hf4Al3")[0].provenance["template"] == "leak"  # users may
    guarded = TemplateLibrary.of_records([*template_records, leak], forbid=benchmark_formulas())
    banned = [record for record in template_records if record.reduced_formula in benchmark_formulas()]
    assert guarded.forbidden == 1 + len(banned)
    assert len(guarded) == len(template_records) - len(banned)
    with pytest.raises(InputError, match=r"stoichiometry 3:4 of Hf4Al3 \(\d of forbidden formulas were left"):
        made(guarded, "Hf4Al3")


def test_a_record_with_overlapping_atoms_is_no_template(
    textbook: Callable[[str], Structure], caplog: pytest.LogCaptureFixture
) -> None:
    halite = textbook("halite")
    collapsed = Structure(halite.lattice, halite.species, [[0, 0, 0.002 * i] for i in range(len(halite))])
    records = [
        StructureRecord.from_structure(crystal, name)
        for name, crystal in (("good", halite), ("bad", collapsed))
    ]
    candidates = made(TemplateLibrary.of_records(records), "KBr")
    assert {candidate.provenance["template"] for candidate in candidates} == {"good"}
    assert "1 of the crystals of records have overlapping atoms" in caplog.text
    with pytest.raises(InputError, match="holds no crystal"):
        made(TemplateLibrary.of_records(records[1:]), "KBr")


def test_a_library_is_read_from_records_or_cif_files(
    template_records: list[StructureRecord], textbook: Callable[[str], Structure], tmp_path: Path
) -> None:
    lines = tmp_path / "known.jsonl"
    lines.write_text("".join(record.model_dump_json() + "\n" for record in template_records))
    only = [parse_formula("NaCl")]
    assert len(TemplateLibrary.read(lines)) == len(template_records)
    assert len(TemplateLibrary.read(lines, only=only)) == 5
    folder = tmp_path / "cifs"
    folder.mkdir()
    textbook("halite").to(str(folder / "halite.cif"))
    library = TemplateLibrary.read(folder)
    halite = StructureMatcher(scale=False).fit(made(library, "NaCl")[0].structure, textbook("halite"))
    assert halite


def test_time_ends_the_run(library: TemplateLibrary) -> None:
    assert made(library, "LiF", budget=Budget(seconds=0.0)) == []
