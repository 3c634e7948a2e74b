"""The probabilities of cell contents, and notes on contents that a run leaves out."""

import pytest

from alphacrystal.composition import parse_formula
from alphacrystal.config import make_config
from alphacrystal.pipeline.cell_contents import cell_probabilities
from alphacrystal.pipeline.preflight import Request, check_request


def request_of(formula: str, **settings: object) -> Request:
    return check_request(parse_formula(formula), make_config(relax=False, **settings))


def test_probabilities_of_all_contents_sum_up_to_one() -> None:
    cells, notes = cell_probabilities(request_of("LiFePO4"), [])
    assert [cell.z for cell in sorted(cells, key=lambda cell: cell.z)] == list(range(1, 12))
    assert sum(cell.probability for cell in cells) == pytest.approx(1, abs=1e-4)
    assert [cell.probability for cell in cells] == sorted((c.probability for c in cells), reverse=True)
    assert all(cell.atoms == 7 * cell.z for cell in cells)
    assert cells[0].cell_formula in notes[0]  # no candidate has the most probable content
    assert "raise --candidates" in notes[0]


def test_a_limit_names_the_contents_that_it_leaves_out() -> None:
    cells, notes = cell_probabilities(request_of("LiFePO4", max_atoms=14), [])
    assert len(cells) == 11  # the limit changes no probability
    olivine = next(cell for cell in cells if cell.z == 4)
    assert olivine.probability > 0.5
    note = next(note for note in notes if note.startswith("--max-atoms 14 leaves out "))
    assert f"{olivine.cell_formula} ({100 * olivine.probability:.0f} %)" in note


def test_named_cells_are_the_only_ones() -> None:
    cells, notes = cell_probabilities(request_of("LiFePO4", z=(1, 2)), [])
    assert sorted(cell.z for cell in cells) == [1, 2]
    assert not [note for note in notes if "--max-atoms" in note]
