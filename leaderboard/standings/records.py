"""What is read from the database for a view: recipes, runs, protocols and their scores, as plain values."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef

from leaderboard.models import Headline, Protocol, Recipe, Run, Source, SourceStatus, Study
from leaderboard.models.results import weakest
from leaderboard.standings.presence import codes
from leaderboard.standings.table import Choice, Measured, RunLink
from leaderboard.variants import Variant, variants_of
from runner.spec import canonical
from runner.tasks import registry
from runner.tasks.kinds import Suite, TaskSpec

# What two protocols share that differ in noise alone.
CLEAN_FIELDS = ("split", "limit", "max_length", "layer", "pooling", "precision", "scorer_version", "data")
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
    def method_label(self) -> str:
        return METHOD_LABELS.get(self.method, "")

    @property
    def intermediate_title(self) -> str:
        return " + ".join(registry.TASKS[slug].title if slug in registry.TASKS else slug for slug in self.intermediate)

    @property
    def variants(self) -> tuple[Variant, ...]:
        return variants_of(mlm=self.mlm, translation=self.translation)

    @property
    def is_baseline(self) -> bool:
        """What others are compared with; a baseline that MLM went before is compared itself."""
        return self.method == Recipe.Method.BASELINE and not self.mlm


@dataclass(frozen=True)
class ProtocolValue:
    """A protocol as the tables need it; `clean` is equal for two that differ in `noise` alone."""

    pk: int
    task: str
    label: str
    fingerprint: str
    split: str
    limit: int | None
    published: bool
    noise: str
    max_length: int | None
    data: str
    scorer_version: str
    clean: tuple[object, ...]

    @property
    def uploaded(self) -> bool:
        """Whether it is that of predictions from elsewhere: what ran here has a length, what is printed no items."""
        return not self.published and self.max_length is None


def recipes() -> dict[int, Entry]:
    """Every recipe that has a run, by primary key, in reading order. Two queries, and no objects: there are many."""
    pairs = Recipe.intermediate_tasks.through.objects.order_by("recipe_id", "task__position")
    tasks: dict[int, list[str]] = defaultdict(list)
    for recipe, task in pairs.values_list("recipe_id", "task_id"):
        tasks[recipe].append(task)
    fields = ("pk", "title", "encoder_id", "encoder__title", "method", "mlm", "translation", "fingerprint")
    found = Recipe.objects.filter(Exists(Run.objects.filter(recipe=OuterRef("pk")))).order_by("encoder__title", "pk")
    entries = [
        (pk, _recipe_entry(pk, *values, tuple(tasks[pk])))
        for pk, *values in found.values_list(*fields, "settings__target")
    ]
    return dict(sorted(entries, key=lambda item: reading_order(item[1])))


def _recipe_entry(
    pk: int,
    title: str,
    encoder: str,
    encoder_title: str,
    method: str,
    mlm: bool,  # noqa: FBT001
    translation: str,
    fingerprint: str,
    target: Any,
    tasks: tuple[str, ...],
) -> Entry:
    return Entry(
        key=f"recipe-{pk}",
        title=title,
        origin=Run.Origin.LOCAL.value,
        encoder=encoder,
        encoder_title=encoder_title,
        method=method,
        intermediate=tasks,
        mlm=mlm,
        translation=translation,
        recipe=fingerprint,
        target_settings=canonical(target),
    )


METHOD_LABELS = dict(Recipe.Method.choices)
METHOD_ORDER = {method: position for position, method in enumerate(Recipe.Method.values)}
VARIANT_ORDER = {variant: position for position, variant in enumerate(Variant)}
TASK_ORDER = {slug: position for position, slug in enumerate(registry.TASKS)}


def reading_order(entry: Entry) -> tuple[Any, ...]:
    """By encoder; the baseline first, then by intermediate tasks as in the catalogue; outside systems last.

    Of one method and its tasks, plain comes before MLM and MLM before translated data.
    """
    return (
        entry.origin != Run.Origin.LOCAL.value,
        entry.encoder_title,
        METHOD_ORDER.get(entry.method, len(METHOD_ORDER)),
        tuple(TASK_ORDER.get(slug, len(TASK_ORDER)) for slug in entry.intermediate),
        tuple(VARIANT_ORDER[variant] for variant in entry.variants),
        entry.title,
        entry.key,
    )


def baseline_of(entries: Collection[Entry]) -> dict[str, Entry]:
    """Row -> what it is compared with: the newest baseline of its encoder and settings of the target phase.

    A row without one, or that is one itself, is absent.
    """
    newest = {
        (entry.encoder, entry.target_settings): entry
        for entry in sorted(entries, key=lambda entry: int(entry.key.removeprefix("recipe-")))
        if entry.is_baseline
    }
    return {
        entry.key: base
        for entry in entries
        if (base := newest.get((entry.encoder, entry.target_settings))) and base.key != entry.key
    }


class RunValue(NamedTuple):
    """A run as the tables need it."""

    pk: int
    recipe: int | None
    seed: int | None
    origin: str
    system: str
    source: str | None


def runs() -> list[RunValue]:
    """Every run that nobody withdrew, by seed. One query."""
    fields = ("pk", "recipe_id", "seed", "origin", "system", "source_id")
    return [RunValue(*row) for row in Run.objects.on_board().order_by("seed", "pk").values_list(*fields)]


def sources() -> dict[str, Source]:
    """Every source by its key. One query."""
    return Source.objects.in_bulk()


def runs_of_study(study: int) -> set[int]:
    """The primary keys of a study's runs. One query."""
    return set(Run.objects.filter(studies=study).values_list("pk", flat=True))


