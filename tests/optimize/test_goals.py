"""Goals: customers, what they are worth, margins by channel; by the textbook formulas, and refused without sense."""

from dataclasses import replace

import numpy as np
import pytest

from engine.config.grid import Grid
from engine.config.loading import parse
from engine.errors import InputError
from engine.finance import clv
from engine.optimize.batch.grid import plan_grid
from engine.optimize.budgets.frontier import frontier
from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.report.answer import plan_text

TOTAL = "budget = { total = 100 }\n"


def two(make, **changed):
    tv, pr = make.channel("tv", [3.0, 5.0], 50.0), make.channel("pr", [6.0, 2.0], 30.0, kind="earned")
    return make.curves(tv, pr, **{"outcome": "new_customers", **changed})


def best(make, held, worth, cost=0.0):
    """The best value of a fine grid of splits of 100, each channel's outcome times its worth."""
    splits = np.linspace(0, 100, 4001)
    values = [
        sum(w * float(make.earned(one, m).mean()) for one, m, w in zip(held.channels, (x, 100 - x), worth, strict=True))
        for x in splits
    ]
    return max(values) - 100 * cost


def test_customers_are_counted_whatever_each_is_worth_elsewhere(make):
    held = two(make, outcome_value=40.0)
    plan = optimize(held, make.scenario(TOTAL + 'goal = { maximise = "customers" }\n'))
    assert plan.chosen.value.mean == pytest.approx(best(make, held, (1, 1)), rel=1e-6)
    assert plan.chosen.outcome.mean == pytest.approx(plan.chosen.value.mean)
    assert (plan.measure, plan.unit, plan.in_money) == ("new_customers", "", False)
    assert plan.chosen.spend == pytest.approx(optimize(held, make.scenario(TOTAL)).chosen.spend, rel=1e-4)


def test_lifetime_values_weigh_the_customers_of_each_channel(make):
    held = two(make)
    goal = 'goal = { maximise = "clv", lifetime_value = 100, lifetime_values = { pr = 400 } }\n'
    plan = optimize(held, make.scenario(TOTAL + goal))
    assert plan.chosen.value.mean == pytest.approx(best(make, held, (100, 400)), rel=1e-6)
    assert (plan.measure, plan.unit, plan.lifetime, plan.counts) == (
        "lifetime value",
        "USD",
        (100.0, 400.0),
        "new_customers",
    )
    assert plan.certified and plan.bound >= plan.net
    customers = [line.outcome.mean for line in plan.lines]
    assert plan.chosen.value.mean == pytest.approx(100 * customers[0] + 400 * customers[1])


def test_a_lifetime_gives_the_value_of_the_formula(make):
    lifetime = "lifetime = { revenue = 12, retention = 0.97, weeks = 104, margin = 0.4, discount_rate = 0.1 }"
    plan = optimize(two(make), make.scenario(TOTAL + f'goal = {{ maximise = "clv", {lifetime} }}\n'))
    assert plan.lifetime == pytest.approx((clv(12 * 0.97 ** np.arange(104), 0.4, 0.1),) * 2)


def test_profit_takes_the_margin_of_each_channel(make):
    held = two(make, outcome="revenue")
    held = replace(held, channels=tuple(make.channel(n, 400.0, 50.0) for n in ("tv", "pr")))
    goal = 'goal = { maximise = "profit", margin = 0.4, margins = { tv = 0.8 } }\n'
    plan = optimize(held, make.scenario(TOTAL + goal))
    assert plan.chosen.value.mean == pytest.approx(best(make, held, (0.8, 0.4), cost=1.0), rel=1e-6)
    alone = optimize(held, make.scenario(TOTAL + 'goal = { maximise = "profit", margins = { tv = 0.8, pr = 0.4 } }\n'))
    assert alone.chosen.spend == plan.chosen.spend


@pytest.mark.filterwarnings("error")
def test_a_channel_whose_margin_is_0_gets_nothing_and_no_number_overflows(make):
    held = make.random_curves(np.random.default_rng(0), 3, unit=1e6)
    goal = '[goal]\nmaximise = "profit"\nmargin = 0.5\nmargins = { c0 = 0 }\n'
    plan = optimize(held, make.scenario("budget = { total = 120e6 }\n" + goal))
    assert plan.certified and plan.chosen.spend[0] == pytest.approx(0.0, abs=1.0)


