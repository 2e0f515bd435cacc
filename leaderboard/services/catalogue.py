"""The catalogue in the database: rows that mirror `runner.tasks`, so that scores can refer to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, transaction

from leaderboard.models import Encoder, Language, Task
from runner.tasks import registry
from runner.tasks.encoders import ENCODERS, EncoderSpec
from runner.tasks.kinds import TaskSpec
from runner.tasks.languages import LANGUAGES
from runner.tasks.languages import Language as LanguageSpec


def mirror_after_migrate(*, using: str = DEFAULT_DB_ALIAS, plan: Iterable[Any] = (), **kwargs: Any) -> None:
    """The post_migrate receiver; does nothing while the tables are not there (a migration backwards)."""
    backwards = any(is_backwards for _, is_backwards in plan)
    if not backwards:
        mirror(using=using)


def mirror(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Insert what is new in the catalogue and update what has changed, in a handful of statements.

    Nothing is deleted: a task that left the catalogue keeps its scores. An encoder that is there already is
    left alone, because a maintainer may have pointed it to another folder.
    """
    with transaction.atomic(using=using):
        _upsert(Language, [_language(language) for language in LANGUAGES.values()], using)
        _upsert(Task, [_task(position, spec) for position, spec in enumerate(registry.TASKS.values())], using)
        _link_languages(using)
        encoders = [_encoder(spec) for spec in ENCODERS.values()]
        Encoder.objects.using(using).bulk_create(encoders, ignore_conflicts=True)


def _upsert(model: type[models.Model], rows: list[models.Model], using: str) -> None:
    key = model._meta.pk.name
    changing = [field.name for field in model._meta.concrete_fields if field.name != key]
    model._default_manager.using(using).bulk_create(
        rows, update_conflicts=True, unique_fields=[key], update_fields=changing
    )


def _language(spec: LanguageSpec) -> Language:
    shared = {field.name for field in fields(LanguageSpec)}
    return Language(**{name: value for name, value in asdict(spec).items() if name in shared})


def _encoder(spec: EncoderSpec) -> Encoder:
    return Encoder(
        slug=spec.slug,
        title=spec.title,
        location=spec.location,
        revision=spec.revision or "",
        layers=spec.layers,
        licence=spec.licence,
        note=spec.citation,
    )


def _task(position: int, spec: TaskSpec) -> Task:
    return Task(
        slug=spec.slug,
        title=spec.title,
        role=spec.role.value,
        suite=spec.suite.value,
        kind=spec.kind.value,
        group=spec.group.value,
        position=position,
        metrics=list(spec.metrics),
        headline=spec.headline,
        trained_on=spec.trained_on or "",
        stands_in_for=spec.stands_in_for,
        parallel=spec.parallel,
        dataset=next((split.dataset for split in spec.splits.values()), ""),
        licence=spec.licence,
        citation=spec.citation,
        note=spec.note,
    )


def _link_languages(using: str) -> None:
    """Make the table task x language equal to the catalogue's."""
    links = Task.languages.through
    wanted = {(spec.slug, language) for spec in registry.TASKS.values() for language in spec.languages}
    mirrored = links.objects.using(using).filter(task__in=list(registry.TASKS))
    there = {(task, language): key for key, task, language in mirrored.values_list("pk", "task_id", "language_id")}
    links.objects.using(using).filter(pk__in=[there[pair] for pair in there.keys() - wanted]).delete()
    links.objects.using(using).bulk_create(
        links(task_id=task, language_id=language) for task, language in sorted(wanted - there.keys())
    )
