"""The pocket suite's tasks: every kind, in artificial languages, on data that `runner.pocket` makes.

Its tasks resemble XTREME's and the paper's, and stand in for none of them. Training data is in the base language
alone; machine translations of it have mistakes. Epochs, batch sizes and lengths are measured ones (docs/pocket.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.tasks.intermediate import NLI_COLUMNS, NLI_LABELS, SPAN_COLUMNS
from runner.tasks.kinds import DataSplit, Group, Kind, Role, Suite, TaskSpec, TrainingDefaults
from runner.tasks.languages import POCKET_BASE, POCKET_LANGUAGES

DATASET = "pocket"
# The variant of a configuration that holds machine translations.
TRANSLATED = "translated"
LANGUAGES = tuple(POCKET_LANGUAGES)
OTHERS = tuple(code for code in LANGUAGES if code != POCKET_BASE)
BASE = (POCKET_BASE,)

# Rows of each table; every language has as many.
SIZES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "inference": {"train": 2400, "validation": 200, "test": 300},
        "paraphrase": {"train": 2000, "validation": 200, "test": 300},
        "choice": {"train": 800, "validation": 100, "test": 200},
        "parts_of_speech": {"train": 600, "validation": 200, "test": 300},
        "entities": {"train": 600, "validation": 200, "test": 300},
        "supertags": {"train": 2000, "validation": 200},
        "question": {"train": 1600, "validation": 200, "test": 200},
        "search": {"test": 300},
    }
)
GOLD_PAIRS: Mapping[str, int] = MappingProxyType({"validation": 50, "test": 100})
# Sentences in each pool of the mining task for every gold pair.
POOL = 4

UPOS = ("ADJ", "ADP", "ADV", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "VERB")
ENTITY_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
TRAINING = TrainingDefaults(epochs=3, batch_size=32, max_length=64)
UNTRAINED = TrainingDefaults(epochs=0, batch_size=64, max_length=64)

_OWN = {
    "suite": Suite.POCKET,
    "licence": "Apache-2.0, as this program, which makes the data",
    "citation": "This project, docs/pocket.md",
}


def _splits(name: str, *splits: str) -> Mapping[str, DataSplit]:
    """Training data in the base language, the others in every language."""
    where = {split: POCKET_BASE if split == "train" else "{code}" for split in splits}
    return {split: DataSplit(f"{DATASET}/{name}", config, split) for split, config in where.items()}


def _translations(name: str) -> DataSplit:
    return DataSplit(f"{DATASET}/{name}", f"{{code}}.{TRANSLATED}", "train")


INFERENCE = TaskSpec(
    slug="pocket_inference",
    title="Pocket inference (base)",
    role=Role.INTERMEDIATE,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=BASE,
    splits=_splits("inference", "train", "validation"),
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    translated=_translations("inference"),
    sizes=SIZES["inference"],
    note="A sentence follows from another, contradicts it, or neither. Also the training data of pocket inference.",
    **_OWN,
)

CHOICE = TaskSpec(
    slug="pocket_choice",
    title="Pocket endings (base)",
    role=Role.INTERMEDIATE,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.INTERMEDIATE,
    languages=BASE,
    splits=_splits("choice", "train", "validation"),
    columns={"context": "context", "choices": "endings", "label": "label"},
    labels=("0", "1", "2", "3"),
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    translated=_translations("choice"),
    sizes=SIZES["choice"],
    note="Two sentences about somebody, and four that could follow; one of them stays with the topic.",
    **_OWN,
)

SUPERTAGS = TaskSpec(
    slug="pocket_supertags",
    title="Pocket supertags (base)",
    role=Role.INTERMEDIATE,
    kind=Kind.TAGGING,
    group=Group.INTERMEDIATE,
    languages=BASE,
    splits=_splits("supertags", "train", "validation"),
    columns={"tokens": "tokens", "tags": "tags"},
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    # The generator tags what it says, so these labels do survive translation.
    translated=_translations("supertags"),
    sizes=SIZES["supertags"],
    note="What each word does in its sentence: its part of speech, and the part of the sentence that it belongs to.",
    **_OWN,
)

QUESTIONS = TaskSpec(
    slug="pocket_questions",
    title="Pocket questions (base)",
    role=Role.INTERMEDIATE,
    kind=Kind.SPAN,
    group=Group.INTERMEDIATE,
    languages=BASE,
    splits=_splits("question", "train", "validation"),
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=TRAINING,
    translated=_translations("question"),
    sizes=SIZES["question"],
    note="Who, what or where: the answer is a phrase of the passage. Also the training data of pocket questions.",
    **_OWN,
)

XINFERENCE = TaskSpec(
    slug="pocket_xinference",
    title="Pocket inference",
    role=Role.TARGET,
    kind=Kind.SENTENCE_PAIR,
    group=Group.CLASSIFICATION,
    languages=LANGUAGES,
    splits=_splits("inference", "validation", "test"),
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    train_task="pocket_inference",
    parallel=True,
    sizes=SIZES["inference"],
    note="Chance is 33.",
    **_OWN,
)

PARAPHRASE = TaskSpec(
    slug="pocket_paraphrase",
    title="Pocket paraphrase",
    role=Role.TARGET,
    kind=Kind.SENTENCE_PAIR,
    group=Group.CLASSIFICATION,
    languages=LANGUAGES,
    splits=_splits("paraphrase", "train", "validation", "test"),
    columns={"first": "first", "second": "second", "label": "label"},
    labels=("different", "same"),
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    translated=_translations("paraphrase"),
    parallel=True,
    sizes=SIZES["paraphrase"],
    note="Two sentences of nearly the same words in another order. Chance is 50.",
    **_OWN,
)

ENDINGS = TaskSpec(
    slug="pocket_endings",
    title="Pocket endings",
    role=Role.TARGET,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.CLASSIFICATION,
    languages=LANGUAGES,
    splits=_splits("choice", "validation", "test"),
    columns=CHOICE.columns,
    labels=CHOICE.labels,
    metrics=("accuracy",),
    headline="accuracy",
    training=TRAINING,
    train_task="pocket_choice",
    parallel=True,
    sizes=SIZES["choice"],
    note="Chance is 25.",
    **_OWN,
)

POS = TaskSpec(
    slug="pocket_pos",
    title="Pocket POS",
    role=Role.TARGET,
    kind=Kind.TAGGING,
    group=Group.TAGGING,
    languages=LANGUAGES,
    splits=_splits("parts_of_speech", "train", "validation", "test"),
    columns={"tokens": "tokens", "tags": "tags"},
    labels=UPOS,
    metrics=("f1", "accuracy"),
    headline="f1",
    training=TRAINING,
    parallel=True,
    sizes=SIZES["parts_of_speech"],
    note="Scored as XTREME scores UD POS: F1 by spans of equal tags.",
    **_OWN,
)

ENTITIES = TaskSpec(
    slug="pocket_ner",
    title="Pocket NER",
    role=Role.TARGET,
    kind=Kind.TAGGING,
    group=Group.TAGGING,
    languages=LANGUAGES,
    splits=_splits("entities", "train", "validation", "test"),
    columns={"tokens": "tokens", "tags": "tags"},
    labels=ENTITY_TAGS,
    metrics=("f1",),
    headline="f1",
    training=TRAINING,
    parallel=True,
    sizes=SIZES["entities"],
    note="The same name may be a family's, a town's or a guild's: what stands around it tells.",
    **_OWN,
)

XQUESTIONS = TaskSpec(
    slug="pocket_xquestions",
    title="Pocket questions",
    role=Role.TARGET,
    kind=Kind.SPAN,
    group=Group.QUESTION_ANSWERING,
    languages=LANGUAGES,
    splits=_splits("question", "validation", "test"),
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=TRAINING,
    train_task="pocket_questions",
    parallel=True,
    sizes=SIZES["question"],
    note="Passages of three sentences; the question leaves out what it asks for.",
    **_OWN,
)

MINING = TaskSpec(
    slug="pocket_mining",
    title="Pocket mining",
    role=Role.TARGET,
    kind=Kind.RETRIEVAL,
    group=Group.RETRIEVAL,
    languages=OTHERS,
    splits={split: DataSplit(f"{DATASET}/mining", "{code}", split) for split in GOLD_PAIRS},
    columns={
        "source": "source_sentence",
        "target": "target_sentence",
        "source_id": "source_id",
        "target_id": "target_id",
    },
    pools={split: DataSplit(f"{DATASET}/mining", f"{{code}}.pool-{split}", "source+target") for split in GOLD_PAIRS},
    metrics=("f1",),
    headline="f1",
    training=UNTRAINED,
    parallel=True,
    sizes={split: pairs * len(OTHERS) for split, pairs in GOLD_PAIRS.items()},
    note=(
        "Pairs mined out of pools, as in BUCC. Half of the sentences that belong to no pair differ in one word or two "
        "from one that does."
    ),
    **_OWN,
)

SEARCH = TaskSpec(
    slug="pocket_search",
    title="Pocket search",
    role=Role.TARGET,
    kind=Kind.RETRIEVAL,
    group=Group.RETRIEVAL,
    languages=OTHERS,
    splits=_splits("search", "test"),
    columns={"source": "source_sentence", "target": "target_sentence"},
    metrics=("accuracy",),
    headline="accuracy",
    training=UNTRAINED,
    parallel=True,
    sizes={"test": SIZES["search"]["test"] * len(OTHERS)},
    note="The nearest sentence of the base language, among 300, as in Tatoeba. Chance is 0.3.",
    **_OWN,
)

TEXT = TaskSpec(
    slug="pocket_text",
    title="Pocket text",
    role=Role.AUXILIARY,
    kind=Kind.MASKED_WORDS,
    group=Group.INTERMEDIATE,
    languages=LANGUAGES,
    splits={"train": DataSplit(f"{DATASET}/text", "{code}", "train")},
    columns={"text": "text", "translation": "translation"},
    metrics=(),
    headline="",
    training=TrainingDefaults(epochs=4, batch_size=64, max_length=64),
    sizes={"train": POCKET_LANGUAGES[POCKET_BASE].texts},
    note="Passages, and sentences with their translation into the base language: how many differs by language.",
    **_OWN,
)

TASKS = (
    INFERENCE,
    QUESTIONS,
    SUPERTAGS,
    CHOICE,
    XINFERENCE,
    PARAPHRASE,
    ENDINGS,
    POS,
    ENTITIES,
    XQUESTIONS,
    MINING,
    SEARCH,
    TEXT,
)
