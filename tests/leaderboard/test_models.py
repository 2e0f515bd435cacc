"""What must never be in the database, refused by the database itself."""

from __future__ import annotations

import math

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from leaderboard.models import Artifact, Encoder, Protocol, Recipe, Run, Score, Source, Stage, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def recipe():
    return Recipe.objects.create(
        fingerprint="r" * 64, title="Baseline", encoder=Encoder.objects.get(slug="xlm-roberta-base"), method="baseline"
    )


@pytest.fixture
def run(recipe):
    return Run.objects.create(recipe=recipe, seed=1)


@pytest.fixture
def source():
    return Source.objects.create(key="paper", title="A paper")


@pytest.fixture
def protocol():
    return Protocol.objects.create(fingerprint="p" * 64, task_id="xnli", split="test", scorer_version="1", label="test")


@pytest.fixture
def score(run, protocol):
    def create(**changes):
        values = {"run": run, "task_id": "xnli", "language_id": "de", "metric": "accuracy", "value": 70.0, "n": 5010}
        return Score.objects.create(**{**values, "protocol": protocol, **changes})

    return create


@pytest.fixture
def stage():
    def create(**changes):
        values = {"fingerprint": "s" * 64, "action": "train", "title": "Train", "spec": {}}
        return Stage.objects.create(**{**values, **changes})

    return create


def refused(create, **values):
    """Whether the database refuses the row; the savepoint keeps the test's transaction usable."""
    with pytest.raises(IntegrityError), transaction.atomic():
        create(**values)
    return True


@pytest.mark.parametrize(
    "values",
    [
        {"method": "baseline", "mlm": True},
        {"method": "intermediate", "mlm": True, "translation": "de"},
        {"method": "multi_task", "translation": "de+en"},
        {"method": "translate_train", "translation": "de"},
    ],
)
def test_variants_of_recipes(recipe, values):
    assert Recipe.objects.create(fingerprint="q" * 64, encoder=recipe.encoder, title="Another", **values).variants


@pytest.mark.parametrize(
    "values",
    [
        {"method": "magic"},
        {"method": "baseline", "translation": "de"},
        {"method": "translate_train"},
        {"method": "translate_train", "translation": "de", "mlm": True},
    ],
)
def test_no_other_variant(recipe, values):
    assert refused(Recipe.objects.create, fingerprint="q" * 64, encoder=recipe.encoder, title="Another", **values)


def test_the_migrations_are_those_of_the_models():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
def test_a_score_is_from_0_to_100(score, value):
    assert score(value=value).pk


@pytest.mark.parametrize("value", [-0.1, 100.1, 101, math.inf, -math.inf, math.nan, None])
def test_no_other_score(score, value):
    assert refused(score, value=value)


def test_one_score_for_a_cell(score):
    score()
    assert refused(score, value=71.0)


@pytest.mark.parametrize("difference", [{"language_id": "fr"}, {"metric": "f1"}])
def test_another_cell_has_its_own_score(score, difference):
    score()
    assert score(**difference).pk


def test_another_protocol_has_its_own_score(score):
    score()
    other = Protocol.objects.create(fingerprint="q" * 64, task_id="xnli", split="validation", scorer_version="1")
    assert score(protocol=other).pk


def test_one_mean_for_a_row(score):
    score(language_id=None)
    assert refused(score, language_id=None)


def test_a_mean_stands_beside_its_languages(score):
    score()
    assert score(language_id=None).pk


def test_a_published_run_has_a_source(source):
    assert Run.objects.create(origin="published", system="XLM-R large", source=source).pk
    assert refused(Run.objects.create, origin="published", system="XLM-R base")


def test_a_run_from_outside_has_a_name(source):
    assert refused(Run.objects.create, origin="published", source=source)
    assert refused(Run.objects.create, origin="uploaded")


def test_a_source_names_a_system_once(source):
    Run.objects.create(origin="published", system="XLM-R large", source=source)
    assert refused(Run.objects.create, origin="published", system="XLM-R large", source=source)


def test_a_local_run_has_a_recipe_and_a_seed(recipe):
    assert refused(Run.objects.create, seed=1)
    assert refused(Run.objects.create, recipe=recipe)


def test_one_run_for_a_recipe_and_a_seed(run, recipe):
    assert Run.objects.create(recipe=recipe, seed=2).pk
    assert refused(Run.objects.create, recipe=recipe, seed=1)


def test_no_unknown_origin():
    assert refused(Run.objects.create, origin="guessed", system="XLM-R large")


def test_no_unknown_method(recipe):
    assert refused(Recipe.objects.create, fingerprint="x" * 64, title="?", encoder=recipe.encoder, method="magic")


def test_one_recipe_for_a_fingerprint(recipe):
    assert refused(Recipe.objects.create, fingerprint="r" * 64, title="?", encoder=recipe.encoder, method="baseline")


def test_a_study_has_a_name_of_its_own():
    Study.objects.create(name="First")
    assert refused(Study.objects.create, name="First")


def test_one_stage_for_a_fingerprint(stage):
    stage()
    assert refused(stage)


def test_no_unknown_status(stage):
    assert refused(stage, status="resting")


def test_a_running_stage_has_a_lease(stage):
    assert refused(stage, status="running")
    assert stage(status="running", lease_until=timezone.now()).pk


def test_a_failed_stage_says_why(stage):
    assert refused(stage, status="failed")
    assert stage(status="failed", failure="bug", message="The engine ended with exit code 1.").pk


def test_progress_stays_within_its_total(stage):
    assert refused(stage, done=2, total=1)


def test_an_encoder_has_layers_and_a_location():
    assert refused(Encoder.objects.create, slug="a", title="A", location="org/a", layers=0)
    assert refused(Encoder.objects.create, slug="a", title="A", location="", layers=12)


def test_an_artifact_has_a_path_of_its_own_and_a_size(stage):
    row = {"stage": stage(), "kind": "log", "sha256": "0" * 64}
    Artifact.objects.create(**row, path="ss/log", size=0)
    assert refused(Artifact.objects.create, **row, path="ss/log", size=0)
    assert refused(Artifact.objects.create, **row, path="ss/other", size=-1)
