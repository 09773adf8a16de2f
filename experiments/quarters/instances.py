"""Random years by quarter or month whose value and rules are written down here once more, in numpy alone.

A year is worth what its money adds, week by week and draw by draw, to what comes anyway: stock carried over from a
history of 104 weeks, and after the year a tail of 26 weeks in which every channel goes on at history's pace.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np

START, WEEKS, TAIL, HISTORY = date(2027, 1, 4), 52, 26, 104
CHANGE = 0.15  # of a ramp, from one decision to the next
LEAST_EARNED, MOST_SHARED = 0.1, 0.3  # of the budget
KINDS = ("paid", "earned", "shared", "owned")
SLOPES = {"concave": (0.5, 1.0), "robyn": (0.5, 3.0), "mixed": (1.5, 4.0), "steepS": (2.5, 4.0)}
KEPT = 1e-6  # of the budget: what a rule may be missed by
NONE = 1e-60  # of a halfway spend: as good as no stock
TINY = 1e-9  # of a halfway spend: where curves can be infinitely steep, slopes are taken no nearer to 0


@dataclass(frozen=True)
class Draws:
    """Joint draws of Hill curves with geometric carry-over (draw x channel), in money a week."""

    slope: np.ndarray
    halfway: np.ndarray
    ceiling: np.ndarray
    retain: np.ndarray

    def outcome(self, stock: np.ndarray) -> np.ndarray:
        """Outcome of one week (... x draw x channel)."""
        return self.ceiling * self._share(stock)

    def steepness(self, stock: np.ndarray) -> np.ndarray:
        """Its derivative by the stock."""
        near = np.maximum(stock, TINY * self.halfway)
        share = self._share(near)
        return self.ceiling * self.slope * share * (1 - share) / near

    def only(self, channel: int) -> "Draws":
        """The draws of one channel."""
        return Draws(*(values[:, [channel]] for values in (self.slope, self.halfway, self.ceiling, self.retain)))

    def _share(self, stock: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.maximum(stock / self.halfway, NONE) ** -self.slope)


@dataclass(frozen=True)
class Instance:
    """One question: curves, a history, a budget and its rules. Plans are channel x decision, in money."""

    draws: Draws
    history: np.ndarray  # week x channel
    budget: float
    floor: np.ndarray  # of each channel over the year
    cap: np.ndarray
    edges: tuple[int, ...]  # first week of each decision, and the number of weeks
    ramp: float | None
    parts: tuple[float, ...] | None  # what each quarter spends in all
    committed: np.ndarray  # least money by channel and decision
    flight: np.ndarray  # of each channel: nothing, or at least so much, in each decision

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and decisions."""
        return len(self.floor), len(self.edges) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """Weeks of each decision."""
        return np.diff(self.edges)

    @cached_property
    def pace(self) -> np.ndarray:
        """Money a week of history's last year, by channel."""
        return self.history[-52:].mean(axis=0)

    @cached_property
    def carried(self) -> np.ndarray:
        """Stock at the end of history (draw x channel), which followed a long time at its pace."""
        retain, stock = self.draws.retain, np.broadcast_to(self.pace, self.draws.retain.shape)
        for money in self.history:
            stock = retain * stock + (1 - retain) * money
        return stock

    @cached_property
    def anyway(self) -> np.ndarray:
        """What comes without any plan (draw x channel)."""
        return _earned(self, self.weekly(np.zeros(self.shape)))

    def weekly(self, plan: np.ndarray) -> np.ndarray:
        """Money by week and channel, the tail included (week x ... x channel, of a plan ... x channel x decision)."""
        rates = np.repeat(plan / self.lengths, self.lengths, axis=-1)
        year = np.moveaxis(rates, -1, 0)
        return np.concatenate([year, np.broadcast_to(self.pace, (TAIL, *year.shape[1:]))])

    def only(self, channel: int) -> "Instance":
        """The question of one channel alone, without budget and groups."""
        one = [channel]
        return replace(
            self,
            draws=self.draws.only(channel),
            history=self.history[:, one],
            floor=self.floor[one],
            cap=self.cap[one],
            committed=self.committed[one],
            flight=self.flight[one],
        )


def by_draw(asked: Instance, plan: np.ndarray) -> np.ndarray:
    """What a plan adds, by draw (... x draw)."""
    return (_earned(asked, asked.weekly(plan)) - asked.anyway).sum(axis=-1)


