"""Submitting a study: what it creates and what it shares; all of it or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction

from leaderboard.models import Recipe, Run, Score, Stage, Study
from leaderboard.services import dispatch, leases, progress, submissions
from leaderboard.services.submissions import submit
from leaderboard.variants import Variant
from runner.recipes import Evaluation, Method, PhaseSettings
from runner.spec import Sampling
from runner.tasks import registry
from tests.submitted import FIRST, MLM, TATOEBA

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return FIRST


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    """Calls a function as if its transaction were committed: the test's own never is."""

    def call(function, *arguments):
        with django_capture_on_commit_callbacks(execute=True):
            return function(*arguments)

    return call


def finish_all():
    """Let a worker do every stage that can be done, with 50.0 wherever a score is due."""
    while stage := Stage.objects.filter(status="queued").first():
        lease = leases.claim(stage.pk, "test worker")
        plan = stage.spec["plan"]
        scores = [
            {"event": "score", "task": plan["task"], "language": code, "metric": metric, "value": 50.0, "n": 10}
            for code in (plan["languages"] if stage.action == "evaluate" else [])
            for metric in registry.task(plan["task"]).headline_metrics
        ]
        progress.finish(lease, scores=scores, seconds=1.0)
        dispatch.dispatch_ready()


def test_it_creates_recipes_runs_and_stages(submission, admin_user):
    study = submit(submission, admin_user)

    assert (study.submitted_by, study.seeds) == (admin_user, [1, 2])
    assert [target["task"] for target in study.targets] == ["udpos", "tatoeba"]
    assert set(study.recipes.values_list("method", "title")) == {
        ("baseline", "xlm-roberta-base (baseline)"),
        ("intermediate", f"xlm-roberta-base → {registry.task('ccg_pmb').title}"),
        ("intermediate", f"xlm-roberta-base → {registry.task('nli_cad').title}"),
    }
    assert study.runs.count() == 3 * 2
    # Intermediate training: 2 tasks x 2 seeds. POS: training and evaluation for each run. Tatoeba is read from
    # the encoder as it leaves the intermediate phase: once for each of these, and once for both baselines.
    assert Stage.objects.count() == 4 + 6 * 2 + (4 + 1)


def test_a_run_has_its_stages_in_order(submission):
    study = submit(submission)
    run = study.runs.get(recipe__title__contains=registry.task("ccg_pmb").title, seed=1)
    intermediate, pos = registry.task("ccg_pmb").title, registry.task("udpos").title
    assert list(run.stages.values_list("title", flat=True)) == [
        f"Train on {intermediate}, seed 1",
        f"Train on {pos}, seed 1, after {intermediate}",
        f"Evaluate Tatoeba test in 2 languages, seed 1, after {intermediate}",
        f"Evaluate {pos} test in 3 languages, seed 1, after {intermediate}",
    ]
    train, tuned, tatoeba, evaluate = run.stages.all()
    assert (train.parent, tuned.parent, tatoeba.parent, evaluate.parent) == (None, train, train, tuned)


def test_a_title_names_an_intermediate_task_that_the_target_is_trained_on_too(submission):
    evaluations = (Evaluation("xnli_cad", "test", ("en",)),)
    study = submit(replace(submission, evaluations=evaluations, intermediate_tasks=("nli_cad",), seeds=(1,)))
    task = registry.task("xnli_cad").title
    titles = study.runs.get(recipe__method="intermediate").stages.values_list("title", flat=True)
    assert f"Evaluate {task} test in English, seed 1, after {registry.task('nli_cad').title}" in titles


def test_a_recipe_remembers_its_settings(submission):
    submit(replace(submission, target=PhaseSettings(learning_rate=3e-5, train_limit=500)))
    settings = Recipe.objects.get(method="baseline").settings
    assert settings["intermediate"] is None
    assert (settings["target"]["learning_rate"], settings["target"]["train_limit"]) == (3e-5, 500)


def test_multi_task_is_one_recipe_with_all_tasks(submission):
    submit(replace(submission, methods=(Method.MULTI_TASK,), sampling=Sampling(cap=1000), seeds=(1,)))
    recipe = Recipe.objects.get()
    assert set(recipe.intermediate_tasks.values_list("slug", flat=True)) == {"ccg_pmb", "nli_cad"}
    assert recipe.title.endswith("(multi-task)")
    assert recipe.settings["sampling"] == {"strategy": "proportional", "cap": 1000, "temperature": None}


# Every method in every variant.

