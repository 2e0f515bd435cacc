"""Every task of which the mirror has real data goes through the engine: trained where there is training data, evaluated
where there is other.

In this process and with the pocket suite's encoder of random weights: what is looked at is that real rows of each kind
pass through the same code as in use, not what is learnt of eight of them.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from runner import engine
from runner.data.feature_cache import features_of
from runner.data.readers import load
from runner.evaluation.labelled import outcome
from runner.evaluation.zero_shot import evaluate
from runner.modeling.assembly import HeadFacts, new_model, save
from runner.modeling.encoder import load_tokenizer
from runner.scoring.layout import file_of
from runner.spec import EvaluatePlan, Job, Stage, TrainPlan
from runner.tasks import registry
from runner.tasks.kinds import Kind, Role, Suite, TaskSpec
from tests.runner.factories import POCKET, settings
from tests.runner.test_real_data import there

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

# The most that the encoder takes: its pieces of foreign words are letters, and passages many windows.
LENGTH = 128
TRAINING = settings(epochs=1, batch_size=4, train_limit=8, max_length=LENGTH)
ITEMS = 4
OURS = [task for task in registry.tasks() if task.suite is not Suite.POCKET and task.kind is not Kind.MASKED_WORDS]
TRAINED = [task.slug for task in OURS if "train" in task.splits]
EVALUATED = [task.slug for task in OURS if set(task.splits) - {"train"}]


def job_of(plan: TrainPlan | EvaluatePlan, root: Path, parent: Stage | None = None) -> Job:
    seed = 1 if isinstance(plan, TrainPlan) else None
    stage = Stage(plan, POCKET, seed, parent.fingerprint if parent else None)
    folder = root / stage.fingerprint
    folder.mkdir(exist_ok=True)
    above = str(root / parent.fingerprint) if parent else None
    return Job(stage, str(folder), above, os.environ["DATA_DIR"], threads=1)


@pytest.mark.parametrize("slug", TRAINED)
def test_it_trains(slug: str, tmp_path: Path) -> None:
    task = registry.task(slug)
    if not there(task, "train", task.pivot):
        pytest.skip(f"no training data of {slug} in the mirror")
    events: list[tuple[str, dict[str, Any]]] = []
    job = job_of(TrainPlan((slug,), TRAINING), tmp_path)
    engine.run(job, lambda event, /, **fields: events.append((event, fields)), lambda: False)
    losses = [fields["loss"] for event, fields in events if event == "curve" and "loss" in fields]
    assert len(losses) >= 2
    assert all(map(math.isfinite, losses))
    assert (Path(job.output) / "checkpoint" / "heads.safetensors").is_file()
    read = {fields["split"] for event, fields in events if event == "data"}
    if "validation" in task.splits and there(task, "validation", task.pivot):
        assert read == {"train", "validation"}
        assert any("value" in fields for event, fields in events if event == "curve")


@pytest.mark.parametrize("slug", EVALUATED)
def test_it_is_evaluated(slug: str, tmp_path: Path) -> None:
    """In the last of its languages that are there, which is seldom English."""
    task = registry.task(slug)
    found = [(split, language) for split in ("validation", "test") for language in languages(task, split)]
    if not found:
        pytest.skip(f"no data of {slug} to evaluate on in the mirror")
    split, language = found[-1]
    if task.role is not Role.TARGET:
        scores = of_a_development_score(task, split, language, tmp_path)
    else:
        scores = of_a_stage(task, split, language, tmp_path)
    assert set(task.headline_metrics) <= scores.keys()
    assert all(0 <= value <= 100 for value in scores.values())


def languages(task: TaskSpec, split: str) -> list[str]:
    """Those whose data is there; rows of some languages only may be in a file of all."""
    if split not in task.splits:
        return []
    return [language for language in task.languages if there(task, split, language)]


def untrained(task: TaskSpec, root: Path) -> Job:
    """The checkpoint of a stage that has trained nothing yet: the head that `task` is evaluated with."""
    trained_on = registry.task(task.trained_on or task.slug)
    job = job_of(TrainPlan((trained_on.slug,), TRAINING), root)
    heads = {trained_on.slug: HeadFacts(trained_on.kind, trained_on.labels)}
    save(new_model(job, heads), heads, job)
    return job


def of_a_development_score(task: TaskSpec, split: str, language: str, root: Path) -> dict[str, float]:
    """As the curve of a training phase looks at it: only targets have stages of their own."""
    job = job_of(TrainPlan((task.slug,), TRAINING), root)
    some = load(task, split, language, job.data_dir).first(ITEMS)
    tokenizer = load_tokenizer(POCKET)
    model = new_model(job, {task.slug: HeadFacts(task.kind, some.labels)}).eval()
    table = features_of([some], tokenizer, POCKET, LENGTH)
    found = outcome(model, task.slug, some, table, tokenizer.pad_token_id, "fp32")
    assert found.n == ITEMS
    return dict(found.scores)


def of_a_stage(task: TaskSpec, split: str, language: str, root: Path) -> dict[str, float]:
    """Scores, with predictions in XTREME's layout and items beside them."""
    retrieval = task.kind is Kind.RETRIEVAL
    how = {"layer": 1, "pooling": "mean"} if retrieval else {}
    plan = EvaluatePlan(task.slug, split, (language,), LENGTH, limit=ITEMS, **how)
    job = job_of(plan, root, None if retrieval else untrained(task, root).stage)
    scores: dict[str, float] = {}

    def hear(event: str, /, **fields: Any) -> None:
        if event == "score":
            scores[fields["metric"]] = fields["value"]

    evaluate(job, hear, lambda: False)
    assert (Path(job.output) / "predictions" / file_of(task.original, language)).stat().st_size
    assert pq.read_metadata(Path(job.output) / "items.parquet").num_rows > 0
    return scores
