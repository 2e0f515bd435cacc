"""Accuracy, pairs and the threshold of mining."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.scoring import mining
from runner.scoring.classification import accuracy, matches

names = st.integers(0, 12)


def test_it_works() -> None:
    gold, found = [("de-1", "en-1"), ("de-2", "en-2"), ("de-3", "en-3")], [("de-1", "en-1"), ("de-2", "en-9")]
    assert mining.scores(gold, found) == {
        "f1": pytest.approx(40),
        "precision": pytest.approx(50),
        "recall": pytest.approx(100 / 3),
    }


def test_a_pair_that_is_listed_twice_counts_once() -> None:
    assert mining.scores(["a", "b", "b"], ["a", "a", "a", "b"]) == {"f1": 100.0, "precision": 100.0, "recall": 100.0}


@pytest.mark.parametrize(("gold", "found"), [(["a"], ["b"]), (["a"], []), ([], ["a"]), ([], [])])
def test_where_nothing_is_right_all_is_0(gold: list[str], found: list[str]) -> None:
    assert mining.scores(gold, found) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_the_threshold_lies_halfway_to_the_next_candidate() -> None:
    candidates = {"a": 0.9, "wrong": 0.5, "b": 0.8}
    assert mining.best_threshold(candidates, {"a", "b"}) == pytest.approx(0.65)
    assert mining.extract(candidates, 0.65) == ["a", "b"]


def test_where_all_candidates_are_taken_it_is_the_lowest_score() -> None:
    assert mining.best_threshold({"a": 0.9, "b": 0.8}, {"a", "b"}) == pytest.approx(0.8)


@pytest.mark.parametrize(("candidates", "gold"), [({}, {"a"}), ({"a": 0.9}, set()), ({"a": 0.9}, {"b"})])
def test_where_no_candidate_is_right_it_is_0(candidates: dict[str, float], gold: set[str]) -> None:
    assert mining.best_threshold(candidates, gold) == 0.0


@given(st.dictionaries(names, st.integers(0, 10_000), min_size=1), st.sets(names, min_size=1))
def test_no_other_threshold_gives_a_higher_f1(candidates: dict[int, int], gold: set[int]) -> None:
    """With distinct scores: candidates of one score are all taken, though the fit may have parted them."""
    candidates = {name: score * 100 + name for name, score in candidates.items()}
    best = mining.scores(gold, mining.extract(candidates, mining.best_threshold(candidates, gold)))["f1"]
    others = [mining.scores(gold, mining.extract(candidates, score))["f1"] for score in candidates.values()]
    assert math.isclose(best, max(others), abs_tol=1e-9)


def test_accuracy_is_the_share_of_right_labels() -> None:
    assert accuracy(["a", "b", "c", ""], ["a", "c", "c", ""]) == 75
    assert matches([1, 2], [1, 3]) == [True, False]


@pytest.mark.parametrize(("gold", "found"), [([1, 2], [1]), ([], [])])
def test_accuracy_needs_a_prediction_for_each_label(gold: list[int], found: list[int]) -> None:
    with pytest.raises(ValueError, match=f"{len(found)} predictions for {len(gold)} labels"):
        accuracy(gold, found)
