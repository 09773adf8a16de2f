"""Plans under least returns that no limit of one channel can say: of groups, and over several decisions.

Each such row has a price (a multiplier). At given prices the question is one without these rows, in which channels earn
a little more and money costs a little more, and the planner answers that with its own bound; no plan that keeps the
rows is worth more (weak duality), whatever the prices. Prices come from the best mixture of all spends of single
channels that are known so far (Dantzig and Wolfe, 1960). Where curves are concave both meet. Spends between two spans
of one channel are left out by looking at both sides of them.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.errors import UntrustworthyError
from engine.optimize.closeness import SEARCHED
from engine.optimize.over_time import several
from engine.optimize.returns.mixing import Column, Mixture, Prices, columns_of, mixed, worth
from engine.optimize.returns.row import SLACK, Return
from engine.optimize.rule import Rule
from engine.optimize.rules import USUAL, Problem, broken, open_returns
from engine.optimize.solve import Memory, Solved, solve

ROUNDS = 24  # of prices, for one split
CUTS = 120  # of ranges, for one split
ROUNDS_OVER_TIME = 10
POINTS = 24  # spends of each channel that are known from the start
SHAPES = (0.0, 0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.15, 1.4)  # of a course, the same for several decisions
STEADY = 0.003  # relative change of prices below which they count as known
FAINT = 1e-12  # of the largest margin: the least that counts
HALVINGS = 40
FEW = 60  # questions that are asked for spends between spans
PROVING = USUAL + 1  # effort of a proof that no plan keeps the rows, which tells what was proven however near it is


@dataclass(frozen=True)
class Best:
    """The best plan so far that keeps every rule and row; none yet where its spend is None."""

    spend: Float[np.ndarray, " cell"] | None = None
    value: float = -np.inf
    prices: Prices | None = None  # of the rows, where it was found by them


@dataclass(frozen=True)
class Reach:
    """Whether the rows can be kept at all: a plan that does, a proof that none does, or neither."""

    spend: Float[np.ndarray, " cell"] | None = None
    impossible: bool = False
    cut: tuple[int, float] | None = None  # channel and spend at which to cut the question, to know more


@dataclass(frozen=True)
class Part:
    """A question with the ranges of some channels cut, what is known of it, and the least bound that was found."""

    problem: Problem
    columns: list[Column]
    bound: Solved
    cut: tuple[int, float] | None  # channel and spend at which to cut it again; None: nowhere
    prices: Prices | None = None  # the last ones


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...]) -> Solved | None:
    """The best plan under every rule and every least return; None where none keeps them all."""
    rows, free = open_returns(problem), replace(problem, returns=())
    across = tuple(row for row in rows if not row.holes or row.channel is None)

    def ask(priced: Problem, begin: tuple[np.ndarray, ...]) -> Solved | None:
        return _outside(priced, tuple(row for row in rows if row.holes), memory, begin)

    begin = tuple(start for start in starts if not broken(problem, start))
    first = ask(free, begin)
    if first is None or not across or not broken(problem, first.spend):
        return first
    return _priced(problem, across, (ask, first), begin)


def weighted(problem: Problem, rows: tuple[Return, ...], prices: Prices, own: float = 1.0) -> Problem:
    """The question without rows, whose objective is `own` times itself and the room by each row times its price.

    No channel's outcome counts for just nothing, which tables cannot scale by: a little more of it only raises a bound.
    """
    gain = prices @ np.array([row.scale * row.members for row in rows])
    cost = prices @ np.array([row.least * row.members for row in rows])
    least = FAINT * max(float(gain.max()), *(payoff.margin for payoff in problem.payoffs))
    payoffs = tuple(
        replace(
            payoff,
            margin=max(own * payoff.margin + more, least),
            cost=own * payoff.cost + charge,
            toll=(own * payoff.toll[0], own * payoff.toll[1]),
        )
        for payoff, more, charge in zip(problem.payoffs, gain.tolist(), cost.tolist(), strict=True)
    )
    charged = zip(problem.ways, cost.tolist(), strict=False)  # there are none for one split
    ways = tuple(replace(way, cost=own * way.cost + charge) for way, charge in charged)
    return replace(problem, payoffs=payoffs, ways=ways, returns=())


Ask = Callable[[Problem, tuple[np.ndarray, ...]], Solved | None]


def _priced(
    problem: Problem, rows: tuple[Return, ...], known: tuple[Ask, Solved], starts: tuple[np.ndarray, ...]
) -> Solved | None:
    """The best plan by rising knowledge of prices; where S-shapes leave a gap, by cutting ranges of channels in two."""
    ask, first = known
    columns = _opening(problem, rows, (first.spend, *starts))
    best = Best()
    for start in starts:
        best = _tried(problem, best, start)
    root, best = _part(Part(problem, columns, first, None), rows, ask, best)
    if root is None:
        return None
    best, bound = (best, root.bound.bound) if problem.ways else _cut(root, rows, ask, best)
    if best.spend is None and bound > -np.inf:
        harder = "ask with --prove, " if problem.ways and problem.effort <= USUAL else "ask "
        raise UntrustworthyError(
            f"no plan was found that keeps {', '.join(row.name for row in rows)}, and no proof that there is none; "
            f"{harder}with fewer of them, or ease one"
        )
    return None if best.spend is None else _told(best, root, first, max(best.value, bound))


def _cut(root: Part, rows: tuple[Return, ...], ask: Ask, best: Best) -> tuple[Best, float]:
    """The best plan and its bound, the part that promises most cut in two again and again."""
    order, queue = itertools.count(1), [(-root.bound.bound, 0, root)]
    for _ in range(CUTS):
        if not queue or -queue[0][0] <= _enough(best) or queue[0][2].cut is None:
            break
        promised, _, part = heapq.heappop(queue)
        for half in _halves(part):
            found, best = _part(half, rows, ask, best)
            if found is not None:
                heapq.heappush(queue, (max(-found.bound.bound, promised), next(order), found))
    return best, -queue[0][0] if queue else best.value


def _best_of(one: Best, other: Best) -> Best:
    return other if other.value > one.value or (other.spend is one.spend and other.prices is not None) else one


def _enough(best: Best) -> float:
    """The bound at which the best plan is good enough."""
    return best.value + SEARCHED * abs(best.value)


def _told(best: Best, root: Part, first: Solved, bound: float) -> Solved:
    spend = first.spend if best.spend is None else best.spend
    last = root.prices if best.prices is None else best.prices
    prices = () if last is None else tuple(last.tolist())
    route, proven = f"least returns priced, {root.bound.route}", first.proven and root.bound.proven
    return Solved(spend, best.value, bound, route, first.gross, first.least, proven, prices)


def _part(part: Part, rows: tuple[Return, ...], ask: Ask, best: Best) -> tuple[Part | None, Best]:
    """What is known of a part once its rows are priced, and the best plan; None where no plan of it keeps the rows."""
    problem, columns = part.problem, list(part.columns)
    reached = _within_reach(problem, rows, ask, columns)
    if reached.impossible:
        return None, best
    if reached.spend is None:
        return Part(problem, columns, part.bound, reached.cut), best
    columns += columns_of(problem, rows, reached.spend)  # so that some mixture keeps the rows
    here, bound, prices, cut = _tried(problem, Best(), reached.spend), part.bound, np.zeros(len(rows)), None
    for _ in range(ROUNDS_OVER_TIME if problem.ways else ROUNDS):
        mixture = mixed(problem, rows, columns)
        if mixture is None:
            break
        found = ask(weighted(problem, rows, mixture.prices), () if here.spend is None else (here.spend,))
        if found is None:
            break
        here = _tried(problem, _tried(problem, here, mixture.spend), found.spend)
        columns += columns_of(problem, rows, found.spend)
        bound, last, prices = found if found.bound < bound.bound else bound, prices, mixture.prices
        cut = _worst(problem, rows, columns, mixture) or _farthest_apart(problem, here, found.spend)
        best = _best_of(best, replace(here, prices=prices))
        is_known = bool(np.all(np.abs(prices - last) <= STEADY * prices))
        if is_known and bound.bound <= max(_enough(best), mixture.value + SEARCHED * abs(mixture.value)):
            break
    return Part(problem, columns, bound, cut, prices), _best_of(best, here)


def _worst(
    problem: Problem, rows: tuple[Return, ...], columns: list[Column], mixture: Mixture, own: float = 1.0
) -> tuple[int, float] | None:
    """The channel whose mixture promises most beyond what its money brings, and that money; None where none does."""
    promised = np.zeros(len(problem.names))
    for share, column in zip(mixture.shares.tolist(), columns, strict=False):
        promised[column.channel] += share * (own * column.value + float(mixture.prices @ column.room))
    real = columns_of(problem, rows, mixture.spend)
    excess = promised - np.array([own * column.value + float(mixture.prices @ column.room) for column in real])
    worst = int(np.argmax(excess))
    money = float(several.by_cell(problem, mixture.spend)[worst].sum())
    low, high = (float(several.by_cell(problem, side)[worst].sum()) for side in (problem.lower, problem.upper))
    narrow = SLACK * (high - low)
    return (worst, money) if excess[worst] > 0 and low + narrow < money < high - narrow else None


def _farthest_apart(problem: Problem, here: Best, other: Float[np.ndarray, " cell"]) -> tuple[int, float] | None:
    """The channel on which a plan that keeps all rows and the best at some prices differ most, and the middle."""
    if here.spend is None:
        return None
    one, two = (several.by_cell(problem, spend).sum(axis=1) for spend in (here.spend, other))
    worst = int(np.argmax(np.abs(one - two)))
    apart = abs(float(one[worst] - two[worst]))
    return (worst, float(one[worst] + two[worst]) / 2) if apart > SLACK * float(one.sum()) else None


def _halves(part: Part) -> list[Part]:
    """A part cut in two."""
    if part.cut is None:
        return []
    channel, spend = part.cut
    unit = (np.arange(len(part.problem.names)) == channel).astype(float)
    found = []
    for side in (Rule("cut", unit, high=spend), Rule("cut", unit, low=spend)):
        held = replace(part.problem, rules=(*part.problem.rules, side))
        inside = [column for column in part.columns if column.channel != channel or _is_inside(column, side)]
        found.append(Part(held, inside, part.bound, None))
    return found


def _is_inside(column: Column, side: Rule) -> bool:
    return side.low <= float(column.money.sum()) <= side.high


def _tried(problem: Problem, best: Best, spend: np.ndarray) -> Best:
    """The better of the best plan and another, or, where that breaks a row, the best on the way to it."""
    if broken(problem, spend):
        if best.spend is None:
            return best
        spend = _between(problem, best.spend, spend)
    value = worth(problem, spend)
    return Best(spend, value, best.prices) if value > best.value else best


def _between(problem: Problem, kept: np.ndarray, other: np.ndarray) -> Float[np.ndarray, " cell"]:
    """The plan farthest on the way from one that keeps everything to another that does not."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if broken(problem, kept + middle * (other - kept)):
            high = middle
        else:
            low = middle
    return kept + low * (other - kept)


