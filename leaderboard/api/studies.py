"""Studies: what was asked for, and asking for more."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from leaderboard.api.errors import READING, WRITING
from leaderboard.api.fields import LARGEST, NO_ZERO, After, Limit, Number, Text, next_page
from leaderboard.api.finding import found
from leaderboard.api.security import WRITE, Bearer, permitted
from leaderboard.models import Stage, Study
from leaderboard.services import submissions
from leaderboard.services.submission_recipes import Submission
from leaderboard.variants import Variant
from runner.recipes import Diagnosis, Evaluation, Method, PhaseSettings
from runner.spec import MaskedWords, Noise, Sampling
from runner.tasks import registry

router = Router(tags=["Studies"])

Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=NO_ZERO)]
Code = Annotated[str, StringConstraints(max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Share = Annotated[float, Field(ge=0, le=1)]


class Closed(Schema):
    """An object that takes no field but its own: a misspelt one would be a default without a word."""

    model_config = {"extra": "forbid"}


class PhaseIn(Closed):
    """Hyper-parameters of a phase; null stands for the task's published default."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-5
    epochs: Annotated[int, Field(ge=1, le=1000)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_length: Annotated[int, Field(ge=8, le=8192)] | None = None
    warmup: Share = 0.1
    weight_decay: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    train_limit: Count | None = None
    precision: str = "fp32"
    patience: Count | None = None
    evaluate_every: Count | None = None


class SamplingIn(Closed):
    """How the tasks of a mixture are drawn."""

    strategy: str = "proportional"
    cap: Count | None = None
    temperature: Annotated[float, Field(gt=0, le=1e6)] | None = None


class MaskedIn(Closed):
    """Multilingual MLM beside the tasks, or alone: the text and its languages."""

    text: Code
    languages: Annotated[list[Code], Field(max_length=200)]
    share: float = 0.5
    mask_rate: float = 0.15
    texts: Count | None = None


class NoiseIn(Closed):
    """Noise in the test data: which kind, and how likely it hits each place that it can hit."""

    kind: Code
    rate: float = 0.1


class EvaluationIn(Closed):
    """A target: on which split, in which languages (all, if none is named), on how many items (all).

    With `noises`, the same again under each of them.
    """

    task: Code
    split: Code = "test"
    languages: Annotated[list[Code], Field(max_length=200)] = []
    limit: Count | None = None
    layer: Annotated[int, Field(ge=0, le=1000)] | None = None
    pooling: str = "mean"
    precision: str = "fp32"
    noises: Annotated[list[NoiseIn], Field(max_length=20)] = []

    def evaluation(self) -> Evaluation:
        fields = self.dict()
        languages = tuple(self.languages) or registry.task(self.task).languages
        noises = tuple(Noise(**noise.dict()) for noise in self.noises)
        return Evaluation(**{**fields, "languages": languages, "noises": noises})


class AlignmentIn(Closed):
    """Alignment of every layer on a parallel text: the first `limit` pairs of each language (all, if null)."""

    text: Code
    languages: Annotated[list[Code], Field(max_length=200)] = []
    limit: Count | None = 1000
    pooling: str = "mean"
    precision: str = "fp32"

    def diagnosis(self) -> Diagnosis:
        return Diagnosis(self.text, tuple(self.languages), self.limit, self.pooling, self.precision)


class StudyIn(Closed):
    """A study as in the admin: every method in every variant that it has, with every target and every seed.

    One that measures `alignment` needs no target.
    """

    name: Name
    note: Text = ""
    encoder: Code
    methods: Annotated[list[Method], Field(min_length=1, max_length=4)]
    variants: Annotated[list[Variant], Field(min_length=1, max_length=3)] = [Variant.PLAIN]
    intermediate_tasks: Annotated[list[Code], Field(max_length=100)] = []
    targets: Annotated[list[EvaluationIn], Field(max_length=100)] = []
    alignment: Annotated[list[AlignmentIn], Field(max_length=100)] = []
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=2**32 - 1)]], Field(min_length=1, max_length=100)]
    intermediate: PhaseIn = PhaseIn()
    target: PhaseIn = PhaseIn()
    sampling: SamplingIn = SamplingIn()
    masked: MaskedIn | None = None
    translations: Annotated[list[list[Code]], Field(max_length=50)] = []
    translate_train: Annotated[list[list[Code]], Field(max_length=50)] = []
    priority: Stage.Priority = Stage.Priority.NORMAL
    lane: Stage.Lane = Stage.Lane.GPU

    def submission(self) -> Submission:
        """What is asked for; RecipeError for what cannot be."""
        return Submission(
            name=self.name,
            note=self.note,
            encoder=self.encoder,
            methods=tuple(dict.fromkeys(self.methods)),
            variants=tuple(dict.fromkeys(self.variants)),
            intermediate_tasks=tuple(dict.fromkeys(self.intermediate_tasks)),
            evaluations=tuple(target.evaluation() for target in self.targets),
            diagnoses=tuple(alignment.diagnosis() for alignment in self.alignment),
            seeds=tuple(self.seeds),
            intermediate=PhaseSettings(**self.intermediate.dict()),
            target=PhaseSettings(**self.target.dict()),
            sampling=Sampling(**self.sampling.dict()),
            masked=self.masked and MaskedWords(**{**self.masked.dict(), "languages": tuple(self.masked.languages)}),
            translations=tuple(map(tuple, self.translations)),
            translate_train=tuple(map(tuple, self.translate_train)),
            priority=int(self.priority),
            lane=str(self.lane),
        )


