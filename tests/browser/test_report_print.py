"""The report on paper: what belongs together stands on one page, and no name makes a table too wide or a row tall."""

import json

import pytest

from engine.study.report import read_report, write_page
from tests.report.runs import written

PAPER = 680  # pixels between the margins of an A4 page
LONG = "a scenario whose name is told at length by one who likes to write " * 3


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    """The page of plans with long names, a frontier and a stress test, as wide as paper."""
    folder = tmp_path_factory.mktemp("paper")
    runs = written(folder)
    for name in ("less", "year"):
        told = json.loads(runs[name].read_text())
        runs[name].write_text(json.dumps({**told, "scenario": LONG[: 160 - len(name)] + name}))
    made = read_report([runs[name] for name in ("fit", "less", "year", "quarters", "frontier", "stress", "world")])
    write_page(made, folder / "report.html")
    page = browser.new_page(viewport={"width": PAPER, "height": 1000})
    page.goto((folder / "report.html").as_uri())
    page.emulate_media(media="print")
    return page


def styles(page, chosen, name):
    """The values of a style of all elements that are chosen."""
    return set(page.evaluate(f"[...document.querySelectorAll({chosen!r})].map(one => getComputedStyle(one).{name})"))


def test_no_table_is_wider_than_the_paper_and_a_long_name_takes_few_lines(printed):
    wide = "[...document.querySelectorAll('table')].filter(one => one.offsetWidth > one.parentElement.clientWidth)"
    assert printed.evaluate(f"{wide}.map(one => one.dataset.name)") == []
    lines = "one => one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight)"
    tall = printed.evaluate(f"[...document.querySelectorAll('tbody th.long')].map({lines})")
    assert len(tall) >= 2 and max(tall) < 8


def test_a_heading_stays_with_what_follows_it_and_cards_with_each_other(printed):
    assert styles(printed, ".facts", "breakInside") == {"avoid"}
    assert styles(printed, "h2, .caption, figcaption", "breakAfter") == {"avoid"}
    assert styles(printed, "h2 + .words:not(:last-child)", "breakAfter") == {"avoid"}
    assert styles(printed, ".beware:not(:last-child)", "breakAfter") == {"avoid"}
    assert styles(printed, ".note", "breakBefore") == {"avoid"}
    assert "avoid" not in styles(printed, ".words:last-child", "breakAfter")  # a section and the next may part


def test_paper_has_margins_whoever_prints_it(printed):
    rules = (
        "[...document.styleSheets[0].cssRules].filter(one => one instanceof CSSPageRule).map(one => one.style.margin)"
    )
    assert printed.evaluate(rules) == ["15mm"]
