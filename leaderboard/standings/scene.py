"""Which rows a view has and what they are compared with: everything that is known before a score is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.models import Recipe, Run, Source
from leaderboard.standings import presence, records, uploaded
from leaderboard.standings.columns import Presence
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.presence import Present
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

    `entry_of` gives each run its row and seed, `presence` the languages that a row has under a protocol, seed by seed,
    `means` their mean alone: enough to put whole rows in order, and empty where it is not. Rows that are only compared
    with are in all of them, but not among `entries`. Scores are read when they are asked for. `joined` are protocols of
    uploads that stand, here and in all that is read, under the protocol whose column they share.
    """

    entries: list[Entry]
    baseline_of: Mapping[str, Entry]
    protocols: Mapping[int, ProtocolValue]
    entry_of: Mapping[int, tuple[Entry, int]]
    presence: Presence
    means: Sequence[tuple[tuple[str, int], int, float]]
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

    def by_means(self, protocols: Collection[int]) -> Scores:
        """The means under `protocols`, as if they were printed without their languages."""
        found: dict[tuple[str, int], dict[int, dict[str, float]]] = {}
        for key, seed, mean in self.means:
            if key[1] in protocols:
                found.setdefault(key, {})[seed] = {"": mean}
        return Scores({key: Measured(by_seed, {}) for key, by_seed in found.items()})

    def shown(self) -> Presence:
        """`presence` of the rows alone."""
        keys = {entry.key for entry in self.entries}
        return {pair: seeds for pair, seeds in self.presence.items() if pair[0] in keys}


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
        # A mean is not over what is left where a part of it is hidden.
        means=() if gathered.hidden & gathered.heard else gathered.means,
        joined=joined,
        sources=placed.sources,
        # Systems from outside report what they report.
        silent=sum(entry.key not in gathered.heard for entry in entries if entry.origin == Run.Origin.LOCAL),
        unverified=len(hidden),
        with_unverified=filters.unverified,
    )


def _used(
    found: presence.Presence, entry_of: Mapping[int, tuple[Entry, int]], entries: Collection[Entry]
) -> Iterator[tuple[str, int]]:
    """The rows of the view, each with its protocols."""
    rows = {entry.key for entry in entries}
    for run, (entry, _) in entry_of.items():
        if entry.key in rows:
            yield from ((entry.key, protocol) for protocol in found.get(run, ()))


class _Gathered:
    """Which row has what under which protocol, without objects: there are many thousands.

    `heard` are the rows that have anything to show, `hidden` those with scores that nobody has verified, `means` the
    mean over all languages of each row, protocol and seed.
    """

    def __init__(
        self,
        found: presence.Presence,
        entry_of: Mapping[int, tuple[Entry, int]],
        protocols: Collection[int],
        joined: Mapping[int, int],
        *,
        with_unverified: bool,
    ) -> None:
        self.presence: dict[tuple[str, int], list[tuple[str, ...]]] = {}
        self.means: list[tuple[tuple[str, int], int, float]] = []
        self.heard: set[str] = set()
        self.hidden: set[str] = set()
        for run, (entry, seed) in entry_of.items():
            of_run = found.get(run, {})
            if joined:
                of_run = {joined.get(protocol, protocol): one for protocol, one in of_run.items()}
            if entry.source:
                of_run = dict(self._trusted(entry, of_run, protocols, with_unverified=with_unverified))
            if not of_run:
                continue
            self.heard.add(entry.key)
            for protocol, (parts, mean, _) in of_run.items():
                if protocol not in protocols:
                    continue
                key = entry.key, protocol
                if key in self.presence:
                    self.presence[key].append(parts)
                else:
                    self.presence[key] = [parts]
                if mean is not None:
                    self.means.append((key, seed, mean))

    def _trusted(
        self, entry: Entry, of_run: Mapping[int, Present], protocols: Collection[int], *, with_unverified: bool
    ) -> Iterator[tuple[int, Present]]:
        """What may be shown of a row from a source."""
        for protocol, one in of_run.items():
            shown = records.trusted(entry, one.parts, one.statuses, unverified=with_unverified)
            # Of another suite, it would not be shown here anyway.
            if len(shown) < len(one.parts) and protocol in protocols:
                self.hidden.add(entry.key)
            if shown:
                yield protocol, one._replace(parts=tuple(shown))


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
