"""Two-dimensional crystals: the layers of the crystals of a run or a file, relaxed in vacuum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.composition import parse_formula
from alphacrystal.config import LAYER_SETTINGS, PredictConfig, make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.dispersion import takes_dispersion
from alphacrystal.pipeline.energies import open_relaxer, primitive_cell, relax_settings
from alphacrystal.pipeline.preflight import check_potential_covers
from alphacrystal.report import (
    LayerList,
    check_layers_folder,
    default_folder,
    layer_row,
    read_run_folder,
    write_layers,
)
from alphacrystal.runtime.folder_lock import lock_folder

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.crystal import StructureLike
    from alphacrystal.relaxation import Relaxation
    from alphacrystal.typing import Progress

VACUUM = 20.0  # Å
LEAST_VACUUM, MOST_VACUUM = 10.0, 100.0  # Å; the potentials see atoms up to 6 Å apart
#: Settings that layers share with the bulk structures of a run, for one scale of energies.
SHARED_SETTINGS = ("potential", "dispersion", "relaxation")
WITHOUT_DISPERSION = (
    "The potential has no dispersion, which holds layers together: separation energies are too low"
)
WITHOUT_BULK = (
    "A structure file gives no separation energies: for these, run alphacrystal relax on the file, then "
    "alphacrystal layers on the run folder"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Parent:
    """A bulk crystal.

    Attributes:
        number: Rank in the run, or number in the file.
        formula: Reduced formula in the spelling of the user.
        structure: Any cell.
        energy: eV/atom, None for a file.
    """

    number: int
    formula: str
    structure: Structure
    energy: float | None


@dataclass(slots=True, eq=False)
class _Slab:
    """A layer with the crystals that have it, of lowest energy first."""

    structure: Structure
    parents: list[_Parent]


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The crystals of a run or a file, the settings of their relaxation, and notes of the reader."""

    name: str
    place: str
    parents: Sequence[_Parent]
    config: PredictConfig
    notes: tuple[str, ...] = ()
    run_folder: Path | None = None


