"""Files of the layers cut from crystals: CIF files, ``layers.csv`` and ``layers.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report._events import plain_json
from alphacrystal.report._structure_text import cif_text
from alphacrystal.report._summary import cell_formula, csv_text, formula_units
from alphacrystal.runtime.atomic_write import storage_sentence, write_text_atomically
from alphacrystal.runtime.contained_paths import check_inside, refuse_links

if TYPE_CHECKING:
    from rich.table import Table

    from alphacrystal.crystal import Layer
    from alphacrystal.relaxation import Relaxation

LAYERS_FOLDER = "layers"
LAYERS_CSV = "layers.csv"
LAYERS_JSON = "layers.json"
LAYERS_FORMAT = "alphacrystal-layers"
LAYERS_FORMAT_VERSION = 1
_DECIMALS, _ENERGY_DECIMALS = 6, 3  # of rows; the latter for meV
_CIF_NAME = re.compile(r"\d{3,}_[A-Za-z0-9]+_lg\d{1,2}\.cif")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer; the fields are the columns of ``layers.csv``, in order.

    Attributes:
        number: From 1, by energy per atom.
        file: CIF path relative to the folder.
        formula: Reduced formula in the spelling of the user.
        cell_formula: Content of the primitive cell.
        n_atoms: Atoms in the primitive cell.
        layer_group_number: Number of the layer group, 1-80.
        layer_group_symbol: Hermann-Mauguin short symbol of the layer group.
        space_group_number: International number of the slab with its vacuum.
        space_group_symbol: Hermann-Mauguin short symbol of the slab.
        a: Length in Å of the conventional cell in the plane.
        b: Å.
        gamma: Degrees.
        thickness_a: Distance of the outermost nuclei along the normal, Å.
        area_a2: Area of the primitive cell, Å².
        energy_per_atom_ev: eV/atom after relaxation.
        separation_mev_per_atom: Energy above the most stable bulk structure of the run, meV/atom; None for a
            structure file.
        separation_mev_per_a2: The same for the area of the layer, meV/Å².
        exfoliation_mev_per_atom: Energy above the most stable stacking of this layer in the run, meV/atom.
        exfoliation_mev_per_a2: The same for the area of the layer, meV/Å².
        converged: Whether the relaxation converged.
        max_force_ev_per_a: Largest remaining force, eV/Å, None where not available.
        parents: Ranks in the run, or numbers in the file, of the crystals with this layer, of lowest energy
            first, separated by blanks.
    """

    number: int
    file: str
    formula: str
    cell_formula: str
    n_atoms: int
    layer_group_number: int
    layer_group_symbol: str
    space_group_number: int
    space_group_symbol: str
    a: float
    b: float
    gamma: float
    thickness_a: float
    area_a2: float
    energy_per_atom_ev: float
    separation_mev_per_atom: float | None
    separation_mev_per_a2: float | None
    exfoliation_mev_per_atom: float | None
    exfoliation_mev_per_a2: float | None
    converged: bool
    max_force_ev_per_a: float | None
    parents: str


LAYER_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(LayerRow))


@dataclass(frozen=True, slots=True, eq=False)
class LayerList:
    """The layers of the crystals of a run or a file.

    Attributes:
        source: Name of the run folder or structure file.
        crystals: Number of crystals in it.
        layered: Number of crystals that consist of layers.
        potential: Name of the potential, with "+d3" if it includes dispersion.
        vacuum_a: Distance in Å between a layer and its images before the relaxation.
        bulk_rank: Rank of the most stable bulk structure of the run, None for a file.
        bulk_energy_per_atom_ev: Its energy, eV/atom.
        configuration: Settings of the relaxation.
        notes: Sentences to read with the list.
        rows: The layers, of lowest energy first.
        layers: Their structures.
        folder: Folder of the files.
    """

    source: str
    crystals: int
    layered: int
    potential: str
    vacuum_a: float
    bulk_rank: int | None
    bulk_energy_per_atom_ev: float | None
    configuration: Mapping[str, object]
    notes: tuple[str, ...]
    rows: tuple[LayerRow, ...]
    layers: tuple[Layer, ...]
    folder: Path


