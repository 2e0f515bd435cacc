"""The measures of alignment, against formulas written another way, and what must hold of any vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.scoring import alignment
from runner.scoring.alignment import MEASURES, measure

SHAPES = st.tuples(st.integers(2, 24), st.integers(2, 9), st.integers(0, 2**32 - 1), st.floats(0, 3))


def draw(n: int, width: int, seed: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Vectors with a common direction, as encoders have, and noisy copies of them."""
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n, width)) + generator.normal(size=width)
    return source, source + noise * generator.normal(size=(n, width))


def cosine(one, other) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / math.sqrt(
        math.fsum(a * a for a in one) * math.fsum(b * b for b in other)
    )


def table(source, target) -> list[list[float]]:
    return [[cosine(one, other) for other in target] for one in source]


def largest(values, k: int) -> float:
    return math.fsum(sorted(values)[-k:]) / min(k, len(values))


def share_found(scores: list[list[float]]) -> float:
    return 100 * sum(row.index(max(row)) == place for place, row in enumerate(scores)) / len(scores)


def turned(scores: list[list[float]]) -> list[list[float]]:
    return [list(column) for column in zip(*scores, strict=True)]


def hsic_cka(source: np.ndarray, target: np.ndarray) -> float:
    """CKA by its definition over kernels and the centring matrix (Kornblith et al. 2019, equations 3 and 4)."""
    n = len(source)
    centring = np.eye(n) - np.ones((n, n)) / n
    own, other = source @ source.T, target @ target.T

    def hsic(one, two):
        return np.trace(one @ centring @ two @ centring) / (n - 1) ** 2

    return hsic(own, other) / math.sqrt(hsic(own, own) * hsic(other, other))


def test_it_works() -> None:
    source = np.eye(4)

    found = measure(source, source)

    assert set(found.values) == set(MEASURES)
    for name in ("accuracy_into_pivot", "accuracy_from_pivot", "accuracy_margin", "accuracy_csls"):
        assert found.values[name] == 100
    assert found.values["cosine_gap"] == pytest.approx(1)
    assert found.values["cka"] == pytest.approx(1)
    assert found.values["isotropy"] == pytest.approx(1)
    assert found.n == 4
    assert found.into_pivot.all()
    assert found.cosine == pytest.approx(np.ones(4))


@pytest.mark.parametrize(("n", "width"), [(12, 5), (5, 12), (30, 8)])
def test_every_measure_equals_its_formula_written_out(n: int, width: int) -> None:
    source, target = draw(n, width, seed=7)
    cosines = table(source, target)
    there, back = turned(cosines), cosines
    small, big = alignment.MARGIN_NEIGHBOURS, alignment.CSLS_NEIGHBOURS
    ratio = [
        [cosines[i][j] / ((largest(cosines[i], small) + largest(there[j], small)) / 2) for j in range(n)]
        for i in range(n)
    ]
    local = [
        [2 * cosines[i][j] - largest(cosines[i], big) - largest(there[j], big) for j in range(n)] for i in range(n)
    ]
    others = [back[i][j] for i in range(n) for j in range(n) if i != j]
    inside = table(source, source)

    found = measure(source, target).values

    assert found["accuracy_into_pivot"] == share_found(cosines)
    assert found["accuracy_from_pivot"] == share_found(turned(cosines))
    assert found["accuracy_margin"] == (share_found(ratio) + share_found(turned(ratio))) / 2
    assert found["accuracy_csls"] == (share_found(local) + share_found(turned(local))) / 2
    gap = math.fsum(cosines[i][i] for i in range(n)) / n - math.fsum(others) / len(others)
    assert found["cosine_gap"] == pytest.approx(gap, abs=1e-6)
    assert found["cka"] == pytest.approx(hsic_cka(source, target), rel=1e-9)
    pairs = [inside[i][j] for i in range(n) for j in range(n) if i != j]
    assert found["isotropy"] == pytest.approx(1 - math.fsum(pairs) / len(pairs), abs=1e-6)