ALL = tuple(Variant)
# What is asked for, and of each recipe: its title and what its intermediate phase trains on.
VARIED = {
    "a plain baseline": (
        {"methods": (Method.BASELINE,), "intermediate_tasks": ()},
        [("(baseline)", None)],
    ),
    "a baseline with MLM": (
        {"methods": (Method.BASELINE,), "intermediate_tasks": (), "variants": (Variant.MLM,), "masked": MLM},
        [("(baseline) + MLM", "MLM on NTREX-128 in 2 languages")],
    ),
    "plain tasks": (
        {"methods": (Method.INTERMEDIATE,)},
        [("→ QQP", "QQP"), ("→ HellaSwag", "HellaSwag")],
    ),
    "tasks with MLM": (
        {"methods": (Method.INTERMEDIATE,), "variants": (Variant.MLM,), "masked": replace(MLM, languages=("sw",))},
        [
            ("→ QQP + MLM", "QQP + MLM on NTREX-128 in Swahili"),
            ("→ HellaSwag + MLM", "HellaSwag + MLM on NTREX-128 in Swahili"),
        ],
    ),
    "translated tasks": (
        {
            "methods": (Method.INTERMEDIATE,),
            "variants": (Variant.TRANSLATED,),
            "translations": (("de",), ("ru", "en")),
            "intermediate_tasks": ("qqp",),
        },
        [("→ QQP (translated: de)", "QQP (translated: de)"), ("→ QQP (translated: en+ru)", "QQP (translated: en+ru)")],
    ),
    "a plain mixture": (
        {"methods": (Method.MULTI_TASK,), "sampling": Sampling("temperature", 1000, 2.0)},
        [
            (
                "→ HellaSwag + QQP (multi-task)",
                "HellaSwag + QQP (temperature 2 sampling up to 1000)",
            )
        ],
    ),
    "a mixture with MLM": (
        {"methods": (Method.MULTI_TASK,), "variants": (Variant.MLM,), "masked": MLM},
        [("→ HellaSwag + QQP + MLM (multi-task)", "HellaSwag + QQP + MLM on NTREX-128 in 2 languages")],
    ),
    "a translated mixture": (
        {
            "methods": (Method.MULTI_TASK,),
            "variants": (Variant.TRANSLATED,),
            "translations": (("sw",),),
            "sampling": Sampling("uniform"),
        },
        [
            (
                "→ HellaSwag + QQP (multi-task, translated: sw)",
                "HellaSwag + QQP (uniform sampling, translated: sw)",
            )
        ],
    ),
    "translate-train": (
        {
            "methods": (Method.TRANSLATE_TRAIN,),
            "intermediate_tasks": (),
            "variants": (),
            "translate_train": (("de", "en"), ("sw",)),
        },
        [("(translate-train: de+en)", None), ("(translate-train: sw)", None)],
    ),
}


@pytest.fixture
def varied(submission):
    """A study of one target that is trained, and not on tags."""
    evaluations = (Evaluation("xnli", "test", ("en", "de")),)
    return replace(submission, intermediate_tasks=("qqp", "hellaswag"), evaluations=evaluations, seeds=(1,))


@pytest.mark.parametrize("name", VARIED)
def test_each_variant_of_a_method_is_a_recipe(varied, name):
    changes, expected = VARIED[name]
    study = submit(replace(varied, **changes))

    assert study.runs.count() == len(expected)
    for end, trained in expected:
        recipe = study.recipes.get(title=f"xlm-roberta-base {end}")
        titles = list(recipe.runs.get().stages.values_list("title", flat=True))
        # Its intermediate phase, where it has one, the target's training and the evaluation.
        assert len(titles) == (3 if trained else 2)
        assert (titles[0] == f"Train on {trained}, seed 1") is bool(trained)


def test_all_at_once_is_every_recipe_once(varied):
    asked = {"translations": (("de",), ("en", "ru")), "translate_train": (("de", "en"),)}
    study = submit(replace(varied, methods=tuple(Method), variants=ALL, masked=MLM, **asked))

    # The baseline plain and with MLM; of each task and of the mixture: plain, MLM and two translations.
    assert study.recipes.count() == 2 + 2 * 4 + 4 + 1
    assert study.recipes.filter(mlm=True).count() == 1 + 2 + 1
    assert study.recipes.exclude(translation="").count() == 2 * 2 + 2 + 1
    # Intermediate phases: MLM alone, four of each task and of the mixture. Then XNLI: training and evaluation each.
    assert Stage.objects.count() == (1 + 2 * 4 + 4) + 15 * 2
    assert Stage.objects.values("title").distinct().count() == Stage.objects.count()


def test_a_recipe_says_in_columns_what_tells_variants_apart(varied):
    submit(replace(varied, methods=(Method.INTERMEDIATE,), variants=ALL, masked=MLM, translations=(("ru", "de"),)))
    assert set(Recipe.objects.values_list("title", "mlm", "translation")) == {
        ("xlm-roberta-base → QQP", False, ""),
        ("xlm-roberta-base → QQP + MLM", True, ""),
        ("xlm-roberta-base → QQP (translated: de+ru)", False, "de+ru"),
        ("xlm-roberta-base → HellaSwag", False, ""),
        ("xlm-roberta-base → HellaSwag + MLM", True, ""),
        ("xlm-roberta-base → HellaSwag (translated: de+ru)", False, "de+ru"),
    }
    assert Recipe.objects.filter(mlm=True).first().settings["masked"] == {
        "text": "ntrex",
        "languages": ["de", "sw"],
        "share": 0.3,
        "mask_rate": 0.15,
        "texts": 100,
    }


