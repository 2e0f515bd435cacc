"""What a view says about itself: one sentence, notes about what is left out, and labels for its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from leaderboard.models import Recipe, Run
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.records import Entry
from leaderboard.standings.table import Row
from leaderboard.variants import Variant, ending
from runner.tasks import registry


def sentence(filters: Filters, rows: Sequence[Row], recipes: Collection[Entry]) -> str:
    """What the table shows, in words: rows, restrictions, languages and what the difference is to."""
    encoders = sorted({row.encoder_title for row in rows if row.encoder})
    subject = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
    if len(encoders) == 1:
        subject += f" on {encoders[0]}"
    elif encoders:
        subject += f" on {len(encoders)} encoders"
    where = [subject]
    if filters.task:
        where.append(f"task {registry.TASKS[filters.task].title}")
    if filters.method:
        where.append(f"method {Recipe.Method(filters.method).label.lower()}")
    if filters.variant:
        where.append(f"variant {Variant(filters.variant).in_sentence}")
    if filters.intermediate:
        where.append(f"intermediate task {registry.TASKS[filters.intermediate].title}")
    if filters.study:
        where.append(f"study {filters.study}")
    quantity = "Scores" if filters.show == "score" else "Differences"
    over = "one language a column" if filters.view is View.TASK else f"mean over {filters.languages_title}"
    if filters.view is View.TASK and filters.languages != "all":
        over += f", {filters.languages_title}"
    to = "the plain baseline with the same encoder, settings of the target phase, protocol, seeds and languages"
    return f"{quantity}: {', '.join(where)}; {over}; differences are to {to}."


def notes(filters: Filters, rows: Sequence[Row], entries: Sequence[Entry], unverified: int) -> tuple[str, ...]:
    """What a reader must know that the table does not show."""
    found = []
    # Systems from outside report what they report.
    silent = sum(entry.origin == Run.Origin.LOCAL for entry in entries) - sum(
        row.origin == Run.Origin.LOCAL for row in rows
    )
    if silent:
        found.append(f"{_count(silent, 'row')} without a score yet {_is(silent)} left out.")
    alone = sum(not row.has_baseline and not row.is_baseline and bool(row.encoder) for row in rows)
    if alone:
        found.append(
            f"{_count(alone, 'row')} {_has(alone)} no plain baseline with the same encoder and the same settings of "
            "the target phase, and therefore no difference."
        )
    if unverified:
        found.append(f"{_count(unverified, 'published row')} that nobody has verified {_is(unverified)} hidden.")
    if filters.unverified and any(row.source_status == "unverified" for row in rows):
        found.append("Rows marked as not verified were copied from a source that nobody has checked.")
    return tuple(found)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def labelled(rows: Sequence[Row]) -> list[Row]:
    """The rows with short labels for charts: the intermediate tasks in their variant, and what tells two rows apart."""
    several = len({row.encoder for row in rows if row.encoder}) > 1
    short = [_short(row, with_encoder=several) for row in rows]
    times = Counter(short)
    return [
        replace(row, label=label if times[label] == 1 else f"{label} ({(row.recipe or row.key)[:6]})")
        for row, label in zip(rows, short, strict=True)
    ]


def _short(row: Row, *, with_encoder: bool) -> str:
    if not row.encoder:
        return row.title
    text = _what_came_before(row)
    return f"{text} · {row.encoder_title}" if with_encoder else text


def _what_came_before(row: Row) -> str:
    """`MNLI + MLM`, `MNLI (translated: de)`, `MLM alone`, `Translate-train (de+en)`, or `Baseline`."""
    if row.intermediate:
        return row.intermediate_title + ending(mlm=row.mlm, translation=row.translation)
    if row.mlm:
        return "MLM alone"
    return f"{row.method_label} ({row.translation})" if row.translation else row.method_label
