"""The catalogue: languages, tasks, encoders."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema

from leaderboard.api.errors import READING
from leaderboard.api.fields import Slug
from leaderboard.api.finding import found
from leaderboard.models import Encoder, Language, Task

router = Router(tags=["Catalogue"])


class LanguageOut(Schema):
    """One language; sizes are of CC-100, the class is that of Joshi et al. 2020."""

    code: str
    name: str
    family: str
    branch: str
    script: str
    cc100_gib: float | None
    cc100_tokens: int | None
    resource_class: int | None


class TaskOut(Schema):
    """One task; `trained_on` and `stands_in_for` are slugs of others, empty where there is none."""

    slug: str
    title: str
    role: str
    suite: str
    kind: str
    group: str
    languages: list[str]
    metrics: list[str]
    headline: str
    trained_on: str
    stands_in_for: str
    parallel: bool
    dataset: str
    licence: str
    citation: str
    note: str

    @staticmethod
    def resolve_languages(task: Task) -> list[str]:
        return [language.code for language in task.languages.all()]


class EncoderOut(Schema):
    """One pretrained encoder; where it lies on a machine of this leaderboard is not told."""

    slug: str
    title: str
    revision: str
    layers: int
    licence: str
    note: str


@router.get("/languages", response={200: list[LanguageOut], **READING}, operation_id="languages")
def languages(request: HttpRequest) -> list[Language]:
    """All languages, by code."""
    return list(Language.objects.all())


@router.get("/tasks", response={200: list[TaskOut], **READING}, operation_id="tasks")
def tasks(request: HttpRequest) -> list[Task]:
    """All tasks, in the catalogue's order."""
    return list(Task.objects.prefetch_related("languages"))


@router.get("/tasks/{slug}", response={200: TaskOut, **READING}, operation_id="task")
def task(request: HttpRequest, slug: Slug) -> Task:
    """One task."""
    return found(Task.objects.prefetch_related("languages"), "task", slug)


@router.get("/encoders", response={200: list[EncoderOut], **READING}, operation_id="encoders")
def encoders(request: HttpRequest) -> list[Encoder]:
    """All encoders that recipes may begin with."""
    return list(Encoder.objects.all())
