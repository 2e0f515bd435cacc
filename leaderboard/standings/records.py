"""What is read from the database for a view: recipes, runs, protocols and their scores, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leaderboard.models import Protocol, Recipe, Run, Score, Source, SourceStatus, Study
from leaderboard.models.results import TRUST
from leaderboard.standings.filters import Filters
from leaderboard.standings.table import Choice, Measured, RunLink
from leaderboard.variants import Variant, variants_of
from runner.spec import canonical
from runner.tasks import registry
from runner.tasks.kinds import TaskSpec

# Published and uploaded runs have no seed of their own.
NO_SEED = 0


@dataclass(frozen=True)
class Entry:
    """What becomes a row: a recipe with its runs, or one run from outside."""

    key: str
    title: str
    origin: str
    encoder: str = ""
    encoder_title: str = ""
    method: str = ""
    intermediate: tuple[str, ...] = ()
    mlm: bool = False
    translation: str = ""
    recipe: str = ""
    target_settings: str = ""
    source: Source | None = None
    runs: list[RunLink] = field(default_factory=list)

    @property
    def variants(self) -> tuple[Variant, ...]:
        return variants_of(mlm=self.mlm, translation=self.translation)

    @property
    def is_baseline(self) -> bool:
        """What others are compared with; a baseline that MLM went before is compared itself."""
        return self.method == Recipe.Method.BASELINE and not self.mlm


@dataclass(frozen=True)
class ProtocolValue:
    """A protocol as the tables need it."""

    pk: int
    task: str
    label: str
    fingerprint: str
    split: str
    limit: int | None
    published: bool


def recipes() -> dict[int, Entry]:
    """Every recipe that has a run, by primary key, in reading order. Two queries."""
    found = Recipe.objects.filter(runs__isnull=False).distinct().select_related("encoder")
    entries = [
        (recipe.pk, _recipe_entry(recipe))
        for recipe in found.prefetch_related("intermediate_tasks").order_by("encoder__title", "pk")
    ]
    return dict(sorted(entries, key=lambda item: reading_order(item[1])))


def _recipe_entry(recipe: Recipe) -> Entry:
    return Entry(
        key=f"recipe-{recipe.pk}",
        title=recipe.title,
        origin=Run.Origin.LOCAL.value,
        encoder=recipe.encoder_id,
        encoder_title=recipe.encoder.title,
        method=recipe.method,
        intermediate=tuple(task.pk for task in recipe.intermediate_tasks.all()),
        mlm=recipe.mlm,
        translation=recipe.translation,
        recipe=recipe.fingerprint,
        target_settings=canonical(recipe.settings.get("target")),
    )


def reading_order(entry: Entry) -> tuple[Any, ...]:
    """By encoder; the baseline first, then by intermediate tasks as in the catalogue; outside systems last.

    Of one method and its tasks, plain comes before MLM and MLM before translated data.
    """
    methods, variants = Recipe.Method.values, list(Variant)
    catalogue = list(registry.TASKS)
    return (
        entry.origin != Run.Origin.LOCAL.value,
        entry.encoder_title,
        methods.index(entry.method) if entry.method in methods else len(methods),
        tuple(catalogue.index(slug) if slug in catalogue else len(catalogue) for slug in entry.intermediate),
        tuple(variants.index(variant) for variant in entry.variants),
        entry.title,
        entry.key,
    )


def baselines(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """(encoder, settings of the target phase) -> the baseline to compare with: the newest recipe of them."""
    return {
        (entry.encoder, entry.target_settings): entry
        for entry in sorted(entries, key=lambda entry: int(entry.key.removeprefix("recipe-")))
        if entry.is_baseline
    }


def runs() -> list[Run]:
    """Every run that nobody withdrew, with its source, by seed. One query."""
    return list(Run.objects.on_board().select_related("source").defer("created", "submitted_by").order_by("seed", "pk"))


def runs_of_study(study: int) -> set[int]:
    """The primary keys of a study's runs. One query."""
    return set(Run.objects.filter(studies=study).values_list("pk", flat=True))


