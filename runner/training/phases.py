"""A training phase: data and model for a plan, the loop, the finished checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from transformers import PreTrainedTokenizerBase

from runner.data.feature_cache import FeatureCache, features_of
from runner.data.feature_table import FeatureTable
from runner.data.material import text, training_data
from runner.data.readers import Dataset
from runner.errors import RecipeError
from runner.events import Emit, silent
from runner.modeling import checkpoint
from runner.modeling.assembly import HeadFacts, new_model, save
from runner.modeling.encoder import load_tokenizer
from runner.modeling.heads import TaskModel
from runner.modeling.vocabulary import Vocabulary
from runner.spec import Job, TrainPlan
from runner.training.loop import Development, Surroundings, fit
from runner.training.masking import Masking
from runner.training.mixture import Mixture
from runner.training.optimisation import decay_of_the_unmoved
from runner.training.selection import drop_kept

# Makes what scores a model on English development data, from the training data of each task; None where there is none.
MakeDevelopment = Callable[[Mapping[str, Sequence[Dataset]], PreTrainedTokenizerBase, Job, Emit], Development | None]


def train(job: Job, emit: Emit, should_stop: Callable[[], bool], make_development: MakeDevelopment) -> None:
    """Run a TrainPlan and leave `checkpoint/` in the job's folder. Raises Stopped when asked to stop."""
    plan, folder = job.stage.plan, Path(job.output)
    assert isinstance(plan, TrainPlan)
    training = plan.training
    accelerator = Accelerator(
        mixed_precision="bf16" if training.precision == "bf16" else "no",
        # In a mixture each step trains one head and leaves the others without gradient.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=_members(plan) > 1)],
    )
    emit = emit if accelerator.is_main_process else silent
    tokenizer = load_tokenizer(job.stage.encoder)
    emit("progress", done=0, total=0, unit="steps", note="reading data")
    data = _data(job, plan, emit)
    emit("progress", done=0, total=0, unit="steps", note="tokenising")
    cache = FeatureCache(job.cache_dir, job.cache_limit)
    features = {
        name: features_of(datasets, tokenizer, job.stage.encoder, training.max_length, cache)
        for name, datasets in data.items()
    }
    heads = {name: HeadFacts(datasets[0].task.kind, datasets[0].labels) for name, datasets in data.items()}
    mixture = _mixture(plan, features, job.stage.seed)
    development = make_development({slug: data[slug] for slug in plan.tasks}, tokenizer, job, emit)
    if training.patience and development is None:
        raise RecipeError("Early stopping needs English development data, and none of these tasks has any here.")
    model = new_model(job, heads)
    vocabulary = None if plan.masked else _reduced(model, features, development)
    if job.gradient_checkpointing:
        model.encoder.gradient_checkpointing_enable()
    if job.compile:
        model.encoder.compile(dynamic=True, backend=job.compile)
    around = Surroundings(
        folder=folder,
        fingerprint=job.stage.fingerprint,
        pad=tokenizer.pad_token_id,
        emit=emit,
        should_stop=should_stop,
        resume_seconds=job.resume_seconds,
        development=development,
        masking=_masking(plan, tokenizer, model, job.stage.seed),
    )
    steps = fit(model, features, mixture, training, job.stage.seed, accelerator, around)
    if vocabulary:
        vocabulary.restore(decay_of_the_unmoved(steps, len(mixture), training))
    if accelerator.is_main_process:
        _finish(model, heads, job, steps, emit)


def _members(plan: TrainPlan) -> int:
    return len(plan.tasks) + bool(plan.masked)


def _data(job: Job, plan: TrainPlan, emit: Emit) -> dict[str, list[Dataset]]:
    """By the names of the mixture's members: the tasks, and the text for MLM last."""
    data = training_data(plan, job.stage.seed, job.data_dir)
    if plan.masked:
        data[plan.masked.text] = text(plan.masked, job.data_dir)
    for datasets in data.values():
        for dataset in datasets:
            emit("data", **dataset.event())
    return data


def _mixture(plan: TrainPlan, features: Mapping[str, FeatureTable], seed: int) -> Mixture:
    return Mixture(
        {name: table.lengths for name, table in features.items()},
        batch_size=plan.training.batch_size,
        epochs=plan.training.epochs,
        seed=seed,
        sampling=plan.sampling,
        beside=plan.masked.text if plan.masked else "",
        share=plan.masked.share if plan.masked else 0.0,
    )


def _reduced(model: TaskModel, features: Mapping[str, FeatureTable], development: Development | None) -> Vocabulary:
    seen = [table.ids for table in features.values()]
    return Vocabulary(model.encoder, [*seen, *(development.token_ids() if development else [])])


def _masking(plan: TrainPlan, tokenizer: PreTrainedTokenizerBase, model: TaskModel, seed: int) -> dict[str, Masking]:
    if not plan.masked:
        return {}
    if tokenizer.mask_token_id is None:
        raise RecipeError("The encoder's tokenizer has no mask token: train it without MLM.")
    vocabulary = min(len(tokenizer), model.encoder.config.vocab_size)
    # XLM-R counts from behind its padding token, BERT from 0 (`create_position_ids_from_input_ids`).
    first = getattr(model.encoder.embeddings, "padding_idx", -1) + 1
    return {plan.masked.text: Masking(plan.masked.mask_rate, tokenizer.mask_token_id, vocabulary, seed, first)}


def _finish(model: TaskModel, heads: Mapping[str, HeadFacts], job: Job, steps: int, emit: Emit) -> None:
    emit("progress", done=steps, total=steps, unit="steps", note="writing the checkpoint")
    manifest = save(model, heads, job)
    checkpoint.drop_resumes(Path(job.output))
    drop_kept(Path(job.output))
    for name, file in manifest["files"].items():
        emit("artifact", kind="checkpoint", path=f"checkpoint/{name}", **file)
