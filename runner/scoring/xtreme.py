"""XTREME's evaluate.py as a function: folders of predictions and labels in, its report out.

The figures and names are those of google-research/xtreme, commit 838c13b, for `--xtreme_version xtreme`:

- A task is scored where both folders have its sub-folder, and left out where one has not. A task that is scored
  needs a file for each of its languages, on both sides.
- The report holds, for each task, metric -> language -> figure in 0..100, `avg_<metric>` over the languages,
  English included, and `avg_metric`: F1, accuracy, or the mean of F1 and exact match.
- A group (`classification`, `tagging`, `qa`, `retrieval`) is there only with all its tasks, `all_task` only with
  all nine: the mean of the tasks, not of the groups. Where nothing is scored the report is empty.

As there, and not refused: an empty line is a wrong label; an unanswered question counts 0 and an answer to no
question nothing; a pair that is listed twice counts once. Where evaluate.py stops with a traceback, FileRefused says
in one sentence what is wrong: a missing file, other numbers of items, empty files, bytes that are not UTF-8, bad JSON,
a question without answers, an answer that is not a text. Four things are refused that evaluate.py scores without a
word, because each can only be a mistake: a predicted label that is neither one of the task's nor in the labels' file,
a Tatoeba prediction that is not a number, a line of BUCC that is not two ids, a question that is there twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.errors import RecipeError
from runner.scoring import checks, classification, mining, questions, reading, tagging
from runner.scoring.layout import file_of, folder_of
from runner.scoring.reading import File
from runner.tasks.kinds import Group, TaskSpec
from runner.tasks.registry import task as find_task

Scores = dict[str, float]
Tell = Callable[[str], None]


def _labels(task: TaskSpec, language: str, predictions: File, labels: File, tell: Tell) -> Scores:
    gold, predicted = reading.lines(labels), reading.lines(predictions)
    checks.not_empty(labels, len(gold))
    checks.same_length(predictions, len(predicted), len(gold))
    checks.known(predictions, predicted, task.labels, ("", *gold))
    return {"accuracy": classification.accuracy(gold, predicted)}


def _indices(task: TaskSpec, language: str, predictions: File, labels: File, tell: Tell) -> Scores:
    gold, predicted = reading.lines(labels), reading.lines(predictions)
    checks.not_empty(labels, len(gold))
    checks.same_length(predictions, len(predicted), len(gold))
    checks.indices(predictions, predicted)
    return {"accuracy": classification.accuracy(gold, predicted)}


def _tags(task: TaskSpec, language: str, predictions: File, labels: File, tell: Tell) -> Scores:
    gold, predicted = reading.tags(labels), reading.tags(predictions)
    try:
        counts = tagging.count(gold, predicted)
    except ValueError:
        raise checks.misplaced(predictions, gold, predicted) from None
    checks.known(predictions, predicted, task.labels, ("", *gold))
    return tagging.scores(counts)


def _pairs(task: TaskSpec, language: str, predictions: File, labels: File, tell: Tell) -> Scores:
    return mining.scores(reading.pairs(labels), reading.pairs(predictions))


def _answers(task: TaskSpec, language: str, predictions: File, labels: File, tell: Tell) -> Scores:
    gold, predicted = reading.questions(labels), reading.answers(predictions)
    for name in gold:
        if not isinstance(predicted.get(name, ""), str):
            raise predictions.refused(f"the answer to the question '{name}' is to be a text")
    scored = questions.score(predicted, gold, questions.tokens_of(task.slug, language))
    if absent := sum(not answer.given for answer in scored.values()):
        tell(f"{predictions.name}: {absent} of {len(gold)} questions have no answer and count 0.")
    return questions.means(scored)


# In the order of evaluate.py, which is that of its report.
SCORERS: Mapping[str, Callable[[TaskSpec, str, File, File, Tell], Scores]] = MappingProxyType(
    {
        "paws_x": _labels,
        "xnli": _labels,
        "panx": _tags,
        "udpos": _tags,
        "bucc2018": _pairs,
        "tatoeba": _indices,
        "xquad": _answers,
        "mlqa": _answers,
        "tydiqa": _answers,
    }
)
GROUPS = tuple(group for group in Group if group is not Group.INTERMEDIATE)


def evaluate(predictions: Path, labels: Path, tell: Tell = lambda sentence: None) -> dict[str, Any]:
    """XTREME's report (see above), ready for JSON; RecipeError where something cannot be scored.

    `tell` is given a sentence for each task as it is scored, for each one that is left out, and for each file with
    unanswered questions.
    """
    sides = {"predictions": predictions, "labels": labels}
    for side, root in sides.items():
        if not root.is_dir():
            raise RecipeError(f"The folder of {side} is not there: '{root}'.")
    reports: dict[str, dict[str, Any]] = {}
    for slug in SCORERS:
        folder = folder_of(slug)
        if absent := [side for side, root in sides.items() if not (root / folder).is_dir()]:
            tell(f"{folder}: left out, not in the {' and the '.join(absent)}.")
            continue
        task = find_task(slug)
        reports[slug] = _task_report(
            task, {language: _score(task, language, sides, tell) for language in task.languages}
        )
        averages = (f"{name} {value:.1f}" for name, value in reports[slug].items() if name.startswith("avg_"))
        tell(f"{folder}: {', '.join(averages)}.")
    return {**_overall(reports), **{folder_of(slug): report for slug, report in reports.items()}}


def _score(task: TaskSpec, language: str, sides: Mapping[str, Path], tell: Tell) -> Scores:
    name = file_of(task.slug, language)
    predictions, labels = (File(side, root, name) for side, root in sides.items())
    return SCORERS[task.slug](task, language, predictions, labels, tell)


def _task_report(task: TaskSpec, scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Metric -> language -> figure and the averages, from language -> metric -> figure."""
    metrics = next(iter(scores.values()))
    report: dict[str, Any] = {name: {language: row[name] for language, row in scores.items()} for name in metrics}
    averages = {f"avg_{name}": _mean(report[name].values()) for name in metrics}
    headline = _mean([averages[f"avg_{name}"] for name in task.headline_metrics])
    return {**report, **averages, "avg_metric": headline}


def _overall(reports: Mapping[str, Mapping[str, Any]]) -> Scores:
    """The mean of all tasks, and of each group's, where none is missing."""
    members: dict[str, Sequence[str]] = {"all_task": tuple(SCORERS)}
    members |= {str(group): [slug for slug in SCORERS if find_task(slug).group is group] for group in GROUPS}
    return {
        name: _mean([reports[slug]["avg_metric"] for slug in slugs])
        for name, slugs in members.items()
        if all(slug in reports for slug in slugs)
    }


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def write(report: Mapping[str, Any], path: Path) -> None:
    """The report as JSON, indented by two as XTREME's, all of it or nothing; RecipeError where it cannot be written."""
    draft = path.parent / f".{path.name}.{os.getpid()}.draft"
    try:
        try:
            draft.write_text(json.dumps(report, indent=2), encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise RecipeError(f"The report cannot be written to '{path}' ({error.strerror}).") from error
