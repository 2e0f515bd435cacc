"""A training phase: data and model for a plan, the loop, the finished checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from transformers import PreTrainedTokenizerBase

from runner.data.features import FEATURES
from runner.data.readers import PIVOT, Dataset, load
from runner.events import Emit
from runner.modeling import checkpoint
from runner.modeling.assembly import HeadFacts, new_model, save
from runner.modeling.encoder import load_tokenizer
from runner.spec import Job, TrainPlan
from runner.tasks.kinds import TaskSpec
from runner.tasks.registry import task as find_task
from runner.training.loop import Development, Surroundings, fit
from runner.training.mixture import Mixture

# Makes the function that scores a model on English development data, from the training data of its task.
MakeDevelopment = Callable[[Dataset, PreTrainedTokenizerBase, Job, Emit], Development | None]


def train(job: Job, emit: Emit, should_stop: Callable[[], bool], development: MakeDevelopment) -> None:
    """Run a TrainPlan and leave `checkpoint/` in the job's folder. Raises Stopped when asked to stop."""
    plan, stage = job.stage.plan, job.stage
    assert isinstance(plan, TrainPlan)
    training = plan.training
    tokenizer = load_tokenizer(stage.encoder)
    emit("progress", done=0, total=0, unit="steps", note="reading data")
    datasets = {slug: _data(find_task(slug), stage.seed, training.train_limit, job.data_dir) for slug in plan.tasks}
    for dataset in datasets.values():
        emit("data", **dataset.event())
    features = {
        slug: FEATURES[dataset.task.kind](dataset.examples, tokenizer, training.max_length)
        for slug, dataset in datasets.items()
    }
    heads = {slug: HeadFacts(dataset.task.kind, dataset.labels) for slug, dataset in datasets.items()}
    accelerator = Accelerator(
        mixed_precision="bf16" if training.precision == "bf16" else "no",
        # In a mixture each step trains one head and leaves the others without gradient.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=len(heads) > 1)],
    )
    mixture = Mixture(
        {slug: [len(feature) for feature in of_task] for slug, of_task in features.items()},
        batch_size=training.batch_size,
        epochs=training.epochs,
        cap=plan.cap,
        seed=stage.seed,
    )
    model = new_model(job, heads)
    single = next(iter(datasets.values())) if len(datasets) == 1 else None
    around = Surroundings(
        folder=Path(job.output),
        fingerprint=stage.fingerprint,
        pad=tokenizer.pad_token_id,
        emit=emit if accelerator.is_main_process else _silent,
        should_stop=should_stop,
        development=development(single, tokenizer, job, emit) if single else None,
    )
    fit(model, features, mixture, training, stage.seed, accelerator, around)
    if accelerator.is_main_process:
        emit("progress", done=len(mixture), total=len(mixture), unit="steps", note="writing the checkpoint")
        manifest = save(model, heads, job)
        checkpoint.drop_resumes(Path(job.output))
        for name, file in manifest["files"].items():
            emit("artifact", kind="checkpoint", path=f"checkpoint/{name}", **file)


def _silent(event: str, **fields: object) -> None:
    """The other processes of a distributed run report nothing."""


def _data(task: TaskSpec, seed: int, limit: int | None, data_dir: str) -> Dataset:
    dataset = load(task, "train", PIVOT, data_dir)
    if limit is None or limit >= len(dataset.examples):
        return dataset
    # The subset depends on the seed, as a restart of a small study should; the order of the rows is kept.
    chosen = np.random.default_rng([seed, 3]).choice(len(dataset.examples), size=limit, replace=False)
    return dataset.with_examples([dataset.examples[index] for index in sorted(chosen.tolist())])
