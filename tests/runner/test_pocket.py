"""The pocket suite's generator: known distances, equal items in all languages, labels that hold."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from runner.data.pools import load_pools
from runner.data.readers import load
from runner.data.sources import read
from runner.errors import RecipeError
from runner.pocket.distance import distance
from runner.pocket.grammar import Tongue
from runner.pocket.items import CONTRADICTION, ENTAILMENT, NEUTRAL, SAME
from runner.pocket.lexicon import ALPHABETS, LATIN, lexicons
from runner.pocket.meanings import CONCEPTS, NAMES, TOWNS, Fact, Phrase
from runner.pocket.tables import table
from runner.tasks.encoders import POCKET_VERSION
from runner.tasks.kinds import DataSplit, Kind, Role, Suite
from runner.tasks.languages import POCKET_BASE, POCKET_LANGUAGES
from runner.tasks.pocket import GOLD_PAIRS, LANGUAGES, POOL, SIZES
from runner.tasks.registry import task, tasks

FACT = Fact(
    subject=Phrase("Ilo", "Tarnu", entity="PER"),
    action="buy",
    object=Phrase("bread", quality="hot", number=3),
    place=Phrase("market"),
    time="yesterday",
)


def test_it_works():
    lexicon = lexicons()[POCKET_BASE]
    words = Tongue(POCKET_BASE).words(FACT)
    assert [word.pos for word in words] == [
        "ADV",
        "PROPN",
        "PROPN",
        "VERB",
        "NUM",
        "ADJ",
        "NOUN",
        "ADP",
        "NOUN",
        "PUNCT",
    ]
    assert words[3].text == lexicon.stems["buy"] + lexicon.endings["past"]
    assert words[6].text == lexicon.stems["bread"] + lexicon.endings["plural"]
    assert [word.entity for word in words[1:3]] == ["B-PER", "I-PER"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_has_its_own_order_and_endings(code):
    language = POCKET_LANGUAGES[code]
    words = Tongue(code).words(FACT)
    letters = {"subject": "S", "action": "V", "object": "O"}
    found = dict.fromkeys(letters[word.part] for word in words if word.part in letters)
    assert "".join(found) == language.order
    parts = [word.pos for word in words if word.part == "object"]
    assert parts == (["NUM", "ADJ", "NOUN"] if language.adjective_first else ["NUM", "NOUN", "ADJ"])
    assert any(word.pos == "ADP" for word in words) != language.cases


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_shares_of_cognates_and_anchors_are_those_that_are_declared(code):
    base, lexicon, language = lexicons()[POCKET_BASE], lexicons()[code], POCKET_LANGUAGES[code]
    shared = sum(lexicon.stems[concept] == base.stems[concept] for concept in CONCEPTS)
    assert shared == round(language.cognates * len(CONCEPTS))
    names = (*NAMES, *TOWNS)
    assert sum(lexicon.names[name] == name for name in names) == round(language.anchors * len(names))
    assert len(set(lexicon.stems.values())) == len(CONCEPTS)


def test_every_alphabet_has_a_letter_of_its_own_for_each():
    for letters in ALPHABETS.values():
        assert len(set(letters)) == len(letters) == len(LATIN)


def test_distances_are_known_and_grow():
    far = [distance(POCKET_LANGUAGES[code]) for code in ("qso", "qsa", "qmi", "qde", "qko", "qnu")]
    assert far[0] == 0
    assert far == sorted(set(far))
    assert distance(POCKET_LANGUAGES["qlu"]) == distance(POCKET_LANGUAGES["qko"])


def test_it_is_the_same_in_every_process():
    """Nothing depends on the order of a set, which differs from process to process."""
    program = "from runner.pocket.tables import table; print(table('pocket/question', 'qnu', 'test', 3))"
    said = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1] == f"{table('pocket/question', 'qnu', 'test', 3)}\n"


@pytest.mark.parametrize("spec", list(tasks(suite=Suite.POCKET)), ids=lambda spec: spec.slug)
def test_every_split_of_every_task_is_read_in_every_language(spec):
    for split in spec.splits:
        for code in (spec.pivot,) if split == "train" and spec.role is not Role.AUXILIARY else spec.languages:
            dataset = load(spec, split, code, "", limit=20)
            assert len(dataset.examples) == 20
            assert dataset.origin == "generated"


@pytest.mark.parametrize("name", ["inference", "paraphrase", "choice", "parts_of_speech", "entities", "question"])
def test_a_row_is_the_same_item_in_every_language(name):
    """Labels, numbers of entities and who is asked for are those of the meaning."""
    keys = {"label", "id"}
    found = [
        {key: value for key, value in table(f"pocket/{name}", code, "test", 50).items() if key in keys}
        for code in LANGUAGES
    ]
    assert all(one == found[0] for one in found)
    if name == "entities":
        begun = [
            [
                sorted(tag for tag in tags if tag[0] == "B")
                for tags in table("pocket/entities", code, "test", 50)["tags"]
            ]
            for code in LANGUAGES
        ]
        assert all(one == begun[0] for one in begun)


def _tags(code: str) -> list[list[str]]:
    return table("pocket/entities", code, "test", 50)["tags"]


def test_splits_share_no_sentence_pair():
    def pairs(split: str) -> set[tuple[str, str]]:
        rows = table("pocket/inference", POCKET_BASE, split)
        return set(zip(rows["premise"], rows["hypothesis"], strict=True))

    assert len(pairs("test") & pairs("train")) <= 2  # by chance


def test_the_label_of_a_pair_holds():
    lexicon = lexicons()[POCKET_BASE]
    rows = table("pocket/inference", POCKET_BASE, "test")
    triples = list(zip(rows["premise"], rows["hypothesis"], rows["label"], strict=True))
    negated = [label for _, second, label in triples if lexicon.stems["not"] in second.split()]
    assert negated
    assert set(negated) == {CONTRADICTION}
    for first, second, label in triples:
        new = set(second.rstrip(".").split()) - set(first.rstrip(".").split())
        if label == NEUTRAL:
            assert new
    assert {label for *_, label in triples} == {ENTAILMENT, NEUTRAL, CONTRADICTION}
    rows = table("pocket/paraphrase", POCKET_BASE, "test")
    for first, second, label in zip(rows["first"], rows["second"], rows["label"], strict=True):
        same = sorted(first.rstrip(".").split()) == sorted(second.rstrip(".").split())
        assert same == (label == SAME) or label != SAME


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_answer_stands_where_it_is_said_to_stand(code):
    rows = table("pocket/question", code, "test")
    for context, answers in zip(rows["context"], rows["answers"], strict=True):
        text, start = answers["text"][0], answers["answer_start"][0]
        assert context[start : start + len(text)] == text


def test_a_translation_has_the_labels_of_the_original_and_mistakes():
    original = table("pocket/inference", "qsa.translated", "train", 200)
    base = table("pocket/inference", POCKET_BASE, "train", 200)
    assert original["label"] == base["label"]
    program = Tongue("qsa").lexicon.stems
    words = [word for text in original["premise"] for word in text.rstrip(".").split()]
    foreign = lexicons()[POCKET_BASE].stems
    left = sum(word in foreign.values() and word not in program.values() for word in words)
    assert 0 < left / len(words) < 0.06
    task_read = load(task("pocket_inference"), "train", "qsa", "", limit=5)
    assert [example.first for example in task_read.examples] == original["premise"][:5]


def test_pools_hold_the_gold_pairs_among_others():
    spec = task("pocket_mining")
    for split, count in GOLD_PAIRS.items():
        pools = load_pools(spec, split, "qde", "")
        assert len(pools.gold) == count
        assert 0.9 * POOL * count <= len(pools.source.sentences) <= POOL * count
        ids = [set(filter(None, pool.ids)) for pool in (pools.source, pools.target)]
        assert sum(source in ids[0] and target in ids[1] for source, target in pools.gold) > 0.9 * count


def test_the_text_of_a_language_is_as_long_as_declared():
    for code, language in POCKET_LANGUAGES.items():
        rows = read(task("pocket_text").splits["train"], ["text", "translation"], code, "")
        assert len(rows) == language.texts + language.pairs
        assert sum(bool(other) for other in rows.columns["translation"]) == language.pairs
    prefix = table("pocket/text", "qsa", "train", 100)["translation"]
    assert 40 <= sum(map(bool, prefix)) <= 60


def test_sizes_are_those_of_the_catalogue():
    for name, sizes in SIZES.items():
        for split, size in sizes.items():
            assert len(next(iter(table(f"pocket/{name}", "qmi", split).values()))) == size


def test_every_kind_is_there_and_training_data_in_the_base_language_alone():
    specs = list(tasks(suite=Suite.POCKET))
    assert {spec.kind for spec in specs} == set(Kind)
    assert all(spec.languages == (POCKET_BASE,) for spec in specs if spec.role is Role.INTERMEDIATE)
    assert sum(spec.kind is Kind.TAGGING for spec in specs if spec.role is Role.TARGET) == 2


@pytest.mark.parametrize(
    ("dataset", "config", "split"),
    [("pocket/riddles", "qso", "test"), ("pocket/inference", "en", "test"), ("pocket/inference", "qso", "nowhere")],
)
def test_a_table_that_the_suite_does_not_have(dataset, config, split):
    with pytest.raises(RecipeError, match="^The pocket suite has no "):
        read(DataSplit(dataset, config, split), ["premise"], "qso", "")


# Over the first rows of every table in every language. Where this differs the suite says something else: raise
# POCKET_VERSION (runner/tasks/encoders.py), so that encoders and results of before stay what they were.
SAID = (1, "2d286da9c8b9489e")


def test_what_the_suite_says_belongs_to_its_version():
    digest = hashlib.sha256()
    for spec in tasks(suite=Suite.POCKET):
        for location in (*spec.splits.values(), *spec.pools.values()):
            for code in spec.languages:
                for part in location.parts:
                    rows = table(location.dataset, location.config_for(code), part, 10)
                    digest.update(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode())
    assert (POCKET_VERSION, digest.hexdigest()[:16]) == SAID
