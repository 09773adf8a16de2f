"""Ways of others to answer a question: a local solver, a greedy grid, a plain mixed-integer program, an oracle."""

import itertools
from dataclasses import replace

import cvxpy
import numpy as np
from instances import (
    Instance,
    Row,
    alike,
    as_before,
    by_draw,
    even,
    group_rows,
    is_kept,
    own_rows,
    rows,
    value,
    value_and_slope,
)
from scipy.optimize import linprog, minimize

STARTS = 10
ITERATIONS = 300  # of SLSQP; SciPy's own default is 100
GREEDY = 200  # steps of a quarter's budget
PIECES = 20  # lines of the mixed-integer program a curve
ALIKE = 0.02  # of a channel's highest stock: weeks closer than that are one in the mixed-integer program
LIMIT = 60.0  # seconds that HiGHS may take
FINE = {2: 96, 3: 60}  # steps of the oracle by decisions
TOP = 6  # plans of the oracle's grid from which a climb starts


def slsqp(asked: Instance) -> np.ndarray | None:
    """One start from history's split, in units of the mean cell, exact slopes."""
    return climbed(asked, as_before(asked))


def slsqp_often(asked: Instance) -> np.ndarray | None:
    """The best of history's split and nine random ones, each even or wavering over the year."""
    rng, (channels, count) = np.random.default_rng(1), asked.shape
    starts = [as_before(asked)]
    for _ in range(STARTS - 1):
        split = even(asked, asked.budget * rng.dirichlet(np.full(channels, 0.5)))
        wave = np.cumprod(1 + rng.uniform(-0.15, 0.15, (channels, count)), axis=1)
        starts.append(split * wave / wave.mean(axis=1, keepdims=True))
    found = [plan for start in starts if (plan := climbed(asked, start)) is not None]
    return max(found, key=lambda plan: value(asked, plan)) if found else None


def climbed(asked: Instance, start: np.ndarray) -> np.ndarray | None:
    """The top of the hill on which SLSQP ends from a start, mended where it misses a rule by a little.

    With minimum flights it climbs twice: without them, then with what is nearer to nothing than to its flight at 0.
    """
    ends = asked.committed, np.full(asked.shape, asked.budget)
    if not asked.flight.any():
        return _top(asked, start, *ends)
    free = _top(replace(asked, flight=np.zeros(asked.shape[0])), start, *ends)
    return None if free is None else aloft(asked, free)


def aloft(asked: Instance, start: np.ndarray) -> np.ndarray | None:
    """The top of the hill among plans that fly in the same decisions as a start."""
    flies = start >= asked.flight[:, None] / 2
    low = np.where(flies, np.maximum(asked.committed, asked.flight[:, None]), asked.committed)
    return _top(asked, start, low, np.where(flies, asked.budget, asked.committed))


