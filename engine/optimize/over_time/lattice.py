"""Courses in whole steps: the best of each total of a channel, and what none of that total exceeds.

All courses of whole steps are listed up to some total. Where curves are concave the planes that touch a channel's mean
outcome lie nowhere below it; so of each total the course that promises most under all planes is looked at, and brings a
plane of its own, until none that is left promises more than the best has. Where curves bend upwards every course is
looked at: on all draws where that is a moment's work, else on some of them, and the promise is an estimate.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.over_time.course import even_draws, means, tangents, thinned
from engine.optimize.over_time.several import chances
from engine.optimize.over_time.totals import Knot, Known, View
from engine.optimize.tables import Table

LISTED = 40_000  # courses of one channel at the most
FEWER = 12_000  # the same where curves bend upwards
MANY = 150  # steps of a channel whose curves bend upwards above which its table says as much
LOOKED_AT = 8_000_000  # rows and draws of courses that are looked at all together: a fifth of a second
EVEN = 1e-9  # of the largest total: what two amounts may differ and count as the same
LOOKS = 60  # courses of one total that are looked at, at the most
SOME = 3  # the same where curves bend upwards and promises are estimates
SCALES = 6  # courses at which these are measured against all draws
CLOSE = 1e-9  # of the best course: a promise of no more than this above it is none


@dataclass
class Lattice:
    """The courses of a channel in whole steps, by rising total, and what is known of them so far."""

    view: View
    step: float  # [currency]
    courses: Float[np.ndarray, "course decision"]  # [currency]
    number: Int[np.ndarray, " course"]  # of steps of each course
    charge: Float[np.ndarray, " course"]  # cost and toll [objective]
    promise: Float[np.ndarray, " course"]  # what it earns at the most
    value: Float[np.ndarray, " course"]  # what it earns; -inf where that was not looked at
    proven: bool = True  # whether promises are no estimates
    closed: set[int] = field(default_factory=set)  # numbers of steps of which the best course is known
    beyond: list[Knot] = field(default_factory=list)  # of courses whose totals are not listed

    @property
    def most(self) -> float:
        """The largest total whose courses are listed [currency]."""
        return float(self.number.max()) * self.step

    def at(self, total: float) -> Int[np.ndarray, " some"]:
        """The places of the courses of a total."""
        number = round(total / self.step)
        return np.arange(*np.searchsorted(self.number, [number, number + 1]))

    def best(self, total: float) -> Float[np.ndarray, " decision"] | None:
        """The best course of a total that was looked at; None where none was."""
        own = self.at(total)
        if not len(own) or not np.isfinite(self.value[own].max()):
            return None
        course: np.ndarray = self.courses[own[int(np.argmax(self.value[own]))]]
        return course


def lattice(view: View, step: float, known: Known) -> Lattice | None:
    """The courses of a channel in whole steps, seen from its table; None where there are too many to list.

    Args:
        view: The channel.
        step: The step of all its decisions [currency]; 0 for none.
        known: Its table, and courses behind it.
    """
    ends = view.shapes.low, view.shapes.high
    courses = _listed(step, ends, view.limits, FEWER if view.bent else LISTED) if step else None
    if courses is None or (view.bent and view.limits[1] > MANY * step):
        return None
    if view.shapes.rows or view.shapes.flight.any():
        courses = courses[[view.shapes.allows(money, float(money.sum())) for money in courses]]
    if not len(courses):
        return None
    courses = courses[np.argsort(np.rint(courses.sum(axis=1) / step), kind="stable")]
    totals = courses.sum(axis=1)
    charge = courses @ view.cost + view.problem.payoffs[view.channel].doubted(totals)
    nothing = np.full(len(courses), np.inf)
    found = Lattice(view, step, courses, np.rint(totals / step).astype(int), charge, nothing, -nothing)
    if view.bent:
        _weigh(found)
    else:
        look(found, np.array([knot.money for knot in known.knots]))
    return found


def look(one: Lattice, money: Float[np.ndarray, "some decision"]) -> None:
    """See some courses closer, be they in whole steps or not."""
    if not one.view.bent:
        _touch(one, money)
    totals = money.sum(axis=1)
    if (totals > one.most * (1 + EVEN)).any():
        one.beyond += one.view.knots(money[totals > one.most * (1 + EVEN)])


def find(one: Lattice, totals: Iterable[float]) -> bool:
    """Find the best course of each of some totals; whether any of it is news."""
    return sum(_found(one, total) for total in totals) > 0


def table(one: Lattice, known: Known) -> Table:
    """The channel's table at whole steps; beyond those whose courses are listed that of all courses, cut to steps."""
    least, most = one.view.limits
    numbers = np.arange(math.ceil(least / one.step - EVEN), math.floor(most / one.step + EVEN) + 1)
    spend = one.step * numbers
    value, upper = (np.interp(spend, known.table.spend, side) for side in (known.table.value, known.table.upper))
    for knot in () if one.view.bent else one.beyond:
        upper = np.minimum(upper, knot.height + knot.rise * (spend - knot.total))
    for at in np.flatnonzero(numbers <= one.number.max()).tolist():
        own = one.at(float(spend[at]))
        upper[at] = one.promise[own].max(initial=-np.inf)
        value[at] = one.value[own].max(initial=-np.inf)
    kept = np.isfinite(upper)
    spend, value, upper = spend[kept], np.where(np.isfinite(value), value, upper)[kept], upper[kept]
    return Table(spend, value, np.gradient(value, spend) if len(value) > 1 else np.zeros(len(value)), upper)


