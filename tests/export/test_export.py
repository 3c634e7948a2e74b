"""Exports of a run: other programs read the same structures; archives are deterministic and complete."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import ase.io
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

import alphacrystal
from alphacrystal.export import FORMATS, export

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of FeO with two structures or more."""
    folder = tmp_path_factory.mktemp("runs") / "FeO"
    alphacrystal.predict("FeO", folder=folder, relax=False, candidates=4, z=(1, 2))
    return folder


def structures(run: Path) -> list[Structure]:
    return [Structure.from_file(path) for path in sorted((run / "structures").glob("*.cif"))]


READERS: dict[str, tuple[str, dict[str, str]]] = {
    "vasp": ("POSCAR", {"format": "vasp"}),
    "qe": ("pw.in", {"format": "espresso-in"}),
    "aims": ("geometry.in", {"format": "aims"}),
    "lammps": ("structure.data", {"format": "lammps-data", "atom_style": "atomic", "units": "metal"}),
}


@pytest.mark.filterwarnings("ignore:FHI-aims IO is moving:FutureWarning")  # of the reader of ASE
@pytest.mark.parametrize("to", READERS)
@pytest.mark.parametrize("supercell", [(1, 1, 1), (1, 2, 1)])
def test_programs_get_the_structures_of_the_list(
    finished: Path, tmp_path: Path, to: str, supercell: tuple[int, int, int]
) -> None:
    export(finished, to, rows=[1, 2], supercell=supercell, folder=tmp_path)
    name, options = READERS[to]
    paths = sorted(tmp_path.glob(f"*/{name}"))
    assert len(paths) == 2
    for path, expected in zip(paths, structures(finished), strict=False):
        found = AseAtomsAdaptor.get_structure(ase.io.read(path, **options))
        assert len(found) == supercell[1] * len(expected)
        assert StructureMatcher(scale=False).fit(found, expected)


def test_cp2k_has_cell_and_scaled_coordinates(finished: Path, tmp_path: Path) -> None:
    (text, note) = (path.read_text() for path in export(finished, "cp2k", rows=[1], folder=tmp_path))
    rows = [list(map(float, line.split()[1:])) for line in re.findall(r"^ +[ABC] .*$", text, re.MULTILINE)]
    coordinates = text.partition("SCALED TRUE\n")[2].partition("    &END COORD")[0]
    sites = [line.split() for line in coordinates.splitlines()]
    found = Structure(rows, [site[0] for site in sites], [list(map(float, site[1:])) for site in sites])
    assert StructureMatcher(scale=False).fit(found, structures(finished)[0])
    assert text.count("&END") == len(re.findall(r"&(?!END)\w", text))
    assert "GTH-PBE" in note


@pytest.mark.parametrize(
    ("to", "file", "content"),
    [
        ("vasp", "POTCAR.names", "Fe_pv\nO\n"),
        ("qe", "PSEUDOPOTENTIALS", "Fe.upf\nO.upf\n"),
        ("aims", "SPECIES", "$AIMS_SPECIES_DIR/light/26_Fe_default $AIMS_SPECIES_DIR/light/08_O_default"),
        ("lammps", "in.relax", "pair_coeff * * deployed_serial.pt Fe O"),
    ],
)
def test_files_of_other_authors_are_named(
    finished: Path, tmp_path: Path, to: str, file: str, content: str
) -> None:
    paths = {path.name: path for path in export(finished, to, rows=[1], folder=tmp_path, primitive=True)}
    assert content in paths[file].read_text()


@pytest.mark.parametrize(
    ("to", "file", "missing"),
    [("qe", "PSEUDOPOTENTIALS", "Ce, U"), ("cp2k", "BASIS_AND_POTENTIALS", "La, Ce, U")],
)
def test_elements_that_a_library_lacks_are_named(tmp_path: Path, to: str, file: str, missing: str) -> None:
    cell = Structure(
        Lattice.cubic(8.0), ["La", "Ce", "U", "O"], [[0, 0, 0], [0.5] * 3, [0, 0.5, 0], [0, 0, 0.5]]
    )
    cell.to_file(str(tmp_path / "cell.cif"))
    alphacrystal.rank([tmp_path / "cell.cif"], folder=tmp_path / "run")
    paths = {path.name: path for path in export(tmp_path / "run", to, folder=tmp_path / "out")}
    assert f"for {missing}: choose another library" in paths[file].read_text()


