"""A small mirror of test data, and predictions for it in XTREME's layout: for tests of uploads."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leaderboard.models import Artifact, Run, Score, Upload
from leaderboard.services.results import protocol_of_upload
from runner.scoring.layout import file_of
from runner.tasks.kinds import Kind, TaskSpec
from runner.tasks.registry import task as find_task

ITEMS = 6
Files = dict[str, str]


def mirror(root: Path, *tasks: str) -> tuple[Files, Files]:
    """Write gold data of `tasks` in the hub's layout; returns predictions and labels in XTREME's, by file name."""
    predictions: Files = {}
    labels: Files = {}
    tables: dict[Path, list[dict[str, Any]]] = {}
    for slug in tasks:
        task = find_task(slug)
        split = task.splits["test"]
        for language in task.languages:
            rows, guess, gold = MAKERS[task.kind](task, language, random.Random(f"{slug} {language}"))
            if split.language_column:
                rows = [{**row, split.language_column: split.code(language)} for row in rows]
            path = root / split.dataset / split.config_for(language) / f"{split.split}.parquet"
            tables.setdefault(path, []).extend(rows)
            predictions[str(file_of(slug, language))] = guess
            labels[str(file_of(slug, language))] = gold
    for path, rows in tables.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
    return predictions, labels


def _choices(task: TaskSpec, language: str, draw: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    gold = draw.choices(task.labels, k=ITEMS)
    found = [label if draw.random() < 0.7 else draw.choice(task.labels) for label in gold]
    names = task.columns
    rows = [{names["first"]: "one", names["second"]: "two", names["label"]: label} for label in gold]
    return rows, _lines(found), _lines(gold)


def _tags(task: TaskSpec, language: str, draw: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    gold = [draw.choices(task.labels, k=draw.randint(1, 7)) for _ in range(ITEMS)]
    found = [[tag if draw.random() < 0.7 else draw.choice(task.labels) for tag in tags] for tags in gold]
    rows = [
        {task.columns["tokens"]: ["word"] * len(tags), task.columns["tags"]: [task.labels.index(tag) for tag in tags]}
        for tags in gold
    ]
    return rows, *(_lines(line for tags in side for line in (*tags, "")) for side in (found, gold))


def _questions(task: TaskSpec, language: str, draw: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    code = task.splits["test"].code(language)
    names = [f"{code}-{number}" for number in range(ITEMS)]
    rows = [
        {
            "id": name,
            "title": "",
            "context": "The red house of Köln, 1969",
            "question": "what?",
            "answers": {"text": ["The red house", "house"], "answer_start": [0, 8]},
        }
        for name in names
    ]
    found = {name: draw.choice(["red house", "the house", "Köln", ""]) for name in names}
    questions = [{"id": row["id"], "answers": [{"text": text} for text in row["answers"]["text"]]} for row in rows]
    return rows, json.dumps(found), json.dumps({"data": [{"paragraphs": [{"qas": questions}]}]})


def _translations(task: TaskSpec, language: str, draw: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    names = task.columns
    rows = [{names["source"]: f"eins {number}", names["target"]: f"one {number}"} for number in range(ITEMS)]
    if task.pools:
        pairs = [(f"{language}-{number:09d}", f"en-{number:09d}") for number in range(ITEMS)]
        for row, pair in zip(rows, pairs, strict=True):
            row[names["source_id"]], row[names["target_id"]] = pair
        found = [pair if draw.random() < 0.6 else (pair[0], "en-999999999") for pair in pairs]
        return rows, *(_lines("\t".join(pair) for pair in side) for side in (found, pairs))
    found = [number if draw.random() < 0.7 else draw.randrange(ITEMS) for number in range(ITEMS)]
    return rows, _lines(found), _lines(range(ITEMS))


def _lines(values: Any) -> str:
    return "".join(f"{value}\n" for value in values)


MAKERS = {
    Kind.SENTENCE_PAIR: _choices,
    Kind.TAGGING: _tags,
    Kind.SPAN: _questions,
    Kind.RETRIEVAL: _translations,
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    """The files below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """The files as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def stored(system: str = "Theirs", task: str = "paws_x", value: float = 50.0) -> Run:
    """A run as an upload of one task leaves it, without the second that scoring takes."""
    run = Run.objects.create(origin=Run.Origin.UPLOADED, system=system)
    Upload.objects.create(run=run, fingerprint=f"{run.pk:064x}", name="theirs.zip", tasks=[task])
    Artifact.objects.create(run=run, kind="upload", path=f"uploads/{run.pk}.zip", sha256="0" * 64, size=1)
    protocol = protocol_of_upload(task, "test")
    Score.objects.bulk_create(
        Score(run=run, task_id=task, language_id=language, metric=metric, value=value, n=ITEMS, protocol=protocol)
        for language in find_task(task).languages
        for metric in find_task(task).metrics
    )
    return run
