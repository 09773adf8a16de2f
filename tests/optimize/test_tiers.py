"""Prices by amount: what money buys, curves over it with their proof, and plans against every grid of spends."""

import itertools

import numpy as np
import pytest

from engine.errors import InputError
from engine.optimize.polish import ground
from engine.optimize.risk.ceilings import _grid, _measured
from engine.optimize.rules import broken
from engine.optimize.solve import solve
from engine.optimize.tables import objective, outcomes, steepness, tabulate
from engine.optimize.tiers import Tiers

STEPS = {
    "discount": ((60.0, 0.5),),
    "auction": ((40.0, 2.5),),
    "up and down": ((30.0, 1.6), (90.0, 0.4), (150.0, 3.0)),
}


def tiered(steps, name="c0"):
    rows = ", ".join(f"{{ above = {above!r}, price = {price!r} }}" for above, price in steps)
    return f"[channels.{name}]\ntiers = [{rows}]\n"


def paid_in_small_change(steps, spend, parts=200_000):
    """What a spend buys when each small part of it is bought at the price of where it lies: slow and obvious."""
    money = (np.arange(parts) + 0.5) * spend / parts
    price = np.ones(parts)
    for above, factor in steps:
        price[money > above] = factor
    return float(np.sum(spend / parts / price))


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_money_buys_at_the_price_of_where_it_lies(steps):
    tiers = Tiers(steps)
    spend = np.array([0.0, 10.0, 61.0, 95.0, 149.0, 400.0])
    slow = [paid_in_small_change(steps, money) for money in spend.tolist()]
    assert tiers.bought(spend) == pytest.approx(slow, rel=1e-4)
    assert tiers.paid(tiers.bought(spend)) == pytest.approx(spend, rel=1e-12)
    last, following = tiers.sides(np.array([steps[0][0]]))
    assert (last[0], following[0]) == (1.0, 1 / steps[0][1])


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("slope", [0.7, 3.0])
@pytest.mark.parametrize("flight", ["", "minimum_flight = 50\n", "floor = 35\ncap = 170\n"])
def test_tables_are_exact_at_knots_and_nowhere_below_the_curve(make, steps, slope, flight):
    held = make.curves(make.channel("c0", [100.0, 130.0], [50.0, 70.0], slope), make.channel("c1", [90.0, 90.0]))
    problem = make.problem(held, "budget = { total = 240 }\n" + tiered(steps) + flight)
    payoff = problem.payoffs[0]
    limits = float(problem.lower[0]), float(problem.upper[0]), float(problem.flight[0])
    table = tabulate(payoff, *limits, 0.2)
    bought = payoff.tiers.bought(table.spend)
    one = make.curves(make.channel("c0", [100.0, 130.0], [50.0, 70.0], slope))
    assert table.value == pytest.approx([make.worth(one, [money]) for money in bought.tolist()], rel=1e-9)
    spend = np.linspace(max(limits[0], limits[2]), limits[1], 3001)
    exact = objective(payoff, spend).mean(axis=1)
    over = np.interp(spend, table.spend, table.upper) - exact
    assert over.min() >= -1e-9 and over.max() <= 0.25


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_slopes_are_those_of_the_curve_and_differ_at_an_amount_alone(make, steps):
    problem = make.problem(
        make.random_curves(np.random.default_rng(1), 3), "budget = { total = 240 }\n" + tiered(steps)
    )
    payoff, edge, step = problem.payoffs[0], steps[0][0], 1e-4
    for money in (20.0, 70.0, 120.0, 200.0):
        nearby = outcomes(payoff, np.array([money - step, money + step]))
        assert steepness(payoff, np.array([money]))[0] == pytest.approx((nearby[1] - nearby[0]) / (2 * step), rel=1e-5)
    last, following = (side[0] for side in ground(problem).sides(np.array([edge, 50.0, 50.0])))
    assert following == pytest.approx(last / steps[0][1], rel=1e-9)


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(
    ("budget", "slope"), [("total", (0.5, 1.0)), ("at_most", (2.5, 4.0)), ("total", (2.5, 4.0))], ids=str
)
@pytest.mark.parametrize(
    "beside", ["", '[groups.a]\nchannels = ["c0", "c1"]\ncap = 150\n[groups.b]\nchannels = ["c1", "c2"]\ncap = 190\n']
)
def test_plans_are_certified_and_no_grid_is_above_the_bound(make, steps, budget, slope, beside):
    held = make.random_curves(np.random.default_rng(5), 3, slope=slope)
    asked = make.scenario(f"budget = {{ {budget} = 240 }}\n" + tiered(steps) + tiered(steps, "c2") + beside)
    problem = make.problem_of(held, asked)
    solved = solve(problem)
    tiers = [Tiers(steps), Tiers(), Tiers(steps)]

    def worth(spend):
        bought = [float(one.bought(np.array([money]))[0]) for one, money in zip(tiers, spend, strict=True)]
        return make.worth(held, bought)

    every = [[12.0 * part for part in parts] for parts in itertools.product(range(21), repeat=3) if sum(parts) <= 20]
    best = max(worth(spend) for spend in every if make.kept(asked, held, spend))
    assert solved.value == pytest.approx(worth(solved.spend.tolist()), rel=1e-9)
    assert broken(problem, solved.spend) == []
    assert solved.bound >= best * (1 - 1e-12)
    assert solved.value >= best * (1 - 1e-3)
    assert solved.gap <= 1e-3 and solved.proven


