"""Means and differences: what they are over, and where there is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.standings import aggregate, compare
from leaderboard.standings.table import Measured

LANGUAGES = ("ar", "de", "sw", "te", "zh")
scores = st.floats(0, 100, allow_nan=False)
by_language = st.fixed_dictionaries(dict.fromkeys(LANGUAGES, scores))
by_seed = st.dictionaries(st.integers(1, 5), by_language, min_size=1)


def measured(values, stages=None):
    return Measured(values, stages or {})


# Means.


@given(by_seed, st.randoms(use_true_random=False))
def test_mean_does_not_depend_on_the_order(values, random):
    seeds = list(values)
    random.shuffle(seeds)
    parts = list(LANGUAGES)
    random.shuffle(parts)
    shuffled = {seed: {code: values[seed][code] for code in parts} for seed in seeds}

    assert aggregate.cell(measured(values), LANGUAGES) == aggregate.cell(measured(shuffled), tuple(parts))


@given(by_seed)
def test_mean_lies_between_its_parts(values):
    every = [value for languages in values.values() for value in languages.values()]

    assert min(every) - 1e-9 <= aggregate.cell(measured(values), LANGUAGES).value <= max(every) + 1e-9


@given(by_language, st.sampled_from(LANGUAGES))
def test_mean_with_a_missing_part_is_none_and_says_its_coverage(values, missing):
    del values[missing]

    cell = aggregate.cell(measured({1: values}), LANGUAGES)

    assert (cell.value, cell.sd, cell.n, cell.coverage) == (None, None, 0, "4/5")


def test_incomplete_seed_does_not_count():
    complete = dict.fromkeys(LANGUAGES, 50.0)

    cell = aggregate.cell(measured({1: complete, 2: {"de": 90.0}}), LANGUAGES)

    assert (cell.value, cell.n, cell.coverage) == (50.0, 1, "5/5")


def test_spread_is_the_sample_standard_deviation_over_seeds():
    values = {1: dict.fromkeys(LANGUAGES, 40.0), 2: dict.fromkeys(LANGUAGES, 60.0)}

    assert aggregate.cell(measured(values), LANGUAGES).sd == pytest.approx(math.sqrt(200))


def test_seeds_that_share_a_stage_are_one_measurement_without_a_spread():
    values = {1: dict.fromkeys(LANGUAGES, 40.0), 2: dict.fromkeys(LANGUAGES, 40.0)}

    cell = aggregate.cell(measured(values, {1: frozenset({7}), 2: frozenset({7})}), LANGUAGES)

    assert (cell.value, cell.n, cell.sd) == (40.0, 1, None)


def test_nothing_measured_is_an_empty_cell():
    cell = aggregate.cell(measured({}), LANGUAGES)

    assert cell.empty
    assert cell.coverage == "0/5"


def test_printed_mean_stands_for_the_whole_only():
    printed = measured({0: {"": 57.3}})

    assert aggregate.cell(printed, LANGUAGES).value == 57.3
    assert aggregate.cell(printed, ("de", "sw"), whole=False).value is None


# Differences.


@given(by_seed)
def test_difference_of_a_row_to_itself_is_zero(values):
    difference = compare.difference(measured(values), measured(values), LANGUAGES)

    assert (difference.value, difference.pairs, difference.complete) == (0, len(values), True)


@given(st.lists(st.tuples(by_language, by_language), min_size=1, max_size=4))
def test_difference_of_complete_pairs_is_the_difference_of_means(pairs):
    mine = measured({seed: pair[0] for seed, pair in enumerate(pairs)})
    base = measured({seed: pair[1] for seed, pair in enumerate(pairs)})

    difference = compare.difference(mine, base, LANGUAGES)

    means = aggregate.cell(mine, LANGUAGES).value - aggregate.cell(base, LANGUAGES).value
    assert difference.value == pytest.approx(means, abs=1e-9)


@given(by_seed, by_seed)
def test_difference_changes_its_sign_with_its_sides(mine, base):
    there = compare.difference(measured(mine), measured(base), LANGUAGES)
    back = compare.difference(measured(base), measured(mine), LANGUAGES)

    assert (there is None) == (back is None)
    assert there is None or there.value == pytest.approx(-back.value, abs=1e-9)


def test_difference_needs_a_common_seed():
    mine, base = {1: dict.fromkeys(LANGUAGES, 50.0)}, {2: dict.fromkeys(LANGUAGES, 40.0)}

    assert compare.difference(measured(mine), measured(base), LANGUAGES) is None


def test_difference_over_shared_languages_says_how_many():
    mine, base = {1: {"de": 50.0, "sw": 20.0}}, {1: {"de": 45.0, "zh": 10.0}}

    difference = compare.difference(measured(mine), measured(base), LANGUAGES)

    assert (difference.value, difference.have, difference.expected) == (5.0, 1, 5)
    assert not difference.complete


def test_complete_pairs_are_used_alone():
    complete, torn = dict.fromkeys(LANGUAGES, 50.0), {"de": 99.0}

    difference = compare.difference(measured({1: complete, 2: torn}), measured({1: complete, 2: complete}), LANGUAGES)

    assert (difference.value, difference.pairs, difference.have) == (0.0, 1, 5)
