"""Settings of a run, from Python, command-line options or a TOML file."""

from __future__ import annotations

import re
import reprlib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alphacrystal.errors import InputError, one_line
from alphacrystal.runtime.bounded_files import check_depth, check_lines, read_bounded_text
from alphacrystal.runtime.torch_device import AUTO, DEVICE_HELP, DeviceName

#: Settings of the relaxation that commands share, and those of layers.
RELAXER_SETTINGS = ("potential", "device", "dispersion", "relaxation", "fmax", "steps", "relax_seconds")
LAYER_SETTINGS = (*RELAXER_SETTINGS, "seed", "workers")
MAX_CONFIG_BYTES = 1_000_000
MAX_CONFIG_LINE = 10_000  # characters
MAX_CONFIG_DOTS = 50  # of a line; the parser's time grows with the square of the parts of a key

_PLUGIN_NAME = re.compile(r"[\w.:+-]{1,60}")

MAX_ATOMS = 80  # in the primitive cell: the largest cells that the networks were trained on

MAX_TOLERANCE = 0.5  # of the parameters of a given cell, relative

#: Names of settings up to format 1 of run folders, with today's names.
RENAMED_SETTINGS = {
    "units": "z",
    "evaluations": "max_energy_calls",
    "trials": "max_proposals",
    "similarity": "template_similarity",
    "faithful": "gnoa_original_encoding",
}

#: Truth values that are true by default: their options have a form with "no".
NEGATABLE = ("relax", "known_phases")

INPUT, SEARCH, RELAXATION, OUTPUT = "Input", "Search", "Relaxation", "Output"
PUBLISHED = "Published methods"
GROUPS = (INPUT, SEARCH, RELAXATION, OUTPUT, PUBLISHED)


def _setting(default: Any, group: str, description: str, **limits: Any) -> Any:
    """A field with its help text and the group of its command-line option."""
    return Field(default, description=description, json_schema_extra={"group": group}, **limits)


