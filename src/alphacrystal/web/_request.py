"""The request for a prediction, and the command that computes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alphacrystal.config import MAX_ATOMS, MAX_TOLERANCE, PredictConfig, make_config
from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.web._fields import (
    Base64,
    FileName,
    GeneratorName,
    PotentialName,
    Pressures,
    SecondPotentialName,
    StoredName,
    UploadedFile,
    command_line,
    described,
    offered_second_potentials,
)
from alphacrystal.web._inputs import (
    DISORDERED_FOLDER,
    FRAMEWORK_FOLDER,
    MAX_SEED_FILES,
    PARENT_FOLDER,
    SEEDS_FOLDER,
    plain_name,
)
from alphacrystal.web._pattern import stored_name
from alphacrystal.web._settings import Limits

MAX_PAIRS = 60  # of least distances

#: Settings whose files are in the run folder; the request has their names.
_FILE_FIELDS = {"xrd_name", "seed_names", "framework_name", "disordered_name", "parent_name"}

Length = Annotated[float, Field(gt=0, lt=200, allow_inf_nan=False)]  # Å
Angle = Annotated[float, Field(gt=0, lt=180, allow_inf_nan=False)]  # degrees
Cell = Length | tuple[Length, Length, Length, Angle, Angle, Angle]
Tolerance = (
    Annotated[float, Field(gt=0, le=MAX_TOLERANCE, allow_inf_nan=False)]
    | Annotated[str, Field(min_length=1, max_length=10, description="A percentage, e.g. 5%.")]
)
Symbol = Annotated[str, Field(min_length=1, max_length=40)]


class JobRequest(BaseModel):
    """A formula and the settings of its prediction; the defaults are those of `alphacrystal predict`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: Annotated[str, Field(min_length=1, max_length=1000, description="For example Zr4Al3.")]
    candidates: int = described("candidates", ge=1, le=5000)
    top: int = described("top", ge=1, le=1000)
    generators: tuple[GeneratorName, ...] = described("generators", min_length=1, max_length=6)
    relax: bool = described("relax")
    potential: PotentialName = described("potential")
    pressure: Pressures = described("pressure")
    dispersion: Literal["auto", "d3", "none"] = described("dispersion")
    phonons: int = described("phonons", ge=0, le=20)
    temperature: float = described("temperature", ge=0, le=5000)
    follow_modes: bool = described("follow_modes")
    rerank: SecondPotentialName | None = described("rerank")
    rerank_steps: int = described("rerank_steps", ge=0, le=1000)
    known_phases: bool = described("known_phases")
    order: Literal["combined", "chemical", "energy"] = described("order")
    z: tuple[Annotated[int, Field(ge=1, le=MAX_ATOMS)], ...] = described("z", max_length=20)
    cell: str | None = described("cell", min_length=1, max_length=1000)
    max_atoms: int = described("max_atoms", ge=1, le=MAX_ATOMS)
    space_group: Annotated[int, Field(ge=1, le=230)] | Symbol | None = described("space_group")
    lattice: Cell | None = described("lattice")
    lattice_tolerance: Tolerance | None = described("lattice_tolerance")
    min_distance: dict[
        Annotated[str, Field(max_length=10)], Annotated[float, Field(gt=0, allow_inf_nan=False)]
    ] = described("min_distance", max_length=MAX_PAIRS)
    alloy: tuple[Literal["fcc", "bcc", "hcp"], ...] = described("alloy", max_length=3)
    order_max_atoms: int = described("order_max_atoms", ge=1, le=MAX_ATOMS)
    order_candidates: int = described("order_candidates", ge=1, le=5000)
    seed: int = described("seed", ge=0, lt=2**31)
    xrd_name: FileName | None = Field(None, description="Name of the file of the powder pattern.")
    wavelength: str | None = described("wavelength", min_length=1, max_length=40)
    seed_names: tuple[StoredName, ...] = Field(
        (), max_length=MAX_SEED_FILES, description="Names of the files of the seed structures."
    )
    framework_name: StoredName | None = Field(None, description="Name of the file of the known atoms.")
    disordered_name: StoredName | None = Field(
        None, description="Name of the file of the disordered crystal."
    )
    parent_name: StoredName | None = Field(None, description="Name of the file of a solid solution's parent.")

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept the names of settings in older job files."""
        if isinstance(values, dict) and "units" in values and "z" not in values:
            return {"z" if key == "units" else key: value for key, value in values.items()}
        return values

    @property
    def pressures(self) -> tuple[float, ...]:
        """The different pressures in GPa, ascending, of a request of several; else empty."""
        return tuple(sorted(set(self.pressure))) if isinstance(self.pressure, tuple) else ()

    @property
    def pattern_file(self) -> str | None:
        """Name of the powder pattern's file in the run folder, None without a pattern."""
        return None if self.xrd_name is None else stored_name(self.xrd_name)

    @property
    def input_files(self) -> dict[str, list[tuple[str, ...]]]:
        """Places of the uploaded files below the run folder, by the setting that names them."""
        files: dict[str, list[tuple[str, ...]]] = {
            "xrd": [] if self.pattern_file is None else [(self.pattern_file,)],
            "seed_structures": [(*SEEDS_FOLDER, name) for name in self.seed_names],
            "fix_sublattice": []
            if self.framework_name is None
            else [(*FRAMEWORK_FOLDER, self.framework_name)],
            "disordered": []
            if self.disordered_name is None
            else [(*DISORDERED_FOLDER, self.disordered_name)],
            "solid_solution": [] if self.parent_name is None else [(*PARENT_FOLDER, self.parent_name)],
        }
        return {name: places for name, places in files.items() if places}

    def settings(self, workers: int) -> PredictConfig:
        """Settings of the pipeline with so many relaxation processes, without the uploaded files.

        Of several pressures, it has the lowest.

        Raises:
            InputError: A value is out of range, or the pressures are too few.
        """
        from alphacrystal.pipeline.pressure_series import check_pressures

        without = {"formula"} | _FILE_FIELDS | ({"wavelength"} if self.xrd_name is not None else set())
        values = {**self.model_dump(exclude=without), "workers": workers}
        if isinstance(self.pressure, tuple):
            return check_pressures(self.pressure, values)[1]
        return make_config(**values)


