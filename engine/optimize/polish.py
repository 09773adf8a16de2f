"""A last step: from a plan on the knots to the exact optimum of its own concave stretch."""

import numpy as np
from jaxtyping import Float

from engine.optimize.rules import Problem, broken
from engine.optimize.tables import objective, steepness

ROUNDS = 6  # Newton steps: each squares the error
NUDGE = 1e-4  # relative step of the second derivative


def mean_value(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """Mean objective of a plan over all draws."""
    return sum(
        float(objective(payoff, spend[channel : channel + 1]).mean())
        for channel, payoff in enumerate(problem.payoffs)
    )


def marginal(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """Mean objective that one more unit of money earns on each channel."""
    return np.array(
        [
            payoff.margin * float(steepness(payoff, spend[channel : channel + 1]).mean()) - payoff.cost
            for channel, payoff in enumerate(problem.payoffs)
        ]
    )


def free_channels(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Channels that can move both ways a little without breaking a rule of their own."""
    low, high = problem.lower, problem.upper
    low = np.where((problem.flight > 0) & (spend > 0), np.maximum(low, problem.flight), low)
    slack = 1e-7 * problem.budget.high
    return [c for c in range(len(spend)) if low[c] + slack < spend[c] < high[c] - slack]


def active_rows(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Indices of the rules about several channels that the plan just keeps."""
    slack = 1e-7 * problem.budget.high
    return [
        index
        for index, rule in enumerate(problem.rules)
        if rule.channel is None
        and min(abs(rule.weights @ spend - rule.low), abs(rule.weights @ spend - rule.high)) <= slack
    ]


def polished(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """The plan after Newton steps that equalise marginal values under its active rules.

    A step is taken only where the plan keeps every rule and earns more; else the plan stays as it was.
    """
    best, best_value = spend, mean_value(problem, spend)
    for _ in range(ROUNDS):
        step = _newton(problem, best)
        if step is None:
            break
        trial = best + step
        value = mean_value(problem, trial)
        if value <= best_value or broken(problem, trial):
            break
        best, best_value = trial, value
    return best


def _newton(problem: Problem, spend: np.ndarray) -> np.ndarray | None:
    """The step to the top of the quadratic model on the active rules, shortened to stay within bounds."""
    slope = marginal(problem, spend)
    nudge = NUDGE * np.maximum(spend, 1e-6 * problem.budget.high)
    bend = (marginal(problem, spend + nudge) - marginal(problem, spend - nudge * (spend > nudge))) / (
        nudge * (1 + (spend > nudge))
    )
    free = [c for c in free_channels(problem, spend) if bend[c] < 0]
    if len(free) < 2:
        return None
    rows = [problem.rules[index].weights[free] for index in active_rows(problem, spend)]
    matrix = np.array(rows).reshape(len(rows), len(free))
    relaxed = matrix / bend[free]
    prices = np.linalg.lstsq(relaxed @ matrix.T, relaxed @ slope[free], rcond=None)[0]
    step = np.zeros(len(spend))
    step[free] = (matrix.T @ prices - slope[free]) / bend[free]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step > 0, (problem.upper - spend) / step, (problem.lower - spend) / step)
    shortest = float(np.min(room[step != 0], initial=1.0))
    return step * min(1.0, shortest) if np.any(step) else None
