"""Intervals, tests and ranks: they find the known truth at their rate, and equal scipy's where it has the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from leaderboard.standings.statistics import association, draws, intervals, ranking, significance
from tests import simulated

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
RESAMPLED = 800


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return simulated.weights(150)[:, :RESAMPLED]


def simulate(seeds: int, trials: int, truth: float, weights: np.ndarray, spread: float = 0.02) -> tuple[float, float]:
    """How often the interval has the truth, and how often "no difference" is refused at 5%."""
    random = np.random.default_rng([seeds, trials, round(truth)])
    found = []
    for trial in range(trials):
        points, replicates = simulated.differences(
            random, weights, seeds=seeds, truth=truth, seed_spread=spread if seeds > 1 else 0
        )
        found.append(intervals.paired(points, replicates, len(weights), str(trial)))
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    return float(covered), float(np.mean([interval.p < 0.05 for interval in found]))


def test_it_works() -> None:
    random = np.random.default_rng(1)
    right = random.random((3, 400)) < np.linspace(0.2, 0.9, 400)
    better = right | (random.random((3, 400)) < 0.15)
    items = draws.keys(map(str, range(400)), "xnli test")
    ones = np.ones_like(right)
    mine, base = draws.resampled(better, ones, items), draws.resampled(right, ones, items)
    points = 100 * (better.mean(axis=1) - right.mean(axis=1))
    interval = intervals.paired(points, mine - base, 400)
    assert interval.estimate == pytest.approx(points.mean())
    assert interval.estimate < interval.high
    assert interval.low > 0
    assert interval.decided
    assert interval.p < 0.05
    assert interval.method == "t interval over 3 seeds, with the spread over 400 source items"


# What is drawn.


def test_weights_are_poisson_and_depend_on_the_items_name_alone() -> None:
    drawn = draws.weights(draws.keys(map(str, range(500)), "a"))
    assert drawn.shape == (500, draws.REPLICATES)
    assert drawn.mean() == pytest.approx(1, abs=0.005)
    assert drawn.var() == pytest.approx(1, abs=0.01)
    assert abs(np.corrcoef(drawn[:40])[np.triu_indices(40, 1)]).max() < 0.11
    assert abs(np.corrcoef(drawn[:, :40].T)[np.triu_indices(40, 1)]).max() < 0.21
    again = draws.weights(draws.keys(["499", "0", "elsewhere"], "a"))
    assert (again[:2] == drawn[[499, 0]]).all()
    assert (draws.weights(draws.keys(["0"], "b")) != drawn[:1]).any()


def test_the_replicates_of_a_mean_spread_as_theory_says() -> None:
    outcomes = np.random.default_rng(3).random(800) < 0.3
    found = draws.resampled(outcomes[None], np.ones((1, 800)), draws.keys(map(str, range(800)), ""))
    assert found.std() == pytest.approx(100 * outcomes.std() / 800**0.5, rel=0.05)
    assert found.mean() == pytest.approx(100 * outcomes.mean(), abs=0.1)


def test_a_measure_without_items_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        draws.resampled(np.zeros((1, 2)), np.zeros((1, 2)), draws.keys("ab", ""))


# Intervals.


@pytest.mark.parametrize(("seeds", "truth"), [(1, 3.0), (2, 0.0), (3, 2.0), (5, 0.0), (8, 2.0)])
def test_about_95_of_100_intervals_have_the_truth(seeds: int, truth: float, weights: np.ndarray) -> None:
    covered, refused = simulate(seeds, 400, truth, weights)
    assert 0.92 <= covered <= 0.98
    if truth == 0:
        assert refused <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.03])
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_between_93_and_97_of_100_intervals_have_the_truth(seeds: int, spread: float, weights: np.ndarray) -> None:
    covered, refused = simulate(seeds, 1500, 0.0, weights, spread)
    assert 0.93 <= covered <= 0.97
    assert 0.03 <= refused <= 0.06


def test_five_seeds_are_resampled_four_are_not(weights: np.ndarray) -> None:
    random = np.random.default_rng(5)
    four, five = (
        intervals.paired(*simulated.differences(random, weights, seeds=n, truth=1, seed_spread=0.02), 150)
        for n in (4, 5)
    )
    assert four.method.startswith("t interval over 4 seeds")
    assert five.method.startswith("multi-bootstrap over 5 seeds")
    assert four.high - four.estimate == pytest.approx(four.estimate - four.low)


def test_one_seed_says_that_others_are_unknown(weights: np.ndarray) -> None:
    points, replicates = simulated.differences(np.random.default_rng(6), weights, seeds=1, truth=1, seed_spread=0)
    interval = intervals.paired(points, replicates, 150)
    assert interval.seed_variance is None
    assert interval.seeds == 1
    assert "one seed, so nothing is known about others" in interval.method


def test_equal_systems_differ_by_nothing_for_sure() -> None:
    interval = intervals.paired(np.zeros(3), np.zeros((3, 50)), 10)
    assert (interval.estimate, interval.low, interval.high, interval.p) == (0, 0, 0, 1)
    assert not interval.decided


def test_the_same_content_gives_the_same_interval(weights: np.ndarray) -> None:
    points, replicates = simulated.differences(np.random.default_rng(7), weights, seeds=6, truth=1, seed_spread=0.02)
    one, again, other = (intervals.paired(points, replicates, 150, content) for content in ("a", "a", "b"))
    assert one == again != other


def test_seeds_that_differ_alone_give_students_interval() -> None:
    points = np.array([1.0, 2.5, 0.5])
    interval = intervals.paired(points, np.repeat(points[:, None], 100, axis=1), 1000)
    expected = stats.t.interval(0.95, 2, points.mean(), stats.sem(points))
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-6)
    assert interval.p == pytest.approx(stats.ttest_1samp(points, 0).pvalue, rel=1e-6)


@given(parts=st.tuples(st.floats(0, 10), st.integers(1, 20), st.floats(0, 10), st.integers(1, 5000)))
def test_degrees_of_freedom_lie_between_those_of_the_parts(parts: tuple[float, int, float, int]) -> None:
    found = intervals.freedom(*parts)
    assert min(parts[1], parts[3]) * (1 - 1e-9) <= found <= max(parts[1], parts[3]) * (1 + 1e-9)


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    random, error = np.random.default_rng(8), 0.7
    truth = intervals.minimum_detectable(error, 1e6)
    found = np.mean([intervals.two_sided(random.normal(truth, error), error, 1e6) < 0.05 for _ in range(4000)])
    assert found == pytest.approx(0.8, abs=0.02)


def test_seeds_alone_give_students_interval_and_one_is_refused() -> None:
    points = np.array([1.0, 2.5, 0.5, 3.0])
    found, expected = intervals.over_seeds(points), stats.ttest_1samp(points, 0)
    assert (found.low, found.high, found.p) == pytest.approx((*expected.confidence_interval(), expected.pvalue))
    assert (found.seeds, found.items) == (4, 0)
    with pytest.raises(ValueError, match="two measurements at least, found 1"):
        intervals.over_seeds(points[:1])


def test_differences_and_replicates_must_be_of_as_many_seeds() -> None:
    with pytest.raises(ValueError, match="2 measured differences for 3 rows"):
        intervals.paired(np.zeros(2), np.zeros((3, 10)), 10)


# Tests.


@given(pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_binomial_test(pairs: list[tuple[bool, bool]]) -> None:
    mine, base = np.array(pairs).T
    gained, lost = int((mine & ~base).sum()), int((base & ~mine).sum())
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert significance.mcnemar(mine, base) == pytest.approx(expected)
    assert significance.mcnemar(base, mine) == significance.mcnemar(mine, base)


def test_mcnemar_refuses_other_items() -> None:
    with pytest.raises(ValueError, match="over the same items"):
        significance.mcnemar(np.ones(3, bool), np.ones(4, bool))


def entities(random: np.random.Generator, items: int, recall: float) -> tuple[np.ndarray, np.ndarray]:
    gold = random.integers(1, 4, items)
    right, wrong = random.binomial(gold, recall), random.binomial(2, 0.2, items)
    return 2.0 * right, gold + right + wrong


def test_randomisation_finds_a_difference_of_f1_and_is_level_where_there_is_none() -> None:
    random = np.random.default_rng(9)
    base = entities(random, 300, 0.6)
    assert significance.approximate_randomisation(entities(random, 300, 0.8), base) < 0.01
    refused = [
        significance.approximate_randomisation(
            entities(random, 80, 0.6), entities(random, 80, 0.6), str(trial), replicates=200
        )
        < 0.05
        for trial in range(400)
    ]
    assert 0.02 <= np.mean(refused) <= 0.08


def test_randomisation_of_equal_systems_finds_nothing() -> None:
    one = entities(np.random.default_rng(10), 20, 0.5)
    assert significance.approximate_randomisation(one, one) == 1


@given(p=P_VALUES)
def test_benjamini_hochberg_is_scipys(p: list[float]) -> None:
    assert significance.benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@given(p=P_VALUES)
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted = significance.holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_holm_by_hand() -> None:
    assert significance.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_corrections_hold_their_rates() -> None:
    """Of twenty true hypotheses Holm refuses any in 5% of all studies; of those that Benjamini-Hochberg does, 5%."""
    random = np.random.default_rng(16)
    families, false_share = [], []
    for _ in range(1000):
        p = random.random(20)
        families.append((significance.holm(p) < 0.05).any())
        p[:10] = random.random(10) * 1e-4  # these are false
        refused = significance.benjamini_hochberg(p) < 0.05
        false_share.append(refused[10:].sum() / max(refused.sum(), 1))
    assert 0.03 <= np.mean(families) <= 0.07
    assert np.mean(false_share) <= 0.05


# Ranks.


def board(truths: list[float], seeds: int, random: np.random.Generator, error: float = 1.0) -> ranking.Ranks:
    """Rows with these true means, whose items' replicates have the error they were made with."""
    shared = random.normal(0, 3, 2001)
    drawn = random.normal(0, error, (len(truths), 2001))
    replicates = np.array(truths)[:, None] + shared[1:] + drawn[:, 1:]
    off = shared[0] + drawn[:, 0]
    measured = [truth + off[row] + random.normal(0, 0.5, seeds) for row, truth in enumerate(truths)]
    return ranking.rank(measured, replicates.astype(np.float32))


