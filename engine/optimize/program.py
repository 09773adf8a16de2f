"""Programs in cvxpy: plans under rules about several channels that overlap.

Every curve enters as concave runs of its upper table. One run per channel makes a linear program, more
make a mixed-integer one with one yes-or-no per run. HiGHS solves both; its bound is the plan's bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cvxpy
import numpy as np

from engine.errors import UntrustworthyError
from engine.optimize.branch import Found
from engine.optimize.closeness import NEARLY, SEARCHED
from engine.optimize.envelope import hull
from engine.optimize.rules import Problem, Rule
from engine.optimize.tables import Table

LONGEST = 60.0  # seconds after which HiGHS stops and its bound is reported as it is
MERGED = (3e-3, 2e-4)  # of the mean channel's value: how far a line may pass above a convex stretch, two tries
FINEST = 2e-5  # the same at the least, where a plan is worth little of what channels earn
UNIT = 100.0  # what the mean channel's share of the budget is scaled to: the solver's tolerances are absolute
EXACT = 1e-9  # the solver's tolerance
STRETCH = 5e-10  # of each segment, where few channels take all: HiGHS has called runs that just reach impossible
DUST = 1e-9  # segments shorter than this count as free: the solver does not see them


@dataclass(frozen=True)
class Runs:
    """Concave runs of all channels, as flat arrays of runs and of their segments."""

    owner: np.ndarray  # channel of each run
    start: np.ndarray  # spend at which a run starts
    base: np.ndarray  # upper value there
    run: np.ndarray  # run of each segment
    length: np.ndarray
    slope: np.ndarray


def solve(problem: Problem, tables: list[Table]) -> Found | None:
    """The best plan under every rule and its bound; None where no plan keeps them all."""
    mean = sum(float(np.ptp(table.upper)) for table in tables) / len(tables)
    tables = _parted(problem, tables)
    first = _solve(problem, tables, runs_of(tables, MERGED[0] * mean))
    if first is None or all(table.concave for table in tables):
        return first
    value = sum(float(np.interp(x, t.spend, t.value)) for x, t in zip(first.spend, tables, strict=True))
    if first.bound - value <= NEARLY * abs(first.bound):
        return first
    finer = max(FINEST * mean, MERGED[1] * min(mean, abs(value) / len(tables)))
    second = _solve(problem, tables, runs_of(tables, finer))
    return first if second is None else Found(second.spend, min(first.bound, second.bound), 0)


def _solve(problem: Problem, tables: list[Table], runs: Runs) -> Found | None:
    count, money = len(tables), _money(problem)
    worth = max(sum(float(np.ptp(table.upper)) for table in tables) / (UNIT * count), 1e-300)
    taken = cvxpy.Variable(len(runs.length), nonneg=True)  # share of each segment
    several = len(runs.owner) > count
    on = cvxpy.Variable(len(runs.owner), boolean=True) if several else np.ones(len(runs.owner))
    to_channel = (np.arange(count)[:, None] == runs.owner[None, :]).astype(float)
    to_run = (np.arange(len(runs.owner))[:, None] == runs.run[None, :]).astype(float)
    length = _without_dust(runs, money) / money * (1 + STRETCH * problem.is_discrete)
    start = np.where(runs.start < DUST * money, 0.0, runs.start / money)
    spend = to_channel @ (cvxpy.multiply(start, on) + to_run @ cvxpy.multiply(length, taken))
    gain = runs.slope * runs.length / worth
    value = (runs.base / worth) @ on + gain @ taken
    limits = [taken <= to_run.T @ on]
    if several:
        limits.append(to_channel @ on == 1)
    limits += _limits(problem.rules, spend, money)
    limits += _discrete(problem.rules, spend, to_channel @ cvxpy.multiply((runs.start > 0).astype(float), on), money)
    program = cvxpy.Problem(cvxpy.Maximize(value), limits)
    slack = (EXACT + STRETCH) * worth * float(np.abs(gain).sum())
    for presolve in ("on", "off"):
        bound = _answered(program, presolve)
        if bound is None or spend.value is None:
            return None
        plan = _tidy(np.asarray(spend.value) * money, tables)
        reached = sum(float(np.interp(x, t.spend, t.upper)) for x, t in zip(plan, tables, strict=True))
        limit = worth * bound + slack
        if reached <= limit + EXACT * abs(reached):
            break
    return Found(plan, max(limit, reached), 0)


def _money(problem: Problem) -> float:
    """The user's money in one unit of the program."""
    return (problem.budget.high or 1.0) / (UNIT * len(problem.names))


