"""Read-outs: what finance reads off the paths of a stress test, by policy and quarter."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from engine.periods import step
from engine.stress.account import Account, margin_of
from engine.stress.heeded import Unkept
from engine.stress.moved import Moved
from engine.stress.setting import Setting
from engine.stress.trial import Trial

SURE = 0.975  # half of what an interval leaves out lies beyond each of its ends
WORST = 5  # paths that are told one by one
DUST = 1e-12  # of what is earned: differences that are rounding


@dataclass(frozen=True)
class Spread:
    """A figure over paths: its mean, and 5, 50 and 95 % points."""

    mean: float
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Gain:
    """What a policy brings beyond another on the same paths, in the mean, with a 95 % confidence interval."""

    mean: float
    low: float
    high: float
    worse: float  # share of paths on which it brings less


@dataclass(frozen=True)
class Flow:
    """Money that moves in a quarter, in the mean of all paths, with the time until it does, as discounting sees it.

    An amount times (1 + rate)^-years is its value at the start: exact at the rate of the stress test, near at others.
    """

    received: float  # from customers, of what was sold in it or before [currency]
    received_years: float  # from the start until then
    paid: float  # to media [currency]
    paid_years: float


@dataclass(frozen=True)
class Quarter:
    """One quarter of the horizon, or what comes after it."""

    name: str
    planned: float  # mean outcome of the plan without shocks
    outcome: Spread
    spend: Spread
    profit: Spread | None
    cash: Spread | None
    lost: float | None  # share of leads that nobody attends; None where nobody has to
    flow: Flow | None = None  # None where no margin is known


@dataclass(frozen=True)
class Reading:
    """What one policy comes to over all paths."""

    policy: str
    outcome: Spread
    spend: Spread
    profit: Spread | None
    present: Spread | None  # value of all cash at the start
    target: float  # chance that the outcome reaches the target
    at_risk: float  # value at risk: so far below the plan at most, but for the worst `level` of paths [outcome]
    shortfall: float  # conditional value at risk: so far below the plan in the mean of those worst paths [outcome]
    paid_back: float | None  # share of paths on which cash pays back what is spent
    payback: int | None  # row by whose end half of the paths have paid back; None: they have not
    overspent: float  # share of paths on which what is committed is more than the money that there is
    quarters: tuple[Quarter, ...]
    gain: Gain | None  # over holding the plan
    worst: tuple[int, ...]  # numbers of the paths with the least outcome, the worst first
    over_first: Gain | None = None  # over the first policy of the case, in what ranks them (`CaseReading.by_profit`)
    over_trim: Gain | None = None  # the same over the even cut
    anew: tuple[float, ...] = ()  # share of paths on which the rest was planned anew, by decision
    ever_anew: float = 0.0  # share of those on which it ever was
    broken: float = 0.0  # share of paths on which a rule of the scenario is not kept
    unkept: tuple[Unkept, ...] = ()  # these rules, the most frequent first


def spread(values: Float[np.ndarray, " path"]) -> Spread:
    """The mean and the 5, 50 and 95 % points of a figure."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return Spread(float(values.mean()), low, middle, high)


def gain(
    values: Float[np.ndarray, " path"],
    over: Float[np.ndarray, " path"],
    draws: Int[np.ndarray, " path"] | None = None,
) -> Gain:
    """What the first of two policies brings beyond the second, path by path the same luck.

    The interval is Student's, with one degree of freedom less than there are draws: few draws say little of others.

    Args:
        values: Of the first.
        over: Of the second.
        draws: Number of each path's draw of the curves: paths of one draw are not independent of each other; None
            where each path is.
    """
    change = values - over
    change = np.where(np.abs(change) <= DUST * np.abs(over).max(initial=0.0), 0.0, change)
    error = _error(change, draws)
    mean = float(change.mean())
    if len(change) == 1:  # of a single path nobody knows how others differ
        return Gain(mean, min(mean, 0.0), max(mean, 0.0), float(mean < 0))
    return Gain(mean, mean - error, mean + error, float(np.mean(change < 0)))


def _error(change: Float[np.ndarray, " path"], draws: Int[np.ndarray, " path"] | None) -> float:
    """Half the width of the interval of a mean, robust to what paths of one draw share (Liang and Zeger, 1986)."""
    apart = change - change.mean()
    if draws is not None:
        by_draw = np.bincount(np.unique(draws, return_inverse=True)[1], apart)
        apart = by_draw if len(by_draw) > 1 else apart  # of a single draw nobody knows how others differ
    groups = len(apart)
    if groups == 1:
        return 0.0
    return float(stdtrit(groups - 1, SURE)) * math.sqrt(groups / (groups - 1) * float(apart @ apart)) / len(change)


