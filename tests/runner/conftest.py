"""The tiny encoder and a mirror of small data sets, made once for all tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.spec import EncoderRef
from tests.runner.factories import (
    choice_rows,
    make_encoder,
    pair_rows,
    question_rows,
    tagged_rows,
    text_rows,
    write_split,
)

NLI_LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderRef:
    return make_encoder(tmp_path_factory.mktemp("tiny-encoder"))


@pytest.fixture(scope="session")
def plain_encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderRef:
    """The tiny encoder without dropout: how its work is divided changes nothing but rounding."""
    return make_encoder(tmp_path_factory.mktemp("plain-encoder"), dropout=0.0)


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """At least one task of every kind and role, the targets in English and German."""
    root = tmp_path_factory.mktemp("mirror")
    _write_pairs(root)
    _write_choices_questions_and_text(root)
    for split, count in (("train", 96), ("validation", 24), ("test", 20)):
        write_split(root, "google/xtreme", "udpos.English", split, tagged_rows(count))
    write_split(root, "google/xtreme", "udpos.German", "test", tagged_rows(12, shift=3))
    for split, count in (("train", 90), ("validation", 30)):
        write_split(root, "acmi-lab/counterfactually-augmented-data", "nli", split, pair_rows(count))
    sentences = dict.fromkeys(" ".join(row["tokens"]) for row in tagged_rows(90))
    write_split(
        root,
        "google/xtreme",
        "tatoeba.deu",
        "validation",
        [{"source_sentence": sentence, "target_sentence": sentence} for sentence in sentences],
    )
    return root


def _write_pairs(root: Path) -> None:
    """MNLI, XNLI and the translation of its training data, SNLI, ANLI, PAWS-X."""
    for dataset, config, splits in (
        ("nyu-mll/glue", "mnli", {"train": 60, "validation_matched": 24}),
        ("facebook/xnli", "de", {"train": 60}),
        ("stanfordnlp/snli", "plain_text", {"train": 45, "validation": 15}),
        ("facebook/anli", "plain_text", {f"{part}_r{number}": 15 for part in ("train", "dev") for number in (1, 2, 3)}),
    ):
        for split, count in splits.items():
            write_split(root, dataset, config, split, pair_rows(count))
    xnli = [
        {
            "sentence1": row["premise"],
            "sentence2": row["hypothesis"],
            "gold_label": NLI_LABELS[row["label"]],
            "language": language,
        }
        for language in ("de", "en")
        for row in pair_rows(30)
    ]
    write_split(root, "google/xtreme", "XNLI", "test", xnli)
    paraphrases = [
        {"sentence1": row["premise"], "sentence2": row["hypothesis"], "label": str(row["label"] % 2)}
        for row in pair_rows(60)
    ]
    for config, split in (("PAWS-X.en", "train"), ("PAWS-X.en", "validation"), ("PAWS-X.de", "test")):
        write_split(root, "google/xtreme", config, split, paraphrases)
    write_split(root, "google-research-datasets/paws-x", "de", "train", paraphrases)


def _write_choices_questions_and_text(root: Path) -> None:
    for split, count in (("train", 90), ("validation", 30)):
        write_split(root, "tau/commonsense_qa", "v1.0_3choices", split, choice_rows(count))
        write_split(root, "rajpurkar/squad", "plain_text", split, question_rows(count))
        write_split(root, "rajpurkar/squad_v2", "squad_v2", split, question_rows(count, refused=3))
    write_split(root, "facebook/mlqa", "mlqa-translate-train.de", "train", question_rows(30, name="de"))
    for language in ("de", "en"):
        write_split(root, "google/xtreme", f"XQuAD.{language}", "validation", question_rows(25))
        write_split(root, "wikimedia/wikipedia", f"20231101.{language}", "train", text_rows(40, len(language)))
