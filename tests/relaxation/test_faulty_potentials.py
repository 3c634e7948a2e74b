"""A potential that fails for one structure costs that structure only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from pymatgen.core import Structure

from alphacrystal.relaxation import (
    AsePotential,
    BayesianRelaxer,
    EnergyProcess,
    Relaxation,
    RelaxationStatus,
    RelaxPool,
    RelaxSettings,
    load_energy_model,
    load_potential,
    relax,
)

Textbook = dict[str, Callable[..., Structure]]
Offer = Callable[[str, str, dict[str, str]], Path]

#: Lennard-Jones argon in several shapes; a structure of two atoms meets ALPHACRYSTAL_TEST_FAULT.
PLUGIN = """
import os
import sys
import time

import numpy as np
from ase.calculators.lj import LennardJones
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.relaxation import AsePotential, Evaluation, PotentialEnergies

FAULT = os.environ.get("ALPHACRYSTAL_TEST_FAULT", "")


def fault():
    if FAULT == "raise":
        raise RuntimeError("no parameters\\nfor this pair")
    if FAULT == "exit":
        sys.exit(3)
    if FAULT == "loop":
        while True:
            pass
    if FAULT == "compiled loop":  # holds the interpreter's lock
        10 ** 10 ** 9
    if FAULT == "sleep":
        time.sleep(3600)
    if FAULT == "die":
        os._exit(9)


class Calculator(LennardJones):
    def calculate(self, atoms=None, *args, **kwargs):
        super().calculate(atoms, *args, **kwargs)
        if len(atoms) == 2:
            fault()
            if FAULT == "forces":
                self.results["forces"] = self.results["forces"][:1]
            elif FAULT == "energy":
                self.results["energy"] = "low"
            elif FAULT == "complex":
                self.results["forces"] = self.results["forces"].astype(complex)
            elif FAULT == "nan":
                self.results["energy"] = np.nan
            elif FAULT == "infinite":
                self.results["forces"] = self.results["forces"] * np.inf


def calculator():
    return Calculator(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True)


class Batched:
    '''Evaluates lists, and fails as a whole where one structure is at fault.'''

    name = "batched"
    supported_elements = frozenset({"Ar", "Na", "Cl"})

    def __init__(self):
        self.own = AsePotential("own", LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True))

    def evaluate(self, structures):
        answer = self.own.evaluate(structures)
        energies, forces, stresses = answer.energies, answer.forces, answer.stresses
        failures = answer.failures
        for i, structure in enumerate(structures):
            if len(structure) == 2:
                fault()
                if FAULT == "none":
                    return None
                if FAULT == "short":
                    energies = energies[:-1]
                elif FAULT == "forces":
                    forces[i] = forces[i][:, :2]
                elif FAULT == "voigt":
                    stresses = np.zeros((len(structures), 6))
                elif FAULT == "no failures":
                    failures = None
                elif FAULT == "text":
                    energies = energies.astype(str)
                elif FAULT == "nan":
                    energies[i] = np.nan
        return Evaluation(energies, forces, stresses, failures)

    def calculator(self):
        return self.own.calculator()


def energies_only():
    model = PotentialEnergies(Batched())

    class Energies:
        name = "energies-only"
        supported_elements = model.supported_elements

        def energies_per_atom(self, structures):
            return model.energies_per_atom(structures)

    return Energies()
"""

SETTINGS = RelaxSettings(time_limit_s=1.0)


@pytest.fixture
def faulty(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that offers the potentials "single", "batched" and "energies-only" with a fault."""

    def choose(fault: str) -> None:
        monkeypatch.setenv("ALPHACRYSTAL_TEST_FAULT", fault)
        names = {"single": "calculator", "batched": "Batched", "energies-only": "energies_only"}
        offer("alphacrystal.potentials", PLUGIN, names)

    return choose


@pytest.fixture
def starts(textbook: Textbook) -> list[Structure]:
    """Six crystals of argon, and rock salt as the third."""
    crystals = [textbook["argon"](5.0 + 0.1 * i) for i in range(6)]
    crystals.insert(2, textbook["rock salt"](7.0))
    return crystals


@pytest.fixture(scope="module")
def sound(textbook: Textbook) -> list[Relaxation]:
    """What becomes of the six crystals of argon without the faulty structure."""
    argon = AsePotential("argon", LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True))
    return relax([textbook["argon"](5.0 + 0.1 * i) for i in range(6)], argon)


