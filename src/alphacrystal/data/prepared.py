"""Training arrays made once from records and cached: canonical distances, symmetry, lattices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    SymmetryDescription,
    describe_symmetry,
    lattice_parameters,
    letter_index,
    min_image_distances,
    space_group,
)
from alphacrystal.data._atom_order import canonical_order
from alphacrystal.data._records import (
    StructureRecord,
    benchmark_formulas,
    read_records,
    record_files,
    split_of_formula,
    without_benchmarks,
)
from alphacrystal.errors import InputError
from alphacrystal.runtime.atomic_write import replacing
from alphacrystal.typing import BoolArray, CountProgress, Float32Array, FloatArray, IntArray

FORMAT_VERSION = 5  # to be raised when the rows of equal records change
FUNCTIONALS = ("unknown", "PBE", "MP-mixed", "RPBE")

Cell = Literal["primitive", "conventional"]
Row = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedStructures:
    """Columns over structures (n) and, concatenated, over the atoms and atom pairs of one cell of each.

    The cell is the primitive one, or the conventional one on request. Translated
    copies of an atom in a centred cell belong to the same orbit.

    Attributes:
        ids, formulas: shape (n,), strings.
        space_groups: shape (n,).
        lattices: Conventional a, b, c (Å), alpha, beta, gamma (degrees), shape (n, 6).
        volumes: Å³ per atom, shape (n,).
        functionals: Index into FUNCTIONALS, shape (n,).
        experimental: 1 yes, 0 no, -1 unknown, shape (n,).
        above_hull: eV/atom or NaN, shape (n,).
        validation: True for the validation split, shape (n,).
        atom_offsets: Atoms of structure i are atom_offsets[i]:atom_offsets[i+1], shape (n + 1,).
        numbers: Atomic numbers in canonical order, all structures concatenated.
        letters: Wyckoff letter index + 1 of each atom (canonical setting), concatenated.
        setting_letters: The same in the setting of ``positions``, which another origin may have.
        positions: Fractional coordinates in the cell, float32, shape (atoms of all structures, 3).
        orbits: Orbit of each atom, counted within its structure in canonical order, concatenated.
        pair_offsets: As atom_offsets for the pairs i < j, row by row, shape (n + 1,).
        distances: Minimum-image distances in Å of those pairs, concatenated, float32.
    """

    ids: NDArray[np.str_]
    formulas: NDArray[np.str_]
    space_groups: IntArray
    lattices: FloatArray
    volumes: FloatArray
    functionals: IntArray
    experimental: IntArray
    above_hull: FloatArray
    validation: BoolArray
    atom_offsets: IntArray
    numbers: IntArray
    letters: IntArray
    setting_letters: IntArray
    positions: Float32Array
    orbits: IntArray
    pair_offsets: IntArray
    distances: Float32Array

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sizes(self) -> IntArray:
        """Atoms in the cell, shape (n,)."""
        return np.diff(self.atom_offsets)

    @property
    def elements_per_structure(self) -> IntArray:
        """Distinct elements in each structure, shape (n,)."""
        return np.array([len(set(self.numbers[self.atoms(i)].tolist())) for i in range(len(self))])

    def atoms(self, index: int) -> slice:
        """Rows of the atoms of a structure."""
        return slice(int(self.atom_offsets[index]), int(self.atom_offsets[index + 1]))

    def pairs(self, index: int) -> slice:
        """Rows of the atom pairs of a structure."""
        return slice(int(self.pair_offsets[index]), int(self.pair_offsets[index + 1]))

    def matrix(self, index: int) -> Float32Array:
        """Distance matrix of a structure in canonical order, shape (atoms, atoms), Å."""
        size = int(self.sizes[index])
        matrix = np.zeros((size, size), dtype=np.float32)
        upper = np.triu_indices(size, 1)
        matrix[upper] = self.distances[self.pairs(index)]
        return matrix + matrix.T

    def occupation(self, index: int) -> dict[str, str]:
        """Wyckoff letters (one per orbit) of each element, elements in electronegativity order."""
        where = self.atoms(index)
        letters: dict[str, list[int]] = {}
        seen: set[int] = set()
        for number, letter, orbit in zip(
            self.numbers[where], self.letters[where], self.orbits[where], strict=True
        ):
            if orbit not in seen:
                seen.add(int(orbit))
                letters.setdefault(chemical_symbols[number], []).append(int(letter) - 1)
        return {symbol: "".join(_letter(x) for x in sorted(indices)) for symbol, indices in letters.items()}


def _letter(index: int) -> str:
    return "A" if index == 26 else chr(ord("a") + index)


def prepare_record(
    record: StructureRecord, *, cell: Cell = "primitive", most_atoms: int | None = None
) -> Row | None:
    """The row of one record, or None where no symmetry can be found or the cell is too large.

    Args:
        record: A crystal.
        cell: Whose atoms and distances the row holds.
        most_atoms: Largest cell that is wanted.
    """
    numbers = np.array([atomic_numbers[symbol] for symbol in record.species], dtype=np.int64)
    if most_atoms is not None and _formula_unit(numbers) > most_atoms:
        return None  # before the costly search for symmetry
    try:
        symmetry = describe_symmetry(np.array(record.lattice), np.array(record.frac_coords), numbers)
    except InputError:
        return None
    lattice, fractional, originals = _cell_atoms(symmetry, cell)
    if most_atoms is not None and len(originals) > most_atoms:
        return None
    positions = space_group(symmetry.space_group).positions
    distances = min_image_distances(lattice, fractional)
    numbers, orbits = symmetry.numbers[originals], symmetry.orbits[originals]
    letters = [symmetry.letters[atom] for atom in originals.tolist()]
    ranks = [
        (*element_order(chemical_symbols[number]), positions[letter].multiplicity, letter_index(letter))
        for number, letter in zip(numbers, letters, strict=True)
    ]
    order = canonical_order(distances, ranks, orbits)
    upper = np.triu_indices(len(order), 1)
    first = np.unique(orbits[order], return_index=True)[1]  # where each begins: its atoms stay together
    parameters = lattice_parameters(symmetry.lattice)
    hull = np.nan if record.e_above_hull is None else record.e_above_hull
    return {
        "ids": record.id,
        "formulas": record.reduced_formula,
        "space_groups": symmetry.space_group,
        "lattices": list(parameters.as_dict().values()),
        "volumes": abs(np.linalg.det(lattice)) / len(order),
        "functionals": FUNCTIONALS.index(record.functional) if record.functional in FUNCTIONALS else 0,
        "experimental": -1 if record.icsd is None else int(record.icsd),
        "above_hull": hull,
        "validation": (record.split or split_of_formula(record.reduced_formula)) == "val",
        "numbers": numbers[order],
        "letters": _letter_numbers([letters[atom] for atom in order]),
        "setting_letters": _letter_numbers([symmetry.setting_letters[originals[atom]] for atom in order]),
        "positions": (fractional[order] % 1.0).astype(np.float32),
        "orbits": (np.searchsorted(np.sort(first), np.arange(len(order)), side="right") - 1).astype(np.int64),
        "distances": distances[np.ix_(order, order)][upper].astype(np.float32),
    }


def _letter_numbers(letters: list[str]) -> IntArray:
    return np.array([letter_index(letter) + 1 for letter in letters], dtype=np.int64)


def _formula_unit(numbers: IntArray) -> int:
    """Atoms of the smallest formula unit: no cell holds fewer."""
    counts = np.unique(numbers, return_counts=True)[1]
    return int(counts.sum() // np.gcd.reduce(counts))


def _cell_atoms(symmetry: SymmetryDescription, cell: Cell) -> tuple[FloatArray, FloatArray, IntArray]:
    """Lattice rows (Å), fractional coordinates and, for each atom, its original in the primitive cell."""
    originals = np.arange(len(symmetry.numbers))
    if cell == "primitive":
        return symmetry.primitive_lattice, symmetry.primitive_positions, originals
    group = space_group(symmetry.space_group)
    conventional = symmetry.primitive_positions @ np.linalg.inv(group.to_primitive).T
    copies = (group.centring[:, None] + conventional).reshape(-1, 3)  # (lattice points * atoms, 3)
    return symmetry.lattice, copies, np.tile(originals, len(group.centring))


def _make_chunk(records: list[StructureRecord], make: Callable[[StructureRecord], Row | None]) -> list[Row]:
    return [row for row in map(make, records) if row is not None]


def _chunks(records: Iterable[StructureRecord], size: int) -> Iterator[list[StructureRecord]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, size)):
        yield chunk


def assemble(rows: list[Row]) -> PreparedStructures:
    """Columns from rows of ``prepare_record``."""
    atoms = [len(row["numbers"]) for row in rows]  # type: ignore[arg-type]
    pairs = [len(row["distances"]) for row in rows]  # type: ignore[arg-type]
    columns: dict[str, object] = {
        "atom_offsets": np.concatenate([[0], np.cumsum(atoms)]).astype(np.int64),
        "pair_offsets": np.concatenate([[0], np.cumsum(pairs)]).astype(np.int64),
    }
    for name in ("numbers", "letters", "setting_letters", "positions", "orbits", "distances"):
        columns[name] = np.concatenate([np.asarray(row[name]) for row in rows])
    for field in fields(PreparedStructures):
        if field.name not in columns:
            columns[field.name] = np.array([row[field.name] for row in rows])
    return PreparedStructures(**columns)  # type: ignore[arg-type]


def prepare(
    source: Path,
    cache: Path,
    *,
    workers: int = 1,
    on_progress: CountProgress | None = None,
) -> PreparedStructures:
    """Training arrays of a source, without any benchmark compound, cached under ``cache``.

    The cache is keyed by the content of the source file, the list of benchmark compounds and the format
    version; a folder is read again. A damaged cache is replaced.

    Args:
        source: As for ``read_records``.
        cache: Folder, made if need be.
        workers: Processes.
        on_progress: Called with the number of structures done so far.

    Raises:
        InputError: The source cannot be read, or holds no structure that may be used.
    """
    return prepare_rows(source, cache, "prepared", prepare_record, workers=workers, on_progress=on_progress)


def prepare_rows(
    source: Path,
    cache: Path,
    name: str,
    make: Callable[[StructureRecord], Row | None],
    choose: Callable[[list[Row]], list[Row]] = list,
    *,
    workers: int = 1,
    on_progress: CountProgress | None = None,
) -> PreparedStructures:
    """As ``prepare``, with rows made and chosen in another way.

    Args:
        source, cache, workers, on_progress: As for ``prepare``.
        name: First part of the name of the cache file, one for each ``make`` and ``choose``.
        make, choose: As for ``chosen_rows``.

    Raises:
        InputError: As for ``prepare``.
    """
    target: Path | None = None
    if files := record_files(source) if source.is_dir() else [source] * source.is_file():
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
        digest.update("\n".join(sorted(benchmark_formulas())).encode())
        target = cache / f"{name}-{digest.hexdigest()[:16]}-v{FORMAT_VERSION}.npz"
        stored = _load(target)
        if stored is not None:
            return stored
    rows = chosen_rows(read_records(source), make, choose, workers=workers, on_progress=on_progress)
    if not rows:
        raise InputError(
            f"{source} holds no structure to train on: all are benchmark compounds, too large, or have no "
            "symmetry that could be found."
        )
    prepared = assemble(rows)
    if target is not None:
        cache.mkdir(parents=True, exist_ok=True)
        columns = {field.name: getattr(prepared, field.name) for field in fields(PreparedStructures)}
        with replacing(target) as unfinished, unfinished.open("xb") as stream:
            np.savez_compressed(stream, **columns)
    return prepared


def chosen_rows(
    records: Iterable[StructureRecord],
    make: Callable[[StructureRecord], Row | None],
    choose: Callable[[list[Row]], list[Row]] = list,
    *,
    workers: int = 1,
    on_progress: CountProgress | None = None,
) -> list[Row]:
    """Rows of all records that are no benchmark compounds.

    Args:
        records: Crystals.
        make: The row of a record, or None to leave it out; can be pickled.
        choose: Which of all rows stay, in which order.
        workers, on_progress: As for ``prepare``.
    """
    rows: list[Row] = []
    make_chunk = partial(_make_chunk, make=make)
    chunks = _chunks(without_benchmarks(records), 500)
    with ExitStack() as stack:
        parts: Iterator[list[Row]] = map(make_chunk, chunks)
        if workers > 1:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            parts = pool.map(make_chunk, chunks)
        for part in parts:
            rows += part
            if on_progress:
                on_progress(len(rows))
    return choose(rows)


def _load(cached: Path) -> PreparedStructures | None:
    """The content of a cache file, None if it is missing or damaged."""
    if not cached.is_file():
        return None
    try:
        with cached.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return PreparedStructures(
                **{field.name: stored[field.name] for field in fields(PreparedStructures)}
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
