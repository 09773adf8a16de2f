"""From a plan of several decisions to a better one near it, steps and numbers of active channels kept.

What is in no steps climbs its hill, with active channels as they are, and steps are exchanged between two cells as long
as that earns more.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.conflict.discrete import nearest, settled, snapped
from engine.optimize.over_time.ascent import reached
from engine.optimize.over_time.course import means
from engine.optimize.over_time.several import by_cell, chances, mean_value
from engine.optimize.rules import Problem, broken

MOST = 200  # exchanges of one plan
MANY = 240  # cells from which on steps are exchanged between channels alone
WORTH = 1e-9  # of the plan's value: what an exchange must earn
EVEN = 1e-9  # of a step: what two amounts may differ and count as the same


@dataclass(frozen=True)
class Trial:
    """One channel's money changed in one or two decisions."""

    change: Float[np.ndarray, " decision"]  # [currency]
    gain: float  # mean objective after tolls

    @property
    def amount(self) -> float:
        """By how much its total changes [currency]."""
        return float(self.change.sum())


def improved(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"] | None:
    """The best plan near a spend that keeps every rule; None where there is none."""
    near = spend if not broken(problem, spend) else nearest(problem.rules, problem.decisions, spend)
    return None if near is None or broken(problem, near) else _improved(problem, near)


def _improved(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """The plan after ascents of what is in no steps, and exchanges of steps."""
    spend = _risen(problem, spend)
    stepped = steps(problem)
    if not stepped.any():
        return spend
    return _risen(problem, _exchanged(problem, spend, stepped))


def _risen(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """The top of the hill, with steps and active channels as they are."""
    top = reached(replace(problem, rules=settled(problem.rules, problem.decisions, spend)), spend)
    if top is None:
        return spend
    exact = snapped(problem.rules, problem.decisions, top)
    better = not broken(problem, exact) and mean_value(problem, exact) > mean_value(problem, spend)
    return exact if better else spend


def steps(problem: Problem) -> Float[np.ndarray, " cell"]:
    """The step of each cell, 0 where it has none [currency]."""
    sizes = np.zeros(len(problem.names) * problem.decisions)
    for rule in problem.rules:
        if rule.step:
            sizes[np.flatnonzero(rule.weights)[-1]] = rule.step  # of a decision that has begun the first part is over
    return sizes


def _exchanged(
    problem: Problem, spend: Float[np.ndarray, " cell"], steps: Float[np.ndarray, " cell"]
) -> Float[np.ndarray, " cell"]:
    """The plan after the best exchanges that keep every rule, one after the other."""
    best = spend.copy()
    open_cells = _open(problem, spend)
    trials = [_trials(problem, best, steps, open_cells, channel) for channel in range(len(problem.names))]
    least = WORTH * abs(mean_value(problem, spend))
    for _ in range(MOST):
        moved = _best_move(problem, best, trials, least)
        if moved is None:
            break
        best, touched = moved
        for channel in touched:
            trials[channel] = _trials(problem, best, steps, open_cells, channel)
    return best if mean_value(problem, best) > mean_value(problem, spend) else spend


def _best_move(
    problem: Problem, spend: np.ndarray, trials: list[list[Trial]], least: float
) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """The plan after the best change of one channel, or of two by the same amount, that keeps every rule."""
    total = float(spend.sum())
    low, high = problem.budget.low - total - EVEN * total, problem.budget.high - total + EVEN * total
    alone: list[tuple[float, tuple[tuple[int, Trial], ...]]] = [
        (one.gain, ((channel, one),))
        for channel, own in enumerate(trials)
        for one in own
        if one.gain > least and low <= one.amount <= high
    ]
    more = [(channel, one) for channel, own in enumerate(trials) for one in own if one.amount > 0]
    less = [(channel, one) for channel, own in enumerate(trials) for one in own if one.amount < 0]
    if more and less:
        gains = np.add.outer([one.gain for _, one in more], [one.gain for _, one in less])
        apart = np.not_equal.outer([channel for channel, _ in more], [channel for channel, _ in less])
        given, taken = np.array([one.amount for _, one in more]), np.array([-one.amount for _, one in less])
        even = np.abs(np.subtract.outer(given, taken)) <= EVEN * given[:, None]
        rows, columns = np.nonzero((gains > least) & apart & even)
        alone += [
            (float(gains[i, j]), (more[i], less[j])) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
    for _, parts in sorted(alone, key=lambda move: -move[0]):
        changed = spend.copy()
        for channel, one in parts:
            by_cell(problem, changed)[channel] += one.change
        changed = snapped(problem.rules, problem.decisions, np.maximum(changed, 0.0))
        if not broken(problem, changed):
            return changed, tuple(channel for channel, _ in parts)
    return None


def _open(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Bool[np.ndarray, " cell"]:
    """Cells that an exchange may touch: of channels that are active, or that nothing counts, and not fixed."""
    counted = np.zeros(len(problem.names), bool)
    for rule in problem.rules:
        if rule.active and rule.active.most is not None:
            counted |= rule.members(problem.decisions)
    off = counted & (by_cell(problem, spend).sum(axis=1) <= 0)
    return ~np.repeat(off, problem.decisions) & (problem.upper > problem.lower)


def _trials(
    problem: Problem,
    spend: Float[np.ndarray, " cell"],
    steps: Float[np.ndarray, " cell"],
    open_cells: Bool[np.ndarray, " cell"],
    channel: int,
) -> list[Trial]:
    """The changes of one channel's money by steps, within its own limits, and what each earns."""
    own = slice(channel * problem.decisions, (channel + 1) * problem.decisions)
    money, low, high = spend[own], problem.lower[own], problem.upper[own]
    sizes = np.unique(steps[steps > 0])
    changes = [change for change in _changes(problem, steps[own], sizes.tolist()) if not change[~open_cells[own]].any()]
    slack = EVEN * float(sizes.max())
    changes = [one for one in changes if (money + one >= low - slack).all() and (money + one <= high + slack).all()]
    if not changes:
        return []
    courses = np.maximum(np.array([np.zeros(len(money)), *changes]) + money, 0.0)
    payoff, way = problem.payoffs[channel], problem.ways[channel]
    worth = payoff.margin * means(way.course, courses, chances(problem)) - courses @ way.cost
    worth = worth - payoff.doubted(courses.sum(axis=1))
    return [Trial(change, float(gain)) for change, gain in zip(changes, worth[1:] - worth[0], strict=True)]


def _changes(problem: Problem, steps: Float[np.ndarray, " decision"], sizes: list[float]) -> Iterator[np.ndarray]:
    """An amount more or less in one decision, or from one decision to another; whole steps of both."""
    count, units = len(steps), np.eye(len(steps))
    for size in sizes:
        fits = [at for at in range(count) if _is_multiple(size, float(steps[at]))]
        for at in fits:
            yield size * units[at]
            yield -size * units[at]
            if len(problem.names) * count <= MANY:
                yield from (size * (units[at] - units[to]) for to in fits if to != at)


def _is_multiple(size: float, step: float) -> bool:
    return not step or (math.isclose(size / step, round(size / step), rel_tol=EVEN) and size >= step * (1 - EVEN))
