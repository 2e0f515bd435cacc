"""Two to six rows side by side: only what was measured on the same items, paired, and all that differs else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leaderboard.models import Protocol, Run
from leaderboard.services import headlines
from leaderboard.standings import columns, compare, confidence, differing, records, scene
from leaderboard.standings.aggregate import cell as make_cell
from leaderboard.standings.cells import row as make_row
from leaderboard.standings.differing import Apart, Difference
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scene
from leaderboard.standings.table import Cell, Column, Measured, Row
from leaderboard.standings.uncertainty import Asked, Part
from runner.tasks.languages import LANGUAGES

LEAST, MOST = 2, 6


@dataclass(frozen=True)
class Line:
    """A task under one protocol, or one of its languages: the cells of the rows in their order.

    The differences in the cells are to the first row, over the languages of the line.
    """

    title: str
    column: Column
    language: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """The page. `refusal` says why nothing can be compared; then there are no lines."""

    filters: Filters
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    apart: tuple[Apart, ...]
    settings: tuple[Difference, ...]
    sentence: str
    refusal: str = ""


def names(given: Sequence[str]) -> tuple[str, ...]:
    """The rows that an address names: recipes by 8 or more digits of their fingerprint, others as `run-7`."""
    found = tuple(dict.fromkeys(part.strip() for text in given for part in text.split(",") if part.strip()))
    for name in found:
        if not re.fullmatch(r"[0-9a-f]{8,64}|run-\d{1,9}", name):
            raise FilterError(
                f"There is no row '{name[:80]}'; a row is 8 or more digits of a recipe's fingerprint, or such as run-7."
            )
    return found


def name_of(row: Row) -> str:
    """How an address names a row."""
    return row.recipe[:12] if row.recipe else row.key


def load(filters: Filters, asked: Sequence[str], *, by_language: bool) -> Comparison:
    """The rows that are `asked` for, compared with the first of them. Twelve queries, thirteen with an upload.

    FilterError where a row is not there, or there are too few or too many.
    """
    if not LEAST <= len(asked) <= MOST:
        raise FilterError(f"A comparison is of {LEAST} to {MOST} rows; the address names {len(asked)}.")
    headlines.current()
    scenery = scene.build(replace(filters, view=View.LEADERBOARD), records.recipes())
    entries = [_find(name, scenery) for name in asked]
    presence = scenery.presence.of({entry.key for entry in entries})
    found = columns.task_columns(filters, scenery.protocols, presence)
    there = [column for column in scenery.with_uploads(found) if column.task]
    scores = scenery.measured({column.protocol for column in there}, entries)
    details = Protocol.objects.in_bulk([column.protocol for column in there])
    shared = [column for column in there if sum(presence.has(entry.key, column.protocol) for entry in entries) > 1]
    first = entries[0]
    shared = [column for column in shared if presence.has(first.key, column.protocol)]
    lines = _with_intervals(
        [line for column in shared for line in _lines(column, entries, scores, by_language=by_language)]
    )
    apart = tuple(differing.apart(there, entries, presence, details))
    return Comparison(
        filters=filters,
        rows=tuple(make_row(entry, (), label=entry.title, has_baseline=False) for entry in entries),
        lines=lines,
        apart=apart,
        settings=(*differing.settings(entries), *differing.made_with(shared, entries, presence, details)),
        sentence=_sentence(filters, entries),
        refusal="" if lines else _refusal(first, apart),
    )


def _find(name: str, scenery: Scene) -> Entry:
    for entry in scenery.entries:
        if entry.key == name or (entry.recipe and entry.recipe.startswith(name)):
            return entry
    raise FilterError(f"There is no row '{name}' to compare: it is not on this board, or nobody has verified it.")


def _sentence(filters: Filters, entries: Sequence[Entry]) -> str:
    said = (
        f"{len(entries)} rows, mean over {filters.languages_title}; differences are to the first row, paired by "
        "protocol, seed and language."
    )
    if any(entry.origin == Run.Origin.UPLOADED for entry in entries):
        said += (
            " An uploaded row is one measurement: it is paired with every seed of a row from here, on the same items, "
            "and intervals say nothing about other seeds of it."
        )
    return said


def _lines(
    column: Column, entries: Sequence[Entry], scores: scene.Scores, *, by_language: bool
) -> Iterator[tuple[Line, list[Asked | None]]]:
    """The lines of a column, each with what the intervals of its differences are computed from."""
    parts = [(column.title, "", column.parts)]
    if by_language:
        parts += [(LANGUAGES[code].name, code, (code,)) for code in column.parts]
    for title, language, languages in parts:
        whole = not language and len(column.parts) == column.total
        measured = [scores[entry.key, column.protocol] for entry in entries]
        sides = [_sides(entry, one, entries[0], measured[0]) for entry, one in zip(entries, measured, strict=True)]
        cells = [
            make_cell(
                one,
                languages,
                whole=whole,
                difference=compare.difference(*pair, languages, whole=whole) if number else None,
            )
            for number, (one, pair) in enumerate(zip(measured, sides, strict=True))
        ]
        if sum(not cell.empty for cell in cells) > 1:
            asked = [_asked(cell, pair, languages) for cell, pair in zip(cells, sides, strict=True)]
            yield Line(title, column, language, tuple(cells)), asked


def _sides(entry: Entry, mine: Measured, first: Entry, base: Measured) -> tuple[Measured, Measured]:
    """What is paired by seed: an upload has none of its own, and stands beside each of the other side's."""
    if mine.by_seed and base.by_seed and entry.origin != first.origin:
        if entry.origin == Run.Origin.UPLOADED:
            return compare.alongside(mine, base), base
        if first.origin == Run.Origin.UPLOADED:
            return mine, compare.alongside(base, mine)
    return mine, base


def _asked(cell: Cell, sides: tuple[Measured, Measured], languages: tuple[str, ...]) -> Asked | None:
    known = cell.paired and all(side.evaluations for side in sides)
    return Asked((Part(*sides, languages),)) if known else None


def _with_intervals(lines: Sequence[tuple[Line, list[Asked | None]]]) -> tuple[Line, ...]:
    """The lines with the intervals of their differences, where there are any. Two queries, or none."""
    wanted = [one for _, asked in lines for one in asked if one]
    found = iter(confidence.intervals(wanted) if wanted else ())
    made = []
    for line, asked in lines:
        intervals = [next(found) if one else None for one in asked]
        cells = zip(line.cells, intervals, strict=True)
        made.append(
            replace(line, cells=tuple(cell.with_interval(interval) if interval else cell for cell, interval in cells))
        )
    return tuple(made)


def _refusal(first: Entry, apart: Sequence[Apart]) -> str:
    if apart:
        tasks = ", ".join(one.title for one in apart)
        return (
            f"These rows are not comparable: no other row was measured under a protocol of {first.title}. "
            f"What differs, for {tasks}, stands below."
        )
    return f"These rows are not comparable: no other row was measured in a task of {first.title}."
