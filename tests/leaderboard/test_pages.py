"""The pages: each opens, in a fixed number of queries, and says what is so; what is unknown is refused."""

from __future__ import annotations

import gzip
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

from leaderboard.models import Artifact, Encoder, Protocol, Score, Source, Stage
from leaderboard.models.querysets import status_of
from leaderboard.services import headlines, results, waiting
from leaderboard.views import caching, files
from runner.spec import Job
from runner.tasks import registry
from runner.tasks.kinds import Role
from tests import factories

pytestmark = pytest.mark.django_db

PAGES = ["leaderboard", "transfer", "tasks", "runs", "about"]
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


@pytest.fixture(autouse=True)
def _artifacts(settings, tmp_path):
    """Stages of equal content have the same folder in every test."""
    settings.ARTIFACT_DIR = tmp_path / "artifacts"


@pytest.fixture
def seeded():
    return factories.study(seeds=(1,))


def text(response):
    return response.content.decode()


# Every page opens.


@pytest.mark.parametrize("name", PAGES)
def test_it_works(client, seeded, name):
    response = client.get(reverse(name))

    assert response.status_code == 200
    assert "Phang" in text(response)


@pytest.mark.parametrize("name", PAGES)
def test_it_works_without_any_run(client, name):
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["leaderboard", "transfer", "runs"])
def test_empty_page_says_where_to_begin(client, name):
    assert reverse("admin:leaderboard_study_add") in text(client.get(reverse(name)))


@pytest.mark.parametrize(
    "slug", ["udpos", "xnli_cad", "bucc2018", "anli_plus", "mnli", "ccg_pmb", "wikipedia", "ntrex"]
)
def test_every_kind_of_task_has_a_page(client, seeded, slug):
    response = client.get(reverse("task", args=[slug]))

    assert response.status_code == 200
    assert "Licence" in text(response)


def test_stand_in_is_marked(client, seeded):
    assert "A stand-in." in text(client.get(reverse("task", args=["xnli_cad"])))
    assert "A stand-in." not in text(client.get(reverse("task", args=["udpos"])))


def test_texts_for_mlm_have_a_section_of_their_own(client):
    blocks = {block["title"]: block for block in client.get(reverse("tasks")).context["blocks"]}

    texts = blocks["Texts for MLM"]
    assert [line["task"].slug for line in texts["lines"]] == ["wikipedia", "ntrex", "local_text", "pocket_text"]
    assert (texts["has_metrics"], texts["has_stand_ins"]) == (False, True)
    assert "ntrex" not in {line["task"].slug for line in blocks["Stand-ins"]["lines"]}
    assert sum(len(block["lines"]) for block in blocks.values()) == sum(
        task.role is not Role.DIAGNOSTIC for task in registry.tasks()
    )


def test_page_of_a_text_says_what_it_is_for(client):
    page = text(client.get(reverse("task", args=["wikipedia"])))

    assert "6.4 million" in page
    assert "CC BY-SA 3.0 and GFDL" in page
    assert "beside intermediate tasks or alone" in page
    assert "No scores yet" not in page
    assert "Headline metric" not in page


def test_page_of_a_task_names_its_translated_data(client):
    assert "facebook/xnli" in text(client.get(reverse("task", args=["mnli"])))


@pytest.fixture
def varied():
    return factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)


def test_pages_of_runs_name_variants(client, varied):
    expected = {
        "mlm": "Baseline, with MLM",
        "qqp mlm": "Intermediate task, with MLM",
        "qqp+nli_cad en+ru": "Multi-task, translated: en+ru",
        "de+en": "Translate-train: de+en",
    }
    every = text(client.get(reverse("runs")))

    for key, words in expected.items():
        own = text(client.get(reverse("run", args=[varied.run(key).pk])))
        assert words in every, key
        assert words in own, key


def test_study_page_has_plain_before_mlm_before_translated(client, varied):
    grid = client.get(reverse("study", args=[varied.study.pk])).context["grid"]

    assert [recipe.title.removeprefix("tiny ") for recipe, _ in grid] == [
        "(baseline)",
        "(baseline) + MLM",
        "→ Counterfactual NLI",
        "→ Counterfactual NLI + MLM",
        "→ Counterfactual NLI (translated: de)",
        "→ Counterfactual NLI (translated: en+ru)",
        "→ QQP",
        "→ QQP + MLM",
        "→ QQP (translated: de)",
        "→ QQP (translated: en+ru)",
        "→ Counterfactual NLI + QQP (multi-task)",
        "→ Counterfactual NLI + QQP + MLM (multi-task)",
        "→ Counterfactual NLI + QQP (multi-task, translated: de)",
        "→ Counterfactual NLI + QQP (multi-task, translated: en+ru)",
        "(translate-train: de+en)",
    ]


def test_run_page_shows_the_settings_of_sampling_and_mlm(client, varied):
    response = client.get(reverse("run", args=[varied.run("qqp+nli_cad mlm").pk]))

    settings = {title: dict(values) for title, values in response.context["settings"]}
    assert list(settings) == ["Intermediate phase", "Target phase", "Sampling", "MLM"]
    assert settings["Sampling"] == {"strategy": "proportional", "cap": "none", "temperature": "none"}
    assert settings["MLM"]["languages"] == "de, en, sw"
    assert (settings["MLM"]["share"], settings["MLM"]["texts"]) == ("0.5", "all")
    assert settings["Target phase"]["patience"] == "none: no early stopping"


