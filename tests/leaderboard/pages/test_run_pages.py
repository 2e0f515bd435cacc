"""The pages of runs and studies: what they show of the work, and what can be done about it."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import zipfile
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Artifact, Stage
from leaderboard.models.querysets import status_of
from leaderboard.services import results
from leaderboard.views import files
from runner.spec import Job
from tests import factories
from tests.tables import text

pytestmark = pytest.mark.django_db


TRACEBACK = """INFO start
Traceback (most recent call last):
  File "engine.py", line 3, in run
    raise ValueError(secret)
ValueError: the secret

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "engine.py", line 9, in main
RuntimeError: the other secret
INFO end
"""


# Runs.


def test_run_page_shows_scores_per_task_and_language(client, seeded):
    run = seeded.run("ccg_pmb")
    score = run.scores.get(task="panx", language="sw")

    page = text(client.get(reverse("run", args=[run.pk])))

    assert f'<td class="number">{score.value:.1f}</td>' in page
    assert "40 of 40 languages" in page


def test_run_page_shows_the_sentence_of_a_failure(client, seeded):
    run = seeded.run("ccg_pmb")
    run.stages.filter(parent=None).update(status="failed", failure="submitter", message="There is no data for CCG.")

    page = text(client.get(reverse("run", args=[run.pk])))

    assert "There is no data for CCG." in page
    assert "The submission cannot work" in page


def test_run_page_has_curves_environment_data_and_artifacts(client, seeded):
    run = seeded.run("ccg_pmb")
    stage = run.stages.filter(action="train").first()
    data = {
        "dataset": "pmb/ccg-4.0.0",
        "config": "en",
        "split": "train",
        "language": "en",
        "rows": 7745,
        "sha256": "ab" * 32,
    }
    Stage.objects.filter(pk=stage.pk).update(
        environment={"git_revision": "7c1f0e2a9b", "packages": {"torch": "2.13.0"}, "device": "cpu"}, data=[data]
    )
    factories.write_files(stage, curve=factories.curve_text(), log="INFO a line\n")

    response = client.get(reverse("run", args=[run.pk]))

    page = text(response)
    for expected in [
        "7c1f0e2a9b",
        "2.13.0",
        "pmb/ccg-4.0.0",
        "7,745",
        "abababab",
        "stage.log",
        "INFO a line",
        "CCG supertagging",
    ]:
        assert expected in page
    assert len(response.context["loss_figure"]["data"][0]["x"]) == 40
    assert response.context["development_figure"]["data"][0]["y"][-1] == 75.0


def test_traceback_is_shown_to_staff_only(client, seeded):
    run = seeded.run("ccg_pmb")
    factories.write_files(run.stages.first(), log=TRACEBACK)
    url = reverse("run", args=[run.pk])

    public = text(client.get(url))
    client.force_login(User.objects.create_user("maintainer", is_staff=True))
    staff = text(client.get(url))

    assert "secret" not in public
    assert "INFO start" in public
    assert "INFO end" in public
    assert "the secret" in staff
    assert "Traceback" in staff


def test_state_follows_the_work_and_says_when_it_is_over(client, seeded):
    run = seeded.run("ccg_pmb")
    stage = run.stages.first()
    url = reverse("run-state", args=[run.pk])
    assert client.get(url).json()["finished"]
    Stage.objects.filter(pk=stage.pk).update(
        status="running",
        lease_until=timezone.now() + timedelta(minutes=1),
        done=1,
        total=4,
        unit="steps",
        activity="x",
        rate=0.5,
        usage={
            "memory": 100 << 20,
            "memory_peak": 200 << 20,
            "processor": 150.2,
            "gpu": "1",
            "gpu_memory": 5 << 20,
            "gpu_memory_total": 10 << 20,
            "gpu_load": 93,
        },
    )

    response = client.get(url)

    state = response.json()
    assert (state["status"], state["finished"]) == ("running", False)
    assert state["stages"][0] == {
        "id": stage.pk,
        "status": "running",
        "status_title": "Running",
        "done": 1,
        "total": 4,
        "progress": "1 of 4 steps – x – 0.5 steps/s – 6.0 s left",
        "usage": "100 MiB of memory (at most 200) · 150 % of a processor core · GPU 1: 5 of 10 MiB, 93 %",
        "reason": "",
        "message": "",
    }
    assert state["log"] == {"title": stage.title, "text": ""}
    assert "no-store" in response["Cache-Control"]


def test_state_has_the_log_and_the_curves_of_what_runs(client, seeded):
    run = seeded.run("ccg_pmb")
    stage = run.stages.filter(action="train").first()
    factories.write_files(stage, curve=factories.curve_text(), log=TRACEBACK)
    assert client.get(reverse("run-state", args=[run.pk])).json()["log"] is None
    Stage.objects.filter(pk=stage.pk).update(status="running", lease_until=timezone.now())

    state = client.get(reverse("run-state", args=[run.pk])).json()

    assert "INFO end" in state["log"]["text"]
    assert "secret" not in state["log"]["text"]
    assert len(state["curves"][str(stage.pk)]["loss"][0]) == 40
    assert list(state["curves"]) == [str(stage.pk)]


def test_a_runs_status_is_the_same_from_the_database_and_from_its_stages(seeded):
    run = seeded.run("ccg_pmb")
    first, second, *rest = run.stages.all()
    states = ["waiting", "queued", "running", "done", "failed", "cancelled"]
    for cancelled in (None, timezone.now()):
        type(run).objects.filter(pk=run.pk).update(cancelled=cancelled)
        for one, two in itertools.product(states, states):
            for stage, status in ((first, one), (second, two)):
                Stage.objects.filter(pk=stage.pk).update(status=status, failure="bug", lease_until=timezone.now())
            statuses = list(run.stages.values_list("status", flat=True))
            expected = type(run).objects.with_progress().get(pk=run.pk).status
            assert status_of(statuses, cancelled=cancelled is not None) == expected, (one, two, cancelled)


def test_a_failed_stage_shows_the_last_lines_of_its_log(client, seeded):
    run = seeded.run("ccg_pmb")
    stage = run.stages.filter(action="train").first()
    factories.write_files(stage, log="".join(f"line {number}\n" for number in range(30)))
    Stage.objects.filter(pk=stage.pk).update(status="failed", failure="out_of_memory", message="It was too much.")

    page = text(client.get(reverse("run", args=[run.pk])))

    shown = page[page.index("the last lines of its log") :]
    assert "line 29" in shown[: shown.index("</details>")]
    assert "line 21\n" not in shown[: shown.index("</details>")]


def test_the_page_has_the_graph_of_the_stages(client, seeded):
    run = seeded.run("ccg_pmb")
    page = text(client.get(reverse("run", args=[run.pk])))
    for stage in run.stages.all():
        assert f'data-node="{stage.pk}"' in page
    assert page.count("<path ") == run.stages.exclude(parent=None).count()


# What can be done about a run.


@pytest.fixture
def unfinished(seeded):
    run = seeded.run("ccg_pmb")
    run.stages.update(status="queued")
    return run


@pytest.mark.parametrize("action", ["run-cancel", "run-retry"])
def test_only_who_decides_about_runs_may_do_so(client, unfinished, action):
    url = reverse(action, args=[unfinished.pk])
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.post(url).status_code == 403
    page = text(client.get(reverse("run", args=[unfinished.pk])))
    assert "Cancel</button>" not in page
    assert "Clone" not in page
    assert set(unfinished.stages.values_list("status", flat=True)) == {"queued"}


def test_a_run_is_cancelled_and_retried_from_its_page(admin_client, unfinished):
    page = reverse("run", args=[unfinished.pk])
    assert "Cancel</button>" in text(admin_client.get(page))
    assert f"?run={unfinished.pk}" in text(admin_client.get(page))
    response = admin_client.post(reverse("run-cancel", args=[unfinished.pk]), follow=True)
    assert "stages end" in text(response)
    assert "cancelled" in set(unfinished.stages.values_list("status", flat=True))
    assert "Retry what failed" in text(response)
    response = admin_client.post(reverse("run-retry", args=[unfinished.pk]), follow=True)
    assert "Taken up again" in text(response)
    assert "cancelled" not in set(unfinished.stages.values_list("status", flat=True))


def test_a_run_is_reproduced_with_stage_files_that_are_the_same_stages(client, seeded):
    run = seeded.run("ccg_pmb")
    run.stages.update(environment={"git_revision": "7c1f0e2a9b", "lock": "ab" * 32})

    page = text(client.get(reverse("run-reproduce", args=[run.pk])))
    response = client.get(reverse("run-reproduce-archive", args=[run.pk]))

    assert "7c1f0e2a9b" in page
    assert "abababab" in page
    assert hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes()).hexdigest() in page
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        script = archive.read("reproduction/run.sh").decode()
        done = []
        for command in re.findall(r"^python -m runner (\S+)$", script, re.MULTILINE):
            job = Job.from_json(archive.read(command).decode())
            assert job.stage.parent in (None, *done)  # parents come first
            assert job.parent_output == (f"reproduction/{job.stage.parent}" if job.stage.parent else None)
            done.append(job.stage.fingerprint)
    assert set(done) == set(run.stages.values_list("fingerprint", flat=True))


def test_the_folder_of_an_encoder_is_not_told(client, tmp_path):
    encoder = factories.encoder("local")
    type(encoder).objects.filter(pk="local").update(location=str(tmp_path))
    run = factories.study(slug="local", scored=False).run("ccg_pmb")

    page = text(client.get(reverse("run-reproduce", args=[run.pk])))

    assert str(tmp_path) not in page
    assert "reproduction/encoders/local" in page


def test_what_did_not_run_here_cannot_be_reproduced(client):
    run = factories.published("A system")
    assert client.get(reverse("run-reproduce", args=[run.pk])).status_code == 404
    assert client.get(reverse("run-reproduce-archive", args=[run.pk])).status_code == 404


def test_unfinished_run_is_polled_and_a_finished_one_is_not(client, seeded):
    url = reverse("run", args=[seeded.run().pk])
    assert "js/run.js" not in text(client.get(url))

    seeded.run().stages.update(status="queued")

    assert "js/run.js" in text(client.get(url))


def test_published_run_shows_its_source(client):
    run = factories.published("XLM-R large")

    page = text(client.get(reverse("run", args=[run.pk])))

    assert "Quoted from the source" in page
    assert "https://example.org/paper" in page


def test_study_page_shows_its_grid(client):
    seeded = factories.study(seeds=(1, 2), scored=False)
    factories.finish(seeded.run("ccg_pmb", 2))
    seeded.run("nli_cad", 1).delete()

    response = client.get(reverse("study", args=[seeded.study.pk]))

    page = text(response)
    assert (response.context["runs_done"], response.context["run_count"]) == (1, 6)
    assert page.count('class="missing"') == 1
    assert reverse("run", args=[seeded.run("ccg_pmb", 2).pk]) in page


# Files of stages.


def test_nothing_outside_the_artifact_store_is_read(settings, tmp_path):
    secret = tmp_path / "secret.log"
    secret.write_text("secret")
    settings.ARTIFACT_DIR.mkdir(parents=True, exist_ok=True)
    link = settings.ARTIFACT_DIR / "link.log"
    link.symlink_to(secret)

    for path in [secret, "../secret_key", "/etc/passwd", "link.log", ".", "absent.log"]:
        assert files.inside(path) is None
        assert files.log_tail(path, tracebacks=True) == []


def test_log_is_read_from_its_end(seeded):
    stage = seeded.run("ccg_pmb").stages.first()
    factories.write_files(stage, log="".join(f"line {number} {'x' * 100}\n" for number in range(5000)))

    lines = files.log_tail(Artifact.objects.get(kind="log").path, tracebacks=True)

    assert len(lines) == files.LOG_LINES
    assert lines[-1].startswith("line 4999")
    assert lines[0].startswith("line 4900")


def test_log_that_begins_inside_a_traceback_hides_it():
    lines = ['  File "engine.py", line 3, in run', "    raise ValueError(secret)", "ValueError: the secret", "INFO end"]

    assert "secret" not in "".join(files.without_tracebacks(lines))
    assert "INFO end" in list(files.without_tracebacks(lines))


def test_curve_skips_what_is_no_point(seeded, settings):
    stage = seeded.run("ccg_pmb").stages.first()
    good = json.dumps({"step": 3, "loss": 1.5})
    factories.write_files(
        stage, curve=f'{good}\nnot json\n[1]\n{{"step": "x", "loss": 1}}\n{{"step": 4, "loss": null}}\n{{"step"'
    )

    curve = files.curve((results.folder(stage) / "curve.jsonl").relative_to(settings.ARTIFACT_DIR))

    assert curve.losses == ((3, 1.5),)


def test_icon_is_found_where_browsers_look_for_it(client):
    assert client.get("/favicon.ico").url.endswith("img/icon.svg")
