"""Values of CSPBenchMetrics itself (revision c5f7c38, with matminer 0.9.2, Open3D 0.20 and point-cloud-utils
0.34), to the four digits it prints, and what the invariant forms say of the same pairs."""

from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.evaluation import METRICS, ComparedCrystal, MetricValue, compare, compare_many


def cubic(a: float, atoms: list[tuple[str, float, float, float]]) -> Structure:
    return Structure(Lattice.cubic(a), [atom[0] for atom in atoms], [atom[1:] for atom in atoms])


SR_TI_O3 = [
    ("Sr", 0, 0, 0),
    ("Ti", 0.5, 0.5, 0.5),
    ("O", 0.5, 0, 0.5),
    ("O", 0.5, 0.5, 0),
    ("O", 0, 0.5, 0.5),
]
SC_AL = cubic(3.3703, [("Sc", 0, 0, 0), ("Al", 0.5, 0.5, 0.5)])
ROCK_SALT = cubic(
    5.64,
    [
        *[("Na", *site) for site in [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]],
        *[("Cl", *site) for site in [(0.5, 0.5, 0.5), (0, 0, 0.5), (0, 0.5, 0), (0.5, 0, 0)]],
    ],
)
ROCK_SALT_PRIMITIVE = Structure(
    Lattice.from_parameters(3.98808225, 3.98808225, 3.98808225, 60, 60, 60),
    ["Cl", "Na"],
    [[0.5] * 3, [0] * 3],
)
CE3_PM = [("Ce", 0, 0.5, 0.5), ("Ce", 0.5, 0, 0.5), ("Ce", 0.5, 0.5, 0), ("Pm", 0, 0, 0)]

PAIRS = {
    "SrTiO3, origin moved by half a diagonal": (
        cubic(3.94513, SR_TI_O3),
        cubic(3.94513, [(e, *((c + 0.5) % 1 for c in site)) for e, *site in SR_TI_O3]),
        {
            "sinkhorn_dist": 6.3404,
            "chamfer_dist": 2.3671,
            "hausdorff_dist": 1.9726,
            "superpose_rmsd": 1.3666,
            "superpose_old": 1.4994,
            "wyckoff_rmse": 0.5,
            "wyckoff_mae": 0.5,
            "rms_dist": 0,
            "edit_graph_distance": 0,
            "fingerprint": 0,
            "ofm_dist": 0,
        },
    ),
    "ScAl, origin moved": (
        SC_AL,
        cubic(3.3703, [("Sc", 0.58, 0.09, 0.43), ("Al", 0.08, 0.59, 0.93)]),
        {
            "sinkhorn_dist": 4.3299,
            "chamfer_dist": 3.6778,
            "hausdorff_dist": 2.4522,
            "superpose_rmsd": 1.4594,
            "superpose_old": 0,
            "wyckoff_rmse": 0.3870,
            "wyckoff_mae": 0.34,
        },
    ),
    "rock salt, conventional and primitive": (
        ROCK_SALT,
        ROCK_SALT_PRIMITIVE,
        {
            "sinkhorn_dist": 4.7098,
            "chamfer_dist": 3.2622,
            "hausdorff_dist": 3.9881,
            "superpose_rmsd": 2.4177,
            "superpose_old": None,
            "wyckoff_rmse": None,
            "wyckoff_mae": None,
            "rms_dist": 0,
            "edit_graph_distance": 6,
        },
    ),
    "rock salt, primitive and conventional": (
        ROCK_SALT_PRIMITIVE,
        ROCK_SALT,
        {"sinkhorn_dist": 21.0658, "superpose_rmsd": 0, "edit_graph_distance": 6},
    ),
    "Ce3Pm, another atom is Pm": (
        cubic(4.8339, CE3_PM),
        cubic(4.8339, [("Ce", 0, 0.5, 0.5), ("Pm", 0.5, 0, 0.5), ("Ce", 0.5, 0.5, 0), ("Ce", 0, 0, 0)]),
        {"superpose_rmsd": 0, "sinkhorn_dist": 0, "wyckoff_rmse": 0.3536, "wyckoff_mae": 0.25, "rms_dist": 0},
    ),
}
DIFFERENT = {
    "rock salt and caesium chloride": (
        ROCK_SALT_PRIMITIVE,
        cubic(3.4, [("Na", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)]),
        {
            "sinkhorn_dist": 2.3672,
            "superpose_rmsd": 0.9699,
            "superpose_old": 0,
            "rms_dist": None,
            "rms_anonymous": None,
            "fingerprint": 3.0989,
            "ofm_dist": 0.4885,
            "xrd_dist": 3.5072,
            "edit_graph_distance": 0,
        },
    ),
    "ScAl, 0.16 % larger": (
        SC_AL,
        cubic(3.3756, [("Sc", 0, 0, 0), ("Al", 0.5, 0.5, 0.5)]),
        {"sinkhorn_dist": 0.0046, "superpose_rmsd": 0.0023, "superpose_old": 0, "ofm_dist": 0.0043},
    ),
}
Found = dict[str, dict[str, MetricValue]]