def value(asked: Instance, plan: np.ndarray) -> float:
    """Mean of what a plan adds over the draws."""
    return float(by_draw(asked, plan).mean())


def value_and_slope(asked: Instance, plan: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean of what a plan adds and its derivative by its cells, back through the weeks."""
    retain, stock, stocks = asked.draws.retain, asked.carried, []
    for money in asked.weekly(plan):
        stock = retain * stock + (1 - retain) * money
        stocks.append(stock)
    total = sum(asked.draws.outcome(stock) for stock in stocks) - asked.anyway
    felt, by_week = np.zeros_like(retain), []
    for stock in reversed(stocks):
        felt = asked.draws.steepness(stock) + retain * felt
        by_week.append(((1 - retain) * felt).mean(axis=0))
    rates = np.array(by_week[::-1][:WEEKS])[: asked.edges[-1]]
    slope = np.add.reduceat(rates, asked.edges[:-1], axis=0).T / asked.lengths
    return float(total.sum(axis=1).mean()), slope


def _earned(asked: Instance, weekly: np.ndarray) -> np.ndarray:
    """Outcome of all weeks (... x draw x channel), by the textbook's recursion."""
    retain, stock, total = asked.draws.retain, asked.carried, 0.0
    for money in weekly:
        stock = retain * stock + (1 - retain) * money[..., None, :]
        total = total + asked.draws.outcome(stock)
    return np.asarray(total)


Row = tuple[np.ndarray, float, float]  # weights (channel x decision), lower and upper limit


def group_rows(asked: Instance) -> list[Row]:
    """The rules about several channels together: the budget, or one for each quarter, then the two shares."""
    channels, count = asked.shape
    kind = np.arange(channels) % len(KINDS)
    every = np.ones((channels, count))
    rows: list[Row] = [(every * (np.arange(count) == at), money, money) for at, money in enumerate(asked.parts or ())]
    if not rows:
        rows.append((every, asked.budget, asked.budget))
    rows.append((every * (kind == 1)[:, None], LEAST_EARNED * asked.budget, np.inf))
    rows.append((every * (kind == 2)[:, None], -np.inf, MOST_SHARED * asked.budget))
    return rows


def own_rows(asked: Instance, channel: int) -> list[Row]:
    """The rules about several decisions of one channel."""
    rows, at = [], np.arange(asked.shape[0]) == channel
    for after in range(1, asked.shape[1]) if asked.ramp is not None else ():
        change, before = asked.ramp or 0.0, after - 1
        same = asked.lengths[before] / asked.lengths[after]
        for sign, limits in ((1, (-np.inf, 0.0)), (-1, (0.0, np.inf))):
            over = np.zeros(asked.shape[1])
            over[[before, after]] = -(1 + sign * change), same
            rows.append((np.outer(at, over), *limits))
    whole = np.outer(at, np.ones(asked.shape[1]))
    return [(whole, float(asked.floor[channel]), float(asked.cap[channel])), *rows]


def rows(asked: Instance) -> list[Row]:
    """Every rule but the least money of cells and minimum flights."""
    return group_rows(asked) + [row for channel in range(asked.shape[0]) for row in own_rows(asked, channel)]


def is_kept(asked: Instance, plan: np.ndarray) -> bool:
    """Whether a plan keeps every rule."""
    slack = KEPT * asked.budget
    aloft = np.all((plan <= slack) | (plan >= asked.flight[:, None] - slack))
    return bool(
        aloft
        and np.all(plan >= asked.committed - slack)
        and all(low - slack <= np.sum(row * plan) <= high + slack for row, low, high in rows(asked))
    )


def even(asked: Instance, split: np.ndarray) -> np.ndarray:
    """A split of the year, even over its weeks."""
    return np.outer(split, asked.lengths / asked.lengths.sum())


def as_before(asked: Instance) -> np.ndarray:
    """History's split of the budget, even over the year."""
    return even(asked, asked.budget * asked.pace / asked.pace.sum())


def months() -> tuple[int, ...]:
    """First week of each month from the start on, and the number of weeks."""
    weeks = [START + timedelta(weeks=week) for week in range(WEEKS)]
    firsts = [date(START.year, month, START.day) for month in range(1, 13)]
    return (*(next(at for at, day in enumerate(weeks) if day >= first) for first in firsts), WEEKS)


def instance(variant: str, family: str, size: tuple[int, int], seed: int) -> Instance:
    """One question of some channels and draws: a budget of .3 to 1.2 of all halfway spends.

    Floors on a fifth and caps on a third of the channels; earned at least .1 of the money, shared at most .3 of it.
    """
    channels, count = size
    rng = np.random.default_rng([seed, channels, list(SLOPES).index(family)])
    slope = rng.uniform(*SLOPES[family], channels)
    if family == "mixed":
        slope = np.where(rng.random(channels) < 0.4, rng.uniform(0.5, 1.0, channels), slope)
    level = np.exp(rng.normal(10, 0.8, channels))

    def spread(middle: np.ndarray, by: float) -> np.ndarray:
        return middle * np.exp(by * rng.standard_normal((count, channels)))

    slopes = spread(slope, 0.05)
    ceiling, halfway = spread(level * rng.uniform(0.5, 4, channels), 0.2), spread(level, 0.2)
    retain = 1 / (1 + np.exp(-rng.normal(0, 0.8, channels) - 0.3 * rng.standard_normal((count, channels))))
    drawn = Draws(np.minimum(slopes, 1.0) if family == "concave" else slopes, halfway, ceiling, retain)
    history = level * rng.uniform(0.5, 1.2, (HISTORY, channels))
    budget = float(WEEKS * rng.uniform(0.3, 1.2) * level.sum())
    floor = np.where(rng.random(channels) < 0.2, 0.02 * budget / channels, 0.0)
    cap = np.where(rng.random(channels) < 1 / 3, 2.5 * budget / channels, budget)
    edges = months() if variant == "months" else (0, 13, 26, 39, 52)
    cells = np.zeros((channels, len(edges) - 1))
    asked = Instance(drawn, history, budget, floor, cap, edges, CHANGE, None, cells, cells[:, 0])
    return _varied(asked, variant, rng)


def _varied(asked: Instance, variant: str, rng: np.random.Generator) -> Instance:
    """The question with what its variant adds or leaves out."""
    channels, each = asked.shape[0], asked.budget / np.prod(asked.shape)
    if variant.endswith("no ramp"):
        asked = replace(asked, ramp=None)
    if variant == "by quarter":
        paces = np.cumprod([1.0, *(1 + rng.uniform(-0.1, 0.1, 3))])
        return replace(asked, parts=tuple((asked.budget * paces / paces.sum()).tolist()))
    if variant == "committed":
        money = np.where(rng.random((channels, 1)) < 1 / 3, rng.uniform(0.3, 1.2, (channels, 1)) * each, 0.0)
        return replace(asked, committed=money * np.array([1.0, 0.0, 0.7, 0.0]))
    if variant.startswith("flights"):
        return replace(asked, flight=np.where(rng.random(channels) < 0.5, rng.uniform(0.3, 1.0, channels) * each, 0.0))
    return asked


def small(variant: str, family: str, decisions: int, seed: int) -> Instance:
    """A question of three channels and two or three quarters on 20 draws."""
    asked = instance("plain", family, (3, 20), seed)
    budget = asked.budget * decisions / 4
    cut = replace(
        asked,
        budget=budget,
        floor=asked.floor * decisions / 4,
        cap=np.minimum(asked.cap * decisions / 4, budget),
        edges=asked.edges[: decisions + 1],
        committed=np.zeros((3, decisions)),
    )
    if variant == "committed":
        money = np.zeros((3, decisions))
        money[0, 0] = 0.3 * budget / decisions
        return replace(cut, committed=money)
    if variant == "by quarter":
        part = np.array([46, 50] if decisions == 2 else [36, 40, 44])  # whole steps of the oracle's grid
        return replace(cut, parts=tuple((part * budget / part.sum()).tolist()))
    if variant.startswith("flights"):
        cut = replace(cut, flight=np.array([0.5, 0.0, 0.2]) * budget / decisions)
    return replace(cut, ramp=None) if variant.endswith("no ramp") else cut


def alike(asked: Instance) -> Instance:
    """The question with each channel's mean carry-over in all draws."""
    mean = np.broadcast_to(asked.draws.retain.mean(axis=0), asked.draws.retain.shape)
    return replace(asked, draws=replace(asked.draws, retain=mean.copy()))
