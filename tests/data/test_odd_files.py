"""Odd and malformed structure files: a file is read as what it says, or refused with one sentence."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import gemmi
import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from alphacrystal.data import read_crystals, read_structures
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

FOLDER = Path(__file__).with_name("odd_files")
VOLUME_TOLERANCE = 1e-3  # relative
DISTANCE_TOLERANCE = 0.01  # Å
MERGE_DISTANCE = 0.05  # Å, between like atoms
MAX_SENTENCE = 700  # characters, without the path
# What only a programmer understands has no place in a sentence for a user.
INTERNAL_WORDS = re.compile(
    r"\b_[A-Za-z]\w+Document|instance of|base 10|invalid literal|has no attribute|NoneType|index out of range"
)
ISOTOPES = {"D": "H", "T": "H"}


class ExpectedCrystal(BaseModel):
    """One crystal that a file describes.

    Attributes:
        cell: Atoms in the cell of the file, e.g. "Na4Cl4".
        volume: Of that cell, in Å3.
        shortest: Shortest interatomic distance in Å, images of the atom itself included.
    """

    model_config = ConfigDict(extra="forbid")

    cell: str
    volume: float
    shortest: float


class ExpectedOutcome(BaseModel):
    """What reading one file has to give, and where the value comes from.

    Attributes:
        outcome: "either" where reading and refusing are both defensible; the crystals hold if it is read.
        crystals: In the order of the file.
        sentence: Regular expression that the refusal matches, case-insensitive.
        note: Regular expression that one of the notes matches, case-insensitive.
        hall: Hall symbol of the group that the file names, where gemmi does not know the name.
        tolerance: Of the shortest distance, in Å, where rounded coordinates allow no better.
    """

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["read", "refused", "either"]
    crystals: list[ExpectedCrystal] = []
    sentence: str | None = None
    note: str | None = None
    source: str
    why: str
    hall: str | None = None
    encoding: str = "utf-8"
    tolerance: float = DISTANCE_TOLERANCE


def _tables() -> dict[str, dict[str, ExpectedOutcome]]:
    """Expected outcomes by category and file name."""
    return {
        path.stem: {
            name: ExpectedOutcome.model_validate(entry)
            for name, entry in json.loads(path.read_text(encoding="utf-8")).items()
        }
        for path in sorted(FOLDER.glob("*.json"))
    }


TABLES = _tables()
FILES = {f"{category}/{name}": entry for category, table in TABLES.items() for name, entry in table.items()}
REFUSED = [name for name, entry in FILES.items() if entry.outcome == "refused"]
READ = [name for name, entry in FILES.items() if entry.outcome == "read"]
EITHER = [name for name, entry in FILES.items() if entry.outcome == "either"]
NOTED = [name for name, entry in FILES.items() if entry.outcome == "read" and entry.note]
BY_GEMMI = [name for name, entry in FILES.items() if entry.source.startswith("gemmi")]


@pytest.fixture(autouse=True, scope="module")
def _files_stay_unchanged() -> Iterator[None]:
    """No reader writes into, adds to or removes from the folder that it reads."""
    before = _snapshot(FOLDER)
    yield
    assert _snapshot(FOLDER) == before


def _snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_each_file_has_an_entry_and_each_entry_a_file() -> None:
    files = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.parent != FOLDER
    }

    assert set(FILES) == files
    assert {folder.name for folder in FOLDER.iterdir() if folder.is_dir()} == set(TABLES)


def test_there_are_ten_categories_of_at_least_ten_files() -> None:
    assert len(TABLES) >= 10
    assert min(len(table) for table in TABLES.values()) >= 10
    assert len(FILES) >= 124


def test_each_entry_says_what_to_expect() -> None:
    for name, entry in FILES.items():
        assert bool(entry.crystals) == (entry.outcome != "refused"), name
        assert bool(entry.sentence) == (entry.outcome == "refused"), name
        assert entry.why, name
        assert entry.source, name


@pytest.mark.parametrize("name", READ)
def test_a_readable_file_gives_the_crystals_it_describes(name: str) -> None:
    _check_crystals(FOLDER / name, FILES[name])


@pytest.mark.parametrize("name", EITHER)
def test_a_debatable_file_is_refused_or_read_as_what_it_describes(name: str) -> None:
    try:
        read_structures(FOLDER / name)
    except InputError as error:
        _check_sentence(str(error), FOLDER / name)
    else:
        _check_crystals(FOLDER / name, FILES[name])
        _check_notes(name)


@pytest.mark.parametrize("name", REFUSED)
def test_an_unusable_file_is_refused_with_one_sentence_about_the_cause(name: str) -> None:
    with pytest.raises(InputError) as caught:
        read_structures(FOLDER / name)

    text = str(caught.value)
    _check_sentence(text, FOLDER / name)
    cause = text.replace(str(FOLDER / name), "").replace(Path(name).name, "")
    assert re.search(FILES[name].sentence or "", cause, re.IGNORECASE), text


@pytest.mark.parametrize("name", NOTED)
def test_what_was_assumed_or_left_out_is_noted(name: str) -> None:
    _check_notes(name)


def _check_notes(name: str) -> None:
    notes = [note for crystal in read_crystals(FOLDER / name) for note in crystal.notes]
    expected = FILES[name].note

    assert expected is None or any(re.search(expected, note, re.IGNORECASE) for note in notes), notes


def _check_crystals(path: Path, expected: ExpectedOutcome) -> None:
    structures = read_structures(path)

    assert len(structures) == len(expected.crystals)
    for structure, crystal in zip(structures, expected.crystals, strict=True):
        symbols = [site.specie.symbol for site in structure]
        matrix, frac_coords = structure.lattice.matrix, structure.frac_coords
        assert Counter(symbols) == _atoms(crystal.cell)
        assert abs(np.linalg.det(matrix)) == pytest.approx(crystal.volume, rel=VOLUME_TOLERANCE)
        assert shortest_distance(matrix, frac_coords) == pytest.approx(
            crystal.shortest, abs=expected.tolerance
        )
        _check_nothing_else_is_kept(structure)


def _check_nothing_else_is_kept(structure: Any) -> None:
    from pymatgen.core import Element

    assert structure.is_ordered
    assert {type(site.specie) for site in structure} == {Element}
    assert structure.site_properties == {}
    assert structure.properties == {}
    assert not structure.charge


def _check_sentence(text: str, path: Path) -> None:
    assert path.name in text
    assert text.isprintable(), "one line of text"
    assert text.endswith("."), text
    assert len(text.replace(str(path), "")) <= MAX_SENTENCE, text
    assert not INTERNAL_WORDS.search(text.replace(str(path), "")), text


def _atoms(formula: str) -> Counter[str]:
    return Counter({symbol: int(count) for symbol, count in re.findall(r"([A-Z][a-z]?)(\d+)", formula)})


def shortest_distance(matrix: FloatArray, frac_coords: FloatArray) -> float:
    """Shortest distance in Å between two atoms or an atom and its image; rows are lattice vectors."""
    shifts = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    shortest = np.inf
    for position in range(len(frac_coords)):
        differences = frac_coords[position:] - frac_coords[position]
        differences -= np.round(differences)  # (atoms, 3)
        vectors = (differences[:, None] + shifts) @ matrix  # (atoms, shifts, 3)
        squares = np.einsum("asx,asx->as", vectors, vectors)
        squares[0, len(shifts) // 2] = np.inf  # the atom itself
        shortest = min(shortest, float(squares.min()))
    return float(np.sqrt(shortest))


@pytest.mark.parametrize("name", BY_GEMMI)
def test_expected_values_agree_with_gemmi(name: str) -> None:
    entry = FILES[name]
    text = (FOLDER / name).read_bytes().decode(entry.encoding)

    crystals = crystals_by_gemmi(text, entry.hall)

    assert len(crystals) == len(entry.crystals)
    for computed, expected in zip(crystals, entry.crystals, strict=True):
        assert _atoms(computed.cell) == _atoms(expected.cell)
        assert computed.volume == pytest.approx(expected.volume, rel=VOLUME_TOLERANCE)
        assert computed.shortest == pytest.approx(expected.shortest, abs=entry.tolerance)


def crystals_by_gemmi(text: str, hall: str | None) -> list[ExpectedCrystal]:
    """Crystals of all blocks with sites: parsed by gemmi, expanded by its operations, like atoms merged.

    Args:
        text: Content of a CIF.
        hall: Hall symbol of the group, where the file gives a name that gemmi does not know.
    """
    crystals = []
    for block in gemmi.cif.read_string(text):
        small = gemmi.make_small_structure_from_block(block)
        if not small.sites:
            continue
        matrix = np.array(small.cell.orth.mat.tolist()).T  # rows are lattice vectors
        symbols, frac_coords = _expanded(small, matrix, hall)
        counts = Counter(symbols)
        crystals.append(
            ExpectedCrystal(
                cell="".join(f"{symbol}{count}" for symbol, count in counts.items()),
                volume=round(small.cell.volume, 3),
                shortest=round(shortest_distance(matrix, np.array(frac_coords)), 4),
            )
        )
    return crystals


def _expanded(small: Any, matrix: FloatArray, hall: str | None) -> tuple[list[str], list[FloatArray]]:
    if hall:
        operations = list(gemmi.symops_from_hall(hall))
    elif small.symops:
        operations = [gemmi.Op(symop) for symop in small.symops]
    else:
        operations = list(small.spacegroup.operations())
    symbols: list[str] = []
    frac_coords: list[FloatArray] = []
    for site in small.sites:
        symbol = ISOTOPES.get(site.element.name, site.element.name)
        for operation in operations:
            image = np.array(operation.apply_to_xyz(site.fract.tolist()))
            alike = [other for other, kept in zip(frac_coords, symbols, strict=True) if kept == symbol]
            if all(_separation(image, other, matrix) > MERGE_DISTANCE for other in alike):
                symbols.append(symbol)
                frac_coords.append(image)
    return symbols, frac_coords


def _separation(first: FloatArray, second: FloatArray, matrix: FloatArray) -> float:
    difference = first - second
    return float(np.linalg.norm((difference - np.round(difference)) @ matrix))


ATTACKS = [name for name in FILES if Path(name).name.startswith("attack_")]


@pytest.mark.parametrize("name", ATTACKS)
def test_no_file_imports_a_module_or_writes_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "this", raising=False)

    try:
        read_structures(FOLDER / name)
    except InputError as error:
        _check_sentence(str(error), FOLDER / name)

    assert "this" not in sys.modules
    assert list(tmp_path.iterdir()) == []


HALITE = (FOLDER / "occupancy" / "column_missing.cif").read_text(encoding="utf-8")
SITES = 200_000
# A size limit is named in bytes, a limit of sites as a number of atoms or sites.
SIZE_LIMIT = r"\d\s*(kB|MB|GB|KiB|MiB|GiB|bytes|megabytes)"
SITE_LIMIT = r"\d[\d,_. ]*(k|thousand|million)?\s*(\w+\s){0,2}(atoms|sites|positions|rows|lines|operations)"


def _refusal(path: Path, limit: str) -> str:
    with pytest.raises(InputError) as caught:
        read_structures(path)
    text = str(caught.value)
    _check_sentence(text, path)
    assert re.search(limit, text.replace(str(path), ""), re.IGNORECASE), text
    return text


@pytest.mark.parametrize(
    "name", ["large.cif", "large.mcif", "POSCAR_large", "large.vasp", "large.json", "large.xyz", "large.xsf"]
)
def test_a_file_of_100_megabytes_is_refused_with_the_limit(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(HALITE, encoding="utf-8")
    os.truncate(path, 100 * 2**20)  # sparse: zero bytes after the text

    _refusal(path, SIZE_LIMIT)


@pytest.mark.parametrize("name", ["bomb.cif.gz", "bomb.json.gz", "bomb.cif", "POSCAR_bomb.gz"])
def test_a_compressed_file_that_expands_to_100_megabytes_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(HALITE.encode() + b"\n" * (100 * 2**20), compresslevel=1))

    with pytest.raises(InputError) as caught:
        read_structures(path)

    _check_sentence(str(caught.value), path)


def _coordinates() -> list[tuple[float, float, float]]:
    """Fractions of a cell of 600 Å, at least 6 Å apart."""
    return [(i % 100 / 100, i // 100 % 100 / 100, i // 10_000 / 100) for i in range(SITES)]


def test_a_cif_of_200_000_sites_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.cif"
    head = HALITE[: HALITE.index("Na1")].replace("5.64", "600").replace("F m -3 m", "P 1")
    rows = "".join(f"C{i} C {x} {y} {z}\n" for i, (x, y, z) in enumerate(_coordinates()))
    path.write_text(head + rows, encoding="utf-8")

    _refusal(path, SITE_LIMIT)


def test_sites_are_counted_before_symmetry_multiplies_them(tmp_path: Path) -> None:
    path = tmp_path / "general.cif"
    head = HALITE[: HALITE.index("Na1")].replace("5.64", "600")
    places = _coordinates()[:5000]  # in general positions, 192 images each
    rows = "".join(f"C{i} C {x + 0.001} {y + 0.002} {z + 0.003}\n" for i, (x, y, z) in enumerate(places))
    path.write_text(head + rows, encoding="utf-8")

    _refusal(path, SITE_LIMIT)


def test_a_cif_of_200_000_operations_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "operations.cif"
    operations = "".join(f"'x+{i}/{SITES},y,z'\n" for i in range(SITES))
    path.write_text(
        HALITE + "loop_\n_symmetry_equiv_pos_as_xyz\n" + operations,
        encoding="utf-8",
    )

    with pytest.raises(InputError) as caught:
        read_structures(path)

    _check_sentence(str(caught.value), path)


def test_a_poscar_of_200_000_atoms_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.vasp"
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in _coordinates())
    path.write_text(
        f"carbon\n1.0\n600 0 0\n0 600 0\n0 0 600\nC\n{SITES}\nDirect\n{rows}",
        encoding="utf-8",
    )

    _refusal(path, SITE_LIMIT)


def test_an_extended_xyz_of_200_000_atoms_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.xyz"
    rows = "".join(f"C {600 * x} {600 * y} {600 * z}\n" for x, y, z in _coordinates())
    lattice = 'Lattice="600 0 0 0 600 0 0 0 600" Properties=species:S:1:pos:R:3 pbc="T T T"'
    path.write_text(f"{SITES}\n{lattice}\n{rows}", encoding="utf-8")

    _refusal(path, SITE_LIMIT)


def test_a_json_file_of_200_000_sites_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    sites = [{"species": [{"element": "C", "occu": 1}], "abc": place} for place in _coordinates()]
    lattice = {"matrix": [[600, 0, 0], [0, 600, 0], [0, 0, 600]]}
    path.write_text(json.dumps({"lattice": lattice, "sites": sites}), encoding="utf-8")

    _refusal(path, f"{SITE_LIMIT}|{SIZE_LIMIT}")


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder.cif"
    folder.mkdir()
    dangling = tmp_path / "dangling.cif"
    dangling.symlink_to(tmp_path / "nothing")
    circular = tmp_path / "circular.cif"
    circular.symlink_to(circular)

    for path in (folder, dangling, circular, tmp_path / "missing.cif", tmp_path / ("x" * 300 + ".cif")):
        with pytest.raises(InputError) as caught:
            read_structures(path)
        _check_sentence(str(caught.value), path)


READ_EACH = """
import sys
from pathlib import Path
from alphacrystal.data import read_structures
from alphacrystal.errors import InputError
for path in map(Path, sys.argv[1:]):
    try:
        read_structures(path)
    except InputError as error:
        print(path.name, "refused:", error)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipes = []
    for suffix in ("cif", "vasp", "xyz", "json"):
        pipe = tmp_path / f"pipe.{suffix}"
        os.mkfifo(pipe)
        endless = tmp_path / f"endless.{suffix}"
        endless.symlink_to("/dev/zero")
        pipes += [pipe, endless]

    # In a process that can be ended: a reader that waits would hang the tests.
    done = subprocess.run(
        [sys.executable, "-c", READ_EACH, *pipes], capture_output=True, text=True, timeout=240, check=True
    )

    refused = [line.split(" refused:")[0] for line in done.stdout.splitlines()]
    assert refused == [pipe.name for pipe in pipes]