def _opening(problem: Problem, rows: tuple[Return, ...], plans: tuple[np.ndarray, ...]) -> list[Column]:
    """Columns of known plans, and of less and more money on every channel."""
    least, most = problem.lower, np.minimum(problem.upper, problem.budget.high)
    columns = [column for plan in plans for column in columns_of(problem, rows, plan)]
    if problem.ways:
        even = several.spread_over_time(problem, np.full(len(problem.names), problem.budget.high / len(problem.names)))
        base = np.maximum(plans[0], 1e-3 * even)
        spends = [np.clip(part * base, least, most) for part in SHAPES]
    else:
        spends = [least + (most - least) * part**2 for part in np.linspace(0.0, 1.0, POINTS)]
    return columns + [column for spend in spends for column in columns_of(problem, rows, spend)]


def _within_reach(problem: Problem, rows: tuple[Return, ...], ask: Ask, columns: list[Column]) -> Reach:
    """Whether every row can be kept, by asking for nothing else; what is looked at becomes columns.

    Over several decisions a plan that is not found is no proof, and neither is a bound that is an estimate: such a one
    is proven before it is believed.
    """
    prices, cut = np.array([1.0 / row.least for row in rows]), None
    for _ in range(ROUNDS):
        room = weighted(problem, rows, prices, 0.0)
        found = ask(room, ())
        if found is None:
            return Reach(impossible=not problem.ways)
        if _is_short(found):
            sure = found.proven or _is_short(ask(replace(room, effort=max(PROVING, room.effort)), (found.spend,)), True)
            return Reach(impossible=sure)
        if not broken(problem, found.spend):
            return Reach(found.spend)
        columns += columns_of(problem, rows, found.spend)
        mixture = mixed(problem, rows, columns, even=True)
        if mixture is None:
            break
        if not broken(problem, mixture.spend):
            return Reach(mixture.spend)
        cut = _worst(problem, rows, columns, mixture, 0.0)
        if np.all(np.abs(mixture.prices - prices) <= STEADY * prices):
            break
        prices = mixture.prices
    return Reach(cut=cut)


