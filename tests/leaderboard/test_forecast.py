"""The forecast of a study: what is shared, what is done, and hours by what was measured; nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from benchmarks import grid
from leaderboard.models import Run, Stage, Study
from leaderboard.services import progress
from leaderboard.services.submission_recipes import Submission
from leaderboard.services.submissions import preview, submit
from leaderboard.services.work import SHORT_EXAMPLES, examples, lane_of
from runner import spec
from runner.errors import RecipeError
from runner.recipes import Method, PhaseSettings
from tests import factories
from tests.leaderboard.test_admin import ADD, filled

pytestmark = pytest.mark.django_db
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.fixture
def submission() -> Submission:
    cache.clear()
    factories.encoder()
    return Submission(
        name="Trial",
        encoder=factories.ENCODER,
        methods=(Method.BASELINE, Method.INTERMEDIATE),
        intermediate_tasks=("nli_cad",),
        evaluations=(factories.evaluation("udpos", ["de", "sw"][:1]), factories.evaluation("tatoeba", ["de", "sw"])),
        seeds=(1, 2),
    )


def specs() -> dict[int, spec.Stage]:
    return {stage.pk: spec.Stage.from_dict(stage.spec) for stage in Stage.objects.all()}


# Counts.


def test_it_works(submission) -> None:
    found = preview(submission)
    # Baselines: 2 trainings, 2 evaluations, 1 of Tatoeba; with NLI: 2 + 2 trainings, 2 + 2 evaluations.
    assert (found.stages, found.done, found.under_way, found.to_do) == (13, 0, 0, 13)
    # Each evaluation alone: (2 + 1) of a baseline, (3 + 2) with NLI, for both seeds.
    assert found.naive == 16
    assert (found.hours, found.unmeasured, found.measured) == (0, 13, False)
    assert not Study.objects.exists()
    assert not Stage.objects.exists()


def test_what_is_done_or_asked_for_is_not_to_do(submission) -> None:
    submit(replace(submission, methods=(Method.BASELINE,), intermediate_tasks=()))
    run = Run.objects.get(seed=1)
    run.stages.filter(action="train").update(status="done", seconds=10)
    found = preview(replace(submission, name="More"))
    assert (found.stages, found.done, found.under_way, found.to_do) == (13, 1, 4, 8)


def test_hours_come_from_the_nearest_rate(submission) -> None:
    submit(submission)
    tuned = Stage.objects.filter(action="train", parent=None, spec__plan__tasks=["udpos"]).first()
    size = examples(spec.Stage.from_dict(tuned.spec))
    Stage.objects.filter(pk=tuned.pk).update(status="done", seconds=0.001 * size)
    found = preview(replace(submission, name="More"))
    to_do = [stage for pk, stage in specs().items() if pk != tuned.pk]
    trainings = [stage for stage in to_do if stage.plan.action == "train"]
    # All trainings of this encoder are reckoned by this one, the evaluations by nothing.
    assert found.hours == pytest.approx(sum(examples(stage) for stage in trainings) * 0.001 / 3600)
    assert found.unmeasured == len(to_do) - len(trainings)

    nli = Stage.objects.filter(action="train", spec__plan__tasks=["nli_cad"]).first()
    Stage.objects.filter(pk=nli.pk).update(status="done", seconds=1.0 * examples(spec.Stage.from_dict(nli.spec)))
    again = preview(replace(submission, name="More"))
    others = [stage for stage in trainings if stage.plan.tasks == ("udpos",)]
    other_nli = examples(spec.Stage.from_dict(nli.spec))
    expected = sum(examples(stage) for stage in others) * 0.001 + other_nli * 1.0
    assert again.hours == pytest.approx(expected / 3600)


def test_the_form_forecasts_and_writes_nothing(admin_client) -> None:
    response = admin_client.post(ADD, filled(_forecast="Forecast only", seeds="1-3"))
    page = response.content.decode()
    assert response.context["forecast"].stages > 0
    assert "Forecast: nothing is submitted yet" in page
    assert "if nothing were shared" in page
    assert "unknown" in page
    assert not Study.objects.exists()
    assert 'value="First"' in page  # the form is still filled


def test_a_forecast_of_what_cannot_be_is_refused_like_a_submission(admin_client) -> None:
    response = admin_client.post(ADD, filled(_forecast="1", seeds="x"))
    assert response.context["forecast"] is None
    assert "Seeds are whole numbers" in response.content.decode()


def test_the_documented_counts_of_the_papers_grid_are_those_that_are_planned() -> None:
    counts = grid.count(grid.runs())
    text = OPERATIONS.read_text()
    for what in ("intermediate training", "target training", "evaluation"):
        assert f"| {what} | {counts.naive[what]:,} | {counts.planned[what]:,} |" in text
    assert f"| all | {counts.naive.total():,} | {counts.planned.total():,} |" in text


# Lanes, priorities, limits.


def test_small_work_has_a_lane_of_its_own(submission) -> None:
    small = PhaseSettings(train_limit=100, epochs=2)
    submit(replace(submission, intermediate=small, target=small))
    assert set(Stage.objects.filter(action="train").values_list("lane", flat=True)) == {"short"}
    stage = spec.Stage.from_dict(Stage.objects.filter(action="train").first().spec)
    assert examples(stage) == 200 <= SHORT_EXAMPLES


def test_the_submitter_chooses_the_lane_of_the_rest(submission) -> None:
    submit(replace(submission, lane="cpu"))
    big = Stage.objects.filter(spec__plan__tasks=["udpos"]).first()
    assert big.lane == "cpu"
    assert lane_of(spec.Stage.from_dict(big.spec)) == "gpu"


def test_a_stage_has_the_highest_priority_that_was_asked_for(submission) -> None:
    submit(submission)
    done = Stage.objects.first()
    Stage.objects.filter(pk=done.pk).update(status="done")
    submit(replace(submission, name="Urgent", priority=1))
    submit(replace(submission, name="Not urgent", priority=-1))
    assert set(Stage.objects.exclude(pk=done.pk).values_list("priority", flat=True)) == {1}


@pytest.mark.parametrize(("changes", "sentence"), [({"priority": 7}, "found 7"), ({"lane": "tpu"}, "found 'tpu'")])
def test_unknown_lanes_and_priorities_are_refused(submission, changes, sentence) -> None:
    with pytest.raises(RecipeError, match=sentence):
        submit(replace(submission, **changes))


def test_runs_of_a_day_are_limited_without_those_that_failed_or_were_cancelled(submission, settings) -> None:
    settings.SUBMITTER_RUN_LIMIT = 6
    ada, bob = (get_user_model().objects.create(username=name) for name in ("ada", "bob"))
    study = submit(submission, ada)
    more = replace(submission, name="More", seeds=(3, 4))
    with pytest.raises(RecipeError, match="6 runs a day, not counting failed and cancelled ones; found 4 and 4 new"):
        submit(more, ada)
    assert Study.objects.count() == 1
    submit(more, bob)
    progress.cancel_run(study.runs.first())
    failed = study.runs.last().stages.first()
    Stage.objects.filter(pk=failed.pk).update(status="failed", failure="bug")
    submit(replace(submission, name="Most", seeds=(5, 6)), ada)


def test_what_is_shared_does_not_count_twice(submission, settings) -> None:
    settings.SUBMITTER_RUN_LIMIT = 4
    ada = get_user_model().objects.create(username="ada")
    submit(submission, ada)
    submit(replace(submission, name="The same again"), ada)
    assert Run.objects.count() == 4
