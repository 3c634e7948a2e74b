"""Campaigns: thousands of formulas over processes here or a Dask cluster, in a store that survives kills.

``begin_campaign`` writes down what is wanted, ``run_campaign`` computes whatever of it is not finished.
"""

from alphacrystal.scale._campaign import (
    CampaignPlan,
    begin_campaign,
    check_same,
    compute,
    run_campaign,
    stored_plan,
)
from alphacrystal.scale._dask import DaskExecutor
from alphacrystal.scale._executor import Executor, SchedulerLostError
from alphacrystal.scale._local import LocalExecutor
from alphacrystal.scale._predict_unit import PredictUnit
from alphacrystal.scale._store import CampaignStore, Counts
from alphacrystal.scale._tables import write_tables
from alphacrystal.scale._units import Outcome, Unit, Work, no_work

__all__ = [
    "CampaignPlan",
    "CampaignStore",
    "Counts",
    "DaskExecutor",
    "Executor",
    "LocalExecutor",
    "Outcome",
    "PredictUnit",
    "SchedulerLostError",
    "Unit",
    "Work",
    "begin_campaign",
    "check_same",
    "compute",
    "no_work",
    "run_campaign",
    "stored_plan",
    "write_tables",
]
