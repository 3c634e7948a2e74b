"""Settings: limits, one sentence for each mistake, and the TOML file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphacrystal.config import PredictConfig, check_unchanged, make_config, read_config_file
from alphacrystal.errors import InputError


def test_defaults_are_the_documented_ones() -> None:
    config = make_config()
    assert (config.top, config.candidates, config.max_atoms, config.relax) == (20, 50, 80, True)
    assert (config.potential, config.pressure, config.seed) == ("chgnet", 0.0, 0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"space_group": 0}, "space group 0 does not exist"),
        ({"space_group": 231}, "space group 231 does not exist"),
        ({"units": (0, 1)}, "positive whole numbers"),
        ({"generators": ()}, "no generator given"),
        ({"lattice": (4, 4, 0, 90, 90, 90)}, "lengths between 0 and 200"),
        ({"lattice": (4, 4, 4, 10, 20, 170)}, "do not close to a cell"),
        ({"lattice": (4, 4, 4, 90, 90)}, "lattice"),
        ({"max_atoms": 81}, "less than or equal to 80 .got 81"),
        ({"pressure": math.nan}, "pressure"),
        ({"fmax": math.inf}, "fmax"),
        ({"top": "many"}, "Setting top: .*got 'many'"),
        ({"colour": "red"}, "There is no setting colour: choose from top, candidates"),
    ],
)
def test_value_out_of_range_is_named_in_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        make_config(**values)
    assert "\n" not in str(caught.value)


@given(
    st.builds(
        dict,
        top=st.integers(1, 1000),
        seed=st.integers(0, 2**31 - 1),
        units=st.lists(st.integers(1, 20), max_size=4).map(tuple),
        pressure=st.floats(-50, 1000),
        space_group=st.none() | st.integers(1, 230),
    )
)
def test_settings_survive_json(values: dict[str, Any]) -> None:
    config = make_config(**values)
    assert make_config(**config.model_dump(mode="json")) == config


def test_formula_units_are_sorted_and_unique_and_settings_cannot_be_changed() -> None:
    config = make_config(z=(4, 1, 4))
    assert config.z == (1, 4)
    with pytest.raises(ValidationError):
        config.top = 3  # type: ignore[misc]


def test_changed_settings_are_listed_with_what_they_were() -> None:
    before = PredictConfig(seed=1, z=(1, 2))
    check_unchanged(before, PredictConfig(seed=1, z=(2, 1)), Path("run"))
    with pytest.raises(InputError, match=r"started with z = 1,2, space_group = none, .* leave out"):
        check_unchanged(before, PredictConfig(seed=1, space_group=3), Path("run"))


def test_file_of_settings_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('potential = "chgnet-r2scan"\nlattice = [4, 4, 6, 90, 90, 90]\n')
    assert make_config(**read_config_file(path)).lattice == (4, 4, 6, 90, 90, 90)


@pytest.mark.parametrize("values", [{"a\nb": 1}, {"generators": ["x\n" * 3000]}, {"potential\x1b[2J": 1}])
def test_refusal_of_a_setting_is_one_short_line(values: dict[str, object]) -> None:
    with pytest.raises(InputError) as error:
        make_config(**values)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def test_old_names_of_settings_are_read() -> None:
    old = make_config(units=(1, 2), evaluations=5, trials=7, similarity="substitution", faithful=True)
    assert old == make_config(
        z=(1, 2),
        max_energy_calls=5,
        max_proposals=7,
        template_similarity="substitution",
        gnoa_original_encoding=True,
    )
    with pytest.raises(InputError, match="units is the old name of z: give one of them"):
        make_config(units=(1,), z=(1,))
