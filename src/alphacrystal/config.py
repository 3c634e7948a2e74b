"""Settings of a run: one object from Python, command-line flags or a TOML file; written into every run."""

from __future__ import annotations

import reprlib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alphacrystal.errors import InputError, one_line
from alphacrystal.runtime.bounded_files import check_depth, read_bounded_text

MAX_CONFIG_BYTES = 1_000_000
MAX_CONFIG_LINE = 10_000  # characters
MAX_CONFIG_DOTS = 50  # of a line; the parser's time grows with the square of the parts of a key

GENERATOR_NAMES = (
    "distance_matrix",
    "contact_map",
    "template",
    "random",
    "gnoa-random",
    "gnoa-tpe",
    "gnoa-pso",
)


class PredictConfig(BaseModel):
    """Everything that decides the outcome of a prediction besides the formula.

    Attributes:
        top: Rows of the final list.
        candidates: Structures generated per formula.
        generators: Names of the generators to mix; the candidates are shared out among them.
        evaluations: Energy evaluations that a GNOA search may spend.
        trials: Structures that a generator may propose, rejected ones included; 5000 for GNOA.
        generate_seconds: Processor time in s that a generator other than distance_matrix may take.
        templates: Library of known crystals for the template generator: records or a folder of CIF files.
        without_benchmarks: Leave the benchmark compounds, and the formula asked for, out of the library.
        similarity: What the template generator goes by: the "learned" distance of compositions or
            "substitution" probabilities.
        faithful: Coordinates of GNOA's searches atom by atom, as in the published program.
        fitness: What the search minimises: "likelihood" of the predicted distances, "rmse" to their mean, or
            "paper", RMSE to their decoding in the 20 classes of AlphaCrystal-II, or "contacts", the contact
            map of AlphaCrystal-I.
        relax: Whether candidates are relaxed with a potential.
        potential: Name of the potential.
        relaxation: "gradient", or "bayesian": a Gaussian process that needs energies only.
        pressure: Hydrostatic pressure in GPa.
        hull: File of competing phases for energies above hull.
        references: File of elemental energies for formation energies, instead of the shipped ones.
        order: How the list is sorted: by chances and energies "combined", by one of them: "chemical" or
            "energy".
        units: Formula units Z to try; all that fit in ``max_atoms`` if empty.
        cell: Cell content such as "Pb4O4" instead of ``units``.
        max_atoms: Largest primitive cell.
        space_group: Only this space group.
        lattice: Conventional cell a, b, c (Å), alpha, beta, gamma (degrees) instead of predicted ones.
        fmax: Force limit of the final relaxation in eV/Å.
        steps: Step limit of the relaxation.
        relax_seconds: Processor time per structure in s.
        workers: Processes that relax.
        seed: Same seed, same result.
        models: Folder of weights; the shipped ones if None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int = Field(20, ge=1, le=1000)
    candidates: int = Field(50, ge=1, le=5000)
    generators: tuple[str, ...] = ("distance_matrix",)
    evaluations: int | None = Field(None, ge=1)
    trials: int | None = Field(None, ge=1)
    generate_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    templates: Path | None = None
    without_benchmarks: bool = False
    similarity: Literal["learned", "substitution"] = "learned"
    faithful: bool = False
    fitness: Literal["likelihood", "rmse", "paper", "contacts"] = "likelihood"
    relax: bool = True
    potential: str = "chgnet"
    relaxation: Literal["gradient", "bayesian"] = "gradient"
    pressure: float = Field(0.0, ge=-50, le=1000, allow_inf_nan=False)
    hull: Path | None = None
    references: Path | None = None
    order: Literal["combined", "chemical", "energy"] = "combined"
    units: tuple[int, ...] = ()
    cell: str | None = None
    max_atoms: int = Field(20, ge=1, le=20)
    space_group: int | None = None
    lattice: tuple[float, float, float, float, float, float] | None = None
    fmax: float = Field(0.05, gt=0, le=10, allow_inf_nan=False)
    steps: int = Field(150, ge=0, le=100_000)
    relax_seconds: float = Field(60.0, gt=0)
    workers: int = Field(2, ge=1, le=256)
    seed: int = Field(0, ge=0, lt=2**31)
    models: Path | None = None

    @field_validator("space_group")
    @classmethod
    def _space_group_exists(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= 230:
            raise ValueError(
                f"space group {value} does not exist: give an international number from 1 to 230"
            )
        return value

    @field_validator("units")
    @classmethod
    def _positive_units(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(z < 1 for z in value):
            raise ValueError("formula units Z must be positive whole numbers, e.g. --z 1,2,4")
        return tuple(sorted(set(value)))

    @field_validator("generators")
    @classmethod
    def _known_generators(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError(f"no generator given: choose from {', '.join(GENERATOR_NAMES)}")
        for name in value:
            if name not in GENERATOR_NAMES:
                from alphacrystal.generate import generator_plugins

                plugins = generator_plugins()
                if name not in plugins:
                    known = ", ".join([*GENERATOR_NAMES, *plugins])
                    raise ValueError(f"unknown generator {name!r}: choose from {known}")
        return value

    @field_validator("lattice")
    @classmethod
    def _cell_closes(
        cls, value: tuple[float, float, float, float, float, float] | None
    ) -> tuple[float, float, float, float, float, float] | None:
        if value is None:
            return None
        from alphacrystal.crystal import LatticeParameters

        if any(not 0 < length < 200 for length in value[:3]) or any(
            not 0 < angle < 180 for angle in value[3:]
        ):
            raise ValueError(
                "a lattice needs lengths between 0 and 200 Å and angles between 0 and 180 degrees"
            )
        if LatticeParameters(*value).volume < 0.02 * value[0] * value[1] * value[2]:
            raise ValueError("these three angles do not close to a cell")
        return value


def make_config(**values: Any) -> PredictConfig:
    """Validated settings.

    Raises:
        InputError: A value is out of range; the sentence names it.
    """
    try:
        return PredictConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = one_line(".".join(str(part) for part in first["loc"]))
        if first["type"] == "extra_forbidden":
            known = ", ".join(PredictConfig.model_fields)
            raise InputError(f"There is no setting {name}: choose from {known}.") from error
        message = one_line(first["msg"].removeprefix("Value error, ").rstrip("."))
        message = message[:1].lower() + message[1:]
        given = first.get("input")
        shown = "" if "Value error" in first["msg"] else f" (got {reprlib.repr(given)})"
        raise InputError(f"Setting {name}: {message}{shown}.") from error


def check_unchanged(before: PredictConfig, now: PredictConfig, folder: Path) -> None:
    """Refuse to go on with a run under other settings.

    Raises:
        InputError: Names the settings that differ and what the run in ``folder`` was started with.
    """
    differing = [name for name in PredictConfig.model_fields if getattr(before, name) != getattr(now, name)]
    if differing:
        was = ", ".join(f"{name} = {_shown(getattr(before, name))}" for name in differing)
        raise InputError(
            f"The run in {folder} was started with {was}, and a resumed run keeps its settings: "
            f"leave out {', '.join(differing)}, or start anew with another --out."
        )


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "all"
    return "none" if value is None else str(value)


def read_config_file(path: Path) -> dict[str, Any]:
    """Settings of a TOML file, not yet validated.

    Raises:
        InputError: The file is missing, not TOML, too large or nested too deeply.
    """
    try:
        text = read_bounded_text(path, MAX_CONFIG_BYTES)
        _check_lines(text)
        values = tomllib.loads(text)
        check_depth(values)
    except RecursionError as error:
        raise InputError(
            f"{path} is nested too deeply; a configuration file holds plain settings."
        ) from error
    except FileNotFoundError as error:
        raise InputError(f"There is no configuration file {path}.") from error
    except OSError as error:
        raise InputError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # of TOML, of UTF-8, of a line, or nested too deeply
        raise InputError(f"{path} is not a TOML file of settings: {str(error)[:200]}.") from error
    return values


def _check_lines(text: str) -> None:
    """Refuse text whose lines would keep the TOML parser busy for minutes.

    Raises:
        ValueError: A line is too long, or its key may have too many parts; names the line.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_CONFIG_LINE:
            raise ValueError(f"line {number} is longer than {MAX_CONFIG_LINE:,} characters")
        if line.count(".") > MAX_CONFIG_DOTS and not line.lstrip().startswith("#"):
            raise ValueError(f"line {number} has more than {MAX_CONFIG_DOTS} dots")