def layer_row(
    number: int,
    formula: str,
    layer: Layer,
    relaxation: Relaxation,
    *,
    parents: Sequence[int],
    parent_energy: float | None,
    bulk_energy: float | None,
) -> LayerRow:
    """The row of a relaxed layer.

    Args:
        number: From 1.
        formula: Reduced formula in the spelling of the user.
        layer: The relaxed layer.
        relaxation: Its relaxation; it has an energy.
        parents: Numbers of the crystals with this layer, of lowest energy first.
        parent_energy: Energy of the first of them, eV/atom.
        bulk_energy: Energy of the most stable bulk structure, eV/atom.
    """
    from alphacrystal.crystal import standard_structure

    energy = relaxation.energy_per_atom
    assert energy is not None
    composition = layer.primitive.composition
    plain = cell_formula(formula, composition, divide_by=formula_units(composition))
    _, space_group, symbol = standard_structure(layer.primitive)
    a, b, gamma = layer.in_plane
    per_area = len(layer.primitive) / layer.area  # atoms/Å²
    return LayerRow(
        number=number,
        file=f"{LAYERS_FOLDER}/{number:03d}_{plain}_lg{layer.number}.cif",
        formula=formula,
        cell_formula=cell_formula(formula, composition),
        n_atoms=len(layer.primitive),
        layer_group_number=layer.number,
        layer_group_symbol=layer.symbol,
        space_group_number=space_group,
        space_group_symbol=symbol,
        a=round(a, _DECIMALS),
        b=round(b, _DECIMALS),
        gamma=round(gamma, _DECIMALS),
        thickness_a=round(layer.thickness, _DECIMALS),
        area_a2=round(layer.area, _DECIMALS),
        energy_per_atom_ev=round(energy, _DECIMALS),
        separation_mev_per_atom=_above(energy, bulk_energy),
        separation_mev_per_a2=_above(energy, bulk_energy, per_area),
        exfoliation_mev_per_atom=_above(energy, parent_energy),
        exfoliation_mev_per_a2=_above(energy, parent_energy, per_area),
        converged=relaxation.converged,
        max_force_ev_per_a=None if relaxation.max_force is None else round(relaxation.max_force, _DECIMALS),
        parents=" ".join(map(str, parents)),
    )


def _above(energy: float, reference: float | None, factor: float = 1.0) -> float | None:
    """Energy in meV above a reference, both in eV, times a factor."""
    return None if reference is None else round(1000 * (energy - reference) * factor, _ENERGY_DECIMALS)


def check_layers_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that layers cannot be written to.

    Args:
        folder: The folder; it need not exist.
        force: Replace the files of an earlier call.

    Raises:
        InputError: It is a file, or has layers, without ``force``, or links.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"The output folder {folder} is a file: choose another folder with --out.")
    for name in (LAYERS_JSON, LAYERS_CSV, LAYERS_FOLDER):
        path = folder / name
        check_inside(path, folder)
        if path.exists() and not (force and path.is_dir() == (name == LAYERS_FOLDER)):
            raise InputError(f"{path} exists: choose another folder with --out, or replace it with --force.")
    if (folder / LAYERS_FOLDER).is_dir():
        refuse_links(folder / LAYERS_FOLDER)


def write_layers(found: LayerList) -> None:
    """Write the CIF files, ``layers.csv`` and ``layers.json``; CIF files of an earlier list are removed last.

    The same layers give the same bytes.

    Raises:
        AlphaCrystalError: A file cannot be written.
    """
    target = found.folder / LAYERS_FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(target, error)) from error
    for row, layer in zip(found.rows, found.layers, strict=True):
        text = cif_text(layer.structure, row.space_group_number, name=Path(row.file).stem)
        write_text_atomically(found.folder / row.file, text)
    write_text_atomically(found.folder / LAYERS_CSV, csv_text(LAYER_COLUMNS, map(asdict, found.rows)))
    content = json.dumps(layers_content(found), indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomically(found.folder / LAYERS_JSON, content + "\n")
    kept = {Path(row.file).name for row in found.rows}
    try:
        for path in target.iterdir():
            if _CIF_NAME.fullmatch(path.name) and path.name not in kept:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(target, error)) from error


