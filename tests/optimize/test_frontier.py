"""Frontiers and balances: every point is the best of its budget, what is told beside it is what budgets differ by."""

import itertools

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError
from engine.optimize.budgets.balance import balances, members_of
from engine.optimize.budgets.frontier import asked_money, break_even, frontier, today, turns
from engine.optimize.plan import optimize
from engine.optimize.rules import problem_of
from engine.report.frontier import frontier_text

BUDGETS = [60.0, 90.0, 120.0, 150.0, 180.0, 210.0]


def asked(make, rest="", budget="total = 120"):
    return make.scenario(f"budget = {{ {budget} }}\n{rest}")


def swept(make, held, rest="", budgets=BUDGETS, budget="total = 120"):
    return frontier(held, asked(make, rest, budget), budgets, 120.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_point_is_the_best_of_its_budget_by_a_slow_programme_over_exact_curves(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 4)
    found = swept(make, held)
    for point in found.points:
        best = make.best_on_fine_grid(held, point.budget, [(0.0, point.budget, 0.0)] * 4, steps=400)
        assert best <= point.bound
        assert point.outcome.mean == pytest.approx(point.net)
        assert best <= point.net * (1 + 1e-3)
        assert point.certified
        assert point.spent == pytest.approx(point.budget)


def test_more_budget_never_brings_less_and_steps_are_what_budgets_differ_by(make):
    found = swept(make, make.random_curves(np.random.default_rng(2), 4))
    for one, two in itertools.pairwise(found.points):
        assert two.outcome.mean >= one.outcome.mean
        assert one.step == pytest.approx((two.outcome.mean - one.outcome.mean) / (two.budget - one.budget))
    assert found.points[-1].step is None


@pytest.mark.parametrize(
    "rules",
    ["", '[goal]\nmaximise = "profit"\nmargin = 0.4\n', "[groups.e]\nkinds = ['earned']\nshare = { min = 0.4 }\n"],
)
def test_the_next_unit_brings_what_a_slightly_larger_budget_brings(make, rules):
    held = make.curves(
        make.channel("tv", 90.0, 40.0, 0.8), make.channel("pr", 60.0, 30.0, 1.0, kind="earned", mean=30.0)
    )
    for point in swept(make, held, rules, [80.0, 120.0]).points:
        more = optimize(held, asked(make, rules, f"total = {point.budget + 0.01}"), priced=False)
        brings = (more.chosen.outcome.mean - point.outcome.mean) / 0.01
        assert point.marginal == pytest.approx(brings, rel=1e-3)


def test_a_budget_that_fills_every_cap_has_no_next_unit_and_its_return_is_not_said_to_rise(make):
    held = make.curves(make.channel("tv", 90.0, 40.0, 2.5), make.channel("pr", 60.0, 30.0, kind="earned", mean=30.0))
    rules = "[channels.tv]\ncap = 60\n[channels.pr]\ncap = 40"
    before, full = swept(make, held, rules, [90.0, 100.0]).points
    assert before.marginal == pytest.approx((full.outcome.mean - before.outcome.mean) / 10, rel=0.3)
    assert full.marginal is None
    assert swept(make, held, rules, [90.0, 100.0]).rises == ()


def test_the_next_unit_of_a_budget_that_is_not_all_spent_brings_just_its_cost(make):
    held = make.curves(make.channel("tv", 100.0, 50.0, 1.0))
    found = swept(make, held, '[goal]\nmaximise = "profit"\nmargin = 0.8\n', budget="at_most = 120")
    assert all(point.spent < 40 for point in found.points)
    assert [point.marginal for point in found.points] == pytest.approx([1 / 0.8] * len(BUDGETS))


def test_s_curves_that_start_to_pay_are_named_by_their_budgets(make):
    held = make.curves(make.channel("tv", 300.0, 80.0, 5.0), make.channel("search", 100.0, 20.0, 1.0))
    found = swept(make, held, budgets=[20.0, 40.0, 60.0, 100.0, 140.0, 180.0])
    assert found.rises
    for low, high in found.rises:
        rates = {point.budget: point.marginal for point in found.points}
        assert rates[high] > rates[low]
    smooth = make.curves(make.channel("tv", 300.0, 80.0, 1.0), make.channel("search", 100.0, 20.0, 1.0))
    assert swept(make, smooth).rises == ()


CAUSES = {
    "[channels.tv]\ntiers = [{ above = 60, price = 0.3 }]\n": ("a lower price from some amount on (tv)",),
    "[channels.tv]\ntiers = [{ above = 60, price = 1.3 }]\n": (),
    "[active]\nmax = 1\n": ("how many channels may be active",),
    "[channels.tv]\nminimum_flight = 40\nstep = 10\n": ("a minimum flight", "money in steps"),
}


@pytest.mark.parametrize("rules", CAUSES)
def test_what_can_make_the_next_unit_return_more_is_named_where_it_is_there(make, rules):
    for slope in (1.0, 3.0):
        held = make.curves(make.channel("tv", 300.0, 80.0, slope), make.channel("search", 100.0, 20.0, 1.0))
        shaped = ("an S-shaped curve (tv)",) if slope > 1 else ()
        assert turns(problem_of(held, asked(make, rules))) == (*shaped, *CAUSES[rules])


def test_a_rising_return_is_told_with_its_own_cause(make):
    held = make.curves(make.channel("tv", 300.0, 80.0, 1.0), make.channel("search", 100.0, 20.0, 1.0))
    found = swept(make, held, "[channels.tv]\ntiers = [{ above = 60, price = 0.3 }]\n", budgets=[40.0, 80.0, 120.0])
    assert found.rises
    assert "it rises, as it can with a lower price from some amount on (tv). Judge" in frontier_text(found)


def test_break_even_is_where_one_more_unit_returns_one_and_by_margin_where_it_earns_one(make):
    held = make.curves(make.channel("tv", 100.0, 20.0, 1.0))
    by = {each.by: each.money for each in break_even(held, asked(make))}
    assert by == pytest.approx({"revenue": np.sqrt(100 * 20) - 20}, rel=1e-6)
    profit = '[goal]\nmaximise = "profit"\nmargin = 0.5\n'
    by = {each.by: each.money for each in break_even(held, asked(make, profit))}
    assert by == pytest.approx({"revenue": np.sqrt(2000.0) - 20, "margin": np.sqrt(0.5 * 2000.0) - 20}, rel=1e-6)
    assert break_even(make.curves(make.channel(), outcome="orders"), asked(make)) == ()


def test_today_is_what_history_s_split_brings_whatever_the_rules(make):
    held = make.random_curves(np.random.default_rng(3), 3)
    spent = [one.history.mean for one in held.channels]
    money, brings = today(held, asked(make, "[channels.c0]\ncap = 1\n"))
    assert money == pytest.approx(sum(spent))
    assert brings.mean == pytest.approx(make.worth(held, spent))


def test_budgets_that_no_plan_keeps_are_told_and_a_frontier_of_none_is_refused(make):
    held = make.random_curves(np.random.default_rng(1), 3)
    found = swept(make, held, "[channels.c1]\nfloor = 100\n")
    assert found.without_plan == (60.0, 90.0)
    assert [point.budget for point in found.points] == BUDGETS[2:]
    with pytest.raises(InfeasibleError, match=r"none of 6 budgets has a plan.*floor of c1"):
        swept(make, held, "[channels.c1]\nfloor = 1000\n")


def test_the_scenario_s_own_budget_is_known_however_it_is_given(make):
    held = make.random_curves(np.random.default_rng(1), 3)
    history = sum(one.history.mean for one in held.channels)
    assert asked_money(held, asked(make, budget="at_most = 70")) == 70
    assert asked_money(held, asked(make, budget="of_history = 0.5")) == pytest.approx(0.5 * history)
    money = asked_money(held, asked(make, budget="target_outcome = 50"))
    assert optimize(held, asked(make, budget=f"total = {money}")).chosen.value.mean == pytest.approx(50, rel=1e-3)


def two_sides(make, slope=1.0):
    return make.curves(
        make.channel("tv", 200.0, 60.0, slope, retain=0.9),
        make.channel("radio", 120.0, 40.0, slope, retain=0.9),
        make.channel("search", 150.0, 50.0, slope),
        make.channel("mail", 70.0, 20.0, slope),
    )


@pytest.mark.parametrize("slope", [1.0, 3.0])
def test_no_spend_of_an_enumeration_beats_a_balance_in_both_goals_by_more_than_its_gap(make, slope):
    held = two_sides(make, slope)
    found = balances(held, asked(make), "slow", 9, 120.0)
    assert found.members == ("tv", "radio")
    steps = 24
    single = [
        np.array([make.worth(make.curves(c), [120.0 * k / steps]) for k in range(steps + 1)]) for c in held.channels
    ]
    taken = np.indices([steps + 1] * 4).reshape(4, -1)
    taken = taken[:, taken.sum(0) == steps]
    slow = single[0][taken[0]] + single[1][taken[1]]
    fast = single[2][taken[2]] + single[3][taken[3]]
    for point in found.points:
        room = point.bound - point.total.mean
        assert not np.any((slow > point.group.mean + room + 1e-9) & (fast > point.others.mean + room + 1e-9))
        assert point.certified


def test_balances_run_from_one_goal_to_the_other_and_the_best_of_all_lies_among_them(make):
    held = two_sides(make)
    found = balances(held, asked(make), "slow", 13, 120.0)
    assert all(two.group.mean > one.group.mean for one, two in itertools.pairwise(found.points))
    assert all(two.others.mean < one.others.mean for one, two in itertools.pairwise(found.points))
    assert (found.points[0].money, found.points[-1].money) == pytest.approx((0.0, 120.0))
    best = optimize(held, asked(make), priced=False).chosen.value.mean
    assert found.points[found.best].total.mean == pytest.approx(best, rel=5e-3)
    assert found.points[found.best].total.mean <= best * (1 + 1e-9)
    assert found.tied == ()


def test_rules_that_tie_both_sides_are_named_and_kept(make):
    rules = "[groups.both]\nchannels = ['radio', 'search']\nshare = { max = 0.3 }\n"
    found = balances(two_sides(make), asked(make, rules), "slow", 5, 120.0)
    assert found.tied == ("most share of both",)
    for point in found.points:
        assert point.spend[1] + point.spend[2] <= 0.3 * 120 + 1e-4


def test_locks_that_leave_one_amount_for_a_group_are_refused(make):
    locks = "[channels.tv]\nlocked = 50\n[channels.radio]\nlocked = 20\n"
    with pytest.raises(InputError, match=r"locks leave one amount for 'slow', 70, so there is no balance.*loosen one"):
        balances(two_sides(make), asked(make, locks), "slow", 5, 120.0)


def test_money_that_brings_a_group_nothing_more_makes_no_other_balance(make):
    held = make.curves(make.channel("tv", 0.0, 60.0, retain=0.9), make.channel("search", 150.0, 50.0))
    found = balances(held, asked(make, budget="at_most = 120"), "slow", 5, 120.0)
    assert [(point.group.mean, point.exchange) for point in found.points] == [(0.0, None)]


def test_a_group_is_one_of_the_scenario_a_kind_or_what_works_on_for_weeks(make):
    held = make.random_curves(np.random.default_rng(0), 4)
    assert members_of(held, asked(make, "[groups.mine]\nchannels = ['c2']\n"), "mine") == ("c2",)
    assert members_of(held, asked(make), "earned") == ("c1",)
    assert members_of(two_sides(make), asked(make), "slow") == ("tv", "radio")
    with pytest.raises(InputError, match="no group 'brand' to set against the others; name one of paid"):
        members_of(held, asked(make), "brand")
    with pytest.raises(InputError, match="holds no channel"):
        members_of(held, asked(make), "slow")
    with pytest.raises(InputError, match="holds every channel"):
        members_of(two_sides(make), asked(make), "paid")
    with pytest.raises(InputError, match=r"goal\.maximise says nothing"):
        balances(held, asked(make, '[goal]\nmaximise = "profit"\nmargin = 0.5\n'), "earned", 3, 120.0)
