"""The existence network: samples, the leak guard, similarities, and chemical sense of the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord, benchmark_formulas
from alphacrystal.learn import compound_ratios, existence_probabilities
from alphacrystal.learn.existence.network import Compositions, frequent_ratios, similarity_sums
from alphacrystal.learn.existence.training import draw_samples, known_formulas


def record(formula: str, **values: object) -> StructureRecord:
    """A record of a formula; only the formula matters here."""
    from pymatgen.core import Composition

    species = [str(s) for s, n in Composition(formula).items() for _ in range(int(n))]
    places = [[(i + 1) / (len(species) + 1)] * 3 for i in range(len(species))]
    made = StructureRecord.from_structure(
        Structure(Lattice.cubic(4.0 * len(species)), species, places), formula
    )
    return made.model_copy(update=values)


def test_compounds_exist_by_experiment_or_energy_and_others_are_no_negative_samples() -> None:
    known = known_formulas(
        [
            record("NaCl", icsd=True, split="train"),
            record("MgO", e_above_hull=0.01, split="val"),
            record("NaCl3", icsd=False, split="train"),
            record("Mg3O2", e_above_hull=0.2, split="train"),
            record("LiNaKRbCl", icsd=True, split="train"),
        ]
    )
    assert known.compounds == {("Mg", "O"): {(1, 1): True}, ("Na", "Cl"): {(1, 1): False}}
    assert (1, 3) in known.other["Na", "Cl"]
    assert (3, 2) in known.other["Mg", "O"]
    samples = draw_samples(known, np.random.default_rng(0))
    drawn = list(zip(samples.compositions.counts[:, :2].tolist(), samples.exists.tolist(), strict=True))
    assert [counts for counts, exists in drawn if exists] == [[1, 1], [1, 1]]
    assert [1, 3] not in [counts for counts, _ in drawn]
    assert (samples.offset > 0).all()


def test_benchmark_formulas_are_never_samples() -> None:
    """The reader drops their records; here they must not become negative samples either."""
    from alphacrystal.composition import parse_formula

    formulas = [parse_formula(text) for text in sorted(benchmark_formulas())]
    binary = [f for f in formulas if len(f.elements) == 2 and f.num_atoms <= 10][:20]
    assert binary
    for formula in binary:
        other = (1, 1) if tuple(formula.counts.values()) != (1, 1) else (1, 2)
        text = "".join(f"{s}{n}" for s, n in zip(formula.elements, other, strict=True))
        known = known_formulas([record(text, icsd=True, split="train")])
        assert tuple(formula.counts.values()) in known.other.get(formula.elements, frozenset())


def test_files_without_evidence_are_all_compounds() -> None:
    known = known_formulas([record("NaCl"), record("Mg3O2")])
    assert sum(map(len, known.compounds.values())) == 2


def test_similar_compounds_count_more_and_a_compound_does_not_count_for_itself() -> None:
    def of(*systems: tuple[str, str]) -> Compositions:
        return Compositions.joined([Compositions.of_system(pair, np.array([[1, 1]])) for pair in systems])

    known = of(("Na", "Cl"), ("K", "Cl"), ("Fe", "Al"))
    compositions = of(("Na", "Cl"), ("Na", "Br"))
    with_itself = similarity_sums(known, compositions)
    without = similarity_sums(known, compositions, np.array([True, True]))
    assert with_itself[0, 1] == pytest.approx(1)
    assert without[0, 1] < 1
    assert without[0, 2] == 2
    assert without[1] == pytest.approx(with_itself[1])
    far = similarity_sums(of(("Fe", "Al")), compositions)
    assert (far[:, 0] < without[:, 0]).all()
    assert (
        similarity_sums(Compositions.of_system(("Na", "Cl"), np.array([[2, 1]])), compositions).tolist()
        == [[0, 0, 0]] * 2
    )


def test_large_ratios_are_considered_if_several_known_compounds_have_them() -> None:
    pairs = (("Ho", "Mn"), ("Y", "Mn"), ("Th", "Mn"))
    frequent = Compositions.joined([Compositions.of_system(pair, np.array([[6, 23]])) for pair in pairs])
    rare = Compositions.of_system(("Ho", "Mn"), np.array([[7, 22], [1, 1]]))
    assert frequent_ratios(Compositions.joined([frequent, rare])).tolist() == [[6, 23, 0, 0]]
    found = compound_ratios(("Er", "Fe"), 40).tolist()
    assert [6, 23] in found  # Th6Mn23
    assert [7, 22] not in found
    assert len(set(map(tuple, found))) == len(found)
    assert [6, 23] not in compound_ratios(("Er", "Fe"), 28).tolist()
    assert [6, 16, 7] in compound_ratios(("Ti", "Ni", "Si"), 40).tolist()  # Mg6Cu16Si7, in any system


def test_frequent_ratios_are_those_of_training_compounds_and_become_negative_samples() -> None:
    records = [record(f"{a}6Mn23", icsd=True, split="train") for a in ("Th", "Y", "Ho")]
    validation = [record(f"{a}7Mn22", icsd=True, split="val") for a in ("Th", "Y", "Ho")]
    known = known_formulas([*records, *validation, record("ErFe2", icsd=True, split="train")])
    assert known.frequent.tolist() == [[6, 23, 0, 0]]
    samples = draw_samples(known, np.random.default_rng(0))
    drawn = samples.compositions.counts[(samples.exists == 0)]
    large = drawn[drawn.sum(1) > 20]
    assert set(map(tuple, large.tolist())) <= {(6, 23, 0, 0)}


def test_textbook_compounds_are_the_most_probable_of_their_systems() -> None:
    ratios = np.array([[1, 1], [1, 2], [2, 1], [3, 1], [1, 3], [5, 2], [7, 3], [2, 3]])
    for symbols, best in (
        (("K", "Cl"), [1, 1]),
        (("Mg", "F"), [1, 2]),
        (("Na", "S"), [2, 1]),
        (("Al", "O"), [2, 3]),
    ):
        values = existence_probabilities(symbols, ratios)
        assert ((values > 0) & (values < 1)).all()
        assert ratios[values.argmax()].tolist() == best, symbols
