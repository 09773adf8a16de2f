"""Decisions: the horizon in quarters or months, and the course of each channel's money through them."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float, Int

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.flighting import closes, pattern, shared
from engine.optimize.over_time.course import Course, incremental
from engine.optimize.timing import LONGEST, conditions, cycled
from engine.periods import PER_YEAR, Period, starts, step
from engine.response.curves import Channel, Curves, kernel, pace

FADED = 1e-7  # of a unit of money that is still to work: less counts as nothing
ROUNDING = 1e-12  # of a unit of money: less that is still to come is what sums of shares leave of 1


@dataclass(frozen=True)
class Spent:
    """What was spent on each channel in the first periods of a horizon that has begun."""

    money: Float[np.ndarray, "period channel"]  # [currency/period]

    @property
    def periods(self) -> int:
        """How many periods are over."""
        return len(self.money)


@dataclass(frozen=True)
class Grid:
    """Decisions as runs of periods; each lies within one quarter of the horizon."""

    days: tuple[date, ...]  # first day of each period of the horizon, and the first day after it
    edges: tuple[int, ...]  # first period of each decision, and the number of periods
    quarters: tuple[int, ...]  # of the horizon, by decision
    units: tuple[int, ...]  # quarter or month that is decided, by decision: one that has begun is two decisions
    over: int = 0  # decisions that are in the past

    @property
    def count(self) -> int:
        """How many decisions there are."""
        return len(self.edges) - 1

    @property
    def lengths(self) -> Int[np.ndarray, " decision"]:
        """Periods of each decision."""
        return np.diff(self.edges)

    @property
    def labels(self) -> tuple[str, ...]:
        """First and last day of each decision."""
        ends = [step(self.days[edge], -1, "day") for edge in self.edges[1:]]
        return tuple(f"{self.days[edge]} to {end}" for edge, end in zip(self.edges, ends, strict=False))

    @property
    def quarter_begins(self) -> tuple[date, ...]:
        """First day of each quarter."""
        return tuple(self.begins[self.quarters.index(number)] for number in sorted(set(self.quarters)))

    @property
    def unit_begins(self) -> tuple[date, ...]:
        """First day of each quarter or month that is decided."""
        return tuple(self.begins[self.units.index(number)] for number in sorted(set(self.units)))

    def in_quarter(self, number: int) -> Float[np.ndarray, " decision"]:
        """1 for each decision in a quarter."""
        return (np.array(self.quarters) == number).astype(float)

    def in_unit(self, number: int) -> Float[np.ndarray, " decision"]:
        """1 for each decision in a quarter or month that is decided."""
        return (np.array(self.units) == number).astype(float)

    @property
    def begins(self) -> tuple[date, ...]:
        """First day of each decision."""
        return tuple(self.days[edge] for edge in self.edges[:-1])


def grid(curves: Curves, scenario: Scenario, over: int = 0) -> Grid:
    """The decisions of a scenario; those within the first `over` periods are in the past.

    Quarters and months are counted from the start of the horizon, so that a fiscal year has four of its own.

    Raises:
        InputError: The periods of the curves are longer than a decision.
    """
    horizon, period = scenario.horizon, curves.period
    days = (*starts(horizon.start, horizon.periods, period), step(horizon.start, horizon.periods, period))
    quarters = _edges(days, "quarter")
    if horizon.decide == "horizon":
        inner = {0}
    else:
        _require_shorter(scenario, period)
        inner = set(quarters if horizon.decide == "quarter" else _edges(days, "month") + quarters)
    begins = sorted(
        {edge for edge in inner if edge < horizon.periods} | ({over} if 0 < over < horizon.periods else set())
    )
    quarter_of, unit_of = (
        tuple(int(np.searchsorted(edges, begin, "right")) - 1 for begin in begins)
        for edges in (quarters, sorted(inner))
    )
    past = sum(begin < over for begin in begins)
    return Grid(days, (*begins, horizon.periods), quarter_of, unit_of, past)


def _edges(days: tuple[date, ...], length: Period) -> list[int]:
    """First period of each quarter or month from the start on."""
    count, found = len(days) - 1, []
    for number in range(count + 1):
        begin = step(days[0], number, length)
        if begin >= days[-1]:
            break
        found.append(next(at for at in range(count + 1) if days[at] >= begin))
    return found


def _require_shorter(scenario: Scenario, period: Period) -> None:
    decide = scenario.horizon.decide
    if PER_YEAR[period] < {"quarter": 4, "month": 12}.get(decide, 0):
        raise InputError(
            f"scenario {scenario.name!r}: horizon.decide = {decide!r} is finer than the curves, which count in "
            f"{period}s; decide by {period} or longer, or calibrate on shorter periods"
        )


@dataclass(frozen=True)
class Way:
    """How one channel's money by decision is spent: its course, and what each decision can and costs."""

    course: Course
    pace: Float[np.ndarray, "decision period"]  # share of a decision's money by period
    cost: Float[np.ndarray, " decision"]  # money charged to profit per money spent
    spent: Float[np.ndarray, " decision"]  # what the decisions in the past spent [currency]
    dated: tuple[bool, ...] = ()  # decisions in which the scenario has an open date, whatever the past spent

    @property
    def active(self) -> tuple[bool, ...]:
        """Decisions in which there is a date on which money can be spent."""
        return tuple(bool(row.any()) for row in self.pace)


