"""Prepared training arrays: what they hold, and their cache."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.crystal import (
    describe_symmetry,
    lattice_parameters,
    letter_index,
    min_image_distances,
    multiplicities,
)
from alphacrystal.data import (
    FUNCTIONALS,
    PreparedStructures,
    StructureRecord,
    assemble,
    benchmark_formulas,
    prepare,
    prepare_record,
)
from alphacrystal.errors import InputError

NAMES = ("halite", "rutile", "quartz", "copper", "spinel", "baddeleyite")


@pytest.fixture
def source(tmp_path: Path, trainable: Callable[[str], Structure]) -> Path:
    """Textbook crystals and two benchmark compounds as JSON lines."""
    structures = {name: trainable(name) for name in NAMES}
    structures["ScAl"] = Structure(np.eye(3) * 3.4, ["Sc", "Al"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    structures["TiIn"] = Structure(np.eye(3) * 3.4, ["Ti", "In"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    path = tmp_path / "source" / "structures.jsonl"
    path.parent.mkdir()
    extra = {"functional": "RPBE", "icsd": False, "e_above_hull": 0.02}
    with path.open("w", encoding="utf-8") as stream:
        for name, structure in structures.items():
            record = StructureRecord.from_structure(structure, name).model_dump(exclude_none=True)
            stream.write(json.dumps(record | (extra if name == "quartz" else {})) + "\n")
    return path


def assert_equal(one: PreparedStructures, other: PreparedStructures) -> None:
    for name in one.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "above_hull"), name


def test_benchmark_compounds_are_left_out(source: Path, tmp_path: Path) -> None:
    found = prepare(source, tmp_path / "cache")
    assert found.ids.tolist() == list(NAMES)
    assert set(found.formulas.tolist()) & benchmark_formulas() == set()


def test_the_cache_is_made_and_used_again(source: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    counts: list[int] = []
    first = prepare(source, cache, on_progress=counts.append)
    assert counts[-1] == len(first) == len(NAMES)
    (stored,) = cache.iterdir()
    made = stored.stat().st_mtime_ns
    counts.clear()
    assert_equal(first, prepare(source, cache, on_progress=counts.append))
    assert_equal(first, prepare(source.parent, cache, on_progress=counts.append))
    assert counts == []
    assert stored.stat().st_mtime_ns == made


def test_the_cache_follows_the_content_of_the_source(source: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    prepare(source, cache)
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    assert prepare(source, cache).ids.tolist() == list(NAMES[1:])
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_made_again(source: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = prepare(source, cache)
    (stored,) = cache.iterdir()
    stored.write_bytes(stored.read_bytes()[:1000])
    assert_equal(first, prepare(source, cache))
    assert_equal(first, prepare(source, cache))


def test_folders_of_structure_files_are_prepared_too(
    tmp_path: Path, trainable: Callable[[str], Structure]
) -> None:
    folder = tmp_path / "cifs"
    folder.mkdir()
    trainable("rutile").to(str(folder / "rutile.cif"), fmt="cif")
    found = prepare(folder, tmp_path / "cache")
    assert (found.ids.tolist(), found.occupation(0)) == (["rutile"], {"Sn": "a", "O": "f"})
    assert not (tmp_path / "cache").exists()


def test_several_processes_give_the_same(source: Path, tmp_path: Path) -> None:
    assert_equal(prepare(source, tmp_path / "one"), prepare(source, tmp_path / "two", workers=2))


def test_a_source_without_usable_structures_is_bad_input(tmp_path: Path) -> None:
    aluminide = Structure(np.eye(3) * 3.4, ["Sc", "Al"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    path = tmp_path / "only.jsonl"
    path.write_text(StructureRecord.from_structure(aluminide, "x").model_dump_json() + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="no structure to train on"):
        prepare(path, tmp_path / "cache")


def test_accessors_give_back_each_crystal(
    source: Path, tmp_path: Path, trainable: Callable[[str], Structure]
) -> None:
    found = prepare(source, tmp_path / "cache")
    assert len(found) == len(NAMES)
    for index, name in enumerate(NAMES):
        structure = trainable(name)
        known = describe_symmetry(
            structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
        )
        assert found.space_groups[index] == known.space_group
        assert found.occupation(index) == known.occupation()
        assert list(found.occupation(index)) == list(known.occupation())
        assert found.sizes[index] == len(known.numbers)
        assert found.elements_per_structure[index] == len(set(known.numbers.tolist()))
        numbers = found.numbers[found.atoms(index)]
        assert sorted(numbers.tolist()) == sorted(known.numbers.tolist())
        cell = list(lattice_parameters(known.lattice).as_dict().values())
        assert found.lattices[index] == pytest.approx(cell)
        assert found.volumes[index] == pytest.approx(structure.volume / len(structure))
        matrix = found.matrix(index)
        assert np.array_equal(matrix, matrix.T)
        expected = min_image_distances(known.primitive_lattice, known.primitive_positions)
        assert np.sort(matrix, axis=None) == pytest.approx(np.sort(expected, axis=None), abs=1e-4)


def test_letters_fill_their_orbits(source: Path, tmp_path: Path) -> None:
    found = prepare(source, tmp_path / "cache")
    for index in range(len(found)):
        sizes = {letter_index(x) + 1: n for x, n in multiplicities(int(found.space_groups[index])).items()}
        letters, orbits = found.letters[found.atoms(index)], found.orbits[found.atoms(index)]
        assert sorted(set(orbits.tolist())) == list(range(orbits.max() + 1))
        for orbit in set(orbits.tolist()):
            (letter,) = set(letters[orbits == orbit].tolist())
            assert (orbits == orbit).sum() == sizes[letter]


def test_provenance_is_kept(source: Path, tmp_path: Path) -> None:
    found = prepare(source, tmp_path / "cache")
    quartz, halite = NAMES.index("quartz"), NAMES.index("halite")
    assert FUNCTIONALS[found.functionals[quartz]] == "RPBE"
    assert FUNCTIONALS[found.functionals[halite]] == "unknown"
    assert (found.experimental[quartz], found.experimental[halite]) == (0, -1)
    assert found.above_hull[quartz] == pytest.approx(0.02)
    assert np.isnan(found.above_hull[halite])


def test_structures_without_symmetry_are_skipped() -> None:
    overlapping = Structure(np.eye(3) * 4, ["Na", "Cl"], [[0, 0, 0], [0, 0, 0]])
    assert prepare_record(StructureRecord.from_structure(overlapping, "x")) is None


def test_splits_of_the_file_win(trainable: Callable[[str], Structure]) -> None:
    record = StructureRecord.from_structure(trainable("halite"), "x")
    rows = [prepare_record(record.model_copy(update={"split": split})) for split in ("val", "train", None)]
    assert assemble([row for row in rows if row is not None]).validation.tolist() == [True, False, False]
