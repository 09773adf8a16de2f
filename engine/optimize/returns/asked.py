"""The least returns of a scenario: as rows, and those of single channels as limits of their money in one split."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import ChannelRules, Group, Scenario
from engine.errors import InputError
from engine.optimize.goals import counted
from engine.optimize.returns.row import Return
from engine.optimize.returns.spans import spans
from engine.optimize.rule import Rule
from engine.optimize.selecting import members, rules_of, wholes_of
from engine.optimize.tables import Payoff, outcomes, steepness
from engine.response.curves import Curves

AVERAGES = ("least_roas", "most_cac")
MARGIN = "least_marginal_roas"


@dataclass(frozen=True)
class Settled:
    """Least returns, and the limits of money that say those of single channels."""

    returns: tuple[Return, ...]
    rules: tuple[Rule, ...]


def returns_of(curves: Curves, scenario: Scenario) -> tuple[Return, ...]:
    """Every least return that a scenario asks for.

    Raises:
        InputError: The outcome of the curves is not of that kind, or one is asked of what cannot have it.
    """
    found = []
    for at, channel in enumerate(curves.channels):
        inside = np.arange(len(curves.channels)) == at
        found += _rows(
            curves, scenario, rules_of(channel, scenario), (f"channels.{channel.name}", channel.name, inside)
        )
    for name, parts, rules in wholes_of(curves, scenario):
        found += _rows(curves, scenario, rules, (f"channels.{name}", name, parts))
    for name, group in scenario.groups.items():
        inside = members(curves, scenario, group)
        found += _rows(curves, scenario, group, (f"groups.{name}", f"group {name}", inside))
    return tuple(found)


def settled(returns: tuple[Return, ...], payoffs: Sequence[Payoff], usual: float) -> Settled:
    """The rows of one split, with limits of their money for those about one channel.

    Args:
        returns: The rows.
        payoffs: What each channel's money does.
        usual: Money of the size in question [currency].
    """
    rows, rules = [], list[Rule]()
    for row in returns:
        if row.channel is None:
            rows.append(row)
            continue
        payoff, scale = payoffs[row.channel], float(row.scale[row.channel])
        known = spans(payoff, row.least / scale, usual, row.marginal) if payoff.timing.active and scale > 0 else ()
        holes = tuple((left[1], right[0]) for left, right in itertools.pairwise(known))
        rows.append(replace(row, holes=holes))
        rules += _limits(row, payoff, known)
    return Settled(tuple(rows), tuple(rules))


def _limits(row: Return, payoff: Payoff, known: tuple[tuple[float, float], ...]) -> list[Rule]:
    """The least and the most that a channel may spend, if it spends anything."""
    unit, typed = row.members.astype(float), partial(_typed, row, payoff)
    words = f"{row.of} by {row.key} {row.asked:g}"
    rules = [Rule(f"cap of {words}", unit, high=known[-1][1] if known else 0.0, typed=typed)]
    if known and known[0][0] > 0:
        rules.append(Rule(f"minimum flight of {words}", unit, flight=known[0][0], typed=typed))
    return rules


def _typed(row: Return, payoff: Payoff, limit: float) -> str:
    """The least return that allows a limit."""
    at, channel = np.array([limit]), row.channel or 0
    if limit <= 0:
        return row.told(0.0)
    brings = float(steepness(payoff, at).mean()) if row.marginal else float(outcomes(payoff, at).mean()) / limit
    return row.told(float(row.scale[channel]) * brings)


def _rows(
    curves: Curves,
    scenario: Scenario,
    asked: ChannelRules | Group,
    place: tuple[str, str, Bool[np.ndarray, " channel"]],
) -> list[Return]:
    """The rows of one channel or group."""
    key_of, name, inside = place
    found = []
    for key in (*AVERAGES, *((MARGIN,) if isinstance(asked, ChannelRules) else ())):
        figure: float | None = getattr(asked, key)
        if figure is not None:
            _require_sense(curves, scenario, f"{key_of}.{key}", key)
            least = _least(curves, scenario, key, figure)
            found.append(Return(key, figure, name, inside, least, np.ones(len(inside)), key == MARGIN))
    return found


def _least(curves: Curves, scenario: Scenario, key: str, figure: float) -> float:
    """A figure as outcome per money, in the unit in which the goal counts the outcome."""
    unit = counted(curves, scenario.goal).value
    return unit / figure if key == "most_cac" else figure * unit / curves.value


def _require_sense(curves: Curves, scenario: Scenario, place: str, key: str) -> None:
    """Refuse a return that says nothing about these curves, or about several decisions."""
    said = f"scenario {scenario.name!r}: {place}"
    if key == "most_cac" and curves.outcome_value is None and curves.is_money:
        raise InputError(
            f"{said} needs an outcome that is counted, and these curves give {curves.outcome}; give least_roas"
        )
    if key != "most_cac" and not curves.is_money:
        raise InputError(
            f"{said} needs an outcome in money, and the curves count {curves.outcome!r} without outcome_value; "
            "add outcome_value to the curves, or give most_cac"
        )
    if key == MARGIN and (scenario.horizon.decide != "horizon" or scenario.horizon.from_history):
        raise InputError(
            f"{said} is about one split of a year like any other, because over several decisions each has a next unit "
            "of its own; give least_roas, or one decision"
        )


def adapted(
    returns: tuple[Return, ...],
    rules: tuple[Rule, ...],
    payoffs: Sequence[Payoff],
    effect: Float[np.ndarray, " channel"],
) -> Settled:
    """Least returns and all rules anew, where what money does has changed.

    Args:
        returns: As they were.
        rules: All rules of the problem, the limits by least returns among them.
        payoffs: What each channel's money does now.
        effect: Of each channel, as a multiple of what the payoffs tell by themselves.
    """
    changed = tuple(replace(row, scale=row.scale * effect) for row in returns)
    usual = rules[0].high if np.isfinite(rules[0].high) else 1.0
    again = settled(changed, payoffs, usual)
    return Settled(again.returns, (*(rule for rule in rules if rule.typed is None), *again.rules))
