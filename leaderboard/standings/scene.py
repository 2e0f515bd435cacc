"""Which rows a view has and what they are compared with: everything that is known before a score is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from leaderboard.models import Recipe, Run, Source
from leaderboard.standings import presence, records, uploaded
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.presence import ByRun, Presence, Present, Shape
from leaderboard.standings.records import Entry, ProtocolValue, RunValue
from leaderboard.standings.table import NOTHING, Column, Measured, RunLink

# Methods that the transfer map does not offer: they have no intermediate task.
WITHOUT_TASKS = (Recipe.Method.BASELINE, Recipe.Method.TRANSLATE_TRAIN)


class Scores(dict[tuple[str, int], Measured]):
    """(row, protocol) -> what was measured; nothing where nothing was."""

    def __missing__(self, key: tuple[str, int]) -> Measured:
        return NOTHING


@dataclass(frozen=True)
class Scene:
    """Everything that a view is computed from.

    `entry_of` gives each run its row and seed, `presence` what a row has under a protocol, seed by seed. Rows that are
    only compared with are in both, but not among `entries`. Scores are read when they are asked for. `joined` are
    protocols of uploads that stand, here and in all that is read, under the protocol whose column they share.
    `means_hold` where no mean is over something that is hidden.
    """

    entries: list[Entry]
    baseline_of: Mapping[str, Entry]
    protocols: Mapping[int, ProtocolValue]
    entry_of: Mapping[int, tuple[Entry, int]]
    presence: Presence
    means_hold: bool
    joined: Mapping[int, int]
    sources: Mapping[str, Source]
    silent: int
    unverified: int
    with_unverified: bool

    def measured(self, protocols: Collection[int], entries: Collection[Entry] | None = None) -> Scores:
        """What rows and their baselines measured under `protocols`; of `entries` only, where they are given."""
        if entries is None:
            return self._read(protocols)
        wanted = {entry.key for entry in entries}
        wanted |= {base.key for key, base in self.baseline_of.items() if key in wanted}
        return self._read(protocols, [run for run, (entry, _) in self.entry_of.items() if entry.key in wanted])

    def with_uploads(self, columns: Iterable[Column]) -> list[Column]:
        """The columns, each with the protocol of the uploads that stand in it."""
        of = {column: self.protocols[upload] for upload, column in self.joined.items()}
        return [
            replace(column, upload_label=one.label, upload_fingerprint=one.fingerprint)
            if (one := of.get(column.protocol))
            else column
            for column in columns
        ]

    def _read(self, protocols: Collection[int], runs: Collection[int] | None = None) -> Scores:
        also = [upload for upload, column in self.joined.items() if column in protocols]
        found = records.measured(self.entry_of, [*protocols, *also], runs=runs, unverified=self.with_unverified)
        scores = {(key, self.joined.get(pk, pk)): measured for (key, pk), measured in found.items()}
        return Scores(uploaded.with_items(scores, self.entries, self.protocols))

    def shown(self) -> Presence:
        """`presence` of the rows alone."""
        return self.presence.of({entry.key for entry in self.entries})


def build(filters: Filters, recipes: Mapping[int, Entry]) -> Scene:
    """The scene of `filters`. Four queries (five with a study)."""
    wanted = {pk: entry for pk, entry in recipes.items() if _matches(filters, entry)}
    keys = {entry.key for entry in wanted.values()}
    baseline_of = {key: base for key, base in records.baseline_of(recipes.values()).items() if key in keys}
    placed = _Placed(filters, recipes, wanted, {base.key for base in baseline_of.values()})
    # Under noise a score is no result of its own: the page of robustness has it, and a task's page where it is chosen.
    protocols = records.protocols(filters.tasks, noisy=filters.view is View.TASK)
    entries = [*(entry for entry in wanted.values() if entry.runs), *placed.outside]
    found = presence.load()
    joined = uploaded.joined(protocols, _used(found, placed.entry_of, entries), filters.protocol)
    gathered = _Gathered(found, placed.entry_of, protocols, joined, with_unverified=filters.unverified)
    hidden = gathered.hidden - gathered.heard
    return Scene(
        entries=[entry for entry in entries if entry.key not in hidden],
        baseline_of=baseline_of,
        protocols=protocols,
        entry_of=placed.entry_of,
        presence=gathered.presence,
        means_hold=not gathered.hidden & gathered.heard,
        joined=joined,
        sources=placed.sources,
        # Systems from outside report what they report.
        silent=sum(entry.key not in gathered.heard for entry in entries if entry.origin == Run.Origin.LOCAL),
        unverified=len(hidden),
        with_unverified=filters.unverified,
    )


def _used(
    found: ByRun, entry_of: Mapping[int, tuple[Entry, int]], entries: Collection[Entry]
) -> Iterator[tuple[str, int]]:
    """The rows of the view, each with its protocols."""
    rows = {entry.key for entry in entries}
    for run, (entry, _) in entry_of.items():
        if entry.key in rows and run in found:
            yield from ((entry.key, protocol) for protocol in found[run].shape.parts)


class _Gathered:
    """Which row has what under which protocol.

    `heard` are the rows that have anything to show, `hidden` those with scores that nobody has verified.
    """

    def __init__(
        self,
        found: ByRun,
        entry_of: Mapping[int, tuple[Entry, int]],
        protocols: Collection[int],
        joined: Mapping[int, int],
        *,
        with_unverified: bool,
    ) -> None:
        self.protocols, self.joined, self.with_unverified = protocols, joined, with_unverified
        self.hidden: set[str] = set()
        rows: dict[str, dict[int, Present]] = {}
        for run, (entry, seed) in entry_of.items():
            one = found.get(run)
            if one and entry.origin != Run.Origin.LOCAL:
                one = self._from_outside(entry, one)
            if one:
                rows.setdefault(entry.key, {})[seed] = one
        self.heard = rows.keys()
        self.presence = Presence(rows, protocols)

    def _from_outside(self, entry: Entry, one: Present) -> Present | None:
        """What may be shown of a row from elsewhere, in the columns that it stands in; None where nothing may."""
        there: dict[int, tuple[str, ...]] = {}
        means: dict[int, float] = {}
        statuses = one.statuses or [""] * len(one.means)
        for (protocol, parts), mean, status in zip(one.shape.parts.items(), one.means, statuses, strict=True):
            shown = parts
            if entry.source:
                shown = tuple(records.trusted(entry, parts, status, unverified=self.with_unverified))
            # Of another suite, it would not be shown here anyway.
            if len(shown) < len(parts) and protocol in self.protocols:
                self.hidden.add(entry.key)
            if shown:
                column = self.joined.get(protocol, protocol)
                there[column], means[column] = shown, mean
        return Present(Shape(there), tuple(means.values()), ()) if there else None


class _Placed:
    """Every run in its row, or left out; two queries (three with a study)."""

    def __init__(
        self, filters: Filters, recipes: Mapping[int, Entry], wanted: Mapping[int, Entry], bases: Collection[str]
    ) -> None:
        self.filters, self.recipes, self.wanted, self.bases = filters, recipes, wanted, bases
        self.entry_of: dict[int, tuple[Entry, int]] = {}
        self.outside: list[Entry] = []
        self.sources = records.sources()
        self.study = records.runs_of_study(filters.study) if filters.study else None
        self._place(records.runs())

    def _place(self, runs: Iterable[RunValue]) -> None:
        for run in runs:
            inside = self.study is None or run.pk in self.study
            if run.origin != Run.Origin.LOCAL:
                if inside and _wants_outside(self.filters, run):
                    self._place_outside(run)
            elif run.recipe in self.wanted and inside:
                entry = self.wanted[run.recipe]
                entry.runs.append(RunLink(run.pk, run.seed))
                self.entry_of[run.pk] = entry, run.seed
            elif self.recipes[run.recipe].key in self.bases:
                # Not a row of this view, but what its rows are compared with.
                self.entry_of[run.pk] = self.recipes[run.recipe], run.seed

    def _place_outside(self, run: RunValue) -> None:
        entry = records.outside_entry(run, self.sources)
        entry.runs.append(RunLink(run.pk, run.seed))
        self.outside.append(entry)
        self.entry_of[run.pk] = entry, records.NO_SEED


def _matches(filters: Filters, entry: Entry) -> bool:
    if filters.view is View.TRANSFER and not _has_intermediate_phase(entry):
        return False
    return (
        filters.origin in ("", entry.origin)
        and not filters.source
        and filters.encoder in ("", entry.encoder)
        and filters.method in ("", entry.method)
        and (not filters.intermediate or filters.intermediate in entry.intermediate)
        and entry.recipe.startswith(filters.recipe)
        and (not filters.variant or filters.variant in entry.variants)
    )


def _has_intermediate_phase(entry: Entry) -> bool:
    """Whether there is something before the target's own training that could transfer: MLM alone counts."""
    return bool(entry.intermediate or entry.mlm)


def _wants_outside(filters: Filters, run: RunValue) -> bool:
    """Systems from outside have no recipe here, so any filter on one excludes them."""
    if filters.view is View.TRANSFER or restricts_recipes(filters):
        return False
    return filters.origin in ("", run.origin) and filters.source in ("", run.source)


def restricts_recipes(filters: Filters) -> bool:
    return bool(filters.encoder or filters.method or filters.intermediate or filters.variant or filters.recipe)
