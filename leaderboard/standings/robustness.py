"""The view of robustness: what a recipe's scores in one task hold besides their mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from leaderboard.services import headlines
from leaderboard.standings import asked, by_language, consistency, robustness_rows
from leaderboard.standings.by_language import TaskScores
from leaderboard.standings.records import Entry, ProtocolValue
from leaderboard.standings.robustness_rows import Row
from leaderboard.standings.statistics.agreement import MEASURES
from leaderboard.standings.table import Choice
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec
from runner.tasks.languages import LANGUAGES

KNOWN = ("suite", "task", "protocol", "encoder", "languages", "sort")
SORTS = ("title", "pivot", "others", "gap", "worst", "languages_sd", "seeds_sd", *MEASURES)


@dataclass(frozen=True)
class State:
    """What is shown; empty strings stand for what is usual."""

    suite: str = ""
    task: str = ""
    protocol: str = ""
    encoder: str = ""
    languages: str = "all"
    sort: str = ""


@dataclass(frozen=True)
class View:
    """All that the page and its files may show."""

    state: State
    suite: str
    task: TaskSpec | None
    protocol: ProtocolValue | None
    pivot: str
    languages: tuple[str, ...]
    noises: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    choices: Mapping[str, tuple[Choice, ...]]

    @property
    def has_consistency(self) -> bool:
        return any(row.consistency for row in self.rows)

    @property
    def compares_labels(self) -> bool:
        """Whether predictions are compared as labels, not as right and wrong answers."""
        return self.task is not None and self.task.kind in consistency.LABELS

    @property
    def noise_columns(self) -> tuple[tuple[str, str], ...]:
        """The key to sort by and the noise of each column."""
        return tuple((f"noise-{place}", noise) for place, noise in enumerate(self.noises))

    @property
    def sentence(self) -> str:
        if self.task is None or self.protocol is None:
            return "No task has scores of a recipe from here."
        count = len(self.rows)
        return (
            f"{self.task.title} ({self.protocol.label}): {count} {'recipe' if count == 1 else 'recipes'}, over "
            f"{len(self.languages)} languages besides {self.pivot}, which every recipe here has; changes are to the "
            "baseline with the same encoder and settings of the target phase."
        )


def parse(query: QueryDict) -> State:
    """The state out of the address; FilterError says what it cannot be."""
    asked.only(query, KNOWN)
    sort = query.get("sort", "")
    if sort and sort.removeprefix("-") not in SORTS and not sort.removeprefix("-").startswith("noise-"):
        raise asked.unknown("column to sort by,", sort, SORTS)
    return State(
        suite=asked.suite(query),
        task=asked.one_of(query, "task", [task.slug for task in registry.tasks(Role.TARGET)]),
        protocol=query.get("protocol", ""),
        encoder=query.get("encoder", ""),
        languages=asked.languages(query),
        sort=sort,
    )


def load(state: State) -> View:
    """The view of `state`. FilterError for a protocol or an encoder that nothing was measured under."""
    headlines.current()
    there = [task.slug for task in by_language.tasks_with_scores()]
    suite, tasks = asked.in_suite(state.suite, state.task, there)
    slug = state.task or usual_task(tasks)
    choices = {
        "suites": asked.suite_choices(there),
        "tasks": tuple(Choice(one, registry.TASKS[one].title) for one in tasks),
    }
    if not slug:
        return View(state, suite, None, None, "", (), (), (), (), choices)
    task = registry.TASKS[slug]
    scores = by_language.load(task)
    protocol = scores.protocol(state.protocol)
    entries = scores.entries(protocol) if protocol else ()
    encoders = {entry.encoder: entry.encoder_title for entry in entries}
    if state.encoder and state.encoder not in encoders:
        raise asked.unknown("encoder with scores in this task", state.encoder, encoders)
    kept = [entry for entry in entries if state.encoder in ("", entry.encoder)]
    noisy = scores.noisy(protocol) if protocol else ()
    noisy = tuple(one for one in noisy if any(scores.of(entry, one).by_seed for entry in kept))
    languages = asked.chosen(state.languages, scores.shared(kept, protocol)) if protocol else ()
    rows = robustness_rows.rows(scores, protocol, kept, languages, noisy) if protocol else []
    return View(
        state=state,
        suite=suite,
        task=task,
        protocol=protocol,
        pivot=LANGUAGES[task.pivot].name,
        languages=languages,
        noises=tuple(one.noise for one in noisy),
        rows=tuple(_sorted(rows, [one.noise for one in noisy], state.sort)),
        notes=(*_notes(task, scores, protocol, kept, languages), *_about_consistency(task, rows)),
        choices={
            **choices,
            "protocols": tuple(Choice(one.fingerprint[:8], one.label) for one in scores.clean_protocols()),
            "encoders": tuple(Choice(slug, title) for slug, title in encoders.items()),
        },
    )


def usual_task(tasks: Sequence[str]) -> str:
    """The first of `tasks` whose languages are parallel, else the first; empty where there is none."""
    return next((slug for slug in tasks if registry.TASKS[slug].parallel), tasks[0] if tasks else "")


def _sorted(rows: list[Row], noises: Sequence[str], sort: str) -> list[Row]:
    """In the order of `sort`; rows without a value stay last in both directions."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")

    def value(row: Row) -> float | None:
        if key == "worst":
            return row.worst[1] if row.worst else None
        if key in MEASURES:
            level = getattr(row.consistency, key) if row.consistency else None
            return level.interval.estimate if level else None
        if key.startswith("noise-"):
            place = int(key.removeprefix("noise-"))
            return row.noisy[place].drop if row.noisy[place] else None
        return getattr(row, key)

    if key == "title":
        return sorted(rows, key=lambda row: row.title.casefold(), reverse=backwards)
    numbers = [f"noise-{place}" for place in range(len(noises))]
    if key not in (*SORTS, *numbers):
        return rows
    present = sorted((row for row in rows if value(row) is not None), key=value, reverse=backwards)
    return [*present, *(row for row in rows if value(row) is None)]


