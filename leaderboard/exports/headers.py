"""Headers: a file's columns in their order, with a version that changes whenever they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leaderboard.exports import alternatives, comparison, diagnostics, items
from leaderboard.exports.columns import SCORES as SCORE_COLUMNS
from leaderboard.exports.columns import VIEW as VIEW_COLUMNS
from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.files import lines


@dataclass(frozen=True)
class Header:
    """The columns of one kind of file. `tests/golden/headers.json` keeps every version that there was."""

    name: str
    version: int
    columns: tuple[ExportColumn, ...]


DICTIONARY_COLUMNS = (
    ExportColumn("file", "name", "The file, by its page; `view` is that of every table of recipes by tasks."),
    ExportColumn("version", "number", "The version of that file's header; it grows with every change."),
    ExportColumn("position", "number", "Where the column stands, from 1."),
    ExportColumn("column", "name", "The column."),
    ExportColumn("unit", "text", "The unit, or the values that there are."),
    ExportColumn("meaning", "text", "What the column says."),
)
SCORES = Header("scores", 2, SCORE_COLUMNS)
VIEW = Header("view", 4, VIEW_COLUMNS)
DICTIONARY = Header("dictionary", 1, DICTIONARY_COLUMNS)
HEADERS = (
    SCORES,
    VIEW,
    Header("alternatives", 1, alternatives.COLUMNS),
    Header("compare", 2, comparison.COLUMNS),
    Header("alignment", 1, diagnostics.ALIGNMENT),
    Header("robustness", 2, diagnostics.ROBUSTNESS),
    Header("low-resource", 2, diagnostics.LOW_RESOURCE),
    Header("items", 1, items.COLUMNS),
    DICTIONARY,
)


def dictionary_csv() -> Iterator[str]:
    """The header file: every column of every file, with unit and meaning."""
    return lines(
        DICTIONARY_COLUMNS,
        (
            (header.name, header.version, position, column.name, column.unit, column.meaning)
            for header in HEADERS
            for position, column in enumerate(header.columns, start=1)
        ),
    )
