"""Tables about the models: what is counted where, against values worked out by hand."""

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures, StructureRecord, assemble, prepare_record
from alphacrystal.learn import StructureType
from alphacrystal_bench.models.distance_table import (
    control_errors,
    distance_table,
    mean_distance,
    pair_lookup,
    polymorph_means,
)
from alphacrystal_bench.models.lattice_table import (
    axis_errors,
    lattice_table_by_subset,
    lattice_table_by_system,
)
from alphacrystal_bench.models.subsets import reference_entries, subsets
from alphacrystal_bench.models.symmetry_table import (
    frequencies,
    group_table_by_system,
    symmetry_table,
    true_ranks,
)
from alphacrystal_bench.models.type_copy import additive_volumes, structure_types, type_copies

HALITE, CHLORIDE = StructureType(225, ("a", "b")), StructureType(221, ("a", "b"))


def row_of(data: PreparedStructures, formula: str) -> int:
    return int(np.flatnonzero(data.formulas == formula)[0])


def fractions_of(data: PreparedStructures) -> np.ndarray:
    fractions = np.zeros((len(data), 103))
    for row in range(len(data)):
        np.add.at(fractions[row], data.numbers[data.atoms(row)] - 1, 1 / data.sizes[row])
    return fractions


def test_references_are_experimental_then_stable_then_small(records: list[StructureRecord]) -> None:
    halite = next(record for record in records if record.reduced_formula == "NaCl")
    marks = [(False, 0.0), (True, 0.3), (True, 0.1), (True, None)]
    entries = [
        halite.model_copy(update={"id": str(place), "icsd": icsd, "e_above_hull": hull})
        for place, (icsd, hull) in enumerate(marks)
    ]
    other = records[-1].model_copy(update={"id": "other", "icsd": None})
    data = assemble([row for row in map(prepare_record, [*entries, other]) if row is not None])
    assert reference_entries(data, np.arange(5)).tolist() == [False, False, True, False, True]
    assert reference_entries(data, np.array([0, 3])).tolist() == [False, True]


def test_subsets_are_cut_by_evidence_size_and_elements(prepared: PreparedStructures) -> None:
    rows = np.flatnonzero(prepared.validation)
    masks = subsets(prepared, rows)
    assert masks["all_entries"].all()
    assert masks["one_entry_per_formula"].sum() == len(set(prepared.formulas[rows]))
    experimental = prepared.experimental[rows] == 1
    assert (masks["experimental_entries"] == experimental).all()
    last = masks["experimental_or_nearly_stable_compounds_up_to_12_atoms"]
    assert (last == (experimental | (prepared.above_hull[rows] <= 0.1)) & (prepared.sizes[rows] <= 12)).all()


def test_a_rank_counts_what_is_more_probable() -> None:
    chances = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.6, 0.4, 0.0]])
    assert true_ranks(chances, np.array([1, 1, 2])).tolist() == [1, 0, np.inf]


def test_frequency_suggests_the_commonest_group_of_the_stoichiometry() -> None:
    fluorite = StructureType(225, ("a", "c"))
    types = [HALITE, HALITE, CHLORIDE, fluorite, CHLORIDE, StructureType(216, ("a", "c"))]
    groups, ranks = frequencies(types, np.arange(4), np.array([4, 5]))
    assert ranks.tolist() == [1, np.inf]
    assert (groups[:, 225].tolist(), groups[:, 221].tolist(), groups.sum(1).tolist()) == (
        [2, 2],
        [1, 1],
        [3, 3],
    )
    assert frequencies(types, np.arange(3), np.array([3]))[1].tolist() == [np.inf]


def test_symmetry_table_gives_shares_of_each_subset() -> None:
    ranks = np.array([0, 3, 5, np.inf])
    table = symmetry_table(
        {"network": ranks},
        {"network": ranks},
        {"all": np.ones(4, dtype=bool), "first": np.arange(4) < 1, "none": np.zeros(4, dtype=bool)},
    )
    assert table["all"]["space_group"]["network"] == {"top_1": 0.25, "top_5": 0.5}
    assert table["all"]["type"]["network"]["top_20"] == 0.75
    assert table["first"]["n"] == 1
    assert "none" not in table
    systems = np.array(["cubic", "cubic", "trigonal", "trigonal"])
    by_system = group_table_by_system({"network": ranks}, systems, {"cubic": 0.9, "triclinic": 0.8})
    assert by_system == {"cubic": {"n": 2, "published": 0.9, "network": 0.5}}


