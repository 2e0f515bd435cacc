"""Submitting a study: what is refused, each with one sentence, and nothing kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.models import Encoder, Study
from leaderboard.services.submissions import submit
from leaderboard.variants import Variant
from runner.errors import RecipeError
from runner.recipes import Evaluation, Method, PhaseSettings
from runner.spec import MaskedWords
from tests.submitted import FIRST, MLM, POS, TATOEBA

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return FIRST


REFUSALS = {
    "no name": ({"name": " "}, "A study needs a name."),
    "unknown encoder": ({"encoder": "xlm-roberta-bas"}, "Did you mean xlm-roberta-base"),
    "no method": ({"methods": ()}, "Choose at least one method."),
    "a method twice": ({"methods": (Method.BASELINE, Method.BASELINE)}, "named twice"),
    "a baseline with tasks": ({"methods": (Method.BASELINE,)}, "but no method that has any"),
    "no intermediate task": ({"intermediate_tasks": ()}, "needs at least one intermediate task"),
    "one task for multi-task": (
        {"methods": (Method.MULTI_TASK,), "intermediate_tasks": ("ccg_pmb",)},
        "two or more intermediate tasks, found 1",
    ),
    "a task twice": ({"intermediate_tasks": ("ccg_pmb", "ccg_pmb")}, "named twice"),
    "unknown task": ({"intermediate_tasks": ("ccg_pbm",)}, "Did you mean ccg_pmb"),
    "a target as intermediate task": ({"intermediate_tasks": ("udpos",)}, "is a target task, not an intermediate"),
    "a text as intermediate task": ({"intermediate_tasks": ("ntrex",)}, "NTREX-128 is an auxiliary task, not an inter"),
    "no target": ({"evaluations": ()}, "Choose at least one target task, or a text to measure alignment on."),
    "unknown target": ({"evaluations": (replace(POS, task="updos"),)}, "Did you mean udpos"),
    "an intermediate task as target": (
        {"evaluations": (Evaluation("ccg_pmb", "test", ("en",)),)},
        "nothing is evaluated on it",
    ),
    "a text as target": (
        {"evaluations": (Evaluation("ntrex", "test", ("de",)),)},
        "NTREX-128 is text for MLM: nothing is evaluated on it.",
    ),
    "a target twice": ({"evaluations": (POS, POS)}, "is asked for twice on its test split"),
    "unknown split": (
        {"evaluations": (replace(POS, split="dev"),)},
        "can be evaluated on validation, test, not on 'dev'",
    ),
    "unknown language": ({"evaluations": (replace(POS, languages=("swa",)),)}, "There is no language 'swa'"),
    "a language that the task lacks": ({"evaluations": (replace(POS, languages=("sw",)),)}, "covers"),
    "no language": ({"evaluations": (replace(POS, languages=()),)}, "found no language"),
    "no items": ({"evaluations": (replace(POS, limit=0),)}, "1 or more, found 0"),
    "a layer that is not there": ({"evaluations": (replace(TATOEBA, layer=13),)}, "layers 0 to 12; found layer 13"),
    "unknown pooling": ({"evaluations": (replace(TATOEBA, pooling="max"),)}, "mean or cls, found 'max'"),
    "no seed": ({"seeds": ()}, "1 to 100 seeds, found 0"),
    "too many seeds": ({"seeds": tuple(range(101))}, "1 to 100 seeds, found 101"),
    "a seed twice": ({"seeds": (1, 1)}, "A seed is named twice."),
    "a negative seed": ({"seeds": (-1,)}, "found -1"),
    "a seed too large": ({"seeds": (2**32,)}, "found 4294967296"),
}
TRAINED = Evaluation("xnli", "test", ("en", "de"))
TRANSLATE_TRAIN = {
    "methods": (Method.BASELINE, Method.TRANSLATE_TRAIN),
    "intermediate_tasks": (),
    "translate_train": (("de", "en"),),
    "evaluations": (TRAINED,),
}
WITH_MLM = {"variants": (Variant.PLAIN, Variant.MLM), "masked": MLM}
TRANSLATED = {"variants": (Variant.TRANSLATED,), "methods": (Method.INTERMEDIATE,), "translations": (("de",),)}
VARIANT_REFUSALS = {
    "no variant": ({"variants": ()}, "Choose at least one variant"),
    "a variant twice": ({"variants": (Variant.PLAIN, Variant.PLAIN)}, "A variant is named twice."),
    "MLM without a text": ({"variants": (Variant.MLM,)}, "A text for MLM belongs to the variant “with MLM”"),
    "a text without MLM": ({"masked": MLM}, "A text for MLM belongs to the variant “with MLM”"),
    "translated data without languages": (
        {**TRANSLATED, "translations": ()},
        "belong to the variant “with translated data”: give both or neither",
    ),
    "languages without translated data": (
        {"translations": (("de",),)},
        "belong to the variant “with translated data”: give both or neither",
    ),
    "a translated baseline": (
        {**TRANSLATED, "methods": (Method.BASELINE, Method.INTERMEDIATE)},
        "A baseline has no intermediate data that could be translated",
    ),
    "a variant that no method has": (
        {**TRANSLATE_TRAIN, "variants": (Variant.PLAIN, Variant.TRANSLATED), "translations": (("de",),)},
        "None of the chosen methods has the variant “with translated data”.",
    ),
    "translate-train with MLM": (
        {**TRANSLATE_TRAIN, **WITH_MLM, "methods": (Method.TRANSLATE_TRAIN,)},
        "None of the chosen methods has the variant “with MLM”.",
    ),
    "translate-train without languages": (
        {**TRANSLATE_TRAIN, "translate_train": ()},
        "belong to the method “translate-train”: give both or neither",
    ),
    "languages without translate-train": (
        {"translate_train": (("de",),)},
        "belong to the method “translate-train”: give both or neither",
    ),
    "translate-train in English": ({**TRANSLATE_TRAIN, "translate_train": (("en",),)}, "other than English"),
    "translated into English": ({**TRANSLATED, "translations": (("en",),)}, "other than English.*found en"),
    "a language of a translation twice": (
        {**TRANSLATED, "translations": (("de", "de"),)},
        "each named once; found de.de",
    ),
    "an unknown language of a translation": (
        {**TRANSLATED, "translations": (("swa",),)},
        "There is no language 'swa'",
    ),
    "a translation twice": (
        {**TRANSLATED, "translations": (("de", "ru"), ("ru", "de"))},
        "The same languages are given for two recipes.",
    ),
    "translated tags": (
        {**TRANSLATED, "intermediate_tasks": ("ccg",)},
        "CCG supertagging has no translated data: word-level labels do not survive machine translation.",
    ),
    "translate-train of tags": (
        {**TRANSLATE_TRAIN, "evaluations": (TRAINED, POS)},
        "Translate-train has no POS tagging .UD 2.5.: word-level labels do not survive machine translation.",
    ),
    "translate-train of retrieval": (
        {**TRANSLATE_TRAIN, "evaluations": (TRAINED, TATOEBA)},
        "Translate-train has no Tatoeba: nothing is trained for it",
    ),
    "MLM on a task": ({**WITH_MLM, "masked": replace(MLM, text="mnli")}, "MNLI is an intermediate task, not text"),
    "MLM on an unknown text": ({**WITH_MLM, "masked": replace(MLM, text="wikipedia_")}, "Did you mean wikipedia"),
    "MLM in an unknown language": (
        {**WITH_MLM, "masked": replace(MLM, languages=("swa",))},
        "There is no language 'swa'",
    ),
    "MLM in a language that the text lacks": (
        {**WITH_MLM, "masked": replace(MLM, languages=("jv", "de"))},
        "NTREX-128 has no jv: it has",
    ),
    "MLM in a language twice": ({**WITH_MLM, "masked": replace(MLM, languages=("de", "de"))}, "is named twice"),
    "the whole of Wikipedia": (
        {**WITH_MLM, "masked": MaskedWords("wikipedia", ("de",))},
        "its English part alone has 6.4 million articles",
    ),
    "steps between evaluations that nothing counts": (
        {"target": PhaseSettings(evaluate_every=100)},
        "In the target phase, only early stopping evaluates every so many steps: set the patience too.",
    ),
}
BAD_SETTINGS = {
    "learning_rate": (0.0, -1e-5, 2.0, float("nan")),
    "epochs": (0,),
    "batch_size": (0,),
    "max_length": (4,),
    "warmup": (-0.1, 1.1, float("nan")),
    "weight_decay": (-1.0, float("inf")),
    "max_grad_norm": (0.0,),
    "train_limit": (0,),
    "precision": ("fp16",),
    "patience": (0,),
    "evaluate_every": (0,),
}


@pytest.mark.parametrize("name", [*REFUSALS, *VARIANT_REFUSALS])
def test_it_refuses(submission, name):
    changes, sentence = {**REFUSALS, **VARIANT_REFUSALS}[name]
    with pytest.raises(RecipeError, match=f".*{sentence}") as refusal:
        submit(replace(submission, **changes))
    assert "\n" not in str(refusal.value)
    assert not Study.objects.exists()


@pytest.mark.parametrize("phase", ["intermediate", "target"])
@pytest.mark.parametrize(("setting", "value"), [(name, bad) for name, values in BAD_SETTINGS.items() for bad in values])
def test_it_refuses_settings_that_cannot_work(submission, phase, setting, value):
    with pytest.raises(RecipeError, match=f"The {phase} phase's {setting.replace('_', ' ')} is .*, found "):
        submit(replace(submission, **{phase: PhaseSettings(**{setting: value})}))


def test_it_refuses_a_name_that_is_taken(submission):
    submit(submission)
    with pytest.raises(RecipeError, match="There is a study 'First' already"):
        submit(submission)


def test_it_refuses_an_encoder_that_could_change(submission):
    Encoder.objects.create(slug="mine", title="Mine", location="org/mine", layers=12)
    with pytest.raises(RecipeError, match="The encoder 'mine' has no revision"):
        submit(replace(submission, encoder="mine"))
