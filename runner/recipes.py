"""Recipes: what is trained; and the plan: which stages a recipe needs. Pure, standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from runner.errors import RecipeError
from runner.spec import (
    AlignPlan,
    EncoderRef,
    EvaluatePlan,
    MaskedWords,
    Noise,
    Sampling,
    Stage,
    Training,
    TrainPlan,
    fingerprint,
)
from runner.tasks.encoders import ENCODERS
from runner.tasks.kinds import PIVOTS, Kind, TaskSpec
from runner.tasks.registry import task as find_task
from runner.tasks.registry import tasks as all_tasks

# jiant takes hidden_states[14] of a 24-layer encoder, as XTREME's reference does (modeling note in
# jiant's xtreme guide); other depths take the same relative layer.
RETRIEVAL_DEPTH = 14 / 24
# Of a sentence in a diagnosis; longer ones are cut. Sentences of the parallel texts have about 30.
ALIGNED_TOKENS = 256
PIVOT_LANGUAGES = frozenset(PIVOTS.values())


class Method(StrEnum):
    """How the encoder is trained before the target task."""

    BASELINE = "baseline"
    INTERMEDIATE = "intermediate"
    MULTI_TASK = "multi_task"
    TRANSLATE_TRAIN = "translate_train"


@dataclass(frozen=True)
class PhaseSettings:
    """Hyper-parameters of a phase; None stands for the task's published default (TrainingDefaults)."""

    learning_rate: float = 1e-5
    epochs: int | None = None
    batch_size: int | None = None
    max_length: int | None = None
    warmup: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    train_limit: int | None = None
    precision: str = "fp32"
    patience: int | None = None
    evaluate_every: int | None = None

    def resolve(self, tasks: Iterable[TaskSpec]) -> Training:
        """The phase's hyper-parameters for `tasks`; a mixture takes the largest default of its tasks."""
        defaults = [task.training for task in tasks]
        return Training(
            learning_rate=self.learning_rate,
            epochs=self.epochs or max(default.epochs for default in defaults),
            batch_size=self.batch_size or max(default.batch_size for default in defaults),
            max_length=self.max_length or max(default.max_length for default in defaults),
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            train_limit=self.train_limit,
            precision=self.precision,
            patience=self.patience,
            evaluate_every=self.evaluate_every if self.patience else None,
        )


@dataclass(frozen=True)
class Recipe:
    """What is trained: an encoder, a method, its intermediate tasks and the settings of both phases.

    `masked` adds multilingual MLM to the intermediate phase, which for a baseline is MLM alone. `translation` are
    the languages that training data is read in instead of English, as machine translations (English may be one
    of them): data of the intermediate tasks, or of the target for `translate_train`.
    """

    encoder: EncoderRef
    method: Method
    intermediate_tasks: tuple[str, ...] = ()
    intermediate: PhaseSettings = PhaseSettings()
    target: PhaseSettings = PhaseSettings()
    sampling: Sampling = Sampling()
    masked: MaskedWords | None = None
    translation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        tasks = self.intermediate_tasks
        if self.method in (Method.BASELINE, Method.TRANSLATE_TRAIN) and tasks:
            raise RecipeError(f"The method '{self.method}' has no intermediate task, found {', '.join(tasks)}.")
        if self.method is Method.INTERMEDIATE and len(tasks) != 1:
            raise RecipeError(f"The method 'intermediate' takes exactly one intermediate task, found {len(tasks)}.")
        if self.method is Method.MULTI_TASK and len(tasks) < 2:
            raise RecipeError(f"The method 'multi_task' takes two or more intermediate tasks, found {len(tasks)}.")
        if self.method is Method.TRANSLATE_TRAIN and (self.masked or not set(self.translation) - PIVOT_LANGUAGES):
            raise RecipeError("The method 'translate_train' takes languages other than English, and no MLM.")
        if self.method is Method.BASELINE and self.translation:
            raise RecipeError("A baseline has no intermediate data that could be translated.")
        if len(set(self.translation)) < len(self.translation) or set() < set(self.translation) <= PIVOT_LANGUAGES:
            raise RecipeError(
                f"Translated data is in languages other than English, each named once; found "
                f"{', '.join(self.translation)}."
            )

    @property
    def has_intermediate_phase(self) -> bool:
        return bool(self.intermediate_tasks or self.masked)

    def identity(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.identity(),
            "method": self.method.value,
            "intermediate_tasks": sorted(self.intermediate_tasks),
            # Without a phase 2, settings that nothing reads must not tell two recipes apart.
            "intermediate": asdict(self.intermediate) if self.has_intermediate_phase else None,
            "sampling": asdict(self.sampling) if self.method is Method.MULTI_TASK else None,
            "masked": asdict(in_order(self.masked)) if self.masked else None,
            "translation": sorted(self.translation),
            "target": asdict(self.target),
        }

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.identity())


