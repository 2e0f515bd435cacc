"""Scores agree with the official evaluators' definitions, and refuse what cannot be scored."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from runner.data.examples import SentencePair, TaggedSentence
from runner.evaluation import classification, retrieval, tagging

NER = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_accuracy_is_the_share_of_right_labels() -> None:
    pairs = [SentencePair("a", "b", label) for label in (0, 1, 2, 1)]
    outcome = classification.score(pairs, [0, 1, 1, 1], ("x", "y", "z"))
    assert outcome.scores == {"accuracy": 75.0}
    assert outcome.n == 4
    assert outcome.predictions == ["x", "y", "y", "y"]
    assert [item["correct"] for item in outcome.items] == [True, True, False, True]


def test_missing_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 labels"):
        classification.score([SentencePair("a", "b", 0)] * 2, [0], ("x",))
    with pytest.raises(ValueError, match="0 predictions for 0 labels"):
        classification.score([], [], ("x",))


def test_entities_count_whole() -> None:
    """Worked by hand: gold PER(0-1) and LOC(3); found PER(0-1), LOC(2) and LOC(3): 2 of 3 right, 2 of 2 found."""
    example = TaggedSentence(("a", "b", "c", "d"), (1, 2, 0, 3))
    outcome = tagging.score([example], [[1, 2, 3, 3]], NER)
    assert outcome.scores["precision"] == pytest.approx(200 / 3)
    assert outcome.scores["recall"] == pytest.approx(100)
    assert outcome.scores["f1"] == pytest.approx(80)
    assert outcome.scores["accuracy"] == pytest.approx(75)
    assert outcome.predictions == ["B-PER", "I-PER", "B-LOC", "B-LOC", ""]


def test_bare_tags_are_scored_as_xtreme_does() -> None:
    """seqeval joins neighbours of one tag to one entity: gold NOUN NOUN VERB has two entities, not three."""
    tags = ("NOUN", "VERB")
    example = TaggedSentence(("a", "b", "c"), (0, 0, 1))
    outcome = tagging.score([example], [[0, 1, 1]], tags)
    assert outcome.scores["f1"] == 0.0
    assert outcome.scores["accuracy"] == pytest.approx(200 / 3)
    assert outcome.items[0]["gold_entities"] == 2


def test_a_tag_that_training_never_saw_counts_as_missed() -> None:
    outcome = tagging.score([TaggedSentence(("a", "b"), (0, -1))], [[0, 0]], ("NOUN",))
    assert outcome.scores["accuracy"] == 50.0


def test_a_word_without_prediction_is_refused() -> None:
    with pytest.raises(ValueError, match="Every word needs one predicted tag"):
        tagging.score([TaggedSentence(("a", "b"), (0, 0))], [[0]], NER)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12), min_size=1, max_size=12
    )
)
def test_f1_follows_from_the_items(sentences: list[list[tuple[int, int]]]) -> None:
    """So that a score over any set of items can be computed again later."""
    examples = [TaggedSentence(("w",) * len(tags), tuple(gold for gold, _ in tags)) for tags in sentences]
    outcome = tagging.score(examples, [[found for _, found in tags] for tags in sentences], NER)
    gold, found, right = (
        sum(item[f"{name}_entities"] for item in outcome.items) for name in ("gold", "found", "right")
    )
    expected = 200 * right / (gold + found) if gold + found else 0.0
    assert math.isclose(outcome.scores["f1"], expected, abs_tol=1e-9)


def test_retrieval_finds_the_nearest_by_cosine_not_by_length() -> None:
    source = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    target = torch.tensor([[0.1, 0.0], [0.3, 0.4]])
    outcome = retrieval.score(source, target)
    assert outcome.scores == {"accuracy": 100.0}
    assert outcome.predictions == ["0", "1"]
    assert outcome.items[1]["cosine"] == pytest.approx(0.8)


def test_retrieval_agrees_with_brute_force() -> None:
    generator = torch.Generator().manual_seed(5)
    source, target = torch.randn(2100, 16, generator=generator), torch.randn(2100, 16, generator=generator)
    found, _ = retrieval.nearest(source, target)
    cosine = torch.nn.functional.cosine_similarity(source[:50, None], target[None], dim=-1)
    assert found[:50] == cosine.argmax(1).tolist()


def test_retrieval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="2 source sentences for 1 translations"):
        retrieval.score(torch.ones(2, 3), torch.ones(1, 3))
