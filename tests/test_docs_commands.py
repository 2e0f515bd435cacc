"""What the documentation tells to do is done: every command that this machine can run, every worked example.

A block of commands is ```` ```sh ````. It runs in a fresh installation; `allow=1` names another exit code that is
right, `runs=on` is a process that goes on until it is stopped, `needs=...` says what it needs that a test has not.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command, get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS = {"root", "docker", "postgresql", "network", "site", "predictions", "gpu", "sqlite3"}
FENCE = re.compile(r"^```(sh|python)((?: \w+=\w+)*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STARTED_SECONDS = 4


@dataclass(frozen=True)
class Block:
    file: Path
    language: str
    options: dict[str, str]
    text: str


def blocks(language: str) -> list[Block]:
    return [
        Block(file, found[1], dict(option.split("=") for option in found[2].split()), found[3])
        for file in FILES
        for found in FENCE.finditer(file.read_text())
        if found[1] == language
    ]


SHELL = blocks("sh")
# Its examples need a server with a study: tests/leaderboard/api/test_api_docs.py gives them one.
ELSEWHERE = {"api.md"}
RUN = [
    block
    for block in SHELL
    if "needs" not in block.options and "runs" not in block.options and block.file.name not in ELSEWHERE
]
ON = [block for block in SHELL if "runs" in block.options]


def name(block: Block) -> str:
    return f"{block.file.name}: {block.text.splitlines()[0][:60]}"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh installation: its own folder, and `python` is the one that runs this."""
    folder = tmp_path_factory.mktemp("installation")
    environment = {
        **os.environ,
        "VAR_DIR": str(folder / "var"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "WARNING",
    }
    tests_own = ("DATABASE_URL", "CELERY_BROKER_URL", "DATA_DIR", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    for setting in tests_own:
        environment.pop(setting, None)
    work = folder / "work"
    work.mkdir()
    # Commands are given in the project's folder; what they write shall not lie there.
    for entry in ROOT.iterdir():
        if not entry.name.startswith(".") and entry.name != "var":
            (work / entry.name).symlink_to(entry)
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    return environment, work


def test_there_are_commands_and_every_need_is_known():
    assert len(RUN) >= 7
    assert {block.options["needs"] for block in SHELL if "needs" in block.options} <= NEEDS


@pytest.mark.parametrize("block", SHELL, ids=name)
def test_a_block_is_written_as_a_shell_reads_it(block):
    found = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("block", SHELL, ids=name)
def test_the_commands_of_manage_and_their_options_exist(block):
    """Also where the block itself cannot be run here."""
    for line in re.findall(r"manage\.py (.+)", block.text.replace("\\\n", " ")):
        words = [word for word in shlex.split(line, comments=True) if word not in ("|", "&&")]
        assert words[0] in get_commands(), line
        app = get_commands()[words[0]]
        parser = (app if not isinstance(app, str) else load_command_class(app, words[0])).create_parser("", words[0])
        known = {option for action in parser._actions for option in action.option_strings}
        assert {word.partition("=")[0] for word in words[1:] if word.startswith("--")} <= known, line


@pytest.mark.slow
def test_every_command_that_this_machine_can_run_runs(environment):
    """In the order of the pages, one after the other: they build on each other, as for a reader."""
    settings, work = environment
    for block in RUN:
        ended = subprocess.run(
            ["bash", "-uo", "pipefail"],
            input=block.text,
            cwd=work,
            env=settings,
            text=True,
            capture_output=True,
            check=False,
            timeout=180,
        )
        right = {0, int(block.options.get("allow", 0))}
        assert ended.returncode in right, f"{name(block)}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
        assert "Traceback" not in ended.stderr, f"{name(block)}\n{ended.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("block", ON, ids=name)
def test_what_goes_on_until_it_is_stopped_starts_and_stops(block, environment, unused_port):
    settings, work = environment
    text = block.text.replace(":8000", f":{unused_port}")
    process = subprocess.Popen(
        ["bash", "-c", f"exec {text.strip()}"],
        cwd=work,
        env={**settings, "PORT": str(unused_port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + STARTED_SECONDS
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    early = process.poll()
    if early is None:
        process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert early is None, said[-2000:]
    assert "Traceback" not in said, said[-2000:]


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_the_worked_examples_of_extending_work(tmp_path):
    program = [f"DATA_DIR = {str(tmp_path / 'mirror')!r}", *(block.text for block in blocks("python"))]
    assert len(program) > 5
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=180
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_the_units_are_ones_that_systemd_reads(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    for file in sorted((ROOT / "docs/deploy").glob("*.service")):
        # Of the paths, only this machine's can be checked.
        here = re.sub(r"/srv/leaderboard/\.venv/bin/python", sys.executable, file.read_text())
        (tmp_path / file.name).write_text(here.replace("/srv/leaderboard", str(ROOT)))
        found = subprocess.run(
            [program, "verify", "--man=no", str(tmp_path / file.name)], capture_output=True, text=True, check=False
        )
        assert f"{file.name}:" not in found.stderr, found.stderr


def test_the_units_start_what_the_page_says():
    for unit, words in (("web", "gunicorn leaderboard.wsgi"), ("worker", "celery --app leaderboard worker")):
        assert words in (ROOT / f"docs/deploy/{unit}.service").read_text()
        assert words in (ROOT / "docs/deploy.md").read_text()


def test_compose_has_the_four_services_and_no_secret_by_default():
    found = yaml.safe_load((ROOT / "docs/deploy/compose.yaml").read_text())
    assert set(found["services"]) == {"database", "broker", "web", "worker"}
    secrets = found["services"]["web"]["environment"]
    assert "${SECRET_KEY:?" in secrets["SECRET_KEY"]
    assert "${POSTGRES_PASSWORD:?" in secrets["DATABASE_URL"]


def test_help_of_every_command_of_our_own():
    for command, app in get_commands().items():
        if app == "leaderboard":
            with pytest.raises(SystemExit) as ended:
                call_command(command, "--help")
            assert ended.value.code == 0
