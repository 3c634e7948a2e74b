"""Space groups by number, symbol of any setting, and crystal system."""

from __future__ import annotations

import gemmi
import pytest

from alphacrystal.crystal import (
    CRYSTAL_SYSTEMS,
    allowed_groups,
    choice_name,
    group_symbol,
    has_standard_axes,
    parse_space_group,
)


def test_symbols_of_all_settings_in_the_tables_give_their_space_group() -> None:
    for entry in gemmi.spacegroup_table():
        assert parse_space_group(entry.xhm()) == entry.number, entry.xhm()


@pytest.mark.parametrize("number", range(1, 231))
def test_the_symbols_of_messages_are_read_and_have_standard_axes(number: int) -> None:
    assert parse_space_group(group_symbol(number)) == number
    assert has_standard_axes(group_symbol(number))


@pytest.mark.parametrize(
    ("text", "number"),
    [("Pm-3m", 221), ("p m -3 m", 221), ("P6_3/mmc", 194), ("Cmce", 64), (" 62 ", 62), ("Pbnm", 62)],
)
def test_spellings_of_a_symbol(text: str, number: int) -> None:
    assert parse_space_group(text) == number


@pytest.mark.parametrize("symbol", ["Pbnm", "P21/n", "I2/a", "R-3m:R"])
def test_settings_with_other_axes_are_recognised(symbol: str) -> None:
    assert not has_standard_axes(symbol)


def test_crystal_systems_share_out_all_space_groups() -> None:
    groups = [number for system in CRYSTAL_SYSTEMS for number in allowed_groups(parse_space_group(system))]
    assert groups == list(range(1, 231))
    assert choice_name("cubic") == "any cubic space group"
    assert choice_name(221) == "space group 221 (Pm-3m)"


@pytest.mark.parametrize("text", ["", "0", "231", "Pm-4m", "hexagon", "x" * 1000, "221.0", "-5"])
def test_other_texts_are_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ValueError, match="give a number from 1 to 230, a symbol such as Pm-3m"):
        parse_space_group(text)
