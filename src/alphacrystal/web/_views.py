"""The answers of the API: the shapes of its JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from alphacrystal.disorder import Disorder
from alphacrystal.exploration import HullRow
from alphacrystal.report import CellProbability, SummaryRow
from alphacrystal.web._compare import Match
from alphacrystal.web._exploration import ExplorationLine
from alphacrystal.web._job import JobStatus
from alphacrystal.web._progress import Stage
from alphacrystal.web._series import Series
from alphacrystal.web._settings import Limits
from alphacrystal.web._tasks import AnyRequest, Task

FigureName = Literal["hull", "potentials", "pressures"]


class Refusal(BaseModel):
    """Why the answer is no, in one sentence."""

    detail: str


class ServerView(BaseModel):
    """The state of the server.

    Attributes:
        version: Of AlphaCrystal.
        limits: Its limits.
        disk_used_mb: Size of the folder of runs in MB.
        running: Jobs at work.
        waiting: Jobs in the queue.
    """

    version: str
    limits: Limits
    disk_used_mb: float
    running: int
    waiting: int


class JobView(BaseModel):
    """A job.

    Attributes:
        id: Its name, and that of its run.
        task: prediction or exploration.
        formula: Reduced formula; of an exploration, the chemical system; "" where its state file is damaged.
        request: The prediction or exploration to run, null where its state file is damaged.
        status: waiting, running, ending (interrupted), done, cancelled, stopped (by a limit), failed, or
            damaged (its state file cannot be read).
        reason: One sentence if it did not succeed, else "".
        created: Time of the request; of a damaged state file, its last change.
        ended: When it ended, null before.
        seconds: Running time in s.
        ahead: Jobs that come before it, 0 unless it waits.
        stages: Its progress.
        seconds_left: Estimated running time that is left in s, null where it is not known.
        has_result: Whether its run (of several pressures: its series; of a chemical system: its exploration)
            can be opened; that of a cancelled job contains the finished part.
        exploration: Its state after the last round, null for predictions and before the first round.
    """

    id: str
    task: Task
    formula: str
    request: AnyRequest | None
    status: JobStatus
    reason: str
    created: datetime
    ended: datetime | None
    seconds: float
    ahead: int
    stages: list[Stage]
    seconds_left: float | None
    has_result: bool
    exploration: ExplorationLine | None


class RunLine(BaseModel):
    """A run in the list of runs.

    Attributes:
        id: Its name.
        formula: Reduced formula, "" where the run is damaged.
        complete: False where it was interrupted.
        structures: Structures in its list.
        written: When its result was written.
        best: The first structure of its list, null without one.
        problem: One sentence where it cannot be read, else "".
        removable: Whether this server created it, so that it can be deleted here.
        pressure_gpa: Pressure in GPa.
        series: Id of the series of pressures that it belongs to, "" if it does not.
    """

    id: str
    formula: str
    complete: bool
    structures: int
    written: datetime
    best: SummaryRow | None
    problem: str
    removable: bool
    pressure_gpa: float
    series: str


class RunPage(BaseModel):
    """A part of the list of runs, latest first.

    Attributes:
        total: Runs in the folder.
        runs: Those of this part.
    """

    total: int
    runs: list[RunLine]


class RunView(BaseModel):
    """A run with its ranked list.

    Attributes:
        id: Its name.
        formula: Reduced formula.
        formula_text: The formula as it was typed.
        complete: False where it was interrupted.
        notes: Sentences about the result.
        cells: Contents of the primitive cell with their probabilities.
        potential: Name and version of the potential, null without relaxation.
        seed: Seed of the run.
        candidates: Number of candidates.
        timings_s: Wall seconds by stage.
        structures: The ranked list.
        pressure_gpa: Pressure in GPa.
        series: Id of the series of pressures that it belongs to, "" if it does not.
        has_report: Whether its report page is written.
        disorder: Disordered crystals whose ordered approximants are among the candidates.
    """

    id: str
    formula: str
    formula_text: str
    complete: bool
    notes: list[str]
    cells: list[CellProbability]
    potential: str | None
    seed: int
    candidates: int
    timings_s: dict[str, float]
    structures: list[SummaryRow]
    pressure_gpa: float
    series: str
    has_report: bool
    disorder: list[Disorder]


class SeriesView(Series):
    """A series of pressures.

    Attributes:
        removable: Whether this server created it, so that it can be deleted here.
    """

    removable: bool


class RemovableExploration(ExplorationLine):
    """An exploration in the list.

    Attributes:
        removable: Whether this server created it and it is over, so that it can be deleted here.
    """

    removable: bool


class ExplorationPage(BaseModel):
    """A part of the list of explorations, the one written last first.

    Attributes:
        total: Explorations in the folder.
        explorations: Those of this part.
    """

    total: int
    explorations: list[RemovableExploration]


class ExplorationView(RemovableExploration):
    """An exploration with its hull at one pressure.

    Attributes:
        pressure_gpa: Pressure of this hull in GPa.
        considered: Formulas of the system.
        potential: Name of the potential, "" before the end of the first round.
        failures: Number of formulas that failed.
        phases: The first rows of `hull.csv`: the phases on the hull, then those nearest to it.
        more: Number of rows that `phases` leaves out.
        has_page: Whether the page of this hull is written.
        figures: Figures of this hull: hull, potentials (chemical potentials), pressures.
    """

    pressure_gpa: float
    considered: int
    potential: str
    failures: int
    phases: list[HullRow]
    more: int
    has_page: bool
    figures: list[FigureName]


class ComparisonView(BaseModel):
    """Two runs side by side.

    Attributes:
        left: One run.
        right: The other.
        matches: Which structures are the same crystal.
        compared: Structures of each list that were matched, from its head.
        undecided: Pairs that were not compared within the time limit.
    """

    left: RunView
    right: RunView
    matches: list[Match]
    compared: int
    undecided: int


class Computing(BaseModel):
    """The result is being computed: send the same request again, after half a second, to get it."""

    status: Literal["computing"] = "computing"


class TokenInput(BaseModel):
    """The token of a visitor."""

    token: str = Field(min_length=1, max_length=500)
