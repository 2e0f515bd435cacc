"""The pages of alignment, robustness and low-resource languages as files: the page's numbers in full precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from leaderboard.exports.columns import ExportColumn
from leaderboard.exports.files import lines
from leaderboard.standings import alignment

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
