"""Coordinates of structure types: what was seen comes back, whatever origin and order a file had."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import LatticeParameters, atom_sites, space_group
from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal.learn import StructureType, predict_hypotheses, prototype_coordinates
from alphacrystal.learn.coordinates.fitting import fit_prototype_coordinates, measure_prototype_coordinates
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates, PrototypeCoordinatesConfig
from alphacrystal.learn.model_inputs import occupations
from alphacrystal.learn.weight_files import save_weights

MATCHER = StructureMatcher(ltol=0.2, stol=0.1, angle_tol=5)


def crystals(model: PrototypeCoordinates, data: PreparedStructures, row: int) -> list[Structure]:
    """What the model remembers of the type of a structure, in the cell of that structure."""
    structure_type, elements = occupations(data)[row]
    group = space_group(structure_type.space_group)
    cell = group.primitive_basis(LatticeParameters(*data.lattices[row].tolist()).matrix())
    numbers = data.numbers[data.atoms(row)]
    assert len(elements) == len(structure_type.letters)
    return [
        Structure(Lattice(cell), numbers, places @ group.to_primitive.T)
        for places in model.positions(structure_type)
    ]


def moved(record: StructureRecord, rng: np.random.Generator) -> StructureRecord:
    """The same crystal with another origin and another order of atoms."""
    order = rng.permutation(len(record.species))
    places = (np.array(record.frac_coords) + rng.random(3))[order]
    return record.model_copy(
        update={"frac_coords": places.tolist(), "species": [record.species[i] for i in order]}
    )


def test_training_structures_come_back(prepared: PreparedStructures, records: list[StructureRecord]) -> None:
    model = fit_prototype_coordinates(prepared)
    found = 0
    for row in np.flatnonzero(~prepared.validation).tolist():
        made = crystals(model, prepared, row)
        record = next(record for record in records if record.id == prepared.ids[row])
        found += bool(made)
        assert all(MATCHER.fit(own, record.structure()) for own in made)
    assert found >= 8  # those with free coordinates


def test_origin_and_order_of_atoms_do_not_matter(records: list[StructureRecord]) -> None:
    rng = np.random.default_rng(3)
    rows = [prepare_record(moved(record, rng)) for record in records]
    other = assemble([row for row in rows if row is not None])
    model = fit_prototype_coordinates(other)
    for row, record in enumerate(records):
        assert other.ids[row] == record.id
        made = crystals(model, other, row)
        assert all(MATCHER.fit(own, record.structure()) for own in made)
    measured = measure_prototype_coordinates(model, other)
    assert measured["share_known"] == 1
    assert measured["best_rmse"] < 0.05


def test_validation_structures_are_not_looked_at(prepared: PreparedStructures) -> None:
    changed = replace(prepared, positions=prepared.positions.copy(), distances=prepared.distances.copy())
    for row in np.flatnonzero(prepared.validation).tolist():
        changed.positions[prepared.atoms(row)] += 0.123
        changed.distances[prepared.pair_offsets[row] : prepared.pair_offsets[row + 1]] *= 1.3
    before, after = fit_prototype_coordinates(prepared), fit_prototype_coordinates(changed)
    for name, tensor in before.state_dict().items():
        assert (tensor == after.state_dict()[name]).all(), name


def test_like_crystals_are_averaged_and_unlike_ones_kept_apart(textbook: Callable[[str], Structure]) -> None:
    def rutile(x: float, metal: str) -> StructureRecord:
        structure = Structure.from_spacegroup(
            136, Lattice.tetragonal(4.6, 2.96), [metal, "O"], [[0, 0, 0], [x, x, 0]]
        )
        made = StructureRecord.from_structure(structure, f"{metal}-{x}")
        return made.model_copy(update={"split": "train"})

    near = [rutile(0.30, "Ti"), rutile(0.31, "Sn")]
    far = [rutile(0.22, "Pb"), rutile(0.23, "Mn")]
    rows = [prepare_record(record) for record in near + far]
    data = assemble([row for row in rows if row is not None])
    structure_type = occupations(data)[0][0]
    apart = fit_prototype_coordinates(
        data, PrototypeCoordinatesConfig(most_clusters=16, formulas_per_cluster=2)
    )
    assert apart.counts_of(structure_type).tolist() == [2, 2]
    values = sorted(min(value, 1 - value) for value in apart.values.tolist())
    assert values == pytest.approx([0.225, 0.305], abs=1e-4)
    together = fit_prototype_coordinates(data, PrototypeCoordinatesConfig(most_clusters=1))
    assert together.counts_of(structure_type).tolist() == [4]


def test_a_type_never_seen_has_no_ways(prepared: PreparedStructures) -> None:
    model = fit_prototype_coordinates(prepared)
    new = StructureType(62, ("cc", "ccd"))
    assert model.positions(new).shape == (0, sum(new.counts()), 3)
    assert model.counts_of(new).tolist() == []


def test_weights_come_back(prepared: PreparedStructures, tmp_path: Path) -> None:
    model = fit_prototype_coordinates(prepared)
    digests = {save_weights(model, tmp_path / f"{number}.safetensors") for number in range(3)}
    assert len(digests) == 1


def test_shipped_coordinates_know_quartz(textbook: Callable[[str], Structure]) -> None:
    hypotheses = [
        hypothesis
        for hypothesis in predict_hypotheses(parse_formula("SiO2"), [3], 30)
        if hypothesis.space_group in {152, 154}
    ]
    quartz, found = textbook("quartz"), 0
    for hypothesis, ways in zip(hypotheses, prototype_coordinates(hypotheses), strict=True):
        numbers = atom_sites(hypothesis).numbers
        assert ways.shape[1:] == (len(numbers), 3)
        cell = Lattice(hypothesis.lattice.matrix())  # primitive: P lattice
        found += sum(MATCHER.fit(Structure(cell, numbers, places), quartz) for places in ways)
    assert found
