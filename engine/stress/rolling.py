"""Rolling: at the beginning of a decision, the best rest of the year by what is known then, path by path.

The rules are those of the plan, with what was spent in their place for what is over. Known prices and effects count by
decision. Outcomes are means over all draws: which draw comes true, nobody knows then.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import InputError
from engine.optimize.over_time.ascent import on_their_sides
from engine.optimize.over_time.decision_rules import QUARTER, RAMP
from engine.optimize.over_time.several import by_cell
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem, problem_of
from engine.response.curves import chosen, respond
from engine.stress.interior import Rest, Rows, best, objective
from engine.stress.levels import levels
from engine.stress.play import Paths, outcomes, works
from engine.stress.points import Points, points_of
from engine.stress.setting import Setting
from engine.stress.starts import LEVELS, courses, started

GIVES_WAY = {
    RAMP: 30.0,
    "": 100.0,
    "unspent": 150.0,
    "money": 1000.0,
    "cut": 2500.0,
    "fixed": 3000.0,
    "closed": 30_000.0,
}
"""Prices of rules as multiples of the mean return, by how their names begin: ramps give way first, and what is
committed or cannot be spent last. Money that a cut leaves nowhere to go is not spent: a decision that is cut in part is
charged by that part, so all else of the total is asked for at a price far below the cut's."""
CELLS = 128  # paths that are worked on together: what they need stays in the cache
LEAST = 1e-6  # of the mean cell: starts are above 0 by so much
TOLLED = 10.0  # times the mean return: rules that are dearer are kept, cheaper ones are tolls
SLACK = 0.05  # of the mean cell: by so much a course of a start may miss a rule
FEWEST = len(LEVELS)  # courses of a channel: with no more, rules leave it no choice of quarters
NO_LIMIT = 1e6  # mean cells
ALIKE = ("fixed", "among")  # what is known of all paths alike


@dataclass(frozen=True)
class Planner:
    """What plans the rest of a year on many paths: the plan's own question, and points that stand for its curves."""

    setting: Setting
    problem: Problem  # of the plan, without its surprises
    points: Points
    rules: tuple[Rule, ...]  # the budget is the first
    usual: float  # what the mean unit of money brings in the plan [objective/currency]
    rows: Float[np.ndarray, "row channel"]  # what the plan earns without shocks, in the mean of all draws [outcome]

    @property
    def unit(self) -> float:
        """Money of the mean cell [currency]."""
        return float(self.setting.money.sum()) / len(self.problem.lower)


class Known(NamedTuple):
    """What is known on each path at the beginning of a decision."""

    spent: Float[np.ndarray, "path channel decision"]  # in the decisions that are over [currency]
    bought: Float[np.ndarray, "path channel decision"]  # contacts of the same, at the plan's prices [currency]
    current: Float[np.ndarray, "path channel decision"]  # money as it is planned so far, of the decisions to come
    total: Float[np.ndarray, " path"]  # money that there is for past and rest together [currency]
    most: Float[np.ndarray, "path limit"]  # that can be spent in some decisions to come; inf: no limit [currency]
    had: Float[np.ndarray, "path channel decision"]  # contacts per unit of money, beside those that the plan knows
    effect: Float[np.ndarray, "path channel span"]  # in the decisions to come and the tail, beside the plan's
    open: Float[np.ndarray, "path channel decision"]  # share of the money of each decision to come that has open dates
    fixed: Bool[np.ndarray, "channel decision"]  # whether notice forbids to change what is planned so far
    opened: Float[np.ndarray, "path channel over"] | None = None  # as `open`, of the decisions that are over; None: 1
    among: Bool[np.ndarray, "limit decision"] | None = None  # which decisions each limit is about; None: one each
    cuts: Float[np.ndarray, "path cut"] | None = None  # that can be spent in each cut's rows to come; None: no cuts
    charged: Float[np.ndarray, "path cut channel decision"] | None = None  # share of money that falls into them


