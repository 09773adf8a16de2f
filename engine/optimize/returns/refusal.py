"""Why no plan keeps some least returns: what money can bring at most beside the other rules, in the user's words."""

from dataclasses import replace

import numpy as np

from engine.errors import UntrustworthyError
from engine.optimize.returns.row import Return, mean_outcome
from engine.optimize.returns.search import weighted
from engine.optimize.rules import Problem, open_returns
from engine.optimize.solve import Solved, solve
from engine.words import plain

ROUNDS = 20  # of rising returns
CLOSE = 1e-9  # relative rise of a return that ends them


def reason(problem: Problem) -> str:
    """Which least return cannot be kept beside the rules, and what can; empty where the rules alone are in conflict."""
    free = replace(problem, returns=())
    if solve(free) is None:
        return ""
    alone = []
    for row in open_returns(problem):
        alone.append(_alone(problem, row))
        if alone[-1] is False:
            best = highest(problem, row)
            most = "the most of any plan that was found" if problem.ways else "the most that they leave room for"
            return (
                f"no plan keeps {plain(row.name)} beside the other rules; {most} is {plain(row.told(best))}. Ways out: "
                "that figure, or less money that must be spent there"
            )
    names = ", ".join(plain(row.name) for row in open_returns(problem))
    each = "; each alone can be kept" if all(alone) else ""
    return f"no plan keeps these together beside the other rules: {names}{each}. Ease one of them"


def _alone(problem: Problem, row: Return) -> bool | None:
    """Whether a least return can be kept without the others; None where that is not known."""
    try:
        return solve(replace(problem, returns=(row,))) is not None
    except UntrustworthyError:
        return None


def highest(problem: Problem, row: Return) -> float:
    """The most outcome per unit of its money that any plan under the rules has, as far as the planner finds it.

    A return is raised to that of the plan with the most room at the last one, until it rises no more (Dinkelbach, On
    nonlinear fractional programming, 1967).
    """
    least, last = 0.0, None
    for _ in range(ROUNDS):
        asked = replace(row, least=least)
        found = solve(weighted(problem, (asked,), np.ones(1), 0.0))
        now = None if found is None else _brings(problem, row, found)
        if now is None or (last is not None and now <= last * (1 + CLOSE)):
            break
        least = last = now
    return least


def _brings(problem: Problem, row: Return, found: Solved) -> float | None:
    """Outcome per money of a plan; None where nothing is spent on the members."""
    totals = found.spend.reshape(len(problem.names), -1).sum(axis=1)
    spent = float(totals[row.members].sum())
    brought = sum(
        float(row.scale[at]) * mean_outcome(problem.payoffs, problem.ways, found.spend, at)
        for at in np.flatnonzero(row.members).tolist()
    )
    return brought / spent if spent > 0 else None
