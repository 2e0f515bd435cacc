"""The pages: each opens and says what is so; what is unknown is refused."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from leaderboard.models import Score
from runner.tasks import registry
from runner.tasks.kinds import Role
from tests import factories
from tests.tables import text

pytestmark = pytest.mark.django_db


PAGES = ["leaderboard", "transfer", "tasks", "runs", "about"]


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
