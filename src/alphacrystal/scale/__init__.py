"""Campaigns: thousands of formulas on local processes or a Dask cluster, in a store that survives kills.

``begin_campaign`` stores the list and the settings, ``run_campaign`` computes the unfinished tasks.
"""

from alphacrystal.scale._campaign import (
    CampaignPlan,
    TaskSource,
    begin_campaign,
    check_same,
    compute,
    run_campaign,
    stored_plan,
)
from alphacrystal.scale._dask import DaskExecutor
from alphacrystal.scale._executor import (
    CampaignTask,
    Executor,
    SchedulerLostError,
    TaskFunction,
    TaskOutcome,
    empty_task,
)
from alphacrystal.scale._local import LocalExecutor
from alphacrystal.scale._predict_task import PredictTask
from alphacrystal.scale._store import CampaignStore, Counts
from alphacrystal.scale._tables import write_tables

__all__ = [
    "CampaignPlan",
    "CampaignStore",
    "CampaignTask",
    "Counts",
    "DaskExecutor",
    "Executor",
    "LocalExecutor",
    "PredictTask",
    "SchedulerLostError",
    "TaskFunction",
    "TaskOutcome",
    "TaskSource",
    "begin_campaign",
    "check_same",
    "compute",
    "empty_task",
    "run_campaign",
    "stored_plan",
    "write_tables",
]