def test_rows_carry_the_badge_of_their_variant(client, varied):
    page = text(client.get("/"))

    badges = re.findall(r'<span class="badge">([^<]+)</span>', page)
    assert {name: badges.count(name) for name in set(badges)} == {
        "baseline": 1,
        "MLM": 4,
        "translated": 6,
        "multi-task": 4,
        "translate-train": 1,
    }


# A fixed number of queries, whatever the number of rows.


@pytest.mark.parametrize(
    ("name", "arguments", "queries"),
    [
        # whether anything has changed; recipes with encoders, their intermediate tasks, sources, runs, protocols, which
        # row has what, headline scores of the page's rows, the evaluations' items, intervals; studies
        ("leaderboard", [], 11),
        ("transfer", [], 11),
        ("task", ["udpos"], 11),
        # how many protocols each task has
        ("tasks", [], 1),
        # the number of runs, runs with progress, their studies
        ("runs", [], 3),
        # protocols with tasks, sources
        ("about", [], 2),
    ],
)
@pytest.mark.parametrize("studies", [1, 3])
def test_queries(client, name, arguments, queries, studies, django_assert_num_queries):
    for number in range(studies):
        factories.study(f"Study {number}", slug=f"tiny-{number}", tasks=("udpos", "tatoeba"))

    headlines.current()

    with django_assert_num_queries(queries):
        client.get(reverse(name, args=arguments))


@pytest.mark.parametrize(("name", "queries"), [("leaderboard", 11), ("transfer", 11), ("runs", 3)])
def test_queries_do_not_grow_with_variants(client, varied, name, queries, django_assert_num_queries):
    headlines.current()
    with django_assert_num_queries(queries):
        client.get(reverse(name))


def test_queries_of_a_run(client, seeded, django_assert_num_queries):
    url = reverse("run", args=[seeded.run().pk])

    # the run with progress, its studies, stages, artifacts; how many languages its tasks have, its scores
    with django_assert_num_queries(6):
        client.get(url)


def test_queries_of_a_study(client, seeded, django_assert_num_queries):
    # the study, its runs with progress, its recipes
    with django_assert_num_queries(3):
        client.get(reverse("study", args=[seeded.study.pk]))


def test_queries_of_a_runs_state(client, seeded, django_assert_num_queries):
    run = seeded.run()
    url = reverse("run-state", args=[run.pk])

    # its stages, with whether it is cancelled
    with django_assert_num_queries(1):
        client.get(url)
    run.stages.update(status="running", lease_until=timezone.now())
    with django_assert_num_queries(1):
        client.get(url)
    # While something is queued: the queue at a glance, once for all pages in some seconds.
    run.stages.update(status="queued")
    waiting.glance()
    with django_assert_num_queries(1):
        client.get(url)


# Kept pages.


def test_a_page_that_nothing_has_changed_is_made_once(client, seeded, django_assert_num_queries):
    first = client.get("/?show=difference")

    with django_assert_num_queries(1):
        second = client.get("/?show=difference")
    with django_assert_num_queries(1):
        third = client.get("/?show=difference", headers={"if-none-match": first["ETag"]})

    assert second.content == first.content
    assert second["Content-Security-Policy"] == first["Content-Security-Policy"]
    assert (third.status_code, third.content, third["ETag"]) == (304, b"", first["ETag"])


@pytest.mark.parametrize(
    "path", ["/transfer/", "/tasks/panx/", "/leaderboard.csv", "/transfer.json", "/tasks/panx.tex"]
)
def test_pages_and_files_of_tables_have_a_tag(client, seeded, path):
    tag = client.get(path)["ETag"]

    assert client.get(path, headers={"if-none-match": f"W/{tag}"}).status_code == 304
    assert client.get(f"{path}?languages=sw", headers={"if-none-match": tag}).status_code == 200


