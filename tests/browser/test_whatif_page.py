"""The what-if page in a browser: what it works out is what the planner says, and what is moved is told at once."""

import functools
import itertools
import json

import numpy as np
import pytest

from engine.optimize.rules import compared, problem_of
from engine.study.whatif_page import whatif_page
from engine.words import number
from tests.browser import fits

CLOSE = 1e-6  # relative
HOSTILE = "</script><script>window.PWNED=1</script>"
BEST = 'name = "Best split"\nhorizon = { start = 2027-01-04, periods = 26 }\nbudget = { of_history = 1.0 }\n'
BY_QUARTER = BEST.replace("26 }", '26, decide = "quarter" }')
BOUNDED = "[every_channel]\nrelative = { min = 0.5, max = 1.5 }\n"
THREE = ("hill", "exponential", "burr")


@pytest.fixture(scope="module")
def html_of(tmp_path_factory):
    """The page of a question that is asked from files, made once, and the files."""

    @functools.cache
    def html_of(text):
        files = fits.written(tmp_path_factory.mktemp("asked"), fits.curves(shapes=THREE), text)
        return whatif_page(*files, budgets=5), files

    return html_of


def worked_out(page, money):
    """What the page says that money by channel and decision brings: by channel and draw, and by draw."""
    script = """money => {
      const found = money.map((row, at) => brought(channels[at], works[at], row, even));
      return [found.map(one => Array.from(one.outcome)), Array.from(valueOf(found)), found.map(one => one.next)];
    }"""
    return (np.array(each) for each in page.evaluate(script, money.tolist()))


def slide(page, at, share):
    """Move a channel's slider to a share of its way, as a hand does."""
    page.locator("#levers input[type=range]").nth(at).evaluate(
        "(range, share) => { range.value = +range.min + share * (range.max - range.min);"
        " range.dispatchEvent(new Event('input')); range.dispatchEvent(new Event('change')); }",
        share,
    )


def mean_of(page):
    return page.evaluate("spread(value).mean")


@pytest.mark.parametrize(
    ("adstock", "time"), list(zip(fits.ADSTOCKS, itertools.cycle(fits.TIMES), strict=False)), ids=lambda named: named
)
def test_any_split_brings_on_the_page_what_the_planner_says_in_every_family(page_of, adstock, time):
    held, asked = fits.curves(adstock), fits.question(fits.TIMES[time])
    html, plan = fits.page(held, asked)
    page, random = page_of(html), np.random.default_rng(1)
    planned = plan.cells.reshape(len(held.channels), -1)
    for split in (planned, *(planned * random.uniform(0, 3, planned.shape) for _ in range(3)), 0 * planned):
        outcome, value = fits.valued(held, asked, split)
        told, summed, _ = worked_out(page, split)
        np.testing.assert_allclose(told, outcome, rtol=CLOSE, atol=1e-9 * plan.chosen.value.mean)
        np.testing.assert_allclose(summed, value, rtol=CLOSE)


def test_draws_of_several_families_stay_in_their_places(page_of):
    held = fits.of_channels(
        fits.mixed(("geometric", "weibull_pdf"), ("burr", "tanh")),
        fits.channel("plain", 1, ("buildup", "hill"), 9, np.random.default_rng(8)),
    )
    asked = fits.question(fits.TIMES["quarters from history"])
    html, plan = fits.page(held, asked)
    split = plan.cells.reshape(2, -1) * 1.3
    told, _, _ = worked_out(page_of(html), split)
    np.testing.assert_allclose(told, fits.valued(held, asked, split)[0], rtol=CLOSE)


@pytest.mark.parametrize("time", fits.TIMES)
def test_the_plan_s_split_has_the_plan_s_figures_to_the_cent(page_of, time):
    held, asked = fits.curves(shapes=THREE, draws=40), fits.question(fits.TIMES[time])
    html, plan = fits.page(held, asked)
    page = page_of(html)
    told = page.evaluate("spread(value)")
    for name in ("mean", "p05", "p50", "p95"):
        assert told[name] == pytest.approx(getattr(plan.chosen.value, name), abs=0.005)
    assert page.evaluate("chanceOfLess(value, before)") == pytest.approx(plan.chance_of_loss)
    assert page.evaluate("usual.mean") == pytest.approx(plan.baseline.value.mean, abs=0.005)
    returns = page.evaluate("results.map(one => one.next)")
    assert returns == pytest.approx([line.marginal for line in plan.lines], rel=1e-6)
    assert f"EUR {number(plan.chosen.value.mean)} " in page.inner_text("#decision").replace("\u00a0", " ")


def test_profit_and_its_costs_are_the_planner_s(page_of):
    held = fits.curves(shapes=THREE)
    goal = 'goal = { maximise = "profit", margin = 0.6, discount_rate = 0.1 }\nbudget = { at_most = 9000 }'
    asked = fits.question(fits.TIMES["quarters from history"], goal)
    html, plan = fits.page(held, asked)
    page, split = page_of(html), plan.cells.reshape(3, -1) * [[0.5], [1.2], [0.9]]
    _, summed, _ = worked_out(page, split)
    np.testing.assert_allclose(summed, fits.valued(held, asked, split)[1], rtol=CLOSE)
    assert "of profit" in page.inner_text("#decision")


