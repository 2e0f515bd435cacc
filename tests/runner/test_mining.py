"""The search finds what brute force finds, ties included; mining follows XTREME's reference step by step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import RecipeError, Stopped
from runner.evaluation.mining import mine
from runner.evaluation.neighbours import BLOCK, neighbours, normalise_
from runner.scoring.mining import best_threshold, extract, scores

SMALL_BLOCK = 128


def integers(seed: int, rows: int, width: int, largest: int) -> torch.Tensor:
    """Vectors of small integers: products are exact whatever the order of summation, and many are equal."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-largest, largest + 1, (rows, width), generator=generator).float()


def by_brute_force(source: torch.Tensor, target: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    products = source @ target.T
    order = products.argsort(dim=1, descending=True, stable=True)[:, : min(k, len(target))]
    return products.gather(1, order), order


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    width=st.integers(1, 6),
    largest=st.integers(0, 3),
    k=st.integers(1, 4),
)
def test_both_directions_agree_with_brute_force(
    seed: int, sizes: tuple[int, int], width: int, largest: int, k: int
) -> None:
    """Few different values, so that most neighbours are tied: the lowest indices win."""
    source, target = integers(seed, sizes[0], width, largest), integers(seed + 1, sizes[1], width, largest)
    forward, backward = neighbours(source, target, k, block=SMALL_BLOCK)
    for found, (values, indices) in (
        (forward, by_brute_force(source, target, k)),
        (backward, by_brute_force(target, source, k)),
    ):
        assert torch.equal(found.values, values)
        assert torch.equal(found.indices, indices)


def test_real_blocks_agree_with_brute_force() -> None:
    source, target = (
        normalise_(torch.randn(rows, 24, generator=torch.Generator().manual_seed(rows)))
        for rows in (BLOCK + 100, BLOCK + 5)
    )
    forward, backward = neighbours(source, target, 4)
    assert torch.equal(forward.indices, by_brute_force(source, target, 4)[1])
    assert torch.equal(backward.indices, by_brute_force(target, source, 4)[1])


def test_a_collapsed_encoder_has_the_lowest_indices_as_neighbours() -> None:
    """All vectors alike: every product is tied, in every block."""
    forward, backward = neighbours(torch.ones(300, 4), torch.ones(290, 4), 4, block=SMALL_BLOCK)
    assert forward.indices.unique(dim=0).tolist() == backward.indices.unique(dim=0).tolist() == [[0, 1, 2, 3]]


def test_the_search_says_how_far_it_is_and_stops_between_blocks() -> None:
    seen: list[int] = []
    source, target = torch.ones(3 * SMALL_BLOCK, 2), torch.ones(2 * SMALL_BLOCK, 2)
    neighbours(source, target, 4, seen.append, block=SMALL_BLOCK)
    assert seen == [0, 0, 128, 128, 128, 256, 256, 256, 384]

    def stop(done: int) -> None:
        if done:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        neighbours(source, target, 4, stop, block=SMALL_BLOCK)


def test_a_search_without_vectors_or_with_too_small_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="2 source vectors and 0 target vectors"):
        neighbours(torch.ones(2, 3), torch.ones(0, 3), 4)
    with pytest.raises(ValueError, match="A block of 96 is not 4 or more groups of 32"):
        neighbours(torch.ones(2, 3), torch.ones(2, 3), 4, block=96)


def test_vectors_are_normalised_where_they_lie() -> None:
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    assert normalise_(vectors) is vectors
    assert vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0], [0.0, -1.0]]
    with pytest.raises(RecipeError, match="not finite"):
        normalise_(torch.tensor([[1.0, math.nan]]))


