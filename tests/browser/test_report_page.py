"""The report in a real browser: every section is seen, nothing is asked for, nothing runs, nothing overflows."""

import pytest

from engine.report.page.records import figures_of
from engine.study.report import read_report, write_page
from tests.report.runs import HOSTILE, written

ALL = ("fit", "quarters", "year", "less", "frontier", "stress", "world")
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "white";
  };
  const words = [...document.querySelectorAll("body *")].filter(one => !one.closest("svg") && one.checkVisibility()
    && [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()));
  return words.map(one => {
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.tagName + " " + one.className];
  }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of every kind of run, whose channels have hostile names, with the sections that it must have."""
    folder = tmp_path_factory.mktemp("report")
    runs = written(folder, HOSTILE)
    made = read_report([runs[name] for name in ALL])
    write_page(made, folder / "report.html")
    return folder / "report.html", made.page


@pytest.fixture(scope="module")
def opened(browser, report):
    """The page, opened; and everything that it said or asked for."""
    page, heard = browser.new_page(), []
    page.on("console", lambda said: heard.append(f"console: {said.text}"))
    page.on("pageerror", lambda fault: heard.append(f"error: {fault}"))
    page.on("request", lambda asked: heard.append(f"request: {asked.url}"))
    page.goto(report[0].as_uri())
    return page, heard


def test_it_asks_for_nothing_but_itself_and_says_nothing(opened, report):
    _, heard = opened
    assert heard == [f"request: {report[0].as_uri()}"]


def test_every_section_is_seen_with_its_charts_and_its_figures(opened, report):
    page, _ = opened
    for section in report[1].sections:
        shown = page.locator(f"#{section.id}")
        assert shown.bounding_box()["height"] > 40, section.id
        assert shown.get_by_role("heading", level=2).inner_text() == section.title
    for width, sort in ((1400, ".wide"), (400, ".slim")):
        page.set_viewport_size({"width": width, "height": 900})
        sizes = [one.bounding_box() for one in page.locator("figure svg:visible").all()]
        assert all(size["width"] > 150 and size["height"] > 80 for size in sizes)
        assert page.locator(f"{sort} svg:visible").count() == page.locator(sort).count() > 0
        assert len(sizes) >= len(figures_of(report[1]))
    for details in page.locator("details").all():
        details.locator("summary").click()
        assert details.get_by_role("table").bounding_box()["height"] > 40


def test_hostile_names_stay_text(opened):
    page, _ = opened
    assert page.evaluate("window.PWNED") is None
    assert page.locator("script, img, iframe, object, embed, form").count() == 0
    assert page.get_by_role("rowheader", name=HOSTILE[0]).count() > 1
    assert page.get_by_role("rowheader", name=HOSTILE[1]).count() > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 400, 1400])
def test_nothing_overflows_and_every_word_stands_out(opened, width, scheme):
    page, _ = opened
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CONTRAST) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_it_prints_on_paper_with_every_table_open(opened):
    page, _ = opened
    page.set_viewport_size({"width": 760, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert page.locator("details table").first.is_visible()
    page.emulate_media(media="screen", color_scheme="light")


STOP = """(() => {
  const one = document.activeElement;
  return [one.className, one.scrollWidth > one.clientWidth, one === document.body];
})()"""
SCROLLS = """[...document.querySelectorAll(".scroll")]
  .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth)"""


def test_the_keyboard_skips_to_the_content(browser, report):
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(report[0].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    marks = page.evaluate("[...document.querySelectorAll('body > header, body > nav, main, footer')].length")
    assert marks == 4


@pytest.mark.parametrize("width", [400, 1400])
def test_the_keyboard_reaches_what_scrolls_and_stops_at_no_box_that_does_not(browser, report, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(report[0].as_uri())
    wanted, reached = page.evaluate(f"{SCROLLS}.length"), 0
    for _ in range(999):
        page.keyboard.press("Tab")
        name, scrolls, ends = page.evaluate(STOP)
        if ends:
            break
        assert scrolls or "scroll" not in name
        reached += "scroll" in name
    assert reached == wanted
    assert wanted or width > 400


def test_what_opens_a_table_names_its_chart(opened):
    page, _ = opened
    names = page.locator("summary").all_inner_texts()
    assert len(set(names)) == len(names) > 5
    for details in page.locator("figure").filter(has=page.locator("details")).all():
        assert details.locator("summary").inner_text().endswith(details.locator(".says").inner_text())
