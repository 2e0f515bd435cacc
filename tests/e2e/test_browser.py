"""What a reader does with the pages, in a real browser."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from leaderboard.models import Stage
from leaderboard.services import uncertainty
from leaderboard.standings import query
from leaderboard.standings.filters import Filters
from tests import factories, measured
from tests.e2e.looking import PHONE, fits, look, wait_for_charts
from tests.e2e.pages import addresses

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def seeded(open_page):
    # After `open_page`, which gives the stages a folder of their own.
    seeded = factories.study()
    for stage in seeded.run("ccg_pmb").stages.filter(action="train"):
        factories.write_files(stage, curve=factories.curve_text(), log="INFO a line\n")
    return seeded


def test_every_page_opens_without_complaint_fits_and_is_accessible(open_page, seeded):
    factories.published("A system")
    seeded.run("nli_cad", 2).delete()
    page = open_page()

    assert sum(look(page, address) for address in addresses(seeded)) == 11


def test_pages_open_in_the_dark_and_on_a_phone(open_page, seeded):
    """Where nothing has changed since: what a page does only when it is opened is done then, too."""
    page = open_page(color_scheme="dark", viewport=PHONE)

    for address in ["/", "/transfer/", "/tasks/udpos/"]:
        page.goto(address)
        wait_for_charts(page)
        assert fits(page), address


def test_pages_without_any_run_open_without_complaint(open_page):
    page = open_page()

    for address in ["/", "/transfer/", "/tasks/udpos/", "/runs/"]:
        page.goto(address)
        assert page.locator("table.standings").count() == 0

    assert page.locator(".empty").is_visible()


def test_heatmap_prints_the_numbers_of_the_table(open_page, seeded):
    page = open_page("/transfer/")
    wait_for_charts(page)

    in_chart = page.locator(".chart .heatmap-label").all_text_contents()
    in_table = page.locator("#standings .change").all_inner_texts()

    assert len(in_chart) == 8
    assert sorted(in_chart) == sorted(in_table)


def test_chart_can_be_saved_as_picture(open_page, seeded):
    page = open_page("/transfer/")
    wait_for_charts(page)
    page.locator(".chart").hover()

    for title, ending in [("Download plot as a PNG", ".png"), ("Download as SVG", ".svg")]:
        with page.expect_download() as download:
            page.locator(f'.modebar-btn[data-title^="{title}"]').click()
        saved = download.value
        assert saved.suggested_filename == f"differences{ending}"
        assert Path(saved.path()).stat().st_size > 2000


def test_head_sorts_and_the_address_says_so(open_page, seeded):
    page = open_page("/")
    head = page.locator("thead th", has_text="Tatoeba")

    head.locator("a").click()

    page.wait_for_url("**/?sort=-tatoeba.*")
    expect(head).to_have_attribute("aria-sort", "descending")
    column = [float(text) for text in page.locator("tbody td:nth-child(4) .value").all_inner_texts()]
    assert column == sorted(column, reverse=True)
    head.locator("a").click()
    page.wait_for_url("**/?sort=tatoeba.*")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.go_back()
    expect(head).to_have_attribute("aria-sort", "descending")


def test_filters_go_into_the_address_without_empty_fields(open_page, seeded):
    page = open_page("/")

    page.get_by_label("Method").select_option("intermediate")
    page.get_by_label("Languages", exact=True).fill("sw, ta")
    page.get_by_role("button", name="Apply").click()

    page.wait_for_url("**/?suite=xtreme&method=intermediate&languages=sw%2C+ta&show=score")
    expect(page.locator("caption")).to_contain_text("mean over Swahili, Tamil")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Without languages").click()
    expect(page.locator("caption")).to_contain_text("mean over all languages")
    page.get_by_role("link", name="Reset").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_every_filter_can_be_used(open_page, seeded):
    page = open_page("/")
    names = [select.get_attribute("name") for select in page.locator(".filters select").all()]
    assert {"suite", "encoder", "method", "intermediate", "aggregate", "variant", "origin", "study"} <= set(names)

    for name in names:
        page.locator(".filters .more").evaluate("more => more.open = true")
        value = page.locator(f"#filter-{name} option").last.get_attribute("value")
        page.locator(f"#filter-{name}").select_option(value)
        page.get_by_role("button", name="Apply").click()
        page.wait_for_url(f"**/?*{name}={value}*")
        expect(page.locator(f"#filter-{name}")).to_have_value(value)
        page.goto("/")


def test_a_cell_of_the_map_leads_to_its_languages(open_page, seeded):
    page = open_page("/transfer/")
    wait_for_charts(page)

    label = page.locator(".chart .heatmap-label").first.bounding_box()
    page.mouse.click(label["x"] + label["width"] / 2, label["y"] + label["height"] / 2)

    page.wait_for_url("**/tasks/*/?recipe=*")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.locator(".chart").count() == 3


def test_ranks_of_many_rows_come_after_the_table(open_page, monkeypatch):
    measured.study(tasks=("xnli_cad",), seeds=(1, 2, 3))
    uncertainty.refresh()
    key = next(column.key for column in query.load(Filters()).columns if column.task == "xnli_cad")
    ranks = [row.rank for row in query.load(Filters(sort=f"-{key}")).rows]
    monkeypatch.setattr(query, "ROWS_A_PAGE", 2)

    page = open_page(f"/?sort=-{key}")

    places = page.locator("tbody td.rank .place")
    expect(places).to_have_text([str(rank.place) for rank in ranks[:2]])
    expect(page.get_by_text("Ranks come after the table")).to_have_count(0)
    expect(page.get_by_text("with 95% intervals over seeds and test items")).to_be_visible()
    page.locator("nav.pages").get_by_role("link", name="Next").click()
    expect(places).to_have_text([str(rank.place) for rank in ranks[2:]])


def test_rows_are_ticked_and_compared(open_page, seeded):
    page = open_page("/")

    for tick in page.locator(".pick").all()[:2]:
        tick.check()
    page.get_by_role("button", name="Compare").click()

    page.wait_for_url("**/compare/?rows=*&rows=*")
    assert page.locator("table.comparison thead th").count() == 3
    page.get_by_label("Lines").select_option("language")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**by=language*")
    expect(page.locator("table.comparison tbody tr").nth(20)).to_be_visible()


def test_theme_can_be_switched_is_remembered_and_recolours_charts(open_page, seeded):
    page = open_page("/transfer/", color_scheme="light")
    wait_for_charts(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    tick = ".chart .xtick text"
    light, light_tick = page.evaluate(ground), page.locator(tick).first.evaluate("text => text.style.fill")

    page.get_by_role("button", name="Dark theme").click()

    page.locator("html[data-theme=dark]").wait_for()
    assert page.evaluate(ground) != light
    expect(page.locator(tick).first).not_to_have_css("fill", light_tick)
    page.goto("/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("button", name="Light theme").is_visible()


def test_files_are_downloaded(open_page, seeded):
    page = open_page("/")

    for address in ["/", "/transfer/", "/tasks/udpos/", "/languages/sw/", "/alternatives/"]:
        page.goto(address)
        for title, reads in READERS.items():
            with page.expect_download() as download:
                page.locator(".downloads").get_by_role("link", name=title).click()
            reads(Path(download.value.path()).read_text())


def reads_csv(text):
    lines = list(csv.reader(text.splitlines()))
    assert len(lines) > 2
    assert {len(line) for line in lines} == {len(lines[0])}


def reads_json(text):
    assert json.loads(text)["rows"]


def reads_latex(text):
    assert text.startswith("% ")
    assert "\\toprule" in text


READERS = {"CSV": reads_csv, "JSON": reads_json, "LaTeX": reads_latex}


def test_wide_table_scrolls_inside_its_box_under_a_fixed_first_column(open_page, seeded):
    page = open_page("/tasks/panx/", viewport=PHONE)
    box = page.locator(".table-scroll").first
    head = page.locator("tbody th.row-head").first
    before = head.bounding_box()["x"]

    box.evaluate("box => box.scrollLeft = 600")

    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert head.bounding_box()["x"] == pytest.approx(before, abs=1)


def test_keyboard_reaches_the_content_first(open_page, seeded):
    page = open_page("/")

    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"


def test_pages_are_useful_without_javascript(open_page, seeded):
    page = open_page("/transfer/", java_script_enabled=False)

    assert page.locator("tbody tr").count() == 2
    assert "The chart needs JavaScript" in page.locator("noscript").text_content()
    assert not page.locator("#theme-switch").is_visible()


def test_unfinished_run_follows_its_work_and_stops(open_page, seeded):
    run = seeded.run("ccg_pmb")
    stage = run.stages.first()
    working = {"status": "running", "lease_until": timezone.now() + timedelta(hours=1), "total": 400, "unit": "steps"}
    Stage.objects.filter(pk=stage.pk).update(**working, done=100)
    page = open_page(f"/runs/{run.pk}/")
    row = page.locator(f'tr[data-stage="{stage.pk}"]')
    assert "100 of 400 steps" in row.inner_text()

    Stage.objects.filter(pk=stage.pk).update(done=300, activity="loss 0.5")
    row.get_by_text("300 of 400 steps – loss 0.5").wait_for()
    Stage.objects.filter(pk=stage.pk).update(
        done=350, rate=2.0, usage={"memory": 1 << 30, "memory_peak": 1 << 30, "processor": 99}
    )
    row.get_by_text("350 of 400 steps – loss 0.5 – 2.0 steps/s – 25.0 s left").wait_for()
    assert "1,024 MiB of memory" in row.inner_text()
    assert page.locator(f'[data-node="{stage.pk}"]').get_attribute("class") == "running"
    page.locator(".chart[data-chart=loss]").scroll_into_view_if_needed()
    page.locator(".chart[data-chart=loss][data-drawn=yes]").wait_for()
    factories.write_files(stage, curve=factories.curve_text(60), log="a line of the log\n")
    page.locator("#live-log").get_by_text("a line of the log").wait_for()
    last = (
        "document.querySelector('.chart[data-chart=loss] .canvas').data.find((line) => line.x.length === 60)?.x.at(-1)"
    )
    page.wait_for_function(f"{last} === 600")
    Stage.objects.filter(pk=stage.pk).update(status="done", done=400)
    page.locator("#run-state[data-finished=yes]").wait_for()

    assert page.locator("#run-status").inner_text() == "Done"
    assert page.locator("script[src*='run.js']").count() == 0
