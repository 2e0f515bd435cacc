"""The frozen values that pages, exports and figures see: columns, rows, cells and the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import fsum

OVERALL = "overall"


@dataclass(frozen=True)
class Measured:
    """The scores of one row in one column: seed -> part -> value in 0..100.

    A part is a language; in the overall column it is a task. The empty part holds a mean that a source
    prints without its languages. `stages` tells which stage measured a seed: an evaluation in which
    nothing is drawn is shared by all seeds and counts as one measurement. `test_items` has how many there are in each
    part. `status` is how far the least trusted of published scores can be trusted; empty for what was measured here.
    """

    by_seed: Mapping[int, Mapping[str, float]]
    stages: Mapping[int, frozenset[int]]
    test_items: Mapping[str, int] = field(default_factory=dict)
    status: str = ""

    @property
    def items(self) -> int | None:
        """Test items, summed over the parts; None where they are not known."""
        return sum(self.test_items.values()) or None

    @property
    def shared(self) -> frozenset[str]:
        """The parts that every seed has."""
        return frozenset.intersection(*map(frozenset, self.by_seed.values())) if self.by_seed else frozenset()

    @property
    def independent(self) -> tuple[int, ...]:
        """A seed for each measurement, the lowest of those that share one."""
        first: dict[object, int] = {}
        for seed in sorted(self.by_seed):
            first.setdefault(self.stages.get(seed) or ("seed", seed), seed)
        return tuple(first.values())

    def value(self, part: str) -> float | None:
        """The mean over the seeds that have the part."""
        found = [values[part] for values in self.by_seed.values() if part in values]
        return fsum(found) / len(found) if found else None

    def measurements(self, seeds: tuple[int, ...]) -> int:
        """How many of `seeds` were measured on their own."""
        unshared = sum(not self.stages.get(seed) for seed in seeds)
        return unshared + len({self.stages[seed] for seed in seeds if self.stages.get(seed)})

    @property
    def evaluations(self) -> frozenset[int]:
        """The stages of all seeds."""
        return frozenset().union(*self.stages.values())


NOTHING = Measured({}, {})


@dataclass(frozen=True)
class Interval:
    """A 95% interval of a difference over seeds and test items, in points.

    `decided` says whether the difference is told from none, given all that the table shows at once; `detectable` is the
    smallest true difference that such data would find alone with a chance of 80% (None in snapshots from before).
    """

    low: float
    high: float
    p: float
    decided: bool
    method: str
    detectable: float | None = None

    @property
    def undecided_words(self) -> str:
        """What stands beside a difference that is not told from none; nothing where it is."""
        if self.decided:
            return ""
        if self.detectable is None:
            return "not significant"
        return f"not significant; such data would find {self.detectable:.1f} points with a chance of 80%"


@dataclass(frozen=True)
class Difference:
    """A paired difference to the baseline: over `pairs` seeds and over `have` of `expected` parts."""

    value: float
    pairs: int
    have: int
    expected: int
    interval: Interval | None = None

    @property
    def undecided(self) -> bool:
        """Whether it is known that the difference may be chance; False where there is no interval."""
        return self.interval is not None and not self.interval.decided

    @property
    def complete(self) -> bool:
        return self.have == self.expected


@dataclass(frozen=True)
class Cell:
    """One row in one column.

    `value` is the mean over the complete seeds of the mean over the column's parts, or None where no seed has
    all parts; `have` counts the parts of the fullest seed. `n` counts measurements, `sd` is their sample
    standard deviation (None below two). `items` counts test items per language, summed. `status` is that of `Measured`.
    """

    value: float | None
    sd: float | None
    n: int
    have: int
    expected: int
    difference: Difference | None = None
    items: int | None = None
    status: str = ""

    @property
    def may_rank(self) -> bool:
        """Whether the cell may stand in a rank, a claim or a comparison: not while nobody has verified it."""
        return self.value is not None and self.status != "unverified"

    @property
    def empty(self) -> bool:
        return self.have == 0

    @property
    def coverage(self) -> str:
        return f"{self.have}/{self.expected}"

    def with_interval(self, interval: Interval) -> Cell:
        return replace(self, difference=replace(self.difference, interval=interval))

    @property
    def paired(self) -> Difference | None:
        """The difference where it is over all parts: the only one that tables of means may show."""
        return self.difference if self.difference and self.difference.complete else None


@dataclass(frozen=True)
class Column:
    """A task under one protocol, over `parts` (languages) of `expected_parts`; or the overall, over tasks.

    Uploads may stand in it too, under a protocol of their own: `upload_label`, `upload_fingerprint`.
    """

    key: str
    title: str
    group: str
    parts: tuple[str, ...]
    total: int
    task: str = ""
    protocol: int | None = None
    protocol_label: str = ""
    protocol_fingerprint: str = ""
    split: str = ""
    metric: str = ""
    stand_in: bool = False
    detail: str = ""
    ambiguous: bool = False
    upload_label: str = ""
    upload_fingerprint: str = ""

    def protocol_of(self, origin: str) -> tuple[str, str]:
        """Label and fingerprint of what a row of this origin was measured under."""
        if origin == "uploaded" and self.upload_fingerprint:
            return self.upload_label, self.upload_fingerprint
        return self.protocol_label, self.protocol_fingerprint

    @property
    def scoped_label(self) -> str:
        """The protocol in a few words; with its fingerprint where these are another protocol's words, too."""
        return f"{self.protocol_label} [{self.protocol_fingerprint[:6]}]" if self.ambiguous else self.protocol_label

    @property
    def scope(self) -> str:
        """In a few words, which part of the whole the column is over; empty where it is the whole."""
        return "" if len(self.parts) == self.total else f"over {len(self.parts)} of {self.total} languages"