def way(channel: Channel, curves: Curves, scenario: Scenario, held: Grid, spent: Spent | None = None) -> Way:
    """The way of one channel's money through the decisions of a scenario."""
    horizon = scenario.horizon
    tail = horizon.tail if horizon.from_history else 0
    found = conditions(channel, curves, scenario, horizon.periods + tail)
    opened = found.open[: horizon.periods]
    planned = pattern(channel, curves, scenario, opened)
    weights, is_closed = planned.copy(), closes(channel, scenario)
    if spent is not None:
        weights[: spent.periods] = spent.money[:, curves.names.index(channel.name)]
    shares = np.zeros((held.count, horizon.periods))
    insides = [slice(begin, end) for begin, end in zip(held.edges, held.edges[1:], strict=False)]
    for number, inside in enumerate(insides):
        shares[number, inside] = shared(weights[inside], opened[inside], is_closed or number < held.over)
    bought = shares * found.had[: horizon.periods]
    if horizon.from_history:
        course = _from_history(channel, curves, bought, found.worth, tail)
    else:
        course = _cycling(channel, bought, found.worth)
    before = np.array([weights[inside].sum() for inside in insides])
    dated = tuple(bool(shared(planned[inside], opened[inside], is_closed).any()) for inside in insides)
    over = np.arange(held.count) < held.over
    return Way(course, shares, shares @ found.discount[: horizon.periods], np.where(over, before, 0.0), dated)


def _cycling(channel: Channel, bought: Float[np.ndarray, "decision period"], worth: np.ndarray) -> Course:
    """The course of a year that is followed by its like."""
    gain = np.stack([cycled(channel, row) for row in bought])
    return incremental(channel, gain, np.zeros(gain.shape[1:]), worth)


def _from_history(
    channel: Channel, curves: Curves, bought: Float[np.ndarray, "decision period"], worth: np.ndarray, tail: int
) -> Course:
    """The course after what history spent, with what is left at the end valued over a tail.

    In the tail the channel goes on at history's pace, and what that pace alone would bring is taken off.
    """
    periods = bought.shape[1]
    reach = kernel(channel, periods + tail)
    reached = np.cumsum(reach, axis=1)
    gain = np.stack([_stock(reach, reached, row, periods + tail) for row in bought])
    return incremental(channel, gain, anyway(channel, curves, periods, tail), worth)


def anyway(channel: Channel, curves: Curves, periods: int, tail: int) -> Float[np.ndarray, "row draw"]:
    """Stock that is there whatever is decided: what history left, and in the tail what its pace brings then."""
    going = pace(channel, curves.period)
    offset = _left(channel, periods + tail, going)
    offset[periods:] += going * np.cumsum(kernel(channel, periods + tail), axis=1)[:, :tail].T
    return offset


def _stock(reach: np.ndarray, reached: np.ndarray, bought: np.ndarray, rows: int) -> Float[np.ndarray, "row draw"]:
    """Stock by row of one unit of a decision's money."""
    spent = np.flatnonzero(bought)
    stock = np.zeros((rows, len(reach)))
    if not len(spent):
        return stock
    first, last = spent[0], spent[-1] + 1
    even = last - first == len(spent) and np.ptp(bought[first:last]) <= 1e-12 * bought[first]
    if even:  # the difference of two sums of the kernel
        stock[first:] = bought[first] * reached[:, : rows - first].T
        stock[last:] -= bought[first] * reached[:, : rows - last].T
        return np.maximum(stock, 0.0)
    for at in spent:
        stock[at:] += bought[at] * reach[:, : rows - at].T
    return stock


def _left(channel: Channel, rows: int, going: float) -> Float[np.ndarray, "row draw"]:
    """Stock by row of what was spent before: the latest periods as they were, earlier ones at history's pace."""
    last = np.array(channel.history.last[-LONGEST:])
    weights = kernel(channel, rows + len(last))
    coming = 1 - np.cumsum(weights, axis=1)
    coming = np.where(coming > ROUNDING, coming, 0.0)
    left = going * coming[:, len(last) : len(last) + rows].T
    felt = int(np.argmax(coming.max(axis=0) <= FADED)) or len(last)  # what lies further back has faded
    latest = last[::-1][:felt]
    if not len(latest):
        return left
    back = np.arange(weights.shape[1])[:, None] - np.arange(1, rows + 1)  # how far before the end a lag's money lies
    within = (back >= 0) & (back < len(latest))
    spent = np.where(within, latest[np.where(within, back, 0)], 0.0)
    return left + (weights @ spent).T