def planner(setting: Setting, cells: Float[np.ndarray, " cell"]) -> Planner:
    """A planner of rests, made once for all paths.

    Args:
        setting: The plan.
        cells: Its money by channel and decision [currency].

    Raises:
        InputError: The scenario decides nothing after its start, or has rules that are not re-planned yet.
    """
    scenario = setting.scenario
    if setting.grid.count < 2 or scenario.horizon.decide == "horizon":
        raise InputError(
            f"scenario {scenario.name!r}: decides one split for all of its horizon, so there is nothing to plan anew; "
            'write horizon.decide = "quarter" or "month", or ask for --policy hold and trim'
        )
    if not scenario.horizon.from_history:
        raise InputError(
            f"scenario {scenario.name!r}: is a year like any other, in which what is left at its end works at its "
            "start, so its rest cannot be planned anew; write horizon.carry_over = 'history', or ask for --policy hold "
            "and trim"
        )
    problem = problem_of(setting.curves, scenario)
    if problem.is_discrete or problem.returns or scenario.risk.is_given:
        raise InputError(
            f"scenario {scenario.name!r}: steps, numbers of active channels, least returns and measures of risk are "
            "not planned anew on every path yet; leave them out, or ask for --policy hold and trim"
        )
    points = points_of(setting, problem)
    every = np.arange(setting.curves.draws)
    rows = outcomes(setting, works(setting, Paths(every, every)), levels(setting, ()), setting.money[None]).mean(axis=0)
    usual = _usual(setting, points, cells)
    return Planner(setting, problem, points, tuple(on_their_sides(problem, cells)), usual, rows)


def _usual(setting: Setting, points: Points, cells: Float[np.ndarray, " cell"]) -> float:
    """What the mean unit of money brings in the plan [objective]."""
    weight = points.weight * setting.margins[points.channel]
    value = respond(points.curve, np.stack([cells @ points.gain, 0 * cells @ points.gain]) + points.offset) @ weight
    return max(float(value[0] - value[1]), 1e-300) / max(float(cells.sum()), 1e-300)


def replanned(plan: Planner, at: int, known: Known) -> Float[np.ndarray, "path channel decision"]:
    """The best money for the decisions from `at` on [currency]."""
    parts = [slice(begin, begin + CELLS) for begin in range(0, len(known.total), CELLS)]
    return np.concatenate([_replanned(plan, at, chosen_paths(known, part)) for part in parts])


def chosen_paths(known: Known, some: slice | Bool[np.ndarray, " path"]) -> Known:
    """What is known on some of the paths."""
    return known._replace(
        **{
            name: getattr(known, name)[some]
            for name in Known._fields
            if name not in ALIKE and getattr(known, name) is not None
        }
    )


def _replanned(plan: Planner, at: int, known: Known) -> Float[np.ndarray, "path channel decision"]:
    rest, rows = rest_of(plan, at, known), rows_of(plan, at, known)
    left = np.maximum(known.total - known.spent.sum(axis=(1, 2)), 0.0) / plan.unit
    planned = known.current * known.open / plan.unit
    share = left / np.maximum(planned.sum(axis=(1, 2)), np.finfo(float).tiny)
    found = best(rest, rows, np.maximum(planned * np.minimum(share, 1.0)[:, None, None], LEAST))
    other = _elsewhere(plan, at, known, rows, left)
    if other is not None:
        other = best(rest, rows, np.maximum(other * known.open, LEAST))
        better = objective(rest, rows, other) > objective(rest, rows, found)
        found = np.where(better[:, None, None], other, found)
    return found * plan.unit


def _elsewhere(
    plan: Planner, at: int, known: Known, rows: Rows, left: Float[np.ndarray, " path"]
) -> Float[np.ndarray, "path channel decision"] | None:
    """A start on another hill; None where rules leave each channel next to no choice of courses, or curves no hills."""
    setting = plan.setting
    had = np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0).T
    tried = courses(plan.points, at, had, plan.unit)
    limit = np.median(rows.limit[:, : rows.own.shape[0] * rows.own.shape[1]], axis=0).reshape(rows.own.shape[:2])
    hard = rows.price[0, : limit.size].reshape(limit.shape) > TOLLED * plan.usual * plan.unit
    reached = np.einsum("crk,cnk->cnr", rows.own, tried.contacts)
    allowed = ((reached <= limit[:, None] + SLACK) | ~hard[:, None]).all(axis=2)
    if not (allowed.sum(axis=1) > FEWEST).any():
        return None
    allowed |= ~allowed.any(axis=1, keepdims=True)
    worth = known.effect * setting.margins[:, None]
    return started(tried, allowed, worth, known.had, left)


