"""The admin: maintainers submit studies, describe encoders and sources, and see what the workers do.

What the services write (runs, stages, scores, protocols, artifacts, recipes) is read here, never edited.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.administration import ReadOnlyAdmin, WithdrawalForm, withdraw_runs
from leaderboard.cloning import initial_of_run, initial_of_study
from leaderboard.forms import EncoderForm, SubmissionForm
from leaderboard.models import (
    Artifact,
    Encoder,
    Language,
    Protocol,
    Recipe,
    Run,
    Score,
    Stage,
    Study,
    Task,
    Worker,
)
from leaderboard.services import progress, submissions
from runner.errors import RecipeError

admin.site.site_header = admin.site.site_title = "Leaderboard"
admin.site.index_title = "Maintenance"


@admin.register(Study)
class StudyAdmin(admin.ModelAdmin):
    """Adding a study is submitting it; afterwards only its name and note can change."""

    list_display = ["name", "recipe_count", "run_count", "submitted_by", "created", "page"]
    search_fields = ["name", "note"]
    fields = ["name", "note", "page", "targets", "seeds", "submitted_by", "created"]
    readonly_fields = ["page", "targets", "seeds", "submitted_by", "created"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        counts = {"recipe_count": Count("recipes", distinct=True), "run_count": Count("runs", distinct=True)}
        return super().get_queryset(request).select_related("submitted_by").annotate(**counts)

    @admin.display(description="recipes")
    def recipe_count(self, study: Study) -> int:
        return study.recipe_count

    @admin.display(description="runs")
    def run_count(self, study: Study) -> int:
        return study.run_count

    @admin.display(description="page")
    def page(self, study: Study) -> SafeString:
        return format_html('<a href="{}">progress and results</a>', reverse("study", args=[study.pk]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SubmissionForm(request.POST or None, initial=self._cloned(request))
        forecast = None
        if request.method == "POST" and form.is_valid():
            try:
                if "_forecast" in request.POST:
                    forecast = submissions.preview(form.submission())
                else:
                    return self._submitted(request, submissions.submit(form.submission(), request.user))
            except RecipeError as error:
                form.add_error(None, str(error))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Submit a study",
            "form": form,
            "forecast": forecast,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/leaderboard/study/submit.html", context)

    def _cloned(self, request: HttpRequest) -> dict[str, Any] | None:
        """The values of the run or the study that the address names, to clone it with changes."""
        run, study = request.GET.get("run", ""), request.GET.get("study", "")
        if run.isdecimal():
            return initial_of_run(get_object_or_404(Run, pk=run, origin=Run.Origin.LOCAL))
        return initial_of_study(get_object_or_404(Study, pk=study)) if study.isdecimal() else None

    def _submitted(self, request: HttpRequest, study: Study) -> HttpResponse:
        receipt = submissions.receipt(study)
        self.log_addition(request, study, [{"added": {}}])
        message = format_html(
            'The study “<a href="{}">{}</a>” has {} run{}, {} of them there already, and {} stage{}, {} of them there'
            " already.",
            reverse("study", args=[study.pk]),
            study.name,
            receipt.runs,
            pluralize(receipt.runs),
            receipt.shared_runs,
            receipt.stages,
            pluralize(receipt.stages),
            receipt.shared_stages,
        )
        self.message_user(request, message, messages.SUCCESS)
        lists = self.has_view_or_change_permission(request)
        return HttpResponseRedirect(reverse("admin:leaderboard_study_changelist" if lists else "admin:index"))


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs with what their stages add up to; cancelling and retrying are the only changes."""

    list_display = ["__str__", "state", "stages_of", "submitted_by", "created", "page"]
    list_filter = ["origin", "recipe__method", "recipe__encoder", "studies"]
    search_fields = ["recipe__title", "system", "studies__name"]
    list_select_related = ["recipe", "submitted_by"]
    action_form = WithdrawalForm
    actions = ["cancel", "retry", withdraw_runs]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).with_progress()

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """For the actions: the row itself stays read-only, so this asks for the permission to change runs."""
        return request.user.has_perm("leaderboard.change_run")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.withdraw_run")

    @admin.display(description="status")
    def state(self, run: Run) -> str:
        return run.status

    @admin.display(description="stages done")
    def stages_of(self, run: Run) -> str:
        return f"{run.stages_done} of {run.stage_count}"

    @admin.display(description="page")
    def page(self, run: Run) -> SafeString:
        return format_html('<a href="{}">progress and scores</a>', run.get_absolute_url())

    @admin.action(description="Cancel: stop what no other run needs", permissions=["decide"])
    def cancel(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        ended = sum(progress.cancel_run(run) for run in runs)
        self.message_user(request, f"Cancelled: {ended} stages end. Stages that other runs need go on.")

    @admin.action(description="Retry: take up failed and cancelled stages again", permissions=["decide"])
    def retry(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        retried = sum(progress.retry_run(run) for run in runs)
        self.message_user(request, f"Taken up again: {retried} stages.")


@admin.register(Encoder)
class EncoderAdmin(admin.ModelAdmin):
    """Encoders may be described freely until a recipe uses them: then what identifies them is fixed."""

    form = EncoderForm
    list_display = ["title", "slug", "location", "layers", "short_revision"]
    search_fields = ["slug", "title", "location"]

    @admin.display(description="revision")
    def short_revision(self, encoder: Encoder) -> str:
        return encoder.revision[:12]

    def get_readonly_fields(self, request: HttpRequest, obj: Encoder | None = None) -> list[str]:
        if obj is None:
            return []
        return ["slug", "revision", "layers"] if obj.recipes.exists() else ["slug"]


@admin.register(Recipe)
class RecipeAdmin(ReadOnlyAdmin):
    list_display = ["title", "method", "mlm", "translation", "encoder", "created"]
    list_filter = ["method", "mlm", "translation", "encoder"]
    search_fields = ["title", "fingerprint"]
    list_select_related = ["encoder"]


@admin.register(Stage)
class StageAdmin(ReadOnlyAdmin):
    list_display = ["title", "status", "lane", "priority", "done", "total", "attempt", "worker", "started", "finished"]
    list_filter = ["status", "failure", "action", "lane", "priority"]
    search_fields = ["title", "fingerprint"]
    list_select_related = []


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ["name", "lanes", "places", "seen"]


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = ["run", "task", "language", "metric", "value", "n", "protocol"]
    list_filter = ["task", "metric", "run__origin"]
    search_fields = ["run__recipe__title", "run__system", "language__code"]
    list_select_related = ["run__recipe", "task", "language", "protocol"]


@admin.register(Protocol)
class ProtocolAdmin(ReadOnlyAdmin):
    list_display = [
        "label",
        "task",
        "split",
        "limit",
        "max_length",
        "layer",
        "pooling",
        "precision",
        "noise",
        "scorer_version",
    ]
    list_filter = ["task", "split"]


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ["path", "kind", "size", "stage", "run", "created"]
    list_filter = ["kind"]
    search_fields = ["path", "sha256"]
    list_select_related = ["stage", "run__recipe"]


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["title", "slug", "role", "suite", "kind", "headline", "dataset"]
    list_filter = ["role", "suite", "kind"]
    search_fields = ["slug", "title"]


@admin.register(Language)
class LanguageAdmin(ReadOnlyAdmin):
    list_display = ["name", "code", "family", "script", "cc100_gib", "resource_class"]
    list_filter = ["family", "script", "resource_class"]
    search_fields = ["code", "name"]
