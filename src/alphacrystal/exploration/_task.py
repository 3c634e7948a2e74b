"""The task function of an exploration: a campaign's prediction with the settings of its level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alphacrystal.scale import CampaignTask, PredictTask, TaskOutcome

RUNS_FOLDER = "runs"


def run_folder(level: str, pressure_gpa: float, formula: str) -> str:
    """Run folder of a formula relative to the folder of the exploration."""
    return f"{RUNS_FOLDER}/{setting_name(level, pressure_gpa)}/{formula}"


def setting_name(level: str, pressure_gpa: float) -> str:
    """Name of the settings of a level at a pressure, e.g. "quick" or "quick-20GPa"."""
    return level if pressure_gpa == 0 else f"{level}-{pressure_gpa:g}GPa"


@dataclass(frozen=True, slots=True)
class ExploreTask:
    """Predicts the formula of a task; the second part of its folder names the settings.

    Attributes:
        folder: Folder of the exploration, at the same path for all workers.
        settings: Settings of the predictions as plain values, by name.
    """

    folder: str
    settings: Mapping[str, dict[str, object]]

    def __call__(self, task: CampaignTask) -> TaskOutcome:
        """Predict; an error becomes the failure of the outcome."""
        _, name, _ = task.folder.split("/")
        return PredictTask(self.folder, self.settings[name])(task)
