"""The clock of a training phase: when to report, to save and to look at development data."""

from __future__ import annotations

import time

from runner.events import Emit

PROGRESS_SECONDS = 1.0
CURVE_POINTS = 200
DEVELOPMENT_POINTS = 4


class Clock:
    """Counts steps and tokens; emits the curve's points and the progress bar's."""

    def __init__(self, start: int, total: int, evaluate_every: int | None, resume_seconds: float, emit: Emit) -> None:
        self._total, self._emit, self._resume_seconds = total, emit, resume_seconds
        self._curve_every = max(1, total // CURVE_POINTS)
        self._evaluate_every = evaluate_every
        self._quarters = {round(total * point / DEVELOPMENT_POINTS) for point in range(1, DEVELOPMENT_POINTS + 1)}
        self._reported = self._saved = self._begun = time.monotonic()
        self._losses: list[float] = []
        self._tokens = 0
        emit("progress", done=start, total=total, unit="steps", note="training")

    def tick(self, step: int, loss: float, rate: float, tokens: int) -> None:
        """Step number `step` (from 0) is done."""
        now = time.monotonic()
        self._losses.append(loss)
        self._tokens += tokens
        if (step + 1) % self._curve_every == 0 or step + 1 == self._total:
            mean = sum(self._losses) / len(self._losses)
            speed = self._tokens / max(now - self._begun, 1e-9)
            self._emit("curve", step=step + 1, loss=mean, learning_rate=rate, tokens_per_second=round(speed))
            self._losses, self._tokens, self._begun = [], 0, now
        if now - self._reported >= PROGRESS_SECONDS or step + 1 == self._total:
            self._emit("progress", done=step + 1, total=self._total, unit="steps", note="training")
            self._reported = now

    def restart(self) -> None:
        """Keep time that was not training out of the rate."""
        self._begun, self._tokens = time.monotonic(), 0

    def development_due(self, step: int) -> bool:
        if self._evaluate_every:
            return (step + 1) % self._evaluate_every == 0 or step + 1 == self._total
        return step + 1 in self._quarters

    def resume_due(self) -> bool:
        if time.monotonic() - self._saved < self._resume_seconds:
            return False
        self._saved = time.monotonic()
        return True
