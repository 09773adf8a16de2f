"""Mean against safety: the plans between the best mean and the best mean of the worst draws (CVaR)."""

import time
from dataclasses import replace

import numpy as np

from engine.config.scenario import Risk, Scenario
from engine.errors import InputError
from engine.optimize import goals
from engine.optimize.asking import answered
from engine.optimize.budgets.frontier import Tell, with_money
from engine.optimize.budgets.trade import Trade, Trades, time_of, trade, undominated, weighing, weights
from engine.optimize.plan import by_draw, spread
from engine.optimize.risk.at_risk import solve_at_risk
from engine.optimize.risk.climb import chances
from engine.optimize.risk.measures import measure_of
from engine.optimize.rules import USUAL, Problem, problem_of
from engine.response.curves import Curves


def safety(curves: Curves, scenario: Scenario, count: int, amount: float, tell: Tell) -> Trades:
    """The plans between the best mean and the best mean of the worst draws, `risk.level` of them.

    Args:
        curves: What spend does, joint draws.
        scenario: The question; its rules hold for every plan.
        count: How many weights of the worst draws, from 0 to 1, at least 2.
        amount: The budget [currency].
        tell: Is told how far the work is.

    Raises:
        InputError: The scenario does not fit the curves, or there is nothing to be safe from.
        InfeasibleError: No plan keeps the rules; the message names the conflict.
    """
    begin = time.perf_counter()
    _require_risk(curves, scenario)
    goal = scenario.goal.model_copy(update={"prudence": scenario.goal.prudence or 0.0})
    level = scenario.risk.level
    question = with_money(scenario, amount).model_copy(update={"goal": goal, "risk": Risk()})
    tell("the best mean")
    asked = answered(curves, question)
    problem = asked.problem
    own = problem_of(curves, with_money(scenario, amount))  # whose prudence may be another
    draws = chances(problem, curves.draws)
    worst = measure_of(Risk(measure="cvar", level=level), draws)
    points: list[Trade] = []
    plans: list[np.ndarray] = [asked.today, asked.solved.spend]
    for number, weight in enumerate(weights(count), start=1):
        tell(f"{number} of {count} plans")
        risk = Risk(measure="cvar", level=level, weight=weight)
        found = solve_at_risk(_provable(problem, weight), risk, asked.memory, tuple(plans))
        if found is None:
            raise AssertionError("a plan was found for the mean, and none for another weight")
        values = by_draw(problem, found.spend)[1]
        both = float(draws @ values), worst.value(values)
        plans.append(found.spend)
        points.append(trade(problem, weight, found.solved, both, spread(values)))
    kept = undominated(points)
    measure, tenth = goals.measure(curves, goal), f"worst {100 * level:g} %"
    return Trades(
        **time_of(curves, question, problem),
        goals=("mean", tenth),
        meant=(f"mean {measure} of all draws", f"mean {measure} of the {tenth} of draws, CVaR"),
        budget=amount,
        points=kept,
        own=weighing(kept, _own_weight(scenario)) if own.prudence == problem.prudence else None,
        dropped=len(points) - len(kept),
        notes=_of_prudence(curves, scenario, own.prudence),
        seconds=time.perf_counter() - begin,
    )


def _provable(problem: Problem, weight: float) -> Problem:
    """The problem with the effort of one proof where the mean alone counts; others are proven after their search."""
    return replace(problem, effort=USUAL) if not weight else problem


def _own_weight(scenario: Scenario) -> float:
    """The weight of the worst draws that the scenario asks for."""
    return scenario.risk.weight if scenario.risk.measure == "cvar" else 0.0


def _of_prudence(curves: Curves, scenario: Scenario, own: float) -> tuple[str, ...]:
    """That moves are not charged for their doubt beside a measure of risk, where the curves ask for it."""
    if scenario.goal.prudence is not None or not curves.prudence:
        return ()
    told = "under a measure of risk prudence is 0 unless goal.prudence says otherwise, and so it is in every row"
    return (f"{told}; the scenario itself is planned with {own:g}" if own else told,)


def _require_risk(curves: Curves, scenario: Scenario) -> None:
    """Refuse curves without doubt, and another measure of risk than the one that is traded."""
    if curves.draws == 1:
        raise InputError("the curves hold one draw, so no plan is riskier than another; calibrate, or give more draws")
    if scenario.risk.measure not in ("mean", "cvar"):
        raise InputError(
            f"scenario {scenario.name!r}: risk.measure = {scenario.risk.measure!r} is not what mean is traded against "
            'here; write "cvar", or leave it out'
        )
