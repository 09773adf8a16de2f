"""An earlier plan of the same horizon: its money by period, from a `plan.json`."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.files import read_json
from engine.optimize.plan_file import SCHEMA
from engine.response.curves import Curves

LARGEST = 1e15  # money of one period and channel


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
    schedule = rows_of(path, told.get("schedule"), scenario.horizon.periods, len(names))
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


def rows_of(path: Path, rows: Any, count: int, width: int) -> Float[np.ndarray, "period channel"]:
    """The schedule of a plan of so many periods and channels [currency/period].

    Raises:
        InputError: It has other rows, or what is no money.
    """
    whole = isinstance(rows, list) and len(rows) == count
    if not whole or not all(isinstance(row, list) and len(row) == width and all(map(_is_money, row)) for row in rows):
        raise InputError(
            f"{path}: its schedule needs {count} rows of {width} amounts of 0 or more; plan again with peso optimize"
        )
    return np.array(rows, float)


def _is_money(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell <= LARGEST
