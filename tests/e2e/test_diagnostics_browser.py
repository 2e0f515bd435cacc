"""The pages of alignment, robustness and low-resource languages in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from runner.recipes import Diagnosis
from runner.spec import Noise
from tests import factories
from tests.e2e.test_accessibility import RULES
from tests.e2e.test_browser import LOOKS, wait_for_charts

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

CHARTS = {
    "/alignment/": 3,
    "/alignment/?measure=cka&layer=12&languages=low-size&sort=-change": 3,
    "/robustness/": 1,
    "/low-resource/?definition=size": 1,
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_opens_without_complaint_and_fits(open_page, look):
    factories.study(
        tasks=("udpos", "xnli_cad"),
        intermediates=("nli_cad",),
        noises=(Noise("typos"),),
        diagnoses=(Diagnosis("tatoeba"),),
    )
    page = open_page(**LOOKS[look])

    for address, charts in CHARTS.items():
        page.goto(address)
        assert wait_for_charts(page) == charts, address
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
        assert page.locator("h1").count() == 1, address
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        violations = Axe().run(page, options=RULES).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in violations] == [], address


def test_a_head_sorts_and_the_filters_are_the_address(open_page):
    factories.study(tasks=("udpos",), intermediates=("nli_cad",), diagnoses=(Diagnosis("tatoeba"),))
    page = open_page("/alignment/")

    page.locator("select[name=measure]").select_option("isotropy")
    page.locator("select[name=layer]").select_option("0")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**measure=isotropy**")
    assert "layer=0" in page.url
    page.locator("#alignment thead a", has_text="Mean").click()
    page.wait_for_url("**sort=-mean**")
    assert "measure=isotropy" in page.url
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert page.locator("#alignment tbody tr").count() == 2


def test_pages_without_any_run_open_without_complaint(open_page):
    page = open_page()

    for address in ("/alignment/", "/robustness/", "/low-resource/"):
        page.goto(address)
        assert page.locator(".empty").count() == 1
