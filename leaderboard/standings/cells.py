"""Cells and rows: what was measured becomes the values of a table. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leaderboard.models import Run, SourceStatus
from leaderboard.models.results import weakest
from leaderboard.standings import aggregate, compare
from leaderboard.standings.filters import Aggregate
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scores
from leaderboard.standings.table import NOTHING, OVERALL, Cell, Column, Measured, Rank, Row


@dataclass(frozen=True)
class Cells:
    """How the cells of a view are made; `overall` gives the column of each task that counts in the overall one."""

    scores: Scores
    baseline_of: Mapping[str, Entry]
    overall: Mapping[str, Column]
    how: Aggregate
    # Many rows share a baseline.
    _overall: dict[str, Measured] = field(default_factory=dict)

    def cell(self, entry: Entry, column: Column, *, paired: bool = True) -> Cell:
        """The cell of a row; if `paired`, with its paired difference to the baseline."""
        base, wins = self.baseline_of.get(entry.key), self.how is Aggregate.WINS
        if column.key == OVERALL:
            mine, theirs = self._tasks(entry, base), NOTHING if wins else self._tasks(base, None)
            whole, reduce = False, aggregate.mean
        else:
            mine = self._measured(entry, base, column)
            theirs = NOTHING if wins else self._measured(base, None, column)
            # A printed mean over languages says nothing about one of them.
            whole, reduce = self._whole(column) and column.key not in column.parts, self._reduce
        difference = compare.difference(mine, theirs, column.parts, whole=whole, reduce=reduce) if paired else None
        if column.key == OVERALL and difference and not difference.complete:
            # Over a part of the tasks it would be another quantity under the same name.
            difference = None
        return aggregate.cell(mine, column.parts, whole=whole, reduce=reduce, difference=difference)

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
        if entry.key not in self._overall:
            self._overall[entry.key] = aggregate.overall(
                {
                    task: (self._measured(entry, base, column), column.parts, self._whole(column))
                    for task, column in self.overall.items()
                },
                reduce=self._reduce,
            )
        return self._overall[entry.key]


def row(entry: Entry, cells: tuple[Cell, ...], *, label: str, has_baseline: bool, rank: Rank | None = None) -> Row:
    """The row of an entry; its status is that of the least trusted of its cells."""
    source = entry.source
    status = weakest({cell.status for cell in cells if cell.status})
    return Row(
        key=entry.key,
        title=entry.title,
        origin=entry.origin,
        origin_label=Run.Origin(entry.origin).label,
        encoder=entry.encoder,
        encoder_title=entry.encoder_title,
        method=entry.method,
        method_label=entry.method_label,
        intermediate=entry.intermediate,
        intermediate_title=entry.intermediate_title,
        mlm=entry.mlm,
        translation=entry.translation,
        variant="+".join(entry.variants) if entry.recipe else "",
        recipe=entry.recipe,
        runs=tuple(entry.runs),
        is_baseline=entry.is_baseline,
        has_baseline=has_baseline,
        source=source.title if source else "",
        source_url=source.url if source else "",
        source_status=status,
        source_status_label=SourceStatus(status).label if status else "",
        label=label,
        cells=cells,
        rank=rank,
    )
