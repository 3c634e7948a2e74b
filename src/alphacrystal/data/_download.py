"""Downloads that can be resumed: pages are appended, and a state file names the next page."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphacrystal.data._optimade import SourcePage
from alphacrystal.data._records import StructureRecord
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.runtime.atomic_write import replacing, write_text_atomically
from alphacrystal.typing import StageProgress


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The result of a download.

    Attributes:
        records: Entries written.
        skipped: Entries that cannot be used.
        reasons: Number of skipped entries by reason.
        repeated: Entries that came more than once, identical, and are written once.
        renamed: Entries with the id of a different one, which got the ids "ID-2", "ID-3".
    """

    records: int
    skipped: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    renamed: int = 0


class _State(BaseModel):
    """The progress of a download: the next page and the entries before it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    question: Any
    following: str | None
    bytes: int = Field(ge=0)
    records: int = Field(ge=0)
    reasons: dict[str, int] = {}
    repeated: int = Field(default=0, ge=0)
    renamed: int = Field(default=0, ge=0)

    @property
    def entries(self) -> int:
        """Entries that came so far."""
        return self.records + self.repeated + sum(self.reasons.values())


def download(
    out: Path,
    question: dict[str, Any],
    first: str,
    page: Callable[[str], SourcePage],
    *,
    resume: bool = False,
    on_progress: StageProgress | None = None,
) -> Downloaded:
    """Write the records of all pages to ``out`` (.jsonl or .jsonl.gz), which appears when all are there.

    Args:
        out: Record file.
        question: The request; that of a resumed download must be equal.
        first: Address of the first page.
        page: Gives a page by its address.
        resume: Continue an earlier download.
        on_progress: Called with entries so far and the number of all.

    Raises:
        InputError: There is nothing to resume, it is another request, or there is no usable entry.
        AlphaCrystalError: The source does not answer, or ends before all promised entries; the received
            entries are kept, and the sentence names the command to resume.
    """
    grown, path = out.with_name(out.name + ".partial"), out.with_name(out.name + ".progress")
    state = _State(question=question, following=first, bytes=0, records=0)
    if resume:
        state = _read_state(path, question, out, grown)
    elif path.exists():
        raise InputError(f"{out} is incomplete: continue with --resume, or choose another --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    known = _known_entries(grown, state.bytes) if resume else {}
    visited: set[str] = set()
    pages: set[tuple[str, ...]] = set()
    with grown.open("r+b" if resume else "wb") as stream:
        stream.truncate(state.bytes)  # a page that was cut short is requested again
        stream.seek(state.bytes)
        while state.following is not None:
            visited.add(state.following)
            try:
                answer = page(state.following)
                _check_new(answer, pages)
                after = _append(answer, state, stream.write, known)
                stream.flush()
                os.fsync(stream.fileno())
                after.bytes = stream.tell()
                repeats = after.following in visited
                if repeats:
                    after.following = None
                if after.following is None:
                    _check_complete(answer, after.entries, grown, repeats=repeats)
            except AlphaCrystalError as error:
                if not (resume or state.entries or stream.tell()):
                    grown.unlink()
                    raise
                _write_state(state, path)
                raise type(error)(
                    f"{error} The received entries are kept; repeat the command with --resume to continue."
                ) from error
            state = after
            _write_state(state, path)
            if on_progress is not None:
                on_progress(state.entries, max(answer.available or 0, state.entries))
    if not state.records:
        grown.unlink()
        path.unlink()
        raise InputError("The source has no ordered crystal that fits: loosen the filter.")
    _finish(grown, out)
    path.unlink()
    return Downloaded(
        state.records, sum(state.reasons.values()), state.reasons, state.repeated, state.renamed
    )


def _append(
    answer: SourcePage, state: _State, write: Callable[[bytes], int], known: dict[str, bytes]
) -> _State:
    """Write the new records of a page; the state after it.

    ``known`` has a digest of each entry by id and grows.
    """
    after = state.model_copy(update={"following": answer.following, "reasons": dict(state.reasons)})
    for record in answer.records:
        digest = _digest(record)
        name, number = record.id, 1
        while known.get(name, digest) != digest:
            number += 1
            name = f"{record.id}-{number}"
        if name in known:
            after.repeated += 1
            continue
        known[name] = digest
        after.renamed += number > 1
        after.records += 1
        write(record.with_fields(id=name).model_dump_json().encode() + b"\n" if number > 1 else _line(record))
    counts: Counter[str] = Counter(after.reasons)
    for name, reason in answer.skipped.items():
        digest = reason.encode()
        if known.get(f"skipped {name}") == digest:
            after.repeated += 1
            continue
        known[f"skipped {name}"] = digest
        counts[reason] += 1
    after.reasons = dict(counts)
    return after


def _line(record: StructureRecord) -> bytes:
    return record.model_dump_json().encode() + b"\n"


def _digest(record: StructureRecord) -> bytes:
    """Of the whole record but its id."""
    return hashlib.sha256(record.model_dump_json(exclude={"id"}).encode()).digest()


def _known_entries(grown: Path, size: int) -> dict[str, bytes]:
    """Digests by id of the records in the first ``size`` bytes of a file.

    Raises:
        InputError: A line is no record.
    """
    known = {}
    with grown.open("rb") as stream:
        while stream.tell() < size:
            line = stream.readline()
            try:
                record = StructureRecord.model_validate_json(line)
            except ValidationError as error:
                raise InputError(f"{grown} is damaged: remove it and start again.") from error
            known[record.id] = _digest(record)
    return known


def _check_new(answer: SourcePage, pages: set[tuple[str, ...]]) -> None:
    """Refuse a page that came before under another address; ``pages`` has the ids of each and grows.

    Raises:
        AlphaCrystalError: The source ignores the query of the address.
    """
    ids = (*(record.id for record in answer.records), *answer.skipped)
    if len(ids) > 1 and ids in pages:
        raise AlphaCrystalError(
            f"The source repeats itself: it gave the page that begins with {ids[0]} again."
        )
    pages.add(ids)


def _check_complete(last: SourcePage, entries: int, grown: Path, *, repeats: bool) -> None:
    """Compare the received entries with the number that the source promised.

    Raises:
        AlphaCrystalError: It promised more.
    """
    if last.available is not None and entries < last.available:
        reason = ", and its link to the next page repeats an earlier page" if repeats else ""
        raise AlphaCrystalError(
            f"The source promised {last.available} entries and gave {entries}{reason}; they are in {grown}."
        )
    if last.more and (last.available is None or entries < last.available):
        raise AlphaCrystalError(
            f"The source says that more entries follow these {entries}, but "
            f"{'its next link repeats an earlier page' if repeats else 'gives no next page'}; they are in "
            f"{grown}."
        )


def _finish(grown: Path, out: Path) -> None:
    if out.suffix != ".gz":
        grown.replace(out)
        return
    with replacing(out) as packed, grown.open("rb") as stream, gzip.open(packed, "xb") as target:
        shutil.copyfileobj(stream, target)
    grown.unlink()


def _write_state(state: _State, path: Path) -> None:
    write_text_atomically(path, state.model_dump_json())


def _read_state(path: Path, question: dict[str, Any], out: Path, grown: Path) -> _State:
    damaged = f"{path} is damaged: remove it and {grown.name}, and start again."
    try:
        state = _State.model_validate_json(path.read_bytes())
        size = grown.stat().st_size if state.bytes else 0
    except FileNotFoundError:
        if path.exists():
            raise InputError(damaged) from None
        raise InputError(f"There is no begun download of {out}: start one without --resume.") from None
    except (OSError, ValidationError) as error:
        raise InputError(damaged) from error
    if size < state.bytes:
        raise InputError(damaged)
    if state.question != json.loads(json.dumps(question)):
        raise InputError(f"The download of {out} had another request: give the same options again.")
    return state
