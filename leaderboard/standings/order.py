"""In which order rows stand: by which column, and by which values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from leaderboard.standings import aggregate
from leaderboard.standings.cells import Cells
from leaderboard.standings.filters import Aggregate, Filters
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scene, Scores
from leaderboard.standings.table import OVERALL, Column, number


def possible(filters: Filters, found: Sequence[Column]) -> tuple[str, tuple[str, ...]]:
    """The order that can be had, and a note where it is not the one that was asked for."""
    key = filters.sort.removeprefix("-")
    if not key or key == "title" or key in {column.key for column in found}:
        return filters.sort, ()
    return "", (f"Not sorted by '{key}': this view has no such column.",)


def parts_of(column: Column, overall: Mapping[str, Column]) -> list[Column]:
    """The columns that a column's values are made of: those of the overall's tasks, else itself."""
    return list(overall.values()) if column.key == OVERALL else [column]


@dataclass(frozen=True)
class Order:
    """An order of rows: `sort` names a column, `title`, or nothing; a minus turns it round.

    `show` says whether scores or differences are compared, `overall` which columns count in the overall one.
    """

    filters: Filters
    scene: Scene
    columns: Sequence[Column]
    overall: Mapping[str, Column]
    sort: str
    show: str

    def of(self, entries: list[Entry], scores: Scores) -> list[Entry]:
        """The entries in order, those without a value last in both directions.

        Of `scores`, which are at hand, nothing more is read; where they are empty, what is needed is.
        """
        key, backwards = self.sort.removeprefix("-"), self.sort.startswith("-")
        if not key:
            return entries
        if key == "title":
            return sorted(entries, key=lambda entry: entry.title.casefold(), reverse=backwards)
        column = next(column for column in self.columns if column.key == key)
        values = self._kept(entries, column) if self._means_suffice else self._read(entries, column, scores)
        present = [entry for entry in entries if entry.key in values]
        present.sort(key=lambda entry: values[entry.key], reverse=backwards)
        return [*present, *(entry for entry in entries if entry.key not in values)]

    @property
    def _means_suffice(self) -> bool:
        """Whether the means over all of a task's languages, which are kept, say the order."""
        usual = self.filters.aggregate == Aggregate.OFFICIAL and self.filters.languages == "all"
        return usual and not self.filters.task and self.scene.means_hold

    def _kept(self, entries: Collection[Entry], column: Column) -> dict[str, float]:
        """What `_read` finds, from means that are kept."""
        parts = parts_of(column, self.overall)
        if column.key == OVERALL and len(parts) < len(column.parts):
            return {}
        of = self.scene.presence.means([one.protocol for one in parts])
        found = {}
        for entry in entries:
            mine, base = of.get(entry.key, {}), self.scene.baseline_of.get(entry.key)
            if self.show == "score":
                values = [aggregate.mean(means) for means in mine.values()]
            else:
                theirs = of.get(base.key, {}) if base else {}
                pairs = [zip(means, theirs[seed], strict=True) for seed, means in mine.items() if seed in theirs]
                values = [aggregate.mean([one - other for one, other in pair]) for pair in pairs]
            if values:
                found[entry.key] = aggregate.mean(values)
        return found

    def _read(self, entries: Collection[Entry], column: Column, scores: Scores) -> dict[str, float]:
        """The number that each row's cell shows."""
        if not scores:
            scores = self.scene.measured({one.protocol for one in parts_of(column, self.overall)})
        cells = Cells(scores, self.scene.baseline_of, self.overall, Aggregate(self.filters.aggregate))
        paired = self.show == "difference"
        values = {entry.key: number(cells.cell(entry, column, paired=paired), self.show) for entry in entries}
        return {key: value for key, value in values.items() if value is not None}
