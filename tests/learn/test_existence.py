"""The existence network: samples, the leak guard, similarities, and chemical sense of the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord, benchmark_formulas
from alphacrystal.learn import existence_probabilities
from alphacrystal.learn.existence.network import Compositions, similarity_sums
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
