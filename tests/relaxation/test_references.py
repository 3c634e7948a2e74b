"""Formation energies against the shipped elemental references."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ase.calculators.emt import EMT
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal.relaxation import (
    AsePotential,
    Potential,
    Relaxation,
    RelaxationStatus,
    elemental_references,
    formation_energy_per_atom,
    read_references,
    reference_table,
    relax,
)
from alphacrystal.relaxation._reference_table import _energy

#: CHGNet 0.3.0 with its own elemental references, computed elsewhere with chgnet itself (eV/atom).
KNOWN = {"rock salt": -2.094, "perovskite": -3.586, "rutile": -3.518, "Zr4Al3": -0.487}


@pytest.mark.parametrize("name", KNOWN)
def test_formation_energies_agree_with_those_of_chgnet(
    chgnet: Potential, textbook: dict[str, Callable[..., Structure]], name: str
) -> None:
    (end,) = relax([textbook[name]()], chgnet)
    assert end.energy_per_atom is not None
    counts = end.structure.composition.get_el_amt_dict()
    assert formation_energy_per_atom(counts, end.energy_per_atom, "chgnet") == pytest.approx(
        KNOWN[name], abs=0.02
    )


@pytest.mark.parametrize("name", ["chgnet", "chgnet-r2scan", "sevennet"])
def test_every_element_of_a_shipped_potential_has_a_reference(name: str, chgnet: Potential) -> None:
    references = elemental_references(name)
    assert references is not None
    assert references.keys() == chgnet.supported_elements


def test_reference_is_what_the_potential_gives(chgnet: Potential) -> None:
    references = elemental_references("chgnet")
    assert references is not None
    silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.46), ["Si"], [[0, 0, 0]])
    (end,) = relax([silicon], chgnet)
    assert end.energy_per_atom == pytest.approx(references["Si"], abs=0.02)


def test_elements_have_no_formation_energy() -> None:
    references = elemental_references("chgnet")
    assert references is not None
    assert formation_energy_per_atom({"Al": 4}, references["Al"], "chgnet") == pytest.approx(0.0)


def test_missing_references_are_not_guessed() -> None:
    assert elemental_references("lennard-jones") is None
    assert formation_energy_per_atom({"Na": 1, "Cl": 1}, -3.0, "lennard-jones") is None
    assert formation_energy_per_atom({"Po": 1}, -3.0, "chgnet") is None


def fell_to(energy: float, volume: float = 1.0) -> tuple[float, bool]:
    """What stands for a crystal of -2 eV/atom whose relaxation ended so."""
    start = Structure(Lattice.cubic(3.0), ["Cu"], [[0, 0, 0]])
    end = Structure(Lattice.cubic(3.0 * volume ** (1 / 3)), ["Cu"], [[0, 0, 0]])
    return _energy(-2.0, start, Relaxation(end, RelaxationStatus.CONVERGED, "", energy, 0.0, 0.0, 3, 0.1))


def test_holes_of_a_potential_are_no_references() -> None:
    assert fell_to(-2.3) == (-2.3, True)
    assert fell_to(-7.0) == (-2.0, False)
    assert fell_to(-2.3, volume=1.4) == (-2.0, False)


def test_table_is_built_read_back_and_bound_to_its_potential(tmp_path: Path) -> None:
    metals = AsePotential("emt", EMT())
    copper = Structure.from_spacegroup(225, Lattice.cubic(3.7), ["Cu"], [[0, 0, 0]])
    stretched = Structure(Lattice.cubic(2.4), ["Cu"], [[0, 0, 0]])
    table = reference_table([("simple", stretched), ("fcc", copper)], metals, note="made up")
    assert table["crystals"] == "made up"
    assert table["elements"]["Cu"]["material"] == "fcc"
    assert table["elements"]["Cu"]["candidates"] == 2
    file = tmp_path / "emt.json"
    file.write_text(json.dumps(table))
    references = read_references(file, "emt")
    assert formation_energy_per_atom({"Cu": 4}, references["Cu"], "emt", references) == pytest.approx(0.0)
    with pytest.raises(InputError, match="are of the potential 'emt', not of chgnet"):
        read_references(file, "chgnet")
    file.write_text("{}")
    with pytest.raises(InputError, match="is no table of elemental energies"):
        read_references(file, "emt")


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"potential": "chgnet", "elements": {"Na": {"energy_per_atom": 1' + "0" * 400 + "}}}",
        '{"potential": "chgnet", "elements": {"Na": {"energy_per_atom": NaN}}}',
        '{"potential": "a\\nb", "elements": {}}',
    ],
    ids=["deep", "huge", "nan", "two lines"],
)
def test_a_hostile_table_is_refused_with_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "references.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_references(path, "chgnet")
    assert "\n" not in str(caught.value)
