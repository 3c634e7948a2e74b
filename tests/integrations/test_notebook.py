"""The notebook of the documentation, and the progress that it shows; run where IPython is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.errors import InputError

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "predict.ipynb"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What IPython displays, in order."""
    pytest.importorskip("IPython", reason="needs IPython")
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    displayed: list[Any] = []
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "display_pub", _Publisher(displayed, DisplayPublisher))
    return displayed


def _Publisher(displayed: list[Any], base: type) -> Any:  # noqa: N802 - makes an instance of a class
    class Publisher(base):  # type: ignore[misc]
        def publish(self, data: Any, *arguments: Any, **options: Any) -> None:
            displayed.append((data.get("text/html", ""), bool(options.get("update"))))

    return Publisher()


@pytest.mark.filterwarnings("ignore")  # of IPython
def test_progress_updates_one_table(shown: list[Any]) -> None:
    from alphacrystal.integrations.notebook import NotebookProgress

    progress = NotebookProgress()
    progress("generate", 0, 4)
    progress("generate", 4, 4)
    progress("relax <1>", 1, 0)
    assert [update for _, update in shown] == [False, True, True]
    last = shown[-1][0]
    assert '<progress value="4" max="4">' in last
    assert "relax &lt;1&gt;" in last


def test_progress_without_ipython_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from alphacrystal.integrations.notebook import NotebookProgress

    for name in ("IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'alphacrystal\[notebook\]'"):
        NotebookProgress()


def test_code_of_the_notebook_is_valid() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            source = "".join(line for line in cell["source"] if not line.startswith("%"))
            compile(source, cell["id"], "exec")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of IPython
def test_the_notebook_runs(shown: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("ipywidgets", "py3Dmol"):
        pytest.importorskip(package, reason="needs the extra notebook")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        source = "".join(line for line in cell["source"] if not line.startswith("%"))
        if cell["cell_type"] == "code":
            exec(compile(source, cell["id"], "exec"), names)  # noqa: S102 - a file of this repository
    assert names["rutile"].ranked[0].space_group_number == 136
    assert len(list(tmp_path.glob("runs/*/export/supplement/supplement.zip"))) == 1
    assert any("relax" in html for html, _ in shown)
