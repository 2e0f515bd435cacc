"""The state of a page out of its query string, for pages beside the tables of scores; what is unknown is refused."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from django.http import QueryDict

from leaderboard.standings.filters import SUITES, FilterError
from leaderboard.standings.table import Choice
from runner.tasks import registry
from runner.tasks.kinds import Suite
from runner.tasks.languages import LANGUAGES, low_resource_by_class, low_resource_by_size

# Beside codes such as `sw,ta`.
LANGUAGE_SETS = {
    "all": "all languages",
    "low-class": "low-resource languages by class",
    "low-size": "low-resource languages by size",
}


def only(query: QueryDict, known: Collection[str]) -> None:
    """FilterError where the address has a parameter that the page does not know."""
    for name in query:
        if name not in known:
            raise unknown("filter", name, known)


def one_of(query: QueryDict, name: str, known: Collection[str], usual: str = "") -> str:
    """The value of `name`, one of `known`; `usual` where the address has none."""
    value = query.get(name, "")
    if value and value not in known:
        raise unknown(f"value of the filter '{name}'", value, known)
    return value or usual


def whole_number(query: QueryDict, name: str, largest: int) -> int | None:
    """A number from 0 to `largest`, or None where the address has none."""
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) > largest:
        raise FilterError(f"The filter '{name}' is a number from 0 to {largest}, found '{text[:80]}'.")
    return int(text)


def languages(query: QueryDict) -> str:
    """The name of a set of LANGUAGE_SETS, or codes joined by commas."""
    text = query.get("languages", "") or "all"
    if text in LANGUAGE_SETS:
        return text
    codes = [code.strip() for code in text.split(",") if code.strip()]
    for code in codes:
        if code not in LANGUAGES:
            raise unknown("language", code, [*LANGUAGE_SETS, *LANGUAGES])
    return ",".join(code for code in LANGUAGES if code in codes) or "all"


def chosen(named: str, there: Collection[str]) -> tuple[str, ...]:
    """Those of the languages `there` that a value of `languages` names, in the catalogue's order."""
    wanted = {"all": LANGUAGES, "low-class": low_resource_by_class(), "low-size": low_resource_by_size()}.get(
        named, named.split(",")
    )
    return tuple(code for code in LANGUAGES if code in there and code in wanted)


def unknown(what: str, found: str, known: Collection[str]) -> FilterError:
    near = get_close_matches(found, known, n=3, cutoff=0.4)
    return FilterError(f"There is no {what} '{found[:80]}'.", near or sorted(known)[:12])


def suite(query: QueryDict) -> str:
    """The suite that the address names; empty where it names none."""
    return one_of(query, "suite", SUITES)


def suite_of(task: str) -> str:
    """The suite whose board a task is on: stand-ins stand beside XTREME's tasks."""
    found = registry.TASKS[task].suite
    return Suite.XTREME.value if found is Suite.STAND_IN else found.value


def in_suite(wanted: str, task: str, there: Collection[str]) -> tuple[str, list[str]]:
    """The suite of a page, and those of the tasks `there` that are on its board, in their order.

    The suite that is `wanted`, else that of the `task` that is asked for, else the first of SUITES that has any.
    FilterError where the task is of another suite than the one that is wanted.
    """
    boards = {name: [slug for slug in there if suite_of(slug) == name] for name in SUITES}
    chosen = wanted or (suite_of(task) if task else next((name for name in SUITES if boards[name]), next(iter(SUITES))))
    if task and suite_of(task) != chosen:
        raise FilterError(f"The task '{task}' is not in the suite '{chosen}'.", boards[chosen])
    return chosen, boards[chosen]


def suite_choices(there: Collection[str]) -> tuple[Choice, ...]:
    """The suites of the tasks that are `there`."""
    found = {suite_of(slug) for slug in there}
    return tuple(Choice(name, title) for name, title in SUITES.items() if name in found)
