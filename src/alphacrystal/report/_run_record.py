"""The facts that let someone repeat a run: settings, versions, models, machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_PACKAGES = (
    "alphacrystal",
    "ase",
    "chgnet",
    "matplotlib",
    "moyopy",
    "numpy",
    "pydantic",
    "pymatgen-core",
    "safetensors",
    "scipy",
    "torch",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of each package a result depends on, from metadata (nothing is imported)."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def machine_facts() -> dict[str, str | int]:
    """Processor model, usable cores and platform; never a host, user or path name."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "usable_cores": usable,
        "platform": f"{platform.system()} {platform.machine()}".strip(),
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How a run was made; goes into ``run.json`` beside what the prediction says of itself.

    Attributes:
        configuration: Every setting of the run as plain JSON values.
        seed: Seed of the run's random numbers.
        model_hashes: SHA-256 of each weights file used, by model name.
        started: When the run began (UTC).
        versions: Package versions by name.
        machine: Processor, cores and platform.
    """

    configuration: Mapping[str, object]
    seed: int
    model_hashes: Mapping[str, str] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: Mapping[str, str] = field(default_factory=package_versions)
    machine: Mapping[str, str | int] = field(default_factory=machine_facts)
