"""The submit form as a run or a study would fill it: to clone it with changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from leaderboard.models import Recipe, Run, Stage, Study
from leaderboard.variants import Variant
from runner.tasks import registry

SETTINGS = ("intermediate", "target", "sampling", "masked")
NAME_LENGTH = Study._meta.get_field("name").max_length


def initial_of_run(run: Run) -> dict[str, Any]:
    """Initial values of `SubmissionForm` that describe the run and what it was evaluated on.

    The targets are those of its stages, whichever study asked for them.
    """
    stages = list(run.stages.all())
    plans = [stage.spec["plan"] for stage in stages if stage.action == Stage.Action.EVALUATE]
    return _initial(run.recipe.title, [run.recipe], [run.seed], plans, stages)


def initial_of_study(study: Study) -> dict[str, Any]:
    """Initial values of `SubmissionForm` that describe the study: all its recipes, targets and seeds."""
    recipes = list(study.recipes.order_by("pk").prefetch_related("intermediate_tasks"))
    stages = Stage.objects.filter(runs__studies=study).distinct()
    return _initial(study.name, recipes, study.seeds, study.targets, stages)


def _initial(
    name: str,
    recipes: Collection[Recipe],
    seeds: Iterable[int],
    evaluations: Iterable[Mapping[str, Any]],
    stages: Collection[Stage],
) -> dict[str, Any]:
    # All recipes of one submission have the same settings, where they have any.
    settings = {key: found for recipe in recipes for key in SETTINGS if (found := recipe.settings.get(key))}
    if masked := settings.get("masked"):
        settings["masked"] = {**masked, "languages": ", ".join(masked["languages"])}
    translated_targets = [recipe for recipe in recipes if recipe.method == Recipe.Method.TRANSLATE_TRAIN]
    others = [recipe for recipe in recipes if recipe not in translated_targets]
    diagnoses = [stage.spec["plan"] for stage in stages if stage.action == Stage.Action.ALIGN]
    lanes = {stage.lane for stage in stages} - {Stage.Lane.SHORT}
    return {
        "name": free_name(f"{name}, again"),
        "encoder": next((recipe.encoder_id for recipe in recipes), None),
        "methods": _once(recipe.method for recipe in recipes),
        "variants": _once(variant for recipe in others for variant in recipe.variants) or [Variant.PLAIN],
        "intermediate_tasks": _once(task.pk for recipe in recipes for task in recipe.intermediate_tasks.all()),
        "translations": ", ".join(_once(recipe.translation for recipe in others if recipe.translation)),
        "translate_train": ", ".join(recipe.translation for recipe in translated_targets),
        "seeds": " ".join(map(str, seeds)),
        "lane": min(lanes, default=Stage.Lane.GPU),
        **settings,
        **_targets(evaluations),
        **_diagnoses(diagnoses),
    }


def _targets(evaluations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of every target; an evaluation is a plan's or a study's, which name the same."""
    values: dict[str, Any] = {}
    for evaluation in evaluations:
        task = evaluation["task"]
        values |= {
            f"target-{task}": True,
            f"split-{task}": evaluation["split"],
            f"languages-{task}": ", ".join(evaluation["languages"]),
            f"limit-{task}": evaluation["limit"],
            "evaluation_precision": evaluation["precision"],
        }
        # A study names all noises of a target, a plan its own.
        own = evaluation.get("noises") or ([evaluation["noise"]] if evaluation.get("noise") else [])
        if own:
            values["noises"] = _once([*values.get("noises", []), *(noise["kind"] for noise in own)])
            values["noise_rate"] = round(100 * own[0]["rate"], 6)
        # Empty where nothing is retrieved, or where nobody chose a layer.
        values |= {name: evaluation[name] for name in ("layer", "pooling") if evaluation[name] not in (None, "")}
    return values


def _diagnoses(plans: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not plans:
        return {}
    values = {"alignment": _once(plan["task"] for plan in plans), "alignment_limit": plans[0]["limit"]}
    texts = {plan["task"]: registry.task(plan["task"]) for plan in plans}
    whole = all(
        set(plan["languages"]) >= {*texts[plan["task"]].languages} - {texts[plan["task"]].pivot} for plan in plans
    )
    # The field of the whole study, which says what alignment is measured on; every target has its own beside it.
    return (
        values if whole else {**values, "languages": ", ".join(_once(code for p in plans for code in p["languages"]))}
    )


def _once(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def free_name(name: str) -> str:
    """`name`, shortened to what a study takes, with a number where there is a study of that name."""
    number, free = 1, name[:NAME_LENGTH]
    while Study.objects.filter(name=free).exists():
        number += 1
        end = f" {number}"
        free = name[: NAME_LENGTH - len(end)] + end
    return free
