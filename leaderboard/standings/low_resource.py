"""The view of low-resource languages: differences to the baseline in one task, by how much text an encoder has seen.

There are two definitions of low-resource, and a view is of one of them: by class (Joshi et al. 2020, at most 2), and by
size (under 5 GiB in CC-100, or none).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from django.http import QueryDict

from leaderboard.services import headlines
from leaderboard.standings import asked, by_language
from leaderboard.standings.aggregate import mean
from leaderboard.standings.by_language import TaskScores
from leaderboard.standings.over_languages import LanguageMean, between, over_languages
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.statistics.association import Line, fitted_line
from leaderboard.standings.table import Choice
from runner.tasks import registry
from runner.tasks.kinds import TaskSpec
from runner.tasks.languages import (
    LANGUAGES,
    LOW_RESOURCE_CLASS,
    LOW_RESOURCE_GIB,
    low_resource_by_class,
    low_resource_by_size,
)

KNOWN = ("task", "protocol", "encoder", "definition", "recipe", "sort")
SORTS = ("title", "low", "rest", "between", "slope")


@dataclass(frozen=True)
class Definition:
    """What counts as low-resource: a title, where it comes from, and the languages."""

    title: str
    source: str
    languages: Callable[[], tuple[str, ...]]


DEFINITIONS: Mapping[str, Definition] = {
    "class": Definition(f"resource class 0 to {LOW_RESOURCE_CLASS}", "Joshi et al. 2020", low_resource_by_class),
    "size": Definition(
        f"under {LOW_RESOURCE_GIB:g} GiB of CC-100", "Conneau et al. 2020, Table 6", low_resource_by_size
    ),
}


@dataclass(frozen=True)
class State:
    """What is shown; empty strings stand for what is usual."""

    task: str = ""
    protocol: str = ""
    encoder: str = ""
    definition: str = "class"
    recipe: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Point:
    """One language of a recipe: the difference to the baseline, and what is known of the language."""

    language: str
    low: bool
    difference: float
    items: int


@dataclass(frozen=True)
class Row:
    """A recipe against its baseline: mean differences of both groups, what lies between, and the fitted line.

    `line` has the difference in points over log10 of GiB: its slope is what ten times the text is worth. None with the
    `reason` where it cannot be fitted.
    """

    key: str
    recipe: str
    title: str
    pairs: int
    low: LanguageMean | None
    rest: LanguageMean | None
    between: LanguageMean | None
    low_score: float | None
    rest_score: float | None
    line: Line | None
    reason: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Group:
    """The languages of a group that all rows have, and their test items."""

    languages: tuple[str, ...]
    items: int


@dataclass(frozen=True)
class View:
    """All that the page and its files may show."""

    state: State
    task: TaskSpec | None
    protocol: ProtocolValue | None
    definition: Definition
    low: Group
    rest: Group
    rows: tuple[Row, ...]
    shown: Row | None
    notes: tuple[str, ...]
    choices: Mapping[str, tuple[Choice, ...]]

    @property
    def sentence(self) -> str:
        if self.task is None or self.protocol is None:
            return "No task has scores of a recipe from here."
        count = len(self.rows)
        return (
            f"{self.task.title} ({self.protocol.label}): {count} {'recipe' if count == 1 else 'recipes'} less the "
            "baseline with the same encoder and settings of the target phase, in points; low-resource is "
            f"{self.definition.title} ({self.definition.source}): {len(self.low.languages)} languages with "
            f"{self.low.items:,} test items, against {len(self.rest.languages)} with {self.rest.items:,}, the language "
            "of training left out."
        )


def parse(query: QueryDict) -> State:
    """The state out of the address; FilterError says what it cannot be."""
    asked.only(query, KNOWN)
    sort = query.get("sort", "")
    if sort and sort.removeprefix("-") not in SORTS:
        raise asked.unknown("column to sort by,", sort, SORTS)
    return State(
        task=asked.one_of(query, "task", [task.slug for task in registry.tasks()]),
        protocol=query.get("protocol", ""),
        encoder=query.get("encoder", ""),
        definition=asked.one_of(query, "definition", DEFINITIONS, "class"),
        recipe=query.get("recipe", ""),
        sort=sort,
    )


def load(state: State) -> View:
    """The view of `state`. FilterError for a protocol, encoder or recipe that nothing was measured of."""
    definition = DEFINITIONS[state.definition]
    headlines.current()
    there = _natural(by_language.tasks_with_scores())
    slug = state.task or usual_task(there)
    if not slug:
        return View(state, None, None, definition, Group((), 0), Group((), 0), (), None, (), {})
    scores = by_language.load(registry.TASKS[slug])
    protocol = scores.protocol(state.protocol)
    compared = [entry for entry in scores.entries(protocol) if scores.baseline(entry, protocol)] if protocol else []
    encoders = {entry.encoder: entry.encoder_title for entry in compared}
    if state.encoder and state.encoder not in encoders:
        raise asked.unknown("encoder with differences in this task", state.encoder, encoders)
    kept = [entry for entry in compared if state.encoder in ("", entry.encoder)]
    found = {entry.key: _differences(scores, protocol, entry) for entry in kept}
    languages = _shared(found, scores.task.pivot)
    low = tuple(code for code in languages if code in definition.languages())
    rest = tuple(code for code in languages if code not in definition.languages())
    rows = [_row(scores, protocol, entry, found[entry.key], low, rest) for entry in kept] if languages else []
    return View(
        state=state,
        task=scores.task,
        protocol=protocol,
        definition=definition,
        low=_group(low, rows),
        rest=_group(rest, rows),
        rows=tuple(_sorted(rows, state.sort)),
        shown=_shown(rows, state.recipe),
        notes=_notes(languages, low),
        choices={
            "tasks": tuple(Choice(task.slug, task.title) for task in there),
            "protocols": tuple(Choice(one.fingerprint[:8], one.label) for one in scores.clean_protocols()),
            "encoders": tuple(Choice(slug, title) for slug, title in encoders.items()),
            "definitions": tuple(Choice(key, f"{one.title} ({one.source})") for key, one in DEFINITIONS.items()),
            "recipes": tuple(Choice(row.recipe, row.title) for row in rows),
        },
    )


def _natural(tasks: Sequence[TaskSpec]) -> list[TaskSpec]:
    """Those in languages that are spoken: of others nobody knows how much text there is."""
    return [task for task in tasks if any(LANGUAGES[code].resource_class is not None for code in task.languages)]


def usual_task(found: Sequence[TaskSpec]) -> str:
    """The task with the most low-resource languages by class, of those that are trained."""
    low = set(low_resource_by_class())
    return max(found, key=lambda task: (bool(task.trained_on), len(low & set(task.languages)))).slug if found else ""


def _differences(scores: TaskScores, protocol: ProtocolValue, entry: Entry) -> dict[str, float]:
    return by_language.differences(scores.of(entry, protocol), scores.baseline(entry, protocol))


def _shared(found: Mapping[str, Mapping[str, float]], pivot: str) -> tuple[str, ...]:
    """The languages, the pivot aside, that every recipe has a difference in: all rows are over the same ones."""
    measured = [set(one) for one in found.values()]
    return asked.chosen("all", set.intersection(*measured) - {pivot}) if measured else ()


def _row(
    scores: TaskScores,
    protocol: ProtocolValue,
    entry: Entry,
    found: Mapping[str, float],
    low: Sequence[str],
    rest: Sequence[str],
) -> Row:
    mine, base = scores.of(entry, protocol), scores.baseline(entry, protocol)
    points = tuple(
        Point(code, code in low, found[code], mine.test_items.get(code, 0))
        for code in asked.chosen("all", {*low, *rest})
    )
    line, reason = _line(points)
    of_low, of_rest = [found[code] for code in low], [found[code] for code in rest]
    return Row(
        key=entry.key,
        recipe=entry.recipe[:10],
        title=entry.title,
        pairs=len([seed for seed in mine.independent if seed in base.by_seed]),
        low=over_languages(of_low),
        rest=over_languages(of_rest),
        between=between(of_low, of_rest),
        low_score=mean([mine.value(code) for code in low]) if low else None,
        rest_score=mean([mine.value(code) for code in rest]) if rest else None,
        line=line,
        reason=reason,
        points=points,
    )


def _line(points: Sequence[Point]) -> tuple[Line | None, str]:
    """The difference over log10 of GiB, and why there is none."""
    sized = [(LANGUAGES[point.language].cc100_gib, point.difference) for point in points]
    pairs = [(log10(size), difference) for size, difference in sized if size]
    try:
        return fitted_line(np.array([x for x, _ in pairs]), np.array([y for _, y in pairs])), ""
    except ValueError as error:
        return None, str(error)


def _group(languages: tuple[str, ...], rows: Sequence[Row]) -> Group:
    items = {point.language: point.items for row in rows[:1] for point in row.points}
    return Group(languages, sum(items.get(code, 0) for code in languages))


def _shown(rows: Sequence[Row], recipe: str) -> Row | None:
    """The recipe whose languages are listed and drawn: the one that is asked for, else the first."""
    if not recipe:
        return rows[0] if rows else None
    for row in rows:
        if row.recipe == recipe:
            return row
    raise asked.unknown("recipe with differences in this task", recipe, [row.recipe for row in rows])


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    """In the order of `sort`; rows without a value stay last in both directions."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")
    if key == "title":
        return sorted(rows, key=lambda row: row.title.casefold(), reverse=backwards)
    if not key:
        return rows

    def value(row: Row) -> float | None:
        if key == "slope":
            return row.line.slope if row.line else None
        found = getattr(row, key)
        return found.value if found else None

    present = sorted((row for row in rows if value(row) is not None), key=value, reverse=backwards)
    return [*present, *(row for row in rows if value(row) is None)]


def _notes(languages: Sequence[str], low: Sequence[str]) -> tuple[str, ...]:
    notes = [
        "Intervals are 95 % and over languages, as if they were drawn from more of their kind: Student's t of a mean, "
        "Welch's of the difference of two, and that of the slope of the line. They say nothing about other seeds or "
        "items."
    ]
    if len(low) < 4:
        notes.append(f"The low-resource group has {len(low)} languages here: its mean says little about others.")
    without = [LANGUAGES[code].name for code in languages if not LANGUAGES[code].cc100_gib]
    if without:
        notes.append(f"{', '.join(without)}: not in CC-100, so not on the line; counts as low-resource by size.")
    return tuple(notes)
