"""Titles of recipes and stages: what each does, in a few words, from the catalogue's own titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from leaderboard.variants import ending, joined
from runner import recipes, spec
from runner.recipes import PIVOT_LANGUAGES, Method
from runner.tasks import registry

TITLE_LENGTH = 200  # of the columns


def recipe_title(recipe: recipes.Recipe) -> str:
    """`encoder (baseline)`, `encoder → task + MLM`, `encoder → task + task (multi-task, translated: de)` and so on."""
    start, mlm, translation = recipe.encoder.slug, recipe.masked is not None, joined(recipe.translation)
    if recipe.method is Method.BASELINE:
        return f"{start} (baseline)" + ending(mlm=mlm)
    if recipe.method is Method.TRANSLATE_TRAIN:
        return f"{start} (translate-train: {translation})"
    end = ending(mlm=mlm, translation=translation, multi_task=recipe.method is Method.MULTI_TASK)
    return _fit(f"{start} → {_task_titles(recipe.intermediate_tasks)}", end)


def stage_title(stage: spec.Stage, specs: Mapping[str, spec.Stage]) -> str:
    """What the stage does in a few words; `specs` holds the stages that it may start from."""
    plan, before = stage.plan, list(_trained_before(stage, specs))
    if _is_pretraining(stage):
        what, seed = f"Pretrain {stage.encoder.slug}: {_trained_on(plan)}", None
    elif isinstance(plan, spec.TrainPlan):
        what, seed = f"Train on {_trained_on(plan)}", stage.seed
    else:
        task = registry.task(plan.task)
        count = len(plan.languages)
        where = registry.language(plan.languages[0]).name if count == 1 else f"{count} languages"
        seed = before[0].seed if before else None
        if isinstance(plan, spec.AlignPlan):
            what = f"Measure alignment on {task.title} in {where}" + ("" if before else ", pretrained")
        else:
            items = f", first {plan.limit} items" if plan.limit else ""
            noise = f", {plan.noise.label}" if plan.noise else ""
            what = f"Evaluate {task.title} {plan.split} in {where}{items}{noise}"
            # That a target was fine-tuned for itself in English goes without saying; only what differs is news.
            before = before[1:] if task.trained_on and not _translation(before[0].plan) else before
    after = " and ".join(_in_short(earlier.plan) for earlier in reversed(before))
    return _fit(what + (f", seed {seed}" if seed is not None else "") + (f", after {after}" if after else ""))


def _trained_before(stage: spec.Stage, specs: Mapping[str, spec.Stage]) -> Iterator[spec.Stage]:
    """The stages that this one starts from, the nearest first, without the one that makes the encoder."""
    while stage.parent and not _is_pretraining(stage := specs[stage.parent]):
        yield stage


def _is_pretraining(stage: spec.Stage) -> bool:
    made = recipes.pretraining(stage.encoder)
    return made is not None and made.fingerprint == stage.fingerprint


def _trained_on(plan: spec.TrainPlan) -> str:
    """The tasks, how they are mixed, the languages of translated data, and the text of MLM."""
    parts = []
    if plan.tasks:
        remarks = [*_sampled(plan.sampling), *([f"translated: {_translation(plan)}"] if _translation(plan) else [])]
        parts.append(_task_titles(plan.tasks) + (f" ({', '.join(remarks)})" if remarks else ""))
    if plan.masked:
        languages = plan.masked.languages
        where = registry.language(languages[0]).name if len(languages) == 1 else f"{len(languages)} languages"
        parts.append(f"MLM on {registry.task(plan.masked.text).title} in {where}")
    return " + ".join(parts)


def _in_short(plan: spec.TrainPlan) -> str:
    """The same as a recipe's title has it."""
    if not plan.tasks:
        return "MLM"
    return _task_titles(plan.tasks) + ending(mlm=plan.masked is not None, translation=_translation(plan))


def _translation(plan: spec.TrainPlan) -> str:
    untranslated = len(plan.languages) == 1 and set(plan.languages) <= PIVOT_LANGUAGES
    return "" if untranslated else joined(plan.languages)


def _sampled(sampling: spec.Sampling | None) -> list[str]:
    """How a mixture draws its tasks, unless as it usually does: in proportion to their sizes."""
    if sampling is None or sampling == spec.Sampling():
        return []
    strategy = f"temperature {sampling.temperature:g}" if sampling.temperature else sampling.strategy
    return [f"{strategy} sampling" + (f" up to {sampling.cap}" if sampling.cap else "")]


def _task_titles(slugs: Iterable[str]) -> str:
    return " + ".join(registry.task(slug).title for slug in slugs)


def _fit(text: str, end: str = "") -> str:
    room = TITLE_LENGTH - len(end)
    return (text if len(text) <= room else text[: room - 1] + "…") + end
