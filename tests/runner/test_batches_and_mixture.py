"""Batches hold everything once and little padding; the mixture is a pure function of its seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.batches import epoch_batches, within_budget
from runner.training.mixture import Mixture
from runner.training.optimisation import learning_rate

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=400)


@given(lengths=LENGTHS, batch_size=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_an_epoch_has_every_index_once(lengths: list[int], batch_size: int, seed: int) -> None:
    batches = epoch_batches(lengths, batch_size, [seed])
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert max(len(batch) for batch in batches) <= batch_size
    assert batches == epoch_batches(lengths, batch_size, [seed])


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


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    cap=st.one_of(st.none(), st.integers(1, 50)),
)
def test_the_mixture_is_pure_and_stays_within_its_tasks(sizes: list[int], seed: int, cap: int | None) -> None:
    lengths = {f"task{number}": [3] * size for number, size in enumerate(sizes)}

    def make() -> Mixture:
        return Mixture(lengths, batch_size=4, epochs=2, cap=cap, seed=seed)

    mixture, again = make(), make()
    forwards = [mixture[step] for step in range(len(mixture))]
    backwards = [again[step] for step in reversed(range(len(again)))]
    assert forwards == backwards[::-1]
    assert all(set(draw.indices) <= set(range(len(lengths[draw.task]))) for draw in forwards)
    capped = [min(size, cap or size) for size in sizes]
    assert mixture.shares.tolist() == pytest.approx([size / sum(capped) for size in capped])


def test_one_task_is_seen_once_per_epoch() -> None:
    mixture = Mixture({"only": [2, 5, 3, 4, 9]}, batch_size=2, epochs=3, cap=None, seed=7)
    seen = Counter(index for step in range(len(mixture)) for index in mixture[step].indices)
    assert len(mixture) == 9
    assert set(seen.values()) == {3}


def test_tasks_are_drawn_in_proportion_to_their_capped_sizes() -> None:
    mixture = Mixture({"small": [1] * 1000, "large": [1] * 9000}, batch_size=2, epochs=1, cap=3000, seed=3)
    drawn = Counter(mixture[step].task for step in range(len(mixture)))
    assert drawn["large"] / len(mixture) == pytest.approx(0.75, abs=0.03)


def test_a_task_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="No examples for empty"):
        Mixture({"empty": [], "full": [1]}, batch_size=2, epochs=1, cap=None, seed=1)


@given(total=st.integers(1, 5000), warmup=st.floats(0, 1))
def test_the_rate_rises_to_its_peak_and_falls(total: int, warmup: float) -> None:
    rates = [learning_rate(step, total, warmup, 1e-5) for step in range(total)]
    assert all(0 < rate <= 1e-5 * (1 + 1e-12) for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