def test_ranks_are_intervals_and_ties_are_ties() -> None:
    found = board([80, 79.9, 60, 59.9, 40], 3, np.random.default_rng(11))
    assert found.low.tolist() == [1, 1, 3, 3, 5]
    assert found.high.tolist() == [2, 2, 4, 4, 5]
    assert found.group.tolist() == [1, 1, 2, 2, 3]
    assert found.seeds


def test_without_a_second_seed_ranks_say_that_seeds_are_not_in_them() -> None:
    assert not board([80, 60], 1, np.random.default_rng(12)).seeds


@pytest.mark.parametrize("gap", [0.0, 0.7, 2.0])
def test_rank_intervals_have_the_true_rank(gap: float) -> None:
    random = np.random.default_rng(13)
    truths = [70 - gap * place for place in range(12)]
    lowest = np.array([1 + sum(other > truth for other in truths) for truth in truths])
    highest = np.array([sum(other >= truth for other in truths) for truth in truths])
    covered = [
        ((found.low <= lowest) & (found.high >= highest)).mean()
        for found in (board(truths, 3, random) for _ in range(60))
    ]
    assert np.mean(covered) >= 0.95


@given(values=arrays(np.float32, (4, 3, 20), elements=st.floats(0, 100, width=32)))
def test_means_of_replicates_are_over_the_cells_that_count(values: np.ndarray) -> None:
    found = ranking.mean_replicates(values, np.array([0.5, 0, 0.5]))
    assert found == pytest.approx(values[:, [0, 2]].mean(axis=1), abs=1e-3)
    assert ranking.mean_replicates(values, np.full(3, 1 / 3)) == pytest.approx(values.mean(axis=1), abs=1e-3)


