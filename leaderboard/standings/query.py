"""`load`: filters in, standings out. The only reader of scores for tables, files and figures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from leaderboard.models import Recipe, Run
from leaderboard.services import headlines
from leaderboard.standings import columns, confidence, order, records, scene, wording
from leaderboard.standings.cells import Cells, row
from leaderboard.standings.filters import SUITES, Aggregate, FilterError, Filters, View
from leaderboard.standings.presence import Presence
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.scene import WITHOUT_TASKS, Scene, Scores
from leaderboard.standings.table import Choice, Choices, Column, Pages, Ranking, Standings
from leaderboard.variants import Variant
from runner.tasks import registry

ROWS_A_PAGE = 100


def load(filters: Filters, *, whole: bool = False, settled: bool = False, ranked: bool = False) -> Standings:
    """The standings that `filters` ask for: the rows of one page, or with `whole` those of all of them.

    Ranks need all rows' scores: where a page has a part of the rows, they are computed only if it is to be `ranked`.
    Twelve queries at most, and one more with a study or another order than the usual one, however many rows there are;
    more where scores have changed and are gathered first (not asked where they are `settled`).
    FilterError where the task page asks for a protocol that its task was not measured under.
    """
    if not settled:
        headlines.current()
    recipes = records.recipes()
    scenery = scene.build(filters, recipes)
    shown = scenery.shown()
    scores, chosen = Scores(), None
    if filters.view is View.TASK:
        chosen = _protocol(filters, scenery.protocols, shown)
        scores = scenery.measured([chosen.pk]) if chosen else Scores()
        found = columns.language_columns(filters, chosen, shown, scores) if chosen else []
    else:
        found = columns.task_columns(filters, scenery.protocols, shown)
    found = scenery.with_uploads(found)
    overall = columns.overall_parts(filters.suite, found, scenery.protocols, shown)
    entries = _with_scores(scenery.entries, found, shown)
    sort, notes = order.possible(filters, found)
    how = Aggregate(filters.aggregate)
    show = "score" if how is Aggregate.WINS else filters.show
    entries = order.Order(filters, scenery, found, overall, sort, show).of(entries, scores)
    pages = Pages(1 if whole else filters.page, max(1, len(entries)) if whole else ROWS_A_PAGE, len(entries))
    labels = wording.labels(entries)
    on_page = entries[pages.first : pages.last]
    if filters.view is not View.TASK:
        scores = scenery.measured({column.protocol for column in found}, None if whole else on_page)
    cells = Cells(scores, scenery.baseline_of, overall, how)
    table = [tuple(cells.cell(entry, column) for column in found) for entry in on_page]
    items = confidence.artifacts(cells)
    table = confidence.with_intervals(table, on_page, found, cells, items)
    ranking, ranks = None, {}
    if filters.view is View.LEADERBOARD and items and (column := confidence.ranked_by(found, sort, cells)):
        if len(on_page) == len(entries):
            ranking, ranks = confidence.ranking(entries, column, cells, items)
        elif ranked:
            everyone = _everyone(scenery, column, cells)
            ranking, ranks = confidence.ranking(entries, column, everyone, confidence.artifacts(everyone))
        else:
            ranking = Ranking(column.key, column.title, pending=True)
    return Standings(
        sentence=wording.sentence(filters, entries, show),
        notes=(*notes, *(ranking.notes if ranking else ()), *wording.notes(filters, entries, scenery)),
        columns=tuple(found),
        groups=columns.column_groups(found) if _grouped(filters) else (),
        rows=tuple(
            row(
                entry,
                made,
                label=labels[entry.key],
                has_baseline=entry.key in scenery.baseline_of,
                rank=ranks.get(entry.key),
            )
            for entry, made in zip(on_page, table, strict=True)
        ),
        choices=_choices(filters, recipes.values(), scenery, shown),
        sort=sort,
        show=show,
        aggregate=how.value,
        suite=filters.suite,
        pages=pages,
        protocol=chosen.fingerprint[:8] if chosen else "",
        ranking=ranking,
    )


def _everyone(scenery: Scene, column: Column, cells: Cells) -> Cells:
    """`cells` with the scores of all rows in what `column` is made of, where it has those of one page."""
    needed = {one.protocol for one in order.parts_of(column, cells.overall)}
    return replace(cells, scores=scenery.measured(needed), _overall={})


def _grouped(filters: Filters) -> bool:
    """Languages stand by family only where they are ordered by it."""
    return filters.view is not View.TASK or filters.order == "family"


def _protocol(filters: Filters, protocols: Mapping[int, ProtocolValue], shown: Presence) -> ProtocolValue | None:
    """The protocol of the task page: the one that is asked for, else the one that most rows have."""
    used = shown.times
    if filters.protocol:
        for protocol in protocols.values():
            if protocol.fingerprint.startswith(filters.protocol) and len(filters.protocol) >= 8:
                return protocol
        known = [protocol.fingerprint[:8] for protocol in protocols.values()]
        raise FilterError(f"The task has no scores under a protocol '{filters.protocol[:80]}'.", known)
    if not used:
        return None
    # What ran here comes before what was printed: most of what is printed has no languages to show.
    return protocols[min(used, key=lambda pk: (protocols[pk].published, -used[pk], protocols[pk].label, pk))]


def _with_scores(entries: Sequence[Entry], found: Sequence[Column], shown: Presence) -> list[Entry]:
    """The entries that have anything in any column: a language of it, or a mean over all of them that was printed."""
    wanted: dict[int, set[str]] = {}
    for column in found:
        if column.protocol is not None:
            wanted.setdefault(column.protocol, set()).update(column.parts, [""] if column.scope == "" else [])
    there = shown.with_any(wanted)
    return [entry for entry in entries if entry.key in there]


def _choices(filters: Filters, recipes: Collection[Entry], scenery: Scene, shown: Presence) -> Choices:
    encoders = {entry.encoder: entry.encoder_title for entry in recipes}
    used = {slug for entry in recipes for slug in entry.intermediate}
    return Choices(
        suites=_as_choices(SUITES.items()),
        encoders=_as_choices(encoders.items()),
        methods=_as_choices(
            (value, title)
            for value, title in Recipe.Method.choices
            if filters.view is not View.TRANSFER or value not in WITHOUT_TASKS
        ),
        intermediates=_as_choices((slug, task.title) for slug, task in registry.TASKS.items() if slug in used),
        variants=_as_choices(Variant.choices),
        origins=_as_choices(Run.Origin.choices) if filters.view is not View.TRANSFER else (),
        sources=tuple(Choice(key, source.title) for key, source in scenery.sources.items()),
        studies=records.studies(),
        aggregates=_as_choices(Aggregate.choices),
        protocols=_protocol_choices(filters, scenery, shown),
    )


def _as_choices(pairs: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, title) for value, title in pairs)


def _protocol_choices(filters: Filters, scenery: Scene, shown: Presence) -> tuple[Choice, ...]:
    if filters.view is not View.TASK:
        return ()
    return tuple(
        Choice(protocol.fingerprint[:8], protocol.label)
        for protocol in scenery.protocols.values()
        if shown.times[protocol.pk]
    )
