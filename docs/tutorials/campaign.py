"""A campaign: many formulas, stopped half-way, resumed, nothing computed twice."""

from pathlib import Path

import pandas as pd

from alphacrystal.config import PredictConfig
from alphacrystal.scale import (
    CampaignPlan,
    LocalExecutor,
    PredictUnit,
    begin_campaign,
    run_campaign,
)

# One line per formula; cell and space_group may be empty. The second is a mistake.
formulas = Path("formulas.csv")
formulas.write_text(
    "formula,cell,space_group\nNaCl,,\nNaXx,,\nMgO,Mg1O1,225\nClNa,,\nKBr,,\n"
)

# What is asked for each formula. Relaxation makes it minutes instead of seconds.
settings = PredictConfig(relax=False, candidates=5, workers=1)
folder = Path("study")
begin_campaign(formulas, folder, CampaignPlan(settings, page=False, pack=False))


def work() -> LocalExecutor:
    """Two processes of this machine; DaskExecutor has those of a cluster."""
    campaign = str(folder.resolve())
    return LocalExecutor(PredictUnit(campaign, settings.model_dump(mode="json")), 2)


# Stop it as Ctrl-C would, once a formula is finished.
def impatient(stage: str, done: int, total: int) -> None:
    """Told of each change; the formula with a mistake counts from the start."""
    if done >= 2:
        raise KeyboardInterrupt


try:
    run_campaign(folder, work(), on_progress=impatient)
except KeyboardInterrupt:
    print("stopped with", len(list(folder.glob("runs/*/*/run.json"))), "finished")

# Go on, also after a kill or a power cut. What is finished is not computed again.
counts = run_campaign(folder, work())
print(f"{counts.done} done, {counts.failed} failed of {counts.total}")

# One line per line of the list: NaCl and ClNa are the same work and share a folder.
index = pd.read_csv(folder / "index.csv")
print(index[["formula", "status", "space_group_symbol", "folder"]].to_string())
print(pd.read_csv(folder / "failures.csv").reason[0])