def test_what_a_customer_costs_and_is_worth_is_told(make):
    plan = optimize(two(make), make.scenario(TOTAL + 'goal = { maximise = "clv", lifetime_value = 100 }\n'))
    line = plan_document(plan)["by_channel"][0]
    cost = line["spend"] / line["outcome"]["mean"]
    assert (line["cac"], line["clv"], line["clv_to_cac"]) == pytest.approx((cost, 100.0, 100 / cost))
    text = plan_text(plan)
    assert "What one costs:" in text and "clv/cac" in text and f"{cost:.3g}" in text
    assert "cac" not in plan_document(optimize(two(make, outcome="revenue"), make.scenario(TOTAL)))["by_channel"][0]


@pytest.mark.parametrize(
    ("outcome", "goal", "words"),
    [
        ("revenue", '{ maximise = "customers" }', "needs an outcome counted in customers.*'revenue'"),
        ("orders", '{ maximise = "clv", lifetime_value = 9 }', "needs an outcome counted in customers.*'orders'"),
        (
            "new_customers",
            '{ maximise = "clv", lifetime_values = { tv = 9 } }',
            "leaves out pr; .*goal.lifetime_value ",
        ),
        (
            "new_customers",
            '{ maximise = "clv", lifetime_value = 9, lifetime_values = { tvv = 9 } }',
            "did you mean 'tv'",
        ),
        ("revenue", '{ maximise = "profit", margins = { tv = 0.3 } }', "margins leaves out pr"),
    ],
)
def test_goals_that_the_curves_cannot_tell_are_refused(make, outcome, goal, words):
    with pytest.raises(InputError, match=words):
        optimize(two(make, outcome=outcome), make.scenario(TOTAL + f"goal = {goal}\n"))


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ('{ maximise = "clv" }', "clv needs a lifetime_value"),
        ('{ maximise = "customers", margin = 0.3 }', 'go with maximise = "profit", and margin is given'),
        ('{ maximise = "profit", margin = 0.3, lifetime_value = 3 }', "and lifetime_value is given"),
        (
            '{ maximise = "clv", lifetime_value = 3, lifetime = { revenue = 1, retention = 0.9, margin = 0.5 } }',
            "say the same; give one",
        ),
    ],
)
def test_figures_of_another_goal_are_refused(make, goal, words):
    with pytest.raises(InputError, match=words):
        make.scenario(TOTAL + f"goal = {goal}\n")


def test_frontiers_count_customers_and_refuse_figures_by_channel(make):
    held = two(make, outcome_value=40.0)
    found = frontier(held, make.scenario(TOTAL + 'goal = { maximise = "customers" }\n'), [50.0, 100.0], 100.0)
    near = optimize(held, make.scenario('budget = { total = 100.1 }\ngoal = { maximise = "customers" }\n'))
    slope = (near.chosen.outcome.mean - found.points[1].outcome.mean) / 0.1
    assert found.points[1].marginal == pytest.approx(slope, rel=1e-2)
    assert (found.unit, found.measure, found.break_even) == ("", "new_customers", ())
    goal = 'goal = { maximise = "clv", lifetime_value = 3, lifetime_values = { tv = 9 } }\n'
    with pytest.raises(InputError, match=r"a frontier tells .* goal.lifetime_values by channel leaves open"):
        frontier(held, make.scenario(TOTAL + goal), [50.0, 100.0], 100.0)


def test_many_variations_weigh_customers_too(make):
    goal = 'goal = { maximise = "clv", lifetime_value = 100, lifetime_values = { pr = 400 } }\n'
    asked = make.scenario(TOTAL + goal)
    found = plan_grid(two(make), asked, parse("[budget]\nmultiple = [0.5]\n", Grid, "grid.toml"))
    assert (found.measure, found.unit) == ("lifetime value", "USD")
    assert found.mean[0] == pytest.approx(optimize(two(make), asked).chosen.value.mean, rel=1e-3)
