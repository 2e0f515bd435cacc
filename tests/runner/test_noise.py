"""Noise at test time: a pure function of seed, language and text that does what its name says and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.data.examples import MultipleChoice, Question, SentencePair, TaggedSentence, Translation
from runner.errors import RecipeError
from runner.evaluation.noise import disturb, disturbed
from runner.spec import NOISES, Noise
from runner.tasks import keyboards
from runner.tasks.languages import LANGUAGES
from runner.tasks.registry import task as find_task
from tests.runner.factories import dataset_of

TEXTS = {
    "de": "Der Hund läuft größer, als ein Häuschen wäre.",
    "ru": "Быстрая лиса ещё прыгает, а собака спит.",
    "ar": "الكَلْبُ يَجْري في البيت، سريعا.",
    "hi": "मैं आज बाज़ार जा रहा हूँ, धन्यवाद।",
    "th": "ฉันไปตลาดวันนี้",
    "zh": "我今天去市场，谢谢。",
}
texts = st.one_of(st.sampled_from(list(TEXTS.values())), st.text(max_size=60))
kinds, seeds, languages = st.sampled_from(list(NOISES)), st.integers(0, 9), st.sampled_from(list(LANGUAGES))


def without(text: str, category: str) -> str:
    return "".join(letter for letter in text if not unicodedata.category(letter).startswith(category))


def test_it_works() -> None:
    assert disturbed("Der Hund läuft.", Noise("casing", 1), "de") == "dER hUND LÄUFT."
    assert disturbed("Ja, sehr gut!", Noise("punctuation", 1), "de") == "Ja sehr gut"
    assert disturbed("Größe, wäre, über", Noise("diacritics", 1), "de") == "Große, ware, uber"
    assert disturbed("abcd ab a", Noise("swaps", 1), "en") == "badc ba a"
    # Even where every letter is hit, a word keeps being one.
    assert disturbed("ab c", Noise("drops", 1), "en") == "ab c"
    typed = disturbed("q p", Noise("typos", 1), "en")
    assert typed[0] in "wa"
    assert typed[2] in "ol"


@settings(max_examples=40)
@given(kinds, seeds, languages, texts)
def test_it_is_a_function_of_seed_language_and_text(kind, seed, language, text) -> None:
    noise = Noise(kind, 0.4, seed)
    assert disturbed(text, noise, language) == disturbed(text, noise, language)


@settings(max_examples=40)
@given(kinds, seeds, languages, texts)
def test_words_keep_their_number_and_never_become_empty(kind, seed, language, text) -> None:
    before, after = text.split(" "), disturbed(text, Noise(kind, 0.7, seed), language).split(" ")
    assert [bool(word) for word in after] == [bool(word) for word in before]


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_swaps_keep_the_letters_of_each_word(seed, language, text) -> None:
    found = disturbed(text, Noise("swaps", 0.5, seed), language)
    assert [sorted(word) for word in found.split(" ")] == [sorted(word) for word in text.split(" ")]


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_drops_leave_letters_out_and_change_no_order(seed, language, text) -> None:
    found = iter(text)
    assert all(letter in found for letter in disturbed(text, Noise("drops", 0.5, seed), language))


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_casing_changes_nothing_else(seed, language, text) -> None:
    found = disturbed(text, Noise("casing", 0.5, seed), language)
    assert len(found) == len(text)
    assert all(new in (old, old.swapcase()) for old, new in zip(text, found, strict=True))


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_only_punctuation_is_left_out(seed, language, text) -> None:
    assert without(disturbed(text, Noise("punctuation", 0.5, seed), language), "P") == without(text, "P")


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_only_marks_are_left_out(seed, language, text) -> None:
    found = disturbed(text, Noise("diacritics", 0.5, seed), language)
    assert without(unicodedata.normalize("NFD", found), "M") == without(unicodedata.normalize("NFD", text), "M")


@settings(max_examples=40)
@given(seeds, languages, texts)
def test_typos_hit_keys_beside_the_right_ones(seed, language, text) -> None:
    keys = keyboards.neighbours(language, LANGUAGES[language].script)
    found = disturbed(text, Noise("typos", 0.5, seed), language)
    for old, new in zip(text, found, strict=True):
        assert new == old or new.lower() in keys[old.lower()] or new in {key.upper() for key in keys[old.lower()]}


def test_the_rate_is_the_share_of_places_that_are_hit() -> None:
    text = " ".join(f"word{number}" for number in range(4000))
    found = disturbed(text, Noise("typos", 0.1), "en")
    letters = [(old, new) for old, new in zip(text, found, strict=True) if old.isalpha()]
    assert sum(old != new for old, new in letters) / len(letters) == pytest.approx(0.1, abs=0.01)


def test_another_seed_is_another_draw_and_every_language_has_its_own() -> None:
    one, other = (disturbed(TEXTS["de"], Noise("typos", 0.3, seed), "de") for seed in (1, 2))
    assert one != other
    assert one != disturbed(TEXTS["de"], Noise("typos", 0.3), "nl")


@pytest.mark.parametrize(("kind", "language"), [("diacritics", "hi"), ("typos", "zh"), ("casing", "ar")])
def test_what_a_script_does_not_have_stays_as_it_is(kind: str, language: str) -> None:
    assert disturbed(TEXTS[language], Noise(kind, 1), language) == TEXTS[language]


@pytest.mark.parametrize("kind", ["typos", "diacritics"])
def test_a_script_has_noise_of_its_own(kind: str) -> None:
    for language in ("de", "ru", "ar"):
        changed = disturbed(TEXTS[language], Noise(kind, 0.5), language)
        assert changed != TEXTS[language], language


@pytest.mark.parametrize("keys", keyboards.NEIGHBOURS.values(), ids=list(keyboards.NEIGHBOURS))
def test_keys_touch_each_other(keys) -> None:
    assert len(keys) > 20
    for letter, others in keys.items():
        assert letter not in others
        assert all(letter in keys[other] for other in others)
        assert unicodedata.name(letter)


def test_what_the_model_is_scored_by_stays_as_it_was() -> None:
    noise = Noise("swaps", 1)
    passage = "Paris is big"
    for slug, example, right in (
        ("xnli", SentencePair("ab cd", "ef", 2), SentencePair("ba dc", "fe", 2)),
        ("udpos", TaggedSentence(("ab", "c"), (1, 2)), TaggedSentence(("ba", "c"), (1, 2))),
        ("xquad", Question("q", passage, "ab?", ("Paris",), 0), Question("q", passage, "ba?", ("Paris",), 0)),
        ("tatoeba", Translation("ab", "cd"), Translation("ba", "cd")),
        (
            "commonsense_qa",
            MultipleChoice("", "ab", ("cd", "ef", "gh", "ij", "kl"), 1),
            MultipleChoice("", "ba", ("dc", "fe", "hg", "ji", "lk"), 1),
        ),
    ):
        assert disturb(dataset_of(find_task(slug), [example]), noise).examples == [right]


@pytest.mark.parametrize(
    ("kind", "rate", "sentence"),
    [
        ("fog", 0.1, "Noise is one of swaps, drops, casing, punctuation, diacritics, typos; found 'fog'"),
        ("typos", 0, "above 0 and at most 1, found 0"),
        ("typos", 1.5, "found 1.5"),
    ],
)
def test_noise_that_cannot_be_is_refused(kind: str, rate: float, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        Noise(kind, rate)
