"""Cells and rows: what was measured becomes the values of a table. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from leaderboard.models import Recipe, Run
from leaderboard.standings import aggregate, compare
from leaderboard.standings.filters import Aggregate
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scores
from leaderboard.standings.table import NOTHING, OVERALL, Cell, Column, Measured, Row
from runner.tasks import registry


@dataclass(frozen=True)
class Cells:
    """How the cells of a view are made; `overall` gives the column of each task that counts in the overall one."""

    scores: Scores
    baseline_of: Mapping[str, Entry]
    overall: Mapping[str, Column]
    how: Aggregate

    def cell(self, entry: Entry, column: Column) -> Cell:
        """The cell of a row, with its paired difference to the baseline."""
        base = self.baseline_of.get(entry.key)
        if column.key == OVERALL:
            mine, theirs = self._tasks(entry, base), self._tasks(base, None)
            whole, reduce = False, aggregate.mean
        else:
            mine, theirs = self._measured(entry, base, column), self._measured(base, None, column)
            # A printed mean over languages says nothing about one of them.
            whole, reduce = self._whole(column) and column.key not in column.parts, self._reduce
        if self.how is Aggregate.WINS:
            theirs = NOTHING
        cell = aggregate.cell(mine, column.parts, whole=whole, reduce=reduce)
        difference = compare.difference(mine, theirs, column.parts, whole=whole, reduce=reduce)
        if column.key == OVERALL and difference and not difference.complete:
            # Over a part of the tasks it would be another quantity under the same name.
            difference = None
        return replace(cell, difference=difference)

    @property
    def _reduce(self) -> aggregate.Reduce:
        return min if self.how is Aggregate.WORST else aggregate.mean

    def _whole(self, column: Column) -> bool:
        return len(column.parts) == column.total and self.how is Aggregate.OFFICIAL

    def _measured(self, entry: Entry | None, base: Entry | None, column: Column) -> Measured:
        if entry is None:
            return NOTHING
        mine = self.scores[entry.key, column.protocol]
        if self.how is not Aggregate.WINS:
            return mine
        return compare.wins(mine, self.scores[base.key, column.protocol]) if base else NOTHING

    def _tasks(self, entry: Entry | None, base: Entry | None) -> Measured:
        """The parts of the overall cell: what a row has in each task."""
        if entry is None:
            return NOTHING
        return aggregate.overall(
            {
                task: (self._measured(entry, base, column), column.parts, self._whole(column))
                for task, column in self.overall.items()
            },
            reduce=self._reduce,
        )


def row(entry: Entry, *, has_baseline: bool) -> Row:
    """The row of an entry, without its cells."""
    source = entry.source
    titles = [registry.TASKS[slug].title if slug in registry.TASKS else slug for slug in entry.intermediate]
    return Row(
        key=entry.key,
        title=entry.title,
        origin=entry.origin,
        origin_label=ORIGIN_LABELS[entry.origin],
        encoder=entry.encoder,
        encoder_title=entry.encoder_title,
        method=entry.method,
        method_label=METHOD_LABELS.get(entry.method, ""),
        intermediate=entry.intermediate,
        intermediate_title=" + ".join(titles),
        mlm=entry.mlm,
        translation=entry.translation,
        variant="+".join(entry.variants) if entry.recipe else "",
        recipe=entry.recipe,
        runs=tuple(entry.runs),
        is_baseline=entry.is_baseline,
        has_baseline=has_baseline,
        source=source.title if source else "",
        source_url=source.url if source else "",
        source_status=source.status if source else "",
        source_status_label=source.get_status_display() if source else "",
    )


ORIGIN_LABELS = dict(Run.Origin.choices)
METHOD_LABELS = dict(Recipe.Method.choices)
