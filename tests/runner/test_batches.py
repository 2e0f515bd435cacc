"""Batches hold everything once and little padding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.data.batches import epoch_batches, within_budget

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=400)


@given(lengths=LENGTHS, batch_size=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_an_epoch_has_every_index_once(lengths: list[int], batch_size: int, seed: int) -> None:
    batches = epoch_batches(lengths, batch_size, [seed])
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert max(len(batch) for batch in batches) <= batch_size
    assert len(batches) == -(-len(lengths) // batch_size)
    assert batches == epoch_batches(lengths, batch_size, [seed])


def test_another_seed_is_another_order() -> None:
    assert epoch_batches([1] * 100, 8, [1]) != epoch_batches([1] * 100, 8, [2])


@given(lengths=LENGTHS, tokens=st.integers(1, 2000))
def test_the_budget_holds_unless_one_is_larger(lengths: list[int], tokens: int) -> None:
    batches = within_budget(lengths, range(len(lengths)), tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= tokens


def test_buckets_leave_little_padding() -> None:
    lengths = [5 + (index * 37) % 120 for index in range(3200)]
    batches = epoch_batches(lengths, 32, [1])
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert sum(lengths) / padded > 0.95
