"""The admin: submitting a study through its form, deciding about runs and sources, and who may do so."""

from __future__ import annotations

import pytest
from django.urls import reverse

from leaderboard.forms import SubmissionForm
from leaderboard.forms.training import PhaseForm
from leaderboard.models import (
    Artifact,
    Language,
    Protocol,
    Recipe,
    Run,
    Score,
    Source,
    Stage,
    Study,
    Task,
    Worker,
)
from runner.recipes import PhaseSettings
from tests.submitting import ADD, client_with, filled

pytestmark = pytest.mark.django_db


READ_ONLY = (Recipe, Run, Stage, Score, Protocol, Artifact, Task, Language, Worker)


# Submitting.


def test_it_works(admin_client, admin_user):
    response = admin_client.post(ADD, filled(seeds="1-2", languages="de, sw en", evaluation_limit="50"), follow=True)

    study = Study.objects.get()
    assert (study.submitted_by, study.seeds, study.runs.count()) == (admin_user, [1, 2], 6)
    assert {target["task"]: target["languages"] for target in study.targets} == {
        "udpos": ["de", "en"],
        "tatoeba": ["de", "sw"],
    }
    assert {(target["split"], target["limit"]) for target in study.targets} == {("test", 50)}
    message = str(next(iter(response.context["messages"])))
    assert "has 6 runs, 0 of them there already, and 21 stages, 0 of them there already" in message
    assert reverse("study", args=[study.pk]) in message


def test_one_run_and_one_stage_are_not_several(admin_client):
    alone = {"methods": ["baseline"], "intermediate_tasks": [], "target-udpos": None, "languages": "de"}
    response = admin_client.post(ADD, filled(**alone), follow=True)
    message = str(next(iter(response.context["messages"])))
    assert "has 1 run, 0 of them there already, and 1 stage, 0 of them there already" in message


def test_the_form_shows_the_published_defaults(admin_client):
    response = admin_client.get(ADD)
    assert response.status_code == 200
    for prefix in ("intermediate", "target"):
        assert PhaseForm(filled(), prefix=prefix).is_valid()
        form = PhaseForm(filled(), prefix=prefix)
        form.is_valid()
        assert form.settings() == PhaseSettings()
    content = response.content.decode()
    assert "CCG supertagging" in content
    assert "HellaSwag" in content
    assert "cannot run" not in content


def test_it_needs_no_script_and_no_inline_style(admin_client):
    content = admin_client.get(ADD).content.decode()
    form = content[content.index('<div id="content-main">') :]
    form = form[: form.index("</form>")]
    assert "<script" not in form
    assert "style=" not in form


def test_hyper_parameters_reach_the_recipe(admin_client):
    changes = {"intermediate-train_limit": "300", "target-learning_rate": "3e-5", "target-epochs": "3"}
    admin_client.post(ADD, filled(**changes, **{"split-panx": "validation", "target-panx": "on"}))
    settings = Recipe.objects.filter(method="intermediate").first().settings
    assert settings["intermediate"]["train_limit"] == 300
    assert (settings["target"]["learning_rate"], settings["target"]["epochs"]) == (3e-5, 3)
    assert {target["task"]: target["split"] for target in Study.objects.get().targets}["panx"] == "validation"


def test_a_target_may_have_languages_and_a_limit_of_its_own(admin_client):
    changes = {"languages": "-th", "evaluation_limit": "50", "languages-udpos": "de", "limit-tatoeba": "900"}
    admin_client.post(ADD, filled(**changes))
    targets = {target["task"]: target for target in Study.objects.get().targets}
    assert (targets["udpos"]["languages"], targets["udpos"]["limit"]) == (["de"], 50)
    assert (len(targets["tatoeba"]["languages"]), targets["tatoeba"]["limit"]) == (35, 900)
    assert "th" not in targets["tatoeba"]["languages"]


def test_all_languages_is_the_default(admin_client):
    admin_client.post(ADD, filled())
    assert {target["task"]: len(target["languages"]) for target in Study.objects.get().targets} == {
        "udpos": 33,
        "tatoeba": 36,
    }


def test_every_method_in_every_variant_is_submitted(admin_client):
    changes = {
        "methods": ["baseline", "intermediate", "multi_task", "translate_train"],
        "variants": ["plain", "mlm", "translated"],
        "intermediate_tasks": ["mnli", "hellaswag"],
        "translations": "de, en+ru",
        "translate_train": "de+EN,sw",
        "masked-text": "wikipedia",
        "masked-languages": "-th",
        "masked-share": "0.25",
        "masked-texts": "1000",
        "sampling-strategy": "temperature",
        "sampling-temperature": "2",
        "sampling-cap": "5000",
        "intermediate-patience": "5",
        "intermediate-evaluate_every": "200",
        "target-udpos": None,
        "target-tatoeba": None,
        "target-xquad": "on",
    }
    response = admin_client.post(ADD, filled(**changes))

    assert response.status_code == 302, response.context["form"].errors
    assert set(Recipe.objects.values_list("method", "mlm", "translation")) == {
        ("baseline", False, ""),
        ("baseline", True, ""),
        *((method, mlm, "") for method in ("intermediate", "multi_task") for mlm in (False, True)),
        *((method, False, codes) for method in ("intermediate", "multi_task") for codes in ("de", "en+ru")),
        *(("translate_train", False, codes) for codes in ("de+en", "sw")),
    }
    settings = Recipe.objects.get(method="multi_task", mlm=True).settings
    assert settings["sampling"] == {"strategy": "temperature", "cap": 5000, "temperature": 2.0}
    masked = settings["masked"]
    assert (masked["text"], masked["share"], masked["mask_rate"], masked["texts"]) == ("wikipedia", 0.25, 0.15, 1000)
    assert (len(masked["languages"]), "th" in masked["languages"]) == (39, False)
    assert (settings["intermediate"]["patience"], settings["intermediate"]["evaluate_every"]) == (5, 200)
    assert settings["target"]["patience"] is None


