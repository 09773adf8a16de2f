"""Ways of others to answer an instance: a local solver, a greedy grid, a plain mixed-integer program, an oracle."""

import cvxpy
import numpy as np
from instances import Bounds, Instance
from scipy.optimize import linprog, minimize

STARTS = 20
ITERATIONS = 200  # of SLSQP; SciPy's own default is 100
GREEDY = 1000  # steps of the greedy grid
STEPS = 1000  # of the oracle
PIECES = 60  # lines of the mixed-integer program a channel
LIMIT = 60.0  # seconds that HiGHS may take
MONEY = 100.0  # a channel's mean spend in the mixed-integer program


def slsqp(asked: Instance) -> np.ndarray | None:
    """One start from an even split, spend and outcome in money, exact gradients."""
    return _climbed(asked, np.full(len(asked.floor), asked.budget / len(asked.floor)))


def slsqp_often(asked: Instance) -> np.ndarray | None:
    """The best of an even split and 19 random ones."""
    rng, count = np.random.default_rng(1), len(asked.floor)
    starts = [np.full(count, asked.budget / count), *(asked.budget * rng.dirichlet(np.ones(count), STARTS - 1))]
    found = [spend for start in starts if (spend := _climbed(asked, start)) is not None]
    return max(found, key=asked.value) if found else None


def _climbed(asked: Instance, start: np.ndarray) -> np.ndarray | None:
    constraints = []
    for row, low, high in asked.rows():
        sides = [("eq", 1.0, low)] if low == high else [("ineq", 1.0, low), ("ineq", -1.0, -high)]
        constraints += [
            {"type": kind, "fun": lambda x, r=sign * row, b=limit: r @ x - b, "jac": lambda _, r=sign * row: r}
            for kind, sign, limit in sides
        ]
    found = minimize(
        lambda spend: -asked.value(spend),
        np.clip(start, asked.floor, asked.cap),
        jac=lambda spend: -asked.by_channel(spend)[1],
        method="SLSQP",
        bounds=list(zip(asked.floor, asked.cap, strict=True)),
        constraints=constraints,
        options={"maxiter": ITERATIONS, "ftol": 1e-9},
    )
    return nearest(asked, found.x) if np.all(np.isfinite(found.x)) else None


def nearest(asked: Instance, spend: np.ndarray) -> np.ndarray | None:
    """The spend, or the nearest that keeps the rules where it misses them by at most a thousandth of the budget."""
    if asked.is_kept(spend):
        return np.clip(spend, asked.floor, asked.cap)
    count, unit = len(spend), asked.budget / len(spend)
    rows = np.array([np.concatenate([row, -row]) for row, *_ in asked.rows()])
    over = np.array([high - row @ spend for row, _, high in asked.rows()]) / unit
    under = np.array([row @ spend - low for row, low, _ in asked.rows()]) / unit
    ends = [*zip(np.zeros(count), (asked.cap - spend) / unit, strict=True)]
    ends += [*zip(np.zeros(count), (spend - asked.floor) / unit, strict=True)]
    if any(high < 0 for _, high in ends):
        return nearest(asked, np.clip(spend, asked.floor, asked.cap))
    moved = linprog(np.ones(2 * count), np.vstack([rows, -rows]), np.concatenate([over, under]), bounds=ends)
    if moved.status != 0 or moved.fun * unit > 1e-3 * asked.budget:
        return None
    return spend + unit * (moved.x[:count] - moved.x[count:])


def greedy(asked: Instance) -> np.ndarray | None:
    """One small step of money after the other, to whoever gains most by it; least group sums come first."""
    spend, step = asked.floor.copy(), asked.budget / GREEDY
    low = [group for group in asked.groups if group.low > 0]
    value = asked.by_channel(spend)[0]
    gain = asked.by_channel(spend + step)[0] - value
    while (left := asked.budget - spend.sum()) > 1e-9 * asked.budget:
        pace = min(step, left)
        needy = [group.members for group in low if spend[group.members].sum() < group.low - 1e-9 * asked.budget]
        open_to = (needy[0] if needy else np.ones(len(spend), bool)) & (spend + pace <= asked.cap * (1 + 1e-12))
        for group in asked.groups:
            if spend[group.members].sum() + pace > group.high * (1 + 1e-12):
                open_to = open_to & ~group.members
        if not open_to.any():
            return nearest(asked, spend)
        best = int(np.argmax(np.where(open_to, gain, -np.inf)))
        spend[best] += pace
        one = Instance(
            asked.slope[:, [best]], asked.halfway[:, [best]], asked.ceiling[:, [best]], asked.budget, *[np.zeros(1)] * 2
        )
        gain[best] = one.value(spend[[best]] + step) - one.value(spend[[best]])
    return nearest(asked, spend)


