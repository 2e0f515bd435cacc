"""Filters: what an address can ask for, what it says, and what is refused."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from leaderboard.models import Score
from leaderboard.standings.filters import FilterError, Filters, View, parse
from leaderboard.standings.query import load
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite
from tests import factories
from tests.tables import row_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "message", "suggestion"),
    [
        ("encodr=x", "There is no filter 'encodr'.", "encoder"),
        ("encoder=xlm-robertabase", "There is no encoder 'xlm-robertabase'.", "xlm-roberta-base"),
        ("method=intermedate", "There is no value of the filter 'method' 'intermedate'.", "intermediate"),
        ("variant=translate", "There is no value of the filter 'variant' 'translate'.", "translated"),
        ("intermediate=mnl", "There is no intermediate task 'mnl'.", "mnli"),
        ("study=x", "There is no study 'x'; a study is given by its number.", ""),
        ("study=99", "There is no study '99'; a study is given by its number.", ""),
        ("study=99999999999999999999999", "There is no study", ""),
        ("study=²", "There is no study", ""),
        ("languages=sw,xx", "There is no language 'xx'.", ""),
        ("languages=,", "The filter 'languages' names no language.", "all"),
        ("sort=-udpo.01234567", "There is no column to sort by, 'udpo.01234567'.", ""),
        ("show=scores", "There is no value of the filter 'show' 'scores'.", "score"),
        ("unverified=yes", "There is no value of the filter 'unverified' 'yes'.", "show"),
        ("method=baseline&method=intermediate", "The filter 'method' is given 2 times; it takes one value.", ""),
        ("protocol=01234567", "There is no filter 'protocol'.", ""),
    ],
)
def test_unknown_filters_are_refused(query, message, suggestion):
    with pytest.raises(FilterError) as refusal:
        parse(QueryDict(query), View.LEADERBOARD)

    assert str(refusal.value).startswith(message)
    assert not suggestion or suggestion in refusal.value.suggestions


def test_filters_of_a_query_string():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    query = f"encoder=tiny&method=intermediate&study={seeded.study.pk}&languages=zh,sw&sort=-overall&show=difference"

    filters = parse(QueryDict(query), View.LEADERBOARD)

    assert filters == Filters(
        encoder="tiny",
        method="intermediate",
        study=seeded.study.pk,
        languages="sw,zh",
        sort="-overall",
        show="difference",
    )


def test_the_sentence_says_what_is_shown():
    factories.study(seeds=(1,), tasks=("udpos",))

    sentence = load(Filters(method="intermediate", languages="low-class", show="difference")).sentence

    assert sentence == (
        "Differences: 2 rows on Tiny encoder, method intermediate task; mean over low-resource languages by class "
        "(Joshi et al. 2020, class 0 to 2); differences are to the plain baseline with the same encoder, settings of "
        "the target phase, protocol, seeds and languages."
    )


# Suites and aggregates.


def test_suites_are_boards_of_their_own(client):
    seeded = factories.study(seeds=(1,), tasks=("udpos", "xnli_cad"))
    task = next(registry.tasks(Role.TARGET, Suite.POCKET))

    assert {column.task for column in load(Filters()).columns} == {"udpos", "", "xnli_cad"}
    pocket = load(Filters(suite="pocket"))
    assert (pocket.rows, pocket.columns) == ((), ())
    assert client.get("/").status_code == 200
    seeded.study.targets = [{"task": task.slug}]
    seeded.study.save()
    Score.objects.all().delete()
    assert client.get("/?show=difference").url == "/?show=difference&suite=pocket"


@pytest.mark.parametrize("aggregate", ["official", "without-english", "worst", "wins"])
def test_aggregates_are_what_the_about_page_says(aggregate):
    seeded = factories.study(seeds=(1, 2), tasks=("xnli_cad",), intermediates=("nli_cad",))

    def values(key, seed):
        found = seeded.recipes[key].runs.get(seed=seed).scores.all()
        return {score.language_id: score.value for score in found}

    def expected(seed):
        mine, base = values("nli_cad", seed), values("", seed)
        return {
            "official": sum(mine.values()) / len(mine),
            "without-english": sum(value for code, value in mine.items() if code != "en") / (len(mine) - 1),
            "worst": min(mine.values()),
            "wins": 100 * sum(mine[code] > base[code] for code in mine) / len(mine),
        }[aggregate]

    cell = row_of(load(Filters(aggregate=aggregate)), "Counterfactual").cells[0]

    assert cell.value == pytest.approx((expected(1) + expected(2)) / 2)


def test_one_recipe_one_origin_and_a_family_narrow_the_view():
    seeded = factories.study(seeds=(1,), tasks=("panx",))
    factories.published("A system")
    fingerprint = seeded.recipes["ccg_pmb"].fingerprint

    assert [row.recipe for row in load(Filters(recipe=fingerprint[:8])).rows] == [fingerprint]
    assert [row.title for row in load(Filters(origin="published")).rows] == ["A system"]
    uralic = load(parse(QueryDict("languages=family-uralic&origin=local"), View.LEADERBOARD))
    assert uralic.columns[0].parts == ("et", "fi", "hu")
    with pytest.raises(FilterError, match="There is no page '0'"):
        parse(QueryDict("page=0"), View.LEADERBOARD)
