"""The classes, the size and the predictions of the paper's network."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE, Matrices
from alphacrystal.learn.contacts.paper_network import PaperNet, PaperNetConfig
from alphacrystal_bench.paper_network.prediction import (
    class_labels,
    decode,
    flop_count,
    parameter_count,
    predict_matrices,
)

CLASSES = (5, 10, 20)
NARROW = PaperNetConfig(width=1 / 64, classes=5, maximum=10.0)


@pytest.fixture
def net() -> PaperNet:
    """Untrained, without the bias that makes the answers of such a network all alike."""
    torch.manual_seed(0)
    net = PaperNet(NARROW)
    torch.nn.init.zeros_(net.output.bias)  # type: ignore[arg-type]
    return net.eval()


def test_size_and_cost_at_full_width() -> None:
    # Counted by hand from section 2.3: 0.37 M in the 1-D blocks, 69.1 M in the 2-D blocks, 0.1 M between and
    # after; two operations for each weight at each of 12 x 12 places.
    config = PaperNetConfig(width=1.0, classes=20)
    assert parameter_count(config) == pytest.approx(69.6e6, rel=0.01)
    assert flop_count(config) == pytest.approx(19.9e9, rel=0.01)


def test_cost_follows_the_square_of_the_width() -> None:
    half, quarter = (
        flop_count(PaperNetConfig(width=width, sequence_width=1 / 8)) for width in (1 / 2, 1 / 4)
    )
    assert half / quarter == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("classes", CLASSES)
@given(distances=arrays(float, (3, 4), elements=st.floats(0, MAX_DISTANCE)))
def test_decoding_is_never_off_by_more_than_half_a_class(
    classes: int, distances: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> None:
    labels = class_labels(distances, classes, MAX_DISTANCE)
    found = decode(labels, classes, MAX_DISTANCE)
    assert np.abs(found - distances).max() <= MAX_DISTANCE / classes / 2 + 1e-9
    assert np.array_equal(class_labels(found, classes, MAX_DISTANCE), labels)


def test_classes_of_the_paper() -> None:
    # Figure 3 speaks of the class 2.33-4.67 Å (N = 10); the longest distance is the end of the last class.
    distances = np.array([0.9488, 2.33, 2.34, 4.66, 4.67, MAX_DISTANCE])
    assert class_labels(distances, 10, MAX_DISTANCE).tolist() == [0, 0, 1, 1, 2, 9]
    assert decode(np.array([0, 9]), 10, MAX_DISTANCE) == pytest.approx([1.1668, 22.1693], abs=1e-4)


def test_distances_beyond_the_last_class_fall_into_it() -> None:
    assert class_labels(np.array([9.9, 10.0, 31.0]), 5, 10.0).tolist() == [4, 4, 4]


def test_predictions_are_class_centres_of_real_pairs(net: PaperNet, cells: Matrices) -> None:
    found = predict_matrices(net, cells.numbers)
    assert not found[~cells.mask].any()
    centres = decode(np.arange(5), 5, 10.0)
    assert np.isin(found[cells.mask], centres).all()
    with torch.no_grad():
        labels = net(torch.as_tensor(cells.numbers)).argmax(1).numpy()
    assert np.array_equal(class_labels(found, 5, 10.0)[cells.mask], labels[cells.mask])


def test_predictions_do_not_depend_on_the_batch(net: PaperNet, cells: Matrices) -> None:
    many = np.tile(cells.numbers, (6, 1))  # more than one batch
    assert np.array_equal(predict_matrices(net, many)[-7:], predict_matrices(net, cells.numbers[-7:]))


def test_symmetric_predictions_on_demand(net: PaperNet, cells: Matrices) -> None:
    found = predict_matrices(net, cells.numbers, symmetric=True)
    assert np.array_equal(found, found.transpose(0, 2, 1))
    plain = predict_matrices(net, cells.numbers)
    assert not np.array_equal(plain, plain.transpose(0, 2, 1))
