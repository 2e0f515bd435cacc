"""Rows become examples with checked labels; examples become features in which no word is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.examples import SentencePair, TaggedSentence
from runner.data.features import IGNORED, pairs, sentences, tagged
from runner.data.readers import READERS, load
from runner.errors import RecipeError
from runner.modeling.encoder import load_tokenizer
from runner.modeling.heads import HEADS
from runner.spec import EncoderRef
from runner.tasks.kinds import RUNNABLE, Kind
from runner.tasks.registry import task
from tests.runner.factories import WORDS, write_split

TREE_BANK = "google/xtreme", "udpos.German", "test"


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: EncoderRef):
    return load_tokenizer(tiny_encoder)


def test_it_works(mirror: Path) -> None:
    dataset = load(task("udpos"), "test", "de", str(mirror))
    assert len(dataset.examples) == 12
    assert dataset.labels == task("udpos").labels
    event = dataset.event()
    assert (event["config"], event["rows"], event["origin"]) == ("udpos.German", 12, "mirror")
    assert len(event["sha256"]) == 64


def test_every_runnable_kind_has_a_reader_and_a_head_unless_it_is_retrieval() -> None:
    assert set(READERS) == RUNNABLE
    assert set(HEADS) == RUNNABLE - {Kind.RETRIEVAL}


def test_labels_may_be_numbers_or_words(tmp_path: Path) -> None:
    paws = task("paws_x")
    rows = [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("1", "0")]
    write_split(tmp_path, "google/xtreme", "PAWS-X.de", "test", rows)
    assert [example.label for example in load(paws, "test", "de", str(tmp_path)).examples] == [1, 0]


def test_an_unknown_label_is_refused_by_name(tmp_path: Path) -> None:
    rows = [{"sentence1": "a", "sentence2": "b", "label": "maybe"}]
    write_split(tmp_path, "google/xtreme", "PAWS-X.de", "test", rows)
    with pytest.raises(RecipeError, match="the label 'maybe' is not one of 0, 1"):
        load(task("paws_x"), "test", "de", str(tmp_path))


def test_pairs_without_a_gold_label_are_left_out(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": label} for label in (-1, 2)]
    write_split(tmp_path, "stanfordnlp/snli", "plain_text", "validation", rows)
    assert [example.label for example in load(task("snli"), "validation", "en", str(tmp_path)).examples] == [2]


def test_an_open_tag_set_is_collected_and_unseen_tags_stay_unknown(tmp_path: Path) -> None:
    def write(split: str, tags: list[str]) -> None:
        write_split(tmp_path, "pmb/ccg-4.0.0", "en", split, [{"tokens": ["x"] * len(tags), "supertags": tags}])

    write("train", ["np", "n", "np/n"])
    write("validation", ["n", "s"])
    trained = load(task("ccg_pmb"), "train", "en", str(tmp_path))
    assert trained.labels == ("n", "np", "np/n")
    unseen = load(task("ccg_pmb"), "validation", "en", str(tmp_path), trained.labels)
    assert unseen.examples == [TaggedSentence(("x", "x"), (0, -1))]


def test_tags_and_tokens_of_different_length_are_refused(tmp_path: Path) -> None:
    write_split(tmp_path, *TREE_BANK, [{"tokens": ["a", "b"], "pos_tags": [1]}])
    with pytest.raises(RecipeError, match="row 0: 2 tokens but 1 tags"):
        load(task("udpos"), "test", "de", str(tmp_path))


def test_a_tag_outside_the_tag_set_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path, *TREE_BANK, [{"tokens": ["a"], "pos_tags": [17]}])
    with pytest.raises(RecipeError, match="tag 17 is outside the 17 tags"):
        load(task("udpos"), "test", "de", str(tmp_path))


def test_an_absent_split_is_refused_with_those_there_are(mirror: Path) -> None:
    with pytest.raises(RecipeError, match="has the splits train, validation, test, not 'dev'"):
        load(task("udpos"), "dev", "de", str(mirror))


def test_a_kind_without_reader_is_refused(mirror: Path) -> None:
    with pytest.raises(RecipeError, match="kind 'span'"):
        load(task("xquad"), "test", "de", str(mirror))


def test_pairs_are_cut_to_the_maximal_length(tokenizer) -> None:
    example = SentencePair(" ".join(WORDS), "cat", 1)
    (feature,) = pairs([example], tokenizer, 12)
    assert len(feature) == 12
    assert feature.labels == (1,)
    assert tokenizer.convert_tokens_to_ids("cat") in feature.ids[-3:]


def test_texts_are_features_without_labels(tokenizer) -> None:
    short, long = sentences(["cat", "cat dog bird"], tokenizer, 10)
    assert (len(short), len(long), short.labels, long.example) == (3, 5, (), 1)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    max_length=st.integers(3, 16),
)
def test_windows_hold_every_word_once_in_order(tokenizer, lengths: list[int], max_length: int) -> None:
    examples = [
        TaggedSentence(tuple(WORDS[at % len(WORDS)] for at in range(length)), tuple(at % 5 for at in range(length)))
        for length in lengths
    ]
    features = tagged(examples, tokenizer, max_length)
    assert all(len(feature) <= max_length for feature in features)
    for position, example in enumerate(examples):
        mine = [feature for feature in features if feature.example == position]
        assert [word for feature in mine for word in feature.words] == list(range(len(example.tokens)))
        tags = [feature.labels[head] for feature in mine for head in feature.heads]
        assert tags == list(example.tags)
        assert all(sum(label != IGNORED for label in feature.labels) == len(feature.words) for feature in mine)


def test_a_word_that_the_tokenizer_drops_still_gets_a_tag(tokenizer) -> None:
    (feature,) = tagged([TaggedSentence(("cat", " ", "dog"), (1, 2, 3))], tokenizer, 16)
    assert [feature.labels[head] for head in feature.heads] == [1, 2, 3]
    assert feature.ids[feature.heads[1]] == tokenizer.unk_token_id


def test_a_tokenizer_without_special_tokens_is_refused(tiny_encoder: EncoderRef, tmp_path: Path) -> None:
    absent = dataclasses.replace(tiny_encoder, location=str(tmp_path))
    with pytest.raises(RecipeError, match="tiny could not be loaded from its folder; the log says why"):
        load_tokenizer(absent)
