"""Answers as text: every figure stands under the name and the unit of what it counts."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Budget, Goal, Horizon, Scenario
from engine.optimize.compare import compare
from engine.optimize.plan import optimize
from engine.optimize.prices import Price
from engine.report.answer import comparison_text, plan_text, proof
from engine.response.curves import Channel, Curves, Family, History
from engine.words import money


def curves(outcome="orders", value=None):
    """Two channels that bring 1,037 orders a year at best."""
    channels = (
        Channel(
            name,
            "paid",
            Family("geometric", {"retain": np.array([0.5])}),
            Family("hill", {"ceiling": np.array([ceiling]), "halfway": np.array([1000.0]), "slope": np.array([1.0])}),
            History(mean=1000.0, max=2000.0),
        )
        for name, ceiling in (("tv", 100.0), ("search", 80.0))
    )
    return Curves("EUR", outcome, "month", tuple(channels), value)


def asked(**goal):
    return Scenario(
        name="x", horizon=Horizon(start=date(2027, 1, 1), periods=12), budget=Budget(total=24_000.0), goal=Goal(**goal)
    )


@pytest.mark.parametrize(
    ("outcome", "value", "measure", "unit"),
    [
        ("orders", None, "orders", ""),
        ("orders", 30.0, "value of orders", "EUR"),
        ("net sales", 1.0, "net sales", "EUR"),
        ("revenue", None, "revenue", "EUR"),
    ],
)
def test_an_outcome_is_named_by_what_is_counted(outcome, value, measure, unit):
    plan = optimize(curves(outcome, value), asked())
    assert (plan.measure, plan.unit) == (measure, unit)
    text = plan_text(plan)
    assert f" {measure} (one draw: no uncertainty is known, " in text
    assert ("EUR +" in text.splitlines()[0]) == bool(unit)


def test_a_profit_gain_is_told_in_money_alone():
    text = plan_text(optimize(curves("revenue"), asked(maximise="profit", margin=0.9))).splitlines()[0]
    assert " profit (one draw: no uncertainty is known) against" in text
    assert "of what these channels bring" not in text


def test_a_charge_for_doubt_is_told_beside_what_is_proven():
    rng = np.random.default_rng(1)
    held = curves("revenue")
    doubtful = tuple(
        replace(
            one,
            adstock=Family("geometric", {"retain": np.full(20, 0.5)}),
            saturation=Family("hill", {k: v * np.exp(0.3 * rng.normal(size=20)) for k, v in given.items()}),
        )
        for one in held.channels
        for given in [one.saturation.parameters]
    )
    held = replace(held, channels=doubtful)
    plan = optimize(held, asked(prudence=0.3))
    value = money(plan.chosen.value.mean, "EUR")
    assert plan.tolls > 0
    assert (
        f"this plan earns {value}; after {money(plan.tolls, 'EUR')} for the doubt of its moves it is worth "
        f"{money(plan.net, 'EUR')}, and no plan under these rules is worth more than {money(plan.bound, 'EUR')} (gap "
    ) in proof(plan)
    assert "before that charge" in plan_text(plan)
    free = optimize(held, asked(prudence=0.0))
    assert "no plan under these rules can earn more than" in proof(free)
    assert "charge" not in plan_text(free)
    for prudence, words in (
        (0.3, " of budget adds to the goal, after the charge for the doubt of moves."),
        (0.0, "goal."),
    ):
        assert words in comparison_text(compare(held, [asked(prudence=prudence)]))


def test_a_comparison_shows_outcomes_undiscounted_and_changes_by_the_goal():
    held = curves("revenue")
    plain = compare(held, [asked(maximise="profit", margin=0.5)])[0]
    late = compare(held, [asked(maximise="profit", margin=0.5, discount_rate=0.5)])[0]
    assert late.outcome is not None and plain.outcome is not None and plain.change is not None
    assert late.outcome.mean == pytest.approx(plain.outcome.mean, rel=1e-3)
    earned = 0.5 * plain.outcome.mean - plain.plan.spend
    before = 0.5 * plain.base.outcome.mean() - plain.base.spend.sum()
    assert plain.change.mean == pytest.approx(earned - before)
    assert plain.before == pytest.approx(before)


def monthly(rules=""):
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "month" }\nbudget = { total = 90_000 }\n'
    return parse(head + rules, Scenario, "q.toml")


def test_a_year_of_months_fits_a_terminal_and_tells_each_once():
    held = replace(curves("revenue"), period="week")
    plan = optimize(held, monthly("[every_channel]\nfloor = 9_000\n"), priced=False)
    when = plan_text(plan).split("When (")[1].split("Why:")[0]
    assert max(map(len, when.splitlines())) <= 80
    days = [label[:10] for label in plan.decisions]
    assert [word for word in when.split() if word.startswith("202")] == days
    assert "By week" not in plan_text(plan)


def test_weeks_that_differ_within_a_decision_are_told_with_their_peak():
    held = replace(curves("revenue"), period="week")
    plan = optimize(held, monthly("[channels.tv]\nlocked = 26_000\nflighting = { on = 1, off = 1 }\n"), priced=False)
    peak = max(row[0] for row in plan.schedule)
    assert f"By week (as plan.json has under schedule): tv in 26 of 52, at most {money(peak, 'EUR')}." in plan_text(
        plan
    )


def test_of_many_rules_that_hold_a_plan_the_dearest_are_told_and_the_rest_counted():
    held = replace(curves("revenue"), period="week")
    plan = optimize(held, monthly("[every_channel]\nmonth_cap = 6_000\n[ramp]\nmax_change = 0.02\n"))
    prices = [Price(f"rule {at}", 9.0 - at / 10, 1.0, None) for at in range(15)]
    told = plan_text(replace(plan, prices=tuple(prices)))
    assert "  rule 11: 7.90 per EUR 1; " in told
    assert "rule 12" not in told
    assert "  and 3 more rules, each at most 7.80 per EUR 1 (see plan.json)" in told
    unpriced = plan_text(replace(plan, prices=(), binding=tuple(f"rule {at}" for at in range(15))))
    assert "rule 11 and 3 more." in unpriced


@pytest.mark.parametrize("gain", [0.0, -1e-9, 3.0])
def test_a_price_that_a_real_step_contradicts_is_not_told_as_one(gain):
    plan = optimize(curves("revenue"), asked())
    budget = Price("budget", 0.8, 100.0, -1e-9)
    told = plan_text(replace(plan, prices=(replace(budget, gain=70.0), Price("rule 1", 402.44, 100.0, gain))))
    assert "402.44" not in told
    assert "  and, where to ease one alone by a real step earns next to nothing: rule 1" in told
    told = plan_text(replace(plan, prices=(replace(budget, dual=-1e-9), Price("rule 1", 0.5, 100.0, 40.0))))
    assert "  budget: 0.00 per EUR 1; EUR 100 of room earns 0.00 per EUR 1" in told
    assert "-0.00" not in told
