"""The best mixture of concave models under a measure of risk, by a conic program, and the odds that prove it.

A model says what every draw earns after a move from one plan. Several models are mixed by shares, each with a move of
its own: what odds can prove of plans in several places at once is the worth of their best mixture. Moves enter times
their share, so a bend becomes a perspective, which is a second-order cone (Boyd and Vandenberghe, Convex Optimization,
2004, section 3.2.6). Clarabel solves the program; its inner point leaves the odds in the middle of what is optimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
from jaxtyping import Float
from scipy import sparse

from engine.optimize.risk.measures import Measure, within, worst

TAIL = 1.5  # times the draws that can be the worst together: how many of the lowest the program looks at, and
SPARE = 20  # so many more, and one for each so many moves
PER_MOVE = 4
UNUSED = 1e-6  # a share below this counts as none
FAINT = 1e-6  # of the largest odds: less is an inner point's distance from none
CLOSE = 1e-8  # of the program's value: what steps of a search need
ANSWERED = ("Solved", "AlmostSolved")


@dataclass(frozen=True)
class Model:
    """What draws earn after a move, to first order, less half the bend times its square and less charges at kinks."""

    values: Float[np.ndarray, " draw"]  # without a move, before charges
    slopes: Float[np.ndarray, "draw move"]
    bend: Float[np.ndarray, " move"]  # of every draw alike, at least 0
    rows: Float[np.ndarray, "row move"]
    low: Float[np.ndarray, " row"]  # limits of rows times the move; infinite where there is none
    high: Float[np.ndarray, " row"]
    charged: Float[np.ndarray, "charge move"]  # sums of moves that are charged alike in every draw
    kink: Float[np.ndarray, " charge"]  # the sum at which a charge has its kink
    less: Float[np.ndarray, " charge"]  # charge on each unit below the kink, and above it
    more: Float[np.ndarray, " charge"]


@dataclass(frozen=True)
class Step:
    """The best mixture, and the odds of the measure's set under which none is better."""

    shares: Float[np.ndarray, " model"]
    moves: tuple[Float[np.ndarray, " move"], ...]  # of each model; nothing where its share is none
    odds: Float[np.ndarray, " draw"]


@dataclass(frozen=True)
class _Part:
    """Rows of one cone: what is left of `limit` less matrix times variables lies in it."""

    matrix: sparse.csc_matrix
    limit: Float[np.ndarray, " row"]
    cone: Any

    def among(self, first: int, size: int) -> "_Part":
        """The same rows where the variables are `size` and these begin at `first`."""
        rows, columns = self.matrix.shape
        before, after = sparse.csc_matrix((rows, first)), sparse.csc_matrix((rows, size - first - columns))
        return _Part(sparse.hstack([before, self.matrix, after], format="csc"), self.limit, self.cone)


@dataclass(frozen=True)
class _Program:
    """Cost of each variable, and the rows that they keep."""

    cost: Float[np.ndarray, " variable"]
    parts: tuple[_Part, ...]


def best_step(measure: Measure, models: Sequence[Model]) -> Step | None:
    """The best mixture of some models and its odds; None where the solver finds none."""
    own = [_mixed(model) for model in models]
    ends = np.cumsum([len(program.cost) for program in own])
    begins, counts = ends - [len(program.cost) for program in own], [len(model.bend) for model in models]
    earned = np.zeros((len(models[0].values), int(ends[-1])))
    for model, begin, count in zip(models, begins, counts, strict=True):
        earned[:, begin : begin + count + 1] = np.column_stack([model.slopes, model.values])
    seen = _seen(measure, models)
    program = (_ball if np.isfinite(measure.radius) else _capped)(measure, earned, seen)
    cost, size = program.cost, len(program.cost)
    cost[: ends[-1]] += np.concatenate([part.cost for part in own]) - (1 - measure.weight) * (measure.base @ earned)
    parts = [*program.parts, _whole(begins + counts, size)]
    parts += [part.among(int(begin), size) for one, begin in zip(own, begins, strict=True) for part in one.parts]
    found = _answered(cost, parts)
    if found is None:
        return None
    values, dual = found
    shares = np.maximum(values[begins + counts], 0.0)
    moves = [
        values[begin : begin + count] / share if share > UNUSED else np.zeros(count)
        for begin, count, share in zip(begins, counts, shares, strict=True)
    ]
    if np.isfinite(measure.radius):
        return Step(shares, tuple(moves), worst(measure, earned @ values[: ends[-1]] - measure.less))
    odds = np.zeros(len(earned))
    odds[seen] = dual[: len(seen)] / max(measure.weight, 1e-300)
    odds[odds < FAINT * odds.max()] = 0.0
    return Step(shares, tuple(moves), within(measure, odds))


def _answered(cost: np.ndarray, parts: list[_Part]) -> tuple[np.ndarray, np.ndarray] | None:
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_rel = settings.tol_gap_abs = CLOSE
    found = clarabel.DefaultSolver(
        sparse.csc_matrix((len(cost), len(cost))),
        cost,
        sparse.vstack([part.matrix for part in parts], format="csc"),
        np.concatenate([part.limit for part in parts]),
        [part.cone for part in parts],
        settings,
    ).solve()
    return (np.array(found.x), np.array(found.z)) if str(found.status) in ANSWERED else None