@dataclass(frozen=True)
class ColumnGroup:
    """Neighbouring columns under one head."""

    title: str
    span: int


@dataclass(frozen=True)
class RunLink:
    """A run behind a row."""

    pk: int
    seed: int | None


@dataclass(frozen=True)
class Rank:
    """Where a row stands by its score, from 1, with the 95% interval of its rank and its tie group, from 1.

    Only rows that have a rank are counted.
    """

    place: int
    low: int
    high: int
    group: int


@dataclass(frozen=True)
class Ranking:
    """What rows are ranked by: a column's key and title. `rows` have a rank; `told` says what it is, or why none has.

    `pending` where the rows at hand are not all: ranks are then asked for on their own.
    """

    column: str
    title: str
    rows: int = 0
    told: str = ""
    pending: bool = False

    @property
    def shown(self) -> bool:
        """Whether a page has a column for ranks."""
        return self.pending or self.rows > 0

    @property
    def notes(self) -> tuple[str, ...]:
        return (self.told,) if self.told else ()


@dataclass(frozen=True)
class Row:
    """A recipe over its seeds, or a system from outside; `cells` stand in the order of the columns.

    `translation` has the languages of translated training data (`de+en`); `variant` what `Entry.variants` has, joined
    by `+`, and nothing for systems from outside.
    """

    key: str
    title: str
    origin: str
    origin_label: str
    encoder: str
    encoder_title: str
    method: str
    method_label: str
    intermediate: tuple[str, ...]
    intermediate_title: str
    mlm: bool
    translation: str
    variant: str
    recipe: str
    runs: tuple[RunLink, ...]
    is_baseline: bool
    has_baseline: bool
    source: str = ""
    source_url: str = ""
    source_status: str = ""
    source_status_label: str = ""
    label: str = ""
    cells: tuple[Cell, ...] = ()
    rank: Rank | None = None


@dataclass(frozen=True)
class Choice:
    """One value that a filter can take."""

    value: str
    title: str


@dataclass(frozen=True)
class Choices:
    """What the filters can be set to."""

    suites: tuple[Choice, ...]
    encoders: tuple[Choice, ...]
    methods: tuple[Choice, ...]
    intermediates: tuple[Choice, ...]
    variants: tuple[Choice, ...]
    origins: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    studies: tuple[Choice, ...]
    aggregates: tuple[Choice, ...]
    protocols: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Pages:
    """Which rows of a view are at hand: those of page `number` (from 1), `size` rows a page, of `total` rows."""

    number: int
    size: int
    total: int

    @property
    def count(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        return (self.number - 1) * self.size

    @property
    def last(self) -> int:
        return min(self.total, self.first + self.size)

    @property
    def previous(self) -> int | None:
        return min(self.number - 1, self.count) or None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


@dataclass(frozen=True)
class Standings:
    """One view of the scores, complete: everything a page, a file or a chart of it may show."""

    sentence: str
    notes: tuple[str, ...]
    columns: tuple[Column, ...]
    groups: tuple[ColumnGroup, ...]
    rows: tuple[Row, ...]
    choices: Choices
    sort: str
    show: str
    aggregate: str
    suite: str
    pages: Pages
    protocol: str = ""
    ranking: Ranking | None = None

    @property
    def sort_key(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def sorted_position(self) -> int | None:
        """Which column the rows are sorted by, counted from 0; None for the title or the usual order."""
        return next((index for index, column in enumerate(self.columns) if column.key == self.sort_key), None)

    @cached_property
    def best(self) -> tuple[float | None, ...]:
        """For each column the highest number of the kind that is shown; of the rows at hand that may rank."""
        columns = [[row.cells[index] for row in self.rows] for index in range(len(self.columns))]
        found = [[number(cell, self.show) for cell in column if cell.may_rank] for column in columns]
        return tuple(max((value for value in column if value is not None), default=None) for column in found)

    def is_best(self, position: int, cell: Cell) -> bool:
        """Whether the cell reads the same as the best of its column: with the digits that are shown, ties are ties."""
        best, mine = self.best[position], number(cell, self.show)
        return cell.may_rank and best is not None and mine is not None and f"{mine:.1f}" == f"{best:.1f}"


def number(cell: Cell, show: str) -> float | None:
    """The number that a cell stands for where `show` is shown: its score or its complete difference."""
    if show == "score":
        return cell.value
    return cell.paired.value if cell.paired else None
