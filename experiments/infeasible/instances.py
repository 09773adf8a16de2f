"""Fifty questions that have no plan: ten kinds of conflict, 12 to 100 channels, money in units of 1e-3 to 1e12."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np

from engine.config.scenario import (
    Budget,
    ChannelRules,
    Group,
    Horizon,
    Relative,
    Scenario,
    ShareBounds,
)
from engine.optimize.rules import Problem, Rule, problem_of
from engine.response.curves import Channel, Curves, Family, History

SIZES = (12, 12, 30, 100, 100)  # channels, by seed
UNITS = (1e-3, 1.0, 1e3, 1e6, 1e12)  # of money, by seed and kind
PERIODS, QUARTERS = 52, 4
KINDS = ("paid", "earned", "shared", "owned")
TOTAL = 1000.0  # of the budget, in the unit


def curves(count: int, history: np.ndarray) -> Curves:
    """Plain curves, because nothing here asks what money earns; `history` is what a year has spent."""
    retain = Family("geometric", {"retain": np.zeros(1)})
    channels = tuple(
        Channel(
            f"c{at:03d}",
            KINDS[at % 4],
            retain,
            Family("hill", {"ceiling": np.ones(1), "halfway": np.ones(1), "slope": np.ones(1)}),
            History(float(spent) / PERIODS, float(spent)),
        )
        for at, spent in enumerate(history)
    )
    return Curves("USD", "revenue", "week", channels[:count])


def asked(name: str, budget: Budget, channels: dict[str, ChannelRules], groups: dict[str, Group]) -> Scenario:
    horizon = Horizon(start=date(2027, 1, 4), periods=PERIODS)
    return Scenario(name=name, horizon=horizon, budget=budget, channels=channels, groups=groups)


def split(rng: np.random.Generator, count: int, total: float) -> np.ndarray:
    """Random parts of a total."""
    return rng.dirichlet(np.full(count, 2.0)) * total


def names(count: int) -> list[str]:
    return [f"c{at:03d}" for at in range(count)]


Made = tuple[Budget, dict[str, ChannelRules], dict[str, Group]]


def floors(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Floors add up to more than the budget; caps stand about."""
    low = split(rng, count, TOTAL * unit * rng.uniform(1.02, 1.5))
    rules = {name: ChannelRules(floor=one, cap=3 * one) for name, one in zip(names(count), low.tolist(), strict=True)}
    return Budget(total=TOTAL * unit), rules, {}


