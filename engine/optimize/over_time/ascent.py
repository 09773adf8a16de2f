"""Ascent: from a plan of several decisions to the top of its own hill, rules kept all the way.

Each step solves a quadratic model under all rules (sequential quadratic programming; Nocedal and Wright, 2006, chapter
18), by Clarabel. A bend upwards enters with its sign turned, so that the step still leads upwards; no step is taken
that does not earn more.
"""

from dataclasses import dataclass, replace

import clarabel
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.linalg import block_diag

from engine.optimize.over_time.course import bent, means
from engine.optimize.over_time.several import by_cell, chances, tolls
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem, broken
from engine.optimize.side_by_side import each

STEPS = 15  # at most
ENOUGH = 1e-6  # relative gain of a step below which the plan counts as the top
UNIT = 100.0  # what the mean cell's money is scaled to
NOTHING = 1e-9  # relative gain that a step must promise
REACH = 0.5  # of a cell's money, or of the mean cell's: the longest step of one round
LEAST = 1e-3  # of the budget: plans that spend less are looked at as if they spent this
FLATTEST = 1e-6  # of the strongest bend: weaker ones count as this
TIGHT = 1e-6  # of all spend: what counts as no slack
SHORTER = (1.0, 0.4, 0.1, 0.02)  # parts of a step that are tried


Program = tuple[np.ndarray, np.ndarray]
Rows = tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Place:
    """A plan, what it earns, and how that changes around it."""

    spend: Float[np.ndarray, " cell"]
    value: float  # mean objective, less tolls
    slope: Float[np.ndarray, " cell"]  # of the objective without tolls
    bend: Float[np.ndarray, "channel decision decision"]  # of each channel's courses, every one downwards


@dataclass(frozen=True)
class Holds:
    """The rows at the top of a hill, those of rules first, over all unknowns: cells, then tolls of channels."""

    weights: Float[np.ndarray, "row unknown"]
    slope: Float[np.ndarray, " unknown"]  # of the objective [objective per currency]
    rule: Int[np.ndarray, " row"]  # whose limit it is; -1: nothing below 0, the length of a step, a toll
    sign: Float[np.ndarray, " row"]  # 1 of an upper limit or an amount, -1 of a lower limit
    pull: Float[np.ndarray, " row"]  # what moving its limit by a unit earns, one of many where rows are dependent
    exact: Bool[np.ndarray, " row"]  # an amount that must be met
    tight: Bool[np.ndarray, " row"]  # those that the plan just keeps


