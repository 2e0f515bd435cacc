"""What the pages of alignment, robustness and low-resource languages write: numbers, intervals, heads that sort."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leaderboard.standings.numbers import MINUS
from leaderboard.standings.over_languages import LanguageMean
from runner.tasks.languages import LANGUAGES, Language

register = template.Library()


@register.filter
def digits(value: float | None, count: int = 1) -> str:
    """A number with `count` decimals; nothing for None."""
    return "" if value is None else _plain(f"{value:.{count}f}", count)


@register.filter
def signed(value: float | None, count: int = 1) -> str:
    """A difference with its sign; what rounds to zero has none."""
    return "" if value is None else _plain(f"{value:+.{count}f}", count)


def _plain(text: str, count: int) -> str:
    zero = f"{0:.{count}f}"
    return zero if text.lstrip("+-") == zero else text.replace("-", MINUS)


@register.filter
def interval(found: LanguageMean | None, count: int = 1) -> str:
    """`[−0.4, 1.2]`; nothing where there is none."""
    if found is None or found.low is None:
        return ""
    return f"[{signed(found.low, count)}, {signed(found.high, count)}]"


@register.filter
def direction(value: float | None, count: int = 1) -> str:
    """The CSS class of a difference: its sign alone, as measures have scales of their own."""
    if value is None or signed(value, count) == digits(0, count):
        return "same"
    return "gain-0" if value > 0 else "loss-0"


@register.filter
def thousands(count: int) -> str:
    return f"{count:,}"


@register.filter
def loss_direction(value: float | None) -> str:
    """As `direction`, of a quantity that is the better the smaller it is."""
    return direction(None if value is None else -value)


@register.filter
def language_name(code: str) -> str:
    return LANGUAGES[code].name if code in LANGUAGES else code


@register.filter
def language_row(code: str) -> Language:
    return LANGUAGES[code]


@register.simple_tag(takes_context=True)
def head(context: template.Context, key: str, text: str, title: str = "") -> SafeString:
    """The link in a column's head that sorts by it: numbers from the highest, titles from A; a second time reversed."""
    query = context["request"].GET.copy()
    first, second = (key, f"-{key}") if key == "title" else (f"-{key}", key)
    query["sort"] = second if query.get("sort") == first else first
    inside = format_html('<abbr title="{}">{}</abbr>', title, text) if title else text
    return format_html('<a href="?{}">{}</a>', query.urlencode(), inside)


@register.simple_tag(takes_context=True)
def sorted_by(context: template.Context, key: str) -> SafeString:
    """The attribute of a column's head that says how the table is sorted by it."""
    sort = context["request"].GET.get("sort", "")
    if sort.removeprefix("-") != key:
        return SafeString("")
    return format_html('aria-sort="{}"', "descending" if sort.startswith("-") else "ascending")
