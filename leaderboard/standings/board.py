"""All local rows with their baselines and what they measured: what is compared when scores change, for no view."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from leaderboard.models import Run
from leaderboard.standings import records
from leaderboard.standings.filters import SUITES
from leaderboard.standings.ranks import Parts
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.table import NOTHING, Measured, RunLink
from leaderboard.standings.uncertainty import Asked, Part
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite, TaskSpec


@dataclass(frozen=True)
class Board:
    """Local recipes that have runs, in reading order, and what each measured under each protocol."""

    entries: tuple[Entry, ...]
    baseline_of: Mapping[str, Entry]
    protocols: Mapping[int, ProtocolValue]
    scores: Mapping[tuple[str, int], Measured]

    def measured(self, entry: Entry, protocol: int) -> Measured:
        return self.scores.get((entry.key, protocol), NOTHING)

    def whole_test(self, task: TaskSpec) -> ProtocolValue | None:
        """The protocol on the whole test set that most rows have: what claims are tested under."""
        rows = {
            pk: sum(other == pk for _, other in self.scores)
            for pk, protocol in self.protocols.items()
            if protocol.task == task.slug and protocol.split == "test" and protocol.limit is None
        }
        used = {pk: count for pk, count in rows.items() if count}
        return self.protocols[min(used, key=lambda pk: (-used[pk], pk))] if used else None


def load(tasks: Collection[TaskSpec] | None = None) -> Board:
    """The board of these target tasks (None: of all), from headline scores that are up to date. Five queries.

    Published and uploaded rows are not in it: they have neither seeds nor a baseline here.
    """
    recipes = records.recipes()
    entry_of: dict[int, tuple[Entry, int]] = {}
    for run in records.runs():
        if run.origin == Run.Origin.LOCAL and run.recipe in recipes:
            recipes[run.recipe].runs.append(RunLink(run.pk, run.seed))
            entry_of[run.pk] = recipes[run.recipe], run.seed
    protocols = records.protocols(list(registry.tasks(Role.TARGET)) if tasks is None else tasks)
    return Board(
        entries=tuple(recipes.values()),
        baseline_of=records.baseline_of(recipes.values()),
        protocols=protocols,
        scores=records.measured(entry_of, protocols, unverified=False),
    )


def usual(board: Board, stages: Collection[int] | None = None) -> list[Asked]:
    """What pages usually show: each row against its baseline, per protocol, over all languages and in each of them.

    With `stages`, only where one of these evaluations is involved.
    """
    wanted = None if stages is None else frozenset(stages)
    return [
        asked
        for entry in board.entries
        if (base := board.baseline_of.get(entry.key))
        for protocol in board.protocols.values()
        for asked in _cells(board.measured(entry, protocol.pk), board.measured(base, protocol.pk), protocol, wanted)
    ]


def usual_rows(board: Board) -> list[Parts]:
    """What rows are usually ranked by: each row's mean over all languages, per protocol, and its overall mean."""
    overalls = [
        [(board.whole_test(task), task) for task in registry.tasks(Role.TARGET, Suite(suite))] for suite in SUITES
    ]
    overalls = [pairs for pairs in overalls if all(protocol for protocol, _ in pairs)]
    columns = [[(protocol, registry.TASKS[protocol.task])] for protocol in board.protocols.values()]
    return [
        [(board.measured(entry, protocol.pk), task.languages) for protocol, task in pairs]
        for pairs in (*columns, *overalls)
        for entry in board.entries
    ]


def _cells(mine: Measured, base: Measured, protocol: ProtocolValue, wanted: frozenset[int] | None) -> Iterator[Asked]:
    if not mine.by_seed or not base.by_seed:
        return
    if wanted is not None and not (mine.evaluations | base.evaluations) & wanted:
        return
    languages = registry.TASKS[protocol.task].languages
    yield Asked((Part(mine, base, languages),))
    for language in languages:
        yield Asked((Part(mine, base, (language,)),))
