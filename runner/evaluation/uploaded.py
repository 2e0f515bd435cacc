"""Predictions from elsewhere, in XTREME's layout, scored by what scores our own.

    python -m runner.evaluation.uploaded JOB.json

JOB.json is an `Upload`. Events and exit codes are the engine's (`runner.events`): a score for each task, language and
metric, the data that was read, and a file of outcomes per item for each task. Without torch, so that it starts at once;
a process of its own, so that whoever takes uploads needs no library of the engine, and so that it can be stopped.

Stricter than XTREME's evaluate.py, for an upload can be mended and sent again: every label has to be one of the task's,
every question needs an answer (an empty one is an answer), and nothing may be answered that was not asked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.data.pools import load_gold
from runner.data.readers import Dataset, load
from runner.errors import RecipeError
from runner.evaluation import classification, questions, tagging
from runner.evaluation.outcomes import Outcome
from runner.evaluation.xtreme_format import announce, item_rows, write_items
from runner.events import EXIT_BUG, EXIT_DONE, EXIT_SUBMITTER, Emit, emitter
from runner.process import die_with_parent
from runner.scoring import checks, mining, reading
from runner.scoring.classification import accuracy, matches
from runner.scoring.layout import file_of, items_file_of
from runner.scoring.reading import File, shown
from runner.scoring.tagging import SEPARATOR, flatten
from runner.tasks.kinds import Kind, TaskSpec
from runner.tasks.registry import task as find_task

# XTREME's files are of its test sets.
SPLIT = "test"


@dataclass(frozen=True)
class Upload:
    """The folder of predictions, the tasks that are in it, the folder to fill, and the local mirror of the data."""

    predictions: str
    tasks: tuple[str, ...]
    output: str
    data_dir: str

    @classmethod
    def from_json(cls, text: str) -> Upload:
        raw = json.loads(text)
        return cls(**{**raw, "tasks": tuple(raw["tasks"])})


def score(upload: Upload, emit: Emit) -> None:
    """Score every language of every task; RecipeError names what the sender, or who keeps the data, can mend."""
    root, output = Path(upload.predictions), Path(upload.output)
    for slug in upload.tasks:
        task = find_task(slug)
        rows: list[dict[str, Any]] = []
        for language in task.languages:
            file = File("predictions", root, file_of(task.slug, language))
            outcome, source_items = (_pairs if task.pools else _examples)(task, language, file, upload.data_dir, emit)
            for metric in task.metrics:
                value = outcome.scores[metric]
                emit("score", task=task.slug, language=language, metric=metric, value=value, n=outcome.n)
            rows.extend(item_rows(language, outcome, source_items))
        announce("items", write_items(output / items_file_of(task.slug), rows), output, emit)


def _examples(task: TaskSpec, language: str, file: File, data_dir: str, emit: Emit) -> tuple[Outcome, Sequence[str]]:
    dataset = load(task, SPLIT, language, data_dir)
    emit("data", **dataset.event())
    return SCORERS[task.kind](dataset, file), dataset.source_items


def _pairs(task: TaskSpec, language: str, file: File, data_dir: str, emit: Emit) -> tuple[Outcome, Sequence[str]]:
    """Mined pairs against the gold ones: the pools themselves are not needed."""
    gold, event = load_gold(task, SPLIT, language, data_dir)
    emit("data", **event)
    found = [(pair[0], pair[1]) for pair in reading.pairs(file) if pair != (SEPARATOR,)]
    chosen = set(found)
    items = [
        {
            "source_id": pair[0],
            "target_id": pair[1],
            "margin": None,
            "correct": pair in chosen,
            "extracted": len(chosen),
            "threshold": None,
        }
        for pair in gold
    ]
    return Outcome(mining.scores(gold, found), len(items), items, ()), ()


def _choices(dataset: Dataset, file: File) -> Outcome:
    lines = reading.lines(file)
    checks.same_length(file, len(lines), len(dataset.examples))
    checks.known(file, lines, dataset.labels, ())
    place = {label: index for index, label in enumerate(dataset.labels)}
    return classification.score(dataset.examples, [place[line] for line in lines], dataset.labels)


def _tags(dataset: Dataset, file: File) -> Outcome:
    lines = reading.tags(file)
    gold = flatten([[dataset.labels[tag] for tag in example.tags] for example in dataset.examples])
    if [line == SEPARATOR for line in lines] != [line == SEPARATOR for line in gold]:
        raise checks.misplaced(file, gold, lines)
    checks.known(file, lines, dataset.labels)
    place = {label: index for index, label in enumerate(dataset.labels)}
    words = (
        [place[line] for line in sentence]
        for ends, sentence in groupby(lines, lambda line: line == SEPARATOR)
        if not ends
    )
    return tagging.score(dataset.examples, list(words), dataset.labels)


def _answers(dataset: Dataset, file: File) -> Outcome:
    answers = reading.answers(file)
    asked = [example.id for example in dataset.examples]
    if strange := next(iter(answers.keys() - set(asked)), None):
        raise file.refused(f"there is no question {shown(strange)} among the {len(asked)} of this language")
    if missing := [name for name in asked if name not in answers]:
        raise file.refused(
            f"{len(missing)} of {len(asked)} questions have no answer, the first is {shown(missing[0])}; "
            "an empty text says that there is none"
        )
    if wrong := next((name for name in asked if not isinstance(answers[name], str)), None):
        raise file.refused(f"the answer to the question {shown(wrong)} is to be a text")
    texts = [answers[name] for name in asked]
    return questions.score(dataset.examples, texts, dataset.task.original, dataset.language)


def _translations(dataset: Dataset, file: File) -> Outcome:
    lines = reading.lines(file)
    count = len(dataset.examples)
    checks.same_length(file, len(lines), count)
    for number, line in enumerate(lines, start=1):
        # Longer ones than any index have more digits than Python reads.
        if not (line.isdecimal() and len(line) < 10 and int(line) < count):
            problem = f"expected the index of one of {count} English sentences, 0 to {count - 1}, found {shown(line)}"
            raise file.refused(problem, number)
    found, gold = [int(line) for line in lines], range(count)
    items = [
        {"predicted": index, "correct": right, "cosine": None}
        for index, right in zip(found, matches(gold, found), strict=True)
    ]
    return Outcome({"accuracy": accuracy(gold, found)}, count, items, ())


SCORERS: Mapping[Kind, Callable[[Dataset, File], Outcome]] = MappingProxyType(
    {
        Kind.SENTENCE_PAIR: _choices,
        Kind.TAGGING: _tags,
        Kind.SPAN: _answers,
        Kind.RETRIEVAL: _translations,
    }
)


def main(arguments: list[str]) -> int:
    """Score the upload of the file that `arguments` names and return the exit code."""
    die_with_parent(signal.SIGKILL)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no event
    emit = emitter(events)
    try:
        score(Upload.from_json(Path(arguments[0]).read_text(encoding="utf-8")), emit)
    except RecipeError as error:
        emit("error", family="submitter", message=str(error))
        return EXIT_SUBMITTER
    except Exception as error:
        traceback.print_exc()
        emit("error", family="bug", message=f"{type(error).__name__}: {error}")
        return EXIT_BUG
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
