"""The alternatives as a plain table."""

from __future__ import annotations

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.sheets import Sheet
from leaderboard.standings.alternatives import Alternatives

COLUMNS = (
    ExportColumn("encoder", "slug", "The pretrained encoder."),
    ExportColumn("row", "text", "The recipe's title."),
    ExportColumn("recipe", "SHA-256", "Fingerprint of everything that was trained, seed excepted."),
    ExportColumn("kind", "text", "What is done in the stead of, or beside, English intermediate training."),
    ExportColumn("targets", "slugs joined by +", "What the means are over."),
    ExportColumn("score", "0 to 100", "Mean over the targets; empty unless all are there."),
    ExportColumn("difference", "points", "Mean paired difference to the plain baseline over the targets."),
    ExportColumn("have", "count", "Targets that are there."),
    ExportColumn("device_hours", "hours", "Training of one run: hours times devices, on average over its runs."),
    ExportColumn("extra_device_hours", "hours", "The same beyond the baseline's."),
    ExportColumn(
        "gain_per_hour",
        "points an hour",
        "Difference for each extra device-hour; empty where these are under 5% of the baseline's.",
    ),
)


def sheet(found: Alternatives) -> Sheet:
    return Sheet(
        found.sentence,
        COLUMNS,
        tuple(
            (
                block.encoder,
                line.row.title,
                line.row.recipe,
                line.kind,
                "+".join(column.task for column in block.targets),
                line.score,
                line.difference,
                line.have,
                line.cost.hours if line.cost else None,
                line.extra,
                line.gain,
            )
            for block in found.blocks
            for line in block.lines
        ),
    )
