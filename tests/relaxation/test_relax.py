"""Relaxations end where they should, keep their space group, and fail one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal.relaxation import (
    AsePotential,
    Potential,
    Relaxation,
    RelaxationStatus,
    RelaxSettings,
    relax,
)

Textbook = dict[str, Callable[..., Structure]]


def space_group(structure: Structure, symprec: float = 1e-3) -> int:
    return int(structure.get_space_group_info(symprec=symprec)[1])


def test_rock_salt_finds_its_volume_from_far_away(chgnet: Potential, textbook: Textbook) -> None:
    starts = [textbook["rock salt"](a) for a in (5.0, 5.69, 6.4)]
    ends = relax(starts, chgnet, RelaxSettings(fmax=0.01))
    assert all(end.converged and end.reason == "" for end in ends)
    assert [space_group(end.structure) for end in ends] == [225] * 3
    volumes = [end.structure.volume for end in ends]
    assert volumes == pytest.approx([volumes[1]] * 3, rel=5e-3)
    assert ends[0].energy_per_atom == pytest.approx(-3.668, abs=0.002)


@pytest.mark.parametrize("name", ["rutile", "Zr4Al3", "wurtzite", "quartz"])
def test_space_group_is_kept_and_forces_fall_below_the_limit(
    chgnet: Potential, textbook: Textbook, name: str
) -> None:
    start = textbook[name]()
    start.apply_strain([0.05, 0.05, -0.06])
    (end,) = relax([start], chgnet)
    (evaluation,) = [chgnet.evaluate([end.structure])]
    assert end.status is RelaxationStatus.CONVERGED
    assert end.max_force is not None
    assert end.max_force < 0.1
    assert np.linalg.norm(evaluation.forces[0], axis=1).max() == pytest.approx(end.max_force, abs=0.002)
    assert evaluation.energies[0] / len(start) == pytest.approx(end.energy_per_atom, abs=1e-5)
    assert space_group(end.structure) == space_group(textbook[name]())
    assert end.structure.composition == start.composition


def test_broken_symmetry_is_relaxed_when_it_is_not_to_be_kept(chgnet: Potential, textbook: Textbook) -> None:
    start = textbook["rutile"]()
    start.translate_sites(0, [0.15, -0.1, 0.05], frac_coords=False)
    (end,) = relax([start], chgnet, RelaxSettings(fmax=0.02, keep_symmetry=False))
    (ideal,) = relax([textbook["rutile"]()], chgnet, RelaxSettings(fmax=0.02))
    assert end.converged
    assert end.energy_per_atom == pytest.approx(ideal.energy_per_atom, abs=0.002)


def test_pressure_shrinks_the_cell_to_the_requested_pressure(chgnet: Potential, textbook: Textbook) -> None:
    start = textbook["rock salt"]()
    free, pressed = (
        relax([start], chgnet, RelaxSettings(fmax=0.005, pressure_gpa=p))[0] for p in (0.0, 10.0)
    )
    stress = chgnet.evaluate([pressed.structure]).stresses[0] * 160.21766
    assert pressed.structure.volume < 0.9 * free.structure.volume
    assert np.trace(stress) / 3 == pytest.approx(-10.0, abs=0.2)
    assert pressed.max_stress is not None
    assert pressed.max_stress < 0.2
    work = 10.0 / 160.21766 * pressed.structure.volume / 2
    energy = chgnet.evaluate([pressed.structure]).energies[0] / 2
    assert pressed.energy_per_atom == pytest.approx(energy + work, abs=1e-4)


def test_cell_stays_where_only_atoms_may_move(chgnet: Potential, textbook: Textbook) -> None:
    start = textbook["rutile"](u=0.29)
    (end,) = relax([start], chgnet, RelaxSettings(relax_cell=False))
    assert end.converged
    assert end.structure.lattice.abc == pytest.approx(start.lattice.abc, abs=1e-6)


def test_result_does_not_depend_on_its_companions(chgnet: Potential, textbook: Textbook) -> None:
    batch = [build() for name, build in textbook.items() if name != "argon"] * 3
    together = relax(batch, chgnet)
    assert len(together) == len(batch)
    for start, end in zip(batch[:6], together[:6], strict=True):
        (alone,) = relax([start], chgnet)
        assert alone.energy_per_atom == pytest.approx(end.energy_per_atom, abs=1e-4)
        assert alone.structure.volume == pytest.approx(end.structure.volume, rel=1e-4)


def test_second_pass_continues_where_the_first_stopped(chgnet: Potential, textbook: Textbook) -> None:
    start = textbook["quartz"](a=5.3, c=5.1)
    (loose,) = relax([start], chgnet, RelaxSettings(fmax=0.3))
    (tight,) = relax([loose.structure], chgnet, RelaxSettings(fmax=0.02))
    assert loose.converged
    assert tight.converged
    assert tight.energy_per_atom is not None
    assert loose.energy_per_atom is not None
    assert tight.energy_per_atom <= loose.energy_per_atom


def test_each_result_is_handed_over_as_soon_as_it_is_done(chgnet: Potential, textbook: Textbook) -> None:
    batch = [textbook["rock salt"](5.0 + 0.05 * i) for i in range(20)]
    seen: dict[int, Relaxation] = {}
    ends = relax(batch, chgnet, on_result=seen.__setitem__)
    assert sorted(seen) == list(range(20))
    assert [seen[i] for i in range(20)] == ends


def test_step_limit_is_reported(chgnet: Potential, textbook: Textbook) -> None:
    (end,) = relax([textbook["quartz"](a=5.4)], chgnet, RelaxSettings(max_steps=1))
    assert end.status is RelaxationStatus.STEP_LIMIT
    assert end.reason == "not converged in 1 steps"
    assert end.usable


def test_time_limit_is_reported(chgnet: Potential, textbook: Textbook) -> None:
    (end,) = relax([textbook["quartz"](a=5.4)], chgnet, RelaxSettings(time_limit_s=1e-6))
    assert end.status is RelaxationStatus.TIME_LIMIT
    assert end.usable


def test_unusable_starts_fail_alone(chgnet: Potential, textbook: Textbook) -> None:
    fused = Structure(Lattice.cubic(4), ["Na", "Cl"], [[0, 0, 0], [0.05, 0, 0]])
    lonely = Structure(Lattice.cubic(15), ["Na"], [[0, 0, 0]])
    partly = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    ends = relax([fused, lonely, textbook["rock salt"](), partly], chgnet)
    failed = RelaxationStatus.FAILED
    assert [end.status for end in ends] == [failed, failed, RelaxationStatus.CONVERGED, failed]
    assert ends[0].reason == "two atoms came closer than 0.5 Å"
    assert ends[1].reason == "an atom has no neighbour within 6 Å"
    assert ends[3].reason == "its sites are partly occupied"
    assert not ends[0].usable
    assert ends[0].structure == fused


def test_falling_together_is_an_explosion_and_the_rest_continues(textbook: Textbook) -> None:
    # With its sign reversed a compressed Lennard-Jones crystal gains energy without limit as it shrinks.
    attractive = AsePotential("attractive", LennardJones(sigma=2.0, epsilon=-1.0, rc=6.0))
    end, free = relax([textbook["argon"](2.8), textbook["argon"](40.0)], attractive)
    assert end.status is RelaxationStatus.EXPLODED
    assert end.reason
    assert not end.usable
    assert np.isfinite(end.structure.lattice.matrix).all()
    assert free.converged


def test_nan_from_a_calculator_marks_that_structure_failed(textbook: Textbook) -> None:
    broken = AsePotential("broken", LennardJones(sigma=float("nan"), epsilon=1.0, rc=6.0))
    (end,) = relax([textbook["argon"]()], broken)
    assert end.status is RelaxationStatus.FAILED
    assert end.reason == "the potential broken returned NaN"
    assert end.energy_per_atom is None


def test_unknown_element_is_refused_before_any_work(chgnet: Potential, textbook: Textbook) -> None:
    polonium = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
    with pytest.raises(InputError, match="Po"):
        relax([textbook["rock salt"](), polonium], chgnet)


def test_any_ase_calculator_relaxes(textbook: Textbook) -> None:
    # fcc minimum of a truncated Lennard-Jones crystal lies near a nearest distance of 1.09 sigma.
    potential = AsePotential("argon", LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True))
    (end,) = relax([textbook["argon"](5.9)], potential, RelaxSettings(fmax=1e-4))
    assert end.converged
    assert end.structure.lattice.a / 3.4 == pytest.approx(1.09, abs=0.01)
