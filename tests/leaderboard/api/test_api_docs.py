"""The examples of docs/api.md, run one after the other by a shell against a live server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from leaderboard.models import Run, Snapshot, Study
from leaderboard.services import tokens
from tests import factories, uploads

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/api.md").read_text(), re.DOTALL | re.MULTILINE)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
]


@pytest.fixture
def shell(live_server, settings, tmp_path):
    """Runs an example and gives what it prints; the variables that it sets are there for the next."""
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.DATA_DIR = str(tmp_path / "mirror")
    files, _ = uploads.mirror(tmp_path / "mirror", "paws_x")
    (tmp_path / "predictions.zip").write_bytes(uploads.zipped(files).getvalue())
    factories.study(tasks=("tatoeba",), languages=("de", "sw", "te"), seeds=(1,))
    secret = tokens.make(User.objects.create_superuser("script"), "docs", "submit")[1]
    # A server of this machine is no matter for a proxy.
    start = {"LEADERBOARD": live_server.url, "TOKEN": secret, "no_proxy": "*"}
    environment = {**os.environ, **start, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(script: str) -> str:
        command = f"set -eu\n[ -f kept ] && . ./kept\n{script}\nset | grep -E '^(RUN|SNAPSHOT)=' > kept || true\n"
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout

    return run


@pytest.mark.django_db(transaction=True)
def test_it_works(shell, tmp_path):
    told = [shell(example) for example in EXAMPLES]

    # Each of them says what the text around it says.
    found = iter(told)
    table = json.loads(next(found))
    assert "low-resource languages by size" in table["sentence"]
    assert table["rows"]
    assert len(json.loads(next(found))["items"]) == 3
    next(found)
    lines = (tmp_path / "scores.jsonl").read_text().splitlines()
    assert {json.loads(line)["task"] for line in lines} == {"tatoeba"}
    assert json.loads(next(found))["slug"] == "xnli"
    assert json.loads(next(found))["scope"] == "submit"
    assert json.loads(next(found))["stages"] > 4
    next(found)
    assert Study.objects.get(name="From a script").runs.count() == 4
    assert json.loads(next(found))["status"] == "queued"
    assert json.loads(next(found))["stages"] > 0
    assert json.loads(next(found))["created"] is True
    assert Run.objects.get(origin="uploaded").system == "XLM-R large, MNLI"
    assert json.loads(next(found)) == []
    (snapshot,) = Snapshot.objects.all()
    assert next(found).split()[0] == snapshot.hash
    assert json.loads(next(found)) == {"error": "There is no task xnl."}
    assert next(found, None) is None
