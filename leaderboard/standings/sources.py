"""Published results by source: every number with its protocol, status and note, as it was printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Count, Q, QuerySet

from leaderboard.models import Publication, Score, Source, SourceStatus
from leaderboard.standings.columns import METRIC_TITLES


@dataclass(frozen=True)
class SourceLine:
    """A source with how many systems and scores it has; `hidden` counts those that nobody has verified."""

    key: str
    title: str
    url: str
    status: str
    status_label: str
    note: str
    checked_by: str
    checked: object
    checked_against: str
    systems: int
    scores: int
    hidden: int


@dataclass(frozen=True)
class PrintedScore:
    """One printed number; `language` is empty for a mean over languages. `checked_by` and below are of its check."""

    task: str
    task_title: str
    language: str
    metric: str
    value: float
    protocol: str
    status: str
    status_label: str
    note: str
    checked_by: str = ""
    checked: object = None
    checked_against: str = ""


@dataclass(frozen=True)
class System:
    """A system of a source with its numbers, in the catalogue's order."""

    run: int
    title: str
    scores: tuple[PrintedScore, ...]


def every_source() -> tuple[SourceLine, ...]:
    """All sources by key. One query."""
    found = Source.objects.select_related("checked_by").annotate(
        systems=Count("runs", distinct=True),
        scores=Count("runs__scores"),
        hidden=Count("runs__scores", filter=Q(runs__scores__publication__status=SourceStatus.UNVERIFIED)),
    )
    return tuple(
        SourceLine(
            key=source.key,
            title=source.title,
            url=source.url,
            status=source.status,
            status_label=source.get_status_display(),
            note=source.note,
            checked_by=_name(source),
            checked=source.checked,
            checked_against=source.checked_against,
            systems=source.systems,
            scores=source.scores,
            hidden=source.hidden,
        )
        for source in found.order_by("key")
    )


def systems_of(source: str, *, unverified: bool) -> tuple[System, ...]:
    """The systems of a source; without `unverified`, what nobody has verified is left out. One query."""
    found = _scores(unverified=unverified).filter(run__source=source).order_by("run__pk", *_ORDER)
    return tuple(
        System(run, title, tuple(_printed(members)))
        for (run, title), members in groupby(found, key=lambda score: (score.run_id, score.run.system))
    )


def printed_by(run: int, *, unverified: bool) -> tuple[PrintedScore, ...]:
    """What a source prints of one system. One query."""
    return tuple(_printed(_scores(unverified=unverified).filter(run=run).order_by(*_ORDER)))


_ORDER = ("task__position", "protocol__label", "language_id", "metric")


def _scores(*, unverified: bool) -> QuerySet[Score]:
    found = Score.objects.filter(publication__isnull=False)
    if not unverified:
        found = found.exclude(publication__status=SourceStatus.UNVERIFIED)
    return found.select_related("run", "task", "protocol", "publication__checked_by")


def _printed(scores: Iterable[Score]) -> Iterator[PrintedScore]:
    for score in scores:
        publication = score.publication
        yield PrintedScore(
            task=score.task_id,
            task_title=score.task.title,
            language=score.language_id or "",
            metric=METRIC_TITLES.get(score.metric, score.metric),
            value=score.value,
            protocol=score.protocol.label,
            status=publication.status,
            status_label=publication.get_status_display(),
            note=publication.note,
            checked_by=_name(publication),
            checked=publication.checked,
            checked_against=publication.checked_against,
        )


def _name(row: Source | Publication) -> str:
    return row.checked_by.get_username() if row.checked_by else ""
