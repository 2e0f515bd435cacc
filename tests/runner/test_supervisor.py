"""The supervisor, with real processes: how an engine can end, and that nothing of it stays behind."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.endings import Ending
from runner.process import out_of_memory_kills
from runner.supervisor import LOG, VISIBLE_GPUS, Limits, supervise
from tests.runner.supervised import ROOT, Watcher, alive, python, run, until


def on_first_event(ending: Ending) -> Callable[[Watcher], Ending | None]:
    return lambda watcher: ending if watcher.events else None


# Endings.


def test_it_works(tmp_path: Path) -> None:
    watcher = Watcher()
    script = """
        print("log line", file=sys.stderr)
        say("progress", done=1, total=2)
        time.sleep(0.3)
        say("done", seconds=1.5)
    """
    outcome = run(tmp_path, python(script), watcher)
    assert (outcome.ending, outcome.message) == (Ending.DONE, "")
    assert watcher.names == ["progress", "done"]
    assert watcher.beats > 1
    assert outcome.log_tail == ("log line",)
    assert outcome.seconds > 0.3


@pytest.mark.parametrize(
    ("script", "ending", "message"),
    [
        (
            'say("error", family="submitter", message="There is no task.");sys.exit(2)',
            Ending.SUBMITTER,
            "There is no task.",
        ),
        ('say("error", family="out_of_memory", message="Too big.");sys.exit(3)', Ending.OUT_OF_MEMORY, "Too big."),
        ("sys.exit(3)", Ending.OUT_OF_MEMORY, "The engine ran out of memory."),
        ('say("error", family="bug", message="KeyError: x");sys.exit(1)', Ending.BUG, "KeyError: x"),
        ("raise KeyError", Ending.BUG, "The engine ended with exit code 1; its log says more."),
        # Python's own exit code 2 is no word of the submitter's.
        ("sys.exit(2)", Ending.BUG, "The engine ended with exit code 2; its log says more."),
        ("pass", Ending.BUG, "The engine ended without saying that it was done."),
        ("os.kill(os.getpid(), signal.SIGSEGV)", Ending.BUG, "The engine crashed with SIGSEGV."),
        (
            'say("error", family="infrastructure", message="No space left on device.");sys.exit(5)',
            Ending.INFRASTRUCTURE,
            "No space left on device.",
        ),
        ("sys.exit(5)", Ending.INFRASTRUCTURE, "The machine failed the engine; its log says more."),
        ("sys.exit(4)", Ending.STOPPED, "The engine was asked to stop from outside."),
        ("os.kill(os.getpid(), signal.SIGTERM)", Ending.STOPPED, "The engine was asked to stop from outside."),
    ],
)
def test_each_ending_has_its_name_and_sentence(tmp_path: Path, script: str, ending: Ending, message: str) -> None:
    outcome = run(tmp_path, python(script))
    assert (outcome.ending, outcome.message) == (ending, message)


def test_a_kill_from_outside_is_told_from_one_for_memory_where_the_system_says(tmp_path: Path) -> None:
    outcome = run(tmp_path, python("os.kill(os.getpid(), signal.SIGKILL)"))
    if out_of_memory_kills() is None:
        assert outcome.ending is Ending.OUT_OF_MEMORY
        assert "most likely" in outcome.message
    else:
        assert outcome.ending is Ending.KILLED


def test_a_traceback_is_in_the_log_and_its_tail(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("an earlier attempt\n")
    outcome = run(tmp_path, python("raise ValueError('what happened')"))
    assert outcome.log_tail[-1] == "ValueError: what happened"
    assert "an earlier attempt" not in outcome.log_tail
    assert (tmp_path / LOG).read_text().startswith("an earlier attempt\n")


def test_a_command_that_does_not_exist_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(tmp_path, ["/no/such/engine"])


# Stopping.


def test_a_cancelled_engine_may_write_its_checkpoint(tmp_path: Path) -> None:
    script = f"""
        def leave(*_):
            open({str(tmp_path / "checkpoint")!r}, "w").close()
            sys.exit(4)
        signal.signal(signal.SIGTERM, leave)
        say("progress", done=0, total=1)
        time.sleep(30)
    """
    outcome = run(tmp_path, python(script), Watcher(on_first_event(Ending.CANCELLED)))
    assert outcome.ending is Ending.CANCELLED
    assert outcome.seconds < 5
    assert (tmp_path / "checkpoint").exists()


def test_an_engine_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    script = 'signal.signal(signal.SIGTERM, signal.SIG_IGN);say("progress", done=0, total=1);time.sleep(30)'
    outcome = run(tmp_path, python(script), Watcher(on_first_event(Ending.STOPPED)), grace=0.3)
    assert outcome.ending is Ending.STOPPED
    assert 0.3 < outcome.seconds < 5


def test_the_deadline_ends_an_engine(tmp_path: Path) -> None:
    outcome = run(tmp_path, python("time.sleep(30)"), deadline=0.3)
    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.message == "It was stopped after its time limit of 0.3 seconds."


def test_a_cancelled_engine_that_does_not_listen_is_killed_sooner(tmp_path: Path) -> None:
    script = 'signal.signal(signal.SIGTERM, signal.SIG_IGN);say("progress", done=0, total=1);time.sleep(30)'
    outcome = run(tmp_path, python(script), Watcher(on_first_event(Ending.CANCELLED)), grace=20, cancel_grace=0.3)
    assert outcome.ending is Ending.CANCELLED
    assert outcome.seconds < 5


def test_an_engine_that_says_nothing_new_hangs(tmp_path: Path) -> None:
    script = """
        while True:
            say("progress", done=5, total=10)
            time.sleep(0.05)
    """
    watcher = Watcher()
    outcome = run(tmp_path, python(script), watcher, silence=1)
    assert outcome.ending is Ending.HUNG
    assert outcome.message == "It was alive, but made no progress for 1 seconds."
    assert len(watcher.events) > 5
    assert outcome.seconds < 8


def test_an_engine_that_goes_on_does_not_hang_however_long_it_takes(tmp_path: Path) -> None:
    script = """
        for step in range(8):
            say("progress", done=step, total=8)
            time.sleep(0.3)
        say("done", seconds=1)
    """
    assert run(tmp_path, python(script), silence=1.5).ending is Ending.DONE


def test_an_engine_that_takes_too_much_memory_is_ended_with_the_numbers(tmp_path: Path) -> None:
    script = 'block = bytearray(400 * 2**20); block[::4096] = b"x" * len(block[::4096]); time.sleep(30)'
    outcome = run(tmp_path, python(script), memory=200 * 2**20)
    assert outcome.ending is Ending.OUT_OF_MEMORY
    # It may be seen before it has all of it.
    assert re.fullmatch(r"It used 0\.[2-4] GiB of memory, more than the 0\.2 allowed\.", outcome.message)


def test_memory_and_processor_of_all_that_the_engine_started_are_measured(tmp_path: Path) -> None:
    script = """
        import subprocess
        busy = "import time; block = bytearray(150 * 2**20); end = time.time() + 2\\nwhile time.time() < end: pass"
        subprocess.run([sys.executable, "-c", busy])
        say("done", seconds=1)
    """
    watcher = Watcher()
    assert run(tmp_path, python(script), watcher, heartbeat=0.3).ending is Ending.DONE
    assert max(usage.memory_peak for usage in watcher.usages) > 100 * 2**20
    assert max(usage.processor for usage in watcher.usages) > 10
    assert "gpu" not in watcher.usages[-1].to_dict()


def test_an_engine_sees_the_gpu_of_its_place_alone(tmp_path: Path) -> None:
    watcher = Watcher()
    command = python(f'say("done", visible=os.environ.get({VISIBLE_GPUS!r}))')
    supervise(command, tmp_path, watcher, Limits(0.05, 5), cwd=ROOT, gpu="3")
    assert watcher.events == [{"event": "done", "visible": "3"}]
    assert watcher.usages[-1].gpu == "3"


def test_an_engine_that_is_done_before_it_hears_of_cancelling_is_done(tmp_path: Path) -> None:
    script = """
        signal.signal(signal.SIGTERM, lambda *_: None)
        say("progress", done=0, total=1)
        time.sleep(0.5)
        say("done", seconds=1)
    """
    outcome = run(tmp_path, python(script), Watcher(on_first_event(Ending.CANCELLED)))
    assert outcome.ending is Ending.DONE


def test_nothing_of_the_engine_stays_behind(tmp_path: Path) -> None:
    script = f"""
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
        say("done", seconds=1)
    """
    begun = time.monotonic()
    assert run(tmp_path, python(script)).ending is Ending.DONE
    assert time.monotonic() - begun < 10  # the child held the pipe open and was not waited for
    until(lambda: not alive(int((tmp_path / "child").read_text())))


# Events.


def test_lines_that_are_no_events_go_to_the_log(tmp_path: Path) -> None:
    watcher = Watcher()
    script = r"""
        print("Downloading...", flush=True)
        print('["no", "event"]', flush=True)
        sys.stdout.write('{"event": "score", "value": 1}\n{"event": "sco')
        sys.stdout.flush()
        time.sleep(0.2)
        sys.stdout.write('re", "value": 2}\n')
        say("done", seconds=1)
        sys.stdout.write('{"event": "score", "va')
    """
    outcome = run(tmp_path, python(script), watcher)
    assert outcome.ending is Ending.DONE
    assert [event.get("value") for event in watcher.events] == [1, 2, None]
    assert outcome.log_tail == ("Downloading...", '["no", "event"]', '{"event": "score", "va')


def test_many_events_arrive_all_and_in_order(tmp_path: Path) -> None:
    watcher = Watcher()
    script = 'for n in range(20000): print(json.dumps({"event": "score", "value": n}))\nsay("done", seconds=1)'
    assert run(tmp_path, python(script), watcher).ending is Ending.DONE
    assert [event["value"] for event in watcher.events[:-1]] == list(range(20000))


def test_an_endless_line_is_no_event_and_fills_no_memory(tmp_path: Path) -> None:
    script = 'sys.stdout.write("x" * 3_000_000); print(); say("done", seconds=1)'
    watcher = Watcher()
    assert run(tmp_path, python(script), watcher).ending is Ending.DONE
    assert watcher.names == ["done"]


def test_an_engine_that_closes_its_output_is_still_watched(tmp_path: Path) -> None:
    watcher = Watcher()
    script = 'say("done", seconds=1); os.close(1); time.sleep(0.5); os._exit(0)'
    assert run(tmp_path, python(script), watcher).ending is Ending.DONE
    assert watcher.beats > 3