def test_a_discount_makes_a_concave_curve_bend_upwards_and_a_dearer_price_does_not(make):
    held = make.curves(make.channel("c0", slope=0.8), make.channel("c1"))
    for price, concave in ((0.5, False), (2.0, True)):
        problem = make.problem(held, "budget = { total = 240 }\n" + tiered(((80.0, price),)))
        assert tabulate(problem.payoffs[0], 0.0, 240.0, 0.0, 0.1).concave is concave


def test_a_price_of_one_changes_nothing(make):
    held = make.random_curves(np.random.default_rng(4), 4)
    plain = solve(make.problem(held, "budget = { total = 240 }\n"))
    same = solve(make.problem(held, "budget = { total = 240 }\n" + tiered(((50.0, 1.0),))))
    assert same.value == pytest.approx(plain.value, rel=1e-4)


REFUSED = {
    "out of order": ("tiers = [{ above = 9, price = 1 }, { above = 5, price = 2 }]\n", "tiers begin at 9, 5"),
    "free": ("tiers = [{ above = 9, price = 0 }]\n", "greater than or equal to 0.01"),
}


@pytest.mark.parametrize(("rules", "told"), REFUSED.values(), ids=REFUSED)
def test_tiers_that_say_nothing_are_refused(make, rules, told):
    with pytest.raises(InputError, match=told):
        make.scenario("budget = { total = 9 }\n[channels.c0]\n" + rules)


def test_tiers_over_several_decisions_are_refused(make):
    text = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\nbudget = { total = 9 }\n'
    with pytest.raises(InputError, match=r"channels.c0.tiers needs one split"):
        make.parse(text + tiered(((5.0, 0.9),)), make.Scenario, "question.toml")


@pytest.mark.parametrize("price", [0.5, 0.9, 2.0])
def test_between_points_of_a_ceiling_no_draw_earns_more_than_its_chord_and_what_is_added(make, price):
    """A tier just below a point once hid how much the curve falls before it."""
    even = np.linspace(0, 1, 160) ** 2.5
    above = 100 * float(even[60]) * (1 - 1e-3)
    held = make.curves(make.channel("tv", [100.0, 80.0], [2.0, 4.0], 1.0))
    tier = f"budget = {{ at_most = 100 }}\n[channels.tv]\ntiers = [{{ above = {above}, price = {price} }}]\n"
    payoff = make.problem(held, tier).payoffs[0]
    spend = _grid(payoff, 0.0, 100.0)
    value, added = _measured(payoff, spend)
    for share in (0.25, 0.5, 0.75):
        between = objective(payoff, spend[:-1] + share * np.diff(spend))
        assert (between <= (1 - share) * value[:-1] + share * value[1:] + added + 1e-12).all()
