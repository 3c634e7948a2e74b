"""Downloads that go on where they stopped: pages are appended, and what comes next is remembered."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphacrystal.data._optimade import SourcePage
from alphacrystal.errors import InputError


@dataclass(frozen=True, slots=True)
class Downloaded:
    """Entries of a source that were written, and that could not be used."""

    records: int
    skipped: int


def download(
    out: Path,
    question: dict[str, Any],
    first: str,
    page: Callable[[str], SourcePage],
    *,
    resume: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Downloaded:
    """Write the records of all pages to ``out`` (.jsonl or .jsonl.gz), which appears when all are there.

    Args:
        out: Record file.
        question: What was asked for; a resumed download keeps it.
        first: What `page` is asked for first.
        page: Gives a page and what to ask for next.
        resume: Go on with an earlier download.
        on_progress: Called with entries so far and the number of all.

    Raises:
        InputError: There is nothing to resume, it was another question, or nothing came.
        AlphaCrystalError: The source does not answer; what came stays.
    """
    grown, state = out.with_name(out.name + ".partial"), out.with_name(out.name + ".progress")
    following: str | None = first
    kept = written = skipped = 0
    if resume:
        told = _state(state, question, out)
        following, kept = told["following"], told["bytes"]
        written, skipped = told["records"], told["skipped"]
    elif state.exists():
        raise InputError(f"{out} was begun: go on with --resume, or choose another --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    seen = {following}
    with grown.open("r+b" if resume else "wb") as stream:
        stream.truncate(kept)  # a page that was cut short comes again
        stream.seek(kept)
        while following is not None:
            found = page(following)
            stream.writelines(record.model_dump_json().encode() + b"\n" for record in found.records)
            stream.flush()
            os.fsync(stream.fileno())
            written, skipped = written + len(found.records), skipped + found.skipped
            following = found.following
            if following in seen:
                raise InputError(f"The source repeats itself after {written + skipped} entries.")
            seen.add(following)
            told = {
                "question": question,
                "following": following,
                "bytes": stream.tell(),
                "records": written,
                "skipped": skipped,
            }
            fresh = state.with_name(state.name + ".tmp")
            fresh.write_text(json.dumps(told), encoding="utf-8")
            fresh.replace(state)
            if on_progress is not None:
                on_progress(written + skipped, found.available or written + skipped)
    if not written:
        grown.unlink()
        state.unlink()
        raise InputError("The source has no ordered crystal that fits: loosen the filter.")
    if out.suffix == ".gz":
        packed = out.with_name(out.name + ".packed")
        with grown.open("rb") as stream, gzip.open(packed, "wb") as target:
            shutil.copyfileobj(stream, target)
        packed.replace(out)
        grown.unlink()
    else:
        grown.replace(out)
    state.unlink()
    return Downloaded(written, skipped)


def _state(path: Path, question: dict[str, Any], out: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        stored = told["question"]
    except FileNotFoundError:
        raise InputError(f"There is no begun download of {out}: start one without --resume.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: remove it and start anew.") from error
    if stored != json.loads(json.dumps(question)):
        raise InputError(f"The download of {out} asked for something else: give the same options again.")
    return told
