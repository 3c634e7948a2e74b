"""What a formula and a cell content know, and the notes that come with them."""

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.composition import formula_units_within, parse_cell, parse_formula
from alphacrystal.errors import InputError


def test_elements_stand_in_order_of_electronegativity() -> None:
    assert parse_formula("O3TiSr").elements == ("Sr", "Ti", "O")
    assert parse_formula("Al3Zr4").elements == ("Zr", "Al")


def test_equal_electronegativity_is_ordered_by_atomic_number() -> None:
    assert parse_formula("RbK").elements == ("K", "Rb")  # both 0.82
    assert parse_formula("IrPdRu").elements == ("Ru", "Pd", "Ir")  # all 2.20


def test_elements_without_electronegativity_come_first() -> None:
    assert parse_formula("CsNeAr").elements == ("Ne", "Ar", "Cs")
    assert parse_formula("XeF2").elements == ("Xe", "F")


def test_molecular_elements_are_single_atoms_with_the_plain_symbol() -> None:
    for symbol in ("H", "N", "O", "F", "Cl"):
        formula = parse_formula(f"{symbol}2")
        assert (formula.reduced_formula, formula.num_atoms) == (symbol, 1)


def test_names_follow_pymatgen() -> None:
    names = {
        "Li(ClO)2Fe2": "LiFe2(ClO)2",
        "CaTiO3": "CaTiO3",
        "O4Pb4": "PbO",
        "NaO": "Na2O2",
        "Ne": "Ne",
    }
    assert {text: parse_formula(text).reduced_formula for text in names} == names


def test_formulas_are_equal_when_their_counts_are() -> None:
    assert parse_formula("Zr8Al6") == parse_formula("Al3Zr4")
    assert len({parse_formula("Zr8Al6"), parse_formula("Al3Zr4"), parse_formula("ZrAl")}) == 2


def test_formulas_and_cells_survive_pickling() -> None:
    cell = parse_formula("Fe0.5O0.5").cell(3)
    again = pickle.loads(pickle.dumps(cell))  # noqa: S301 - our own bytes
    assert again == cell
    assert (again.formula.text, again.formula.notes) == (cell.formula.text, cell.formula.notes)


@pytest.mark.parametrize(
    ("text", "name", "notes"),
    [
        ("Zr4Al3", "Zr4Al3", ()),
        ("Fe0.5O0.5", "FeO", ("Fe0.5O0.5 was read as FeO",)),
        ("Zr8Al6", "Zr4Al3", ("Zr8Al6 was reduced to Zr4Al3; use --cell to fix the cell content",)),
        ("O2", "O", ("O2 was reduced to O; use --cell to fix the cell content",)),
        ("La0.7Sr0.3MnO3", "La7Sr3Mn10O30", ("La0.7Sr0.3MnO3 was read as La7Sr3Mn10O30",)),
        ("FeO0.999", "FeO", ("FeO0.999 was read as FeO, the nearest small whole numbers",)),
        ("NaN", "NaN", ("NaN was read as sodium and nitrogen, 1 to 1, not as a missing value",)),
    ],
)
def test_notes_explain_how_the_text_was_read(text: str, name: str, notes: tuple[str, ...]) -> None:
    formula = parse_formula(text)
    assert (formula.text, formula.cell(1).name, formula.notes) == (text, name, notes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ba0.33Sr0.67TiO3", "BaSr2Ti3O9"),
        ("Ba0.333Sr0.667TiO3", "BaSr2Ti3O9"),
        ("Na0.17Co0.83", "NaCo5"),
        ("Li0.98CoO2", "Li49Co50O100"),
        ("Ba0.35Sr0.65", "Ba7Sr13"),
        ("Fe1/3O2/3", "FeO2"),
    ],
)
def test_decimals_become_the_whole_numbers_that_were_meant(text: str, name: str) -> None:
    assert parse_formula(text).cell(1).name == name