def mixed_integer(asked: Instance) -> np.ndarray | None:
    """Each curve as straight lines between points that are denser near 0, by the textbook's formulation."""
    count, unit = len(asked.floor), asked.budget / len(asked.floor) / MONEY
    share = np.linspace(0, 1, PIECES + 1)[:, None] ** 3
    points = asked.floor + share * (np.minimum(asked.cap, asked.budget) - asked.floor)
    value = np.array([asked.by_channel(spend)[0] for spend in points])
    weight = cvxpy.Variable((PIECES + 1, count), nonneg=True)
    line = cvxpy.Variable((PIECES, count), boolean=True)
    spend = cvxpy.sum(cvxpy.multiply(points / unit, weight), axis=0)
    limits = [cvxpy.sum(weight, axis=0) == 1, cvxpy.sum(line, axis=0) == 1]
    limits += [weight[0] <= line[0], weight[PIECES] <= line[PIECES - 1]]
    limits += [weight[1:PIECES] <= line[1:] + line[:-1]]
    for row, low, high in asked.rows():
        limits += [row @ spend >= low / unit, row @ spend <= high / unit]
    worth = cvxpy.sum(cvxpy.multiply(value / value.max(axis=0).mean(), weight))
    program = cvxpy.Problem(cvxpy.Maximize(worth), limits)
    try:
        program.solve(solver=cvxpy.HIGHS, time_limit=LIMIT, mip_rel_gap=1e-4, threads=1)
    except cvxpy.SolverError:
        return None
    return None if spend.value is None else nearest(asked, np.asarray(spend.value) * unit)


def oracle(asked: Instance) -> np.ndarray | None:
    """Dynamic programming over equal steps of the budget above the floors, on exact values, group by group."""
    step = (asked.budget - asked.floor.sum()) / STEPS
    tries = asked.floor + step * np.arange(STEPS + 1)[:, None]
    gain = np.concatenate([asked.by_channel(some)[0][None] for some in tries])
    gain[tries > asked.cap * (1 + 1e-12)] = -np.inf
    rest = ~np.any([group.members for group in asked.groups] or [np.zeros(len(asked.floor), bool)], axis=0)
    groups = [*asked.groups, Bounds(rest, 0.0, asked.budget)]
    best, trace = np.where(np.arange(STEPS + 1) == 0, 0.0, -np.inf), []
    for group in groups:
        own, steps = np.where(np.arange(STEPS + 1) == 0, 0.0, -np.inf), []
        for channel in np.flatnonzero(group.members).tolist():
            own, choice = _joined(own, gain[:, channel])
            steps.append((channel, choice))
        spent = asked.floor[group.members].sum() + step * np.arange(STEPS + 1)
        slack = 1e-9 * asked.budget
        own = np.where((spent >= group.low - slack) & (spent <= group.high + slack), own, -np.inf)
        best, choice = _joined(best, own)
        trace.append((choice, steps))
    if best[-1] == -np.inf:
        return None
    spend, at = asked.floor.copy(), STEPS
    for choice, steps in reversed(trace):
        inside = int(choice[at])
        at -= inside
        for channel, own in reversed(steps):
            spend[channel] += step * own[inside]
            inside -= int(own[inside])
    return spend


def _joined(best: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of each number of steps shared with one more, and how many of them that one takes."""
    total, choice = np.full(len(best), -np.inf), np.zeros(len(best), int)
    for taken in np.flatnonzero(np.isfinite(gain)).tolist():
        trial = best[: len(best) - taken] + gain[taken]
        better = trial > total[taken:]
        total[taken:][better], choice[taken:][better] = trial[better], taken
    return total, choice
