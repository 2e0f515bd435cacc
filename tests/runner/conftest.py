"""The tiny encoder and a mirror of small data sets, made once for all tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.spec import EncoderRef
from tests.runner.factories import make_encoder, pair_rows, tagged_rows, write_split


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderRef:
    return make_encoder(tmp_path_factory.mktemp("tiny-encoder"))


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UD POS in two languages, counterfactual NLI, Tatoeba in one language."""
    root = tmp_path_factory.mktemp("mirror")
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
