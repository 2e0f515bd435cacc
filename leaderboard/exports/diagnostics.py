"""The pages of alignment, robustness and low-resource languages as files: the page's numbers in full precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.files import lines
from leaderboard.standings import alignment, low_resource, robustness
from leaderboard.standings.consistency import Consistency
from leaderboard.standings.statistics.agreement import MEASURES
from leaderboard.standings.statistics.intervals import Interval

ALIGNMENT = (
    ExportColumn("encoder", "slug", "The pretrained encoder."),
    ExportColumn("checkpoint", "text", "Pretrained, or after which intermediate phase."),
    ExportColumn("seeds", "numbers joined by +", "The seeds of that phase; empty for the pretrained encoder."),
    ExportColumn("text", "slug", "The task whose parallel sentences were read."),
    ExportColumn("protocol", "text", "How many pairs, which pooling and precision."),
    ExportColumn("measure", "name", "The measure; docs/alignment.md has the formulas."),
    ExportColumn("layer", "number", "0 is the embeddings."),
    ExportColumn("language", "ISO 639-1", "The language."),
    ExportColumn("value", "of the measure", "The mean over the seeds."),
    ExportColumn("change", "of the measure", "Less the value of the pretrained encoder; empty where there is none."),
    ExportColumn("pairs", "pairs", "Pairs of sentences."),
)


def alignment_csv(view: alignment.View) -> Iterator[str]:
    """One line for each cell of the page's table."""
    return lines(ALIGNMENT, _alignment_rows(view))


def _alignment_rows(view: alignment.View) -> Iterable[tuple[Any, ...]]:
    for row in view.rows:
        for language, cell in zip(view.languages, row.cells, strict=True):
            if cell:
                yield (
                    row.encoder,
                    row.title,
                    "+".join(map(str, row.seeds)),
                    view.protocol.text,
                    view.protocol.label,
                    view.state.measure,
                    row.layer,
                    language,
                    cell.value,
                    "" if cell.change is None else cell.change,
                    cell.n,
                )


def alignment_object(view: alignment.View) -> dict[str, Any]:
    """The whole page: table, values by layer, and what goes with the target."""
    return {
        "sentence": view.sentence,
        "notes": list(view.notes),
        "state": asdict(view.state),
        "protocol": asdict(view.protocol) if view.protocol else None,
        "measure": {"name": view.state.measure, **asdict(view.measure)},
        "languages": list(view.languages),
        "languages_in_means": list(view.shared),
        "rows": [
            {
                "encoder": row.encoder,
                "checkpoint": row.title,
                "seeds": list(row.seeds),
                "layer": row.layer,
                "mean": row.mean,
                "change": asdict(row.change) if row.change else None,
                "cells": {
                    language: asdict(cell) for language, cell in zip(view.languages, row.cells, strict=True) if cell
                },
                "by_layer": {str(layer): value for layer, value in row.depth},
            }
            for row in view.rows
        ],
        "target": view.target_title,
        "associations": [
            {
                "encoder": one.row.encoder,
                "checkpoint": one.row.title,
                "recipe": one.recipe,
                "spearman": asdict(one.correlation) if one.correlation else None,
                "reason": one.reason,
                "points": [
                    {"language": code, "alignment_change": change, "score_difference": gain}
                    for code, change, gain in one.points
                ],
            }
            for one in view.associations
        ],
    }


ROBUSTNESS = (
    ExportColumn("recipe", "text", "The recipe's title."),
    ExportColumn("task", "slug", "The task."),
    ExportColumn("protocol", "text", "The protocol of the clean data."),
    ExportColumn("measurements", "n", "Seeds; 1 where nothing is drawn."),
    ExportColumn("languages", "n", "Languages besides the pivot, the same for all rows."),
    ExportColumn("items", "n", "Test items in them, summed."),
    ExportColumn(
        "quantity",
        "name",
        "pivot, others, gap, gap_change, worst, worst_change, languages_sd, seeds_sd, noise; same, kappa and retained "
        "predictions, and same_change, kappa_change, retained_change against the baseline.",
    ),
    ExportColumn("detail", "text", "Which language is worst; which noise; of predictions, what the interval is over."),
    ExportColumn("value", "points", "The value; under noise, the mean over the languages."),
    ExportColumn("drop", "points", "What is lost against the clean data, for noise."),
    ExportColumn("low", "points", "The lower end of the 95 % interval over seeds and items, for predictions."),
    ExportColumn("high", "points", "The upper end."),
)


