"""Mining tasks read whole pools, refuse what is not whole, and run as the other evaluations do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from runner.data.pools import load_pools
from runner.errors import RecipeError, Stopped
from runner.evaluation.mining import mine
from runner.evaluation.neighbours import normalise_
from runner.evaluation.pools import score
from runner.evaluation.zero_shot import evaluate
from runner.events import EXIT_DONE, EXIT_SUBMITTER
from runner.scoring.mining import best_threshold
from runner.spec import EncoderRef, EvaluatePlan, Stage
from runner.tasks.registry import task
from tests.runner.factories import WORDS, end, job_for, write_split

BUCC = task("bucc2018")
GOLD = 12
OTHERS = 48
POOLS = {"validation": "zh-en.dev", "test": "zh-en.test"}


def sentence(number: int) -> str:
    """A sentence of four words that no other number has."""
    digits = [number % 18, number // 18 % 18, number // 324 % 18]
    return " ".join(WORDS[digit] for digit in (*digits, sum(digits) % 18))


def write_pools(mirror: Path, split: str, shift: int) -> None:
    """Pools whose gold pairs are one sentence in both; the others are different sentences on each side.

    Gold pair g is line 2g of the source pool and line 3g of the target pool.
    """
    gold = []
    source = [sentence(shift + 100 + number) for number in range(GOLD + OTHERS)]
    target = [sentence(shift + 300 + number) for number in range(GOLD + OTHERS)]
    for number in range(GOLD):
        source[2 * number] = target[3 * number] = sentence(shift + number)
        gold.append(
            {
                "source_sentence": sentence(shift + number),
                "target_sentence": sentence(shift + number),
                "source_lang": f"zh-{2 * number:03}",
                "target_lang": f"en-{3 * number:03}",
            }
        )
    write_split(mirror, "google/xtreme", "bucc18.zh", split, gold)
    for part, code, lines in (("source", "zh", source), ("target", "en", target)):
        rows = [{"id": f"{code}-{number:03}", "sentence": line} for number, line in enumerate(lines)]
        write_split(mirror, "bucc2018/raw", POOLS[split], part, rows)


@pytest.fixture
def pools_mirror(tmp_path: Path) -> Path:
    for split, shift in (("validation", 0), ("test", 1000)):
        write_pools(tmp_path, split, shift)
    return tmp_path


def rewrite(mirror: Path, split: str, part: str, change: Any) -> None:
    path = mirror / "bucc2018/raw" / POOLS[split] / f"{part}.parquet"
    rows = pq.read_table(path).to_pylist()
    write_split(mirror, "bucc2018/raw", POOLS[split], part, change(rows))


def plan(split: str, **changes: Any) -> EvaluatePlan:
    return EvaluatePlan("bucc2018", split, ("zh",), 32, **{"layer": 2, "pooling": "mean", **changes})


def test_it_works(pools_mirror: Path) -> None:
    pools = load_pools(BUCC, "validation", "zh", str(pools_mirror))
    assert len(pools.source.sentences) == len(pools.target.sentences) == GOLD + OTHERS
    assert pools.source.ids[:2] == ["zh-000", "zh-001"]
    assert pools.gold[:2] == [("zh-000", "en-000"), ("zh-002", "en-003")]
    assert [(event["config"], event["split"], event["rows"]) for event in pools.events] == [
        ("zh-en.dev", "source", 60),
        ("zh-en.dev", "target", 60),
        ("bucc18.zh", "validation", 12),
    ]


def test_a_sentence_of_several_lines_is_one_neighbour_without_an_id(pools_mirror: Path) -> None:
    rewrite(pools_mirror, "validation", "target", lambda rows: [*rows, {**rows[1], "id": "en-060"}])
    pools = load_pools(BUCC, "validation", "zh", str(pools_mirror))
    assert len(pools.target.sentences) == GOLD + OTHERS
    assert [position for position, name in enumerate(pools.target.ids) if name is None] == [1]


def test_a_limit_keeps_the_first_gold_pairs_and_the_same_share_of_the_others(pools_mirror: Path) -> None:
    pools = load_pools(BUCC, "validation", "zh", str(pools_mirror), limit=3)
    assert pools.gold == [("zh-000", "en-000"), ("zh-002", "en-003"), ("zh-004", "en-006")]
    assert len(pools.source.sentences) == len(pools.target.sentences) == 3 + OTHERS * 3 / 12
    assert {source for source, _ in pools.gold} <= set(pools.source.ids)
    # Not one sentence of another gold pair: finding it would be right, and counted as wrong.
    assert "zh-006" not in pools.source.ids
    assert load_pools(BUCC, "validation", "zh", str(pools_mirror), limit=100).gold[-1] == ("zh-022", "en-033")


def test_an_absent_pool_is_refused_with_where_it_comes_from(pools_mirror: Path) -> None:
    (pools_mirror / "bucc2018/raw/zh-en.test/source.parquet").unlink()
    with pytest.raises(
        RecipeError,
        match=r"no hub has it: it is one side.* of the BUCC 2018 shared task's training data, XTREME's test\. "
        r"Put it at DATA_DIR/bucc2018/raw/zh-en\.test/source\.parquet\.$",
    ):
        load_pools(BUCC, "test", "zh", str(pools_mirror))


def test_an_incomplete_pool_is_refused(pools_mirror: Path) -> None:
    rewrite(pools_mirror, "test", "target", lambda rows: rows[:30])
    with pytest.raises(RecipeError, match=r"target pool: the gold pairs name en-030, which is not in the pool"):
        load_pools(BUCC, "test", "zh", str(pools_mirror))


def test_the_pool_of_another_split_is_refused(pools_mirror: Path) -> None:
    """The ids are the same: only the sentences tell."""
    write_split(
        pools_mirror,
        "bucc2018/raw",
        "zh-en.test",
        "source",
        pq.read_table(pools_mirror / "bucc2018/raw/zh-en.dev/source.parquet").to_pylist(),
    )
    with pytest.raises(RecipeError, match=r"source pool: zh-000 is 'the.*Is it the pool of another split\?"):
        load_pools(BUCC, "test", "zh", str(pools_mirror))


def test_f1_follows_from_the_items() -> None:
    """Worked by hand: two of three gold pairs and one other are extracted: F1 = 4 / 6."""
    candidates = {("a", "x"): 1.5, ("b", "z"): 1.4, ("c", "w"): 1.2, ("d", "v"): 1.0}
    outcome = score([("a", "x"), ("b", "y"), ("c", "w")], candidates, 1.2)
    assert outcome.scores == pytest.approx({"f1": 200 / 3, "precision": 200 / 3, "recall": 200 / 3})
    assert outcome.n == 3
    assert outcome.predictions == ["a\tx", "b\tz", "c\tw"]
    assert [(item["margin"], item["correct"]) for item in outcome.items] == [(1.5, True), (None, False), (1.2, True)]
    right = sum(item["correct"] for item in outcome.items)
    assert 200 * right / (outcome.n + outcome.items[0]["extracted"]) == pytest.approx(outcome.scores["f1"])


def test_the_test_pools_are_scored_with_the_threshold_of_validation(
    tiny_encoder: EncoderRef, pools_mirror: Path, tmp_path: Path
) -> None:
    items, scores = {}, {}
    for split in ("validation", "test"):
        job = job_for(Stage(plan(split), tiny_encoder, None, None), tmp_path / "out", pools_mirror)
        code, events, log = end(job)
        assert code == EXIT_DONE, log
        (scores[split],) = [event for event in events if event["event"] == "score"]
        items[split] = pq.read_table(Path(job.output) / "items.parquet").to_pylist()
        lines = (Path(job.output) / "predictions/bucc2018/test-zh.tsv").read_text().splitlines()
        assert len(lines) == items[split][0]["extracted"]
        assert all(line[:3] == "zh-" and "\ten-" in line for line in lines)
        read = [event for event in events if event["event"] == "data"]
        assert len(read) == (3 if split == "validation" else 6)
        last = [event for event in events if event["event"] == "progress"][-1]
        assert last["done"] == last["total"] > 0
    assert items["test"][0]["threshold"] == items["validation"][0]["threshold"] > 1
    for split, rows in items.items():
        assert len(rows) == scores[split]["n"] == GOLD
        right = sum(row["correct"] for row in rows)
        # A gold pair is one sentence here: even an encoder without training finds some.
        assert right == sum((row["margin"] or 0) >= row["threshold"] for row in rows) > 0
        assert scores[split]["value"] == pytest.approx(200 * right / (GOLD + rows[0]["extracted"]))


def test_all_that_is_missing_is_named_before_anything_is_computed(
    tiny_encoder: EncoderRef, pools_mirror: Path, tmp_path: Path
) -> None:
    (pools_mirror / "bucc2018/raw/zh-en.dev/target.parquet").unlink()
    stage = Stage(EvaluatePlan("bucc2018", "test", ("fr", "zh"), 32, layer=1, pooling="mean"), tiny_encoder, None, None)
    code, events, _ = end(job_for(stage, tmp_path / "out", pools_mirror))
    assert code == EXIT_SUBMITTER
    message = next(event["message"] for event in events if event["event"] == "error")
    for part in ("fr-en.dev/source", "fr-en.test/source", "zh-en.dev/target"):
        assert f"DATA_DIR/bucc2018/raw/{part}.parquet" in message
    assert "for the threshold, of 'validation'" in message


def test_it_stops_during_the_search(tiny_encoder: EncoderRef, pools_mirror: Path, tmp_path: Path) -> None:
    job = job_for(Stage(plan("validation"), tiny_encoder, None, None), tmp_path / "out", pools_mirror)
    embedded = 2 * (GOLD + OTHERS)
    done: list[int] = []

    def emit(event: str, **fields: Any) -> None:
        if event == "progress":
            done.append(fields["done"])

    with pytest.raises(Stopped, match=f"Stopped after {embedded} of {embedded + GOLD + OTHERS} items"):
        evaluate(job, emit, lambda: done[-1] >= embedded)


@pytest.mark.real_data
def test_planted_pairs_are_mined_out_of_the_real_pools() -> None:
    """The development pools of Chinese, with random vectors that are alike for the gold pairs only."""
    if not (Path(os.environ["DATA_DIR"]) / "bucc2018/raw/zh-en.dev/source.parquet").is_file():
        pytest.skip("no pools in the mirror")
    pools = load_pools(BUCC, "validation", "zh", os.environ["DATA_DIR"])
    assert (len(pools.source.sentences), len(pools.target.sentences), len(pools.gold)) == (8_615, 13_575, 257)
    assert (pools.source.ids.count(None), pools.target.ids.count(None)) == (9, 14)
    generator = torch.Generator().manual_seed(11)
    source, target = (
        torch.randn(len(pool.sentences), 48, generator=generator) for pool in (pools.source, pools.target)
    )
    for source_id, target_id in pools.gold:
        noise = 0.3 * torch.randn(48, generator=generator)
        target[pools.target.ids.index(target_id)] = source[pools.source.ids.index(source_id)] + noise
    found = mine(normalise_(source), normalise_(target))
    candidates = {
        (pools.source.ids[one], pools.target.ids[other]): margin
        for one, other, margin in zip(found.source, found.target, found.margin, strict=True)
    }
    outcome = score(pools.gold, candidates, best_threshold(candidates, pools.gold))
    assert outcome.scores["f1"] > 98
