"""A training stage in several processes, one for each device, through PyTorch's own launcher (that of torchrun).

The process that a supervisor watches becomes the launcher: a wish to stop goes through it to the workers, and how they
end is how it ends. Workers have sessions of their own, which no signal to the launcher's group reaches.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from types import FrameType

from runner.events import EXIT_BUG, EXIT_DONE, EXIT_OF, EXIT_STOPPED, Emit
from runner.process import SUPERVISOR

# Set by the launcher (torch.distributed.elastic) for its workers: their number, and where they leave word of an error.
RANK = "LOCAL_RANK"
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


def is_worker() -> bool:
    """Whether this process is one of several that a launcher has started."""
    return RANK in os.environ


def report(family: str, message: str) -> None:
    """Leave word of an error for the launcher, which emits the first of them."""
    if path := os.environ.get(ERROR_FILE):
        error = {"message": message, "family": family, "timestamp": time.time()}
        Path(path).write_text(json.dumps(error), encoding="utf-8")


def run(stage_file: str, processes: int, emit: Emit) -> int:
    """Run the stage in `processes` workers and return the exit code; their error is emitted once.

    Where a worker was killed, this process ends by the same signal.
    """
    # Imported late: torch is not needed to refuse a stage file.
    import torch
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if torch.cuda.is_available() and torch.cuda.device_count() < processes:
        raise RuntimeError(f"{processes} processes need as many devices; this machine has {torch.cuda.device_count()}.")
    os.environ[SUPERVISOR] = str(os.getpid())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _pass_on)
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            run_id=Path(folder).name,
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            # Those that are ours are left to `_pass_on`: the launcher would forget the workers' exit codes.
            signals_to_handle="SIGHUP,SIGQUIT",
        )
        try:
            elastic_launch(config, sys.executable)("-m", "runner", stage_file)
        except ChildFailedError as failed:
            return ending(failed.failures.values(), emit)
    return EXIT_DONE


def _pass_on(number: int, frame: FrameType | None) -> None:
    """Pass a wish to stop on to the workers; before there are any, there is nothing to wait for."""
    import psutil

    workers = psutil.Process().children()
    if not workers:
        sys.exit(EXIT_STOPPED)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)


def ending(failures: Collection, emit: Emit) -> int:
    """The exit code of the worker that failed first: the failures of the others may have followed from it."""
    codes = [failure.exitcode for failure in failures]
    if -signal.SIGKILL in codes:
        os.kill(os.getpid(), signal.SIGKILL)
    reports = [failure for failure in failures if "family" in failure.error_file_data]
    if reports:
        first = min((failure.error_file_data for failure in reports), key=lambda report: report["timestamp"])
        emit("error", family=first["family"], message=first["message"])
        # Not its own exit code: another that left sooner may have had it terminated between its word and its end.
        return EXIT_OF[first["family"]]
    return EXIT_STOPPED if set(codes) <= {EXIT_STOPPED, -signal.SIGTERM} else EXIT_BUG
