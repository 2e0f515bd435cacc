"""The embedded broker: one folder per queue, one file per message, no server.

Kombu has a filesystem transport too. It opens the final file name and then writes, so a consumer can take an
empty file; its clock restarts with the machine, so old messages can overtake new ones. Here a message gets its
name when it is complete, names begin with the wall clock, and a message belongs to whoever removes its file:
the file system lets exactly one succeed.
"""

from __future__ import annotations

import logging
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


class Channel(virtual.Channel):
    """Messages in `transport_options["folder"]`/<queue>/."""

    def _queue_folder(self, queue: str) -> Path:
        folder = Path(self.connection.client.transport_options["folder"]) / queue
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _messages(self, queue: str) -> list[Path]:
        return sorted(self._queue_folder(queue).glob("*.message"))

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        path = self._queue_folder(queue) / f"{time.time_ns():020d}-{uuid.uuid4().hex}.message"
        draft = path.with_suffix(".draft")
        draft.write_text(dumps(message))
        draft.replace(path)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        for path in self._messages(queue):
            try:
                text = path.read_text()
                path.unlink()
            except FileNotFoundError:
                continue  # another worker was faster
            try:
                return loads(text)
            except ValueError:
                # What a power cut left behind. The row it spoke of is still queued; the sweep sends again.
                logger.warning("The message %s is not complete and was dropped.", path.name)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._messages(queue))

    def _purge(self, queue: str) -> int:
        messages = self._messages(queue)
        for path in messages:
            path.unlink(missing_ok=True)
        return len(messages)


class Transport(virtual.Transport):
    """`folder://`; in kombu's words a virtual transport, polled every `polling_interval` seconds."""

    Channel = Channel
    global_state = virtual.BrokerState()
    default_port = 0
    driver_type = "folder"
    driver_name = "folder"

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        return "1"
