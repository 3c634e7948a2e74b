"""Templates of structure types: means over training compounds without the compound of the query."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.template_fitting import TemplateFit, cluster_rows
from alphacrystal.learn.distances.templates import element_slots
from alphacrystal.learn.model_inputs import occupations


@pytest.fixture
def structure_types(prepared: PreparedStructures) -> list:
    return [structure_type for structure_type, _ in occupations(prepared)]


def fitted(data: PreparedStructures, structure_types: list, rows: np.ndarray) -> TemplateFit:
    fit = TemplateFit(data, structure_types, rows)
    fit.collect(np.arange(len(data)))
    return fit


def test_means_are_reduced_distances_of_the_other_compounds(
    prepared: PreparedStructures, structure_types: list
) -> None:
    train = np.flatnonzero(~prepared.validation)
    fit = fitted(prepared, structure_types, train)
    halite = prepared.ids.tolist().index("halite-0")
    others = [i for i in train if structure_types[i] == structure_types[halite] and i != halite]
    reduced = [
        prepared.distances[prepared.pair_offsets[i] : prepared.pair_offsets[i + 1]]
        / prepared.volumes[i] ** (1 / 3)
        for i in others
    ]
    found = fit.batch(np.array([halite]))
    assert found.counts[0].tolist() == [len(others), 0, 0, 0]
    assert found.means[0, :, 0].numpy() == pytest.approx(np.mean(reduced, axis=0), rel=1e-5)


def test_a_compound_reads_what_a_fit_without_its_formula_holds(
    prepared: PreparedStructures, structure_types: list
) -> None:
    train = np.flatnonzero(~prepared.validation)
    fit = fitted(prepared, structure_types, train)
    assert len(train)
    for row in train:
        others = np.array([i for i in train if prepared.formulas[i] != prepared.formulas[row]])
        without = fitted(prepared, structure_types, others)
        own, other = fit.batch(np.array([row])), without.batch(np.array([row]))
        for field in fields(own):
            assert torch.allclose(getattr(own, field.name), getattr(other, field.name), atol=1e-5)


def test_distances_of_a_compound_are_not_its_templates(
    prepared: PreparedStructures, structure_types: list
) -> None:
    train = np.flatnonzero(~prepared.validation)
    row = prepared.ids.tolist().index("rutile-0")
    changed = replace(prepared, distances=prepared.distances.copy())
    changed.distances[prepared.pair_offsets[row] : prepared.pair_offsets[row + 1]] *= 1.7
    before = fitted(prepared, structure_types, train).batch(np.array([row]))
    after = fitted(changed, structure_types, train).batch(np.array([row]))
    assert torch.allclose(before.means, after.means, atol=1e-6)
    assert torch.allclose(before.spreads, after.spreads, atol=1e-6)


def test_stored_templates_are_what_validation_reads(
    prepared: PreparedStructures, structure_types: list
) -> None:
    train = np.flatnonzero(~prepared.validation)
    validation = np.flatnonzero(prepared.validation)
    fit = fitted(prepared, structure_types, train)
    stored = fit.templates()
    assert len(validation)
    for row in validation:
        numbers = prepared.numbers[prepared.atoms(int(row))]
        place = stored.rows.get(structure_types[row], -1)
        found = stored.batch(np.array([place]), element_slots(numbers)[None])
        wanted = fit.batch(np.array([row]))
        for field in fields(found):
            assert torch.allclose(getattr(found, field.name), getattr(wanted, field.name), atol=1e-5)


def test_a_type_never_seen_has_no_clusters(prepared: PreparedStructures, structure_types: list) -> None:
    quartz = prepared.ids.tolist().index("quartz-0")
    train = np.array(
        [i for i in np.flatnonzero(~prepared.validation) if structure_types[i] != structure_types[quartz]]
    )
    fit = fitted(prepared, structure_types, train)
    assert fit.batch(np.array([quartz])).counts.sum() == 0


def test_two_families_of_one_type_become_two_clusters() -> None:
    random = np.random.default_rng(0)
    table = np.concatenate([1 + 0.01 * random.random((6, 4)), 2 + 0.01 * random.random((6, 4))])
    labels = cluster_rows(table, 4, 4)
    assert len(set(labels[:6])) >= 1
    assert not set(labels[:6]) & set(labels[6:])
    assert set(cluster_rows(table[:5], 4, 4)) == {0}  # too few to be cut
    assert set(cluster_rows(np.ones((20, 4)), 4, 4)) == {0}  # all alike


@pytest.mark.parametrize(
    ("numbers", "slots"), [([38, 22, 8, 8, 8], [0, 1, 2, 2, 2]), ([26, 26], [0, 0]), ([8], [0])]
)
def test_slots_count_elements(numbers: list[int], slots: list[int]) -> None:
    assert element_slots(np.array(numbers)).tolist() == slots
