"""Uploading predictions in the admin, and withdrawing runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.administration.base import ReadOnlyAdmin
from leaderboard.forms.uploads import UploadForm
from leaderboard.models import Run, Upload
from leaderboard.services import uploads, withdrawals
from runner.errors import RecipeError


class WithdrawalForm(ActionForm):
    """The admin's choice of an action, with the reason that a withdrawal needs."""

    reason = forms.CharField(required=False, label="Reason of withdrawal", max_length=500)


@admin.action(description="Withdraw: off the board, on record, for the reason beside", permissions=["withdraw"])
def withdraw_runs(model_admin: admin.ModelAdmin, request: HttpRequest, runs: QuerySet[Run]) -> None:
    """All of the chosen runs, or none where one cannot be withdrawn."""
    try:
        with transaction.atomic():
            for run in runs:
                withdrawals.withdraw(run, request.POST.get("reason", ""), request.user)
                model_admin.log_change(request, run, f"Withdrawn: {request.POST.get('reason', '')}")
    except RecipeError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return
    model_admin.message_user(request, f"Withdrawn: {len(runs)}. Their pages stay, with the reason.")


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Adding an upload is sending predictions; what they became is read here and on the run's page."""

    list_display = ["name", "system", "tasks", "submitted_by", "created", "page"]
    search_fields = ["name", "run__system", "fingerprint"]
    list_select_related = ["run__submitted_by"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.add_upload")

    @admin.display(description="system", ordering="run__system")
    def system(self, upload: Upload) -> str:
        return upload.run.system

    @admin.display(description="sent by")
    def submitted_by(self, upload: Upload) -> Any:
        return upload.run.submitted_by

    @admin.display(description="sent", ordering="run__created")
    def created(self, upload: Upload) -> Any:
        return upload.run.created

    @admin.display(description="page")
    def page(self, upload: Upload) -> SafeString:
        return format_html('<a href="{}">scores</a>', upload.run.get_absolute_url())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                return self._received(request, uploads.receive(file, file.name, form.offer(), request.user))
            except RecipeError as error:
                form.add_error("file", str(error))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Upload predictions",
            "form": form,
            "folders": uploads.folders(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/leaderboard/upload/add.html", context)

    def _received(self, request: HttpRequest, receipt: uploads.Receipt) -> HttpResponse:
        if receipt.created:
            self.log_addition(request, receipt.run.upload, [{"added": {}}])
            text = 'Scored: “<a href="{}">{}</a>” is on the board.'
        else:
            text = 'These predictions are there already, as “<a href="{}">{}</a>”: nothing was added.'
        message = format_html(text, receipt.run.get_absolute_url(), receipt.run.system)
        self.message_user(request, message, messages.SUCCESS if receipt.created else messages.WARNING)
        lists = self.has_view_or_change_permission(request)
        return HttpResponseRedirect(reverse("admin:leaderboard_upload_changelist" if lists else "admin:index"))
