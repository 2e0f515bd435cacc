"""`python -m runner.template FD`: loads the engine's libraries once, and forks an engine for each request.

Requests and answers are lines of JSON on the socket FD (`runner.warm`). It computes nothing itself: a process that has
started threads must not be forked.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from runner.__main__ import main
from runner.events import EXIT_BUG
from runner.process import SUPERVISOR, die_with_parent

# Besides the engine, what the libraries load only when they are first used: pandas is PyArrow's wish.
MODULES = (
    "runner.engine",
    "pandas",
    "transformers.models.xlm_roberta.modeling_xlm_roberta",
    "transformers.models.bert.modeling_bert",
)
DESCRIPTORS = 3  # of a request: standard output, log, and the stage's lock, which the engine only holds


def serve(channel: socket.socket) -> None:
    """Answer requests, one engine at a time, until the other end is closed."""
    die_with_parent(signal.SIGKILL)
    for name in MODULES:
        importlib.import_module(name)
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    # A table of a thousand regular expressions, for whichever model is loaded or saved first.
    get_checkpoint_conversion_mapping("xlm-roberta")
    # Pages that no collection writes to stay shared with the engines.
    gc.freeze()
    while (request := _request(channel)) is not None:
        body, descriptors = request
        pid = os.fork()
        if not pid:
            channel.close()
            _become(body, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        _, status = os.waitpid(pid, 0)
        channel.sendall(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def _request(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, DESCRIPTORS)
    while data and not data.endswith(b"\n"):
        data += channel.recv(1 << 16)
    return (json.loads(data), descriptors) if data else None


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """In the fork: the engine that was asked for, to its end. Never returns."""
    code = EXIT_BUG
    try:
        os.setsid()
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"], **{SUPERVISOR: str(os.getppid())})
        for descriptor in descriptors[:2]:
            os.close(descriptor)
        code = main(request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