def layers(
    source: str | Path | StructureLike,
    *,
    vacuum: float = VACUUM,
    folder: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> LayerList:
    """Cut the layers of layered crystals, relax them in vacuum, and write them with their energies.

    The atoms and the cell in the plane are relaxed with the symmetry of the layer kept. The layers of a run
    are relaxed with its potential, dispersion and limits.

    Args:
        source: The folder of a finished run, a structure file, or a structure.
        vacuum: Distance in Å between the outermost nuclei of a layer and those of its images.
        folder: Output folder; that of the run, or runs/layers-TIME if None.
        force: Replace the files of an earlier call.
        progress: Called with (stage, done, total).
        **settings: Fields of ``PredictConfig`` named in LAYER_SETTINGS.

    Raises:
        InputError: The source has no layered crystal or cannot be used, a setting is out of range or
            contradicts the run, or the folder has layers.
        AlphaCrystalError: No layer could be relaxed, or a file cannot be written.
    """
    from alphacrystal.crystal import describe_layer

    if not LEAST_VACUUM <= vacuum <= MOST_VACUUM:
        raise InputError(f"--vacuum takes {LEAST_VACUUM:g} to {MOST_VACUUM:g} Å, not {vacuum:g}.")
    if unknown := sorted(settings.keys() - set(LAYER_SETTINGS)):
        raise InputError(f"Layers have no setting {unknown[0]}: choose from {', '.join(LAYER_SETTINGS)}.")
    path = Path(source) if isinstance(source, str) else source
    if isinstance(path, Path) and not path.exists():
        raise InputError(f"There is no run folder or structure file {path}: give one of them.")
    if isinstance(path, Path) and path.is_dir():
        found = _read_run(path, settings)
    else:
        found = _read_file(path, settings)
    target = Path(folder) if folder is not None else found.run_folder or default_folder("layers")
    check_layers_folder(target, force=force)
    for formula in dict.fromkeys(parent.formula for parent in found.parents):
        check_potential_covers(parse_formula(formula), found.config)
    slabs, layered, notes = _cut(found, vacuum, progress)
    with lock_folder(target, create=True):
        ends, failures = _relaxed(slabs, found, progress)
        described = [(describe_layer(slab.structure), end, slab.parents) for slab, end in ends]
        bulk = min((p for p in found.parents if p.energy is not None), key=_by_energy, default=None)
        result = LayerList(
            source=found.name,
            crystals=len(found.parents),
            layered=layered,
            potential=found.config.full_potential,
            vacuum_a=float(vacuum),
            bulk_rank=None if bulk is None else bulk.number,
            bulk_energy_per_atom_ev=None if bulk is None else bulk.energy,
            configuration={name: getattr(found.config, name) for name in LAYER_SETTINGS if name != "workers"},
            notes=(*found.notes, *notes, *failures, *_energy_notes(found)),
            rows=tuple(
                layer_row(
                    number,
                    parents[0].formula,
                    layer,
                    end,
                    parents=[parent.number for parent in parents],
                    parent_energy=parents[0].energy,
                    bulk_energy=None if bulk is None else bulk.energy,
                )
                for number, (layer, end, parents) in enumerate(described, 1)
            ),
            layers=tuple(layer for layer, _, _ in described),
            folder=target,
        )
        write_layers(result)
    return result


def _read_run(folder: Path, settings: Mapping[str, Any]) -> _Source:
    """The relaxed crystals of a run, and its settings."""
    from alphacrystal.data import read_crystals

    run = read_run_folder(folder)
    if not run.complete:
        raise InputError(
            f"The run in {folder} was interrupted: finish it with --resume --out {folder} before you cut its "
            "layers."
        )
    if run.pressure_gpa != 0:
        raise InputError(
            f"The run in {folder} is at {run.pressure_gpa:g} GPa, and layers in vacuum have no pressure: "
            "give a run at zero pressure."
        )
    rows = [row for row in run.rows if row.energy_per_atom_ev is not None]
    if not rows:
        raise InputError(f"The run in {folder} has no relaxed structure: predict again without --no-relax.")
    stored = {name: run.configuration[name] for name in LAYER_SETTINGS if name in run.configuration}
    shared = make_config(**{**stored, "dispersion": "d3"})
    stored["dispersion"] = "d3" if run.potential == shared.full_potential else "none"
    before, now = make_config(**stored), make_config(**{**stored, **settings})
    for name in SHARED_SETTINGS:
        if name in settings and getattr(now, name) not in ("auto", getattr(before, name)):
            raise InputError(
                f"The run in {folder} was relaxed with {name} = {getattr(before, name)}, and the energies of "
                f"its layers need the same: leave out --{name}."
            )
    config = now.model_copy(update={name: getattr(before, name) for name in SHARED_SETTINGS})
    parents = [
        _Parent(row.rank, run.formula, crystal.structure, row.energy_per_atom_ev)
        for row in rows
        for crystal in read_crystals(run.folder / row.file)
    ]
    return _Source(folder.resolve().name, f"The run in {folder}", parents, config, run_folder=folder)


def _read_file(source: Path | StructureLike, settings: Mapping[str, Any]) -> _Source:
    """The crystals of a structure file; "auto" adds dispersion if the potential takes it."""
    from alphacrystal.data import read_crystals
    from alphacrystal.relaxation import has_dispersion

    crystals = read_crystals(source)
    config = make_config(**settings)
    notes = [f"{crystal.name}: {note}" for crystal in crystals for note in crystal.notes]
    if config.dispersion == "auto":
        wanted = takes_dispersion(config.potential)
        if wanted and not has_dispersion():
            notes.append(
                "The relaxation leaves dispersion out: pip install 'alphacrystal[dispersion]' adds it"
            )
        chosen = "d3" if wanted and has_dispersion() else "none"
        config = config.model_copy(update={"dispersion": chosen})
    parents = [
        _Parent(number, _formula(crystal.structure), crystal.structure, None)
        for number, crystal in enumerate(crystals, 1)
    ]
    name = source.name if isinstance(source, Path) else crystals[0].name
    place = f"The file {source}" if isinstance(source, Path) else f"The structure {name}"
    return _Source(name, place, parents, config, tuple(notes))


def _formula(structure: Structure) -> str:
    return str(structure.composition.reduced_formula)


def _cut(source: _Source, vacuum: float, progress: Progress | None) -> tuple[list[_Slab], int, list[str]]:
    """Distinct layers with the formula of their crystal, the number of layered crystals, and notes.

    Raises:
        InputError: There is none.
    """
    from alphacrystal.crystal import cut_layers, group_layers

    slabs: list[_Slab] = []
    layered, notes = 0, []
    for done, parent in enumerate(sorted(source.parents, key=_by_energy)):
        if progress:
            progress("cut", done, len(source.parents))
        found = cut_layers(primitive_cell(parent.structure), vacuum)
        layered += bool(found)
        formula = _formula(parent.structure)
        slabs += [_Slab(slab, [parent]) for slab in found if _formula(slab) == formula]
        others = list(dict.fromkeys(name for slab in found if (name := _formula(slab)) != formula))
        if others:
            listed = f"layers {' and '.join(others)}" if len(others) > 1 else f"a layer {others[0]}"
            notes.append(
                f"{'Row' if source.run_folder else 'Crystal'} {parent.number} has {listed} of another "
                f"composition than {parent.formula}: charged layers and those of other compounds are left out"
            )
    if progress:
        progress("cut", len(source.parents), len(source.parents))
    if not layered:
        raise InputError(
            f"{source.place} has no layered crystal: the atoms are bonded in three dimensions, or in chains "
            "or molecules; give a layered one."
        )
    if not slabs:
        raise InputError(f"{source.place} has no layer of its formula. {notes[0]}.")
    return _merged(slabs, group_layers([slab.structure for slab in slabs])), layered, notes


def _by_energy(parent: _Parent) -> tuple[float, int]:
    return (0.0 if parent.energy is None else parent.energy, parent.number)


def _merged(slabs: Sequence[_Slab], groups: Sequence[Sequence[int]]) -> list[_Slab]:
    """The first layer of each group, with the crystals of all."""
    merged = []
    for group in groups:
        parents = {parent.number: parent for index in group for parent in slabs[index].parents}
        merged.append(_Slab(slabs[group[0]].structure, sorted(parents.values(), key=_by_energy)))
    return merged


def _relaxed(
    slabs: Sequence[_Slab], source: _Source, progress: Progress | None
) -> tuple[list[tuple[_Slab, Relaxation]], list[str]]:
    """Distinct relaxed layers of lowest energy first, and notes on those that failed.

    Raises:
        AlphaCrystalError: None could be relaxed.
    """
    from alphacrystal.crystal import group_layers, is_single_layer

    settings = relax_settings(source.config).model_copy(update={"in_plane": True})
    done = 0

    def on_result(index: int, relaxation: Relaxation) -> None:
        nonlocal done
        done += 1
        if progress:
            progress("relax", done, len(slabs))

    if progress:
        progress("relax", 0, len(slabs))
    with open_relaxer(source.config) as relaxer:
        assert relaxer is not None
        ends = relaxer.relax([slab.structure for slab in slabs], settings, on_result=on_result)
    usable, notes = [], []
    for slab, end in zip(slabs, ends, strict=True):
        name = f"The layer of {'row' if source.run_folder else 'crystal'} {slab.parents[0].number}"
        if not end.usable or end.energy_per_atom is None:
            notes.append(f"{name} could not be relaxed: {end.reason}")
        elif not is_single_layer(end.structure):
            notes.append(f"{name} fell apart in the relaxation and is left out")
        else:
            usable.append((_Slab(end.structure, slab.parents), end))
    if not usable:
        raise AlphaCrystalError(f"{source.place} has no layer that could be relaxed. {notes[0]}.")
    formulas = list(dict.fromkeys(parent.formula for parent in source.parents))

    def place(item: tuple[_Slab, Relaxation]) -> tuple[int, float]:
        return formulas.index(item[0].parents[0].formula), item[1].energy_per_atom or 0.0

    usable.sort(key=place)
    # The best converged member of a group represents it, else the best of all.
    groups = [
        sorted(group, key=lambda index: not usable[index][1].converged)
        for group in group_layers([slab.structure for slab, _ in usable])
    ]
    merged = _merged([slab for slab, _ in usable], groups)
    ends = [usable[group[0]][1] for group in groups]
    return sorted(zip(merged, ends, strict=True), key=place), notes


def _energy_notes(source: _Source) -> list[str]:
    if source.run_folder is None:
        return [WITHOUT_BULK]
    without = source.config.dispersion != "d3" and takes_dispersion(source.config.potential)
    return [WITHOUT_DISPERSION] if without else []
