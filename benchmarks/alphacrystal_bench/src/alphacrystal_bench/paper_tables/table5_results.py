"""Finished cells of Table 5, one JSON file each, so that an interrupted run keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.paper_tables.table5_predictors import NAMES

Model = TypeVar("Model", bound=BaseModel)
Settings = dict[str, float | int | str | None]
Split = Literal["random", "disjoint"]
Method = Literal["controls", "paper", "pair", "types"]
Cell = Literal["primitive", "conventional"]
TABLE5_CELLS: tuple[Cell, ...] = get_args(Cell)
TABLE5_SPLITS: dict[Split, str] = {
    "random": "random split, as in the paper",
    "disjoint": "split by formula, no formula in both parts",
}
TABLE5_METHODS: dict[Method, str] = {
    "controls": "controls and floors",
    "paper": "the paper's network",
    "pair": "our pair network",
    "types": "our three models",
}

CELLS = "cells"  # folder of the finished cells
DATA = "data.json"


class Scores(BaseModel):
    """Errors of predicted distances over the pairs of different atoms.

    Attributes:
        mse: Mean over structures of the mean squared error, Å².
        rmse: Mean over structures of the root mean squared error, Å.
        rmse_error: Standard error of that mean, Å.
        overlap: The paper's eq. 4: share of the true pairs below 8 Å that are predicted below 8 Å.
        precision, f1: Precision and F1 score of the pairs predicted below 8 Å.
    """

    model_config = ConfigDict(frozen=True)

    mse: float
    rmse: float
    rmse_error: float
    overlap: float
    precision: float
    f1: float


class Example(BaseModel):
    """True and predicted matrix of one compound that is in no training row (Figure 7).

    Attributes:
        formula, id: Reduced formula and identifier.
        species: Element of each atom.
        true, predicted: Å, shape (atoms, atoms).
        matching: Whether both fall in one of the N classes, shape (atoms, atoms).
    """

    model_config = ConfigDict(frozen=True)

    formula: str
    id: str
    species: list[str]
    true: list[list[float]]
    predicted: list[list[float]]
    matching: list[list[bool]]


class Table5Cell(BaseModel):
    """Scores of one method on one row and split.

    Attributes:
        row: Row of Table 5, 1-8.
        split: "random" (the paper's) or "disjoint" (no formula in both parts).
        method: Group of predictors.
        settings: Settings that the scores depend on; a run continues only with the same.
        train, test: Numbers of structures.
        scores: Scores by key of the predictor.
        notes: Facts about the training: parameters, epochs, ...
        examples: Compounds of Figure 7, if the method predicts them.
        minutes: Wall time of the cell.
        facts: Commit, time, machine and versions (``run_facts``).
    """

    model_config = ConfigDict(frozen=True)

    row: int
    split: Split
    method: Method
    settings: Settings
    train: int
    test: int
    scores: dict[str, Scores]
    notes: Settings = {}
    examples: list[Example] = []
    minutes: float
    facts: dict[str, Any]

    @field_validator("scores", mode="before")
    @classmethod
    def _upgraded(cls, scores: object) -> object:
        """Keys of format 1 were the names of the predictors."""
        if not isinstance(scores, dict):
            return scores
        keys = {name: key for key, name in NAMES.items()}
        return {keys.get(name, name): value for name, value in scores.items()}

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return cell_name(self.row, self.split, self.method)


class DataFacts(BaseModel):
    """Facts of the data set.

    Attributes:
        digest: Hash of the data.
        cell: Cells of the matrices.
        counts: Structures by subset ("all", "cubic", "binary", "ternary").
        shortest, longest: Extreme distances between two atoms in Å.
        edges: Edges of the classes of Figure 3 in Å, shape (classes + 1,).
        of_entries: Share of each class in all entries of the padded matrices (their zeros left out of the
            classes, not of the total).
        of_pairs: Share of each class in the pairs of two different atoms.
        examples: Identifiers in the data by reduced formula of Figure 7.
    """

    model_config = ConfigDict(frozen=True)

    digest: str
    cell: Cell
    counts: dict[str, int]
    shortest: float
    longest: float
    edges: list[float]
    of_entries: list[float]
    of_pairs: list[float]
    examples: dict[str, list[str]]


class Table5Results(BaseModel):
    """All results of a folder."""

    model_config = ConfigDict(frozen=True)

    data: DataFacts | None
    cells: list[Table5Cell]

    def cell(self, row: int, split: Split, method: Method) -> Table5Cell | None:
        """A finished cell, or None."""
        name = cell_name(row, split, method)
        return next((cell for cell in self.cells if cell.name == name), None)


def cell_name(row: int, split: Split, method: Method) -> str:
    """Name of a cell's file."""
    return f"row{row}-{split}-{method}"


def read_results(folder: Path) -> Table5Results:
    """All finished cells in the order of the table.

    Raises:
        InputError: A file is damaged.
    """
    data = folder / DATA
    cells = [_read(Table5Cell, path) for path in sorted((folder / CELLS).glob("*.json"))]
    splits, methods = list(TABLE5_SPLITS), list(TABLE5_METHODS)
    cells.sort(key=lambda cell: (cell.row, splits.index(cell.split), methods.index(cell.method)))
    return Table5Results(data=_read(DataFacts, data) if data.is_file() else None, cells=cells)


def save_cell(folder: Path, cell: Table5Cell) -> None:
    """Add a finished cell.

    Raises:
        AlphaCrystalError: The file cannot be written.
    """
    _write(folder / CELLS / f"{cell.name}.json", cell)


def save_data_facts(folder: Path, facts: DataFacts) -> None:
    """Write the facts of the data of a folder.

    Raises:
        InputError: The folder holds cells made from other data.
        AlphaCrystalError: The file cannot be written.
    """
    known = read_results(folder).data
    if known is not None and known.digest != facts.digest:
        raise InputError(
            f"The results in {folder} were made from other data: give the same --data, or another --out."
        )
    if known is None:
        _write(folder / DATA, facts)


def check_settings(cell: Table5Cell, settings: Settings, folder: Path) -> None:
    """Compare the settings of a finished cell.

    Raises:
        InputError: The cell was computed with other settings.
    """
    different = [
        f"{key.replace('_', '-')} {cell.settings.get(key)} instead of {value}"
        for key, value in settings.items()
        if cell.settings.get(key) != value
    ]
    if different:
        raise InputError(
            f"{cell.name} in {folder} was made with other settings ({', '.join(different)}): give the same, "
            "or another --out."
        )


def _read(model: type[Model], path: Path) -> Model:
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise InputError(f"{path} is damaged: remove it and run again.") from error


def _write(path: Path, model: BaseModel) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AlphaCrystalError(f"Cannot write {path.parent}: {reason}; choose another --out.") from error
    write_text_atomically(path, model.model_dump_json(indent=1) + "\n")
