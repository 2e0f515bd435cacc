"""The page of alignment and its files: checkpoints by language and layer, changes, and what goes with the target."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest
from django.db.models import F
from django.http import QueryDict
from scipy import stats

from leaderboard.figures import alignment as figures
from leaderboard.models import DiagnosticValue, Stage
from leaderboard.services import headlines, results
from leaderboard.standings import alignment
from leaderboard.standings.filters import FilterError
from runner.recipes import Diagnosis, Method
from tests import factories

pytestmark = pytest.mark.django_db

LANGUAGES = ("de", "sw", "th", "fi", "ta", "ur")
ASKED = Diagnosis("tatoeba", LANGUAGES, limit=300)


def load(**query: str) -> alignment.View:
    found = QueryDict(mutable=True)
    found.update(query)
    return alignment.load(alignment.parse(found))


@pytest.fixture
def seeded():
    return factories.study(tasks=("xnli_cad",), intermediates=("nli_cad",), diagnoses=(ASKED,))


def test_it_works(seeded) -> None:
    view = load()

    assert [row.title for row in view.rows] == ["pretrained", "after Counterfactual NLI"]
    before, after = view.rows
    assert before.pretrained
    assert before.change is None
    assert after.seeds == (1, 2)
    assert view.languages == view.shared
    assert set(view.languages) == set(LANGUAGES)
    # XTREME's relative depth: 14 of 24.
    assert (after.layer, after.layers) == (7, 12)
    plan = Stage.objects.filter(action="align").first().spec["plan"]
    first = after.cells[view.languages.index(plan["languages"][0])]
    assert first.n == 300
    assert first.value == pytest.approx(100 * (0.3 + 0.02 * 7 + 0.1))
    assert first.change == pytest.approx(10)
    changes = [cell.change for cell in after.cells]
    assert sorted(changes) == pytest.approx([-5, -5, -5, 10, 10, 10])
    interval = stats.ttest_1samp(changes, 0).confidence_interval()
    assert (after.change.value, after.change.n) == (pytest.approx(2.5), 6)
    assert (after.change.languages.low, after.change.languages.high) == pytest.approx((interval.low, interval.high))


def test_a_change_is_over_seeds_too(seeded) -> None:
    trained = Stage.objects.filter(action="align", parent__isnull=False).order_by("pk")
    DiagnosticValue.objects.filter(stage=trained[0]).update(value=F("value") + 2)
    change = load().rows[1].change
    expected = stats.ttest_1samp([4.5, 2.5], 0).confidence_interval()
    assert (change.interval.low, change.interval.high) == pytest.approx((expected.low, expected.high))
    assert change.interval.method == "t interval over 2 seeds; nothing is known about other sentences"
    DiagnosticValue.objects.filter(stage=trained[1]).delete()
    trained[1].runs.clear()
    one = load().rows[1].change
    assert (one.interval, one.why) == (None, "one seed: nothing is known about others")


def test_low_resource_languages_stand_against_the_others(seeded) -> None:
    by_class, by_size = load(), load(definition="size")
    assert by_class.low == ("sw",)
    row = by_class.rows[1]
    changes = dict(zip(by_class.languages, (cell.change for cell in row.cells), strict=True))
    assert row.low.value == pytest.approx(changes.pop("sw"))
    assert row.between.value == pytest.approx(row.low.value - sum(changes.values()) / 5)
    assert row.between.interval.estimate == pytest.approx(row.between.value)
    # Alone in its group: nothing is known of the spread over such languages.
    assert row.between.languages.low is None
    assert by_class.rows[0].low is None
    assert by_size.low == ("sw",)
    assert load(languages="de,th").rows[1].between is None


def test_a_layer_and_a_measure_are_chosen_in_the_address(seeded) -> None:
    view = load(layer="12", measure="cka")
    assert view.digits == 3
    assert view.rows[0].mean == pytest.approx(0.3 + 0.24 + 0.005 * 2.5)
    assert [layer for layer, _ in view.rows[0].depth] == list(range(13))
    assert dict(view.rows[0].depth)[12] == pytest.approx(view.rows[0].mean)


def test_means_are_over_the_languages_that_all_rows_have(seeded) -> None:
    stage = Stage.objects.filter(action="align", parent__isnull=False).first()
    DiagnosticValue.objects.filter(stage=stage, language="th").delete()
    view = load()
    assert "th" in view.languages
    assert "th" not in view.shared
    assert any("1 languages are not in the means" in note for note in view.notes)
    assert view.rows[1].change.n == 5


def test_no_change_is_shown_against_other_sentences(seeded) -> None:
    DiagnosticValue.objects.filter(stage__parent=None, language="th").update(n=200)
    after = load().rows[1]
    assert after.cells[load().languages.index("th")].change is None
    assert after.change is None
    assert any("between 200 and 300 pairs" in note for note in load().notes)


def test_languages_are_chosen_by_set_or_by_code(seeded) -> None:
    assert load(languages="low-class").languages == ("sw",)
    assert load(languages="th,de").languages == ("de", "th")


def test_a_second_protocol_is_never_mixed_in(seeded) -> None:
    factories.study(
        "Other",
        tasks=(),
        intermediates=(),
        methods=(Method.BASELINE,),
        seeds=(3,),
        diagnoses=(Diagnosis("tatoeba", LANGUAGES, limit=50),),
    )
    usual = load()
    assert usual.protocol.limit == 300
    other = next(choice for choice in usual.choices["protocols"] if "50 pairs" in choice.title)
    view = load(protocol=other.value)
    assert [row.title for row in view.rows] == ["pretrained"]
    assert view.protocol.limit == 50


def test_the_gains_of_a_recipe_go_with_the_changes_of_its_checkpoint(seeded) -> None:
    view = load(target="xnli_cad")
    (found,) = view.associations
    assert found.recipe == seeded.recipes["nli_cad"].title
    points = {code: (change, gain) for code, change, gain in found.points}
    # Languages of both: the task has no Finnish and no Tamil.
    assert set(points) == {"de", "sw", "th", "ur"}
    for code, (_, gain) in points.items():
        mine, base = (
            [
                seeded.run(recipe, seed).scores.get(task="xnli_cad", language=code, metric="accuracy").value
                for seed in factories.SEEDS
            ]
            for recipe in ("nli_cad", "")
        )
        assert gain == pytest.approx(sum(mine) / 2 - sum(base) / 2)
    expected = stats.spearmanr(*zip(*points.values(), strict=True)).statistic
    assert found.correlation.value == pytest.approx(expected)
    assert found.correlation.low <= expected <= found.correlation.high
    assert found.correlation.n == 4


def test_scores_go_with_the_alignment_of_what_they_were_trained_from(seeded) -> None:
    base, tuned = load(target="xnli_cad").against.levels
    assert (base.row.pretrained, tuned.row.pretrained) == (True, False)
    assert tuned.recipe == seeded.recipes["nli_cad"].title
    for one, recipe in ((base, ""), (tuned, "nli_cad")):
        values = dict(zip(load().languages, (cell.value for cell in one.row.cells), strict=True))
        for code, value, score in one.points:
            scores = [seeded.run(recipe, seed).scores.get(language=code).value for seed in factories.SEEDS]
            assert (value, score) == (values[code], pytest.approx(sum(scores) / 2))
        expected = stats.spearmanr(*zip(*((x, y) for _, x, y in one.points), strict=True)).statistic
        assert one.correlation.value == pytest.approx(expected)


def test_too_few_languages_give_a_reason_and_no_number(seeded) -> None:
    (found,) = load(languages="de,sw").associations
    assert found.correlation is None
    assert "At least 4 pairs are needed" in found.reason


def test_rows_are_sorted_and_keep_their_order_where_nothing_says_how(seeded) -> None:
    assert [row.pretrained for row in load(sort="-mean").rows] == [False, True]
    assert [row.pretrained for row in load(sort="mean").rows] == [True, False]
    # Without a change, the pretrained encoder stays last in both directions.
    assert [row.pretrained for row in load(sort="change").rows] == [False, True]
    assert [row.pretrained for row in load(sort="-change").rows] == [False, True]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"measure": "cak"}, "no value of the filter 'measure' 'cak'"),
        ({"layer": "13"}, "No encoder here has a layer 13: they go to 12"),
        ({"layer": "-1"}, "a number from 0 to 200, found '-1'"),
        ({"encoder": "other"}, "no encoder with alignment 'other'"),
        ({"text": "tatoba"}, "'text' 'tatoba'"),
        ({"protocol": "0" * 8}, "no protocol"),
        ({"languages": "de,xx"}, "no language 'xx'"),
        ({"sort": "size"}, "no column to sort by"),
        ({"colour": "red"}, "no filter 'colour'"),
    ],
)
def test_what_is_unknown_is_refused(seeded, query, sentence) -> None:
    with pytest.raises(FilterError, match=sentence):
        load(**query)


class Text(HTMLParser):
    """The text of the cells of a page's first table."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "span" and dict(attrs).get("class") == "value":
            self._inside = True

    def handle_data(self, data) -> None:
        if self._inside:
            self.values.append(data)
            self._inside = False


