"""Two to six rows side by side: only what was measured under one protocol, paired, and all that differs else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leaderboard.models import Protocol, Recipe
from leaderboard.services import headlines
from leaderboard.standings import columns, compare, records, scene
from leaderboard.standings.aggregate import cell as make_cell
from leaderboard.standings.cells import row as make_row
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.records import Entry
from leaderboard.standings.scene import Scene
from leaderboard.standings.table import Cell, Column, Row
from runner.tasks import registry
from runner.tasks.languages import LANGUAGES

LEAST, MOST = 2, 6
# What a protocol says, in the words of the About page.
PROTOCOL_FIELDS = {
    "split": "split",
    "limit": "items a language",
    "max_length": "length",
    "layer": "layer",
    "pooling": "pooling",
    "precision": "precision",
    "scorer_version": "scorer",
    "data": "data revision",
    "published": "published",
}
# Of a recipe's settings; `masked` are those of MLM.
PHASES = {"intermediate": "intermediate phase", "target": "target phase", "sampling": "sampling", "masked": "MLM"}


@dataclass(frozen=True)
class Line:
    """A task under one protocol, or one of its languages: the cells of the rows in their order.

    The differences in the cells are to the first row, over the languages of the line.
    """

    title: str
    column: Column
    language: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Difference:
    """What differs between the rows: a setting or a field of a protocol, with its value for each of them."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Apart:
    """A task that the rows were measured in under different protocols: shown, never compared."""

    title: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """The page. `refusal` says why nothing can be compared; then there are no lines."""

    filters: Filters
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    apart: tuple[Apart, ...]
    settings: tuple[Difference, ...]
    sentence: str
    refusal: str = ""


def names(given: Sequence[str]) -> tuple[str, ...]:
    """The rows that an address names: recipes by 8 or more digits of their fingerprint, others as `run-7`."""
    found = tuple(dict.fromkeys(part.strip() for text in given for part in text.split(",") if part.strip()))
    for name in found:
        if not re.fullmatch(r"[0-9a-f]{8,64}|run-\d{1,9}", name):
            raise FilterError(
                f"There is no row '{name[:80]}'; a row is 8 or more digits of a recipe's fingerprint, or such as run-7."
            )
    return found


def name_of(row: Row) -> str:
    """How an address names a row."""
    return row.recipe[:12] if row.recipe else row.key


def load(filters: Filters, asked: Sequence[str], *, by_language: bool) -> Comparison:
    """The rows that are `asked` for, compared with the first of them. Ten queries.

    FilterError where a row is not there, or there are too few or too many.
    """
    if not LEAST <= len(asked) <= MOST:
        raise FilterError(f"A comparison is of {LEAST} to {MOST} rows; the address names {len(asked)}.")
    headlines.current()
    scenery = scene.build(replace(filters, view=View.LEADERBOARD), records.recipes())
    entries = [_find(name, scenery) for name in asked]
    mine = {entry.key for entry in entries}
    presence = {pair: seeds for pair, seeds in scenery.presence.items() if pair[0] in mine}
    there = [column for column in columns.task_columns(filters, scenery.protocols, presence) if column.task]
    scores = scenery.measured({column.protocol for column in there}, entries)
    shared = [column for column in there if sum((entry.key, column.protocol) in presence for entry in entries) > 1]
    first = entries[0]
    shared = [column for column in shared if (first.key, column.protocol) in presence]
    lines = tuple(
        line
        for column in shared
        for line in _lines(column, entries, scores, by_language=by_language)
        if sum(not cell.empty for cell in line.cells) > 1
    )
    apart = tuple(_apart(there, entries, presence))
    return Comparison(
        filters=filters,
        rows=tuple(make_row(entry, (), label=entry.title, has_baseline=False) for entry in entries),
        lines=lines,
        apart=apart,
        settings=tuple(_settings(entries)),
        sentence=f"{len(entries)} rows, mean over {filters.languages_title}; differences are to the first row, paired "
        "by protocol, seed and language.",
        refusal="" if lines else _refusal(first, apart),
    )


