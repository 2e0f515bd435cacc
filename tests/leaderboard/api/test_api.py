"""The HTTP API: it tells what the pages show, does what a token may, and says what is wrong in one sentence."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

import pytest

from leaderboard.models import Run, Score, Snapshot, Study
from leaderboard.services import uncertainty, withdrawals
from leaderboard.standings import filters as state
from leaderboard.standings.filters import View
from leaderboard.standings.query import load
from runner.tasks import registry
from tests import factories, measured, uploads
from tests.api import API, STUDY, get, give, post, refused, token

pytestmark = pytest.mark.django_db


# Reading.


@pytest.mark.parametrize("path", ["/languages", "/tasks", "/encoders", "/scores", "/runs", "/studies", "/snapshots"])
def test_it_works(client, seeded, path):
    assert client.get(f"{API}{path}").status_code == 200


def test_the_catalogue(client):
    assert {task["slug"] for task in get(client, "/tasks")} == set(registry.TASKS)
    xnli = get(client, "/tasks/xnli")
    assert (xnli["headline"], sorted(xnli["languages"])) == ("accuracy", sorted(registry.task("xnli").languages))
    (swahili,) = [language for language in get(client, "/languages") if language["code"] == "sw"]
    assert (swahili["name"], swahili["cc100_gib"], swahili["resource_class"]) == ("Swahili", 1.6, 2)


def test_where_an_encoder_lies_is_not_told(client):
    factories.encoder()
    assert "location" not in get(client, "/encoders")[0]
    assert "some/folder" not in client.get(f"{API}/encoders").content.decode()


@pytest.mark.parametrize(
    ("path", "view", "query"),
    [
        ("/standings/leaderboard", View.LEADERBOARD, ""),
        ("/standings/leaderboard", View.LEADERBOARD, "?method=intermediate&languages=de&sort=-overall"),
        ("/standings/transfer", View.TRANSFER, ""),
        ("/standings/tasks/udpos", View.TASK, "?order=code"),
    ],
)
def test_standings_are_those_of_the_page(client, seeded, rf, path, view, query):
    told = get(client, path + query)
    filters = state.parse(rf.get(f"/{query}").GET, view, task="udpos" if view is View.TASK else "")
    shown = load(filters)
    assert told["sentence"] == shown.sentence
    assert [column["key"] for column in told["columns"]] == [column.key for column in shown.columns]
    assert [row["title"] for row in told["rows"]] == [row.title for row in shown.rows]
    for mine, row in zip(told["rows"], shown.rows, strict=True):
        for cell, right in zip(mine["cells"], row.cells, strict=True):
            assert (cell["score"], cell["sd"], cell["n"]) == (right.value, right.sd, right.n)
            difference = right.difference if view is View.TRANSFER else right.paired
            assert (cell["difference"] or {}).get("value") == (difference.value if difference else None)


def test_differences_have_their_intervals(client):
    measured.study(tasks=("paws_x",), intermediates=("nli_cad",))
    uncertainty.refresh()
    shown = [
        cell.difference.interval
        for row in load(state.Filters()).rows
        for cell in row.cells
        if cell.difference and cell.difference.interval
    ]
    told = [
        cell["difference"]["interval"]
        for row in get(client, "/standings/leaderboard")["rows"]
        for cell in row["cells"]
        if cell["difference"] and cell["difference"]["interval"]
    ]
    assert told
    assert told == [asdict(interval) for interval in shown]


def test_scores_come_by_pages_and_as_a_stream(client, seeded):
    uploads.stored()
    seen, path = [], "/scores?limit=4"
    while path:
        page = get(client, path)
        assert len(page["items"]) <= 4
        seen += page["items"]
        path = page["next"] and page["next"].removeprefix("http://testserver/api/v1")
    assert len(seen) == Score.objects.count()
    lines = b"".join(client.get(f"{API}/scores.jsonl").streaming_content).decode().splitlines()
    assert [json.loads(line) for line in lines] == seen
    written = list(csv.DictReader(io.StringIO(b"".join(client.get("/scores.csv").streaming_content).decode())))
    assert [float(row["value"]) for row in written] == [score["value"] for score in seen]
    assert list(seen[0]) == [name for name in written[0] if name in seen[0]]
    assert next(score for score in seen if score["origin"] == "uploaded")["seed"] is None


def test_scores_can_be_asked_for(client, seeded):
    found = get(client, "/scores?task=tatoeba&language=de&metric=accuracy")["items"]
    assert {(score["task"], score["language"], score["metric"]) for score in found} == {("tatoeba", "de", "accuracy")}
    run = seeded.run().pk
    assert {score["run"] for score in get(client, f"/scores?run={run}")["items"]} == {run}


def test_withdrawn_and_unverified_scores_are_left_out(client, seeded):
    withdrawals.withdraw(seeded.run(), "A mistake.")
    unverified = factories.published("XLM-R", status="unverified")
    there = {score["run"] for score in get(client, "/scores?limit=1000")["items"]}
    assert there.isdisjoint({seeded.run().pk, unverified.pk})
    assert unverified.pk in {score["run"] for score in get(client, "/scores?limit=1000&unverified=true")["items"]}


def test_a_run_says_what_it_is_and_how_far(client, seeded):
    run = seeded.run("nli_cad")
    told = get(client, f"/runs/{run.pk}")
    assert (told["title"], told["status"], told["intermediate_tasks"]) == (run.recipe.title, "done", ["nli_cad"])
    assert [stage["title"] for stage in told["stages"]] == [stage.title for stage in run.stages.all()]
    assert told["url"] == f"http://testserver{run.get_absolute_url()}"


def test_runs_can_be_asked_for(client, seeded):
    uploads.stored("Theirs")
    assert [run["title"] for run in get(client, "/runs?origin=uploaded")["items"]] == ["Theirs"]
    assert len(get(client, f"/runs?study={seeded.study.pk}&status=done")["items"]) == 3
    assert get(client, "/runs?status=failed")["items"] == []
    first = get(client, "/runs?limit=2")
    second = get(client, first["next"].removeprefix("http://testserver/api/v1"))
    assert [run["id"] for run in first["items"] + second["items"]] == sorted(Run.objects.values_list("pk", flat=True))


def test_files_can_be_had_but_no_logs(client, seeded):
    run = seeded.run()
    stage = run.stages.first()
    factories.write_files(stage, curve=factories.curve_text(), log="a path of the machine\n")
    told = {artifact["kind"]: artifact for artifact in get(client, f"/runs/{run.pk}/artifacts")}
    assert told["log"]["download"] is None
    response = client.get(told["curve"]["download"].removeprefix("http://testserver"))
    assert b"".join(response.streaming_content).decode() == factories.curve_text()
    refused(client.get(f"{API}/artifacts/{told['log']['id']}/file"), 404, "There is no file to download of the number")


def test_a_snapshot_with_its_tables_content_and_changes(client, seeded, user):
    give(user, "add_snapshot")
    made = post(client, "/snapshots", {"name": "Camera-ready", "note": "For the paper."}, token(user))
    assert made.status_code == 201
    address = made.json()["address"]
    assert get(client, f"/snapshots/{address}") == made.json()
    assert get(client, "/snapshots")[0]["hash"] == Snapshot.objects.get().hash
    assert get(client, f"/snapshots/{address}/tables/leaderboard.xtreme") == get(client, "/standings/leaderboard")
    assert get(client, f"/snapshots/{address}/changes") == []
    withdrawals.withdraw(seeded.run(), "A mistake.")
    (run,) = get(client, f"/snapshots/{address}/changes")
    assert (run["run"], run["removed"]) == (seeded.run().pk, seeded.run().scores.count())


# Writing.


def test_a_study_is_submitted_followed_and_cancelled(client, user):
    factories.encoder()
    give(user, "add_study", "change_run")
    headers = token(user)
    told = post(client, "/studies/forecast", STUDY, headers).json()
    assert not Study.objects.exists()

    response = post(client, "/studies", STUDY, headers)
    assert response.status_code == 201
    study = Study.objects.get()
    assert (study.name, study.submitted_by, study.seeds) == ("From a script", user, [1, 2])
    assert study.targets[1]["limit"] == 50
    runs = response.json()["runs"]
    assert len(runs) == 4
    stages = {stage["id"] for pk in runs for stage in get(client, f"/runs/{pk}")["stages"]}
    assert len(stages) == told["stages"]
    assert get(client, f"/runs/{runs[0]}")["status"] == "queued"

    assert post(client, f"/runs/{runs[0]}/cancel", None, headers).json()["stages"] > 0
    assert get(client, f"/runs/{runs[0]}")["status"] == "cancelled"
    assert post(client, f"/runs/{runs[0]}/retry", None, headers).json()["stages"] > 0


def test_a_study_of_alignment_and_noise(client, user):
    factories.encoder()
    give(user, "add_study")
    asked = {
        "targets": [
            {"task": "udpos", "languages": ["de"], "noises": [{"kind": "typos"}, {"kind": "drops", "rate": 0.2}]}
        ],
        "alignment": [{"text": "tatoeba", "languages": ["de", "sw"], "limit": 300}],
    }
    told = post(client, "/studies", {**STUDY, **asked}, token(user)).json()

    study = Study.objects.get()
    assert [(noise["kind"], noise["rate"]) for noise in study.targets[0]["noises"]] == [("typos", 0.1), ("drops", 0.2)]
    assert [(one["task"], one["languages"], one["limit"]) for one in study.diagnoses] == [
        ("tatoeba", ["de", "sw"], 300)
    ]
    assert [(one["text"], one["limit"]) for one in told["alignment"]] == [("tatoeba", 300)]
    actions = [stage["action"] for pk in told["runs"] for stage in get(client, f"/runs/{pk}")["stages"]]
    assert "align" in actions


def test_a_study_of_alignment_alone_needs_no_target(client, user):
    factories.encoder()
    give(user, "add_study")
    alone = {**STUDY, "targets": [], "alignment": [{"text": "ntrex"}]}

    assert post(client, "/studies", alone, token(user)).status_code == 201
    assert Study.objects.get().diagnoses[0]["limit"] == 1000


def test_a_submission_through_the_api_is_that_of_the_admin(client, user, seeded):
    """What is there already is shared: the same recipe, found by its fingerprint."""
    give(user, "add_study")
    same = {**STUDY, "targets": [{"task": "tatoeba", "languages": ["de", "fi", "et"]}], "seeds": [1]}
    del same["target"]
    response = post(client, "/studies", same, token(user))
    assert set(response.json()["runs"]) <= set(seeded.study.runs.values_list("pk", flat=True))


def test_predictions_are_uploaded(client, user, settings, tmp_path):
    files, _ = uploads.mirror(tmp_path / "mirror", "paws_x")
    settings.DATA_DIR = str(tmp_path / "mirror")
    give(user, "add_upload")
    headers = token(user)

    def send():
        archive = uploads.zipped(files)
        archive.name = "theirs.zip"
        return client.post(f"{API}/uploads", {"file": archive, "system": "Theirs"}, headers=headers)

    first, again = send(), send()
    run = Run.objects.get()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"run": run.pk, "url": f"http://testserver{run.get_absolute_url()}", "created": True}
    assert again.json()["created"] is False
    assert run.submitted_by == user

    files["pawsx/test-de.tsv"] = "2\n" * uploads.ITEMS
    refused(send(), 400, "Predictions pawsx/test-de.tsv, line 1: expected one of the labels 0, 1, found '2'.")


def test_what_is_too_long_is_refused_unread(client, user, settings):
    settings.UPLOAD_LIMIT = 0
    give(user, "add_upload")
    archive = io.BytesIO(b"x" * (2 << 20))
    archive.name = "theirs.zip"
    response = client.post(f"{API}/uploads", {"file": archive, "system": "Theirs"}, headers=token(user))
    refused(response, 400, "The file has more than 0 MiB")


# What is wrong is said.


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/tasks/xnl", 404, "There is no task xnl."),
        ("/runs/999999", 404, "There is no run 999999."),
        ("/runs/0", 422, "pk: input should be greater than or equal to 1."),
        ("/runs/x", 422, "pk: input should be a valid integer"),
        ("/runs?status=lost", 400, "A status is one of queued, running, done, failed, cancelled; found 'lost'."),
        ("/scores?limit=100000", 422, "limit: input should be less than or equal to 1000."),
        ("/scores?task=xnl", 400, "There is no task 'xnl'. Did you mean xnli"),
        ("/scores?language=swahili", 400, "There is no language 'swahili'. Did you mean sw?"),
        ("/standings/leaderboard?encoder=none", 400, "There is no encoder 'none'."),
        ("/standings/leaderboard?colour=red", 400, "There is no filter 'colour'."),
        ("/standings/tasks/udpos?protocol=12345678", 400, "The task has no scores under a protocol '12345678'."),
        ("/snapshots/000000000000", 404, "There is no snapshot 000000000000."),
        ("/nothing", 404, "There is nothing at '/api/v1/nothing': the addresses are listed at /api/v1/docs."),
    ],
)
def test_what_cannot_be_read(client, path, status, said):
    refused(client.get(API + path), status, said)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"encoder": "nobody"}, 400, "There is no encoder 'nobody'."),
        ({"targets": [{"task": "udposs"}]}, 400, "There is no task 'udposs'. Did you mean udpos"),
        ({"methods": ["magic"]}, 422, "methods.0: input should be 'baseline', 'intermediate'"),
        ({"seeds": []}, 422, "seeds: list should have at least 1 item"),
        ({"epochs": 3}, 422, "epochs: extra inputs are not permitted."),
        ({"sampling": {"strategy": "magic"}}, 400, "Tasks are sampled proportional, temperature, uniform"),
        ({"targets": []}, 400, "Choose at least one target"),
        ({"targets": [{"task": "udpos", "noises": [{"kind": "rain"}]}]}, 400, "Noise is one of swaps, drops"),
        ({"targets": [{"task": "bucc2018", "noises": [{"kind": "typos"}]}]}, 400, "which noise is not defined for"),
        ({"alignment": [{"text": "qqp"}]}, 400, "has no parallel sentences to measure alignment on."),
        ({"alignment": [{"text": "tatoeba", "limit": 1}]}, 400, "measured on 2 pairs or more, found 1."),
        ({"masked": {"text": "ntrex", "languages": []}, "variants": ["mlm"]}, 400, "MLM needs at least one language."),
    ],
)
def test_a_study_that_cannot_be(client, user, change, status, said):
    factories.encoder()
    give(user, "add_study")
    refused(post(client, "/studies", {**STUDY, **change}, token(user)), status, said)
    assert not Study.objects.exists()


def test_what_is_not_json(client, user):
    give(user, "add_study")
    response = client.post(f"{API}/studies", "{", content_type="application/json", headers=token(user))
    refused(response, 400, "Cannot parse request body")


def test_a_run_from_outside_cannot_be_cancelled(client, user):
    give(user, "change_run")
    run = uploads.stored()
    refused(post(client, f"/runs/{run.pk}/cancel", None, token(user)), 400, f"Run {run.pk} is uploaded: it has nothing")


def test_a_withdrawal_through_the_api_needs_a_reason(client, user):
    give(user, "withdraw_run")
    run = uploads.stored()
    refused(post(client, f"/runs/{run.pk}/withdraw", {"reason": ""}, token(user)), 400, "needs a reason")
    told = post(client, f"/runs/{run.pk}/withdraw", {"reason": "A mistake."}, token(user)).json()
    assert told["withdrawal"] == "A mistake."


def test_a_fault_of_the_program_tells_nothing_about_it(client, monkeypatch, caplog):
    def broken(*arguments, **options):
        raise ValueError("the secret path")

    monkeypatch.setattr("leaderboard.api.standings.load", broken)
    response = client.get(f"{API}/standings/leaderboard")
    refused(response, 500, "a fault of the program")
    assert "secret" not in response.content.decode()
    assert "the secret path" in caplog.text


# The documentation, from here alone and under the pages' policy.


def test_the_documentation_loads_nothing_from_elsewhere(client):
    response = client.get(f"{API}/docs")
    text = response.content.decode()
    assert "http" not in text.replace("http://testserver", "")
    assert "script-src 'self';" in response["Content-Security-Policy"] + ";"
    assert "/static/ninja/swagger-ui-bundle.js" in text
