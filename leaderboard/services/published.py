"""Published results in the database: sources, and their scores as runs from outside.

A load is all or nothing, and repeating it changes nothing. A number that has changed is no longer the one that was
checked: it gets its file's status again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, transaction

from leaderboard.models import Protocol, Publication, Run, Score, Source, SourceStatus
from leaderboard.models.catalogue import slug_validator
from leaderboard.models.results import TRUST
from leaderboard.published.tables import PublishedScore, PublishedSource, own_scores, own_sources
from runner.errors import RecipeError


@dataclass(frozen=True)
class Change:
    """A score that a table has and the database has not, or has otherwise; `before` is None for a new one."""

    score: PublishedScore
    before: Score | None

    @property
    def sentence(self) -> str:
        score = self.score
        cell = " ".join(part for part in (score.task, score.language, score.metric) if part)
        number = f"{self.before.value:g} -> {score.value:g}" if self.before else f"{score.value:g}"
        return f"{'changed' if self.before else 'new'}: {score.source}, {score.system}, {cell}: {number}"


@dataclass(frozen=True)
class Comparison:
    """What a table would do: its `changes`, and how many of its scores are there as they are."""

    changes: tuple[Change, ...]
    unchanged: int

    @property
    def new(self) -> int:
        return sum(change.before is None for change in self.changes)

    @property
    def changed(self) -> int:
        return len(self.changes) - self.new


def load_after_migrate(*, using: str = DEFAULT_DB_ALIAS, plan: Iterable[Any] = (), **kwargs: Any) -> None:
    """The post_migrate receiver, after the catalogue's: what is new in the project's own files.

    What is there is left as it is, because a maintainer may have corrected it; `manage.py import_published` updates it.
    """
    if settings.PUBLISHED_RESULTS and not any(is_backwards for _, is_backwards in plan):
        load(own_scores(), own_sources(), update=False, using=using)


def compare(scores: Sequence[PublishedScore], *, using: str = DEFAULT_DB_ALIAS) -> Comparison:
    """What `load` would store of `scores`. One query."""
    there = stored({score.source for score in scores}, using=using)
    changes = [
        Change(score, before)
        for score in scores
        if (before := there.get(score.identity)) is None or said(before) != (score.value, score.n, score.note)
    ]
    return Comparison(tuple(changes), len(scores) - len(changes))


def load(
    scores: Sequence[PublishedScore],
    sources: Sequence[PublishedSource] = (),
    *,
    update: bool = True,
    using: str = DEFAULT_DB_ALIAS,
) -> Comparison:
    """Store `sources` and `scores`, in a handful of statements; returns what was stored.

    Without `update`, what is there already stays as it is. RecipeError for a score whose source is nowhere.
    """
    with transaction.atomic(using=using):
        _store_sources(sources, update=update, using=using)
        statuses = dict(Source.objects.using(using).values_list("pk", "status"))
        for score in scores:
            check_source(score.source, statuses)
        found = compare(scores, using=using)
        changes = [change for change in found.changes if update or change.before is None]
        _store(changes, statuses, using)
        return Comparison(tuple(changes), len(scores) - len(changes))


def stored(sources: Collection[str], *, using: str = DEFAULT_DB_ALIAS) -> dict[tuple[str, ...], Score]:
    """The published scores of `sources`, with their publications, by `PublishedScore.identity`. One query."""
    found = Score.objects.using(using).filter(run__origin=Run.Origin.PUBLISHED, run__source__in=sources)
    return {
        (
            score.run.source_id,
            score.run.system,
            score.protocol.fingerprint,
            score.language_id or "",
            score.metric,
        ): score
        for score in found.select_related("run", "protocol", "publication")
    }


def said(score: Score) -> tuple[float, int | None, str]:
    """What is stored of a published score beyond its identity: value, n, and the note, empty where there is none."""
    return score.value, score.n, score.publication.note if hasattr(score, "publication") else ""


def check_source(key: str, known: Collection[str]) -> None:
    """RecipeError where `key` is none of the `known` sources."""
    if key not in known:
        names = ", ".join(sorted(known)) or "none yet"
        raise RecipeError(f"There is no source '{key}': add it first. Known are {names}.")


def _store_sources(sources: Sequence[PublishedSource], *, update: bool, using: str) -> None:
    rows = [Source(**vars(source)) for source in sources]
    for row in rows:
        try:
            slug_validator(row.pk)
        except ValidationError:
            raise RecipeError(
                f"A source's key is of lower-case letters, digits and hyphens; found '{row.pk}'."
            ) from None
    # A status that is there is a maintainer's word.
    how = (
        {"update_conflicts": True, "unique_fields": ["key"], "update_fields": ["title", "url", "note"]}
        if update
        else {"ignore_conflicts": True}
    )
    Source.objects.using(using).bulk_create(rows, **how)


def _store(changes: Sequence[Change], statuses: Mapping[str, str], using: str) -> None:
    new = [change.score for change in changes if change.before is None]
    runs, protocols = _runs(new, using), _protocols(new, using)
    rows = [
        Score(
            run=runs[score.source, score.system],
            task_id=score.task,
            language_id=score.language or None,
            metric=score.metric,
            value=score.value,
            n=score.n,
            protocol=protocols[score.protocol_fingerprint],
        )
        for score in new
    ]
    Score.objects.using(using).bulk_create(rows)
    moved = [(change.before, change.score) for change in changes if change.before]
    publications = [
        Publication(score=row, status=status_of(score, statuses[score.source]), note=score.note)
        for row, score in [*zip(rows, new, strict=True), *moved]
    ]
    same_value = [before.pk for before, score in moved if before.value == score.value]
    Score.objects.using(using).bulk_update(
        [Score(pk=before.pk, value=score.value, n=score.n) for before, score in moved], ["value", "n"]
    )
    _publish(publications, same_value, using)


def _publish(publications: list[Publication], same_value: Sequence[int], using: str) -> None:
    """Write the publications; where the number is the same, only the note is new and a check still holds."""
    reset = [row for row in publications if row.pk not in set(same_value)]
    noted = [row for row in publications if row.pk in set(same_value)]
    checks = ["status", "checked_by", "checked", "checked_against"]
    for rows, fields in ((reset, ["note", *checks]), (noted, ["note"])):
        Publication.objects.using(using).bulk_create(
            rows, update_conflicts=True, unique_fields=["score"], update_fields=fields
        )


def status_of(score: PublishedScore, of_source: str) -> str:
    """The weaker of a row's own status and its source's.

    A source's check is of the numbers that were there: one that comes later is not verified until it is checked, too.
    """
    of_source = SourceStatus.UNVERIFIED if of_source == SourceStatus.CHECKED else of_source
    return str(max(filter(None, (score.status, of_source)), key=TRUST.index))


def _runs(scores: Iterable[PublishedScore], using: str) -> dict[tuple[str, str], Run]:
    """The run of each (source, system), made where there is none."""
    wanted = dict.fromkeys((score.source, score.system) for score in scores)
    runs = Run.objects.using(using).filter(origin=Run.Origin.PUBLISHED, source__in={source for source, _ in wanted})
    there = {(run.source_id, run.system): run for run in runs}
    made = [
        Run(origin=Run.Origin.PUBLISHED, source_id=source, system=system)
        for source, system in wanted
        if (source, system) not in there
    ]
    Run.objects.using(using).bulk_create(made)
    return there | {(run.source_id, run.system): run for run in made}


def _protocols(scores: Iterable[PublishedScore], using: str) -> dict[str, Protocol]:
    """The protocol of each score by fingerprint, made where there is none."""
    wanted = {score.protocol_fingerprint: score for score in scores}
    Protocol.objects.using(using).bulk_create(
        [
            Protocol(
                fingerprint=fingerprint,
                task_id=score.task,
                split=score.split,
                scorer_version="",
                label=score.protocol_label,
                published=True,
            )
            for fingerprint, score in wanted.items()
        ],
        ignore_conflicts=True,
    )
    return {row.fingerprint: row for row in Protocol.objects.using(using).filter(fingerprint__in=wanted)}
