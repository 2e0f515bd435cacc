"""The pages of alignment, robustness and low-resource languages as files: the page's numbers in full precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.files import lines
from leaderboard.standings import alignment, low_resource, robustness
from leaderboard.standings.alignment_targets import Association
from leaderboard.standings.consistency import Consistency
from leaderboard.standings.over_languages import Quantity
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
        "low_resource": {
            "title": view.definition.title,
            "source": view.definition.source,
            "languages": list(view.low),
        },
        "rows": [
            {
                "encoder": row.encoder,
                "checkpoint": row.title,
                "seeds": list(row.seeds),
                "layer": row.layer,
                "mean": row.mean,
                "change": plain(row.change),
                "low_resource_change": plain(row.low),
                "low_resource_less_others": plain(row.between),
                "cells": {
                    language: asdict(cell) for language, cell in zip(view.languages, row.cells, strict=True) if cell
                },
                "by_layer": {str(layer): value for layer, value in row.depth},
            }
            for row in view.rows
        ],
        "target": view.target_title,
        "associations": [_association(one, "alignment_change", "score_difference") for one in view.against.changes],
        "associations_of_levels": [_association(one, "alignment", "score") for one in view.against.levels],
    }


def _association(one: Association, alignment: str, score: str) -> dict[str, Any]:
    return {
        "encoder": one.row.encoder,
        "checkpoint": one.row.title,
        "recipe": one.recipe,
        "spearman": asdict(one.correlation) if one.correlation else None,
        "reason": one.reason,
        "points": [{"language": code, alignment: x, score: y} for code, x, y in one.points],
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
    ExportColumn(
        "low", "points", "The lower end of the 95% interval over seeds and items; under noise, of the drop, negated."
    ),
    ExportColumn("high", "points", "The upper end."),
    ExportColumn("detectable", "points", "What such data would find with a chance of 80%, of changes and of noise."),
)


def robustness_csv(view: robustness.View) -> Iterator[str]:
    """One line for each number of the page's table."""
    return lines(ROBUSTNESS, _robustness_rows(view))


def _robustness_rows(view: robustness.View) -> Iterable[tuple[Any, ...]]:
    for row in view.rows:
        shared = (row.title, view.task.slug, view.protocol.label, row.n, row.languages, row.items)
        for name in ("pivot", "others", "gap", "worst_change", "languages_sd", "seeds_sd"):
            if (value := getattr(row, name)) is not None:
                yield (*shared, name, "", value, "", *_ends(None))
        if row.gap_change is not None:
            yield (*shared, "gap_change", "", row.gap_change, "", *_ends(row.gap_interval))
        if row.worst:
            yield (*shared, "worst", row.worst[0], row.worst[1], "", *_ends(None))
        for name, found in _agreement(row.consistency) if row.consistency else ():
            low, high, detectable = _ends(found)
            level = "" if name in MEASURES else detectable
            yield (*shared, name, found.method, found.estimate, "", low, high, level)
        for noisy in row.noisy:
            if noisy:
                yield (*shared, "noise", noisy.noise, noisy.value, noisy.drop, *_ends(noisy.interval))


def _ends(interval: Interval | None) -> tuple[Any, Any, Any]:
    """Both ends, and what such data would find; empty where there is no interval."""
    return (interval.low, interval.high, interval.detectable) if interval else ("", "", "")


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
        "rows": [plain(row) for row in view.rows],
    }


LOW_RESOURCE = (
    ExportColumn("recipe", "text", "The recipe's title."),
    ExportColumn("task", "slug", "The task."),
    ExportColumn("protocol", "text", "The protocol."),
    ExportColumn("definition", "class, size", "What counts as low-resource."),
    ExportColumn("pairs", "n", "Measurements that are paired with the baseline's."),
    ExportColumn("quantity", "name", "low, rest, between (low less rest), or slope (points for ten times the text)."),
    ExportColumn("value", "points", "The mean difference to the baseline, or the slope."),
    ExportColumn("low", "points", "The lower end of the 95% interval over languages; empty where there is none."),
    ExportColumn("high", "points", "The upper end."),
    ExportColumn("languages", "n", "Languages."),
    ExportColumn("items", "n", "Test items in them, summed; empty for the slope."),
    ExportColumn(
        "seeds_items_low",
        "points",
        "The lower end of the 95% interval over seeds and test items, for these languages.",
    ),
    ExportColumn("seeds_items_high", "points", "The upper end."),
    ExportColumn("detectable", "points", "The true difference that such data would find with a chance of 80%."),
    ExportColumn(
        "seeds_items_method", "text", "How that interval was computed, and of how many seeds and source items."
    ),
)


def low_resource_csv(view: low_resource.View) -> Iterator[str]:
    """One line for each number of the page's table."""
    return lines(LOW_RESOURCE, _low_resource_rows(view))


def _low_resource_rows(view: low_resource.View) -> Iterable[tuple[Any, ...]]:
    items = {"low": view.low.items, "rest": view.rest.items, "between": view.low.items + view.rest.items}
    for row in view.rows:
        shared = (row.title, view.task.slug, view.protocol.label, view.state.definition, row.pairs)
        for name in ("low", "rest", "between", "slope"):
            if found := getattr(row, name):
                ends = ("" if end is None else end for end in (found.languages.low, found.languages.high))
                method = found.interval.method if found.interval else found.why
                yield (
                    *(*shared, name, found.value, *ends, found.n, items.get(name, "")),
                    *(*_ends(found.interval), method),
                )


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
        "rows": [plain(row) for row in view.rows],
    }


def plain(value: Any) -> Any:
    """A value of standings as JSON has it; intervals say too what such data would find with a chance of 80%."""
    if isinstance(value, Interval):
        return {**asdict(value), "detectable": value.detectable}
    if isinstance(value, Quantity):
        return {"value": value.value, **{field.name: plain(getattr(value, field.name)) for field in fields(value)}}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value