def _answered(program: cvxpy.Problem, presolve: str) -> float | None:
    """The bound of a program after HiGHS has solved it; None where it has no plan.

    HiGHS leaves out branches that promise less than `SEARCHED` more, and its dual bound forgets them.

    Raises:
        UntrustworthyError: The solver stopped before it knew.
    """
    tolerances = dict.fromkeys(("primal_feasibility_tolerance", "dual_feasibility_tolerance"), EXACT)
    if program.is_mixed_integer():
        tolerances |= {"mip_feasibility_tolerance": EXACT, "mip_rel_gap": SEARCHED, "time_limit": LONGEST}
    try:
        program.solve(solver=cvxpy.HIGHS, presolve=presolve, **tolerances)
    except cvxpy.error.SolverError as fault:
        raise UntrustworthyError(
            f"the solver failed on these rules across channels ({fault}); drop some of them or minimum flights"
        ) from None
    if program.status in (cvxpy.INFEASIBLE, cvxpy.INFEASIBLE_INACCURATE):
        return None
    if program.value is None or not np.isfinite(program.value):
        raise UntrustworthyError(
            f"the solver found no plan in {LONGEST:g} seconds and no proof that there is none ({program.status}); "
            "drop some rules across channels or minimum flights"
        )
    value = float(program.value)
    if not program.is_mixed_integer():
        return value
    dual = -float(program.solver_stats.extra_stats.mip_dual_bound)  # HiGHS minimises the negative
    return max(value + SEARCHED * abs(value), dual)


def _limits(rules: Sequence[Rule], spend: cvxpy.Expression, money: float) -> list[cvxpy.Constraint]:
    limits = []
    for rule in rules:
        row = rule.weights @ spend
        if rule.low == rule.high:
            limits.append(row == rule.low / money)
            continue
        if rule.low > -np.inf:
            limits.append(row >= rule.low / money)
        if rule.high < np.inf:
            limits.append(row <= rule.high / money)
    return limits


def _without_dust(runs: Runs, money: float) -> np.ndarray:
    """Lengths of segments, those that the solver does not see taken free, and made up for by the longest of their run.

    So a run ends where it did, and nowhere on the way it is worth less than before.
    """
    short = runs.length < DUST * money
    length = np.where(short, 0.0, runs.length)
    for run in np.unique(runs.run[short]).tolist():
        own = np.flatnonzero(runs.run == run)
        longest = own[int(np.argmax(length[own]))]
        length[longest] += float(runs.length[own][short[own]].sum()) if length[longest] else 0.0
    return length


def _parted(problem: Problem, tables: list[Table]) -> list[Table]:
    """The tables with a run of its own for spending nothing, where active channels are counted.

    The first knot above 0 is so close to it that nothing lies between.
    """
    members = [rule.members(1) for rule in problem.rules if rule.active]
    counted = np.any(members, axis=0) if members else np.zeros(len(tables), bool)
    return [
        replace(table, gap=(0.0, float(table.spend[1])))
        if counts and table.gap is None and table.spend[0] == 0 and len(table.spend) > 1
        else table
        for counts, table in zip(counted.tolist(), tables, strict=True)
    ]


