"""Least returns elsewhere: prices, frontiers, explanations, effects, targets; each against asking again."""

import numpy as np
import pytest

from engine.config.grid import Grid
from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.batch.grid import plan_grid
from engine.optimize.budgets.frontier import frontier
from engine.optimize.changing import Setting, entering
from engine.optimize.explaining import explained
from engine.optimize.plan import optimize
from engine.optimize.rules import problem_of

GROUP = '[groups.g]\nchannels = ["tv", "radio"]\nleast_roas = {0}\n'
QUARTERS = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 52, decide = "quarter" }}\n{0}'


def three(make):
    pr = make.channel("pr", 60.0, 30.0, kind="earned")
    return make.curves(make.channel("tv", 200.0, 80.0), make.channel("radio", 90.0, 60.0), pr)


def asked(make, total, least, text=""):
    return make.scenario(f"budget = {{ total = {total} }}\n" + GROUP.format(least) + text)


def test_the_price_of_a_least_return_and_of_the_budget_are_what_asking_again_earns(make):
    held = three(make)
    plan = optimize(held, asked(make, 300, 1.2))
    assert plan.certified and "least_roas 1.2 of group g" in plan.binding
    row, budget = (next(one for one in plan.prices if one.rule == name) for name in (plan.binding[-1], "budget"))
    spent = plan.chosen.spend[0] + plan.chosen.spend[1]
    eased = optimize(held, asked(make, 300, 1.2 - 0.02 / spent), priced=False)  # 0.02 of outcome may be missing
    assert row.dual == pytest.approx((eased.chosen.value.mean - plan.chosen.value.mean) / 0.02, rel=0.05)
    assert row.change == pytest.approx(0.12 * spent, rel=1e-6) and 0 < row.gain / row.change <= row.dual
    more = optimize(held, asked(make, 300.1, 1.2), priced=False)
    assert budget.dual == pytest.approx((more.chosen.value.mean - plan.chosen.value.mean) / 0.1, rel=0.02)


def test_frontiers_tell_the_next_unit_beside_a_least_return(make):
    found = frontier(three(make), asked(make, 300, 1.2), [300.0, 300.1], 300.0)
    assert found.points[0].marginal == pytest.approx(found.points[0].step, rel=0.03)


def test_an_explanation_says_what_it_leaves_out(make):
    held, question = three(make), asked(make, 300, 1.2)
    told = explained(held, question, optimize(held, question))
    assert told.left_out[0].startswith("beside least_roas 1.2 of group g thresholds, costs of rules and")


def test_a_channel_that_works_better_may_enter_once_it_brings_enough(make):
    held = make.curves(make.channel("tv", 200.0, 50.0), make.channel("pr", 60.0, 50.0))
    question = make.scenario("budget = { total = 100 }\n[channels.pr]\nleast_roas = 1.5\n")
    problem, plan = problem_of(held, question), optimize(held, question)
    assert plan.chosen.spend[1] == 0.0
    threshold = entering(Setting(problem, plan.cells, plan.cells, {}), 1)
    assert threshold.within <= 1.25 <= threshold.factor  # 60 / 50 * 1.25 = 1.5 for the very first money


@pytest.mark.parametrize("budget", ["target_roas = 1.6", "target_outcome = 150", "target_marginal_roas = 0.7"])
def test_budgets_are_found_for_targets_beside_least_returns(make, budget):
    held = three(make)
    question = make.scenario(f"budget = {{ {budget} }}\n" + GROUP.format(1.4))
    plan = optimize(held, question, priced=False)
    spends = np.linspace(2, 500, 250)
    best = [_best(make, held, money) for money in spends]
    kind, wanted = budget.split(" = ")[0], float(budget.split(" = ")[1])
    value = np.array(best)
    if kind == "target_outcome":
        money = spends[value >= wanted].min()
    elif kind == "target_roas":
        money = spends[value >= wanted * spends].max()
    else:
        money = spends[np.argmax(value - wanted * spends)]
    assert plan.spend == pytest.approx(money, abs=5)


def _best(make, held, total, steps=160):
    """The best outcome of a total under the least return of the group, on a grid; minus infinity for none."""
    grid = np.linspace(0, total, steps + 1)
    brings = [make.earned(one, grid[:, None]).mean(axis=1) for one in held.channels]
    one, two = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    one, two = one[one + two <= steps], two[one + two <= steps]
    inside = brings[0][one] + brings[1][two]
    keeps = inside >= 1.4 * (grid[one] + grid[two]) - 1e-9
    return float((inside + brings[2][steps - one - two])[keeps].max(initial=-np.inf))


def test_quarters_keep_least_returns_of_channels_and_groups_over_the_year(make):
    held = make.random_curves(np.random.default_rng(2), 3, slope=(0.5, 1.0))
    rules = "budget = { total = 6000 }\n[every_channel]\nleast_roas = 1.1\n"
    rules += '[groups.g]\nkinds = ["paid", "earned"]\nleast_roas = 1.19\n'
    question = parse(QUARTERS.format(rules), Scenario, "q.toml")
    plan = optimize(held, question)
    free = optimize(held, parse(QUARTERS.format("budget = { total = 6000 }\n"), Scenario, "q.toml"), priced=False)
    returns = [line.outcome.mean / line.spend for line in plan.lines if line.spend]
    assert min(returns) >= 1.1 * (1 - 1e-5) and min(line.outcome.mean / line.spend for line in free.lines) < 1.1
    assert plan.certified and plan.proven and plan.chosen.value.mean < free.chosen.value.mean
    assert {one.rule for one in plan.prices} >= {name for name in plan.binding if name.startswith("least_roas")}


def test_a_marginal_return_over_several_decisions_is_refused(make):
    question = parse(
        QUARTERS.format("budget = { total = 90 }\n[channels.tv]\nleast_marginal_roas = 1\n"), Scenario, "q"
    )
    with pytest.raises(InputError, match="least_marginal_roas is about one split of a year like any other"):
        optimize(three(make), question)


def test_many_variations_refuse_what_follows_from_the_curves(make):
    with pytest.raises(InputError, match="follows from what money brings, which many variations at once change"):
        plan_grid(three(make), asked(make, 300, 1.2), parse("[budget]\nmultiple = [0.5]\n", Grid, "grid.toml"))