def _is_short(found: Solved | None, proven: bool = False) -> bool:
    """Whether all plans fall short of what is asked of their room, as far as a bound says, or by a proven one."""
    return found is not None and found.bound < -SLACK * found.gross and (found.proven or not proven)


def _outside(
    problem: Problem, rows: tuple[Return, ...], memory: Memory, starts: tuple[np.ndarray, ...]
) -> Solved | None:
    """The best plan none of whose channels spends within a hole between its spans, by looking at both sides of it."""
    first = solve(problem, memory, starts)
    if first is None or not rows:
        return first
    order, best, asked, closed = itertools.count(1), None, 1, -np.inf
    queue = [(-first.bound, 0, problem, first)]
    while queue and asked < FEW:
        top = max(closed, -queue[0][0])
        if best is not None and best.value >= top - SEARCHED * abs(top):
            break
        promised, _, held, found = heapq.heappop(queue)
        sides = _sides(held, rows, found.spend)
        if not sides:  # its own plan closes it, and its bound is no less than that of its plans
            best = found if best is None or found.value > best.value else best
            closed = max(closed, -promised)
        for side in sides:
            asked += 1
            inner = solve(side, memory, starts)
            if inner is not None:
                heapq.heappush(queue, (max(-inner.bound, promised), next(order), side, inner))
    if best is None and queue:
        raise UntrustworthyError(
            f"no plan was found that keeps {', '.join(row.name for row in rows)}, and no proof that there is none: "
            "too many spends between two that are allowed; ask with fewer of them, or ease one"
        )
    left = max([closed, *(-one[0] for one in queue[:1])])
    return None if best is None else replace(best, bound=max(best.value, left))


def _sides(problem: Problem, rows: tuple[Return, ...], spend: np.ndarray) -> list[Problem]:
    """The questions on both sides of a hole in which a spend lies; none where it lies in none."""
    for row in rows:
        channel = row.channel or 0
        for low, high in row.holes:
            if low * (1 + SLACK) < spend[channel] < high * (1 - SLACK):
                unit = row.members.astype(float)
                sides = (Rule(row.name, unit, high=low), Rule(row.name, unit, low=high))
                return [replace(problem, rules=(*problem.rules, side)) for side in sides]
    return []
