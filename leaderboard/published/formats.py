"""The kinds of files that can be imported: tables of published results, and other tools' results as such tables.

Each reader takes the text of a file. What the catalogue has no task, language or metric for is left out and named;
what the catalogue has, but cannot be right, is refused with the whole file. Standard library only.
"""

from __future__ import annotations

from leaderboard.published.every_eval_ever import every_eval_ever
from leaderboard.published.lm_eval import lm_eval
from leaderboard.published.mteb import mteb
from leaderboard.published.reading import Format, Reading
from leaderboard.published.tables import COLUMNS, REQUIRED, rows_of


def table(text: str, name: str) -> Reading:
    """A table of published results in CSV, with COLUMNS."""
    return Reading(tuple(rows_of(text, name, COLUMNS, tuple(c for c in REQUIRED if c not in ("source", "system")))))


FORMATS = {
    one.key: one
    for one in (
        Format("csv", "Table of published results (CSV)", table),
        Format("lm_eval", "lm-evaluation-harness, results (JSON)", lm_eval),
        Format("mteb", "MTEB, result of a task (JSON)", mteb, names_system=False),
        Format("every_eval_ever", "Every Eval Ever (JSON, or one record a line)", every_eval_ever),
    )
}
