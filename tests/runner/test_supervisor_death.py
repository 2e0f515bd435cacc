"""The engine and its supervisor: what either does when the other is gone, or left something behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runner.endings import Ending
from runner.process import SUPERVISOR
from runner.supervisor import LOCK
from tests.runner.supervised import ROOT, Watcher, alive, python, run, until


def test_the_engine_leads_a_session_of_its_own_and_has_no_input(tmp_path: Path) -> None:
    watcher = Watcher()
    run(tmp_path, python('say("done", own=os.getsid(0) == os.getpid(), input=sys.stdin.read())'), watcher)
    assert watcher.events == [{"event": "done", "own": True, "input": ""}]


SUPERVISE = """
import sys
from pathlib import Path
from tests.runner.supervised import Watcher, python, run
run(Path(sys.argv[1]), python(Path(sys.argv[2]).read_text()))
"""


def _supervisor(folder: Path, script: str) -> tuple[subprocess.Popen[bytes], int]:
    """A supervisor in a process of its own, and the process id that its engine wrote to `folder`/pid."""
    (folder / "engine.py").write_text(textwrap.dedent(script))
    process = subprocess.Popen([sys.executable, "-c", SUPERVISE, folder, folder / "engine.py"], cwd=ROOT)
    engine = folder / "pid"
    until(lambda: engine.exists() and engine.read_text())
    return process, int(engine.read_text())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_an_engine_whose_supervisor_is_killed_gets_to_write_its_checkpoint(tmp_path: Path) -> None:
    script = f"""
        from runner.process import die_with_parent
        def leave(*_):
            open({str(tmp_path / "checkpoint")!r}, "w").close()
            sys.exit(4)
        signal.signal(signal.SIGTERM, leave)
        die_with_parent()
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        time.sleep(60)
    """
    supervisor, engine = _supervisor(tmp_path, script)
    supervisor.kill()
    supervisor.wait()
    until(lambda: (tmp_path / "checkpoint").exists() and not alive(engine))


def test_a_leftover_engine_is_ended_before_another_begins_in_its_folder(tmp_path: Path) -> None:
    script = f"""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        time.sleep(60)
    """
    supervisor, leftover = _supervisor(tmp_path, script)
    supervisor.kill()
    supervisor.wait()
    assert alive(leftover)
    watcher = Watcher()
    outcome = run(tmp_path, python('say("done", seconds=1)'), watcher, grace=0.5)
    assert outcome.ending is Ending.DONE
    assert not alive(leftover)


def test_a_folder_that_is_not_let_go_is_left_alone(tmp_path: Path) -> None:
    hold = f"""
import fcntl, time
lock = open({str(tmp_path / LOCK)!r}, "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        wish = Watcher(lambda watcher: Ending.CANCELLED if watcher.beats > 2 else None)
        outcome = run(tmp_path, python('say("done", seconds=1)'), wish)
        assert outcome.ending is Ending.CANCELLED
        assert not wish.events
    finally:
        holder.kill()
        holder.communicate()


def test_an_engine_that_was_started_by_hand_has_no_supervisor_to_die_with() -> None:
    command = [sys.executable, "-c", "from runner.process import die_with_parent; die_with_parent(); print('alive')"]
    environment = {name: value for name, value in os.environ.items() if name != SUPERVISOR}
    assert subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).stdout == b"alive\n"


def test_an_engine_whose_supervisor_died_before_it_could_ask_ends_too() -> None:
    command = [sys.executable, "-c", "from runner.process import die_with_parent; die_with_parent(); print('alive')"]
    environment = {**os.environ, SUPERVISOR: "1" if os.getpid() != 1 else "2"}
    assert subprocess.run(command, cwd=ROOT, env=environment).returncode == -signal.SIGTERM