def robustness_csv(view: robustness.View) -> Iterator[str]:
    """One line for each number of the page's table."""
    return lines(ROBUSTNESS, _robustness_rows(view))


def _robustness_rows(view: robustness.View) -> Iterable[tuple[Any, ...]]:
    for row in view.rows:
        shared = (row.title, view.task.slug, view.protocol.label, row.n, row.languages, row.items)
        for name in ("pivot", "others", "gap", "gap_change", "worst_change", "languages_sd", "seeds_sd"):
            if (value := getattr(row, name)) is not None:
                yield (*shared, name, "", value, "", "", "")
        if row.worst:
            yield (*shared, "worst", row.worst[0], row.worst[1], "", "", "")
        for name, found in _agreement(row.consistency) if row.consistency else ():
            yield (*shared, name, found.method, found.estimate, "", found.low, found.high)
        for noisy in row.noisy:
            if noisy:
                yield (*shared, "noise", noisy.noise, noisy.value, noisy.drop, "", "")


def _agreement(found: Consistency) -> Iterable[tuple[str, Interval]]:
    for measure in MEASURES:
        level = getattr(found, measure)
        if level:
            yield measure, level.interval
            if level.change:
                yield f"{measure}_change", level.change


def robustness_object(view: robustness.View) -> dict[str, Any]:
    """The whole page."""
    return {
        "sentence": view.sentence,
        "notes": list(view.notes),
        "state": asdict(view.state),
        "task": view.task.slug if view.task else "",
        "protocol": view.protocol.label if view.protocol else "",
        "languages": list(view.languages),
        "noises": list(view.noises),
        "rows": [asdict(row) for row in view.rows],
    }


LOW_RESOURCE = (
    ExportColumn("recipe", "text", "The recipe's title."),
    ExportColumn("task", "slug", "The task."),
    ExportColumn("protocol", "text", "The protocol."),
    ExportColumn("definition", "class, size", "What counts as low-resource."),
    ExportColumn("pairs", "n", "Measurements that are paired with the baseline's."),
    ExportColumn("quantity", "name", "low, rest, between (low less rest), or slope (points for ten times the text)."),
    ExportColumn("value", "points", "The mean difference to the baseline, or the slope."),
    ExportColumn("low", "points", "The lower end of the 95 % interval over languages; empty where there is none."),
    ExportColumn("high", "points", "The upper end."),
    ExportColumn("languages", "n", "Languages."),
    ExportColumn("items", "n", "Test items in them, summed; empty for the slope."),
)


def low_resource_csv(view: low_resource.View) -> Iterator[str]:
    """One line for each number of the page's table."""
    return lines(LOW_RESOURCE, _low_resource_rows(view))


def _low_resource_rows(view: low_resource.View) -> Iterable[tuple[Any, ...]]:
    items = {"low": view.low.items, "rest": view.rest.items, "between": view.low.items + view.rest.items}
    for row in view.rows:
        shared = (row.title, view.task.slug, view.protocol.label, view.state.definition, row.pairs)
        for name in ("low", "rest", "between"):
            if found := getattr(row, name):
                ends = ("" if end is None else end for end in (found.low, found.high))
                yield (*shared, name, found.value, *ends, found.n, items[name])
        if row.line:
            yield (*shared, "slope", row.line.slope, row.line.low, row.line.high, row.line.n, "")


def low_resource_object(view: low_resource.View) -> dict[str, Any]:
    """The whole page."""
    return {
        "sentence": view.sentence,
        "notes": list(view.notes),
        "state": asdict(view.state),
        "task": view.task.slug if view.task else "",
        "protocol": view.protocol.label if view.protocol else "",
        "definition": {"title": view.definition.title, "source": view.definition.source},
        "low": asdict(view.low),
        "rest": asdict(view.rest),
        "rows": [asdict(row) for row in view.rows],
    }
