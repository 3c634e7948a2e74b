"""The note of a run in which no candidate could be relaxed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphacrystal.relax import Relaxation

REASONS, REASON_LENGTH = 5, 200  # listed, and characters of each


def failure_note(failed: Sequence[Relaxation]) -> str:
    """One sentence on a run without a relaxed structure: the reasons and how often each occurred."""
    examples: dict[str, str] = {}  # reasons that differ in their numbers only count as one
    counts: Counter[str] = Counter()
    for relaxation in failed:
        text = " ".join(relaxation.reason.split())[:REASON_LENGTH].rstrip(".") or str(relaxation.status)
        reason = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "0", text)
        examples.setdefault(reason, text)
        counts[reason] += 1
    listed = "; ".join(f"{count} × {examples[reason]}" for reason, count in counts.most_common(REASONS))
    more = f"; {len(counts) - REASONS} further reasons" if len(counts) > REASONS else ""
    why = f" ({listed}{more})" if listed else ""
    return f"No candidate could be relaxed{why}: try --no-relax or another potential."
