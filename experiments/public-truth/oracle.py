"""The best even split of a budget when the true curves are known, and how much of its gain a plan earns."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

STEPS = 10_000  # equal parts into which the free budget is cut
Curve = Callable[[Float[np.ndarray, " point"]], Float[np.ndarray, " point"]]  # weekly spend to weekly outcome


def best(
    curves: Sequence[Curve], budget: float, lows: Float[np.ndarray, " curve"], highs: Float[np.ndarray, " curve"]
) -> float:
    """Most outcome per week that a weekly budget can bring, by dynamic programming over equal parts of it.

    Exact on its grid whatever the shape of the curves, and never below the truth at the upper limits, which cost up
    to a part less than they should.

    >>> double, root = (lambda spend: 2 * spend), np.sqrt
    >>> round(best([double, root], 1.0, np.zeros(2), np.array([0.5, 1.0])), 3)
    1.707
    """
    part = (budget - float(lows.sum())) / STEPS
    earned = np.zeros(STEPS + 1)
    for curve, low, high in zip(curves, lows, highs, strict=True):
        most = min(STEPS, int(np.floor((high - low) / part + 1e-9)))
        gains = curve(np.append(low + part * np.arange(most), min(high, low + part * STEPS)))
        better = np.full(STEPS + 1, -np.inf)
        for parts, gain in enumerate(gains):
            np.maximum(better[parts:], earned[: STEPS + 1 - parts] + gain, out=better[parts:])
        earned = better
    return float(earned[-1])


def bound(
    curves: Sequence[Curve], budget: float, lows: Float[np.ndarray, " curve"], highs: Float[np.ndarray, " curve"]
) -> float:
    """At least the most outcome per week that a budget can bring: the least of the Lagrangian dual.

    Nearly exact where many small curves share the budget (the error is at most that of about one of them), and far
    cheaper than `best`.

    >>> round(bound([np.sqrt] * 4, 4.0, np.zeros(4), np.full(4, 4.0)), 2)
    4.0
    """
    even = np.linspace(0, 1, 1200)
    fine = np.geomspace(1e-6, 1, 1200)
    share = np.union1d(even, fine)
    spend = lows[:, None] + (highs - lows)[:, None] * share
    value = np.stack([curve(points) for curve, points in zip(curves, spend, strict=True)])

    def at(price: float) -> tuple[float, float]:
        """The dual at a price, and the money that would be spent at it."""
        chosen = np.argmax(value - price * spend, axis=1)
        rows = np.arange(len(curves))
        money = float(spend[rows, chosen].sum())
        return float(value[rows, chosen].sum()) + price * (budget - money), money

    cheap, dear = 0.0, float(value.max() / budget) + 1e-12
    while at(dear)[1] > budget:
        dear *= 2
    least = np.inf
    for _ in range(80):
        middle = (cheap + dear) / 2
        dual, money = at(middle)
        least = min(least, dual)
        cheap, dear = (middle, dear) if money > budget else (cheap, middle)
    return least


def share_of_gain(before: float, after: float, oracle: float) -> float:
    """What part of the oracle's gain a plan earns: 0 is history, 1 the oracle, below 0 harm.

    >>> share_of_gain(100.0, 103.0, 112.0)
    0.25
    """
    return (after - before) / (oracle - before)
