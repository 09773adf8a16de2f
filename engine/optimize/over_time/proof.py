"""Proofs for curves that bend upwards: what no course of a total of a channel earns, by branch and bound over courses.

All courses of a channel are divided into parts: limits of each decision, and a range of totals. Over each part planes
lie nowhere below what its courses earn (see `ceilings`), and become lines over totals (see `shapes`). Parts that stand
out over the best known course at the prices of a plan are divided again; then the highest part over each total makes a
table whose upper side is a proof, and totals are looked for over these tables as over any others.
"""

import heapq
import itertools
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.ceilings import ceiling
from engine.optimize.over_time.course import means, tangents
from engine.optimize.over_time.shapes import Shapes
from engine.optimize.over_time.totals import EVEN, Known, View
from engine.optimize.tables import Table

INSIDE = 1e-3  # of a decision's limits: how near to 0 a course is looked at, where curves can be infinitely steep
NARROW = 1e-6  # of its highest total: parts that are no wider are not divided
AT_ONCE = 4  # parts over a total that are seen closer in one round
SWEEPS = 2  # in which rules narrow the limits of a part
TINY = 1e-300

Plane = tuple[Float[np.ndarray, " decision"], float, Float[np.ndarray, " decision"]]  # a course, height there, slope
Lines = Float[np.ndarray, "line 2"]  # heights at a total of 0, and rises [objective, objective/currency]
Limits = tuple[Float[np.ndarray, " decision"], Float[np.ndarray, " decision"]]


