"""The nine intermediate tasks of Phang et al. 2020 (arXiv 2005.13013), and the parts of ANLI+.

Sizes are those of the hub's dataset_infos. Epochs, batch size and length of the tasks that also train a
target (MNLI, SQuAD v1.1) are jiant's (guides/projects/xstilts.md). **For the others no source fixes the
intermediate hyper-parameters**: they take those of the same kind of task, and 2 epochs.
"""

from __future__ import annotations

from runner.tasks.kinds import DataSplit, Group, Kind, Role, Suite, TaskSpec, TrainingDefaults

ENGLISH = ("en",)
NLI_LABELS = ("entailment", "neutral", "contradiction")
NLI_COLUMNS = {"first": "premise", "second": "hypothesis", "label": "label"}
SPAN_COLUMNS = {"id": "id", "context": "context", "question": "question", "answers": "answers"}
PAIR_TRAINING = TrainingDefaults(epochs=2, batch_size=32, max_length=256)
SPAN_TRAINING = TrainingDefaults(epochs=2, batch_size=16, max_length=384)

_UNSOURCED = "Intermediate epochs and batch size are not sourced: the defaults are those of the same kind of task."

ANLI_PLUS = TaskSpec(
    slug="anli_plus",
    title="ANLI+",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={},
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    mixture=("snli", "mnli", "anli"),
    sizes={"train": 1_105_719},
    licence="CC BY-SA 4.0 (SNLI), several (MNLI), CC BY-NC 4.0 (ANLI)",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding, ACL",
    note=f"SNLI, MNLI and the three rounds of ANLI with one head, drawn in proportion to their sizes. {_UNSOURCED}",
)

MNLI = TaskSpec(
    slug="mnli",
    title="MNLI",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("nyu-mll/glue", "mnli", "train"),
        "validation": DataSplit("nyu-mll/glue", "mnli", "validation_matched"),
    },
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    # XNLI's own machine translations of MNLI's training data (Conneau et al. 2018).
    translated=DataSplit("facebook/xnli", "{code}", "train"),
    sizes={"train": 392_702, "validation": 9_815},
    licence="OANC licence; CC BY-SA 3.0, CC BY 3.0 and public domain for the fiction part",
    citation="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding, NAACL",
    note="Validation is the matched half; GLUE publishes no test labels. Also the English training data of XNLI.",
)

QQP = TaskSpec(
    slug="qqp",
    title="QQP",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("nyu-mll/glue", "qqp", "train"),
        "validation": DataSplit("nyu-mll/glue", "qqp", "validation"),
    },
    columns={"first": "question1", "second": "question2", "label": "label"},
    labels=("not_duplicate", "duplicate"),
    metrics=("accuracy", "f1"),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 363_846, "validation": 40_430},
    licence="Quora's terms of service (non-commercial)",
    citation="Iyer, Dandekar and Csernai 2017, First Quora Dataset Release: Question Pairs",
    note=f"GLUE publishes no test labels. {_UNSOURCED}",
)

SQUAD_V2 = TaskSpec(
    slug="squad_v2",
    title="SQuAD v2.0",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.SPAN,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("rajpurkar/squad_v2", "squad_v2", "train"),
        "validation": DataSplit("rajpurkar/squad_v2", "squad_v2", "validation"),
    },
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=SPAN_TRAINING,
    sizes={"train": 130_319, "validation": 11_873},
    licence="CC BY-SA 4.0",
    citation="Rajpurkar, Jia and Liang 2018, Know What You Don't Know: Unanswerable Questions for SQuAD, ACL",
    note=f"Questions without an answer have an empty list of answers. {_UNSOURCED}",
)

SQUAD_V1 = TaskSpec(
    slug="squad_v1",
    title="SQuAD v1.1",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.SPAN,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("rajpurkar/squad", "plain_text", "train"),
        "validation": DataSplit("rajpurkar/squad", "plain_text", "validation"),
    },
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=SPAN_TRAINING,
    # MLQA's machine translations of SQuAD's training data (Lewis et al. 2020).
    translated=DataSplit("facebook/mlqa", "mlqa-translate-train.{code}", "train"),
    sizes={"train": 87_599, "validation": 10_570},
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP",
    note="Also the English training data of XQuAD and MLQA. XQuAD's paragraphs are from this validation split.",
)

