"""An earlier plan of the same horizon: its money by period, from a `plan.json`."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.loading import LARGEST_MONEY
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.files import read_json
from engine.optimize.plan_file import SCHEMA
from engine.periods import Period, starts
from engine.response.curves import Curves

CENT, ROUNDING, AT_MOST = 0.005, 1e-9, 1e-6  # money, and shares of all money of a plan: see `same_money`


def read_earlier(path: Path, curves: Curves, scenario: Scenario) -> Float[np.ndarray, "period channel"]:
    """The schedule of a plan [currency/period], with the channels in the order of the curves.

    Raises:
        InputError: It is no plan of these channels in this currency over the scenario's horizon, or it is damaged.
    """
    told = told_plan(path)
    _require_same(path, told, curves, scenario)
    names = told.get("channels")
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(curves.names):
        raise InputError(
            f"{path}: the plan is not about the channels of the curves ({', '.join(curves.names)}); plan again with "
            "them, or leave --plan out and give --spent"
        )
    schedule, _ = money_of(path, told, curves.period, scenario.horizon.periods)
    return schedule[:, [names.index(name) for name in curves.names]]


def told_plan(path: Path) -> dict[str, Any]:
    """What a `plan.json` says, as plain values.

    Raises:
        InputError: It is no plan.
    """
    told = read_json(path)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise InputError(f"{path}: no plan (schema {SCHEMA}); write one with peso optimize --out plan.json")
    return told


def _require_same(path: Path, told: dict[str, Any], curves: Curves, scenario: Scenario) -> None:
    """Refuse a plan of another time or currency."""
    horizon = told.get("horizon")
    horizon = horizon if isinstance(horizon, dict) else {}
    pairs = (
        ("currency", told.get("currency"), curves.currency),
        ("period", told.get("period"), curves.period),
        ("horizon.start", horizon.get("start"), date.isoformat(scenario.horizon.start)),
        ("horizon.periods", horizon.get("periods"), scenario.horizon.periods),
    )
    for name, of_plan, asked in pairs:
        if of_plan != asked:
            raise InputError(
                f"{path}: {name} of the plan is {of_plan!r:.40} and here {asked!r}; name the plan that is carried out, "
                "or leave --plan out"
            )


def money_of(
    path: Path, told: dict[str, Any], period: Period, periods: int
) -> tuple[Float[np.ndarray, "period channel"], tuple[int, ...]]:
    """The schedule of a plan of so many periods [currency/period], and the first period of each of its decisions.

    Raises:
        InputError: It is no such schedule, decisions do not begin with periods, or `spend` says something else than it.
    """
    schedule = _rows(path, "schedule", told.get("schedule"), periods, len(told["channels"]))
    begins = _begins(path, told, period, periods)
    spend = _rows(path, "spend", told.get("spend"), len(begins), len(told["channels"]))
    sums = np.add.reduceat(schedule, begins, axis=0)
    if np.abs(spend - sums).max() > same_money(float(schedule.sum())):
        number, channel = np.unravel_index(np.abs(spend - sums).argmax(), sums.shape)
        name, said, added = told["channels"][channel], spend[number, channel], sums[number, channel]
        raise InputError(
            f"{path}: spend of {name!r} in decision {number + 1} is {said:.10g} and its schedule there adds up to "
            f"{added:.10g}; edit both alike, or plan again with peso optimize --out"
        )
    return schedule, begins


def same_money(money: float) -> float:
    """How far two sums may be apart that are one, of a plan of so much money [currency].

    Half a cent, which nobody writes down; where that is much of the plan, a millionth, and where it is less than
    numbers can tell apart, what they can.

    >>> [round(same_money(one), 9) for one in (1e4, 100.0, 1e12)]
    [0.005, 0.0001, 1000.0]
    """
    return max(ROUNDING * money, min(CENT, AT_MOST * money))


def _begins(path: Path, told: dict[str, Any], period: Period, periods: int) -> tuple[int, ...]:
    """The first period of each decision, from the first period on."""
    try:
        days = starts(date.fromisoformat(told["horizon"]["start"]), periods, period)
        begins = tuple(days.index(date.fromisoformat(label[:10])) for label in told["decisions"])
    except (KeyError, TypeError, ValueError, OverflowError):
        begins = ()
    if begins[:1] != (0,) or list(begins) != sorted(set(begins)):
        raise InputError(
            f"{path}: its decisions do not begin with its periods; plan again with peso optimize --out plan.json"
        )
    return begins


def _rows(path: Path, key: str, rows: Any, count: int, width: int) -> Float[np.ndarray, "row channel"]:
    """Money by row and channel.

    Raises:
        InputError: It has other rows, or what is no money.
    """
    whole = isinstance(rows, list) and len(rows) == count
    if not whole or not all(isinstance(row, list) and len(row) == width and all(map(_is_money, row)) for row in rows):
        raise InputError(
            f"{path}: its {key} needs {count} rows of {width} amounts of 0 or more; plan again with peso optimize"
        )
    if any(cell > LARGEST_MONEY for row in rows for cell in row):
        raise InputError(
            f"{path}: its {key} holds more than {LARGEST_MONEY:g}, and money is at most {LARGEST_MONEY:g}; count it in "
            "a larger unit, such as thousands"
        )
    return np.array(rows, float)


def _is_money(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and cell >= 0
