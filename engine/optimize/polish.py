"""A last step: from a plan on the knots to the exact optimum of its own concave stretch."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.rules import Problem, broken
from engine.optimize.tables import KINK, objective, steepness

ROUNDS = 20  # Newton steps: each squares the error, or takes a channel to a limit
NUDGE = 1e-4  # relative step of the second derivative
FLATTEST = 1e-9  # of the strongest bend: weaker ones count as this


def mean_value(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """Mean objective of a plan over all draws, less what its moves are charged for their doubt."""
    return sum(
        float(payoff.average(objective(payoff, spend[channel : channel + 1]))[0])
        for channel, payoff in enumerate(problem.payoffs)
    )


def charged(problem: Problem, spend: Float[np.ndarray, " channel"]) -> float:
    """What a plan's moves from today's split are charged for their doubt, at least 0 [objective]."""
    return sum(float(payoff.doubted(spend[channel : channel + 1])[0]) for channel, payoff in enumerate(problem.payoffs))


def marginal(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    """Mean objective that one more unit of money earns on each channel; the middle of both sides at a kink.

    Where nothing is spent it is taken at a billionth of the money, because the slope at 0 can be infinite.
    """
    last, following = sides(problem, spend)
    return (last + following) / 2


def sides(
    problem: Problem, spend: Float[np.ndarray, " channel"]
) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
    """Mean objective that the last unit of money earned on each channel, and that the next one earns.

    They differ at today's spend alone, from which moves to both sides are charged.
    """
    spend = np.where(spend > 0, spend, 1e-9 * (spend.sum() or problem.budget.high))
    slopes = np.empty((2, len(spend)))
    for channel, payoff in enumerate(problem.payoffs):
        at = spend[channel : channel + 1]
        earned = payoff.margin * float(payoff.average(steepness(payoff, at))[0])
        slopes[:, channel] = [earned - float(charge[0]) for charge in payoff.charge_sides(at)]
    return slopes[0], slopes[1]


def untolled(problem: Problem) -> Problem:
    """The problem without charges for the doubt of moves."""
    return replace(problem, payoffs=tuple(replace(payoff, toll=(0.0, 0.0)) for payoff in problem.payoffs))


def movable(
    problem: Problem, spend: Float[np.ndarray, " channel"]
) -> tuple[Bool[np.ndarray, " channel"], Bool[np.ndarray, " channel"]]:
    """Channels that can spend a little more, and a little less, without breaking a rule of their own."""
    low, high, flight = problem.lower, problem.upper, problem.flight
    high = np.where(high >= problem.budget.high, np.inf, high)  # the budget is a rule across channels
    slack = 1e-7 * float(spend.sum())
    grounded = (flight > 0) & (spend <= slack)
    least = np.where(spend > 0, np.maximum(low, flight), low)
    return ~grounded & (spend < high - slack), spend > least + slack


def free_channels(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Channels that can move both ways a little without breaking a rule of their own."""
    up, down = movable(problem, spend)
    return np.flatnonzero(up & down).tolist()


def active_rows(problem: Problem, spend: Float[np.ndarray, " channel"]) -> list[int]:
    """Indices of the rules about several channels that the plan just keeps."""
    slack = 1e-7 * float(spend.sum())
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
        for shorter in (1.0, 0.25, 0.0625):
            trial = np.clip(best + shorter * step, problem.lower, problem.upper)
            value = mean_value(problem, trial)
            if value > best_value and not broken(problem, trial):
                break
        else:
            break
        best, best_value = trial, value
    return best


def _newton(problem: Problem, spend: np.ndarray) -> np.ndarray | None:
    """The step to the top of a concave quadratic model on the active rules, shortened to keep all others.

    Where a curve is convex its bend enters without its sign, so that the step still leads upwards.
    """
    if not spend.any():
        return None
    up, down = movable(problem, spend)
    last, following = sides(problem, spend)
    free, rows = up & down & (last == following), active_rows(problem, spend)
    prices, rows = _prices(problem, (last + following) / 2, free, rows)
    worth = _across(problem, rows).T @ prices
    free = (up & (following > worth)) | (down & (last < worth))  # from a limit or a kink only where it pays
    slope = np.where(following > worth, following, last)
    if not free.any():
        return None
    bend = np.maximum(_bend(problem, spend), np.finfo(float).tiny)
    bend = np.maximum(bend, FLATTEST * bend[free].max())[free]
    matrix = _across(problem, rows)[:, free]
    prices = np.linalg.lstsq(matrix / bend @ matrix.T, matrix / bend @ slope[free], rcond=None)[0]
    step = np.zeros(len(spend))
    step[free] = (slope[free] - matrix.T @ prices) / bend
    return step * _room(problem, spend, step, rows) if np.any(step) else None


def _across(problem: Problem, rows: list[int]) -> Float[np.ndarray, "row channel"]:
    """Weights of the rules at `rows`."""
    return np.array([problem.rules[index].weights for index in rows]).reshape(len(rows), len(problem.names))


def _prices(
    problem: Problem, slope: np.ndarray, free: np.ndarray, rows: list[int]
) -> tuple[Float[np.ndarray, " row"], list[int]]:
    """Multipliers of active rows, without the rows that the plan would rather leave."""
    while True:
        known = free if free.any() else np.ones(len(slope), bool)
        prices = np.linalg.lstsq(_across(problem, rows)[:, known].T, slope[known], rcond=None)[0]
        held = [problem.rules[index] for index in rows]
        wrong = [
            0.0 if rule.low == rule.high else max(0.0, -price if math.isfinite(rule.high) else price)
            for rule, price in zip(held, prices, strict=True)
        ]
        if max(wrong, default=0.0) <= 1e-9 * float(np.abs(slope).max()):
            return prices, rows
        worst = int(np.argmax(wrong))
        rows = rows[:worst] + rows[worst + 1 :]


def _bend(problem: Problem, spend: np.ndarray) -> Float[np.ndarray, " channel"]:
    """Size of the second derivative of each channel's objective, kinks left out."""
    problem = untolled(problem)
    nudge = NUDGE * np.maximum(spend, 1e-6 * spend.sum())
    below = np.where(spend > nudge, spend - nudge, spend)
    return np.abs(marginal(problem, spend + nudge) - marginal(problem, below)) / (spend + nudge - below)


def _room(problem: Problem, spend: np.ndarray, step: np.ndarray, held: list[int]) -> float:
    """The share of a step, at most all of it, that keeps within every limit but those of the rows it runs along.

    A kink ahead is a limit too: there the slope changes.
    """
    flies = (problem.flight > 0) & (spend > 0)
    least = np.where(flies, np.maximum(problem.lower, problem.flight), problem.lower)
    kink = np.array([payoff.anchor if any(payoff.toll) else np.nan for payoff in problem.payoffs])
    most = np.where(spend < kink * (1 - KINK), np.minimum(kink, problem.upper), problem.upper)
    least = np.where(spend > kink * (1 + KINK), np.maximum(kink, least), least)
    weights = np.array([rule.weights for rule in problem.rules])
    at, by = np.append(spend, weights @ spend), np.append(step, weights @ step)
    low = np.append(least, [rule.low for rule in problem.rules])
    high = np.append(most, [rule.high for rule in problem.rules])
    moves = by != 0
    moves[len(spend) + np.array(held, int)] = False
    limit = np.where(by > 0, high, low)[moves]
    return max(0.0, float(np.min((limit - at[moves]) / by[moves], initial=1.0)))