def _seen(measure: Measure, models: Sequence[Model]) -> np.ndarray:
    """The draws that the program looks at one by one: under limited odds only those can count that are low."""
    if np.isfinite(measure.radius) or measure.target is not None:
        return np.arange(len(measure.base))
    seen: set[int] = set()
    for model in models:
        order = np.argsort(model.values - measure.less, kind="stable")
        needed = int(np.searchsorted(np.cumsum(measure.most[order]), 1.0)) + 1
        seen.update(order[: int(TAIL * needed) + SPARE + len(model.bend) // PER_MOVE].tolist())
    return np.array(sorted(seen))


def _capped(measure: Measure, earned: np.ndarray, seen: np.ndarray) -> _Program:
    """After the models' variables: a level, and by how much each draw falls short of it, which costs its most odds."""
    draws, count = len(seen), earned.shape[1]
    short = sparse.identity(draws)
    matrix = sparse.hstack([sparse.csc_matrix(-earned[seen]), np.ones((draws, 1)), -short], format="csc")
    above = sparse.hstack([sparse.csc_matrix((draws, count + 1)), -short], format="csc")
    cost = measure.weight * np.concatenate([np.zeros(count), [-1.0], measure.most[seen]])
    cone = clarabel.NonnegativeConeT(draws)
    less = (measure.less + np.zeros(len(earned)))[seen]
    parts = [_Part(matrix, -less, cone), _Part(above, np.zeros(draws), cone)]
    if measure.target is not None:
        level = sparse.csc_matrix(([1.0], ([0], [count])), shape=(1, len(cost)))
        parts.append(_Part(level, np.array([measure.target]), clarabel.ZeroConeT(1)))
    return _Program(cost, tuple(parts))


def _ball(measure: Measure, earned: np.ndarray, seen: np.ndarray) -> _Program:
    """After the models' variables: a level, what each draw has too much to count, and the length of what is left."""
    draws, count = len(seen), earned.shape[1]
    root = np.sqrt(measure.base)
    length = sparse.csc_matrix(([-1.0], ([0], [count + 1 + draws])), shape=(1, count + 2 + draws))
    empty = sparse.csc_matrix((draws, 1))
    weighed = sparse.csc_matrix(-root[:, None] * earned)
    left = sparse.hstack([weighed, root[:, None], sparse.diags(root), empty], format="csc")
    above = sparse.hstack([sparse.csc_matrix((draws, count + 1)), -sparse.identity(draws), empty], format="csc")
    cost = measure.weight * np.concatenate([-(measure.base @ earned), [0.0], measure.base, [measure.radius]])
    limit = np.append(0.0, -root * (measure.less + np.zeros(draws)))
    ball = _Part(sparse.vstack([length, left], format="csc"), limit, clarabel.SecondOrderConeT(draws + 1))
    return _Program(cost, (ball, _Part(above, np.zeros(draws), clarabel.NonnegativeConeT(draws))))


def _whole(shares: np.ndarray, size: int) -> _Part:
    """Shares sum to one."""
    matrix = sparse.csc_matrix((np.ones(len(shares)), (np.zeros(len(shares), int), shares)), shape=(1, size))
    return _Part(matrix, np.ones(1), clarabel.ZeroConeT(1))


def _mixed(model: Model) -> _Program:
    """One model's variables: its move times its share, its share, its bend, and each charge with a kink."""
    count = len(model.bend)
    charged = np.flatnonzero((model.less != 0) | (model.more != 0))
    size = count + 2 + len(charged)
    cost = np.concatenate([np.zeros(count + 1), [0.5], np.ones(len(charged))])
    parts = [_bent(model, size), *_limits(model, size)]
    for slope in (model.more[charged], -model.less[charged]) if len(charged) else ():
        rows = np.zeros((len(charged), size))
        each = np.arange(len(charged))
        rows[:, :count], rows[each, count + 2 + each] = slope[:, None] * model.charged[charged], -1.0
        rows[:, count] = -slope * model.kink[charged]
        parts.append(_above(rows))
    return _Program(cost, tuple(parts))


def _bent(model: Model, size: int) -> _Part:
    """Share times bend is at least the squared moves: a second-order cone over their sum, difference and moves."""
    count = len(model.bend)
    rows = np.zeros((count + 2, size))
    rows[0, [count, count + 1]] = -1.0
    rows[1, [count, count + 1]] = [-1.0, 1.0]
    rows[2 + np.arange(count), np.arange(count)] = -2 * np.sqrt(model.bend)
    return _Part(sparse.csc_matrix(rows), np.zeros(count + 2), clarabel.SecondOrderConeT(count + 2))


def _limits(model: Model, size: int) -> list[_Part]:
    """A share of at least nothing, and the limits of the model's rows times its share."""
    count = len(model.bend)
    met = model.low == model.high
    share = np.zeros((1, size))
    share[0, count] = -1.0
    parts = [_above(share)]
    for sign, limit, has in ((1.0, model.high, ~met), (-1.0, model.low, ~met), (1.0, model.high, met)):
        kept = has & np.isfinite(limit)
        if kept.any():
            rows = np.zeros((int(kept.sum()), size))
            rows[:, :count], rows[:, count] = sign * model.rows[kept], -sign * limit[kept]
            parts.append(_above(rows, clarabel.ZeroConeT(len(rows)) if has is met else None))
    return parts


def _above(rows: np.ndarray, cone: object = None) -> _Part:
    """Rows times variables are at most 0, or lie as another cone says."""
    return _Part(sparse.csc_matrix(rows), np.zeros(len(rows)), cone or clarabel.NonnegativeConeT(len(rows)))
