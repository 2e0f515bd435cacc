"""Robustness of recipes in one task: what their scores hold besides their mean, with intervals.

Changes and losses are contrasts of languages, so their intervals are those of `leaderboard.standings.uncertainty`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leaderboard.standings import asked, by_language, consistency, uncertainty
from leaderboard.standings.aggregate import mean, spread
from leaderboard.standings.board import Board
from leaderboard.standings.by_language import TaskScores
from leaderboard.standings.consistency import Consistency
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.statistics.intervals import Interval
from leaderboard.standings.table import Measured
from leaderboard.standings.uncertainty import Asked, Part
from runner.tasks import registry
from runner.tasks.kinds import Role

GAP = "gap"


@dataclass(frozen=True)
class Noisy:
    """The mean over languages under one noise, and what is lost against the clean data, over `n` languages.

    `interval` is of `change`, over seeds and test items.
    """

    noise: str
    value: float
    drop: float
    n: int
    interval: Interval | None

    @property
    def change(self) -> float:
        """What the noise does to the score: the drop with its sign turned."""
        return -self.drop


@dataclass(frozen=True)
class Row:
    """One recipe. Means are over its measurements; all but `worst` and the spreads are None where a part is missing.

    `gap` is the score in the pivot less the mean of the others; `gap_change` is over paired seeds, and `gap_interval`
    its interval over seeds and test items.
    `languages_sd` is the sample standard deviation over the other languages, `seeds_sd` that of the mean over them.
    """

    key: str
    title: str
    is_baseline: bool
    n: int
    pivot: float | None
    others: float | None
    languages: int
    items: int
    gap: float | None
    gap_change: float | None
    gap_interval: Interval | None
    worst: tuple[str, float] | None
    worst_change: float | None
    languages_sd: float | None
    seeds_sd: float | None
    consistency: Consistency | None
    noisy: tuple[Noisy | None, ...]


def rows(
    scores: TaskScores,
    protocol: ProtocolValue,
    kept: Sequence[Entry],
    languages: tuple[str, ...],
    noisy: Sequence[ProtocolValue],
) -> list[Row]:
    """A row for each recipe, over these languages besides the pivot. Four queries for the intervals of all."""
    contrasts = [_contrasts(scores, protocol, entry, languages, noisy) for entry in kept]
    found = iter(uncertainty.at_least_over_seeds([one for row in contrasts for one in row.values()]))
    intervals = [{name: next(found).interval for name in row} for row in contrasts]
    agreeing = _consistency(scores, protocol, kept, languages)
    return [
        _row(scores, protocol, entry, languages, noisy, own, one)
        for entry, own, one in zip(kept, intervals, agreeing, strict=True)
    ]


def usual(board: Board, stages: Collection[int] | None = None) -> Iterator[Asked]:
    """What the page asks for without filters, consistency aside; with `stages`, where one of them changed it."""
    for task in registry.tasks(Role.TARGET):
        scores = TaskScores(task, board)
        for protocol in scores.changed(stages):
            kept = scores.entries(protocol)
            languages = asked.chosen("all", scores.shared(kept, protocol))
            for entry in kept:
                yield from _contrasts(scores, protocol, entry, languages, scores.noisy(protocol)).values()


def _contrasts(
    scores: TaskScores,
    protocol: ProtocolValue,
    entry: Entry,
    languages: tuple[str, ...],
    noisy: Sequence[ProtocolValue],
) -> dict[str, Asked]:
    """What the intervals of a row are asked for: the change of its gap, and what each noise does to it."""
    mine, base, pivot = scores.of(entry, protocol), scores.baseline(entry, protocol), scores.task.pivot
    found: dict[str, Asked] = {}
    if base and languages and pivot in mine.shared:
        weights = (1.0, *[-1 / len(languages)] * len(languages))
        found[GAP] = Asked((Part(mine, base, (pivot, *languages), weights),))
    for one in noisy:
        disturbed = scores.of(entry, one)
        if disturbed.by_seed and (wanted := _under_noise(mine, pivot, languages)):
            found[one.fingerprint] = Asked((Part(disturbed, mine, wanted),))
    return found


def _under_noise(clean: Measured, pivot: str, languages: Sequence[str]) -> tuple[str, ...]:
    """The languages and the pivot, where it was measured."""
    return (*languages, *([pivot] if pivot in clean.shared else []))


def _row(
    scores: TaskScores,
    protocol: ProtocolValue,
    entry: Entry,
    languages: Sequence[str],
    noisy: Sequence[ProtocolValue],
    intervals: Mapping[str, Interval | None],
    agreeing: Consistency | None,
) -> Row:
    mine, base = scores.of(entry, protocol), scores.baseline(entry, protocol)
    pivot = scores.task.pivot
    values = {language: mine.value(language) for language in languages}
    by_measurement = [mean([mine.by_seed[seed][code] for code in languages]) for seed in mine.independent if languages]
    others = mean(list(values.values())) if values else None
    english = mine.value(pivot)
    worst = min(values.items(), key=lambda item: (item[1], item[0])) if values else None
    return Row(
        key=entry.key,
        title=entry.title,
        is_baseline=entry.is_baseline,
        n=len(mine.independent),
        pivot=english,
        others=others,
        languages=len(languages),
        items=sum(mine.test_items.get(code, 0) for code in languages),
        gap=None if english is None or others is None else english - others,
        gap_change=(change := _gap_change(mine, base, pivot, languages)),
        gap_interval=intervals.get(GAP) if change is not None else None,
        worst=worst,
        worst_change=_worst_change(mine, base, languages),
        languages_sd=spread(list(values.values())) if len(values) > 1 else None,
        seeds_sd=spread(by_measurement) if len(by_measurement) > 1 else None,
        consistency=agreeing,
        noisy=tuple(
            _noisy(mine, scores.of(entry, one), one, _under_noise(mine, pivot, languages), intervals) for one in noisy
        ),
    )


def _consistency(
    scores: TaskScores, protocol: ProtocolValue, kept: Sequence[Entry], languages: Sequence[str]
) -> list[Consistency | None]:
    """Of each recipe, where the task's predictions can be compared over languages. Two queries, or none."""
    if not consistency.comparable(scores.task):
        return [None] * len(kept)
    return consistency.of([(scores.of(entry, protocol), scores.baseline(entry, protocol)) for entry in kept], languages)


