"""What the numbers mean: the catalogue and the definitions."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from leaderboard.exports import columns as export_columns
from leaderboard.models import Protocol, Source, Task
from leaderboard.standings.columns import METRIC_TITLES
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite, TaskSpec
from runner.tasks.languages import (
    LOW_RESOURCE_CLASS,
    LOW_RESOURCE_GIB,
    POCKET_LANGUAGES,
    XTREME_LANGUAGES,
    Language,
    low_resource_by_class,
    low_resource_by_size,
)


@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    protocols = dict(Task.objects.annotate(count=Count("protocols")).values_list("pk", "count"))
    blocks = [
        (
            "Target tasks",
            "The nine tasks of XTREME, evaluated zero-shot in every language.",
            _of(Role.TARGET, Suite.XTREME),
        ),
        (
            "Intermediate tasks",
            "English tasks to train on before the target task.",
            _of(Role.INTERMEDIATE, Suite.XTREME),
        ),
        (
            "Stand-ins",
            "Openly available replacements. They are never averaged with the originals and never share a column.",
            [spec for spec in registry.tasks(suite=Suite.STAND_IN) if spec.role is not Role.AUXILIARY],
        ),
        (
            "Pocket suite",
            "Tasks of every kind in artificial languages, which this program makes itself. A board of its own.",
            [spec for spec in registry.tasks(suite=Suite.POCKET) if spec.role is not Role.AUXILIARY],
        ),
        (
            "Texts for MLM",
            "Multilingual text for masked language modelling, trained beside the intermediate tasks or alone.",
            list(registry.tasks(Role.AUXILIARY)),
        ),
    ]
    context = {
        "section": "tasks",
        "blocks": [_block(title, note, [_summary(task, protocols) for task in found]) for title, note, found in blocks],
    }
    return render(request, "tasks.html", context)


def _of(role: Role, suite: Suite) -> list[TaskSpec]:
    return list(registry.tasks(role, suite))


def _block(title: str, note: str, lines: list[dict[str, object]]) -> dict[str, object]:
    """A section of the page; a column that would be empty throughout is left out."""
    return {
        "title": title,
        "note": note,
        "lines": lines,
        "has_metrics": any(line["metric"] for line in lines),
        "has_stand_ins": any(line["stands_in_for"] for line in lines),
    }


def _summary(task: TaskSpec, protocols: dict[str, int]) -> dict[str, object]:
    return {
        "task": task,
        "kind": task.kind.value.replace("_", " "),
        "stands_in_for": registry.TASKS[task.stands_in_for].title if task.stands_in_for else "",
        "metric": METRIC_TITLES.get(task.headline, task.headline),
        "protocols": protocols.get(task.slug, 0),
    }


@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    low_class, low_size = low_resource_by_class(), low_resource_by_size()
    tasks = list(registry.tasks(Role.TARGET))
    blocks = [
        ("XTREME", XTREME_LANGUAGES, Suite.XTREME),
        ("Pocket suite", POCKET_LANGUAGES, Suite.POCKET),
    ]
    context = {
        "section": "languages",
        "blocks": [
            (title, [_language(row, tasks, suite, low_class, low_size) for row in rows.values()], suite)
            for title, rows, suite in blocks
        ],
    }
    return render(request, "languages.html", context)


def _language(
    row: Language, tasks: list[TaskSpec], suite: Suite, low_class: Collection[str], low_size: Collection[str]
) -> dict[str, object]:
    return {
        "language": row,
        "tasks": [task for task in tasks if task.suite is suite and row.code in task.languages],
        "low_class": row.code in low_class,
        "low_size": row.code in low_size,
    }


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For the admin's pages and files, which name no icon: without it every visit logs an error."""
    return HttpResponseRedirect(static("img/icon.svg"))


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    context = {
        "section": "about",
        "protocols": Protocol.objects.select_related("task").order_by("task__position", "label"),
        "sources": Source.objects.all(),
        "low_class": [XTREME_LANGUAGES[code] for code in low_resource_by_class()],
        "low_size": [XTREME_LANGUAGES[code] for code in low_resource_by_size()],
        "low_resource_class": LOW_RESOURCE_CLASS,
        "low_resource_gib": LOW_RESOURCE_GIB,
        "languages": XTREME_LANGUAGES.values(),
        "scores_columns": export_columns.SCORES,
        "view_columns": export_columns.VIEW,
    }
    return render(request, "about.html", context)
