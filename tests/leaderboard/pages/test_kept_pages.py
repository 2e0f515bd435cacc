"""Pages are made in a fixed number of queries, kept until something changes, and sent compressed."""

from __future__ import annotations

import gzip

import pytest
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Encoder, Protocol, Score, Source
from leaderboard.services import headlines, waiting
from leaderboard.views import caching
from tests import factories

pytestmark = pytest.mark.django_db


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
