"""Claims against the board: each condition becomes comparisons, each comparison an interval, and these a decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from leaderboard.models import Condition, Recipe, Verdict
from leaderboard.standings import uncertainty
from leaderboard.standings.board import Board
from leaderboard.standings.filters import Filters
from leaderboard.standings.records import Entry
from leaderboard.standings.statistics import intervals, significance
from leaderboard.standings.statistics.intervals import Interval
from leaderboard.standings.table import Measured
from leaderboard.standings.uncertainty import Asked, Part
from leaderboard.variants import Variant
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite, TaskSpec

Against, Over, Quantifier, Decision = Condition.Against, Condition.Over, Condition.Quantifier, Verdict.Decision
ALPHA = 0.05
# A claim is about training, so one seed decides none.
FEWEST_SEEDS = 2
# Of a list of tasks that lack scores, so many are named.
NAMED = 4
YES, NO, OPEN = "above", "below", "open"


@dataclass(frozen=True)
class Side:
    """What a comparison needs on one side: the recipe that is meant, and its row where there is one."""

    method: str
    intermediate: tuple[str, ...]
    variant: str
    entry: Entry | None

    @property
    def title(self) -> str:
        """Such as `MNLI`, `MNLI + SNLI (multi-task)`, `MNLI with MLM`, `Baseline`."""
        if self.method == Recipe.Method.BASELINE:
            return "Baseline"
        titles = [registry.TASKS[slug].title if slug in registry.TASKS else slug for slug in self.intermediate]
        ending = "" if self.variant == Variant.PLAIN else f", {Variant(self.variant).in_sentence}"
        return " + ".join(titles) + (" (multi-task)" if self.method == Recipe.Method.MULTI_TASK else "") + ending


@dataclass(frozen=True)
class Comparison:
    """One difference that a claim is about: in words, its interval, and on which side of the margin it is for sure.

    `answer` is `above`, `below` or `open`; `p` of "it is the margin" is corrected over the whole claim. `missing` says
    what there would have to be. `seeds_needed` would decide it, all else equal.
    """

    condition: int
    title: str
    against: str
    where: str
    margin: float
    sides: tuple[tuple[Side, Side], ...] = field(repr=False)
    targets: tuple[str, ...] = ()
    interval: Interval | None = None
    p: float = 1.0
    answer: str = OPEN
    missing: str = ""
    seeds_needed: int | None = None
    stages: frozenset[int] = frozenset()

    @property
    def runs(self) -> frozenset[int]:
        return frozenset(run.pk for pair in self.sides for side in pair if side.entry for run in side.entry.runs)

    def to_dict(self) -> dict[str, Any]:
        """As it is kept with a verdict."""
        return {
            "condition": self.condition,
            "title": self.title,
            "against": self.against,
            "where": self.where,
            "margin": self.margin,
            "interval": asdict(self.interval) if self.interval else None,
            "detectable": self.interval.detectable if self.interval else None,
            "p": self.p,
            "answer": self.answer,
            "missing": self.missing,
            "seeds_needed": self.seeds_needed,
        }


@dataclass(frozen=True)
class Tested:
    """A claim for one encoder: what was compared, the decision, and what is missing for one."""

    encoder: str
    decision: str
    missing: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def runs(self) -> frozenset[int]:
        return frozenset().union(*(comparison.runs for comparison in self.comparisons if comparison.interval))


def tested(conditions: Sequence[Condition], board: Board) -> list[Tested]:
    """A claim of these conditions for each encoder that has any of what it is about; two queries for each."""
    found = []
    for encoder, rows in _groups(board):
        comparisons = list(_comparisons(conditions, rows, board))
        if any(_anything(board, one) for one in comparisons):
            found.append(_tested(conditions, comparisons, encoder, board))
    return found or [Tested("", Decision.OPEN, ("No recipe that it is about was run here yet.",), ())]


def _groups(board: Board) -> Iterator[tuple[str, list[Entry]]]:
    """Each encoder with its rows of one setting of the target phase: that with the most runs."""
    groups: dict[str, dict[str, list[Entry]]] = {}
    for entry in board.entries:
        groups.setdefault(entry.encoder, {}).setdefault(entry.target_settings, []).append(entry)
    for encoder, by_settings in groups.items():
        yield encoder, max(by_settings.values(), key=lambda rows: sum(len(row.runs) for row in rows))


def _anything(board: Board, comparison: Comparison) -> bool:
    protocols = [protocol.pk for slug in comparison.targets if (protocol := board.whole_test(registry.task(slug)))]
    return any(
        mine.entry and board.measured(mine.entry, protocol).by_seed
        for mine, _ in comparison.sides
        for protocol in protocols
    )


def _comparisons(conditions: Sequence[Condition], rows: Sequence[Entry], board: Board) -> Iterator[Comparison]:
    for place, condition in enumerate(conditions):
        targets = targets_of(condition)
        pairs = list(_pairs(condition, rows, board))
        where = "mean over " + _listed([task.title for task in targets], "target tasks")
        common = {"condition": place, "margin": condition.margin}
        every = tuple(task.slug for task in targets)
        if condition.over in (Over.AVERAGE, Over.BEST):
            title = "Mean of " if condition.over == Over.AVERAGE else "Best of "
            title += _listed([mine.title for mine, _ in pairs], "recipes")
            against = pairs[0][1].title if len({base.title for _, base in pairs}) == 1 else "each one's own"
            one = Comparison(**common, title=title, against=against, where=where, sides=tuple(pairs), targets=every)
            yield _measured(one, condition, board)
            continue
        for mine, base in pairs:
            for scope, slugs in [(where, every)] if condition.over == Over.MEAN else _single(targets):
                one = Comparison(
                    **common, title=mine.title, against=base.title, where=scope, sides=((mine, base),), targets=slugs
                )
                yield _measured(one, condition, board)


def _single(targets: Sequence[TaskSpec]) -> list[tuple[str, tuple[str, ...]]]:
    return [(task.title, (task.slug,)) for task in targets]


def _listed(titles: Sequence[str], many: str) -> str:
    return " and ".join(titles) if len(titles) <= 2 else f"{len(titles)} {many}"


def targets_of(condition: Condition) -> list[TaskSpec]:
    """The target tasks that are meant and have any of the languages that are meant."""
    tasks = (
        [registry.task(slug) for slug in condition.targets]
        if condition.targets
        else list(registry.tasks(Role.TARGET, Suite(condition.suite)))
    )
    return [task for task in tasks if languages_of(condition, task)]


def languages_of(condition: Condition, task: TaskSpec) -> tuple[str, ...]:
    return Filters(languages=condition.languages).wanted(task)


def intermediates_of(condition: Condition) -> tuple[str, ...]:
    if condition.intermediate:
        return tuple(condition.intermediate)
    return tuple(task.slug for task in registry.tasks(Role.INTERMEDIATE, Suite(condition.suite)))


def _pairs(condition: Condition, rows: Sequence[Entry], board: Board) -> Iterator[tuple[Side, Side]]:
    tasks = intermediates_of(condition)
    single = [(slug,) for slug in tasks]
    meant = [tasks] if condition.method == Recipe.Method.MULTI_TASK else single
    for one in meant:
        mine = _side(condition.method, one, condition.variant, rows)
        if condition.against == Against.BASELINE:
            yield mine, _baseline(mine, rows, board)
        elif condition.against == Against.SINGLE:
            yield from ((mine, _side(Recipe.Method.INTERMEDIATE, other, Variant.PLAIN, rows)) for other in single)
        else:
            yield mine, _side(condition.method, one, condition.against, rows)


def _side(method: str, tasks: tuple[str, ...], variant: str, rows: Sequence[Entry]) -> Side:
    """The row that is meant; of several (other settings, other translations) that with the most runs."""
    fitting = [
        row
        for row in rows
        if row.method == method and sorted(row.intermediate) == sorted(tasks) and row.variants == (Variant(variant),)
    ]
    return Side(method, tasks, variant, max(fitting, key=lambda row: len(row.runs), default=None))


def _baseline(mine: Side, rows: Sequence[Entry], board: Board) -> Side:
    entry = (
        board.baseline_of.get(mine.entry.key) if mine.entry else next((row for row in rows if row.is_baseline), None)
    )
    return Side(Recipe.Method.BASELINE, (), Variant.PLAIN, entry)


def _measured(comparison: Comparison, condition: Condition, board: Board) -> Comparison:
    """The comparison with what it is asked of, or with what is missing."""
    missing = "; ".join(dict.fromkeys(_missing(comparison, condition, board)))
    return replace(comparison, missing=missing)


def _missing(comparison: Comparison, condition: Condition, board: Board) -> Iterator[str]:
    for side in {side.title: side for pair in comparison.sides for side in pair}.values():
        if side.entry is None:
            yield f"{side.title}: no run"
            continue
        lacking = []
        for slug in comparison.targets:
            task = registry.task(slug)
            protocol = board.whole_test(task)
            if not protocol or not _seeds(board.measured(side.entry, protocol.pk), condition, task):
                lacking.append(task.title)
        if lacking:
            yield f"{side.title}: no score on the whole test set of {_enumerated(lacking)}"


def _enumerated(titles: Sequence[str]) -> str:
    """All of a few, the first of many."""
    if len(titles) > NAMED:
        return f"{', '.join(titles[: NAMED - 1])} and {len(titles) - NAMED + 1} more"
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _seeds(measured: Measured, condition: Condition, task: TaskSpec) -> list[int]:
    wanted = languages_of(condition, task)
    return [seed for seed, values in measured.by_seed.items() if all(language in values for language in wanted)]


def _asked(comparison: Comparison, condition: Condition, board: Board) -> Asked:
    parts = []
    for slug in comparison.targets:
        task = registry.task(slug)
        protocol = board.whole_test(task).pk
        languages = languages_of(condition, task)
        found = [
            Part(board.measured(mine.entry, protocol), board.measured(base.entry, protocol), languages)
            for mine, base in comparison.sides
        ]
        parts += [best(found)] if condition.over == Over.BEST else found
    return Asked(tuple(parts))


def best(parts: Sequence[Part]) -> Part:
    """The best of several rows on one task, by seed: chosen on the other seeds, measured on this one.

    Choosing and measuring on the same runs would credit the best with its luck (cross-validation's argument; Cawley and
    Talbot 2010, "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance Evaluation").
    """
    shared = set.intersection(*({*part.mine.by_seed} & {*part.base.by_seed} for part in parts))
    shared = {seed for seed in shared if all(_gain(part, seed) is not None for part in parts)}
    by_seed: dict[int, Mapping[str, float]] = {}
    stages: dict[int, frozenset[int]] = {}
    for seed in sorted(shared) if len(shared) >= FEWEST_SEEDS else ():
        others = [other for other in shared if other != seed]
        means = [float(np.mean([_gain(part, other) for other in others])) for part in parts]
        chosen = parts[int(np.argmax(means))].mine
        by_seed[seed], stages[seed] = chosen.by_seed[seed], chosen.stages.get(seed, frozenset())
    return Part(Measured(by_seed, stages), parts[0].base, parts[0].languages)


def _gain(part: Part, seed: int) -> float | None:
    mine, base = part.mine.by_seed[seed], part.base.by_seed[seed]
    if not all(language in mine and language in base for language in part.languages):
        return None
    return float(np.mean([mine[language] - base[language] for language in part.languages]))


def measure(comparisons: Sequence[Comparison], conditions: Sequence[Condition], board: Board) -> list[Comparison]:
    """The comparisons with their intervals, p values corrected together, and answers. Two queries."""
    complete = [comparison for comparison in comparisons if not comparison.missing]
    found = uncertainty.of([_asked(one, conditions[one.condition], board) for one in complete])
    by_place = dict(zip(map(id, complete), found, strict=True))
    measured = [
        replace(
            one, interval=by_place[id(one)].interval, missing=by_place[id(one)].why, stages=by_place[id(one)].stages
        )
        if id(one) in by_place
        else one
        for one in comparisons
    ]
    raw = [intervals.p_against(one.interval, one.margin) if _counts(one) else 1.0 for one in measured]
    level = 1 - ALPHA / max(len(raw), 1)
    return [
        _answered(one, p, level)
        for one, p in zip(measured, significance.holm(raw).tolist() if raw else (), strict=True)
    ]


def _counts(comparison: Comparison) -> bool:
    return comparison.interval is not None and comparison.interval.seeds >= FEWEST_SEEDS


def _answered(comparison: Comparison, p: float, level: float) -> Comparison:
    """`level` is that of an interval which alone would satisfy Holm's first step: Bonferroni's."""
    interval = comparison.interval
    if interval is None:
        return comparison
    if not _counts(comparison):
        return replace(comparison, missing="a second seed: one says nothing about others")
    answer = OPEN if p >= ALPHA else YES if interval.estimate > comparison.margin else NO
    needed = intervals.seeds_to_decide(interval, comparison.margin, level) if answer == OPEN else None
    return replace(comparison, p=p, answer=answer, seeds_needed=needed, missing=_short_of(interval, needed, answer))


def _short_of(interval: Interval, needed: int | None, answer: str) -> str:
    if answer != OPEN:
        return ""
    if needed is None:
        return "more test items: more seeds alone would not decide it, if the difference stays what it is"
    more = max(needed - interval.seeds, 1)
    return f"about {more} more seed{'' if more == 1 else 's'}, if the difference stays what it is"


def _tested(conditions: Sequence[Condition], comparisons: Sequence[Comparison], encoder: str, board: Board) -> Tested:
    measured = measure(comparisons, conditions, board)
    decision = together(
        [
            decide(condition.quantifier, [one.answer for one in measured if one.condition == place])
            for place, condition in enumerate(conditions)
        ]
    )
    missing = tuple(dict.fromkeys(_sentences(measured))) if decision == Decision.OPEN else ()
    return Tested(encoder, decision, missing, tuple(measured))


def _sentences(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """What is missing: rows and scores once, however many comparisons lack them, then what would decide the others."""
    for one in comparisons:
        if one.missing and one.interval is None:
            yield from one.missing.split("; ")
    for one in comparisons:
        if one.missing and one.interval:
            yield f"{one.title} against {one.against}, {one.where}: {one.missing}"


def decide(quantifier: str, answers: Sequence[str]) -> str:
    """Whether a condition holds, from on which side of its margin each comparison is.

    Comparisons that are open, or lack their data, count for neither side.
    """
    above, below, count = answers.count(YES), answers.count(NO), len(answers)
    if quantifier == Quantifier.NONE:
        return Decision.CONTRADICTED if above else Decision.HOLDS if below == count else Decision.OPEN
    if quantifier == Quantifier.MOST:
        if 2 * above > count:
            return Decision.HOLDS
        return Decision.CONTRADICTED if 2 * below >= count else Decision.OPEN
    return Decision.CONTRADICTED if below else Decision.HOLDS if above == count else Decision.OPEN


def together(decisions: Sequence[str]) -> str:
    """A claim holds with all its conditions, and falls with any."""
    if Decision.CONTRADICTED in decisions:
        return Decision.CONTRADICTED
    return Decision.HOLDS if decisions and set(decisions) == {Decision.HOLDS} else Decision.OPEN
