"""What templates need to write standings: numbers as everywhere else, and heads that sort."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from leaderboard.addresses import of_languages
from leaderboard.standings import numbers
from leaderboard.standings.alternatives import Unit
from leaderboard.standings.table import Cell, Difference, Interval, Row, Standings

register = template.Library()

# Differences are tinted in steps, because the pages' policy forbids inline styles.
STEPS = (0.5, 2.0, 5.0)


@register.filter
def shown(value: float | None) -> str:
    return "" if value is None else numbers.shown(value)


@register.filter
def shown_difference(value: float) -> str:
    return numbers.shown_difference(value)


@register.filter
def shown_time(hours: float, unit: Unit) -> str:
    """Device time in `unit`, with two digits that count at least."""
    value = hours / unit.hours
    return (f"{value:.0f}" if abs(value) >= 100 else f"{value:#.2g}".rstrip(".")).replace("-", numbers.MINUS)


@register.filter
def shown_gain(points: float, unit: Unit) -> str:
    """Points an hour as points for each `unit`, signed."""
    return numbers.shown_difference(points * unit.hours)


@register.filter
def tint(difference: Difference) -> str:
    """The CSS class of a difference: its sign and one of four strengths. The sign is in the text, too."""
    if numbers.shown_difference(difference.value) == "0.0":
        return "same"
    strength = sum(abs(difference.value) >= step for step in STEPS)
    return f"{'gain' if difference.value > 0 else 'loss'}-{strength}"


@register.simple_tag(takes_context=True)
def row_cells(context: template.Context, row: Row) -> SafeString:
    """The cells of a row, all at once: a page has thousands. With `partial`, each leads to its languages.

    `partial` shows differences over a part of the languages, with an asterisk. What is `frozen` leads to no page of
    today. Everything inside is made here, from numbers; addresses are escaped.
    """
    standings: Standings = context["standings"]
    partial, frozen = bool(context.get("partial")), bool(context.get("frozen"))
    position = standings.sorted_position
    found = []
    for index, (column, cell) in enumerate(zip(standings.columns, row.cells, strict=True)):
        inside = _inside(cell, standings.show, partial=partial)
        if partial and not frozen and not cell.empty and (address := of_languages(row, column)):
            inside = f'<a class="behind" href="{escape(address)}">{inside}</a>'
        found.append(f'<td class="sorted">{inside}</td>' if index == position else f"<td>{inside}</td>")
    return mark_safe("".join(found))


@register.simple_tag
def one_cell(cell: Cell) -> SafeString:
    """The inside of a cell that is no part of a table of recipes by tasks."""
    return mark_safe(_inside(cell, "score", partial=False))


def _inside(cell: Cell, show: str, *, partial: bool) -> str:
    difference = cell.difference if partial else cell.paired
    change = _change(difference) if difference else ""
    if cell.value is None:
        if cell.empty:
            return f'{change}<span class="missing" title="no scores">–</span>'
        told = f"{cell.have} of {cell.expected} are there: no mean is shown"
        return f'{change}<span class="coverage" title="{told}">{cell.coverage}</span>'
    spread = "" if cell.sd is None else f' <small class="sd">±{numbers.shown(cell.sd)}</small>'
    value = f'<span class="value" title="{_explained(cell)}">{numbers.shown(cell.value)}</span>{spread}'
    if cell.status == "unverified":
        value += ' <small class="doubt">not verified</small>'
    if show == "difference":
        between = ""
        if difference and difference.interval:
            between = f'<small class="between">{_interval(difference.interval)}</small>'
        return f'{change or NO_CHANGE}{between}<small class="second">{value}</small>'
    return f"{value}{change}"


NO_CHANGE = '<span class="missing" title="no difference">–</span>'


def _change(difference: Difference) -> str:
    seeds = f"{difference.pairs} seed{'' if difference.pairs == 1 else 's'}"
    told = f"paired difference over {seeds} and {difference.have} of {difference.expected} languages"
    if difference.interval:
        told += f", 95% interval {_interval(difference.interval)}"
        told += f": {words}" if (words := difference.interval.undecided_words) else ""
    elif difference.complete:
        told += ", no interval: it needs a mean, and the test items of both sides"
    text = numbers.shown_difference(difference.value) + ("" if difference.complete else "*")
    kind = f"{tint(difference)} undecided" if difference.undecided else tint(difference)
    return f'<span class="change {kind}" title="{told}">{text}</span>'


def _interval(interval: Interval) -> str:
    return f"{numbers.shown_difference(interval.low)} to {numbers.shown_difference(interval.high)}"


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
