"""The view of alignment: checkpoints by language in one layer, over all layers, and against what targets gained."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.http import QueryDict

from leaderboard.models import Score, Task
from leaderboard.services import headlines
from leaderboard.standings import asked, by_language, checkpoints
from leaderboard.standings.aggregate import mean
from leaderboard.standings.checkpoints import Checkpoint, Protocol, Values
from leaderboard.standings.filters import FilterError
from leaderboard.standings.over_languages import LanguageMean, over_languages
from leaderboard.standings.statistics.association import Correlation, spearman
from leaderboard.standings.table import Choice
from runner.recipes import RETRIEVAL_DEPTH
from runner.scoring.alignment import MEASURES, Measure
from runner.tasks import registry
from runner.tasks.kinds import Role
from runner.tasks.languages import LANGUAGES

KNOWN = ("text", "protocol", "measure", "layer", "encoder", "languages", "target", "sort")
USUAL_MEASURE = "accuracy_into_pivot"
MOST_LAYERS = 200


@dataclass(frozen=True)
class State:
    """What is shown; empty strings and None stand for what is usual. `layer` None: XTREME's relative depth."""

    text: str = ""
    protocol: str = ""
    measure: str = USUAL_MEASURE
    layer: int | None = None
    encoder: str = ""
    languages: str = "all"
    target: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Cell:
    """A value over `n` pairs of sentences, the mean over seeds, and how it differs from the pretrained encoder's."""

    value: float
    n: int
    change: float | None


@dataclass(frozen=True)
class Row:
    """A checkpoint. `cells` stand in the order of the languages, None where one was not measured.

    `mean` and `change` are over the languages that all rows have; `depth` has a mean for each layer.
    """

    key: str
    title: str
    encoder: str
    encoder_title: str
    pretrained: bool
    seeds: tuple[int, ...]
    layer: int
    layers: int
    cells: tuple[Cell | None, ...]
    mean: float | None
    change: LanguageMean | None
    depth: tuple[tuple[int, float], ...]

    @property
    def full_title(self) -> str:
        return f"{self.encoder_title}, {self.title}"


@dataclass(frozen=True)
class Association:
    """Whether languages whose alignment changed more gained more in the target: a point for each language."""

    row: Row
    recipe: str
    points: tuple[tuple[str, float, float], ...]
    correlation: Correlation | None
    reason: str = ""


@dataclass(frozen=True)
class View:
    """All that the page, its files and its charts may show."""

    state: State
    measure: Measure
    text_title: str
    pivot: str
    protocol: Protocol | None
    languages: tuple[str, ...]
    shared: tuple[str, ...]
    rows: tuple[Row, ...]
    target_title: str
    associations: tuple[Association, ...]
    notes: tuple[str, ...]
    choices: Mapping[str, tuple[Choice, ...]]

    @property
    def digits(self) -> int:
        return 1 if self.measure.unit == "%" else 3

    @property
    def sentence(self) -> str:
        layers = sorted({(row.layer, row.layers) for row in self.rows})
        where = " and ".join(f"layer {layer} of {count}" for layer, count in layers)
        return (
            f"{self.measure.title}: {len(self.rows)} {'checkpoint' if len(self.rows) == 1 else 'checkpoints'}, "
            f"{self.text_title} ({self.protocol.label if self.protocol else 'not measured'}), {where}; changes are to "
            f"the pretrained encoder; means over the {len(self.shared)} languages that all rows have."
        )


def parse(query: QueryDict) -> State:
    """The state out of the address; FilterError says what it cannot be."""
    asked.only(query, KNOWN)
    return State(
        text=asked.one_of(query, "text", registry.TASKS),
        protocol=query.get("protocol", ""),
        measure=asked.one_of(query, "measure", MEASURES, USUAL_MEASURE),
        layer=asked.whole_number(query, "layer", MOST_LAYERS),
        encoder=query.get("encoder", ""),
        languages=asked.languages(query),
        target=asked.one_of(query, "target", registry.TASKS),
        sort=_sort(query),
    )


def _sort(query: QueryDict) -> str:
    text = query.get("sort", "")
    if text and text.removeprefix("-") not in ("title", "mean", "change", *LANGUAGES):
        raise asked.unknown("column to sort by,", text, ["title", "mean", "change", *LANGUAGES])
    return text


