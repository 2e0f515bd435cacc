"""Scores of one task language by language: each recipe under each protocol, clean and with noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from leaderboard.models import Headline
from leaderboard.standings import board
from leaderboard.standings.aggregate import mean
from leaderboard.standings.asked import unknown
from leaderboard.standings.board import Board
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.table import Measured
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec


@dataclass(frozen=True)
class TaskScores:
    """What was measured here in a task's headline metric; `board` may have other tasks too."""

    task: TaskSpec
    board: Board

    def clean_protocols(self) -> tuple[ProtocolValue, ...]:
        """Those without noise that something was measured under, the most used first."""
        used = Counter(protocol for _, protocol in self.board.scores)
        found = [one for one in self._protocols() if used[one.pk] and not one.noise]
        return tuple(sorted(found, key=lambda one: (-used[one.pk], one.label, one.pk)))

    def protocol(self, asked_for: str = "") -> ProtocolValue | None:
        """The clean protocol that is asked for by the first letters of its fingerprint, else the most used one.

        None where nothing was measured; FilterError where there is none such.
        """
        known = self.clean_protocols()
        if asked_for:
            for protocol in known:
                if len(asked_for) >= 8 and protocol.fingerprint.startswith(asked_for):
                    return protocol
            raise unknown("protocol with scores", asked_for, [protocol.fingerprint[:8] for protocol in known])
        return known[0] if known else None

    def changed(self, stages: Collection[int] | None = None) -> list[ProtocolValue]:
        """Those without noise under which one of these evaluations was made, with or without noise (None: all).

        What a page shows of them may be another now in every row: all rows are over the languages that they share.
        """
        if stages is None:
            return list(self.clean_protocols())
        wanted = frozenset(stages)
        mine = {one.pk: one.clean for one in self._protocols()}
        touched = {
            mine[protocol]
            for (_, protocol), measured in self.board.scores.items()
            if protocol in mine and measured.evaluations & wanted
        }
        return [one for one in self.clean_protocols() if one.clean in touched]

    def noisy(self, protocol: ProtocolValue) -> tuple[ProtocolValue, ...]:
        """The protocols that are `protocol` with noise, by what the noise is."""
        found = [one for one in self._protocols() if one.noise and one.clean == protocol.clean]
        return tuple(sorted(found, key=lambda one: one.noise))

    def _protocols(self) -> list[ProtocolValue]:
        return [one for one in self.board.protocols.values() if one.task == self.task.slug]

    def entries(self, protocol: ProtocolValue) -> tuple[Entry, ...]:
        """The recipes that were measured under `protocol`, in reading order."""
        return tuple(entry for entry in self.board.entries if (entry.key, protocol.pk) in self.board.scores)

    def of(self, entry: Entry, protocol: ProtocolValue) -> Measured:
        """What the recipe measured under `protocol`; nothing where it was not."""
        return self.board.measured(entry, protocol.pk)

    def shared(self, entries: Collection[Entry], protocol: ProtocolValue) -> frozenset[str]:
        """The languages besides the pivot that every seed of all these recipes has."""
        measured = [self.of(entry, protocol).shared for entry in entries]
        return (frozenset.intersection(*measured) if measured else frozenset()) - {self.task.pivot}

    def baseline(self, entry: Entry, protocol: ProtocolValue) -> Measured | None:
        """What the recipe is compared with, where it was measured under `protocol` too."""
        base = self.board.baseline_of.get(entry.key)
        return self.board.scores.get((base.key, protocol.pk)) if base else None


def load(task: TaskSpec) -> TaskScores:
    """The scores of runs from here, as they were gathered last. Five queries."""
    return TaskScores(task, board.load([task]))


def tasks_with_scores(recipes: Collection[str] | None = None) -> list[TaskSpec]:
    """The target tasks in which a recipe from here was measured, in the catalogue's order. One query.

    With `recipes` (primary keys), one of these. From headline scores that are up to date.
    """
    there = Headline.objects.filter(run__recipe__isnull=False, run__withdrawn=None).order_by()
    if recipes is not None:
        there = there.filter(run__recipe__in=recipes)
    slugs = set(there.values_list("protocol__task", flat=True).distinct())
    return [task for task in registry.tasks(Role.TARGET) if task.slug in slugs]


def differences(mine: Measured, base: Measured) -> dict[str, float]:
    """Language -> the mean over paired seeds of mine less the baseline's, where all paired seeds have both."""
    seeds = [seed for seed in mine.by_seed if seed in base.by_seed]
    if not seeds:
        return {}
    shared: Collection[str] = [
        language for language in sorted(mine.shared) if all(language in base.by_seed[seed] for seed in seeds)
    ]
    return {
        language: mean([mine.by_seed[seed][language] - base.by_seed[seed][language] for seed in seeds])
        for language in shared
    }
