"""The API's documentation and the snapshots, in a real browser, under the pages' policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from leaderboard.services import snapshots, withdrawals
from leaderboard.standings import frozen
from tests import factories

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_the_documentation_lists_every_address(open_page):
    page = open_page("/api/v1/docs")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() > 20
    page.get_by_text("/api/v1/scores", exact=True).click()
    expect(page.get_by_text("A page of scores;").first).to_be_visible()


@pytest.mark.parametrize("look", [{}, {"viewport": {"width": 360, "height": 740}}], ids=["desk", "phone"])
def test_a_snapshot_and_what_changed_since(open_page, look):
    seeded = factories.study(tasks=("udpos", "tatoeba"), seeds=(1,))
    taken = snapshots.take("Camera-ready", frozen.board, note="For the paper.")
    withdrawals.withdraw(seeded.run(), "Wrong data.")
    page = open_page("/snapshots/", **look)
    page.get_by_role("link", name="Camera-ready").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Camera-ready")
    assert page.locator("tbody tr").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tables = page.get_by_role("navigation", name="Tables of this snapshot")
    tables.get_by_role("link", name="Transfer map").click()
    page.get_by_role("link", name="what changed until now").click()
    expect(page.get_by_text("Wrong data.")).to_be_visible()
    assert taken.address in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
