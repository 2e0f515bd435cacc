"""The pocket study: what a fresh installation trains by itself, so that its pages are full of true results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count

from leaderboard.models import Run, Stage, Study
from leaderboard.services.submission_recipes import Submission
from leaderboard.services.submissions import submit
from leaderboard.variants import Variant
from runner.recipes import Diagnosis, Evaluation, Method, PhaseSettings
from runner.spec import MaskedWords
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite
from runner.tasks.pocket import TEXT

NAME = "Pocket study"
NOTE = (
    "Trained by this installation itself: does an intermediate task in the base language help the target tasks in six "
    "artificial languages? One task, two at once, with MLM beside them, and on machine-translated data; four seeds."
)
INTERMEDIATE = ("pocket_inference", "pocket_supertags")
# With three, a difference must be 28 times its standard error to be decided among the map's forty; with four, 12 times.
SEEDS = (1, 2, 3, 4)
# Measured: docs/pocket.md.
LEARNING_RATE = 1e-3
TRAIN_LIMIT = 2400
TARGET_LIMIT = 1200
MASKED = MaskedWords(TEXT.slug, TEXT.languages, share=0.3, mask_rate=0.3, texts=400)
TRANSLATED = ("qde", "qko", "qsa")

Status = Stage.Status


@dataclass(frozen=True)
class Progress:
    """How far the pocket study is, in stages; `now` has the titles of those that run."""

    study: int
    done: int
    failed: int
    total: int
    now: tuple[str, ...]

    @property
    def over(self) -> bool:
        """Whether nothing of it will change by itself."""
        return self.done + self.failed == self.total


def submissions() -> tuple[Submission, ...]:
    """The study's parts: baseline and tasks as they are, all tasks with MLM, all tasks on translated data."""

    def part(*methods: Method, **parts: Any) -> Submission:
        return Submission(
            name=NAME,
            note=NOTE,
            encoder="pocket",
            methods=methods,
            intermediate_tasks=INTERMEDIATE,
            evaluations=tuple(
                Evaluation(task.slug, "test", task.languages) for task in registry.tasks(Role.TARGET, Suite.POCKET)
            ),
            diagnoses=(Diagnosis("pocket_search"),),
            seeds=SEEDS,
            intermediate=PhaseSettings(learning_rate=LEARNING_RATE, train_limit=TRAIN_LIMIT),
            target=PhaseSettings(learning_rate=LEARNING_RATE, train_limit=TARGET_LIMIT),
            lane=Stage.Lane.CPU,
            **parts,
        )

    return (
        part(Method.BASELINE, Method.INTERMEDIATE, Method.MULTI_TASK),
        part(Method.MULTI_TASK, variants=(Variant.MLM,), masked=MASKED),
        part(Method.MULTI_TASK, variants=(Variant.TRANSLATED,), translations=(TRANSLATED,)),
    )


def begin() -> Study | None:
    """Submit the study where nothing was ever submitted or trained; None where something was, or somebody else did."""
    if Study.objects.exists() or Run.objects.filter(origin=Run.Origin.LOCAL).exists():
        return None
    first, *others = submissions()
    try:
        with transaction.atomic():
            study = submit(first, also=others)
            # What is trained is evaluated at once, so that the board fills from the beginning.
            measured = Stage.objects.filter(runs__studies=study).exclude(action=Stage.Action.TRAIN)
            measured.update(priority=Stage.Priority.HIGH)
    except IntegrityError:  # two first starts at the same moment
        return None
    return study


def progress() -> Progress | None:
    """How far the study is; None where there is none. Three queries."""
    study = Study.objects.filter(name=NAME).first()
    if study is None:
        return None
    stages = Stage.objects.filter(runs__studies=study).order_by()
    count = dict(stages.values_list("status").annotate(Count("pk", distinct=True)))
    running = stages.filter(status=Status.RUNNING).distinct().order_by("pk")
    return Progress(
        study=study.pk,
        done=count.get(Status.DONE, 0),
        failed=count.get(Status.FAILED, 0) + count.get(Status.CANCELLED, 0),
        total=sum(count.values()),
        now=tuple(running.values_list("title", flat=True)),
    )