LIMITED = f"""
import resource
resource.setrlimit(resource.RLIMIT_CPU, (40, 40))  # s
resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))  # bytes
{READ_EACH}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits processor time and memory")
@pytest.mark.parametrize(
    ("lattice", "position"),
    [
        ("3 0 0\n9000 3 0\n0 9000 3", "0.5 0.5 0.5"),  # of a cubic lattice with a = 3 Å
        ("3 0 0\n0 3 0\n0 0 3", "900000.5 0.5 -30000.5"),  # an unwrapped trajectory
    ],
    ids=["almost parallel lattice vectors", "coordinates far outside the cell"],
)
def test_two_atoms_never_take_long_or_much_memory(lattice: str, position: str, tmp_path: Path) -> None:
    path = tmp_path / "two.vasp"
    path.write_text(f"CsCl\n1.0\n{lattice}\nCs Cl\n1 1\nDirect\n0 0 0\n{position}\n", encoding="utf-8")

    # In a process that can be ended; processor time does not depend on how busy the machine is.
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-300:] or f"ended by signal {-done.returncode}"


@pytest.mark.parametrize("name", ["halite@2.xyz", "halite@:.xyz", "a:b.xyz", "%41.xyz", "ß \u2212 {x}.xyz"])
def test_names_that_mean_something_to_a_reader_are_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((FOLDER / "ase_formats" / "plain.xyz").read_bytes())

    assert [len(structure) for structure in read_structures(path)] == [2]
