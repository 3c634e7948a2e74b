"""Reading records: JSON lines, folders of structure files, and what is said about bad ones."""

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.data import (
    StructureRecord,
    read_records,
    read_structures,
    split_of_formula,
)
from alphacrystal.data._records import MAX_LINE
from alphacrystal.errors import InputError

HALITE: dict[str, Any] = {
    "id": "mp-22862",
    "reduced_formula": "NaCl",
    "lattice": [[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]],
    "species": ["Na", "Cl"],
    "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
    "e_form": -2.1,
    "e_above_hull": None,
    "functional": "PBE",
    "icsd": True,
    "split": "train",
    "nsites": 2,
}


def write_lines(path: Path, lines: list[str]) -> Path:
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["structures.jsonl", "structures.jsonl.gz"])
def test_json_lines_are_read_from_a_file_or_its_folder(tmp_path: Path, name: str) -> None:
    path = write_lines(tmp_path / name, [json.dumps(HALITE), "", json.dumps(HALITE | {"id": "second"})])
    for source in (path, tmp_path):
        records = list(read_records(source))
        assert [record.id for record in records] == ["mp-22862", "second"]
        assert records[0].structure().composition.reduced_formula == "NaCl"
        assert records[0].structure().volume == pytest.approx(2 * 2.82**3)
        assert (records[0].icsd, records[0].e_above_hull, records[0].functional) == (True, None, "PBE")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"species": ["Na"]}, "frac_coords needs three numbers for each"),
        ({"species": []}, "species"),
        ({"species": ["Na", "Xx"]}, "species: 'Xx' is not an element from H to Lr"),
        ({"lattice": [[1, 0, 0], [0, 1, 0]]}, "lattice: three rows of three numbers"),
        ({"lattice": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "it cannot be a crystal: it has 0 Å³ per atom"),
        ({"lattice": "cubic"}, "lattice"),
        ({"frac_coords": [[0, 0, 0], [0.5, 0.5]]}, "frac_coords needs three numbers"),
        (
            {"frac_coords": [[0, 0, 0], [0.5, 0.5, math.nan]]},
            "frac_coords.1.2: it must be a finite number",
        ),
        ({"frac_coords": [[0, 0, 0], [0.5, 0.5, "0.5"]]}, "frac_coords.1.2: it must be a number"),
        ({"frac_coords": [[0, 0, 0], [0.5, 0.5, True]]}, "frac_coords.1.2: it must be a number"),
        (
            {"lattice": [[math.inf, 0, 0], [0, 5, 0], [0, 0, 5]]},
            "lattice.0.0: it must be a finite number",
        ),
        (
            {"lattice": [[10**400, 0, 0], [0, 5, 0], [0, 0, 5]]},
            "lattice.0.0: it must be a finite number",
        ),
        ({"e_form": math.nan}, "e_form: it must be a finite number"),
        ({"e_form": "-2.1"}, "e_form: it must be a number"),
        ({"e_form": False}, "e_form: it must be a number"),
        ({"e_above_hull": -math.inf}, "e_above_hull: it must be a finite number"),
        ({"icsd": "yes"}, "icsd: it must be true or false"),
        ({"spacegroup_number": 225.5}, "it must be a whole number"),
        ({"spacegroup_number": 231}, "Input should be less than or equal to 230"),
        ({"split": "test"}, "split"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    path = write_lines(tmp_path / "mine.jsonl", [json.dumps(HALITE), json.dumps(HALITE | change)])
    with pytest.raises(InputError, match=r"mine\.jsonl line 2 is not a structure record") as caught:
        list(read_records(path))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (json.dumps(HALITE | {"e_form": -12345.5}).replace("-12345.5", "-1e999"), "finite number"),
        (json.dumps(HALITE | {"nsites": 12345}).replace("12345", "1" + "0" * 6000), "number out of range"),
        (json.dumps(HALITE)[:-1] + ', "x": ' + "[" * 10_000 + "]" * 10_000 + "}", "recursion limit exceeded"),
        (json.dumps(HALITE)[:-1] + ', "x": "\\ud800"}', "Invalid JSON"),
    ],
)
def test_json_beyond_what_a_record_can_hold_is_named(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(InputError, match=r"line 1 is not a structure record") as caught:
        list(read_records(write_lines(tmp_path / "mine.jsonl", [line])))
    assert problem in str(caught.value)


def test_line_of_endless_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"0" * (MAX_LINE + 1)))
    with pytest.raises(InputError, match=r"bomb\.jsonl\.gz line 1 is longer than 16 MB"):
        list(read_records(path))


def test_whole_numbers_with_a_decimal_point_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "mine.jsonl", ["\ufeff" + json.dumps(HALITE | {"spacegroup_number": 225.0})]
    )
    (record,) = read_records(path)
    assert record.spacegroup_number == 225