def rest_of(plan: Planner, at: int, known: Known) -> Rest:
    """What money brings in the decisions from `at` on."""
    points, channels, count = plan.points, len(plan.problem.names), plan.problem.decisions
    there = points.span >= at
    gain = points.gain[:, there].reshape(channels, count, -1)
    over = np.einsum("pcn,cni->pi", known.bought, gain[:, :at]) if at else 0.0
    effect = known.effect[:, points.channel[there], points.span[there] - at]
    margin, owner = plan.setting.margins[points.channel[there]], points.channel[there]
    return Rest(
        curve=chosen(points.curve, np.flatnonzero(there)),
        gain=tuple(np.ascontiguousarray(gain[c, at:, owner == c].T) * plan.unit for c in range(channels)),
        stock=np.broadcast_to(points.offset[there] + over, (len(known.total), gain.shape[-1])),
        had=known.had,
        worth=effect * points.weight[there] * margin,
        cost=np.array([way.cost for way in plan.problem.ways])[:, at:] * plan.unit,
    )


class Line(NamedTuple):
    """One side of a rule."""

    weights: Float[np.ndarray, "channel decision"]
    limit: Float[np.ndarray, " path"]  # [units of money]
    price: float | Float[np.ndarray, " path"]  # [objective per unit of money]


