"""The workbook of plans: formulas come to what the engine finds, whatever money is typed in, and text stays text."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.config.scenario import Budget
from engine.errors import InputError
from engine.optimize.plan import optimize
from engine.optimize.timing import turned
from engine.report.page.given import FitRun, Given
from engine.report.plan_book import OWN, plan_book
from engine.report.plan_checks import case_fields
from engine.report.plan_draws import Time, pieces
from engine.report.plan_layout import TOP, Layout, case_row
from engine.report.plan_workbook import CONTENTS, plan_workbook
from engine.report.workbook import place
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Family, History, Mixture, kernel
from engine.response.saturation import SATURATIONS
from tests.report.formulas import Workbook

DRAWS, PERIODS = 4, 27
CARRIED = {
    "retain": (0.0, 0.5, 0.5, 0.9),
    "retain_slow": (0.95, 0.5, 0.8, 0.0),
    "slow": (0.3, 0.0, 1.0, 0.5),
    "onset": (0.0, 0.5, 0.3, 0.9 + 1e-9),
    "peak": (0.0, 1.5, 3.0, 2.0),
    "shape": (0.5, 1.0, 2.0, 1.5),
    "scale": (1.0, 2.0, 4.0, 8.0),
}
HOSTILE = ('=HYPERLINK("http://x")', "</script><script>window.PWNED=1</script>", "tv\x07", "@SUM(A1)", "-1+1")


def carried(name):
    """A carry-over whose draws are at the ends of what it knows: no memory, rates that coincide, the next day."""
    return Family(name, {key: np.array(CARRIED[key]) for key in ADSTOCKS[name].shape})


def with_past(channel, adstock, last=(9.0, 80.0, 30.0, 55.0)):
    """A channel with carry-over and some latest weeks."""
    return replace(channel, adstock=adstock, history=History(40.0, 90.0, last))


@pytest.fixture(scope="module")
def every(make):
    """Curves of every family of saturation and of carry-over, and one channel of several."""
    rng = np.random.default_rng(2)
    adstocks = list(ADSTOCKS)
    found = [
        with_past(
            replace(make.channel(name, np.ones(DRAWS)), saturation=make.random_saturation(rng, name, DRAWS)),
            carried(adstocks[at % len(adstocks)]),
        )
        for at, name in enumerate(SATURATIONS)
    ]
    mixed = Mixture((make.random_saturation(rng, "hill", 1), make.random_saturation(rng, "burr", DRAWS - 1)))
    lasting = Mixture(
        (
            Family("buildup", {"retain": np.array([0.6, 0.4]), "onset": np.array([0.2, 0.4])}),
            Family("weibull_pdf", {"shape": np.array([1.5, 2.0]), "scale": np.array([2.0, 3.0])}),
        )
    )
    found.append(with_past(replace(make.channel("mixed", np.ones(DRAWS)), saturation=mixed), lasting))
    return make.curves(*found)


def booked(curves, *scenarios):
    """What a workbook holds of the plans of some scenarios."""
    plans = tuple(optimize(curves, one) for one in scenarios)
    return plan_book(Given(fit=FitRun(curves), plans=plans))


def opened(tmp_path, book):
    """The workbook, written and read back."""
    plan_workbook(tmp_path / "plan.xlsx", book)
    return Workbook(tmp_path / "plan.xlsx")


def asked(make, periods=PERIODS, **horizon):
    """A scenario of these periods that spends all of some money."""
    told = "".join(f", {key} = {value}" for key, value in horizon.items())
    text = make.scenario("budget = { total = 5000 }", periods)
    changed = {"decide": horizon.get("decide", "horizon"), "carry_over": horizon.get("carry_over")}
    assert told or not horizon
    changed["tail"] = horizon.get("tail", text.horizon.tail)
    return text.model_copy(update={"horizon": text.horizon.model_copy(update=changed)})


HORIZONS = {
    "a cycle": {},
    "from history": {"carry_over": "history", "tail": 5},
    "from history without a tail": {"carry_over": "history", "tail": 0},
    "by quarter": {"decide": "quarter", "tail": 4},
    "by quarter in a cycle": {"decide": "quarter", "carry_over": "cycle"},
    "by month": {"decide": "month", "tail": 3},
}


@pytest.mark.parametrize("name", HORIZONS)
def test_formulas_come_to_the_engine_s_figures_on_every_family(tmp_path, make, every, name):
    book = booked(every, asked(make, **HORIZONS[name]))
    written = opened(tmp_path, book)
    assert book.cases[-1].name == OWN
    assert written.value("Summary", "B14") == "All sums agree."
    for sheet, cell, formula in written.formulas():
        found, stored = written.value(sheet, cell), written.stored(sheet, cell)
        if isinstance(found, str | bool | np.bool_):
            assert found == (stored or ""), (sheet, cell, formula)
        else:
            assert math.isclose(found, stored or 0, rel_tol=1e-9, abs_tol=1e-8), (sheet, cell, formula)


def test_money_that_is_typed_in_brings_what_the_engine_says_that_it_does(tmp_path, make, every):
    book = booked(every, asked(make, **HORIZONS["by quarter"]))
    written, told = opened(tmp_path, book), Layout(book, (0, 1))
    money = book.cases[-1].money * np.random.default_rng(1).uniform(0, 3, book.cases[-1].money.shape)
    money[0] = 0.0
    own = len(book.cases) - 1
    for channel, row in enumerate(money.tolist()):
        for at, one in enumerate(row):
            written.change("Spend", place((case_row(told, own, channel), 2 + at)).replace("$", ""), one)
    written.change("Summary", "B5", book.names[own])
    brings = book.brings(money)
    for channel, row in enumerate(brings.tolist()):
        for span, one in enumerate(row):
            cell = place(told.brings(0, channel, span)).replace("$", "")
            assert math.isclose(written.value("Outcome", cell), one, rel_tol=1e-9, abs_tol=1e-8)
    assert math.isclose(written.value("Summary", "C9"), money.sum())
    assert math.isclose(written.value("Summary", "C10"), brings.sum(), rel_tol=1e-9)
    assert math.isclose(written.value("Summary", "C11"), brings.sum() - money.sum(), rel_tol=1e-9)
    assert written.value("Summary", "B14") == "All sums agree."


def test_margin_price_and_effect_do_what_they_say(tmp_path, make, every):
    book = booked(every, asked(make, **HORIZONS["by quarter"]))
    written, told = opened(tmp_path, book), Layout(book, (0, 1))
    written.change("Inputs", "B6", 0.4)
    written.change("Inputs", place((10, 1)).replace("$", ""), 2.0)  # contacts of the first channel cost twice as much
    written.change("Inputs", place((11, 2)).replace("$", ""), 0.5)  # the second works half as well
    money = book.cases[0].money.copy()
    money[0] /= 2
    brings = book.brings(money)
    brings[1] /= 2
    found = [
        written.value("Outcome", place(told.brings(0, channel, span)).replace("$", ""))
        for channel in range(len(brings))
        for span in range(brings.shape[1])
    ]
    assert np.allclose(found, brings.ravel(), rtol=1e-9, atol=1e-8)
    assert math.isclose(written.value("Summary", "C11"), 0.4 * brings.sum() - book.cases[0].money.sum(), rel_tol=1e-9)
    row = next(row for row in range(5, 40) if "as the engine found it" in str(written.value("Checks", f"A{row}")))
    assert written.value("Checks", f"D{row}") == "inputs changed"


def test_scenarios_are_chosen_by_their_name_and_the_bridge_leads_from_one_to_the_other(tmp_path, make, every):
    less = asked(make).model_copy(update={"name": "less", "budget": make.scenario("budget = { total = 3000 }").budget})
    book = booked(every, asked(make), less)
    written = opened(tmp_path, book)
    written.change("Summary", "B5", book.names[1])
    written.change("Summary", "B6", book.names[0])
    first, last = TOP + 1, TOP + 2 + len(every.channels)
    assert math.isclose(written.value("Bridge", f"C{first}"), book.brought[0].sum(), rel_tol=1e-9)
    assert math.isclose(written.value("Bridge", f"C{last}"), book.brought[1].sum(), rel_tol=1e-9)
    assert math.isclose(written.value("Summary", "E9"), -2000.0)


def test_carry_over_of_two_rates_is_its_kernel(make):
    for name in ("geometric", "two_speed", "buildup"):
        one = with_past(make.channel("tv", np.ones(DRAWS)), carried(name))
        held = make.curves(one)
        book = booked(held, asked(make, **HORIZONS["from history"]))
        found = pieces(book.works[0], held, book.time)[0].columns
        lags = np.arange(book.time.rows)
        fades = sum(found[w][:, None] * found[k][:, None] ** lags for w, k in (("A", "a"), ("B", "b")))
        assert np.allclose(fades, kernel(one, len(lags)), rtol=0, atol=1e-9)
        before = sum(found[w][:, None] * found[k][:, None] ** lags[:PERIODS] for w, k in (("P", "a"), ("Q", "b")))
        assert np.allclose(before.T, book.works[0].before[:PERIODS], rtol=1e-8, atol=1e-8)
        cycle = pieces(booked(held, asked(make)).works[0], held, Time(PERIODS, None))[0].columns
        fades = sum(cycle[w][:, None] * cycle[k][:, None] ** lags[:PERIODS] for w, k in (("A", "a"), ("B", "b")))
        assert np.allclose(fades, turned(one, PERIODS), rtol=0, atol=1e-9)


def test_text_stays_text(tmp_path, make):
    held = make.curves(*(make.channel(name, np.array([90.0, 110.0]), 40.0) for name in HOSTILE))
    written = opened(tmp_path, booked(held, make.scenario("budget = { total = 500 }", 8, HOSTILE[0].replace('"', "'"))))
    formulas = [formula for _, _, formula in written.formulas()]
    assert not any("HYPERLINK" in formula for formula in formulas)
    assert {sheet.title for sheet in written.written} == {"Summary", *CONTENTS}
    names = {str(cell.value) for row in written.written["By channel"].iter_rows() for cell in row}
    assert {'=HYPERLINK("http://x")', "tv\\x07", "@SUM(A1)"} <= names
    assert not any(sheet._hyperlinks for sheet in written.written)


def test_an_outcome_that_is_counted_has_a_cost_and_no_profit(tmp_path, make):
    held = make.curves(make.channel("tv", np.array([3.0, 4.0]), 40.0), outcome="customers")
    book = booked(held, make.scenario("budget = { total = 500 }", 8))
    written = opened(tmp_path, book)
    assert written.value("Summary", "A11") == "Cost of one (USD)"
    assert math.isclose(written.value("Summary", "C11"), 500 / book.brought[0].sum())
    assert not any(
        "Profit" in str(cell.value) for sheet in written.written for row in sheet.iter_rows() for cell in row
    )


GOALS = {
    "margins": ('goal = { maximise = "profit", margin = 0.5, margins = { tv = 0.2 } }', "revenue"),
    "one margin": ('goal = { maximise = "profit", margin = 0.5 }', "revenue"),
    "lifetime": ('goal = { maximise = "clv", lifetime_value = 90, lifetime_values = { tv = 40 } }', "new customers"),
}


@pytest.mark.parametrize("name", GOALS)
def test_profit_is_the_plan_s_own_whatever_a_unit_of_outcome_is_worth(tmp_path, make, name):
    goal, outcome = GOALS[name]
    held = make.curves(
        make.channel("tv", np.array([90.0, 70.0]), 40.0),
        make.channel("pr", np.array([60.0, 50.0]), 30.0),
        outcome=outcome,
    )
    held = replace(held, channels=tuple(replace(one, history=History(20.0, 40.0)) for one in held.channels))
    plan = optimize(held, make.scenario(f"budget = {{ total = 500 }}\n{goal}", 8))
    written = opened(tmp_path, plan_book(Given(fit=FitRun(held), plans=(plan,))))
    for letter, split in (("C", plan.chosen), ("D", plan.baseline)):
        profit = split.value.mean - (sum(split.spend) if name == "lifetime" else 0.0)
        assert math.isclose(written.value("Summary", f"{letter}11"), profit, rel_tol=1e-9)
    checks = {written.value("Checks", f"A{row}"): written.value("Checks", f"D{row}") for row in range(5, 18)}
    assert checks["Profit, compared with: here, and as the engine found it"] == "yes"
    assert written.value("Summary", "B14") == "All sums agree."


def test_far_beyond_every_halfway_and_without_any_money_sums_still_agree(tmp_path, make, every):
    far = replace(every, channels=tuple(replace(one, saturation=nearer(one.saturation)) for one in every.channels))
    for curves, size in ((far, 1.0), (every, 0.0)):
        book = booked(curves, asked(make, **HORIZONS["by quarter"]))
        written, told, own = opened(tmp_path, book), Layout(book, (0, 1)), len(book.cases) - 1
        for channel, row in enumerate(book.cases[own].money.tolist()):
            for at, one in enumerate(row):
                written.change("Spend", place((case_row(told, own, channel), 2 + at)).replace("$", ""), size * one)
        written.change("Summary", "B5", book.names[own])
        brings = book.brings(size * book.cases[own].money).sum()
        assert math.isclose(written.value("Summary", "C10"), brings, rel_tol=1e-9, abs_tol=1e-6)
        assert written.value("Summary", "B14") == "All sums agree."


def nearer(saturation):
    """The same with a halfway spend that any money is far beyond."""
    parts = [
        replace(one, parameters=one.parameters | {"halfway": np.full(one.draws, 0.01)}) for one in saturation.parts
    ]
    return parts[0] if len(parts) == 1 else Mixture(tuple(parts))


def test_what_a_spreadsheet_cannot_hold_is_refused(tmp_path, make):
    one = make.channel("tv", np.full(60, 90.0), 40.0)
    parts = [Family("hill", {key: np.full(1, 1.5) for key in ("ceiling", "halfway", "slope")}) for _ in range(60)]
    others = [Family("michaelis_menten", {key: np.full(1, 1.5) for key in ("ceiling", "halfway")}) for _ in range(60)]
    mixed = Mixture(tuple(part for pair in zip(parts, others, strict=True) for part in pair)[:60])
    with pytest.raises(InputError, match="its draws change their curve 59 times"):
        opened(
            tmp_path, booked(make.curves(replace(one, saturation=mixed)), make.scenario("budget = { total = 50 }", 8))
        )
    slow = Family("weibull_cdf", {"shape": np.full(2, 0.3), "scale": np.full(2, 50.0)})
    many = [with_past(make.channel(f"c{at}", np.full(2, 90.0), 40.0), slow) for at in range(90)]
    book = booked(make.curves(*many), asked(make, 104, carry_over="history", tail=104))
    with pytest.raises(InputError, match="more columns than a spreadsheet has"):
        opened(tmp_path, book)


def test_what_money_and_curves_do_not_explain_is_refused_or_left_out(make):
    held = make.curves(
        make.channel("tv", np.array([90.0, 80.0]), 40.0), make.channel("pr", np.array([50.0, 70.0]), 40.0)
    )
    shocked = make.scenario(
        'budget = { total = 500 }\n[[shocks]]\nname = "prices"\nkind = "price"\nfactor = 1.5\nfrom = 2027-01-18', 8
    )
    usual, quarters = (
        make.scenario("budget = { total = 500 }", 27, "usual"),
        make.quarterly("budget = { total = 500 }", 27),
    )
    with pytest.raises(InputError, match="does not follow from its curves and money alone"):
        booked(held, shocked)
    book = booked(held, usual, quarters)
    assert [case.plan.scenario for case in book.cases if case.plan] == ["usual"]
    assert book.left_out == ("x decides or counts at other times than the first plan.",)
    plan = optimize(held, usual)
    for given, missing in (
        (Given(plans=(plan,)), "name its folder too"),
        (Given(fit=FitRun(held)), "name at least one"),
    ):
        with pytest.raises(InputError, match=missing):
            plan_book(given)


def test_a_plan_is_told_beside_its_own_money_split_as_in_history(make, every, tmp_path):
    less = asked(make).model_copy(update={"budget": Budget(total=4000)})
    book = booked(every, asked(make), less)
    assert [case.is_history for case in book.cases] == [False, False, True, True, False]
    assert [case.money.sum() for case in book.cases] == pytest.approx([5000, 4000, 5000, 4000, 5000])
    fields = {field.key: field.values for field in case_fields(Layout(book, (0, 2)))}
    for plan, history in ((0, 2), (1, 3)):
        assert fields["gain"][plan] == pytest.approx(fields["o"][plan] - fields["o"][history])
        assert fields["chance"][plan] == book.cases[plan].plan.chance_of_loss
    assert fields["gain"][2:] == fields["chance"][2:] == [None] * 3


def test_the_first_sheet_tells_what_to_beware_of_and_what_is_left_out(make, every, tmp_path):
    plan = replace(optimize(every, asked(make)), warnings=("the fit is weak", "prices are old"))
    other = optimize(every, asked(make, decide="quarter", carry_over="cycle"))
    book = plan_book(Given(fit=FitRun(every), plans=(plan, other)))
    written = opened(tmp_path, book)
    assert written.value("Summary", "A3") == "Beware: the fit is weak. prices are old."
    assert book.left_out[0] in written.value("Summary", "A16")
    assert written.value("Summary", "B11") == "with all of the outcome kept: type your margin in Inputs"
