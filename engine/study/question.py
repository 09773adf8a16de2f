"""A scenario file with all that it names: the money of an earlier plan, read from its own file."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.config.loading import load
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.over_time.decisions import grid
from engine.response.curves import Curves
from engine.study.earlier_plan import money_of, told_plan

MOST_PERIODS = 1040


@dataclass(frozen=True)
class Earlier:
    """An earlier plan, of any time: its money by period, and where its decisions begin."""

    names: tuple[str, ...]
    schedule: Float[np.ndarray, "period channel"]  # [currency/period]
    begins: tuple[int, ...]  # first period of each decision


def question(path: Path, curves: Curves) -> Scenario:
    """The scenario of a file; the money of the plan that it names, and the channels worth learning about, stand in it.

    Raises:
        InputError: The scenario or the plan is wrong, or the plan does not go with the curves.
        InfeasibleError: Channels worth learning about are to be found, and no plan keeps the other rules.
    """
    asked = _with_last_plan(path, load(path, Scenario), curves)
    if asked.learn is None or asked.learn.channels:
        return asked
    found: Scenario = importlib.import_module("engine.optimize.learning").with_learners(curves, asked)
    return found


def _with_last_plan(path: Path, asked: Scenario, curves: Curves) -> Scenario:
    """The scenario with the money of its last plan in it."""
    last = asked.last_plan
    if last is None or last.file is None:
        return asked
    place = path.parent / last.file
    money = _by_decision(_read(place, curves), curves, asked) | last.channels
    here = {name: each for name, each in money.items() if name in curves.names or name in last.channels}
    return asked.model_copy(update={"last_plan": last.model_copy(update={"file": None, "channels": here})})


def _by_decision(earlier: Earlier, curves: Curves, asked: Scenario) -> dict[str, tuple[float, ...]]:
    """Money of each channel by decision where the earlier plan tells them apart; else in as many periods."""
    held, periods = grid(curves, asked), len(earlier.schedule)
    edges = tuple(held.edges[held.units.index(unit)] for unit in sorted(set(held.units)))
    alike = periods == asked.horizon.periods and len(edges) > 1 and set(edges) <= set(earlier.begins)
    money = np.add.reduceat(earlier.schedule, edges if alike else (0,), axis=0)
    money = money * (1.0 if alike else asked.horizon.periods / periods)
    return {name: tuple(row) for name, row in zip(earlier.names, money.T.tolist(), strict=True)}


def _read(path: Path, curves: Curves) -> Earlier:
    told = told_plan(path)
    for name, of_plan, here in (
        ("currency", told.get("currency"), curves.currency),
        ("period", told.get("period"), curves.period),
    ):
        if of_plan != here:
            raise InputError(
                f"{path}: {name} of the last plan is {of_plan!r:.40} and that of the curves {here!r}, so its money "
                "cannot be compared; name another plan under last_plan.file"
            )
    names, horizon = told.get("channels"), told.get("horizon")
    periods = horizon.get("periods") if isinstance(horizon, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise InputError(f"{path}: its channels are no list of names; plan again with peso optimize --out")
    if not isinstance(periods, int) or isinstance(periods, bool) or not 1 <= periods <= MOST_PERIODS:
        raise InputError(
            f"{path}: horizon.periods is {periods!r:.40}, no number of periods; plan again with peso optimize"
        )
    return Earlier(tuple(names), *money_of(path, told, curves.period, periods))