@dataclass(frozen=True)
class Evaluation:
    """What is asked of a target task: which split, in which languages, on how many items of each.

    With `noises`, the same is evaluated again under each of them.
    """

    task: str
    split: str
    languages: tuple[str, ...]
    limit: int | None = None
    layer: int | None = None
    pooling: str = "mean"
    precision: str = "fp32"
    noises: tuple[Noise, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """A wish to measure alignment on the parallel sentences of a task, the first `limit` of each language.

    Languages that the text lacks are left out; the empty tuple stands for all. Retrieval accuracy falls with the
    number of sentences that are searched, so the limit is part of the protocol.
    """

    task: str
    languages: tuple[str, ...] = ()
    limit: int | None = 1000
    pooling: str = "mean"
    precision: str = "fp32"


def plan(
    recipe: Recipe, evaluations: Iterable[Evaluation], seed: int, diagnoses: Iterable[Diagnosis] = ()
) -> list[Stage]:
    """The stages of one run, parents first, none twice.

    Equal stages have equal fingerprints, so runs that share an intermediate phase or a target's
    fine-tuning share the stage. An evaluation draws nothing and therefore has no seed. A diagnosis looks at the
    pretrained encoder and at that after the intermediate phase, where there is one.
    """
    stages: dict[str, Stage] = {}

    def add(stage: Stage) -> str:
        return stages.setdefault(stage.fingerprint, stage).fingerprint

    made = pretraining(recipe.encoder)
    pretrained = add(made) if made else None
    start = _intermediate(recipe, seed, pretrained)
    parent = add(start) if start else pretrained
    for evaluation in evaluations:
        target = find_task(evaluation.task)
        tuned = parent
        if target.trained_on:
            trainer = find_task(target.trained_on)
            languages = (
                tuple(sorted(recipe.translation)) if recipe.method is Method.TRANSLATE_TRAIN else (trainer.pivot,)
            )
            settings = recipe.target.resolve([trainer])
            tuned = add(Stage(TrainPlan((trainer.slug,), settings, languages), recipe.encoder, seed, parent))
        clean = evaluate_plan(evaluation, target, recipe)
        for evaluated in (clean, *(replace(clean, noise=noise) for noise in evaluation.noises)):
            add(Stage(evaluated, recipe.encoder, None, tuned))
    for diagnosis in diagnoses:
        for checkpoint in dict.fromkeys((pretrained, parent)):
            add(Stage(align_plan(diagnosis, recipe), recipe.encoder, None, checkpoint))
    return list(stages.values())


def in_order(masked: MaskedWords) -> MaskedWords:
    """The same MLM with its languages sorted: their order changes nothing."""
    return replace(masked, languages=tuple(sorted(masked.languages)))


def pretraining(encoder: EncoderRef) -> Stage | None:
    """The stage that makes an encoder which does not come pretrained, and all of whose runs begin with it."""
    known = ENCODERS.get(encoder.slug)
    if known is None or known.pretraining is None or known.revision != encoder.revision:
        return None
    made, text = known.pretraining, find_task(known.pretraining.text)
    settings = PhaseSettings(made.learning_rate, made.epochs, made.batch_size, made.max_length)
    masked = in_order(MaskedWords(text.slug, text.languages, mask_rate=made.mask_rate))
    return Stage(TrainPlan((), settings.resolve([text]), (text.pivot,), masked=masked), encoder, made.seed, None)


def _intermediate(recipe: Recipe, seed: int, parent: str | None) -> Stage | None:
    if not recipe.has_intermediate_phase:
        return None
    tasks = [find_task(slug) for slug in sorted(recipe.intermediate_tasks)]
    masked = in_order(recipe.masked) if recipe.masked else None
    texts = [find_task(masked.text)] if masked else []
    training = recipe.intermediate.resolve(tasks or texts)
    return Stage(
        TrainPlan(
            tasks=tuple(task.slug for task in tasks),
            training=training,
            languages=tuple(sorted(recipe.translation)) or (_pivot([*tasks, *texts]),),
            sampling=recipe.sampling if len(tasks) > 1 else None,
            # Alone, MLM has all steps: the share must not tell two equal stages apart.
            masked=masked if tasks or masked is None else replace(masked, share=MaskedWords.share),
        ),
        recipe.encoder,
        seed,
        parent,
    )


def _pivot(tasks: Iterable[TaskSpec]) -> str:
    """The one language that the training data of `tasks` is in."""
    pivots = sorted({task.pivot for task in tasks})
    if len(pivots) > 1:
        raise RecipeError(f"One phase trains on one base language, found {' and '.join(pivots)}.")
    return pivots[0]


def evaluate_plan(evaluation: Evaluation, target: TaskSpec, recipe: Recipe) -> EvaluatePlan:
    """The evaluation with everything resolved; refuses splits and languages that the task does not have."""
    if evaluation.split not in target.splits or evaluation.split == "train":
        known = ", ".join(split for split in target.splits if split != "train")
        raise RecipeError(f"{target.title} can be evaluated on {known}, not on '{evaluation.split}'.")
    unknown = [language for language in evaluation.languages if language not in target.languages]
    if unknown or not evaluation.languages:
        found = ", ".join(unknown) or "no language"
        raise RecipeError(f"{target.title} covers {', '.join(target.languages)}; found {found}.")
    if target.pools and evaluation.noises:
        raise RecipeError(f"{target.title} mines whole pools, which noise is not defined for: evaluate it without.")
    retrieval = target.kind is Kind.RETRIEVAL
    layer = evaluation.layer if evaluation.layer is not None else round(RETRIEVAL_DEPTH * recipe.encoder.layers)
    if retrieval and not 0 <= layer <= recipe.encoder.layers:
        raise RecipeError(f"{recipe.encoder.slug} has layers 0 to {recipe.encoder.layers}; found layer {layer}.")
    return EvaluatePlan(
        task=target.slug,
        split=evaluation.split,
        languages=tuple(language for language in target.languages if language in evaluation.languages),
        max_length=(recipe.target.max_length or target.training.max_length),
        limit=evaluation.limit,
        layer=layer if retrieval else None,
        pooling=evaluation.pooling if retrieval else "",
        precision=evaluation.precision,
    )


def align_plan(diagnosis: Diagnosis, recipe: Recipe) -> AlignPlan:
    """The diagnosis with everything resolved; refuses texts that are not parallel, or that the recipe trains on."""
    text = find_task(diagnosis.task)
    if not text.has_parallel_text:
        known = ", ".join(spec.title for spec in parallel_texts())
        raise RecipeError(f"{text.title} has no parallel sentences to measure alignment on; these have: {known}.")
    if recipe.masked and recipe.masked.text == text.slug:
        raise RecipeError(f"{text.title} is trained on by MLM here: measure alignment on another text.")
    languages = tuple(
        code
        for code in text.languages
        if code != text.pivot and (not diagnosis.languages or code in diagnosis.languages)
    )
    if not languages:
        raise RecipeError(f"{text.title} covers {', '.join(text.languages)}; found {', '.join(diagnosis.languages)}.")
    return AlignPlan(
        task=text.slug,
        split="test" if "test" in text.splits else next(iter(text.splits)),
        languages=languages,
        max_length=min(ALIGNED_TOKENS, text.training.max_length),
        limit=diagnosis.limit,
        pooling=diagnosis.pooling,
        precision=diagnosis.precision,
    )


def parallel_texts() -> tuple[TaskSpec, ...]:
    """The tasks with parallel sentences; of those that share theirs, the original."""
    return tuple(
        spec
        for spec in all_tasks()
        if spec.has_parallel_text and (spec.kind is not Kind.SENTENCE_PAIR or not spec.stands_in_for)
    )
