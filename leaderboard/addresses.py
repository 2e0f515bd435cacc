"""Addresses that stand inside tables and charts: what is behind a number."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from leaderboard.standings.table import Column, Row

RECIPE_DIGITS = 12


def of_languages(row: Row, column: Column) -> str:
    """The languages behind a cell of a mean: its task's page with this row alone; empty where there is none."""
    if not column.task or not row.recipe:
        return ""
    query = {"recipe": row.recipe[:RECIPE_DIGITS], "show": "difference", "protocol": column.protocol_fingerprint[:8]}
    return f"{reverse('task', args=[column.task])}?{urlencode(query)}"
