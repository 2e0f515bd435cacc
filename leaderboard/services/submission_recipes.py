"""What a submission is, which recipes it asks for, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from leaderboard.models import Stage
from leaderboard.variants import Variant
from runner.recipes import PIVOT_LANGUAGES, Diagnosis, Evaluation, Method, PhaseSettings, Recipe
from runner.spec import EncoderRef, MaskedWords, Sampling
from runner.tasks import registry
from runner.tasks.kinds import Kind, Role, TaskSpec
from runner.tasks.texts import WIKIPEDIA

Languages = tuple[str, ...]

# Which variants each method has: a baseline has no data of an intermediate task, translate-train no such phase.
VARIANTS: Mapping[Method, tuple[Variant, ...]] = {
    Method.BASELINE: (Variant.PLAIN, Variant.MLM),
    Method.INTERMEDIATE: tuple(Variant),
    Method.MULTI_TASK: tuple(Variant),
    Method.TRANSLATE_TRAIN: (Variant.PLAIN,),
}
WITH_TASKS = (Method.INTERMEDIATE, Method.MULTI_TASK)
LABELS_ARE_LOST = "word-level labels do not survive machine translation."


@dataclass(frozen=True)
class Submission:
    """What a maintainer asks for: one encoder, methods in variants, and every target with every seed.

    Each variant of a method is a recipe of its own: `masked` describes that with MLM; `translations` and
    `translate_train` have the languages of one recipe each, for intermediate and for target data.
    """

    name: str
    encoder: str
    methods: tuple[Method, ...]
    intermediate_tasks: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    seeds: tuple[int, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    note: str = ""
    variants: tuple[Variant, ...] = (Variant.PLAIN,)
    intermediate: PhaseSettings = PhaseSettings()
    target: PhaseSettings = PhaseSettings()
    sampling: Sampling = Sampling()
    masked: MaskedWords | None = None
    translations: tuple[Languages, ...] = ()
    translate_train: tuple[Languages, ...] = ()
    priority: int = Stage.Priority.NORMAL
    lane: str = Stage.Lane.GPU


class Problem(NamedTuple):
    """A sentence, and the field of the submission (or of its MLM) that it is about."""

    field: str
    sentence: str


def recipes_of(submission: Submission, encoder: EncoderRef) -> Iterator[Recipe]:
    """Every method with every group of its tasks in every variant that it has, in the order of the submission."""
    for method in submission.methods:
        for slugs in _groups(submission)[method]:
            for masked, translation in _kinds_of_data(submission, method):
                yield Recipe(
                    encoder=encoder,
                    method=method,
                    intermediate_tasks=slugs,
                    intermediate=submission.intermediate,
                    target=submission.target,
                    sampling=submission.sampling,
                    masked=masked,
                    translation=translation,
                )


def _groups(submission: Submission) -> Mapping[Method, list[tuple[str, ...]]]:
    """The intermediate tasks of each recipe of a method."""
    return {
        Method.BASELINE: [()],
        Method.INTERMEDIATE: [(slug,) for slug in submission.intermediate_tasks],
        Method.MULTI_TASK: [tuple(sorted(submission.intermediate_tasks))],
        Method.TRANSLATE_TRAIN: [()],
    }


def _kinds_of_data(submission: Submission, method: Method) -> Iterator[tuple[MaskedWords | None, Languages]]:
    """MLM and languages of translated data of each recipe of a method."""
    if method is Method.TRANSLATE_TRAIN:
        yield from ((None, languages) for languages in submission.translate_train)
        return
    chosen = [variant for variant in VARIANTS[method] if variant in submission.variants]
    if Variant.PLAIN in chosen:
        yield None, ()
    if Variant.MLM in chosen:
        yield submission.masked, ()
    if Variant.TRANSLATED in chosen:
        yield from ((None, languages) for languages in submission.translations)


def recipe_problems(submission: Submission) -> Iterator[Problem]:
    """Why the recipes cannot be what is asked for, one after the other; RecipeError for unknown names."""
    yield from _method_problems(submission)
    yield from _variant_problems(submission)
    yield from _language_problems(submission)
    if submission.masked:
        yield from masked_problems(submission.masked)
    if Method.TRANSLATE_TRAIN in submission.methods:
        yield from _target_problems(submission)
    yield from _diagnosis_problems(submission)


def _method_problems(submission: Submission) -> Iterator[Problem]:
    methods, tasks = submission.methods, [registry.task(slug) for slug in submission.intermediate_tasks]
    if not methods:
        yield Problem("methods", "Choose at least one method.")
    if len(set(methods)) < len(methods):
        yield Problem("methods", "A method is named twice.")
    if len(set(submission.intermediate_tasks)) < len(tasks):
        yield Problem("intermediate_tasks", "An intermediate task is named twice.")
    if methods and tasks and not set(methods) & set(WITH_TASKS):
        yield Problem(
            "methods",
            "Intermediate tasks are chosen, but no method that has any: choose “intermediate task” or “multi-task” "
            "too, or no task.",
        )
    if not tasks and Method.INTERMEDIATE in methods:
        yield Problem("intermediate_tasks", "The method “intermediate task” needs at least one intermediate task.")
    if len(tasks) < 2 and Method.MULTI_TASK in methods:
        yield Problem(
            "intermediate_tasks",
            f"The method “multi-task” takes two or more intermediate tasks, found {len(tasks)}.",
        )
    for task in tasks:
        if task.role is not Role.INTERMEDIATE:
            yield Problem("intermediate_tasks", f"{task.title} is {_article(task)} task, not an intermediate task.")


def _article(task: TaskSpec) -> str:
    return f"{'an' if task.role[0] in 'aei' else 'a'} {task.role}"


def _variant_problems(submission: Submission) -> Iterator[Problem]:
    methods, variants = submission.methods, submission.variants
    with_variants = [method for method in methods if method is not Method.TRANSLATE_TRAIN]
    if len(set(variants)) < len(variants):
        yield Problem("variants", "A variant is named twice.")
    if with_variants and not variants:
        yield Problem("variants", "Choose at least one variant: “plain” is training without MLM on English data.")
    for variant in variants:
        if methods and not any(variant in VARIANTS[method] for method in methods):
            yield Problem("variants", f"None of the chosen methods has the variant “{variant.in_sentence}”.")
    if Method.BASELINE in methods and set(variants) == {Variant.TRANSLATED}:
        yield Problem(
            "variants",
            "A baseline has no intermediate data that could be translated: choose the variant “plain” or “with MLM” "
            "too, or no baseline.",
        )
    if (Variant.MLM in variants) != (submission.masked is not None):
        yield Problem("masked", "A text for MLM belongs to the variant “with MLM”: choose both or neither.")
    if (Variant.TRANSLATED in variants) != bool(submission.translations):
        yield Problem(
            "translations",
            "Languages of translated data, such as “de, ru, sw”, belong to the variant “with translated data”: give "
            "both or neither.",
        )
    if (Method.TRANSLATE_TRAIN in methods) != bool(submission.translate_train):
        yield Problem(
            "translate_train",
            "Languages of translate-train, such as “de+en”, belong to the method “translate-train”: give both or "
            "neither.",
        )


def _language_problems(submission: Submission) -> Iterator[Problem]:
    for field, recipes in (
        ("translations", submission.translations),
        ("translate_train", submission.translate_train),
    ):
        for languages in recipes:
            for code in languages:
                registry.language(code)
            if len(set(languages)) < len(languages) or not set(languages) - PIVOT_LANGUAGES:
                yield Problem(
                    field,
                    f"Translated data is in languages other than English, with or without English beside them, each "
                    f"named once; found {'+'.join(languages) or 'none'}.",
                )
        if len({frozenset(languages) for languages in recipes}) < len(recipes):
            yield Problem(field, "The same languages are given for two recipes.")
    if submission.translations:
        for task in (registry.task(slug) for slug in submission.intermediate_tasks):
            if _labels_are_lost(task):
                yield Problem("intermediate_tasks", f"{task.title} has no translated data: {LABELS_ARE_LOST}")


def _labels_are_lost(trainer: TaskSpec) -> bool:
    """Whether no translation of the task's training data can keep its labels, and none was made by people."""
    return trainer.kind is Kind.TAGGING and trainer.translated is None


