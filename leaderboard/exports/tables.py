"""What a table is offered as beside its page: one place for page, API and command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from leaderboard.exports.files import standings_csv
from leaderboard.exports.latex import standings_latex
from leaderboard.exports.markdown import standings_markdown
from leaderboard.exports.objects import Origin, standings_json
from leaderboard.standings.table import Standings


@dataclass(frozen=True)
class TableFormat:
    """A format by its title, what a browser is told, and how it is written: `write(standings, origin, partial)`."""

    title: str
    content_type: str
    write: Callable[[Standings, Origin, bool], Iterator[str]]


# By the ending of the file.
FORMATS = {
    "csv": TableFormat(
        "CSV", "text/csv; charset=utf-8", lambda standings, origin, partial: standings_csv(standings, partial=partial)
    ),
    "json": TableFormat(
        "JSON",
        "application/json",
        lambda standings, origin, partial: iter([standings_json(standings, origin, partial=partial)]),
    ),
    "tex": TableFormat(
        "LaTeX",
        "application/x-tex; charset=utf-8",
        lambda standings, origin, partial: standings_latex(standings, origin, partial=partial),
    ),
    "md": TableFormat(
        "Markdown",
        "text/markdown; charset=utf-8",
        lambda standings, origin, partial: standings_markdown(standings, origin, partial=partial),
    ),
}
