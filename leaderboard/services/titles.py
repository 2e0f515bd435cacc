"""Titles of recipes and stages: what each does, in a few words, from the catalogue's own titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from runner import recipes, spec
from runner.recipes import Method
from runner.tasks import registry

TITLE_LENGTH = 200  # of the columns


def recipe_title(recipe: recipes.Recipe) -> str:
    """`encoder (baseline)`, `encoder → task` or `encoder → task + task (multi-task)`."""
    if recipe.method is Method.BASELINE:
        return f"{recipe.encoder.slug} (baseline)"
    end = " (multi-task)" if recipe.method is Method.MULTI_TASK else ""
    return _fit(f"{recipe.encoder.slug} → {_task_titles(recipe.intermediate_tasks)}", end)


def stage_title(stage: spec.Stage, specs: Mapping[str, spec.Stage]) -> str:
    """What the stage does in a few words; `specs` holds the stages that it may start from."""
    plan, before = stage.plan, list(_trained_before(stage, specs))
    if isinstance(plan, spec.TrainPlan):
        what, seed = f"Train on {_task_titles(plan.tasks)}", stage.seed
    else:
        task = registry.task(plan.task)
        count = len(plan.languages)
        where = registry.language(plan.languages[0]).name if count == 1 else f"{count} languages"
        items = f", first {plan.limit} items" if plan.limit else ""
        what, seed = f"Evaluate {task.title} {plan.split} in {where}{items}", before[0].seed if before else None
        # That a target was fine-tuned for itself goes without saying; only what came before that is news.
        before = before[1:] if task.trained_on else before
    after = " and ".join(_task_titles(earlier.plan.tasks) for earlier in reversed(before))
    return _fit(what + (f", seed {seed}" if seed is not None else "") + (f", after {after}" if after else ""))


def _trained_before(stage: spec.Stage, specs: Mapping[str, spec.Stage]) -> Iterator[spec.Stage]:
    """The stages that this one starts from, the nearest first."""
    while stage.parent:
        stage = specs[stage.parent]
        yield stage


def _task_titles(slugs: Iterable[str]) -> str:
    return " + ".join(registry.task(slug).title for slug in slugs)


def _fit(text: str, end: str = "") -> str:
    room = TITLE_LENGTH - len(end)
    return (text if len(text) <= room else text[: room - 1] + "…") + end
