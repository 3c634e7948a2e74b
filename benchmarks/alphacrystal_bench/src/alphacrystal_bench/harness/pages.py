"""Markdown pages of results: tables, numbers, labels of keys, and files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically

#: Labels of keys that are not the key with blanks instead of underscores.
LABELS = {
    "alphacrystal": "AlphaCrystal",
    "combined_order": "combined order (default)",
    "experimental_up_to_20_atoms": "experimental, up to 20 atoms",
    "experimental_up_to_12_atoms": "experimental, up to 12 atoms",
    "experimental_or_nearly_stable_compounds_up_to_12_atoms": (
        "experimental or within 0.1 eV/atom of the hull, up to 12 atoms, no elements"
    ),
    "entries_of_known_types": "entries whose type occurs in training",
    "network_given_conventional_cell": "network, given the conventional cell",
    "forest_given_conventional_cell": "forest, given the conventional cell",
    "forest_given_symmetry": "forest, given the symmetry",
    "network_given_type": "network, given the type",
    "oracle_polymorph_mean": "oracle, mean of the polymorphs",
    "independent_noise": "independent noise of each entry",
    "symmetric_noise": "the same noise in both halves",
    "with_anti_types_and_ordered_derivatives": "with anti-types and ordered derivatives",
    "power_0": "d^-0",
    "power_1": "d^-1",
    "power_2": "d^-2",
    "random_crystals_pyxtal": "random crystals (pyxtal)",
    "contact_map_evolution": "contact map, NumPy evolution",
    "distance_matrix_evolution": "distance matrix, NumPy evolution",
    "pnma_6_free_coordinates": "Pnma, 6 free coordinates",
    "p1_bar_18_free_coordinates": "P-1, 18 free coordinates",
    "p3m1_12_free_coordinates": "P3m1, 12 free coordinates",
    "atoms_1_to_6": "1-6 atoms",
    "atoms_7_to_12": "7-12 atoms",
    "atoms_13_to_20": "13-20 atoms",
    "atoms_over_20": "over 20 atoms",
    "atoms_1_to_20": "1-20 atoms",
    "atoms_21_to_40": "21-40 atoms",
    "atoms_41_to_60": "41-60 atoms",
    "atoms_61_to_80": "61-80 atoms",
    "atoms_over_80": "over 80 atoms",
    "prototype_coordinates": "prototype coordinates in the predicted cell, no distances",
    "templates": "the most similar known crystals, elements exchanged",
    "random_crystals": "random symmetric crystals",
    "atoms_up_to_12": "up to 12 atoms",
    "one_process_one_thread": "one process, one thread",
    "one_process_two_threads": "one process, two threads",
    "two_processes_one_thread_each": "two processes, one thread each",
}


def label(key: str) -> str:
    """Text of a key of a result on a page."""
    return LABELS.get(key, key.replace("_", " "))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table, the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def number(value: float | None, digits: int = 4) -> str:
    """A number, or "none"."""
    return "none" if value is None else f"{value:.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent, or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def fact_line(name: str, result: Mapping[str, Any], *, options: str = "", details: str = "") -> str:
    """The command, commit, seed, date and machine of a result."""
    machine = result["machine"]
    cores = machine.get("usable_cores", machine.get("cores"))
    return (
        f"Written by `alphacrystal benchmark {name}{options} --page FILE`: commit {result['commit']}, "
        f"seed {result['seed']}, {result['time']}, {machine['cpu']}, {cores} cores{details}."
    )


def page_text(name: str, **values: object) -> str:
    """A text of the package's data folder, with ``$name`` replaced by values."""
    text = files("alphacrystal_bench").joinpath(f"data/{name}.md").read_text(encoding="utf-8").rstrip()
    return Template(text).substitute(values) if values else text


def write_page(module: ModuleType, result: Mapping[str, Any], page: Path, folder: Path | None) -> None:
    """Write a Markdown page, its figures, and its numbers as JSON next to it.

    Args:
        module: Page module of the benchmark (see `Benchmark.page`).
        result: Result of the benchmark.
        page: File to write.
        folder: Output folder of the run; None if the result was read from a file.

    Raises:
        AlphaCrystalError: A file cannot be written.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    text = module.render(result)
    if hasattr(module, "draw"):
        text = text.rstrip("\n") + "\n" + module.draw(result, page, folder)
    numbers = page.with_suffix(".json")
    text = f"{text.rstrip()}\n\n[All numbers]({numbers.name})\n"
    stored = module.stored(result) if hasattr(module, "stored") else result
    write_text_atomically(page, text)
    write_text_atomically(numbers, json.dumps(stored, indent=1) + "\n")
