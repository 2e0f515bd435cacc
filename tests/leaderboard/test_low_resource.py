"""The page of low-resource languages: two definitions that are never mixed, group means with their n, a fitted line."""

from __future__ import annotations

import csv
import io
from math import log10

import numpy as np
import pytest
from django.http import QueryDict
from scipy import stats

from leaderboard.figures import low_resource as figures
from leaderboard.models import Score
from leaderboard.services.uncertainty import refresh
from leaderboard.standings import by_language, low_resource, uncertainty
from leaderboard.standings.filters import FilterError
from leaderboard.standings.over_languages import between, over_languages
from leaderboard.standings.uncertainty import Asked, Part
from runner.recipes import Method
from runner.tasks import registry
from runner.tasks.languages import LANGUAGES, low_resource_by_class, low_resource_by_size
from tests import factories, measured

pytestmark = pytest.mark.django_db


def gain(language: str) -> float:
    """What NLI brings: two points less for ten times the text, and something of the language's own."""
    size = LANGUAGES[language].cc100_gib
    return (6 - 2 * log10(size) if size else 7) + (ord(language[0]) % 5) / 10


def value(run, task, language, metric) -> float:
    return 50 + run.seed + (gain(language) if run.recipe.intermediate_tasks.exists() else 0)


def load(**query: str) -> low_resource.View:
    found = QueryDict(mutable=True)
    found.update(query)
    return low_resource.load(low_resource.parse(found))


@pytest.fixture
def seeded():
    return factories.study(tasks=("udpos", "tatoeba"), intermediates=("nli_cad",), value=value)


def test_it_works(seeded) -> None:
    view = load()
    # The trained task: it is what can gain.
    assert view.task.slug == "udpos"
    (row,) = view.rows
    assert row.title == seeded.recipes["nli_cad"].title
    assert row.pairs == 2
    languages = [code for code in view.task.languages if code != "en"]
    low = [gain(code) for code in languages if code in low_resource_by_class()]
    rest = [gain(code) for code in languages if code not in low_resource_by_class()]
    assert (row.low.value, row.low.n) == (pytest.approx(np.mean(low)), 3)
    assert (row.rest.value, row.rest.n) == (pytest.approx(np.mean(rest)), 29)
    assert (view.low.items, view.rest.items) == (1500, 29 * 500)
    assert row.between.value == pytest.approx(np.mean(low) - np.mean(rest))
    welch = stats.ttest_ind(low, rest, equal_var=False).confidence_interval()
    assert (row.between.languages.low, row.between.languages.high) == pytest.approx((welch.low, welch.high))


def test_the_line_is_over_the_languages_whose_size_is_known(seeded) -> None:
    (row,) = load().rows
    sized = [
        (log10(LANGUAGES[code].cc100_gib), gain(code)) for code in load().task.languages if code not in ("en", "yo")
    ]
    expected = stats.linregress(*zip(*sized, strict=True))
    assert (row.line.slope, row.line.n) == (pytest.approx(expected.slope), 31)
    assert row.line.low < -2 < row.line.high
    assert any("Yoruba: not in CC-100" in note for note in load().notes)


def test_the_definitions_are_two_and_are_not_mixed(seeded) -> None:
    by_class, by_size = load(), load(definition="size")
    assert set(by_class.low.languages) == {"mr", "te", "yo"} <= set(low_resource_by_class())
    assert set(by_size.low.languages) == {"af", "eu", "mr", "te", "tl", "yo"} <= set(low_resource_by_size())
    assert by_class.rows[0].line == by_size.rows[0].line
    assert "Joshi" in by_class.sentence
    assert "Joshi" not in by_size.sentence
    assert "CC-100" in by_size.sentence


def test_every_row_is_over_the_same_languages(seeded) -> None:
    factories.study(
        "More", tasks=("udpos",), intermediates=("mrpc",), methods=(Method.INTERMEDIATE,), value=value, seeds=(1, 2)
    )
    assert len(load().rows) == 2
    Score.objects.filter(run__recipe=seeded.recipes["nli_cad"], language="te", run__seed=1).delete()
    assert "te" not in load().low.languages
    assert any("has 2 languages here" in note for note in load().notes)


def test_a_recipe_without_a_baseline_is_no_row(seeded) -> None:
    Score.objects.filter(run__recipe=seeded.recipes[""], task="udpos").delete()
    view = load(task="udpos")
    assert view.rows == ()
    assert view.shown is None


def test_one_language_has_a_mean_and_no_interval(seeded) -> None:
    Score.objects.filter(task="udpos", language__in=["mr", "te"]).delete()
    (row,) = load().rows
    assert (row.low.n, row.low.languages.low) == (1, None)
    assert row.between.languages.low is None


