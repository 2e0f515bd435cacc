"""What templates need to write standings: numbers as everywhere else, and heads that sort."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from leaderboard.standings import numbers
from leaderboard.standings.table import Cell, Difference, Standings

register = template.Library()

# Differences are tinted in steps, because the pages' policy forbids inline styles.
STEPS = (0.5, 2.0, 5.0)


@register.filter
def shown(value: float | None) -> str:
    return "" if value is None else numbers.shown(value)


@register.filter
def tint(difference: Difference) -> str:
    """The CSS class of a difference: its sign and one of four strengths. The sign is in the text, too."""
    if numbers.shown_difference(difference.value) == "0.0":
        return "same"
    strength = sum(abs(difference.value) >= step for step in STEPS)
    return f"{'gain' if difference.value > 0 else 'loss'}-{strength}"


@register.simple_tag
def score_cell(cell: Cell, show: str, partial: bool = False) -> SafeString:  # noqa: FBT001, FBT002
    """The inside of a table cell. `partial` shows differences over a part of the languages, with an asterisk."""
    difference = cell.difference if partial else cell.paired
    change = _change(difference) if difference else ""
    if cell.value is None:
        if cell.empty:
            return format_html('{}<span class="missing" title="no scores">–</span>', change)
        return format_html(
            '{}<span class="coverage" title="{} of {} are there: no mean is shown">{}</span>',
            change,
            cell.have,
            cell.expected,
            cell.coverage,
        )
    spread = "" if cell.sd is None else format_html(' <small class="sd">±{}</small>', numbers.shown(cell.sd))
    value = format_html(
        '<span class="value" title="{}">{}</span>{}', _explained(cell), numbers.shown(cell.value), spread
    )
    if show == "difference":
        return format_html('{}<small class="second">{}</small>', change or _NO_CHANGE, value)
    return format_html("{}{}", value, change)


_NO_CHANGE = mark_safe('<span class="missing" title="no difference">–</span>')


def _change(difference: Difference) -> SafeString:
    return format_html(
        '<span class="change {}" title="paired difference over {} seed{} and {} of {} languages">{}{}</span>',
        tint(difference),
        difference.pairs,
        "" if difference.pairs == 1 else "s",
        difference.have,
        difference.expected,
        numbers.shown_difference(difference.value),
        "" if difference.complete else "*",
    )


def _explained(cell: Cell) -> str:
    items = f", {cell.items:,} test items" if cell.items else ""
    return f"n = {cell.n}, {cell.coverage} there{items}"


@register.simple_tag(takes_context=True)
def sort_url(context: template.Context, key: str) -> str:
    """The address of this view sorted by `key`: numbers from the highest, titles from A; a second time reversed."""
    standings: Standings = context["standings"]
    query = context["request"].GET.copy()
    first, second = (key, f"-{key}") if key == "title" else (f"-{key}", key)
    query["sort"] = second if standings.sort == first else first
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def page_url(context: template.Context, number: int) -> str:
    """The address of another page of this view's rows."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def aria_sort(context: template.Context, key: str) -> SafeString:
    """The attribute of a column's head that says how the table is sorted by it."""
    standings: Standings = context["standings"]
    if standings.sort_key != key:
        return SafeString("")
    return format_html('aria-sort="{}"', "descending" if standings.sort.startswith("-") else "ascending")


@register.filter
def lookup(mapping: dict[str, Any], key: str) -> Any:
    return mapping.get(key, key)


@register.filter
def short(text: str) -> str:
    """The first characters of a fingerprint: enough to tell it from others by eye."""
    return text[:10]


@register.filter
def title_words(name: str) -> str:
    return name.replace("_", " ")


@register.filter
def inside_stage(path: str) -> str:
    """An artifact's path inside its stage's folder, which comes after two levels of the store."""
    return path.split("/", 2)[-1]


@register.filter
def duration(seconds: float) -> str:
    """Wall time in the two largest units: `3 h 05 min`, `4 min 10 s`, `7.2 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
