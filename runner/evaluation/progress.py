"""How far an evaluation is, over all its parts, and whether it should stop."""

from __future__ import annotations

from collections.abc import Callable

from runner.errors import Stopped
from runner.events import Emit


class Progress:
    """Counts items, from the windows or sentences that are done, and stops between batches when asked to."""

    def __init__(self, total: int, emit: Emit, should_stop: Callable[[], bool]) -> None:
        self._total, self._emit, self._should_stop = total, emit, should_stop
        self._before = self._items = self._shown = 0
        self._steps = 1

    def open_part(self, items: int, steps: int | None = None) -> None:
        """From here on, `steps` calls' worth (None: as many as items) make up the next `items`."""
        self._before += self._items
        self._items, self._steps = items, max(1, items if steps is None else steps)

    def __call__(self, done: int) -> None:
        """`done` steps of the present part are done. Raises Stopped when asked to stop."""
        at = min(self._before + self._items * done // self._steps, self._total)
        if self._should_stop():
            raise Stopped(f"Stopped after {at} of {self._total} items.")
        if at - self._shown >= max(1, self._total // 200) or at == self._total:
            self._shown = at
            self._emit("progress", done=at, total=self._total, unit="items", note="evaluating")