def test_lattice_errors_are_of_the_axes_that_are_free() -> None:
    true = np.array([[4.0, 4, 6, 90, 90, 120], [5, 5, 8, 90, 90, 120], [6, 6, 7, 90, 90, 120]])
    guess = true[:, :3] * np.array([1.1, 1.1, 1.0])
    assert axis_errors(true, guess, "ac") == {"r2_a": 0.615, "mae_a": 0.5, "r2_c": 1.0, "mae_c": 0.0}
    partial = np.where(np.arange(3)[:, None] < 2, true, np.nan)
    table = lattice_table_by_system(true, {"half": partial, "guess": guess}, np.array(["hexagonal"] * 3))
    assert set(table) == {"hexagonal"}
    row = table["hexagonal"]
    assert row["guess"]["length_mean_percent"] == pytest.approx(20 / 3, abs=1e-3)
    assert row["guess"]["length_median_percent"] == 10
    assert "volume_mean_percent" not in row["guess"]
    assert (row["half"]["predicted"], row["half"]["volume_mean_percent"]) == (2, 0)
    assert row["published_r2"] == {"a": 0.892, "c": 0.760}
    none = lattice_table_by_subset(true, {"none": np.full((3, 3), np.nan)}, {"all": np.ones(3, dtype=bool)})
    assert none == {"all": {"n": 3, "none": {"predicted": 0}}}


def test_volumes_that_add_up_are_found() -> None:
    rng = np.random.default_rng(0)
    fractions = rng.dirichlet(np.ones(4), 400)
    own = np.array([10.0, 20, 30, 15])
    found = additive_volumes(np.pad(fractions, ((0, 0), (0, 1))), fractions @ own)
    assert found == pytest.approx([*own, 16], rel=0.01)


def test_a_copy_is_the_scaled_cell_of_the_nearest_known_compound(prepared: PreparedStructures) -> None:
    types, elements = structure_types(prepared)
    train = np.flatnonzero(~prepared.validation)
    rows = np.array([row_of(prepared, "RbCl"), row_of(prepared, "HfO2")])
    copies = type_copies(prepared, types, elements, fractions_of(prepared), train, rows)
    assert copies[0, :3] == pytest.approx(prepared.lattices[rows[0], :3], rel=0.05)  # from KCl or RbBr
    scale = copies[1, :3] / prepared.lattices[row_of(prepared, "ZrO2"), :3]
    assert scale == pytest.approx(np.full(3, scale[0]))
    assert copies[1, 3:] == pytest.approx(prepared.lattices[row_of(prepared, "ZrO2"), 3:])
    unknown = type_copies(prepared, types, elements, fractions_of(prepared), train[:1], rows[1:])
    assert np.isnan(unknown).all()


def test_distance_controls_know_means_only(prepared: PreparedStructures) -> None:
    train, rows = np.flatnonzero(~prepared.validation), np.flatnonzero(prepared.validation)
    errors, unordered = control_errors(prepared, train, rows)
    for own in (errors, unordered):  # every validation formula has one entry here
        assert (own["oracle_polymorph_mean"] < 1e-6).all()
    for name in ("pair_lookup", "constant"):  # they give all pairs of two elements one distance
        assert unordered[name] == pytest.approx(errors[name])
    place = rows.tolist().index(row_of(prepared, "NaBr"))
    true = prepared.matrix(rows[place])[0, 1]
    assert errors["constant"][place] == pytest.approx(abs(mean_distance(prepared, train) - true))
    known = row_of(prepared, "NaCl")
    lookup = pair_lookup(prepared, np.array([known])).predict(prepared.numbers[prepared.atoms(known)][None])
    assert lookup[0] == pytest.approx(prepared.matrix(known), abs=1e-5)
    table = distance_table(errors, {"all": np.ones(len(rows), dtype=bool)})
    assert table["all"]["n"] == len(rows)
    assert table["all"]["constant"] == pytest.approx(errors["constant"].mean(), abs=1e-4)


def test_polymorphs_share_their_mean(records: list[StructureRecord]) -> None:
    halite = next(record for record in records if record.reduced_formula == "NaCl")
    cells = [halite, halite.model_copy(update={"lattice": (np.array(halite.lattice) * 1.1).tolist()})]
    data = assemble([row for row in map(prepare_record, cells) if row is not None])
    (mean,) = polymorph_means(data, np.arange(2)).values()
    assert mean == pytest.approx([1.05 * data.distances[0]], rel=1e-5)
    (lengths,) = polymorph_means(data, np.arange(2), unordered=True).values()
    assert lengths == pytest.approx(mean)
