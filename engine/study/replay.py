"""A plan played in a true world: its weeks, and what it earns there beside what it promised."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine import periods
from engine.config.loading import LARGEST_MONEY
from engine.double import jnp
from engine.errors import InputError
from engine.files import digest, read_bytes, read_json
from engine.judge import TAIL
from engine.optimize.plan_file import SCHEMA
from engine.simulate.journey import play
from engine.simulate.records import World
from engine.simulate.world import require_calendar
from engine.words import money

YEAR = 52  # weeks of history whose split the plan is compared with


@dataclass(frozen=True)
class Schedule:
    """A plan as it is read: money by week, and what it promised."""

    path: Path
    digest: str
    currency: str
    start: date
    channels: tuple[str, ...]
    spend: Float[np.ndarray, "period channel"]  # [currency/week]
    promise: tuple[float, float, float] | None  # 5 %, mean and 95 % of the gain over the history's split [currency]


@dataclass(frozen=True)
class Replayed:
    """What a plan earned in the true world, over its weeks and the tail after them [currency]."""

    plan: str  # hash of its file
    start: date
    periods: int
    spent: float
    revenue: float
    baseline_revenue: float  # of the last year's split of the same money
    promise: tuple[float, float, float] | None

    @property
    def gain(self) -> float:
        """Revenue over that of the history's split."""
        return self.revenue - self.baseline_revenue


def read_schedule(path: Path) -> Schedule:
    """The money by week of a `plan.json`.

    Raises:
        InputError: It is no plan by week that this version can play.
    """
    told = read_json(path)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise InputError(f"{path}: no plan (schema {SCHEMA}); write one with peso optimize --out plan.json")
    if told.get("period") != "week":
        raise InputError(f"{path}: a plan by {told.get('period')}, but a simulated world turns by the week")
    rows = _rows(path, told)
    try:
        start = date.fromisoformat(told["horizon"]["start"])
        gain = told.get("gain")
        promise = None if gain is None else (float(gain["p05"]), float(gain["mean"]), float(gain["p95"]))
        currency = str(told["currency"])
        if promise is not None and not np.isfinite(promise).all():
            raise ValueError("gain, which is not finite")
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise InputError(f"{path}: the plan is damaged near {fault}; write it again with peso optimize") from None
    return Schedule(path, digest(read_bytes(path)), currency, start, tuple(told["channels"]), rows, promise)


def _rows(path: Path, told: dict[str, Any]) -> Float[np.ndarray, "period channel"]:
    names, rows = told.get("channels"), told.get("schedule")
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names) and isinstance(rows, list)):
        raise InputError(f"{path}: the plan has no channels or no schedule by week; write it again with peso optimize")
    if not names or not rows:
        raise InputError(f"{path}: the plan has no channels or no schedule by week; write it again with peso optimize")
    numbers = all(
        isinstance(row, list)
        and len(row) == len(names)
        and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in row)
        for row in rows
    )
    if not numbers:
        raise InputError(f"{path}: each week of the schedule needs one number for each of {len(names)} channels")
    if len(set(names)) < len(names):
        raise InputError(f"{path}: the plan names a channel twice; write it again with peso optimize")
    if odd := [cell for row in rows for cell in row if not 0 <= cell <= LARGEST_MONEY]:
        raise InputError(
            f"{path}: the schedule holds {odd[0]!r:.20}, and money is never negative or above {LARGEST_MONEY:g}; "
            "write it again with peso optimize"
        )
    return np.array(rows, float)


def budgets(schedule: Schedule, world: World, weeks: int) -> Float[np.ndarray, "period channel"]:
    """The plan's money in the order of the world's channels, if it begins where the history ends.

    Raises:
        InputError: Another currency, channels that the world lacks, or other dates.
    """
    if schedule.currency != world.currency:
        raise InputError(
            f"{schedule.path}: the plan is in {schedule.currency}, the market {world.name} in {world.currency}"
        )
    if odd := [name for name in schedule.channels if name not in world.channels]:
        raise InputError(
            f"{schedule.path}: the market {world.name} has no channel {odd[0]!r} (it has {', '.join(world.channels)})"
        )
    ends = periods.step(world.start_date, weeks, "week")
    until, odd_days = divmod((schedule.start - world.start_date).days, 7)
    if schedule.start != ends:
        advice = f"plan from {periods.step(world.start_date, until, 'week')} on" if odd_days else f"use --weeks {until}"
        advice = advice if 8 <= until <= 1040 else "plan for another date"
        raise InputError(f"{schedule.path}: the plan starts on {schedule.start}, the history ends on {ends}; {advice}")
    require_calendar(world, weeks + len(schedule.spend) + TAIL)
    spend = np.zeros((len(schedule.spend), len(world.channels)))
    spend[:, [world.channels.index(name) for name in schedule.channels]] = schedule.spend
    return spend


def replay(
    schedule: Schedule,
    world: World,
    history: Float[np.ndarray, "past channel"],
    plan: Float[np.ndarray, "week channel"],
) -> Replayed:
    """What the plan earns in the world after a history, beside the last year's split of the same money.

    Both count revenue of the plan's weeks and of the `TAIL` weeks after them, in which nothing is spent.

    Raises:
        InputError: The history spends nothing.
    """
    end = play(world, history).end
    recent = history[-YEAR:].sum(axis=0)
    if not recent.any():
        raise InputError(
            f"{schedule.path}: the last year of the history of {world.name} spends nothing, so there is no split to "
            f"compare the plan with; raise history.mean of its channels"
        )
    usual = np.broadcast_to(recent / recent.sum() * plan.sum() / len(plan), plan.shape)
    quiet = np.zeros((TAIL, plan.shape[1]))
    earned = [play(world, jnp.asarray(np.concatenate([money, quiet])), end) for money in (plan, usual)]
    return Replayed(
        plan=schedule.digest,
        start=schedule.start,
        periods=len(plan),
        spent=float(np.asarray(earned[0].spent).sum()),
        revenue=float(np.asarray(earned[0].revenue).sum()),
        baseline_revenue=float(np.asarray(earned[1].revenue).sum()),
        promise=schedule.promise,
    )


def replay_text(replayed: Replayed, currency: str) -> str:
    """The plan's result in two sentences."""
    first = (
        f"The plan's {replayed.periods} weeks from {replayed.start} spend {money(replayed.spent, currency)} and earn "
        f"{money(replayed.gain, currency, signed=True)} revenue over the last year's split of the same money "
        f"({money(replayed.revenue, currency)} in all, {TAIL} weeks after the plan counted)."
    )
    if replayed.promise is None:
        return first
    low, mean, high = replayed.promise
    kept = "within" if low <= replayed.gain <= high else "outside"
    return (
        f"{first} Promised: {money(mean, currency, signed=True)} (5-95 %: {money(low, currency, signed=True)} .. "
        f"{money(high, currency, signed=True)}); the truth lies {kept} that range."
    )


def replay_document(replayed: Replayed) -> dict[str, Any]:
    """The same as plain values."""
    promise = replayed.promise
    return {
        "made_from": replayed.plan,
        "horizon": {"start": replayed.start.isoformat(), "periods": replayed.periods, "tail": TAIL},
        "spend": replayed.spent,
        "revenue": replayed.revenue,
        "baseline_revenue": replayed.baseline_revenue,
        "gain": replayed.gain,
        "promised_gain": None if promise is None else dict(zip(("p05", "mean", "p95"), promise, strict=True)),
    }
