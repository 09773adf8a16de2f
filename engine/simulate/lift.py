"""Lift tests in a world whose truth is known: what they would have found, and what they did find.

The same people are split at random: a share p is treated and sees the channel's money, per person, times a
factor for some weeks; the others are left alone. Each group is told by the mean field of a whole world of
its kind, so people of one group do not talk to the other: spill-over between the groups is left out, as a
good design by region does. The market's own history is the one without tests, and revenue counts in the
week of the purchase, however late the books are.
"""

from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array
from engine.config.market import LiftTest, Market
from engine.errors import InputError
from engine.periods import step
from engine.simulate.chance import Stream
from engine.simulate.journey import play
from engine.simulate.observe import luck
from engine.simulate.records import Trajectory, World
from engine.simulate.world import require_calendar

HEADER = [
    *("name", "channel", "start", "end", "until", "share", "in_history"),
    *("spend_change", "outcome_change", "standard_error"),
]
"""Columns of lift_tests.csv: start and end are the first and the last day of the changed money, until is the
last one whose outcome counts, share that of the people who saw it; the panel's spend does not hold it."""


class LiftResult(NamedTuple):
    """One test: the money that it changed, and what that brought until the wash-out was over.

    iROAS is lift over the change of the tested channel's own money; NaN where no money changed.
    """

    name: str
    channel: str
    start: date  # first day of the test
    weeks: int  # of changed money
    wash_out: int  # weeks after them whose outcome counts too
    share: float  # of the people, who were treated
    spend_change: float  # money really spent on the treated, beyond what it would have been [currency]
    lift_true: float  # revenue of the treated, beyond what it would have been [currency]
    lift_read: float  # the same as the test finds it, with its noise and its bias [currency]
    standard_error: float  # of the noise of the read-out [currency]
    iroas_true: float
    iroas_read: float


def lift_tests(market: Market, world: World, spend: Float[Array, "period channel"], seed: int) -> list[LiftResult]:
    """Every lift test of the market, within a history of these budgets.

    The lift is p times the sum, over the weeks of the test and of the wash-out, of what a world with the
    changed money brings beyond one without; the worlds agree until the test begins. Each test is told as if
    it were the only one.

    Raises:
        InputError: A test, with its wash-out, ends after the history.
    """
    money = np.asarray(spend, float)
    require_calendar(world, len(money))
    for name, test in market.lift_tests.items():
        _require_within(name, test, len(money))
    if not market.lift_tests:
        return []
    plain = play(world, money)
    results = []
    for name, test in market.lift_tests.items():
        changed = money.copy()
        changed[test.week - 1 : test.week - 1 + test.weeks, world.channels.index(test.channel)] *= test.factor
        results.append(_result(market, name, plain, play(world, changed), seed))
    return results


def lift_rows(results: list[LiftResult]) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of lift_tests.csv: what an analyst is told of each test, and no truth.

    The outcome's change includes that of the wash-out after `end`, up to `until`.
    """
    rows = [
        [
            one.name,
            one.channel,
            one.start.isoformat(),
            *((step(one.start, weeks, "week") - timedelta(days=1)).isoformat() for weeks in (one.weeks, whole)),
            *(one.share, "no"),
            *(round(figure, 2) for figure in (one.spend_change, one.lift_read, one.standard_error)),
        ]
        for one in results
        for whole in [one.weeks + one.wash_out]
    ]
    return list(HEADER), rows


def lift_truth(results: list[LiftResult]) -> list[dict[str, Any]]:
    """What each test would have found without noise and bias, beside what it found, as plain values."""
    return [
        {
            **one._asdict(),
            "start": one.start.isoformat(),
            "iroas_true": one.iroas_true if one.spend_change else None,
            "iroas_read": one.iroas_read if one.spend_change else None,
        }
        for one in results
    ]


def _require_within(name: str, test: LiftTest, weeks: int) -> None:
    last = test.week + test.weeks - 1
    if last + test.wash_out > weeks:
        raise InputError(
            f"lift_tests.{name} changes money in weeks {test.week} to {last} and counts the outcome of {test.wash_out} "
            f"more, but the history has {weeks} weeks; ask for {last + test.wash_out} weeks or more, "
            f"or let the test begin earlier"
        )


def _result(market: Market, name: str, plain: Trajectory, treated: Trajectory, seed: int) -> LiftResult:
    """A test from the worlds of its two groups."""
    test = market.lift_tests[name]
    place = list(market.channels).index(test.channel)
    week = np.arange(test.week - 1, test.week - 1 + test.weeks + test.wash_out)
    with_it, without = (np.asarray(told.revenue, float)[week] for told in (treated, plain))
    money = np.asarray(treated.spent, float)[week, place] - np.asarray(plain.spent, float)[week, place]
    change, lift = test.share * float(money.sum()), test.share * float((with_it - without).sum())
    noise, error = _misread(market, name, (with_it, without), week, seed)
    read = lift * (1 + test.bias) + noise
    return LiftResult(
        name=name,
        channel=test.channel,
        start=step(market.start, test.week - 1, "week"),
        weeks=test.weeks,
        wash_out=test.wash_out,
        share=test.share,
        spend_change=change,
        lift_true=lift,
        lift_read=read,
        standard_error=error,
        iroas_true=lift / change if change else float("nan"),
        iroas_read=read / change if change else float("nan"),
    )


def _misread(
    market: Market, name: str, revenue: tuple[np.ndarray, np.ndarray], week: Int[np.ndarray, " week"], seed: int
) -> tuple[float, float]:
    """The noise of a read-out, and its standard deviation [currency].

    If the market's weekly revenue R has coefficient of variation c and people's luck is independent, a random
    share p of them brings p R with c / sqrt(p). The read-out is the revenue of the treated less that of the
    others brought to their number, p / (1 - p) times; so with R1 in a world of treated and R0 without, its
    variance is c^2 times the sum over weeks of p R1^2 + p^2 / (1 - p) R0^2. Where a part r of the variance
    strikes both groups alike, as the weather does, it cancels, and c^2 (1 - r) stands for c^2. A comparison
    with the weeks before would add their noise and take nothing away: groups drawn at random are alike.
    """
    test = market.lift_tests[name]
    share, own = test.share, market.noise * np.sqrt(1 - test.shared_noise)
    treated, others = share * revenue[0], share * revenue[1]  # the others as many as the treated
    variation = own / np.sqrt(share), own / np.sqrt(1 - share)
    ours = luck(float(variation[0]), seed, Stream.LIFT, f"{name}:treated", week)
    theirs = luck(float(variation[1]), seed, Stream.LIFT, f"{name}:others", week)
    noise = float((treated * (ours - 1)).sum() - (others * (theirs - 1)).sum())
    return noise, float(np.sqrt(((treated * variation[0]) ** 2 + (others * variation[1]) ** 2).sum()))
