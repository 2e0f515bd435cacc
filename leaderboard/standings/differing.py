"""What differs between rows that stand side by side: settings, how predictions were made, and protocols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.models import Protocol, Recipe, Run
from leaderboard.standings.presence import Presence
from leaderboard.standings.records import Entry
from leaderboard.standings.table import Column
from runner.tasks import registry

# What a protocol says, in the words of the About page.
PROTOCOL_FIELDS = {
    "split": "split",
    "limit": "items a language",
    "max_length": "length",
    "layer": "layer",
    "pooling": "pooling",
    "precision": "precision",
    "scorer_version": "scorer",
    "data": "data revision",
    "published": "published",
}
# Those of them that are about how predictions were made: of an upload they are not known.
MADE_WITH = ("max_length", "precision", "layer", "pooling")
NOT_KNOWN = "not known"
# Of a recipe's settings; `masked` are those of MLM.
PHASES = {"intermediate": "intermediate phase", "target": "target phase", "sampling": "sampling", "masked": "MLM"}


@dataclass(frozen=True)
class Difference:
    """What differs between the rows: a setting or a field of a protocol, with its value for each of them."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Apart:
    """A task that the rows were measured in under different protocols: shown, never compared."""

    title: str
    differences: tuple[Difference, ...]


def made_with(
    shared: Sequence[Column], entries: Sequence[Entry], presence: Presence, details: Mapping[int, Protocol]
) -> Iterator[Difference]:
    """How the predictions of rows from here were made, where a row beside them was uploaded and does not say it."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for column in shared:
        there = [entry if presence.has(entry.key, column.protocol) else None for entry in entries]
        if not any(entry and entry.origin == Run.Origin.UPLOADED for entry in there):
            continue
        for name in MADE_WITH:
            value = getattr(details[column.protocol], name)
            if value in (None, ""):
                continue
            values = (
                "" if entry is None else NOT_KNOWN if entry.origin == Run.Origin.UPLOADED else _said(value)
                for entry in there
            )
            found.setdefault((PROTOCOL_FIELDS[name], tuple(values)), []).append(column.title)
    for (name, values), tasks in found.items():
        yield Difference(f"{name} ({', '.join(tasks)})", values)


def apart(
    there: Sequence[Column], entries: Sequence[Entry], presence: Presence, details: Mapping[int, Protocol]
) -> Iterator[Apart]:
    """The tasks in which two rows have no protocol in common, with the fields in which these differ."""
    for task in dict.fromkeys(column.task for column in there):
        of_row = [
            {column.protocol for column in there if column.task == task and presence.has(entry.key, column.protocol)}
            for entry in entries
        ]
        if all(mine & of_row[0] for mine in of_row if mine) and of_row[0]:
            continue
        if sum(bool(mine) for mine in of_row) < 2:
            continue
        shown = [details[min(mine)] if mine else None for mine in of_row]
        differences = [Difference("protocol", tuple(one.label if one else "not measured" for one in shown))]
        differences += [
            Difference(title, tuple("" if one is None else _said(getattr(one, name)) for one in shown))
            for name, title in PROTOCOL_FIELDS.items()
            if len({getattr(one, name) for one in shown if one}) > 1
        ]
        yield Apart(registry.TASKS[task].title, tuple(differences))


def settings(entries: Sequence[Entry]) -> Iterator[Difference]:
    """What differs between the recipes: encoder, method, and every setting of their phases."""
    found = dict(
        Recipe.objects.filter(fingerprint__in=[entry.recipe for entry in entries if entry.recipe]).values_list(
            "fingerprint", "settings"
        )
    )
    flat = [_flat(entry, found.get(entry.recipe, {})) for entry in entries]
    for name in dict.fromkeys(name for values in flat for name in values):
        # A row without a phase has none of its settings: that it has none is said once.
        there = {values[name] for values in flat if name in values}
        if len(there) > 1:
            yield Difference(name, tuple(values.get(name, "") for values in flat))


def _flat(entry: Entry, settings: Mapping[str, Any]) -> dict[str, str]:
    if not entry.recipe:
        return {"source": entry.source.title if entry.source else "uploaded"}
    found = {
        "encoder": entry.encoder_title,
        "method": entry.method_label,
        "intermediate tasks": entry.intermediate_title,
        "variant": ", ".join(variant.label for variant in entry.variants),
        "translated data": entry.translation,
        "seeds": ", ".join(str(run.seed) for run in entry.runs),
    }
    for phase, title in PHASES.items():
        found[title] = "yes" if settings.get(phase) else "none"
        for name, value in (settings.get(phase) or {}).items():
            found[f"{title}, {name.replace('_', ' ')}"] = _said(value)
    return found


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value in (None, "") else str(value)
