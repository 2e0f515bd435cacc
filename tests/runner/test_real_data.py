"""The readers on the real data of the local mirror: every task, split and language that the engine can run."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from runner.data.readers import load
from runner.data.sources import mirror_files
from runner.tasks import registry
from runner.tasks.kinds import Kind

pytestmark = pytest.mark.real_data


def there(slug: str, split: str, language: str) -> bool:
    location = registry.task(slug).splits[split]
    folder = Path(os.environ["DATA_DIR"]) / location.dataset / location.config_for(language)
    return all(mirror_files(folder, part) for part in location.parts)


def cells() -> list[tuple[str, str]]:
    """Task and split of everything runnable."""
    return [(task.slug, split) for task in registry.tasks() if not task.obstacle for split in task.splits]


@pytest.mark.parametrize(("slug", "split"), cells())
def test_every_language_that_is_there_can_be_read(slug: str, split: str) -> None:
    task = registry.task(slug)
    languages = ("en",) if split == "train" else task.languages
    found = [language for language in languages if there(slug, split, language)]
    if not found:
        pytest.skip(f"no {split} split of {slug} in the mirror")
    for language in found:
        dataset = load(task, split, language, os.environ["DATA_DIR"])
        assert dataset.examples
        assert dataset.rows >= len(dataset.examples)
        if task.kind is Kind.SENTENCE_PAIR:
            assert {example.label for example in dataset.examples} == set(range(len(dataset.labels)))


def test_xnli_is_parallel_and_balanced() -> None:
    """What the comparison of languages item by item rests on: equal labels at equal rows (SOURCES.md)."""
    data = os.environ["DATA_DIR"]
    if not there("xnli", "test", "en"):
        pytest.skip("no XNLI in the mirror")
    labels = {
        code: [pair.label for pair in load(registry.task("xnli"), "test", code, data).examples]
        for code in ("en", "sw", "zh")
    }
    assert labels["en"] == labels["sw"] == labels["zh"]
    assert set(Counter(labels["en"]).values()) == {1670}