class NewJob(JobRequest):
    """A request with the uploaded files themselves.

    A disordered crystal has its composition: the formula may then be left out.
    """

    formula: Annotated[str, Field(max_length=1000, description="For example Zr4Al3.")] = ""
    xrd: Base64 | None = Field(
        None,
        description=f"{PredictConfig.model_fields['xrd'].description} The content of the file in base64.",
    )
    seed_structures: tuple[UploadedFile, ...] = Field(
        (), max_length=MAX_SEED_FILES, description="Structure files to relax and rank with the candidates."
    )
    fix_sublattice: UploadedFile | None = Field(
        None, description=PredictConfig.model_fields["fix_sublattice"].description
    )

    disordered: UploadedFile | None = Field(
        None, description=PredictConfig.model_fields["disordered"].description
    )
    solid_solution: UploadedFile | None = Field(
        None, description=PredictConfig.model_fields["solid_solution"].description
    )

    @model_validator(mode="after")
    def _files_have_contents(self) -> Self:
        if self.xrd is None and self.xrd_name is not None:
            raise ValueError("xrd_name is the name of a powder pattern: give its content as xrd")
        names = (self.framework_name, self.disordered_name, self.parent_name)
        if self.seed_names or any(name is not None for name in names):
            raise ValueError(
                "give structure files with their contents, as seed_structures, fix_sublattice, disordered or "
                "solid_solution"
            )
        return self

    def request(self, formula: str | None = None) -> JobRequest:
        """The request without the contents of files.

        Args:
            formula: Replaces the formula: that of a disordered crystal.

        Raises:
            InputError: There is neither a formula nor a disordered crystal, or two seed structures have the
                same name.
        """
        if not self.formula.strip() and self.disordered is None:
            raise InputError("Give a formula, for example Zr4Al3, or a disordered crystal.")
        seeds = [plain_name(file.name) for file in self.seed_structures]
        if double := next((name for name in seeds if seeds.count(name) > 1), None):
            raise InputError(f"Two seed structures have the name {double}: rename one of them.")
        names = {
            "xrd_name": self.xrd_name or "pattern" if self.xrd is not None else None,
            "seed_names": seeds,
            "framework_name": _stored(self.fix_sublattice),
            "disordered_name": _stored(self.disordered),
            "parent_name": _stored(self.solid_solution),
        }
        files = {"xrd", "seed_structures", "fix_sublattice", "disordered", "solid_solution"}
        values = self.model_dump(exclude=files) | names
        return JobRequest.model_validate(values if formula is None else values | {"formula": formula})

    def contents(self, request: JobRequest) -> dict[tuple[str, ...], bytes]:
        """Contents of the uploaded files by their place below the run folder.

        Args:
            request: ``request()``.
        """
        files: list[bytes] = [] if self.xrd is None else [self.xrd]
        files += [file.content for file in self.seed_structures]
        single = (self.fix_sublattice, self.disordered, self.solid_solution)
        files += [file.content for file in single if file is not None]
        places = [place for places in request.input_files.values() for place in places]
        return dict(zip(places, files, strict=True))


def _stored(file: UploadedFile | None) -> str | None:
    return None if file is None else plain_name(file.name)


def check_job(request: JobRequest, limits: Limits) -> str:
    """Refuse a request that cannot be predicted before it is queued; returns the reduced formula.

    Raises:
        AlphaCrystalError: The formula is none, or a setting or limit does not allow it.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.pipeline.disorder import approximated_formula
    from alphacrystal.pipeline.preflight import check_energies, check_request

    for text in filter(None, (request.formula, request.cell)):
        if len(text) > limits.formula_length:
            raise InputError(
                f"A formula may have {limits.formula_length} characters at most here, not {len(text)}."
            )
    if request.candidates > limits.candidates:
        raise InputError(
            f"A job may generate {limits.candidates} structures at most here, not {request.candidates}."
        )
    if request.rerank is not None and request.rerank not in (names := offered_second_potentials()):
        raise InputError(f"There is no potential {request.rerank!r} here: choose from {', '.join(names)}.")
    if request.order_candidates > limits.candidates:
        raise InputError(
            f"A job may have {limits.candidates} ordered approximants at most here, not "
            f"{request.order_candidates}."
        )
    formula, config = parse_formula(request.formula), request.settings(limits.workers)
    if request.disordered_name is not None or request.parent_name is not None:
        check_energies(formula, config)  # `check_disordered` has read the file
    else:
        check_request(approximated_formula(formula, config), config)
    return formula.name


def command(
    request: JobRequest, folder: Path, workers: int, *, resume: bool, device: str = AUTO
) -> list[str]:
    """Arguments of the process that predicts; the formula follows `--`, so it cannot be an option.

    A resumed run keeps its device.
    """
    values = {
        **request.model_dump(exclude={"formula"} | _FILE_FIELDS),
        "out": folder,
        "workers": workers,
        "device": None if resume else device,
        **{name: [folder.joinpath(*p) for p in places] for name, places in request.input_files.items()},
    }
    return command_line("predict", values, request.formula, resume=resume)