def check_only_the_third_fails(ends: list[Relaxation], sound: list[Relaxation], reason: str) -> None:
    assert ends[2].status is RelaxationStatus.FAILED
    assert reason in ends[2].reason
    assert "\n" not in ends[2].reason
    others = [end for place, end in enumerate(ends) if place != 2]
    assert all(end.converged for end in others)
    assert [end.structure for end in others] == [end.structure for end in sound]
    assert [end.energy_per_atom for end in others] == [end.energy_per_atom for end in sound]


IN_PROCESS = [
    ("single", "raise", "RuntimeError no parameters for this pair"),
    ("single", "exit", "SystemExit 3"),
    ("single", "forces", "forces of shape (1, 3) instead of (2, 3)"),
    ("single", "energy", "could not convert string to float"),
    ("single", "complex", "Cannot cast array data"),
    ("single", "nan", "returned NaN"),
    ("single", "infinite", "returned NaN"),
    ("batched", "raise", "the potential batched failed: RuntimeError no parameters for this pair"),
    ("batched", "exit", "SystemExit 3"),
    ("batched", "none", "the potential batched returned None instead of an Evaluation"),
    ("batched", "short", "energies of shape (0,) instead of (1,)"),
    ("batched", "forces", "forces of shape (2, 2) instead of (2, 3)"),
    ("batched", "voigt", "stresses of shape (1, 6) instead of (1, 3, 3)"),
    ("batched", "no failures", "'NoneType' object is not iterable"),
    ("batched", "text", "instead of real numbers"),
    ("batched", "nan", "returned NaN"),
]


@pytest.mark.parametrize(("potential", "fault", "reason"), IN_PROCESS)
def test_wrong_answer_for_one_structure_fails_that_structure(
    faulty: Callable[[str], None],
    starts: list[Structure],
    sound: list[Relaxation],
    potential: str,
    fault: str,
    reason: str,
) -> None:
    faulty(fault)
    check_only_the_third_fails(relax(starts, load_potential(potential)), sound, reason)


class Tired(LennardJones):
    """Raises from the fourth evaluation of a structure of two atoms on."""

    evaluations = 0

    def calculate(self, atoms=None, *args, **kwargs):
        self.evaluations += len(atoms) == 2
        if self.evaluations > 3 and len(atoms) == 2:
            raise RuntimeError("too tired")
        super().calculate(atoms, *args, **kwargs)


def test_potential_that_raises_on_the_way_fails_that_structure(starts: list[Structure]) -> None:
    shape = {"sigma": 3.4, "epsilon": 0.0104, "rc": 12.0, "ro": 11.0, "smooth": True}
    settings = RelaxSettings(fmax=1e-4)
    ends = relax(starts, AsePotential("tired", Tired(**shape)), settings)
    expected = relax(starts, AsePotential("sound", LennardJones(**shape)), settings)
    assert expected[2].steps > 3
    assert ends[2].status is RelaxationStatus.FAILED
    assert ends[2].reason == "the calculator of tired failed: RuntimeError too tired"
    assert ends[2].energy_per_atom is not None
    del ends[2], expected[2]
    assert [end.energy_per_atom for end in ends] == [end.energy_per_atom for end in expected]


