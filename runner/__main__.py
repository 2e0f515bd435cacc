"""`python -m runner STAGE.json`: run one stage without Django or Celery; events on stdout, log on stderr.

STAGE.json is a `runner.spec.Job`. Exit codes are in `runner.events`. SIGTERM asks the engine to write a
resume point and leave; the same command then goes on where it stopped.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from runner import finished, launch
from runner.errors import RecipeError, Stopped
from runner.events import EXIT_DONE, EXIT_OF, EXIT_STOPPED, EXIT_SUBMITTER, Emit, emitter
from runner.process import die_with_parent
from runner.spec import Job, TrainPlan

# Errors of the operating system that are the machine's, not the stage's: no room, or a disk that fails.
MACHINE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE, errno.EROFS)


def main(arguments: list[str]) -> int:
    """Run the stage of the file that `arguments` names and return the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return EXIT_SUBMITTER
    # A launcher that is killed leaves no worker behind: nothing else reaches them.
    die_with_parent(signal.SIGKILL if launch.is_worker() else signal.SIGTERM)
    # Libraries print to stdout; events must not be torn by them, so stdout becomes stderr for everybody else.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    emit = emitter(events)
    os.dup2(2, 1)
    stop = _StopFlag()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        job = Job.from_json(_text(arguments[0]))
        if finished.replay(job, emit):
            return EXIT_DONE
        if job.processes > 1 and isinstance(job.stage.plan, TrainPlan) and not launch.is_worker():
            os.dup2(events.fileno(), 1)  # where the workers' events go
            return launch.run(arguments[0], job.processes, emit)
        # Imported late: a wrong stage file is answered at once, not after the seconds that torch takes.
        from runner import engine

        engine.run(job, finished.Recorder(job, emit), stop.requested)
    except RecipeError as error:
        return _leave(emit, "submitter", str(error))
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return EXIT_STOPPED
    except Exception as error:
        traceback.print_exc()
        if _out_of_memory(error):
            return _leave(emit, "out_of_memory", _memory_sentence(error))
        if number := _machine_error(error):
            return _leave(emit, "infrastructure", f"The machine failed the stage: {os.strerror(number)}.")
        return _leave(emit, "bug", f"{type(error).__name__}: {error}")
    return EXIT_DONE


class _StopFlag:
    """Remembers that a signal asked the process to stop."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, number: int, frame: object) -> None:
        self._asked = True

    def requested(self) -> bool:
        return self._asked


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The stage file {name} cannot be read: {error}.") from error


def _leave(emit: Emit, family: str, message: str) -> int:
    print(message, file=sys.stderr)
    if launch.is_worker():
        launch.report(family, message)
    else:
        emit("error", family=family, message=message)
    return EXIT_OF[family]


def _out_of_memory(error: Exception) -> bool:
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )


def _machine_error(error: BaseException) -> int:
    """The number of the operating system's error that is behind `error`, if it is the machine's; else 0."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in MACHINE_ERRORS:
            return cause.errno
        # safetensors keeps the number in its text alone; torch says only that it could not write.
        for number in MACHINE_ERRORS:
            if f"os error {number})" in str(cause):
                return number
        if "PytorchStreamWriter failed" in str(cause) or "unexpected pos" in str(cause):
            return errno.EIO
    return 0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _memory_sentence(error: Exception) -> str:
    return f"The device has too little memory for this stage ({error}); a smaller maximal length or bf16 needs less."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
