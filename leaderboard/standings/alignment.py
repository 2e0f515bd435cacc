"""The view of alignment: checkpoints by language in one layer, over all layers, and against what targets gained."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from leaderboard.services import headlines
from leaderboard.standings import alignment_rows, alignment_targets, asked, by_language, checkpoints
from leaderboard.standings.alignment_rows import Row
from leaderboard.standings.alignment_targets import Against, Association
from leaderboard.standings.checkpoints import Checkpoint, Protocol
from leaderboard.standings.filters import FilterError
from leaderboard.standings.resource_groups import DEFINITIONS, Definition
from leaderboard.standings.table import Choice
from runner.scoring.alignment import MEASURES, Measure
from runner.tasks import registry
from runner.tasks.kinds import Role
from runner.tasks.languages import LANGUAGES

KNOWN = ("suite", "text", "protocol", "measure", "layer", "encoder", "languages", "definition", "target", "sort")
SORTS = ("title", "mean", "change", "low", "between")
USUAL_MEASURE = "accuracy_into_pivot"
MOST_LAYERS = 200


@dataclass(frozen=True)
class State:
    """What is shown; empty strings and None stand for what is usual. `layer` None: XTREME's relative depth."""

    suite: str = ""
    text: str = ""
    protocol: str = ""
    measure: str = USUAL_MEASURE
    layer: int | None = None
    encoder: str = ""
    languages: str = "all"
    definition: str = "class"
    target: str = ""
    sort: str = ""


@dataclass(frozen=True)
class View:
    """All that the page, its files and its charts may show."""

    state: State
    suite: str
    measure: Measure
    text_title: str
    pivot: str
    protocol: Protocol | None
    languages: tuple[str, ...]
    shared: tuple[str, ...]
    rows: tuple[Row, ...]
    definition: Definition
    low: tuple[str, ...]
    target_title: str
    against: Against
    notes: tuple[str, ...]
    choices: Mapping[str, tuple[Choice, ...]]

    @property
    def associations(self) -> tuple[Association, ...]:
        """Changes of alignment beside gains in the target."""
        return self.against.changes

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
        suite=asked.suite(query),
        text=asked.one_of(query, "text", registry.TASKS),
        protocol=query.get("protocol", ""),
        measure=asked.one_of(query, "measure", MEASURES, USUAL_MEASURE),
        layer=asked.whole_number(query, "layer", MOST_LAYERS),
        encoder=query.get("encoder", ""),
        languages=asked.languages(query),
        definition=asked.one_of(query, "definition", DEFINITIONS, "class"),
        target=asked.one_of(query, "target", registry.TASKS),
        sort=_sort(query),
    )


def _sort(query: QueryDict) -> str:
    text = query.get("sort", "")
    if text and text.removeprefix("-") not in (*SORTS, *LANGUAGES):
        raise asked.unknown("column to sort by,", text, [*SORTS, *LANGUAGES])
    return text


def load(state: State) -> View:
    """The view of `state`. FilterError for an encoder, protocol or layer that nothing was measured in."""
    headlines.current()
    everything = checkpoints.found()
    there = sorted({protocol.text for protocol in everything})
    suite, texts = asked.in_suite(state.suite, state.text, there)
    measured = {protocol: found for protocol, found in everything.items() if protocol.text in texts}
    protocol = _protocol(state, measured)
    of_protocol = measured.get(protocol, [])
    encoders = {checkpoint.encoder: checkpoint.encoder_title for checkpoint in of_protocol}
    if state.encoder and state.encoder not in encoders:
        raise asked.unknown("encoder with alignment", state.encoder, encoders)
    kept = [checkpoint for checkpoint in of_protocol if state.encoder in ("", checkpoint.encoder)]
    notes = []
    if state.layer is not None:
        deep = [checkpoint for checkpoint in kept if state.layer <= checkpoint.layers]
        if kept and not deep:
            most = max(checkpoint.layers for checkpoint in kept)
            raise FilterError(f"No encoder here has a layer {state.layer}: they go to {most}.")
        if len(deep) < len(kept):
            notes.append(f"Left out: {len(kept) - len(deep)} checkpoints without a layer {state.layer}.")
        kept = deep
    definition = DEFINITIONS[state.definition]
    rows, languages, shared = alignment_rows.rows(state.measure, state.layer, state.languages, definition, kept)
    against = alignment_targets.against(state.target, kept, rows, languages)
    return View(
        state=state,
        suite=suite,
        measure=MEASURES[state.measure],
        text_title=registry.TASKS[protocol.text].title if protocol else "no text",
        pivot=LANGUAGES[registry.TASKS[protocol.text].pivot].name if protocol else "",
        protocol=protocol,
        languages=languages,
        shared=shared,
        rows=tuple(_sorted(rows, languages, state.sort)),
        definition=definition,
        low=definition.split(shared)[0],
        target_title=registry.TASKS[against.target].title if against.target else "",
        against=against,
        notes=(*notes, *_notes(rows, languages, shared)),
        choices={
            "suites": asked.suite_choices(there),
            **_choices(protocol, measured, encoders, of_protocol, against.target, suite),
        },
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


def _sorted(rows: list[Row], languages: Sequence[str], sort: str) -> list[Row]:
    """In the order of `sort`; rows without a value stay last in both directions."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")

    def value(row: Row) -> float | None:
        if key == "mean":
            return row.mean
        if key in ("change", "low", "between"):
            found = getattr(row, key)
            return found.value if found else None
        cell = row.cells[languages.index(key)]
        return cell.value if cell else None

    if key == "title":
        return sorted(rows, key=lambda row: row.full_title.casefold(), reverse=backwards)
    if key not in (*SORTS, *languages):
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
            "A mean change has two 95% intervals: over seeds, for these very languages and sentences (Student's t; "
            "beside one that has zero in it stands what so many seeds would find with a chance of 80%), and over "
            "languages, as if they were drawn from more of their kind (Student's t; Welch's of a difference of groups)."
        )
    return tuple(notes)


def _choices(
    protocol: Protocol | None,
    measured: Mapping[Protocol, Collection[Checkpoint]],
    encoders: Mapping[str, str],
    of_protocol: Sequence[Checkpoint],
    target: str,
    suite: str,
) -> dict[str, tuple[Choice, ...]]:
    texts = dict.fromkeys(one.text for one in measured)
    deepest = max((checkpoint.layers for checkpoint in of_protocol), default=0)
    targets = {task.slug for task in by_language.tasks_with_scores()}
    return {
        "texts": tuple(Choice(slug, registry.TASKS[slug].title) for slug in registry.TASKS if slug in texts),
        "protocols": tuple(Choice(one.key, one.label) for one in measured if protocol and one.text == protocol.text),
        "measures": tuple(Choice(name, measure.title) for name, measure in MEASURES.items()),
        "layers": tuple(Choice(str(layer), "embeddings" if layer == 0 else str(layer)) for layer in range(deepest + 1)),
        "encoders": tuple(Choice(slug, title) for slug, title in encoders.items()),
        "definitions": tuple(Choice(key, f"{one.title} ({one.source})") for key, one in DEFINITIONS.items()),
        "targets": tuple(
            Choice(task.slug, task.title)
            for task in registry.tasks(Role.TARGET)
            if task.slug in targets | {target} and asked.suite_of(task.slug) == suite
        ),
    }