HANGS = [
    pytest.param("single", "loop", 1, "no answer in 1 s of processor time", marks=pytest.mark.slow),
    pytest.param("batched", "loop", 2, "no answer in 1 s of processor time", marks=pytest.mark.slow),
    ("single", "compiled loop", 2, "no answer in 1 s of processor time"),
    pytest.param("single", "sleep", 1, "no answer in 5 s", marks=pytest.mark.slow),
    ("batched", "sleep", 2, "no answer in 5 s"),
    ("batched", "die", 1, "the worker process died while relaxing it"),
    pytest.param("batched", "raise", 2, "RuntimeError", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("potential", "fault", "workers", "reason"), HANGS)
def test_potential_that_hangs_or_dies_for_one_structure_fails_that_structure(
    faulty: Callable[[str], None],
    starts: list[Structure],
    sound: list[Relaxation],
    potential: str,
    fault: str,
    workers: int,
    reason: str,
) -> None:
    faulty(fault)
    settings = SETTINGS.model_copy(update={"silence_limit_s": 5.0 if fault == "sleep" else None})
    seen: list[int] = []
    with RelaxPool(potential, workers=workers) as pool:
        ends = pool.relax(starts, settings, on_result=lambda index, _: seen.append(index))
        again = pool.relax([starts[0]], settings)
    check_only_the_third_fails(ends, sound, reason)
    assert sorted(seen) == list(range(7))
    assert again[0].converged


@pytest.mark.parametrize(
    ("fault", "reason"), [("raise", "RuntimeError"), ("short", "returned energies"), ("nan", "no energy")]
)
def test_energy_model_that_fails_for_one_structure_fails_that_structure(
    faulty: Callable[[str], None], textbook: Textbook, fault: str, reason: str
) -> None:
    faulty(fault)
    starts = [textbook["argon"](5.2), textbook["rock salt"](7.0)]
    good, bad = BayesianRelaxer(load_energy_model("energies-only")).relax(starts, RelaxSettings(max_steps=0))
    assert good.energy_per_atom == pytest.approx(-0.08, abs=0.01)
    assert bad.status is RelaxationStatus.FAILED
    if fault != "short":  # a division of arrays of different lengths says so itself
        assert reason in bad.reason


@pytest.mark.parametrize("method", ["bayesian", "energy"])
def test_energy_model_that_hangs_for_one_structure_fails_that_structure(
    faulty: Callable[[str], None], textbook: Textbook, method: Literal["bayesian", "energy"]
) -> None:
    faulty("loop")
    starts = [textbook["argon"](5.2), textbook["rock salt"](7.0), textbook["argon"](5.4)]
    settings = SETTINGS.model_copy(update={"max_steps": 0})
    with RelaxPool("energies-only", workers=1, method=method) as pool:
        good, bad, other = pool.relax(starts, settings)
    assert good.usable
    assert other.usable
    assert bad.status is RelaxationStatus.FAILED
    assert bad.reason == "the potential gave no answer in 1 s of processor time"


SLOW = """
import time

from ase.calculators.lj import LennardJones

from alphacrystal.relaxation import AsePotential


class Slow(AsePotential):
    '''Takes one and a half seconds of processor time for a structure of two atoms.'''

    batch_size = 8

    def evaluate_crystals(self, crystals):
        for crystal in crystals:
            begin = time.thread_time()
            while len(crystal) == 2 and time.thread_time() - begin < 1.5:
                pass
        return super().evaluate_crystals(crystals)


def make():
    return Slow("slow", LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True))


class Waiting(LennardJones):
    def calculate(self, *args, **kwargs):
        time.sleep(0.3)
        super().calculate(*args, **kwargs)


def waiting():
    return Waiting(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True)
"""


def test_slow_structure_uses_up_no_time_of_its_companions(offer: Offer, textbook: Textbook) -> None:
    offer("alphacrystal.potentials", SLOW, {"slow": "make"})
    crystals = [textbook["argon"](4.6 + 0.1 * i) for i in range(7)]
    crystals.insert(2, textbook["rock salt"](7.5))
    ends = relax(crystals, load_potential("slow"), RelaxSettings(fmax=1e-6, time_limit_s=1.0))
    slow = ends.pop(2)
    assert slow.status is RelaxationStatus.TIME_LIMIT
    assert slow.reason == "not converged in 1 s of processor time"
    assert max(end.steps for end in ends[:3]) >= 4  # four shares of the slow evaluations are over the limit
    assert not any(end.status is RelaxationStatus.TIME_LIMIT for end in ends)
    assert max(end.seconds for end in ends) < 1


def test_waiting_uses_up_no_time_limit(offer: Offer, textbook: Textbook) -> None:
    """Another program that takes the processor lets a relaxation wait, too."""
    offer("alphacrystal.potentials", SLOW, {"waiting": "waiting"})
    (end,) = relax([textbook["argon"](5.0)], load_potential("waiting"), RelaxSettings(time_limit_s=0.6))
    assert end.converged
    assert end.steps >= 2
    assert end.seconds < 0.6  # of 0.9 s and more on the clock


def test_relaxation_of_an_ase_calculator_needs_no_torch(textbook: Textbook, tmp_path: Path) -> None:
    textbook["argon"](5.2).to(str(tmp_path / "argon.json"))
    program = (
        "import sys\n"
        "from ase.calculators.lj import LennardJones\n"
        "from pymatgen.core import Structure\n"
        "from alphacrystal.relaxation import AsePotential, relax\n"
        "potential = AsePotential('lj', LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0))\n"
        "relax([Structure.from_file(sys.argv[1])], potential)\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "argon.json")], check=True)


@pytest.mark.parametrize("fault", ["raise", "loop", "die"])
def test_energies_of_a_faulty_potential_are_missing_for_one_structure(
    faulty: Callable[[str], None], textbook: Textbook, fault: str
) -> None:
    faulty(fault)
    process = EnergyProcess("energies-only", limit_s=1.0)
    crystals = [textbook["argon"](5.0), textbook["rock salt"](5.6), textbook["argon"](5.4)]
    energies = process.energies_per_atom(crystals)
    process.close()
    assert np.isfinite(energies).tolist() == [True, False, True]