def test_all_languages_of_a_text_is_the_default(admin_client):
    admin_client.post(ADD, filled(variants=["mlm"], **{"masked-text": "ntrex"}))
    languages = Recipe.objects.filter(mlm=True).first().settings["masked"]["languages"]
    assert (len(languages), "jv" in languages) == (39, False)


def test_texts_tasks_and_every_kind_can_be_chosen():
    form = SubmissionForm()
    assert {slug for slug, _ in form.masked.fields["text"].choices} == {
        "wikipedia",
        "ntrex",
        "local_text",
        "pocket_text",
    }
    assert {"squad_v2", "hellaswag", "anli_plus"} <= {slug for slug, _ in form.fields["intermediate_tasks"].choices}
    assert {"xquad", "bucc2018"} <= {spec.slug for spec in form.targets}


# Who may.


def test_anonymous_is_sent_to_the_login(client):
    for url in (ADD, reverse("admin:leaderboard_run_changelist"), reverse("admin:index")):
        response = client.get(url)
        assert response.status_code == 302
        assert "/admin/login/" in response["Location"]
    client.post(ADD, filled())
    assert not Study.objects.exists()


@pytest.mark.parametrize("permissions", [(), ("view_study", "change_study", "add_run")])
def test_staff_without_the_permission_cannot_submit(client, django_user_model, permissions):
    client = client_with(client, django_user_model, *permissions)
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, filled()).status_code == 403
    assert not Study.objects.exists()


def test_staff_with_the_permission_can(client, django_user_model):
    client = client_with(client, django_user_model, "add_study")
    assert client.post(ADD, filled()).status_code == 302
    assert Study.objects.exists()


def test_a_form_without_its_token_is_refused(admin_user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(ADD, filled()).status_code == 403
    assert not Study.objects.exists()


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_services_write_is_only_read(admin_client, model):
    name = model._meta.model_name
    assert admin_client.get(reverse(f"admin:leaderboard_{name}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"admin:leaderboard_{name}_add")).status_code == 403
    admin_client.post(ADD, filled())
    if row := model.objects.first():
        url = reverse(f"admin:leaderboard_{name}_change", args=[row.pk])
        assert admin_client.get(url).status_code == 200
        assert admin_client.post(url, {}).status_code == 403
        assert admin_client.post(reverse(f"admin:leaderboard_{name}_delete", args=[row.pk])).status_code == 403


def test_a_study_keeps_what_it_asked_for(admin_client):
    admin_client.post(ADD, filled())
    study = Study.objects.get()
    url = reverse("admin:leaderboard_study_change", args=[study.pk])
    assert admin_client.get(url).status_code == 200
    admin_client.post(url, {"name": "Renamed", "note": "", "seeds": "[9]", "targets": "[]"})
    study.refresh_from_db()
    assert (study.name, study.seeds, len(study.targets)) == ("Renamed", [1], 2)


# Runs.


def decide(client, action, *runs):
    chosen = {"action": action, "_selected_action": [run.pk for run in runs]}
    return client.post(reverse("admin:leaderboard_run_changelist"), chosen, follow=True)


def test_a_run_is_cancelled_and_taken_up_again(admin_client):
    admin_client.post(ADD, filled(methods=["baseline"], intermediate_tasks=[]))
    run = Run.objects.get()

    response = decide(admin_client, "cancel", run)
    assert set(run.stages.values_list("status", flat=True)) == {"cancelled"}
    assert "Cancelled: 3 stages end." in response.content.decode()
    assert "cancelled" in admin_client.get(reverse("admin:leaderboard_run_changelist")).content.decode()

    response = decide(admin_client, "retry", run)
    assert not run.stages.filter(status="cancelled").exists()
    assert "Taken up again: 3 stages." in response.content.decode()


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_who_may_only_see_runs_decides_nothing(client, admin_client, django_user_model, action):
    admin_client.post(ADD, filled(methods=["baseline"], intermediate_tasks=[]))
    run = Run.objects.get()
    before = list(run.stages.values_list("status", flat=True))
    viewer = client_with(client, django_user_model, "view_run")
    page = viewer.get(reverse("admin:leaderboard_run_changelist"))
    assert page.status_code == 200
    assert "Cancel: stop" not in page.content.decode()
    decide(viewer, action, run)
    assert list(run.stages.values_list("status", flat=True)) == before


def test_who_may_change_runs_cancels_them(client, admin_client, django_user_model):
    admin_client.post(ADD, filled(methods=["baseline"], intermediate_tasks=[]))
    decide(client_with(client, django_user_model, "change_run"), "cancel", Run.objects.get())
    assert set(Run.objects.get().stages.values_list("status", flat=True)) == {"cancelled"}


# Sources.


def test_checking_a_source_records_who_and_when(admin_client, admin_user):
    source = Source.objects.create(key="paper", title="A paper")
    url = reverse("admin:leaderboard_source_change", args=[source.pk])
    values = {"title": "A paper", "url": "", "note": "", "checked_against": "the PDF, version 2, Table 3"}
    admin_client.post(url, {**values, "status": "checked"})
    source.refresh_from_db()
    assert (source.status, source.checked_by) == ("checked", admin_user)
    assert source.checked is not None

    admin_client.post(url, {**values, "status": "unverified"})
    source.refresh_from_db()
    assert (source.checked_by, source.checked) == (None, None)
