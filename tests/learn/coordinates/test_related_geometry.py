"""Coordinates and templates of types never seen: those of types with the same positions."""

import numpy as np
import pytest
import torch

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import (
    SymmetryHypothesis,
    canonical_letters,
    describe_symmetry,
    space_group,
)
from alphacrystal.learn import (
    StructureType,
    load_model,
    predict_distograms,
    predict_hypotheses,
    prototype_coordinates,
)
from alphacrystal.learn.coordinates.derivative_prototypes import MAX_PROTOTYPES, derivative_positions
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.distances.derivative_templates import fill_derivative_templates, fill_from_coordinates
from alphacrystal.learn.distances.network import DistanceNet
from alphacrystal.learn.distances.templates import TemplateBatch, TypeTemplates
from alphacrystal.learn.structure_types import free_coordinate_count
from alphacrystal.learn.weight_files import models_folder


def type_of(hypothesis: SymmetryHypothesis) -> StructureType:
    return StructureType(hypothesis.space_group, tuple(hypothesis.occupation.values()))


@pytest.fixture(scope="module")
def coordinates() -> PrototypeCoordinates:
    model = load_model("coordinates", models_folder(None))
    assert isinstance(model, PrototypeCoordinates)
    return model


@pytest.fixture(scope="module")
def templates() -> TypeTemplates:
    model = load_model("distance", models_folder(None))
    assert isinstance(model, DistanceNet)
    return model.templates


@pytest.mark.parametrize("text", ["LiLaBi2", "Te2MoWSeS", "Mg3Au"])
def test_related_coordinates_make_crystals_of_the_type(coordinates: PrototypeCoordinates, text: str) -> None:
    formula = parse_formula(text)
    hypotheses = predict_hypotheses(formula, [1, 2], 400)
    new = [
        own
        for own in hypotheses
        if type_of(own) not in coordinates.rows
        and free_coordinate_count(type_of(own))
        and own.space_group > 2
    ][:60]
    made = right = 0
    for own, ways in zip(new, prototype_coordinates(new), strict=True):
        assert len(ways) <= MAX_PROTOTYPES
        group = space_group(own.space_group)
        cell = group.primitive_basis(own.lattice.matrix())
        numbers = predict_distograms([own])[0].numbers
        for places in ways[:3]:
            found = describe_symmetry(cell, places @ group.to_primitive.T, numbers)
            letters = canonical_letters(found.space_group, tuple(found.occupation().values()))
            made += 1
            right += (found.space_group, letters) == (own.space_group, type_of(own).letters)
    assert made >= 10
    assert right >= 0.8 * made  # some are more symmetric by chance


def test_a_known_type_is_among_its_relatives(coordinates: PrototypeCoordinates) -> None:
    tried = 0
    for structure_type in coordinates.types[:400:7]:
        own, found = coordinates.positions(structure_type), derivative_positions(coordinates, structure_type)
        if len(found) < MAX_PROTOTYPES and len(set("".join(structure_type.letters))) == len(
            "".join(structure_type.letters)
        ):
            tried += 1
            for way in own:
                assert np.abs(found - way).max((1, 2)).min() < 1e-9
    assert tried > 10


def test_a_type_without_relatives_has_no_coordinates(coordinates: PrototypeCoordinates) -> None:
    nothing = derivative_positions(coordinates, StructureType(225, ("abcdefghijkl", "l")))
    assert nothing.shape[0] == 0


def test_filling_by_hand_is_the_batch_of_a_known_type(templates: TypeTemplates) -> None:
    for row in range(0, len(templates.types), 997):
        structure_type = templates.types[row]
        size = sum(structure_type.counts())
        batch = templates.batch(
            np.array([row]), np.repeat(np.arange(len(structure_type.letters)), structure_type.counts())[None]
        )
        filled = TemplateBatch.empty(1, size)
        for slot, cluster in enumerate(templates.clusters_of(row)):
            filled.fill(0, slot, templates, cluster, np.arange(size))
        for name in ("counts", "means", "spreads", "features", "shapes"):
            assert torch.equal(getattr(batch, name), getattr(filled, name))


def test_exchanged_elements_read_the_exchanged_template(templates: TypeTemplates) -> None:
    tried = 0
    for row, structure_type in enumerate(templates.types):
        swapped = StructureType(structure_type.space_group, structure_type.letters[::-1])
        counts = structure_type.counts()
        if len(counts) != 2 or counts[0] == counts[1] or sum(counts) > 8 or swapped in templates.rows:
            continue
        if len(set("".join(structure_type.letters))) < len("".join(structure_type.letters)):
            continue  # which element takes which of two like orbits is for their properties to say
        canonical = canonical_letters(structure_type.space_group, swapped.letters) == swapped.letters
        if not canonical or len(templates.related_rows(swapped)) > 1 or sum(counts) < 3:
            continue
        numbers = np.repeat([40, 13], swapped.counts())
        batch = TemplateBatch.empty(1, len(numbers))
        fill_derivative_templates(batch, templates, [swapped], numbers[None])
        own = templates.batch(np.array([row]), np.repeat([0, 1], counts)[None])
        assert sorted(batch.counts[0].tolist()) == sorted(own.counts[0].tolist())
        # The atoms of the first element of the known type are the last ones here.
        order = np.concatenate([np.arange(counts[0], sum(counts)), np.arange(counts[0])])
        clusters = int((own.counts[0] > 0).sum())
        mine = {tuple(np.round(matrix(batch, 0, slot), 5).ravel()) for slot in range(clusters)}
        theirs = {
            tuple(np.round(matrix(own, 0, slot)[np.ix_(order, order)], 5).ravel()) for slot in range(clusters)
        }
        assert mine == theirs
        tried += 1
        if tried == 20:
            break
    assert tried > 5


def matrix(batch: TemplateBatch, sample: int, slot: int) -> np.ndarray:
    size = batch.features.shape[1]
    full = np.zeros((size, size))
    full[np.triu_indices(size, 1)] = batch.means[sample, :, slot].numpy()
    return full + full.T


def test_a_template_from_coordinates_has_the_distances_of_the_crystal() -> None:
    cell, positions = np.diag([3.0, 3.0, 4.0]), np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]])
    numbers, shape = np.array([29, 79, 79]), np.arange(6) / 10
    batch = TemplateBatch.empty(2, 3)
    fill_from_coordinates(batch, 1, cell, positions, numbers, shape)
    edge = 12.0 ** (1 / 3)  # 36 Å³ for three atoms
    diagonal = 4.5**0.5
    assert batch.means[1, :, 0].numpy() * edge == pytest.approx([(4.5 + 4) ** 0.5, diagonal, 2.0], rel=1e-6)
    assert batch.counts.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]
    assert torch.equal(batch.features[1, 1, 0], batch.features[1, 2, 0])
    assert batch.shapes[1, 0].numpy() == pytest.approx(shape)
