"""Low-resource languages against the others: group means of differences to the baseline, and their fitted line.

There are two definitions of low-resource, by class (Joshi et al. 2020, at most 2) and by size (under 5 GiB in CC-100,
or none), and nothing here mixes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np

from leaderboard.standings import asked, by_language, uncertainty
from leaderboard.standings.aggregate import mean
from leaderboard.standings.board import Board
from leaderboard.standings.by_language import TaskScores
from leaderboard.standings.over_languages import LanguageMean, Quantity, between, over_languages
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.statistics.association import FEWEST, Line, fitted_line, slope_weights
from leaderboard.standings.uncertainty import Asked, Found, Part
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec
from runner.tasks.languages import (
    LANGUAGES,
    LOW_RESOURCE_CLASS,
    LOW_RESOURCE_GIB,
    low_resource_by_class,
    low_resource_by_size,
)

# A recipe, and by language its difference to the baseline.
Compared = tuple[Entry, Mapping[str, float]]


@dataclass(frozen=True)
class Definition:
    """What counts as low-resource: a title, where it comes from, and the languages."""

    title: str
    source: str
    languages: Callable[[], tuple[str, ...]]

    def split(self, languages: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The low-resource ones among these languages, and the others."""
        low = self.languages()
        return tuple(code for code in languages if code in low), tuple(code for code in languages if code not in low)


DEFINITIONS: Mapping[str, Definition] = {
    "class": Definition(f"resource class 0 to {LOW_RESOURCE_CLASS}", "Joshi et al. 2020", low_resource_by_class),
    "size": Definition(
        f"under {LOW_RESOURCE_GIB:g} GiB of CC-100", "Conneau et al. 2020, Table 6", low_resource_by_size
    ),
}


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
    `reason` where it cannot be fitted. `slope` is that of the line, with both intervals.
    """

    key: str
    recipe: str
    title: str
    pairs: int
    low: Quantity | None
    rest: Quantity | None
    between: Quantity | None
    slope: Quantity | None
    low_score: float | None
    rest_score: float | None
    line: Line | None
    reason: str
    points: tuple[Point, ...]


def natural(tasks: Sequence[TaskSpec]) -> list[TaskSpec]:
    """Those in languages that are spoken: of others nobody knows how much text there is."""
    return [task for task in tasks if any(LANGUAGES[code].resource_class is not None for code in task.languages)]


def usual(board: Board, stages: Collection[int] | None = None) -> Iterator[Asked]:
    """What the page asks for with any definition and no filter; with `stages`, where one of them changed it."""
    for task in natural(registry.tasks(Role.TARGET)):
        scores = TaskScores(task, board)
        for protocol in scores.changed(stages):
            kept = compared(scores, protocol)
            languages = shared(kept, task.pivot)
            for entry, _ in kept:
                for definition in DEFINITIONS.values():
                    yield from _contrasts(scores, protocol, entry, *definition.split(languages)).values()


def compared(scores: TaskScores, protocol: ProtocolValue) -> list[Compared]:
    """The recipes that have a baseline to be compared with, and their differences."""
    return [
        (entry, by_language.differences(scores.of(entry, protocol), base))
        for entry in scores.entries(protocol)
        if (base := scores.baseline(entry, protocol))
    ]


def shared(kept: Sequence[Compared], pivot: str) -> tuple[str, ...]:
    """The languages, the pivot aside, that every recipe has a difference in: all rows are over the same ones."""
    measured = [set(differences) for _, differences in kept]
    return asked.chosen("all", set.intersection(*measured) - {pivot}) if measured else ()


def _contrasts(
    scores: TaskScores, protocol: ProtocolValue, entry: Entry, low: Sequence[str], rest: Sequence[str]
) -> dict[str, Asked]:
    """What the intervals of a row are asked for: each number is a weighted sum of the languages' differences."""
    both = (*low, *rest)
    sized = [code for code in asked.chosen("all", both) if LANGUAGES[code].cc100_gib]
    weighted: dict[str, tuple[Sequence[str], tuple[float, ...]]] = {"low": (low, ()), "rest": (rest, ())}
    if low and rest:
        weighted["between"] = both, (*[1 / len(low)] * len(low), *[-1 / len(rest)] * len(rest))
    if len(sized) >= FEWEST:
        weighted["slope"] = sized, slope_weights(np.array([_log_size(code) for code in sized]))
    mine, base = scores.of(entry, protocol), scores.baseline(entry, protocol)
    return {
        name: Asked((Part(mine, base, tuple(languages), weights),))
        for name, (languages, weights) in weighted.items()
        if languages
    }


def rows(
    scores: TaskScores, protocol: ProtocolValue, kept: Sequence[Compared], low: Sequence[str], rest: Sequence[str]
) -> list[Row]:
    """A row for each recipe. Two queries for the intervals of all."""
    contrasts = [_contrasts(scores, protocol, entry, low, rest) for entry, _ in kept]
    found = iter(uncertainty.at_least_over_seeds([one for row in contrasts for one in row.values()]))
    intervals = [{name: next(found) for name in row} for row in contrasts]
    return [
        _row(scores, protocol, one, (low, rest), own) for one, own in zip(kept, intervals, strict=True) if low or rest
    ]


def _row(
    scores: TaskScores,
    protocol: ProtocolValue,
    one: Compared,
    groups: tuple[Sequence[str], Sequence[str]],
    intervals: Mapping[str, Found],
) -> Row:
    (entry, found), (low, rest) = one, groups
    mine, base = scores.of(entry, protocol), scores.baseline(entry, protocol)
    points = tuple(
        Point(code, code in low, found[code], mine.test_items.get(code, 0))
        for code in asked.chosen("all", {*low, *rest})
    )
    line, reason = _line(points)
    of_low, of_rest = [found[code] for code in low], [found[code] for code in rest]
    means = {
        "low": over_languages(of_low),
        "rest": over_languages(of_rest),
        "between": between(of_low, of_rest),
        "slope": LanguageMean(line.slope, line.low, line.high, line.n) if line else None,
    }
    quantities = {
        name: Quantity(mean, intervals[name].interval, intervals[name].why) if mean else None
        for name, mean in means.items()
    }
    return Row(
        key=entry.key,
        recipe=entry.recipe[:10],
        title=entry.title,
        pairs=len([seed for seed in mine.independent if seed in base.by_seed]),
        **quantities,
        low_score=mean([mine.value(code) for code in low]) if low else None,
        rest_score=mean([mine.value(code) for code in rest]) if rest else None,
        line=line,
        reason=reason,
        points=points,
    )


def _log_size(code: str) -> float:
    return log10(LANGUAGES[code].cc100_gib)


def _line(points: Sequence[Point]) -> tuple[Line | None, str]:
    """The difference over log10 of GiB, and why there is none."""
    sized = [point for point in points if LANGUAGES[point.language].cc100_gib]
    pairs = [(_log_size(point.language), point.difference) for point in sized]
    try:
        return fitted_line(np.array([x for x, _ in pairs]), np.array([y for _, y in pairs])), ""
    except ValueError as error:
        return None, str(error)
