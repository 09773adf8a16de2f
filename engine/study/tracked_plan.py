"""The plan that is tracked, as its file says it, and the curves and the question that belong to it."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.loading import load
from engine.config.scenario import Budget, Horizon, Scenario
from engine.data.spent import Elapsed
from engine.errors import InputError
from engine.optimize.rules import history_spend
from engine.periods import PERIODS, Period, starts
from engine.response.curves import Curves
from engine.study.earlier_plan import money_of, told_plan
from engine.study.question import MOST_PERIODS


@dataclass(frozen=True)
class Planned:
    """A plan's money and time."""

    path: Path
    scenario: str
    currency: str
    period: Period
    days: tuple[date, ...]  # first day of each period, and the first day after them
    names: tuple[str, ...]
    money: Float[np.ndarray, "period channel"]  # [currency/period]
    decisions: int
    outcome: float | None  # the mean that the file tells, what works after its end included
    measure: str
    made_from: str  # digest of its curves

    @property
    def periods(self) -> int:
        """Periods of its horizon."""
        return len(self.money)

    @property
    def horizon(self) -> Elapsed:
        """All of its periods."""
        return Elapsed(self.days, self.period)


def read_planned(path: Path) -> Planned:
    """What a `plan.json` has planned.

    Raises:
        InputError: It is no plan, or it is damaged.
    """
    told = told_plan(path)
    names, (start, periods, period) = told.get("channels"), _time(told)
    sound = isinstance(names, list) and len(set(map(str, names))) == len(names) > 0
    if not sound or start is None or not isinstance(told.get("currency"), str):
        raise InputError(
            f"{path}: its channels, period, currency or horizon are not those of a plan; plan again with "
            "peso optimize --out plan.json"
        )
    money, begins = money_of(path, told, period, periods)
    mean = told["outcome"].get("mean") if isinstance(told.get("outcome"), dict) else None
    return Planned(
        path=path,
        scenario=str(told.get("scenario", path.stem)),
        currency=told["currency"],
        period=period,
        days=starts(start, periods + 1, period),
        names=tuple(map(str, told["channels"])),
        money=money,
        decisions=len(begins),
        outcome=float(mean) if isinstance(mean, int | float) else None,
        measure=str(told.get("measure", "")),
        made_from=str(told.get("made_from", "")),
    )


def _time(told: dict[str, Any]) -> tuple[date | None, int, Period]:
    """First day, number and length of the periods of a plan; no day where they are none that scenarios may have."""
    horizon = told.get("horizon")
    horizon = horizon if isinstance(horizon, dict) else {}
    periods, period = horizon.get("periods"), next((each for each in PERIODS if each == told.get("period")), None)
    try:
        start = date.fromisoformat(str(horizon.get("start")))
    except ValueError:
        return None, 0, "week"
    if period is None or not isinstance(periods, int) or isinstance(periods, bool):
        return None, 0, "week"
    sound = 1900 <= start.year <= 2999 and 1 <= periods <= MOST_PERIODS
    return start if sound else None, periods, period


def aligned(curves: Curves, plan: Planned, place: Path) -> Curves:
    """The curves with the channels in the order of the plan.

    Raises:
        InputError: They are about other channels, another currency or other periods.
    """
    if sorted(curves.names) != sorted(plan.names):
        odd = sorted(set(curves.names) ^ set(plan.names))
        raise InputError(
            f"{place}: the curves are not about the channels of {plan.path} ({', '.join(odd)} stand in only one of "
            "them); name the fit that the plan was made from"
        )
    for name, of_plan, here in (
        ("currency", plan.currency, curves.currency),
        ("period", plan.period, curves.period),
    ):
        if of_plan != here:
            raise InputError(
                f"{place}: {name} of the curves is {here!r} and that of {plan.path} is {of_plan!r}; name the fit that "
                "the plan was made from"
            )
    by_name = {channel.name: channel for channel in curves.channels}
    return replace(curves, channels=tuple(by_name[name] for name in plan.names))


def asked_of(plan: Planned, path: Path | None = None) -> Scenario:
    """The question behind the plan: its prices and effects; without its file there are none.

    Raises:
        InputError: The file asks about another time.
    """
    horizon = Horizon(start=plan.days[0], periods=plan.periods)
    if path is None:
        return Scenario(name=plan.scenario[:200] or "plan", horizon=horizon, budget=Budget(at_most=1.0))
    asked = load(path, Scenario)
    if (asked.horizon.start, asked.horizon.periods) != (horizon.start, horizon.periods):
        raise InputError(
            f"{path}: is about {asked.horizon.periods} periods from {asked.horizon.start} on, and {plan.path} about "
            f"{horizon.periods} from {horizon.start} on; name the scenario that the plan answers"
        )
    return asked


def has_money_left(curves: Curves, scenario: Scenario, spent: float) -> bool:
    """Whether the budget of a scenario holds what was spent, so that there is a rest to decide."""
    budget = scenario.budget
    most = budget.at_most or budget.total
    if budget.of_history is not None:
        most = budget.of_history * float(history_spend(curves, scenario).sum())
    if most is None or budget.quarters or scenario.soft:
        return True
    return spent < most * (1 - budget.reserve)