def studies() -> tuple[Choice, ...]:
    """Every study, the newest first. One query."""
    return tuple(Choice(str(pk), name) for pk, name in Study.objects.values_list("pk", "name"))


def studied_suites() -> set[str]:
    """The suites that any study evaluates, with or without scores yet; stand-ins count as XTREME's. One query."""
    named = {target.get("task") for targets in Study.objects.values_list("targets", flat=True) for target in targets}
    suites = {registry.TASKS[slug].suite for slug in named if slug in registry.TASKS}
    return {Suite.XTREME.value if suite is Suite.STAND_IN else suite.value for suite in suites}


def protocols(tasks: Collection[TaskSpec], *, noisy: bool = True) -> dict[int, ProtocolValue]:
    """The protocols of `tasks`, with `noisy` those whose test data is disturbed too. One query."""
    # All but the number and the task before them, and what comes of other fields after them.
    fields = ("pk", "task_id", *(field.name for field in fields_of(ProtocolValue)[2:-1]))
    found = Protocol.objects.filter(task__in=[task.slug for task in tasks]).order_by("label", "pk")
    found = found if noisy else found.filter(noise="")
    rows = found.values_list(*fields, *CLEAN_FIELDS)
    return {row[0]: ProtocolValue(*row[: len(fields)], clean=row[len(fields) :]) for row in rows}


def measured(
    entry_of: Mapping[int, tuple[Entry, int]],
    protocols: Collection[int],
    *,
    unverified: bool,
    runs: Collection[int] | None = None,
) -> dict[tuple[str, int], Measured]:
    """(row, protocol) -> what was measured in the headline metric under `protocols`. One query.

    `entry_of` gives each run's row and seed; `runs` asks the database for these runs only. Published scores that
    nobody has verified are left out, unless `unverified` asks for them.
    """
    found = Headline.objects.filter(protocol__in=protocols).order_by()
    if runs is not None:
        found = found.filter(run__in=runs)
    fields = ("run_id", "protocol_id", "languages", "values", "items", "stages", "statuses")
    gathered: dict[tuple[str, int], _Gathering] = {}
    rows = found.values_list(*fields).iterator(chunk_size=5000)
    for run, protocol, languages, values, items, stages, statuses in rows:
        if run not in entry_of:
            continue
        entry, seed = entry_of[run]
        gathering = gathered.get((entry.key, protocol))
        if gathering is None:
            gathering = gathered[entry.key, protocol] = _Gathering({}, {}, {}, set())
        parts = codes(languages)
        gathering.add(seed, parts, values, items, stages)
        if entry.source:
            gathering.trust(seed, trusted(entry, parts, statuses, unverified=unverified))
    return {
        key: Measured(one.by_seed, one.stages, one.items, weakest(one.statuses))
        for key, one in gathered.items()
        if any(one.by_seed.values())
    }


def trusted(entry: Entry, parts: tuple[str, ...], statuses: str, *, unverified: bool) -> dict[str, str]:
    """The parts of a row from a source that may be shown, each with its status.

    A score that has no status of its own has the source's.
    """
    own = statuses.split(",") if statuses else [""] * len(parts)
    found = {part: status or entry.source.status for part, status in zip(parts, own, strict=True)}
    return {part: status for part, status in found.items() if unverified or status != SourceStatus.UNVERIFIED}


class _Gathering(NamedTuple):
    """The headline scores of one row under one protocol, as they come."""

    by_seed: dict[int, dict[str, float]]
    stages: dict[int, frozenset[int]]
    items: dict[str, int]
    statuses: set[str]

    def add(self, seed: int, parts: tuple[str, ...], values: bytes, items: bytes, stages: str) -> None:
        self.by_seed[seed] = dict(zip(parts, struct.unpack(f"<{len(parts)}d", values), strict=True))
        self.items.update(zip(parts, struct.unpack(f"<{len(parts)}I", items), strict=True))
        self.stages[seed] = frozenset(map(int, stages.split(","))) if stages else frozenset()

    def trust(self, seed: int, found: Mapping[str, str]) -> None:
        """Keep what is in `found`, with its status."""
        self.by_seed[seed] = {part: value for part, value in self.by_seed[seed].items() if part in found}
        self.statuses.update(found.values())


def outside_entry(run: RunValue, sources: Mapping[str, Source]) -> Entry:
    """The row of a published or uploaded run."""
    return Entry(key=f"run-{run.pk}", title=run.system, origin=run.origin, source=sources.get(run.source or ""))
