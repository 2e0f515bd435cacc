"""Standings as a LaTeX table (booktabs), with the numbers as the page writes them and the best of a column in bold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

from leaderboard.exports.objects import Origin
from leaderboard.exports.values import difference_of
from leaderboard.standings.numbers import MINUS, shown, shown_difference
from leaderboard.standings.table import Cell, Column, Difference, Standings
from runner.spec import fingerprint

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "–": "--",
    MINUS: "$-$",
}


def escaped(text: str) -> str:
    """`text` as LaTeX prints it."""
    return "".join(SPECIAL.get(character, character) for character in text)


def standings_latex(standings: Standings, origin: Origin, *, partial: bool) -> Iterator[str]:
    """The table line by line; comments say what is shown, where it was read and when."""
    yield from _comments(standings, origin)
    columns = standings.columns
    yield f"\\begin{{tabular}}{{l{'r' * len(columns)}}}\n\\toprule\n"
    if len(standings.groups) > 1:
        yield from _groups(standings)
    heads = [escaped(_head(column)) for column in columns]
    yield _line([escaped("Recipe"), *(f"\\textbf{{{head}}}" for head in heads)])
    yield "\\midrule\n"
    for row in standings.rows:
        cells = [_cell(cell, standings, position, partial=partial) for position, cell in enumerate(row.cells)]
        yield _line([escaped(row.title), *cells])
    yield "\\bottomrule\n\\end{tabular}\n"


def _comments(standings: Standings, origin: Origin) -> Iterator[str]:
    told = (
        f"{origin.title}. {standings.sentence}",
        *standings.notes,
        f"Read on {origin.read.isoformat()} from {origin.address}",
        f"Snapshot {origin.snapshot}" if origin.snapshot else f"No snapshot: the board as it was; {content(standings)}",
        "Needs the package booktabs. The best of each column is bold; unverified rows are never the best.",
        *(f"{_head(column)}: {column.protocol_label}" for column in standings.columns if column.protocol_label),
    )
    for line in told:
        yield f"% {' '.join(line.split())}\n"


def content(standings: Standings) -> str:
    """The hash of what is shown: two readings with the same one show the same numbers."""
    return f"hash of what is shown {fingerprint([asdict(row) for row in standings.rows])[:16]}"


def _groups(standings: Standings) -> Iterator[str]:
    spans = [f"\\multicolumn{{{group.span}}}{{c}}{{{escaped(group.title)}}}" for group in standings.groups]
    yield _line(["", *spans])
    first = 2
    for group in standings.groups:
        yield f"\\cmidrule(lr){{{first}-{first + group.span - 1}}}\n"
        first += group.span


def _head(column: Column) -> str:
    return column.title if not column.scope else f"{column.title} ({column.scope})"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + " \\\\\n"


def _cell(cell: Cell, standings: Standings, position: int, *, partial: bool) -> str:
    difference = difference_of(cell, partial=partial)
    if standings.show == "difference":
        if difference is None:
            return "--"
        text = shown_difference(difference.value) + ("" if difference.complete else "*")
    elif cell.value is None:
        return "--" if cell.empty else f"\\textit{{{cell.coverage}}}"
    else:
        text = shown(cell.value)
    text = escaped(text)
    if standings.is_best(position, cell):
        text = f"\\textbf{{{text}}}"
    return text + _small(_beside(cell, difference, standings.show))


def _beside(cell: Cell, difference: Difference | None, show: str) -> str:
    """The interval of a difference, the spread of a score; empty where there is none."""
    if show == "difference":
        interval = difference.interval
        return f"[{shown_difference(interval.low)}, {shown_difference(interval.high)}]" if interval else ""
    return "" if cell.sd is None else f"±{shown(cell.sd)}"


def _small(text: str) -> str:
    return f" {{\\scriptsize {escaped(text)}}}" if text else ""


def bibtex(title: str, address: str, sentence: str, read: date) -> str:
    """An entry that cites a view: its title, address, what it showed, and when it was read."""
    fields = {
        "title": f"{{Intermediate-task transfer leaderboard: {escaped(title)}}}",
        "year": str(read.year),
        "howpublished": f"\\url{{{address}}}",
        "note": f"{escaped(sentence)} Read on {read.isoformat()}",
    }
    lines = (f"  {name:<12} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{transfer-leaderboard-{read.isoformat()},\n" + ",\n".join(lines) + "\n}"