def _about_consistency(task: TaskSpec, rows: Sequence[Row]) -> Iterator[str]:
    """What the columns of consistency say, or why there are none."""
    if not consistency.comparable(task):
        yield (
            f"No prediction consistency: the items of {task.title} are not the same in all languages, or what is "
            "predicted of them is of other words."
        )
    elif any(row.consistency for row in rows):
        what = "a label" if task.kind in consistency.LABELS else "whether an answer matches exactly, as answers differ"
        yield (
            f"Prediction consistency compares {what}, source item by source item, with {LANGUAGES[task.pivot].name}: "
            "agreement (Hu et al. 2020), agreement beyond chance (Cohen 1960), and the share of what is right in "
            f"{LANGUAGES[task.pivot].name} that is right there too; means over languages. Intervals are 95%, over "
            "seeds and source items, for these very languages; changes are to the baseline, and “finds” is the "
            "smallest change that such data would find with a chance of 80%."
        )


def _notes(
    task: TaskSpec, scores: TaskScores, protocol: ProtocolValue | None, kept: Sequence[Entry], languages: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    if not task.parallel:
        notes.append(
            f"The test sets of {task.title} differ from language to language, so the transfer gap, the worst language "
            "and the spread mix how hard a language's test set is with how well a recipe transfers to it (XTREME, "
            "section 4.3): compare recipes, not languages."
        )
    if task.pivot not in task.languages:
        notes.append(f"{task.title} has no {LANGUAGES[task.pivot].name}: there is no transfer gap.")
    found = [scores.of(entry, protocol) for entry in kept]
    measured = {code for scored in found for values in scored.by_seed.values() for code in values}
    left_out = len(measured - {task.pivot}) - len(languages)
    if left_out > 0:
        notes.append(f"{left_out} languages are left out: not asked for, or not measured for every recipe and seed.")
    if any(len(scored.independent) == 1 for scored in found):
        notes.append("A single measurement has no spread over seeds: the encoder itself is evaluated, or one seed ran.")
    return tuple(notes)
