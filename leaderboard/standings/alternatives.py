"""Intermediate training against what it competes with: score, difference and measured cost on the same targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from leaderboard.models import Recipe, Run, Stage
from leaderboard.standings.aggregate import mean
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.query import load as load_standings
from leaderboard.standings.table import OVERALL, Column, Row

SECONDS_AN_HOUR = 3600
# An extra cost below this share of the baseline's is the clock's noise: no gain can be read from it.
LEAST_EXTRA = 0.05


@dataclass(frozen=True)
class Unit:
    """What device time is shown in; files have hours."""

    name: str
    hours: float


# The largest first; a page takes the first of which its costliest recipe has one.
UNITS = (Unit("hour", 1.0), Unit("minute", 1 / 60), Unit("second", 1 / SECONDS_AN_HOUR))


@dataclass(frozen=True)
class Cost:
    """What training took, a run on average: hours times devices. `devices` names them; `runs` were measured."""

    hours: float
    devices: tuple[str, ...]
    runs: int


@dataclass(frozen=True)
class Alternative:
    """A recipe over the targets of its encoder's block.

    `score` and `difference` are means over all these targets, None where one is missing (`have` are there);
    `extra` are the device-hours beyond the baseline's, `gain` the points for each of them; None where they are too few.
    """

    row: Row
    kind: str
    score: float | None
    difference: float | None
    have: int
    cost: Cost | None
    extra: float | None
    gain: float | None


@dataclass(frozen=True)
class Block:
    """The alternatives of one encoder over the same `targets`, the baseline first, then by what they gain."""

    encoder: str
    title: str
    targets: tuple[Column, ...]
    lines: tuple[Alternative, ...]


@dataclass(frozen=True)
class Alternatives:
    """The page: its blocks, what it shows in a sentence, and what can be chosen."""

    filters: Filters
    blocks: tuple[Block, ...]
    sentence: str
    encoders: tuple[tuple[str, str], ...]

    @property
    def unit(self) -> Unit:
        """The largest unit of which the costliest recipe has one."""
        most = max((line.cost.hours for block in self.blocks for line in block.lines if line.cost), default=1.0)
        return next((unit for unit in UNITS if most >= unit.hours), UNITS[-1])


def load(filters: Filters) -> Alternatives:
    """Every local recipe by encoder, with its cost. Two queries beyond those of the standings."""
    local = replace(filters, view=View.LEADERBOARD, origin=Run.Origin.LOCAL.value)
    standings = load_standings(local, whole=True)
    costs = _costs(run.pk for row in standings.rows for run in row.runs)
    blocks = tuple(
        _block(list(rows), standings.columns, costs) for _, rows in groupby(standings.rows, key=lambda row: row.encoder)
    )
    return Alternatives(
        filters=filters,
        blocks=tuple(block for block in blocks if block.lines),
        sentence=f"Means over {filters.languages_title} and over the targets that every kind of recipe of an encoder "
        "has; differences are paired with the plain baseline; device time is that of all training stages of a run, as "
        "measured, whoever else shares them.",
        encoders=tuple((choice.value, choice.title) for choice in standings.choices.encoders),
    )


def kind_of(row: Row) -> str:
    """In the words of the comparison: what is done in the stead of, or beside, English intermediate training."""
    if row.method == Recipe.Method.TRANSLATE_TRAIN:
        return "translate-train"
    if not row.intermediate:
        return "MLM alone" if row.mlm else "baseline"
    what = "several tasks" if row.method == Recipe.Method.MULTI_TASK else "one task"
    ways = [*(["with MLM"] if row.mlm else []), *(["translated"] if row.translation else [])]
    return ", ".join([what, *ways]) if ways else f"{what}, English"


def _block(rows: Sequence[Row], columns: Sequence[Column], costs: Mapping[int, Cost]) -> Block:
    rows = [row for row in rows if row.is_baseline or row.has_baseline]
    kinds = {kind_of(row) for row in rows}
    positions = [
        index
        for index, column in enumerate(columns)
        if column.key != OVERALL and {kind_of(row) for row in rows if _there(row, index)} == kinds
    ]
    base = next((row for row in rows if row.is_baseline), None)
    base_cost = _cost_of(base, costs) if base else None
    lines = [_alternative(row, positions, costs, base_cost) for row in rows] if positions else []
    lines.sort(key=lambda line: (not line.row.is_baseline, line.difference is None, -(line.difference or 0)))
    return Block(
        encoder=rows[0].encoder if rows else "",
        title=rows[0].encoder_title if rows else "",
        targets=tuple(columns[index] for index in positions),
        lines=tuple(lines),
    )


def _there(row: Row, index: int) -> bool:
    cell = row.cells[index]
    return cell.value is not None and (row.is_baseline or cell.paired is not None)


def _alternative(row: Row, positions: Sequence[int], costs: Mapping[int, Cost], base_cost: Cost | None) -> Alternative:
    there = [row.cells[index] for index in positions if _there(row, index)]
    whole = len(there) == len(positions)
    difference = mean([cell.paired.value for cell in there]) if whole and not row.is_baseline else None
    cost = _cost_of(row, costs)
    extra = cost.hours - base_cost.hours if cost and base_cost and not row.is_baseline else None
    tells = extra is not None and extra > 0 and extra >= LEAST_EXTRA * base_cost.hours
    return Alternative(
        row=row,
        kind=kind_of(row),
        score=mean([cell.value for cell in there]) if whole else None,
        difference=difference,
        have=len(there),
        cost=cost,
        extra=extra,
        gain=difference / extra if difference is not None and tells else None,
    )


def _cost_of(row: Row, costs: Mapping[int, Cost]) -> Cost | None:
    found = [costs[run.pk] for run in row.runs if run.pk in costs]
    if not found:
        return None
    devices = sorted({device for cost in found for device in cost.devices})
    return Cost(mean([cost.hours for cost in found]), tuple(devices), len(found))


def _costs(runs: Iterable[int]) -> dict[int, Cost]:
    """Device-hours of each run whose training is done. One query."""
    wanted = set(runs)
    links = Run.stages.through.objects.filter(stage__action=Stage.Action.TRAIN).order_by("run_id")
    fields = (
        "run_id",
        "stage__status",
        "stage__seconds",
        "stage__environment__processes",
        "stage__environment__device",
    )
    found = {}
    for run, stages in groupby(links.values_list(*fields), key=lambda line: line[0]):
        lines = list(stages)
        if run in wanted and all(status == Stage.Status.DONE for _, status, *_ in lines):
            seconds = sum(seconds * (processes or 1) for _, _, seconds, processes, _ in lines)
            devices = {device for *_, device in lines if device}
            found[run] = Cost(seconds / SECONDS_AN_HOUR, tuple(sorted(devices)), 1)
    return found
