"""Proofs for curves that bend upwards: what no course of a total of a channel earns, by branch and bound over courses.

All courses of a channel are divided into parts (see `spans`). Over each part planes, and functions that only bend
upwards, lie nowhere below what its courses earn (see `ceilings`), and become lines over totals. Parts that stand out
over the best known course at the prices of a plan are divided again; then the highest part over each total makes a
table whose upper side is a proof, and totals are looked for over these tables as over any others.
"""

import heapq
import itertools
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.ceilings import ceiling, raised
from engine.optimize.over_time.course import means, tangents
from engine.optimize.over_time.spans import Box, Corners, Span, whole
from engine.optimize.over_time.totals import EVEN, Known, View
from engine.optimize.tables import Table

CLOSER = 4  # parts over a total that are seen closer in one round
HOPEFUL = 0.7  # of what a part stands out by: what a convex function may be raised by
TINY = 1e-300

Plane = tuple[Float[np.ndarray, " decision"], float, Float[np.ndarray, " decision"]]  # a course, height there, slope
Heights = tuple[Float[np.ndarray, " corner"], Float[np.ndarray, " corner"]]  # of mean outcome, at corners
Lines = Float[np.ndarray, "line 2"]  # heights at a total of 0, and rises [objective, objective/currency]


@dataclass(frozen=True)
class Part:
    """Some courses of a channel, and lines over totals that none of them exceeds."""

    span: Span
    lines: Lines
    price: float  # of a unit of money, at which it is looked at [objective/currency]
    reached: float  # what one of its courses earns after the price of money that it was looked at with; or -inf

    @property
    def least(self) -> float:
        """Its least total [currency]."""
        return self.span.total[0]

    @property
    def most(self) -> float:
        """Its highest total [currency]."""
        return self.span.total[1]

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
    guide: Known | None  # courses that earn much, by total, be it on some of the draws; None: like the plan's own
    money: Float[np.ndarray, " decision"]  # of the plan [currency]
    price: float  # of a unit of its money, in any decision, by the rules across channels [objective/currency]
    tolerance: float  # by how much its parts may stand out [objective]

    @cached_property
    def best(self) -> float:
        """What the plan's course earns after its price of money."""
        return _earned(self.view, self.money) - self.price * float(self.money.sum())

    def course(self, total: float) -> Float[np.ndarray, " decision"]:
        """A course of a total that earns much: at the plan's own total that of the plan."""
        own = float(self.money.sum())
        if abs(total - own) <= EVEN * own:
            return self.money
        shape = self.money / own if own > 0 else np.full(len(self.money), 1 / len(self.money))
        return self.view.shapes.course(shape, total) if self.guide is None else self.guide.money(total)


def begun(question: Question) -> list[Part]:
    """The first parts of a channel: all its courses, apart at a minimum flight and at today's spend."""
    view, payoff = question.view, question.view.problem.payoffs[question.view.channel]
    shapes, (least, most), found = view.shapes, view.limits, list[Part]()
    if view.has_gap:
        nothing = np.zeros(len(shapes.low))
        alone = Box((0.0, 0.0), (nothing, nothing), shapes)
        found.append(Part(alone, np.array([[_earned(view, nothing), 0.0]]), question.price, -np.inf))
        least = min(max(shapes.lightest, least), most)
    ends = [least, *((payoff.anchor,) if any(payoff.toll) and least < payoff.anchor < most else ()), most]
    spans = (whole(shapes, total) for total in itertools.pairwise(ends))
    return found + [_part(question, span, np.zeros((0, 2))) for span in spans if span is not None]


def standing_out(question: Question, parts: list[Part]) -> float:
    """By how much some part stands out over the best course that is known, at the channel's price of money."""
    return max(part.stands_out for part in parts) - _best(question, parts)


def _best(question: Question, parts: list[Part]) -> float:
    """What the best known course earns after its price of money."""
    return max(question.best, *(part.reached for part in parts))


def divided(question: Question, parts: list[Part], allowed: int) -> list[Part]:
    """The parts of a channel, those divided that stand out most over the best course that is known.

    Args:
        question: The channel.
        parts: Its parts so far.
        allowed: How many parts may be divided.
    """
    best, order = _best(question, parts), itertools.count()
    queue = [(-part.stands_out, next(order), part) for part in parts]
    heapq.heapify(queue)
    done = list[Part]()
    for _ in range(allowed):
        if not queue or -queue[0][0] <= best + question.tolerance:
            break
        part = heapq.heappop(queue)[2]
        halves = halved(question, part)
        done += [part] if halves is None else []
        for half in halves or ():
            best = max(best, half.reached)
            heapq.heappush(queue, (-half.stands_out, next(order), half))
    return [*done, *(part for *_, part in queue)]


def excess(question: Question, parts: list[Part], total: float) -> float:
    """By how much more than a known course of a total earns its courses are allowed to earn [objective]."""
    return max(part.over(total) for part in parts) - _earned(question.view, question.course(total))


