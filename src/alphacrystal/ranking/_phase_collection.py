"""Build the table of known phases from records, with energies of a potential; interrupted work resumes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.ranking._phase_table import KnownPhase, type_label

if TYPE_CHECKING:
    from alphacrystal.data import StructureRecord
    from alphacrystal.relaxation import EnergyModel
    from alphacrystal.typing import Progress

CHUNK = 40  # records whose energies are computed together
ON_HULL = 1e-4  # eV/atom


def collect_phases(
    records: Sequence[StructureRecord], model: EnergyModel, file: Path, on_progress: Progress
) -> list[KnownPhase]:
    """Known phases with their energies.

    Args:
        records: Crystals; those whose symmetry or energy cannot be computed are left out.
        model: The potential.
        file: Lines of finished records; they are not computed again.
        on_progress: Called with (stage, done, total).
    """
    finished = {str(item["id"]): item for item in _lines(file)}
    waiting = [record for record in records if record.id not in finished]
    done = len(records) - len(waiting)
    with file.open("a", encoding="utf-8") as stream:
        for begin in range(0, len(waiting), CHUNK):
            on_progress("energies", done + begin, len(records))
            for item in _computed(waiting[begin : begin + CHUNK], model):
                finished[item["id"]] = item
                stream.write(json.dumps(item) + "\n")
            stream.flush()
    on_progress("energies", len(records), len(records))
    return with_ground_states(records, finished)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                item = json.loads(line)
            except ValueError:
                continue  # of an interrupted run
            if isinstance(item, dict) and {"id", "label", "energy"} <= item.keys():
                yield item


def _computed(records: Sequence[StructureRecord], model: EnergyModel) -> Iterator[dict[str, Any]]:
    from alphacrystal.relaxation import energies_checked

    structures = [record.structure() for record in records]
    supported = [set(record.species) <= set(model.supported_elements) for record in records]
    possible = [structure for structure, fits in zip(structures, supported, strict=True) if fits]
    values = iter(energies_checked(model, possible)[0].tolist() if possible else [])
    for record, structure, fits in zip(records, structures, supported, strict=True):
        energy = next(values) if fits else float("nan")
        known = bool(np.isfinite(energy))
        yield {
            "id": record.id,
            "label": type_label(structure) if known else None,
            "energy": round(energy, 5) if known else None,
        }


def ground_state(members: Sequence[StructureRecord], energies: Mapping[str, float]) -> StructureRecord:
    """The ground state of a formula.

    The record that its source puts on the hull, else the experimental one (else any) with the least distance
    from it. Where the source gives no distance, it is the energy above the lowest record of the formula.

    Args:
        members: Records of one formula.
        energies: eV/atom by id, of one potential.
    """
    lowest = min(energies[record.id] for record in members)

    def order(record: StructureRecord) -> tuple[bool, bool, float, str]:
        known = record.e_above_hull
        distance = energies[record.id] - lowest if known is None else known
        return known is None or known > ON_HULL, not record.icsd, distance, record.id

    return min(members, key=order)


def with_ground_states(
    records: Iterable[StructureRecord], finished: dict[str, dict[str, Any]]
) -> list[KnownPhase]:
    """The phases, of each formula one marked as its ground state; of records with one id, the first."""
    by_formula: dict[str, list[StructureRecord]] = defaultdict(list)
    seen: set[str] = set()
    for record in records:
        item = finished.get(record.id) if record.id not in seen else None
        seen.add(record.id)
        if item is not None and item["label"] is not None and item["energy"] is not None:
            by_formula[record.reduced_formula].append(record)

    phases = []
    for formula, members in sorted(by_formula.items()):
        ground = ground_state(
            members, {record.id: float(finished[record.id]["energy"]) for record in members}
        )
        phases += [
            KnownPhase(
                record.id,
                formula,
                str(finished[record.id]["label"]),
                float(finished[record.id]["energy"]),
                record is ground,
            )
            for record in members
        ]
    return phases
