"""What is typed, locked and drawn on a what-if page: no number breaks it, and all that it tells lies on its axes."""

import functools
import itertools
import json

import pytest

from engine.study.whatif_page import whatif_page
from tests.browser import fits
from tests.browser.test_whatif_page import BEST, BOUNDED, BY_QUARTER, THREE, slide

LOSING = BEST + 'goal = { maximise = "profit", margin = 0.1 }\n'
CROSSING = BEST + 'goal = { maximise = "profit", margin = 0.37 }\n'

NUMBERS = """Array.from(document.querySelectorAll("#band .axis > span")).map(
  one => [read(one.textContent), parseFloat(one.style.left) / 100])"""
MARKS = """Array.from(document.querySelectorAll("#band .track")).slice(0, 2).map(track =>
  ['[class=""]', ".middle", ".mean"].map(kind => track.querySelector(kind).style).map(
    ({ left, width }) => [parseFloat(left) / 100, parseFloat(width) / 100]))"""


@pytest.fixture(scope="module")
def html_of(tmp_path_factory):
    """The page of a question that is asked from files, made once, and the files."""

    @functools.cache
    def html_of(text):
        files = fits.written(tmp_path_factory.mktemp("asked"), fits.curves(shapes=THREE), text)
        return whatif_page(*files, budgets=3), files

    return html_of


def enter(page, field, text):
    """Type a text into a field, as a hand does."""
    field.fill(text)
    field.press("Enter")


def told(page):
    return page.inner_text("body").replace("\u00a0", " ")


AMOUNTS = {
    "1500000": 1.5e6,
    "1,500,000": 1.5e6,
    "1.500.000": 1.5e6,
    "1 500 000": 1.5e6,
    "1\u202f500\u202f000,50": 1500000.5,
    "1.500,5": 1500.5,
    "1'500'000": 1.5e6,
    "EUR 1.5 m": 1.5e6,
    "2k": 2000.0,
    "1e6": 1e6,
    "12,5": 12.5,
    "12.5 %": 12.5,
    "1,000": 1000.0,
    "-5": -5.0,
    ".5": 0.5,
}
NO_AMOUNTS = ["abc", "-", ".", "1,50,000", "1.2.3", "12 million", "1e", "NaN", "Infinity", "0x10", ",,"]


