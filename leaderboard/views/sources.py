"""Published results: their sources, and what each of them prints."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.standings import sources as published


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    return render(request, "sources.html", {"section": "about", "sources": published.every_source()})


@require_safe
def source(request: HttpRequest, key: str) -> HttpResponse:
    found = next((line for line in published.every_source() if line.key == key), None)
    if found is None:
        raise Http404(f"There is no source '{key}'.")
    unverified = asks_for_unverified(request)
    context = {
        "section": "about",
        "source": found,
        "systems": published.systems_of(key, unverified=unverified),
        "unverified": unverified,
    }
    return render(request, "source.html", context)


def asks_for_unverified(request: HttpRequest) -> bool:
    """Whether the viewer wants to see what nobody has verified: the same word in the address as in the tables."""
    return request.GET.get("unverified") == "show"
