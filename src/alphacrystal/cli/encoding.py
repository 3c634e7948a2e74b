"""Output that never fails for a letter that its encoding lacks."""

from __future__ import annotations

import codecs
import io
import sys

_ESCAPED_ASCII = "ascii_escaped"


def escape_what_the_output_lacks() -> None:
    """Print letters that standard output and error cannot encode as escapes with their code.

    So are the bytes of file names that are no text.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        stream.reconfigure(errors="backslashreplace")
        if codecs.lookup(stream.encoding).name == "ascii":
            codecs.register(_escaped_ascii)
            stream.reconfigure(encoding=_ESCAPED_ASCII, errors="backslashreplace")


def _escaped_ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII under another name: to a stream whose encoding is called ASCII Typer writes UTF-8."""
    if name != _ESCAPED_ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        ascii_.streamreader,
        ascii_.streamwriter,
        ascii_.incrementalencoder,
        ascii_.incrementaldecoder,
        name=_ESCAPED_ASCII,
    )
