"""What the what-if page says of itself: ranges, ties, what it holds, what gave way, and names for all its parts."""

import functools
import json

import numpy as np
import pytest

from engine.report.whatif_page.html import rendered
from engine.report.whatif_page.levers import thinned, what_if_of
from engine.report.whatif_page.numbers import FULL, LEAST
from engine.study.whatif_page import whatif_page
from engine.words import number
from tests.browser import fits
from tests.browser.test_whatif_page import BEST, BOUNDED, FLIGHT, THREE, slide

TIME = BEST.splitlines()[1]


@pytest.fixture(scope="module")
def html_of(tmp_path_factory):
    """The page of a question that is asked from files, made once, and the files."""

    @functools.cache
    def html_of(text):
        files = fits.written(tmp_path_factory.mktemp("asked"), fits.curves(shapes=THREE), text)
        return whatif_page(*files, budgets=5), files

    return html_of


@pytest.mark.parametrize("letters", [LEAST, LEAST + 1, FULL])
def test_today_s_split_is_never_less_than_itself_however_few_letters_its_numbers_have(page_of, letters):
    held, asked = fits.curves("two_speed", draws=200), fits.question(fits.TIMES["quarters from history"])
    what = what_if_of(held, asked, (fits.optimize(held, asked, priced=False),), 0)
    page = page_of(rendered(what, letters, what.draws))
    page.click("#use-today")
    assert page.evaluate("chanceOfLess(value, before)") == 0
    assert "as much as today" in page.inner_text("#decision")
    page.evaluate("replaced(today.map(row => row.map(amount => 0.999 * amount)))")
    assert page.evaluate("chanceOfLess(value, before)") == 1


def test_where_draws_are_left_out_the_page_tells_how_far_it_is_from_the_planner(page_of):
    held, asked = fits.curves(shapes=THREE, draws=40), fits.question(fits.TIMES["quarters from history"])
    plan = fits.optimize(held, asked, priced=False)
    few = thinned(what_if_of(held, asked, (plan,), 0), np.arange(0, 40, 3))
    page = page_of(rendered(few, LEAST, 40))
    off = few.best[0].value.mean() - plan.chosen.value.mean
    note = page.locator("#notes li").first.text_content()
    assert "14 of the fit" in note
    assert "to the cent" not in note
    side = "more" if off > 0 else "less"
    assert f"comes to EUR {number(abs(off))} (" in note
    assert f"{side} than the planner\u2019s own mean of EUR {number(plan.chosen.value.mean)} on all draws" in note
    whole = page_of(fits.page(held, asked)[0])
    assert "to the cent" in whole.locator("#notes li").first.text_content()


def test_the_change_from_today_s_split_has_its_range(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    slide(page, 0, 0.9)
    change = page.evaluate("spread(value.map((each, draw) => each - before[draw]))")
    signed = {name: ("+" if each > 0 else "") + number(each) for name, each in change.items()}
    told = page.inner_text("#decision").replace("\u00a0", " ")
    assert f"EUR {signed['mean']} ({signed['p05']} .. {signed['p95']}) against" in told


def test_a_held_total_stays_whatever_is_asked_and_what_gave_way_is_told(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    before = np.array(page.evaluate("state.money.map(sum)"))
    page.check("#hold")
    fields = page.locator("#levers input.amount")

    def typed(at, text):
        fields.nth(at).fill(text)
        page.keyboard.press("Enter")
        return np.array(page.evaluate("state.money.map(sum)"))

    after = typed(0, "9e9")
    assert after == pytest.approx([before.sum(), 0, 0])
    assert "not EUR 9,000,000,000" in page.inner_text("#limited").replace("\u00a0", " ")
    page.click("#use-plan")
    assert not page.is_visible("#limited")
    for at in (1, 2):
        page.locator(".lock").nth(at).check()
    assert typed(0, "3000000") == pytest.approx(before)
    assert "with the total held" in page.inner_text("#limited").replace("\u00a0", " ")
    assert "with the total held" in page.inner_text("#said").replace("\u00a0", " ")


def test_what_is_no_number_moves_no_money_and_a_total_that_cannot_be_is_told(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    before = page.evaluate("state.money")
    for field in (page.locator("#levers input.amount").first, page.locator("#total")):
        for text in ("", "-"):
            field.focus()
            field.press("Control+a")
            field.press("Delete")
            page.keyboard.type(text)
            page.keyboard.press("Tab")
            assert page.evaluate("state.money") == before
            assert float(field.input_value().replace(",", "")) > 0
    page.fill("#total", "1e9")
    page.keyboard.press("Enter")
    assert "The total is EUR" in page.inner_text("#limited").replace("\u00a0", " ")
    assert "not EUR 1,000,000,000" in page.inner_text("#limited").replace("\u00a0", " ")
    page.select_option("#form", "share")
    money = page.evaluate("state.money")
    page.locator("#levers input.amount").first.fill("100")
    page.keyboard.press("Enter")
    assert page.evaluate("state.money") == money
    assert "Nothing was moved" in page.inner_text("#limited").replace("\u00a0", " ")


def test_on_dates_of_the_plan_today_s_money_is_told_as_what_it_is(page_of, html_of):
    page = page_of(html_of(BEST + FLIGHT)[0])
    page.click("#use-today")
    told = page.inner_text("#decision").replace("\u00a0", " ")
    assert told.startswith("With today\u2019s money, on the plan\u2019s dates: EUR")
    assert "against what history spent on its own dates" in told
    assert "dates of their own" in page.locator("#notes").text_content()
    free = page_of(html_of(BEST)[0])
    free.click("#use-today")
    assert free.inner_text("#decision").startswith("With this split")
    assert "dates of their own" not in free.locator("#notes").text_content()


def test_a_page_of_another_measure_of_risk_says_so(page_of):
    risk = 'budget = { of_history = 1.0 }\n[risk]\nmeasure = "cvar"\n'
    html, _ = fits.page(fits.curves(shapes=THREE), fits.question("", risk.replace("\n[", f"\n{TIME}\n[")))
    assert "chosen by the mean of their worst draws" in page_of(html).locator("#notes").text_content()


def test_a_best_split_between_two_budgets_is_not_told_as_less_than_itself(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    page.evaluate("replaced(bestOf(told.best, (totalOf(told.best[0][2]) + totalOf(told.best[1][2])) / 2).split)")
    told = page.inner_text("#beside")
    assert "straight line between two budgets: no more than this one" in told
    page.click("#use-plan")
    assert "straight line" not in page.inner_text("#beside")


def test_names_are_cut_between_letters_and_half_letters_marked(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    told = page.evaluate("quoted('\U0001f600'.repeat(200))")
    assert json.loads(told) == "\U0001f600" * 190
    assert json.loads(page.evaluate("quoted('a' + String.fromCharCode(0xd83d) + 'b')")) == "a\ufffdb"
    assert page.evaluate("firstOf('a\U0001f600b', 2)") == "a\U0001f600"


def test_every_box_names_its_channel_and_the_table_its_rows_columns_and_self(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    named = page.evaluate(
        "Array.from(document.querySelectorAll('#levers input')).map(one => one.getAttribute('aria-label'))"
    )
    assert len(set(named)) == len(named) == 12
    assert all(any(f"by {name}" in one for name in THREE) for one in named)
    page.click("text=All figures as a table")
    assert page.locator("#table th:not([scope])").count() == 0
    assert page.locator("#table caption").inner_text().startswith("Money and what it brings")
    assert page.locator(".wide").get_attribute("tabindex") == "0"
