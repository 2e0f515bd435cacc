"""The admin: submitting a study through its form, describing encoders, deciding about runs, and who may do so."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.forms import ValidationError
from django.urls import reverse
from django.utils.html import escape

from leaderboard.forms import SubmissionForm
from leaderboard.forms.parsing import parse_seeds, parse_translations
from leaderboard.forms.training import PhaseForm
from leaderboard.models import (
    Artifact,
    Encoder,
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
from leaderboard.services import encoders
from runner.recipes import PhaseSettings
from runner.tasks.languages import LANGUAGES

pytestmark = pytest.mark.django_db

ADD = reverse("admin:leaderboard_study_add")
READ_ONLY = (Recipe, Run, Stage, Score, Protocol, Artifact, Task, Language, Worker)


def filled(**changes):
    """What a browser sends for the form as it is shown, with some targets chosen and `changes` made."""
    form = SubmissionForm()
    data = {}
    for part in (form, *form.parts):
        for bound in part:
            initial = bound.initial
            if initial is None and hasattr(bound.field, "choices") and not bound.field.widget.allow_multiple_selected:
                initial = next(iter(bound.field.choices))[0]
            if initial is not None and initial is not False:
                data[bound.html_name] = initial
    data |= {"name": "First", "encoder": "xlm-roberta-base", "intermediate_tasks": ["ccg_pmb", "nli_cad"]}
    data |= {"target-udpos": "on", "target-tatoeba": "on"}
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


@pytest.fixture
def errors(admin_client):
    """Posts the form and gives its errors by field; nothing may have been created."""

    def post(**changes):
        response = admin_client.post(ADD, filled(**changes))
        assert response.status_code == 200
        assert not Study.objects.exists()
        form = response.context["form"]
        found = {**form.errors}
        for part in form.parts:
            found |= {part.add_prefix(name): lines for name, lines in part.errors.items()}
        for lines in found.values():
            for line in lines:
                assert escape(line) in response.content.decode()
        return {name: " ".join(lines) for name, lines in found.items()}

    return post


def client_with(client, django_user_model, *permissions):
    user = django_user_model.objects.create_user("somebody", password="…", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


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


TASKLESS = {"intermediate_tasks": []}
XNLI_ALONE = {"target-udpos": None, "target-tatoeba": None, "target-xnli": "on"}
MLM = {"variants": ["mlm"], "masked-texts": "100"}
TRANSLATED = {"methods": ["intermediate"], "variants": ["translated"], "intermediate_tasks": ["mnli"]}
TRANSLATE_TRAIN = {"methods": ["translate_train"], "translate_train": "de", **TASKLESS}
NO_LANGUAGES = ("translate_train", "belong to the method “translate-train”: give both or neither")
MIXTURE = {"methods": ["multi_task"]}
FIELD_ERRORS = {
    "no name": ({"name": ""}, "name", "required"),
    "no encoder": ({"encoder": "bert"}, "encoder", "not one of the available choices"),
    "no method": ({"methods": []}, "methods", "required"),
    "a baseline with tasks": ({"methods": ["baseline"]}, "methods", "but no method that has any"),
    "unknown method": ({"methods": ["magic"]}, "methods", "magic is not one of the available choices"),
    "no intermediate task": ({"intermediate_tasks": []}, "intermediate_tasks", "needs at least one"),
    "one task for multi-task": (
        {"methods": ["multi_task"], "intermediate_tasks": ["ccg_pmb"]},
        "intermediate_tasks",
        "two or more intermediate tasks, found 1",
    ),
    "a text as intermediate task": ({"intermediate_tasks": ["ntrex"]}, "intermediate_tasks", "ntrex is not one"),
    "no target": (
        {"target-udpos": None, "target-tatoeba": None},
        "__all__",
        "Choose at least one target task, or a text to measure alignment on.",
    ),
    "unknown language": ({"languages": "de, swa"}, "languages", "There is no language 'swa'"),
    "an unknown language of one target": ({"languages-udpos": "swa"}, "languages-udpos", "no language 'swa'"),
    "languages to take and to leave out": ({"languages": "de -th"}, "languages", "found “de -th”"),
    "a language that a task lacks": ({"languages": "sw"}, "target-udpos", "has none of sw: it has af, ar, bg"),
    "unknown split": ({"split-udpos": "train"}, "split-udpos", "train is not one of the available choices"),
    "no seeds": ({"seeds": ""}, "seeds", "required"),
    "seeds in words": ({"seeds": "one"}, "seeds", "found “one”"),
    "a layer that is not there": ({"layer": "13"}, "layer", "XLM-R base has layers 0 to 12, found 13."),
    "unknown pooling": ({"pooling": "max"}, "pooling", "max is not one"),
    "no items": ({"evaluation_limit": "0"}, "evaluation_limit", "greater than or equal to 1"),
    "unknown variant": ({"variants": ["magic"]}, "variants", "magic is not one of the available choices"),
    "no variant": ({"variants": []}, "variants", "Choose at least one variant"),
    "a translated baseline": (
        {"variants": ["translated"], "translations": "de"},
        "variants",
        "A baseline has no intermediate data that could be translated",
    ),
    "MLM for translate-train alone": (
        {"methods": ["translate_train"], "translate_train": "de", "intermediate_tasks": [], **XNLI_ALONE, **MLM},
        "variants",
        "None of the chosen methods has the variant “with MLM”.",
    ),
    "translated data without languages": (
        {"variants": ["plain", "translated"]},
        "translations",
        "give both or neither",
    ),
    "languages without translated data": ({"translations": "de"}, "translations", "give both or neither"),
    "languages without a comma": (
        {**TRANSLATED, "translations": "de ru"},
        "translations",
        "found “de ru”",
    ),
    "an unknown language of translated data": ({**TRANSLATED, "translations": "swa"}, "translations", "'swa'"),
    "a comma too many": ({**TRANSLATED, "translations": "de,"}, "translations", "found “de,”"),
    "a plus too many": ({**TRANSLATED, "translations": "de+"}, "translations", "found “de+”"),
    "translated into English": ({**TRANSLATED, "translations": "en"}, "translations", "other than English"),
    "a translation twice": ({**TRANSLATED, "translations": "de+ru, ru+de"}, "translations", "for two recipes"),
    "translated tags": (
        {**TRANSLATED, "translations": "de", "intermediate_tasks": ["ccg"]},
        "intermediate_tasks",
        "word-level labels do not survive machine translation",
    ),
    "translate-train without languages": ({"methods": ["baseline", "translate_train"], **TASKLESS}, *NO_LANGUAGES),
    "languages without translate-train": ({"translate_train": "de"}, *NO_LANGUAGES),
    "translate-train of tags": (
        {**TRANSLATE_TRAIN, "target-tatoeba": None},
        "translate_train",
        "Translate-train has no POS tagging (UD 2.5): word-level labels do not survive",
    ),
    "translate-train of retrieval": (
        {**TRANSLATE_TRAIN, "target-udpos": None},
        "translate_train",
        "Translate-train has no Tatoeba: nothing is trained for it",
    ),
    "the whole of Wikipedia": ({**MLM, "masked-texts": ""}, "masked-texts", "its English part alone has 6.4 million"),
    "an unknown text": ({**MLM, "masked-text": "mnli"}, "masked-text", "mnli is not one of the available choices"),
    "an unknown language of a text": ({**MLM, "masked-languages": "swa"}, "masked-languages", "no language 'swa'"),
    "a language that the text lacks": (
        {**MLM, "masked-text": "ntrex", "masked-languages": "jv de"},
        "masked-languages",
        "NTREX-128 has no jv",
    ),
    "no language of a text": (
        {**MLM, "masked-text": "ntrex", "masked-languages": ", ".join(f"-{code}" for code in LANGUAGES)},
        "masked-languages",
        "MLM needs at least one language.",
    ),
    "all steps MLM": ({**MLM, "masked-share": "1"}, "masked-share", "between 0 and 1, found 1.0"),
    "no word masked": ({**MLM, "masked-mask_rate": "0"}, "masked-mask_rate", "between 0 and 1, found 0.0"),
    "no texts": ({**MLM, "masked-texts": "0"}, "masked-texts", "greater than or equal to 1"),
    "MLM that is not chosen": ({"masked-texts": "50"}, "variants", "MLM is described below"),
    "sampling without a mixture": ({"sampling-strategy": "uniform"}, "methods", "Sampling is set below"),
    "a cap of nothing": ({**MIXTURE, "sampling-cap": "0"}, "sampling-cap", "greater than or equal to 1"),
    "no temperature": (
        {**MIXTURE, "sampling-strategy": "temperature"},
        "sampling-temperature",
        "A temperature belongs to the sampling 'temperature'",
    ),
    "a temperature of nothing": (
        {**MIXTURE, "sampling-strategy": "temperature", "sampling-temperature": "0"},
        "sampling-temperature",
        "above 0, found 0.0",
    ),
    "a temperature that nothing reads": (
        {**MIXTURE, "sampling-temperature": "2"},
        "sampling-temperature",
        "and to no other",
    ),
    "an unknown sampling": ({**MIXTURE, "sampling-strategy": "best"}, "sampling-strategy", "best is not one"),
    "no patience": ({"target-patience": "0"}, "target-patience", "greater than or equal to 1"),
    "evaluations that nothing counts": (
        {"intermediate-evaluate_every": "100"},
        "intermediate-evaluate_every",
        "Only early stopping evaluates every so many steps: set the patience too.",
    ),
    "no learning rate": ({"intermediate-learning_rate": ""}, "intermediate-learning_rate", "required"),
    "a learning rate of 0": ({"target-learning_rate": "0"}, "target-learning_rate", "greater than or equal to"),
    "a learning rate in words": ({"target-learning_rate": "small"}, "target-learning_rate", "Enter a number."),
    "a learning rate that is no number": ({"target-learning_rate": "nan"}, "target-learning_rate", "Enter a number."),
    "no epoch": ({"target-epochs": "0"}, "target-epochs", "greater than or equal to 1"),
    "half an epoch": ({"target-epochs": "0.5"}, "target-epochs", "Enter a whole number."),
    "empty batches": ({"intermediate-batch_size": "0"}, "intermediate-batch_size", "greater than or equal to 1"),
    "no room for text": ({"target-max_length": "4"}, "target-max_length", "greater than or equal to 8"),
    "too much warm-up": ({"intermediate-warmup": "1.5"}, "intermediate-warmup", "less than or equal to 1"),
    "negative weight decay": ({"target-weight_decay": "-1"}, "target-weight_decay", "greater than or equal to 0"),
    "no gradient": ({"target-max_grad_norm": "0"}, "target-max_grad_norm", "greater than or equal to"),
    "no examples": ({"intermediate-train_limit": "0"}, "intermediate-train_limit", "greater than or equal to 1"),
    "unknown precision": ({"target-precision": "fp16"}, "target-precision", "fp16 is not one"),
}


@pytest.mark.parametrize("name", FIELD_ERRORS)
def test_a_field_says_what_is_wrong(errors, name):
    changes, field, sentence = FIELD_ERRORS[name]
    found = errors(**changes)
    assert list(found) == [field]
    assert sentence in found[field]


def test_all_errors_show_at_once(errors):
    assert set(errors(**{"name": "", "seeds": "x", "target-epochs": "0"})) == {"name", "seeds", "target-epochs"}
    changes = {"variants": ["plain", "mlm", "translated"], "translations": "de ru", "intermediate_tasks": []}
    changes |= {"methods": ["intermediate", "translate_train"], "masked-texts": ""}
    assert set(errors(**changes)) == {"translations", "translate_train", "intermediate_tasks", "masked-texts"}


def test_a_name_that_is_taken_is_said_at_the_name(admin_client):
    admin_client.post(ADD, filled())
    response = admin_client.post(ADD, filled())
    assert "There is a study “First” already" in response.context["form"].errors["name"][0]
    assert Study.objects.count() == 1


def test_an_encoder_without_a_revision_is_refused(errors):
    Encoder.objects.create(slug="mine", title="Mine", location="org/mine", layers=12)
    assert "Mine has no revision" in errors(encoder="mine")["encoder"]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1", (1,)), ("1 2 3", (1, 2, 3)), ("3,1;2", (3, 1, 2)), ("1-5", (1, 2, 3, 4, 5)), (" 7 1-2 2 ", (7, 1, 2))],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "1.5", "-1", "5-1", "1--2", "4294967296", "1-101", "0-99 200", "1-9999999999", "١"]
)
def test_seeds_that_are_none(text):
    with pytest.raises(ValidationError):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "recipes"),
    [
        ("", ()),
        (" ", ()),
        ("de", (("de",),)),
        ("de, ru,sw", (("de",), ("ru",), ("sw",))),
        ("en+de+ru", (("en", "de", "ru"),)),
        ("DE + en , sw", (("de", "en"), ("sw",))),
    ],
)
def test_languages_of_translated_data(text, recipes):
    assert parse_translations(text) == recipes


@pytest.mark.parametrize("text", [",", "+", "de,,ru", "de+", "+de", "de ru", "xx", "de;ru"])
def test_languages_of_translated_data_that_are_none(text):
    with pytest.raises(ValidationError):
        parse_translations(text)


def test_what_stands_in_idle_settings_is_no_error_of_its_own(admin_client):
    # Wikipedia without a limit is refused only where MLM is chosen.
    assert admin_client.post(ADD, filled()).status_code == 302


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


# Encoders.


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 3}))
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def encoder_values(**changes):
    values = {"slug": "mine", "title": "Mine", "location": "org/mine", "revision": "a" * 40, "layers": "12"}
    return {**values, "licence": "", "note": "", **changes}


def post_encoder(client, encoder=None, **changes):
    page = ("change", [encoder.pk]) if encoder else ("add", [])
    response = client.post(reverse(f"admin:leaderboard_encoder_{page[0]}", args=page[1]), encoder_values(**changes))
    return response.context["adminform"].form.errors if response.status_code == 200 else {}


def test_a_folder_describes_itself(admin_client, folder):
    assert not post_encoder(admin_client, location=str(folder), revision="", layers="")
    encoder = Encoder.objects.get(slug="mine")
    assert (encoder.layers, encoder.revision) == (3, encoders.folder_hash(folder))


def test_the_hash_of_a_folder_follows_its_contents_and_not_its_place(folder, tmp_path):
    before = encoders.folder_hash(folder)
    (folder / ".cache").write_text("not part of it")
    moved = folder.rename(tmp_path / "elsewhere")
    assert encoders.folder_hash(moved) == before
    (moved / "model.safetensors").write_bytes(b"other weights")
    assert encoders.folder_hash(moved) != before


@pytest.mark.parametrize("absent", encoders.REQUIRED_FILES)
def test_a_folder_without_a_file_is_refused(admin_client, folder, absent):
    (folder / absent).unlink()
    errors = post_encoder(admin_client, location=str(folder), revision="", layers="")
    assert f"The folder lacks {absent}" in errors["location"][0]


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"num_hidden_layers": 0}', '{"num_hidden_layers": "12"}'])
def test_a_folder_with_a_strange_config_is_refused(admin_client, folder, config):
    (folder / "config.json").write_text(config)
    errors = post_encoder(admin_client, location=str(folder), revision="", layers="")
    assert "num_hidden_layers" in errors["location"][0]


ENCODER_ERRORS = {
    "no such folder": ({"location": "/no/such/folder"}, "location", "There is no folder '/no/such/folder'."),
    "no hub id": ({"location": "org/my model"}, "location", "neither a folder that is here nor a hub id"),
    "no commit": ({"revision": ""}, "revision", "40 hexadecimal digits; found nothing."),
    "a branch": ({"revision": "main"}, "revision", "40 hexadecimal digits; found “main”."),
    "no layers": ({"layers": ""}, "layers", "needs its number of transformer layers"),
    "layer 0": ({"layers": "0"}, "layers", "greater than or equal to 1"),
    "a strange slug": ({"slug": "My Encoder"}, "slug", "lower-case letters and digits"),
}


@pytest.mark.parametrize("name", ENCODER_ERRORS)
def test_an_encoder_says_what_is_wrong(admin_client, name):
    changes, field, sentence = ENCODER_ERRORS[name]
    errors = post_encoder(admin_client, **changes)
    assert list(errors) == [field]
    assert sentence in errors[field][0]


def test_a_folder_s_hash_is_not_for_choosing(admin_client, folder):
    errors = post_encoder(admin_client, location=str(folder), revision="b" * 64, layers="12")
    assert "leave it empty to take the folder's" in errors["revision"][0]
    assert "The folder's layers is 3, found 12" in errors["layers"][0]


def test_a_used_encoder_keeps_what_identifies_it(admin_client, folder, tmp_path):
    post_encoder(admin_client, location=str(folder), revision="", layers="")
    encoder = Encoder.objects.get(slug="mine")
    revision = encoder.revision
    admin_client.post(ADD, filled(encoder="mine"))

    moved = folder.rename(tmp_path / "elsewhere")
    assert not post_encoder(admin_client, encoder, location=str(moved), title="Moved", revision="c" * 64, layers="9")
    encoder.refresh_from_db()
    assert (encoder.location, encoder.title) == (str(moved), "Moved")
    assert (encoder.revision, encoder.layers) == (revision, 3)

    (moved / "model.safetensors").write_bytes(b"other weights")
    assert "The folder's revision is" in post_encoder(admin_client, encoder, location=str(moved))["location"][0]
    assert "40 hexadecimal" in post_encoder(admin_client, encoder, location="org/mine")["location"][0]


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
