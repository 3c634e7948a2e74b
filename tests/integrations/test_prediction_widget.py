"""The form for predictions in a real Jupyter kernel, where the extra notebook, nbclient and ipykernel are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.errors import InputError

CELLS = (
    """
import json
from alphacrystal.integrations.prediction_widget import PredictionWidget
form = PredictionWidget("NaCl", candidates=2, z=(1,), relax=False)
form
""",
    "form.start(); prediction = form.wait(); print(prediction.ranked[0].space_group_number)",
    # The widgets as the page in the browser has them.
    """
def texts(widget):
    own = [str(getattr(widget, name, "")) for name in ("value", "description", "options", "outputs")]
    return own + [text for child in getattr(widget, "children", ()) for text in texts(child)]

print(json.dumps(texts(form.widget)))
""",
    """
form.formula = "NaXx"
form.start()
print(form.wait(), form.message)
""",
    # The button Stop: the first step of the next prediction raises the interrupt.
    """
form.formula = "NaCl"
form.start()
form.stop()
print(form.wait(), form.message)
""",
)


@pytest.mark.filterwarnings("ignore")  # of the Jupyter packages
def test_form_predicts_in_a_kernel(tmp_path: Path) -> None:
    client = pytest.importorskip("nbclient", reason="needs nbclient")
    notebook = pytest.importorskip("nbformat", reason="needs nbclient").v4
    for package in ("ipykernel", "ipywidgets", "py3Dmol"):
        pytest.importorskip(package, reason="needs the extra notebook and ipykernel")
    pages = notebook.new_notebook(cells=[notebook.new_code_cell(cell) for cell in CELLS])
    resources = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(pages, kernel_name="python3", timeout=300, resources=resources).execute()
    shown, predicted, content, refused, stopped = (cell.outputs for cell in pages.cells)
    assert "application/vnd.jupyter.widget-view+json" in shown[0].data
    assert "225" in predicted[-1].text.split()
    texts = " ".join(json.loads(content[0].text))
    assert "generate" in texts  # a bar
    assert "Fm-3m (225)" in texts  # the list
    assert "1: NaCl, Fm-3m" in texts  # the choice of structures
    assert "$3Dmol" in texts  # the 3D view
    assert "unknown element &#x27;Xx&#x27;" in refused[-1].text
    assert stopped[-1].text.strip() == "None Stopped: there is no structure yet."


def test_form_without_ipywidgets_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from alphacrystal.integrations.prediction_widget import PredictionWidget

    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(InputError, match=r"pip install 'alphacrystal\[notebook\]'"):
        PredictionWidget()


def test_form_needs_no_kernel_to_be_built() -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra notebook")
    from alphacrystal.integrations.prediction_widget import PredictionWidget

    form: Any = PredictionWidget("TiO2")
    assert (form.formula, form.prediction, form.folder) == ("TiO2", None, None)
    assert form.wait() is None