@dataclass(frozen=True)
class Part:
    """Some courses of a channel, and lines over totals that none of them exceeds."""

    limits: Limits  # of each decision [currency]
    least: float  # total [currency]
    most: float
    lines: Lines
    price: float  # of a unit of money, at which it is looked at [objective/currency]
    reached: float  # what one of its courses earns after the price of money that it was looked at with; or -inf

    def at(self, total: float) -> float:
        """The most that its courses of a total earn."""
        return float((self.lines[:, 0] + self.lines[:, 1] * total).min())

    def over(self, total: float) -> float:
        """The same, where it has such courses, else -inf."""
        return self.at(total) if self.least <= total <= self.most else -np.inf

    @cached_property
    def corners(self) -> list[float]:
        """Its least and its most total, and totals between them at which two of its lines cross."""
        if len(self.lines) == 1:
            return [self.least, self.most]
        one, other = np.triu_indices(len(self.lines), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            met = (self.lines[other, 0] - self.lines[one, 0]) / (self.lines[one, 1] - self.lines[other, 1])
        return [self.least, *met[(met > self.least) & (met < self.most)].tolist(), self.most]

    @cached_property
    def stands_out(self) -> float:
        """The most that its courses earn after the price of money."""
        totals = np.array(self.corners)
        heights = (self.lines[:, 0] + self.lines[:, 1] * totals[:, None]).min(axis=1)
        return float((heights - self.price * totals).max())


@dataclass(frozen=True)
class Question:
    """What is to be proven about one channel."""

    view: View
    guide: Known  # courses that earn much, by total, be it on some of the draws
    money: Float[np.ndarray, " decision"]  # of the plan [currency]
    price: float  # of a unit of its money, in any decision, by the rules across channels [objective/currency]

    @cached_property
    def best(self) -> float:
        """What the plan's course earns after its price of money."""
        return _earned(self.view, self.money) - self.price * float(self.money.sum())

    def course(self, total: float) -> Float[np.ndarray, " decision"]:
        """A course of a total that earns much: at the plan's own total that of the plan."""
        own = float(self.money.sum())
        return self.money if abs(total - own) <= EVEN * own else self.guide.money(total)


def begun(question: Question) -> list[Part]:
    """The first parts of a channel: all its courses, apart at a minimum flight and at today's spend."""
    view, payoff = question.view, question.view.problem.payoffs[question.view.channel]
    shapes, (least, most) = view.shapes, view.limits
    found, nothing = list[Part](), np.zeros(len(shapes.low))
    if view.has_gap:
        found.append(
            Part((nothing, nothing), 0.0, 0.0, np.array([[_earned(view, nothing), 0.0]]), question.price, -np.inf)
        )
        least = min(max(shapes.lightest, least), most)
    ends = [least, *((payoff.anchor,) if any(payoff.toll) and least < payoff.anchor < most else ()), most]
    for total in itertools.pairwise(ends):
        found += _part(question, (shapes.low, shapes.high), total, np.zeros((0, 2)))
    return found


def standing_out(question: Question, parts: list[Part]) -> float:
    """By how much some part stands out over the best course that is known, at the channel's price of money."""
    return max(part.stands_out for part in parts) - _best(question, parts)


def _best(question: Question, parts: list[Part]) -> float:
    """What the best known course earns after its price of money."""
    return max(question.best, *(part.reached for part in parts))


def divided(question: Question, parts: list[Part], tolerance: float, allowed: int) -> list[Part]:
    """The parts of a channel, those divided that stand out most over the best course that is known.

    Args:
        question: The channel.
        parts: Its parts so far.
        tolerance: By how much a part may stand out [objective].
        allowed: How many parts may be divided.
    """
    best, order = _best(question, parts), itertools.count()
    queue = [(-part.stands_out, next(order), part) for part in parts]
    heapq.heapify(queue)
    done = list[Part]()
    for _ in range(allowed):
        if not queue or -queue[0][0] <= best + tolerance:
            break
        part = heapq.heappop(queue)[2]
        halves = _halves(question, part)
        done += [part] if halves is None else []
        for half in halves or ():
            best = max(best, half.reached)
            heapq.heappush(queue, (-half.stands_out, next(order), half))
    return [*done, *(part for *_, part in queue)]


def excess(question: Question, parts: list[Part], total: float) -> float:
    """By how much more than a known course of a total earns its courses are allowed to earn [objective]."""
    return max(part.over(total) for part in parts) - _earned(question.view, question.course(total))


def refined(question: Question, parts: list[Part], total: float, tolerance: float) -> list[Part]:
    """The parts, with those seen closer or divided that are highest over a total, above what is known to be earned."""
    earned = _earned(question.view, question.course(total))
    highest = sorted(range(len(parts)), key=lambda at: -parts[at].over(total))[:AT_ONCE]
    high = [at for at in highest if parts[at].over(total) > earned + tolerance]
    found = [part for at, part in enumerate(parts) if at not in high]
    for part in (parts[at] for at in high):
        closer = _part(question, part.limits, (part.least, part.most), part.lines, total)
        if closer and closer[0].at(total) - earned > max(tolerance, (part.at(total) - earned) / 2):
            found += _halves(question, closer[0]) or closer
        else:
            found += closer
    return found


def table(question: Question, parts: list[Part], totals: Float[np.ndarray, " some"]) -> Table:
    """The highest part over each total, its upper side a proof; between knots it may be higher, at some totals not."""
    corners = np.array([total for part in parts for total in part.corners])
    ends = np.unique(np.concatenate([corners, np.clip(totals, corners.min(), corners.max())]))
    upper = np.full(len(ends), -np.inf)
    for part in parts:
        inside = (ends >= part.least) & (ends <= part.most)
        heights = (part.lines[:, 0] + part.lines[:, 1] * ends[inside, None]).min(axis=1)
        upper[inside] = np.maximum(upper[inside], heights)
    known = np.isfinite(upper)
    upper = np.interp(ends, ends[known], upper[known])  # totals that no course has may be given any height
    rise = np.diff(upper) / np.diff(ends) if len(ends) > 1 else np.zeros(1)
    steepness = np.append(rise, rise[-1]) if len(ends) > 1 else rise
    gap = (0.0, float(ends[1])) if question.view.has_gap and len(ends) > 1 else None
    return Table(ends, upper, steepness, upper, gap)  # a split is sought that is best by what is not yet ruled out


def _earned(view: View, money: Float[np.ndarray, " decision"]) -> float:
    """What a course earns, its toll and priced rules taken off."""
    odds = view.problem.payoffs[view.channel].chances(view.course.draws)
    return _paid(view, money, float(means(view.course, money[None], odds)[0]))


def _paid(view: View, money: Float[np.ndarray, " decision"], outcome: float) -> float:
    """An outcome in the objective, less what its money is charged."""
    payoff = view.problem.payoffs[view.channel]
    toll = float(payoff.doubted(np.array([money.sum()]))[0])
    return payoff.margin * outcome - float(view.cost @ money) - toll


def _halves(question: Question, part: Part) -> list[Part] | None:
    """A part in two: at a minimum flight, or by what is widest, its total or a decision; None where all is narrow."""
    (low, high), flight = part.limits, question.view.shapes.flight
    astride = np.flatnonzero((low < flight * (1 - EVEN)) & (high > 0) & (flight > 0))
    if len(astride):
        at = int(astride[np.argmax(high[astride])])
        return _cut(question, part, at, (0.0, min(float(flight[at]), float(high[at]))))
    by_total = (part.most - part.least) / max(part.most, TINY)
    width = (high - low) / max(part.most, TINY) - by_total * high / max(float(high.sum()), TINY)
    at = int(np.argmax(width))
    if width[at] * len(width) > by_total:
        middle = (float(low[at]) + float(high[at])) / 2
        return _cut(question, part, at, (middle, middle))
    if by_total <= NARROW:
        return None
    middle = float(np.sqrt(part.least * part.most)) if part.least > 0 else part.most / 3
    totals = (part.least, middle), (middle, part.most)
    return [half for total in totals for half in _part(question, part.limits, total, part.lines)]


def _cut(question: Question, part: Part, at: int, ends: tuple[float, float]) -> list[Part]:
    """A part in two at a decision: up to the first of two amounts, and from the second on."""
    (low, high), unit = part.limits, np.eye(len(part.limits[0]))[at].astype(bool)
    total = part.least, part.most
    sides = (low, np.where(unit, ends[0], high)), (np.where(unit, ends[1], low), high)
    return [half for limits in sides for half in _part(question, limits, total, part.lines)]


def _part(
    question: Question, limits: Limits, total: tuple[float, float], lines: Lines, usual: float | None = None
) -> list[Part]:
    """The courses within some limits with one more line, looked at near a usual total; nothing where there are none."""
    view, own = question.view, float(question.money.sum())
    narrowed = _narrowed(view.shapes, limits, total)
    if narrowed is None:
        return []
    low, high = narrowed
    if usual is None:
        usual = own if total[0] <= own <= total[1] else sum(total) / 2
    money = np.clip(question.course(usual), low + INSIDE * (high - low), high)
    value, planes = _planes(view, narrowed, money)
    shapes = replace(view.shapes, low=low, high=high, vertices=None)
    new = [_line(view, shapes, total, plane) for plane in planes]
    reached = -np.inf
    if view.shapes.allows(money, spent := float(money.sum())) and total[0] <= spent <= total[1]:
        reached = _paid(view, money, value) - question.price * spent
    lowest = _lowest(np.concatenate([lines, np.array(new)]), total)
    return [Part(narrowed, *total, lowest, question.price, reached)]


def _planes(view: View, limits: Limits, money: Float[np.ndarray, " decision"]) -> tuple[float, list[Plane]]:
    """The mean outcome of a course between limits, and planes above that of all courses between them."""
    odds = view.problem.payoffs[view.channel].chances(view.course.draws)
    if not view.bent:
        value, height, slope = tangents(view.course, money[None], odds)
        return float(value[0]), [(money, float(height[0]), slope[0])]
    found = ceiling(view.course, limits, money, odds)
    flat = np.zeros(len(money))  # no course earns more than all the limits together
    return found.value, [(money, found.height, found.slope), (limits[1], found.top, flat)]


def _line(view: View, shapes: Shapes, total: tuple[float, float], plane: Plane) -> tuple[float, float]:
    """The line over totals of a plane above the outcome, known by its height at a course and its slope."""
    payoff, (money, height, slope) = view.problem.payoffs[view.channel], plane
    less, more = payoff.toll
    toll = more if total[0] >= payoff.anchor else -less  # of each unit away from today's spend, on this side of it
    slope = payoff.margin * slope - view.cost - toll
    height = payoff.margin * height - float(view.cost @ money) + toll * (payoff.anchor - float(money.sum()))
    middle = min(max(float(money.sum()), total[0]), total[1])
    top, rise = shapes.line(slope, middle)
    return height - float(slope @ money) + top - rise * middle, rise


def _lowest(lines: Lines, total: tuple[float, float]) -> Float[np.ndarray, "kept 2"]:
    """The lines of which each is the lowest somewhere between two totals."""
    kept, at = list[int](), _least_of(lines, total[0])
    while True:
        kept.append(at)
        here = lines[at]
        flatter = np.flatnonzero(lines[:, 1] < here[1])
        if not len(flatter):
            break
        met = (lines[flatter, 0] - here[0]) / (here[1] - lines[flatter, 1])
        first = int(np.lexsort((lines[flatter, 1], met))[0])
        if met[first] >= total[1]:
            break
        at = int(flatter[first])
    return lines[kept]


def _least_of(lines: Lines, total: float) -> int:
    """The lowest line at a total; of several the flattest."""
    return int(np.lexsort((lines[:, 1], lines[:, 0] + lines[:, 1] * total))[0])


def _narrowed(shapes: Shapes, limits: Limits, total: tuple[float, float]) -> Limits | None:
    """The limits of each decision as narrow as the total and the channel's own rules make them; None if they cross."""
    (low, high), (least, most) = limits, total
    if shapes.vertices is not None:
        low = np.maximum(low, least * shapes.vertices.min(axis=0))
        high = np.minimum(high, most * shapes.vertices.max(axis=0))
    rows = [(np.ones(len(low)), least, most), *shapes.rows]
    for _ in range(SWEEPS):
        for weights, floor, cap in rows:
            touched = weights != 0
            small, large = np.minimum(weights * low, weights * high), np.maximum(weights * low, weights * high)
            sides = floor - (large.sum() - large), cap - (small.sum() - small)
            one, other = (side[touched] / weights[touched] for side in sides)
            low, high = low.copy(), high.copy()
            low[touched] = np.maximum(low[touched], np.minimum(one, other))
            high[touched] = np.minimum(high[touched], np.maximum(one, other))
    if np.any(low > high + EVEN * most):
        return None
    return low, np.maximum(low, high)
