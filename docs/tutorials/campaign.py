"""Run a campaign: many formulas, stopped and resumed, without repeated work."""

from pathlib import Path

import pandas as pd

from alphacrystal.config import PredictConfig
from alphacrystal.scale import (
    CampaignPlan,
    LocalExecutor,
    PredictTask,
    begin_campaign,
    run_campaign,
)

# One line for each formula; cell and space_group may be empty. The second is wrong.
formulas = Path("formulas.csv")
formulas.write_text(
    "formula,cell,space_group\nNaCl,,\nNaXx,,\nMgO,Mg1O1,225\nClNa,,\nKBr,,\n"
)

# The settings of each formula. With relaxation it takes minutes instead of seconds.
settings = PredictConfig(relax=False, candidates=5, workers=1)
folder = Path("study")
begin_campaign(formulas, folder, CampaignPlan(settings, page=False, pack=False))


def work() -> LocalExecutor:
    """Two processes on this computer; DaskExecutor uses those of a cluster."""
    campaign = str(folder.resolve())
    return LocalExecutor(PredictTask(campaign, settings.model_dump(mode="json")), 2)


# Stop it, as Ctrl-C does, after the first finished formula.
def interrupt(stage: str, done: int, total: int) -> None:
    """Called at each change; the wrong formula counts from the start."""
    if done >= 2:
        raise KeyboardInterrupt


try:
    run_campaign(folder, work(), on_progress=interrupt)
except KeyboardInterrupt:
    print("stopped with", len(list(folder.glob("runs/*/*/run.json"))), "finished")

# Continue, also after a kill or a power cut, without the finished formulas.
counts = run_campaign(folder, work())
print(f"{counts.done} done, {counts.failed} failed of {counts.total}")

# One line for each line of the list. NaCl and ClNa are equal and share a folder.
index = pd.read_csv(folder / "index.csv")
print(index[["formula", "status", "space_group_symbol", "folder"]].to_string())
print(pd.read_csv(folder / "failures.csv").reason[0])
