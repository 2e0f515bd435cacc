"""Every page as axe-core sees it, light and dark: nothing that keeps somebody from using it (WCAG 2.2 A and AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from leaderboard.models import Run
from tests import factories
from tests.e2e.pages import addresses

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(open_page, scheme):
    seeded = factories.study(seeds=(1, 2))
    factories.published("A system")
    Run.objects.filter(pk=seeded.run("nli_cad", 2).pk).delete()
    page = open_page("/", color_scheme=scheme)

    found = []
    for address in addresses(seeded):
        page.goto(address)
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        results = Axe().run(page, options=RULES)
        found += [
            (address, violation["id"], [node["target"] for node in violation["nodes"]][:3])
            for violation in results.response["violations"]
        ]

    assert found == []
