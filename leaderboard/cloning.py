"""The submit form as a run would fill it: to clone the run with changes."""

from __future__ import annotations

from typing import Any

from leaderboard.models import Run, Study

NAME_LENGTH = Study._meta.get_field("name").max_length


def initial_of(run: Run) -> dict[str, Any]:
    """Initial values of `SubmissionForm` that describe the run and what it was evaluated on.

    The targets are those of its stages, whichever study asked for them.
    """
    recipe = run.recipe
    values: dict[str, Any] = {
        "name": free_name(f"{recipe.title}, again"),
        "encoder": recipe.encoder_id,
        "methods": [recipe.method],
        "intermediate_tasks": list(recipe.intermediate_tasks.values_list("pk", flat=True)),
        "seeds": str(run.seed),
        "mixture_cap": recipe.settings.get("mixture_cap"),
        "intermediate": recipe.settings.get("intermediate") or None,
        "target": recipe.settings.get("target") or None,
    }
    for stage in run.stages.filter(action="evaluate"):
        plan = stage.spec["plan"]
        task = plan["task"]
        values |= {
            f"target-{task}": True,
            f"split-{task}": plan["split"],
            f"languages-{task}": ", ".join(plan["languages"]),
            f"limit-{task}": plan["limit"],
            "evaluation_precision": plan["precision"],
            "lane": "gpu" if stage.lane == "short" else stage.lane,
        }
        if plan["pooling"]:
            values |= {"layer": plan["layer"], "pooling": plan["pooling"]}
    return values


def free_name(name: str) -> str:
    """`name`, shortened to what a study takes, with a number where there is a study of that name."""
    number, free = 1, name[:NAME_LENGTH]
    while Study.objects.filter(name=free).exists():
        number += 1
        end = f" {number}"
        free = name[: NAME_LENGTH - len(end)] + end
    return free
