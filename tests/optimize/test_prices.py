"""Prices: at the margin they are finite differences of re-solves, and the re-solve beside them is one."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from engine.optimize.budgets.frontier import next_unit
from engine.optimize.over_time import several
from engine.optimize.over_time.ascent import reached
from engine.optimize.plan import optimize
from engine.optimize.prices import SHOWN, prices
from engine.optimize.rules import compared, problem_of
from engine.optimize.share_rules import of_total
from engine.optimize.solve import solve
from engine.report.answer import plan_text


def priced(problem):
    solved = solve(problem)
    return {price.rule: price for price in prices(problem, solved, {})}, solved


def looser(problem, index, change):
    """One rule with `change` more money to it: the budget larger, any other easier to keep."""
    rule = problem.rules[index]
    least = 0.0 if rule.channel is not None else -1e9
    low = rule.low + change if index == 0 else max(rule.low - change, least)
    return replace(rule, low=low, high=rule.high + change, flight=max(0.0, rule.flight - change))


def value_with(problem, name, change):
    """The best value when one rule is looser by `change`."""
    at = [rule.name for rule in problem.rules].index(name)
    rules = (*problem.rules[:at], looser(problem, at, change), *problem.rules[at + 1 :])
    return solve(replace(problem, rules=rules)).value


RULES = {
    "budget": "",
    "floor of c0": "[channels.c0]\nfloor = 90\n",
    "cap of c1": "[channels.c1]\ncap = 12\n",
    "c2 locked": "[channels.c2]\nlocked = 5\n",
    "minimum flight of c3": "[channels.c3]\nminimum_flight = 130\nfloor = 1\n",
    "most share of g": '[groups.g]\nchannels = ["c0", "c1"]\nshare = { max = 0.2 }\n',
    "least share of g": '[groups.g]\nchannels = ["c0", "c1"]\nshare = { min = 0.9 }\n',
    "cap of group g": '[groups.g]\nchannels = ["c0", "c3"]\ncap = 60\n',
    "floor of group g": '[groups.g]\nchannels = ["c0", "c3"]\nfloor = 190\n',
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("family", ["hill", "exponential", "tanh"])
def test_a_price_is_the_difference_of_two_solutions(make, name, family):
    slopes = (0.8, 1.0, 0.7, 0.9)
    held = make.curves(
        *(
            make.channel(f"c{at}", [100.0 + 20 * at, 120.0], 60.0 + 15 * at, slope, family=family)
            for at, slope in enumerate(slopes)
        )
    )
    problem = make.problem(held, "budget = { total = 220 }\n" + RULES[name])
    found, solved = priced(problem)
    step = 0.02
    if name == "budget":
        wanted = (value_with(problem, name, step) - value_with(problem, name, -step)) / (2 * step)
    else:
        wanted = (value_with(problem, name, step) - solved.value) / step
    assert found[name].dual == pytest.approx(wanted, rel=2e-3)
    assert found[name].gain == pytest.approx(
        value_with(problem, name, found[name].change) - solved.value, rel=1e-6, abs=1e-9
    )


def doubtful(make, seed=3, prudence=0.3):
    """Four channels whose draws differ, asked with prudence, so that some stay as they are today."""
    rng = np.random.default_rng(seed)

    def many(value):
        return value * np.exp(0.3 * rng.standard_normal(30))

    slopes = (0.8, 1.0, 0.7, 0.9)
    return make.curves(
        *(
            make.channel(f"c{at}", many(100.0 + 20 * at), many(60.0 + 15 * at), slope, mean=55.0 - 5 * at)
            for at, slope in enumerate(slopes)
        ),
        prudence=prudence,
    )


KINKED = RULES | {
    "cap of c1": "[channels.c1]\ncap = 40\n",
    "floor of c0": "[channels.c0]\nfloor = 60\n",
    "most share of g": '[groups.g]\nchannels = ["c0", "c1"]\nshare = { max = 0.4 }\n',
    "least share of g": '[groups.g]\nchannels = ["c0", "c1"]\nshare = { min = 0.6 }\n',
    "cap of group g": '[groups.g]\nchannels = ["c0", "c3"]\ncap = 80\n[groups.h]\nchannels = ["c0", "c1"]\ncap = 90\n',
    "floor of group g": '[groups.g]\nchannels = ["c0", "c3"]\nfloor = 150\n',
}


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("prudence", [0.05, 0.3, 1.0])
def test_at_the_kink_of_a_toll_a_price_is_the_slope_towards_more_room(make, name, prudence):
    """It once was the middle of the slopes to less and to more."""
    problem = make.problem(doubtful(make, prudence=prudence), "budget = { of_history = 1.0 }\n" + KINKED[name])
    found, solved = priced(problem)
    step = 0.01
    wanted = (value_with(problem, name, step) - solved.value) / step
    assert found[name].dual == pytest.approx(wanted, rel=2e-3, abs=2e-4)


BUDGETS = {
    "a total": ("total = {}", 220.0),
    "of history": ("of_history = {}", 1.0),
    "at most": ("at_most = {}", 220.0),
}


@pytest.mark.parametrize(("budget", "amount"), BUDGETS.values(), ids=BUDGETS)
@pytest.mark.parametrize("prudence", [0.0, 0.3])
@pytest.mark.parametrize("share", ["", '[groups.g]\nchannels = ["c0", "c1"]\nshare = { max = 0.3 }\n'])
def test_what_more_budget_is_told_to_earn_is_the_difference_of_two_plans_asked_separately(
    make, budget, amount, prudence, share
):
    """It once was net of tolls on moves away from a split of the smaller budget."""
    held = doubtful(make, prudence=prudence)
    now = optimize(held, make.scenario(f"budget = {{ {budget.format(amount)} }}\n" + share))
    more = optimize(held, make.scenario(f"budget = {{ {budget.format(1.1 * amount)} }}\n" + share), priced=False)
    told = next(price for price in now.prices if price.rule == "budget")
    assert told.change == pytest.approx(more.spend - now.spend, rel=1e-9)
    assert told.gain == pytest.approx(more.chosen.value.mean - now.chosen.value.mean, rel=1e-6)


@pytest.mark.parametrize("name", ["cap of c1", "floor of c0", "most share of g"])
def test_what_an_eased_rule_is_told_to_earn_is_told_before_tolls(make, name):
    held = doubtful(make)
    text = "budget = { of_history = 1.0 }\n" + KINKED[name]
    now = optimize(held, make.scenario(text))
    told = next(price for price in now.prices if price.rule == name)
    eased = {"cap of c1": ("cap = 40", "cap = 44"), "floor of c0": ("floor = 60", "floor = 54")}
    total = now.spend * 0.4
    eased["most share of g"] = ("max = 0.4", f"max = {0.4 + told.change / now.spend!r}")
    again = optimize(held, make.scenario(text.replace(*eased[name])), priced=False)
    assert told.change == pytest.approx({"most share of g": 0.1 * total}.get(name, told.change))
    assert told.gain == pytest.approx(again.chosen.value.mean - now.chosen.value.mean, rel=1e-4, abs=1e-6)


def test_the_next_unit_of_a_line_is_told_before_tolls(make):
    plan = optimize(doubtful(make), make.scenario("budget = { of_history = 1.0 }\n"), priced=False)
    assert plan.tolls > 0
    for line, one in zip(plan.lines, doubtful(make).channels, strict=True):
        rise = make.earned(one, line.spend + 1e-3).mean() - make.earned(one, line.spend - 1e-3).mean()
        assert line.marginal == pytest.approx(rise / 2e-3, rel=1e-5)


def test_a_share_of_a_flexible_budget_has_a_price_too(make):
    held = make.curves(make.channel("c0"), make.channel("c1", 30.0), make.channel("c2", 40.0))
    problem = make.problem(held, 'budget = { at_most = 90 }\n[groups.g]\nchannels = ["c1"]\nshare = { min = 0.5 }\n')
    found, solved = priced(problem)
    for name in ("budget", "least share of g"):
        wanted = (value_with(problem, name, 0.01) - solved.value) / 0.01
        assert found[name].dual == pytest.approx(wanted, rel=2e-3)


def test_where_no_channel_is_free_a_price_is_what_really_can_move(make):
    """Floors that take up all the budget once had prices of both signs."""
    held = make.curves(*(make.channel(f"c{at}", 40.0 * (at + 1)) for at in range(3)))
    floors = "".join(f"[channels.c{at}]\nfloor = 20\n" for at in range(3))
    problem = make.problem(held, "budget = { total = 60 }\n" + floors)
    found, solved = priced(problem)
    for name in ("budget", "floor of c0", "floor of c1", "floor of c2"):
        wanted = (value_with(problem, name, 1e-3) - solved.value) / 1e-3
        assert found[name].dual == pytest.approx(wanted, rel=1e-3, abs=1e-5)


def test_a_closed_channel_is_priced_by_its_first_unit(make):
    """It once was priced as if its first unit earned nothing."""
    held = make.curves(make.channel("c0", 500.0), make.channel("c1"))
    for text in ("cap = 0\n", "locked = 0\n"):
        problem = make.problem(held, "budget = { total = 50 }\n[channels.c0]\n" + text)
        found, _ = priced(problem)
        best = max(price.dual for name, price in found.items() if name != "budget")
        assert best == pytest.approx(10.0 - 100 * 50 / 100**2, rel=1e-6)


def test_no_rule_but_the_budget_has_a_price_below_zero(make):
    for seed in range(6):
        held = make.random_curves(np.random.default_rng(seed), 5)
        rules = "".join(f"[channels.c{at}]\nfloor = {5 * at}\ncap = {40 + 10 * at}\n" for at in range(5))
        found, _ = priced(make.problem(held, "budget = { total = 180 }\n" + rules))
        assert [price for name, price in found.items() if name != "budget" and price.dual < 0] == []
        assert [price for price in found.values() if price.gain is not None and price.gain < 0] == []


def test_a_flight_that_keeps_a_channel_on_the_ground_has_no_price_at_the_margin(make):
    held = make.curves(make.channel("c0"), make.channel("c1", 60.0))
    problem = make.problem(held, "budget = { total = 40 }\n[channels.c1]\nminimum_flight = 38\n")
    found, solved = priced(problem)
    assert solved.spend[1] == 0.0
    assert found["minimum flight of c1"].dual == 0.0
    assert found["minimum flight of c1"].gain >= 0.0


def test_a_budget_that_is_not_spent_has_no_price(make):
    held = make.curves(make.channel("c0"))
    problem = make.problem(held, 'budget = { at_most = 1000 }\ngoal = { maximise = "profit", margin = 1.0 }\n')
    assert priced(problem)[0] == {}


def test_only_the_dearest_rules_are_solved_again(make):
    held = make.curves(*(make.channel(f"c{at}", 50.0 + at) for at in range(20)))
    caps = "".join(f"[channels.c{at}]\ncap = 3\n" for at in range(19))
    plan = optimize(held, make.scenario("budget = { total = 100 }\n" + caps))
    assert plan.prices[0].rule == "budget"
    assert sum(price.gain is not None for price in plan.prices) == SHOWN
    duals = [price.dual for price in plan.prices[1:]]
    assert duals == sorted(duals, reverse=True)


def test_every_binding_rule_is_priced_and_no_other(make):
    held = make.curves(make.channel("c0"), make.channel("c1", 30.0))
    asked = make.scenario("budget = { total = 80 }\n[channels.c0]\ncap = 20\n[channels.c1]\ncap = 70\n")
    plan = optimize(held, asked)
    assert plan.binding == ("budget", "cap of c0")
    assert {price.rule for price in plan.prices} == set(plan.binding)
    assert optimize(held, asked, priced=False).prices == ()
    assert problem_of(held, asked).names == ("c0", "c1")


def climbing(posed, spend, cell):
    """What one more unit of money in a cell earns after tolls, by a small step."""
    step = 1e-4 * spend.sum() * np.eye(len(spend))[cell]
    return (several.mean_value(posed, spend + step) - several.mean_value(posed, spend)) / step.sum()


@pytest.mark.parametrize("prudence", [0.6, 5.0])
def test_by_quarter_the_price_of_money_is_what_the_best_cell_makes_of_more(make, prudence):
    """At the kink of a toll it once was a middle between what the last and the next unit return."""
    held = make.random_curves(np.random.default_rng(3), 4, draws=12, slope=(0.5, 0.9))
    text = f'budget = {{ of_history = 1.05 }}\ngoal = {{ maximise = "outcome", prudence = {prudence} }}'
    posed = problem_of(held, make.quarterly(text, 26))
    solved = solve(posed, starts=(compared(posed),))
    (price,) = [one for one in prices(posed, solved, {}) if one.rule == "budget"]
    best = max(climbing(posed, solved.spend, cell) for cell in range(len(solved.spend)))
    assert price.dual == pytest.approx(best, rel=0.02)


def test_budgets_of_quarters_have_prices_and_none_is_invented_for_the_total(make):
    held = make.random_curves(np.random.default_rng(3), 3, draws=6, slope=(0.5, 0.9))
    posed = problem_of(held, make.quarterly("budget = { total = 4000, quarters = [3000, 1000] }", 26))
    solved = solve(posed)
    told = {one.rule: one for one in prices(posed, solved, {}) if one.rule.startswith("budget")}
    assert list(told) == ["budget of the quarter from 2027-04-05", "budget of the quarter from 2027-01-04"]
    for at, (one, begin) in enumerate(zip((3000, 1000), ("2027-01-04", "2027-04-05"), strict=True)):
        money = [3000.0, 1000.0]
        money[at] += 0.01 * one
        richer = problem_of(held, make.quarterly(f"budget = {{ total = {sum(money)}, quarters = {money} }}", 26))
        gain = solve(richer).value - solved.value
        assert told[f"budget of the quarter from {begin}"].dual == pytest.approx(gain / (0.01 * one), rel=0.02)


@pytest.mark.parametrize("cap", ["", "quarter_cap = 1500\n"])
def test_a_cell_without_open_dates_is_held_by_its_rule_and_has_no_price(make, cap):
    """It once was told to earn 400 by the unit of money, and nothing by a real step."""
    held = make.random_curves(np.random.default_rng(3), 3, draws=6, slope=(0.5, 0.9))
    rules = f"[channels.c0]\nflight = {{ from = 2027-04-05 }}\n{cap}"
    plan = optimize(held, make.quarterly("budget = { total = 4000 }\n" + rules, 26))
    closed = "no date on which c0 may spend from 2027-01-04"
    assert closed in plan.binding
    assert {price.rule for price in plan.prices} == set(plan.binding) - {closed}
    assert f"without a price by the unit of money: {closed.partition(' from ')[0]}" in plan_text(plan)


FIXED = {
    "all is locked by quarter": [f"[channels.c{at}]\nlocked = 1500\ncommitted = [900, 600]\n" for at in range(3)],
    "one channel is free": [f"[channels.c{at}]\nlocked = 1500\ncommitted = [900, 600]\n" for at in range(2)],
    "caps take all": [f"[channels.c{at}]\ncap = 1500\n" for at in range(3)],
    "caps of quarters take all": ["[every_channel]\nquarter_cap = 750\n"],
    "floors take all": [f"[channels.c{at}]\nfloor = 1500\n" for at in range(3)],
    "caps and a lock take all": ["[channels.c0]\nlocked = 1500\n[every_channel]\ncap = 1500\n"],
    "a share holds what caps leave": [
        '[groups.g]\nchannels = ["c0"]\nshare = { max = 0.25 }\n[channels.c1]\ncap = 1700\n[channels.c2]\ncap = 1675\n'
    ],
    "quarters have budgets": ["[channels.c0]\ncap = 1500\n[channels.c1]\ncap = 1500\n[channels.c2]\ncap = 1500\n"],
}
MONEY = {"quarters have budgets": "budget = { total = 4500, quarters = [2500, 2000] }\n"}
FULL = {*FIXED} - {"one channel is free", "floors take all"}


def has_plan(rules):
    """Whether any money at all keeps some rules, by a linear program of its own."""
    weights = np.array([rule.weights for rule in rules])
    low, high = (np.array([getattr(rule, side) for rule in rules]) for side in ("low", "high"))
    most, least = np.isfinite(high), np.isfinite(low)
    matrix, limit = np.concatenate([weights[most], -weights[least]]), np.concatenate([high[most], -low[least]])
    return linprog(np.zeros(weights.shape[1]), matrix, limit + 1e-6).status == 0


def with_more(posed, name, more):
    """The question with more money in all, or in a quarter and so in all, or with another rule easier to keep."""
    rules = list(posed.rules)
    at = [rule.name for rule in rules].index(name)
    is_money = name.startswith("budget")
    for index in {at, 0} if is_money else {at}:
        rules[index] = looser(posed, index, more)
    if is_money:
        rules[at] = replace(posed.rules[at], low=posed.rules[at].low + more, high=posed.rules[at].high + more)
        rules = [of_total(rule, rules[0].high) for rule in rules]
    return replace(posed, rules=tuple(rules))


@pytest.mark.parametrize("case", FIXED)
@pytest.mark.parametrize("prudence", [0.0, 0.3])
def test_by_quarter_rules_that_depend_on_each_other_have_the_price_of_what_can_really_move(make, case, prudence):
    """Their multipliers form a set without end, and it once was some member of it: budgets at -616, caps at 621."""
    held = make.random_curves(np.random.default_rng(5), 3, draws=8, slope=(0.5, 0.9))
    goal = f'goal = {{ maximise = "outcome", prudence = {prudence} }}\n'
    text = goal + MONEY.get(case, "budget = { total = 4500 }\n") + "".join(FIXED[case])
    posed = problem_of(held, make.quarterly(text, 26))
    solved = solve(posed, starts=(compared(posed),))
    found = prices(posed, solved, {})
    here, step = several.mean_value(posed, reached(posed, solved.spend)), 1e-3 * solved.spend.sum()
    for one in found:
        eased = with_more(posed, one.rule, step)
        assert (one.dual is not None) == has_plan(eased.rules)
        if one.dual is not None:
            wanted = (several.mean_value(eased, reached(eased, solved.spend)) - here) / step
            assert one.dual == pytest.approx(wanted, abs=0.02 * here / 4500)
    assert {one.dual is None for one in found if one.rule.startswith("budget")} == {case in FULL}


ONCE = {
    "all is locked": "".join(f"[channels.c{at}]\nlocked = 30\n" for at in range(3)),
    "caps take all": "".join(f"[channels.c{at}]\ncap = 30\n" for at in range(3)),
    "a cap is all the budget": "[channels.c0]\nlocked = 90\n[every_channel]\ncap = 0\n",
    "caps and a share": "[every_channel]\ncap = 30\n" + '[groups.g]\nchannels = ["c0"]\nshare = { max = 0.4 }\n',
}


@pytest.mark.parametrize("rules", ONCE.values(), ids=ONCE)
def test_a_budget_of_which_no_more_can_be_spent_has_no_price_and_one_that_may_be_left_over_that_of_nothing(make, rules):
    held = make.curves(*(make.channel(f"c{at}", 40.0 * (at + 1)) for at in range(3)))
    for budget, wanted in (("total", None), ("at_most", 0.0)):
        problem = make.problem(held, f"budget = {{ {budget} = 90 }}\n" + rules)
        found, solved = priced(problem)
        assert found["budget"].dual == (None if wanted is None else pytest.approx(wanted, abs=1e-9))
        for name in {*found} - {"budget"}:
            gain = (value_with(problem, name, 1e-3) - solved.value) / 1e-3
            assert found[name].dual == pytest.approx(gain, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("first", [900, 750])
def test_of_a_plan_by_quarter_that_rules_fix_no_price_of_money_is_told(make, first):
    """Where rates are level through the year it is like a fixed plan of one split: nothing earns by giving way."""
    held = make.random_curves(np.random.default_rng(5), 3, draws=8, slope=(0.5, 0.9))
    fixed = f"committed = [{first}, {1500 - first}]\nlocked = 1500\n"
    asked = make.quarterly("budget = { total = 4500 }\n" + "".join(f"[channels.c{at}]\n{fixed}" for at in range(3)), 26)
    text = plan_text(optimize(held, asked))
    of_money = "budget: a single unit has no price; USD 450 more cannot be spent under the other rules"
    assert ("the rules hold the plan together" if first == 750 else of_money) in text
    assert next_unit(problem_of(held, asked), np.tile([first, 1500.0 - first], 3)) is None
