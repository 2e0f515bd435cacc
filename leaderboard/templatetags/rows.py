"""The heads and ranks of rows: made in one go, because a page has hundreds and a template's steps add up."""

from __future__ import annotations

from collections.abc import Iterator

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from leaderboard.models import Recipe
from leaderboard.standings.comparison import name_of
from leaderboard.standings.table import Row, Standings

register = template.Library()

METHOD_BADGES = {Recipe.Method.MULTI_TASK: "multi-task", Recipe.Method.TRANSLATE_TRAIN: "translate-train"}
NO_RANK = "no rank: no test items were kept, or not all parts were measured"


@register.simple_tag(takes_context=True)
def row_head(context: template.Context, row: Row) -> SafeString:
    """What stands at the beginning of a row: its title, badges, and its runs or its source. Everything is escaped."""
    title = escape(row.label if context.get("partial") else row.title)
    pick = ""
    if context.get("can_compare"):
        pick = (
            f'<input type="checkbox" class="pick" form="compare" name="rows" value="{escape(name_of(row))}" '
            f'aria-label="Compare {escape(row.title)}">'
        )
    detail = "".join(f'<span class="badge">{badge}</span> ' for badge in _badges(row))
    detail += _seeds(row) if row.origin == "local" else _source(row)
    return mark_safe(f'{pick}<span class="row-title">{title}</span><span class="row-detail">{detail}</span>')


def _badges(row: Row) -> Iterator[str]:
    if row.is_baseline:
        yield "baseline"
    elif row.method in METHOD_BADGES:
        yield METHOD_BADGES[row.method]
    if row.mlm:
        yield "MLM"
    if row.translation and row.method != Recipe.Method.TRANSLATE_TRAIN:
        yield "translated"


def _seeds(row: Row) -> str:
    # Looking an address up takes longer than all the rest of a row.
    before, _, after = reverse("run", args=[0]).rpartition("0")
    links = [
        f'<a href="{before}{link.pk}{after}">{"" if number else "seed "}{link.seed}</a>'
        for number, link in enumerate(row.runs)
    ]
    return f'<span class="nowrap">{", ".join(links)}</span>'


def _source(row: Row) -> str:
    status = ""
    if row.source_status:
        status = f'<span class="badge {escape(row.source_status)}">{escape(row.source_status_label)}</span>'
    source = escape(row.source)
    if row.source_url:
        source = f'<a href="{escape(row.source_url)}">{source}</a>'
    return (
        f'<span class="badge outside">{escape(row.origin_label)}</span> {status} '
        f'<span class="row-source" title="{escape(row.source)}">{source}</span>'
    )


@register.simple_tag
def rank_of(standings: Standings, row: Row, swapped: str = "") -> SafeString:
    """A row's rank with its interval and tie group; with `swapped` to stand where the page has kept its place."""
    rank = row.rank
    if rank:
        inside = (
            f'<span class="place">{rank.place}</span> <small class="between">{rank.low} to {rank.high}</small>'
            f'<small class="group" title="Rows of one tie group cannot be told from its first">'
            f"tie group {rank.group}</small>"
        )
    elif standings.ranking.pending:
        inside = '<span class="missing">…</span>'
    else:
        inside = f'<span class="missing" title="{NO_RANK}">–</span>'
    there = ' hx-swap-oob="true"' if swapped else ""
    return mark_safe(f'<span id="rank-{escape(row.key)}"{there}>{inside}</span>')
