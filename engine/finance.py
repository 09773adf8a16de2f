"""What money, customers and time are worth: margin, discounting, ROAS, ROI, CAC, CLV, payback, repeat purchases.

Pure formulas over numbers and numpy arrays, time first. A ratio over nothing is never 0: spending something and
winning nobody costs infinitely much per customer, and nothing over nothing is NaN, not known.
"""

import importlib
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.errors import InputError
from engine.periods import PER_YEAR

Money = Float[Array, "*shape"] | float
NEAR = 1e-4  # to 0 / 0 in the formula of expected purchases: they are interpolated over it


def discount_factors(yearly_rate: float, weeks: int) -> Float[np.ndarray, " period"]:
    """What money of each week is worth today, the first week being today.

    Args:
        yearly_rate: Interest that a year adds, as a share, above -1.

    >>> discount_factors(0.1, 105)[[0, 104]].round(3).tolist()
    [1.0, 0.827]
    """
    if not -1 < yearly_rate < np.inf:
        raise InputError(f"discount rate: {yearly_rate} a year is no rate of interest; write 0.08 for 8 %")
    return (1.0 + yearly_rate) ** (-np.arange(weeks) / PER_YEAR["week"])


def present_value(money: Float[Array, "period *shape"], yearly_rate: float) -> Money:
    """Money of weeks to come as one sum of today [currency].

    >>> float(present_value(np.array([100.0, 100.0]), 0.0))
    200.0
    """
    weekly = np.asarray(money, float)
    return np.tensordot(discount_factors(yearly_rate, len(weekly)), weekly, axes=1)[()]


def contribution(revenue: Money, margin: float) -> Money:
    """What is left of revenue after the cost of what was sold, before marketing [as revenue].

    Args:
        margin: Contribution margin as a share of revenue, at most 1.

    >>> float(contribution(200.0, 0.4))
    80.0
    """
    if not -np.inf < margin <= 1:
        raise InputError(f"margin: {margin} is not a share of revenue; write 0.4 for 40 %")
    return np.asarray(revenue, float)[()] * margin


def roas(revenue: Money, spend: Money) -> Money:
    """Revenue per unit of spend; both are what the spend changed, with induced spend of other channels in it.

    >>> float(roas(300.0, 100.0))
    3.0
    """
    return _ratio(revenue, spend)


def roi(revenue: Money, spend: Money, margin: float) -> Money:
    """Profit per unit of spend: margin on the revenue less the spend, over the spend.

    >>> float(roi(300.0, 100.0, 0.4).round(12))
    0.2
    """
    return _ratio(contribution(revenue, margin) - np.asarray(spend, float), spend)


def cac(spend: Money, new_customers: Money) -> Money:
    """Cost of one new customer [currency]; infinite where spend won nobody.

    >>> [float(cac(500.0, won)) for won in (10.0, 0.0)]
    [50.0, inf]
    """
    return _ratio(spend, new_customers)


def clv(revenue: Float[Array, "period *cohort"], margin: float, yearly_rate: float) -> Money:
    """Value of one new customer: the margin on all that is expected of it, discounted to its first week [currency].

    Args:
        revenue: Expected of one new customer, those who leave included, by week since it was won [currency/week].

    >>> float(clv(np.array([10.0, 5.0, 5.0]), 0.5, 0.0))
    10.0
    """
    return present_value(contribution(revenue, margin), yearly_rate)


def clv_to_cac(value: Money, cost: Money) -> Money:
    """Value of a new customer per unit of what it cost.

    >>> float(clv_to_cac(150.0, 50.0))
    3.0
    """
    return _ratio(value, cost)


def payback_weeks(
    revenue: Float[Array, "period *cohort"], margin: float, cost: Money, yearly_rate: float = 0.0
) -> Money:
    """Weeks until the margin of one new customer has paid its cost for the first time; NaN if it never does.

    A week's margin comes evenly over that week, so the answer is exact in parts of a week; 0 if it cost nothing.

    Args:
        revenue: Expected of one new customer by week since it was won [currency/week].
        cost: Of one new customer [currency].
        yearly_rate: For payback of discounted money; 0 is the usual payback.

    >>> float(payback_weeks(np.array([20.0, 10.0, 10.0]), 0.5, 12.0))
    1.4
    """
    weekly, owed = np.asarray(contribution(revenue, margin)), np.asarray(cost, float)
    weeks, cohorts = len(weekly), np.broadcast_shapes(weekly.shape[1:], owed.shape)
    earned = _for_each(weekly, cohorts) * _for_each(discount_factors(yearly_rate, weeks), cohorts)
    paid = np.concatenate([np.zeros((1, *cohorts)), np.cumsum(earned, axis=0)])
    is_paid = paid >= owed
    first = is_paid.argmax(axis=0)  # 0 also where never
    before = np.maximum(first - 1, 0)
    had, has = (np.take_along_axis(paid, week[None], axis=0)[0] for week in (before, first))
    within = np.where(first > 0, (owed - had) / np.where(has > had, has - had, 1.0), 0.0)
    return np.where(is_paid.any(axis=0), before + within, np.nan)[()]


def expected_purchases(weeks: Money, r: float, alpha: float, a: float, b: float) -> Money:
    """Repeat purchases expected of a new customer within a time, by the BG/NBD model, whose customers may leave.

    Purchases are Poisson with rates Gamma(r, alpha) over customers; after each the customer leaves for good
    with a chance that is Beta(a, b). Source: Fader, Hardie, Lee (2005), "Counting your customers" the easy
    way, equation 9.

    Args:
        weeks: Since the first purchase, 0 or more, in the unit of 1 / alpha.

    >>> [round(float(expected_purchases(time, 0.243, 4.414, 0.793, 2.426)), 3) for time in (0.0, 52.0)]
    [0.0, 1.446]
    """
    for name, value in (("r", r), ("alpha", alpha), ("a", a), ("b", b)):
        if not 0 < value < np.inf:
            raise InputError(f"BG/NBD: {name} is {value}; its four parameters are above 0")
    time = np.asarray(weeks, float)
    if not (time >= 0).all():
        raise InputError("BG/NBD: times must be 0 weeks or more; look for gaps in them")
    for gap in (1.0, 1.0 - b):
        if gap > 0 and abs(a - gap) < NEAR:
            low, high = max(gap - NEAR, a / 2), gap + NEAR
            part = (a - low) / (high - low)
            return (1 - part) * _bgnbd(time, r, alpha, low, b) + part * _bgnbd(time, r, alpha, high, b)
    return _bgnbd(time, r, alpha, a, b)


def _bgnbd(time: Float[np.ndarray, "*shape"], r: float, alpha: float, a: float, b: float) -> Any:
    special = importlib.import_module("scipy.special")  # few ask for it, and all the others load this module
    share = time / (alpha + time)
    gone = special.hyp2f1(r, b, a + b - 1, share) * (1 - share) ** r
    return ((a + b - 1) / (a - 1) * (1 - gone) + 0.0)[()]


def _for_each(series: Float[np.ndarray, "period *some"], cohorts: tuple[int, ...]) -> Float[np.ndarray, "period *all"]:
    """A series by week, the same for cohorts that it does not tell apart."""
    alone = [1] * (len(cohorts) - series.ndim + 1)
    return np.broadcast_to(series.reshape(len(series), *alone, *series.shape[1:]), (len(series), *cohorts))


def _ratio(above: Money, below: Money) -> Money:
    """A quotient with x / 0 infinite and 0 / 0 NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(np.asarray(above, float), np.asarray(below, float))
