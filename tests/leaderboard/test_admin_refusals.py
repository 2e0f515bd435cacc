"""The form of a study says at each field what is wrong with it, and creates nothing."""

from __future__ import annotations

import pytest
from django.forms import ValidationError
from django.utils.html import escape

from leaderboard.forms.parsing import parse_seeds, parse_translations
from leaderboard.models import (
    Encoder,
    Study,
)
from runner.tasks.languages import LANGUAGES
from tests.submitting import ADD, filled

pytestmark = pytest.mark.django_db


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