@pytest.mark.parametrize("text", ["TiO1.99", "Fe0.00001O", "Si0.9995P0.0005"])
def test_doped_or_defective_amounts_without_small_whole_numbers_are_refused(text: str) -> None:
    with pytest.raises(
        InputError, match=r"^Formula '.*' matches no whole-number counts up to 100; write the"
    ):
        parse_formula(text)


def test_cell_content_multiplies_the_formula() -> None:
    cell = parse_formula("PbO").cell(4)
    assert (cell.name, cell.counts, cell.num_atoms, cell.formula_units) == ("Pb4O4", {"Pb": 4, "O": 4}, 8, 4)
    with pytest.raises(InputError, match="give 1 or more"):
        parse_formula("PbO").cell(0)


def test_cell_is_checked_against_the_formula() -> None:
    formula = parse_formula("PbO")
    cell = parse_cell("O4Pb4", formula)
    assert cell.formula is formula
    assert cell.formula_units == 4
    with pytest.raises(
        InputError, match=r"^Cell content 'Pb4O5' is not a multiple of PbO; write for example PbO or Pb2O2\.$"
    ):
        parse_cell("Pb4O5", formula)


def test_cell_alone_names_its_formula_without_a_requested_cell() -> None:
    cell = parse_cell("Zr8Al6")
    assert cell == parse_formula("Zr4Al3").cell(2)
    assert cell.formula.notes == ()


def test_cell_holds_whole_atoms() -> None:
    with pytest.raises(InputError, match=r"has 0\.5 atoms of Pb; a cell holds whole atoms"):
        parse_cell("Pb0.5O0.5")
    assert parse_cell("(Pb0.5O0.5)4").name == "Pb2O2"


@given(
    st.dictionaries(st.sampled_from(["Li", "Fe", "P", "O", "Cs"]), st.integers(1, 12), min_size=1),
    st.integers(1, 9),
)
def test_cell_name_reads_back(counts: dict[str, int], units: int) -> None:
    formula = parse_formula("".join(f"{symbol}{count}" for symbol, count in counts.items()))
    assert parse_cell(formula.cell(units).name, formula) == formula.cell(units)


def test_formula_units_fill_cells_up_to_the_limit() -> None:
    assert formula_units_within(parse_formula("Zr4Al3"), 20) == [1, 2]
    assert formula_units_within(parse_formula("NaCl"), 2) == [1]


def test_formula_larger_than_the_limit_names_the_option_that_raises_it() -> None:
    with pytest.raises(
        InputError, match=r"^Formula 'Zr4Al3' has 7 atoms .* limit is 5; raise it with --max-atoms 7\.$"
    ):
        formula_units_within(parse_formula("Zr4Al3"), 5)


def test_reading_a_formula_loads_no_heavy_package() -> None:
    program = (
        "import sys\n"
        "from alphacrystal.composition import parse_formula\n"
        "parse_formula('CaSO4.2H2O').cell(2).name\n"
        "print([name for name in ('numpy', 'pymatgen', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_formulas_keep_the_spelling_of_the_user() -> None:
    spellings = {
        "BiVO4": ("BiVO4", "BiVO4", "Bi2V2O8"),
        "Ba(ClO3)2": ("Ba(ClO3)2", "BaCl2O6", "Ba2Cl4O12"),
        "CaSO4.2H2O": ("CaSO4·2H2O", "CaSO6H4", "Ca2S2O12H8"),
        "Na2O2": ("Na2O2", "Na2O2", "Na2O2"),
        "O8Bi2V2": ("O4BiV", "O4BiV", "O8Bi2V2"),
        "TiO₂": ("TiO2", "TiO2", "Ti2O4"),
    }
    for text, (name, file_name, cell) in spellings.items():
        formula = parse_formula(text)
        assert (formula.name, formula.file_name, formula.cell(2).name) == (name, file_name, cell)
