"""A small leaderboard for tests of the read side: a real submission, with invented but reproducible scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db.models import Prefetch

from leaderboard.models import Artifact, Encoder, Protocol, Publication, Recipe, Run, Score, Source, Stage, Study
from leaderboard.services import results
from leaderboard.services.submission_recipes import Submission
from leaderboard.services.submissions import submit
from leaderboard.variants import Variant
from runner.recipes import Evaluation, Method
from runner.scoring.alignment import MEASURES
from runner.spec import SCORER_VERSION, MaskedWords, Noise, fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite

ENCODER = "tiny"
SEEDS = (1, 2)
TASKS = ("udpos", "panx", "tatoeba", "xnli_cad")
MLM = MaskedWords("ntrex", ("de", "en", "sw"))
# Every method in every variant that it has; for targets that are trained, and not on tags.
EVERYTHING = {
    "methods": tuple(Method),
    "variants": tuple(Variant),
    "masked": MLM,
    "translations": (("de",), ("en", "ru")),
    "translate_train": (("de", "en"),),
}
LOST_TO_NOISE = 3.0
Invented = Callable[[Run, str, str, str], float]


@dataclass(frozen=True)
class Seeded:
    """What `study` made; recipes by tasks, `mlm` and languages of translated data, as far as they have these."""

    study: Study
    recipes: dict[str, Recipe]

    def run(self, recipe: str = "", seed: int = 1) -> Run:
        return self.recipes[recipe].runs.get(seed=seed)


def recipe_key(recipe: Recipe) -> str:
    """`` for the plain baseline, `nli_cad`, `nli_cad mlm`, `nli_cad de+en`, `mlm` alone, `de` for translate-train."""
    tasks = "+".join(recipe.intermediate_tasks.values_list("pk", flat=True))
    return " ".join(part for part in (tasks, "mlm" if recipe.mlm else "", recipe.translation) if part)


def invented(run: Run, task: str, language: str, metric: str) -> float:
    """A score between 20 and 95 that depends on nothing but what it is a score of."""
    digest = hashlib.sha256(f"{run.recipe.title} {run.seed} {task} {language} {metric}".encode()).digest()
    base = hashlib.sha256(f"{task} {language}".encode()).digest()
    return 30 + 55 * base[0] / 255 + 10 * (int.from_bytes(digest[:4], "big") / 2**32 - 0.5)


def encoder(slug: str = ENCODER) -> Encoder:
    title = f"Tiny encoder{'' if slug == ENCODER else f' {slug}'}"
    return Encoder.objects.get_or_create(
        slug=slug, defaults={"title": title, "location": "some/folder", "revision": "0" * 40, "layers": 12}
    )[0]


def evaluation(
    task: str, languages: Iterable[str] = (), split: str = "test", noises: tuple[Noise, ...] = ()
) -> Evaluation:
    return Evaluation(task, split, tuple(languages) or registry.task(task).languages, noises=noises)


def study(
    name: str = "Trial",
    *,
    slug: str = ENCODER,
    intermediates: tuple[str, ...] = ("ccg_pmb", "nli_cad"),
    tasks: tuple[str, ...] = TASKS,
    languages: tuple[str, ...] = (),
    seeds: tuple[int, ...] = SEEDS,
    scored: bool = True,
    value: Invented = invented,
    noises: tuple[Noise, ...] = (),
    **asked: Any,
) -> Seeded:
    """A baseline and one recipe for each intermediate task, submitted as in the admin, and done if `scored`.

    `asked` are further fields of the submission, such as those of EVERYTHING.
    """
    encoder(slug)
    row = submit(
        Submission(
            name=name,
            encoder=slug,
            intermediate_tasks=intermediates,
            evaluations=tuple(evaluation(task, languages, noises=noises) for task in tasks),
            seeds=seeds,
            **{"methods": (Method.BASELINE, Method.INTERMEDIATE), **asked},
        )
    )
    if scored:
        for run in row.runs.all():
            finish(run, value)
    return Seeded(row, {recipe_key(recipe): recipe for recipe in row.recipes.all()})


def finish(run: Run, value: Invented = invented) -> None:
    """Every stage of the run is done, and what it measures in the headline metrics is recorded.

    A stage that runs share measures the same for all of them: what it does for the first.
    """
    stages = list(run.stages.prefetch_related(Prefetch("runs", Run.objects.select_related("recipe").order_by("pk"))))
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    done = {"status": Stage.Status.DONE, "done": 1, "total": 1, "seconds": 75.0, "started": moment, "finished": moment}
    Stage.objects.filter(pk__in=[stage.pk for stage in stages]).update(**done)
    evaluated = [stage for stage in stages if stage.action == Stage.Action.EVALUATE]
    Score.objects.bulk_create(score for stage in evaluated for score in scores_of(run, stage, value))
    for stage in stages:
        if stage.action == Stage.Action.ALIGN:
            results.record_diagnostics(stage, diagnostics(stage))


def measure(run: Run, stage: Stage, value: Invented = invented) -> None:
    Score.objects.bulk_create(scores_of(run, stage, value))


def scores_of(run: Run, stage: Stage, value: Invented) -> Iterator[Score]:
    """What `run` gets of an evaluation in the headline metrics."""
    plan = stage.spec["plan"]
    protocol = results.protocol_for(stage)
    first = min(stage.runs.all(), key=lambda one: one.pk)
    for language in plan["languages"]:
        for metric in registry.task(plan["task"]).headline_metrics:
            lost = LOST_TO_NOISE if plan.get("noise") else 0
            yield Score(
                run=run,
                task_id=plan["task"],
                language_id=language,
                metric=metric,
                value=value(first, plan["task"], language, metric) - lost,
                n=500,
                protocol=protocol,
                stage=stage,
            )


def diagnostics(stage: Stage) -> list[dict[str, Any]]:
    """What a stage that measures alignment reports: invented, the same in every layer of a language but for a slope.

    After training, all is a tenth of the range better in languages of an even number, and worse in the others.
    """
    events = []
    for number, language in enumerate(stage.spec["plan"]["languages"]):
        change = 0 if stage.parent is None else (0.1 if number % 2 == 0 else -0.05)
        for layer in range(stage.spec["encoder"]["layers"] + 1):
            share = 0.3 + 0.02 * layer + 0.005 * number + change
            values = {name: share * measure.high for name, measure in MEASURES.items()}
            events.append({"event": "diagnostic", "language": language, "layer": layer, "n": 300, "values": values})
    return events


def all_nine(run: Run, value: Invented = invented) -> None:
    """Scores in every language of XTREME's nine tasks, under one protocol each."""
    for task in registry.tasks(Role.TARGET, Suite.XTREME):
        protocol = Protocol.objects.get_or_create(
            fingerprint=fingerprint(["all nine", task.slug]),
            defaults={
                "task_id": task.slug,
                "split": "test",
                "max_length": task.training.max_length,
                "scorer_version": SCORER_VERSION,
                "data": task.splits["test"].revision or "",
                "label": "test split",
            },
        )[0]
        Score.objects.bulk_create(
            Score(
                run=run,
                task_id=task.slug,
                language_id=language,
                metric=metric,
                value=value(run, task.slug, language, metric),
                n=100,
                protocol=protocol,
            )
            for language in task.languages
            for metric in task.headline_metrics
        )


