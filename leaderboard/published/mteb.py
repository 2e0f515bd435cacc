"""Results of MTEB as rows: what 1.11 and later write, and the files from before, of which the hub has many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from leaderboard.published.reading import (
    Reading,
    Row,
    has,
    part,
    percent,
    read_object,
    row,
    whatever_its_shape,
)
from runner.errors import RecipeError
from runner.tasks.xtreme import TATOEBA_CODES


@dataclass(frozen=True)
class Task:
    """A task of MTEB that is one of ours, and what makes its protocol another one."""

    slug: str
    metric: str
    remark: str = ""


# MTEB's headline of both is the mean F1 of each target sentence as a class of its own. Of Tatoeba it gives XTREME's
# accuracy beside it. Of BUCC it mines nothing: of each gold sentence the nearest one counts, with no threshold.
TASKS = {
    "Tatoeba": Task("tatoeba", "accuracy"),
    "BUCC": Task("bucc2018", "f1", "gold sentences in the whole English pool, nearest neighbours without threshold"),
    "BUCC.v2": Task("bucc2018", "f1", "gold pairs alone, nearest neighbours without threshold"),
}
SHORT = {code: short for short, code in TATOEBA_CODES.items()}
ENGLISH = ("eng", "en")
SPLITS = {"dev": "validation"}


class Subset(NamedTuple):
    """The scores of one pair of languages on one split."""

    split: str
    name: str
    scores: Mapping[str, Any]
    version: Any


@whatever_its_shape
def mteb(text: str, name: str) -> Reading:
    """One task's result: shares from 0 to 1, by split and pair of languages. It names no system."""
    content = read_object(text, name)
    task, subsets = _before_1_11(content) if "mteb_dataset_name" in content else _since_1_11(content)
    if task is None:
        raise RecipeError(f"{name} has no 'task_name' and 'scores': it is no result of MTEB.")
    if task not in TASKS:
        return Reading((), (task,))
    rows: list[Row] = []
    left_out: list[str] = []
    for one in subsets:
        language = language_of(one.name)
        if not has(TASKS[task].slug, language) or TASKS[task].metric not in one.scores:
            left_out.append(f"{task} {one.name}")
            continue
        rows.append(_row(task, one, language, content.get("dataset_revision")))
    return Reading(tuple(rows), tuple(left_out))


def _since_1_11(content: Mapping[str, Any]) -> tuple[str | None, Iterator[Subset]]:
    task, scores = content.get("task_name"), content.get("scores")
    if not isinstance(task, str) or not isinstance(scores, dict):
        return None, iter(())
    return task, (
        # A file that was filled up by a later version has each subset's own.
        Subset(split, str(one.get("hf_subset")), one, one.get("mteb_version") or content.get("mteb_version"))
        for split, subsets in scores.items()
        for one in subsets
    )


def _before_1_11(content: Mapping[str, Any]) -> tuple[str, Iterator[Subset]]:
    """The splits stand beside what is said of the file, and the pairs beside the time that a split took."""
    return str(content["mteb_dataset_name"]), (
        Subset(split, name, part(content[split], name), content.get("mteb_version"))
        for split in content
        if isinstance(content[split], dict)
        for name in content[split]
        if isinstance(content[split][name], dict)
    )


def _row(task: str, subset: Subset, language: str, revision: Any) -> Row:
    known = TASKS[task]
    return row(
        task=known.slug,
        language=language,
        metric=known.metric,
        value=percent(subset.scores[known.metric], f"{task}, {subset.name}"),
        split=SPLITS.get(subset.split, subset.split),
        protocol=["MTEB", known.remark],
        notes=[
            f"{task}, {subset.name}",
            f"MTEB {subset.version or 'unknown'}",
            f"data {revision}" if revision else "",
        ],
    )


def language_of(pair: str) -> str:
    """The language whose sentences are looked up among the English ones, in `deu-eng` or `de-en`; empty for others.

    The order matters: MTEB searches the second for each of the first, as XTREME does, and `en-de` is another task.
    """
    source, _, target = pair.partition("-")
    return SHORT.get(source, source) if target in ENGLISH and source not in ENGLISH else ""
