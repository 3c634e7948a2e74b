"""Controls of distance matrices: values worked out by hand, and what each must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from alphacrystal.learn.contacts.matrix_labels import pair_mask
from alphacrystal_bench.paper_tables.matrix_controls import (
    ElementPairLookup,
    NearestComposition,
    block_means,
    element_counts,
    shuffled_inside,
)

NA, MG, CA, CL, O, F = 11, 12, 20, 17, 8, 9  # noqa: E741 - oxygen
SLOTS = 4


def cells(*contents: list[int]) -> np.ndarray:
    return np.array([content + [0] * (SLOTS - len(content)) for content in contents])


def matrix(pairs: dict[tuple[int, int], float]) -> np.ndarray:
    full = np.zeros((SLOTS, SLOTS))
    for (i, j), distance in pairs.items():
        full[i, j] = full[j, i] = distance
    return full


@pytest.fixture
def known() -> tuple[np.ndarray, np.ndarray]:
    """NaCl at 2.8 Å and again at 3.0 Å, CaO2 with Ca-O 2.3 and 2.5 Å and O-O 1.5 Å."""
    numbers = cells([NA, CL], [NA, CL], [CA, O, O])
    distances = np.array(
        [matrix({(0, 1): 2.8}), matrix({(0, 1): 3.0}), matrix({(0, 1): 2.3, (0, 2): 2.5, (1, 2): 1.5})]
    )
    return numbers, distances


def test_lookup_answers_the_mean_of_an_element_pair(known: tuple[np.ndarray, np.ndarray]) -> None:
    found = ElementPairLookup(*known).predict(cells([NA, CL], [CA, O, O]))
    assert found[0] == pytest.approx(matrix({(0, 1): 2.9}))
    assert found[1] == pytest.approx(matrix({(0, 1): 2.4, (0, 2): 2.4, (1, 2): 1.5}))


def test_lookup_falls_back_to_other_sizes_then_to_the_size_then_to_everything(
    known: tuple[np.ndarray, np.ndarray],
) -> None:
    found = ElementPairLookup(*known).predict(cells([NA, CL, CL], [MG, F], [MG, F, F, F]))
    assert found[0, 0, 1] == pytest.approx(2.9)  # Na-Cl is known from cells of two
    assert found[0, 1, 2] == pytest.approx((2.3 + 2.5 + 1.5) / 3)  # Cl-Cl is not: mean of cells of three
    assert found[1, 0, 1] == pytest.approx(2.9)  # mean of cells of two
    assert found[2, 0, 1] == pytest.approx((2.8 + 3.0 + 2.3 + 2.5 + 1.5) / 5)  # no cell of four is known


def test_lookup_does_not_see_what_stands_in_the_padding(known: tuple[np.ndarray, np.ndarray]) -> None:
    numbers, distances = known
    perturbed = np.where(pair_mask(numbers), distances, 99.0)
    queries = cells([NA, CL], [MG, F, F, F])
    assert ElementPairLookup(numbers, perturbed).predict(queries) == pytest.approx(
        ElementPairLookup(numbers, distances).predict(queries)
    )


@pytest.mark.parametrize(
    ("content", "counts"),
    [([NA, CL], (1, 1)), ([CA, O, O], (1, 2)), ([NA, NA, CL, CL], (2, 2)), ([NA], (1,))],
)
def test_counts_go_by_element_in_the_order_of_the_atoms(content: list[int], counts: tuple[int, ...]) -> None:
    assert element_counts(cells(content)[0]) == counts


def test_nearest_composition_has_the_same_counts_and_the_most_similar_elements() -> None:
    numbers = cells([NA, CL], [CA, O], [CA, O, O], [CA, CA, O])
    distances = np.arange(4.0)[:, None, None] + np.ones((SLOTS, SLOTS))
    control = NearestComposition(numbers, distances)
    queries = cells([MG, O], [NA, F], [MG, O, O], [CA, CA, O], [MG, O, O, O])
    assert control.nearest(queries).tolist() == [1, 0, 2, 3, -1]
    found = control.predict(queries)
    assert (found[0] == 2).all()
    assert (found[3] == 4).all()


def test_composition_without_a_neighbour_gets_the_lookup(known: tuple[np.ndarray, np.ndarray]) -> None:
    queries = cells([NA, CL, CL, CL])
    assert (NearestComposition(*known).predict(queries) == ElementPairLookup(*known).predict(queries)).all()


def test_shuffling_permutes_the_atoms_of_a_group_only() -> None:
    rng = np.random.default_rng(3)
    numbers = np.tile([NA, NA, CL, CL, CL, 0], (200, 1))
    distances = rng.random((200, 6, 6))
    distances = distances + distances.swapaxes(1, 2)
    shuffled = shuffled_inside(numbers, distances, rng)
    for first, second in ((slice(0, 2), slice(0, 2)), (slice(0, 2), slice(2, 5)), (slice(2, 5), slice(2, 5))):
        before, after = (np.sort(m[:, first, second].reshape(200, -1)) for m in (distances, shuffled))
        assert (before == after).all()
    assert (shuffled == shuffled.swapaxes(1, 2)).all()
    moved = (shuffled != distances).any((1, 2)).mean()
    assert moved == pytest.approx(11 / 12, abs=0.06)  # one of 2! × 3! orders is the old one


def test_shuffling_groups_of_one_atom_changes_nothing() -> None:
    distances = np.random.default_rng(0).random((5, SLOTS, SLOTS))
    groups = np.tile(np.arange(SLOTS), (5, 1))
    assert (shuffled_inside(groups, distances, np.random.default_rng(1)) == distances).all()


def test_block_means_keep_a_crystal_apart_from_the_others(known: tuple[np.ndarray, np.ndarray]) -> None:
    found = block_means(*known)
    assert found[0] == pytest.approx(matrix({(0, 1): 2.8}))
    assert found[1] == pytest.approx(matrix({(0, 1): 3.0}))
    assert found[2] == pytest.approx(matrix({(0, 1): 2.4, (0, 2): 2.4, (1, 2): 1.5}))
