"""Masked words: which tokens are hidden is a function of seed, step and index; how many, of the length alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.feature_table import Feature
from runner.training.masking import Masking

MASK = 4
MASKING = Masking(rate=0.15, mask_token=MASK, vocabulary=1000, seed=3)
FIRST, LAST, PAD = 0, 2, 1


def feature(words: int, start: int = 100) -> Feature:
    return Feature((FIRST, *range(start, start + words), LAST), (), 0)


def test_it_works() -> None:
    ids, positions = MASKING.hide(feature(40), step=5, index=9)
    assert len(positions) == MASKING.count(feature(40)) == 6
    changed = np.flatnonzero(ids != np.array(feature(40).ids))
    assert set(changed) <= set(positions)
    assert MASK in ids[positions]


@given(words=st.integers(1, 60), rate=st.floats(0.01, 0.99), step=st.integers(0, 10**6), index=st.integers(0, 10**6))
def test_the_special_tokens_at_both_ends_are_never_hidden(words: int, rate: float, step: int, index: int) -> None:
    masking = Masking(rate, MASK, 1000, 3)
    ids, positions = masking.hide(feature(words), step, index)
    assert (ids[0], ids[-1]) == (FIRST, LAST)
    assert len(set(positions)) == len(positions) == masking.count(feature(words))
    assert list(positions) == sorted(positions)
    assert min(positions) >= 1
    assert max(positions) <= words


@pytest.mark.parametrize(("length", "count"), [(3, 1), (8, 1), (22, 3), (102, 15)])
def test_the_share_is_of_the_tokens_that_are_not_special_and_one_at_least(length: int, count: int) -> None:
    assert MASKING.count(feature(length - 2)) == count


def test_all_tokens_at_most() -> None:
    assert Masking(0.99, MASK, 1000, 3).count(feature(1)) == 1
    assert Masking(0.999, MASK, 1000, 3).count(feature(500)) == 500


def test_the_same_draw_at_the_same_step_and_another_at_another() -> None:
    draws = [MASKING.hide(feature(200), step, index)[1].tolist() for step, index in ((1, 1), (1, 1), (2, 1), (1, 2))]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] != draws[3] != draws[0]
    other = Masking(0.15, MASK, 1000, seed=4)
    assert other.hide(feature(200), 1, 1)[1].tolist() != draws[0]


def test_a_batch_s_other_members_change_nothing() -> None:
    alone = MASKING.collate([feature(9)], [7], 3, PAD)
    beside = MASKING.collate([feature(20), feature(9)], [1, 7], 3, PAD)
    assert beside["input_ids"][1, :11].tolist() == alone["input_ids"][0].tolist()


def test_most_become_the_mask_some_a_random_token_some_stay() -> None:
    """Devlin et al. 2019, section 3.1: 80, 10 and 10 %."""
    masked = stayed = total = 0
    at_random: list[int] = []
    original = np.array(feature(100).ids)
    for step in range(400):
        ids, positions = MASKING.hide(feature(100), step, 0)
        there = ids[positions]
        total += len(positions)
        masked += int((there == MASK).sum())
        stayed += int((there == original[positions]).sum())
        at_random += there[(there != MASK) & (there != original[positions])].tolist()
    assert total == 400 * 15
    assert masked / total == pytest.approx(0.8, abs=0.02)
    assert stayed / total == pytest.approx(0.1, abs=0.015)
    assert len(at_random) / total == pytest.approx(0.1, abs=0.015)
    # Drawn out of the whole vocabulary.
    assert max(at_random) < 1000
    assert np.mean(at_random) == pytest.approx(500, abs=40)


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6), step=st.integers(0, 99))
def test_positions_index_the_padded_batch_and_labels_are_what_stood_there(lengths: list[int], step: int) -> None:
    features = [feature(words, 100 + 31 * at) for at, words in enumerate(lengths)]
    batch = MASKING.collate(features, list(range(len(features))), step, PAD)
    width = max(lengths) + 2
    assert batch["input_ids"].shape == (len(lengths), width)
    original = np.full((len(lengths), width), PAD)
    for row, one in enumerate(features):
        original[row, : len(one.ids)] = one.ids
    assert batch["labels"].tolist() == original.reshape(-1)[batch["positions"].numpy()].tolist()
    assert len(batch["labels"]) == sum(MASKING.count(feature(words)) for words in lengths)
    untouched = np.ones(original.size, dtype=bool)
    untouched[batch["positions"].numpy()] = False
    assert (batch["input_ids"].numpy().reshape(-1)[untouched] == original.reshape(-1)[untouched]).all()
    assert batch["attention_mask"].sum(1).tolist() == [words + 2 for words in lengths]


def translated(first: int, second: int) -> Feature:
    """A text with its translation: `<s> first </s></s> second </s>`."""
    ids = (FIRST, *range(100, 100 + first), LAST, LAST, *range(500, 500 + second), LAST)
    return Feature(ids, (), 0, heads=(first + 3,))


@given(first=st.integers(1, 30), second=st.integers(1, 30), step=st.integers(0, 10**6))
def test_a_text_and_its_translation_hide_words_of_both_and_no_special_token(first: int, second: int, step: int) -> None:
    masking = Masking(0.9, MASK, 1000, 3)
    one = translated(first, second)
    _, positions = masking.hide(one, step, 0)
    assert len(positions) == masking.count(one) == min(max(1, round(0.9 * (first + second))), first + second)
    assert not set(positions) & {0, first + 1, first + 2, len(one.ids) - 1}


def test_a_translation_is_counted_from_the_start_again() -> None:
    """Lample and Conneau 2019, section 3.3: the positions of the second sentence are reset."""
    masking = Masking(0.15, MASK, 1000, 3, first_position=2)
    batch = masking.collate([translated(3, 2), feature(4)], [0, 1], 1, PAD)
    assert batch["position_ids"].tolist() == [[2, 3, 4, 5, 6, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7, 8, 9, 10]]
    assert "position_ids" not in masking.collate([feature(4)], [1], 1, PAD)