def climbed(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """The plan at the top of the hill on which a plan that keeps all rules stands."""
    return top(problem, spend).spend


def top(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Place:
    """The top of the hill on which a plan that keeps all rules stands."""
    here, rules, reach = _place(problem, spend), on_their_sides(problem, spend), REACH
    for _ in range(STEPS):
        step = _step(problem, rules, here, reach)
        if step is None or step[1] <= NOTHING * abs(here.value):
            break
        trials = ((part, np.maximum(0.0, here.spend + part * step[0])) for part in SHORTER)
        tried = ((part, _place(problem, trial)) for part, trial in trials if not broken(problem, trial))
        part, there = next(((part, one) for part, one in tried if one.value > here.value), (0.0, here))
        if not part:
            break
        gain, here = there.value - here.value, there
        reach = REACH if part == 1.0 else reach / 2
        if gain <= ENOUGH * abs(here.value):
            break
    return here


def reached(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"] | None:
    """The top of the hill near a spend, which need not keep the rules; None where no plan near it keeps them."""
    found = summit(problem, spend)
    return None if found is None else found.spend


def summit(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Place | None:
    """The same as a place: with what it earns, and how that changes around it."""
    kept = spend if not broken(problem, spend) else nearest(problem, spend)
    return None if kept is None else top(problem, kept)


def shadow_prices(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " rule"]:
    """What one unit of room by each rule earns at the top of a hill: of a lower limit below 0 [objective/currency].

    Where the rules that hold the plan depend on each other, these are some of many. 0 for all where the program that
    tells them is not solved.
    """
    found, prices = holds(problem, spend), np.zeros(len(problem.rules))
    if found is not None:
        own = found.rule >= 0
        np.add.at(prices, found.rule[own], (found.sign * found.pull)[own])
    return prices


def holds(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Holds | None:
    """The rows that may hold a plan at the top of its hill; None where the program that tells them is not solved."""
    rules = on_their_sides(problem, spend)
    _, scale, curve, rows = _model_program(problem, rules, _place(problem, spend), REACH)
    found = _quadratic(*curve, rows)
    if found is None:
        return None
    limit, most, (fixed, amount) = rows
    moved, pull = found
    low, high = (np.array([getattr(rule, side) for rule in rules]) for side in ("low", "high"))
    exact = low == high
    lists = [np.flatnonzero(one) for one in (exact, np.isfinite(high) & ~exact, np.isfinite(low) & ~exact)]
    others = len(pull) - sum(map(len, lists))
    sign = np.repeat([1.0, 1.0, -1.0, 1.0], [*map(len, lists), others])
    wide = np.concatenate([fixed, np.zeros((len(fixed), len(moved) - fixed.shape[1]))], axis=1)
    weights = np.concatenate([wide, limit])
    slack = np.concatenate([amount, most]) - weights @ moved
    slope = -(curve[0] @ moved + curve[1]) * scale
    is_exact = np.arange(len(pull)) < len(lists[0])
    tight = is_exact | (slack <= TIGHT * UNIT * len(spend))
    return Holds(weights, slope, np.concatenate([*lists, np.full(others, -1)]), sign, pull * scale, is_exact, tight)


def nearest(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"] | None:
    """The plan closest to a spend that keeps every rule, with cells on their sides of minimum flights; or None."""
    unit = _unit(problem, spend)
    cells = len(spend)
    weights, most, exact = _rows(on_their_sides(problem, spend), unit, np.zeros(cells))
    never_below_0 = np.concatenate([weights, -np.eye(cells)]), np.concatenate([most, np.zeros(cells)])
    found = _quadratic(np.eye(cells), -spend / unit, (*never_below_0, exact))
    if found is None:
        return None
    kept = np.clip(found[0] * unit, problem.lower, problem.upper)
    return None if broken(problem, kept) else kept


def on_their_sides(problem: Problem, spend: Float[np.ndarray, " cell"]) -> list[Rule]:
    """The rules with each minimum flight as the side of it on which a spend is."""
    rules = []
    for rule in problem.rules:
        if not rule.flight:
            rules.append(rule)
        elif float(rule.weights @ spend) < rule.flight / 2:
            rules.append(replace(rule, high=0.0, flight=0.0))
        else:
            rules.append(replace(rule, low=max(rule.low, rule.flight), flight=0.0))
    return rules


def _step(
    problem: Problem, rules: list[Rule], here: Place, reach: float
) -> tuple[Float[np.ndarray, " cell"], float] | None:
    """The step to the top of a quadratic model under the rules, and what it earns there."""
    unit, scale, curve, rows = _model_program(problem, rules, here, reach)
    found = _quadratic(*curve, rows)
    if found is None:
        return None
    earned = -float(curve[1] @ found[0] + found[0] @ curve[0] @ found[0] / 2) * unit * scale
    return found[0][: len(here.spend)] * unit, earned + float(tolls(problem, here.spend).sum())


def _model_program(
    problem: Problem, rules: list[Rule], here: Place, reach: float
) -> tuple[float, float, Program, Rows]:
    """The model around a plan in units of its own: money, objective per money, curve and rows."""
    spend, cells = here.spend, len(here.spend)
    unit = _unit(problem, spend)
    scale = max(float(np.abs(here.slope).max()), 1e-300)
    longest = reach * np.maximum(spend, spend.sum() / cells) / unit
    weights, most, exact = _rows(rules, unit, spend)
    weights = np.concatenate([weights, np.eye(cells), -np.eye(cells)])
    most = np.concatenate([most, longest, np.minimum(longest, spend / unit)])
    bend = block_diag(*(-here.bend * unit / scale))
    curve, tolled = _with_tolls(problem, spend, (bend, -here.slope / scale), (weights, most), unit, scale)
    return unit, scale, curve, (*tolled, exact)


def _unit(problem: Problem, spend: Float[np.ndarray, " cell"]) -> float:
    """The user's money in one unit of the model: of the mean cell, also where next to nothing is spent."""
    budget = problem.budget.high if np.isfinite(problem.budget.high) else 0.0
    return max(float(spend.sum()), LEAST * budget, 1e-300) / (UNIT * len(spend))


def _place(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Place:
    """What a plan earns, with the slope and the bend of each channel's courses; where nothing is spent, just above."""
    odds, margin = chances(problem), np.array([payoff.margin for payoff in problem.payoffs])
    money, above = (by_cell(problem, one) for one in (spend, np.maximum(spend, 1e-9 * spend.sum() / len(spend))))

    def looked(channel: int) -> tuple[float, np.ndarray, np.ndarray]:
        course, own = problem.courses[channel], money[channel]
        outcome, rise, turn = bent(course, above[channel], odds)
        return outcome if (above[channel] == own).all() else float(means(course, own[None], odds)[0]), rise, turn

    outcome, rise, turn = (np.array(one) for one in zip(*each(looked, range(len(money))), strict=True))
    size, axes = np.linalg.eigh(margin[:, None, None] * turn)
    size = np.maximum(np.abs(size), FLATTEST * np.abs(size).max(axis=1, keepdims=True))
    bend = -np.einsum("cij,cj,ckj->cik", axes, size, axes)
    costs = np.array([way.cost for way in problem.ways])
    value = float(margin @ outcome) - float(np.sum(costs * money)) - float(tolls(problem, spend).sum())
    return Place(spend, value, (margin[:, None] * rise - costs).ravel(), bend)


def _with_tolls(
    problem: Problem, spend: np.ndarray, curve: Program, limits: Program, unit: float, scale: float
) -> tuple[Program, Program]:
    """The model with one more unknown for each channel whose moves are charged: its toll."""
    count, cells = problem.decisions, len(spend)
    charged = [at for at, payoff in enumerate(problem.payoffs) if any(payoff.toll)]
    if not charged:
        return curve, limits
    more = len(charged)
    bend = np.zeros((cells + more, cells + more))
    bend[:cells, :cells] = curve[0]
    slope = np.concatenate([curve[1], np.ones(more)])
    weights = np.concatenate([limits[0], np.zeros((len(limits[0]), more))], axis=1)
    rows, most = [], []
    for number, channel in enumerate(charged):
        payoff = problem.payoffs[channel]
        own = np.zeros(cells)
        own[channel * count : (channel + 1) * count] = 1.0
        moved = (float(own @ spend) - payoff.anchor) / unit
        for sign, toll in zip((-1.0, 1.0), payoff.toll, strict=True):
            price = sign * toll / scale  # toll >= price * (moved + step)
            rows.append(np.concatenate([price * own, -np.eye(more)[number]]))
            most.append(-price * moved)
    return (bend, slope), (np.concatenate([weights, np.array(rows)]), np.concatenate([limits[1], most]))


def _rows(
    rules: list[Rule], unit: float, spend: np.ndarray
) -> tuple[Float[np.ndarray, "row cell"], Float[np.ndarray, " row"], tuple[np.ndarray, np.ndarray]]:
    """Rules about a step from a spend: weights and most of those that limit, weights and amount of those that fix."""
    weights = np.array([rule.weights for rule in rules])
    at = weights @ spend
    low, high = (np.array([getattr(rule, side) for rule in rules]) for side in ("low", "high"))
    fixed = low == high
    upper, lower = np.isfinite(high) & ~fixed, np.isfinite(low) & ~fixed
    limit = np.concatenate([weights[upper], -weights[lower]])
    most = np.concatenate([(high - at)[upper], (at - low)[lower]]) / unit
    return limit, most, (weights[fixed], (high - at)[fixed] / unit)


def _quadratic(bend: np.ndarray, slope: np.ndarray, rows: Rows) -> tuple[np.ndarray, np.ndarray] | None:
    """Where 1/2 x' bend x + slope' x is least under the rows, and their prices, exact rows first; None if not found."""
    limit, most, (fixed, amount) = rows
    more = bend.shape[0]
    fixed = np.concatenate([fixed, np.zeros((len(fixed), more - fixed.shape[1]))], axis=1)
    limit = np.concatenate([limit, np.zeros((len(limit), more - limit.shape[1]))], axis=1)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    cones = [clarabel.ZeroConeT(len(fixed)), clarabel.NonnegativeConeT(len(limit))]
    solver = clarabel.DefaultSolver(
        sparse.triu(sparse.csc_matrix(bend)).tocsc(),
        slope,
        sparse.csc_matrix(np.concatenate([fixed, limit])),
        np.concatenate([amount, most]),
        cones,
        settings,
    )
    solution = solver.solve()
    solved = str(solution.status) in ("Solved", "AlmostSolved")
    return (np.array(solution.x), np.array(solution.z)) if solved else None