def test_page_and_files_show_the_same_numbers(client, seeded) -> None:
    query = "?measure=cosine_gap&layer=3&languages=de,sw"
    page = client.get(f"/alignment/{query}")
    assert page.status_code == 200
    assert f'</alignment.csv{query.replace(",", "%2C")}>; rel="alternate"; type="text/csv"' in page["Link"]

    text = b"".join(client.get(f"/alignment.csv{query}").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["checkpoint"], row["language"]) for row in rows] == [
        (title, code) for title in ("pretrained", "after Counterfactual NLI") for code in ("de", "sw")
    ]
    values = Text(page.content.decode()).values
    # Means aside, and of the trained one the changes: of the mean, of Swahili, and of it less German.
    shown = [*values[1:3], *values[7:9]]
    assert shown == [f"{float(row['value']):.3f}" for row in rows]

    found = client.get(f"/alignment.json{query}").json()
    assert [cell["value"] for row in found["rows"] for cell in row["cells"].values()] == [
        pytest.approx(float(row["value"])) for row in rows
    ]
    assert set(found["rows"][0]["by_layer"]) == {str(layer) for layer in range(13)}


def test_a_page_without_any_measurement_says_how_to_get_one(client) -> None:
    page = client.get("/alignment/").content.decode()
    assert "No alignment yet" in page
    assert client.get("/alignment.json").json()["rows"] == []


