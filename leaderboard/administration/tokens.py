"""Personal tokens of the HTTP API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from leaderboard.administration.base import ReadOnlyAdmin
from leaderboard.models import Token
from leaderboard.services import tokens


class TokenForm(forms.ModelForm):
    """What a token is for, and what it may do."""

    class Meta:
        model = Token
        fields = ["name", "scope"]


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    """Everybody with the permission makes and revokes tokens of their own; administrators see and revoke all."""

    list_display = ["name", "hint", "scope", "user", "created", "last_used", "revoked"]
    list_filter = ["scope"]
    list_select_related = ["user"]
    exclude = ["digest"]
    actions = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        found = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user=request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.add_token")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) or super().has_view_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    @admin.action(description="Revoke: nobody may use it from now on", permissions=["revoke"])
    def revoke(self, request: HttpRequest, found: QuerySet[Token]) -> None:
        for token in found:
            tokens.revoke(token)
            self.log_change(request, token, "Revoked")
        self.message_user(request, f"Revoked: {len(found)}.", messages.SUCCESS)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Make a token",
            "form": form,
            **(extra_context or {}),
        }
        template = "admin/leaderboard/token/add.html"
        if request.method == "POST" and form.is_valid():
            token, secret = tokens.make(request.user, form.cleaned_data["name"], form.cleaned_data["scope"])
            self.log_addition(request, token, [{"added": {}}])
            # In this answer alone: a message would lie in the session until it is shown.
            context |= {"token": token, "secret": secret}
            template = "admin/leaderboard/token/made.html"
        response = TemplateResponse(request, template, context)
        add_never_cache_headers(response)
        return response
