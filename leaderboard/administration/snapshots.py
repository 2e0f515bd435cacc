"""Taking snapshots of the board."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.administration.base import ReadOnlyAdmin
from leaderboard.models import Snapshot
from leaderboard.services import snapshots
from leaderboard.standings import frozen
from runner.errors import RecipeError


class SnapshotForm(forms.Form):
    """A name, and what to know about the state."""

    name = forms.CharField(max_length=snapshots.NAME_LENGTH, help_text="Such as “Camera-ready”; no two are alike.")
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Adding a snapshot is taking one; nothing changes or deletes it."""

    list_display = ["name", "address", "score_count", "run_count", "author", "created", "page"]
    search_fields = ["name", "note", "hash"]
    exclude = ["content"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        return super().get_queryset(request).defer("content")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.add_snapshot")

    @admin.display(description="page")
    def page(self, snapshot: Snapshot) -> SafeString:
        return format_html('<a href="{}">tables and files</a>', snapshot.get_absolute_url())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SnapshotForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data, author = form.cleaned_data, request.user.get_username()
            try:
                taken = snapshots.take(data["name"], frozen.board, note=data["note"], author=author)
            except RecipeError as error:
                form.add_error("name", str(error))
            else:
                self.log_addition(request, taken, [{"added": {}}])
                self.message_user(
                    request, f"Taken: {taken.score_count} scores of {taken.run_count} runs.", messages.SUCCESS
                )
                return HttpResponseRedirect(taken.get_absolute_url())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Take a snapshot",
            "form": form,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/leaderboard/snapshot/add.html", context)
