"""A comparison as a plain table: a line for each task or language and each row."""

from __future__ import annotations

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.sheets import Sheet
from leaderboard.standings.comparison import Comparison

COLUMNS = (
    ExportColumn("task", "slug", "The task."),
    ExportColumn("protocol", "text", "The protocol in a few words."),
    ExportColumn("protocol_fingerprint", "SHA-256", "The same for all rows of a line."),
    ExportColumn("language", "ISO 639-1", "Empty for the mean over the languages."),
    ExportColumn("row", "text", "The row's title."),
    ExportColumn("recipe", "SHA-256", "Fingerprint of the recipe; empty for systems from outside."),
    ExportColumn("score", "0 to 100", "Mean over seeds; empty unless all languages are there."),
    ExportColumn("sd", "points", "Sample standard deviation over measurements; empty below two."),
    ExportColumn("n", "measurements", "Independent measurements in the mean."),
    ExportColumn("difference", "points", "Paired difference to the first row; empty for that row."),
    ExportColumn("pairs", "count", "Seeds that the difference pairs."),
)


def sheet(found: Comparison) -> Sheet:
    rows = []
    for line in found.lines:
        for row, cell in zip(found.rows, line.cells, strict=True):
            difference = cell.paired
            rows.append(
                (
                    line.column.task,
                    line.column.protocol_label,
                    line.column.protocol_fingerprint,
                    line.language,
                    row.title,
                    row.recipe,
                    cell.value,
                    cell.sd,
                    cell.n,
                    difference.value if difference else None,
                    difference.pairs if difference else None,
                )
            )
    return Sheet(found.sentence, COLUMNS, tuple(rows))
