"""Whole stages of every kind of task: training, the evaluation in two languages, and the files that are left.

The scores are those that XTREME's rules give for the predictions and the data as it was made.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from runner.scoring.layout import file_of
from runner.scoring.reading import File
from runner.scoring.xtreme import SCORERS
from runner.spec import EncoderRef, EvaluatePlan, Job, Stage, TrainPlan
from runner.tasks.registry import task as find_task
from runner.tasks.xtreme import UPOS
from tests.runner.conftest import NLI_LABELS
from tests.runner.factories import by_kind, job_for, pair_rows, question_rows, run, settings, tagged_rows

pytestmark = pytest.mark.slow


def gold_of(task: str, language: str) -> str:
    """The labels as XTREME's file has them, from the rows that the mirror was made of."""
    if task == "xnli":
        return "".join(f"{NLI_LABELS[row['label']]}\n" for row in pair_rows(30))
    if task == "udpos":
        rows = tagged_rows(20) if language == "en" else tagged_rows(12, shift=3)
        return "".join("".join(f"{UPOS[tag]}\n" for tag in row["pos_tags"]) + "\n" for row in rows)
    questions = [
        {"id": row["id"], "answers": [{"text": text} for text in row["answers"]["text"]]} for row in question_rows(25)
    ]
    return json.dumps({"data": [{"paragraphs": [{"qas": questions}]}]})


def xtreme_scores(task: str, language: str, output: Path, labels: Path) -> dict[str, float]:
    """What XTREME's rules make of the predictions that an evaluation has left."""
    name = file_of(task, language)
    (labels / name).parent.mkdir(parents=True, exist_ok=True)
    (labels / name).write_text(gold_of(task, language), encoding="utf-8")
    files = File("predictions", output / "predictions", name), File("labels", labels, name)
    return SCORERS[task](find_task(task), language, *files, lambda sentence: None)


def scores_of(events: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    return {(event["language"], event["metric"]): event["value"] for event in by_kind(events, "score")}


def evaluated(task: str, trainer: Stage, root: Path, mirror: Path, languages=("de", "en")) -> tuple[Job, list[dict]]:
    plan = EvaluatePlan(task, "test", languages, trainer.plan.training.max_length)
    job = job_for(Stage(plan, trainer.encoder, None, trainer.fingerprint), root, mirror)
    return job, run(job)


# The trainer of each target, how long it takes the tiny encoder to learn it, and what it must then reach.
LEARNT = {
    "xnli": (TrainPlan(("mnli",), settings(epochs=8)), "accuracy", 90),
    "udpos": (TrainPlan(("udpos",), settings(epochs=8)), "accuracy", 80),
    # Seven windows of 32 tokens for three passages, each answer one word of up to 43.
    "xquad": (TrainPlan(("squad_v1",), settings(epochs=8)), "exact_match", 60),
}


@pytest.mark.parametrize("task", LEARNT)
def test_a_target_is_learnt_and_scored_as_xtreme_does(
    task: str, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    plan, metric, least = LEARNT[task]
    trainer = Stage(plan, tiny_encoder, 1, None)
    events = run(job_for(trainer, tmp_path, mirror))
    losses = [event["loss"] for event in by_kind(events, "curve") if "loss" in event]
    assert losses[-1] < losses[0] / 2
    assert [event["step"] for event in by_kind(events, "curve") if "value" in event][-1] == len(losses)

    job, events = evaluated(task, trainer, tmp_path, mirror)
    scores = scores_of(events)
    assert scores["de", metric] > least
    for language in ("de", "en"):
        official = xtreme_scores(task, language, Path(job.output), tmp_path / "labels")
        shared = {name: scores[language, name] for name in official if (language, name) in scores}
        assert shared
        assert shared == {name: official[name] for name in shared}
    paths = {event["path"] for event in by_kind(events, "artifact")}
    assert paths == {*(f"predictions/{file_of(task, language)}" for language in ("de", "en")), "items.parquet"}
    assert_items_give_the_scores(task, Path(job.output), scores)


# The scores again, from the items of one language.
FROM_ITEMS: dict[str, Callable[[list[dict[str, Any]]], dict[str, float]]] = {
    "xnli": lambda items: {"accuracy": 100 * total(items, "correct") / len(items)},
    "udpos": lambda items: {
        "f1": 200 * total(items, "right_entities") / (total(items, "gold_entities") + total(items, "found_entities")),
        "accuracy": 100 * total(items, "right_words") / total(items, "words"),
    },
    "xquad": lambda items: {name: total(items, name) / len(items) for name in ("f1", "exact_match")},
}
SOURCE_ITEMS = {"xnli": "{row}/30", "xquad": "q{row}"}


def assert_items_give_the_scores(task: str, output: Path, scores: dict[tuple[str, str], float]) -> None:
    items = pq.read_table(output / "items.parquet").to_pylist()
    for language in ("de", "en"):
        mine = [item for item in items if item["language"] == language]
        again = FROM_ITEMS[task](mine)
        assert again == {name: pytest.approx(scores[language, name]) for name in again}
        assert [item["item"] for item in mine] == list(range(len(mine)))
        names = SOURCE_ITEMS.get(task)
        assert [item["source_item"] for item in mine] == [names and names.format(row=row) for row in range(len(mine))]


def total(items: list[dict[str, Any]], column: str) -> float:
    return sum(item[column] for item in items)


def test_a_question_without_an_answer_is_refused_by_a_model_that_learnt_to(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """SQuAD v2.0 has no test data: the development curve says what is learnt."""
    stage = Stage(TrainPlan(("squad_v2",), settings(epochs=10)), tiny_encoder, 1, None)
    events = run(job_for(stage, tmp_path, mirror))
    values = [event["value"] for event in by_kind(events, "curve") if event.get("metric") == "f1_em"]
    # A third has no answer: more than that needs both answers and refusals.
    assert values[-1] > 60


def test_multiple_choice_is_learnt(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    stage = Stage(TrainPlan(("commonsense_qa_3",), settings(epochs=6)), tiny_encoder, 1, None)
    job = job_for(stage, tmp_path, mirror)
    values = [event["value"] for event in by_kind(run(job), "curve") if event.get("metric") == "accuracy"]
    assert len(values) == 4
    assert values[-1] > 80  # chance is 33


def test_retrieval_reads_the_encoder_of_the_intermediate_phase(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """Source and target are the same sentences here, all different, so each finds itself."""
    phase_two = Stage(TrainPlan(("nli_cad",), settings(epochs=1)), tiny_encoder, 1, None)
    run(job_for(phase_two, tmp_path, mirror))
    plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=1, pooling="mean")
    job = job_for(Stage(plan, tiny_encoder, None, phase_two.fingerprint), tmp_path, mirror)
    assert scores_of(run(job)) == {("de", "accuracy"): 100.0}
    lines = (Path(job.output) / "predictions/tatoeba/test-de.tsv").read_text().splitlines()
    assert lines == [str(row) for row in range(len(lines))]
    items = pq.read_table(Path(job.output) / "items.parquet").to_pylist()
    assert [item["source_item"] for item in items] == [None] * len(lines)
