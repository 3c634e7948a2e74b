"""A process that evaluates one task after the other; its parent kills it where a task takes too long.

Messages on standard input are pickled pairs (function, arguments), those on standard output (worked, result):
the result, or the sentence of the error.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

#: Sent when everything is imported, so that the time limit of a task does not count that.
READY = "ready"


def main() -> None:
    """Run until the parent closes the pipe or kills this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Results own the pipe; whatever a library prints must not end up in it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import pymatgen.analysis.structure_matcher
    import pymatgen.symmetry.analyzer  # noqa: F401

    pickle.dump((True, READY), out)
    out.flush()
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:  # noqa: BLE001 - told to the parent, which decides
            answer = (False, f"{type(error).__name__}: {error}")
        pickle.dump(answer, out)
        out.flush()


if __name__ == "__main__":
    main()