@pytest.fixture(scope="module")
def found() -> Found:
    """All metrics but energies of all pairs, computed at once."""
    pairs = PAIRS | DIFFERENT
    names = [name for name in METRICS if not name.startswith("energy")]
    values = compare_many([(predicted, target) for target, predicted, _ in pairs.values()], names)
    return dict(zip(pairs, values, strict=True))


@pytest.mark.parametrize("name", [*PAIRS, *DIFFERENT])
def test_values_are_those_of_cspbenchmetrics(found: Found, name: str) -> None:
    expected = (PAIRS | DIFFERENT)[name][2]
    assert {key: found[name][key].value for key in expected} == {
        key: None if value is None else pytest.approx(value, abs=5.1e-5) for key, value in expected.items()
    }
    for key, value in expected.items():
        reason = found[name][key].reason
        assert (reason or "").startswith("not comparable, because ") == (value is None)


@pytest.mark.parametrize("name", list(PAIRS))
def test_invariant_forms_see_that_it_is_one_crystal(found: Found, name: str) -> None:
    for key, measured in found[name].items():
        if METRICS[key].invariant == key:
            ideal = 1 if METRICS[key].larger_is_better else 0
            assert measured.value == pytest.approx(ideal, abs=1e-5), key


RUTILE = """data_TiO2
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_Int_Tables_number 136
loop_
 _symmetry_equiv_pos_as_xyz
  'x, y, z'
  '-x, -y, -z'
  '-y+1/2, x+1/2, z+1/2'
  'y+1/2, -x+1/2, -z+1/2'
  '-x, -y, z'
  'x, y, -z'
  'y+1/2, -x+1/2, z+1/2'
  '-y+1/2, x+1/2, -z+1/2'
  'x+1/2, -y+1/2, -z+1/2'
  '-x+1/2, y+1/2, z+1/2'
  '-y, -x, -z'
  'y, x, z'
  '-x+1/2, y+1/2, -z+1/2'
  'x+1/2, -y+1/2, z+1/2'
  'y, x, -z'
  '-y, -x, z'
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_symmetry_multiplicity
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Ti Ti0 2 0.0 0.0 0.0 1
  O O1 4 {x} {y} 0.5 1
"""


def test_wyckoff_errors_compare_the_independent_atoms_of_the_files(tmp_path: Path) -> None:
    """Two rutiles as symmetrised CIFs: the values of CSPBenchMetrics, over two rows and not six atoms."""
    target, predicted = tmp_path / "target.cif", tmp_path / "predicted.cif"
    target.write_text(RUTILE.format(a=4.594, c=2.959, x=0.1947, y=0.8053))
    predicted.write_text(RUTILE.format(a=4.7, c=3.05, x=0.21, y=0.79))
    expected = {
        "wyckoff_rmse": 0.0088,
        "wyckoff_mae": 0.0051,
        "rms_dist": 0.0371,
        "rms_anonymous": 0.0371,
        "sinkhorn_dist": 0.5575,
        "chamfer_dist": 0.1858,
        "hausdorff_dist": 0.2058,
        "superpose_rmsd": 0.0897,
        "superpose_old": 0.0811,
        "fingerprint": 0.3464,
        "ofm_dist": 0.2050,
        "xrd_dist": 2.2037,
    }
    found = compare(ComparedCrystal.read(predicted), ComparedCrystal.read(target), list(expected))
    assert {key: found[key].value for key in expected} == {
        key: pytest.approx(value, abs=5.1e-5) for key, value in expected.items()
    }