@pytest.mark.parametrize("field", ["id", "lattice", "species", "frac_coords"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    record = {key: value for key, value in HALITE.items() if key != field}
    with pytest.raises(InputError, match=f"line 1 is not a structure record: {field}: it is missing"):
        list(read_records(write_lines(tmp_path / "mine.jsonl", [json.dumps(record)])))


def test_lines_that_are_no_json_are_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mine.jsonl", [json.dumps(HALITE), '{"id": "cut o'])
    with pytest.raises(InputError, match=r"mine\.jsonl line 2 is not a structure record: Invalid JSON"):
        list(read_records(path))


def test_a_truncated_archive_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "structures.jsonl.gz"
    lines = "".join(json.dumps(HALITE | {"id": f"mp-{number}"}) + "\n" for number in range(500))
    path.write_bytes(gzip.compress(lines.encode())[:-200])
    with pytest.raises(InputError, match="is the file complete"):
        list(read_records(path))


def test_text_that_is_no_archive_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "structures.jsonl.gz"
    path.write_text("plain text", encoding="utf-8")
    with pytest.raises(InputError, match="could not be read"):
        list(read_records(path))


def test_a_missing_source_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file or folder"):
        list(read_records(tmp_path / "absent.jsonl"))


def test_a_folder_of_structure_files_is_read_with_its_subfolders(
    tmp_path: Path, textbook: Callable[[str], Structure]
) -> None:
    (tmp_path / "oxides").mkdir()
    textbook("halite").to(str(tmp_path / "halite.cif"), fmt="cif")
    textbook("rutile").to(str(tmp_path / "oxides" / "POSCAR_rutile"), fmt="poscar")
    textbook("wurtzite").to(str(tmp_path / "oxides" / "wurtzite.vasp"), fmt="poscar")
    (tmp_path / "notes.txt").write_text("not a structure", encoding="utf-8")
    records = {record.reduced_formula: record for record in read_records(tmp_path)}
    assert set(records) == {"NaCl", "TiO2", "ZnO"}
    for formula, name in (("NaCl", "halite"), ("TiO2", "rutile"), ("ZnO", "wurtzite")):
        assert StructureMatcher(scale=False).fit(records[formula].structure(), textbook(name))
        assert records[formula].split == split_of_formula(formula)
    assert records["NaCl"].id == "halite"


def test_a_folder_without_structures_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds no structures\.jsonl, CIF, POSCAR"):
        list(read_records(tmp_path))


def test_a_broken_structure_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.cif"
    path.write_text("data_broken\n_cell_length_a banana\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.cif holds no data block") as caught:
        read_structures(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="There is no structure file"):
        read_structures(tmp_path / "absent.cif")


def test_a_molecule_without_a_cell_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "water.xyz"
    path.write_text("3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n", encoding="utf-8")
    with pytest.raises(InputError, match="not periodic in three directions"):
        read_structures(path)


def test_what_only_ase_reads_is_read(tmp_path: Path, textbook: Callable[[str], Structure]) -> None:
    from ase.io import write
    from pymatgen.io.ase import AseAtomsAdaptor

    path = tmp_path / "rutile.extxyz"
    write(path, AseAtomsAdaptor.get_atoms(textbook("rutile")))
    (found,) = read_structures(path)
    assert type(found) is Structure
    assert StructureMatcher(scale=False).fit(found, textbook("rutile"))


def test_disordered_structures_are_bad_input() -> None:
    alloy = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    with pytest.raises(InputError, match="alloy is disordered"):
        StructureRecord.from_structure(alloy, "alloy")


def test_charges_and_isotopes_are_taken_off() -> None:
    deuteride = Structure(Lattice.cubic(4.08), ["Li+", "D-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    record = StructureRecord.from_structure(deuteride, "lithium deuteride")
    assert (record.species, record.reduced_formula) == (["Li", "H"], "LiH")


def test_a_record_keeps_its_structure(textbook_crystal: Structure) -> None:
    record = StructureRecord.from_structure(textbook_crystal, "x")
    again = StructureRecord.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.structure() == textbook_crystal


def test_splits_of_formulas_never_change() -> None:
    assert split_of_formula("WS2") == "val"
    assert {split_of_formula(x) for x in ("NaCl", "TiO2", "SrTiO3", "MgAl2O4", "Fe2O3", "ZnO")} == {"train"}


def test_about_one_formula_in_forty_validates() -> None:
    formulas = [
        f"{a}{i}{b}{j}" for a in ("Na", "Ti", "Fe") for b in ("O", "S") for i in range(20) for j in range(20)
    ]
    share = sum(split_of_formula(formula) == "val" for formula in formulas) / len(formulas)
    assert 0.01 < share < 0.05


@given(st.text(max_size=20))
def test_every_formula_has_one_split(formula: str) -> None:
    assert split_of_formula(formula) == split_of_formula(formula)
    assert split_of_formula(formula) in ("train", "val")


@pytest.mark.parametrize("count", ["7", "9" * 13, "9" * 5000])
def test_a_frame_that_promises_more_atoms_than_it_has_is_cut_short(count: str, tmp_path: Path) -> None:
    path = tmp_path / "frames.xyz"
    path.write_text(f'{count}\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3\nNa 0 0 0\n')
    with pytest.raises(InputError, match="the frame that begins at line 1 is cut short"):
        read_structures(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"e_form": -1e6}, "e_form"),
        ({"e_above_hull": 101.0}, "e_above_hull"),
        ({"reduced_formula": "KBr"}, "'KBr' is not that of the species"),
        ({"reduced_formula": "NaCl2"}, "'NaCl2' is not that of the species"),
    ],
)
def test_impossible_energy_or_formula_is_refused_by_line(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    path = write_lines(tmp_path / "a.jsonl", [json.dumps(HALITE), json.dumps(HALITE | change)])
    with pytest.raises(InputError, match=rf"a\.jsonl line 2 .*{problem}"):
        list(read_records(path))


def test_a_folder_is_read_from_all_its_record_files(tmp_path: Path) -> None:
    for name, formula in (("structures", "NaCl"), ("structures_large", "KCl")):
        symbols = [formula[:-2], "Cl"]
        structure = Structure(Lattice.cubic(4), symbols, [[0, 0, 0], [0.5, 0.5, 0.5]])
        line = StructureRecord.from_structure(structure, formula).model_dump_json() + "\n"
        (tmp_path / f"{name}.jsonl").write_text(line, encoding="utf-8")
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.write(line)  # the same records again, which are read once
    assert [record.id for record in read_records(tmp_path)] == ["NaCl", "KCl"]
