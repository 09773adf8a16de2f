"""Outcome at once against brand: what plans bring within the horizon, and what they leave that works after its end.

Both are the same objective over other weeks, so a weighted sum of them is the usual one in a world whose demand differs
within the horizon and after it: twice the weight of each, so that equal weights are the question as it was asked.
"""

import time
from dataclasses import replace

import numpy as np

from engine.config.scenario import Scenario, Shock
from engine.errors import InfeasibleError, InputError
from engine.optimize.budgets.frontier import Tell, with_money
from engine.optimize.budgets.trade import Trade, Trades, time_of, trade, undominated, weighing, weights
from engine.optimize.plan import by_draw, spread
from engine.optimize.rules import USUAL, Problem, problem_of
from engine.optimize.solve import Memory, solve
from engine.periods import step
from engine.response.curves import Curves

GOALS = ("outcome", "brand")
OTHERWISE = (
    "one split is valued by peso optimize as that of a year like any other; here, as with horizon.carry_over = "
    '"history", what was spent before works in it and what is left at its end counts, so that the figures differ'
)


def between(curves: Curves, scenario: Scenario, count: int, amount: float, tell: Tell) -> Trades:
    """The plans between outcome within the horizon and what is left working after its end.

    Args:
        curves: What spend does, joint draws.
        scenario: The question; its rules hold for every plan.
        count: How many weights of the brand, from 0 to 1, at least 2.
        amount: The budget [currency].
        tell: Is told how far the work is.

    Raises:
        InputError: The scenario does not fit the curves, or nothing is valued after its end.
        InfeasibleError: No plan keeps the rules.
    """
    begin = time.perf_counter()
    asked = with_money(lasting(scenario), amount)
    problem = replace(problem_of(curves, asked), effort=USUAL)
    memory: Memory = {}
    sides = _weighed(curves, asked, problem, 0.0), _weighed(curves, asked, problem, 1.0)
    points: list[Trade] = []
    plans: list[np.ndarray] = []
    for number, weight in enumerate(weights(count), start=1):
        tell(f"{number} of {count} plans")
        solved = solve(_weighed(curves, asked, problem, weight), memory, tuple(plans))
        if solved is None:
            raise InfeasibleError(
                f"scenario {scenario.name!r}: no plan keeps its rules with a budget of {amount:g}; "
                "peso optimize names the rules in conflict"
            )
        plans.append(solved.spend)
        first, second = (float(by_draw(side, solved.spend)[1].mean()) / 2 for side in sides)
        points.append(trade(problem, weight, solved, (first, second), spread(by_draw(problem, solved.spend)[1])))
    kept = undominated(points)
    alike = scenario.horizon.from_history
    tail = f"{asked.horizon.tail} {curves.period}s after it"
    return Trades(
        **time_of(curves, asked, problem),
        goals=GOALS,
        meant=(f"{curves.measure} within the horizon", f"{curves.measure} of what is left working, in the {tail}"),
        budget=amount,
        points=kept,
        own=weighing(kept, 0.5) if alike else None,
        dropped=len(points) - len(kept),
        notes=() if alike else (OTHERWISE,),
        seconds=time.perf_counter() - begin,
    )


def lasting(scenario: Scenario) -> Scenario:
    """The scenario with what was spent before at work in it, and what is left at its end valued.

    Raises:
        InputError: It asks for something that leaves no two such goals.
    """
    horizon, place = scenario.horizon, f"scenario {scenario.name!r}"
    asked = {"risk": scenario.risk.measure != "mean", "soft": bool(scenario.soft)}
    asked["goal.maximise"] = scenario.goal.maximise != "outcome"
    for name, is_asked in asked.items():
        if is_asked:
            raise InputError(f"{place}: {name} says nothing about outcome against brand; leave it out")
    if horizon.carry_over == "cycle":
        raise InputError(
            f'{place}: horizon.carry_over = "cycle" leaves nothing after the end, so there is no brand to set against '
            'the outcome; write "history", or leave it out'
        )
    if not horizon.tail:
        raise InputError(f"{place}: horizon.tail = 0 values nothing after the end; write 26 or more")
    return scenario.model_copy(update={"horizon": horizon.model_copy(update={"carry_over": "history"})})


def _weighed(curves: Curves, scenario: Scenario, problem: Problem, weight: float) -> Problem:
    """The problem with so much weight on what works after the end, and the rest on what works before it.

    Tolls on moves stay as they are: the doubt of a move is that of the year.
    """
    end = str(step(scenario.horizon.start, scenario.horizon.periods, curves.period))
    within, after = (
        Shock.model_validate_strings({"name": name, "kind": "demand", "factor": str(factor), side: end})
        for name, factor, side in (("within", 2 * (1 - weight), "until"), ("after", 2 * weight, "from"))
    )
    world = scenario.model_copy(update={"shocks": (*scenario.shocks, within, after)})
    return replace(problem, ways=problem_of(curves, world).ways)
