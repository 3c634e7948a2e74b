"""``run.json``: the facts that let someone repeat a run (settings, versions, models, machine)."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationInfo, model_validator

from alphacrystal.disorder import Disorder
from alphacrystal.errors import NewerFormatError
from alphacrystal.report._layout import FORMAT_VERSION, RUN_FILE, pressure_of_note

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
    """The circumstances of a run, which ``run.json`` lists with the facts of the prediction.

    Attributes:
        configuration: Every setting of the run as plain JSON values.
        seed: Seed of the run's random numbers.
        model_hashes: SHA-256 of each weights file used, by model name.
        started: Time when the run began (UTC).
        versions: Package versions by name.
        machine: Processor, cores and platform.
    """

    configuration: Mapping[str, object]
    seed: int
    model_hashes: Mapping[str, str] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: Mapping[str, str] = field(default_factory=package_versions)
    machine: Mapping[str, str | int] = field(default_factory=machine_facts)


class CellProbability(BaseModel):
    """A content of the primitive cell with its probability.

    Attributes:
        cell_formula: Content of the primitive cell, e.g. "Pb4O4".
        z: Formula units Z in that cell.
        atoms: Atoms in that cell.
        probability: Probability from the symmetry network, 0 to 1.
        candidates: Candidates with this content.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    cell_formula: str
    z: int
    atoms: int
    probability: FiniteFloat
    candidates: int = 0


class RunFile(BaseModel):
    """The content of ``run.json``, written and read by this one model.

    Attributes:
        formula: Reduced formula in the spelling of the user, e.g. "BiVO4".
        formula_text: Input of the user.
        complete: False where the run was interrupted.
        notes: Sentences to read with the result.
        cells: Contents of the primitive cell with their probabilities, most probable first.
        disorder: Disordered crystals whose ordered approximants are among the candidates.
        structures: Number of ranked structures.
        candidates: Number of candidates.
        relaxed: Number of relaxed candidates.
        potential: Name and version of the potential, None with --no-relax.
        hull_reference: Reference set of the energies above hull, None without one.
        pressure_gpa: Pressure of the relaxations; energies are enthalpies where it is not zero.
        seed: Seed of the run.
        configuration: Every setting.
        versions: Package versions by name.
        model_hashes: SHA-256 of each weights file used, by model name.
        machine: Processor, cores and platform.
        timings_s: Wall seconds by stage.
        started: Time when the run began (UTC, ISO 8601).
        written: Time when the file was written (UTC, ISO 8601).
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    format: Literal["alphacrystal-run"]
    format_version: int = Field(default=1, ge=1)
    formula: str
    formula_text: str
    complete: bool
    notes: tuple[str, ...] = Field(strict=False)  # JSON has lists
    cells: tuple[CellProbability, ...] = Field(default=(), strict=False)
    disorder: tuple[Disorder, ...] = Field(default=(), strict=False)
    structures: int = 0
    candidates: int
    relaxed: int = 0
    potential: str | None
    hull_reference: str | None
    pressure_gpa: FiniteFloat = 0.0
    seed: int
    configuration: dict[str, Any] = {}
    versions: dict[str, str] = {}
    model_hashes: dict[str, str] = {}
    machine: dict[str, str | int] = {}
    timings_s: dict[str, FiniteFloat]
    started: str = ""
    written: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_earlier_formats(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, dict):
            return values
        version = values.get("format_version", 1)
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise NewerFormatError((info.context or {}).get("path", RUN_FILE), version, FORMAT_VERSION)
        if isinstance(note := values.get("energy_unit_note"), str):
            return {"pressure_gpa": pressure_of_note(note), **values}
        return values