def _find(name: str, scenery: Scene) -> Entry:
    for entry in scenery.entries:
        if entry.key == name or (entry.recipe and entry.recipe.startswith(name)):
            return entry
    raise FilterError(f"There is no row '{name}' to compare: it is not on this board, or nobody has verified it.")


def _lines(column: Column, entries: Sequence[Entry], scores: scene.Scores, *, by_language: bool) -> Iterator[Line]:
    parts = [(column.title, "", column.parts)]
    if by_language:
        parts += [(LANGUAGES[code].name, code, (code,)) for code in column.parts]
    for title, language, languages in parts:
        whole = not language and len(column.parts) == column.total
        measured = [scores[entry.key, column.protocol] for entry in entries]
        cells = [
            make_cell(
                one,
                languages,
                whole=whole,
                difference=compare.difference(one, measured[0], languages, whole=whole) if number else None,
            )
            for number, one in enumerate(measured)
        ]
        yield Line(title, column, language, tuple(cells))


def _apart(there: Sequence[Column], entries: Sequence[Entry], presence: columns.Presence) -> Iterator[Apart]:
    """The tasks in which two rows have no protocol in common, with the fields in which these differ."""
    details = Protocol.objects.in_bulk([column.protocol for column in there])
    for task in dict.fromkeys(column.task for column in there):
        of_row = [
            {column.protocol for column in there if column.task == task and (entry.key, column.protocol) in presence}
            for entry in entries
        ]
        if all(mine & of_row[0] for mine in of_row if mine) and of_row[0]:
            continue
        if sum(bool(mine) for mine in of_row) < 2:
            continue
        shown = [details[min(mine)] if mine else None for mine in of_row]
        differences = [Difference("protocol", tuple(one.label if one else "not measured" for one in shown))]
        differences += [
            Difference(title, tuple("" if one is None else _said(getattr(one, name)) for one in shown))
            for name, title in PROTOCOL_FIELDS.items()
            if len({getattr(one, name) for one in shown if one}) > 1
        ]
        yield Apart(registry.TASKS[task].title, tuple(differences))


def _settings(entries: Sequence[Entry]) -> Iterator[Difference]:
    """What differs between the recipes: encoder, method, and every setting of their phases."""
    settings = dict(
        Recipe.objects.filter(fingerprint__in=[entry.recipe for entry in entries if entry.recipe]).values_list(
            "fingerprint", "settings"
        )
    )
    flat = [_flat(entry, settings.get(entry.recipe, {})) for entry in entries]
    for name in dict.fromkeys(name for values in flat for name in values):
        # A row without a phase has none of its settings: that it has none is said once.
        there = {values[name] for values in flat if name in values}
        if len(there) > 1:
            yield Difference(name, tuple(values.get(name, "") for values in flat))


def _flat(entry: Entry, settings: Mapping[str, Any]) -> dict[str, str]:
    if not entry.recipe:
        return {"source": entry.source.title if entry.source else "uploaded"}
    found = {
        "encoder": entry.encoder_title,
        "method": entry.method_label,
        "intermediate tasks": entry.intermediate_title,
        "variant": ", ".join(variant.label for variant in entry.variants),
        "translated data": entry.translation,
        "seeds": ", ".join(str(run.seed) for run in entry.runs),
    }
    for phase, title in PHASES.items():
        found[title] = "yes" if settings.get(phase) else "none"
        for name, value in (settings.get(phase) or {}).items():
            found[f"{title}, {name.replace('_', ' ')}"] = _said(value)
    return found


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value in (None, "") else str(value)


def _refusal(first: Entry, apart: Sequence[Apart]) -> str:
    if apart:
        tasks = ", ".join(one.title for one in apart)
        return (
            f"These rows are not comparable: no other row was measured under a protocol of {first.title}. "
            f"What differs, for {tasks}, stands below."
        )
    return f"These rows are not comparable: no other row was measured in a task of {first.title}."
