"""The chemistry of listed structures: what a chemist reads off, in Python and in results.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.report import Prediction, RunRecord, chemistry, write_run_folder


def listed(group: int, lattice: Lattice, elements: str, positions: list[Any]) -> Any:
    """A structure of a list, in its standard cell."""
    structure = Structure.from_spacegroup(group, lattice, elements.split(), positions)
    return SimpleNamespace(structure=structure, space_group_number=group)


RUTILE = listed(136, Lattice.tetragonal(4.594, 2.959), "Ti O", [(0, 0, 0), (0.305, 0.305, 0)])
LAYERS = listed(164, Lattice.hexagonal(3.41, 5.70), "Ti S", [(0, 0, 0), (1 / 3, 2 / 3, 0.25)])
LAVES = listed(227, Lattice.cubic(7.048), "Mg Cu", [(0,) * 3, (0.625,) * 3])
#: M. Cameron et al., American Mineralogist 58, 594 (1973).
DIOPSIDE = listed(
    15,
    Lattice.monoclinic(9.746, 8.899, 5.251, 105.63),
    "Ca Mg Si O O O",
    [
        (0, 0.3015, 0.25),
        (0, 0.9082, 0.25),
        (0.2862, 0.0933, 0.2293),
        (0.1156, 0.0873, 0.1422),
        (0.3611, 0.2500, 0.3180),
        (0.3505, 0.0176, 0.9953),
    ],
)


def test_valence_sums_of_diopside_are_near_the_oxidation_states() -> None:
    (found,) = chemistry([DIOPSIDE])
    assert found.oxidation_states == {"Ca": 2, "Mg": 2, "Si": 4, "O": -2}
    assert found.approximate_valences == ()
    for site in found.sites:
        assert site.bond_valence_sum == pytest.approx(site.oxidation_state, abs=0.3), site
    assert found.global_instability_index is not None
    assert found.global_instability_index < 0.2


def test_rutile() -> None:
    (found,) = chemistry([RUTILE])
    assert found.charge_balance == "Ti 4+, O 2−"
    assert found.global_instability_index == pytest.approx(0.1, abs=0.1)
    assert found.dimensionality == "framework"
    assert found.shortest_bonds["Ti-O"] == pytest.approx(1.948, abs=0.002)
    titanium, oxygen = found.sites
    assert (titanium.coordination_number, titanium.neighbours, titanium.shape) == (6, "O6", "octahedron")
    assert (oxygen.coordination_number, oxygen.neighbours, oxygen.position) == (3, "Ti3", "4f")
    assert titanium.bond_valence_sum == pytest.approx(4, abs=0.25)  # R0 of DFT, measured distances


@pytest.mark.parametrize(
    ("crystal", "states"),
    [
        (listed(205, Lattice.cubic(5.416), "Fe S", [(0,) * 3, (0.385,) * 3]), {"Fe": 2, "S": -1}),
        (listed(139, Lattice.tetragonal(3.81, 6.85), "Ba O", [(0,) * 3, (0, 0, 0.391)]), {"Ba": 2, "O": -1}),
        (listed(204, Lattice.cubic(9.04), "Co Sb", [(0.25,) * 3, (0, 0.335, 0.158)]), {"Co": 3, "Sb": -1}),
        (listed(225, Lattice.cubic(5.463), "Ca F", [(0,) * 3, (0.25,) * 3]), {"Ca": 2, "F": -1}),
        (
            listed(227, Lattice.cubic(8.394), "Fe Fe O", [(0,) * 3, (0.625,) * 3, (0.38,) * 3]),
            {"Fe": pytest.approx(8 / 3, abs=1e-3), "O": -2},
        ),
    ],
)
def test_oxidation_states_of_anion_groups_and_of_mixed_valence(crystal: Any, states: dict[str, Any]) -> None:
    (found,) = chemistry([crystal])
    assert found.oxidation_states == states


def test_valences_without_a_fitted_parameter_are_named_or_absent() -> None:
    rock_salt = [(0,) * 3, (0.5,) * 3]
    lutetium = listed(225, Lattice.cubic(4.76), "Lu N", rock_salt)
    pyrite = listed(205, Lattice.cubic(5.416), "Fe S", [(0,) * 3, (0.385,) * 3])
    promethium = listed(225, Lattice.cubic(5.1), "Pm N", rock_salt)
    approximate, anion_groups, absent = (chemistry([one])[0] for one in (lutetium, pyrite, promethium))
    assert approximate.approximate_valences == ("Lu-N",)
    assert approximate.sites[0].bond_valence_sum == pytest.approx(3, abs=0.3)
    assert anion_groups.approximate_valences == ("Fe-S",)
    assert absent.approximate_valences == ()
    assert absent.global_instability_index is None
    assert [site.bond_valence_sum for site in absent.sites] == [None, None]


def test_layers() -> None:
    (found,) = chemistry([LAYERS])
    assert found.dimensionality == "layers"


def test_metals_have_coordination_but_no_oxidation_states() -> None:
    (found,) = chemistry([LAVES])
    assert found.oxidation_states is None
    assert found.global_instability_index is None
    assert [site.coordination_number for site in found.sites] == [16, 12]
    assert found.sites[1].shape == "icosahedron"


def test_results_have_the_chemistry_of_each_structure(
    make_prediction: Callable[..., Prediction], run: RunRecord, tmp_path: Path
) -> None:
    prediction = make_prediction(relaxed=True, count=3)
    write_run_folder(tmp_path, prediction, run)
    structures = json.loads((tmp_path / "results.json").read_text())["structures"]
    assert [item["chemistry"]["oxidation_states"] for item in structures] == [{"Ti": 4.0, "O": -2.0}] * 3
    assert [fact.dimensionality for fact in prediction.chemistry] == ["framework"] * 3
    assert "Global instability index" in (tmp_path / "report.html").read_text()
