"""Crystals from JSON: exact, strict, and never code from the document."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from alphacrystal.crystal import structure_from_json, structure_to_json
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

SOURCE = Path(__file__).parents[2] / "src"
HALITE: dict[str, Any] = {
    "lattice": {"matrix": [[5.64, 0, 0], [0, 5.64, 0], [0, 0, 5.64]]},
    "sites": [
        {"species": [{"element": "Na", "occu": 1}], "abc": [0, 0, 0]},
        {"species": [{"element": "Cl", "occu": 1}], "abc": [0.5, 0.5, 0.5]},
    ],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Halite with one value replaced; ``path`` such as "sites.0.abc"."""
    document: dict[str, Any] = json.loads(json.dumps(HALITE))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value
    return document


@pytest.mark.parametrize("name", ["quartz", "corundum", "spinel"])
def test_a_crystal_survives_bit_for_bit(name: str, textbook: "Callable[[str], Structure]") -> None:
    structure = textbook(name)
    again = structure_from_json(json.loads(json.dumps(structure_to_json(structure))))
    assert np.array_equal(again.lattice.matrix, structure.lattice.matrix)
    assert np.array_equal(again.frac_coords, structure.frac_coords)
    assert again.species == structure.species


def test_pymatgen_reads_what_is_written(textbook: "Callable[[str], Structure]") -> None:
    structure = textbook("rutile")
    assert type(structure).from_dict(structure_to_json(structure)) == structure


def test_only_lattice_elements_and_coordinates_are_read(textbook: "Callable[[str], Structure]") -> None:
    structure = textbook("halite")
    structure.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    structure.add_site_property("magmom", [1.0] * len(structure))
    read = structure_from_json(json.loads(json.dumps(structure.as_dict())))
    assert read.site_properties == {}
    assert {site.specie.symbol for site in read} == {"Na", "Cl"}
    assert read.charge == 0


def test_mixed_valence_of_one_element_is_one_element() -> None:
    species = [
        {"element": "Fe", "oxidation_state": 2, "occu": 0.5},
        {"element": "Fe", "oxidation_state": 3, "occu": 0.5},
    ]
    assert structure_from_json(changed("sites.0.species", species)).formula == "Fe1 Cl1"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("lattice.matrix", [[1, 0, 0], [0, 1, 0]], "lattice.matrix"),
        ("lattice.matrix.0", [float("nan"), 0, 0], "finite"),
        ("lattice.matrix.0", [float("inf"), 0, 0], "finite"),
        ("lattice.matrix.0", ["5.64", 0, 0], "number"),
        ("lattice.matrix.0", [True, 0, 0], "number"),
        ("lattice.matrix.0", [1e300, 0, 0], "edge"),
        ("sites.0.abc", [0, 0], "abc"),
        ("sites.0.abc", [0, None, 0], "abc"),
        ("sites.0.species", [], "species"),
        ("sites.0.species", [{"element": "Xx", "occu": 1}], "Xx"),
        ("sites.0.species", [{"element": "Na", "occu": 0.5}], "disordered"),
        ("sites.0.species", [{"element": "Na", "occu": 0.5}, {"element": "K", "occu": 0.5}], "disordered"),
        ("sites", [], "sites"),
        ("sites", {"0": 1}, "sites"),
        ("lattice", None, "lattice"),
    ],
)
def test_a_wrong_value_is_named(path: str, value: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        structure_from_json(changed(path, value), "x.json")


@pytest.mark.parametrize("document", [None, [], 3, "NaCl", {}, [HALITE]])
def test_what_is_no_structure_is_refused(document: object) -> None:
    with pytest.raises(InputError, match="is not a crystal structure"):
        structure_from_json(document)


ATTACKS = {
    "site property": {"properties": {"x": {"@module": "antigravity_probe", "@class": "Open"}}},
    "callable": {"properties": {"x": {"@module": "antigravity_probe", "@callable": "run"}}},
    "species": {"species": [{"element": "Na", "occu": 1, "@module": "antigravity_probe", "@class": "Open"}]},
    "label": {"label": {"@module": "antigravity_probe", "@class": "Open"}},
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_document_cannot_have_a_module_imported(attack: dict[str, Any], tmp_path: Path) -> None:
    probe = tmp_path / "antigravity_probe.py"
    probe.write_text("from pathlib import Path\nPath('imported').touch()\nrun = Open = Path\n")
    document = changed("sites.0", HALITE["sites"][0] | attack)
    script = (
        "import json, sys\nfrom alphacrystal.crystal import structure_from_json\n"
        "structure_from_json(json.load(sys.stdin))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(document),
        text=True,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()


#: Calls that can import a module named in a file. Those of `_hull.py` go with its strict entry models.
DECODERS = re.compile(r"\.from_dict\(|MontyDecoder|[^.`]loadfn\(|process_decoded|weights_only=False")


def test_no_other_decoder_is_called() -> None:
    files = sorted((SOURCE / "alphacrystal").rglob("*.py"))
    assert len(files) > 100
    calls = [(file.name, call) for file in files for call in DECODERS.findall(file.read_text("utf-8"))]
    assert [call for call in calls if call[0] != "_hull.py"] == []
