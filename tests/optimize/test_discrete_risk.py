"""Steps, numbers of channels and tiers under measures of risk: no spend on a grid is above the bound."""

import itertools

import numpy as np
import pytest

from engine.optimize.plan import optimize
from engine.optimize.risk.at_risk import solve_at_risk
from engine.optimize.rules import broken

LEVELS = np.arange(25) * 10.0
RULES = {
    "steps": "[every_channel]\nstep = 40\n",
    "one channel": "[active]\nmax = 1\n",
    "two channels": "[active]\nmax = 2\n",
    "two channels in steps": "[active]\nmax = 2\n[every_channel]\nstep = 60\n",
    "three that count": "[active]\nmin = 3\neach = 50\n",
    "tiers": "[channels.c0]\ntiers = [{ above = 60, price = 0.5 }]\n"
    "[channels.c2]\ntiers = [{ above = 40, price = 2.5 }]\n",
    "tiers in steps": "[channels.c0]\nstep = 40\ntiers = [{ above = 60, price = 0.5 }]\n",
}
RISKS = {
    "worst third": 'measure = "cvar"\nlevel = 0.34\n',
    "half of the worst fifth": 'measure = "cvar"\nlevel = 0.2\nweight = 0.5\n',
    "robust": 'measure = "robust"\nradius = 0.4\n',
}


def worst_share(values, level):
    """The mean of the worst draws, one after the other."""
    found, left, each = np.zeros(len(values)), level, 1 / values.shape[1]
    for row in np.sort(values, axis=1).T:
        taken = min(each, max(left, 0.0))
        found, left = found + taken * row, left - taken
    return found / level


def measured(values, risk):
    """The measure by its definition; robust odds of so small a radius stay above 0, so that it is mean less spread."""
    mean = values.mean(axis=1)
    if risk.measure == "robust":
        return mean - risk.radius * values.std(axis=1)
    return risk.weight * worst_share(values, risk.level) + (1 - risk.weight) * mean


@pytest.mark.parametrize(("budget", "slope"), [("total", (0.5, 1.0)), ("at_most", (1.5, 4.0))], ids=str)
@pytest.mark.parametrize("risk", RISKS.values(), ids=RISKS)
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_no_grid_is_above_the_bound_of_a_measure(make, rules, risk, budget, slope):
    held = make.random_curves(np.random.default_rng(6), 3, slope=slope, draws=6)
    asked = make.scenario(f"budget = {{ {budget} = 240 }}\n{rules}[risk]\n{risk}")
    problem = make.problem_of(held, asked)
    grid = np.array(
        [x for x in itertools.product(range(25), repeat=3) if sum(x) == 24 or (budget != "total" and sum(x) < 24)]
    )
    kept = np.array([some for some in grid if not broken(problem, LEVELS[some])])
    values = np.zeros((len(kept), 6))
    for channel, (one, payoff) in enumerate(zip(held.channels, problem.payoffs, strict=True)):
        rows = np.array([make.earned(one, money) for money in payoff.tiers.bought(LEVELS).tolist()])
        values += rows[kept[:, channel]]
    best = float(measured(values, asked.risk).max())
    solved = solve_at_risk(problem, asked.risk)
    assert broken(problem, solved.spend) == []
    assert solved.proven and solved.gap <= 1e-3
    assert solved.bound >= best * (1 - 1e-9)
    assert solved.value >= best * (1 - 1e-3)


def test_a_tier_that_nobody_reaches_changes_nothing(make):
    held = make.random_curves(np.random.default_rng(3), 3)
    text = 'budget = { total = 240 }\n[active]\nmax = 2\n[risk]\nmeasure = "cvar"\n'
    plain, same = (
        optimize(held, make.scenario(text + rules))
        for rules in ("", "[every_channel]\ntiers = [{ above = 240, price = 0.3 }]\n")
    )
    assert same.net == pytest.approx(plain.net, rel=1e-3)
    assert same.bound >= plain.net * (1 - 1e-9) and plain.bound >= same.net * (1 - 1e-9)


def test_more_channels_never_earn_less_and_money_has_a_price(make):
    held = make.random_curves(np.random.default_rng(8), 4, slope=(0.5, 2.0), draws=8)
    text = 'budget = {{ total = 300 }}\n[active]\nmax = {}\n[risk]\nmeasure = "robust"\n'
    plans = [optimize(held, make.scenario(text.format(most))) for most in (1, 2, 3)]
    for fewer, more in itertools.pairwise(plans):
        assert more.bound >= fewer.net and more.net >= fewer.net * (1 - 1e-3)
        assert "most active channels" in fewer.binding
    assert all(price.rule == "budget" and price.dual > 0 and price.gain > 0 for plan in plans for price in plan.prices)
    assert all(plan.prices for plan in plans)