def test_prices_by_amount_are_the_planner_s(page_of):
    held = fits.curves(shapes=THREE)
    tiers = "[channels.'by hill']\ntiers = [{ above = 1000, price = 0.8 }, { above = 2500, price = 1.5 }]\n"
    text = "horizon = { start = 2027-01-04, periods = 26 }\n" + tiers
    asked = fits.question(text)
    html, _ = fits.page(held, asked)
    page = page_of(html)
    for money in (700.0, 1800.0, 4000.0):
        split = np.full((3, 1), money)
        np.testing.assert_allclose(next(worked_out(page, split)), fits.valued(held, asked, split)[0], rtol=CLOSE)


def test_a_slider_changes_the_number_and_only_its_channel_is_worked_out(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    before = page.inner_text("#decision"), mean_of(page)
    page.evaluate(
        "() => { window.calls = []; const kept = brought;"
        " brought = (...all) => { calls.push(all[0].name); return kept(...all); }; }"
    )
    slide(page, 1, 0.1)
    assert page.evaluate("calls") == ["by exponential"]
    assert page.inner_text("#decision") != before[0]
    assert mean_of(page) < before[1]
    assert page.inner_text("#said").startswith(page.inner_text("#decision"))
    page.click("#use-plan")
    assert page.inner_text("#decision") == before[0]


def test_arrow_keys_move_money_and_every_control_has_a_name(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    before = page.evaluate("sum(state.money[0])")
    page.locator("#levers input[type=range]").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("sum(state.money[0])") < before
    nameless = """() => Array.from(document.querySelectorAll('input, select, button')).filter(one =>
      !one.getAttribute('aria-label') && !(one.labels && one.labels.length) && !one.textContent.trim()).length"""
    assert page.evaluate(nameless) == 0
    spoken = page.locator("#levers input[type=range]").first.get_attribute("aria-valuetext")
    assert spoken.startswith("EUR ")
    assert spoken.endswith("\u00a0% of the total")


def test_with_the_total_held_the_others_give_way_but_for_those_that_are_locked(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    before = page.evaluate("state.money.map(sum)")
    page.check("#hold")
    page.locator(".lock").nth(2).check()
    slide(page, 0, 0.0)
    after = page.evaluate("state.money.map(sum)")
    assert sum(after) == pytest.approx(sum(before))
    assert (after[0] < before[0], after[1] > before[1], after[2] == before[2]) == (True, True, True)
    assert page.locator("#levers input[type=range]").nth(2).is_disabled()


def test_a_typed_total_is_shared_out_within_floors_and_caps(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    limits = np.array(page.evaluate("channels.map(one => one.limits)"))
    for share in (0.7, 1.2, 3.0):
        page.fill("#total", str(round(share * page.evaluate("asked"), 2)))
        page.keyboard.press("Enter")
        money = np.array(page.evaluate("state.money.map(sum)"))
        assert np.all((money >= limits[:, 0] - 0.01) & (money <= limits[:, 1] + 0.01))
    assert money.sum() == pytest.approx(limits[:, 1].sum())  # more than all caps cannot be spent
    page.locator(".keep").first.uncheck()
    slide(page, 0, 1.0)
    page.locator("#levers input.amount").first.fill("99999")
    page.keyboard.press("Enter")
    assert page.evaluate("sum(state.money[0])") == 99999
    assert "by hill at most 150 % of history" in page.inner_text("#unkept")


def test_a_share_of_the_total_can_be_typed(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    page.select_option("#form", "share")
    page.locator("#levers input.amount").first.fill("40")
    page.keyboard.press("Enter")
    money = page.evaluate("state.money.map(sum)")
    assert money[0] / sum(money) == pytest.approx(0.4)


def test_the_best_split_of_a_budget_is_the_planner_s_and_lies_between_its_neighbours_elsewhere(page_of, html_of):
    page = page_of(html_of(BEST + BOUNDED)[0])
    best = page.evaluate("told.best.map(([value, gap, split]) => [totalOf(split), value])")
    for money, value in best:
        page.evaluate("money => { replaced(bestOf(told.best, money).split); }", money)
        assert mean_of(page) == pytest.approx(value, rel=1e-6)
    (low, one), (high, two) = best[0], best[1]
    page.evaluate("money => { replaced(bestOf(told.best, money).split); }", (low + high) / 2)
    assert page.evaluate("totalOf(state.money)") == pytest.approx((low + high) / 2)
    assert min(one, two) <= mean_of(page) <= max(one, two)
    page.evaluate("money => { replaced(bestOf(told.best, money).split); }", 2 * best[-1][0])
    assert "The best splits that this page knows are of EUR" in page.inner_text("#beside").replace("\u00a0", " ")


def test_a_quarter_is_moved_alone_and_the_horizon_in_proportion(page_of, html_of):
    page = page_of(html_of(BY_QUARTER + BOUNDED)[0])
    before = np.array(page.evaluate("state.money"))
    page.select_option("#scope", "1")
    slide(page, 0, 0.9)
    after = np.array(page.evaluate("state.money"))
    assert (after != before).tolist() == [[False, True], [False, False], [False, False]]
    page.select_option("#scope", "-1")
    slide(page, 1, 0.2)
    last = np.array(page.evaluate("state.money"))
    assert last[1] / last[1].sum() == pytest.approx(before[1] / before[1].sum())
    assert last[1].sum() != pytest.approx(before[1].sum())


FLIGHT = "[channels.'by hill']\nflight = { from = 2027-02-01 }\nflighting = { on = 2, off = 1 }\n"


@pytest.mark.parametrize("text", [BEST + FLIGHT, BY_QUARTER + BOUNDED, BY_QUARTER + FLIGHT])
def test_the_saved_scenario_is_read_back_to_the_figure_of_the_page(page_of, html_of, peso, tmp_path, text):
    shock = '[[shocks]]\nname = "dear"\nkind = "price"\nfactor = 1.2\nfrom = 2027-04-01\n'
    html, (curves, _) = html_of(text + shock)
    page = page_of(html)
    if "quarter" in text:
        page.select_option("#scope", "1")
    slide(page, 0, 0.3)
    slide(page, 2, 0.7)
    page.fill("#name", 'My "own" split\\')
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "my_own_split.toml"
    assert page.evaluate("textOf()") == saved.read_text()
    done = peso("whatif", saved, "--fit", curves, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["answers"][0]
    assert answer["scenario"] == 'My "own" split\\'
    told = page.evaluate("spread(value)")
    assert [answer["plan"]["value"][name] for name in told] == pytest.approx(list(told.values()), rel=1e-7)
    money = np.array(page.evaluate("state.money"))
    assert pytest.approx(money, abs=0.01) == np.array(answer["plan"]["spend"]).T


def test_today_s_split_is_that_of_the_planner(page_of, tmp_path):
    held = fits.curves(shapes=THREE)
    asked = fits.question(BY_QUARTER.splitlines()[1])
    html, _ = fits.page(held, asked)
    page = page_of(html)
    page.click("#use-today")
    problem = problem_of(held, asked)
    assert np.ravel(page.evaluate("state.money")) == pytest.approx(compared(problem), abs=0.01)
    assert page.evaluate("chanceOfLess(value, before)") == 0
    assert mean_of(page) == pytest.approx(page.evaluate("usual.mean"), rel=1e-9)


@pytest.mark.parametrize("hostile", [HOSTILE, "a\u2028b <b>&amp;", '"]\n[x', "${1+1} ` \\"])
def test_names_from_data_stay_text_everywhere(page_of, peso, tmp_path, hostile):
    random = np.random.default_rng(2)
    held = fits.of_channels(
        fits.channel(hostile, 0, ("geometric", "hill"), 9, random),
        fits.channel("tv", 1, ("geometric", "hill"), 9, random),
    )
    text = BEST.replace("Best split", "<img src=x onerror=window.PWNED=1>")
    curves, asked = fits.written(tmp_path, held, text)
    page = page_of(whatif_page(curves, asked, budgets=2))
    for box in range(page.locator("details > summary").count()):
        page.evaluate("at => { document.querySelectorAll('details')[at].open = true; }", box)
    slide(page, 0, 0.4)
    assert page.evaluate("window.PWNED") is None
    assert (
        page.locator("#levers li, #bars > span, #table th").filter(has_text=hostile.split("\u2028")[0][:3]).count() >= 3
    )
    saved = tmp_path / "saved.toml"
    saved.write_text(page.evaluate("textOf()"), encoding="utf-8")
    done = peso("optimize", curves, saved, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["value"]["mean"] == pytest.approx(mean_of(page), rel=1e-7)


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1400, "light")])
def test_nothing_is_wider_than_the_page(page_of, html_of, width, scheme):
    page = page_of(html_of(BY_QUARTER)[0], width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_numbers_read_as_they_do_in_every_text_of_ours(page_of, html_of):
    page = page_of(html_of(BEST)[0])
    random = np.random.default_rng(4)
    amounts = [0.0, 12.0, 1234.6, 65_000.0, 2.5e9, 3e13, 9_996.0, -950.0, 0.25, 999_500.0]
    amounts += (random.choice([-1, 1], 300) * 10 ** random.uniform(-1, 13, 300)).tolist()
    assert page.evaluate("all => all.map(number)", amounts) == [number(amount) for amount in amounts]


def test_the_rules_of_the_scenario_are_checked_on_every_split(page_of, html_of):
    rules = '[groups.owned]\nkinds = ["shared"]\nshare = { min = 0.3 }\n'
    page = page_of(html_of(BEST + rules)[0])
    assert not page.is_visible("#unkept")
    slide(page, 2, 0.05)
    assert "least share of owned" in page.inner_text("#unkept")
