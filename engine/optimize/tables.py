"""Tables: each channel's mean objective by spend, tabulated once, with a rigorous upper bound.

The mean over draws of a sum over channels is a sum of one-dimensional curves, so no solver needs to see
a draw. Between two knots the curve can exceed its chord; by how much at the most is computed from the
curvature of every draw: nothing where it is convex, the tangents' corner where it is concave.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.timing import Timing
from engine.response.curves import Channel, inflection, most, respond, respond_with_rate

COARSE = 48  # knots of the first look, before they are placed where the curve bends
FINEST = 600  # most knots of one table
DOUBT_POINTS = 25  # spends at which the doubt of a move is looked at
CHUNK = 2_000_000  # numbers held at once while tabulating
KINK = 1e-9  # of today's spend: a spend no further from it stands at the kink of the toll
SMALLEST = 1e-13  # the first knot above the lower end, as a share of the width: slopes below 1 rise steeply there


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

    def average(self, values: Float[np.ndarray, "*point draw"]) -> Float[np.ndarray, "*point"]:
        """The mean over the draws, by their odds."""
        mean: np.ndarray = values.mean(axis=-1) if self.odds is None else values @ self.odds
        return mean

    def stock(self, spend: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point row draw"]:
        """The stock that works in each row of periods, of a spend and of what was spent before [currency/period]."""
        return spend[:, None, None] * self.timing.gain + self.timing.offset

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

    spend: Float[np.ndarray, " knot"]  # [currency over the horizon], rising
    value: Float[np.ndarray, " knot"]  # mean objective [currency or outcome over the horizon]
    steepness: Float[np.ndarray, " knot"]  # its derivative
    upper: Float[np.ndarray, " knot"]  # joined by straight lines, nowhere below the objective
    gap: tuple[float, float] | None = None  # minimum flight: zero or at least the second of these

    @property
    def stretches(self) -> list[tuple[int, int, bool]]:
        """First knot, last knot and whether concave, of each stretch on which the mean curve bends one way.

        Told from the exact derivative at the knots; the knot at a spend of 0, where it can be infinite, and
        knots between which it does not change go with the next one.
        """
        first = 1 if self.gap else 0
        rise = np.diff(self.steepness)
        straight = np.abs(rise) <= 1e-12 * np.maximum(np.abs(self.steepness[1:]), np.abs(self.steepness[:-1]))
        straight[first : first + 1] = True
        known = np.append(np.flatnonzero(~straight), -1)  # the last stands for none left: straight to the end
        bends = np.append(rise <= 0, True)[known[np.searchsorted(known[:-1], np.arange(len(rise)))]]
        edges = [first, *(i for i in range(first + 1, len(bends)) if bends[i] != bends[i - 1]), len(bends)]
        return [(a, b, bool(bends[a])) for a, b in itertools.pairwise(edges) if b > a]

    @property
    def concave(self) -> bool:
        """Whether the mean curve is concave throughout, so that an envelope loses nothing."""
        return self.gap is None and all(concave for *_, concave in self.stretches)


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


def _parts(payoff: Payoff, spend: Float[np.ndarray, " point"]) -> list[Float[np.ndarray, " point"]]:
    pieces = -(-spend.size * payoff.timing.gain.size // CHUNK)
    return np.array_split(spend, max(1, min(pieces, spend.size)))


def _respond(payoff: Payoff, spend: np.ndarray) -> np.ndarray:
    return np.einsum("prd,r->pd", respond(payoff.channel, payoff.stock(spend)), payoff.timing.weight)


def _steepness(payoff: Payoff, spend: np.ndarray) -> np.ndarray:
    rate = respond_with_rate(payoff.channel, payoff.stock(spend))[1] * payoff.timing.gain
    return np.einsum("prd,r->pd", rate, payoff.timing.weight)


def doubt(payoff: Payoff, anchor: float, low: float, high: float) -> tuple[float, float]:
    """The most by which moves from `anchor` to less, and to more, are in doubt [objective per money moved].

    The largest mean absolute deviation over the draws of the change of outcome, over the money moved, for spends
    between `low` and `high` on either side. Deviations of sums are at most sums of deviations, so a plan whose mean
    gain is c times the doubt of all its moves is at least c of its own deviations above today. By Markov's inequality
    on the shortfall its chance of loss is then at most 1 / (2 c): a half at c = 1, and nothing is said up to c = 1/2,
    so nothing at the prudence of .4 that fits carry. Absolute, not squared: a few draws with a huge response beyond
    what was seen are no reason to stay.
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
    gap = (0.0, max(low, flight)) if flight > low and low == 0 else None
    begin = gap[1] if gap else low
    knots = _first_knots(begin, high)
    if any(payoff.toll) and begin < payoff.anchor < high:
        knots = np.union1d(knots, payoff.anchor)
    value, slope, excess = _measured(payoff, knots)
    if excess.size and excess.max() > tolerance:
        knots = _split(knots, excess.max(0), tolerance)
        value, slope, excess = _measured(payoff, knots)
    upper = value + np.maximum(np.append(excess[0], 0.0), np.append(0.0, excess[0]))
    if gap and begin > 0:
        at_zero, slope_zero, _ = _measured(payoff, np.zeros(1))
        knots, value, slope, upper = (
            np.concatenate(pair) for pair in (([0.0], knots), (at_zero, value), (slope_zero, slope), (at_zero, upper))
        )
    return Table(knots, value, slope, upper, gap)


