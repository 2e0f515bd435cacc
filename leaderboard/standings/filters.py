"""Filters: the state of a view, read from its query string. What is unknown is refused with a sentence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from django.http import QueryDict

from leaderboard.models import Encoder, Recipe, Study
from leaderboard.variants import Variant
from runner.tasks import registry
from runner.tasks.kinds import Role
from runner.tasks.languages import (
    LANGUAGES,
    LOW_RESOURCE_CLASS,
    LOW_RESOURCE_GIB,
    low_resource_by_class,
    low_resource_by_size,
)

NAMED_LANGUAGES = {
    "all": "all languages of the task",
    "shared": "the languages that every row of the column has",
    "low-class": f"low-resource languages by class (Joshi et al. 2020, class 0 to {LOW_RESOURCE_CLASS})",
    "low-size": f"low-resource languages by size (under {LOW_RESOURCE_GIB:g} GiB in CC-100)",
}
SHOW = ("score", "difference")
ORDERS = ("score", "resource", "family", "code")


class View(StrEnum):
    """Which page is asked for: it decides rows, columns and which filters there are."""

    LEADERBOARD = "leaderboard"
    TRANSFER = "transfer"
    TASK = "task"


COMMON = ("encoder", "method", "variant", "intermediate", "study", "languages", "sort", "show", "unverified")
KNOWN = {View.LEADERBOARD: COMMON, View.TRANSFER: COMMON, View.TASK: (*COMMON, "protocol", "order")}


class FilterError(ValueError):
    """A filter that is not known, or a value that it cannot take; `suggestions` are values that it can."""

    def __init__(self, message: str, suggestions: Collection[str] = ()) -> None:
        super().__init__(message)
        self.suggestions = tuple(suggestions)


@dataclass(frozen=True)
class Filters:
    """One view of the scores; the empty string stands for no restriction."""

    view: View = View.LEADERBOARD
    encoder: str = ""
    method: str = ""
    variant: str = ""
    intermediate: str = ""
    study: int | None = None
    languages: str = "all"
    sort: str = ""
    show: str = "score"
    unverified: bool = False
    task: str = ""
    protocol: str = ""
    order: str = "score"

    def wanted(self, languages: tuple[str, ...]) -> tuple[str, ...]:
        """Those of a task's `languages` that are asked for (`shared` depends on the scores: not narrowed here)."""
        chosen = {
            "all": languages,
            "shared": languages,
            "low-class": low_resource_by_class(),
            "low-size": low_resource_by_size(),
        }.get(self.languages, self.languages.split(","))
        return tuple(language for language in languages if language in chosen)

    @property
    def languages_title(self) -> str:
        if self.languages in NAMED_LANGUAGES:
            return NAMED_LANGUAGES[self.languages]
        return ", ".join(LANGUAGES[code].name for code in self.languages.split(","))


def parse(query: QueryDict, view: View, *, task: str = "") -> Filters:
    """The filters of a query string; FilterError names what was found and what would be right.

    Costs one query for each of `encoder` and `study` that is given.
    """
    for name in query:
        if name not in KNOWN[view]:
            raise _unknown("filter", name, KNOWN[view])
        if len(query.getlist(name)) > 1:
            raise FilterError(f"The filter '{name}' is given {len(query.getlist(name))} times; it takes one value.")
    given = {name: value.strip() for name, value in query.items() if value.strip()}
    return Filters(
        view=view,
        task=task,
        encoder=_encoder(given.get("encoder", "")),
        method=_one_of("method", given.get("method", ""), Recipe.Method.values),
        variant=_one_of("variant", given.get("variant", ""), Variant.values),
        intermediate=_intermediate(given.get("intermediate", "")),
        study=_study(given.get("study", "")),
        languages=_languages(given.get("languages", "all")),
        sort=_sort(given.get("sort", ""), view),
        show=_one_of("show", given.get("show", _usual_show(view)), SHOW),
        unverified=bool(_one_of("unverified", given.get("unverified", ""), ("show",))),
        protocol=given.get("protocol", ""),
        order=_one_of("order", given.get("order", "score"), ORDERS),
    )


def _usual_show(view: View) -> str:
    return "difference" if view is View.TRANSFER else "score"


def _unknown(what: str, found: str, known: Collection[str]) -> FilterError:
    near = get_close_matches(found, known, n=3, cutoff=0.4)
    return FilterError(f"There is no {what} '{found[:80]}'.", near or sorted(known)[:12])


def _one_of(name: str, value: str, known: Collection[str]) -> str:
    if value and value not in known:
        raise _unknown(f"value of the filter '{name}'", value, known)
    return value


def _encoder(slug: str) -> str:
    if slug and not Encoder.objects.filter(pk=slug).exists():
        raise _unknown("encoder", slug, Encoder.objects.values_list("pk", flat=True))
    return slug


def _intermediate(slug: str) -> str:
    known = [task.slug for task in registry.tasks(role=Role.INTERMEDIATE)]
    if slug and slug not in known:
        raise _unknown("intermediate task", slug, known)
    return slug


def _study(text: str) -> int | None:
    if not text:
        return None
    # `isdecimal` alone lets digits through that are too many for the column.
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or not Study.objects.filter(pk=int(text)).exists():
        raise FilterError(f"There is no study '{text[:80]}'; a study is given by its number.")
    return int(text)


def _languages(text: str) -> str:
    if text in NAMED_LANGUAGES:
        return text
    codes = [code.strip() for code in text.split(",") if code.strip()]
    for code in codes:
        if code not in LANGUAGES:
            raise _unknown("language", code, [*NAMED_LANGUAGES, *LANGUAGES])
    if not codes:
        raise FilterError("The filter 'languages' names no language.", NAMED_LANGUAGES)
    return ",".join(code for code in LANGUAGES if code in codes)


def _sort(text: str, view: View) -> str:
    """A column's key with an optional minus; whether the view has the column is known only with its scores."""
    key = text.removeprefix("-")
    if view is View.TASK:
        known = ["title", "mean", *LANGUAGES]
        if key and key not in known:
            raise _unknown("column to sort by,", key, known)
        return text
    task = key.rpartition(".")[0]
    if key and key not in ("title", "overall") and task not in registry.TASKS:
        raise _unknown("column to sort by,", key, ["title", "overall", *(f"{slug}.…" for slug in registry.TASKS)])
    return text
