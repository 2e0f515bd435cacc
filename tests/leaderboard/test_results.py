"""Results: scores for every run that has the stage, protocols that compare what can be compared, real files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction

from leaderboard.models import Artifact, Protocol, Score, Stage
from leaderboard.services import leases, progress, results
from leaderboard.services.results import ResultError
from tests.stages import empty_queue, make_evaluation, make_run, make_training, status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_messages() -> Iterator[None]:
    yield
    empty_queue()


def score(language: str, value: float = 80.0, **fields: Any) -> dict[str, Any]:
    event = {"event": "score", "task": "tatoeba", "language": language, "metric": "accuracy", "value": value, "n": 9}
    return {**event, **fields}


BOTH = [score("de", 81.5), score("sw", 40)]


# Scores.


def test_it_works() -> None:
    stage = make_evaluation()
    runs = [make_run([stage]), make_run([stage])]
    stranger = make_run()
    results.record_scores(stage, BOTH)
    for run in runs:
        cells = run.scores.values_list("task", "language", "metric", "value", "n", "stage")
        assert set(cells) == {
            ("tatoeba", "de", "accuracy", 81.5, 9, stage.pk),
            ("tatoeba", "sw", "accuracy", 40, 9, stage.pk),
        }
    assert not stranger.scores.exists()


def test_a_stage_that_is_repeated_changes_its_scores_and_adds_none() -> None:
    stage = make_evaluation()
    make_run([stage])
    results.record_scores(stage, BOTH)
    results.record_scores(stage, [score("de", 90), score("sw", 40)])
    assert list(Score.objects.order_by("language").values_list("value", flat=True)) == [90, 40]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([], "no accuracy for de"),
        ([score("de")], "no accuracy for sw"),
        ([*BOTH, score("fr")], "fr, accuracy, which was not asked for"),
        ([*BOTH, score("de", task="udpos")], "udpos, de, accuracy, which was not asked for"),
        ([*BOTH, score("de", metric="bleu")], "the metrics are accuracy"),
        ([score("de", 100.1), score("sw")], "scores lie in 0..100"),
        ([score("de", float("nan")), score("sw")], "scores lie in 0..100"),
    ],
)
def test_scores_that_cannot_be_true_are_refused(events: list[dict[str, Any]], sentence: str) -> None:
    stage = make_evaluation()
    make_run([stage])
    with pytest.raises(ResultError, match=sentence):
        results.record_scores(stage, events)
    assert not Score.objects.exists()


def test_a_training_stage_has_no_scores() -> None:
    with pytest.raises(ResultError, match="only an evaluation has any"):
        results.record_scores(make_training(), BOTH)


@pytest.mark.parametrize("languages", [("de",), ("de", "fr", "sw", "th", "tr")])
def test_scores_take_as_many_queries_however_many_they_are(languages, django_assert_num_queries) -> None:
    stage = make_evaluation(languages=languages)
    make_run([stage])
    make_run([stage])
    results.protocol_for(stage)
    with django_assert_num_queries(8):  # protocol, runs, scores that are there, new ones; two savepoints
        results.record_scores(stage, [score(language) for language in languages])
    assert Score.objects.count() == 2 * len(languages)


@pytest.mark.django_db(transaction=True)
def test_stages_of_a_run_that_measure_the_same_cells_may_finish_together() -> None:
    for _ in range(5):
        one, other = make_evaluation(status="queued"), make_evaluation(status="queued", languages=("sw", "de"))
        run = make_run([one, other])
        start = threading.Barrier(2)

        def finish(lease, value, start=start) -> None:
            start.wait()
            progress.finish(lease, scores=[score("de", value), score("sw", value)])

        with ThreadPoolExecutor(2) as pool:
            ended = [
                pool.submit(_closing, partial(finish, leases.claim(stage.pk, f"{stage.pk}"), value))
                for stage, value in ((one, 30), (other, 60))
            ]
            for future in ended:
                future.result()
        assert status(one, other) == ["done", "done"]
        assert sorted(run.scores.values_list("language", "value")) in ([("de", v), ("sw", v)] for v in (30, 60))


# Joining a stage that is done.


def test_a_run_that_joins_a_done_stage_gets_its_scores() -> None:
    stage = make_evaluation(status="done")
    first = make_run([stage])
    results.record_scores(stage, BOTH)
    second = make_run([stage])
    assert results.attach_done_stages(second, [stage]) == 2
    assert list(second.scores.order_by("language").values_list("value", flat=True)) == [81.5, 40]
    assert first.scores.count() == 2
    assert results.attach_done_stages(second, [stage]) == 2  # again: nothing more
    assert second.scores.count() == 2


@pytest.mark.parametrize("state", ["waiting", "queued", "cancelled"])
def test_a_stage_that_is_not_done_gives_nothing_yet(state: str) -> None:
    stage = make_evaluation(status=state)
    assert results.attach_done_stages(make_run([stage]), [stage]) == 0
    assert status(stage) == [state]


def test_an_evaluation_whose_scores_were_deleted_is_done_again() -> None:
    stage = make_evaluation(status="done")
    first = make_run([stage])
    results.record_scores(stage, BOTH)
    first.delete()
    assert results.attach_done_stages(make_run([stage]), [stage]) == 0
    assert status(stage) == ["waiting"]


@pytest.mark.django_db(transaction=True)
def test_a_run_that_joins_while_the_stage_finishes_gets_its_scores_all_the_same() -> None:
    for _ in range(5):
        stage = make_evaluation(status="queued")
        make_run([stage])
        late = make_run()
        lease = leases.claim(stage.pk, "one")
        start = threading.Barrier(2)

        def join(start=start, stage=stage, late=late) -> None:
            start.wait()
            with transaction.atomic():
                late.stages.add(stage)
                results.attach_done_stages(late, [stage])

        def finish(start=start, lease=lease) -> None:
            start.wait()
            progress.finish(lease, scores=BOTH)

        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(_closing, join), pool.submit(_closing, finish)]:
                future.result()
        assert late.scores.count() == 2


def _closing(work: Any) -> None:
    try:
        work()
    finally:
        connections.close_all()


# Protocols.


def test_the_same_question_in_fewer_languages_has_the_same_protocol() -> None:
    one, two = make_evaluation(languages=("de", "sw")), make_evaluation(languages=("de",))
    assert results.protocol_for(one) == results.protocol_for(two)
    assert Protocol.objects.count() == 1


@pytest.mark.parametrize(
    ("plan", "label"),
    [
        ({}, "test split, layer 7, mean pooling"),
        ({"limit": 200}, "test split, first 200 items, layer 7, mean pooling"),
        ({"layer": 0, "pooling": "cls"}, "test split, layer 0, cls pooling"),
        ({"max_length": 128}, "test split, layer 7, mean pooling, 128 tokens"),
        ({"precision": "bf16"}, "test split, layer 7, mean pooling, bf16"),
        (
            {"task": "udpos", "split": "validation", "max_length": 256, "layer": None, "pooling": ""},
            "validation split",
        ),
        ({"task": "bucc2018", "max_length": 512}, "test split, layer 7, mean pooling"),
        (
            {"task": "bucc2018", "split": "validation", "max_length": 512, "limit": 50},
            "validation split, first 50 gold pairs, pools cut in proportion, "
            "threshold fitted on the pools that are scored, layer 7, mean pooling",
        ),
    ],
)
def test_a_protocol_says_in_few_words_what_it_is(plan: dict[str, Any], label: str) -> None:
    assert results.protocol_for(make_evaluation(languages=("de",), plan=plan)).label == label


def test_another_limit_is_another_protocol() -> None:
    protocols = {results.protocol_for(make_evaluation(plan={"limit": limit})).pk for limit in (None, 100, 200)}
    assert len(protocols) == 3


# Artifacts.


def artifact(stage: Stage, name: str = "predictions/de.tsv", content: bytes = b"1\n2\n") -> dict[str, Any]:
    path = results.folder(stage) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {
        "event": "artifact",
        "kind": "predictions",
        "path": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }


def test_a_file_becomes_a_row_with_its_path_in_the_store() -> None:
    stage = make_evaluation()
    results.record_artifacts(stage, [artifact(stage)])
    row = Artifact.objects.get()
    assert row.path == f"{stage.fingerprint[:2]}/{stage.fingerprint}/predictions/de.tsv"
    assert (row.stage, row.kind, row.size) == (stage, "predictions", 4)


def test_a_file_that_is_written_again_keeps_its_row() -> None:
    stage = make_evaluation()
    results.record_artifacts(stage, [artifact(stage)])
    results.record_artifacts(stage, [artifact(stage, content=b"longer than before")])
    assert Artifact.objects.get().size == 18


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"path": "absent.tsv"}, "which is not there"),
        ({"size": 5}, "reported 5 bytes for predictions/de.tsv, which has 4"),
        ({"path": "../elsewhere"}, "outside its folder"),
        ({"path": "/etc/hostname"}, "outside its folder"),
    ],
)
def test_a_file_that_is_not_as_reported_is_refused(change: dict[str, Any], sentence: str) -> None:
    stage = make_evaluation()
    with pytest.raises(ResultError, match=sentence):
        results.record_artifacts(stage, [{**artifact(stage), **change}])
    assert not Artifact.objects.exists()
