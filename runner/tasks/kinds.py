"""What a task is made of: its kind, its role and the frozen literals of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from runner.tasks.languages import POCKET_BASE


class Kind(StrEnum):
    """The shape of a task: it decides the reader, the head and the scorer."""

    SENTENCE_PAIR = "sentence_pair"
    MULTIPLE_CHOICE = "multiple_choice"
    TAGGING = "tagging"
    SPAN = "span"
    RETRIEVAL = "retrieval"
    MASKED_WORDS = "masked_words"


# The split whose pools the threshold of a mining task is fitted on, whatever split is scored.
THRESHOLD_SPLIT = "validation"


class Role(StrEnum):
    """Where a task stands in the three phases; an auxiliary one is text for MLM, trained beside other tasks."""

    INTERMEDIATE = "intermediate"
    TARGET = "target"
    DIAGNOSTIC = "diagnostic"
    AUXILIARY = "auxiliary"


class Suite(StrEnum):
    """Which benchmark a task belongs to; averages never cross suites.

    `pocket` is the project's own: artificial languages, made by `runner.pocket`.
    `stand_in` holds openly available replacements: tasks that resemble a task of the paper or of XTREME
    but are trained on, or read, other data. They are never averaged with the originals.
    """

    XTREME = "xtreme"
    STAND_IN = "stand_in"
    POCKET = "pocket"


class Group(StrEnum):
    """XTREME's four groups of target tasks (evaluate.py), and one for the intermediate tasks."""

    CLASSIFICATION = "classification"
    TAGGING = "tagging"
    QUESTION_ANSWERING = "qa"
    RETRIEVAL = "retrieval"
    INTERMEDIATE = "intermediate"


# The language of a suite's training and development data, where it is not machine-translated.
PIVOTS: Mapping[Suite, str] = MappingProxyType({Suite.XTREME: "en", Suite.STAND_IN: "en", Suite.POCKET: POCKET_BASE})

EMPTY: Mapping[str, str] = MappingProxyType({})

# XTREME's evaluate.py counts a question answering task as the mean of F1 and exact match.
COMPOSITES: Mapping[str, tuple[str, ...]] = MappingProxyType({"f1_em": ("f1", "exact_match")})


@dataclass(frozen=True)
class DataSplit:
    """Where one split of one task lies, in the hub's own words.

    `config` may hold `{code}`, which is replaced by `codes[language]` (by the language itself where `codes`
    has no entry). Where one configuration holds all languages, `language_column` names the column that
    tells them apart, or `language_prefix_column` the column whose value starts with `<code>-`. Several of
    the hub's splits that are read as one are joined by `+`, as the `datasets` library spells it
    (`train_r1+train_r2+train_r3`). `origin` says of data that no hub has what it is, as the end of a sentence.
    """

    dataset: str
    config: str
    split: str
    codes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    language_column: str = ""
    language_prefix_column: str = ""
    revision: str | None = None
    origin: str = ""

    def code(self, language: str) -> str:
        return self.codes.get(language, language)

    def config_for(self, language: str) -> str:
        return self.config.replace("{code}", self.code(language))

    @property
    def parts(self) -> tuple[str, ...]:
        """The hub's splits that make up this one, in order."""
        return tuple(self.split.split("+"))


@dataclass(frozen=True)
class TrainingDefaults:
    """The published hyper-parameters that differ from task to task (jiant guides/projects/xstilts.md)."""

    epochs: int
    batch_size: int
    max_length: int


@dataclass(frozen=True)
class TaskSpec:
    """One task of the catalogue, as a literal.

    `columns` maps the parts of an example to the data's column names, in which `{code}` is replaced as in
    `DataSplit.config`: `text` for masked words, and `translation` where some texts
    have one (empty where a text has none); `first`, `second`, `label` for sentence pairs; `tokens`, `tags`
    for tagging; `source`, `target` for retrieval; `context`, `question`, `answers`, `id` for spans; `context`,
    `question` (one of the two may be absent), `choices` (a list column, a field of a struct column as
    `column.field`, or several names joined by `,`) and `label` for multiple choice.

    A retrieval task with `pools` mines pairs out of whole pools of sentences: for each key of `splits`, which has
    the gold pairs, a DataSplit whose parts are the pool of the language and that of the pivot. Its `columns` add
    `source_id` and `target_id`, the gold sentences' names in the pools.

    `labels` are in the order of the data's integer codes; labels that are strings match by name. A tagging
    task with `labels=()` has an open tag set: the tags are collected from its training data and sorted.

    `splits` has the keys `train`, `validation`, `test` (those that exist). `train_task` names the task whose
    training data a target is fine-tuned on: itself where empty. A task without training data and without
    `train_task` is evaluated on the encoder directly. `parallel` says that row i is the same item in every
    language with as many rows.

    A task with a `mixture` has no data of its own: it is trained on the data of the tasks named there, drawn
    in proportion to their sizes, with one head for all.

    `translated` is a translation of the training data into other languages, in the columns of the original;
    where it is absent, the mirror may have one at `translated/<slug>/<language>/train.parquet`.

    `headline` is one of `metrics` or a composite: the unweighted mean of the metrics that COMPOSITES lists.
    `sizes` has the published number of examples per key of `splits`: of English where the task covers
    English, of all its languages together where it does not.
    """

    slug: str
    title: str
    role: Role
    suite: Suite
    kind: Kind
    group: Group
    languages: tuple[str, ...]
    splits: Mapping[str, DataSplit]
    columns: Mapping[str, str]
    metrics: tuple[str, ...]
    headline: str
    training: TrainingDefaults
    licence: str
    citation: str
    labels: tuple[str, ...] = ()
    train_task: str = ""
    stands_in_for: str = ""
    parallel: bool = False
    mixture: tuple[str, ...] = ()
    translated: DataSplit | None = None
    pools: Mapping[str, DataSplit] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def trained_on(self) -> str | None:
        """The slug of the task that provides the training data, or None for a task without any."""
        if self.train_task:
            return self.train_task
        return self.slug if "train" in self.splits or self.mixture else None

    @property
    def has_parallel_text(self) -> bool:
        """Whether alignment can be measured on it: pairs of translations, or the same rows in the pivot too."""
        if self.kind is Kind.RETRIEVAL:
            return True
        return self.parallel and self.kind in (Kind.SENTENCE_PAIR, Kind.MASKED_WORDS) and self.pivot in self.languages

    @property
    def pivot(self) -> str:
        """The language of its training and development data."""
        return PIVOTS[self.suite]

    @property
    def original(self) -> str:
        """The slug of the task whose rules hold: its own, or that of the task it stands in for."""
        return self.stands_in_for or self.slug

    @property
    def translations(self) -> DataSplit:
        """Where machine-translated training data is looked for, one configuration for each language."""
        return self.translated or DataSplit(f"translated/{self.slug}", "{code}", "train")

    @property
    def headline_metrics(self) -> tuple[str, ...]:
        """The metrics whose mean is the headline: one, unless the headline is a composite; text for MLM has none."""
        if not self.headline:
            return ()
        return COMPOSITES.get(self.headline, (self.headline,))
