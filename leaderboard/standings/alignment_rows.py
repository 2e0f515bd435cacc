"""Rows of the view of alignment: a checkpoint by language in one layer, over all layers, and how it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.standings import asked, checkpoints
from leaderboard.standings.aggregate import mean
from leaderboard.standings.checkpoints import Checkpoint, Values
from leaderboard.standings.over_languages import Quantity, between, over_languages
from leaderboard.standings.resource_groups import Definition
from leaderboard.standings.statistics import intervals
from runner.recipes import RETRIEVAL_DEPTH

ONE_SEED = "one seed: nothing is known about others"
# language -> (value, pairs), and seed -> that.
Found = Mapping[str, tuple[float, int]]
Seeds = Mapping[int, Found]


@dataclass(frozen=True)
class Cell:
    """A value over `n` pairs of sentences, the mean over seeds, and how it differs from the pretrained encoder's."""

    value: float
    n: int
    change: float | None


@dataclass(frozen=True)
class Row:
    """A checkpoint. `cells` stand in the order of the languages, None where one was not measured.

    `mean` and `change` are over the languages that all rows have, `low` is the change of the low-resource ones among
    them, `between` that less the others' change; `depth` has a mean for each layer.
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
    change: Quantity | None
    low: Quantity | None
    between: Quantity | None
    depth: tuple[tuple[int, float], ...]

    @property
    def full_title(self) -> str:
        return f"{self.encoder_title}, {self.title}"


def usual_layer(layers: int) -> int:
    """The layer at the relative depth that XTREME retrieves from."""
    return round(RETRIEVAL_DEPTH * layers)


def rows(
    measure: str, layer: int | None, wanted: str, definition: Definition, kept: Sequence[Checkpoint]
) -> tuple[list[Row], tuple[str, ...], tuple[str, ...]]:
    """The rows of these checkpoints, the languages (of those `wanted`) that any of them has, and those that all have.

    `layer` None: XTREME's relative depth.
    """
    layer_of = {checkpoint.key: usual_layer(checkpoint.layers) if layer is None else layer for checkpoint in kept}
    layers = {stage: layer_of[checkpoint.key] for checkpoint in kept for stage in _stages(checkpoint)}
    values = checkpoints.in_layers(measure, layers)
    by_seed = {checkpoint.key: _by_seed(checkpoint, values) for checkpoint in kept}
    there = [{language for values in seeds.values() for language in values} for seeds in by_seed.values()]
    whole = [set.intersection(*(set(values) for values in seeds.values())) for seeds in by_seed.values()]
    languages = asked.chosen(wanted, set().union(*there))
    shared = asked.chosen(wanted, set.intersection(*whole)) if whole else ()
    depths = checkpoints.over_layers(measure, layers, shared) if shared else {}
    before = {checkpoint.encoder: by_seed[checkpoint.key][0] for checkpoint in kept if checkpoint.pretrained}
    found = [
        _row(
            checkpoint,
            layer_of[checkpoint.key],
            by_seed[checkpoint.key],
            {} if checkpoint.pretrained else before.get(checkpoint.encoder, {}),
            languages,
            (shared, *definition.split(shared)),
            depths,
        )
        for checkpoint in kept
    ]
    return found, languages, shared


def _row(
    checkpoint: Checkpoint,
    layer: int,
    seeds: Seeds,
    base: Found,
    languages: Sequence[str],
    groups: tuple[Sequence[str], Sequence[str], Sequence[str]],
    depths: Mapping[int, Mapping[int, float]],
) -> Row:
    cells = {
        language: _cell([found[language] for found in seeds.values() if language in found], base.get(language))
        for language in languages
    }
    shared, low, rest = groups
    return Row(
        key=checkpoint.key,
        title=checkpoint.title,
        encoder=checkpoint.encoder,
        encoder_title=checkpoint.encoder_title,
        pretrained=checkpoint.pretrained,
        seeds=() if checkpoint.pretrained else tuple(checkpoint.stages),
        layer=layer,
        layers=checkpoint.layers,
        cells=tuple(cells.values()),
        mean=mean([cells[language].value for language in shared]) if shared else None,
        change=_change(cells, seeds, base, shared),
        low=_change(cells, seeds, base, low),
        between=_change(cells, seeds, base, low, rest) if rest else None,
        depth=_depth([depths[stage] for stage in _stages(checkpoint) if stage in depths]),
    )


def _change(
    cells: Mapping[str, Cell | None], seeds: Seeds, base: Found, group: Sequence[str], others: Sequence[str] = ()
) -> Quantity | None:
    """The mean change of a group, or less that of the others; None where a language has none."""
    changes = {code: cells[code].change for code in (*group, *others)}
    if not group or None in changes.values():
        return None
    mine, theirs = [changes[code] for code in group], [changes[code] for code in others]
    by_seed = [
        mean([found[code][0] - base[code][0] for code in group])
        - (mean([found[code][0] - base[code][0] for code in others]) if others else 0)
        for found in seeds.values()
    ]
    interval = intervals.over_seeds(np.array(by_seed), "sentences") if len(by_seed) > 1 else None
    return Quantity(between(mine, theirs) if others else over_languages(mine), interval, "" if interval else ONE_SEED)


def _stages(checkpoint: Checkpoint) -> Iterable[int]:
    return (stage for stages in checkpoint.stages.values() for stage in stages)


def _by_seed(checkpoint: Checkpoint, values: Values) -> dict[int, dict[str, tuple[float, int]]]:
    return {
        seed: {language: one for stage in stages for language, one in values.get(stage, {}).items()}
        for seed, stages in checkpoint.stages.items()
    }


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
