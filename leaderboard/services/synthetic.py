"""A database of invented scores, as large as a large leaderboard: to measure pages, never to read results from.

Every row says that it is synthetic, in its title and in the name of its encoder. A database that has a single run of
another kind is refused.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from django.db import transaction

from leaderboard.models import Encoder, Protocol, Recipe, Run, Score, Study
from leaderboard.services import headlines
from runner.errors import RecipeError
from runner.spec import fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite, TaskSpec

PREFIX = "synthetic"
ENCODERS = {f"{PREFIX}-base": "Synthetic base", f"{PREFIX}-large": "Synthetic large"}
SEEDS = (1, 2, 3)
# Recipes that share their target settings, and so their baseline, which is the first of them.
FAMILY = 25
SCORES_A_BATCH = 20_000
TARGETS = tuple(registry.tasks(Role.TARGET, Suite.XTREME))
SCORES_A_RUN = sum(len(task.languages) * len(task.headline_metrics) for task in TARGETS)


def recipes_for(scores: int) -> int:
    """How many recipes have about so many scores, over all their seeds."""
    return max(FAMILY, round(scores / (SCORES_A_RUN * len(SEEDS))))


@transaction.atomic
def seed(recipes: int) -> Study:
    """Invent `recipes` recipes with three seeds each, and their scores in every language of XTREME's nine tasks.

    RecipeError where the database has runs that are not synthetic. The numbers are the same every time.
    """
    real = Run.objects.exclude(recipe__encoder__slug__startswith=PREFIX).count()
    if real:
        raise RecipeError(
            f"This database has {real} runs that are not synthetic; invented scores need one of their own."
        )
    for slug, title in ENCODERS.items():
        Encoder.objects.get_or_create(slug=slug, defaults={"title": title, "location": f"{PREFIX}/none", "layers": 12})
    study = Study.objects.create(
        name=f"Synthetic study of {recipes} recipes", note="Invented numbers, to measure pages with.", seeds=list(SEEDS)
    )
    made = _recipes(recipes)
    study.recipes.set(made)
    runs = Run.objects.bulk_create(
        [Run(recipe=recipe, seed=seed) for recipe in made for seed in SEEDS], batch_size=2000
    )
    links = Run.studies.through
    links.objects.bulk_create([links(run_id=run.pk, study_id=study.pk) for run in runs], batch_size=2000)
    scores = _scores(runs, {task.slug: _protocol(task) for task in TARGETS})
    while batch := list(islice(scores, SCORES_A_BATCH)):
        Score.objects.bulk_create(batch, batch_size=5000)
    headlines.settle()
    return study


def _recipes(count: int) -> list[Recipe]:
    intermediates = [task.slug for task in registry.tasks(Role.INTERMEDIATE, Suite.XTREME)]
    encoders = list(ENCODERS)
    made, tasks = [], []
    for number in range(count):
        family, place = divmod(number, FAMILY)
        encoder = encoders[family % len(encoders)]
        # One or two intermediate tasks, in all combinations before any comes again.
        first, further = (place - 1) % len(intermediates), (place - 1) // len(intermediates)
        chosen = [] if place == 0 else [intermediates[first]]
        if further and place:
            chosen.append(intermediates[(first + further) % len(intermediates)])
        method = ("baseline", "intermediate", "multi_task")[len(chosen)]
        what = " + ".join(registry.TASKS[slug].title for slug in chosen) or "baseline"
        made.append(
            Recipe(
                fingerprint=fingerprint([PREFIX, number]),
                title=f"[synthetic {number:04}] {what}",
                encoder_id=encoder,
                method=method,
                settings={"target": {"learning_rate": round(1e-5 * (1 + family), 6)}},
            )
        )
        tasks.append(chosen)
    made = Recipe.objects.bulk_create(made, batch_size=1000)
    links = Recipe.intermediate_tasks.through
    links.objects.bulk_create(
        [
            links(recipe_id=recipe.pk, task_id=slug)
            for recipe, chosen in zip(made, tasks, strict=True)
            for slug in chosen
        ],
        batch_size=2000,
    )
    return made


def _protocol(task: TaskSpec) -> Protocol:
    label = f"{PREFIX}, test split"
    return Protocol.objects.get_or_create(
        fingerprint=fingerprint([PREFIX, task.slug]),
        defaults={"task_id": task.slug, "split": "test", "scorer_version": PREFIX, "label": label, "max_length": 128},
    )[0]


def _scores(runs: list[Run], protocols: dict[str, Protocol]) -> Iterator[Score]:
    """The scores run by run: a level for each task and language, a recipe's gain, and noise of seeds and cells."""
    source = random.Random(2005_13013)
    levels = {(task.slug, code): source.uniform(35, 85) for task in TARGETS for code in task.languages}
    gain = 0.0
    for position, run in enumerate(runs):
        if position % len(SEEDS) == 0:
            gain = source.gauss(0.5, 1.5)
        drawn = source.gauss(0, 0.4)
        for task in TARGETS:
            for code in task.languages:
                value = levels[task.slug, code] + gain + drawn + source.gauss(0, 0.8)
                for metric in task.headline_metrics:
                    lower = 12.0 if metric == "exact_match" else 0.0
                    yield Score(
                        run_id=run.pk,
                        task_id=task.slug,
                        language_id=code,
                        metric=metric,
                        value=min(100.0, max(0.0, value - lower)),
                        n=1000,
                        protocol_id=protocols[task.slug].pk,
                    )
