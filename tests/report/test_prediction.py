"""A prediction shown and handed on: terminal, Jupyter, pandas, ASE."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import alphacrystal.report._crystal_view as crystal_view_module
from alphacrystal.crystal import as_structure
from alphacrystal.errors import InputError
from alphacrystal.report import SUMMARY_COLUMNS, Prediction, crystal_view

Make = Callable[..., Prediction]


def test_printed_it_is_its_list(make_prediction: Make) -> None:
    prediction = make_prediction(notes=("TiO₂ was read as TiO2",), folder=Path("runs/x"))
    text = str(prediction)
    assert "Note: TiO₂ was read as TiO2." in text
    assert "TiO2: 5 distinct structures from 6 candidates" in text
    assert len(re.findall(r"^\d ", text, flags=re.MULTILINE)) == 5
    assert re.search(r"^1 +P4_2/mnm \(136\) +Ti2O4 .* yes *$", text, flags=re.MULTILINE)
    assert re.search(r"^3 +Pbca \(61\) .* no *$", text, flags=re.MULTILINE)
    assert text.endswith("Report: runs/x/report.html")
    assert max(map(len, text.splitlines())) <= 80
    stream = StringIO()
    Console(width=80, color_system=None, file=stream).print(prediction)
    assert stream.getvalue().rstrip() == text


def test_printed_in_jupyter_it_is_its_list_too(
    make_prediction: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = str(make_prediction())
    # What rich takes for Jupyter: there a console shows its text itself instead of writing it.
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr("builtins.get_ipython", shell, raising=False)
    assert Console(file=StringIO()).is_jupyter
    assert str(make_prediction()) == text


def test_without_energies_there_are_no_energy_columns(make_prediction: Make) -> None:
    prediction = make_prediction(relaxed=False)
    assert "eV/atom" in str(make_prediction())
    assert "eV/atom" not in str(prediction)
    assert "eV/atom" not in prediction._repr_html_()


def test_repr_is_short(make_prediction: Make) -> None:
    assert repr(make_prediction()) == "Prediction(TiO2, 5 structures, folder='None')"


def test_interrupted_and_empty_predictions_say_so(make_prediction: Make) -> None:
    prediction = make_prediction(count=0, complete=False)
    for shown in (str(prediction), prediction._repr_html_()):
        assert "was interrupted" in shown
        assert "0 distinct structures" in shown
    assert prediction.to_ase() == []
    assert len(prediction.to_dataframe()) == 0


def test_html_table_is_escaped(make_prediction: Make) -> None:
    shown = make_prediction(notes=("<script>alert(1)</script>",))._repr_html_()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert shown.count("<tr>") == 6
    assert "P4₂/mnm (136)" in shown


def test_dataframe_has_the_summary_and_the_structures(make_prediction: Make) -> None:
    prediction = make_prediction()
    frame = prediction.to_dataframe()
    assert [frame.index.name, *frame.columns] == [*SUMMARY_COLUMNS, "structure"]
    assert list(frame.index) == [1, 2, 3, 4, 5]
    assert frame["energy_per_atom_ev"].min() == pytest.approx(-8.9)
    assert list(frame.query("converged").index) == [1, 2, 4, 5]
    assert frame.loc[2, "structure"] is prediction.structures[1]
    empty = make_prediction(relaxed=False).to_dataframe()
    assert empty["energy_per_atom_ev"].dtype == "float64"
    assert empty["converged"].isna().all()


def test_ase_atoms_carry_their_row(make_prediction: Make) -> None:
    prediction = make_prediction()
    crystals = prediction.to_ase()
    assert [atoms.info["rank"] for atoms in crystals] == [1, 2, 3, 4, 5]
    assert crystals[0].info["space_group_number"] == 136
    assert "energy_above_hull_per_atom_ev" not in crystals[0].info
    for atoms, structure in zip(crystals, prediction.structures, strict=True):
        assert as_structure(atoms).volume == pytest.approx(structure.volume)


def test_view_without_the_extra_is_a_hint(make_prediction: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crystal_view_module, "find_spec", lambda name: None)
    prediction = make_prediction()
    with pytest.raises(InputError, match=r"pip install 'alphacrystal\[notebook\]'"):
        prediction.view()
    assert "alphacrystal[notebook]" in prediction._repr_html_()


def test_view_needs_a_rank_of_the_list(make_prediction: Make) -> None:
    with pytest.raises(InputError, match="no rank 6: the list holds 5"):
        make_prediction().view(6)


def test_view_draws_cell_and_atoms_without_a_network(make_prediction: Make) -> None:
    pytest.importorskip("py3Dmol", reason="needs the extra notebook")
    prediction = make_prediction()
    rutile = prediction.structures[0]
    page = crystal_view(rutile).write_html()
    assert not re.search(r"https?://", page)
    assert page.count("addLine(") == 12
    # Two Ti at corners and in the middle, four O inside the cell at heights 0, 1/2 and 1.
    atoms = re.search(r'addModel\("(\d+)\\ncrystal\\n([^"]*)"', page)
    assert atoms is not None
    elements = [line.split()[0] for line in atoms[2].split("\\n") if line]
    assert (elements.count("Ti"), elements.count("O"), int(atoms[1])) == (9, 6, 15)
    # Two halves of each bond; six O around Ti inside, none between two Ti.
    assert page.count("addCylinder(") % 2 == 0
    assert page.count("addCylinder(") >= 2 * 6
    double = crystal_view(prediction.to_ase()[0], supercell=(1, 1, 2)).write_html()
    doubled = re.search(r'addModel\("(\d+)\\n', double)
    assert doubled is not None
    assert int(doubled[1]) == 9 + 5 + 6 + 4
    assert "3dmolviewer" in prediction._repr_html_()
