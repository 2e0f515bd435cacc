"""Batches of every shape are padded to their longest row, and labels never where there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.data.feature_table import IGNORED, Feature, FeatureTable
from runner.data.tensors import collate

PAD = 9


def test_it_works() -> None:
    """Sentence pairs: one label a row."""
    batch = collate([Feature((1, 2, 3), (2,), 0), Feature((4,), (0,), 1)], PAD)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, PAD, PAD]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [2, 0]


def test_tags_are_padded_with_what_counts_for_nothing() -> None:
    batch = collate([Feature((1, 2, 3), (IGNORED, 4, IGNORED), 0), Feature((1, 2), (IGNORED, 5), 1)], PAD)
    assert batch["labels"].tolist() == [[IGNORED, 4, IGNORED], [IGNORED, 5, IGNORED]]


def test_answers_have_a_first_and_a_last_token() -> None:
    batch = collate([Feature((1, 2, 3), (1, 2), 0, heads=(1, 2)), Feature((1, 2, 3, 4), (0, 0), 1, heads=(1,))], PAD)
    assert batch["labels"].tolist() == [[1, 2], [0, 0]]


def test_choices_have_a_row_each_and_a_label_together() -> None:
    batch = collate([Feature((1, 2, 3), (1,), 0, rows=(1, 2)), Feature((4, 5, 6, 7), (0,), 1, rows=(3, 1))], PAD)
    assert batch["input_ids"].tolist() == [[1, PAD, PAD], [2, 3, PAD], [4, 5, 6], [7, PAD, PAD]]
    assert batch["attention_mask"].sum(1).tolist() == [1, 2, 3, 1]
    assert batch["labels"].tolist() == [1, 0]


def test_sentences_without_labels_have_none() -> None:
    assert set(collate([Feature((1, 2), (), 0)], PAD)) == {"input_ids", "attention_mask"}


def test_features_of_a_table_are_batched_alike() -> None:
    features = [Feature((1, 2, 3), (1,), 0, rows=(1, 2)), Feature((4, 5, 6, 7), (0,), 1, rows=(3, 1))]
    one, other = collate(features, PAD), collate(list(FeatureTable.of(features)), PAD)
    assert all((one[name] == other[name]).all() for name in one)


@given(rows=st.lists(st.lists(st.integers(10, 99), min_size=1, max_size=9), min_size=1, max_size=9))
def test_the_mask_tells_what_is_padding(rows: list[list[int]]) -> None:
    batch = collate([Feature(row, (0,), at) for at, row in enumerate(rows)], PAD)
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (len(rows), max(map(len, rows)))
    for row, ids, mask in zip(rows, batch["input_ids"], batch["attention_mask"], strict=True):
        assert ids[mask == 1].tolist() == row
        assert set(ids[mask == 0].tolist()) <= {PAD}
