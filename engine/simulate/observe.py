"""What an analyst gets to see of what happened: revenue booked late and with noise, spend with gaps.

The truth stays beside it: nothing here is read by anything that knows the truth.
"""

import dataclasses
from itertools import accumulate

import numpy as np
from jaxtyping import Bool, Float, Int

from engine import periods
from engine.axes import Array
from engine.config.market import Market
from engine.data.aggregate import by_month_of_start
from engine.data.dataset import Dataset
from engine.simulate.chance import Stream, normal, uniform
from engine.simulate.journey import YEAR, play
from engine.simulate.records import Trajectory, World
from engine.simulate.world import event_weeks

WEEKS_OF_MONTH = "weeks_in_month"  # a control of monthly rows: who reads a calendar knows it
PRICE = "price_index"  # a control where there are promotions
RIVALS = "rival_spend"  # a control where rivals do not hide it [currency/week]


def observe(
    market: Market, world: World, trajectory: Trajectory, spend: Float[Array, "period channel"], seed: int
) -> Dataset:
    """What an analyst gets of the first weeks of a world, as many as there are budgets in `spend`.

    Spend is what was really spent, which may be less than the budgets; a cell that was never recorded is zero
    here, marked in `unrecorded`, and told in `notes`. Revenue is booked as `market.observation` says, then
    gets log-normal noise with mean 1 and the market's coefficient of variation. Controls are the market's
    index unless it is hidden, the price index where there are promotions, and what rivals spend unless that
    is hidden. Rows by month hold the weeks that start in it, whose number is one more control.

    Raises:
        InputError: Rows by month are asked for, but no month has all its weeks.
    """
    weeks = len(spend)
    days = periods.starts(market.start, weeks, "week")
    blank = unrecorded(market, weeks, seed)
    money = np.where(blank, 0.0, np.asarray(trajectory.spent, float)[:weeks])[:, None, :]
    revenue = booked(market, world, np.asarray(trajectory.revenue, float)[:weeks])
    names, controls = visible(market, world, weeks)
    weekly = Dataset(
        period="week",
        starts=days,
        geos=("all",),
        population=np.array([market.population]),
        currency=market.currency,
        outcome_name="revenue",
        outcome=(revenue * luck(market.noise, seed, Stream.OUTCOME, "revenue", np.arange(weeks)))[:, None],
        is_money=True,
        channels=world.channels,
        kinds=world.kinds,
        spend=money,
        driver=money,
        control_names=names,
        controls=controls[:, None, :],
        event_names=tuple(market.events),
        events=event_weeks(market, days)[:, None, :],
        notes=_gaps(blank),
        unrecorded=blank[:, None, :] if blank.any() else None,
    )
    return weekly if market.observation.grain == "week" else _by_month(weekly)


def luck(variation: float, seed: int, stream: Stream, who: str, week: Int[np.ndarray, " week"]) -> np.ndarray:
    """One positive number for each week: log-normal with mean 1 and this coefficient of variation; all 1 at 0."""
    deviation = np.sqrt(np.log1p(variation**2))
    return np.exp(deviation * normal(seed, stream, who, week) - deviation**2 / 2)


def booked(market: Market, world: World, revenue: Float[np.ndarray, " period"]) -> Float[np.ndarray, " period"]:
    """Revenue by the week in which it stands in the books [currency/week].

    With delay d, a share (1 - d) d^k of a week's revenue is booked k weeks later, so what is booked in a week
    is d times what was booked in the week before, plus (1 - d) times its own revenue. What falls after the
    history is not seen. What is left over from before it comes from a year at mean spend that ends where the
    history starts; from years before that one, as if they had brought as much.
    """
    delay = market.observation.delay
    if delay == 0:
        return revenue
    before = year_before(market, world)
    told = [before.mean(), *before, *revenue]
    flow = accumulate(told, lambda last, week: delay * last + (1 - delay) * week)
    return np.array(list(flow)[1 + YEAR :])


def year_before(market: Market, world: World) -> Float[np.ndarray, " week"]:
    """Revenue of the year before the history, in which spend was at its means [currency/week].

    It is played from the state in which the history starts: after so many years at mean spend, that state
    returns every year but for the luck of the control and of the news.
    """
    mean = np.array([channel.history.mean for channel in market.channels.values()])
    begin = dataclasses.replace(world.start, week=world.start.week - YEAR)
    return np.asarray(play(world, np.broadcast_to(mean, (YEAR, mean.size)), begin).revenue, float)


def unrecorded(market: Market, weeks: int, seed: int) -> Bool[np.ndarray, "period channel"]:
    """Which cells of spend were never recorded: each by its own luck, none in the first year.

    A cell is lost or not whatever the other channels and weeks do, and stays lost where more are.
    """
    week = np.arange(weeks)
    lost = [uniform(seed, Stream.MISSING, name, week) < market.observation.missing for name in market.channels]
    return np.stack(lost, axis=1) & (week >= YEAR)[:, None]


def visible(market: Market, world: World, weeks: int) -> tuple[tuple[str, ...], Float[np.ndarray, "period control"]]:
    """The names of the series that an analyst has beside spend and revenue, and the series."""
    calendar = world.calendar
    shown: list[tuple[str, Array]] = []
    if market.control and not market.control.hidden:
        shown.append((market.control.name, calendar.control))
    if market.promotions:
        shown.append((PRICE, calendar.price))
    if market.rivals and not market.rivals.hidden:
        shown.append((RIVALS, calendar.rivals))
    series = [np.asarray(each, float)[calendar.before :][:weeks] for _, each in shown]
    return tuple(name for name, _ in shown), np.array(series).reshape(len(shown), weeks).T


def rounded(dataset: Dataset, places: int = 2) -> Dataset:
    """The data set as it stands in a file: money to the cent, indices to six places."""
    cents = np.round(dataset.spend, places)
    return dataclasses.replace(
        dataset,
        outcome=np.round(dataset.outcome, places),
        spend=cents,
        driver=cents,
        controls=np.round(dataset.controls, 6),
    )


def _by_month(weekly: Dataset) -> Dataset:
    monthly = by_month_of_start(weekly)
    month = [day.replace(day=1) for day in weekly.starts]
    counts = np.array([float(month.count(start)) for start in monthly.starts])
    return dataclasses.replace(
        monthly,
        control_names=(*monthly.control_names, WEEKS_OF_MONTH),
        controls=np.concatenate([monthly.controls, counts[:, None, None]], axis=2),
    )


def _gaps(blank: Bool[np.ndarray, "period channel"]) -> tuple[str, ...]:
    if not blank.any():
        return ()
    return (f"{int(blank.sum()):,} of {blank.size:,} weekly cells of spend were never recorded and count as zero",)