def layers_content(found: LayerList) -> dict[str, object]:
    """The content of ``layers.json`` (keys: docs/layers.md)."""
    return {
        "format": LAYERS_FORMAT,
        "format_version": LAYERS_FORMAT_VERSION,
        "source": found.source,
        "crystals": found.crystals,
        "layered": found.layered,
        "potential": found.potential,
        "vacuum_a": found.vacuum_a,
        "bulk_rank": found.bulk_rank,
        "bulk_energy_per_atom_ev": found.bulk_energy_per_atom_ev,
        "configuration": plain_json(found.configuration),
        "notes": list(found.notes),
        "layers": [asdict(row) for row in found.rows],
    }


def layers_table(found: LayerList) -> Table:
    """The layers as a rich table."""
    from rich import box
    from rich.table import Table

    several = len({row.formula for row in found.rows}) > 1
    separated = any(row.separation_mev_per_atom is not None for row in found.rows)
    columns = {
        "#": [str(row.number) for row in found.rows],
        **({"formula": [row.formula for row in found.rows]} if several else {}),
        "layer\ngroup": [f"{row.layer_group_symbol} ({row.layer_group_number})" for row in found.rows],
        "a b (Å)\nγ (°)": [f"{row.a:.3f} {row.b:.3f} {round(row.gamma, 1):g}" for row in found.rows],
        "thick\nÅ": [f"{row.thickness_a:.2f}" for row in found.rows],
        "energy\neV/atom": [
            f"{row.energy_per_atom_ev:.3f}{'' if row.converged else '*'}" for row in found.rows
        ],
    }
    if separated:
        columns["E sep\nmeV/atom"] = [_number(row.separation_mev_per_atom, 0) for row in found.rows]
        columns["E sep\nmeV/Å²"] = [_number(row.separation_mev_per_a2, 1) for row in found.rows]
    if _exfoliated(found):
        columns["E exf\nmeV/Å²"] = [_number(row.exfoliation_mev_per_a2, 1) for row in found.rows]
    columns["from"] = [_first_parent(row.parents.split()) for row in found.rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for title, cells in columns.items():
        left = title.startswith(("formula", "layer", "a b", "from"))
        table.add_column(title, justify="left" if left else "right", no_wrap=max(map(len, cells)) < 12)
    for line in zip(*columns.values(), strict=True):
        table.add_row(*line)
    return table


def layers_legend(found: LayerList) -> str:
    """The explanation of the headings of `layers_table`, as one line."""
    run = found.bulk_rank is not None
    parts = ["thick: distance of the outermost nuclei"]
    if run:
        parts.append(f"E sep: energy above row {found.bulk_rank} of the run, its most stable structure")
    if _exfoliated(found):
        parts.append("E exf: energy above the most stable stacking of the layer")
    place = "row of the run" if run else "crystal of the file"
    several = any(" " in row.parents for row in found.rows)
    others = ", of lowest energy, and the number of others" if several else ""
    parts.append(f"from: {place} with the layer{others}")
    if not all(row.converged for row in found.rows):
        parts.append("*: not converged")
    return "; ".join(parts)


def _exfoliated(found: LayerList) -> bool:
    """Whether another polymorph is more stable than the stackings of a layer."""
    return any(row.separation_mev_per_atom != row.exfoliation_mev_per_atom for row in found.rows)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # no negative zero


def _first_parent(parents: list[str]) -> str:
    """The parent of lowest energy and the number of others, e.g. "4 +2"."""
    return parents[0] if len(parents) == 1 else f"{parents[0]} +{len(parents) - 1}"