def _touch(one: Lattice, money: Float[np.ndarray, "some decision"]) -> None:
    """Planes at some courses: promises of all courses are no higher."""
    payoff = one.view.problem.payoffs[one.view.channel]
    outcome, plane, slope = tangents(one.view.course, money, chances(one.view.problem))
    for course, value, height, rise in zip(money, outcome, plane, slope, strict=True):
        level = payoff.margin * (float(height) - float(rise @ course))
        np.minimum(one.promise, level + payoff.margin * (one.courses @ rise) - one.charge, out=one.promise)
        own = one.at(float(course.sum()))
        same = own[np.abs(one.courses[own] - course).max(axis=1, initial=0.0) <= EVEN * one.most]
        one.value[same] = payoff.margin * float(value) - one.charge[same]
        one.promise[same] = one.value[same]


def _weigh(one: Lattice) -> None:
    """Promises of curves of any shape: what each course earns on all draws, or on so many as take a moment."""
    course, odds = one.view.course, chances(one.view.problem)
    margin = one.view.problem.payoffs[one.view.channel].margin
    draws = int(LOOKED_AT / (len(course.weight) * len(one.courses)))
    if draws >= course.draws:
        one.value = one.promise = margin * means(course, one.courses, odds) - one.charge
        one.closed |= set(one.number.tolist())
        return
    few, chosen = thinned(course, max(2, draws)), even_draws(course.draws, max(2, draws))
    some = odds[chosen] / odds[chosen].sum() if odds[chosen].sum() else np.full(len(chosen), 1 / len(chosen))
    outcome = means(few, one.courses, some)
    places = np.unique(np.linspace(1, len(outcome) - 1, SCALES).astype(int)) if len(outcome) > 1 else np.zeros(1, int)
    real = means(course, one.courses[places], odds)
    scale = np.max(np.where(outcome[places] > 0, real / np.maximum(outcome[places], 1e-300), 1.0))
    one.promise = margin * float(scale) * outcome - one.charge
    one.proven = False


def _found(one: Lattice, total: float) -> bool:
    own, number = one.at(total), round(total / one.step)
    if not len(own) or number in one.closed:
        return False
    one.closed.add(number)
    for _ in range(SOME if one.view.bent else LOOKS):
        first = own[int(np.argmax(np.where(np.isfinite(one.value[own]) & one.view.bent, -np.inf, one.promise[own])))]
        best = float(one.value[own].max())
        if np.isfinite(one.value[first]) or one.promise[first] <= best + CLOSE * abs(best):
            break
        if one.view.bent:
            _measure(one, int(first))
        else:
            _touch(one, one.courses[first][None])
    if one.view.bent:
        one.promise[own] = np.minimum(one.promise[own], one.value[own].max())
    return True


def _measure(one: Lattice, at: int) -> None:
    """What one course earns on all draws."""
    margin = one.view.problem.payoffs[one.view.channel].margin
    outcome = means(one.view.course, one.courses[at][None], chances(one.view.problem))
    one.value[at] = one.promise[at] = margin * float(outcome[0]) - float(one.charge[at])


def _listed(
    step: float, ends: tuple[np.ndarray, np.ndarray], limits: tuple[float, float], listed: int
) -> Float[np.ndarray, "course decision"] | None:
    """All courses of whole steps between limits, up to the total at which there are too many; None: far too many."""
    count = len(ends[0])
    first = np.ceil(ends[0] / step - EVEN).astype(int)
    last = np.floor(np.minimum(ends[1], limits[1]) / step + EVEN).astype(int)
    most, least = math.floor(limits[1] / step + EVEN), int(first.sum())
    while most >= least and math.comb(most - least + count, count) > listed:
        most -= 1
    if np.any(first > last) or most <= least:
        return None
    found = np.zeros((1, 0), int)
    for at in range(count):
        rest = int(first[at + 1 :].sum())
        room = most - rest - found.sum(axis=1)
        found = np.concatenate(
            [
                np.column_stack([found[room >= taken], np.full(int((room >= taken).sum()), taken)])
                for taken in range(int(first[at]), int(last[at]) + 1)
            ]
        )
    return step * found[found.sum(axis=1) * step >= limits[0] - EVEN * limits[1]].astype(float)
