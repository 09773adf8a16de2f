"""Risk over several decisions, and what plans under risk tell of money: against plans of each draw alone."""

from dataclasses import replace

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Risk, Scenario
from engine.optimize.few_draws import on_draws
from engine.optimize.over_time import several
from engine.optimize.plan import by_draw, optimize
from engine.optimize.risk import regret
from engine.optimize.risk.at_risk import solve_at_risk
from engine.optimize.risk.climb import known, reweighted, solved_under
from engine.optimize.risk.out_of_reach import _Program, unreachable
from engine.optimize.rules import compared, problem_of
from engine.optimize.solve import Solved, solve
from tests.optimize.builders import channel, curves, quarterly
from tests.optimize.builders import scenario as question
from tests.optimize.test_risk import alone, uncertain


def test_by_quarter_few_draws_are_solved_and_regret_is_that_against_the_best_plans_there_are(monkeypatch):
    held, text = uncertain(5, count=3, draws=60, slope=(1.0, 2.0)), "budget = { total = 4000 }"
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 26, decide = "quarter" }\n'
    asked_for = parse(head + text, Scenario, "question.toml")
    posed, solved = problem_of(held, asked_for), list[int]()
    monkeypatch.setattr(regret, "solved_under", lambda *given: solved.append(1) or solved_under(*given))
    found = solve_at_risk(posed, Risk(measure="regret"))
    own = by_draw(posed, found.spend)[1]
    worst_ones = np.argsort(own)[[0, 30, 59]].tolist()
    shortfalls = [solve(problem_of(alone(held, draw), asked_for)).value - own[draw] for draw in worst_ones]
    assert len(solved) <= regret.SOLVED_OVER_TIME
    assert 0 < max(shortfalls) <= -found.value + 1e-3 * abs(found.gross)
    assert found.value <= found.bound
    assert "value estimated" in found.route


def test_a_question_on_the_draws_that_have_a_chance_is_the_same_question():
    held = uncertain(2, count=3, draws=30, slope=(1.5, 4.0))
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 26, decide = "quarter" }\n'
    posed = problem_of(held, parse(head + "budget = { total = 1500 }", Scenario, "question.toml"))
    some, odds = np.array([3, 7, 20]), np.zeros(30)
    odds[some] = (0.2, 0.3, 0.5)
    few = on_draws(reweighted(posed, odds), some)
    spend = np.random.default_rng(0).uniform(10, 400, len(posed.names) * posed.decisions)
    assert several.mean_value(few, spend) == pytest.approx(odds @ by_draw(posed, spend)[1], rel=1e-12)
    assert by_draw(few, spend)[1] == pytest.approx(by_draw(posed, spend)[1][some], rel=1e-12)


@pytest.mark.parametrize("text", ['measure = "cvar"\nlevel = 0.25', 'measure = "robust"\nradius = 0.6'])
def test_money_has_a_price_under_risk_that_asking_again_confirms(text):
    held = uncertain(4, count=3, draws=16)
    told = optimize(held, question(f"budget = {{ total = 150 }}\n[risk]\n{text}"))
    (price,) = told.prices
    nets = [
        optimize(held, question(f"budget = {{ total = {total} }}\n[risk]\n{text}"), priced=False).net
        for total in (151, 165)
    ]
    assert price.rule == "budget"
    assert price.dual == pytest.approx(nets[0] - told.net, rel=0.02)
    assert price.gain == pytest.approx(nets[1] - told.net, rel=0.01)


def test_why_there_is_no_price_or_less_than_one_draw_is_said():
    held = uncertain(4, count=2, draws=16)
    for text, words in (
        ('measure = "regret"', "no prices under risk.measure 'regret'"),
        ('measure = "probability"\ntarget = 60', "a chance is no money"),
        ('measure = "cvar"\nlevel = 0.01', "less than one of 16 draws"),
    ):
        told = optimize(held, question(f"budget = {{ total = 100 }}\n[risk]\n{text}"))
        assert any(words in warning for warning in told.warnings)
    fine = optimize(held, question('budget = { total = 100 }\n[risk]\nmeasure = "cvar"\nlevel = 0.0625'))
    assert not any("less than one" in warning for warning in fine.warnings)


@pytest.mark.parametrize("slope", [(0.4, 1.0), (1.2, 2.5)], ids=["concave", "S-shaped"])
def test_by_quarter_a_draw_is_out_of_reach_where_no_plan_of_it_alone_reaches_the_goal_and_most_are_known(slope):
    """Every draw once counted as within reach, so that a chance of .45 stood beside a bound of .95."""
    held = uncertain(9, count=3, draws=24, slope=slope)
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 26, decide = "quarter" }\n'
    asked_for = parse(head + "budget = { total = 3000 }\nramp = { max_change = 0.3 }", Scenario, "question.toml")
    posed = problem_of(held, asked_for)
    plan = known(posed, solve(posed, starts=(compared(posed),)).spend)
    goal = float(np.quantile(plan.values, 0.6))
    never = unreachable(posed, goal, plan.values >= goal, np.tile(plan.spend, (24, 1)))
    bests = np.array([solve(problem_of(alone(held, draw), asked_for)).value for draw in range(24)])
    assert np.all(bests[never] < goal)
    assert np.sum((bests < goal * 0.98) & ~never) <= 1
    found = solve_at_risk(posed, Risk(measure="probability", target=goal))
    assert found.value <= found.bound <= 1 - never.mean() + 1e-9