def _top(asked: Instance, start: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray | None:
    """The same between a least and a most of each cell."""
    unit, level = asked.budget / np.prod(asked.shape), max(abs(value(asked, as_before(asked))), 1e-300)

    def loss(cells: np.ndarray) -> tuple[float, np.ndarray]:
        worth, slope = value_and_slope(asked, np.maximum(cells, 0.0).reshape(asked.shape) * unit)
        return -100 * worth / level, -100 * slope.ravel() * unit / level

    equal, least = _sides(rows(asked), unit)
    constraints = [
        {"type": "eq", "fun": lambda x: equal[0] @ x - equal[1], "jac": lambda _: equal[0]},
        {"type": "ineq", "fun": lambda x: least[0] @ x - least[1], "jac": lambda _: least[0]},
    ]
    ends = (low.ravel() / unit, high.ravel() / unit)
    found = minimize(
        loss,
        np.clip(start.ravel() / unit, *ends),
        jac=True,
        method="SLSQP",
        bounds=list(zip(*ends, strict=True)),
        constraints=constraints,
        options={"maxiter": ITERATIONS, "ftol": 1e-9},
    )
    if not np.all(np.isfinite(found.x)):
        return None
    return nearest(asked, np.clip(found.x.reshape(asked.shape) * unit, low, high))


def _sides(every: list[Row], unit: float) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Rows that are met exactly, and all others as lower limits."""
    equal = [(row.ravel(), low / unit) for row, low, high in every if low == high]
    least = [(row.ravel(), low / unit) for row, low, high in every if low != high and np.isfinite(low)]
    least += [(-row.ravel(), -high / unit) for row, low, high in every if low != high and np.isfinite(high)]
    one, two = ((np.array([row for row, _ in some]), np.array([end for _, end in some])) for some in (equal, least))
    return one, two


def nearest(asked: Instance, plan: np.ndarray, most: float = 1e-3) -> np.ndarray | None:
    """The plan, or the nearest that keeps the rules where it misses them by at most `most` of the budget."""
    plan = np.maximum(plan, asked.committed)
    if is_kept(asked, plan):
        return plan
    unit, count = asked.budget / plan.size, plan.size
    equal, least = _sides(rows(asked), unit)
    now = plan.ravel() / unit
    moved = linprog(
        np.ones(2 * count),
        A_ub=-np.hstack([least[0], -least[0]]),
        b_ub=least[0] @ now - least[1],
        A_eq=np.hstack([equal[0], -equal[0]]),
        b_eq=equal[1] - equal[0] @ now,
        bounds=[*[(0, None)] * count, *((0, room) for room in now - asked.committed.ravel() / unit)],
    )
    if moved.status != 0 or moved.fun * unit > most * asked.budget:
        return None
    mended = plan + unit * (moved.x[:count] - moved.x[count:]).reshape(plan.shape)
    return mended if is_kept(asked, mended) else None


def greedy(asked: Instance) -> np.ndarray | None:
    """One quarter after the other, each with its share of the budget, in small steps to whoever gains most by them.

    Later quarters are taken as empty; floors, caps and shares hold in each quarter by its length.
    """
    channels, count = asked.shape
    plan, alone = np.zeros(asked.shape), [asked.only(channel) for channel in range(channels)]
    for at in range(count):
        part = asked.lengths[at] / asked.lengths.sum()
        money = asked.parts[at] if asked.parts else part * asked.budget
        low, high = np.maximum(asked.floor * part, asked.committed[:, at]), asked.cap * part
        if at and asked.ramp is not None:
            same = plan[:, at - 1] * asked.lengths[at] / asked.lengths[at - 1]
            low, high = np.maximum(low, (1 - asked.ramp) * same), np.minimum(high, (1 + asked.ramp) * same)
        _filled(asked, alone, plan, (at, money, low, high))
    return nearest(asked, plan, 0.05)


def _filled(
    asked: Instance, alone: list[Instance], plan: np.ndarray, quarter: tuple[int, float, np.ndarray, np.ndarray]
) -> None:
    """Money of one quarter, step by step."""
    at, money, low, high = quarter
    plan[:, at] = low
    pace = money / GREEDY
    groups = [(row[:, at], least / asked.budget, most / asked.budget) for row, least, most in group_rows(asked)[-2:]]

    def gain(channel: int) -> float:
        trial = np.repeat(plan[channel][None, None], 2, axis=0)
        trial[1, 0, at] += pace
        return float(np.diff(by_draw(alone[channel], trial).mean(axis=-1))[0])

    gains = np.array([gain(channel) for channel in range(asked.shape[0])])
    while (left := money - plan[:, at].sum()) > 1e-9 * money:
        amount = min(pace, left)
        open_to = plan[:, at] + amount <= high * (1 + 1e-12)
        needy = [row > 0 for row, least, _ in groups if row @ plan[:, at] < (least - 1e-9) * money]
        if needy and (open_to & needy[0]).any():
            open_to = open_to & needy[0]
        for row, _, most in groups:
            if row @ plan[:, at] + amount > most * money * (1 + 1e-12):
                open_to = open_to & (row == 0)
        if not open_to.any():
            return
        best = int(np.argmax(np.where(open_to, gains, -np.inf)))
        plan[best, at] += amount
        gains[best] = gain(best)


def mixed_integer(asked: Instance) -> np.ndarray | None:
    """All weeks, channels and rules in one program: mean carry-over, mean curves as straight lines."""
    channels, count = asked.shape
    unit = asked.budget / asked.committed.size / 100
    cells = cvxpy.Variable((channels, count), nonneg=True)
    limits = [cells >= asked.committed / unit]
    for row, low, high in rows(asked):
        total = cvxpy.sum(cvxpy.multiply(row, cells))
        limits += [total >= low / unit] if np.isfinite(low) else []
        limits += [total <= high / unit] if np.isfinite(high) else []
    if asked.flight.any():
        flies = cvxpy.Variable((channels, count), boolean=True)
        limits += [cells >= cvxpy.multiply((asked.flight / unit)[:, None], flies)]
        limits += [cells <= asked.budget / unit * flies]
    worths = [_channel(asked.only(channel), cells[channel], unit, limits) for channel in range(channels)]
    program = cvxpy.Problem(cvxpy.Maximize(sum(worths) * 1000 / value(asked, as_before(asked))), limits)
    try:
        program.solve(solver=cvxpy.HIGHS, time_limit=LIMIT, mip_rel_gap=1e-4, threads=1)
    except cvxpy.SolverError:
        return None
    return None if cells.value is None else nearest(asked, np.asarray(cells.value) * unit)


def _channel(one: Instance, cells: cvxpy.Expression, unit: float, limits: list) -> cvxpy.Expression:
    """What one channel earns: the stock of weeks that are nearly alike, on straight lines between points of a curve."""
    gain, offset, weight = _weeks(one)
    most = np.minimum(one.cap[0], one.budget)
    dense = 1.0 if one.ramp is None else 1 / np.sum((1 - one.ramp) ** np.arange(one.shape[1]))  # most in one decision
    highest = offset.max() + gain.sum(axis=1).max() * most * dense
    points = highest * np.linspace(0, 1, PIECES + 1) ** 2
    curve = one.draws.outcome(points[:, None, None]).mean(axis=(1, 2))
    count = len(weight)
    share = cvxpy.Variable((count, PIECES + 1), nonneg=True)
    line = cvxpy.Variable((count, PIECES), boolean=True)
    limits += [share @ (points / unit) == (gain @ cells) + offset / unit]
    limits += [cvxpy.sum(share, axis=1) == 1, cvxpy.sum(line, axis=1) == 1]
    limits += [share[:, 0] <= line[:, 0], share[:, PIECES] <= line[:, PIECES - 1]]
    limits += [share[:, 1:PIECES] <= line[:, 1:] + line[:, :-1]]
    return weight @ (share @ curve)


def _weeks(one: Instance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stock by week of a unit of each cell's money, stock that is there anyway, and how many weeks are alike."""
    flat = alike(one)

    def stocks(weekly: np.ndarray, stock: float) -> np.ndarray:
        retain, found = float(flat.draws.retain[0, 0]), []
        for money in weekly[:, 0]:
            stock = retain * stock + (1 - retain) * money
            found.append(stock)
        return np.array(found)

    offset = stocks(flat.weekly(np.zeros(flat.shape)), float(flat.carried[0, 0]))
    units = [stocks(flat.weekly(row[None]), float(flat.carried[0, 0])) - offset for row in np.eye(flat.shape[1])]
    gain = np.array(units).T
    most = min(one.cap[0], one.budget)
    runs, begin = [], 0
    for week in range(1, len(offset) + 1):
        apart = np.inf
        if week < len(offset):
            apart = max(np.abs(gain[week] - gain[begin]).max() * most, abs(offset[week] - offset[begin]))
        if apart > ALIKE * gain.max() * most:
            runs.append((begin, week))
            begin = week
    merged = [(gain[a:b].mean(axis=0), offset[a:b].mean(), b - a) for a, b in runs]
    gains, offsets, weights = zip(*merged, strict=True)
    return np.array(gains), np.array(offsets), np.array(weights, float)


def oracle(asked: Instance) -> np.ndarray | None:
    """Every plan of three channels on a grid of the budget that keeps the rules, and climbs from its best."""
    channels, count = asked.shape
    steps = FINE[count]
    amount = asked.budget / steps
    courses = np.array([c for c in itertools.product(range(steps + 1), repeat=count) if sum(c) <= steps])
    found = [_courses(asked, channel, courses, amount) for channel in range(channels)]
    tops = sorted(_together(asked, found, steps, amount), key=lambda pair: -pair[0])[:TOP]
    plans = [plan for _, plan in tops]
    plans += [plan for start in plans[:TOP] if (plan := aloft(asked, start)) is not None]
    plans += [plan] if (plan := slsqp_often(asked)) is not None else []
    kept = [plan for plan in plans if is_kept(asked, plan)]
    return max(kept, key=lambda plan: value(asked, plan)) if kept else None


Best = dict[tuple[int, ...], tuple[float, tuple[int, ...]]]  # by steps: worth, and the course behind it


def _courses(asked: Instance, channel: int, courses: np.ndarray, amount: float) -> Best:
    """The best course of one channel by its total, or every course where quarters have budgets of their own."""
    money = courses * amount
    slack = 1e-9 * asked.budget
    fine = np.all(money >= asked.committed[channel] - slack, axis=1)
    fine &= np.all((money <= slack) | (money >= asked.flight[channel] - slack), axis=1)
    shares = [(row, low, high) for row, low, high in group_rows(asked)[-2:] if row[channel].any()]
    for row, low, high in [*own_rows(asked, channel), *shares]:
        total = money @ row[channel]
        fine &= (total >= low - slack) & (total <= high + slack)
    some, best = courses[fine], {}
    worth = by_draw(asked.only(channel), money[fine][:, None, :]).mean(axis=-1)
    for course, one in zip(map(tuple, some.tolist()), worth.tolist(), strict=True):
        key = course if asked.parts else (sum(course),)
        if key not in best or best[key][0] < one:
            best[key] = (one, course)
    return best


def _together(asked: Instance, found: list[Best], steps: int, amount: float) -> list[tuple[float, np.ndarray]]:
    """Plans of three channels that spend the budget, or what is nearest to the budgets of the quarters."""
    whole = (steps,)
    if asked.parts:
        whole = tuple(np.round(np.array(asked.parts) / amount).astype(int).tolist())
    plans = []
    for (one, a), (two, b) in itertools.product(found[0].items(), found[1].items()):
        rest = tuple(total - first - second for total, first, second in zip(whole, one, two, strict=True))
        if rest in found[2]:
            c = found[2][rest]
            plans.append((a[0] + b[0] + c[0], (a[1], b[1], c[1])))
    return [(worth, np.array(plan) * amount) for worth, plan in sorted(plans, key=lambda pair: -pair[0])[:TOP]]