def load(state: State) -> View:
    """The view of `state`. FilterError for an encoder, protocol or layer that nothing was measured in."""
    measured = checkpoints.found()
    protocol = _protocol(state, measured)
    everything = measured.get(protocol, [])
    encoders = {checkpoint.encoder: checkpoint.encoder_title for checkpoint in everything}
    if state.encoder and state.encoder not in encoders:
        raise asked.unknown("encoder with alignment", state.encoder, encoders)
    kept = [checkpoint for checkpoint in everything if state.encoder in ("", checkpoint.encoder)]
    notes = []
    if state.layer is not None:
        deep = [checkpoint for checkpoint in kept if state.layer <= checkpoint.layers]
        if kept and not deep:
            most = max(checkpoint.layers for checkpoint in kept)
            raise FilterError(f"No encoder here has a layer {state.layer}: they go to {most}.")
        if len(deep) < len(kept):
            notes.append(f"Left out: {len(kept) - len(deep)} checkpoints without a layer {state.layer}.")
        kept = deep
    rows, languages, shared = _rows(state, kept)
    target, associations = _associations(state, kept, rows, languages)
    return View(
        state=state,
        measure=MEASURES[state.measure],
        text_title=registry.TASKS[protocol.text].title if protocol else "no text",
        pivot=LANGUAGES[registry.TASKS[protocol.text].pivot].name if protocol else "",
        protocol=protocol,
        languages=languages,
        shared=shared,
        rows=tuple(_sorted(rows, languages, state.sort)),
        target_title=registry.TASKS[target].title if target else "",
        associations=associations,
        notes=(*notes, *_notes(rows, languages, shared)),
        choices=_choices(protocol, measured, encoders, everything, target),
    )


def _protocol(state: State, measured: Mapping[Protocol, Collection[Checkpoint]]) -> Protocol | None:
    """The protocol that is asked for, else the one with the most checkpoints (of the text, where one is named)."""
    found = [protocol for protocol in measured if state.text in ("", protocol.text)]
    if state.protocol:
        for protocol in found:
            if protocol.key == state.protocol:
                return protocol
        raise asked.unknown("protocol", state.protocol, [protocol.key for protocol in found])
    return max(found, key=lambda protocol: (len(measured[protocol]), protocol.key), default=None)


def usual_layer(layers: int) -> int:
    """The layer at the relative depth that XTREME retrieves from."""
    return round(RETRIEVAL_DEPTH * layers)


def _rows(state: State, kept: Sequence[Checkpoint]) -> tuple[list[Row], tuple[str, ...], tuple[str, ...]]:
    """The rows, the languages that any of them has, and those that all have."""
    layer_of = {
        checkpoint.key: usual_layer(checkpoint.layers) if state.layer is None else state.layer for checkpoint in kept
    }
    layers = {stage: layer_of[checkpoint.key] for checkpoint in kept for stage in _stages(checkpoint)}
    values = checkpoints.in_layers(state.measure, layers)
    by_seed = {checkpoint.key: _by_seed(checkpoint, values) for checkpoint in kept}
    there = [{language for values in seeds.values() for language in values} for seeds in by_seed.values()]
    whole = [set.intersection(*(set(values) for values in seeds.values())) for seeds in by_seed.values()]
    languages = asked.chosen(state.languages, set().union(*there))
    shared = asked.chosen(state.languages, set.intersection(*whole)) if whole else ()
    depths = checkpoints.over_layers(state.measure, layers, shared) if shared else {}
    before = {checkpoint.encoder: by_seed[checkpoint.key][0] for checkpoint in kept if checkpoint.pretrained}
    rows = [
        _row(checkpoint, layer_of[checkpoint.key], by_seed[checkpoint.key], before, languages, shared, depths)
        for checkpoint in kept
    ]
    return rows, languages, shared


def _stages(checkpoint: Checkpoint) -> Iterable[int]:
    return (stage for stages in checkpoint.stages.values() for stage in stages)


def _by_seed(checkpoint: Checkpoint, values: Values) -> dict[int, dict[str, tuple[float, int]]]:
    return {
        seed: {language: one for stage in stages for language, one in values.get(stage, {}).items()}
        for seed, stages in checkpoint.stages.items()
    }


def _row(
    checkpoint: Checkpoint,
    layer: int,
    seeds: Mapping[int, Mapping[str, tuple[float, int]]],
    before: Mapping[str, Mapping[str, tuple[float, int]]],
    languages: Sequence[str],
    shared: Sequence[str],
    depths: Mapping[int, Mapping[int, float]],
) -> Row:
    base = {} if checkpoint.pretrained else before.get(checkpoint.encoder, {})
    cells = {
        language: _cell([found[language] for found in seeds.values() if language in found], base.get(language))
        for language in languages
    }
    changes = [cells[language].change for language in shared]
    return Row(
        key=checkpoint.key,
        title=checkpoint.title,
        encoder=checkpoint.encoder,
        encoder_title=checkpoint.encoder_title,
        pretrained=checkpoint.pretrained,
        seeds=() if checkpoint.pretrained else tuple(checkpoint.stages),
        layer=layer,
        layers=checkpoint.layers,
        cells=tuple(cells[language] for language in languages),
        mean=mean([cells[language].value for language in shared]) if shared else None,
        change=over_languages(changes) if changes and None not in changes else None,
        depth=_depth([depths[stage] for stage in _stages(checkpoint) if stage in depths]),
    )


def _cell(found: Sequence[tuple[float, int]], base: tuple[float, int] | None) -> Cell | None:
    if not found:
        return None
    value = mean([value for value, _ in found])
    # On other sentences it would be no change of the checkpoint's.
    same = base is not None and base[1] == found[0][1]
    return Cell(value, found[0][1], value - base[0] if same else None)


