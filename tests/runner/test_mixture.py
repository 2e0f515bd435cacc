"""The mixture is a pure function of its seed: how many steps, which task each takes, and which of its examples."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.spec import Sampling
from runner.training.mixture import Mixture

SAMPLINGS = st.one_of(
    st.none(),
    st.builds(Sampling, strategy=st.sampled_from(["proportional", "uniform"]), cap=st.none() | st.integers(1, 50)),
    st.builds(
        Sampling, strategy=st.just("temperature"), cap=st.none() | st.integers(1, 50), temperature=st.floats(0.5, 10)
    ),
)


def mixture(sizes: dict[str, int], batch_size: int = 4, epochs: int = 1, seed: int = 7, **options) -> Mixture:
    lengths = {name: [3] * size for name, size in sizes.items()}
    return Mixture(lengths, batch_size=batch_size, epochs=epochs, seed=seed, **options)


def drawn(of: Mixture) -> Counter[str]:
    return Counter(of[step].task for step in range(len(of)))


def test_it_works() -> None:
    """One task: each example once an epoch."""
    only = Mixture({"only": [2, 5, 3, 4, 9]}, batch_size=2, epochs=3, seed=7)
    seen = Counter(index for step in range(len(only)) for index in only[step].indices)
    assert len(only) == 9
    assert set(seen.values()) == {3}
    assert sorted(index for step in range(3) for index in only[step].indices) == [0, 1, 2, 3, 4]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    sampling=SAMPLINGS,
    beside=st.booleans(),
)
def test_the_mixture_is_pure_and_stays_within_its_tasks(
    sizes: list[int], seed: int, sampling: Sampling | None, *, beside: bool
) -> None:
    named = {f"task{number}": size for number, size in enumerate(sizes)}
    options = {"sampling": sampling, **({"beside": "task0", "share": 0.4} if beside else {})}
    one, again = (mixture(named, epochs=2, seed=seed, **options) for _ in range(2))
    forwards = [one[step] for step in range(len(one))]
    backwards = [again[step] for step in reversed(range(len(again)))]
    assert forwards == backwards[::-1]
    assert all(set(draw.indices) <= set(range(named[draw.task])) for draw in forwards)
    assert sum(one.shares) == pytest.approx(1)
    # Within a member, epochs follow one another: no example is seen twice more than another one.
    for name, size in named.items():
        seen = Counter(index for draw in forwards if draw.task == name for index in draw.indices)
        assert max(seen.values(), default=0) - min((seen[index] for index in range(size)), default=0) <= 1


def test_another_seed_is_another_mixture() -> None:
    sizes = {"one": 100, "other": 100}
    assert [mixture(sizes, seed=1)[step] for step in range(50)] != [mixture(sizes, seed=2)[step] for step in range(50)]


@pytest.mark.parametrize(
    ("sampling", "weights"),
    [
        (None, [100, 900, 4000]),
        (Sampling(), [100, 900, 4000]),
        (Sampling(cap=900), [100, 900, 900]),
        (Sampling("uniform"), [1, 1, 1]),
        (Sampling("uniform", cap=10), [1, 1, 1]),
        (Sampling("temperature", temperature=1.0), [100, 900, 4000]),
        (Sampling("temperature", temperature=2.0), [10, 30, 4000**0.5]),
        (Sampling("temperature", cap=900, temperature=2.0), [10, 30, 30]),
    ],
)
def test_tasks_are_drawn_as_the_sampling_says(sampling: Sampling | None, weights: list[float]) -> None:
    # Of a small cap, more epochs make as many draws.
    epochs = 4 if not sampling or sampling.cap != 10 else 300
    made = mixture({"small": 100, "middle": 900, "large": 4000}, epochs=epochs, sampling=sampling)
    shares = [weight / sum(weights) for weight in weights]
    assert made.shares.tolist() == pytest.approx(shares)
    counts = drawn(made)
    assert [counts[name] / len(made) for name in ("small", "middle", "large")] == pytest.approx(shares, abs=0.05)


@pytest.mark.parametrize(
    ("sampling", "steps"), [(None, 2 * (3 + 25)), (Sampling(cap=40), 2 * (3 + 10)), (Sampling("uniform"), 2 * (3 + 25))]
)
def test_the_steps_are_those_of_the_capped_tasks_epochs(sampling: Sampling | None, steps: int) -> None:
    assert len(mixture({"small": 10, "large": 100}, epochs=2, sampling=sampling)) == steps


def test_what_stands_beside_has_its_share_on_top_of_the_tasks() -> None:
    """30 + 90 steps of tasks are three in four of 160; the size of the text changes nothing."""
    for text in (5, 100_000):
        made = mixture({"one": 120, "other": 360, "text": text}, beside="text", share=0.25)
        assert len(made) == 160
        assert made.shares.tolist() == pytest.approx([0.75 / 4, 0.75 * 3 / 4, 0.25])
    longer = mixture({"one": 1200, "other": 3600, "text": 50}, epochs=2, beside="text", share=0.25)
    assert drawn(longer)["text"] / len(longer) == pytest.approx(0.25, abs=0.03)


def test_what_stands_beside_a_single_task() -> None:
    made = mixture({"only": 400, "text": 30}, epochs=2, beside="text", share=0.5)
    assert len(made) == 400
    assert made.shares.tolist() == [0.5, 0.5]


def test_alone_it_has_epochs_of_its_own() -> None:
    made = mixture({"text": 10}, epochs=3, beside="text", share=0.5)
    assert len(made) == 3 * 3
    assert made.shares.tolist() == [1.0]
    assert set(Counter(index for step in range(9) for index in made[step].indices).values()) == {3}


def test_a_task_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="No examples for empty"):
        mixture({"empty": 0, "full": 1})
