"""How a page is looked at: once opened, at a desk in the light, then in the dark, then on a phone.

axe-core looks for what keeps somebody from using it (WCAG 2.2, levels A and AA).
"""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What another theme can break; all other rules are about what stays.
CONTRAST = ["color-contrast"]
DESK = {"width": 1280, "height": 720}
PHONE = {"width": 360, "height": 740}


def look(page: Page, address: str) -> int:
    """Open the page, which must have one title, fit at any width, and be free of violations; its number of charts."""
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(address)
    charts = wait_for_charts(page)
    assert page.locator("h1").count() == 1, address
    assert fits(page), address
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(page, RULES) == [], address
    page.emulate_media(color_scheme="dark")
    assert violations(page, CONTRAST) == [], f"{address} in the dark"
    page.set_viewport_size(PHONE)
    assert fits(page), f"{address} on a phone"
    return charts


def wait_for_charts(page: Page) -> int:
    """Scroll to every chart, as they are drawn when they are seen; their number."""
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
    count = page.locator(".chart").count()
    if count:
        page.locator(".chart[data-drawn=yes]").nth(count - 1).wait_for()
    assert page.locator(".chart svg.main-svg").count() >= count
    return count


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def violations(page: Page, rules: list[str]) -> list[tuple[str, list]]:
    """The rules that are broken, each with the first elements that break it."""
    # In full where a rule is broken; of all that is well, axe need not keep every element.
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
