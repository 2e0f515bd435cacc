"""A comparison as a plain table: a line for each task or language and each row."""

from __future__ import annotations

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.sheets import Sheet
from leaderboard.standings.comparison import Comparison

COLUMNS = (
    ExportColumn("task", "slug", "The task."),
    ExportColumn("protocol", "text", "The protocol in a few words."),
    ExportColumn(
        "protocol_fingerprint", "SHA-256", "The same for all rows of a line but uploads: those have their own."
    ),
    ExportColumn("language", "ISO 639-1", "Empty for the mean over the languages."),
    ExportColumn("row", "text", "The row's title."),
    ExportColumn("recipe", "SHA-256", "Fingerprint of the recipe; empty for systems from outside."),
    ExportColumn("score", "0 to 100", "Mean over seeds; empty unless all languages are there."),
    ExportColumn("sd", "points", "Sample standard deviation over measurements; empty below two."),
    ExportColumn("n", "measurements", "Independent measurements in the mean."),
    ExportColumn("difference", "points", "Paired difference to the first row; empty for that row."),
    ExportColumn("pairs", "count", "Seeds that the difference pairs."),
    ExportColumn("origin", "local, published, uploaded", "Whether the row was trained here or comes from outside."),
    ExportColumn("low", "points", "Lower end of the 95% interval of the difference over seeds and test items."),
    ExportColumn("high", "points", "Upper end of the interval; empty where a row has no outcomes per item."),
    ExportColumn("p", "0 to 1", "Two-sided p value of the difference, not adjusted for the number of lines."),
    ExportColumn(
        "method", "text", "How the interval was made, and the test item by item of one measurement of each side."
    ),
)


def sheet(found: Comparison) -> Sheet:
    rows = []
    for line in found.lines:
        for row, cell in zip(found.rows, line.cells, strict=True):
            difference = cell.paired
            interval = difference.interval if difference else None
            rows.append(
                (
                    line.column.task,
                    *line.column.protocol_of(row.origin),
                    line.language,
                    row.title,
                    row.recipe,
                    cell.value,
                    cell.sd,
                    cell.n,
                    difference.value if difference else None,
                    difference.pairs if difference else None,
                    row.origin,
                    *((interval.low, interval.high, interval.p, interval.method) if interval else (None,) * 4),
                )
            )
    return Sheet(found.sentence, COLUMNS, tuple(rows))
