"""Named questions to the tables, so that views, services and the admin ask them in the same words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Now


class StageQuerySet(models.QuerySet):
    """Stages by what may happen to them next."""

    def ready(self) -> StageQuerySet:
        """Waiting stages whose parent is done (or that have none)."""
        return self.filter(self._parent_is_done(), status="waiting")

    def _parent_is_done(self) -> Q:
        # A subquery, not a join: only the stage's own row may be locked by who takes it.
        return Q(parent__isnull=True) | Exists(self.model.objects.filter(pk=OuterRef("parent_id"), status="done"))

    def expired(self) -> StageQuerySet:
        """Running stages whose worker no longer renews its lease, by the database's clock."""
        return self.filter(status="running", lease_until__lt=Now())

    def awake(self) -> StageQuerySet:
        """Queued stages that no pause holds."""
        return self.filter(Q(not_before__isnull=True) | Q(not_before__lte=Now()), status="queued")

    def due(self) -> StageQuerySet:
        """Queued stages that may start now: no pause holds them, and their parent is done, as it must be."""
        return self.awake().filter(self._parent_is_done())

    def unheard(self, sent_before: datetime) -> StageQuerySet:
        """Queued stages whose message was never sent, or so long ago that it may be lost."""
        return self.awake().filter(Q(sent__isnull=True) | Q(sent__lt=sent_before))


def status_of(statuses: Collection[str], *, cancelled: bool) -> str:
    """What the stages of a run add up to: the rule of `RunQuerySet.with_progress`, for stages that are at hand."""
    if all(status == "done" for status in statuses):
        return "done"
    if "failed" in statuses:
        return "failed"
    if cancelled or "cancelled" in statuses:
        return "cancelled"
    return "running" if "running" in statuses else "queued"


class RunQuerySet(models.QuerySet):
    """Runs with what their stages add up to."""

    def on_board(self) -> RunQuerySet:
        """Runs that nobody has withdrawn."""
        return self.filter(withdrawn__isnull=True)

    def with_progress(self) -> RunQuerySet:
        """Adds `stage_count`, `stages_done` and `status`, without a query per run.

        A run is done when all its stages are, fails with its first failed stage, runs while any runs.
        """
        # One annotated subquery per state keeps this a single statement on both databases.
        stages = self.model.stages.through.objects.filter(run_id=OuterRef("pk"))

        def has(*statuses: str) -> Exists:
            return Exists(stages.filter(stage__status__in=statuses))

        def count(**conditions: object) -> Subquery:
            grouped = stages.filter(**conditions).order_by().values("run_id").annotate(n=Count("pk")).values("n")
            return Subquery(grouped, output_field=models.IntegerField())

        return self.annotate(
            stage_count=models.functions.Coalesce(count(), 0),
            stages_done=models.functions.Coalesce(count(stage__status="done"), 0),
            status=Case(
                When(~Exists(stages.exclude(stage__status="done")), then=Value("done")),
                When(has("failed"), then=Value("failed")),
                When(Q(cancelled__isnull=False) | has("cancelled"), then=Value("cancelled")),
                When(has("running"), then=Value("running")),
                default=Value("queued"),
                output_field=models.CharField(),
            ),
        )
