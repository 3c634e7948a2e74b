"""What a run has finished so far, on disk as it happens, so that nothing is computed twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.generate import Candidate

if TYPE_CHECKING:
    from alphacrystal.relax import Relaxation

FOLDER = "checkpoint"


class Checkpoint:
    """Candidates and relaxations of a run below ``folder/checkpoint``.

    Candidates are written whole once generation ends; each relaxation is one line, appended as soon as it is
    done. A torn last line (a killed run) is dropped on reading.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def save_request(self, formula: str, settings: Mapping[str, Any]) -> None:
        """Remember what was asked for, so that --resume needs no other flags.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write("request.json", json.dumps({"formula": formula, "settings": dict(settings)}))

    def load_request(self) -> dict[str, Any] | None:
        """Formula and settings of the run, None where there is none."""
        return self._read_object("request.json")

    def _read_object(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is damaged: start the run anew with another --out.") from error
        return found

    def save_batch(self, formulas: Sequence[tuple[Any, ...]], settings: Mapping[str, Any]) -> None:
        """Remember a list of (formula, cell, space group) and the settings they share.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write("batch.json", json.dumps({"formulas": list(formulas), "settings": dict(settings)}))

    def load_batch(self) -> dict[str, Any] | None:
        """What ``save_batch`` wrote, None where there is none."""
        return self._read_object("batch.json")

    def save_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Write all candidates at once.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write("candidates.json", json.dumps([_candidate_to_json(c) for c in candidates]))

    def load_candidates(self) -> list[Candidate] | None:
        """Candidates of the run, None where generation had not finished."""
        path = self.folder / "candidates.json"
        if not path.is_file():
            return None
        try:
            return [_candidate_from_json(item) for item in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged: start the run anew with another --out.") from error

    def add_relaxation(self, stage: str, index: int, relaxation: Relaxation) -> None:
        """Append one finished relaxation.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        item = {
            "stage": stage,
            "index": index,
            "structure": relaxation.structure.as_dict(verbosity=0),
            "status": relaxation.status.value,
            "reason": relaxation.reason,
            "energy_per_atom": relaxation.energy_per_atom,
            "max_force": relaxation.max_force,
            "max_stress": relaxation.max_stress,
            "steps": relaxation.steps,
            "seconds": relaxation.seconds,
        }
        path = self.folder / "relaxations.jsonl"
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(item) + "\n")
        except OSError as error:
            raise _refused(path, error) from error

    def load_relaxations(self) -> dict[tuple[str, int], Relaxation]:
        """Finished relaxations by stage and candidate index."""
        from pymatgen.core.structure import Structure

        from alphacrystal.relax import Relaxation, RelaxationStatus

        path = self.folder / "relaxations.jsonl"
        found: dict[tuple[str, int], Relaxation] = {}
        if not path.is_file():
            return found
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                item = json.loads(line)
                found[item["stage"], item["index"]] = Relaxation(
                    structure=Structure.from_dict(item["structure"]),
                    status=RelaxationStatus(item["status"]),
                    reason=item["reason"],
                    energy_per_atom=item["energy_per_atom"],
                    max_force=item["max_force"],
                    max_stress=item["max_stress"],
                    steps=item["steps"],
                    seconds=item["seconds"],
                )
            except (ValueError, KeyError, TypeError):
                continue  # a torn line is a relaxation that did not finish
        return found

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + ".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> AlphaCrystalError:
    reason = error.strerror or type(error).__name__
    return AlphaCrystalError(f"{path} could not be written ({reason}): free some space, then run again with --resume.")


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "structure": candidate.structure.as_dict(verbosity=0),
        "generator": candidate.generator,
        "log_probability": candidate.log_probability,
        "hypothesis": None if candidate.hypothesis is None else asdict(candidate.hypothesis),
        "provenance": candidate.provenance,
    }


def _candidate_from_json(item: dict[str, Any]) -> Candidate:
    hypothesis = None
    if item["hypothesis"] is not None:
        values = dict(item["hypothesis"])
        values["lattice"] = LatticeParameters(**values["lattice"])
        values["lattice_std"] = LatticeParameters(**values["lattice_std"])
        values["shape_scale"] = tuple(values["shape_scale"])
        hypothesis = SymmetryHypothesis(**values)
    from pymatgen.core.structure import Structure

    structure = Structure.from_dict(item["structure"])
    return Candidate(structure, item["generator"], item["log_probability"], hypothesis, item["provenance"])
