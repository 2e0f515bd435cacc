"""Texts for multilingual MLM: running text in many languages, trained beside the intermediate tasks or alone."""

from __future__ import annotations

from runner.tasks.kinds import DataSplit, Group, Kind, Role, Suite, TaskSpec, TrainingDefaults
from runner.tasks.languages import XTREME_LANGUAGES

# No source fixes the paper's MLM: length and batch size are those of its other phases.
TEXT_TRAINING = TrainingDefaults(epochs=1, batch_size=32, max_length=256)

WIKIPEDIA = TaskSpec(
    slug="wikipedia",
    title="Wikipedia",
    role=Role.AUXILIARY,
    suite=Suite.XTREME,
    kind=Kind.MASKED_WORDS,
    group=Group.INTERMEDIATE,
    languages=tuple(XTREME_LANGUAGES),
    splits={"train": DataSplit("wikimedia/wikipedia", "20231101.{code}", "train")},
    columns={"text": "text"},
    metrics=(),
    headline="",
    training=TEXT_TRAINING,
    licence="CC BY-SA 3.0 and GFDL",
    citation="Wikimedia Foundation, Wikimedia Downloads, https://dumps.wikimedia.org, November 2023",
    note=(
        "Articles as plain text. Limit the texts per language: the English part alone has 6.4 million. The paper's own "
        "selection of Wikipedia is not published."
    ),
)

NTREX = TaskSpec(
    slug="ntrex",
    title="NTREX-128",
    role=Role.AUXILIARY,
    suite=Suite.STAND_IN,
    kind=Kind.MASKED_WORDS,
    group=Group.INTERMEDIATE,
    # All of XTREME's but Javanese.
    languages=tuple(code for code in XTREME_LANGUAGES if code != "jv"),
    splits={"train": DataSplit("mteb/NTREX", "parallel_45", "test")},
    columns={"text": "{code}"},
    metrics=(),
    headline="",
    training=TEXT_TRAINING,
    parallel=True,
    stands_in_for="wikipedia",
    sizes={"train": 1_997},
    licence="CC BY-SA 4.0",
    citation="Federmann, Kocmi and Xin 2022, NTREX-128: News Test References for MT Evaluation, SumEval",
    note=(
        "1,997 news sentences in each language, translations of the same English ones: little text, and parallel, "
        "which Wikipedia is not. Its only split is called test."
    ),
)

LOCAL_TEXT = TaskSpec(
    slug="local_text",
    title="Your own text",
    role=Role.AUXILIARY,
    suite=Suite.STAND_IN,
    kind=Kind.MASKED_WORDS,
    group=Group.INTERMEDIATE,
    languages=tuple(XTREME_LANGUAGES),
    splits={"train": DataSplit("local/text", "{code}", "train")},
    columns={"text": "text"},
    metrics=(),
    headline="",
    training=TEXT_TRAINING,
    stands_in_for="wikipedia",
    licence="Your own",
    citation="None: text that was put into the local mirror",
    note="Any text with a column named text, at local/text/<language>/train.parquet in the local mirror.",
)

TASKS = (WIKIPEDIA, NTREX, LOCAL_TEXT)
