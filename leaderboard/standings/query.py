"""`load`: filters in, standings out. The only reader of scores for tables, files and figures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from leaderboard.models import Recipe, Run, SourceStatus
from leaderboard.standings import aggregate, columns, compare, records, wording
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.table import (
    NOTHING,
    OVERALL,
    Cell,
    Choice,
    Choices,
    Column,
    Measured,
    Row,
    RunLink,
    Standings,
)
from leaderboard.variants import Variant
from runner.tasks import registry
from runner.tasks.kinds import Role

# Methods that the transfer map does not offer: they have no intermediate task.
WITHOUT_TASKS = (Recipe.Method.BASELINE, Recipe.Method.TRANSLATE_TRAIN)


@dataclass(frozen=True)
class _Scene:
    """Everything that a view is computed from."""

    entries: list[Entry]
    baseline_of: Mapping[str, Entry]
    protocols: Mapping[int, ProtocolValue]
    scores: Mapping[tuple[str, int], Measured]
    unverified: int


def load(filters: Filters) -> Standings:
    """The standings that `filters` ask for. Six queries (seven with a study), however many rows there are.

    FilterError where the task page asks for a protocol that its task was not measured under.
    """
    recipes = records.recipes()
    scene = _scene(filters, recipes)
    row_keys = {entry.key for entry in scene.entries}
    shown = {key: measured for key, measured in scene.scores.items() if key[0] in row_keys}
    chosen = None
    if filters.view is View.TASK:
        chosen = _protocol(filters, scene.protocols, shown)
        found = columns.language_columns(filters, chosen, shown) if chosen else []
    else:
        found = columns.task_columns(filters, scene.protocols, shown)
    rows = _rows(scene, found)
    sort, notes = _sorting(filters, found)
    return Standings(
        sentence=wording.sentence(filters, rows, recipes.values()),
        notes=(*notes, *wording.notes(filters, rows, scene.entries, scene.unverified)),
        columns=tuple(found),
        groups=columns.column_groups(found) if _grouped(filters) else (),
        rows=tuple(wording.labelled(_sorted(rows, found, sort, filters.show))),
        choices=_choices(filters, recipes.values(), _protocol_choices(filters, scene, shown)),
        sort=sort,
        show=filters.show,
        protocol=chosen.fingerprint[:8] if chosen else "",
    )


def _grouped(filters: Filters) -> bool:
    """Languages stand by family only where they are ordered by it."""
    return filters.view is not View.TASK or filters.order == "family"


def _scene(filters: Filters, recipes: Mapping[int, Entry]) -> _Scene:
    wanted = {pk: entry for pk, entry in recipes.items() if _matches(filters, entry)}
    baselines = records.baselines(recipes.values())
    baseline_of = {
        entry.key: base
        for entry in wanted.values()
        if (base := baselines.get((entry.encoder, entry.target_settings))) and base.key != entry.key
    }
    study = records.runs_of_study(filters.study) if filters.study else None
    base_keys = {base.key for base in baseline_of.values()}
    entry_of: dict[int, tuple[Entry, int]] = {}
    outside: list[Entry] = []
    for run in records.runs():
        inside = study is None or run.pk in study
        if run.origin != Run.Origin.LOCAL:
            if not inside or not _wants_outside(filters):
                continue
            entry, seed = records.outside_entry(run), records.NO_SEED
            outside.append(entry)
        elif run.recipe_id in wanted and inside:
            entry, seed = wanted[run.recipe_id], run.seed
        elif recipes[run.recipe_id].key in base_keys:
            # Not a row of this view, but what its rows are compared with.
            entry_of[run.pk] = recipes[run.recipe_id], run.seed
            continue
        else:
            continue
        entry.runs.append(RunLink(run.pk, run.seed))
        entry_of[run.pk] = entry, seed
    tasks = [registry.TASKS[filters.task]] if filters.task else list(registry.tasks(Role.TARGET))
    scores, held_back = records.measured(entry_of, tasks, narrow=_narrow(filters), unverified=filters.unverified)
    held_back -= {key for key, _ in scores}
    outside = [entry for entry in outside if entry.key not in held_back]
    return _Scene(
        entries=[*(entry for entry in wanted.values() if entry.runs), *outside],
        baseline_of=baseline_of,
        protocols=records.protocols(filters),
        scores=scores,
        unverified=len(held_back),
    )


def _matches(filters: Filters, entry: Entry) -> bool:
    if filters.view is View.TRANSFER and not _has_intermediate_phase(entry):
        return False
    return (
        filters.encoder in ("", entry.encoder)
        and filters.method in ("", entry.method)
        and (not filters.intermediate or filters.intermediate in entry.intermediate)
        and (not filters.variant or filters.variant in entry.variants)
    )


def _has_intermediate_phase(entry: Entry) -> bool:
    """Whether there is something before the target's own training that could transfer: MLM alone counts."""
    return bool(entry.intermediate or entry.mlm)


def _wants_outside(filters: Filters) -> bool:
    """Systems from outside have no recipe here, so any filter on one excludes them."""
    return filters.view is not View.TRANSFER and not _restricts_recipes(filters)


def _narrow(filters: Filters) -> bool:
    return _restricts_recipes(filters) or bool(filters.study)


def _restricts_recipes(filters: Filters) -> bool:
    return bool(filters.encoder or filters.method or filters.intermediate or filters.variant)


