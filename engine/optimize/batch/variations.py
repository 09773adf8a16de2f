"""Variations of one question: other budgets, prices and effects by channel, other odds of the draws."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.errors import InputError
from engine.optimize.rules import Problem, asked_again
from engine.optimize.tables import Payoff

LARGEST_FACTOR = 100.0  # of prices and effects: beyond it a share was typed in percent


@dataclass(frozen=True)
class Variations:
    """What differs by row from a base scenario; what is not given is as there.

    Numbers of rows and channels are compared when the variations meet a problem, with a sentence of their own.
    A price factor is what a contact costs over the whole horizon, an effect factor what it brings; both come on top of
    the base scenario's own shocks.
    """

    budget: Float[np.ndarray, " _row"] | None = None  # in place of the base's total or limit [currency]
    multiple: Float[np.ndarray, " _row"] | None = None  # of the base's, instead
    price: Float[np.ndarray, "_row _channel"] | None = None
    effect: Float[np.ndarray, "_row _channel"] | None = None
    odds: Float[np.ndarray, "_view _draw"] | None = None  # chances of the draws, each view summing to 1
    view: Int[np.ndarray, " _row"] | None = None  # which view of the odds a row takes


@dataclass(frozen=True)
class Variants:
    """All rows in full, checked."""

    budget: Float[np.ndarray, " row"]
    price: Float[np.ndarray, "row channel"]
    effect: Float[np.ndarray, "row channel"]
    odds: Float[np.ndarray, "view draw"] | None
    view: Int[np.ndarray, " row"]

    @property
    def views(self) -> int:
        """How many views of the odds there are; 1 where all draws count the same."""
        return 1 if self.odds is None else len(self.odds)


def variants(problem: Problem, asked: Variations) -> Variants:
    """All rows in full.

    Raises:
        InputError: Rows of different number, channels of another number, or values that nothing can be asked with.
    """
    rows, channels = _count(asked), len(problem.names)
    if asked.budget is not None and asked.multiple is not None:
        raise InputError("variations: both budget and multiple are given; give one of them")
    budget = np.full(rows, problem.budget.high) if asked.budget is None else asked.budget
    if asked.multiple is not None:
        budget = problem.budget.high * asked.multiple
    _require("budget", budget, (rows,), 0.0, math.inf)
    price, effect = (np.ones((rows, channels)) if one is None else one for one in (asked.price, asked.effect))
    _require("price", price, (rows, channels), 0.0, LARGEST_FACTOR)
    _require("effect", effect, (rows, channels), -math.inf, LARGEST_FACTOR)
    if np.any(np.asarray(effect) < 0):
        raise InputError("variations: an effect factor is below 0; give 0 for a channel that brings nothing")
    budget, price, effect = (np.asarray(one, float) for one in (budget, price, effect))
    return Variants(budget, price, effect, asked.odds, _views(problem, asked, rows))


def varied(problem: Problem, given: Variants, row: int) -> Problem:
    """The problem of one row, as if it had been asked alone."""
    odds = None if given.odds is None else given.odds[given.view[row]]
    payoffs = tuple(
        _varied(payoff, price, effect, odds)
        for payoff, price, effect in zip(
            problem.payoffs, given.price[row].tolist(), given.effect[row].tolist(), strict=True
        )
    )
    total, fixed = float(given.budget[row]), problem.budget.low == problem.budget.high
    budget = replace(problem.budget, low=total if fixed else problem.budget.low, high=total)
    return asked_again(replace(problem, payoffs=payoffs), 0, budget)


def _varied(payoff: Payoff, price: float, effect: float, odds: np.ndarray | None) -> Payoff:
    """The payoff under other factors: money buys fewer contacts, and each brings more or less."""
    timing = replace(payoff.timing, gain=payoff.timing.gain / price, weight=payoff.timing.weight * effect)
    return replace(payoff, timing=timing, odds=payoff.odds if odds is None else odds)


def _count(asked: Variations) -> int:
    given = {
        name: len(values)
        for name in ("budget", "multiple", "price", "effect", "view")
        if (values := getattr(asked, name)) is not None
    }
    if not given:
        raise InputError("variations: nothing varies; give a budget, multiple, price, effect or view for each row")
    if len(set(given.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in given.items())
        raise InputError(f"variations: the numbers of rows differ ({told}); give each the same")
    if not (rows := next(iter(given.values()))):
        raise InputError("variations: there are no rows; give at least one")
    return rows


def _require(name: str, values: np.ndarray, shape: tuple[int, ...], above: float, most: float) -> None:
    if np.shape(values) != shape:
        raise InputError(f"variations: {name} has the shape {np.shape(values)} where {shape} is needed; correct it")
    wrong = np.flatnonzero(~(np.isfinite(values) & (np.asarray(values) > above) & (np.asarray(values) <= most)))
    if wrong.size:
        at = np.unravel_index(wrong[0], shape)
        place = f"row {at[0]}" + (f", channel {at[1]}" if len(at) > 1 else "")
        limits = f"above {above:g}" * (above > -math.inf) + " and " * (above > -math.inf and most < math.inf)
        limits += f"at most {most:g}" * (most < math.inf)
        raise InputError(f"variations: {name} of {place} is {values[at]:g}, and a finite number {limits} is needed")


def _views(problem: Problem, asked: Variations, rows: int) -> Int[np.ndarray, " row"]:
    """The view of each row."""
    if (asked.odds is None) != (asked.view is None):
        raise InputError("variations: odds and view go together; give both or none")
    if asked.odds is None or asked.view is None:
        return np.zeros(rows, int)
    draws = problem.payoffs[0].timing.gain.shape[1]
    if asked.odds.shape[1] != draws:
        raise InputError(
            f"variations: odds are given for {asked.odds.shape[1]} draws and the curves have {draws}; give one for each"
        )
    off = np.abs(asked.odds.sum(1) - 1) > 1e-9
    if not np.all(asked.odds >= 0) or np.any(off):
        raise InputError("variations: odds must not be below 0 and must sum to 1 in each view; correct them")
    if np.any((asked.view < 0) | (asked.view >= len(asked.odds))):
        raise InputError(f"variations: view names a view beyond the {len(asked.odds)} that odds hold; correct it")
    return asked.view
