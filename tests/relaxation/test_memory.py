"""A potential that runs out of memory evaluates smaller batches; only a structure that is too large fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones
from pymatgen.core import Structure

from alphacrystal.relaxation import (
    AsePotential,
    Evaluation,
    PotentialEnergies,
    RelaxSettings,
    energies_checked,
    load_potential,
    relax,
)
from alphacrystal.relaxation._relax import batch_size

Textbook = dict[str, Callable[..., Structure]]
POINT = RelaxSettings(max_steps=0)
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 17179869184 bytes."),
    MemoryError(),
]


class Small:
    """A potential of the volume per atom that has memory for ``most`` atoms.

    Attributes:
        batches: Numbers of atoms of each structure, by call.
    """

    def __init__(self, name: str, most: int, error: Exception, device: str = "cpu") -> None:
        self.name, self.device = name, device
        self.supported_elements = frozenset({"Ar"})
        self.batches: list[list[int]] = []
        self._most, self._error = most, error

    def evaluate(self, structures: Sequence[Structure]) -> Evaluation:
        self.batches.append([len(structure) for structure in structures])
        if sum(self.batches[-1]) > self._most:
            raise self._error
        sizes = np.array(self.batches[-1])
        excess = np.array([structure.volume for structure in structures]) / sizes - 35.0  # Å³
        stresses = 0.01 * excess[:, None, None] * np.eye(3)
        forces = [np.zeros((size, 3)) for size in sizes]
        return Evaluation(0.005 * excess**2 * sizes, forces, stresses, (None,) * len(sizes))

    def calculator(self) -> Calculator:
        raise NotImplementedError


@pytest.fixture
def argon(textbook: Textbook) -> list[Structure]:
    """Sixteen strained crystals of one atom: two groups."""
    return [textbook["argon"](5.0 + 0.05 * number) for number in range(16)]


def test_batches_are_halved_and_the_size_is_remembered(argon: list[Structure]) -> None:
    small, large = Small("small", 3, ERRORS[0]), Small("large", 99, ERRORS[0])
    ends, expected = (relax(argon, potential, RelaxSettings(max_steps=2)) for potential in (small, large))
    assert [end.energy_per_atom for end in ends] == [end.energy_per_atom for end in expected]
    assert [end.structure for end in ends] == [end.structure for end in expected]
    assert [end.max_stress for end in ends] == [end.max_stress for end in expected]
    sizes = [len(batch) for batch in small.batches]
    assert sizes[:6] == [8, 4, 2, 2, 2, 2]
    assert max(sizes[2:]) == 2  # also in the second group
    assert max(map(len, large.batches)) == 8
    again = Small("small", 3, ERRORS[0])
    relax(argon[:8], again, POINT)
    assert set(map(len, again.batches)) == {2}


@pytest.mark.parametrize("error", ERRORS, ids=range(len(ERRORS)))
def test_messages_of_lacking_memory_are_understood(error: Exception, argon: list[Structure]) -> None:
    small = Small(f"message {ERRORS.index(error)}", 2, error)
    energies, reasons = energies_checked(PotentialEnergies(small), argon[:4])
    expected, _ = energies_checked(PotentialEnergies(Small("large", 99, error)), argon[:4])
    assert np.array_equal(energies, expected)
    assert reasons == [""] * 4
    assert [len(batch) for batch in small.batches] == [4, 2, 2]


def test_structure_that_does_not_fit_alone_fails_and_the_others_go_on(argon: list[Structure]) -> None:
    argon[3] = argon[3] * (2, 2, 1)
    ends = relax(argon, Small("tight", 3, MemoryError()), POINT)
    failed = ends.pop(3)
    assert failed.reason == "the memory is too small for the potential tight with 4 atoms"
    assert (failed.usable, failed.energy_per_atom) == (False, None)
    assert all(end.energy_per_atom is not None for end in ends)


def test_no_memory_at_all_fails_each_structure_once(argon: list[Structure]) -> None:
    nothing = Small("nothing", 0, MemoryError())
    ends = relax(argon[:4], nothing, POINT)
    assert {end.reason for end in ends} == {"the memory is too small for the potential nothing with 1 atom"}
    assert [batch for batch in nothing.batches if len(batch) == 1] == [[1]] * 4


def test_small_cells_stay_together_after_large_ones_were_too_large(argon: list[Structure]) -> None:
    mixed = Small("mixed", 30, MemoryError())
    assert np.isfinite(energies_checked(PotentialEnergies(mixed), [argon[0] * (3, 3, 2)] * 4)[0]).all()
    assert [sum(batch) for batch in mixed.batches] == [72, 36, 18, 18, 18, 18]
    mixed.batches.clear()
    energies_checked(PotentialEnergies(mixed), argon)
    assert [len(batch) for batch in mixed.batches] == [16]


def test_other_errors_are_no_lack_of_memory(argon: list[Structure]) -> None:
    broken = Small("broken", 3, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    relax(argon[:8], broken, POINT)
    assert [len(batch) for batch in broken.batches] == [4, 1, 1, 1, 1] * 2  # as before: each structure alone
    relax(argon[:8], broken, POINT)
    assert len(broken.batches[10]) == 4  # and nothing is remembered


def test_calculator_of_ase_says_that_the_memory_is_too_small(argon: list[Structure]) -> None:
    class Greedy(LennardJones):
        def calculate(self, *arguments: object, **options: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    evaluation = AsePotential("greedy", Greedy()).evaluate(argon[:2])
    assert evaluation.failures == ("the memory is too small for the potential greedy with 1 atom",) * 2


def test_groups_are_larger_on_an_accelerator_and_unchanged_on_a_cpu(argon: list[Structure]) -> None:
    host, card = Small("host", 10**6, MemoryError()), Small("card", 10**6, MemoryError(), "cuda:1")
    assert [batch_size(potential) for potential in (host, card)] == [8, 64]
    for potential in (host, card):
        relax(argon[:2] * 10, potential, POINT)
    assert [len(batch) for batch in host.batches] == [8, 8, 4]
    assert [len(batch) for batch in card.batches] == [10, 10]
    card.batches.clear()
    energies_checked(PotentialEnergies(card), [argon[0] * (8, 8, 8)] * 8)
    assert [sum(batch) for batch in card.batches] == [3 * 512, 3 * 512, 2 * 512]


def test_declared_size_of_a_batch_cannot_exceed_the_groups_of_a_cpu(argon: list[Structure]) -> None:
    host = Small("declared", 99, MemoryError())
    host.batch_size = 32  # type: ignore[attr-defined]
    relax(argon, host, POINT)
    assert [len(batch) for batch in host.batches] == [8, 8]
    host.batch_size = 3  # type: ignore[attr-defined]
    assert batch_size(host) == 3


def test_batches_of_chgnet_within_memory_give_its_energies(
    textbook: Textbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    chgnet = load_potential("chgnet")
    crystals = [textbook[name]() for name in ("rutile", "quartz", "wurtzite", "Zr4Al3")]
    expected = relax(crystals, chgnet, POINT)
    own, sizes = chgnet.evaluate_crystals, []  # type: ignore[attr-defined]

    def limited(given: Sequence[object]) -> Evaluation:
        sizes.append(len(given))
        if len(given) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return own(given)

    monkeypatch.setattr(chgnet, "evaluate_crystals", limited)
    monkeypatch.setattr(chgnet, "name", "chgnet in little memory")
    ends = relax(crystals, chgnet, POINT)
    assert sizes == [2, 1, 1, 1, 1]
    for end, other in zip(ends, expected, strict=True):
        assert end.energy_per_atom == pytest.approx(other.energy_per_atom, abs=1e-5)
