"""The nine target tasks of XTREME (arXiv 2003.11080), from the hub's `google/xtreme`.

The languages of a task are those of XTREME's evaluate.py (`TASK2LANGS`, commit 838c13b), in its order.
Epochs, batch sizes and lengths are jiant's (guides/projects/xstilts.md); sizes are those of the hub's
dataset_infos.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.tasks.intermediate import NLI_LABELS, SPAN_COLUMNS
from runner.tasks.kinds import DataSplit, Group, Kind, Role, Suite, TaskSpec, TrainingDefaults

HUB = "google/xtreme"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(pair.split(":") for pair in text.split()))


UPOS = _words("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X")
ENTITY_TAGS = _words("O B-PER I-PER B-ORG I-ORG B-LOC I-LOC")

UDPOS_NAMES = _pairs("""
    af:Afrikaans ar:Arabic bg:Bulgarian de:German el:Greek en:English es:Spanish et:Estonian eu:Basque fa:Persian
    fi:Finnish fr:French he:Hebrew hi:Hindi hu:Hungarian id:Indonesian it:Italian ja:Japanese kk:Kazakh ko:Korean
    mr:Marathi nl:Dutch pt:Portuguese ru:Russian ta:Tamil te:Telugu th:Thai tl:Tagalog tr:Turkish ur:Urdu
    vi:Vietnamese yo:Yoruba zh:Chinese
""")

TYDIQA_NAMES = _pairs("""
    en:english ar:arabic bn:bengali fi:finnish id:indonesian ko:korean ru:russian sw:swahili te:telugu
""")

# ISO 639-3, where Tatoeba's choice for the macrolanguages is ara, pes, swh and cmn, and ekk is still est.
TATOEBA_CODES = _pairs("""
    ar:ara he:heb vi:vie id:ind jv:jav tl:tgl eu:eus ml:mal ta:tam te:tel af:afr nl:nld de:deu el:ell bn:ben hi:hin
    mr:mar ur:urd fa:pes fr:fra it:ita pt:por es:spa bg:bul ru:rus ja:jpn ka:kat ko:kor th:tha sw:swh zh:cmn kk:kaz
    tr:tur et:est fi:fin hu:hun
""")

PANX_LANGUAGES = _words("""
    ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my zh kk tr et
    fi hu