def _target_problems(submission: Submission) -> Iterator[Problem]:
    """Targets that translate-train cannot have."""
    for task in (registry.task(evaluation.task) for evaluation in submission.evaluations):
        if not task.trained_on:
            yield Problem(
                "translate_train",
                f"Translate-train has no {task.title}: nothing is trained for it, so nothing can be translated.",
            )
        elif _labels_are_lost(registry.task(task.trained_on)):
            yield Problem("translate_train", f"Translate-train has no {task.title}: {LABELS_ARE_LOST}")


def _diagnosis_problems(submission: Submission) -> Iterator[Problem]:
    """Texts that alignment cannot be measured on."""
    slugs = [diagnosis.task for diagnosis in submission.diagnoses]
    if len(set(slugs)) < len(slugs):
        yield Problem("alignment", "A text to measure alignment on is named twice.")
    for text in (registry.task(slug) for slug in slugs):
        if not text.has_parallel_text:
            yield Problem("alignment", f"{text.title} has no parallel sentences to measure alignment on.")
        if submission.masked and submission.masked.text == text.slug:
            yield Problem("alignment", f"{text.title} is trained on by MLM here: measure alignment on another text.")
    for diagnosis in submission.diagnoses:
        for code in diagnosis.languages:
            registry.language(code)
        if diagnosis.limit is not None and diagnosis.limit < 2:
            yield Problem("alignment_limit", f"Alignment is measured on 2 pairs or more, found {diagnosis.limit}.")


def masked_problems(masked: MaskedWords) -> Iterator[Problem]:
    """What MLM cannot read; the fields are those of `MaskedWords`, which checks its numbers itself."""
    text = registry.task(masked.text)
    if text.role is not Role.AUXILIARY:
        yield Problem("text", f"{text.title} is {_article(text)} task, not text for MLM.")
    for code in masked.languages:
        registry.language(code)
    if missing := [code for code in masked.languages if code not in text.languages]:
        yield Problem("languages", f"{text.title} has no {', '.join(missing)}: it has {', '.join(text.languages)}.")
    if len(set(masked.languages)) < len(masked.languages):
        yield Problem("languages", "A language of MLM is named twice.")
    if masked.text == WIKIPEDIA.slug and masked.texts is None:
        yield Problem(
            "texts", "Limit the texts per language of Wikipedia: its English part alone has 6.4 million articles."
        )
