"""Whole training phases of every method and variant: mixtures, MLM, translated data, early stopping."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
import torch

from runner.events import EXIT_SUBMITTER
from runner.modeling.assembly import trained_model
from runner.modeling.encoder import load_encoder
from runner.recipes import Evaluation, Method, PhaseSettings, Recipe, plan
from runner.spec import EncoderRef, EvaluatePlan, Job, MaskedWords, Sampling, Stage, TrainPlan
from tests.runner.factories import assert_same_weights, by_kind, job_for, run, settings, start, weights

pytestmark = pytest.mark.slow

WIKIPEDIA = MaskedWords("wikipedia", ("de", "en"))
SHORT = PhaseSettings(learning_rate=3e-3, epochs=1, batch_size=8, max_length=32)


def train(plan: TrainPlan, encoder: EncoderRef, root: Path, mirror: Path, parent: Stage | None = None):
    """The job, the stage and the events of a training phase."""
    stage = Stage(plan, encoder, 1, parent.fingerprint if parent else None)
    job = job_for(stage, root, mirror)
    return job, stage, run(job)


def steps_of(events: list[dict]) -> int:
    return max(event["step"] for event in by_kind(events, "curve"))


def heads_of(job: Job) -> set[str]:
    return set(json.loads((Path(job.output) / "checkpoint" / "manifest.json").read_text())["heads"])


def read(events: list[dict]) -> Counter:
    """How many rows were read of each data set's configuration and split."""
    return Counter(
        {(event["dataset"], event["config"], event["split"]): event["rows"] for event in by_kind(events, "data")}
    )


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling("proportional"),
        Sampling("proportional", cap=40),
        Sampling("temperature", temperature=5.0),
        Sampling("uniform"),
    ],
    ids=["proportional", "capped", "temperature", "uniform"],
)
def test_several_tasks_are_trained_as_one_mixture(
    sampling: Sampling, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    tasks = ("commonsense_qa_3", "nli_cad", "squad_v1", "udpos")
    job, _, events = train(TrainPlan(tasks, settings(epochs=1), sampling=sampling), tiny_encoder, tmp_path, mirror)
    assert heads_of(job) == set(tasks)
    metrics = {event["metric"] for event in by_kind(events, "curve") if "metric" in event}
    assert metrics == {"mean over tasks"}
    # 90 choices, 90 pairs, 96 sentences, and the passages' windows: a step for each 8 of them, or of the cap.
    assert steps_of(events) == 4 * 5 if sampling.cap else steps_of(events) > 12 + 12 + 12 + 12
    trained = weights(job.output)
    for task in tasks:
        head = [tensor for name, tensor in trained.items() if name.startswith(f"{task}.") and name.endswith(".bias")]
        assert any(tensor.abs().max() > 0 for tensor in head), f"the head of {task} was never trained"


def test_anli_plus_is_one_task_with_the_data_of_three(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    job, _, events = train(TrainPlan(("anli_plus",), settings(epochs=1)), tiny_encoder, tmp_path, mirror)
    assert heads_of(job) == {"anli_plus"}
    assert read(events) == {
        ("stanfordnlp/snli", "plain_text", "train"): 45,
        ("stanfordnlp/snli", "plain_text", "validation"): 15,
        ("nyu-mll/glue", "mnli", "train"): 60,
        ("nyu-mll/glue", "mnli", "validation_matched"): 24,
        ("facebook/anli", "plain_text", "train_r1+train_r2+train_r3"): 45,
        ("facebook/anli", "plain_text", "dev_r1+dev_r2+dev_r3"): 45,
    }
    assert steps_of(events) == -(-(45 + 60 + 45) // 8)


def test_mlm_alone_trains_the_encoder_and_leaves_no_head(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    training = settings(epochs=12)
    job, stage, events = train(TrainPlan((), training, masked=WIKIPEDIA), tiny_encoder, tmp_path, mirror)
    assert heads_of(job) == set()
    assert read(events) == {
        ("wikimedia/wikipedia", "20231101.de", "train"): 40,
        ("wikimedia/wikipedia", "20231101.en", "train"): 40,
    }
    losses = [event["loss"] for event in by_kind(events, "curve")]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    before = load_encoder(tiny_encoder).state_dict()
    after = weights(job.output)
    assert after.keys() == before.keys()
    assert not torch.equal(after["embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"])
    # What it leaves is an encoder that the next phase starts from.
    _, _, events = train(TrainPlan(("udpos",), settings(epochs=1)), tiny_encoder, tmp_path, mirror, parent=stage)
    assert events[-1]["event"] == "done"


def test_mlm_beside_tasks_takes_its_share_of_the_steps(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    masked = dataclasses.replace(WIKIPEDIA, languages=("de",), share=0.25, texts=10)
    tasks = ("nli_cad", "udpos")
    plan = TrainPlan(tasks, settings(epochs=1), sampling=Sampling(), masked=masked)
    job, _, events = train(plan, tiny_encoder, tmp_path, mirror)
    assert heads_of(job) == set(tasks)
    assert read(events)["wikimedia/wikipedia", "20231101.de", "train"] == 10
    # 12 steps for each task, which are three quarters of all.
    assert steps_of(events) == 32


def test_mlm_needs_text_in_the_languages_that_are_asked_for(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    masked = MaskedWords("ntrex", ("jv",))
    engine = start(job_for(Stage(TrainPlan((), settings(), masked=masked), tiny_encoder, 1, None), tmp_path, mirror))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert error["message"].startswith("NTREX-128 has no text in jv")


@pytest.mark.parametrize("languages", [("de",), ("de", "en")])
def test_intermediate_data_may_be_translated(
    languages: tuple[str, ...], tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    job, _, events = train(TrainPlan(("mnli",), settings(epochs=1), languages), tiny_encoder, tmp_path, mirror)
    trained = {(event["config"], event["language"]) for event in by_kind(events, "data") if event["split"] == "train"}
    assert trained == {("de", "de")} | ({("mnli", "en")} if "en" in languages else set())
    assert steps_of(events) == -(-60 * len(languages) // 8)
    assert heads_of(job) == {"mnli"}


@pytest.mark.parametrize(
    ("target", "trainer", "dataset", "config"),
    [
        ("xnli", "mnli", "facebook/xnli", "de"),
        ("paws_x", "paws_x", "google-research-datasets/paws-x", "de"),
        ("xquad", "squad_v1", "facebook/mlqa", "mlqa-translate-train.de"),
    ],
)
def test_translate_train_trains_the_target_on_translations(
    target: str, trainer: str, dataset: str, config: str, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """The stages are those that the recipe plans."""
    recipe = Recipe(tiny_encoder, Method.TRANSLATE_TRAIN, target=SHORT, translation=("de", "en"))
    tuning, evaluation = plan(recipe, [Evaluation(target, "test", ("de",))], 1)
    assert tuning.plan.tasks == (trainer,)
    events = run(job_for(tuning, tmp_path, mirror))
    assert (dataset, config, "train") in read(events)
    assert {event["language"] for event in by_kind(events, "data")} == {"de", "en"}
    events = run(job_for(evaluation, tmp_path, mirror))
    assert {event["language"] for event in by_kind(events, "score")} == {"de"}


def test_a_limit_bounds_the_examples_of_each_task(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    training = settings(epochs=1, train_limit=16)
    plan = TrainPlan(("nli_cad", "udpos"), training, sampling=Sampling())
    _, _, events = train(plan, tiny_encoder, tmp_path, mirror)
    assert steps_of(events) == 4


def test_early_stopping_takes_the_weights_of_the_best_step(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """A high rate makes the scores jump: the best are not the last, and patience ends the phase before its time."""
    training = settings(learning_rate=2e-2, epochs=12, patience=3, evaluate_every=2)
    job, stage, events = train(TrainPlan(("nli_cad",), training), tiny_encoder, tmp_path, mirror)
    seen = {event["step"]: event["value"] for event in by_kind(events, "curve") if "value" in event}
    best = max(seen, key=lambda step: (seen[step], -step))
    assert list(seen) == list(range(2, best + 2 * 3 + 1, 2)), "three evaluations after the best one, no more"
    last = by_kind(events, "progress")[-1]
    assert (last["note"], last["done"]) == ("writing the checkpoint", best)
    assert not list(Path(job.output).glob("best-*"))
    # The same weights score the same: on as much of the validation split as development took, a quarter of 90.
    plan = EvaluatePlan("nli_cad", "validation", ("en",), 32, limit=90 // 4)
    (score,) = by_kind(run(job_for(Stage(plan, tiny_encoder, None, stage.fingerprint), tmp_path, mirror)), "score")
    assert score["value"] == pytest.approx(seen[best])


def test_early_stopping_without_development_data_is_refused(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    stage = Stage(TrainPlan((), settings(patience=1), masked=WIKIPEDIA), tiny_encoder, 1, None)
    engine = start(job_for(stage, tmp_path, mirror))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert error["message"].startswith("Early stopping needs English development data")


def test_all_data_that_is_missing_is_named_at_once(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    stage = Stage(TrainPlan(("hellaswag", "qqp"), settings(), sampling=Sampling()), tiny_encoder, 1, None)
    engine = start(job_for(stage, tmp_path, mirror))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert "Rowan/hellaswag" in error["message"]
    assert "nyu-mll/glue, configuration qqp" in error["message"]


def test_a_head_is_found_by_its_task(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """Of a mixture's heads, an evaluation loads the one it needs."""
    plan = TrainPlan(("nli_cad", "udpos"), settings(epochs=1), sampling=Sampling())
    job, stage, _ = train(plan, tiny_encoder, tmp_path, mirror)
    evaluation = Stage(EvaluatePlan("udpos", "test", ("de",), 32), tiny_encoder, None, stage.fingerprint)
    model, facts = trained_model(job_for(evaluation, tmp_path, mirror), "udpos")
    assert len(facts.labels) == 17
    stored = weights(job.output)
    for name, tensor in model.heads["udpos"].state_dict().items():
        assert torch.equal(tensor, stored[f"udpos.{name}"])


def test_cached_features_train_the_same_weights(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    stage = Stage(TrainPlan(("squad_v1",), settings(epochs=1)), tiny_encoder, 1, None)
    cache = tmp_path / "features"
    jobs = [
        dataclasses.replace(job_for(stage, tmp_path / name, mirror), cache_dir=str(cache) if cached else "")
        for name, cached in (("none", False), ("writes", True), ("reads", True))
    ]
    for job in jobs:
        run(job)
    (kept,) = cache.iterdir()
    assert kept.suffix == ".safetensors"
    assert_same_weights(jobs[0].output, jobs[1].output)
    assert_same_weights(jobs[0].output, jobs[2].output)
