"""The paper's tables and figures, and ours, with controls; what every benchmark states about its run.

Each benchmark is a verb of `alphacrystal benchmark`; it reads its data from a folder that the user names.
"""

from alphacrystal.benchmark._run_facts import run_facts

__all__ = ["run_facts"]
