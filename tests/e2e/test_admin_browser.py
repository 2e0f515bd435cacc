"""What a maintainer does in the admin, in a real browser."""

from __future__ import annotations

import pytest

from leaderboard.models import Stage, Study
from leaderboard.services import catalogue

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed_in(open_page, django_user_model):
    # A transactional test empties the tables that migrating had filled.
    catalogue.mirror()
    django_user_model.objects.create_superuser("admin", password="of this test")
    page = open_page("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("of this test")
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_study_is_submitted_and_found_on_its_page(signed_in):
    page = signed_in
    page.goto("/admin/leaderboard/study/add/")

    page.get_by_label("Name").fill("From a browser")
    page.get_by_label("Encoder:").select_option("xlm-roberta-base")
    page.get_by_label("Counterfactual NLI (stands in for MNLI)").check()
    page.get_by_label("NER (PAN-X)", exact=True).check()
    page.get_by_label("Split of NER (PAN-X)").select_option("validation")
    page.get_by_label("Languages of NER (PAN-X)").fill("-th")
    page.get_by_label("Items per language of NER (PAN-X)").fill("200")
    page.get_by_role("button", name="Submit the study").click()

    assert "2 runs, 0 of them there already, and 5 stages" in page.locator(".messagelist").inner_text()
    study = Study.objects.get()
    (target,) = study.targets
    assert (target["split"], target["limit"], len(target["languages"])) == ("validation", 200, 39)
    assert Stage.objects.filter(status="queued").count() == 2
    page.get_by_role("link", name="From a browser").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "From a browser"


def test_mistakes_are_marked_and_nothing_is_lost(signed_in):
    page = signed_in
    page.goto("/admin/leaderboard/study/add/")

    page.get_by_label("Name").fill("With mistakes")
    page.get_by_label("Seeds").fill("one")
    page.get_by_role("button", name="Submit the study").click()

    assert "Nothing was submitted" in page.locator(".errornote").inner_text()
    assert "found “one”" in page.locator(".field-seeds .errorlist").inner_text()
    assert page.get_by_label("Name").input_value() == "With mistakes"
    assert not Study.objects.exists()


def test_variants_are_submitted_from_a_phone(signed_in):
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/admin/leaderboard/study/add/")
    # Its wide table scrolls in a box of its own.
    assert page.evaluate("document.documentElement.scrollWidth") == 360

    page.get_by_label("Name").fill("With variants")
    page.get_by_label("Encoder:").select_option("xlm-roberta-base")
    page.get_by_label("With MLM").check()
    page.get_by_label("Translated intermediate data").fill("de, en+ru")
    page.get_by_label("MNLI", exact=True).check()
    page.locator("#id_target-xnli").check()
    page.get_by_label("Text:", exact=True).select_option("ntrex")
    page.get_by_role("button", name="Submit the study").click()
    assert "give both or neither" in page.locator(".field-translations .errorlist").inner_text()

    page.get_by_label("With translated data").check()
    page.get_by_role("button", name="Submit the study").click()
    assert "6 runs" in page.locator(".messagelist").inner_text()
    assert set(Study.objects.get().recipes.values_list("title", flat=True)) == {
        "xlm-roberta-base (baseline)",
        "xlm-roberta-base (baseline) + MLM",
        "xlm-roberta-base → MNLI",
        "xlm-roberta-base → MNLI + MLM",
        "xlm-roberta-base → MNLI (translated: de)",
        "xlm-roberta-base → MNLI (translated: en+ru)",
    }