def _first_knots(low: float, high: float) -> Float[np.ndarray, " knot"]:
    if high <= low:
        return np.array([low])
    even = np.linspace(0, 1, COARSE) ** 3
    fine = np.geomspace(SMALLEST, even[1], 24)[:-1]
    return low + (high - low) * np.concatenate([[0.0], fine, even[1:]])


def _split(knots: np.ndarray, excess: np.ndarray, tolerance: float) -> np.ndarray:
    """Each interval cut into as many pieces as its excess asks for: it falls with the square of the width."""
    pieces = np.ceil(1.1 * np.sqrt(excess / tolerance)).clip(1, 64)
    pieces = np.maximum(1, np.floor(pieces * min(1.0, FINEST / pieces.sum()))).astype(int)
    inner = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(knots[:-1], knots[1:], pieces, strict=True)]
    return np.append(np.concatenate(inner), knots[-1])


def _measured(payoff: Payoff, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean objective, its derivative, and the most by which it is above and below its chord by interval."""
    value, slope = np.empty(len(knots)), np.empty(len(knots))
    excess = np.zeros((2, max(0, len(knots) - 1)))
    step = max(2, CHUNK // payoff.timing.gain.size)
    for begin in range(0, len(knots), step - 1):
        part = slice(begin, begin + step)
        value[part], slope[part], found = _piece(payoff, knots[part])
        excess[:, begin : begin + found.shape[1]] = found
        if begin + step >= len(knots):
            break
    value = payoff.margin * value - payoff.charge(knots)
    return value, payoff.margin * slope - payoff.charge_slope(knots), payoff.margin * excess


def _piece(payoff: Payoff, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gain, weight = payoff.timing.gain, payoff.timing.weight
    stock = payoff.stock(knots)
    value, rate = respond_with_rate(payoff.channel, stock)
    bend = inflection(payoff.channel)
    above, below = _off_chord(stock, value, rate, bend, respond_with_rate(payoff.channel, bend)[1])

    def mean(part: np.ndarray) -> np.ndarray:
        return payoff.average(part) @ weight

    return mean(value), mean(rate * gain), np.stack([mean(above), mean(below)])


def _off_chord(
    stock: np.ndarray, value: np.ndarray, rate: np.ndarray, bend: np.ndarray, steepest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The most by which each draw's curve can be above, and below, its chord on each interval of stock.

    On a concave interval the curve lies between its chord and the corner of its end tangents, on a convex
    one the other way round; an interval that holds the inflection is bounded by the steepest slope.
    """
    width = np.diff(stock, axis=0)
    left, right = rate[:-1], rate[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        chord = np.diff(value, axis=0) / width
        corner = np.abs((left - chord) * (chord - right) / (left - right)) * width
        corner = np.minimum(corner, np.abs(left - right) / 4 * width)  # its most, free of the chord's rounding
        corner = np.where(stock[:-1] > 0, corner, (chord - right) * width)
        mixed = chord * (1 - chord / steepest) * width
    corner, mixed = np.nan_to_num(corner, posinf=0.0), np.nan_to_num(mixed)  # straight: 0 / 0
    convex, concave = stock[1:] <= bend, stock[:-1] >= bend
    above = np.where(convex, 0.0, np.where(concave, np.maximum(corner, 0.0), mixed))
    return above, np.where(concave, 0.0, np.where(convex, np.abs(corner), mixed))