def test_lammps_gets_a_triclinic_box_which_its_relaxation_needs(finished: Path, tmp_path: Path) -> None:
    paths = export(finished, "lammps", folder=tmp_path)
    data = [path.read_text() for path in paths if path.name == "structure.data"]
    assert len(data) == len(structures(finished))
    assert all("xy xz yz" in text for text in data)


def test_magnetic_elements_are_spin_polarised(finished: Path, tmp_path: Path) -> None:
    export(finished, "vasp", rows=[1], folder=tmp_path)
    export(finished, "qe", rows=[1], folder=tmp_path)
    folder = next(tmp_path.iterdir())
    assert "ISPIN = 2" in (folder / "INCAR").read_text()
    assert "nspin            = 2" in (folder / "pw.in").read_text()


def test_optimade_entries_are_valid_and_have_the_structures(finished: Path, tmp_path: Path) -> None:
    models = pytest.importorskip("optimade.models", reason="needs the extra optimade-server")
    adapters = pytest.importorskip("optimade.adapters", reason="needs the extra optimade-server")
    (path,) = export(finished, "optimade", folder=tmp_path)
    document = json.loads(path.read_text())
    assert len(document["data"]) == len(structures(finished))
    for entry, expected in zip(document["data"], structures(finished), strict=True):
        models.StructureResource.model_validate(entry)
        found = adapters.Structure(entry).as_pymatgen
        assert StructureMatcher(scale=False).fit(found, expected)
        assert entry["attributes"]["chemical_formula_anonymous"] == "AB"


def test_supplement_is_complete_and_deterministic(finished: Path, tmp_path: Path) -> None:
    (path,) = export(finished, "supplement", rows=[1, 2], folder=tmp_path)
    before = path.read_bytes()
    assert export(finished, "supplement", rows=[1, 2], folder=tmp_path, force=True) == [path]
    assert path.read_bytes() == before
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(line.split("  ")[::-1] for line in contents["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest() for name, data in contents.items() if name != "SHA256SUMS"
    }
    cifs = [data.decode() for name, data in contents.items() if name.endswith(".cif")]
    for text, expected in zip(cifs, structures(finished), strict=False):
        assert StructureMatcher(scale=False).fit(Structure.from_str(text, fmt="cif"), expected)
    methods, references = contents["methods.md"].decode(), contents["references.bib"].decode()
    assert f"AlphaCrystal {alphacrystal.__version__}" in methods
    assert "- `relax`: false" in methods
    cited = set(re.findall(r"@(\w+)", methods))
    assert cited <= set(re.findall(r"@(?:article|misc)\{(\w+),", references))
    assert all("doi = {10." in entry for entry in references.strip().split("\n\n"))
    assert len(StringIO(contents["summary.csv"].decode()).readlines()) == 3


@pytest.mark.parametrize("to", FORMATS)
def test_files_are_replaced_only_with_force(finished: Path, tmp_path: Path, run: Run, to: str) -> None:
    options = ("export", finished, "--to", to, "--rows", "1", "--out", tmp_path, "--json")
    first = run(*options)
    assert first.code == 0, first.err
    paths = [Path(path) for path in json.loads(first.out)["files"]]
    contents = [path.read_bytes() for path in paths]
    again = run(*options)
    assert again.code == 2
    assert "replace it with --force" in " ".join(again.err.split())
    assert run(*options, "--force").code == 0
    assert [path.read_bytes() for path in paths] == contents


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--to", "gaussian"), "no export format gaussian: choose from vasp"),
        (("--to", "vasp", "--rows", "99"), "has no row 99"),
        (("--to", "vasp", "--rows", "3-1"), "--rows takes ranks such as 1-5"),
        (("--to", "vasp", "--supercell", "2,2"), "three positive whole numbers"),
        (("--to", "vasp", "--supercell", "a"), "three whole numbers"),
        (("--to", "vasp", "--supercell", "999,999,999"), "more than 5000 atoms"),
        (("--to", "optimade", "--primitive"), "leave out --supercell and --primitive"),
    ],
)
def test_bad_options_are_one_sentence(
    finished: Path, tmp_path: Path, run: Run, options: tuple[str, ...], sentence: str
) -> None:
    done = run("export", finished, *options, "--out", tmp_path / "out")
    assert done.code == 2
    assert sentence in " ".join(done.err.split())
    assert not (tmp_path / "out").exists()


def test_damaged_runs_and_other_folders_are_refused(tmp_path: Path, run: Run) -> None:
    done = run("export", tmp_path, "--to", "vasp")
    assert (done.code, "not a finished run" in " ".join(done.err.split())) == (2, True)