""")

BUCC_POOLS = "bucc2018/raw"
BUCC_ORIGIN = "one side, with the columns id and sentence, of the BUCC 2018 shared task's"

XNLI = TaskSpec(
    slug="xnli",
    title="XNLI",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.CLASSIFICATION,
    languages=_words("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    splits={
        "validation": DataSplit(HUB, "XNLI", "validation", language_column="language"),
        "test": DataSplit(HUB, "XNLI", "test", language_column="language"),
    },
    columns={"first": "sentence1", "second": "sentence2", "label": "gold_label"},
    labels=NLI_LABELS,
    metrics=("accuracy",),
    headline="accuracy",
    training=TrainingDefaults(epochs=2, batch_size=32, max_length=256),
    train_task="mnli",
    parallel=True,
    sizes={"validation": 2_490, "test": 5_010},
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations, EMNLP",
    note="Trained on MNLI. XTREME's own preparation lost the first line of every file until January 2021.",
)

PAWS_X = TaskSpec(
    slug="paws_x",
    title="PAWS-X",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.SENTENCE_PAIR,
    group=Group.CLASSIFICATION,
    languages=_words("de en es fr ja ko zh"),
    splits={
        "train": DataSplit(HUB, "PAWS-X.en", "train"),
        "validation": DataSplit(HUB, "PAWS-X.{code}", "validation"),
        "test": DataSplit(HUB, "PAWS-X.{code}", "test"),
    },
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=("0", "1"),
    metrics=("accuracy",),
    headline="accuracy",
    training=TrainingDefaults(epochs=5, batch_size=32, max_length=256),
    # Translated by machine; its English rows are the original's.
    translated=DataSplit("google-research-datasets/paws-x", "{code}", "train"),
    parallel=True,
    sizes={"train": 49_175, "validation": 2_000, "test": 2_000},
    licence="Free use with attribution (Google)",
    citation="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification, EMNLP",
    note=(
        "google/xtreme loses rows (English train 49,175 of 49,401, Spanish validation 1,961, Korean test 1,999 of "
        "2,000); google-research-datasets/paws-x has them all. Rows line up only across languages with equally many."
    ),
)

UDPOS = TaskSpec(
    slug="udpos",
    title="POS tagging (UD 2.5)",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.TAGGING,
    group=Group.TAGGING,
    languages=tuple(UDPOS_NAMES),
    splits={
        "train": DataSplit(HUB, "udpos.English", "train"),
        "validation": DataSplit(HUB, "udpos.{code}", "validation", codes=UDPOS_NAMES),
        "test": DataSplit(HUB, "udpos.{code}", "test", codes=UDPOS_NAMES),
    },
    columns={"tokens": "tokens", "tags": "pos_tags"},
    labels=UPOS,
    metrics=("f1", "accuracy"),
    headline="f1",
    training=TrainingDefaults(epochs=10, batch_size=32, max_length=256),
    sizes={"train": 21_253, "validation": 3_974, "test": 5_440},
    licence="Per treebank: CC BY-SA 3.0 or 4.0, CC BY-NC-SA 3.0 or 4.0 and others",
    citation="Zeman et al. 2019, Universal Dependencies 2.5, LINDAT/CLARIN; Nivre et al. 2018",
    note=(
        "Scored as F1 by seqeval, as XTREME's evaluate.py does, although its paper says accuracy. The hub has UD's "
        "syntactic words where XTREME fuses multiword tokens, and 22,458 German test sentences where XTREME has at "
        "most 20,436: scores on the hub's data are not the official ones. kk, th, tl and yo have no validation split."
    ),
)

PANX = TaskSpec(
    slug="panx",
    title="NER (PAN-X)",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.TAGGING,
    group=Group.TAGGING,
    languages=PANX_LANGUAGES,
    splits={
        "train": DataSplit(HUB, "PAN-X.en", "train"),
        "validation": DataSplit(HUB, "PAN-X.{code}", "validation"),
        "test": DataSplit(HUB, "PAN-X.{code}", "test"),
    },
    columns={"tokens": "tokens", "tags": "ner_tags"},
    labels=ENTITY_TAGS,
    metrics=("f1",),
    headline="f1",
    training=TrainingDefaults(epochs=10, batch_size=32, max_length=256),
    sizes={"train": 20_000, "validation": 10_000, "test": 10_000},
    licence="ODC-BY",
    citation="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages, ACL; Rahimi et al. 2019, ACL",
    note="Silver annotation from Wikipedia links, in Rahimi's splits. jv, my and yo have only 100 test sentences.",
)

XQUAD = TaskSpec(
    slug="xquad",
    title="XQuAD",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.SPAN,
    group=Group.QUESTION_ANSWERING,
    languages=_words("en es de el ru tr ar vi th zh hi"),
    # The hub calls XQuAD's only split `validation`; XTREME's test set is that split.
    splits={"test": DataSplit(HUB, "XQuAD.{code}", "validation")},
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=TrainingDefaults(epochs=2, batch_size=16, max_length=384),
    train_task="squad_v1",
    parallel=True,
    sizes={"test": 1_190},
    licence="CC BY-SA 4.0",
    citation="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations, ACL",
    note="Trained on SQuAD v1.1. XQuAD is a translated part of SQuAD's validation split: never train on that.",
)

MLQA = TaskSpec(
    slug="mlqa",
    title="MLQA",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.SPAN,
    group=Group.QUESTION_ANSWERING,
    languages=_words("en es de ar hi vi zh"),
    # Context and question in the same language; the hub has all 49 pairs.
    splits={
        "validation": DataSplit(HUB, "MLQA.{code}.{code}", "validation"),
        "test": DataSplit(HUB, "MLQA.{code}.{code}", "test"),
    },
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=TrainingDefaults(epochs=2, batch_size=16, max_length=384),
    train_task="squad_v1",
    # Every language has its own subset of the items: the ids are shared, the rows are not.
    parallel=False,
    sizes={"validation": 1_148, "test": 11_590},
    licence="CC BY-SA 3.0",
    citation="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering, ACL",
    note="Trained on SQuAD v1.1. Scored with MLQA's own language-aware normalisation of answers.",
)

TYDIQA = TaskSpec(
    slug="tydiqa",
    title="TyDiQA-GoldP",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.SPAN,
    group=Group.QUESTION_ANSWERING,
    languages=tuple(TYDIQA_NAMES),
    # The development set of version 1.1 is XTREME's test set: there is no split left to select on.
    splits={
        "train": DataSplit(HUB, "tydiqa", "train", codes=TYDIQA_NAMES, language_prefix_column="id"),
        "test": DataSplit(HUB, "tydiqa", "validation", codes=TYDIQA_NAMES, language_prefix_column="id"),
    },
    columns=SPAN_COLUMNS,
    metrics=("f1", "exact_match"),
    headline="f1_em",
    training=TrainingDefaults(epochs=2, batch_size=16, max_length=384),
    sizes={"train": 3_696, "test": 440},
    licence="Apache 2.0",
    citation="Clark et al. 2020, TyDi QA: A Benchmark for Information-Seeking Question Answering, TACL 8",
    note="Trained on the English rows only. All languages are in one configuration: an id begins with its language.",
)

BUCC2018 = TaskSpec(
    slug="bucc2018",
    title="BUCC 2018",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.RETRIEVAL,
    group=Group.RETRIEVAL,
    languages=_words("de fr ru zh"),
    splits={
        "validation": DataSplit(HUB, "bucc18.{code}", "validation"),
        "test": DataSplit(HUB, "bucc18.{code}", "test"),
    },
    # The columns that are called languages hold the sentences' ids.
    columns={
        "source": "source_sentence",
        "target": "target_sentence",
        "source_id": "source_lang",
        "target_id": "target_lang",
    },
    pools={
        "validation": DataSplit(
            BUCC_POOLS, "{code}-en.dev", "source+target", origin=f"{BUCC_ORIGIN} sample data, which XTREME calls dev"
        ),
        "test": DataSplit(
            BUCC_POOLS, "{code}-en.test", "source+target", origin=f"{BUCC_ORIGIN} training data, XTREME's test"
        ),
    },
    metrics=("f1",),
    headline="f1",
    training=TrainingDefaults(epochs=0, batch_size=32, max_length=512),
    sizes={"validation": 4_598, "test": 35_000},
    licence="Not stated: data of the BUCC shared task, for research",
    citation="Zweigenbaum, Sharoff and Rapp 2018, Overview of the Third BUCC Shared Task, BUCC workshop at LREC",
    note=(
        "No training: the encoder is evaluated directly. Pairs are mined out of whole pools of sentences by ratio "
        "margin, those above a threshold that is fitted on the validation pools of the same language; on validation "
        "itself that is optimistic. The hub has the gold pairs only: the pools are the shared task's sample data "
        "(validation, XTREME's dev) and training data (test), in the local mirror at "
        "bucc2018/raw/<language>-en.<dev or test>/<source or target>.parquet with the columns id and sentence."
    ),
)

TATOEBA = TaskSpec(
    slug="tatoeba",
    title="Tatoeba",
    role=Role.TARGET,
    suite=Suite.XTREME,
    kind=Kind.RETRIEVAL,
    group=Group.RETRIEVAL,
    languages=tuple(TATOEBA_CODES),
    # The hub calls Tatoeba's only split `validation`; XTREME's test set is that split.
    splits={"test": DataSplit(HUB, "tatoeba.{code}", "validation", codes=TATOEBA_CODES)},
    columns={"source": "source_sentence", "target": "target_sentence"},
    metrics=("accuracy",),
    headline="accuracy",
    training=TrainingDefaults(epochs=0, batch_size=32, max_length=512),
    parallel=False,
    sizes={"test": 31_692},
    licence="CC BY 2.0 FR",
    citation="Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings, TACL 7; Tatoeba contributors",
    note=(
        "No training: the nearest English sentence of every sentence, by cosine, on the encoder directly. Languages "
        "have different sentences and between 205 (jv) and 1,000 of them: they are not comparable with each other."
    ),
)

TASKS = (XNLI, PAWS_X, UDPOS, PANX, XQUAD, MLQA, TYDIQA, BUCC2018, TATOEBA)