class PredictConfig(BaseModel):
    """All settings of a prediction; together with the formula they determine its result.

    Each field is an option of `alphacrystal predict`, a key of a TOML file and a keyword argument of
    `alphacrystal.predict`; its description is the help text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int = _setting(20, OUTPUT, "Rows of the final list.", ge=1, le=1000)
    candidates: int = _setting(50, SEARCH, "Structures generated per formula.", ge=1, le=5000)
    generators: tuple[str, ...] = _setting(
        ("distance_matrix",), SEARCH, "Generators; several share the candidates evenly."
    )
    max_energy_calls: int | None = _setting(
        None, PUBLISHED, "Energy evaluations of a GNOA search at most.", ge=1
    )
    max_proposals: int | None = _setting(
        None, PUBLISHED, "Structures that a generator proposes at most, rejected ones included.", ge=1
    )
    generate_seconds: float | None = _setting(
        None,
        PUBLISHED,
        "Processor time in s of each generator except distance_matrix.",
        gt=0,
        allow_inf_nan=False,
    )
    templates: Path | None = _setting(
        None, PUBLISHED, "Known crystals for the generator template: records or a folder of CIF files."
    )
    without_benchmarks: bool = _setting(
        False, PUBLISHED, "Leave the benchmark compounds and the formula itself out of the templates."
    )
    template_similarity: Literal["learned", "substitution"] = _setting(
        "learned", PUBLISHED, "Order of templates: learned distances or substitution probabilities."
    )
    gnoa_original_encoding: bool = _setting(
        False, PUBLISHED, "Free coordinates for each atom in GNOA searches, as in the published program."
    )
    fitness: Literal["likelihood", "rmse", "paper", "contacts"] = _setting(
        "likelihood",
        PUBLISHED,
        "Objective of the search: likelihood of the predicted distances, rmse to their mean, paper (rmse to "
        "the classes of AlphaCrystal-II) or contacts (contact map of AlphaCrystal-I).",
    )
    relax: bool = _setting(True, RELAXATION, "Relax the candidates with a potential.")
    potential: str = _setting("chgnet", RELAXATION, "Potential of the relaxation.")
    device: DeviceName = _setting(AUTO, RELAXATION, DEVICE_HELP)
    dispersion: Literal["auto", "d3", "none"] = _setting(
        "auto",
        RELAXATION,
        "Dispersion of the potential: d3 adds D3(BJ) (needs the extra dispersion); auto adds it where layers "
        "or molecules are probable.",
    )
    relaxation: Literal["gradient", "bayesian"] = _setting(
        "gradient", RELAXATION, "Method: gradient, or bayesian for models without forces."
    )
    pressure: float = _setting(
        0.0, RELAXATION, "Hydrostatic pressure in GPa.", ge=-50, le=1000, allow_inf_nan=False
    )
    phonons: int = _setting(
        0,
        RELAXATION,
        "Compute phonons of the first N relaxed structures (needs the extra phonons).",
        ge=0,
        le=1000,
    )
    follow_modes: bool = _setting(
        False,
        RELAXATION,
        "Follow the unstable mode of structures with phonons to structures of lower symmetry.",
    )
    temperature: float = _setting(
        300.0,
        RELAXATION,
        "Temperature in K of the vibrational free energy.",
        ge=0,
        le=5000,
        allow_inf_nan=False,
    )
    rerank: str | None = _setting(
        None, RELAXATION, "Second potential: its energies of the listed structures in further columns."
    )
    rerank_steps: int = _setting(
        0, RELAXATION, "Relaxation steps with the second potential; 0 is a single point.", ge=0, le=1000
    )
    hull: Path | None = _setting(
        None, RELAXATION, "Competing phases for energies above hull: records or pymatgen entries (.json)."
    )
    references: Path | None = _setting(
        None, RELAXATION, "Elemental energies from alphacrystal data references."
    )
    known_phases: bool = _setting(
        True,
        OUTPUT,
        "Use the shipped table of known phases: energies above hull, and the known ground state first.",
    )
    order: Literal["combined", "chemical", "energy"] = _setting(
        "combined", OUTPUT, "Order of the list: by probability and energy combined, or by one of them."
    )
    z: tuple[int, ...] = _setting(
        (), INPUT, "Formula units Z of the primitive cell; all that fit by default."
    )
    cell: str | None = _setting(None, INPUT, "Content of the primitive cell instead of Z, e.g. Pb4O4.")
    max_atoms: int = _setting(MAX_ATOMS, INPUT, "Atoms in the primitive cell at most.", ge=1, le=MAX_ATOMS)
    space_group: int | str | None = _setting(
        None, INPUT, "Only this space group (221 or Pm-3m), or those of a crystal system (cubic)."
    )
    lattice: tuple[float, float, float, float, float, float] | None = _setting(
        None,
        INPUT,
        "Conventional cell a,b,c,alpha,beta,gamma (Å, °) instead of predicted ones; one number if cubic.",
    )
    lattice_tolerance: float | None = _setting(
        None,
        INPUT,
        "Relative tolerance of --lattice, e.g. 5%; structures with other cells are left out.",
        gt=0,
        le=MAX_TOLERANCE,
    )
    min_distance: dict[str, float] = _setting(
        {}, INPUT, "Least distance of two elements in Å, e.g. O-O=2.4; structures below it are left out."
    )
    seed_structures: tuple[Path, ...] = _setting(
        (), INPUT, "Structure file, or folder of them, to relax and rank with the candidates."
    )
    fix_sublattice: Path | None = _setting(
        None, INPUT, "Structure file of known atoms, e.g. a framework; only the missing atoms are searched."
    )
    disordered: Path | None = _setting(None, INPUT, "Structure file with partial occupancies, to be ordered.")
    solid_solution: Path | None = _setting(
        None, INPUT, "Structure file of a parent compound, whose sites the elements of the formula share."
    )
    alloy: tuple[Literal["fcc", "bcc", "hcp"], ...] = _setting(
        (), INPUT, "Lattices (fcc, bcc, hcp) of a solid solution, for its ordered approximants."
    )
    order_max_atoms: int = _setting(40, SEARCH, "Atoms of ordered approximants at most.", ge=1, le=MAX_ATOMS)
    order_candidates: int = _setting(50, SEARCH, "Ordered approximants at most.", ge=1, le=5000)
    xrd: Path | None = _setting(
        None, INPUT, "Measured powder pattern, or list of its peaks, that the structures must explain."
    )
    wavelength: str | None = _setting(
        None, INPUT, "Radiation of the pattern if its file names none: Å, or CuKa, CuKa1, MoKa, CoKa, ..."
    )
    fmax: float = _setting(0.05, RELAXATION, "Force limit in eV/Å.", gt=0, le=10, allow_inf_nan=False)
    steps: int = _setting(150, RELAXATION, "Relaxation steps at most.", ge=0, le=100_000)
    relax_seconds: float = _setting(60.0, RELAXATION, "Processor time in s per structure.", gt=0)
    workers: int = _setting(2, RELAXATION, "Relaxation processes.", ge=1, le=256)
    seed: int = _setting(0, SEARCH, "Random seed; the same seed gives the same result.", ge=0, lt=2**31)
    models: Path | None = _setting(None, SEARCH, "Folder of weights instead of the shipped ones.")

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept old names of settings; a framework and a disordered crystal have a generator."""
        if not isinstance(values, dict):
            return values
        if values.get("generators") in (None, cls.model_fields["generators"].default):
            if values.get("fix_sublattice") is not None:
                values = {**values, "generators": ("sublattice",)}
            elif any(values.get(name) for name in ("disordered", "alloy", "solid_solution")):
                values = {**values, "generators": ("ordering",)}
        renamed = {RENAMED_SETTINGS.get(key, key): value for key, value in values.items()}
        if len(renamed) < len(values):
            double = next(old for old, new in RENAMED_SETTINGS.items() if old in values and new in values)
            raise ValueError(
                f"The setting {double} is the old name of {RENAMED_SETTINGS[double]}: give one of them"
            )
        return renamed

    @property
    def full_potential(self) -> str:
        """Name of the potential, with dispersion if it is set; "auto" is decided in the run."""
        return f"{self.potential}+d3" if self.dispersion == "d3" else self.potential

    @model_validator(mode="before")
    @classmethod
    def _standard_axes(cls, values: Any) -> Any:
        """Refuse a cell whose axes would be those of a setting that is not the standard one."""
        if not isinstance(values, dict) or values.get("lattice") is None:
            return values
        from alphacrystal.crystal import has_standard_axes, parse_space_group, space_group

        symbol = values.get("space_group")
        if isinstance(symbol, str) and not has_standard_axes(symbol):
            standard = space_group(int(parse_space_group(symbol))).symbol
            raise ValueError(
                f"The axes of {symbol} are not those of the standard setting: give the symbol {standard} and "
                "the lattice with its axes"
            )
        return values

    @field_validator("space_group", mode="before")
    @classmethod
    def _space_group_exists(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return value
        from alphacrystal.crystal import parse_space_group

        return parse_space_group(str(value))

    @field_validator("lattice_tolerance", mode="before")
    @classmethod
    def _share(cls, value: object) -> object:
        """A share of 1, also from a percentage."""
        if not isinstance(value, str):
            return value
        number, percent, rest = value.strip().partition("%")
        try:
            share = float(number) / (100 if percent else 1)
        except ValueError:
            share = -1.0
        if rest or not 0 < share <= MAX_TOLERANCE:
            raise ValueError(f"give a percentage up to {100 * MAX_TOLERANCE:g}%, e.g. 5%, not {value[:40]!r}")
        return share

    @field_validator("min_distance", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        """Limits in Å by pair of elements in alphabetical order, from a mapping or texts such as O-O=2.4."""
        if not isinstance(value, dict | list | tuple):
            return value
        from alphacrystal.crystal import parse_distance_limits

        return parse_distance_limits(value)

    @field_validator("z")
    @classmethod
    def _positive_formula_units(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(z < 1 for z in value):
            raise ValueError("formula units Z must be positive whole numbers, e.g. --z 1,2,4")
        return tuple(sorted(set(value)))

    @field_validator("generators")
    @classmethod
    def _generator_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("no generator given: name at least one")
        for name in value:
            if not _PLUGIN_NAME.fullmatch(name):
                raise ValueError(f"{one_line(name[:40])!r} is not the name of a generator")
        return value

    @field_validator("lattice", mode="before")
    @classmethod
    def _cubic_cell(cls, value: object) -> object:
        """The cell of a single edge."""
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (value, value, value, 90.0, 90.0, 90.0)
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
        if not name:  # of several settings together
            raise InputError(f"{message}.") from error
        message = message[:1].lower() + message[1:]
        quoted = "" if "Value error" in first["msg"] else f" (got {reprlib.repr(first.get('input'))})"
        raise InputError(f"Setting {name}: {message}{quoted}.") from error


def check_unchanged(before: PredictConfig, now: PredictConfig, folder: Path) -> None:
    """Refuse to resume a run with other settings.

    Raises:
        InputError: Names the settings that differ and their values in the run in ``folder``.
    """
    differing = [name for name in PredictConfig.model_fields if getattr(before, name) != getattr(now, name)]
    if differing:
        stored = ", ".join(f"{name} = {_shown(getattr(before, name))}" for name in differing)
        raise InputError(
            f"The run in {folder} was started with {stored}, and a resumed run keeps its settings: "
            f"leave out {', '.join(differing)}, or start a new run with another --out."
        )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item:g}" for key, item in value.items()) or "none"
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
        check_lines(text, MAX_CONFIG_LINE, MAX_CONFIG_DOTS)
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
