"""Tables: each channel's mean objective by spend, tabulated once, with a rigorous upper bound.

The mean over draws of a sum over channels is a sum of one-dimensional curves, so no solver needs to see
a draw. Between two knots the curve can exceed its chord; by how much at the most is known from the
curvature of every draw (see `sheets`).
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.sheets import CHUNK, Cells, Knots, Odds, Sums, Turns, cells, off_chords, summed, turned
from engine.optimize.tiers import EVEN, Tiers
from engine.optimize.timing import Timing
from engine.response.curves import Channel, most, respond, respond_with_rate

COARSE = 32  # knots of the first look, before they are placed where the curve bends
FINE = 24  # knots of it next to the lower end
FINEST = 600  # most knots of one table
DOUBT_POINTS = 25  # spends at which the doubt of a move is looked at
LEAST_MARGIN = 1e-100  # objective per outcome: what stands for a margin of 0, whose outcome may be off by anything
KINK = 1e-9  # of today's spend: a spend no further from it stands at the kink of the toll
SMALLEST = 1e-13  # the first knot above the lower end, as a share of the width: slopes below 1 rise steeply there
_EVEN = np.linspace(0, 1, COARSE) ** 3
FIRST = np.concatenate([[0.0], np.geomspace(SMALLEST, _EVEN[1], FINE)[:-1], _EVEN[1:]])  # as shares of the width


@dataclass(frozen=True)
class Payoff:
    """What money on one channel earns: `margin` times its outcome, less `cost` times the money and `toll` on moves.

    The toll is charged on every unit of money moved away from `anchor`, today's spend: a move must be worth its doubt.
    """

    channel: Channel
    timing: Timing
    margin: float = 1.0
    cost: float = 0.0
    anchor: float = 0.0  # [currency over the horizon]
    toll: tuple[float, float] = (0.0, 0.0)  # objective per money moved to less than today's spend, and to more
    odds: Float[np.ndarray, " draw"] | None = None  # chance of each draw, summing to 1; None: all the same
    tiers: Tiers = EVEN  # what money buys by how much is spent

    def chances(self, draws: int) -> Float[np.ndarray, " draw"]:
        """The odds of so many draws."""
        return np.full(draws, 1 / draws) if self.odds is None else self.odds

    def average(self, values: Float[np.ndarray, "*point draw"]) -> Float[np.ndarray, "*point"]:
        """The mean over the draws, by their odds."""
        mean: np.ndarray = values.mean(axis=-1) if self.odds is None else values @ self.odds
        return mean

    def stock(self, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point row draw"]:
        """The stock that works in each row of periods [currency/period]."""
        return self.tiers.bought(spend)[:, None, None] * self.timing.gain

    def charge(self, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """What is taken off the outcome for a spend: its cost and the toll on its move [objective]."""
        return self.cost * spend + self.doubted(spend)

    def doubted(self, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """The toll on the move from today's spend to another, never below 0 [objective]."""
        moved = spend - self.anchor
        return np.where(moved < 0, -self.toll[0], self.toll[1]) * moved

    def charge_slope(self, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """Its derivative by the spend; the middle of both sides at the anchor."""
        below, above = self.charge_sides(spend)
        return (below + above) / 2

    def charge_sides(
        self, spend: Float[np.ndarray, " point"]
    ) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
        """Its derivatives towards less and towards more spend, which differ at the anchor alone."""
        less, more = self.toll
        moved, rounding = spend - self.anchor, KINK * self.anchor
        return (
            self.cost + np.where(moved <= rounding, -less, more),
            self.cost + np.where(moved < -rounding, -less, more),
        )


@dataclass(frozen=True)
class Table:
    """One channel's objective at its knots; a spend between `gap` ends is not allowed."""

    spend: Knots  # [currency over the horizon], rising
    value: Knots  # mean objective [currency or outcome over the horizon]
    steepness: Knots  # its derivative, the middle of both sides at a kink
    upper: Knots  # joined by straight lines, nowhere below the objective
    gap: tuple[float, float] | None = None  # minimum flight: zero or at least the second of these
    kink: Knots | None = None  # by how much the derivative falls at each knot itself; None: nowhere

    @property
    def stretches(self) -> list[tuple[int, int, bool]]:
        """First knot, last knot and whether concave, of each stretch on which the mean curve bends one way.

        Told from the exact derivative at the knots; the knot at a spend of 0, where it can be infinite, and
        knots between which it does not change go with the next one. A convex stretch ends at a kink.
        """
        first = 1 if self.gap else 0
        half = np.zeros(len(self.spend)) if self.kink is None else self.kink / 2  # below 0 where the slope rises
        begins, ends = (self.steepness - half)[:-1], (self.steepness + half)[1:]
        rise = ends - begins
        straight = np.abs(rise) <= 1e-12 * np.maximum(np.abs(ends), np.abs(begins))
        straight[first : first + 1] = True
        known = np.append(np.flatnonzero(~straight), -1)  # the last stands for none left: straight to the end
        bends = np.append(rise <= 0, True)[known[np.searchsorted(known[:-1], np.arange(len(rise)))]]
        breaks = (bends[1:] != bends[:-1]) | ((half[1:-1] > 0) & ~bends[1:]) | ((half[1:-1] < 0) & bends[1:])
        inner = np.flatnonzero(breaks[first:]) + first + 1
        edges = [first, *inner.tolist(), len(bends)]
        return [(a, b, bool(bends[a])) for a, b in itertools.pairwise(edges) if b > a]

    @property
    def concave(self) -> bool:
        """Whether the mean curve is concave throughout, so that an envelope loses nothing."""
        return self.gap is None and len(self.stretches) < 2 and all(concave for *_, concave in self.stretches)


@dataclass(frozen=True)
class Measured:
    """What a channel brings at its knots, before margin and charges: every table of it comes from this."""

    curve: Cells
    knots: Knots  # [currency over the horizon], rising
    sums: Sums
    off: Float[np.ndarray, "2 interval"]  # the most by which the outcome is above, and below, its chord
    gap: tuple[float, float] | None = None


def outcomes(payoff: Payoff, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point draw"]:
    """Outcome over the horizon by draw, at each trial spend."""
    return np.concatenate([_respond(payoff, part) for part in _parts(payoff, spend)])


def objective(payoff: Payoff, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point draw"]:
    """Objective over the horizon by draw, at each trial spend."""
    return payoff.margin * outcomes(payoff, spend) - payoff.charge(spend)[:, None]


def steepness(payoff: Payoff, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point draw"]:
    """Derivative of `outcomes` by the spend, by draw."""
    return np.concatenate([_steepness(payoff, part) for part in _parts(payoff, spend)])


def gross(payoff: Payoff, high: float) -> float:
    """What a channel cannot earn more than, on up to `high` money, before the cost of the money [objective]."""
    reached = payoff.average(most(payoff.channel, payoff.stock(np.array([high]))[0]))
    return payoff.margin * float(payoff.timing.weight @ reached)


def _parts(payoff: Payoff, spend: Float[np.ndarray, " point"]) -> list[Float[np.ndarray, " part"]]:
    pieces = -(-spend.size * payoff.timing.gain.size // CHUNK)
    return np.array_split(spend, max(1, min(pieces, spend.size)))


def _respond(payoff: Payoff, spend: np.ndarray) -> np.ndarray:
    return np.einsum("prd,r->pd", respond(payoff.channel, payoff.stock(spend)), payoff.timing.weight)


def _steepness(payoff: Payoff, spend: np.ndarray) -> np.ndarray:
    rate = respond_with_rate(payoff.channel, payoff.stock(spend))[1] * payoff.timing.gain
    return np.einsum("prd,r->pd", rate, payoff.timing.weight) * payoff.tiers.rate(spend)[:, None]


def doubt(payoff: Payoff, anchor: float, low: float, high: float) -> tuple[float, float]:
    """The most by which moves from `anchor` to less, and to more, are in doubt [objective per money moved].

    The largest mean absolute deviation over the draws of the change of outcome, over the money moved, for spends
    between `low` and `high` on either side. Deviations of sums are at most sums of deviations, so a plan between them
    whose mean gain is c times the doubt of all its moves is at least c of its own deviations above today. By Markov's
    inequality on the shortfall its chance of loss is then at most 1 / (2 c): a half at c = 1, and nothing is said up
    to c = 1/2, so nothing at the prudence of .5 that fits carry. Absolute, not squared: a few draws with a huge
    response beyond what was seen are no reason to stay.
    """
    step = 1e-3 * max(anchor, high - low)
    near = anchor + step * np.array([-1.0, 1.0])
    spend = np.clip(np.concatenate([np.linspace(low, high, DOUBT_POINTS), near]), low, high)
    moved = np.where(np.abs(spend - anchor) > 1e-3 * step, np.abs(spend - anchor), 0.0)  # less is rounding
    change = outcomes(payoff, spend) - outcomes(payoff, np.array([anchor]))
    away = payoff.average(np.abs(change - payoff.average(change)[:, None]))
    per_money = payoff.margin * away / np.where(moved > 0, moved, np.inf)
    less, more = (float(per_money[side].max(initial=0.0)) for side in (spend < anchor, spend > anchor))
    return less, more


def tabulate(payoff: Payoff, low: float, high: float, flight: float, tolerance: float) -> Table:
    """The table of one channel between two spends.

    Args:
        payoff: What is tabulated.
        low: Least spend [currency].
        high: Most spend [currency].
        flight: Minimum flight [currency]: zero, or at least this; 0 for none.
        tolerance: Wanted distance between `upper` and the objective [objective]; steers how many knots.
    """
    return table(payoff, measured(payoff, low, high, flight, tolerance))


def table(payoff: Payoff, found: Measured) -> Table:
    """The table of what was measured, under the payoff's margin and charges.

    What is measured is by money's worth at the first price; between two knots one price holds, so a chord is off by as
    much over money as over its worth.
    """
    spend = payoff.tiers.paid(found.knots)
    before, after = payoff.charge_sides(spend)
    cheap, dear = payoff.tiers.sides(spend)
    value = payoff.margin * found.sums.value - payoff.charge(spend)
    slope = payoff.margin * found.sums.slope
    above = payoff.margin * found.off[0]
    upper = value + np.maximum(np.append(above, 0.0), np.append(0.0, above))
    fall = after - before + slope * (cheap - dear)
    slope = slope * (cheap + dear) / 2 - (before + after) / 2
    gap = None if found.gap is None else (0.0, float(payoff.tiers.paid(np.array([found.gap[1]]))[0]))
    return Table(spend, value, slope, upper, gap, fall if any(payoff.toll) or payoff.tiers.steps else None)


def measured(payoff: Payoff, low: float, high: float, flight: float, tolerance: float) -> Measured:
    """What a channel brings at knots that are placed where its curve bends; for the arguments see `tabulate`."""
    low, high, flight, anchor = payoff.tiers.bought(np.array([low, high, flight, payoff.anchor])).tolist()
    gap = (0.0, max(low, flight)) if flight > low and low == 0 else None
    begin = gap[1] if gap else low
    knots = _first_knots(begin, high)
    turns = [*([anchor] if any(payoff.toll) else []), *payoff.tiers.edges.tolist()]
    knots = np.union1d(knots, [turn for turn in turns if begin < turn < high])
    if gap and begin > 0:
        knots = np.append(0.0, knots)
    curve = cells(payoff.channel, payoff.timing)
    found = Measured(curve, knots, summed(curve, payoff.odds, knots), np.zeros((2, 0)), gap)
    first = replace(found, off=off_by(found, found.sums, turned(curve, knots), payoff.odds))
    return refined(first, payoff.odds, tolerance / max(payoff.margin, LEAST_MARGIN))


def refined(
    found: Measured, odds: Odds, tolerance: float, where: Bool[np.ndarray, " interval"] | None = None
) -> Measured:
    """The same with more knots, so that chords of the outcome are off by no more than `tolerance`; as it is if none is.

    Args:
        found: What was measured so far.
        odds: Chance of each draw, under which it was.
        tolerance: How far the outcome may be off its chords [outcome].
        where: Intervals that are looked at; None for all.
    """
    off = found.off.max(axis=0, initial=0.0)
    excess = off if where is None else np.where(where, off, 0.0)
    if not np.any(excess > tolerance):
        return found
    inner = _inner(found.knots, excess, tolerance)
    order = np.argsort(np.concatenate([found.knots, inner]))
    sums = found.sums.joined(summed(found.curve, odds, inner)).at(order)
    finer = replace(found, knots=np.concatenate([found.knots, inner])[order], sums=sums)
    return replace(finer, off=off_by(finer, sums, turned(found.curve, finer.knots), odds))


def off_by(found: Measured, sums: Sums, turns: Turns, odds: Odds) -> Float[np.ndarray, "2 interval"]:
    """How far the outcome can be off its chords between the knots of `found`, but for a forbidden gap."""
    off = off_chords(found.knots, sums, turns.sums(odds, len(found.knots) - 1))
    if found.gap and found.gap[1] > 0:
        off[:, :1] = 0.0
    return off


def _first_knots(low: float, high: float) -> Knots:
    knots = low + (high - low) * FIRST if high > low else np.array([low])
    return knots if np.all(np.diff(knots) > 0) else np.unique(knots)


def _inner(knots: Knots, excess: np.ndarray, tolerance: float) -> Float[np.ndarray, " inner"]:
    """Knots that cut each interval into as many pieces as its excess asks for, which falls with the width squared."""
    pieces = np.ceil(1.1 * np.sqrt(excess / tolerance)).clip(1, 64)
    pieces = np.maximum(1, np.floor(pieces * min(1.0, FINEST / pieces.sum()))).astype(int) - 1
    interval = np.repeat(np.arange(len(pieces)), pieces)
    step = np.arange(1, len(interval) + 1) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return knots[interval] + np.diff(knots)[interval] * (step / (pieces[interval] + 1))
