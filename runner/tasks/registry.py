"""The catalogue: every task and language by name, checked when it is imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from runner.errors import RecipeError
from runner.tasks import intermediate, pocket, stand_ins, texts, xtreme
from runner.tasks.kinds import COMPOSITES, THRESHOLD_SPLIT, DataSplit, Kind, Role, Suite, TaskSpec
from runner.tasks.languages import LANGUAGES, Language
from runner.tasks.revisions import REVISIONS

SPLITS = ("train", "validation", "test")

# The parts of an example that a task of each kind must name a column for.
REQUIRED_COLUMNS: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.SENTENCE_PAIR: frozenset({"first", "second", "label"}),
        Kind.MULTIPLE_CHOICE: frozenset({"choices", "label"}),
        Kind.TAGGING: frozenset({"tokens", "tags"}),
        Kind.SPAN: frozenset({"id", "context", "question", "answers"}),
        Kind.RETRIEVAL: frozenset({"source", "target"}),
        Kind.MASKED_WORDS: frozenset({"text"}),
    }
)

# What a task with pools must name on top of it.
MINING_COLUMNS = frozenset({"source_id", "target_id"})


class CatalogueError(Exception):
    """A literal of the catalogue is wrong: a bug of this project, found at import."""


def build(specs: Iterable[TaskSpec], languages: Collection[str]) -> Mapping[str, TaskSpec]:
    """The specifications by slug, in their order; CatalogueError where one is wrong or named twice."""
    catalogue: dict[str, TaskSpec] = {}
    for spec in specs:
        if spec.slug in catalogue:
            raise CatalogueError(f"Two tasks have the slug '{spec.slug}'.")
        catalogue[spec.slug] = spec
    for spec in catalogue.values():
        faults = [*_own_faults(spec, languages), *_shared_faults(spec, catalogue)]
        if faults:
            raise CatalogueError(f"Task '{spec.slug}': {'; '.join(faults)}.")
    return MappingProxyType(catalogue)


def _own_faults(spec: TaskSpec, languages: Collection[str]) -> Iterator[str]:
    """What is wrong with a specification by itself."""
    unknown = [code for code in spec.languages if code not in languages]
    if unknown or not spec.languages:
        yield f"unknown languages {', '.join(unknown) or '(none given)'}"
    if len(set(spec.languages)) != len(spec.languages):
        yield "a language is named twice"
    if (spec.kind is Kind.MASKED_WORDS) != (spec.role is Role.AUXILIARY):
        yield "text for MLM, and only that, is auxiliary"
    if spec.kind is Kind.MASKED_WORDS:
        if spec.headline or spec.metrics:
            yield "text for MLM has no metrics"
    elif spec.headline not in spec.metrics and spec.headline not in COMPOSITES:
        yield f"headline '{spec.headline}' is none of its metrics"
    elif absent := [metric for metric in spec.headline_metrics if metric not in spec.metrics]:
        yield f"headline '{spec.headline}' needs the metrics {', '.join(absent)}"
    if missing := sorted(REQUIRED_COLUMNS[spec.kind] - set(spec.columns)):
        yield f"no column for {', '.join(missing)}"
    if spec.pools and (missing := sorted(MINING_COLUMNS - set(spec.columns))):
        yield f"no column for {', '.join(missing)}"
    if spec.pools and not {THRESHOLD_SPLIT} <= set(spec.pools) == set(spec.splits):
        yield f"pools of {', '.join(spec.pools)}, but gold pairs of {', '.join(spec.splits)}"
    if spec.kind is Kind.MULTIPLE_CHOICE and not {"context", "question"} & set(spec.columns):
        yield "no column for context or question"
    if strange := [key for key in (*spec.splits, *spec.sizes) if key not in SPLITS]:
        yield f"unknown splits {', '.join(strange)}"
    if not spec.splits and not spec.mixture:
        yield "neither data nor a mixture"
    for field in ("licence", "citation"):
        if not getattr(spec, field).strip():
            yield f"no {field}"
    if (spec.suite is Suite.STAND_IN) != bool(spec.stands_in_for):
        yield "a stand-in, and only a stand-in, names the task that it stands in for"


def _shared_faults(spec: TaskSpec, catalogue: Mapping[str, TaskSpec]) -> Iterator[str]:
    """What is wrong with the tasks that a specification names."""
    named = (*spec.mixture, *((spec.train_task,) if spec.train_task else ()))
    for slug in named:
        other = catalogue.get(slug)
        if other is None:
            yield f"'{slug}' is not in the catalogue"
        elif "train" not in other.splits and not other.mixture:
            yield f"'{slug}' has no training data"
        elif (other.kind, other.labels) != (spec.kind, spec.labels):
            yield f"'{slug}' has another kind or other labels"
    if spec.stands_in_for and spec.stands_in_for not in catalogue:
        yield f"stands in for '{spec.stands_in_for}', which is not in the catalogue"


TASKS = build((*intermediate.TASKS, *xtreme.TASKS, *stand_ins.TASKS, *texts.TASKS, *pocket.TASKS), LANGUAGES)


def task(slug: str) -> TaskSpec:
    """The task of this slug; RecipeError with suggestions where there is none."""
    if slug not in TASKS:
        raise RecipeError(f"There is no task '{slug}'. {_suggestion(slug, {name: name for name in TASKS})}")
    return TASKS[slug]


def language(code: str) -> Language:
    """The language of this code; RecipeError with suggestions where there is none."""
    if code not in LANGUAGES:
        names = {row.name.lower(): row.code for row in LANGUAGES.values()}
        known = {**names, **{name: name for name in LANGUAGES}}
        raise RecipeError(f"There is no language '{code}'. {_suggestion(code, known)}")
    return LANGUAGES[code]


def _suggestion(name: str, known: Mapping[str, str]) -> str:
    """What was probably meant: `known` maps every accepted spelling to the name to suggest."""
    close = dict.fromkeys(known[match] for match in get_close_matches(name.lower(), known, n=3))
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known are {', '.join(sorted(set(known.values())))}."


def tasks(role: Role | None = None, suite: Suite | None = None) -> Iterator[TaskSpec]:
    """The tasks in the catalogue's order, of one role or one suite only where it is given."""
    for spec in TASKS.values():
        if (role is None or spec.role is role) and (suite is None or spec.suite is suite):
            yield spec


def cells() -> tuple[tuple[str, str], ...]:
    """XTREME's pairs of target task and language: the columns of a complete row of the leaderboard."""
    return tuple((spec.slug, code) for spec in tasks(Role.TARGET, Suite.XTREME) for code in spec.languages)


def revision_of(split: DataSplit) -> str | None:
    """The hub's commit to read `split` at: its own, else the pinned one of its data set, else None."""
    return split.revision or REVISIONS.get(split.dataset)
