"""From a problem to a plan's spend and its bound: tables, then the route that the structure asks for."""

import importlib
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.branch import Found, UndecidedError, search
from engine.optimize.closeness import FINER, ROUNDING, TABLES
from engine.optimize.envelope import Group
from engine.optimize.polish import Ground, climbed, ground, mean_value
from engine.optimize.rules import Problem, broken, open_returns
from engine.optimize.tables import Table, gross
from engine.optimize.tabling import Memory as Memory
from engine.optimize.tabling import focused, tables

TRIES = 3  # of ever finer tables
COARSELY = 1e-3  # of the plan's value: what all tables together may add to the bound, far from the best plan
LEAST_OUTCOME = 1e-3  # of all that the channels could earn: against an outcome smaller than this no gap is measured
LEAST_PROFIT = 1e-2  # the same for a profit, which is what is left of two large sums


@dataclass(frozen=True)
class Solved:
    """The best spend found, what it is worth, and what no spend can exceed."""

    spend: Float[np.ndarray, " channel"]
    value: float  # mean objective over all draws less tolls, recomputed without tables
    bound: float
    route: str
    gross: float  # what all channels could earn at the most, before the cost of the money
    least: float  # share of it: against a bound smaller than that no gap is measured, but against that
    proven: bool = True  # whether the bound is rigorous, not an estimate
    prices: tuple[float, ...] = ()  # of least returns that are no limits, at the bound [objective per outcome]

    @property
    def told(self) -> str:
        """The route; where it leads through questions with bounds of their own, its words are those of this bound."""
        if self.proven:
            return self.route.replace("bound estimated", "bound proven")
        return self.route.replace("bound proven over parts of all courses", "bound estimated")

    @property
    def gap(self) -> float:
        """Distance between value and bound, relative to the bound, or to what there is to earn where it is near 0."""
        return (self.bound - self.value) / max(abs(self.bound), self.least * self.gross, 1e-300)


def solve(problem: Problem, memory: Memory | None = None, starts: tuple[np.ndarray, ...] = ()) -> Solved | None:
    """The best plan under every rule; None where no plan keeps them all.

    Args:
        problem: The question.
        memory: Tables of earlier problems on the same curves, used and added to.
        starts: Plans known beforehand; each one that keeps the rules is a candidate.
    """
    memory = {} if memory is None else memory
    if open_returns(problem):
        returns = importlib.import_module("engine.optimize.returns.search")
        priced: Solved | None = returns.solved(problem, memory, starts)
        return priced
    if problem.ways and not problem.is_discrete:
        over_time = importlib.import_module("engine.optimize.over_time.search")  # its solver takes long to load
        timed: Solved | None = over_time.solved(problem, memory, starts)
        return timed
    if np.any(problem.lower > problem.upper * (1 + ROUNDING)):
        return None
    if problem.is_discrete:
        discrete = importlib.import_module("engine.optimize.discrete")
        counted: Solved | None = discrete.solved(problem, memory, starts)
        return counted
    return best_of(problem, memory, starts)


def best_of(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...]) -> Solved | None:
    """`solve` of one split, by tables and the route that its rules ask for."""
    problem = _tightened(problem)
    on, best = ground(problem), None
    scale = _size(problem, on)
    for attempt in range(TRIES):
        rough = not attempt and groups_of(problem) is not None
        made = _focused(problem, memory, scale) if rough else _tables(problem, memory, scale)
        solved = _solve(problem, on, made, starts)
        if solved is None:  # finer tables are the same question: a solver that finds no plan then has failed
            return best
        best = solved if best is None else _better(best, solved)
        if best.gap <= FINER or not (rough or abs(best.value) <= scale / 2):
            break
        scale = min(scale, max(abs(best.value), 1e-3 * scale))
    return best


def _solve(problem: Problem, on: Ground, made: list[Table], starts: tuple[np.ndarray, ...]) -> Solved | None:
    found, route = routed(problem, made)
    if found is None:
        return None
    candidates = [start for start in (*starts, _repaired(problem, found.spend)) if not broken(problem, start)]
    if not candidates:
        raise AssertionError(f"the solver's plan breaks {[rule.name for rule in broken(problem, found.spend)]}")
    best = _topped(problem, on, max(candidates, key=on.worth))
    value = on.worth(best)
    least = LEAST_PROFIT if any(payoff.cost for payoff in problem.payoffs) else LEAST_OUTCOME
    return Solved(best, value, _bounded(problem, found.bound, value), route, _gross(problem), least)


def _bounded(problem: Problem, bound: float, value: float) -> float:
    """A bound beside a plan; where a mixed-integer program's is below its plan it was wrong, and says nothing."""
    wrong = problem.is_discrete and bound < value - ROUNDING * abs(value)
    return _gross(problem) if wrong else max(bound, value)


def _topped(problem: Problem, on: Ground, spend: np.ndarray) -> np.ndarray:
    """The top of the hill on which a plan stands, its steps and active channels kept."""
    if not problem.is_discrete:
        return climbed(on, spend)
    discrete = importlib.import_module("engine.optimize.discrete")
    top = climbed(ground(discrete.held(problem, spend)), spend)
    return spend if broken(problem, top) else top


