"""Entities, counts and F1 are seqeval's, whatever the tags; seqeval itself is the judge."""

from __future__ import annotations

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from runner.scoring import tagging

NER = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
# What seqeval was not made for: bare tags, single letters, other schemes, hyphens, the full stop.
TAGS = (*NER, "NOUN", "X", "B", "I", "E", "S", "E-PER", "S-LOC", ".", ".-PER", "-", "B-", "I-B-PER", "O-PER", "é", "_")

words = st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS))
sentences = st.lists(st.lists(words, max_size=8), min_size=1, max_size=8)


def split(pairs: list[list[tuple[str, str]]]) -> tuple[list[list[str]], list[list[str]]]:
    return [[one for one, _ in row] for row in pairs], [[other for _, other in row] for row in pairs]


def count(gold: list[list[str]], found: list[list[str]]) -> tagging.Counts:
    return tagging.count(tagging.flatten(gold), tagging.flatten(found))


@pytest.fixture(autouse=True)
def quiet():
    """seqeval warns of tags without B- or I-, and of divisions by 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_it_works() -> None:
    """Worked by hand: gold PER(0-1) and LOC(3), found PER(0-1), LOC(2) and LOC(3)."""
    gold, found = ["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "B-LOC", "B-LOC"]
    assert tagging.entities(gold) == [("PER", 0, 1)]  # the last one is closed by what follows it
    counts = count([gold], [found])
    assert (counts.gold.tolist(), counts.found.tolist(), counts.right.tolist()) == ([2], [3], [2])
    assert (counts.words.tolist(), counts.right_words.tolist()) == ([4], [3])
    scores = tagging.scores(counts)
    assert scores["precision"] == pytest.approx(200 / 3)
    assert scores["recall"] == pytest.approx(100)
    assert scores["f1"] == pytest.approx(80)
    assert tagging.word_accuracy(counts) == 75


@given(st.lists(st.lists(st.sampled_from(TAGS), max_size=8), min_size=1, max_size=8))
def test_entities_are_those_of_seqeval(tags: list[list[str]]) -> None:
    assert tagging.entities(tagging.flatten(tags)) == get_entities(tags)


@given(sentences)
def test_scores_are_those_of_seqeval(pairs: list[list[tuple[str, str]]]) -> None:
    gold, found = split(pairs)
    scores = tagging.scores(count(gold, found))
    expected = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    for name, function in expected.items():
        assert math.isclose(scores[name], 100 * function(gold, found), abs_tol=1e-9)


@given(sentences.filter(lambda rows: any(rows)))
def test_words_are_counted_as_seqeval_counts_them(pairs: list[list[tuple[str, str]]]) -> None:
    gold, found = split(pairs)
    assert math.isclose(tagging.word_accuracy(count(gold, found)), 100 * accuracy_score(gold, found), abs_tol=1e-9)


@given(sentences)
def test_sentences_add_up(pairs: list[list[tuple[str, str]]]) -> None:
    gold, found = split(pairs)
    counts = count(gold, found)
    assert counts.sentences == len(pairs)
    assert counts.words.tolist() == [len(row) for row in pairs]
    assert counts.gold.sum() == len(get_entities(gold))
    assert counts.found.sum() == len(get_entities(found))
    assert (counts.right <= counts.gold).all()
    assert (counts.right <= counts.found).all()


def test_neighbours_of_one_bare_tag_are_one_entity() -> None:
    """XTREME's F1 of POS: NOUN NOUN VERB is two entities."""
    assert tagging.entities(tagging.flatten([["NOUN", "NOUN", "VERB"]])) == [("OUN", 0, 1), ("ERB", 2, 2)]


def test_a_tag_of_one_letter_starts_where_the_last_entity_did() -> None:
    """seqeval's X beside an O: its entity reaches back into the sentence before."""
    lines = tagging.flatten([["NOUN", "VERB"], ["X", "NOUN"]])
    assert tagging.entities(lines) == [("OUN", 0, 0), ("ERB", 1, 1), ("_", 1, 3), ("OUN", 4, 4)]


def test_many_different_tags_cost_no_table_of_pairs() -> None:
    tags = [f"B-{number}" for number in range(50_000)]
    assert tagging.scores(count([tags], [tags]))["f1"] == 100


@pytest.mark.parametrize(
    ("gold", "found"),
    [([["O", "O"]], [["O"]]), ([["O"], ["O"]], [["O", "O"]]), ([["O"]], [["O"], ["O"]]), ([], [])],
)
def test_every_word_needs_one_tag(gold: list[list[str]], found: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="Every word needs one predicted tag"):
        count(gold, found)


def test_a_sentence_that_is_not_closed_is_refused() -> None:
    with pytest.raises(ValueError, match="Every word needs one predicted tag"):
        tagging.count(["O"], ["O"])


def test_accuracy_over_no_words_is_refused() -> None:
    with pytest.raises(ValueError, match="no words to score"):
        tagging.word_accuracy(count([[]], [[]]))
