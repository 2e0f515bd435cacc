"""The admin of published results: sources, their scores, and the checks of both."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, QuerySet
from django.forms import CharField
from django.http import HttpRequest
from django.template.defaultfilters import pluralize

from leaderboard.administration.base import ReadOnlyAdmin
from leaderboard.administration.importing import PublishedImportMixin
from leaderboard.forms import SourceForm
from leaderboard.models import Publication, Source, SourceStatus
from leaderboard.services import checking
from runner.errors import RecipeError

CHECK = "leaderboard.check_source"


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    """Where published numbers come from; marking one as checked says so of all its scores, and who did it."""

    form = SourceForm
    list_display = ["key", "title", "status", "score_count", "checked_by", "checked", "checked_against"]
    list_filter = ["status"]
    list_select_related = ["checked_by"]
    search_fields = ["key", "title"]
    fields = ["key", "title", "url", "note", "status", "checked_against", "checked_by", "checked"]
    readonly_fields = ["checked_by", "checked"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return super().get_queryset(request).annotate(score_count=Count("runs__scores"))

    @admin.display(description="scores")
    def score_count(self, source: Source) -> int:
        return source.score_count

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        checks = [] if request.user.has_perm(CHECK) else ["status", "checked_against"]
        return [*self.readonly_fields, *checks, *(["key"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: Any) -> None:
        # What the check is made of is written by the service alone, together with who and when.
        before = Source.objects.filter(pk=obj.pk).first() or Source()
        obj.status, obj.checked_against = before.status, before.checked_against
        super().save_model(request, obj, form, change)
        if not {"status", "checked_against"}.isdisjoint(form.changed_data):
            checking.mark_source(
                obj, form.cleaned_data["status"], user=request.user, against=form.cleaned_data["checked_against"]
            )


class AgainstForm(ActionForm):
    """The list's actions, with a field for what a check was made against."""

    against = CharField(required=False, label="Checked against", max_length=400)


@admin.register(Publication)
class PublicationAdmin(PublishedImportMixin, ReadOnlyAdmin):
    """Published scores, to be marked as checked one by one; tables of them are imported here."""

    action_form = AgainstForm
    actions = ["mark_checked", "mark_unverified"]
    list_display = ["system", "task", "language", "metric", "value", "protocol", "status", "checked_by", "checked"]
    list_filter = ["status", "score__run__source", "score__task"]
    search_fields = ["score__run__system", "score__run__source__title", "note"]
    list_select_related = ["score__run", "score__task", "score__language", "score__protocol", "checked_by"]

    def has_check_permission(self, request: HttpRequest) -> bool:
        """For the actions: the rows themselves stay read-only."""
        return request.user.has_perm(CHECK)

    @admin.display(ordering="score__run__system")
    def system(self, publication: Publication) -> str:
        return publication.score.run.system

    @admin.display(ordering="score__task__position")
    def task(self, publication: Publication) -> str:
        return publication.score.task.title

    @admin.display(ordering="score__language")
    def language(self, publication: Publication) -> str:
        return publication.score.language.name if publication.score.language else "mean"

    @admin.display(ordering="score__metric")
    def metric(self, publication: Publication) -> str:
        return publication.score.metric

    @admin.display(ordering="score__value")
    def value(self, publication: Publication) -> float:
        return publication.score.value

    @admin.display(ordering="score__protocol__label")
    def protocol(self, publication: Publication) -> str:
        return publication.score.protocol.label

    @admin.action(description="Mark as checked, against what is written beside", permissions=["check"])
    def mark_checked(self, request: HttpRequest, publications: QuerySet[Publication]) -> None:
        self._mark(request, publications, SourceStatus.CHECKED)

    @admin.action(description="Mark as not verified", permissions=["check"])
    def mark_unverified(self, request: HttpRequest, publications: QuerySet[Publication]) -> None:
        self._mark(request, publications, SourceStatus.UNVERIFIED)

    def _mark(self, request: HttpRequest, publications: QuerySet[Publication], status: SourceStatus) -> None:
        against = request.POST.get("against", "")
        chosen = Publication.objects.filter(pk__in=list(publications.values_list("pk", flat=True)))
        try:
            marked = checking.mark_scores(chosen, status, user=request.user, against=against)
        except RecipeError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for publication in chosen.select_related("score"):
            self.log_change(request, publication, f"{status.label}. {against}".strip())
        self.message_user(request, f"{marked} score{pluralize(marked)}: {status.label.lower()}.", messages.SUCCESS)
