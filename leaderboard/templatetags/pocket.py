"""The welcome to the pocket study, for the first page of an installation that has nothing else yet."""

from __future__ import annotations

from django import template

from leaderboard.models import Study
from leaderboard.services import pocket

register = template.Library()


@register.simple_tag
def pocket_welcome() -> pocket.Progress | None:
    """How far the pocket study is; None where there is none, or another study besides."""
    if Study.objects.exclude(name=pocket.NAME).exists():
        return None
    return pocket.progress()
