"""Filters: the state of a view, read from its query string. What is unknown is refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from django.db.models import TextChoices
from django.http import QueryDict

from leaderboard.models import Encoder, Recipe, Run, Source, Study
from leaderboard.variants import Variant
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite, TaskSpec
from runner.tasks.languages import (
    LANGUAGES,
    LOW_RESOURCE_CLASS,
    LOW_RESOURCE_GIB,
    POCKET_LANGUAGES,
    low_resource_by_class,
    low_resource_by_size,
)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")


NAMED_LANGUAGES = {
    "all": "all languages of the task",
    "shared": "the languages that every row of the column has",
    "low-class": f"low-resource languages by class (Joshi et al. 2020, class 0 to {LOW_RESOURCE_CLASS})",
    "low-size": f"low-resource languages by size (under {LOW_RESOURCE_GIB:g} GiB in CC-100)",
}
# Sets that the catalogue makes: by family and by script, such as `family-uralic` and `script-cyrl`.
FAMILIES = {f"family-{_slug(row.family)}": row.family for row in LANGUAGES.values()}
SCRIPTS = {f"script-{_slug(row.script)}": row.script for row in LANGUAGES.values()}
SHOW = ("score", "difference")
ORDERS = ("score", "resource", "family", "code")
# A board of its own each; stand-ins stand beside XTREME's tasks and never count in its means.
SUITES = {Suite.XTREME.value: "XTREME", Suite.POCKET.value: "Pocket"}


class Aggregate(TextChoices):
    """What a cell makes of a task's languages, and the overall column of the tasks' cells: always their mean."""

    OFFICIAL = "official", "Mean, as XTREME"
    WITHOUT_ENGLISH = "without-english", "Mean without English"
    WORST = "worst", "Worst language"
    WINS = "wins", "Win rate against the baseline"


class View(StrEnum):
    """Which page is asked for: it decides rows, columns and which filters there are."""

    LEADERBOARD = "leaderboard"
    TRANSFER = "transfer"
    TASK = "task"
    LANGUAGE = "language"
    ALTERNATIVES = "alternatives"
    COMPARE = "compare"


ROWS = ("encoder", "method", "variant", "intermediate", "recipe", "origin", "source", "study")
COMMON = (*ROWS, "languages", "aggregate", "sort", "show", "unverified", "page")
KNOWN = {
    View.LEADERBOARD: ("suite", *COMMON),
    View.TRANSFER: ("suite", *(name for name in COMMON if name not in ("origin", "source"))),
    View.TASK: (*COMMON, "protocol", "order"),
    View.ALTERNATIVES: ("suite", "encoder", "languages"),
    View.COMPARE: ("suite", "languages", "rows", "by"),
    View.LANGUAGE: tuple(name for name in COMMON if name != "languages"),
}


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
    recipe: str = ""
    origin: str = ""
    source: str = ""
    study: int | None = None
    suite: str = Suite.XTREME.value
    languages: str = "all"
    aggregate: str = Aggregate.OFFICIAL.value
    sort: str = ""
    show: str = "score"
    unverified: bool = False
    task: str = ""
    protocol: str = ""
    order: str = "score"
    page: int = 1

    def wanted(self, task: TaskSpec) -> tuple[str, ...]:
        """Those of a task's languages that are asked for (`shared` depends on the scores: not narrowed here)."""
        left_out = {task.pivot} if self.aggregate == Aggregate.WITHOUT_ENGLISH else set()
        chosen = language_set(self.languages)
        return tuple(code for code in task.languages if code not in left_out and (chosen is None or code in chosen))

    @property
    def languages_title(self) -> str:
        known = {**NAMED_LANGUAGES, **{name: f"languages of the family {title}" for name, title in FAMILIES.items()}}
        known |= {name: f"languages in the script {title}" for name, title in SCRIPTS.items()}
        return known.get(self.languages) or ", ".join(LANGUAGES[code].name for code in self.languages.split(","))

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """The tasks that the view is about: one, or the targets of its suite with what stands in for them."""
        if self.task:
            return (registry.TASKS[self.task],)
        beside = Suite.STAND_IN.value if self.suite == Suite.XTREME.value else self.suite
        return tuple(task for task in registry.tasks(Role.TARGET) if task.suite.value in (self.suite, beside))


