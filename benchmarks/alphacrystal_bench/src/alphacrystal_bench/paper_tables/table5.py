"""The paper's Table 5: every row, split and method, each finished cell kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, matrices
from alphacrystal.learn.contacts.paper_network import PaperNetConfig
from alphacrystal.typing import FloatArray, IntArray, Progress
from alphacrystal_bench.harness.facts import run_facts
from alphacrystal_bench.paper_network.training import PaperTrainSettings
from alphacrystal_bench.paper_tables.network_runs import predict_with_paper_network
from alphacrystal_bench.paper_tables.pair_network import (
    PairTraining,
    predict_with_pair_network,
    train_pair_network,
)
from alphacrystal_bench.paper_tables.table5_data import (
    RowSplit,
    data_facts,
    example_rows,
    row_split,
    table5_data,
)
from alphacrystal_bench.paper_tables.table5_figures import NETWORKS
from alphacrystal_bench.paper_tables.table5_predictors import PAIR_NETWORK, PAPER_NETWORK, TYPE_MODELS
from alphacrystal_bench.paper_tables.table5_results import (
    TABLE5_METHODS,
    TABLE5_SPLITS,
    Cell,
    Example,
    Method,
    Settings,
    Split,
    Table5Cell,
    Table5Results,
    check_settings,
    read_results,
    save_cell,
    save_data_facts,
)
from alphacrystal_bench.paper_tables.table5_rows import PAPER_EPOCHS, TABLE5_ROWS, Table5Row, rows_numbered
from alphacrystal_bench.paper_tables.table5_scores import control_scores, example, scores
from alphacrystal_bench.paper_tables.type_models import predict_over_types, train_type_models

FIGURE7_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Table5Settings:
    """Settings of the benchmark.

    Attributes:
        rows: Rows of the table, 1-8.
        splits: "random" (the paper's) and "disjoint" (no formula in training and test).
        cell: Cells of the matrices: "primitive" or "conventional".
        methods: "controls", "paper" (the paper's network), "pair" (our pair network alone) and "types" (our
            pair network averaged over the likely structure types of our symmetry prior and lattice model).
        width: Width of the paper's network; 1 is that of the paper.
        epochs, batch: Epochs and batch size of the paper's network.
        patience: Stop the paper's network after so many epochs without a lower loss on the early-stopping
            split; None trains to the end, as the paper seems to do.
        pair_epochs: Epochs of our network; by training size if None.
        time_limit: Minutes of training per network, or None.
        seed: Seed of splits, weights and batches.
        share: Share of the paper's training and test sizes.
        threads: torch threads.
    """

    rows: tuple[int, ...] = tuple(row.number for row in TABLE5_ROWS)
    splits: tuple[Split, ...] = tuple(TABLE5_SPLITS)
    cell: Cell = "primitive"
    methods: tuple[Method, ...] = tuple(TABLE5_METHODS)
    width: float = 0.0625
    epochs: int = PAPER_EPOCHS
    batch: int = 32
    patience: int | None = None
    pair_epochs: int | None = None
    time_limit: float | None = None
    seed: int = 0
    share: float = 1.0
    threads: int = 1

    def of(self, method: Method) -> Settings:
        """Settings that the scores of a method depend on."""
        common: Settings = {"cell": self.cell, "seed": self.seed, "share": self.share}
        if method == "controls":
            return common
        if method in ("pair", "types"):
            return common | {"pair_epochs": self.pair_epochs, "time_limit": self.time_limit}
        names = ("width", "epochs", "batch", "patience", "time_limit")
        return common | {name: getattr(self, name) for name in names}

    def cells(self) -> Iterator[tuple[Table5Row, Split, Method]]:
        """Row, split and method of each cell, controls first."""
        for method in TABLE5_METHODS:
            for row in rows_numbered(self.rows, self.share):
                for split in TABLE5_SPLITS:
                    if method in self.methods and split in self.splits:
                        yield row, split, method


def run_table5(
    settings: Table5Settings,
    folder: Path,
    *,
    source: Path | None,
    cache: Path | None = None,
    workers: int = 1,
    on_progress: Progress = lambda *_: None,
) -> Table5Results:
    """Compute the cells that are not finished, and return all results of the folder.

    Args:
        settings: Settings of the benchmark.
        folder: Folder of the results; each cell is written as soon as it is finished.
        source: Records, as for ``mp12``; required unless all cells are finished.
        cache: Folder of prepared arrays, ``folder/cache`` by default.
        workers: Processes that prepare the data.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: The folder holds results with other settings or data; the data are missing or too few.
    """
    finished = read_results(folder)
    missing = []
    for row, split, method in settings.cells():
        cell = finished.cell(row.number, split, method)
        if cell is None:
            missing.append((row, split, method))
        else:
            check_settings(cell, settings.of(method), folder)
    if missing:
        if source is None:
            raise InputError("Give the crystals to train on with --data, a folder with structures.jsonl.gz.")
        facts = run_facts(settings.seed)  # the checkout may change during the run
        data = table5_data(source, cache or folder / "cache", settings.cell, workers=workers)
        save_data_facts(folder, data_facts(data, settings.cell))
        run = _Run(settings, folder, data, facts, on_progress)
        for row, split, _ in missing:
            row_split(
                data, row, split, settings.seed
            )  # raises before the first training if there are too few
        for done, (row, split, method) in enumerate(missing):
            on_progress("cell", done, len(missing))
            run.cell(row, split, method)
        on_progress("cell", len(missing), len(missing))
    return read_results(folder)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Data shared by all cells of a run."""

    settings: Table5Settings
    folder: Path
    data: PreparedStructures
    facts: dict[str, object]
    report: Progress

    def cell(self, row: Table5Row, split: Split, method: Method) -> None:
        """Run one cell and save it."""
        begin = time.monotonic()
        parts = row_split(self.data, row, split, self.settings.seed)
        methods = {
            "controls": self._controls,
            "paper": self._paper,
            "pair": self._pair,
            "types": self._types,
        }
        run = methods[method]
        cell = run(
            Table5Cell(
                row=row.number,
                split=split,
                method=method,
                settings=self.settings.of(method),
                train=len(parts.train),
                test=len(parts.test),
                scores={},
                minutes=0.0,
                facts=self.facts,
            ),
            row,
            parts,
        )
        minutes = round((time.monotonic() - begin) / 60, 2)
        save_cell(self.folder, cell.model_copy(update={"minutes": minutes}))

    def _controls(self, cell: Table5Cell, row: Table5Row, parts: RowSplit) -> Table5Cell:
        scored = control_scores(self.data, parts, row.classes, self.settings.seed)
        return cell.model_copy(update={"scores": scored})

    def _paper(self, cell: Table5Cell, row: Table5Row, parts: RowSplit) -> Table5Cell:
        """The paper's network, trained for the classes of this row."""
        settings = self.settings
        predicted = predict_with_paper_network(
            self.data,
            parts.train,
            parts.test,
            self._evaluated(parts),
            self.folder / NETWORKS / cell.name,
            config=PaperNetConfig(width=settings.width, classes=row.classes),
            settings=PaperTrainSettings(
                epochs=settings.epochs,
                batch=settings.batch,
                patience=settings.patience,
                minutes=settings.time_limit,
                seed=settings.seed,
                threads=settings.threads,
            ),
            on_step=lambda step, total, _: self.report(cell.name, step, total),
        )
        return self._scored(cell, row, parts, PAPER_NETWORK, predicted.distances, predicted.notes)

    def _evaluated(self, parts: RowSplit) -> IntArray:
        """Rows of the test structures, then those of Figure 7."""
        return np.concatenate([parts.test, example_rows(self.data)])

    def _pair(self, cell: Table5Cell, row: Table5Row, parts: RowSplit) -> Table5Cell:
        """Our pair network alone."""
        training = self._trained_pair(cell, row, parts, given_types=False)
        predicted = predict_with_pair_network(
            training, self.data, parts.train, self._evaluated(parts), MAX_ATOMS
        )
        return self._scored(cell, row, parts, PAIR_NETWORK, predicted, training.notes)

    def _types(self, cell: Table5Cell, row: Table5Row, parts: RowSplit) -> Table5Cell:
        """Our three models: the pair network averaged over likely structure types."""
        pair = self._trained_pair(cell, row, parts, given_types=True)
        alone = self._trained_pair(cell, row, parts, given_types=False)
        trained = f"types-{row.subset}-{row.train}-{cell.split}"
        models = train_type_models(
            self.data,
            parts.train,
            self.folder / NETWORKS / trained,
            seed=self.settings.seed,
            threads=self.settings.threads,
            on_step=lambda step, total, _: self.report(trained, step, total),
        )
        predicted = predict_over_types(
            pair,
            alone,
            models,
            self.data,
            parts.train,
            self._evaluated(parts),
            MAX_ATOMS,
            seed=self.settings.seed,
            conventional=self.settings.cell == "conventional",
        )
        return self._scored(cell, row, parts, TYPE_MODELS, predicted, pair.notes | models.notes)

    def _trained_pair(
        self, cell: Table5Cell, row: Table5Row, parts: RowSplit, *, given_types: bool
    ) -> PairTraining:
        """The pair network, trained once for all N of the same structures and for both methods."""
        trained = f"{'pair' if given_types else 'alone'}-{row.subset}-{row.train}-{cell.split}"
        return train_pair_network(
            self.data,
            parts.train,
            self.folder / NETWORKS / trained,
            epochs=self.settings.pair_epochs,
            time_limit=self.settings.time_limit,
            seed=self.settings.seed,
            threads=self.settings.threads,
            given_types=given_types,
            on_step=lambda step, total, _: self.report(trained, step, total),
        )

    def _scored(
        self,
        cell: Table5Cell,
        row: Table5Row,
        parts: RowSplit,
        name: str,
        predicted: FloatArray,
        notes: Settings,
    ) -> Table5Cell:
        """A cell with the scores of a network and, for N = 20, its predictions for Figure 7.

        Args:
            predicted: Distances in Å of the test structures, then of ``example_rows``, shape
                (structures, atoms, atoms).
        """
        _, true, mask = matrices(self.data, parts.test)
        tested, rest = predicted[: len(parts.test)], predicted[len(parts.test) :]
        shown = self._examples(row, rest) if row.classes == FIGURE7_CLASSES else []
        return cell.model_copy(
            update={"scores": {name: scores([tested], true, mask)}, "notes": notes, "examples": shown}
        )

    def _examples(self, row: Table5Row, predicted: FloatArray) -> list[Example]:
        rows = example_rows(self.data)
        numbers, true, _ = matrices(self.data, rows)
        names = zip(self.data.formulas[rows].tolist(), self.data.ids[rows].tolist(), strict=True)
        return [
            example(formula, identifier, numbers[i], true[i], predicted[i], row.classes)
            for i, (formula, identifier) in enumerate(names)
        ]
