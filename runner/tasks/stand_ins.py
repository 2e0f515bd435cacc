"""Openly available replacements for tasks whose data cannot be had everywhere.

A stand-in has the shape of the task that it names and other data. Its scores are never averaged, ranked or
put in one column with those of the original.
"""

from __future__ import annotations

from dataclasses import replace

from runner.tasks.intermediate import (
    ENGLISH,
    NLI_COLUMNS,
    NLI_LABELS,
    PAIR_TRAINING,
    SPAN_COLUMNS,
    SPAN_TRAINING,
)
from runner.tasks.kinds import DataSplit, Group, Kind, Role, Suite, TaskSpec, TrainingDefaults
from runner.tasks.xtreme import MLQA, PAWS_X, TYDIQA, XNLI, XQUAD

EVALUATED = ("validation", "test")
_CAD = "acmi-lab/counterfactually-augmented-data"
_CAD_CITATION = "Kaushik, Hovy and Lipton 2020, Learning the Difference that Makes a Difference, ICLR"

CCG_PMB = TaskSpec(
    slug="ccg_pmb",
    title="CCG supertagging (Parallel Meaning Bank)",
    role=Role.INTERMEDIATE,
    suite=Suite.STAND_IN,
    kind=Kind.TAGGING,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("pmb/ccg-4.0.0", "en", "train"),
        "validation": DataSplit("pmb/ccg-4.0.0", "en", "validation"),
        "test": DataSplit("pmb/ccg-4.0.0", "en", "test"),
    },
    columns={"tokens": "tokens", "tags": "supertags"},
    metrics=("accuracy",),
    headline="accuracy",
    training=TrainingDefaults(epochs=3, batch_size=32, max_length=256),
    # The bank is parallel: gold supertags of its sentences in other languages, translated by people.
    translated=DataSplit("pmb/ccg-4.0.0", "{code}", "train"),
    stands_in_for="ccg",
    sizes={"train": 7_745, "validation": 1_174, "test": 1_053},
    licence="Open, on the Parallel Meaning Bank's own terms",
    citation="Abzianidze et al. 2017, The Parallel Meaning Bank, EACL; version 4.0.0",
    note=(
        "Stands in for CCGbank, which is licensed by the LDC. Gold supertags of short, everyday sentences, with 294 "
        "categories in the training data; it is not newspaper text, and a fifth of CCGbank's size. In the local "
        "mirror only."
    ),
)

NLI_CAD = TaskSpec(
    slug="nli_cad",
    title="Counterfactual NLI",
    role=Role.INTERMEDIATE,
    suite=Suite.STAND_IN,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit(_CAD, "nli", "train"),
        "validation": DataSplit(_CAD, "nli", "validation"),
        "test": DataSplit(_CAD, "nli", "test"),
    },
    columns=NLI_COLUMNS,
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    stands_in_for="mnli",
    sizes={"train": 8_330, "validation": 1_000, "test": 2_000},
    licence="Apache 2.0 (revisions), CC BY-SA 4.0 (SNLI)",
    citation=_CAD_CITATION,
    note=(
        "Stands in for MNLI where that cannot be had: SNLI pairs and their counterfactual revisions by people. Same "
        "three labels; one genre (image captions) instead of ten, and a fiftieth of the size. In the local mirror only."
    ),
)

MRPC = TaskSpec(
    slug="mrpc",
    title="MRPC",
    role=Role.INTERMEDIATE,
    suite=Suite.STAND_IN,
    kind=Kind.SENTENCE_PAIR,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    # Only these two: copies outside the hub join its validation split to train.
    splits={
        "train": DataSplit("nyu-mll/glue", "mrpc", "train"),
        "test": DataSplit("nyu-mll/glue", "mrpc", "test"),
    },
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    # The hub calls them not_equivalent and equivalent; PAWS-X, which is trained on it here, has the bare digits.
    labels=("0", "1"),
    metrics=("accuracy", "f1"),
    headline="accuracy",
    training=PAIR_TRAINING,
    stands_in_for="qqp",
    licence="Microsoft Research data terms",
    citation="Dolan and Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases, IWP",
    note=(
        "Stands in for QQP where that cannot be had: pairs of newspaper sentences that say the same or not. It is not "
        "about questions, has a hundredth of the size, and two pairs in three are paraphrases."
    ),
)

