"""Minimum flights among rules: what must be nothing or enough, and what other rules say of the same spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.optimize.rules import Rule


class Pairs(NamedTuple):
    """A rule and a minimum flight, as often as the one says something of the other."""

    rule: Int[np.ndarray, " pair"]
    flight: Int[np.ndarray, " pair"]

    def first(self, counted: Bool[np.ndarray, " rule"]) -> dict[int, int]:
        """By flight, the first of the rules that count."""
        used = counted[self.rule]
        flight, at = np.unique(self.flight[used], return_index=True)
        return dict(zip(flight.tolist(), self.rule[used][at].tolist(), strict=True))


@dataclass(frozen=True)
class Flights:
    """The rules that are minimum flights, and what other rules say of the same spend."""

    rules: tuple[int, ...]
    amount: Float[np.ndarray, "flight cell"]  # weights of what must be nothing or enough
    least: Float[np.ndarray, " flight"]  # [currency]
    forced: Pairs  # rules by which something must be spent on a flight
    held: Pairs  # rules that leave no more than `reach` for a flight, the least first
    reach: Float[np.ndarray, " pair"]  # [currency]
    often: Float[np.ndarray, " pair"]  # how often the flight's amount is in the rule's
    within: tuple[tuple[int, Int[np.ndarray, "..."]], ...]  # rules on plain sums, and the flights that are parts

    def most(self, room: Float[np.ndarray, " rule"]) -> Float[np.ndarray, " flight"]:
        """What rules leave for each flight at the most, by each of them alone [currency].

        Args:
            room: By how much each rule may give way [currency]; infinite for a rule that does not count.
        """
        found = np.full(len(self.rules), np.inf)
        np.minimum.at(found, self.held.flight, self.reach + room[self.held.rule] / self.often)
        return found


def flights_of(rules: Sequence[Rule]) -> Flights:
    """The minimum flights of some rules."""
    flying = tuple(at for at, rule in enumerate(rules) if rule.flight)
    weights = np.array([rule.weights for rule in rules])
    amount, low = weights[list(flying)].reshape(len(flying), weights.shape[1]), np.array([rule.low for rule in rules])
    high = np.array([rule.high for rule in rules])
    bounds = np.flatnonzero(np.isfinite(high) & (weights >= 0).all(axis=1))
    same: dict[bytes, list[int]] = {}
    for at in np.flatnonzero(low > 0).tolist():
        same.setdefault(weights[at].tobytes(), []).append(at)
    forced = [(rule, at) for at, one in enumerate(amount) for rule in same.get(one.tobytes(), ())]
    held = []
    for at, one in enumerate(amount):
        cells = one.nonzero()[0]
        often = (weights[np.ix_(bounds, cells)] / one[cells]).min(axis=1)  # the flight's amount is in the rule's
        pairs = zip(bounds.tolist(), often.tolist(), strict=True)
        held += [(float(high[rule]) / times, rule, at, times) for rule, times in pairs if times > 0]
    held.sort()
    least = np.array([rules[at].flight for at in flying])
    reach, often = (np.array([one[part] for one in held], float) for part in (0, 3))
    return Flights(
        flying,
        amount,
        least,
        _pairs(forced),
        _pairs([one[1:3] for one in held]),
        reach,
        often,
        _within(weights, amount),
    )


def _pairs(found: Sequence[tuple[int, int]]) -> Pairs:
    both = np.array(found, int).reshape(len(found), 2)
    return Pairs(both[:, 0], both[:, 1])


def _within(weights: np.ndarray, amount: np.ndarray) -> tuple[tuple[int, np.ndarray], ...]:
    """Rules on sums of several cells, each with the flights that are parts of the sum and share no cell."""
    found = []
    for rule in np.flatnonzero(np.isin(weights, (0.0, 1.0)).all(axis=1) & (weights.sum(axis=1) > 1)).tolist():
        inside = np.flatnonzero((amount <= weights[rule]).all(axis=1))
        if len(inside) > 1 and amount[inside].sum(axis=0).max() <= 1:
            found.append((rule, inside))
    return tuple(found)