class StudyOut(Schema):
    """One study; `runs` are the numbers of its runs."""

    id: int
    url: str
    name: str
    note: str
    seeds: list[int]
    targets: list[dict[str, Any]]
    alignment: list[dict[str, Any]]
    recipes: list[str]
    runs: list[int]
    created: datetime


class StudyPage(Schema):
    """Studies in the order of their numbers, and where the next ones are; null after the last."""

    items: list[StudyOut]
    next: str | None


class ForecastOut(Schema):
    """What a study would take: stages in all, done, under way; hours of what has been measured."""

    stages: int
    done: int
    under_way: int
    hours: float
    unmeasured: int


@router.get("/studies", response={200: StudyPage, **READING}, operation_id="studies")
def studies(request: HttpRequest, after: After = 0, limit: Limit = 100) -> dict[str, Any]:
    """A page of studies; `next` is the address of the following one."""
    chosen = Study.objects.filter(pk__gt=after).order_by("pk").prefetch_related("recipes", "runs")
    rows = [_study(request, row) for row in chosen[:limit]]
    return {"items": rows, "next": next_page(request, rows, limit, rows[-1]["id"] if rows else None)}


@router.post(
    "/studies/forecast",
    response={200: ForecastOut, **WRITING},
    auth=Bearer(),
    throttle=[WRITE],
    operation_id="forecast",
)
def forecast(request: HttpRequest, asked: StudyIn) -> dict[str, Any]:
    """What the study would take; nothing is written."""
    permitted(request, "leaderboard.add_study")
    told = submissions.preview(asked.submission())
    return {name: getattr(told, name) for name in ("stages", "done", "under_way", "hours", "unmeasured")}


@router.get("/studies/{pk}", response={200: StudyOut, **READING}, operation_id="study")
def study(request: HttpRequest, pk: Number) -> dict[str, Any]:
    """One study; how far it is, its runs tell."""
    return _study(request, found(Study.objects.prefetch_related("recipes", "runs"), "study", pk))


@router.post("/studies", response={201: StudyOut, **WRITING}, auth=Bearer(), throttle=[WRITE], operation_id="submit")
def submit(request: HttpRequest, asked: StudyIn) -> Status:
    """Submit a study; needs the permission to add studies. What is done already is shared, not done again."""
    user = permitted(request, "leaderboard.add_study")
    return Status(201, _study(request, submissions.submit(asked.submission(), user)))


def _study(request: HttpRequest, row: Study) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": request.build_absolute_uri(f"/studies/{row.pk}/"),
        **{name: getattr(row, name) for name in ("name", "note", "seeds", "targets", "created")},
        "alignment": [_alignment(diagnosis) for diagnosis in row.diagnoses],
        "recipes": [recipe.title for recipe in row.recipes.all()],
        "runs": sorted(run.pk for run in row.runs.all()),
    }


def _alignment(diagnosis: dict[str, Any]) -> dict[str, Any]:
    """As it was asked for."""
    return {"text": diagnosis["task"], **{name: value for name, value in diagnosis.items() if name != "task"}}
