"""A prediction in a real Jupyter kernel, where nbclient and ipykernel are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CELLS = (
    "import alphacrystal",
    "prediction = alphacrystal.predict('Zr4Al3', candidates=3, max_atoms=7, relax=False)",
    "prediction",
    "prediction.view(1, supercell=(2, 1, 1))",
    "print(prediction)",
    "prediction.to_dataframe()",
    "[len(atoms) for atoms in prediction.to_ase()]",
)


@pytest.fixture
def notebook() -> Any:
    return pytest.importorskip("nbformat", reason="needs nbclient").v4


@pytest.mark.filterwarnings("ignore")  # of the Jupyter packages
def test_prediction_in_a_notebook(notebook: Any, tmp_path: Path) -> None:
    client = pytest.importorskip("nbclient", reason="needs nbclient")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    pytest.importorskip("py3Dmol", reason="needs the extra notebook")
    pages = notebook.new_notebook(cells=[notebook.new_code_cell(cell) for cell in CELLS])
    settings = {"kernel_name": "python3", "timeout": 300}
    client.NotebookClient(pages, resources={"metadata": {"path": str(tmp_path)}}, **settings).execute()
    _, _, shown, view, printed, frame, sizes = (cell.outputs for cell in pages.cells)
    table = shown[0].data["text/html"]
    assert "P6/mmm (191)" in table
    assert "$3Dmol" in table
    assert any("$3Dmol" in output.data.get("text/html", "") for output in view)
    assert [output.name for output in printed] == ["stdout"]
    assert "P6/mmm (191)" in printed[0].text
    assert "space_group_symbol" in frame[0].data["text/html"]
    assert sizes[0].data["text/plain"].startswith("[7")
