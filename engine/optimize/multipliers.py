"""Multipliers: what the rules across channels cost a plan, where kinks and corners leave more than one answer.

The worth of a plan has a slope towards more room and another towards less wherever a channel stands at a kink (today's
spend, from which moves are charged) or at a limit of its own. All multipliers that explain the plan then form a set,
and the slope towards more room is the least of what its members say (Rockafellar, Convex Analysis, 1970, section 28).
"""

import importlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.polish import active_rows, movable, sides
from engine.optimize.rules import Problem

EXACT = 1e-9  # of the steepest slope: what one slope may differ from another and count as the same


@dataclass(frozen=True)
class Explained:
    """A plan's slopes and its active rows: everything that its multipliers must explain."""

    rows: tuple[int, ...]  # indices of the active rules across channels
    weights: Float[np.ndarray, "row channel"]
    last: Float[np.ndarray, " channel"]  # what the last unit of money earns [objective per currency]
    next: Float[np.ndarray, " channel"]  # what one more unit earns; less than the last where a toll begins
    up: Bool[np.ndarray, " channel"]  # channels with room to spend more, and to spend less
    down: Bool[np.ndarray, " channel"]
    signs: Float[np.ndarray, " row"]  # 1 for an upper limit, -1 for a lower one, 0 for an amount that must be met

    @property
    def smooth(self) -> Bool[np.ndarray, " channel"]:
        """Channels that can move both ways at one slope."""
        even = np.abs(self.last - self.next) <= EXACT * np.abs(self.last)
        return self.up & self.down & even


def explained(problem: Problem, spend: Float[np.ndarray, " channel"]) -> Explained:
    """What the multipliers of a plan must explain."""
    rows, (up, down) = active_rows(problem, spend), movable(problem, spend)
    slack = 1e-7 * float(spend.sum())
    for rule in problem.rules[1:]:
        if rule.channel is not None and not rule.is_discrete:  # also a cap of all the budget stays where more comes
            up[rule.channel] &= spend[rule.channel] < rule.high - slack
    rules = [problem.rules[index] for index in rows]
    weights = np.array([rule.weights for rule in rules]).reshape(len(rows), len(spend))
    signs = np.array([0.0 if rule.low == rule.high else 1.0 if np.isfinite(rule.high) else -1.0 for rule in rules])
    return Explained(tuple(rows), weights, *sides(problem, spend), up, down, signs)


def least(plan: Explained, direction: Float[np.ndarray, " row"]) -> float:
    """The least that multipliers which explain a plan say of moving its rows' limits: the slope towards there.

    Minus infinity where no plan is there: then they form a set without end.

    Args:
        plan: What they must explain.
        direction: By how much the limit of each active row moves [currency per unit of room].
    """
    if not len(plan.rows):
        return 0.0
    if plan.rows == (0,):
        return _of_budget(plan, float(direction[0]))
    smooth = plan.weights[:, plan.smooth]
    if np.linalg.matrix_rank(smooth) == len(plan.rows):
        return float(direction @ np.linalg.lstsq(smooth.T, plan.next[plan.smooth], rcond=None)[0])
    return _by_program(plan, direction)


def _of_budget(plan: Explained, direction: float) -> float:
    """Money that comes in goes to the best channel with room; what is needed leaves the one that misses it least."""
    sign = float(plan.signs[0])
    coming = plan.next[plan.up].max(initial=0.0 if sign > 0 else -math.inf)  # where it may be left over: or nowhere
    leaving = plan.last[plan.down].min(initial=0.0 if sign < 0 else math.inf)
    return float(direction * (coming if direction > 0 else leaving)) if direction else 0.0


def _by_program(plan: Explained, direction: np.ndarray) -> float:
    """The least over all multipliers that leave no channel a better move, up to what the plan itself leaves."""
    linprog = importlib.import_module("scipy.optimize").linprog  # takes longer to load than all else here
    scale = max(float(np.abs(plan.last).max()), float(np.abs(plan.next).max()), 1e-300)
    sides_of = np.concatenate([-plan.weights.T[plan.up], plan.weights.T[plan.down]])
    limits = np.concatenate([-plan.next[plan.up], plan.last[plan.down]]) / scale
    matrix = np.column_stack([sides_of, -np.ones(len(limits))])
    ends = [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in plan.signs]
    cost = np.append(np.zeros(len(plan.rows)), 1.0)
    nearest = linprog(cost, matrix, limits, bounds=[*ends, (0.0, None)], method="highs")
    left = float(nearest.x[-1]) * (1 + EXACT) + EXACT
    found = linprog(np.append(direction, 0.0), matrix, limits, bounds=[*ends, (0.0, left)], method="highs")
    return float(direction @ found.x[:-1]) * scale if found.status == 0 else -math.inf