def _repaired(problem: Problem, spend: np.ndarray) -> np.ndarray:
    """The spend, or the nearest that keeps the rules: a solver's tolerance can be much of a plan that spends little."""
    if problem.is_discrete:
        counted = importlib.import_module("engine.optimize.conflict.discrete")
        spend = counted.snapped(problem.rules, problem.decisions, spend)
        near: np.ndarray | None = counted.nearest(problem.rules, 1, spend) if broken(problem, spend) else spend
        return spend if near is None else near
    if not broken(problem, spend):
        return spend
    feasible = importlib.import_module("engine.optimize.conflict.feasible")  # cvxpy
    kept: np.ndarray | None = feasible.nearest(problem.rules, spend)
    return spend if kept is None else kept


def _better(one: Solved, other: Solved) -> Solved:
    """The better plan of two with the lower bound of the two; both bounds are rigorous."""
    return replace(one if one.value > other.value else other, bound=min(one.bound, other.bound))


def _gross(problem: Problem) -> float:
    """What all channels could earn at the most, before the cost of the money."""
    limits = zip(problem.payoffs, problem.upper.tolist(), strict=True)
    return sum(gross(payoff, high) for payoff, high in limits)


def _tightened(problem: Problem) -> Problem:
    """The same problem under a limit of spend that a best plan cannot exceed, where the budget's is further away.

    Beyond the sum of all caps nothing can be spent. Where money counts as cost, what all channels could
    earn at the most, less what the least spends earn, pays for so much spend and no more.
    """
    budget = problem.budget
    if budget.low == budget.high:
        return problem
    high, costs = float(problem.upper.sum()), [payoff.cost for payoff in problem.payoffs]
    if min(costs) > 0 and not broken(problem, problem.lower):
        high = min(high, (_gross(problem) - mean_value(problem, problem.lower)) / min(costs) * (1 + ROUNDING))
    if high >= budget.high:
        return problem
    return replace(problem, rules=(replace(budget, high=high), *problem.rules[1:]))


def routed(problem: Problem, tables: list[Table]) -> tuple[Found | None, str]:
    """The best split over tables and its bound, in the way that the rules across channels ask for; and that way."""
    concave = all(table.concave for table in tables)
    groups = groups_of(problem)
    if groups is None:
        return _program(problem, tables)
    low = problem.budget.low if np.isfinite(problem.budget.low) else 0.0
    try:
        found = search(tables, low, problem.budget.high, groups)
    except UndecidedError:
        return _program(problem, tables)
    if concave:
        return found, "concave curves: exact by falling marginal value"
    start = "a dynamic programme helped, " if found and found.gridded else ""
    return found, f"S-shaped curves: {start}branch and bound on envelopes"


def _program(problem: Problem, tables: list[Table]) -> tuple[Found | None, str]:
    program = importlib.import_module("engine.optimize.program")  # cvxpy takes longer to load than to solve
    concave = all(table.concave for table in tables)
    kind = "linear program: every curve is concave" if concave else "mixed-integer program: S-shaped curves"
    if problem.is_discrete:
        kind = "mixed-integer program: steps or numbers of active channels"
        cut = importlib.import_module("engine.optimize.stepped").stepped(problem, tables)
        if cut is None:
            return None, kind
        tables = cut
    return program.solve(problem, tables), f"{kind}, rules across channels (cvxpy, HiGHS)"


def groups_of(problem: Problem) -> tuple[Group, ...] | None:
    """The rules across channels as bounds of groups, inner ones first; None where some overlap without being nested."""
    if problem.is_discrete:
        return None
    bounds: dict[tuple[bool, ...], tuple[float, float]] = {}
    for rule in problem.rows:
        if not np.all((rule.weights == 0) | (rule.weights == 1)):
            return None
        members = tuple((rule.weights == 1).tolist())
        low, high = bounds.get(members, (0.0, np.inf))
        bounds[members] = (max(low, rule.low), min(high, rule.high))
    groups = sorted(
        (Group(np.array(members), low, high) for members, (low, high) in bounds.items()),
        key=lambda group: int(group.members.sum()),
    )
    inside = np.array([group.members for group in groups], int).reshape(len(groups), len(problem.budget.weights))
    shared, size = inside @ inside.T, inside.sum(axis=1)
    nested = (shared == 0) | (shared == np.minimum(size[:, None], size))
    return tuple(groups) if nested.all() else None


def _tables(problem: Problem, memory: Memory, scale: float) -> list[Table]:
    """One table per channel for plans worth `scale`; what an earlier problem measured is taken over."""
    return tables(problem, memory, TABLES * scale / len(problem.names))


def _focused(problem: Problem, memory: Memory, scale: float) -> list[Table]:
    """The same, coarse where money hardly goes."""
    each = scale / len(problem.names)
    return focused(problem, memory, (COARSELY * each, TABLES * each), groups_of(problem) or ())


def _scale(problem: Problem) -> float:
    """The size of the plan's objective, from an even split: it only steers how fine tables are."""
    return _size(problem, ground(problem))


def _size(problem: Problem, on: Ground) -> float:
    even = np.clip(problem.budget.high / len(problem.names), on.lower, on.upper)
    return max(float(np.abs(on.earns.means(even)[0] - on.charge(even)).sum()), 1e-300)
