"""Energies above a named hull."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monty.json import MontyEncoder
from pymatgen.analysis.phase_diagram import PhaseDiagram
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
from pymatgen.entries.computed_entries import (
    ComputedEntry,
    ComputedStructureEntry,
    ConstantEnergyAdjustment,
    ManualEnergyAdjustment,
)
from scipy.optimize import linprog

from alphacrystal.config import PredictConfig
from alphacrystal.errors import InputError
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.energies import energy_reference, with_hull_energies
from alphacrystal.ranking import EnergyReference, HullReference, rank_candidates, read_hull_reference
from alphacrystal.ranking._hull import HullEntry
from alphacrystal.relaxation import Relaxation, RelaxationStatus, RelaxSettings, load_energy_model

OnResult = Callable[[int, Relaxation], None]

#: Total energies in eV of made-up phases.
PHASES = {"Mg": -1.5, "O2": -9.8, "MgO": -12.6, "Ti": -7.8, "TiO2": -26.4, "Ti2O3": -44.0, "Mg2TiO4": -51.9}


def computed(formula: str, energy: float, run_type: str | None = "GGA", **options: Any) -> ComputedEntry:
    """An entry with the total energy in eV of a cell of this formula."""
    parameters = {"run_type": run_type} if run_type else {}
    options.setdefault("entry_id", f"id-{formula}")
    return ComputedEntry(formula, energy, parameters=parameters, **options)


def write(path: Path, entries: Sequence[ComputedEntry]) -> Path:
    path.write_text(json.dumps(list(entries), cls=MontyEncoder))
    return path


def corrected(entries: Sequence[ComputedEntry]) -> list[ComputedEntry]:
    """The same entries with MP2020 corrections, by pymatgen."""
    scheme = MaterialsProject2020Compatibility(check_potcar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # oxides without a structure
        return scheme.process_entries(list(entries), inplace=False)


def entries(path: Path, phases: dict[str, float] = PHASES) -> Path:
    return write(path, corrected([computed(formula, energy) for formula, energy in phases.items()]))


def record(formula: str, e_form: float | None, source: str = "a") -> str:
    species = [symbol for symbol, n in Composition(formula).get_el_amt_dict().items() for _ in range(int(n))]
    sites = [[i / len(species), 0.1 * i, 0.2 * i] for i in range(len(species))]
    lattice = [[5.0, 0, 0], [0, 5.0, 0], [0, 0, 5.0]]
    return json.dumps(
        {
            "id": f"{source}-{formula}",
            "reduced_formula": Composition(formula).reduced_formula,
            "lattice": lattice,
            "species": species,
            "frac_coords": sites,
            "e_form": e_form,
            "energy_source": source,
        }
    )


def salt(a: float, species: tuple[str, str]) -> Structure:
    return Structure.from_spacegroup(225, Lattice.cubic(a), species, [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.mark.parametrize("formula", ["MgTiO3", "TiO", "Mg3O", "MgTi2O5"])
def test_hull_agrees_with_pymatgens_phase_diagram(tmp_path: Path, formula: str) -> None:
    reference = read_hull_reference(entries(tmp_path / "mp.json"), ["Mg", "Ti", "O"])
    point = reference.at(Composition(formula).get_el_amt_dict())
    diagram = PhaseDiagram(corrected([computed(name, energy) for name, energy in PHASES.items()]))
    hull = diagram.get_hull_energy_per_atom(Composition(formula))
    fractions = Composition(formula).fractional_composition.get_el_amt_dict()
    elements = {str(element): entry.energy_per_atom for element, entry in diagram.el_refs.items()}
    expected = hull - sum(share * elements[symbol] for symbol, share in fractions.items())
    assert point is not None
    assert point.energy == pytest.approx(expected, abs=1e-8)
    products = {product.formula: product.share for product in point.products}
    shares = {
        e.composition.reduced_formula: x for e, x in diagram.get_decomposition(Composition(formula)).items()
    }
    assert products == pytest.approx(shares, abs=1e-6)


def test_records_of_the_commonest_source_count_and_elements_are_zero(tmp_path: Path) -> None:
    file = tmp_path / "phases.jsonl"
    lines = [record("MgO", -3.0), record("MgO2", -2.0), record("Mg2O", -9.0, "b"), record("NaCl", -2.0)]
    file.write_text("\n".join(lines) + "\n")
    reference = read_hull_reference(file, ["Mg", "O"])
    assert reference.name == "phases.jsonl (a)"
    assert reference.formation
    point = reference.at({"Mg": 3, "O": 1})
    assert point is not None
    assert point.energy == pytest.approx(-1.5)
    assert [str(product) for product in point.products] == ["0.5 MgO (a-MgO)", "0.5 Mg (element)"]


def test_records_without_energies_wait_for_those_of_the_potential(tmp_path: Path) -> None:
    file = tmp_path / "built.jsonl"
    file.write_text("\n".join([record("Mg", None), record("O2", None), record("MgO", None)]) + "\n")
    reference = read_hull_reference(file, ["Mg", "O"])
    assert set(reference.structures) == {"a-Mg", "a-O2", "a-MgO"}
    filled = reference.with_energies({"a-Mg": -1.5, "a-O2": -4.9, "a-MgO": -6.3})
    point = filled.at({"Mg": 1, "O": 1})
    assert point is not None
    assert (point.energy, filled.formation) == (pytest.approx(-6.3), False)


def test_stored_energies_do_not_count_under_pressure(tmp_path: Path) -> None:
    file = tmp_path / "entries.json"
    stored = [ComputedStructureEntry(salt(4.25, ("Mg", "O")), -50.0, entry_id="mp-1265")]
    file.write_text(json.dumps(stored, cls=MontyEncoder))
    assert set(read_hull_reference(file, ["Mg", "O"], enthalpies=True).structures) == {"mp-1265"}
    with pytest.raises(InputError, match="no structures"):
        read_hull_reference(entries(tmp_path / "mp.json"), ["Mg", "O"], enthalpies=True)


def test_composition_that_no_mixture_has_is_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "built.jsonl"
    file.write_text(record("MgO", None) + "\n")
    filled = read_hull_reference(file, ["Mg", "O"]).with_energies({"a-MgO": -6.3})
    assert filled.at({"Mg": 2, "O": 1}) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no json", "could not be read as JSON of pymatgen entries"),
        ("[1, 2]", "is no list of pymatgen ComputedEntry"),
        (json.dumps([computed("MgO", -12.0)], cls=MontyEncoder), "holds no entry of the element Mg"),
        (json.dumps([computed("NaCl", -7.0)], cls=MontyEncoder), "holds no phase of Mg-O"),
        ('{"entries": 3}', "is no list of pymatgen ComputedEntry"),
        ("[" * 100_000, "recursion limit exceeded"),
    ],
)
def test_unusable_files_are_refused_with_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "hull.json"
    file.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_hull_reference(file, ["Mg", "O"])


def test_file_without_the_chemical_system_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "phases.jsonl"
    file.write_text(record("NaCl", -2.0) + "\n")
    with pytest.raises(InputError, match="holds no phase of Mg-O"):
        read_hull_reference(file, ["Mg", "O"])


@pytest.mark.parametrize(
    ("potential", "formation"),
    [("chgnet", -6.3 - 0.5 * (-1.5 - 4.9)), ("sevennet", -6.3 - 0.3435 - 0.5 * (-1.5 - 4.9))],
)
def test_rows_carry_formation_and_hull_energies_of_their_scale(
    tmp_path: Path, potential: str, formation: float
) -> None:
    crystal = salt(4.25, ("Mg", "O"))
    reference = read_hull_reference(entries(tmp_path / "mp.json"), ["Mg", "O"])
    energy_reference = EnergyReference(potential, references={"Mg": -1.5, "O": -4.9}, hull=reference)
    end = Relaxation(crystal, RelaxationStatus.CONVERGED, "", -6.3, 0.0, 0.0, 1, 0.1)
    (row,) = rank_candidates(
        [Candidate(crystal, "test", None)], {0: end}, relaxed=True, top=5, reference=energy_reference
    )
    hull = (-12.6 - 0.687 + 1.5 + 4.9) / 2  # -0.687 eV per oxide ion: MP2020
    assert row.formation_energy_per_atom == pytest.approx(formation, abs=1e-4)
    assert row.energy_above_hull_per_atom == pytest.approx(formation - hull, abs=1e-4)
    assert [product.id for product in row.decomposition] == ["id-MgO"]


def test_metastable_element_does_not_stand_for_the_stable_one(tmp_path: Path) -> None:
    file = tmp_path / "phases.jsonl"
    file.write_text("\n".join([record("MgO", -3.0), record("Mg", 0.2)]) + "\n")
    point = read_hull_reference(file, ["Mg", "O"]).at({"Mg": 1})
    assert point is not None
    assert point.energy == 0.0
    assert [product.id for product in point.products] == ["element"]


class Answers:
    """A relaxer that knows the energies (eV/atom) of its phases and moves nothing."""

    def __init__(self, energies: dict[str, float]) -> None:
        self._energies = energies

    def relax(
        self,
        structures: Sequence[Structure],
        settings: RelaxSettings | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        ends = []
        for structure in structures:
            energy = self._energies.get(structure.composition.reduced_formula)
            status = RelaxationStatus.FAILED if energy is None else RelaxationStatus.CONVERGED
            ends.append(Relaxation(structure, status, "", energy, None, None, 1, 0.1))
        return ends


@pytest.mark.parametrize(
    ("potential", "pressure", "correction"),
    [("sevennet", 0.0, -0.3435), ("sevennet", 10.0, -0.3435), ("chgnet", 0.0, 0.0)],
)
def test_phases_that_the_potential_relaxed_are_corrected_like_the_rows(
    tmp_path: Path, potential: str, pressure: float, correction: float
) -> None:
    folder = tmp_path / "phases"
    folder.mkdir()
    salt(4.25, ("Mg", "O")).to(str(folder / "MgO.cif"))
    metal = Structure.from_spacegroup(194, Lattice.hexagonal(3.2, 5.2), ["Mg"], [[1 / 3, 2 / 3, 0.25]])
    metal.to(str(folder / "Mg.cif"))
    hull = read_hull_reference(folder, ["Mg", "O"], enthalpies=pressure != 0)
    energy_reference = EnergyReference(potential, pressure, references={"Mg": -1.5, "O": -4.9}, hull=hull)
    config = PredictConfig(potential=potential, pressure=pressure)
    filled = with_hull_energies(
        energy_reference, config, Answers({"MgO": -6.3, "Mg": -1.5}), lambda done, total: None
    )
    assert filled is not None
    point = filled.hull_point(salt(4.25, ("Mg", "O")))
    assert point is not None
    assert point.energy == pytest.approx(-6.3 + correction, abs=1e-4)
    above = filled.above_hull(point, salt(4.3, ("Mg", "O")), -6.2)
    assert above == pytest.approx(0.1, abs=1e-6)
    # The elements that the phases lack come from the table of the potential, but not under pressure.
    oxygen = filled.hull.at({"O": 1}) if filled.hull else None
    assert (oxygen is None) == (pressure != 0)
    if oxygen is not None:
        assert oxygen.energy == -4.9
    magnesium = filled.hull.at({"Mg": 1}) if filled.hull else None
    assert magnesium is not None
    assert [product.id for product in magnesium.products] == ["Mg"]


def test_phases_that_could_not_be_relaxed_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "built.jsonl"
    file.write_text("\n".join([record("Mg", None), record("MgO", None)]) + "\n")
    energy_reference = EnergyReference("chgnet", hull=read_hull_reference(file, ["Mg", "O"]))
    filled = with_hull_energies(
        energy_reference, PredictConfig(), Answers({"Mg": -1.5}), lambda done, total: None
    )
    assert filled is not None
    assert filled.remarks() == ["1 phases of built.jsonl could not be relaxed: the hull lacks them."]


@pytest.mark.parametrize("given", ["hull", "references"])
def test_energies_are_not_needed_without_relaxation(tmp_path: Path, given: str) -> None:
    config = PredictConfig.model_validate({"relax": False, given: tmp_path / "file.json"})
    with pytest.raises(InputError, match="Without relaxation there are no energies"):
        energy_reference(["Mg"], config)
    assert energy_reference(["Mg"], PredictConfig(relax=False)) is None


def test_the_source_of_the_formation_energies_of_a_hull_is_noted(tmp_path: Path) -> None:
    reference = read_hull_reference(entries(tmp_path / "mp.json"), ["Mg", "O"])
    (remark,) = EnergyReference("chgnet-r2scan", hull=reference).remarks()
    assert "formation energies of chgnet-r2scan with those stored in mp.json" in remark


SODIUM_CHLORIDE = {"Na": -1.3225, "Cl2": -3.697, "NaCl": -6.789}  # GGA, eV per formula, without corrections
#: Formation energy of rock salt in eV/atom with MP2020's -0.614 eV per chloride ion.
NACL_FORMATION = (-6.789 - 0.614 + 1.3225 + 3.697 / 2) / 2


def salt_entries() -> list[ComputedEntry]:
    return [computed(formula, energy) for formula, energy in SODIUM_CHLORIDE.items()]


def formation(path: Path, elements: Sequence[str] = ("Na", "Cl"), formula: str = "NaCl") -> float:
    point = read_hull_reference(path, elements).at(Composition(formula).get_el_amt_dict())
    assert point is not None
    return point.energy


def test_entries_with_and_without_corrections_give_one_scale(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.json", salt_entries())
    assert formation(plain) == pytest.approx(NACL_FORMATION, abs=1e-8)
    assert read_hull_reference(plain, ["Na", "Cl"]).notes == (
        "MP2020 corrections were added to 1 GGA or GGA+U entries that had none (NaCl: -0.307 eV/atom).",
    )
    done = write(tmp_path / "corrected.json", corrected(salt_entries()))
    assert formation(done) == pytest.approx(NACL_FORMATION, abs=1e-8)
    assert read_hull_reference(done, ["Na", "Cl"]).notes == ()
    manual = [
        *salt_entries()[:2],
        computed("NaCl", -6.789, energy_adjustments=[ManualEnergyAdjustment(-0.614)]),
    ]
    assert formation(write(tmp_path / "manual.json", manual)) == pytest.approx(NACL_FORMATION, abs=1e-8)


def test_entries_of_another_functional_are_left_out_and_the_offset_is_stated(tmp_path: Path) -> None:
    file = write(tmp_path / "mixed.json", [*salt_entries(), computed("Na", -3.5642, "R2SCAN")])
    reference = read_hull_reference(file, ["Na", "Cl"])
    assert formation(file) == pytest.approx(NACL_FORMATION, abs=1e-8)
    assert reference.name == "mixed.json (GGA/GGA+U)"
    assert "Na: R2SCAN entries lie 2.24 eV/atom below GGA" in reference.notes[0]
    assert "its 3 GGA/GGA+U entries make the hull, the other 1 are left out" in reference.notes[0]


def r2scan_entries() -> list[ComputedEntry]:
    return [
        computed(formula, energy, "R2SCAN")
        for formula, energy in {"Na": -3.5642, "Cl2": -14.2, "NaCl": -14.8}.items()
    ]


def test_functional_of_the_potential_is_used_where_a_file_has_several(tmp_path: Path) -> None:
    file = write(tmp_path / "both.json", [*salt_entries(), *r2scan_entries()])
    r2scan = (-14.8 + 3.5642 + 7.1) / 2
    for potential, expected in {"chgnet": NACL_FORMATION, "chgnet-r2scan": r2scan}.items():
        point = read_hull_reference(file, ["Na", "Cl"], potential=potential).at({"Na": 1, "Cl": 1})
        assert point is not None
        assert point.energy == pytest.approx(expected, abs=1e-8)


def test_functional_other_than_that_of_the_potential_is_noted(tmp_path: Path) -> None:
    file = write(tmp_path / "r2scan.json", [*r2scan_entries(), salt_entries()[2]])
    reference = read_hull_reference(file, ["Na", "Cl"])
    assert reference.name == "r2scan.json (R2SCAN)"
    assert "chgnet was trained on GGA/GGA+U" in reference.notes[-1]


def test_functionals_of_which_none_has_all_elements_are_refused(tmp_path: Path) -> None:
    mixed = [salt_entries()[0], salt_entries()[2], *r2scan_entries()[1:]]
    file = write(tmp_path / "mixed.json", mixed)
    with pytest.raises(
        InputError, match=r"NaCl: R2SCAN entries lie 4\.01 eV/atom below GGA.*keep the entries"
    ):
        read_hull_reference(file, ["Na", "Cl"])


def test_corrections_of_a_mixing_scheme_are_replaced(tmp_path: Path) -> None:
    mixed = []
    for entry in corrected(salt_entries()):
        entry.energy_adjustments.append(
            ConstantEnergyAdjustment(-40.0, name="MP GGA(+U)/r2SCAN mixing adjustment")
        )
        mixed.append(entry)
    assert formation(write(tmp_path / "mixed.json", mixed)) == pytest.approx(NACL_FORMATION, abs=1e-8)


def test_entries_without_run_type_are_refused_or_their_structures_computed(tmp_path: Path) -> None:
    file = write(tmp_path / "plain.json", [computed(name, e, None) for name, e in SODIUM_CHLORIDE.items()])
    with pytest.raises(InputError, match=r"state no run_type: energies of different functionals differ"):
        read_hull_reference(file, ["Na", "Cl"])
    with_structure = ComputedStructureEntry(salt(5.64, ("Na", "Cl")), -6.0, entry_id="mp-22862")
    reference = read_hull_reference(write(tmp_path / "s.json", [with_structure]), ["Na", "Cl"])
    assert set(reference.structures) == {"mp-22862"}
    assert "state no run_type, so their energies are not used" in reference.notes[0]


def test_wrong_hubbard_u_is_refused_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "fe.json", [computed("Fe", -8.4), computed("O2", -9.8), computed("Fe2O3", -33.0)])
    with pytest.raises(
        InputError, match=r"id-Fe2O3 \(Fe2O3, GGA\).*Invalid U value of 0.0 on Fe, expected 5.3"
    ):
        read_hull_reference(file, ["Fe", "O"])


def test_oxide_with_the_u_of_the_scheme_gets_both_corrections(tmp_path: Path) -> None:
    oxide = ComputedEntry("Fe2O3", -33.0, parameters={"run_type": "GGA+U", "hubbards": {"Fe": 5.3, "O": 0}})
    raw = [computed("Fe", -8.4), computed("O2", -9.8), oxide]
    expected = corrected(raw)[2].energy_per_atom - (2 * -8.4 + 3 * -4.9) / 5
    found = formation(write(tmp_path / "fe.json", raw), ["Fe", "O"], "Fe2O3")
    assert found == pytest.approx(expected, abs=1e-8)


def names_of_phases(reference: HullReference) -> set[str]:
    return set(reference.structures) or {entry.id for entry in reference.entries}


def test_phases_of_one_name_are_all_kept(tmp_path: Path) -> None:
    crystals = [
        salt(5.64, ("Na", "Cl")),
        Structure(Lattice.cubic(4.2), ["Na", "Na"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        Structure(Lattice.cubic(3.2), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    ]
    for name, crystal in zip("abc", crystals, strict=True):
        (tmp_path / "phases" / name).mkdir(parents=True)
        crystal.to(str(tmp_path / "phases" / name / "POSCAR"), fmt="poscar")
    reference = read_hull_reference(tmp_path / "phases", ["Na", "Cl"])
    volumes = sorted(crystal.volume for crystal in reference.structures.values())
    assert volumes == pytest.approx(sorted(crystal.volume for crystal in crystals))
    stored = [ComputedStructureEntry(crystal, -6.0, entry_id="same") for crystal in crystals]
    file = write(tmp_path / "same.json", stored)
    assert names_of_phases(read_hull_reference(file, ["Na", "Cl"])) == {"same", "same-2", "same-3"}
    taken = write(tmp_path / "taken.json", [*salt_entries(), *r2scan_entries()[:0]])
    document = json.loads(taken.read_text())
    for entry, name in zip(document, ["a", "a-2", "a"], strict=True):
        entry["entry_id"] = name
    taken.write_text(json.dumps(document))
    assert names_of_phases(read_hull_reference(taken, ["Na", "Cl"])) == {"a", "a-2", "a-3"}


def test_second_phase_of_a_name_can_be_the_stable_one(tmp_path: Path) -> None:
    """CsCl-type NaCl lies 0.116 eV/atom above rock salt with CHGNet, whichever phase has the name first."""
    b2 = Structure(Lattice.cubic(3.43), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    stored = [
        ComputedStructureEntry(crystal, -6.0, entry_id="same") for crystal in (salt(5.64, ("Na", "Cl")), b2)
    ]
    config = PredictConfig(hull=write(tmp_path / "same.json", stored))
    reference = energy_reference(["Na", "Cl"], config)
    model = load_energy_model("chgnet")
    above = {}
    for name, crystal in (("rock salt", stored[0].structure), ("CsCl type", b2)):
        energies = dict(
            zip(
                ("same", "same-2"),
                model.energies_per_atom([entry.structure for entry in stored]),
                strict=True,
            )
        )
        assert reference is not None
        assert reference.hull is not None
        filled = replace(
            reference, hull=reference.hull.with_energies(energies, reference.elemental_energies())
        )
        energy = float(model.energies_per_atom([crystal])[0])
        above[name] = filled.above_hull(filled.hull_point(crystal), crystal, energy)
    assert above == pytest.approx({"rock salt": 0.0, "CsCl type": 0.116}, abs=2e-3)


def bad_entry(change: Callable[[dict[str, Any]], None]) -> str:
    document = json.loads(json.dumps(salt_entries(), cls=MontyEncoder))
    change(document[2])
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda e: e.update(energy=math.nan), "energy: it must be a finite number"),
        (lambda e: e.update(energy=math.inf), "energy: it must be a finite number"),
        (lambda e: e.update(energy="-6.8"), "energy: it must be a number"),
        (lambda e: e.update(energy=True), "energy: it must be a number"),
        (lambda e: e.update(energy=10**400), "energy: it must be a number"),
        (lambda e: e.update(energy=-1e12), "is not that of 2 atoms"),
        (lambda e: e.pop("energy"), "energy: it is missing"),
        (lambda e: e.update(composition={"Na": math.nan, "Cl": 1}), "composition.Na"),
        (lambda e: e.update(composition={"Na": -1, "Cl": 1}), "composition.Na"),
        (lambda e: e.update(composition={"Na": True, "Cl": 1}), "the amount of Na must be a number"),
        (lambda e: e.update(composition={"Xx": 1}), "'Xx' is not an element"),
        (lambda e: e.update(composition={}), "composition"),
        (lambda e: e.update(correction=math.nan), "correction: it must be a finite number"),
        (lambda e: e.update(energy_adjustments=[{"value": math.inf}]), "energy_adjustments.0.value"),
        (lambda e: e.update(energy_adjustments=[{"name": "x"}]), "an energy adjustment has no value"),
        (lambda e: e.update(energy_adjustments=[{"value": -1.0}], correction=-3.0), "is not the sum"),
        (lambda e: e.update(parameters={"run_type": 3}), "parameters.run_type"),
        (lambda e: e.update(parameters={"run_type": "GGA", "hubbards": {"Na": "x"}}), "hubbards.Na"),
        (lambda e: e.update({"@class": "Popen"}), "@class"),
    ],
)
def test_entry_that_cannot_be_used_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(bad_entry(change))
    with pytest.raises(InputError, match=r"bad\.json: entry 3 \(id-NaCl\) cannot be used: ") as caught:
        read_hull_reference(file, ["Na", "Cl"])
    assert reason in str(caught.value)


def test_json_numbers_beyond_floating_point_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "big.json", salt_entries())
    file.write_text(file.read_text().replace("-6.789", "-1e999"))
    with pytest.raises(InputError, match=r"entry 3 \(id-NaCl\).*finite number"):
        read_hull_reference(file, ["Na", "Cl"])


def test_modules_that_an_entry_names_are_not_imported(tmp_path: Path) -> None:
    """A site property, an adjustment and a parameter that name a class: pymatgen's decoder imports it."""
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')")
    attack = {"@module": "harmful", "@class": "Run"}
    crystal = salt(5.64, ("Na", "Cl"))
    stored = [ComputedStructureEntry(crystal, -28.0, parameters={"run_type": "GGA"}, entry_id="x")]
    document = json.loads(json.dumps([*stored, *salt_entries()[:2]], cls=MontyEncoder))
    document[0]["structure"]["sites"][0]["properties"] = {"attack": attack}
    document[0]["parameters"]["attack"] = attack
    document[0]["energy_adjustments"] = [attack | {"value": -0.614 * 4}]
    document[0]["correction"] = -0.614 * 4
    file = tmp_path / "attack.json"
    file.write_text(json.dumps(document))
    code = (
        "from pathlib import Path; from alphacrystal.ranking import read_hull_reference as read; "
        "print(len(read(Path('attack.json'), ['Na', 'Cl']).entries))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("3", 0), done.stderr


@settings(max_examples=25, deadline=None)
@given(
    energies=st.lists(st.floats(-3, 1), min_size=6, max_size=12),
    amounts=st.lists(st.tuples(*[st.integers(0, 4)] * 3).filter(any), min_size=12, max_size=12),
    target=st.tuples(*[st.integers(1, 5)] * 3),
)
def test_hull_is_the_cheapest_mixture_of_phases(
    energies: list[float], amounts: list[tuple[int, ...]], target: tuple[int, ...]
) -> None:
    """The same minimum as a linear programme; None exactly where no mixture has the composition."""
    symbols = ("Mg", "Ti", "O")
    phases = [
        HullEntry(
            str(number), "", {s: n / sum(counts) for s, n in zip(symbols, counts, strict=True) if n}, energy
        )
        for number, (energy, counts) in enumerate(zip(energies, amounts, strict=False))
    ]
    point = HullReference("test", tuple(phases)).at(dict(zip(symbols, target, strict=True)))
    balance = [[phase.fractions.get(symbol, 0.0) for phase in phases] for symbol in symbols]
    wanted = [n / sum(target) for n in target]
    best = linprog([phase.energy for phase in phases], A_eq=balance, b_eq=wanted, method="highs")
    assert (point is not None) == best.success
    if point is not None:
        assert point.energy == pytest.approx(best.fun, abs=1e-8)
        assert sum(product.share for product in point.products) == pytest.approx(1, abs=1e-5)


def test_mp2020_corrections_of_another_functional_are_removed_and_noted(tmp_path: Path) -> None:
    plain = r2scan_entries()
    adjustment = ConstantEnergyAdjustment(-0.6, name="MP2020 anion correction (Cl)")
    wrong = [*plain[:2], computed("NaCl", -14.8, "R2SCAN", energy_adjustments=[adjustment])]
    file = write(tmp_path / "wrong.json", wrong)
    assert formation(file) == pytest.approx(formation(write(tmp_path / "plain.json", plain)), abs=1e-8)
    assert (
        "removed from 1 entries (NaCl: -0.300 eV/atom)" in read_hull_reference(file, ["Na", "Cl"]).notes[-1]
    )


def test_part_of_the_mp2020_corrections_is_completed_and_noted(tmp_path: Path) -> None:
    oxide = ComputedEntry("Fe2O3", -33.0, parameters={"run_type": "GGA+U", "hubbards": {"Fe": 5.3, "O": 0}})
    raw = [computed("Fe", -8.4), computed("O2", -9.8), oxide]
    part = oxide.copy()
    part.energy_adjustments = [ConstantEnergyAdjustment(3 * -0.687, name="MP2020 anion correction (oxide)")]
    complete, partial = write(tmp_path / "raw.json", raw), write(tmp_path / "part.json", [*raw[:2], part])
    assert formation(partial, ["Fe", "O"], "Fe2O3") == pytest.approx(
        formation(complete, ["Fe", "O"], "Fe2O3"), abs=1e-8
    )
    assert "Fe2O3: -0.90" in read_hull_reference(partial, ["Fe", "O"]).notes[0]


@pytest.mark.parametrize("run_type", ["GGA", "R2SCAN"])
def test_large_correction_without_a_name_is_refused_with_its_size(tmp_path: Path, run_type: str) -> None:
    phases = salt_entries() if run_type == "GGA" else r2scan_entries()
    phases[2] = computed("NaCl", -6.789, run_type, correction=50.0)
    with pytest.raises(InputError, match=r"id-NaCl .*\+25\.000 eV/atom without the name of a scheme"):
        read_hull_reference(write(tmp_path / "large.json", phases), ["Na", "Cl"])


def test_entry_files_are_read_by_any_spelling_of_their_ending(tmp_path: Path) -> None:
    text = write(tmp_path / "plain.json", salt_entries()).read_bytes()
    (tmp_path / "UPPER.JSON").write_bytes(text)
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(text))
    for name in ("UPPER.JSON", "packed.json.gz"):
        assert formation(tmp_path / name) == pytest.approx(NACL_FORMATION, abs=1e-8)
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(text)[:-20])
    with pytest.raises(InputError, match="could not be read"):
        read_hull_reference(tmp_path / "cut.json.gz", ["Na", "Cl"])


@pytest.mark.parametrize("second", [0.001, 0.05])
def test_records_with_atoms_at_one_place_are_no_hull_phases(tmp_path: Path, second: float) -> None:
    phase = json.loads(record("O2", -1.0)) | {"frac_coords": [[0, 0, 0], [second, 0, 0]]}
    (tmp_path / "phases.jsonl").write_text(json.dumps(phase) + "\n")
    with pytest.raises(InputError, match="The record a-O2 cannot be used"):
        read_hull_reference(tmp_path / "phases.jsonl", ["Mg", "O"])