def test_without_items_the_interval_is_over_seeds_alone_and_says_so() -> None:
    factories.study(tasks=("udpos",), intermediates=("nli_cad",))
    (row,) = load().rows
    by_seed = [
        [
            Score.objects.get(run__recipe__method=method, run__seed=seed, language="te").value
            for method in ("intermediate", "baseline")
        ]
        for seed in (1, 2)
    ]
    one = uncertainty.at_least_over_seeds([asked_of("te")])[0].interval
    expected = stats.ttest_1samp([mine - base for mine, base in by_seed], 0)
    found = expected.confidence_interval()
    assert (one.low, one.high, one.p) == pytest.approx((found.low, found.high, expected.pvalue))
    assert row.slope.interval.estimate == pytest.approx(row.line.slope)
    assert "over 2 seeds; nothing is known about other test items" in row.low.interval.method
    assert any(row.between.interval.method in note for note in load().notes)


def asked_of(language: str) -> Asked:
    scores = by_language.load(registry.task("udpos"))
    protocol = scores.protocol()
    [entry] = [entry for entry in scores.entries(protocol) if scores.baseline(entry, protocol)]
    return Asked((Part(scores.of(entry, protocol), scores.baseline(entry, protocol), (language,)),))


def test_one_seed_without_items_has_no_interval_and_says_why(client) -> None:
    factories.study(tasks=("udpos",), intermediates=("nli_cad",), seeds=(1,))
    (row,) = load().rows
    assert row.low.interval is None
    assert row.low.languages.low is not None
    assert row.low.why in client.get("/low-resource/").content.decode()


def test_with_items_seeds_and_items_are_resampled_together(client, settings, tmp_path) -> None:
    """Five seeds: the multi-bootstrap, kept when scores change and not computed by the page."""
    settings.ARTIFACT_DIR = tmp_path
    measured.study(
        gain=lambda recipe, task: 0.2 if recipe.intermediate_tasks.exists() else 0.0,
        tasks=("udpos",),
        intermediates=("nli_cad",),
        languages=("en", "de", "fi", "mr", "te", "tl"),
        seeds=(1, 2, 3, 4, 5),
    )
    refresh()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(uncertainty, "compute", lambda *asked: pytest.fail("not kept"))
        (row,), (by_size,) = load().rows, load(definition="size").rows
    assert row.low.interval.method == f"multi-bootstrap over 5 seeds and {2 * measured.ITEMS} source items"
    assert row.between.interval.items == 5 * measured.ITEMS
    assert row.between.interval.estimate == pytest.approx(row.low.value - row.rest.value)
    assert row.slope.interval == by_size.slope.interval
    assert row.slope.interval.estimate == pytest.approx(row.line.slope)
    assert row.low.interval.low > 0
    # All languages gain alike: what lies between is no difference, and the page says what it would find.
    assert not row.between.interval.decided
    assert f"</abbr> {row.between.interval.detectable:.1f}" in client.get("/low-resource/").content.decode()


def test_means_over_languages() -> None:
    assert over_languages([]) is None
    assert between([], [1.0]) is None
    found = over_languages([1.0, 2.0, 4.0])
    expected = stats.ttest_1samp([1.0, 2.0, 4.0], 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert between([2.0, 2.0], [1.0, 1.0]).low == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"definition": "both"}, "'definition' 'both'"),
        ({"task": "udposs"}, "'task' 'udposs'"),
        ({"recipe": "0123456789"}, "no recipe with differences in this task"),
        ({"sort": "worst"}, "no column to sort by"),
        ({"languages": "sw"}, "no filter 'languages'"),
    ],
)
def test_what_is_unknown_is_refused(seeded, query, sentence) -> None:
    with pytest.raises(FilterError, match=sentence):
        load(**query)


def test_page_and_files_show_the_same_numbers(client, seeded) -> None:
    page = client.get("/low-resource/?definition=size").content.decode()
    found = client.get("/low-resource.json?definition=size").json()
    text = b"".join(client.get("/low-resource.csv?definition=size").streaming_content).decode()
    rows = {row["quantity"]: row for row in csv.DictReader(io.StringIO(text))}
    (row,) = found["rows"]
    assert set(rows) == {"low", "rest", "between", "slope"}
    for name in ("low", "rest", "between"):
        assert float(rows[name]["value"]) == row[name]["value"]
        assert f"{row[name]['value']:+.1f}".replace("-", "\N{MINUS SIGN}") in page
    assert float(rows["slope"]["low"]) == row["line"]["low"]
    assert rows["low"]["languages"] == "6"
    assert f"{found['low']['items']:,} items" in page


def test_a_page_without_differences_says_so(client) -> None:
    assert "No differences yet" in client.get("/low-resource/").content.decode()
    assert client.get("/low-resource.csv").status_code == 200


def test_the_chart_has_every_language_once_and_the_line_with_its_band(seeded) -> None:
    view = load()
    low, rest, upper, lower, line = figures.over_size(view)["data"]
    assert sorted([*low["text"], *rest["text"]]) == sorted(
        code for code in view.task.languages if code not in ("en", "yo")
    )
    assert low["text"] == ["mr", "te"]
    assert all(a >= b >= c for a, b, c in zip(upper["y"], line["y"], lower["y"], strict=True))