def _depth(found: Sequence[Mapping[int, float]]) -> tuple[tuple[int, float], ...]:
    """Layer -> mean over seeds, where all seeds have the layer."""
    if not found:
        return ()
    return tuple(
        (layer, mean([one[layer] for one in found])) for layer in sorted(found[0]) if all(layer in one for one in found)
    )


def _sorted(rows: list[Row], languages: Sequence[str], sort: str) -> list[Row]:
    """In the order of `sort`; rows without a value stay last in both directions."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")

    def value(row: Row) -> float | None:
        if key == "mean":
            return row.mean
        if key == "change":
            return row.change.value if row.change else None
        cell = row.cells[languages.index(key)]
        return cell.value if cell else None

    if key == "title":
        return sorted(rows, key=lambda row: row.full_title.casefold(), reverse=backwards)
    if key not in ("mean", "change", *languages):
        return rows
    present = sorted((row for row in rows if value(row) is not None), key=value, reverse=backwards)
    return [*present, *(row for row in rows if value(row) is None)]


def _notes(rows: Sequence[Row], languages: Sequence[str], shared: Sequence[str]) -> tuple[str, ...]:
    notes = []
    sizes = {cell.n for row in rows for cell in row.cells if cell}
    if len(sizes) > 1:
        notes.append(
            f"Languages have between {min(sizes):,} and {max(sizes):,} pairs: the fewer sentences are searched, the "
            "easier it is to find the right one, and the larger is CKA. Compare checkpoints within a language."
        )
    if len(shared) < len(languages):
        notes.append(f"{len(languages) - len(shared)} languages are not in the means: some row or seed lacks them.")
    if any(row.change for row in rows):
        notes.append(
            "The interval of a mean change is over languages, as if they were drawn from more of their kind (Student's "
            "t); it says nothing about other seeds."
        )
    return tuple(notes)


def _associations(
    state: State, kept: Sequence[Checkpoint], rows: Sequence[Row], languages: Sequence[str]
) -> tuple[str, tuple[Association, ...]]:
    """The target, and for each recipe that went through a checkpoint how its gains go with the changes."""
    target = state.target or _usual_target(kept)
    if not target:
        return "", ()
    headlines.current()
    scores = by_language.load(registry.TASKS[target])
    protocol = scores.protocol()
    if protocol is None:
        return target, ()
    row_of = {recipe: row for checkpoint, row in zip(kept, rows, strict=True) for recipe in checkpoint.recipes}
    found = []
    for entry in scores.entries(protocol):
        base = scores.baseline(entry, protocol)
        if entry.key in row_of and base:
            gains = by_language.differences(scores.of(entry, protocol), base)
            found.append(_association(row_of[entry.key], entry.title, gains, languages))
    return target, tuple(found)


def _usual_target(kept: Sequence[Checkpoint]) -> str:
    """The first task of the catalogue, retrieval aside, with scores of a recipe whose alignment was measured."""
    recipes = {key.removeprefix("recipe-") for checkpoint in kept for key in checkpoint.recipes}
    tasks = Task.objects.filter(scores__run__recipe__in=recipes).distinct().values_list("pk", flat=True)
    there = [task for task in registry.tasks(Role.TARGET) if task.slug in set(tasks)] if recipes else []
    return next((task.slug for task in there if task.trained_on), there[0].slug if there else "")


def _association(row: Row, recipe: str, gains: Mapping[str, float], languages: Sequence[str]) -> Association:
    points = tuple(
        (language, cell.change, gains[language])
        for language, cell in zip(languages, row.cells, strict=True)
        if cell and cell.change is not None and language in gains
    )
    try:
        found = spearman(np.array([point[1] for point in points]), np.array([point[2] for point in points]))
    except ValueError as error:
        return Association(row, recipe, points, None, str(error))
    return Association(row, recipe, points, found)


def _choices(
    protocol: Protocol | None,
    measured: Mapping[Protocol, Collection[Checkpoint]],
    encoders: Mapping[str, str],
    everything: Sequence[Checkpoint],
    target: str,
) -> dict[str, tuple[Choice, ...]]:
    texts = dict.fromkeys(one.text for one in measured)
    deepest = max((checkpoint.layers for checkpoint in everything), default=0)
    targets = set(Score.objects.values_list("task_id", flat=True).distinct())
    return {
        "texts": tuple(Choice(slug, registry.TASKS[slug].title) for slug in registry.TASKS if slug in texts),
        "protocols": tuple(Choice(one.key, one.label) for one in measured if protocol and one.text == protocol.text),
        "measures": tuple(Choice(name, measure.title) for name, measure in MEASURES.items()),
        "layers": tuple(Choice(str(layer), "embeddings" if layer == 0 else str(layer)) for layer in range(deepest + 1)),
        "encoders": tuple(Choice(slug, title) for slug, title in encoders.items()),
        "targets": tuple(
            Choice(task.slug, task.title) for task in registry.tasks(Role.TARGET) if task.slug in targets | {target}
        ),
    }