# What goes together.


@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=40))
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        with pytest.raises(ValueError, match="same everywhere"):
            association.spearman(x, y)
        return
    found, expected = association.spearman(x, y), stats.spearmanr(x, y)
    assert found.value == pytest.approx(expected.statistic)
    assert found.low <= found.value <= found.high
    assert found.p == pytest.approx(expected.pvalue, abs=1e-6)


def test_the_interval_of_a_correlation_has_the_truth() -> None:
    random, hit = np.random.default_rng(14), []
    for _ in range(600):
        x = random.normal(size=36)
        found = association.spearman(x, 0.6 * x + 0.8 * random.normal(size=36))
        # Spearman's of a normal pair with correlation 0.6: 6 / pi x arcsin(0.3).
        hit.append(found.low <= 6 / np.pi * np.arcsin(0.3) <= found.high)
    assert 0.93 <= np.mean(hit) <= 0.98


def test_the_line_is_scipys_and_its_band_is_narrowest_in_the_middle() -> None:
    random = np.random.default_rng(15)
    x = random.uniform(0, 8, 30)
    y = 3 - 0.4 * x + random.normal(0, 0.5, 30)
    line, expected = association.fitted_line(x, y), stats.linregress(x, y)
    assert (line.slope, line.intercept, line.p) == pytest.approx((expected.slope, expected.intercept, expected.pvalue))
    assert line.high - line.slope == pytest.approx(stats.t.ppf(0.975, 28) * expected.stderr)
    middle, low, high = line.band(np.array([0.0, x.mean(), 8.0]))
    assert (low < middle).all()
    assert (middle < high).all()
    assert (high - low)[1] < (high - low)[[0, 2]].min()


def test_a_slope_is_a_weighted_sum() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=9), random.normal(size=9)
    assert np.dot(association.slope_weights(x), y) == pytest.approx(association.fitted_line(x, y).slope)


def test_three_points_are_too_few() -> None:
    with pytest.raises(ValueError, match="At least 4 pairs"):
        association.fitted_line(np.arange(3), np.arange(3))