def value_at_risk(values: Float[np.ndarray, " path"], plan: float, level: float) -> tuple[float, float]:
    """Value at risk and its conditional mean: how far below the plan the worst `level` of paths begin, and lie.

    The mean of the worst share takes a part of the path at its edge (Rockafellar and Uryasev, 2002).

    >>> value_at_risk(np.arange(1.0, 11.0), 10.0, 0.15)
    (8.0, 8.666666666666666)
    """
    rising = np.sort(values)
    count = level * len(rising)
    weight = np.clip(count - np.arange(len(rising)), 0.0, 1.0)
    edge = rising[min(int(np.ceil(count * (1 - DUST))) - 1, len(rising) - 1)]  # a whole count may be a hair above it
    return plan - float(edge), plan - float(rising @ weight / weight.sum())


def reading(
    trial: Trial,
    policy: str,
    found: Account,
    hold: Account | None,
    plan: Account,
    draws: Int[np.ndarray, " path"] | None = None,
) -> Reading:
    """What a policy comes to.

    Args:
        trial: What was played.
        policy: Its name.
        found: Its account.
        hold: That of the plan held, to compare with.
        plan: That of the plan without shocks, on every draw.
        draws: Number of each path's draw of the curves; None where each path has its own.
    """
    setting, total = trial.setting, found.outcome.sum(axis=1)
    asked = setting.planned.stress
    planned = float(plan.outcome.sum(axis=1).mean())
    at_risk, shortfall = value_at_risk(total, planned, asked.level)
    in_money = bool(np.isfinite(found.profit).all())
    back = found.payback[found.payback >= 0]
    half = np.quantile(np.where(found.payback >= 0, found.payback, np.inf), 0.5, method="inverted_cdf")
    return Reading(
        policy=policy,
        outcome=spread(total),
        spend=spread(found.spend.sum(axis=(1, 2))),
        profit=spread(found.profit.sum(axis=1)) if in_money else None,
        present=spread(found.present) if in_money else None,
        target=float(np.mean(total >= (planned if asked.target is None else asked.target) * (1 - DUST))),
        at_risk=at_risk,
        shortfall=shortfall,
        paid_back=len(back) / len(found.payback) if in_money else None,
        payback=int(half) if in_money and np.isfinite(half) else None,
        overspent=float(np.mean(found.overspent > 0)),
        quarters=_quarters(setting, found, plan),
        gain=None if hold is None or hold is found else gain(total, hold.outcome.sum(axis=1), draws),
        worst=tuple(np.argsort(total, kind="stable")[:WORST].tolist()),
        anew=tuple(found.anew.mean(axis=0).tolist()),
        ever_anew=float(found.anew.any(axis=1).mean()),
    )


def quarters_of(setting: Setting) -> list[tuple[str, list[int]]]:
    """The quarters of the horizon and what comes after it: names, and the spans in each."""
    grid = setting.grid
    begins = [*grid.quarter_begins, grid.days[-1]]
    named = [
        (
            f"{begins[number]} to {step(begins[number + 1], -1, 'day')}",
            np.flatnonzero(np.array(grid.quarters) == number).tolist(),
        )
        for number in sorted(set(grid.quarters))
    ]
    return [*named, *([("after the end", [grid.count])] if setting.tail else [])]


def _quarters(setting: Setting, found: Account, plan: Account) -> tuple[Quarter, ...]:
    told = []
    in_money, has_team = bool(np.isfinite(found.profit).all()), setting.planned.stress.sales is not None
    for name, spans in quarters_of(setting):
        decided = [span for span in spans if span < setting.grid.count]
        told.append(
            Quarter(
                name=name,
                planned=float(plan.outcome[:, spans].sum(axis=1).mean()),
                outcome=spread(found.outcome[:, spans].sum(axis=1)),
                spend=spread(found.spend[:, decided].sum(axis=(1, 2))),
                profit=spread(found.profit[:, spans].sum(axis=1)) if in_money else None,
                cash=spread(found.cash[:, spans].sum(axis=1)) if in_money else None,
                lost=float(found.lost[:, spans].mean()) if has_team else None,
                flow=_flow(setting, found, spans) if in_money else None,
            )
        )
    return tuple(told)


def _flow(setting: Setting, found: Account, spans: list[int]) -> Flow:
    """When the money of a quarter moves."""
    rate = setting.planned.stress.discount_rate

    def mean(amounts: Float[np.ndarray, "path span"]) -> float:
        return float(amounts[:, spans].sum(axis=1).mean())

    received, paid = mean(found.received), mean(found.received - found.cash)
    return Flow(
        received=received,
        received_years=until(received, mean(found.received_now), mean(found.received_years), rate),
        paid=paid,
        paid_years=until(paid, mean(found.paid_now), mean(found.paid_years), rate),
    )


