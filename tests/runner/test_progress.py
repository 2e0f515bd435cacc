"""How far a stage is: items of an evaluation over all its parts, steps of a training phase."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import Stopped
from runner.evaluation.progress import Progress
from runner.training.clock import Clock


class Events:
    """Remembers what was emitted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **fields: Any) -> None:
        self.seen.append((event, fields))

    def of(self, kind: str, field: str) -> list[Any]:
        return [fields[field] for event, fields in self.seen if event == kind and field in fields]


def test_it_works() -> None:
    """Two languages of 10 and 20 items; the second's are told by its 40 windows."""
    events = Events()
    progress = Progress(30, events, lambda: False)
    progress.open_part(10)
    progress(5)
    progress(10)
    progress.open_part(20, 40)
    progress(20)
    progress(40)
    assert events.of("progress", "done") == [5, 10, 20, 30]
    assert set(events.of("progress", "total")) == {30}


def test_small_steps_are_not_told_one_by_one() -> None:
    events = Events()
    progress = Progress(10_000, events, lambda: False)
    progress.open_part(10_000)
    for done in range(1, 10_001):
        progress(done)
    shown = events.of("progress", "done")
    assert len(shown) == 200
    assert shown[-1] == 10_000


def test_it_stops_between_batches() -> None:
    progress = Progress(10, Events(), lambda: True)
    progress.open_part(10)
    with pytest.raises(Stopped, match=r"Stopped after 4 of 10 items\."):
        progress(4)


def test_the_curve_has_at_most_some_hundred_points_and_the_last_step() -> None:
    events = Events()
    clock = Clock(0, 1001, None, 300, events)
    for step in range(1001):
        clock.tick(step, float(step), 1e-3, 10)
    steps = events.of("curve", "step")
    assert steps == [*range(5, 1001, 5), 1001]
    # Each is the mean over the steps since the one before.
    assert events.of("curve", "loss")[:2] == [2.0, 7.0]
    assert (events.of("progress", "done")[0], events.of("progress", "done")[-1]) == (0, 1001)


@pytest.mark.parametrize(
    ("total", "every", "due"),
    [(100, None, [25, 50, 75, 100]), (3, None, [1, 2, 3]), (10, 4, [4, 8, 10]), (8, 4, [4, 8])],
)
def test_development_data_is_looked_at_four_times_or_as_asked(total: int, every: int | None, due: list[int]) -> None:
    clock = Clock(0, total, every, 300, Events())
    assert [step + 1 for step in range(total) if clock.development_due(step)] == due


def test_resume_points_are_due_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    clock = Clock(0, 10, None, 60, Events())
    found = []
    for seconds in (0, 59, 60, 61, 119, 120):
        now = 1000.0 + seconds
        found.append(clock.resume_due())
    assert found == [False, False, True, False, False, True]