def _gap_change(mine: Measured, base: Measured | None, pivot: str, languages: Sequence[str]) -> float | None:
    """The change of the gap over paired seeds; None unless the pivot and all languages are in every pair."""
    found = by_language.differences(mine, base) if base else {}
    if not languages or pivot not in found or any(code not in found for code in languages):
        return None
    return found[pivot] - mean([found[code] for code in languages])


def _worst_change(mine: Measured, base: Measured | None, languages: Sequence[str]) -> float | None:
    """The worst language's score less the baseline's worst, which may be another language, over paired seeds."""
    seeds = [seed for seed in mine.by_seed if seed in base.by_seed] if base else []
    pairs = [(mine.by_seed[seed], base.by_seed[seed]) for seed in seeds]
    if not pairs or not languages or any(code not in side for pair in pairs for side in pair for code in languages):
        return None
    worst = [min(mean([pair[side][code] for pair in pairs]) for code in languages) for side in (0, 1)]
    return worst[0] - worst[1]


def _noisy(
    clean: Measured,
    found: Measured,
    protocol: ProtocolValue,
    wanted: Sequence[str],
    intervals: Mapping[str, Interval | None],
) -> Noisy | None:
    """Over `wanted` languages, on the seeds that have them under both protocols."""
    seeds = [seed for seed in clean.by_seed if seed in found.by_seed]
    if not seeds or not wanted or any(code not in found.by_seed[seed] for seed in seeds for code in wanted):
        return None
    value, before = (mean([side.by_seed[seed][code] for seed in seeds for code in wanted]) for side in (found, clean))
    return Noisy(protocol.noise, value, before - value, len(wanted), intervals.get(protocol.fingerprint))