def until(amount: float, now: float, years: float, rate: float) -> float:
    """Years after which an amount that moves at once is worth as much at the start as its parts.

    Args:
        amount: The sum of the parts [currency].
        now: Their value at the start [currency].
        years: The sum of each part times its years [currency x year].
        rate: At which money is discounted, a year; at 0 the years are those of the parts in the mean.

    >>> round(until(110.0, 100.0, 110.0, 0.1), 12), until(20.0, 20.0, 30.0, 0.0), until(0.0, 0.0, 0.0, 0.1)
    (1.0, 1.5, 0.0)
    """
    if amount == 0 or now / amount <= 0:
        return 0.0
    return years / amount if rate == 0 else -math.log(now / amount) / math.log1p(rate)


@dataclass(frozen=True)
class CaseReading:
    """What a case comes to under every policy."""

    name: str
    family: str
    paths: int
    policies: tuple[Reading, ...]
    by_profit: bool = False  # whether policies are ranked by profit; else by what the outcome counts
    harsher_than: str | None = None  # the milder case of the same ladder that it follows
    size: float | None = None  # how far the factor of its one shock is from 1; None: it has several, or no factor


@dataclass(frozen=True)
class Bar:
    """One bar of a bridge or of a tornado [outcome]."""

    name: str
    low: float  # of a bridge: what it adds in the mean; of a tornado: the change at the low end of the shock
    high: float  # of a tornado: at the high end; of a bridge the same as `low`


@dataclass(frozen=True)
class WorstPath:
    """One of the worst paths, and the shock that took most."""

    number: int
    outcome: float
    policy: str
    curves: float  # what its draw of the curves adds to the plan's mean, without shocks [outcome]
    shock: str  # that took most of it while the plan was held; empty where none took anything
    took: float  # what that shock adds [outcome]
    came: tuple[str, ...]  # the shocks that came, with their factors


@dataclass(frozen=True)
class BreakEven:
    """How far a shock may go until what was planned for fails, while the plan is held."""

    shock: str
    kind: str
    what: str  # "profit" or "target"
    factor: float | None  # None: not within the factors that were looked at


@dataclass(frozen=True)
class Committed:
    """What a commitment costs: what the plan would earn more if it were free."""

    channel: str
    money: float  # [currency]
    cost: float  # of what the plan maximises [outcome, or currency where that is another thing]


@dataclass(frozen=True)
class Terms:
    """What turns outcome into money, and when it moves."""

    margin: float | None = None  # of every unit of outcome; None where none is known, or not all have the same
    discount_rate: float = 0.0  # a year, for the value at the start
    customers_pay_after: int = 0  # periods after the outcome
    media_paid_after: int = 0  # periods after the money is spent
    period: str = "week"


@dataclass(frozen=True)
class Answer:
    """The whole answer of a stress test."""

    scenario: str
    currency: str
    unit: str  # the currency where the outcome is money, else empty
    measure: str  # what the outcome counts
    span: str  # first and last day
    asked: str  # the set of shocks
    planned: Spread  # the plan's outcome over its draws, without shocks
    calm: float  # chance that the plan reaches the target without shocks
    spend: float  # of the plan [currency]
    target: float | None  # that the scenario names
    level: float  # of the worst paths that value at risk tells
    days: tuple[str, ...]  # first day of each row, for paybacks
    cases: tuple[CaseReading, ...]
    bridge: tuple[Bar, ...]
    tornado: tuple[Bar, ...]
    worst: tuple[WorstPath, ...]
    even: tuple[BreakEven, ...]
    committed: tuple[Committed, ...]
    queue: tuple[tuple[str, float, float], ...]  # by quarter: share of leads lost, and what a further lead adds
    warnings: tuple[str, ...]
    seed: int
    hash: str  # of all that was played
    made_from: str  # digests of the curves and the scenario
    terms: Terms = Terms()
    bridged: int = 0  # first paths that the bridge is told of; 0: all of them
    aim: str = ""  # what the plan maximises, in the currency, where that is not what the outcome counts
    unshocked: Reading | None = None  # the plan on its draws, without shocks
    moved: tuple[Moved, ...] = ()  # where the money goes in the case that is told, under the policy chosen there
    moved_in: tuple[str, str] = ("", "")  # that case and that policy
    band: float = 0.05  # how far off the plan reserve and trigger let the outcome be, as a share
    reserve: float = 0.1  # share of the money that policy reserve holds back
    decisions: tuple[str, ...] = ()  # first day of each
    replayed: tuple[str, ...] = ()  # first and last day of the history that is replayed


def terms_of(setting: Setting) -> Terms:
    """What turns outcome into money, and when."""
    margins, stress = margin_of(setting), setting.planned.stress
    is_one = bool(np.isfinite(margins).all() and (margins == margins[0]).all())
    plainly = all(bool((found.discount == 1).all()) for found in setting.found)
    return Terms(
        margin=float(margins[0]) if is_one and plainly else None,
        discount_rate=stress.discount_rate,
        customers_pay_after=stress.cash.customers_pay_after,
        media_paid_after=stress.cash.media_paid_after,
        period=setting.curves.period,
    )
