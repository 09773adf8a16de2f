"""From a problem to a plan's spend and its bound: tables, then the route that the structure asks for."""

import importlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.branch import Found, search
from engine.optimize.envelope import Group
from engine.optimize.polish import mean_value, polished
from engine.optimize.rules import Problem, broken
from engine.optimize.tables import Table, objective, tabulate

ERROR = 5e-5  # of the plan's value: what all tables together may add to the bound


@dataclass(frozen=True)
class Solved:
    """The best spend found, what it is worth, and what no spend can exceed."""

    spend: Float[np.ndarray, " channel"]
    value: float  # mean objective over all draws, recomputed without tables
    bound: float
    route: str

    @property
    def gap(self) -> float:
        """Relative distance between value and bound."""
        return (self.bound - self.value) / max(abs(self.bound), 1e-300)


Memory = dict[tuple[int, float, float, float, float], Table]


def solve(problem: Problem, memory: Memory | None = None, starts: tuple[np.ndarray, ...] = ()) -> Solved | None:
    """The best plan under every rule; None where no plan keeps them all.

    Args:
        problem: The question.
        memory: Tables of earlier problems on the same curves, used and added to.
        starts: Plans known beforehand; each one that keeps the rules is a candidate.
    """
    if np.any(problem.lower > problem.upper):
        return None
    tables = _tables(problem, {} if memory is None else memory)
    found, route = _routed(problem, tables)
    if found is None:
        return None
    candidates = [start for start in (found.spend, *starts) if not broken(problem, start)]
    if not candidates:
        raise AssertionError(f"the solver's plan breaks {[rule.name for rule in broken(problem, found.spend)]}")
    best = polished(problem, max(candidates, key=lambda spend: mean_value(problem, spend)))
    value = mean_value(problem, best)
    return Solved(best, value, max(found.bound, value), route)


def _routed(problem: Problem, tables: list[Table]) -> tuple[Found | None, str]:
    concave = all(table.concave for table in tables)
    groups = _groups(problem)
    if groups is None:
        program = importlib.import_module("engine.optimize.program")  # cvxpy takes longer to load than to solve
        kind = "linear program: every curve is concave" if concave else "mixed-integer program: S-shaped curves"
        return program.solve(problem, tables), f"{kind}, rules across channels (cvxpy, HiGHS)"
    low = problem.budget.low if np.isfinite(problem.budget.low) else 0.0
    found = search(tables, low, problem.budget.high, groups)
    if concave:
        return found, "concave curves: exact by falling marginal value"
    start = "" if groups else "dynamic programme for the plan, "
    return found, f"S-shaped curves: {start}branch and bound on envelopes for the proof"


def _groups(problem: Problem) -> tuple[Group, ...] | None:
    """The rules across channels as bounds of groups that do not overlap; None where they are not of that kind."""
    bounds: dict[tuple[bool, ...], tuple[float, float]] = {}
    for rule in problem.rows:
        if not np.all((rule.weights == 0) | (rule.weights == 1)):
            return None
        members = tuple((rule.weights == 1).tolist())
        low, high = bounds.get(members, (0.0, np.inf))
        bounds[members] = (max(low, rule.low), min(high, rule.high))
    groups = tuple(Group(np.array(members), low, high) for members, (low, high) in bounds.items())
    if groups and np.sum([group.members for group in groups], axis=0).max() > 1:
        return None
    return groups


def _tables(problem: Problem, memory: Memory) -> list[Table]:
    """One table per channel; those that an earlier problem already has are taken over."""
    scale = _scale(problem)
    tolerance = ERROR * scale / len(problem.names)
    tables = []
    for channel, payoff in enumerate(problem.payoffs):
        low, high, flight = (float(part[channel]) for part in (problem.lower, problem.upper, problem.flight))
        key = (channel, low, high, flight, payoff.margin)
        if key not in memory:
            memory[key] = tabulate(payoff, low, high, flight, tolerance)
        tables.append(memory[key])
    return tables


def _scale(problem: Problem) -> float:
    """The size of the plan's objective, from an even split: it only steers how fine tables are."""
    even = np.clip(problem.budget.high / len(problem.names), problem.lower, problem.upper)
    earned = (
        float(np.abs(objective(payoff, spend[None])).mean())
        for payoff, spend in zip(problem.payoffs, even, strict=True)
    )
    return max(sum(earned), 1e-300)
