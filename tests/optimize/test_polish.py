"""Polish: never worse, within every rule, and stationary afterwards."""

import numpy as np
import pytest

from engine.optimize.polish import active_rows, free_channels, marginal, mean_value, polished
from engine.optimize.rules import broken
from engine.optimize.solve import solve


def unequal(problem, spend):
    """How far marginal values of free channels are from a mix of the active rules, as a share of the largest."""
    slope, free, rows = marginal(problem, spend), free_channels(problem, spend), active_rows(problem, spend)
    if not free:
        return 0.0
    across = np.array([problem.rules[row].weights for row in rows]).reshape(len(rows), len(spend))[:, free]
    mix = np.linalg.lstsq(across.T, slope[free], rcond=None)[0] if rows else np.zeros(0)
    return float(np.abs(slope[free] - across.T @ mix).max() / max(np.abs(slope).max(), problem.payoffs[0].cost))


RULES = {
    "one budget": "budget = { total = 300 }\n",
    "flexible": 'budget = { at_most = 1000 }\ngoal = { maximise = "profit", margin = 0.9 }\n',
    "two groups": 'budget = { total = 300 }\n[groups.a]\nkinds = ["paid"]\nshare = { max = 0.2 }\n'
    '[groups.b]\nkinds = ["earned"]\nshare = { min = 0.5 }\n',
    "groups that overlap": 'budget = { total = 300 }\n[groups.a]\nchannels = ["c0", "c1"]\nshare = { max = 0.3 }\n'
    '[groups.b]\nchannels = ["c1", "c2"]\nshare = { min = 0.6 }\n',
    "a share of a flexible budget": 'budget = { at_most = 300 }\n[groups.a]\nkinds = ["paid"]\nshare = { max = 0.2 }\n',
}


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
@pytest.mark.parametrize("slope", [(0.5, 1.0), (0.7, 3.0)])
def test_free_channels_earn_the_same_at_the_margin(make, text, slope):
    for seed in range(4):
        problem = make.problem(make.random_curves(np.random.default_rng(seed), 5, draws=8, slope=slope), text)
        solved = solve(problem)
        assert broken(problem, solved.spend) == []
        assert unequal(problem, solved.spend) < 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_any_start_ends_no_worse_and_keeps_the_rules(make, seed):
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, 4, slope=(0.5, 4.0))
    problem = make.problem(held, "budget = { total = 200 }\n[channels.c0]\ncap = 60\n[channels.c1]\nfloor = 30\n")
    start = np.array([50.0, 40.0, 0.0, 0.0])
    start[2:] = 110.0 * rng.dirichlet([1.0, 1.0])
    end = polished(problem, start)
    assert broken(problem, end) == []
    assert mean_value(problem, end) >= mean_value(problem, start)


def test_from_afar_it_finds_the_optimum_of_concave_curves(make):
    held = make.random_curves(np.random.default_rng(1), 4, slope=(0.6, 1.0))
    problem = make.problem(held, "budget = { total = 200 }\n")
    best = solve(problem)
    near = polished(problem, best.spend + np.array([3.0, -3.0, 2.0, -2.0]))
    assert near == pytest.approx(best.spend, rel=1e-5)


def test_a_single_free_channel_under_a_loose_budget_is_polished_too(make):
    """Two free channels were once needed, so a lone one stayed on a knot of its table."""
    problem = make.problem(
        make.curves(make.channel("a"), make.channel("b", 1.0)),
        'budget = { at_most = 1000 }\ngoal = { maximise = "profit", margin = 0.9 }\n',
    )
    best = 50 * (np.sqrt(0.9 * 100 / 50) - 1)  # where 0.9 * 100 * 50 / (50 + x)^2 = 1
    assert solve(problem).spend == pytest.approx([best, 0.0], rel=1e-8)


def test_a_channel_left_in_its_convex_toe_is_taken_out(make):
    problem = make.problem(
        make.curves(make.channel("a"), make.channel("toe", 100.0, 400.0, 3.0)), "budget = { total = 60 }\n"
    )
    assert polished(problem, np.array([59.0, 1.0])) == pytest.approx([60.0, 0.0], abs=1e-9)


def test_a_rule_that_the_plan_would_rather_leave_does_not_hold_it(make):
    held = make.curves(make.channel("a"), make.channel("b", 10.0))
    problem = make.problem(
        held, 'budget = { total = 60 }\n[groups.g]\nchannels = ["a"]\ncap = 59\n[channels.b]\nfloor = 0.5\n'
    )
    worse = np.array([30.0, 30.0])
    better = polished(problem, worse)
    assert mean_value(problem, better) > mean_value(problem, worse)
    assert better == pytest.approx(solve(problem).spend, rel=1e-6)


def test_an_empty_plan_stays_empty(make):
    problem = make.problem(make.curves(make.channel("a")), "budget = { at_most = 5 }\n")
    assert polished(problem, np.zeros(1)).tolist() == [0.0]


def test_the_slope_where_nothing_is_spent_is_the_limit_from_above(make):
    """A Hill curve of slope 1 earns ceiling / halfway on its first unit; its formula has no slope there."""
    problem = make.problem(make.curves(make.channel("a"), make.channel("b", slope=2.0)), "budget = { total = 10 }\n")
    assert marginal(problem, np.zeros(2)) == pytest.approx([2.0, 0.0], abs=1e-6)
