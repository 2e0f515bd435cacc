"""Headline scores: gathered from scores whenever these have changed, by whoever reads first."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import Count, Max

from leaderboard.models import Change, Headline, Protocol, RunLine, Score
from leaderboard.models.results import weakest
from leaderboard.services import triggers
from runner.tasks import registry

# Any number will do that nothing else in the database uses for a lock of its own.
LOCK = 5_013_2020
PAIRS_A_STEP = 500
RUNS_A_STEP = 500
LINES_A_STEP = 5000
# Lines of the log that only say that something changed are swept when there are more.
MOST_LINES = 200


def current() -> str:
    """A name for the present state of all tables: equal names, equal tables. One query where nothing has changed.

    What has changed is gathered first, so that headline scores are as new as the name says.
    """
    last, length, pending = _log()
    if pending or length > MOST_LINES:
        settle()
        last, length, _ = _log()
    return f"{last or 0}-{length}"


def _log() -> tuple[int | None, int, int]:
    found = Change.objects.aggregate(last=Max("pk"), length=Count("pk"), pending=Count("run"))
    return found["last"], found["length"], found["pending"]


@transaction.atomic
def settle() -> int:
    """Gather the headline scores of every run and protocol that the log names; returns how many pairs these were.

    One at a time: who gathered from older scores must not write after who gathered from newer ones. A step in
    between never shows, because all is one transaction.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    lines = list(Change.objects.values_list("pk", "run", "protocol"))
    pairs = sorted({(protocol, run) for _, run, protocol in lines if run is not None})
    for first in range(0, len(pairs), PAIRS_A_STEP):
        _gather(pairs[first : first + PAIRS_A_STEP])
    runs = sorted({run for _, run in pairs})
    for first in range(0, len(runs), RUNS_A_STEP):
        _put_in_lines(runs[first : first + RUNS_A_STEP])
    # The lines that were read, not those that came meanwhile; a new one says that the log is another.
    for first in range(0, len(lines), LINES_A_STEP):
        Change.objects.filter(pk__in=[pk for pk, *_ in lines[first : first + LINES_A_STEP]]).delete()
    Change.objects.create()
    return len(pairs)


def _gather(pairs: list[tuple[int, int]]) -> None:
    """Make the headline scores of `pairs` (protocol, run) what their scores say; a pair without any loses its own."""
    protocols, runs = {protocol for protocol, _ in pairs}, {run for _, run in pairs}
    asked = set(pairs)
    tasks = dict(Protocol.objects.filter(pk__in=protocols).values_list("pk", "task_id"))
    fields = ("protocol_id", "run_id", "language_id", "metric", "value", "n", "stage_id", "publication__status")
    found = Score.objects.filter(run__in=runs, protocol__in=protocols).order_by("protocol_id", "run_id", "language_id")
    made = [
        headline
        for (protocol, run), scores in groupby(found.values_list(*fields).iterator(5000), key=lambda row: row[:2])
        if (protocol, run) in asked and (headline := _headline(protocol, run, tasks[protocol], scores))
    ]
    there = Headline.objects.filter(protocol__in=protocols, run__in=runs).values_list("pk", "protocol_id", "run_id")
    Headline.objects.filter(pk__in=[pk for pk, *pair in there if tuple(pair) in asked]).delete()
    Headline.objects.bulk_create(made)


def _put_in_lines(runs: Collection[int], *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the lines of `runs` what their headlines say, with numbers larger than all before."""
    fields = ("run_id", "protocol_id", "languages", "mean", "statuses")
    found = Headline.objects.using(using).filter(run__in=runs).order_by("run_id", "protocol_id").values_list(*fields)
    made = [_line(run, list(rows)) for run, rows in groupby(found, key=lambda row: row[0])]
    RunLine.objects.using(using).filter(run__in=runs).delete()
    RunLine.objects.using(using).bulk_create(made)


def _line(run: int, rows: list[tuple[Any, ...]]) -> RunLine:
    means = [math.nan if mean is None else mean for *_, mean, _ in rows]
    statuses = [statuses for *_, statuses in rows]
    return RunLine(
        run_id=run,
        parts=";".join(f"{protocol}:{languages}" for _, protocol, languages, *_ in rows),
        means=struct.pack(f"<{len(means)}d", *means),
        statuses=";".join(statuses) if any(statuses) else "",
    )


def _headline(protocol: int, run: int, task: str, scores: Iterable[tuple[Any, ...]]) -> Headline | None:
    """The headline scores of one pair; None where no language has all metrics of the headline, or the task is gone."""
    spec = registry.TASKS.get(task)
    if spec is None:
        return None
    values: dict[str, dict[str, float]] = {}
    items: dict[str, int] = {}
    stages: set[int] = set()
    statuses: dict[str, set[str]] = {}
    for _, _, language, metric, value, n, stage, status in scores:
        if metric not in spec.headline_metrics:
            continue
        values.setdefault(language or "", {})[metric] = value
        items[language or ""] = n or 0
        if stage is not None:
            stages.add(stage)
        if status:
            statuses.setdefault(language or "", set()).add(status)
    # Half of a composite is no value.
    means = dict(_means(values, len(spec.headline_metrics)))
    if not means:
        return None
    return Headline(
        protocol_id=protocol,
        run_id=run,
        metric=spec.headline,
        languages=",".join(means),
        values=struct.pack(f"<{len(means)}d", *means.values()),
        items=struct.pack(f"<{len(means)}I", *(items[language] for language in means)),
        mean=_mean(means, spec.languages),
        statuses=",".join(weakest(statuses.get(language, ())) for language in means) if statuses else "",
        stages=",".join(map(str, sorted(stages))),
    )


def _means(values: dict[str, dict[str, float]], metrics: int) -> Iterator[tuple[str, float]]:
    for language in sorted(values):
        if len(values[language]) == metrics:
            yield language, sum(values[language].values()) / metrics


def _mean(values: dict[str, float], languages: Collection[str]) -> float | None:
    """The mean over all `languages`, as tables make it; a printed one where they are not all there."""
    if all(language in values for language in languages):
        return math.fsum(values[language] for language in languages) / len(languages)
    return values.get("")


def keep_after_migrate(*, using: str = DEFAULT_DB_ALIAS, plan: Iterable[Any] = (), **kwargs: Any) -> None:
    """The post_migrate receiver: makes the triggers, and notes what was gathered in a metric that is not the headline.

    Runs whose headlines are older than lines get theirs.

    Nothing is done while the tables are not there (a migration backwards).
    """
    if any(is_backwards for _, is_backwards in plan):
        return
    triggers.install(using=using)
    headlines = {spec.slug: spec.headline for spec in registry.TASKS.values()}
    gathered = Headline.objects.using(using).order_by().values_list("protocol_id", "protocol__task", "metric")
    other = [pk for pk, task, metric in gathered.distinct() if headlines.get(task, metric) != metric]
    note(using=using, protocol__in=other) if other else None
    without = sorted(set(Headline.objects.using(using).filter(run__line=None).values_list("run_id", flat=True)))
    for first in range(0, len(without), RUNS_A_STEP):
        _put_in_lines(without[first : first + RUNS_A_STEP], using=using)


def note(*, using: str = DEFAULT_DB_ALIAS, **which: Any) -> None:
    """Log every run and protocol that has scores (of `which`), so that they are gathered again."""
    pairs = Score.objects.using(using).filter(**which).order_by().values_list("run_id", "protocol_id").distinct()
    Change.objects.using(using).bulk_create(
        (Change(run=run, protocol=protocol) for run, protocol in pairs), batch_size=2000
    )