def test_an_amount_is_read_as_people_type_it(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    assert {text: page.evaluate("read", text) for text in AMOUNTS} == pytest.approx(AMOUNTS)


def test_what_is_no_amount_is_said_and_moves_nothing(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    before = page.evaluate("state.money")
    for text in NO_AMOUNTS:
        enter(page, page.locator("#total"), text)
        assert page.evaluate("state.money") == before
        assert f"\u201c{text}\u201d is no amount" in page.inner_text("#limited").replace("\u00a0", " ")
        page.click("#use-plan")


@pytest.mark.parametrize("question", [BEST, BY_QUARTER])
def test_more_than_a_scenario_holds_is_refused_and_breaks_nothing(page_of, html_of, question):
    page = page_of(html_of(question)[0])
    if question == BY_QUARTER:
        page.select_option("#scope", "1")
    before = page.evaluate("state.money")
    fields = (page.locator("#total"), page.locator("#levers input.amount").first)
    too_much = ("1e308", "1e306", "1e16", "99999999999999999999", "-1e308")
    for field, text in itertools.product(fields, too_much):
        enter(page, field, text)
        assert page.evaluate("state.money") == before
        assert "a scenario holds at most EUR" in page.inner_text("#limited").replace("\u00a0", " ")
        assert "NaN" not in told(page) and "Infinity" not in told(page) and "\u221e" not in told(page)


@pytest.mark.parametrize("text", ["1e15", "1e-7", "0"])
def test_the_largest_and_the_smallest_money_leave_numbers_and_can_be_saved(page_of, html_of, peso, tmp_path, text):
    html, (curves, _) = html_of(BEST)
    page = page_of(html)
    enter(page, page.locator("#total"), text)
    assert "NaN" not in told(page) and "Infinity" not in told(page)
    money = max(float(text), 0.0)
    assert page.evaluate("totalOf(state.money)") == pytest.approx(money)
    assert page.is_enabled("#save") == (money > 0) != page.is_visible("#unsaved")
    if money:
        (tmp_path / "saved.toml").write_text(page.evaluate("textOf()"))
        done = peso("whatif", tmp_path / "saved.toml", "--fit", curves, "--json")
        assert done.returncode == 0, done.stderr
        assert sum(map(sum, json.loads(done.stdout)["answers"][0]["plan"]["spend"])) == pytest.approx(money, rel=1e-5)
    enter(page, page.locator("#total"), "5000")
    assert page.evaluate("totalOf(state.money)") == pytest.approx(5000)
    assert all(each > 0 for each in page.evaluate("state.money.map(sum)"))


@pytest.mark.parametrize("width", [400, 1400])
def test_every_field_shows_all_of_its_number(page_of, html_of, width):
    page = page_of(html_of(BEST)[0], width=width)
    enter(page, page.locator("#total"), "123456789012345")
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.amount')).filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert cut == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_buttons_leave_what_is_locked_and_say_so(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    enter(page, page.locator("#levers input.amount").first, "1234")
    page.locator(".lock").first.check()
    total = page.evaluate("totalOf(state.money)")
    for button, split in (("plan", "planned"), ("today", "today"), ("best", "")):
        page.click(f"#use-{button}")
        assert page.evaluate("sum(state.money[0])") == 1234
        assert "Locked, so not moved: by hill" in page.inner_text("#limited")
        if split:
            assert page.evaluate("state.money.slice(1)") == page.evaluate(f"{split}.slice(1)")
            enter(page, page.locator("#total"), str(total))
    assert page.evaluate("totalOf(state.money)") == pytest.approx(total)
    assert "need not be the best" in page.inner_text("#limited")
    for at in range(3):
        page.locator(".lock").nth(at).check()
    before = page.evaluate("state.money")
    for button in ("plan", "today", "best"):
        page.click(f"#use-{button}")
        assert page.evaluate("state.money") == before


def test_a_locked_channel_stays_when_its_floor_and_cap_come_back(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    page.locator(".keep").first.uncheck()
    enter(page, page.locator("#levers input.amount").first, "1")
    page.locator(".lock").first.check()
    page.locator(".keep").first.check()
    assert page.evaluate("sum(state.money[0])") == 1
    assert "by hill at least 50 % of history" in page.inner_text("#unkept")


def test_a_decision_gets_no_more_than_the_whole_may(page_of, html_of):
    page = page_of(html_of(BY_QUARTER + BOUNDED)[0])
    page.select_option("#scope", "1")
    slide(page, 0, 1.0)
    page.select_option("#scope", "0")
    slide(page, 0, 1.0)
    limits = page.evaluate("channels[0].limits")
    assert page.evaluate("sum(state.money[0])") <= limits[1] * (1 + 1e-9)
    slide(page, 0, 0.0)
    assert page.evaluate("sum(state.money[0])") >= limits[0] * (1 - 1e-9)


@pytest.mark.parametrize("question", [LOSING, CROSSING, BEST])
def test_marks_lie_on_their_axis_where_the_numbers_say_below_zero_too(page_of, html_of, question):
    page = page_of(html_of(question)[0])
    for move in ("use-plan", "use-today", "less"):
        require_marked(page, move)


def require_marked(page, move):
    if move == "less":
        enter(page, page.locator("#total"), "0.001")
    else:
        page.click(f"#{move}")
    numbers = page.evaluate(NUMBERS)
    (low, _), *_, (high, _) = numbers

    def place(amount):
        return (amount - low) / (high - low)

    assert [place(amount) for amount, _ in numbers] == pytest.approx([share for _, share in numbers], abs=5e-3)
    assert low <= 0 <= high and len(numbers) in (2, 3, 4, 5)
    found = page.evaluate("[spread(value), usual].map(({ mean, p05, p50, p95 }) => [p05, p50, mean, p95])")
    drawn = page.evaluate(MARKS)
    for (p05, p50, mean, p95), ((left, width), (middle, _), (dot, _)) in zip(found, drawn, strict=True):
        assert (left, left + width, middle, dot) == pytest.approx(tuple(map(place, (p05, p95, p50, mean))), abs=5e-3)
        assert min(left, dot) >= -1e-9 and max(left + width, dot) <= 1 + 1e-9


def test_what_has_the_focus_is_not_hidden_by_what_stays_on_top(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0], width=400, height=700)
    page.focus("#save")
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        top, below = page.evaluate(
            "[document.activeElement.getBoundingClientRect().top, $('header').getBoundingClientRect().bottom]"
        )
        assert top >= below - 1
