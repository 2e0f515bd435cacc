"""The command line: what the admin and the pages can do, with exit codes, `--json` and one sentence for an error."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from leaderboard.models import Artifact, Publication, Run, Score, Source, Study
from leaderboard.published.tables import COLUMNS, own_scores
from leaderboard.services import results
from tests import factories

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def say(*arguments: object, **options: object) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*(str(argument) for argument in arguments), stdout=out, **options)
    return out.getvalue()


def told(*arguments: object) -> dict:
    return json.loads(say(*arguments, "--json"))


def study_file(folder: Path, **changes: object) -> Path:
    factories.encoder()
    asked = {
        "name": "From a script",
        "encoder": "tiny",
        "methods": ["baseline", "intermediate"],
        "intermediate_tasks": ["nli_cad"],
        "targets": [{"task": "xnli_cad"}],
        "seeds": [1, 2],
        **changes,
    }
    file = folder / "study.json"
    file.write_text(json.dumps(asked))
    return file


def table(folder: Path, name: str = "table.csv", **changes: str) -> Path:
    values = {**dict.fromkeys(COLUMNS, ""), "source": "paper", "system": "A", "task": "xnli", "metric": "accuracy"}
    values |= {"value": "80.5", **changes}
    file = folder / name
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(values[column] for column in COLUMNS) + "\n")
    return file


@pytest.fixture
def paper():
    return Source.objects.create(key="paper", title="A paper", status="quoted")


# export


def test_it_works(tmp_path):
    factories.study(tasks=("udpos",), seeds=(1,))
    output = tmp_path / "scores.csv"
    answer = told("export", "scores", "--output", output)
    assert answer == {"what": "scores", "format": "csv", "file": str(output), "bytes": output.stat().st_size}
    rows = list(csv.DictReader(io.StringIO(output.read_text(), newline="")))
    assert len(rows) == Score.objects.count() > 0
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("layout", ["csv", "jsonl", "every_eval_ever"])
def test_scores_go_into_a_pipe(layout):
    factories.study(tasks=("udpos",), seeds=(1,))
    assert "udpos" in say("export", "scores", "--format", layout)


@pytest.mark.parametrize("layout", ["csv", "json", "tex", "md"])
@pytest.mark.parametrize("what", [["leaderboard"], ["transfer"], ["task", "--task", "udpos"]])
def test_tables_are_those_of_the_pages(what, layout):
    factories.study(tasks=("udpos",), seeds=(1,))
    assert "CCG" in say("export", *what, "--format", layout, "--query", "?show=score&languages=de,sw")


def test_a_runs_files(tmp_path):
    seeded = factories.study(tasks=("udpos",), seeds=(1,))
    stage = seeded.run().stages.get(action="evaluate")
    folder = results.folder(stage) / "predictions" / "udpos"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test-de.tsv").write_text("NOUN\n")
    path = f"{stage.fingerprint[:2]}/{stage.fingerprint}/predictions/udpos/test-de.tsv"
    Artifact.objects.create(stage=stage, kind="predictions", path=path, sha256="0" * 64, size=5)

    say("export", "predictions", "--run", seeded.run().pk, "--output", tmp_path / "p.zip")

    assert zipfile.ZipFile(tmp_path / "p.zip").namelist() == ["udpos/test-de.tsv", "manifest.json"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["scores", "--format", "xlsx"], "'scores' is written as csv, jsonl, parquet, every_eval_ever; found 'xlsx'."),
        (["predictions"], "'predictions' are of one run: name it with --run."),
        (["items", "--run", "99"], "There is no run 99; `manage.py runs` lists them."),
        (["leaderboard", "--task", "xnli"], "The table `task` needs --task, `language` --language, and no other"),
        (["task", "--task", "xnlli"], "There is no task 'xnlli'. Did you mean xnli"),
        (["leaderboard", "--query", "encoder=none"], "There is no encoder 'none'."),
        (["scores", "--output", "/nowhere/scores.csv"], "/nowhere/scores.csv cannot be written: No such file"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(arguments, sentence):
    with pytest.raises(CommandError) as refused:
        say("export", *arguments)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    output = tmp_path / "scores.csv"
    output.write_text("old")
    monkeypatch.setattr("leaderboard.exports.bulk._scores_csv", broken)
    with pytest.raises(RuntimeError):
        say("export", "scores", "--output", output)
    assert output.read_text() == "old"
    assert list(tmp_path.iterdir()) == [output]


def broken(**options):
    yield b"run\r\n"
    yield b"1\r\n"
    raise RuntimeError("the database is away")


# import_published, check_published


def test_the_projects_own_results_are_imported_once():
    assert told("import_published")["new"] == len(own_scores())
    again = told("import_published")
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, len(own_scores()))


def test_a_dry_run_says_what_would_change_and_stores_nothing(paper, tmp_path):
    say("import_published", table(tmp_path))
    text = say("import_published", table(tmp_path, value="81"), "--dry-run")
    assert text == "changed: paper, A, xnli accuracy: 80.5 -> 81\nWould store: 0 new, 1 changed, 0 there already.\n"
    assert Score.objects.get().value == 80.5
    assert told("import_published", table(tmp_path, value="81"))["changed"] == 1
    assert Score.objects.get().value == 81


def test_all_files_or_none(paper, tmp_path):
    good, bad = table(tmp_path, "a.csv"), table(tmp_path, "b.csv", task="xnlli")
    with pytest.raises(CommandError, match="b.csv, line 2: There is no task 'xnlli'"):
        say("import_published", good, bad)
    assert not Score.objects.exists()
    with pytest.raises(CommandError, match="Two files have the score of A on xnli accuracy"):
        say("import_published", good, table(tmp_path, "c.csv", value="81"))


def test_results_of_a_tool_need_source_and_system(paper, tmp_path):
    file = tmp_path / "Tatoeba.json"
    subsets = [{"hf_subset": "deu-eng", "accuracy": 0.9}, {"hf_subset": "xho-eng", "accuracy": 0.1}]
    file.write_text(json.dumps({"task_name": "Tatoeba", "scores": {"test": subsets}}))
    with pytest.raises(CommandError, match="The row has no source and no system"):
        say("import_published", file, "--format", "mteb")
    answer = told("import_published", file, "--format", "mteb", "--source", "paper", "--system", "an encoder")
    assert (answer["new"], answer["left_out"]) == (1, ["Tatoeba xho-eng"])


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "file.csv"
    if content:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=r"file.csv (cannot be read: No such file|is not text in UTF-8)"):
        say("import_published", file)


def test_a_source_is_checked_by_who_may(paper, tmp_path):
    say("import_published", table(tmp_path))
    User.objects.create_user("reader")
    User.objects.create_superuser("maintainer")
    with pytest.raises(CommandError, match="The user 'reader' may not say"):
        say("check_published", "paper", "--user", "reader", "--against", "Table 1")
    with pytest.raises(CommandError, match="A check says against what"):
        say("check_published", "paper", "--user", "maintainer")
    assert told("check_published", "paper", "--user", "maintainer", "--against", "Table 1")["scores"] == 1
    assert Publication.objects.get().checked_against == "Table 1"


# submit, runs, cancel, withdraw


def test_a_study_is_submitted_as_the_api_takes_it(tmp_path):
    answer = told("submit", study_file(tmp_path))
    study = Study.objects.get(pk=answer["study"])
    assert sorted(answer["runs"]) == sorted(study.runs.values_list("pk", flat=True))
    assert len(answer["runs"]) == 4


def test_a_forecast_submits_nothing(tmp_path):
    assert told("submit", study_file(tmp_path), "--forecast")["stages"] > 0
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seeds": []}, "describes no study: seeds: List should have at least 1 item"),
        ({"sedes": [1]}, "describes no study: sedes: Extra inputs are not permitted"),
        ({"encoder": "none"}, "There is no encoder 'none'"),
        ({"targets": [{"task": "xnlli"}]}, "There is no task 'xnlli'"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_a_sentence(tmp_path, changes, sentence):
    with pytest.raises(CommandError) as refused:
        say("submit", study_file(tmp_path, **changes))
    assert sentence in str(refused.value)
    assert not Study.objects.exists()


def test_runs_are_listed_and_awaited(tmp_path):
    seeded = factories.study(tasks=("udpos",), seeds=(1,), scored=False)
    factories.published("A system")
    lines = [json.loads(line) for line in say("runs", "--json").splitlines()]
    assert {line["status"] for line in lines if line["origin"] == "local"} == {"queued"}
    assert len(say("runs", "--study", seeded.study.pk).splitlines()) == 3
    assert say("runs", "--origin", "published").split()[1] == "published"

    error = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        say("runs", "--study", seeded.study.pk, "--wait", "0", stderr=error)
    assert ended.value.code == 1
    assert error.getvalue().startswith("Not done: ")

    for run in seeded.study.runs.all():
        factories.finish(run)
    say("runs", "--study", seeded.study.pk, "--wait", "5")


def test_cancel_and_retry(tmp_path):
    seeded = factories.study(tasks=("udpos",), seeds=(1,), scored=False)
    run = seeded.run("ccg_pmb")
    assert told("cancel", run.pk)["stages"] == 3
    assert told("runs", run.pk)["status"] == "cancelled"
    assert told("cancel", run.pk, "--retry") == {"runs": [run.pk], "stages": 3, "retried": True}
    with pytest.raises(CommandError, match="have nothing to cancel or retry"):
        say("cancel", factories.published("A system").pk)


def test_a_wrong_number_cancels_nothing():
    seeded = factories.study(tasks=("udpos",), seeds=(1,), scored=False)
    with pytest.raises(CommandError, match="There is no run 9999"):
        say("cancel", seeded.run().pk, 9999)
    assert told("runs", seeded.run().pk)["status"] == "queued"


def test_withdraw():
    run = factories.published("A system")
    assert told("withdraw", run.pk, "--reason", "A slip.") == {"runs": [run.pk], "reason": "A slip."}
    assert Run.objects.get().withdrawal == "A slip."
    with pytest.raises(CommandError, match="was withdrawn already"):
        say("withdraw", run.pk, "--reason", "Again.")


# As a shell sees them.


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["submit", "nowhere.json"], 1, "nowhere.json cannot be read: No such file or directory."),
        (["export"], 2, "the following arguments are required: what"),
    ],
)
def test_exit_codes_and_one_sentence_on_stderr(arguments, code, sentence, tmp_path):
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout == ""
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
