"""Every way people write a formula gives the same counts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from alphacrystal.composition import element_table, parse_formula

SYMBOLS = [symbol for symbol in element_table().symbols if symbol]
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FULL_WIDTH = str.maketrans(
    {chr(c): chr(c + 0xFEE0) for c in range(ord("0"), ord("z") + 1) if chr(c).isalnum()}
)

symbols = st.sampled_from(SYMBOLS)
counts = st.dictionaries(symbols, st.integers(1, 60), min_size=1, max_size=5)


def written(amounts: dict[str, int]) -> str:
    """Symbols and counts in the order of the dictionary, ones left out."""
    return "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in amounts.items())


@st.composite
def bracketed(draw: st.DrawFn, depth: int = 3) -> tuple[str, dict[str, int]]:
    """A formula with nested brackets, and the counts that it stands for."""
    text, total = "", dict[str, int]()
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            inner_text, inner = draw(bracketed(depth - 1))
            opening, closing = draw(st.sampled_from(["()", "[]", "{}"]))
            piece = f"{opening}{inner_text}{closing}"
        else:
            piece = draw(symbols)
            inner = {piece: 1}
        count = draw(st.integers(1, 4))
        text += piece + (str(count) if count > 1 or draw(st.booleans()) else "")
        for symbol, number in inner.items():
            total[symbol] = total.get(symbol, 0) + number * count
    return text, total


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Zr4Al3", {"Zr": 4, "Al": 3}),
        ("LiFe2(ClO)2", {"Li": 1, "Fe": 2, "Cl": 2, "O": 2}),
        ("Zn(CuN)2", {"Zn": 1, "Cu": 2, "N": 2}),
        ("K4[Fe(CN)6]", {"K": 4, "Fe": 1, "C": 6, "N": 6}),
        ("{TiO2}", {"Ti": 1, "O": 2}),
        ("TiO₂", {"Ti": 1, "O": 2}),
        ("Al²O³", {"Al": 2, "O": 3}),
        ("Ｔｉ Ｏ２", {"Ti": 1, "O": 2}),
        ("𝐓𝐢𝐎𝟐", {"Ti": 1, "O": 2}),
        ("Sr Ti O3", {"Sr": 1, "Ti": 1, "O": 3}),
        (" Fe 2\u00a0O 3\n", {"Fe": 2, "O": 3}),
        ("Ti\u200bO2\ufeff", {"Ti": 1, "O": 2}),
        ("TiO_2", {"Ti": 1, "O": 2}),
        ("Fe_{2}O_3", {"Fe": 2, "O": 3}),
        ("$\\mathrm{Fe_2O_3}$", {"Fe": 2, "O": 3}),
        ("Fe$_{2}$O$_{3}$", {"Fe": 2, "O": 3}),
        ("\\ce{Ca(OH)2}", {"Ca": 1, "O": 2, "H": 2}),
        ("TiO<sub>2</sub>", {"Ti": 1, "O": 2}),
        ("HCOOH", {"C": 1, "H": 2, "O": 2}),
        ("Ar", {"Ar": 1}),
    ],
)
def test_common_spellings_are_understood(text: str, counts: dict[str, int]) -> None:
    assert parse_formula(text).counts == counts


@pytest.mark.parametrize(
    "text",
    [
        "CaSO4·2H2O",
        "CaSO4.2H2O",
        "CaSO4•2H2O",
        "CaSO4*2H2O",
        "CaSO4 · 2 H2O",
        "CaSO4 . 2 H2O",
        "CaSO4.2(H2O)",
        "CaSO_4\\cdot 2H_2O",
        "CaSO4.H2O.H2O",
        "CaSO4(H2O)2",
    ],
)
def test_hydrates_are_understood_with_any_dot(text: str) -> None:
    assert parse_formula(text).counts == {"Ca": 1, "S": 1, "O": 6, "H": 4}


def test_hydrate_numbers_may_be_fractions() -> None:
    half = {"Ca": 2, "S": 2, "O": 9, "H": 2}
    for text in ("CaSO4·0.5H2O", "CaSO4.0.5H2O", "CaSO4·1/2H2O", "CaSO4·½H2O"):
        assert parse_formula(text).counts == half


def test_point_before_digits_is_a_decimal_point_unless_water_ends_the_formula() -> None:
    assert parse_formula("Al2O3.2SiO2").counts == {"Al": 10, "Si": 5, "O": 26}  # O3.2 + Si + O2
    assert parse_formula("Al2O3·2SiO2").counts == {"Al": 2, "Si": 2, "O": 7}
    assert parse_formula("MgSO4.7H2O").notes[0] == "MgSO4.7H2O was read as the hydrate MgSO4·7H2O"
    assert parse_formula("MgSO4·7H2O").notes == ()
    assert parse_formula("W0.5H2O").counts == {"W": 1, "H": 4, "O": 2}


@given(bracketed())
def test_brackets_expand_as_in_pymatgen(formula: tuple[str, dict[str, int]]) -> None:
    text, expected = formula
    parsed = parse_formula(text)
    fractions = Composition(expected).fractional_composition
    assert Composition(dict(parsed.counts)).fractional_composition.almost_equals(fractions)
    assert Composition(text) == Composition(expected)
    scale = Fraction(sum(expected.values()), parsed.num_atoms)
    assert {symbol: count * scale for symbol, count in parsed.counts.items()} == expected


@given(counts, st.randoms(use_true_random=False))
def test_order_of_the_elements_does_not_matter(amounts: dict[str, int], random: object) -> None:
    shuffled = list(amounts.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert parse_formula(written(dict(shuffled))) == parse_formula(written(amounts))
    assert parse_formula(written(dict(shuffled))).elements == parse_formula(written(amounts)).elements


@given(counts)
def test_spaces_subscripts_and_markup_do_not_matter(amounts: dict[str, int]) -> None:
    plain = written(amounts)
    spellings = [
        " ".join(written({symbol: count}) for symbol, count in amounts.items()),
        plain.translate(SUBSCRIPTS),
        plain.translate(FULL_WIDTH),
        "".join(f"{symbol}_{{{count}}}" for symbol, count in amounts.items()),
        "".join(f"{symbol}<sub>{count}</sub>" for symbol, count in amounts.items()),
        "·".join(f"{count}{symbol}" for symbol, count in amounts.items()),
        "".join(f"{symbol} {count}.0 " for symbol, count in amounts.items()),
    ]
    assert {parse_formula(spelling) for spelling in spellings} == {parse_formula(plain)}


@given(counts, st.integers(1, 16))
def test_multiples_of_a_formula_are_the_same_formula(amounts: dict[str, int], factor: int) -> None:
    scaled = {symbol: count * factor for symbol, count in amounts.items()}
    assert parse_formula(written(scaled)) == parse_formula(written(amounts))


@given(
    st.dictionaries(symbols, st.integers(1, 40), min_size=2, max_size=4),
    st.sampled_from([2, 4, 5, 8, 10, 20]),
)
def test_decimals_are_read_exactly(amounts: dict[str, int], divisor: int) -> None:
    text = "".join(f"{symbol}{count / divisor:g}" for symbol, count in amounts.items())
    assert parse_formula(text) == parse_formula(written(amounts))


@given(counts)
def test_name_is_the_one_pymatgen_gives_and_reads_back(amounts: dict[str, int]) -> None:
    parsed = parse_formula(written(amounts))
    if len(amounts) > 1 and not {"He", "Ne", "Ar"} & set(amounts):
        assert parsed.reduced_formula == Composition(amounts).reduced_formula
    assert parse_formula(parsed.reduced_formula) == parsed
