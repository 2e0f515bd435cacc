"""Checkpoints whose alignment was measured: the pretrained encoders, and what intermediate phases made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg

from leaderboard.models import DiagnosticValue, Run, Stage
from leaderboard.standings import records
from leaderboard.standings.records import Entry
from leaderboard.variants import ending
from runner.spec import canonical, fingerprint
from runner.tasks import registry
from runner.tasks.encoders import BLANK


@dataclass(frozen=True)
class Protocol:
    """What makes two measurements comparable: the plan of the stage, its languages aside."""

    key: str
    text: str
    limit: int | None
    pooling: str
    precision: str
    split: str
    version: str

    @property
    def label(self) -> str:
        parts = [f"first {self.limit:,} pairs" if self.limit else "all pairs", f"{self.pooling} pooling"]
        return ", ".join([*parts, *([self.precision] if self.precision != "fp32" else [])])


@dataclass(frozen=True)
class Checkpoint:
    """An encoder as it was given, or after one intermediate phase, whatever the seed; `stages` by seed.

    The pretrained encoder has the seed 0 alone. Several stages of a seed measured different languages. `recipes` have
    keys of `records.Entry`.
    """

    key: str
    encoder: str
    encoder_title: str
    layers: int
    training: str
    stages: Mapping[int, tuple[int, ...]]
    recipes: frozenset[str]
    order: tuple[Any, ...]

    @property
    def pretrained(self) -> bool:
        return not self.training

    @property
    def title(self) -> str:
        return f"after {self.training}" if self.training else "pretrained"


def found() -> dict[Protocol, list[Checkpoint]]:
    """Every checkpoint that was measured, by protocol, in reading order. Four queries."""
    stages = list(
        Stage.objects.filter(action=Stage.Action.ALIGN, status=Stage.Status.DONE)
        .select_related("parent")
        .only("spec", "parent__spec")
        .order_by("pk")
    )
    entries = records.recipes()
    owners: dict[int, set[int]] = defaultdict(set)
    links = Run.stages.through.objects.filter(stage__in=[stage.pk for stage in stages], run__withdrawn=None)
    for stage, recipe in links.values_list("stage_id", "run__recipe_id"):
        owners[stage].add(recipe)
    groups: dict[Protocol, dict[str, list[Stage]]] = defaultdict(lambda: defaultdict(list))
    for stage in stages:
        # Without a run that asked for it, nobody can tell what it is.
        if owners[stage.pk] & entries.keys():
            groups[_protocol(stage.spec["plan"])][_identity(stage)].append(stage)
    return {
        protocol: sorted(
            (_checkpoint(key, members, owners, entries) for key, members in by_key.items()),
            key=lambda checkpoint: checkpoint.order,
        )
        for protocol, by_key in groups.items()
    }


def _protocol(plan: Mapping[str, Any]) -> Protocol:
    shared = {name: value for name, value in plan.items() if name != "languages"}
    return Protocol(
        fingerprint(shared)[:8],
        plan["task"],
        plan["limit"],
        plan["pooling"],
        plan["precision"],
        plan["split"],
        plan["measures_version"],
    )


def _is_pretrained(stage: Stage) -> bool:
    """Whether it measured the encoder as it was given; one that is made here is given by its first stage."""
    if stage.parent is None:
        return True
    return stage.spec["encoder"]["location"] == BLANK and stage.parent.spec["parent"] is None


def _identity(stage: Stage) -> str:
    """Equal for checkpoints that differ in their seed alone."""
    encoder = {name: stage.spec["encoder"][name] for name in ("slug", "revision")}
    parent = stage.parent.spec if stage.parent else {}
    return fingerprint(canonical([encoder, parent.get("plan"), parent.get("engine_version")]))[:12]


def _checkpoint(
    key: str, stages: list[Stage], owners: Mapping[int, set[int]], entries: Mapping[int, Entry]
) -> Checkpoint:
    encoder = stages[0].spec["encoder"]
    mine = [entries[pk] for stage in stages for pk in owners[stage.pk] if pk in entries]
    first = min(mine, key=records.reading_order)
    trained = not _is_pretrained(stages[0])
    by_seed: dict[int, tuple[int, ...]] = {}
    for stage in stages:
        seed = stage.parent.spec["seed"] if trained else 0
        by_seed[seed] = (*by_seed.get(seed, ()), stage.pk)
    return Checkpoint(
        key=key,
        encoder=encoder["slug"],
        encoder_title=first.encoder_title,
        layers=encoder["layers"],
        training=_training(first) if trained else "",
        stages=dict(sorted(by_seed.items())),
        recipes=frozenset(entry.key for entry in mine) if trained else frozenset(),
        order=(first.encoder_title, trained, records.reading_order(first), key),
    )


def _training(entry: Entry) -> str:
    titles = [registry.TASKS[slug].title if slug in registry.TASKS else slug for slug in entry.intermediate]
    tasks = " + ".join(titles)
    end = ending(mlm=entry.mlm, translation=entry.translation, multi_task=len(titles) > 1)
    return tasks + end if tasks else end.removeprefix(" + ")


# stage -> language -> (value, pairs)
Values = Mapping[int, Mapping[str, tuple[float, int]]]


def in_layers(measure: str, layers: Mapping[int, int]) -> Values:
    """The values of a measure in one layer of each stage: `layers` is stage -> layer. One query for each layer."""
    stages: dict[int, list[int]] = defaultdict(list)
    for stage, layer in layers.items():
        stages[layer].append(stage)
    values: dict[int, dict[str, tuple[float, int]]] = defaultdict(dict)
    for layer, members in stages.items():
        rows = DiagnosticValue.objects.filter(stage__in=members, measure=measure, layer=layer)
        for stage, language, value, n in rows.values_list("stage_id", "language_id", "value", "n"):
            values[stage][language] = (value, n)
    return values


def over_layers(measure: str, stages: Iterable[int], languages: Collection[str]) -> Mapping[int, Mapping[int, float]]:
    """Stage -> layer -> the mean of a measure over `languages`. One query."""
    found = DiagnosticValue.objects.filter(stage__in=list(stages), measure=measure, language__in=list(languages))
    means: dict[int, dict[int, float]] = defaultdict(dict)
    grouped = found.order_by("stage_id", "layer").values_list("stage_id", "layer").annotate(mean=Avg("value"))
    for stage, layer, value in grouped:
        means[stage][layer] = value
    return means
