"""Distances of a cell content from models still in training: the mean over its likely structure types."""

import numpy as np
import pytest

from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask
from alphacrystal_bench.paper_tables.type_mixture import SHARPNESSES, TypeMixture


@pytest.fixture
def mixture(
    symmetry_task: SymmetryTask, lattice_task: LatticeTask, distance_task: DistanceTask
) -> TypeMixture:
    lattice_task.fit(lattice_task.model)
    for task in (symmetry_task, lattice_task, distance_task):
        task.model.eval()
    return TypeMixture(
        symmetry_task, lattice_task, distance_task, (symmetry_task.model,), distance_task.model
    )


def test_the_sharpness_chosen_is_the_one_with_the_least_error(mixture: TypeMixture) -> None:
    rows = mixture.distance.validation
    data = mixture.distance.data

    def error(sharpness: float) -> float:
        found = mixture.expected_distances(rows, sharpness)
        true = [data.distances[data.pair_offsets[row] : data.pair_offsets[row + 1]] for row in rows]
        return float(np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(found, true, strict=True)]))

    best = mixture.best_sharpness(rows)
    assert error(best) == pytest.approx(min(map(error, SHARPNESSES)))


def test_one_likely_type_gives_the_distances_of_that_type(mixture: TypeMixture) -> None:
    """Halite and fluorite cells have one known type each: telling the true type changes nothing."""
    data, task = mixture.distance.data, mixture.distance
    rows = np.array([i for i in task.validation if str(data.ids[i]).startswith(("fluorite", "perovskite"))])
    assert len(rows) == 2
    kinds = [kind for kind, _ in (task.occupations[row] for row in rows)]
    elements = [own for _, own in (task.occupations[row] for row in rows)]
    task.shapes[rows] = mixture.lattice.predicted(kinds, elements, data.functionals[rows])
    found = mixture.expected_distances(rows)
    for place, row in enumerate(rows):
        _, log_probabilities, _ = task.predict(task.model, np.array([row]), given=True)
        wanted = task.model.expected_distances(log_probabilities)[0].detach().numpy()
        assert found[place] == pytest.approx(wanted, abs=1e-3)
