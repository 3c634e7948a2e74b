"""Distograms of cell contents and hypotheses, with the shipped weights."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import SymmetryHypothesis, describe_symmetry, encode, min_image_distances
from alphacrystal.data import StructureRecord, assemble, prepare_record
from alphacrystal.errors import InputError
from alphacrystal.learn import predict_cell_distogram, predict_distograms, predict_hypotheses


@pytest.fixture(scope="module")
def hypotheses() -> list[SymmetryHypothesis]:
    """Cells of several sizes."""
    hypotheses = predict_hypotheses(parse_formula("TiO2"), [1, 2, 4], 12)
    assert hypotheses
    return hypotheses


def test_a_cell_content_gets_symmetric_probabilities() -> None:
    formula = parse_formula("O3TiSr")
    distogram = predict_cell_distogram(formula.cell(1), predict_hypotheses(formula, [1], 20))
    assert distogram.numbers.tolist() == [38, 22, 8, 8, 8]
    assert distogram.probabilities.shape == (5, 5, len(distogram.bin_centres))
    assert np.allclose(distogram.probabilities.sum(-1), 1, atol=1e-5)
    assert np.allclose(distogram.probabilities, distogram.probabilities.transpose(1, 0, 2), atol=1e-6)
    assert (np.diag(distogram.expected) == 0).all()


def test_atoms_stand_in_the_order_of_the_encoding(hypotheses: list[SymmetryHypothesis]) -> None:
    for hypothesis, distogram in zip(hypotheses, predict_distograms(hypotheses), strict=True):
        assert np.array_equal(distogram.numbers, encode(hypothesis).numbers)
        assert len(distogram.numbers) == 3 * hypothesis.formula_units


def test_hypotheses_do_not_depend_on_their_company(hypotheses: list[SymmetryHypothesis]) -> None:
    together = predict_distograms(hypotheses)
    for place in (0, 5, 11):
        (alone,) = predict_distograms([hypotheses[place]])
        assert np.allclose(alone.probabilities, together[place].probabilities, atol=1e-5)
    backwards = predict_distograms(hypotheses[::-1])[::-1]
    for one, other in zip(together, backwards, strict=True):
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_no_hypotheses_give_no_distograms() -> None:
    assert predict_distograms([]) == []


def test_a_cell_beyond_the_network_is_bad_input() -> None:
    with pytest.raises(InputError, match="21 atoms is larger than the 20"):
        predict_cell_distogram(parse_formula("MgF2").cell(7), [])


def test_atoms_stand_in_the_order_of_the_training_data(textbook: Callable[[str], Structure]) -> None:
    structure = textbook("orthoperovskite")
    row = prepare_record(StructureRecord.from_structure(structure, "x"))
    assert row is not None
    data = assemble([row])
    formula = parse_formula("CaTiO3")
    wanted = data.occupation(0)
    found = [h for h in predict_hypotheses(formula, [4], 60, group=62) if h.occupation == wanted]
    encoding = encode(found[0])
    assert np.array_equal(encoding.numbers, data.numbers)
    assert np.array_equal(encoding.letters, data.letters)
    assert np.array_equal(encoding.orbits, data.orbits)


@pytest.mark.parametrize("name", ["halite", "perovskite", "rutile"])
def test_textbook_distances_are_about_right(name: str, textbook: Callable[[str], Structure]) -> None:
    """A smoke test, no evidence: these compounds may be in the training data."""
    structure = textbook(name)
    known = describe_symmetry(
        structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
    )
    true = min_image_distances(known.primitive_lattice, known.primitive_positions)
    content = structure.get_primitive_structure().composition.formula.replace(" ", "")
    formula = parse_formula(content)
    units = len(true) // formula.num_atoms
    distogram = predict_cell_distogram(formula.cell(units), predict_hypotheses(formula, [units], 20))
    upper = np.triu_indices(len(true), 1)
    errors = np.sort(distogram.expected[upper]) - np.sort(true[upper])
    assert np.sqrt((errors**2).mean()) < 0.5


def test_a_cell_content_is_the_mean_of_its_likely_types(hypotheses: list[SymmetryHypothesis]) -> None:
    cell = parse_formula("TiO2").cell(2)
    (first,) = [h for h in hypotheses if h.formula_units == 2][:1]
    alone = predict_cell_distogram(cell, [replace(first, log_probability=0.0)])
    (wanted,) = predict_distograms([first])
    assert np.allclose(alone.probabilities, wanted.probabilities, atol=1e-5)
    untold = predict_cell_distogram(cell, [])
    assert not np.allclose(untold.probabilities, wanted.probabilities, atol=1e-2)
    other_cell = [h for h in hypotheses if h.formula_units != 2]
    assert np.allclose(predict_cell_distogram(cell, other_cell).probabilities, untold.probabilities)


def test_atoms_of_one_element_and_letter_are_interchangeable(hypotheses: list[SymmetryHypothesis]) -> None:
    for hypothesis, distogram in zip(hypotheses, predict_distograms(hypotheses), strict=True):
        encoding = encode(hypothesis)
        assert distogram.classes is not None
        alike = distogram.classes[:, None] == distogram.classes
        wanted = (encoding.numbers[:, None] == encoding.numbers) & (
            encoding.letters[:, None] == encoding.letters
        )
        assert np.array_equal(alike, wanted)
