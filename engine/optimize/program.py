"""Programs in cvxpy: plans under rules about several channels, and questions about the rules alone.

Every curve enters as concave runs of its upper table. One run per channel makes a linear program, more
make a mixed-integer one with one yes-or-no per run. HiGHS solves both; its bound is the plan's bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cvxpy
import numpy as np
from jaxtyping import Float

from engine.optimize.branch import Found
from engine.optimize.envelope import hull
from engine.optimize.rules import Problem, Rule
from engine.optimize.tables import Table

GAP = 1e-4  # relative gap at which HiGHS may stop
LONGEST = 60.0  # seconds after which HiGHS stops and its bound is reported as it is
MERGED = (3e-3, 2e-4)  # of the mean channel's value: how far a line may pass above a convex stretch, two tries
DUST = 1e-8  # of a channel's largest spend: segments shorter than this are left out
CLOSED = 5e-4  # relative gap above which the second, finer try is made


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
    best: Found | None = None
    for merged in MERGED:
        found = _solve(problem, tables, _runs(tables, merged * mean))
        if found is None or all(table.concave for table in tables):
            return found
        best = found if best is None else Found(found.spend, min(found.bound, best.bound), 0)
        value = sum(float(np.interp(x, t.spend, t.value)) for x, t in zip(found.spend, tables, strict=True))
        if best.bound - value <= CLOSED * abs(best.bound):
            break
    return best


def _solve(problem: Problem, tables: list[Table], runs: Runs) -> Found | None:
    count = len(tables)
    money = problem.budget.high / (100 * count)  # so that a channel's spend is about 100
    worth = max(sum(float(np.ptp(table.upper)) for table in tables) / (100 * count), 1e-300)
    part = cvxpy.Variable(len(runs.length), nonneg=True)
    several = len(runs.owner) > count
    on = cvxpy.Variable(len(runs.owner), boolean=True) if several else np.ones(len(runs.owner))
    to_channel = (np.arange(count)[:, None] == runs.owner[None, :]).astype(float)
    to_run = (np.arange(len(runs.owner))[:, None] == runs.run[None, :]).astype(float)
    spend = to_channel @ cvxpy.multiply(runs.start / money, on) + to_channel @ to_run @ part
    value = (runs.base / worth) @ on + (runs.slope * money / worth) @ part
    limits = [part <= cvxpy.multiply(runs.length / money, to_run.T @ on)]
    if several:
        limits.append(to_channel @ on == 1)
    limits += _limits(problem.rules, spend, money)
    program = cvxpy.Problem(cvxpy.Maximize(value), limits)
    if several:
        program.solve(solver=cvxpy.HIGHS, mip_rel_gap=GAP, time_limit=LONGEST)
    else:
        program.solve(solver=cvxpy.HIGHS)
    if spend.value is None:
        return None
    bound = float(program.value)
    if several:
        stats = program.solver_stats.extra_stats
        bound = max(bound, -float(stats.mip_dual_bound))  # HiGHS minimises the negative
    return Found(_tidy(np.asarray(spend.value) * money, tables), worth * bound, 0)


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


def _tidy(spend: np.ndarray, tables: list[Table]) -> np.ndarray:
    """The solver's spend with its rounding removed at the ends of each table and of its gap."""
    for channel, table in enumerate(tables):
        ends = [table.spend[0], table.spend[-1], *(table.gap or ())]
        for end in ends:
            if abs(spend[channel] - end) <= 1e-9 * table.spend[-1]:
                spend[channel] = end
    return spend


def _runs(tables: list[Table], tolerance: float) -> Runs:
    """The concave runs of all channels: a run goes on as long as slopes fall."""
    owner, start, base, run, length, slope = [], [], [], [], [], []
    for channel, table in enumerate(tables):
        raised = _raised(table)
        knots = _corners(table, raised, tolerance)
        x, y = _without_dust(table.spend[knots], raised[knots], bool(table.gap))
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
    return Runs(*(np.array(part) for part in (owner, start, base, run, length, slope)))


def _without_dust(x: np.ndarray, y: np.ndarray, gap: bool) -> tuple[np.ndarray, np.ndarray]:
    """The corners without segments shorter than the solver's tolerance, on which it has been seen to fail.

    The value at the lower end is raised to that of the last corner left out, so that the line stays above.
    """
    first = 1 if gap else 0
    wide = x > x[first] + DUST * x[-1]
    dust = int(np.argmax(wide)) if wide.any() else len(x)
    y = y.copy()
    y[first] = y[first:dust].max()
    keep = np.ones(len(x), bool)
    keep[first + 1 : dust] = False
    return x[keep], y[keep]


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
    """Ends of the longest lines over a convex stretch that pass no further above it than `tolerance`."""
    at, last = ends
    corners = []
    while at < last:
        far = at + 1
        while far < last:
            inner = slice(at + 1, far + 1)
            line = y[at] + (y[far + 1] - y[at]) * (x[inner] - x[at]) / (x[far + 1] - x[at])
            if (line - y[inner]).max() > tolerance:
                break
            far += 1
        corners.append(far)
        at = far
    return corners


def least_relaxation(problem: Problem, rules: Sequence[Rule], loose: Sequence[int]) -> float | None:
    """The least sum of money by which the rules at `loose` must give way so that all can be kept.

    Returns:
        0 where nothing must give way; None where nothing that these rules can give is enough.
    """
    money = max(problem.budget.high, 1e-300) / 100
    count = len(problem.names)
    spend = cvxpy.Variable(count, nonneg=True)
    give = cvxpy.Variable(len(rules), nonneg=True)
    limits: list[cvxpy.Constraint] = []
    for index, rule in enumerate(rules):
        slack = give[index] if index in loose else 0.0
        row = rule.weights @ spend
        if rule.low > -np.inf:
            limits.append(row + slack >= rule.low / money)
        if rule.high < np.inf:
            limits.append(row - slack <= rule.high / money)
        if rule.flight:
            on = cvxpy.Variable(boolean=True)
            limits += [row + slack >= on * rule.flight / money, row <= 200 * on]
    program = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(give)), limits)
    program.solve(solver=cvxpy.HIGHS)
    if spend.value is None:
        return None
    amount = float(program.value) * money
    return amount if amount > 1e-7 * problem.budget.high else 0.0
