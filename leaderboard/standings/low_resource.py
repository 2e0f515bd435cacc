"""The view of low-resource languages: differences to the baseline in one task, by how much text an encoder has seen.

There are two definitions of low-resource, and a view is of one of them: by class (Joshi et al. 2020, at most 2), and by
size (under 5 GiB in CC-100, or none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from leaderboard.services import headlines
from leaderboard.standings import asked, by_language, resource_groups
from leaderboard.standings.records import ProtocolValue
from leaderboard.standings.resource_groups import DEFINITIONS, Definition, Row
from leaderboard.standings.table import Choice
from runner.tasks import registry
from runner.tasks.kinds import TaskSpec
from runner.tasks.languages import LANGUAGES, low_resource_by_class

KNOWN = ("suite", "task", "protocol", "encoder", "definition", "recipe", "sort")
SORTS = ("title", "low", "rest", "between", "slope")


@dataclass(frozen=True)
class State:
    """What is shown; empty strings stand for what is usual."""

    suite: str = ""
    task: str = ""
    protocol: str = ""
    encoder: str = ""
    definition: str = "class"
    recipe: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Group:
    """The languages of a group that all rows have, and their test items."""

    languages: tuple[str, ...]
    items: int


@dataclass(frozen=True)
class View:
    """All that the page and its files may show."""

    state: State
    suite: str
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
        suite=asked.suite(query),
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
    there = [task.slug for task in resource_groups.natural(by_language.tasks_with_scores())]
    suite, tasks = asked.in_suite(state.suite, state.task, there)
    slug = state.task or usual_task(tasks)
    choices = {
        "suites": asked.suite_choices(there),
        "tasks": tuple(Choice(one, registry.TASKS[one].title) for one in tasks),
    }
    if not slug:
        return View(state, suite, None, None, definition, Group((), 0), Group((), 0), (), None, (), choices)
    scores = by_language.load(registry.TASKS[slug])
    protocol = scores.protocol(state.protocol)
    compared = resource_groups.compared(scores, protocol) if protocol else []
    encoders = {entry.encoder: entry.encoder_title for entry, _ in compared}
    if state.encoder and state.encoder not in encoders:
        raise asked.unknown("encoder with differences in this task", state.encoder, encoders)
    kept = [(entry, differences) for entry, differences in compared if state.encoder in ("", entry.encoder)]
    languages = resource_groups.shared(kept, scores.task.pivot)
    low, rest = definition.split(languages)
    rows = resource_groups.rows(scores, protocol, kept, low, rest) if kept else []
    return View(
        state=state,
        suite=suite,
        task=scores.task,
        protocol=protocol,
        definition=definition,
        low=_group(low, rows),
        rest=_group(rest, rows),
        rows=tuple(_sorted(rows, state.sort)),
        shown=_shown(rows, state.recipe),
        notes=_notes(rows, languages, low),
        choices={
            **choices,
            "protocols": tuple(Choice(one.fingerprint[:8], one.label) for one in scores.clean_protocols()),
            "encoders": tuple(Choice(slug, title) for slug, title in encoders.items()),
            "definitions": tuple(Choice(key, f"{one.title} ({one.source})") for key, one in DEFINITIONS.items()),
            "recipes": tuple(Choice(row.recipe, row.title) for row in rows),
        },
    )


def usual_task(tasks: Sequence[str]) -> str:
    """Of `tasks` the one with the most low-resource languages by class, of those that are trained; empty for none."""
    low = set(low_resource_by_class())
    found = [registry.TASKS[slug] for slug in tasks]
    return max(found, key=lambda task: (bool(task.trained_on), len(low & set(task.languages)))).slug if found else ""


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
        found = getattr(row, key)
        return found.value if found else None

    present = sorted((row for row in rows if value(row) is not None), key=value, reverse=backwards)
    return [*present, *(row for row in rows if value(row) is None)]


def _notes(rows: Sequence[Row], languages: Sequence[str], low: Sequence[str]) -> tuple[str, ...]:
    notes = [
        "Each number has two 95% intervals. The first is over seeds and test items, for these very languages (paired "
        "with the baseline, items clustered by their source item); beside one that has zero in it stands what such "
        "data would find with a chance of 80%. The second is over languages, as if they were drawn from more of their "
        "kind: Student's t of a mean, Welch's of the difference of two, and that of the slope of the line. Each "
        "interval stands for itself: of twenty, one misses by chance."
    ]
    methods = dict.fromkeys(row.between.interval.method for row in rows if row.between and row.between.interval)
    if methods:
        notes.append(f"Over seeds and test items: {'; '.join(methods)}.")
    if len(low) < 4:
        notes.append(f"The low-resource group has {len(low)} languages here: its mean says little about others.")
    without = [LANGUAGES[code].name for code in languages if not LANGUAGES[code].cc100_gib]
    if without:
        notes.append(f"{', '.join(without)}: not in CC-100, so not on the line; counts as low-resource by size.")
    return tuple(notes)