def rows_of(plan: Planner, at: int, known: Known) -> Rows:
    """The rules of the rest: the plan's with what was spent, and what is known to bind now."""
    lines = [line for rule in plan.rules for line in _sides(plan, rule, at, known)]
    lines += _now(plan, known) + _tolls(plan, at, known)
    channels, count = known.current.shape[1:]
    touched = [np.flatnonzero(line.weights.any(axis=1)) for line in lines]
    alone = [[line for line, own in zip(lines, touched, strict=True) if own.tolist() == [c]] for c in range(channels)]
    most, paths = max(len(each) for each in alone), len(known.total)
    none = Line(np.zeros((channels, count)), np.ones(paths), plan.usual * plan.unit)
    padded = [line for each in alone for line in each + [none] * (most - len(each))]
    shared = _paired([line for line, own in zip(lines, touched, strict=True) if len(own) > 1], paths)
    above, below = _of_cuts(plan, known)
    own = np.array([line.weights[place // most] for place, line in enumerate(padded)]).reshape(channels, most, count)
    every = [*padded, *(one for one, _ in shared), *above, *(other for _, other in shared), *below]
    return Rows(
        own=own,
        shared=np.array([one.weights for one, _ in shared]).reshape(len(shared), channels, count),
        limit=np.stack([line.limit for line in every], axis=1),
        price=np.stack([np.broadcast_to(line.price, paths) for line in every], axis=1),
        apart=known.charged,
    )


def _of_cuts(plan: Planner, known: Known) -> tuple[list[Line], list[Line]]:
    """The limits of cuts, whose weights are told path by path, and what never binds below."""
    if known.cuts is None:
        return [], []
    none, price = np.zeros(known.current.shape[1:]), GIVES_WAY["cut"] * plan.usual * plan.unit
    above = [Line(none, np.minimum(most / plan.unit, NO_LIMIT), price) for most in known.cuts.T]
    return above, [Line(none, np.full(len(known.total), NO_LIMIT), price) for _ in above]


def _paired(lines: list[Line], paths: int) -> list[tuple[Line, Line]]:
    """Each line with its opposite, or with one that never binds."""
    found: list[tuple[Line, Line | None]] = []
    waiting: dict[bytes, list[int]] = {}
    for line in lines:
        opposite = waiting.get((0.0 - line.weights).tobytes())
        if opposite:
            place = opposite.pop()
            found[place] = found[place][0], line
        else:
            waiting.setdefault((0.0 + line.weights).tobytes(), []).append(len(found))
            found.append((line, None))
    free = np.full(paths, NO_LIMIT)
    return [(one, other or Line(-one.weights, free, one.price)) for one, other in found]


def _sides(plan: Planner, rule: Rule, at: int, known: Known) -> list[Line]:
    """The sides of a rule of the plan about the decisions from `at` on."""
    weights = by_cell(plan.problem, rule.weights)
    to_come = weights[:, at:]
    if not to_come.any() or rule.name.startswith(QUARTER):
        return []
    over = np.einsum("cn,pcn->p", weights[:, :at], known.spent) if at else np.zeros(len(known.total))
    is_total, scale = rule is plan.rules[0], known.total / plan.setting.money.sum()
    price = _price(plan, "money" if is_total else rule.name)
    found = []
    by_quarter = plan.setting.scenario.budget.quarters is not None  # then what a quarter leaves is not spent later
    for sign, end in ((1.0, rule.high), (-1.0, rule.low)):
        if np.isfinite(end) and not (is_total and by_quarter and sign < 0):
            amount = known.total if is_total else end * (scale if rule.share else np.ones(len(scale)))
            limit = sign * (amount - over) / plan.unit
            if rule.name.startswith(RAMP):  # no pace to go by where dates were closed
                limit = np.where(_is_closed(weights, at, known), NO_LIMIT, limit)
            found.append(Line(sign * to_come, limit, _unspent(plan, known) if is_total and sign < 0 else price))
    return found


def _unspent(plan: Planner, known: Known) -> Float[np.ndarray, " path"]:
    """The price of a unit of the total that is not spent."""
    calm = np.ones(len(known.total), bool) if known.cuts is None else np.isinf(known.cuts).all(axis=1)
    return np.where(calm, GIVES_WAY["money"], GIVES_WAY["unspent"]) * plan.usual * plan.unit


def _is_closed(weights: Float[np.ndarray, "channel decision"], at: int, known: Known) -> Bool[np.ndarray, " path"]:
    """Whether a rule is about a decision some of whose dates are closed."""
    opened = np.ones((len(known.total), len(weights), at)) if known.opened is None else known.opened
    found: Bool[np.ndarray, " path"] = ((np.concatenate([opened, known.open], axis=2) < 1) & (weights != 0)).any(
        axis=(1, 2)
    )
    return found


def _price(plan: Planner, name: str) -> float:
    """The price of a unit of money beyond a rule."""
    fixed = " committed from " in name or name.startswith("no date on which")
    begin = "fixed" if fixed else next((start for start in (RAMP, "money") if name.startswith(start)), "")
    return GIVES_WAY[begin] * plan.usual * plan.unit


def _now(plan: Planner, known: Known) -> list[Line]:
    """What binds now: nothing below 0, dates and notice, and the money of each decision."""
    paths, channels, count = known.current.shape
    price, closed = (GIVES_WAY[name] * plan.usual * plan.unit for name in ("fixed", "closed"))
    planned = np.add.reduceat(plan.setting.money, plan.setting.grid.edges[-count - 1 : -1], axis=0).T / plan.unit
    found = []
    for channel, decision in np.ndindex(channels, count):
        one = np.zeros((channels, count))
        one[channel, decision] = 1.0
        found.append(Line(-one, np.zeros(paths), np.inf))
        current, is_open = known.current[:, channel, decision] / plan.unit, known.open[:, channel, decision]
        if known.fixed[channel, decision]:
            found += [Line(one, current * is_open, price), Line(-one, -current * is_open, price)]
        elif (is_open < 1).any():  # on the dates that are left nothing is spent faster than planned
            found.append(Line(one, np.where(is_open < 1, planned[channel, decision] * is_open, NO_LIMIT), closed))
    for most, among in zip(known.most.T, np.eye(count) if known.among is None else known.among, strict=True):
        if np.isfinite(most).any():
            every, limit = np.tile(among.astype(float), (channels, 1)), np.minimum(most / plan.unit, NO_LIMIT)
            found.append(Line(every, limit, GIVES_WAY["money"] * plan.usual * plan.unit))
    return found


def _tolls(plan: Planner, at: int, known: Known) -> list[Line]:
    """What moves from today's split are charged: their prices are those of units beyond it.

    Today's split is history's scaled to the money that there is, and doubt is a share of what money brings, so a toll
    falls with the effect of its channel and with what money buys.
    """
    found, count = [], plan.problem.decisions - at
    scale = known.total / plan.setting.money.sum() if plan.problem.budget.low == plan.problem.budget.high else 1.0
    left = known.current + LEAST * plan.unit
    weight = left / left.sum(axis=2, keepdims=True)
    brings = (weight * known.had * known.effect[:, :, : left.shape[2]]).sum(axis=2)
    for channel, payoff in enumerate(plan.problem.payoffs):
        every = np.zeros((len(plan.problem.names), count))
        every[channel] = 1.0
        anchor = (payoff.anchor * scale - known.spent[:, channel].sum(axis=1)) / plan.unit
        for sign, toll in zip((-1.0, 1.0), payoff.toll, strict=True):
            if toll > 0:
                found.append(Line(sign * every, sign * anchor, toll * plan.unit * brings[:, channel]))
    return found
