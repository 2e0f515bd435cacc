"""The columns of the CSV files: name, unit and meaning. The About page prints this.

The header is stable: what is there keeps its place and its name, and a new column comes last.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportColumn:
    """One column of a file."""

    name: str
    unit: str
    meaning: str


METHODS = "baseline, intermediate, multi_task, translate_train"
VARIANT = (
    ExportColumn(
        "variant",
        "plain, mlm, translated",
        "Whether MLM was trained beside the tasks or alone, or the training data was translated; empty from outside.",
    ),
    ExportColumn(
        "translation",
        "codes joined by +",
        "Languages of translated training data: of the intermediate tasks, of the target for translate_train.",
    ),
)

SCORES = (
    ExportColumn("run", "number", "The run; its page is /runs/<run>/."),
    ExportColumn("origin", "local, published, uploaded", "Whether the run was trained here or comes from outside."),
    ExportColumn("source", "key", "Where a published score comes from; empty for runs from here."),
    ExportColumn("source_status", "quoted, secondary, unverified, checked", "How far a published score was checked."),
    ExportColumn("encoder", "slug", "The pretrained encoder."),
    ExportColumn("method", METHODS, "How the encoder was trained before the target."),
    ExportColumn("intermediate_tasks", "slugs joined by +", "The intermediate tasks; empty where there is none."),
    ExportColumn("seed", "number", "The seed of the run; empty for published runs."),
    ExportColumn("recipe", "SHA-256", "Fingerprint of everything that was trained, seed excepted."),
    ExportColumn("task", "slug", "The task that was evaluated."),
    ExportColumn("suite", "xtreme, stand_in, pocket", "Stand-ins are never averaged with XTREME's tasks."),
    ExportColumn("language", "ISO 639-1", "The language; empty where a source prints only the mean over languages."),
    ExportColumn("metric", "name", "accuracy, f1, exact_match, precision or recall."),
    ExportColumn("value", "0 to 100", "The score, in full precision."),
    ExportColumn("n", "items", "Test items that the score is over; empty where unknown."),
    ExportColumn("split", "name", "The split that was evaluated."),
    ExportColumn("protocol", "text", "The protocol in a few words."),
    ExportColumn("protocol_fingerprint", "SHA-256", "Scores are comparable only where this is equal."),
    ExportColumn("created", "ISO 8601, UTC", "When the score was recorded."),
    *VARIANT,
    ExportColumn("system", "text", "The name of a system from outside; empty for runs from here."),
    ExportColumn("note", "text", "What is known of a published score beyond its number."),
)

VIEW = (
    ExportColumn("row", "text", "The row's title on the page."),
    ExportColumn("origin", "local, published, uploaded", "Whether the row was trained here or comes from outside."),
    ExportColumn("source", "text", "Where a published row comes from; empty for rows from here."),
    ExportColumn("source_status", "quoted, secondary, unverified, checked", "Whether somebody checked the source."),
    ExportColumn("encoder", "slug", "The pretrained encoder."),
    ExportColumn("method", METHODS, "How the encoder was trained before the target."),
    ExportColumn("intermediate_tasks", "slugs joined by +", "The intermediate tasks; empty where there is none."),
    ExportColumn("recipe", "SHA-256", "Fingerprint of everything that was trained, seed excepted."),
    ExportColumn("column", "key", "The page's column, as the parameter `sort` names it."),
    ExportColumn("task", "slug", "The column's task; empty for the overall mean."),
    ExportColumn("split", "name", "The split that was evaluated."),
    ExportColumn("protocol", "text", "The protocol in a few words."),
    ExportColumn("protocol_fingerprint", "SHA-256", "Scores are comparable only where this is equal."),
    ExportColumn("languages", "codes joined by +", "What the mean is over; tasks in the overall column."),
    ExportColumn("score", "0 to 100", "Mean over seeds of the mean over languages; empty unless all are there."),
    ExportColumn("sd", "points", "Sample standard deviation over measurements; empty below two."),
    ExportColumn("n", "measurements", "Independent measurements in the mean: seeds, or 1 where nothing is drawn."),
    ExportColumn("have", "count", "Languages (tasks in the overall column) that are there."),
    ExportColumn("expected", "count", "Languages (tasks in the overall column) that a complete cell has."),
    ExportColumn("difference", "points", "Paired difference to the plain baseline; empty where there is none."),
    ExportColumn("pairs", "count", "Seeds that the difference pairs."),
    ExportColumn("difference_have", "count", "Languages that the difference is over."),
    *VARIANT,
    ExportColumn(
        "aggregate",
        "official, without-english, worst, wins",
        "What was made of the languages: a mean, the worst of them, or the share that beats the baseline.",
    ),
    ExportColumn("low", "points", "Lower end of the 95% interval of the difference over seeds and test items."),
    ExportColumn("high", "points", "Upper end of the interval; empty where no items were kept, as for published rows."),
    ExportColumn("p", "0 to 1", "Two-sided p value of the difference, not adjusted for the number of cells."),
    ExportColumn("rank", "from 1", "The row's place by its score in one column; empty where no items were kept."),
    ExportColumn("rank_low", "from 1", "Lower end of the 95% interval of the rank over seeds and test items."),
    ExportColumn("rank_high", "from 1", "Upper end of the interval of the rank."),
    ExportColumn("tie_group", "from 1", "Rows of one tie group cannot be told from its first."),
    ExportColumn("ranked_by", "key", "The column whose score the ranks are of; empty where no row has one."),
)
