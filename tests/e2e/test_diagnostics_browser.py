"""The pages of alignment, robustness and low-resource languages in a real browser."""

from __future__ import annotations

import pytest

from runner.recipes import Diagnosis
from runner.spec import Noise
from tests import factories
from tests.e2e.looking import look

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

CHARTS = {
    "/alignment/": 3,
    "/alignment/?measure=cka&layer=12&languages=low-size&sort=-change": 3,
    "/robustness/": 1,
    "/low-resource/?definition=size": 1,
}


def test_every_page_opens_without_complaint_fits_and_is_accessible(open_page):
    factories.study(
        tasks=("udpos", "xnli_cad"),
        intermediates=("nli_cad",),
        noises=(Noise("typos"),),
        diagnoses=(Diagnosis("tatoeba"),),
    )
    page = open_page()

    for address, charts in CHARTS.items():
        assert look(page, address) == charts, address


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