COMMONSENSE_QA_3 = TaskSpec(
    slug="commonsense_qa_3",
    title="CommonsenseQA 1.0 (three choices)",
    role=Role.INTERMEDIATE,
    suite=Suite.STAND_IN,
    kind=Kind.MULTIPLE_CHOICE,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("tau/commonsense_qa", "v1.0_3choices", "train"),
        "validation": DataSplit("tau/commonsense_qa", "v1.0_3choices", "validation"),
    },
    columns={"question": "question", "choices": "choices.text", "label": "answerKey"},
    labels=("A", "B", "C"),
    metrics=("accuracy",),
    headline="accuracy",
    training=PAIR_TRAINING,
    stands_in_for="commonsense_qa",
    sizes={"train": 7_610, "validation": 950},
    licence="MIT; BSD 3-Clause (CoS-E)",
    citation="Talmor et al. 2019, CommonsenseQA, NAACL; version 1.0 as published with Rajani et al. 2019, CoS-E, ACL",
    note=(
        "Stands in for CommonsenseQA 1.11 where its training data cannot be had: the first version, with three "
        "choices instead of five, so chance is 33 % and not 20 %. In the local mirror only."
    ),
)

SQUAD_SUBSET = TaskSpec(
    slug="squad_subset",
    title="SQuAD v1.1 (sample)",
    role=Role.INTERMEDIATE,
    suite=Suite.STAND_IN,
    kind=Kind.SPAN,
    group=Group.INTERMEDIATE,
    languages=ENGLISH,
    splits={
        "train": DataSplit("rajpurkar/squad", "plain_text_subset", "train"),
        "validation": DataSplit("rajpurkar/squad", "plain_text_subset", "validation"),
    },
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=SPAN_TRAINING,
    stands_in_for="squad_v1",
    sizes={"train": 4_000, "validation": 895},
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP",
    note=(
        "Stands in for SQuAD v1.1 where that cannot be had: 4,000 of its questions, one answer each, whose position is "
        "the first occurrence of the answer and not always the annotated one. Paragraphs of XQuAD are left out. In the "
        "local mirror only."
    ),
)

# Evaluated on the original's own data, after training on other: only what differs is said.

XNLI_CAD = replace(
    XNLI,
    slug="xnli_cad",
    title="XNLI (trained on counterfactual NLI)",
    suite=Suite.STAND_IN,
    train_task="nli_cad",
    stands_in_for="xnli",
    citation=f"{XNLI.citation}; {_CAD_CITATION}",
    note=(
        "Stands in for XNLI where MNLI cannot be had: XNLI's own evaluation data in all 15 languages, after training "
        "on 8,330 counterfactual pairs instead of MNLI's 392,702. Scores are far below XNLI's and not comparable."
    ),
)

PAWS_X_MRPC = replace(
    PAWS_X,
    slug="paws_x_mrpc",
    title="PAWS-X (trained on MRPC)",
    suite=Suite.STAND_IN,
    splits={split: PAWS_X.splits[split] for split in EVALUATED},
    sizes={split: PAWS_X.sizes[split] for split in EVALUATED},
    translated=None,
    training=PAIR_TRAINING,
    train_task="mrpc",
    stands_in_for="paws_x",
    citation=f"{PAWS_X.citation}; {MRPC.citation}",
    note=(
        "Stands in for PAWS-X where its training data cannot be had: PAWS-X's own evaluation data after training on "
        "4,076 pairs of MRPC. PAWS-X was built so that word overlap does not tell; MRPC does not teach that."
    ),
)

XQUAD_SAMPLE = replace(
    XQUAD,
    slug="xquad_sample",
    title="XQuAD (trained on the SQuAD sample)",
    suite=Suite.STAND_IN,
    train_task="squad_subset",
    stands_in_for="xquad",
    citation=f"{XQUAD.citation}; {SQUAD_SUBSET.citation}",
    note="XQuAD's own evaluation data after training on 4,000 questions of SQuAD v1.1 instead of 87,599.",
)

MLQA_SAMPLE = replace(
    MLQA,
    slug="mlqa_sample",
    title="MLQA (trained on the SQuAD sample)",
    suite=Suite.STAND_IN,
    train_task="squad_subset",
    stands_in_for="mlqa",
    citation=f"{MLQA.citation}; {SQUAD_SUBSET.citation}",
    note="MLQA's own evaluation data after training on 4,000 questions of SQuAD v1.1 instead of 87,599.",
)

TYDIQA_KO_SW = replace(
    TYDIQA,
    slug="tydiqa_ko_sw",
    title="TyDiQA-GoldP (training questions in Korean and Swahili)",
    suite=Suite.STAND_IN,
    languages=("ko", "sw"),
    splits={"test": replace(TYDIQA.splits["test"], split="train_ko_sw")},
    sizes={"test": 4_380},
    train_task="tydiqa",
    stands_in_for="tydiqa",
    note=(
        "Stands in for TyDiQA-GoldP where the answers of its development set cannot be had: its training questions in "
        "two languages, which a model that is trained on the English ones has never seen. In the local mirror only."
    ),
)

TASKS = (
    CCG_PMB,
    NLI_CAD,
    MRPC,
    COMMONSENSE_QA_3,
    SQUAD_SUBSET,
    XNLI_CAD,
    PAWS_X_MRPC,
    XQUAD_SAMPLE,
    MLQA_SAMPLE,
    TYDIQA_KO_SW,
)
