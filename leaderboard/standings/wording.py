"""What a view says about itself: one sentence, notes about what is left out, and labels for its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from leaderboard.models import Recipe, Run
from leaderboard.standings.filters import SUITES, Aggregate, Filters, View
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scene
from leaderboard.variants import Variant, ending
from runner.tasks import registry
from runner.tasks.kinds import Suite

OVER = {
    Aggregate.OFFICIAL: "mean over {}",
    Aggregate.WITHOUT_ENGLISH: "mean over {}, without English",
    Aggregate.WORST: "the worst of {}",
    Aggregate.WINS: "share of {} in which the row beats its baseline, a tie counting half",
}


def sentence(filters: Filters, rows: Sequence[Entry], show: str) -> str:
    """What the table shows, in words: rows, restrictions, languages and what the difference is to."""
    encoders = sorted({row.encoder_title for row in rows if row.encoder})
    subject = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
    if len(encoders) == 1:
        subject += f" on {encoders[0]}"
    elif encoders:
        subject += f" on {len(encoders)} encoders"
    where = [subject]
    if filters.suite != Suite.XTREME.value:
        where.append(f"suite {SUITES[filters.suite]}")
    if filters.task:
        where.append(f"task {registry.TASKS[filters.task].title}")
    if filters.method:
        where.append(f"method {Recipe.Method(filters.method).label.lower()}")
    if filters.variant:
        where.append(f"variant {Variant(filters.variant).in_sentence}")
    if filters.intermediate:
        where.append(f"intermediate task {registry.TASKS[filters.intermediate].title}")
    if filters.recipe:
        where.append(f"recipe {filters.recipe[:8]}")
    if filters.origin:
        where.append(f"origin {Run.Origin(filters.origin).label.lower()}")
    if filters.source:
        where.append(f"source {filters.source}")
    if filters.study:
        where.append(f"study {filters.study}")
    how = Aggregate(filters.aggregate)
    quantity = "Win rates" if how is Aggregate.WINS else "Scores" if show == "score" else "Differences"
    over = OVER[how].format(filters.languages_title)
    if filters.view is View.TASK:
        over = f"one language a column, and the {over.removeprefix('the ')}"
    to = "the plain baseline with the same encoder, settings of the target phase, protocol, seeds and languages"
    return f"{quantity}: {', '.join(where)}; {over}; differences are to {to}."


def notes(filters: Filters, rows: Sequence[Entry], scene: Scene) -> tuple[str, ...]:
    """What a reader must know that the table does not show."""
    found = []
    if scene.silent:
        found.append(f"{_count(scene.silent, 'row')} without a score yet {_is(scene.silent)} left out.")
    alone = sum(row.key not in scene.baseline_of and not row.is_baseline and bool(row.encoder) for row in rows)
    if alone:
        found.append(
            f"{_count(alone, 'row')} {_has(alone)} no plain baseline with the same encoder and the same settings of "
            "the target phase, and therefore no difference."
        )
    if scene.unverified:
        hidden = scene.unverified
        found.append(f"{_count(hidden, 'published row')} that nobody has verified {_is(hidden)} hidden.")
    uploads = sum(row.origin == Run.Origin.UPLOADED for row in rows) if scene.joined else 0
    if uploads:
        stand = "stands" if uploads == 1 else "stand"
        found.append(
            f"{_count(uploads, 'uploaded row')} {stand} in the columns of rows from here: scored on the same items by "
            "the same scorer. How the predictions were made (length, precision; layer and pooling of a retrieval) is "
            "not known."
        )
    if filters.unverified and any(row.source for row in rows):
        found.append("Scores marked as not verified were copied from a source that nobody has checked.")
    return tuple(found)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def labels(entries: Sequence[Entry]) -> dict[str, str]:
    """A short label of each row, by its key: the intermediate tasks in their variant, and what tells rows apart."""
    several = len({entry.encoder for entry in entries if entry.encoder}) > 1
    short = [_short(entry, with_encoder=several) for entry in entries]
    times = Counter(short)
    return {
        entry.key: label if times[label] == 1 else f"{label} ({(entry.recipe or entry.key)[:6]})"
        for entry, label in zip(entries, short, strict=True)
    }


def _short(entry: Entry, *, with_encoder: bool) -> str:
    if not entry.encoder:
        return entry.title
    text = _what_came_before(entry)
    return f"{text} · {entry.encoder_title}" if with_encoder else text


def _what_came_before(entry: Entry) -> str:
    """`MNLI + MLM`, `MNLI (translated: de)`, `MLM alone`, `Translate-train (de+en)`, or `Baseline`."""
    if entry.intermediate:
        return entry.intermediate_title + ending(mlm=entry.mlm, translation=entry.translation)
    if entry.mlm:
        return "MLM alone"
    return f"{entry.method_label} ({entry.translation})" if entry.translation else entry.method_label