CHANGES = {
    "a score": lambda seeded: Score.objects.filter(task="panx", language="sw").update(value=1.0),
    "a score less": lambda seeded: Score.objects.filter(run=seeded.run(), task="panx", language="sw").delete(),
    "a run less": lambda seeded: seeded.run().delete(),
    "a title": lambda seeded: type(seeded.recipes[""]).objects.update(title="Another"),
    "a study": lambda seeded: type(seeded.study).objects.update(name="Another"),
    "an encoder": lambda seeded: Encoder.objects.filter(pk="tiny").update(title="Another"),
    "a source": lambda seeded: Source.objects.update(title="Another"),
    "a protocol": lambda seeded: Protocol.objects.update(label="Another"),
    "tasks of a recipe": lambda seeded: seeded.recipes["ccg_pmb"].intermediate_tasks.set(["mnli"]),
    "runs of a study": lambda seeded: seeded.study.runs.remove(seeded.run()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_what_tables_show_is_seen_at_once(client, seeded, change):
    factories.published("A system")
    url = f"/?study={seeded.study.pk}" if "study" in change else "/"
    before = client.get(url)

    CHANGES[change](seeded)

    after = client.get(url, headers={"if-none-match": before["ETag"]})
    assert after.status_code == 200
    assert after.content != before.content


def test_a_page_is_sent_compressed_to_who_can_read_it(client, seeded):
    plain = client.get("/")
    packed = client.get("/", headers={"accept-encoding": "gzip"})

    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 2


def test_the_shelf_keeps_what_was_asked_for_last():
    shelf = caching.Shelf(10)
    for tag in ("a", "b"):
        shelf.put(tag, b"12345", {})
    shelf.get("a")

    shelf.put("c", b"12345", {})

    assert [shelf.get(tag) is not None for tag in "abc"] == [True, False, True]


# Headers.


def test_policy_allows_no_inline_script_and_inline_style_on_chart_pages_only(client, seeded):
    for url in ["/", "/transfer/", "/tasks/", "/tasks/udpos/", "/runs/", "/about/", f"/runs/{seeded.run().pk}/"]:
        policy = client.get(url)["Content-Security-Policy"]
        chart = url in ("/transfer/", "/tasks/udpos/") or url.startswith("/runs/") and url != "/runs/"
        assert re.search(r"script-src 'self'(;|$)", policy), url
        assert ("style-src 'self' 'unsafe-inline'" in policy) is chart, url


@pytest.mark.parametrize(
    ("url", "file"), [("/", "/leaderboard.csv"), ("/transfer/", "/transfer.csv"), ("/tasks/udpos/", "/tasks/udpos.csv")]
)
def test_page_announces_its_file(client, seeded, url, file):
    response = client.get(f"{url}?languages=sw")

    for ending, kind in {"csv": "text/csv", "json": "application/json", "tex": "application/x-tex"}.items():
        beside = file.replace(".csv", f".{ending}")
        assert f'<{beside}?languages=sw>; rel="alternate"; type="{kind}"' in response["Link"]
        assert f'<link rel="alternate" type="{kind}" href="{beside}?languages=sw"' in text(response)


def test_pages_have_no_inline_style_or_script(client, seeded):
    for name in PAGES:
        page = text(client.get(reverse(name)))
        assert not re.search(r"\sstyle=|\son\w+=", page), name
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page), name


# Filters.


@pytest.mark.parametrize(
    "path", ["/", "/transfer/", "/tasks/udpos/", "/leaderboard.csv", "/transfer.csv", "/tasks/udpos.csv"]
)
def test_unknown_filter_is_refused_with_a_sentence(client, seeded, path):
    response = client.get(f"{path}?encoder=xlm-robertabase")

    assert response.status_code == 400
    body = text(response).replace("&#x27;", "'")
    assert "There is no encoder 'xlm-robertabase'." in body
    assert "xlm-roberta-base" in body


def test_what_was_asked_for_is_escaped_in_the_refusal(client):
    assert "<script>x" not in text(client.get("/?encoder=<script>x"))


def test_address_without_empty_fields_is_the_one_to_share(client, seeded):
    response = client.get("/?encoder=&method=intermediate&languages=&show=score")

    assert response.status_code == 302
    assert response["Location"] == "/?method=intermediate&show=score"


def test_unknown_task_run_and_study_are_not_found(client):
    for url in [
        "/tasks/nothing/",
        "/tasks/nothing.csv",
        "/runs/999/",
        "/runs/999/state/",
        "/studies/999/",
        "/nothing/",
    ]:
        assert client.get(url).status_code == 404, url


def test_what_the_about_page_refers_to_is_on_it(client):
    page = client.get("/about/").content.decode()

    anchors = re.findall(r'href="#([a-z-]+)"', page)
    assert len(anchors) > 12
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def test_what_others_published_is_no_run_unless_it_is_asked_for(client, seeded):
    factories.published("A system")

    usual = client.get("/runs/").content.decode()
    published = client.get("/runs/?origin=published").content.decode()

    assert "A system" not in usual
    assert "A system" in published
    assert "None of this origin" in client.get("/runs/?origin=uploaded").content.decode()
    assert client.get("/runs/?origin=elsewhere").status_code == 400


def test_pages_take_no_posts(client):
    for url in ["/", "/transfer/", "/runs/", "/scores.csv"]:
        assert client.post(url).status_code == 405, url


def test_sorted_head_says_so_and_turns_round(client, seeded):
    page = text(client.get("/?sort=-overall&show=difference"))

    assert page.count("aria-sort") == 1
    assert 'aria-sort="descending"' in page
    assert 'href="?sort=overall&amp;show=difference"' in page
    assert 'href="?sort=title&amp;show=difference"' in page


def test_incomplete_mean_shows_its_coverage(client, seeded):
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    assert ">39/40</span>" in text(client.get("/"))


def test_incomplete_difference_is_marked_on_the_transfer_map_only(client, seeded):
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    assert re.search(r"39 of 40 languages\">[^<]*\*</span>", text(client.get("/transfer/")))
    assert "*</span>" not in text(client.get("/"))


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
