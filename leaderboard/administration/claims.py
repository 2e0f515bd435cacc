"""Claims in the admin: maintainers add their own; those of the literature are the project's, and stay as they are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.models import Claim, Condition
from leaderboard.services import claims
from leaderboard.standings.filters import FilterError, checked_languages
from runner.tasks.kinds import Suite


class ConditionForm(forms.ModelForm):
    """A condition that can be tested: its tasks, suite and languages are those of the catalogue."""

    suite = forms.ChoiceField(choices=[(suite.value, suite.value) for suite in Suite], initial=Suite.XTREME.value)

    class Meta:
        model = Condition
        fields = [
            "position",
            "method",
            "variant",
            "intermediate",
            "against",
            "suite",
            "targets",
            "languages",
            "over",
            "quantifier",
            "margin",
        ]

    def clean_languages(self) -> str:
        try:
            return checked_languages(self.cleaned_data["languages"])
        except FilterError as error:
            near = f" Did you mean {', '.join(error.suggestions[:3])}?" if error.suggestions else ""
            raise forms.ValidationError(f"{error}{near}") from error

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        for problem in claims.problems({name: value for name, value in data.items() if name not in ("id", "DELETE")}):
            self.add_error(problem.field, problem.sentence)
        return data


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
    fields = ["key", "statement", "published", "source", "reading", "position"]
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