def _discrete(
    rules: Sequence[Rule], spend: cvxpy.Expression, active: cvxpy.Expression, money: float
) -> list[cvxpy.Constraint]:
    """Steps and numbers of active channels, with whole unknowns of their own."""
    limits = []
    stepped = [rule for rule in rules if rule.step]
    if stepped:
        size = np.array([rule.step for rule in stepped]) / money
        weights = np.array([rule.weights for rule in stepped])
        steps = cvxpy.Variable(len(stepped), integer=True)
        limits += [steps >= 0, weights @ spend == cvxpy.multiply(size, steps)]
    for rule in rules:
        if rule.active is None:
            continue
        members = np.flatnonzero(rule.members(1))
        if rule.active.most is not None:
            limits.append(cvxpy.sum(active[members]) <= rule.active.most)
        if rule.active.least:
            counts = cvxpy.Variable(len(members), boolean=True)
            limits += [spend[members] >= rule.active.each / money * counts, cvxpy.sum(counts) >= rule.active.least]
    return limits


def _tidy(spend: np.ndarray, tables: list[Table]) -> np.ndarray:
    """The solver's spend with its rounding removed at the ends of each table and of its gap."""
    for channel, table in enumerate(tables):
        ends = [table.spend[0], table.spend[-1], *(table.gap or ())]
        for end in ends:
            if abs(spend[channel] - end) <= 1e-9 * table.spend[-1]:
                spend[channel] = end
    return spend


def runs_of(tables: list[Table], tolerance: float) -> Runs:
    """The concave runs of all channels: a run goes on as long as slopes fall."""
    owner, start, base, run, length, slope = [], [], [], [], [], []
    for channel, table in enumerate(tables):
        raised = _raised(table)
        knots = _corners(table, raised, tolerance)
        x, y = table.spend[knots], raised[knots]
        rise = np.diff(y) / np.diff(x)
        first = 0
        for segment in range(len(rise) + 1):
            ends = segment == len(rise)
            in_gap = bool(table.gap) and segment == 0 and not ends
            if not (ends or in_gap or (segment > first and rise[segment] > rise[segment - 1])):
                continue
            owner.append(channel)
            start.append(x[first])
            base.append(y[first])
            run += [len(owner) - 1] * (segment - first)
            length += list(np.diff(x)[first:segment])
            slope += list(rise[first:segment])
            first = segment + 1 if in_gap else segment
    if not length:  # every channel is fixed; cvxpy does not take a variable without parts
        run, length, slope = [0], [0.0], [0.0]
    return Runs(*(np.array(part) for part in (owner, start, base, run, length, slope)))


def _raised(table: Table) -> np.ndarray:
    """The upper table with the same distance from the curve all along a convex stretch, so convex itself."""
    raised = table.upper.copy()
    for first, last, concave in table.stretches:
        if not concave:
            part = slice(first, last + 1)
            raised[part] = table.value[part] + (table.upper[part] - table.value[part]).max()
    return raised


def _corners(table: Table, raised: np.ndarray, tolerance: float) -> list[int]:
    """Knots whose connecting lines stay above the curve: its envelope on a concave stretch, on a convex
    one the longest lines that pass no further above it than `tolerance`."""
    corners = [0, 1] if table.gap and len(table.spend) > 1 else [0]
    for first, last, concave in table.stretches:
        if concave:
            corners += hull(table.spend, raised, first, last)[1:].tolist()
        else:
            corners += _bridged(table.spend, raised, (first, last), tolerance)
    return corners


def _bridged(x: np.ndarray, y: np.ndarray, ends: tuple[int, int], tolerance: float) -> list[int]:
    """Ends of the longest lines over a convex stretch that pass no further above it than `tolerance`.

    Nor below it: the kink of a toll stands out of an otherwise convex stretch.
    """
    at, last = ends
    corners, rounding = [], 1e-12 * float(np.abs(y).max())
    while at < last:
        far = at + 1
        while far < last:
            inner = slice(at + 1, far + 1)
            line = y[at] + (y[far + 1] - y[at]) * (x[inner] - x[at]) / (x[far + 1] - x[at])
            above = line - y[inner]
            if above.max() > tolerance or above.min() < -rounding:
                break
            far += 1
        corners.append(far)
        at = far
    return corners