HELLASWAG = TaskSpec(
    slug="hellaswag",
    title="HellaSwag",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("Rowan/hellaswag", "default", "train"),
        "validation": DataSplit("Rowan/hellaswag", "default", "validation"),
    },
    columns={"context": "ctx", "choices": "endings", "label": "label"},
    labels=("0", "1", "2", "3"),
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 39_905, "validation": 10_042},
    licence="MIT",
    citation="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence?, ACL",
    note=f"The label is a digit in a string. Test labels are not published. {_UNSOURCED}",
)

CCG = TaskSpec(
    slug="ccg",
    title="CCG supertagging",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.TAGGING,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("ldc/ccgbank", "default", "train"),
        "validation": DataSplit("ldc/ccgbank", "default", "validation"),
    },
    columns={"tokens": "tokens", "tags": "supertags"},
    metrics=("accuracy",),
    headline="accuracy",
    training=TrainingDefaults(epochs=3, batch_size=32, max_length=256),
    licence="LDC (LDC2005T13), not redistributable",
    citation="Hockenmaier and Steedman 2007, CCGbank: A Corpus of CCG Derivations and Dependency Structures, CL 33(3)",
    note=(
        "Not on the hub: CCGbank is licensed by the LDC. Put your own copy into the local mirror under this name, "
        "with a list of tokens and a list of supertags per row; the tags are collected from the training data "
        "(jiant has 1,363). Intermediate epochs and batch size are not sourced."
    ),
)

COSMOS_QA = TaskSpec(
    slug="cosmos_qa",
    title="Cosmos QA",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("allenai/cosmos_qa", "default", "train"),
        "validation": DataSplit("allenai/cosmos_qa", "default", "validation"),
    },
    columns={
        "context": "context",
        "question": "question",
        "choices": "answer0,answer1,answer2,answer3",
        "label": "label",
    },
    labels=("0", "1", "2", "3"),
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 25_262, "validation": 2_985},
    licence="CC BY 4.0",
    citation="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning, EMNLP",
    note=f"Test labels are not published. {_UNSOURCED}",
)

COMMONSENSE_QA = TaskSpec(
    slug="commonsense_qa",
    title="CommonsenseQA",
    role=Role.INTERMEDIATE,
    suite=Suite.XTREME,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("tau/commonsense_qa", "default", "train"),
        "validation": DataSplit("tau/commonsense_qa", "default", "validation"),
    },
    columns={"question": "question", "choices": "choices.text", "label": "answerKey"},
    labels=("A", "B", "C", "D", "E"),
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 9_741, "validation": 1_221},
    licence="MIT",
    citation="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge, NAACL",
    note=f"The hub has version 1.11 with five choices. Test labels are not published. {_UNSOURCED}",
)

SNLI = TaskSpec(
    slug="snli",
    title="SNLI",
    role=Role.DIAGNOSTIC,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("stanfordnlp/snli", "plain_text", "train"),
        "validation": DataSplit("stanfordnlp/snli", "plain_text", "validation"),
        "test": DataSplit("stanfordnlp/snli", "plain_text", "test"),
    },
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 550_152, "validation": 10_000},
    licence="CC BY-SA 4.0",
    citation="Bowman et al. 2015, A Large Annotated Corpus for Learning Natural Language Inference, EMNLP",
    note="A part of ANLI+, not an intermediate task of its own. Rows without a gold label have the label -1: left out.",
)

ANLI = TaskSpec(
    slug="anli",
    title="ANLI, rounds 1 to 3",
    role=Role.DIAGNOSTIC,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("facebook/anli", "plain_text", "train_r1+train_r2+train_r3"),
        "validation": DataSplit("facebook/anli", "plain_text", "dev_r1+dev_r2+dev_r3"),
        "test": DataSplit("facebook/anli", "plain_text", "test_r1+test_r2+test_r3"),
    },
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    sizes={"train": 162_865, "validation": 3_200},
    licence="CC BY-NC 4.0",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding, ACL",
    note="A part of ANLI+, not an intermediate task of its own.",
)

TASKS = (
    ANLI_PLUS,
    MNLI,
    QQP,
    SQUAD_V2,
    SQUAD_V1,
    HELLASWAG,
    CCG,
    COSMOS_QA,
    COMMONSENSE_QA,
    SNLI,
    ANLI,
)