def test_translate_train_is_trained_on_translations_of_the_target(varied):
    study = submit(replace(varied, **VARIED["translate-train"][0]))
    train, evaluate = study.runs.get(recipe__translation="de+en").stages.all()
    assert (train.spec["plan"]["tasks"], train.spec["plan"]["languages"]) == (["mnli"], ["de", "en"])
    assert evaluate.title == "Evaluate XNLI test in 2 languages, seed 1, after MNLI (translated: de+en)"


def test_what_is_not_trained_is_evaluated_on_what_the_intermediate_phase_left(submission):
    study = submit(
        replace(submission, evaluations=(TATOEBA,), variants=(Variant.PLAIN, Variant.MLM), masked=MLM, seeds=(1,))
    )
    titles = {run.recipe.title: run.stages.last().title for run in study.runs.all()}
    where = "Evaluate Tatoeba test in 2 languages"
    assert titles["xlm-roberta-base (baseline)"] == where
    assert titles["xlm-roberta-base (baseline) + MLM"] == f"{where}, seed 1, after MLM"
    task = registry.task("nli_cad").title
    assert titles[f"xlm-roberta-base → {task} + MLM"] == f"{where}, seed 1, after {task} + MLM"


def test_settings_of_what_is_not_there_tell_no_recipes_apart(varied):
    submit(replace(varied, methods=(Method.BASELINE, Method.INTERMEDIATE)))
    submit(replace(varied, name="Second", methods=(Method.BASELINE, Method.INTERMEDIATE), sampling=Sampling("uniform")))
    assert Recipe.objects.count() == 3


def test_ready_stages_are_queued_and_their_messages_sent_on_commit(submission, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks():
        submit(submission)
    assert set(Stage.objects.values_list("status", "sent")) == {("waiting", None)}

    with django_capture_on_commit_callbacks(execute=True):
        submit(replace(submission, name="Second"))
    ready = Stage.objects.filter(parent=None)
    assert set(ready.values_list("status", flat=True)) == {"queued"}
    assert not ready.filter(sent=None).exists()
    assert set(Stage.objects.exclude(parent=None).values_list("status", flat=True)) == {"waiting"}


def test_a_study_that_overlaps_shares_what_overlaps(submission):
    submit(submission)
    study = submit(replace(submission, name="Second", seeds=(2, 3), intermediate_tasks=("ccg_pmb",)))
    receipt = submissions.receipt(study)
    # Recipes: baseline and CCG, both there. Runs: seed 2 is there, seed 3 is new.
    assert Recipe.objects.count() == 3
    assert (receipt.runs, receipt.shared_runs) == (4, 2)
    # Stages of the two new runs: POS twice 2, CCG 1, Tatoeba after CCG 1; the baselines' Tatoeba is shared by all.
    assert receipt.stages - receipt.shared_stages == 6
    assert receipt.shared_stages == 2 + 4 + 1


def test_the_first_study_shares_nothing(submission):
    receipt = submissions.receipt(submit(submission))
    assert (receipt.shared_runs, receipt.shared_stages) == (0, 0)


def test_a_run_is_asked_for_more_targets_later(submission):
    submit(submission)
    study = submit(replace(submission, name="Second", evaluations=(Evaluation("panx", "validation", ("en", "de")),)))
    assert Run.objects.count() == 6
    assert {run.stages.filter(title__contains="PAN-X").count() for run in study.runs.all()} == {2}


def test_what_is_done_already_gives_its_scores_at_once(submission, commit):
    commit(submit, submission)
    commit(finish_all)
    assert not Stage.objects.exclude(status="done").exists()
    study = submit(replace(submission, name="Second", methods=(Method.BASELINE,), intermediate_tasks=(), seeds=(9,)))
    run = study.runs.get()
    assert set(run.scores.values_list("task", "language")) == {("tatoeba", "de"), ("tatoeba", "sw")}


def test_what_was_cancelled_for_another_study_is_taken_up_again(submission, commit):
    for run in submit(submission).runs.all():
        progress.cancel_run(run)
    assert set(Stage.objects.values_list("status", flat=True)) == {"cancelled"}
    commit(submit, replace(submission, name="Second"))
    assert set(Stage.objects.values_list("status", flat=True)) == {"queued", "waiting"}


def test_a_failure_in_the_middle_leaves_nothing(submission, monkeypatch):
    retry_run, calls = progress.retry_run, []

    def fail_at_the_third_run(run, **options):
        calls.append(run)
        if len(calls) == 3:
            raise OSError("the disk is full")
        return retry_run(run)

    monkeypatch.setattr(progress, "retry_run", fail_at_the_third_run)
    with pytest.raises(OSError, match="disk is full"):
        submit(submission)
    assert [model.objects.count() for model in (Study, Recipe, Run, Stage, Score)] == [0, 0, 0, 0, 0]


def test_what_is_rolled_back_sends_no_message(submission, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        submit(submission)
        transaction.set_rollback(True)
    assert callbacks == []


def test_a_large_study_costs_few_queries_for_each_run(submission, django_assert_max_num_queries):
    seeds = tuple(range(10))
    with django_assert_max_num_queries(30 * 30):
        submit(replace(submission, seeds=seeds))
    assert Run.objects.count() == 30