@pytest.mark.parametrize("floors", [(1543.6, 856.0), (354.4, 3495.5), (1284.7, 2294.1)], ids=str)
def test_a_goal_that_is_reached_above_floors_is_never_called_out_of_reach(floors):
    """At its floors a stock can lie below its least by a rounding, where a plane without slope once was drawn."""
    held = curves(
        channel("tv", 3e5, 1e5, retain=0.2, mean=1e3),
        channel("pr", 2.5e5, 9e4, retain=0.2, mean=9e2),
    )
    rules = "".join(
        f"[channels.{name}]\nquarter_floor = {floor}\n" for name, floor in zip(("tv", "pr"), floors, strict=True)
    )
    posed = problem_of(held, quarterly(f"budget = {{ at_most = 40_000 }}\n{rules}", periods=26))
    goal = solve(posed).value * (1 - 1e-5)
    assert not unreachable(posed, goal, np.array([False]), posed.lower[None]).any()


@pytest.mark.parametrize("seed", range(4))
def test_a_careless_solver_makes_the_bound_of_a_draw_no_lower(seed):
    posed = problem_of(uncertain(seed, 3), quarterly("budget = { total = 3000 }\nramp = { max_change = 0.3 }", 52))
    rng, bounds, cells = np.random.default_rng(seed), [], len(posed.lower)
    planes = [(rng.uniform(50, 90, 3), rng.uniform(0, 2, cells), rng.uniform(0, 500, cells)) for _ in range(4)]
    for tolerance in (1e-9, 0.1):
        linear = _Program(posed, 100.0)
        for option in ("dual_feasibility_tolerance", "primal_feasibility_tolerance"):
            linear.solver.setOptionValue(option, tolerance)
        bounds.append([linear.bounded(*plane)[0] for plane in planes])
    assert np.isfinite(bounds).all()
    assert (np.array(bounds[1]) >= np.array(bounds[0]) - 1e-6).all()


def test_a_target_that_only_the_best_plan_of_one_draw_reaches_is_reached():
    """No hill of the mean leads there, and the chance once was 0 under a bound of .5."""
    held = curves(
        channel("tv", [100.0, 1.0], 60.0, 4.0),
        channel("pr", [1.0, 90.0], 60.0, 4.0),
        channel("radio", [60.0] * 2, 60.0, 4.0),
    )
    found = solve_at_risk(
        problem_of(held, question("budget = { total = 100 }")), Risk(measure="probability", target=80)
    )
    assert found.spend == pytest.approx([100.0, 0.0, 0.0], abs=20)
    assert found.value == 0.5 <= found.bound


@pytest.mark.filterwarnings("error")
def test_a_chance_is_planned_beside_a_plan_that_spends_nothing():
    """The bend of what nothing brings once was no number."""
    held, profit = uncertain(5, draws=6, slope=(2.5, 4.0)), 'goal = { maximise = "profit", margin = 0.5 }\n'
    posed = problem_of(held, question(f"budget = {{ at_most = 100 }}\n{profit}"))
    best = max(float(np.mean(known(posed, np.array(spend)).values >= 2)) for spend in splits(100.0, 40))
    found = solve_at_risk(posed, Risk(measure="probability", target=2))
    assert solve(posed).spend.sum() == 0
    assert best <= found.value <= found.bound


def splits(most, steps):
    """All spends on a grid over two channels."""
    return [(most * one / steps, most * two / steps) for one in range(steps + 1) for two in range(steps + 1 - one)]


def test_a_target_that_no_draw_reaches_is_told_of_one_split_and_of_several_decisions():
    held = uncertain(4, count=2, draws=8)
    for goal, told in ((1e6, True), (1, False)):
        text = f'budget = {{ total = 100 }}\n[risk]\nmeasure = "probability"\ntarget = {goal}'
        for asked in (question(text), quarterly(text, periods=26)):
            warnings = optimize(held, asked, priced=False).warnings
            assert any("risk.target" in warning and "is out of reach" in warning for warning in warnings) == told


def test_the_route_of_a_plan_under_risk_speaks_of_its_own_bound():
    """A chance of one is proven by itself, and its route once went on to call the bound of the mean an estimate."""
    found = Solved(np.zeros(1), 1.0, 1.0, "chance: each by 4 decisions, bound estimated: tables", 1.0, 1.0)
    assert found.told == "chance: each by 4 decisions, bound proven: tables"
    other = replace(found, route="least returns: bound proven over parts of all courses: tables", proven=False)
    assert other.told == "least returns: bound estimated: tables"