def refined(question: Question, parts: list[Part], total: float) -> list[Part]:
    """The parts, with those seen closer or divided that are highest over a total, above what is known to be earned."""
    earned = _earned(question.view, question.course(total))
    highest = sorted(range(len(parts)), key=lambda at: -parts[at].over(total))[:CLOSER]
    high = [at for at in highest if parts[at].over(total) > earned + question.tolerance]
    found = [part for at, part in enumerate(parts) if at not in high]
    for part in (parts[at] for at in high):
        closer = _part(question, part.span, part.lines, total)
        loose = closer.at(total) - earned > max(question.tolerance, (part.at(total) - earned) / 2)
        halves = halved(question, closer) if loose else None
        found += [closer] if halves is None else halves
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


def halved(question: Question, part: Part) -> list[Part] | None:
    """A part in two; None where it is narrow."""
    spans = part.span.halves(float(question.money.sum()))
    return None if spans is None else [_part(question, span, part.lines) for span in spans]


def _part(question: Question, span: Span, lines: Lines, usual: float | None = None) -> Part:
    """The courses of a span, with one more line, looked at near a usual total."""
    view, own, total = question.view, float(question.money.sum()), span.total
    if usual is None:
        usual = own if total[0] <= own <= total[1] else sum(total) / 2
    money = span.nearest(question.course(usual))
    value, new = _above(view, span, money)
    reached = -np.inf
    if view.shapes.allows(money, spent := float(money.sum())) and total[0] <= spent <= total[1]:
        reached = _paid(view, money, value) - question.price * spent
    part = Part(span, _lowest(np.concatenate([lines, np.array(new)]), total), question.price, reached)
    return _convex(question, part) if view.bent else part


def _convex(question: Question, part: Part) -> Part:
    """A part that stands out, with the line over totals above a convex function that its courses never exceed."""
    view, span, high = question.view, part.span, part.stands_out - question.best
    if span.corners is None or part.least == part.most or high <= question.tolerance:
        return part
    payoff, every = view.problem.payoffs[view.channel], np.concatenate(span.corners)
    odds = payoff.chances(view.course.draws)
    more = raised(view.course, every, span.limits, odds)
    if not payoff.margin * more.max() < HOPEFUL * high:
        return part
    ends = [part.at(total) - question.price * total for total in span.total]
    one = every[[0 if ends[0] > ends[1] else -1]]  # where the part stands out more: one corner tells whether all help
    told = _charged(view, span, one, means(view.course, one, odds)) - question.price * one.sum(axis=1)
    if float(told[0]) - question.best > HOPEFUL * high:
        return part
    low, most = np.split(means(view.course, every, odds) + more, 2)
    line = _chord(view, span, span.corners, (low, most))
    return replace(part, lines=_lowest(np.concatenate([part.lines, [line]]), span.total))


def _above(view: View, span: Span, money: Float[np.ndarray, " decision"]) -> tuple[float, list[tuple[float, float]]]:
    """The mean outcome of a course of a span, and lines over totals that none of its courses exceeds."""
    odds = view.problem.payoffs[view.channel].chances(view.course.draws)
    if not view.bent:
        value, height, slope = tangents(view.course, money[None], odds)
        return float(value[0]), [_line(view, span, (money, float(height[0]), slope[0]))]
    found = ceiling(view.course, span, money, odds)
    flat = np.zeros(len(money))  # no course earns more than all the limits together
    planes = (money, found.height, found.slope), (span.limits[1], found.top, flat)
    lines = [_line(view, span, plane) for plane in planes]
    corners = span.corners
    if corners is not None and span.total[0] < span.total[1]:
        lines.append(_chord(view, span, corners, (found.parabola(corners[0]), found.parabola(corners[1]))))
    return found.value, lines


def _line(view: View, span: Span, plane: Plane) -> tuple[float, float]:
    """The line over totals of a plane above the outcome, known by its height at a course and its slope."""
    payoff, (money, height, slope) = view.problem.payoffs[view.channel], plane
    slope = payoff.margin * slope - view.cost - _toll(view, span)
    middle = min(max(float(money.sum()), span.total[0]), span.total[1])
    top, rise = span.line(slope, middle)
    own = float(_charged(view, span, money[None], np.array([height]))[0])
    return own - float(slope @ money) + top - rise * middle, rise


def _chord(view: View, span: Span, corners: Corners, outcome: Heights) -> tuple[float, float]:
    """The line over totals above a convex function, known at the corners: over each total it is highest at one."""
    least, most = span.total
    ends = [float(_charged(view, span, *one).max()) for one in zip(corners, outcome, strict=True)]
    rise = (ends[1] - ends[0]) / (most - least)
    return ends[0] - rise * least, rise


def _charged(
    view: View, span: Span, money: Float[np.ndarray, "course decision"], outcome: Float[np.ndarray, " course"]
) -> Float[np.ndarray, " course"]:
    """Outcomes of courses of a span in the objective, less what their money is charged."""
    payoff = view.problem.payoffs[view.channel]
    return payoff.margin * outcome - money @ view.cost - _toll(view, span) * (money.sum(axis=1) - payoff.anchor)


def _toll(view: View, span: Span) -> float:
    """The toll of each unit of money away from today's spend, on the side of it on which a span is."""
    payoff = view.problem.payoffs[view.channel]
    less, more = payoff.toll
    return more if span.total[0] >= payoff.anchor else -less


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