def mined_by_the_letter(source: torch.Tensor, target: torch.Tensor, k: int) -> list[tuple[int, int, float]]:
    """Artetxe and Schwenk's retrieval `max`, one sentence and one neighbour at a time."""
    (x_values, x_near), (y_values, y_near) = by_brute_force(source, target, k), by_brute_force(target, source, k)
    x_mean, y_mean = x_values.mean(1), y_values.mean(1)

    def margin(x: int, y: int) -> float:
        return float((source[x] @ target[y]) / ((x_mean[x] + y_mean[y]) / 2))

    proposals = []
    for x, near in enumerate(x_near.tolist()):
        proposals.append(max(((margin(x, y), x, y) for y in near), key=lambda found: found[0]))
    for y, near in enumerate(y_near.tolist()):
        proposals.append(max(((margin(x, y), x, y) for x in near), key=lambda found: found[0]))
    pairs: list[tuple[int, int, float]] = []
    for value, x, y in sorted(proposals, key=lambda found: -found[0]):
        if value > 0 and all(x != pair[0] and y != pair[1] for pair in pairs):
            pairs.append((x, y, value))
    return pairs


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)), width=st.integers(2, 12))
def test_mining_follows_the_paper_by_the_letter(seed: int, sizes: tuple[int, int], width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Around a common direction, as the sentences of a real encoder: all means are above 0.
    source, target = (normalise_(1 + torch.randn(size, width, generator=generator)) for size in sizes)
    found = mine(source, target)
    expected = mined_by_the_letter(source, target, 4)
    assert found.margin == pytest.approx([margin for *_, margin in expected], rel=1e-5)
    # Margins that differ in their last bits only may change places.
    if len({round(margin, 4) for *_, margin in expected}) == len(expected):
        assert list(zip(found.source, found.target, strict=True)) == [(x, y) for x, y, _ in expected]


def test_equal_sentences_find_each_other_and_nobody_twice() -> None:
    source = normalise_(torch.randn(40, 8, generator=torch.Generator().manual_seed(1)))
    shuffled = torch.randperm(40, generator=torch.Generator().manual_seed(2))
    found = mine(source, source[shuffled])
    assert sorted(found.margin, reverse=True) == found.margin
    right = {(int(shuffled[place]), place) for place in range(40)}
    assert right >= set(zip(found.source, found.target, strict=True))
    assert len(set(found.source)) == len(found.source) == len(set(found.target))


def test_margins_of_zero_and_below_are_left_out() -> None:
    assert mine(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).margin == []


def test_the_threshold_lies_between_the_last_taken_and_the_next() -> None:
    """Worked by hand: F1 is 2/3, 1/2, 4/5, 2/3 after one to four candidates; three are taken."""
    candidates = {"a": 1.4, "b": 1.3, "c": 1.2, "d": 1.0}
    threshold = best_threshold(candidates, {"a", "c"})
    assert threshold == pytest.approx(1.1)
    assert extract(candidates, threshold) == ["a", "b", "c"]
    found = scores({"a", "c"}, extract(candidates, threshold))
    assert found == {"f1": pytest.approx(80), "precision": pytest.approx(200 / 3), "recall": 100.0}


def test_a_threshold_at_the_last_candidate_takes_it() -> None:
    """XTREME's script fails here: there is no next one."""
    assert extract({"a": 1.4, "b": 1.3}, best_threshold({"a": 1.4, "b": 1.3}, {"a", "b"})) == ["a", "b"]


def test_a_threshold_without_right_candidates_is_zero() -> None:
    assert best_threshold({"a": 1.4}, {"b"}) == best_threshold({}, {"b"}) == 0.0
    assert scores({"b"}, ["a"]) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


@given(
    st.lists(st.tuples(st.floats(0.5, 2, width=32), st.booleans()), min_size=1, max_size=30, unique_by=lambda c: c[0])
)
def test_no_other_threshold_is_better(found: list[tuple[float, bool]]) -> None:
    candidates = {number: margin for number, (margin, _) in enumerate(found)}
    gold = {number for number, (_, right) in enumerate(found) if right} | {-1}
    best = scores(gold, extract(candidates, best_threshold(candidates, gold)))["f1"]
    for margin, _ in found:
        assert scores(gold, extract(candidates, margin))["f1"] <= best + 1e-9
