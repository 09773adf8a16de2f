"""Why an outcome is another one than planned, and what that says of the time to come: formulas."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FEW = 4  # periods from which their scatter says how exactly their sum is known
LEAST_DOUBT = 0.1  # of what was expected: a year's effect differs from that of the years before it, whatever a fit says

Value = Callable[[Float[np.ndarray, "period channel"]], Float[np.ndarray, "channel period draw"]]


@dataclass(frozen=True)
class Bridge:
    """From what a plan brings on the curves to what was bought, by channel and draw [outcome].

    With F(x) what a schedule x brings on the curves, P the plan, m the ratio of all money spent to all money planned,
    M what was spent, and V the contacts that were bought, at planned prices, in this order:

        volume = F(m P) - F(P)      other money in all, split and timed as planned
        mix    = F(M) - F(m P)      the same money, split over channels and periods otherwise
        price  = F(V) - F(M)        the same money, for other contacts than at planned prices

    What is left is effectiveness, the actual outcome less F(V), so the four add up to actual less F(P). Where nothing
    was planned m is 1, and where contacts are not told V is M: then price is a part of effectiveness.

    The order is a choice, as in every variance analysis that swaps causes one after another: quantity first, then mix,
    then price, what nobody can reckon last (Horngren, Datar and Rajan, Cost Accounting, on sales-quantity, sales-mix
    and flexible-budget variances). What two causes do together is told with the later one; the mean over all orders,
    the Shapley value (Shorrocks 2013, J. Econ. Inequality 11), would halve it, at the price of parts that no single
    schedule stands for.
    """

    planned: Float[np.ndarray, "channel draw"]
    volume: Float[np.ndarray, "channel draw"]
    mix: Float[np.ndarray, "channel draw"]
    price: Float[np.ndarray, "channel draw"]
    bought: Float[np.ndarray, "channel period draw"]  # F(V)


def bridge(
    value: Value,
    planned: Float[np.ndarray, "period channel"],
    money: Float[np.ndarray, "period channel"],
    priced: Float[np.ndarray, "period channel"],
) -> Bridge:
    """The three parts that the curves tell, each 0 where its cause is none."""
    in_all = float(planned.sum())
    ratio = float(money.sum()) / in_all if in_all else 1.0
    steps = [planned, planned if np.isclose(ratio, 1.0, rtol=1e-12, atol=0.0) else ratio * planned, money, priced]
    brought = [value(steps[0])]
    for before, after in itertools.pairwise(steps):
        brought.append(brought[-1] if np.array_equal(before, after) else value(after))
    first, volume, mix, price = (each.sum(axis=1) for each in brought)
    return Bridge(first, volume - first, mix - volume, price - mix, brought[-1])


def scatter_of_sum(actual: Float[np.ndarray, " period"], expected: Float[np.ndarray, " period"]) -> float | None:
    """How far chance may have moved what came in all (standard error), by the scatter of its periods.

    They scatter around what was expected in proportion; that chance of periods has no memory is assumed.

    None where there are too few periods to tell.

    >>> scatter_of_sum(np.array([1.0, 3.0, 1.0, 3.0]), np.ones(4)).__round__(3)
    2.309
    """
    if len(actual) < FEW:
        return None
    in_all = float(expected.sum())
    usual = expected * (float(actual.sum()) / in_all) if in_all else np.full(len(actual), actual.mean())
    return float(np.sqrt(len(actual) * np.sum((actual - usual) ** 2) / (len(actual) - 1)))


def believed(
    expected: Float[np.ndarray, " draw"], actual: float, scatter: float | None, slant: float
) -> tuple[Float[np.ndarray, " draw"], float]:
    """What is expected by draw once it is known what came, and the share of the gap that is believed.

    The share is d^2 / (d^2 + c^2 + s^2): d the doubt of the curves, at least a tenth of what they expect, c the chance
    in what came, s how far it may be off as a whole; where chance is not known it is taken to be as large as the doubt.
    The mean goes by that share towards what came, and draws come as much closer as those of two normal sources do.

    Args:
        expected: By the curves.
        actual: What came.
        scatter: Standard error of it by chance; None: not known.
        slant: Standard error of all of it together, as of a baseline that was taken off.

    >>> believed(np.array([90.0, 110.0]), 50.0, 0.0, 0.0)
    (array([50., 50.]), 1.0)
    >>> believed(np.array([100.0]), 50.0, 6.0, 8.0)
    (array([75.]), 0.5)
    """
    mean = float(expected.mean())
    doubt = max(float(expected.var()), (LEAST_DOUBT * mean) ** 2)
    noise = (doubt if scatter is None else scatter**2) + slant**2
    share = doubt / (doubt + noise) if doubt else 0.0
    after = mean + share * (actual - mean) + np.sqrt(1 - share) * (expected - mean)
    return np.maximum(after, 0.0), share


def added_up(parts: Float[np.ndarray, " part"], unit: float, total: float | None = None) -> Float[np.ndarray, " part"]:
    """Amounts in whole units that add up to their sum in whole units: the largest remainders are rounded up.

    Args:
        parts: What adds up.
        unit: 1000.0 for whole thousands.
        total: Their sum as it stands elsewhere in whole units, at most one unit off.

    >>> added_up(np.array([1.4, 1.4, 1.4]), 1.0).tolist()
    [2.0, 1.0, 1.0]
    >>> added_up(np.array([1.4, 1.4, 1.4]), 1.0, 5.0).tolist()
    [2.0, 2.0, 1.0]
    """
    scaled = parts / unit
    down = np.floor(scaled)
    wanted = round(float(scaled.sum())) if total is None else round(total / unit)
    missing = wanted - round(float(down.sum()))
    order = np.argsort(-(scaled - down), kind="stable")
    down[order[:missing] if missing >= 0 else order[missing:]] += np.sign(missing)
    return down * unit
