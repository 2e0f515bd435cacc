"""Scores as they are, one by one: those of one run for its page, and all of them for the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from django.db.models import Count, QuerySet, Value
from django.db.models.functions import Coalesce

from leaderboard.models import Recipe, Score, SourceStatus, Task
from leaderboard.standings.aggregate import mean
from leaderboard.standings.columns import METRIC_TITLES
from leaderboard.variants import variants_of

CHUNK = 2000


class ScoreLine(NamedTuple):
    """One score with everything that says what it is; the fields are the columns of `/scores.csv`."""

    run: int
    origin: str
    source: str
    source_status: str
    encoder: str
    method: str
    intermediate_tasks: str
    seed: int | None
    recipe: str
    task: str
    suite: str
    language: str
    metric: str
    value: float
    n: int | None
    split: str
    protocol: str
    protocol_fingerprint: str
    created: str
    variant: str
    translation: str
    system: str
    note: str


_FIELDS = (
    "run_id",
    "run__origin",
    "run__source_id",
    "run__source__status",
    "run__recipe__encoder_id",
    "run__recipe__method",
    "run__recipe_id",
    "run__seed",
    "run__recipe__fingerprint",
    "task_id",
    "task__suite",
    "language_id",
    "metric",
    "value",
    "n",
    "protocol__split",
    "protocol__label",
    "protocol__fingerprint",
    "created",
    "run__recipe__mlm",
    "run__recipe__translation",
    "run__system",
    "publication__note",
    "publication__status",
)
_RECIPE = _FIELDS.index("run__recipe_id")
_MLM, _TRANSLATION = _FIELDS.index("run__recipe__mlm"), _FIELDS.index("run__recipe__translation")
_CREATED, _VALUE = _FIELDS.index("created"), _FIELDS.index("value")
_SOURCE_STATUS, _STATUS = _FIELDS.index("run__source__status"), _FIELDS.index("publication__status")
_TEXTS = (_FIELDS.index("run__system"), _FIELDS.index("publication__note"), _FIELDS.index("protocol__label"))


def scores_on_board(*, unverified: bool = False) -> QuerySet[Score]:
    """The scores of runs that nobody withdrew; without `unverified`, none that nobody has verified."""
    found = Score.objects.filter(run__withdrawn=None)
    if unverified:
        return found
    # A published score without a status of its own has its source's; what ran here has none.
    trust = Coalesce("publication__status", "run__source__status", Value(""))
    return found.annotate(trust=trust).exclude(trust=SourceStatus.UNVERIFIED)


def every_score(*, unverified: bool = False, run: int | None = None, by_run: bool = False) -> Iterator[ScoreLine]:
    """Every score of `scores_on_board` (of one `run`), by primary key or `by_run`, read in chunks."""
    found = scores_on_board(unverified=unverified).order_by(*(["run_id"] if by_run else []), "pk")
    return score_lines(found if run is None else found.filter(run=run))


def score_lines(found: QuerySet[Score]) -> Iterator[ScoreLine]:
    """The scores of `found` in its order, read in chunks.

    The recipes' tasks are read first, so that nothing can fail for their sake once the first line is out.
    """
    pairs = Recipe.intermediate_tasks.through.objects.order_by("recipe_id", "task__position")
    tasks = {
        recipe: "+".join(task for _, task in members)
        for recipe, members in groupby(pairs.values_list("recipe_id", "task_id"), key=lambda pair: pair[0])
    }
    rows = found.values_list(*_FIELDS).iterator(chunk_size=CHUNK)
    return (_line(row, tasks) for row in rows)


def _line(row: tuple, tasks: dict[int, str]) -> ScoreLine:
    values = list(row)
    if values[_RECIPE] is not None:
        values[_MLM] = "+".join(variants_of(mlm=values[_MLM], translation=values[_TRANSLATION]))
    values[_RECIPE] = tasks.get(values[_RECIPE], "")
    values[_CREATED] = values[_CREATED].isoformat(timespec="seconds")
    # As PostgreSQL writes it (`leaderboard.standings.bulk`), so that a file is the same from both databases.
    values[_VALUE] = int(values[_VALUE]) if values[_VALUE].is_integer() else values[_VALUE]
    values[_SOURCE_STATUS] = values[_STATUS] or values[_SOURCE_STATUS]
    for text in _TEXTS:
        values[text] = values[text] and " ".join(values[text].split())
    return ScoreLine(*("" if value is None else value for value in values[:_STATUS]))


@dataclass(frozen=True)
class LanguageScore:
    """The scores of a run in one language, in the order of the block's metrics; None where one is missing."""

    code: str
    name: str
    values: tuple[float | None, ...]
    n: int | None


@dataclass(frozen=True)
class MetricLine:
    """One metric over the languages of its block; `mean` is None unless all languages of the task are there."""

    metric: str
    title: str
    mean: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class TaskScores:
    """What a run scored in one task under one protocol: `lines` by metric, `languages` in their order."""

    task: str
    title: str
    protocol_label: str
    languages: tuple[LanguageScore, ...]
    lines: tuple[MetricLine, ...]
    have: int
    expected: int


def of_run(run: int) -> tuple[TaskScores, ...]:
    """The scores of a run, task by task in the catalogue's order. Two queries."""
    found = (
        Score.objects.filter(run=run)
        .select_related("task", "language", "protocol")
        .order_by("task__position", "protocol__label", "protocol_id", "language_id", "metric")
    )
    counts = dict(_language_counts(run))
    return tuple(
        _block(list(members), counts[task])
        for (task, _), members in groupby(found, key=lambda score: (score.task_id, score.protocol_id))
    )


def _language_counts(run: int) -> Iterator[tuple[str, int]]:
    measured = Task.objects.filter(scores__run=run).values("pk")
    yield from Task.objects.filter(pk__in=measured).annotate(count=Count("languages")).values_list("pk", "count")


def _block(scores: list[Score], expected: int) -> TaskScores:
    task, protocol = scores[0].task, scores[0].protocol
    there = {score.metric for score in scores}
    metrics = tuple(metric for metric in task.metrics if metric in there)
    metrics += tuple(sorted(there - set(metrics)))
    languages = tuple(
        _language(list(members), metrics) for _, members in groupby(scores, key=lambda score: score.language_id)
    )
    whole = [language for language in languages if language.code]
    return TaskScores(
        task=task.pk,
        title=task.title,
        protocol_label=protocol.label,
        languages=languages,
        lines=tuple(
            MetricLine(
                metric=metric,
                title=METRIC_TITLES.get(metric, metric),
                mean=_mean([language.values[index] for language in whole], expected),
                values=tuple(language.values[index] for language in languages),
            )
            for index, metric in enumerate(metrics)
        ),
        have=len(whole),
        expected=expected,
    )


def _language(scores: list[Score], metrics: tuple[str, ...]) -> LanguageScore:
    by_metric = {score.metric: score.value for score in scores}
    language = scores[0].language
    return LanguageScore(
        code=language.code if language else "",
        name=language.name if language else "mean, as printed",
        values=tuple(by_metric.get(metric) for metric in metrics),
        n=scores[0].n,
    )


def _mean(values: list[float | None], expected: int) -> float | None:
    present = [value for value in values if value is not None]
    return mean(present) if present and len(present) == expected else None
