"""``report.html``: one page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._run_record import RunRecord
    from alphacrystal.report._summary import SummaryRow


def report_html(
    prediction: Prediction, run: RunRecord, rows: list[SummaryRow], cifs: Mapping[str, str]
) -> str:
    """Text of ``report.html``."""
    lines = "".join(f"<tr><td>{row.rank}<td>{escape(row.space_group_symbol)}" for row in rows)
    return f"<!doctype html><title>{escape(prediction.formula)}</title><table>{lines}</table>"