@given(SHAPES)
def test_values_lie_in_their_range(shape) -> None:
    found = measure(*draw(*shape)).values

    for name, value in found.items():
        assert MEASURES[name].low - 1e-6 <= value <= MEASURES[name].high + 1e-6, name


@given(SHAPES)
def test_turning_and_scaling_both_sides_changes_nothing(shape) -> None:
    source, target = draw(*shape)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(source.shape[1],) * 2))[0]

    same, before = measure(3 * source @ turn, 0.5 * target @ turn).values, measure(source, target).values

    for name in ("cosine_gap", "cka", "isotropy"):
        assert same[name] == pytest.approx(before[name], abs=2e-5), name


@given(SHAPES)
def test_cka_does_not_see_a_turn_a_shift_or_a_scale_of_one_side_alone(shape) -> None:
    source, target = draw(*shape)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(source.shape[1],) * 2))[0]

    assert alignment.linear_cka(2 * source @ turn + 5, target) == pytest.approx(alignment.linear_cka(source, target))


@given(SHAPES)
def test_the_order_of_the_pairs_changes_nothing(shape) -> None:
    source, target = draw(*shape)
    order = np.random.default_rng(3).permutation(len(source))

    shuffled, before = measure(source[order], target[order]).values, measure(source, target).values

    assert shuffled == pytest.approx(before, abs=1e-6)


@given(SHAPES)
def test_changing_sides_swaps_the_directions(shape) -> None:
    source, target = draw(*shape)

    one, other = measure(source, target).values, measure(target, source).values

    assert one["accuracy_into_pivot"] == other["accuracy_from_pivot"]
    assert one["cosine_gap"] == pytest.approx(other["cosine_gap"], abs=1e-6)
    assert one["cka"] == pytest.approx(other["cka"])


def test_unrelated_sentences_are_found_by_chance_and_have_no_gap() -> None:
    generator = np.random.default_rng(5)

    found = measure(generator.normal(size=(2000, 32)), generator.normal(size=(2000, 32))).values

    assert found["accuracy_into_pivot"] < 1
    assert abs(found["cosine_gap"]) < 0.02
    assert found["cka"] < 0.05


def test_both_margins_hold_back_a_sentence_that_is_near_to_everything() -> None:
    generator = np.random.default_rng(8)
    source = generator.normal(size=(40, 16)) + 3
    target = source + 1.2 * generator.normal(size=source.shape)
    target[0] = source.mean(axis=0)  # a hub

    found = measure(source, target).values

    assert found["accuracy_csls"] > (found["accuracy_into_pivot"] + found["accuracy_from_pivot"]) / 2
    assert found["accuracy_margin"] > (found["accuracy_into_pivot"] + found["accuracy_from_pivot"]) / 2


def test_a_narrow_cone_is_not_isotropic() -> None:
    narrow, wide = (np.random.default_rng(9).normal(size=(50, 8)) + shift for shift in (20, 0))

    assert alignment.isotropy(narrow) < 0.05
    assert alignment.isotropy(wide) > 0.9


def test_vectors_that_are_all_equal_or_zero_are_measured_too() -> None:
    for vectors in (np.ones((3, 4)), np.zeros((3, 4))):
        found = measure(vectors, vectors).values
        assert found["cka"] == 0
        assert found["cosine_gap"] == pytest.approx(0)
        assert found["accuracy_into_pivot"] == pytest.approx(100 / 3)


@pytest.mark.parametrize("shapes", [((3, 4), (4, 4)), ((3, 4), (3, 5)), ((1, 4), (1, 4)), ((4,), (4,))])
def test_tables_that_are_no_translations_are_refused(shapes) -> None:
    with pytest.raises(ValueError, match="one shape with 2 rows or more"):
        measure(*(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused(wrong: float) -> None:
    source = np.eye(3)
    source[1, 1] = wrong
    with pytest.raises(ValueError, match="not finite"):
        measure(source, np.eye(3))
