"""Text that is no formula gets one clear sentence that names it and the fix, whatever it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphacrystal.composition import Formula, parse_cell, parse_formula
from alphacrystal.errors import InputError


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_formula(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Formula is empty; write one such as Zr4Al3."),
        (" \n", "Formula is empty; write one such as Zr4Al3."),
        ("\u200b", "Formula is empty; write one such as Zr4Al3."),
        ("Zr4AL3", "Formula 'Zr4AL3' has an unknown element 'A' at position 4; did you mean Zr4Al3?"),
        ("nacl", "Formula 'nacl' has an unknown element 'n' at position 1; did you mean NaCl?"),
        ("NACL", "Formula 'NACL' has an unknown element 'A' at position 2; did you mean NaCl?"),
        (
            "ca(oh)2",
            "Formula 'ca(oh)2' has an unknown element 'c' at position 1; did you mean Ca(OH)2?",
        ),
        ("sio2", "Formula 'sio2' has an unknown element 's' at position 1; did you mean SiO2 or SIO2?"),
        ("co", "Formula 'co' has an unknown element 'c' at position 1; did you mean Co or CO?"),
        ("Iron", "Formula 'Iron' has an element's name, 'Iron', at position 1; write its symbol, Fe."),
        (
            "Xx2O3",
            (
                "Formula 'Xx2O3' has an unknown element 'Xx' at position 1; "
                "the elements 1-103 (H to Lr) are supported."
            ),
        ),
        ("D2O", "Formula 'D2O' has D (deuterium) at position 1; write H, isotopes form the same crystals."),
        ("LiT", "Formula 'LiT' has T (tritium) at position 3; write H, isotopes form the same crystals."),
        (
            "RfC",
            "Formula 'RfC' has Rf (element 104) at position 1; the elements 1-103 (H to Lr) are supported.",
        ),
        ("(Fe", "Formula '(Fe' has a bracket that is never closed."),
        ("Fe(", "Formula 'Fe(' has a bracket that is never closed."),
        ("Fe)2", "Formula 'Fe)2' closes a bracket at position 3 that was never opened."),
        ("(Fe]", "Formula '(Fe]' opens with '(' at position 1 but closes with ']' at position 4."),
        ("Fe()2", "Formula 'Fe()2' has an empty bracket at position 4."),
        (
            "(" * 11 + "Fe" + ")" * 11,
            "Formula '(((((((((((Fe)))))))))))' has brackets nested more than 10 deep.",
        ),
        ("Na+", "Formula 'Na+' carries a charge at position 3; write the neutral formula, without charges."),
        (
            "Fe3+",
            "Formula 'Fe3+' carries a charge at position 4; write the neutral formula, without charges.",
        ),
        (
            "SO4^2-",
            "Formula 'SO4^2-' carries a charge at position 4; write the neutral formula, without charges.",
        ),
        (
            "SO₄²⁻",
            "Formula 'SO₄²⁻' carries a charge at position 5; write the neutral formula, without charges.",
        ),
        ("O-2", "Formula 'O-2' carries a charge at position 2; write the neutral formula, without charges."),
        ("Fe-2O3", "Formula 'Fe-2O3' has a negative count, -2, at position 3; counts are above zero."),
        ("Fe0O1", "Formula 'Fe0O1' gives Fe the count 0; leave out absent elements."),
        ("Ca(OH)0", "Formula 'Ca(OH)0' gives the bracket the count 0; leave out absent elements."),
        (
            "CaO·0H2O",
            "Formula 'CaO·0H2O' gives the part that follows the count 0; leave out absent elements.",
        ),
        ("Fe5000", "Formula 'Fe5000' gives Fe the count 5000; the limit is 1000."),
        ("((Fe100)100)O", "Formula '((Fe100)100)O' has 10000 atoms of Fe; the limit is 1000."),
        ("nan", "Formula 'nan' is a missing value; write a formula such as Zr4Al3."),
        ("-inf", "Formula '-inf' is a missing value; write a formula such as Zr4Al3."),
        ("None", "Formula 'None' is a missing value; write a formula such as Zr4Al3."),
        ("NaCl(s)", "Formula 'NaCl(s)' names a state of matter, (s); leave it out."),
        ("La2-xSrxO4", "Formula 'La2-xSrxO4' has a variable amount, 'x', at position 4; write a number."),
        ("SrxO4", "Formula 'SrxO4' has a variable amount, 'x', behind Sr; write a number."),
        ("CuO7-δ", "Formula 'CuO7-δ' has a variable amount, 'δ', at position 6; write a number."),
        (
            "Zr-Al",
            "Formula 'Zr-Al' has '-' at position 3; write one compound, not a reaction or a chemical system.",
        ),
        ("Fe0,5O0,5", "Formula 'Fe0,5O0,5' has a comma at position 4; write decimals with a point."),
        ("NaCl,MgO", "Formula 'NaCl,MgO' has a comma at position 5; give one formula at a time."),
        ("Zr4Al3!", "Formula 'Zr4Al3!' has an unexpected character '!' at position 7."),
        ("Zr4;Al3", "Formula 'Zr4;Al3' has an unexpected character ';' at position 4."),
        (
            "Zr4Al3 ok",
            "Formula 'Zr4Al3 ok' has an unknown element 'o' at position 8; did you mean Zr4Al3 OK?",
        ),
        (
            "CaO 2H2O3 4",
            (
                "Formula 'CaO 2H2O3 4' has two numbers in a row, 3 and 4; "
                "join them, or write · before the next part of a hydrate."
            ),
        ),
        ("42", "Formula '42' names no element."),
        ("NaCl·", "Formula 'NaCl·' ends with a dot."),
        ("H2O··H2O", "Formula 'H2O··H2O' has a dot at position 5 with nothing to separate."),
        ("(2.5)Fe", "Formula '(2.5)Fe' has an empty bracket at position 5."),
        ("Fe1/0", "Formula 'Fe1/0' divides by zero in 1/0."),
        ("Fe_{x}", "Formula 'Fe_{x}' has no number after '_' at position 3."),
        (
            "Zr4\x07Al3",
            r"Formula 'Zr4\x07Al3' has an unexpected character, control character U+0007, at position 4.",
        ),
        ("СO2", "Formula 'СO2' has an unexpected character, CYRILLIC CAPITAL LETTER ES, at position 1."),
        ("Fe(Ⅲ)", "Formula 'Fe(Ⅲ)' has an unexpected character, ROMAN NUMERAL THREE, at position 4."),
        (
            "¹⁸O2",
            (
                "Formula '¹⁸O2' names an isotope at position 1; write the element alone, "
                "since isotopes form the same crystal structures."
            ),
        ),
        ("Fe" * 200, f"Formula '{'Fe' * 30}'... is 400 characters long; the limit is 200."),
    ],
)
def test_refusal_names_the_input_and_the_fix(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


def test_suggestion_is_a_formula_that_can_be_read() -> None:
    for text in ("nacl", "Zr4AL3", "srtio3", "FEO", "libr", "mgal2o4"):
        meant = refusal(text).partition("did you mean ")[2].rstrip("?").split(" or ")[0]
        assert meant.lower() == text.lower()
        assert parse_formula(meant).num_atoms > 0


def test_cell_content_is_named_as_such() -> None:
    with pytest.raises(InputError, match=r"^Cell content 'Pb4O4\+' carries a charge at position 6"):
        parse_cell("Pb4O4+")


ALPHABET = "HCNOFePbZrxδ0123456789.·*+-^_/,()[]{}$\\ ₂²½\t\u200b"


@settings(max_examples=300)
@given(
    st.text(max_size=30)
    | st.text(st.sampled_from(ALPHABET), max_size=30)
    | st.text(min_size=150, max_size=250)
)
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for parse in (parse_formula, parse_cell):
        try:
            found = parse(text)
        except InputError as error:
            message = str(error)
            assert message.isprintable()
            assert message.endswith((".", "?"))
            message.encode()  # can be printed
        else:
            formula = found if isinstance(found, Formula) else found.formula
            assert all(1 <= count <= 1000 for count in formula.counts.values())
            assert all(note.isprintable() for note in formula.notes)


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=120, max_size=200))
def test_long_lower_case_text_is_refused_quickly(text: str) -> None:
    assert (
        "unknown element" in refusal(text) or "element's name" in refusal(text) or "variable" in refusal(text)
    )
