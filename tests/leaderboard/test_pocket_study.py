"""The pocket study: submitted once, at first start, with everything that it compares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.template.loader import render_to_string

from leaderboard.models import Run, Stage, Study
from leaderboard.services import pocket
from leaderboard.services.submissions import submit
from runner.errors import RecipeError
from runner.recipes import Evaluation, Method
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite
from tests.stages import make_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_seed(monkeypatch):
    """The study with a quarter of its rows; four seeds are four times the same."""
    assert len(pocket.SEEDS) == 4
    monkeypatch.setattr(pocket, "SEEDS", (2,))


def test_it_works():
    study = pocket.begin()
    assert study.name == pocket.NAME
    titles = set(study.recipes.values_list("title", flat=True))
    assert titles == {
        "pocket (baseline)",
        "pocket → Pocket inference (base)",
        "pocket → Pocket inference (base) + Pocket supertags (base) (multi-task)",
        "pocket → Pocket inference (base) + Pocket supertags (base) + MLM (multi-task)",
        "pocket → Pocket inference (base) + Pocket supertags (base) (multi-task, translated: qde+qko+qsa)",
        "pocket → Pocket supertags (base)",
    }
    assert study.runs.count() == len(titles)
    targets = {task.slug for task in registry.tasks(Role.TARGET, Suite.POCKET)}
    assert {evaluation["task"] for evaluation in study.targets} == targets


def test_one_stage_makes_the_encoder_and_all_others_come_after_it(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        pocket.begin()
    first = Stage.objects.get(parent=None)
    assert first.title == "Pretrain pocket: MLM on Pocket text in 7 languages"
    assert Stage.objects.filter(status=Stage.Status.QUEUED).get() == first
    assert Run.objects.exclude(stages=first).count() == 0
    titles = Stage.objects.exclude(pk=first.pk).values_list("title", flat=True)
    assert "Train on Pocket POS, seed 2" in titles
    assert not [title for title in titles if "after MLM" in title]


def test_what_is_trained_is_evaluated_before_the_next_is_trained():
    pocket.begin()
    priorities = set(Stage.objects.values_list("action", "priority"))
    high = Stage.Priority.HIGH
    assert priorities == {("train", Stage.Priority.NORMAL), ("evaluate", high), ("align", high)}


def test_a_second_start_submits_nothing():
    pocket.begin()
    assert pocket.begin() is None
    assert Study.objects.count() == 1


def test_where_anything_was_trained_nothing_is_submitted():
    make_run()
    assert pocket.begin() is None


def test_a_study_of_the_user_s_own_is_enough():
    Study.objects.create(name="Mine")
    assert pocket.begin() is None


def test_progress_counts_stages(django_assert_num_queries):
    assert pocket.progress() is None
    study = pocket.begin()
    total = Stage.objects.count()
    Stage.objects.filter(parent=None).update(status=Stage.Status.DONE)
    with django_assert_num_queries(3):
        found = pocket.progress()
    assert (found.study, found.done, found.failed, found.total, found.now) == (study.pk, 1, 0, total, ())
    assert not found.over
    Stage.objects.update(status=Stage.Status.DONE)
    assert pocket.progress().over


def test_the_welcome_says_how_far_it_is():
    assert render_to_string("_welcome.html").strip() == ""
    study = pocket.begin()
    said = render_to_string("_welcome.html")
    assert f"0 of {Stage.objects.count()} stages are done" in said
    assert f"/studies/{study.pk}/" in said


def test_the_welcome_leaves_when_somebody_has_a_study_of_their_own():
    pocket.begin()
    Study.objects.create(name="Mine")
    assert render_to_string("_welcome.html").strip() == ""


def test_tasks_of_two_base_languages_are_no_study():
    first, *_ = pocket.submissions()
    mixed = replace(first, encoder="xlm-roberta-base", evaluations=(Evaluation("xnli", "test", ("de",)),))
    with pytest.raises(RecipeError, match="The tasks of a study have one base language; found Pocket .* and XNLI"):
        submit(mixed)


def test_the_pocket_encoder_knows_no_other_languages():
    asked = replace(
        pocket.submissions()[0],
        methods=(Method.BASELINE,),
        intermediate_tasks=(),
        evaluations=(Evaluation("udpos", "test", ("de",)),),
    )
    with pytest.raises(RecipeError, match="The encoder Pocket has learnt qde, .*; POS tagging .* such as af"):
        submit(asked)
