"""The tables of a campaign: index.csv with a row for each formula, failures.csv with the reasons."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report import INDEX_COLUMNS, PATTERN_COLUMNS
from alphacrystal.runtime.atomic_write import replacing
from alphacrystal.runtime.csv_cells import write_csv
from alphacrystal.scale._store import CampaignStore

FAILURE_COLUMNS = ("number", "formula", "cell", "space_group", "failure_type", "reason", "seconds")
INDEX_FILE, FAILURES_FILE, PARQUET_FILE = "index.csv", "failures.csv", "index.parquet"

_BATCH = 50_000  # rows of a parquet row group


def write_tables(folder: Path, store: CampaignStore) -> None:
    """Write index.csv, failures.csv and, where pyarrow is installed, index.parquet.

    Each file is replaced atomically; rows are streamed.

    Raises:
        InputError: The store is damaged.
        AlphaCrystalError: A table cannot be written.
    """
    try:
        with_pattern = (store.facts().get("settings") or {}).get("xrd") is not None
        columns = (*INDEX_COLUMNS, *PATTERN_COLUMNS) if with_pattern else INDEX_COLUMNS
        _write_csv(folder / INDEX_FILE, columns, (row[: len(columns)] for row in store.lines()))
        reason, seconds = INDEX_COLUMNS.index("reason"), INDEX_COLUMNS.index("seconds")
        failed = (
            (line, row[0], cell, group, failure_type, row[reason], row[seconds])
            for *row, failure_type, line, cell, group in store.lines(failed_only=True)
        )
        _write_csv(folder / FAILURES_FILE, FAILURE_COLUMNS, failed)
        if importlib.util.find_spec("pyarrow") is not None:
            _write_parquet(folder / PARQUET_FILE, columns, store)
    except OSError as error:
        raise AlphaCrystalError(
            f"The tables of {folder} cannot be written ({error.strerror or error}); "
            "make room and resume the campaign."
        ) from error
    except (ValueError, TypeError) as error:  # a value of another type than its column
        raise InputError(store.damaged()) from error


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with replacing(path) as unfinished, unfinished.open("x", encoding="utf-8", newline="") as stream:
        write_csv(stream, columns, rows, number=".6g")


def _write_parquet(path: Path, names: Sequence[str], store: CampaignStore) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    types = dict.fromkeys(names, real) | dict.fromkeys(
        ("formula", "folder", "status", "reason", "space_group_symbol", "novelty", "prototype"), text
    )
    types |= dict.fromkeys(
        (name for name in ("structures", "space_group_number", "unexplained_peaks") if name in names), whole
    )
    schema = pa.schema(list(types.items()))
    with replacing(path) as unfinished, parquet.ParquetWriter(unfinished, schema) as writer:
        for rows in _batches(store.lines()):
            columns = zip(*(row[: len(names)] for row in rows), strict=True)
            arrays = [pa.array(column, types[name]) for name, column in zip(names, columns, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