def language_set(name: str) -> frozenset[str] | None:
    """The codes that a value of the filter `languages` stands for; None for no restriction."""
    if name in ("all", "shared"):
        return None
    if name in FAMILIES:
        return frozenset(row.code for row in LANGUAGES.values() if row.family == FAMILIES[name])
    if name in SCRIPTS:
        return frozenset(row.code for row in LANGUAGES.values() if row.script == SCRIPTS[name])
    named = {"low-class": low_resource_by_class, "low-size": low_resource_by_size}
    return frozenset(named[name]() if name in named else name.split(","))


def language_choices() -> dict[str, str]:
    """Every value that `languages` can take, with its title; several languages are their codes with commas."""
    return {
        **NAMED_LANGUAGES,
        **{name: f"family {title}" for name, title in FAMILIES.items()},
        **{name: f"script {title}" for name, title in SCRIPTS.items()},
        **{code: row.name for code, row in LANGUAGES.items()},
    }


def parse(query: QueryDict, view: View, *, task: str = "", language: str = "") -> Filters:
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
        method=one_of("method", given.get("method", ""), Recipe.Method.values),
        variant=one_of("variant", given.get("variant", ""), Variant.values),
        intermediate=_intermediate(given.get("intermediate", "")),
        recipe=_recipe(given.get("recipe", "")),
        origin=one_of("origin", given.get("origin", ""), Run.Origin.values),
        source=_source(given.get("source", "")),
        study=_study(given.get("study", "")),
        suite=one_of("suite", given.get("suite", _suite_of(language)), SUITES),
        aggregate=one_of("aggregate", given.get("aggregate", Aggregate.OFFICIAL.value), Aggregate.values),
        languages=language or checked_languages(given.get("languages", "all")),
        sort=_sort(given.get("sort", ""), view),
        show=one_of("show", given.get("show", _usual_show(view)), SHOW),
        unverified=bool(one_of("unverified", given.get("unverified", ""), ("show",))),
        protocol=given.get("protocol", ""),
        order=one_of("order", given.get("order", "score"), ORDERS),
        page=_page(given.get("page", "1")),
    )


def _suite_of(language: str) -> str:
    return Suite.POCKET.value if language in POCKET_LANGUAGES else Suite.XTREME.value


def _usual_show(view: View) -> str:
    return "difference" if view is View.TRANSFER else "score"


def _unknown(what: str, found: str, known: Collection[str]) -> FilterError:
    near = get_close_matches(found, known, n=3, cutoff=0.4)
    return FilterError(f"There is no {what} '{found[:80]}'.", near or sorted(known)[:12])


def one_of(name: str, value: str, known: Collection[str]) -> str:
    """`value`, if it is one of `known` or empty."""
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


def _recipe(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-f]{8,64}", text):
        raise FilterError(f"There is no recipe '{text[:80]}'; 8 or more digits of its fingerprint name one.")
    return text


def _source(key: str) -> str:
    if key and not Source.objects.filter(pk=key).exists():
        raise _unknown("source", key, Source.objects.values_list("pk", flat=True))
    return key


def _page(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) > 0 and len(text) < 6):
        raise FilterError(f"There is no page '{text[:80]}'; pages are counted from 1.")
    return int(text)


def _study(text: str) -> int | None:
    if not text:
        return None
    # `isdecimal` alone lets digits through that are too many for the column.
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or not Study.objects.filter(pk=int(text)).exists():
        raise FilterError(f"There is no study '{text[:80]}'; a study is given by its number.")
    return int(text)


def checked_languages(text: str) -> str:
    if text in NAMED_LANGUAGES or text in FAMILIES or text in SCRIPTS:
        return text
    codes = [code.strip() for code in text.split(",") if code.strip()]
    for code in codes:
        if code not in LANGUAGES:
            raise _unknown("language", code, language_choices())
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
