"""Pictures of crystals: atoms on all faces, bonds by covalent radii, the same from every orientation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pymatgen.core import Lattice, Structure
from pymatgen.core.operations import SymmOp

from alphacrystal.plots import crystal_panels, drawn_crystal

Textbook = Callable[[str], Structure]


@pytest.mark.parametrize(
    ("name", "atoms", "bonds"),
    [("caesium chloride", 9, 8), ("halite", 27, 54)],  # eight corners and the centre; 3 × 3 × 3 atoms
)
def test_atoms_on_faces_are_drawn_on_all_of_them(
    textbook: Textbook, name: str, atoms: int, bonds: int
) -> None:
    drawn = drawn_crystal(textbook(name))
    assert (len(drawn.symbols), len(drawn.bonds)) == (atoms, bonds)
    symbols = np.array(drawn.symbols)
    assert (symbols[drawn.bonds[:, 0]] != symbols[drawn.bonds[:, 1]]).all()  # no bonds between cations
    assert np.allclose(drawn.edges.min(axis=(0, 1)), 0)


def test_metals_are_bonded_if_all_atoms_are_metals() -> None:
    copper = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.615), ["Cu"], [[0, 0, 0]])
    drawn = drawn_crystal(copper, supercell=(2, 1, 1))
    lengths = np.linalg.norm(np.subtract(*drawn.positions[drawn.bonds.T]), axis=1)
    assert lengths == pytest.approx(3.615 / 2**0.5)
    assert drawn.edges.max(axis=(0, 1)) == pytest.approx([7.23, 3.615, 3.615])


def test_a_crystal_without_bonds_is_drawn(tmp_path: Path) -> None:
    far = Structure(Lattice.cubic(9.0), ["Xe"], [[0.5, 0.5, 0.5]])
    assert drawn_crystal(far).bonds.shape == (0, 2)
    assert crystal_panels([[("Xe", far)]], tmp_path / "xenon")[1].stat().st_size > 1000


def test_orientation_in_space_does_not_change_the_picture(textbook: Textbook, tmp_path: Path) -> None:
    structure = textbook("rutile")
    turned = structure.copy()
    turned.apply_operation(SymmOp.from_axis_angle_and_translation([1, 2, 3], 40))
    png, _ = crystal_panels([[("TiO2", structure)]], tmp_path / "first")
    other, _ = crystal_panels([[("TiO2", turned)]], tmp_path / "second")
    with Image.open(png) as first, Image.open(other) as second:
        difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    assert np.abs(difference).mean() < 0.01


def test_panels_have_titles_and_element_names_and_leave_gaps(textbook: Textbook, tmp_path: Path) -> None:
    rows = [[("known", textbook("caesium chloride")), ("GNOA", None)]]
    png, svg = crystal_panels(rows, tmp_path / "crystals", width=5.0)
    text = svg.read_text(encoding="utf-8")
    assert all(f"<!-- {word} -->" in text for word in ("known", "GNOA", "none", "Cs", "Cl"))
    with Image.open(png) as image:
        assert image.width == 500
    with pytest.raises(ValueError, match="equally many"):
        crystal_panels([[("a", None)], []], tmp_path / "crystals")
