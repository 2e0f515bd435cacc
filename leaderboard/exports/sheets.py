"""Plain tables as files: a line for each row of a page that is no table of recipes by tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.files import lines
from leaderboard.exports.latex import escaped
from leaderboard.exports.markdown import escaped as markdown
from leaderboard.exports.objects import Origin
from leaderboard.standings.numbers import shown

Value = str | int | float | None


@dataclass(frozen=True)
class Sheet:
    """A table with its columns, and a sentence that says what it shows."""

    sentence: str
    columns: tuple[ExportColumn, ...]
    rows: tuple[tuple[Value, ...], ...]


def sheet_csv(sheet: Sheet) -> Iterator[str]:
    return lines(sheet.columns, (["" if value is None else value for value in row] for row in sheet.rows))


def sheet_json(sheet: Sheet, origin: Origin) -> Iterator[str]:
    names = [column.name for column in sheet.columns]
    content = {
        "title": origin.title,
        "address": origin.address,
        "read": origin.read.isoformat(),
        "sentence": sheet.sentence,
        "rows": [dict(zip(names, row, strict=True)) for row in sheet.rows],
    }
    yield json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def sheet_latex(sheet: Sheet, origin: Origin) -> Iterator[str]:
    """The table with one decimal, as on the page."""
    yield f"% {origin.title}. {sheet.sentence}\n% Read on {origin.read.isoformat()} from {origin.address}\n"
    numeric = [any(isinstance(row[index], int | float) for row in sheet.rows) for index in range(len(sheet.columns))]
    yield f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}\n\\toprule\n"
    yield " & ".join(escaped(column.name) for column in sheet.columns) + " \\\\\n\\midrule\n"
    for row in sheet.rows:
        yield " & ".join(_text(value) for value in row) + " \\\\\n"
    yield "\\bottomrule\n\\end{tabular}\n"


def sheet_markdown(sheet: Sheet, origin: Origin) -> Iterator[str]:
    """The table in Markdown, with one decimal, as on the page."""
    numeric = [any(isinstance(row[index], int | float) for row in sheet.rows) for index in range(len(sheet.columns))]
    yield "| " + " | ".join(markdown(column.name) for column in sheet.columns) + " |\n"
    yield "| " + " | ".join("---:" if right else "---" for right in numeric) + " |\n"
    for row in sheet.rows:
        cells = ["" if value is None else shown(value) if isinstance(value, float) else str(value) for value in row]
        yield "| " + " | ".join(markdown(cell) for cell in cells) + " |\n"
    yield f"\n{markdown(sheet.sentence)}\n\n{markdown(f'{origin.title}, {origin.address}, {origin.read}.')}\n"


def _text(value: Value) -> str:
    if value is None:
        return "--"
    return escaped(shown(value) if isinstance(value, float) else str(value))
