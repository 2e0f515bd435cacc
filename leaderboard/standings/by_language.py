"""Scores of one task language by language: each recipe under each protocol, clean and with noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leaderboard.models import Protocol, Run, Score
from leaderboard.standings import records
from leaderboard.standings.aggregate import mean
from leaderboard.standings.records import Entry
from runner.tasks.kinds import TaskSpec

# What two protocols share that differ in noise alone.
_CLEAN_FIELDS = ("split", "limit", "max_length", "layer", "pooling", "precision", "scorer_version", "data")


@dataclass(frozen=True)
class TaskProtocol:
    """A protocol of the task; `clean` is equal for two that differ in `noise` alone."""

    pk: int
    fingerprint: str
    label: str
    noise: str
    clean: tuple[object, ...]

    @property
    def split(self) -> str:
        return self.clean[_CLEAN_FIELDS.index("split")]


@dataclass(frozen=True)
class Scored:
    """One recipe under one protocol: seed -> language -> value in 0..100, language -> test items.

    `stages` has the stage that measured a seed: seeds with the same one are one measurement.
    """

    entry: Entry
    by_seed: Mapping[int, Mapping[str, float]]
    items: Mapping[str, int]
    stages: Mapping[int, int | None]

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that every seed has."""
        shared = set.intersection(*(set(values) for values in self.by_seed.values()))
        return tuple(code for code in next(iter(self.by_seed.values())) if code in shared)

    @property
    def measurements(self) -> tuple[int, ...]:
        """A seed for each measurement: where nothing is drawn, all seeds share one."""
        first: dict[object, int] = {}
        for seed in sorted(self.by_seed):
            first.setdefault(self.stages.get(seed) or ("seed", seed), seed)
        return tuple(first.values())

    def value(self, language: str) -> float | None:
        """The mean over the seeds that have the language."""
        found = [values[language] for values in self.by_seed.values() if language in values]
        return mean(found) if found else None


@dataclass(frozen=True)
class TaskScores:
    """All that was measured here in a task's headline metric; keys are (recipe's key, protocol)."""

    task: TaskSpec
    protocols: Mapping[int, TaskProtocol]
    scored: Mapping[tuple[str, int], Scored]
    baseline_of: Mapping[str, Entry]

    def clean_protocols(self) -> tuple[TaskProtocol, ...]:
        """Those without noise that something was measured under, the most used first."""
        used: dict[int, int] = defaultdict(int)
        for _, protocol in self.scored:
            used[protocol] += 1
        found = [self.protocols[pk] for pk in used if not self.protocols[pk].noise]
        return tuple(sorted(found, key=lambda one: (-used[one.pk], one.label, one.pk)))

    def noisy(self, protocol: TaskProtocol) -> tuple[TaskProtocol, ...]:
        """The protocols that are `protocol` with noise, by what the noise is."""
        found = [one for one in self.protocols.values() if one.noise and one.clean == protocol.clean]
        return tuple(sorted(found, key=lambda one: one.noise))

    def entries(self, protocol: TaskProtocol) -> tuple[Entry, ...]:
        """The recipes that were measured under `protocol`, in reading order."""
        found = [scored.entry for (_, pk), scored in self.scored.items() if pk == protocol.pk]
        return tuple(sorted(found, key=records.reading_order))

    def baseline(self, entry: Entry, protocol: TaskProtocol) -> Scored | None:
        """What the recipe is compared with, where it was measured under `protocol` too."""
        base = self.baseline_of.get(entry.key)
        return self.scored.get((base.key, protocol.pk)) if base else None


def load(task: TaskSpec) -> TaskScores:
    """The scores of runs from here. Four queries."""
    entries = records.recipes()
    protocols = {row[0]: _protocol(row) for row in _protocol_rows(task)}
    gathered: dict[tuple[str, int], _Gathering] = {}
    for recipe, seed, protocol, language, metric, value, n, stage in _score_rows(task):
        entry = entries[recipe]
        gathering = gathered.setdefault((entry.key, protocol), _Gathering(entry))
        gathering.add(seed, language, metric, value, n, stage)
    found = {key: gathering.finish(task) for key, gathering in gathered.items()}
    return TaskScores(
        task,
        protocols,
        {key: scored for key, scored in found.items() if scored.by_seed},
        records.baseline_of(entries.values()),
    )


def _protocol_rows(task: TaskSpec) -> Iterable[tuple]:
    fields = ("pk", "fingerprint", "label", "noise", *_CLEAN_FIELDS)
    return Protocol.objects.filter(task=task.slug).values_list(*fields)


def _protocol(row: tuple) -> TaskProtocol:
    return TaskProtocol(*row[:4], clean=row[4:])


def _score_rows(task: TaskSpec) -> Iterable[tuple]:
    found = Score.objects.filter(
        task=task.slug,
        metric__in=task.headline_metrics,
        language__isnull=False,
        run__origin=Run.Origin.LOCAL,
        run__withdrawn=None,
    )
    fields = ("run__recipe_id", "run__seed", "protocol_id", "language_id", "metric", "value", "n", "stage_id")
    return found.order_by("run__seed", "pk").values_list(*fields).iterator(chunk_size=5000)


@dataclass
class _Gathering:
    """Collects the scores of one recipe under one protocol, whatever their order."""

    entry: Entry
    values: dict[int, dict[str, dict[str, float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    items: dict[str, int] = field(default_factory=dict)
    stages: dict[int, int | None] = field(default_factory=dict)

    def add(self, seed: int, language: str, metric: str, value: float, n: int | None, stage: int | None) -> None:
        self.values[seed][language][metric] = value
        self.stages[seed] = stage
        if n is not None:
            self.items[language] = n

    def finish(self, task: TaskSpec) -> Scored:
        parts = task.headline_metrics
        by_seed = {
            seed: {
                language: sum(values[metric] for metric in parts) / len(parts)
                for language in task.languages
                # Half of a composite is no value.
                if len(values := languages.get(language, {})) == len(parts)
            }
            for seed, languages in self.values.items()
        }
        return Scored(self.entry, {seed: values for seed, values in by_seed.items() if values}, self.items, self.stages)


def differences(mine: Scored, base: Scored) -> dict[str, float]:
    """Language -> the mean over paired seeds of mine less the baseline's, where all paired seeds have both."""
    seeds = [seed for seed in mine.by_seed if seed in base.by_seed]
    shared = [
        language
        for language in mine.languages
        if all(language in base.by_seed[seed] and language in mine.by_seed[seed] for seed in seeds)
    ]
    if not seeds:
        return {}
    return {
        language: mean([mine.by_seed[seed][language] - base.by_seed[seed][language] for seed in seeds])
        for language in shared
    }
