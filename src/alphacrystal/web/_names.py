"""Names of jobs and runs: one pattern, checked wherever a name enters the server."""

from __future__ import annotations

import re

from alphacrystal.errors import MissingError

RUN_FILE = "run.json"
#: Joins the name of a folder with several runs and that of a run in it.
JOINT = "~"
MAX_NAME_BYTES = 200  # a state file adds a suffix, and file systems allow 255
MAX_ID_BYTES = 3 * 4 * MAX_NAME_BYTES  # four names, each "~" of which is escaped
#: One visible file or folder name: no leading dot, no slash, no control or direction character, no surrogate.
NAME_PATTERN = re.compile(
    r"(?!\.)[^/\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+", flags=re.DOTALL
)
#: No name starts with a dot, so the joint is never followed by one.
_ESCAPED_JOINT = "~."


def is_name(text: str) -> bool:
    """Whether ``text`` can name a job or a run folder; such a name cannot lead out of its folder."""
    return NAME_PATTERN.fullmatch(text) is not None and len(text.encode()) <= MAX_NAME_BYTES


def check_name(text: str, noun: str) -> str:
    """Return ``text`` if it can name a ``noun`` ("job", "run").

    Raises:
        MissingError: It cannot.
    """
    if not is_name(text):
        raise MissingError(f"There is no {noun} of this name.")
    return text


def run_id(parts: tuple[str, ...]) -> str:
    """Id of the run at ``parts`` below the runs folder.

    Its name, `BATCH~NAME`, or `EXPLORATION~runs~LEVEL~FORMULA`.
    """
    if len(parts) == 1:
        return parts[0]
    return JOINT.join(part.replace(JOINT, _ESCAPED_JOINT) for part in parts)


def run_paths(text: str) -> list[tuple[str, ...]]:
    """The paths below the runs folder that an id can name, the preferred one first.

    Raises:
        MissingError: The id breaks the pattern.
    """
    paths: list[tuple[str, ...]] = [(text,)] if is_name(text) else []
    if len(text) <= MAX_ID_BYTES:
        parts = re.split(r"~(?!\.)", text)
        inner = tuple(part.replace(_ESCAPED_JOINT, JOINT) for part in parts)
        # Two parts: in a batch. Four: in an exploration.
        if (len(inner) == 2 or (len(inner) == 4 and inner[1] == "runs")) and all(map(is_name, inner)):
            paths.append(inner)
    if not paths:
        raise MissingError("There is no run of this name.")
    return paths


def plain_text(text: str) -> str:
    """``text`` without lone surrogates, which strict JSON cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def download_name(text: str) -> str:
    """A file name of plain letters for a run or structure."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".")[:MAX_NAME_BYTES] or "run"
