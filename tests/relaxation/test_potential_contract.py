"""What every potential must fulfil, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.errors import InputError
from alphacrystal.relaxation import AsePotential, Potential, load_potential

Textbook = dict[str, Callable[..., Structure]]

#: Energy noise of single precision over the step used; a wrong sign or factor is a hundred times larger.
FORCE_TOLERANCE = 0.01


#: Those of other packages are tried where they are installed.
FOREIGN = {"sevennet": "sevenn", "untrained m3gnet": "matgl"}
NAMES = [
    "chgnet",
    "chgnet-r2scan",
    "lennard-jones",
    *(
        # They warn of what PyTorch will drop one day; that is theirs to change.
        pytest.param(name, marks=pytest.mark.filterwarnings("ignore"))
        for name, package in FOREIGN.items()
        if find_spec(package) is not None
    ),
]


@pytest.fixture(scope="session", params=NAMES)
def potential(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Potential:
    if request.param == "untrained m3gnet":
        # No weights come with matgl; the derivatives of random ones must fit their energies as well.
        from matgl.apps.pes import Potential as MatglPotential
        from matgl.models import M3GNet

        from alphacrystal.relaxation.potentials.matgl import load_m3gnet

        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp("matgl")
        elements = ("Ti", "O", "Zn", "S", "Zr", "Al")
        MatglPotential(model=M3GNet(element_types=elements, is_intensive=False)).save(folder)
        return load_m3gnet("m3gnet", str(folder))
    if request.param == "lennard-jones":
        return AsePotential(
            "lennard-jones", LennardJones(sigma=2.0, epsilon=0.2, rc=6.0, ro=5.0, smooth=True)
        )
    return load_potential(request.param)


@pytest.fixture
def shaken(textbook: Textbook, potential: Potential) -> list[Structure]:
    """Crystals off their minima, so that no force or stress vanishes."""
    rng = np.random.default_rng(7)
    names = ("rutile", "wurtzite", "Zr4Al3")
    crystals = [with_elements_of(potential, textbook[name]()) for name in names]
    for crystal in crystals:
        crystal.apply_strain(rng.uniform(-0.02, 0.03, size=3))
        for site in range(len(crystal)):
            crystal.translate_sites(site, rng.normal(scale=0.06, size=3), frac_coords=False)
    return crystals


def with_elements_of(potential: Potential, crystal: Structure) -> Structure:
    """The crystal, with elements that the potential knows, at their distances, in the place of others."""
    present = [element.symbol for element in crystal.elements]
    known = potential.supported_elements
    if known.issuperset(present):
        return crystal
    others = iter(sorted(known.difference(present)))
    crystal.replace_species({symbol: next(others) for symbol in present if symbol not in known})
    centres, neighbours, _, distances = crystal.get_neighbor_list(4.0)
    nearest = distances.argmin()
    wanted = sum(crystal[int(site[nearest])].specie.atomic_radius for site in (centres, neighbours))
    crystal.scale_lattice(crystal.volume * (wanted / distances[nearest]) ** 3)
    return crystal


def energy(potential: Potential, structure: Structure) -> float:
    return float(potential.evaluate([structure]).energies[0])


def strained(structure: Structure, strain: np.ndarray) -> Structure:
    lattice = Lattice(structure.lattice.matrix @ (np.eye(3) + strain))
    return Structure(lattice, structure.species, structure.frac_coords)


def test_shapes_are_those_of_the_protocol(potential: Potential, shaken: list[Structure]) -> None:
    evaluation = potential.evaluate(shaken)
    assert isinstance(potential, Potential)
    assert evaluation.energies.shape == (3,)
    assert [f.shape for f in evaluation.forces] == [(len(s), 3) for s in shaken]
    assert evaluation.stresses.shape == (3, 3, 3)
    assert evaluation.failures == (None, None, None)


def test_forces_are_minus_the_slope_of_the_energy(potential: Potential, shaken: list[Structure]) -> None:
    step = 0.01
    evaluation = potential.evaluate(shaken)
    rng = np.random.default_rng(0)
    for structure, forces in zip(shaken, evaluation.forces, strict=True):
        direction = rng.normal(size=(len(structure), 3))
        direction /= np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):
            moved = structure.lattice.get_cartesian_coords(structure.frac_coords) + sign * step * direction
            ends.append(Structure(structure.lattice, structure.species, moved, coords_are_cartesian=True))
        slope = (energy(potential, ends[0]) - energy(potential, ends[1])) / (2 * step)
        assert slope == pytest.approx(-float((forces * direction).sum()), abs=FORCE_TOLERANCE)


def test_stress_is_the_slope_of_the_energy_by_strain(potential: Potential, shaken: list[Structure]) -> None:
    step = 0.003
    evaluation = potential.evaluate(shaken)
    rng = np.random.default_rng(1)
    for structure, stress in zip(shaken, evaluation.stresses, strict=True):
        assert stress == pytest.approx(stress.T, abs=1e-5)
        direction = rng.normal(size=(3, 3))
        direction = (direction + direction.T) / np.linalg.norm(direction + direction.T)
        slope = energy(potential, strained(structure, step * direction))
        slope = (slope - energy(potential, strained(structure, -step * direction))) / (2 * step)
        assert slope / structure.volume == pytest.approx(float((stress * direction).sum()), abs=5e-4)


def test_stretched_crystal_is_under_tension(potential: Potential, shaken: list[Structure]) -> None:
    if potential.name == "m3gnet":
        pytest.skip("random weights bind nothing")
    big = [strained(s, 0.25 * np.eye(3)) for s in shaken[:1]]
    assert np.trace(potential.evaluate(big).stresses[0]) > 0


def test_order_of_atoms_does_not_matter(potential: Potential, shaken: list[Structure]) -> None:
    rng = np.random.default_rng(2)
    for structure in shaken:
        order = rng.permutation(len(structure))
        one = potential.evaluate([structure])
        other = potential.evaluate([Structure.from_sites([structure[i] for i in order])])
        assert other.energies[0] == pytest.approx(one.energies[0], abs=2e-5 * len(structure))
        assert other.forces[0] == pytest.approx(one.forces[0][order], abs=1e-3)
        assert other.stresses[0] == pytest.approx(one.stresses[0], abs=1e-5)


def test_supercell_has_the_same_energy_per_atom_and_forces(
    potential: Potential, shaken: list[Structure]
) -> None:
    for structure in shaken[:2]:
        one = potential.evaluate([structure])
        double = potential.evaluate([structure.make_supercell([1, 2, 1], in_place=False)])
        assert double.energies[0] == pytest.approx(2 * one.energies[0], abs=4e-5 * len(structure))
        assert double.forces[0] == pytest.approx(np.repeat(one.forces[0], 2, axis=0), abs=1e-3)
        assert double.stresses[0] == pytest.approx(one.stresses[0], abs=1e-5)


def test_origin_and_choice_of_cell_do_not_matter(potential: Potential, shaken: list[Structure]) -> None:
    structure = shaken[0]
    shifted = structure.copy()
    shifted.translate_sites(list(range(len(shifted))), [0.31, -0.47, 1.2])
    skewed = structure.make_supercell([[1, 0, 0], [3, 1, 0], [-2, 1, 1]], in_place=False)
    energies = potential.evaluate([structure, shifted, skewed]).energies
    assert energies == pytest.approx(np.full(3, energies[0]), abs=1e-4)


def test_batch_gives_what_each_structure_gives_alone(potential: Potential, shaken: list[Structure]) -> None:
    batch = potential.evaluate(shaken)
    for i, structure in enumerate(shaken):
        alone = potential.evaluate([structure])
        assert batch.energies[i] == pytest.approx(alone.energies[0], abs=2e-5)
        assert batch.forces[i] == pytest.approx(alone.forces[0], abs=1e-4)


def test_empty_batch_is_answered(potential: Potential) -> None:
    assert potential.evaluate([]).energies.shape == (0,)


def test_ase_calculator_agrees(potential: Potential, shaken: list[Structure]) -> None:
    evaluation = potential.evaluate(shaken[:1])
    atoms = AseAtomsAdaptor.get_atoms(shaken[0])
    atoms.calc = potential.calculator()
    assert atoms.get_potential_energy() == pytest.approx(evaluation.energies[0], abs=1e-5)
    assert atoms.get_forces() == pytest.approx(evaluation.forces[0], abs=1e-4)
    assert atoms.get_stress(voigt=False) == pytest.approx(evaluation.stresses[0], abs=1e-5)


def test_unknown_element_is_named(chgnet: Potential) -> None:
    polonium = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
    with pytest.raises(InputError, match=r"chgnet does not know the element Po;"):
        chgnet.evaluate([polonium])