def _protocol(
    filters: Filters, protocols: Mapping[int, ProtocolValue], scores: Mapping[tuple[str, int], Measured]
) -> ProtocolValue | None:
    """The protocol of the task page: the one that is asked for, else the one that most rows have."""
    used = {pk: sum(pk == other for _, other in scores) for _, pk in scores if pk in protocols}
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


def _rows(scene: _Scene, found: list[Column]) -> list[Row]:
    overall = columns.overall_parts(found, scene.protocols, scene.scores)
    rows = []
    for entry in scene.entries:
        base = scene.baseline_of.get(entry.key)
        cells = tuple(_cell(scene, entry, base, column, overall) for column in found)
        if any(not cell.empty for cell in cells):
            rows.append(_row(entry, base is not None, cells))
    return rows


def _cell(scene: _Scene, entry: Entry, base: Entry | None, column: Column, overall: Mapping[str, Column]) -> Cell:
    if column.key == OVERALL:
        mine, whole = aggregate.overall(_by_task(scene, entry, overall)), False
        theirs = aggregate.overall(_by_task(scene, base, overall)) if base else NOTHING
    else:
        mine, whole = scene.scores.get((entry.key, column.protocol), NOTHING), len(column.parts) == column.total
        theirs = scene.scores.get((base.key, column.protocol), NOTHING) if base else NOTHING
        # A printed mean over languages says nothing about one of them.
        whole = whole and column.key not in column.parts
    difference = compare.difference(mine, theirs, column.parts, whole=whole)
    if column.key == OVERALL and difference and not difference.complete:
        # Over a part of the tasks it would be another quantity under the same name.
        difference = None
    return replace(aggregate.cell(mine, column.parts, whole=whole), difference=difference)


def _by_task(
    scene: _Scene, entry: Entry, overall: Mapping[str, Column]
) -> dict[str, tuple[Measured, tuple[str, ...], bool]]:
    return {
        task: (
            scene.scores.get((entry.key, column.protocol), NOTHING),
            column.parts,
            len(column.parts) == column.total,
        )
        for task, column in overall.items()
    }


def _row(entry: Entry, has_baseline: bool, cells: tuple[Cell, ...]) -> Row:  # noqa: FBT001
    source = entry.source
    status = records.weakest({cell.status for cell in cells if cell.status})
    titles = [registry.TASKS[slug].title if slug in registry.TASKS else slug for slug in entry.intermediate]
    return Row(
        key=entry.key,
        title=entry.title,
        origin=entry.origin,
        origin_label=Run.Origin(entry.origin).label,
        encoder=entry.encoder,
        encoder_title=entry.encoder_title,
        method=entry.method,
        method_label=Recipe.Method(entry.method).label if entry.method else "",
        intermediate=entry.intermediate,
        intermediate_title=" + ".join(titles),
        mlm=entry.mlm,
        translation=entry.translation,
        variant="+".join(entry.variants) if entry.recipe else "",
        recipe=entry.recipe,
        runs=tuple(entry.runs),
        is_baseline=entry.is_baseline,
        has_baseline=has_baseline,
        source=source.title if source else "",
        source_url=source.url if source else "",
        source_status=status,
        source_status_label=SourceStatus(status).label if status else "",
        cells=cells,
    )


def _sorting(filters: Filters, found: list[Column]) -> tuple[str, tuple[str, ...]]:
    """The order that can be had, and a note where it is not the one that was asked for."""
    key = filters.sort.removeprefix("-")
    if not key or key == "title" or key in {column.key for column in found}:
        return filters.sort, ()
    return "", (f"Not sorted by '{key}': this view has no such column.",)


def _sorted(rows: list[Row], found: list[Column], sort: str, show: str) -> list[Row]:
    """The rows in the order of `sort`; rows without a value stay last in both directions."""
    key = sort.removeprefix("-")
    backwards = sort.startswith("-")
    if not key:
        return rows
    if key == "title":
        return sorted(rows, key=lambda row: row.title.casefold(), reverse=backwards)
    position = next(index for index, column in enumerate(found) if column.key == key)

    def value(row: Row) -> float | None:
        cell = row.cells[position]
        if show == "score":
            return cell.value
        return cell.paired.value if cell.paired else None

    present = sorted((row for row in rows if value(row) is not None), key=value, reverse=backwards)
    return [*present, *(row for row in rows if value(row) is None)]


def _choices(filters: Filters, recipes: Collection[Entry], protocols: tuple[Choice, ...]) -> Choices:
    encoders = {entry.encoder: entry.encoder_title for entry in recipes}
    used = {slug for entry in recipes for slug in entry.intermediate}
    return Choices(
        encoders=_as_choices(encoders.items()),
        methods=_as_choices(
            (value, title)
            for value, title in Recipe.Method.choices
            if filters.view is not View.TRANSFER or value not in WITHOUT_TASKS
        ),
        intermediates=_as_choices((slug, task.title) for slug, task in registry.TASKS.items() if slug in used),
        variants=_as_choices(Variant.choices),
        studies=records.studies(),
        protocols=protocols,
    )


def _as_choices(pairs: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, title) for value, title in pairs)


def _protocol_choices(
    filters: Filters, scene: _Scene, scores: Mapping[tuple[str, int], Measured]
) -> tuple[Choice, ...]:
    if filters.view is not View.TASK:
        return ()
    used = {pk for _, pk in scores}
    return tuple(
        Choice(protocol.fingerprint[:8], protocol.label) for protocol in scene.protocols.values() if protocol.pk in used
    )
