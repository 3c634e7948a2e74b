"""Mp_12: conventional cells, one entry per cell formula, families, splits and the distance histogram."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import min_image_distances, space_group
from alphacrystal.data import (
    PreparedStructures,
    StructureRecord,
    assemble,
    benchmark_formulas,
    prepare_record,
)
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, MAX_DISTANCE
from alphacrystal_bench.harness.row_selection import select, split_rows
from alphacrystal_bench.paper_tables.mp12 import (
    PAPER_COUNTS,
    distance_histogram,
    mp12,
    mp12_counts,
    mp12_of_records,
    mp12_subset,
)

# Conventional cells of 2 to 12 atoms: P, I, F and R lattices, pure elements to ternaries.
SMALL = (
    "copper",
    "diamond",
    "halite",
    "fluorite",
    "perovskite",
    "quartz",
    "layered oxide",
    "rutile",
    "anatase",
)
LARGE = ("spinel", "corundum")
seeds = st.integers(0, 2**32 - 1)


def conventional(structure: Structure) -> PreparedStructures:
    row = prepare_record(StructureRecord.from_structure(structure, "x"), cell="conventional")
    assert row is not None
    return assemble([row])


@pytest.fixture(scope="module")
def records(trainable: Callable[[str], Structure]) -> list[StructureRecord]:
    return [
        StructureRecord.from_structure(trainable(name), f"mp-{number}")
        for number, name in enumerate(SMALL + LARGE)
    ]


@pytest.fixture(scope="module")
def data(records: list[StructureRecord]) -> PreparedStructures:
    return mp12_of_records(records)


def test_conventional_cells_hold_the_distances_of_the_whole_cell(textbook_crystal: Structure) -> None:
    found = conventional(textbook_crystal)
    assert found.sizes.tolist() == [len(textbook_crystal)]  # the textbook cells are conventional
    assert sorted(found.numbers.tolist()) == sorted(textbook_crystal.atomic_numbers)
    assert found.volumes[0] == pytest.approx(textbook_crystal.volume / len(textbook_crystal))
    expected = min_image_distances(textbook_crystal.lattice.matrix, textbook_crystal.frac_coords)
    assert np.sort(found.matrix(0), axis=None) == pytest.approx(np.sort(expected, axis=None), abs=2e-3)


def test_translated_copies_belong_to_one_orbit(textbook_crystal: Structure) -> None:
    found = conventional(textbook_crystal)
    positions = list(space_group(int(found.space_groups[0])).positions.values())
    by_letter = {
        place: position.multiplicity for place, position in enumerate(sorted_by_letter(positions), 1)
    }
    assert found.orbits.tolist() == sorted(found.orbits.tolist())
    for orbit in np.unique(found.orbits):
        members = found.orbits == orbit
        (letter,) = set(found.letters[members].tolist())
        assert members.sum() == by_letter[letter]
        assert len(set(found.numbers[members].tolist())) == 1


def sorted_by_letter(positions: list) -> list:  # type: ignore[type-arg]
    return sorted(positions, key=lambda position: (position.letter == "A", position.letter))


def test_structure_types_do_not_depend_on_the_cell(textbook_crystal: Structure) -> None:
    row = prepare_record(StructureRecord.from_structure(textbook_crystal, "x"))
    assert row is not None
    assert conventional(textbook_crystal).occupation(0) == assemble([row]).occupation(0)


@pytest.mark.parametrize("name", ["halite", "layered oxide", "anatase", "perovskite"])
@settings(max_examples=4)
@given(seed=seeds, enlarge=st.integers(1, 2))
def test_conventional_matrices_do_not_depend_on_the_description(
    textbook: Callable[[str], Structure],
    redescribe: Callable[..., Structure],
    name: str,
    seed: int,
    enlarge: int,
) -> None:
    expected = conventional(textbook(name))
    found = conventional(redescribe(textbook(name), seed, enlarge=enlarge))
    assert found.numbers.tolist() == expected.numbers.tolist()
    assert found.orbits.tolist() == expected.orbits.tolist()
    assert found.matrix(0) == pytest.approx(expected.matrix(0), abs=2e-3)


def test_cells_that_are_too_large_are_left_out(
    data: PreparedStructures, records: list[StructureRecord]
) -> None:
    assert data.ids.tolist() == [record.id for record in records[: len(SMALL)]]
    assert data.sizes.max() == MAX_ATOMS
    halite = records[SMALL.index("halite")]
    assert prepare_record(halite, most_atoms=2) is not None
    assert prepare_record(halite, cell="conventional", most_atoms=7) is None


def test_single_atoms_and_benchmark_compounds_are_left_out() -> None:
    polonium = Structure(np.eye(3) * 3.36, ["Po"], [[0, 0, 0]])
    indium = Structure(np.eye(3) * 3.4, ["Ti", "In"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert "TiIn" in benchmark_formulas()
    with pytest.raises(InputError, match="fits into Mp_12"):
        mp12_of_records([StructureRecord.from_structure(own, "x") for own in (polonium, indium)])


def entry(identifier: str, length: float, hull: float | None) -> StructureRecord:
    chloride = Structure(np.eye(3) * length, ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    record = StructureRecord.from_structure(chloride, identifier)
    return record.model_copy(update={"e_above_hull": hull})


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([("mp-1", 0.2), ("mp-2", 0.1)], "mp-2"),
        ([("mp-1", None), ("mp-2", 0.4)], "mp-2"),
        ([("mp-20", None), ("mp-3", None)], "mp-3"),
        ([("mp-20", 0.0), ("mp-3", 0.0)], "mp-3"),
        ([("b", None), ("a", None), ("mvc-7", None)], "mvc-7"),
        ([("b", None), ("a", None)], "a"),
    ],
)
def test_of_one_cell_formula_the_most_stable_or_the_first_identifier_stays(
    entries: list[tuple[str, float | None]], kept: str
) -> None:
    for order in (entries, entries[::-1]):
        assert mp12_of_records([entry(name, 4.1, hull) for name, hull in order]).ids.tolist() == [kept]


def test_cells_of_several_sizes_are_several_entries(data: PreparedStructures) -> None:
    tin_oxide = data.formulas == "SnO2"
    assert sorted(data.sizes[tin_oxide].tolist()) == [6, 12]  # rutile and anatase


def test_families_by_crystal_system_and_elements(data: PreparedStructures) -> None:
    def names(rows: np.ndarray) -> set[str]:  # type: ignore[type-arg]
        return {SMALL[int(identifier.removeprefix("mp-"))] for identifier in data.ids[rows]}

    assert names(mp12_subset(data, "cubic")) == {"copper", "diamond", "halite", "fluorite", "perovskite"}
    assert names(mp12_subset(data, "binary")) == {"halite", "fluorite", "quartz", "rutile", "anatase"}
    assert names(mp12_subset(data, "ternary")) == {"perovskite", "layered oxide"}
    counts = {"mp_12": 9, "mp_12_cubic": 5, "mp_12_binary": 5, "mp_12_ternary": 2}
    assert mp12_counts(data) == counts
    assert list(counts) == list(PAPER_COUNTS)
    with pytest.raises(InputError, match="no family"):
        mp12_subset(data, "quaternary")  # type: ignore[arg-type]


def assert_equal(one: PreparedStructures, other: PreparedStructures) -> None:
    for name in one.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "above_hull"), name


def test_a_file_is_read_once(
    data: PreparedStructures, records: list[StructureRecord], tmp_path: Path
) -> None:
    source = tmp_path / "structures.jsonl"
    source.write_text(
        "".join(json.dumps(record.model_dump(exclude_none=True)) + "\n" for record in records),
        encoding="utf-8",
    )
    counts: list[int] = []
    assert_equal(mp12(source, tmp_path / "cache", on_progress=counts.append), data)
    assert counts == [len(SMALL)]
    assert_equal(mp12(source, tmp_path / "cache", on_progress=counts.append), data)
    assert counts == [len(SMALL)]


def test_a_source_without_small_cells_is_bad_input(records: list[StructureRecord], tmp_path: Path) -> None:
    source = tmp_path / "structures.jsonl"
    source.write_text(records[-1].model_dump_json() + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="too large"):
        mp12(source, tmp_path)


@given(seed=seeds, by_formula=st.booleans())
def test_splits_have_their_sizes_and_are_disjoint(
    data: PreparedStructures, seed: int, by_formula: bool
) -> None:
    rows = np.arange(1, len(data))
    train, test = split_rows(data, rows, 4, 3, seed=seed, by_formula=by_formula)
    again = split_rows(data, rows, 4, 3, seed=seed, by_formula=by_formula)
    assert (train.tolist(), test.tolist()) == (again[0].tolist(), again[1].tolist())
    assert (len(train), len(test)) == (4, 3)
    assert len({*train.tolist(), *test.tolist()}) == 7
    assert set(train.tolist()) | set(test.tolist()) <= set(rows.tolist())
    if by_formula:
        assert not set(data.formulas[train]) & set(data.formulas[test])
        other = split_rows(data, rows, 4, 3, seed=seed, by_formula=False)
        assert test.tolist() == other[1].tolist()


def test_entries_of_one_formula_can_be_in_both_parts_of_the_random_split(data: PreparedStructures) -> None:
    tin_oxide = np.flatnonzero(data.formulas == "SnO2")
    train, test = split_rows(data, tin_oxide, 1, 1, seed=0, by_formula=False)
    assert sorted([*train, *test]) == tin_oxide.tolist()
    with pytest.raises(InputError, match="without a common formula"):
        split_rows(data, tin_oxide, 1, 1, seed=0, by_formula=True)


def test_too_few_structures_for_a_split_are_bad_input(data: PreparedStructures) -> None:
    with pytest.raises(InputError, match="too few for 8 to train and 2 to test on"):
        split_rows(data, np.arange(len(data)), 8, 2, seed=0, by_formula=False)


@given(seed=seeds)
def test_selected_structures_are_unchanged(data: PreparedStructures, seed: int) -> None:
    rows = np.random.default_rng(seed).permutation(len(data))
    chosen = select(data, rows[:4], rows[3:6])
    assert len(chosen) == 6
    assert chosen.validation.tolist() == [False] * 3 + [True] * 3
    for place, row in enumerate(rows[:6].tolist()):
        assert chosen.ids[place] == data.ids[row]
        assert chosen.occupation(place) == data.occupation(row)
        assert chosen.numbers[chosen.atoms(place)].tolist() == data.numbers[data.atoms(row)].tolist()
        assert np.array_equal(chosen.matrix(place), data.matrix(row))
        assert np.array_equal(chosen.lattices[place], data.lattices[row])


def test_the_histogram_counts_every_pair(data: PreparedStructures) -> None:
    found = distance_histogram(data, np.linspace(0, MAX_DISTANCE, 11))
    sizes = data.sizes
    assert found.pairs.sum() == (sizes * (sizes - 1) // 2).sum()
    assert found.of_pairs.sum() == pytest.approx(1)
    assert found.of_entries.sum() == pytest.approx((sizes * (sizes - 1)).sum() / (144 * len(data)))
    assert (found.shortest, found.longest) == (data.distances.min(), data.distances.max())


def test_the_histogram_of_some_structures(data: PreparedStructures) -> None:
    halite = np.array([SMALL.index("halite")])
    found = distance_histogram(data, np.array([0.0, 2.9, 4.5, 9.0]), halite)
    # Of 28 pairs in the cube of 5.64 Å: 12 of unlike ions at a/2, 12 of like ions at a/sqrt(2), 4 of unlike
    # ions at a sqrt(3)/2.
    assert found.pairs.tolist() == [12, 12, 4]
    assert found.of_pairs == pytest.approx([12 / 28, 12 / 28, 4 / 28])
    assert found.of_entries == pytest.approx([24 / 144, 24 / 144, 8 / 144])
    assert found.longest == pytest.approx(5.64 * np.sqrt(3) / 2, abs=1e-4)