def studies() -> tuple[Choice, ...]:
    """Every study, the newest first. One query."""
    return tuple(Choice(str(pk), name) for pk, name in Study.objects.values_list("pk", "name"))


def protocols(filters: Filters) -> dict[int, ProtocolValue]:
    """The protocols in use that belong to a task of the catalogue (and of the view). One query."""
    found = Protocol.objects.filter(task__in=[filters.task] if filters.task else list(registry.TASKS))
    fields = ("pk", "task_id", "label", "fingerprint", "split", "limit", "published")
    return {row[0]: ProtocolValue(*row) for row in found.order_by("label", "pk").values_list(*fields)}


def measured(
    entry_of: Mapping[int, tuple[Entry, int]], tasks: Collection[TaskSpec], *, narrow: bool, unverified: bool = False
) -> tuple[dict[tuple[str, int], Measured], set[str]]:
    """(row, protocol) -> what was measured in the headline metric of `tasks`, and which rows have more. One query.

    `entry_of` gives each run's row and seed; `narrow` asks the database for these runs only, which pays
    where they are a part of all. Published scores that nobody has verified are left out, and their rows named,
    unless `unverified` asks for them.
    """
    parts = {task.slug: task.headline_metrics for task in tasks}
    metrics = sorted({metric for names in parts.values() for metric in names})
    found = Score.objects.filter(task__in=list(parts), metric__in=metrics)
    if narrow:
        found = found.filter(run__in=list(entry_of))
    fields = ("run_id", "protocol_id", "task_id", "language_id", "metric", "value", "n", "stage_id")
    fields = (*fields, "publication__status")
    gathered: dict[tuple[str, int], _Gathering] = {}
    held_back: set[str] = set()
    rows = found.values_list(*fields).iterator(chunk_size=5000)
    for run, protocol, task, language, metric, value, n, stage, status in rows:
        if run not in entry_of or metric not in parts[task]:
            continue
        entry, seed = entry_of[run]
        if entry.source:
            # A score of a source that has no status of its own has the source's.
            status = status or entry.source.status
            if status == SourceStatus.UNVERIFIED and not unverified:
                held_back.add(entry.key)
                continue
        gathering = gathered.get((entry.key, protocol))
        if gathering is None:
            gathering = gathered[entry.key, protocol] = _Gathering(parts[task])
        gathering.add(seed, language or "", metric, value, n, stage)
        if status:
            gathering.statuses.add(status)
    return {key: gathering.finish() for key, gathering in gathered.items()}, held_back


class _Gathering:
    """Collects the scores of one row under one protocol, whatever their order."""

    def __init__(self, metrics: tuple[str, ...]) -> None:
        self.metrics = metrics
        self.values: dict[int, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        self.stages: dict[int, set[int]] = defaultdict(set)
        self.items: dict[str, int] = {}
        self.statuses: set[str] = set()

    def add(self, seed: int, part: str, metric: str, value: float, n: int | None, stage: int | None) -> None:
        self.values[seed][part][metric] = value
        if stage is not None:
            self.stages[seed].add(stage)
        if n is not None:
            self.items[part] = n

    def finish(self) -> Measured:
        by_seed = {
            seed: {
                part: sum(values.values()) / len(self.metrics)
                for part, values in parts.items()
                # Half of a composite is no value.
                if len(values) == len(self.metrics)
            }
            for seed, parts in self.values.items()
        }
        stages = {seed: frozenset(stages) for seed, stages in self.stages.items()}
        return Measured(by_seed, stages, sum(self.items.values()) or None, weakest(self.statuses))


def weakest(statuses: Collection[str]) -> str:
    """The status that holds for several published scores together: the least trusted of theirs; empty for none."""
    return max(statuses, key=TRUST.index, default="")


def outside_entry(run: Run) -> Entry:
    """The row of a published or uploaded run."""
    return Entry(key=f"run-{run.pk}", title=run.system, origin=run.origin, source=run.source)