def caps(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Caps add up to less than the budget."""
    high = split(rng, count, TOTAL * unit * rng.uniform(0.6, 0.98))
    rules = {name: ChannelRules(cap=one) for name, one in zip(names(count), high.tolist(), strict=True)}
    return Budget(total=TOTAL * unit), rules, {}


def locks(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Locked channels of a group, above its cap."""
    money = split(rng, count, TOTAL * unit * 0.8)
    locked = names(count)[: count // 3]
    rules = {name: ChannelRules(locked=one) for name, one in zip(locked, money.tolist(), strict=False)}
    cap = float(money[: len(locked)].sum() * rng.uniform(0.5, 0.95))
    return Budget(total=TOTAL * unit), rules, {"held": Group(channels=tuple(locked), cap=cap)}


def shares(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Least shares of two kinds and a floor on the third leave too little."""
    least = float(rng.uniform(0.35, 0.45))
    groups = {
        "unpaid": Group(kinds=("earned", "owned"), share=ShareBounds(min=least)),
        "shared": Group(kinds=("shared",), share=ShareBounds(min=0.3)),
        "paid": Group(kinds=("paid",), floor=float(TOTAL * unit * rng.uniform(0.4, 0.5))),
    }
    return Budget(total=TOTAL * unit), {name: ChannelRules(cap=TOTAL * unit / 3) for name in names(count)}, groups


def relative(rng: np.random.Generator, count: int, unit: float) -> Made:  # noqa: ARG001
    """A cut of the budget under bounds that no channel may fall below."""
    least = float(rng.uniform(0.85, 0.95))
    rules = {name: ChannelRules(relative=Relative(min=least, max=1.3)) for name in names(count)}
    return Budget(of_history=float(rng.uniform(0.6, 0.8))), rules, {}


def flexible(rng: np.random.Generator, count: int, unit: float) -> Made:
    """A least share of what is spent, whose channels are capped, beside floors elsewhere."""
    rules = {name: ChannelRules(cap=0.2 * TOTAL * unit / count) for name in names(count)[1::4]}
    rules |= {name: ChannelRules(floor=1.5 * TOTAL * unit / count) for name in names(count)[::4]}
    share = ShareBounds(min=float(rng.uniform(0.3, 0.5)))
    return Budget(at_most=TOTAL * unit), rules, {"earned": Group(kinds=("earned",), share=share)}


def flights(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Floors that force minimum flights, and a locked channel that leaves too little for them."""
    low = split(rng, count - 1, TOTAL * unit * 0.15)
    rules = {
        name: ChannelRules(floor=one, minimum_flight=one * 3, cap=one * 9)
        for name, one in zip(names(count), low.tolist(), strict=False)
    }
    rules[names(count)[-1]] = ChannelRules(locked=float(TOTAL * unit * rng.uniform(0.7, 0.9)))
    return Budget(total=TOTAL * unit), rules, {}


def unfilled(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Minimum flights of which any number fills the budget too little or too much."""
    some = int(rng.integers(2, 6))
    least = TOTAL * unit / (some + 0.9)
    rules = {name: ChannelRules(minimum_flight=least, cap=TOTAL * unit / (some + 0.1) * 0.999) for name in names(count)}
    for name in names(count)[: count // 2]:  # some are all different
        rules[name] = ChannelRules(minimum_flight=least * rng.uniform(1, 1.01), cap=rules[name].cap)
    return Budget(total=TOTAL * unit), rules, {}


def twice(rng: np.random.Generator, count: int, unit: float) -> Made:
    """Two conflicts that share no rule, so that no single one can end both."""
    budget, rules, groups = floors(rng, count, unit)
    rules = {name: one.model_copy(update={"cap": None}) for name, one in rules.items()}
    inside = names(count)[: count // 4]
    held = sum(rules[name].floor for name in inside) * float(rng.uniform(0.5, 0.9))
    return budget, rules, groups | {"held": Group(channels=tuple(inside), cap=held)}


MAKERS: dict[str, Callable[[np.random.Generator, int, float], Made]] = {
    "floors above the budget": floors,
    "caps below the budget": caps,
    "locked channels above a group's cap": locks,
    "shares that leave too little": shares,
    "bounds relative to history": relative,
    "a share of a flexible budget": flexible,
    "minimum flights forced by floors": flights,
    "minimum flights that do not fill the budget": unfilled,
    "two conflicts at once": twice,
}
OVER_QUARTERS = "quarters: ramps, commitments, flights"


def quarterly(rng: np.random.Generator, count: int, unit: float) -> tuple[Rule, ...]:
    """Rules over four decisions of each channel: committed money climbs faster than a ramp allows."""
    cells = np.eye(count * QUARTERS)
    rules = [Rule("budget", np.ones(len(cells)), low=TOTAL * unit, high=TOTAL * unit)]
    ramp, even = float(rng.uniform(0.1, 0.2)), TOTAL * unit / count / QUARTERS
    for at, name in enumerate(names(count)):
        own = cells[at * QUARTERS : (at + 1) * QUARTERS]
        for number, (before, after) in enumerate(pairwise(own), start=2):
            rules.append(Rule(f"ramp of {name} into quarter {number}, upwards", after - (1 + ramp) * before, high=0.0))
            rules.append(Rule(f"ramp of {name} into quarter {number}, downwards", after - (1 - ramp) * before, low=0.0))
        rules.append(Rule(f"cap of {name}", own.sum(0), high=float(even * QUARTERS * rng.uniform(1.2, 3))))
        rules += [Rule(f"minimum flight of {name} from quarter {q}", one, flight=even / 2) for q, one in enumerate(own)]
    for at in rng.choice(count, 3, replace=False).tolist():
        own, money = cells[at * QUARTERS : (at + 1) * QUARTERS], even * rng.uniform(0.8, 1.2)
        rules.append(Rule(f"quarter cap of {names(count)[at]} from quarter 1", own[0], high=float(money)))
        least = float(money * (1 + ramp) ** 3 * rng.uniform(1.05, 1.4))
        rules.append(Rule(f"{names(count)[at]} committed from quarter 4", own[3], low=least))
    return tuple(rules)


def instance(kind: str, seed: int) -> Problem:
    """One impossible question."""
    order = [*MAKERS, OVER_QUARTERS].index(kind)
    rng, count = np.random.default_rng(1000 * order + seed), SIZES[seed]
    unit = UNITS[(seed + order) % len(UNITS)]
    if kind == OVER_QUARTERS:
        plain = problem_of(curves(count, split(rng, count, unit)), asked(kind, Budget(total=1.0), {}, {}))
        return replace(plain, rules=quarterly(rng, count, unit))
    history = split(rng, count, TOTAL * unit)
    return problem_of(curves(count, history), asked(kind, *MAKERS[kind](rng, count, unit)))