def test_an_unknown_filter_is_a_page_or_a_line(client, seeded) -> None:
    assert client.get("/alignment/?measure=cak").status_code == 400
    answer = client.get("/alignment.csv?measure=cak")
    assert answer.status_code == 400
    assert b"accuracy_into_pivot" in answer.content or b"cka" in answer.content


def test_a_page_takes_a_bounded_number_of_queries(seeded, django_assert_max_num_queries) -> None:
    factories.study(
        "More",
        tasks=("xnli_cad",),
        intermediates=("ccg_pmb", "mrpc"),
        methods=(Method.INTERMEDIATE,),
        diagnoses=(ASKED,),
    )
    headlines.current()
    with django_assert_max_num_queries(20):
        assert len(load().rows) == 4


def test_charts_show_what_the_table_shows(seeded) -> None:
    view = load()
    lines = figures.by_layer(view)["data"]
    assert [line["name"] for line in lines] == [row.full_title for row in view.rows]
    assert lines[1]["y"][7] == pytest.approx(view.rows[1].mean)
    points = figures.by_language(view)["data"]
    assert points[1]["y"] == [cell.value for cell in view.rows[1].cells]
    scatter = figures.against_target(view)["data"]
    assert list(zip(scatter[0]["text"], scatter[0]["x"], scatter[0]["y"], strict=True)) == list(
        view.associations[0].points
    )


def test_stages_that_nobody_asks_for_any_more_are_left_out(seeded) -> None:
    stage = Stage.objects.get(action="align", parent=None)
    for run in stage.runs.all():
        run.stages.remove(stage)
    assert [row.pretrained for row in load().rows] == [False]
    results.record_diagnostics(stage, factories.diagnostics(stage))
    assert [row.pretrained for row in load().rows] == [False]