def published(system: str, *, status: str = "quoted", title: str = "A paper") -> Run:
    """A published system with one printed mean for Tatoeba; its status is the source's."""
    source = Source.objects.get_or_create(
        key=f"paper-{status}", defaults={"title": title, "status": status, "url": "https://example.org/paper"}
    )[0]
    run = Run.objects.create(origin=Run.Origin.PUBLISHED, system=system, source=source)
    protocol = Protocol.objects.get_or_create(
        fingerprint=fingerprint("printed"),
        defaults={
            "task_id": "tatoeba",
            "split": "test",
            "scorer_version": "",
            "label": "as printed",
            "published": True,
        },
    )[0]
    score = Score.objects.create(run=run, task_id="tatoeba", metric="accuracy", value=57.3, protocol=protocol)
    Publication.objects.create(score=score, status=status)
    return run


def write_files(stage: Stage, **contents: str) -> list[Artifact]:
    """Files in the stage's folder, with their rows: `curve="…"` becomes `curve.jsonl`, `log` `stage.log`."""
    names = {"curve": "curve.jsonl", "log": "stage.log"}
    folder = results.folder(stage)
    folder.mkdir(parents=True, exist_ok=True)
    events = []
    for kind, text in contents.items():
        path = Path(folder, names[kind])
        path.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        events.append({"kind": kind, "path": path.name, "sha256": digest, "size": path.stat().st_size})
    return results.record_artifacts(stage, events)


def curve_text(steps: int = 40) -> str:
    """A learning curve as the engine writes it."""
    losses = [{"step": 10 * step, "loss": 3.0 / step + 0.4, "learning_rate": 1e-5} for step in range(1, steps + 1)]
    scores = [{"step": 100 * step, "metric": "f1", "value": 90 - 60 / step} for step in range(1, steps // 10 + 1)]
    return "".join(json.dumps({"event": "curve", **point}) + "\n" for point in [*losses, *scores])
