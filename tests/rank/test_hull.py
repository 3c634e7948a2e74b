"""Energies above a named hull."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from monty.json import MontyEncoder
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry

from alphacrystal._energies import energy_measure, with_hull_energies
from alphacrystal.config import PredictConfig
from alphacrystal.errors import InputError
from alphacrystal.generate import Candidate
from alphacrystal.rank import EnergyMeasure, rank_candidates, read_hull_reference
from alphacrystal.relax import Relaxation, RelaxationStatus, RelaxSettings

OnResult = Callable[[int, Relaxation], None]

#: Total energies in eV of made-up phases.
PHASES = {"Mg": -1.5, "O2": -9.8, "MgO": -12.6, "Ti": -7.8, "TiO2": -26.4, "Ti2O3": -44.0, "Mg2TiO4": -51.9}


def entries(path: Path, phases: dict[str, float] = PHASES) -> Path:
    own = [ComputedEntry(formula, energy, entry_id=f"id-{formula}") for formula, energy in phases.items()]
    path.write_text(json.dumps(own, cls=MontyEncoder))
    return path


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
    diagram = PhaseDiagram([PDEntry(Composition(name), energy) for name, energy in PHASES.items()])
    expected = diagram.get_form_energy_per_atom(
        PDEntry(Composition(formula), diagram.get_hull_energy(Composition(formula)))
    )
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
    own = [ComputedStructureEntry(salt(4.25, ("Mg", "O")), -50.0, entry_id="mp-1265")]
    file.write_text(json.dumps(own, cls=MontyEncoder))
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
        (json.dumps([ComputedEntry("MgO", -12.0)], cls=MontyEncoder), "holds no entry of the element Mg"),
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
    measure = EnergyMeasure(potential, references={"Mg": -1.5, "O": -4.9}, hull=reference)
    end = Relaxation(crystal, RelaxationStatus.CONVERGED, "", -6.3, 0.0, 0.0, 1, 0.1)
    (row,) = rank_candidates(
        [Candidate(crystal, "test", None)], {0: end}, relaxed=True, top=5, measure=measure
    )
    hull = (-12.6 + 1.5 + 4.9) / 2
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
    measure = EnergyMeasure(potential, pressure, references={"Mg": -1.5, "O": -4.9}, hull=hull)
    config = PredictConfig(potential=potential, pressure=pressure)
    measure_filled = with_hull_energies(
        measure, config, Answers({"MgO": -6.3, "Mg": -1.5}), lambda done, total: None
    )
    assert measure_filled is not None
    point = measure_filled.hull_point(salt(4.25, ("Mg", "O")))
    assert point is not None
    assert point.energy == pytest.approx(-6.3 + correction, abs=1e-4)
    above = measure_filled.above_hull(point, salt(4.3, ("Mg", "O")), -6.2)
    assert above == pytest.approx(0.1, abs=1e-6)
    # The elements that the phases lack come from the table of the potential, but not under pressure.
    oxygen = measure_filled.hull.at({"O": 1}) if measure_filled.hull else None
    assert (oxygen is None) == (pressure != 0)
    if oxygen is not None:
        assert oxygen.energy == -4.9
    magnesium = measure_filled.hull.at({"Mg": 1}) if measure_filled.hull else None
    assert magnesium is not None
    assert [product.id for product in magnesium.products] == ["Mg"]


def test_phases_that_could_not_be_relaxed_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "built.jsonl"
    file.write_text("\n".join([record("Mg", None), record("MgO", None)]) + "\n")
    measure = EnergyMeasure("chgnet", hull=read_hull_reference(file, ["Mg", "O"]))
    filled = with_hull_energies(measure, PredictConfig(), Answers({"Mg": -1.5}), lambda done, total: None)
    assert filled is not None
    assert filled.remarks() == ["1 phases of built.jsonl could not be relaxed: the hull lacks them."]


@pytest.mark.parametrize("given", ["hull", "references"])
def test_energies_are_not_asked_for_without_relaxation(tmp_path: Path, given: str) -> None:
    config = PredictConfig.model_validate({"relax": False, given: tmp_path / "file.json"})
    with pytest.raises(InputError, match="Without relaxation there are no energies"):
        energy_measure(["Mg"], config)
    assert energy_measure(["Mg"], PredictConfig(relax=False)) is None


def test_reader_is_told_whose_formation_energies_the_hull_holds(tmp_path: Path) -> None:
    reference = read_hull_reference(entries(tmp_path / "mp.json"), ["Mg", "O"])
    (remark,) = EnergyMeasure("chgnet-r2scan", hull=reference).remarks()
    assert "formation energies of chgnet-r2scan beside those stored in mp.json" in remark
