"""A form for predictions in a Jupyter notebook: progress, a stop button, the list and the structures."""

from __future__ import annotations

import html
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.integrations.notebook import UPDATE_SECONDS, remaining

if TYPE_CHECKING:
    from alphacrystal.report import Prediction, RunSummary

NEEDS_EXTRA = "PredictionWidget needs the package ipywidgets: pip install 'alphacrystal[notebook]'."
FINISHED_PART = "the list has the finished part"


class PredictionWidget:
    """A form for predictions: formula, progress, stop button, ranked list and a 3D view of each row.

    ``PredictionWidget("TiO2", candidates=20)`` as the last line of a cell shows it. The prediction runs in a
    thread, so the notebook stays usable. After a stop the list has the finished part.

    Args:
        formula: First content of the formula field.
        **settings: Arguments of ``alphacrystal.predict``.

    Attributes:
        folder: Folder of the last run, None before it.
        prediction: The last complete result, None without one.
        widget: The form as an ipywidgets container.

    Raises:
        InputError: The extra ``notebook`` is not installed.
    """

    def __init__(self, formula: str = "", **settings: Any) -> None:
        try:
            import ipywidgets
        except ImportError as error:
            raise InputError(NEEDS_EXTRA) from error
        self.folder: Path | None = None
        self.prediction: Prediction | None = None
        self._settings = settings
        self._widgets: Any = ipywidgets
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._stages: dict[str, _Stage] = {}
        self._run: RunSummary | None = None
        self._field = ipywidgets.Text(value=formula, description="Formula", placeholder="Zr4Al3")
        self._start = ipywidgets.Button(description="Predict", button_style="primary")
        self._stop = ipywidgets.Button(description="Stop", disabled=True)
        self._message = ipywidgets.HTML()
        self._bars = ipywidgets.VBox()
        self._list = ipywidgets.HTML()
        self._view = ipywidgets.Output()
        self._start.on_click(lambda _: self.start())
        self._stop.on_click(lambda _: self.stop())
        self._form = [ipywidgets.HBox([self._field, self._start, self._stop]), self._message, self._bars]
        self.widget = ipywidgets.VBox(self._form)

    @property
    def formula(self) -> str:
        """Content of the formula field."""
        return str(self._field.value)

    @formula.setter
    def formula(self, text: str) -> None:
        self._field.value = text

    @property
    def message(self) -> str:
        """The sentence below the field, as HTML."""
        return str(self._message.value)

    def start(self) -> None:
        """Start the prediction of the formula in the field; does nothing while one runs."""
        if self._thread is not None and self._thread.is_alive():
            return
        self.folder, self.prediction, self._stages = None, None, {}
        self._stopped.clear()
        self._start.disabled, self._stop.disabled = True, False
        self._bars.children, self.widget.children = (), self._form
        self._list.value, self._view.outputs = "", ()
        self._message.value = "Loading the networks."
        self._thread = threading.Thread(target=self._predict, args=(self.formula,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the prediction at its next step; its finished part is listed."""
        self._stopped.set()
        self._stop.disabled = True
        self._message.value = "Stopping after the present step."

    def wait(self, timeout: float | None = None) -> Prediction | None:
        """Wait for the end of the prediction; returns its result, None without one.

        Args:
            timeout: Seconds, None without a limit.
        """
        if self._thread is not None:
            self._thread.join(timeout)
        return self.prediction

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def _predict(self, text: str) -> None:
        from alphacrystal.composition import parse_formula
        from alphacrystal.pipeline.predict import predict
        from alphacrystal.report import default_folder

        message = "Done."
        try:
            folder = Path(self._settings.get("folder") or default_folder(parse_formula(text).file_name))
            self.folder = folder
            arguments = {"progress": self._progress, **self._settings, "folder": folder}
            self.prediction = predict(text, **arguments)
        except AlphaCrystalError as error:
            message = f"<b>Error: {html.escape(str(error))}</b>"
        except KeyboardInterrupt:
            message = f"Stopped: {FINISHED_PART}."
        except BaseException as error:
            message = f"<b>Error: {html.escape(repr(error))}</b>"
            raise
        finally:
            self._show_list(message)
            self._start.disabled, self._stop.disabled = False, True

    def _progress(self, stage: str, done: int, total: int) -> None:
        """Show the state of a stage.

        Raises:
            KeyboardInterrupt: The stop button was pressed.
        """
        if stage not in self._stages:
            self._stages[stage] = _Stage(self._widgets, stage)
            self._bars.children = tuple(item.box for item in self._stages.values())
            self._message.value = ""
        self._stages[stage].show(done, total)
        if self._stopped.is_set():
            self._stopped.clear()  # the finished part is ranked without a second interrupt
            raise KeyboardInterrupt

    def _show_list(self, message: str) -> None:
        from alphacrystal.report import at_pressure, html_table, read_run_folder

        try:
            self._run = run = read_run_folder(self.folder) if self.folder is not None else None
        except AlphaCrystalError:  # it ended before the first structure
            self._run = run = None
        if run is None or not run.rows:
            self._message.value = message.replace(FINISHED_PART, "there is no structure yet")
            return
        self._message.value = f"{message} Folder: {html.escape(str(self.folder))}"
        title = at_pressure(run.formula, run.pressure_gpa)
        table = html_table(title, run.rows, run.candidates, run.notes)
        self._list.value = f'<div style="white-space: normal; line-height: 1.4">{table}</div>'
        choices = [
            (f"{row.rank}: {row.cell_formula}, {row.space_group_symbol}", row.rank) for row in run.rows
        ]
        choice = self._widgets.Dropdown(description="Structure", options=choices)
        choice.observe(lambda change: self._show_structure(change["new"]), names="value")
        self.widget.children = [*self._form, self._list, choice, self._view]
        self._show_structure(run.rows[0].rank)

    def _show_structure(self, rank: int | None) -> None:
        from IPython.display import HTML

        from alphacrystal.data import read_structures
        from alphacrystal.report import crystal_view

        row = next((row for row in self._run.rows if row.rank == rank), None) if self._run else None
        if row is None or self.folder is None:
            return
        try:
            content = crystal_view(read_structures(self.folder / row.file)[0]).write_html()
        except AlphaCrystalError as error:  # py3Dmol is missing
            content = f"<p>{html.escape(str(error))}</p>"
        self._view.outputs = ()
        shown: Any = HTML  # IPython has partial types
        self._view.append_display_data(shown(content))


class _Stage:
    """A bar with the state of one stage.

    Attributes:
        box: The widget.
    """

    def __init__(self, widgets: Any, name: str) -> None:
        self._bar = widgets.IntProgress(description=name, max=1, style={"description_width": "9em"})
        self._text = widgets.Label()
        self.box = widgets.HBox([self._bar, self._text])
        self._begun = time.monotonic()
        self._updated = 0.0

    def show(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps are done; ``total`` is 0 where it is not known."""
        now = time.monotonic()
        if done != total and now - self._updated < UPDATE_SECONDS:
            return
        self._updated = now
        self._bar.max, self._bar.value = max(total, 1), done if total else 0
        left = remaining(done, total, now - self._begun)
        self._text.value = f"{done} / {total}   {left}" if total else str(done)
