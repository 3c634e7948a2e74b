"""Checkpoint of a run: the finished work on disk, so that nothing is computed twice."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt, TypeAdapter

from alphacrystal.crystal import SymmetryHypothesis, structure_from_json, structure_to_json
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.generate import Candidate
from alphacrystal.report import CHECKPOINT_FOLDER, REQUEST_FILE, SERIES_FILE
from alphacrystal.runtime.atomic_write import storage_sentence, write_text_atomically
from alphacrystal.runtime.bounded_files import parse_json, read_json

if TYPE_CHECKING:
    from alphacrystal.relaxation import DisplacedStructure, Phonons, Relaxation

MAX_REQUEST_BYTES = 100_000_000  # a list of formulas may be long
MAX_CANDIDATES_BYTES = 1_000_000_000
MAX_LINE_BYTES = 100_000_000  # one part of the generation

Dispersion = Literal["none", "d3", "missing"]
#: Number of a candidate in a line that may come from others.
_INDEX = TypeAdapter(NonNegativeInt, config=ConfigDict(strict=True))
DECISIONS: tuple[Dispersion, ...] = get_args(Dispersion)  # "missing": the extra is not installed

#: Names of version 0.1 with today's names.
RENAMED_PASSES = {"kept": "unrelaxed"}
RENAMED_PROVENANCE = {"way": "method", "trial": "proposal", "evaluation": "energy_call"}

_HYPOTHESIS = TypeAdapter(SymmetryHypothesis)


class _CandidateLine(BaseModel):
    """A candidate in the checkpoint."""

    model_config = ConfigDict(extra="ignore")

    structure: Any
    generator: str
    log_probability: FiniteFloat | None
    hypothesis: dict[str, Any] | None
    provenance: dict[str, object]


class _RelaxationLine(BaseModel):
    """A relaxation in the checkpoint."""

    model_config = ConfigDict(extra="ignore")

    stage: str
    index: int
    structure: Any
    status: str
    reason: str
    energy_per_atom: FiniteFloat | None
    max_force: FiniteFloat | None
    max_stress: FiniteFloat | None
    steps: int
    seconds: FiniteFloat


class _DisplacedLine(BaseModel):
    """A displaced structure in the checkpoint."""

    model_config = ConfigDict(extra="ignore")

    structure: Any
    wave_vector: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    frequency_thz: FiniteFloat
    amplitude: FiniteFloat


class Checkpoint:
    """Candidates and relaxations of a run below ``folder/checkpoint``.

    Each finished part of the generation and each relaxation is one line, appended at once; an incomplete last
    line (of a killed run) is dropped on reading. All candidates are written when the generation ends.
    """

    def __init__(self, folder: Path) -> None:
        self.run_folder = folder
        self.folder = folder / CHECKPOINT_FOLDER

    def save_request(self, formula: str, settings: Mapping[str, Any]) -> None:
        """Store formula and settings, so that --resume needs no other options.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write(REQUEST_FILE, json.dumps({"formula": formula, "settings": dict(settings)}))

    def load_request(self) -> dict[str, Any] | None:
        """Formula and settings of the run, None where there is none."""
        return self._read_settings(REQUEST_FILE)

    def _read_settings(self, name: str) -> dict[str, Any] | None:
        """A file with settings, None where there is none."""
        content = self._read_object(name)
        if content is not None and not isinstance(content.get("settings"), dict):
            raise damaged(self.folder / name)
        return content

    def _read_object(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            request: Any = read_json(path, MAX_REQUEST_BYTES)
        except (OSError, ValueError) as error:
            raise damaged(path) from error
        if not isinstance(request, dict):
            raise damaged(path)
        return request

    def save_batch(self, formulas: Sequence[tuple[Any, ...]], settings: Mapping[str, Any]) -> None:
        """Store a list of (formula, cell, space group) and their common settings.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write("batch.json", json.dumps({"formulas": list(formulas), "settings": dict(settings)}))

    def load_batch(self) -> dict[str, Any] | None:
        """Formulas and settings of a run of several formulas, None where there are none."""
        return self._read_settings("batch.json")

    def save_series(self, text: str, pressures: Sequence[float], settings: Mapping[str, Any]) -> None:
        """Write the formula, the pressures in GPa and the settings of a series of pressures.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        series = {"formula": text, "pressures": list(pressures), "settings": dict(settings)}
        self._write(SERIES_FILE, json.dumps(series))

    def load_series(self) -> dict[str, Any] | None:
        """Formula, pressures and settings of a series of pressures, None where there is none.

        Raises:
            InputError: The file is damaged.
        """
        series = self._read_settings(SERIES_FILE)
        if series is None:
            return None
        match series:
            case {"formula": str(), "pressures": [*values], "settings": {**_others}}:
                if all(isinstance(value, float | int) and not isinstance(value, bool) for value in values):
                    return series
        raise damaged(self.folder / SERIES_FILE)

    def save_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Write all candidates.

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
            return [_candidate_from_json(item) for item in read_json(path, MAX_CANDIDATES_BYTES)]
        except (OSError, ValueError, TypeError, InputError) as error:
            raise damaged(path) from error

    def add_generated(self, part: int, candidates: Sequence[Candidate]) -> None:
        """Append the candidates of one finished part of the generation.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._append(
            "generated.jsonl", {"part": part, "candidates": [_candidate_to_json(c) for c in candidates]}
        )

    def load_generated(self) -> dict[int, list[Candidate]]:
        """Candidates of the finished parts of the generation."""
        parts: dict[int, list[Candidate]] = {}
        for item in self._lines("generated.jsonl"):
            try:
                parts[item["part"]] = [_candidate_from_json(candidate) for candidate in item["candidates"]]
            except (ValueError, KeyError, TypeError, InputError):
                continue
        return parts

    def add_relaxation(self, stage: str, index: int, relaxation: Relaxation) -> None:
        """Append one finished relaxation.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        item = {
            "stage": stage,
            "index": index,
            "structure": structure_to_json(relaxation.structure),
            "status": relaxation.status.value,
            "reason": relaxation.reason,
            "energy_per_atom": relaxation.energy_per_atom,
            "max_force": relaxation.max_force,
            "max_stress": relaxation.max_stress,
            "steps": relaxation.steps,
            "seconds": relaxation.seconds,
        }
        self._append("relaxations.jsonl", item)

    def save_dispersion(self, decision: Dispersion) -> None:
        """Write the decision on dispersion.

        Raises:
            AlphaCrystalError: The disk refused it.
        """
        self._write("dispersion.json", json.dumps({"dispersion": decision}))

    def load_dispersion(self) -> Dispersion | None:
        """The decision on dispersion, None before it.

        Raises:
            InputError: The file is damaged.
        """
        stored = self._read_object("dispersion.json")
        if stored is None:
            return None
        decision = stored.get("dispersion")
        for known in DECISIONS:
            if decision == known:
                return known
        raise damaged(self.folder / "dispersion.json")

    def add_phonons(self, index: int, phonons: Phonons) -> None:
        """Append the phonons of one candidate."""
        self._append("phonons.jsonl", {"index": index, "phonons": phonons.model_dump(mode="json")})

    def load_phonons(self) -> dict[int, Phonons]:
        """Phonons by candidate index; damaged lines count as not finished."""
        from alphacrystal.relaxation import Phonons

        found: dict[int, Phonons] = {}
        for item in self._lines("phonons.jsonl"):
            try:
                found[_INDEX.validate_python(item["index"])] = Phonons.model_validate(item["phonons"])
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def add_displaced(self, index: int, structures: Sequence[DisplacedStructure]) -> None:
        """Append the structures displaced along the unstable modes of one candidate."""
        items = [
            {
                "structure": structure_to_json(item.structure),
                "wave_vector": list(item.wave_vector),
                "frequency_thz": item.frequency_thz,
                "amplitude": item.amplitude,
            }
            for item in structures
        ]
        self._append("modes.jsonl", {"index": index, "displaced": items})

    def load_displaced(self) -> dict[int, Sequence[DisplacedStructure]]:
        """Displaced structures by candidate index; damaged lines are left out."""
        from alphacrystal.relaxation import DisplacedStructure

        found: dict[int, Sequence[DisplacedStructure]] = {}
        for item in self._lines("modes.jsonl"):
            try:
                lines = [_DisplacedLine.model_validate(line) for line in item["displaced"]]
                found[_INDEX.validate_python(item["index"])] = [
                    DisplacedStructure(
                        structure_from_json(line.structure),
                        line.wave_vector,
                        line.frequency_thz,
                        line.amplitude,
                    )
                    for line in lines
                ]
            except (ValueError, KeyError, TypeError, InputError):
                continue
        return found

    def load_relaxations(self) -> dict[tuple[str, int], Relaxation]:
        """Finished relaxations by stage and candidate index."""
        from alphacrystal.relaxation import Relaxation, RelaxationStatus

        relaxations: dict[tuple[str, int], Relaxation] = {}
        for item in self._lines("relaxations.jsonl"):
            try:
                line = _RelaxationLine.model_validate(item)
                stage = RENAMED_PASSES.get(line.stage, line.stage)
                relaxations[stage, line.index] = Relaxation(
                    structure=structure_from_json(line.structure),
                    status=RelaxationStatus(line.status),
                    reason=line.reason,
                    energy_per_atom=line.energy_per_atom,
                    max_force=line.max_force,
                    max_stress=line.max_stress,
                    steps=line.steps,
                    seconds=line.seconds,
                )
            except (ValueError, InputError):  # a damaged line counts as not finished
                continue
        return relaxations

    def _append(self, name: str, item: Mapping[str, Any]) -> None:
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as stream:
                if stream.tell() > 0:
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":  # an incomplete line of a killed run: end it
                        stream.write(b"\n")
                stream.write(json.dumps(item).encode() + b"\n")
        except OSError as error:
            raise AlphaCrystalError(storage_sentence(path, error)) from error

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Objects of a file with one on each line; incomplete lines are dropped."""
        path = self.folder / name
        if not path.is_file():
            return
        with path.open("rb") as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                try:
                    item = parse_json(line.decode())
                except ValueError:
                    continue
                if isinstance(item, dict):
                    yield item

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text_atomically(path, text)
        except (OSError, AlphaCrystalError) as error:
            with contextlib.suppress(OSError):  # an empty folder would look like a run
                self.folder.rmdir()
            if isinstance(error, OSError):
                raise AlphaCrystalError(storage_sentence(path, error)) from error
            raise


def damaged(path: Path) -> InputError:
    """The error for a file of the checkpoint that cannot be read."""
    return InputError(f"{path} is damaged: start a new run with another --out.")


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "structure": structure_to_json(candidate.structure),
        "generator": candidate.generator,
        "log_probability": candidate.log_probability,
        "hypothesis": None if candidate.hypothesis is None else asdict(candidate.hypothesis),
        "provenance": candidate.provenance,
    }


def _candidate_from_json(item: object) -> Candidate:
    line = _CandidateLine.model_validate(item)
    hypothesis = None if line.hypothesis is None else _HYPOTHESIS.validate_python(line.hypothesis)
    structure = structure_from_json(line.structure)
    provenance = _current_provenance(line.provenance)
    return Candidate(structure, line.generator, line.log_probability, hypothesis, provenance)


def _current_provenance(provenance: dict[str, object]) -> dict[str, object]:
    """Provenance with its current keys and values instead of those of version 0.1."""
    renamed = {RENAMED_PROVENANCE.get(key, key): value for key, value in provenance.items()}
    if renamed.get("method") == "known coordinates":
        renamed["method"] = "prototype"
    return renamed
