"""Standings as a LaTeX table (booktabs), with the numbers as the page writes them and the best of a column in bold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

from leaderboard.exports.objects import Origin
from leaderboard.exports.values import difference_of
from leaderboard.standings.numbers import MINUS, shown, shown_difference
from leaderboard.standings.table import Cell, Column, Row, Standings
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


INTERVALS = (
    "Under a row, where items were kept: paired differences to the baseline, [95% intervals over seeds and items].",
    "A rank, where there is one: place, [95% interval], tie group.",
)


def escaped(text: str) -> str:
    """`text` as LaTeX prints it."""
    return "".join(SPECIAL.get(character, character) for character in text)


def standings_latex(standings: Standings, origin: Origin, *, partial: bool) -> Iterator[str]:
    """The table line by line; comments say what is shown, where it was read and when.

    Under a row whose differences have intervals stands a line of these; where rows have ranks, they come first.
    """
    yield from _comments(standings, origin)
    columns = standings.columns
    ranked = bool(standings.ranking and standings.ranking.rows)
    yield f"\\begin{{tabular}}{{l{'r' * (len(columns) + ranked)}}}\n\\toprule\n"
    if len(standings.groups) > 1:
        yield from _groups(standings, first=2 + ranked)
    heads = [*(["Rank"] if ranked else []), *(escaped(_head(column)) for column in columns)]
    yield _line([escaped("Recipe"), *(f"\\textbf{{{head}}}" for head in heads)])
    yield "\\midrule\n"
    for row in standings.rows:
        cells = [_cell(cell, standings, position, partial=partial) for position, cell in enumerate(row.cells)]
        intervals = [_interval(cell, standings.show, partial=partial) for cell in row.cells]
        yield _line([escaped(row.title), *([_rank(row)] if ranked else []), *cells])
        if any(intervals):
            yield _line([*([""] * (1 + ranked)), *intervals])
    yield "\\bottomrule\n\\end{tabular}\n"


def _comments(standings: Standings, origin: Origin) -> Iterator[str]:
    told = (
        f"{origin.title}. {standings.sentence}",
        *standings.notes,
        f"Read on {origin.read.isoformat()} from {origin.address}",
        f"Snapshot {origin.snapshot}" if origin.snapshot else f"No snapshot: the board as it was; {content(standings)}",
        "Needs the package booktabs. The best of each column is bold; unverified rows are never the best.",
        *INTERVALS,
        *(f"{_head(column)}: {column.protocol_label}" for column in standings.columns if column.protocol_label),
    )
    for line in told:
        yield f"% {' '.join(line.split())}\n"


def content(standings: Standings) -> str:
    """The hash of what is shown: two readings with the same one show the same numbers."""
    return f"hash of what is shown {fingerprint([asdict(row) for row in standings.rows])[:16]}"


def _groups(standings: Standings, first: int) -> Iterator[str]:
    """The upper head; its groups begin at column `first` of the table."""
    spans = [f"\\multicolumn{{{group.span}}}{{c}}{{{escaped(group.title)}}}" for group in standings.groups]
    yield _line([*([""] * (first - 1)), *spans])
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
    spread = "" if cell.sd is None or standings.show == "difference" else f" {{\\scriptsize $\\pm${shown(cell.sd)}}}"
    return text + spread


def _interval(cell: Cell, show: str, *, partial: bool) -> str:
    """The interval of the difference, with the difference itself where the line above has the score."""
    difference = difference_of(cell, partial=partial)
    if difference is None or difference.interval is None:
        return ""
    low, high = (escaped(shown_difference(end)) for end in (difference.interval.low, difference.interval.high))
    mark = "" if difference.complete else "*"
    value = "" if show == "difference" else f"{escaped(shown_difference(difference.value))}{mark} "
    return f"{{\\scriptsize {value}[{low}, {high}]}}"


def _rank(row: Row) -> str:
    rank = row.rank
    return f"{rank.place} {{\\scriptsize [{rank.low}, {rank.high}] {rank.group}}}" if rank else "--"


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
