"""Claims in the admin: maintainers add their own; those of the literature are the project's, and stay as they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.forms import ClaimForm, ConditionForm
from leaderboard.models import Claim, Condition
from leaderboard.services import claims


class ConditionInline(admin.StackedInline):
    model = Condition
    form = ConditionForm
    extra = 0
    min_num = 1

    def has_change_permission(self, request: HttpRequest, obj: Claim | None = None) -> bool:
        return not is_of_the_literature(obj) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Claim | None = None) -> bool:
        return not is_of_the_literature(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Claim | None = None) -> bool:
        return not is_of_the_literature(obj) and super().has_delete_permission(request, obj)


def is_of_the_literature(claim: Claim | None) -> bool:
    return claim is not None and claim.origin == Claim.Origin.LITERATURE


@admin.register(Claim)
class ClaimAdmin(admin.ModelAdmin):
    """Saving a claim tests it."""

    list_display = ["key", "statement", "origin", "position", "page"]
    list_filter = ["origin"]
    search_fields = ["key", "statement"]
    form = ClaimForm
    inlines = [ConditionInline]

    @admin.display(description="page")
    def page(self, claim: Claim) -> SafeString:
        return format_html('<a href="{}">verdicts</a>', reverse("claim", args=[claim.pk]))

    def get_readonly_fields(self, request: HttpRequest, obj: Claim | None = None) -> list[str]:
        return ["key"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Claim | None = None) -> bool:
        return not is_of_the_literature(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Claim | None = None) -> bool:
        return not is_of_the_literature(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Claim, form: Any, change: Any) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        claims.test_one(Claim.objects.get(pk=form.instance.pk))
