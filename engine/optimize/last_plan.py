"""Bounds by an earlier plan: multiples of what it gave each channel, by decision where it decided alike."""

import difflib

import numpy as np
from jaxtyping import Float

from engine.config.relative import Relative
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.over_time.decisions import Grid
from engine.optimize.rule import Rule
from engine.optimize.selecting import rules_of, wholes_of
from engine.response.curves import Curves


def last_plan_rules(curves: Curves, scenario: Scenario, held: Grid | None) -> list[Rule]:
    """The bounds of all channels, over all cells; those of a channel with parts are about the sum of these.

    Args:
        curves: What spend does.
        scenario: The question, with the money of the earlier plan in it.
        held: The decisions; None for one split.

    Raises:
        InputError: The earlier plan was not read, or says nothing of a channel, or not as often as is decided.
    """
    _require_read(curves.names, scenario)
    last = scenario.last_plan
    if last is None:
        return []
    usual, rules = Relative(min=last.least, max=last.most), []
    for at, channel in enumerate(curves.channels):
        bounds = rules_of(channel, scenario).of_last_plan or usual
        rules += _bounded(channel.name, np.eye(len(curves.names))[at], bounds, (curves.names, scenario, held))
    for name, parts, asked in wholes_of(curves, scenario):
        if asked.of_last_plan:
            rules += _bounded(name, parts.astype(float), asked.of_last_plan, (curves.names, scenario, held))
    return rules


def _bounded(
    name: str,
    inside: Float[np.ndarray, " channel"],
    bounds: Relative,
    known: tuple[tuple[str, ...], Scenario, Grid | None],
) -> list[Rule]:
    """The bounds of one channel, or of the sum of its parts."""
    names, scenario, held = known
    if not bounds.least and bounds.most is None:
        return []
    money = _money(names, inside, scenario)
    if len(money) == 1:
        return _within(name, np.repeat(inside, held.count if held else 1), float(money[0]), bounds)
    begins = held.unit_begins if held else ()
    if held is None or len(money) != len(begins):
        raise InputError(
            f"scenario {scenario.name!r}: the last plan has {len(money)} amounts for {name!r} and this plan has "
            f"{len(begins) or 1} decisions; give one for each, or their sum"
        )
    rules = []
    for number, begin in enumerate(begins):
        weights = np.kron(inside, held.in_unit(number))
        rules += _within(name, weights, float(money[number]), bounds, f" from {begin}")
    return rules


def _require_read(names: tuple[str, ...], scenario: Scenario) -> None:
    """Refuse bounds by an earlier plan where none is named, was read, or holds the channels; and a plan without any.

    Raises:
        InputError: One sentence that says which.
    """
    every = {"every_channel": scenario.every_channel} | {
        f"channels.{each}": one for each, one in scenario.channels.items()
    }
    bound = [place for place, rules in every.items() if rules and rules.of_last_plan]
    last, place = scenario.last_plan, f"scenario {scenario.name!r}"
    if last is None:
        if bound:
            raise InputError(
                f"{place}: {bound[0]}.of_last_plan needs the last plan; name its plan.json under [last_plan]"
            )
        return
    if last.file is not None:
        raise InputError(
            f"{place}: last_plan.file {last.file!r} was not read; load the scenario with engine.study.question, "
            "or give last_plan.channels"
        )
    if not bound and not last.model_fields_set & {"least", "most"}:
        raise InputError(
            f"{place}: [last_plan] names a plan and no bounds by it, so it would change nothing; give min or max "
            "there, or of_last_plan for a channel, or leave it out"
        )
    for name in last.channels:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"{place}: last_plan.channels names {name!r}, which the curves do not have; {hint}channels there: "
                f"{', '.join(names)}"
            )


def _money(
    names: tuple[str, ...], inside: Float[np.ndarray, " channel"], scenario: Scenario
) -> Float[np.ndarray, " decision"]:
    """What the earlier plan gave to some channels together, by decision or in all [currency]."""
    known = scenario.last_plan.channels if scenario.last_plan else {}
    wanted = [names[at] for at in np.flatnonzero(inside).tolist()]
    for name in wanted:
        if name not in known:
            raise InputError(
                f"scenario {scenario.name!r}: the last plan says nothing of {name!r}, so no bound follows from it; "
                f"write what counts as its money under [last_plan.channels], or channels.{name}.of_last_plan = "
                "{ min = 0 } for no bound"
            )
    alike = len({len(known[name]) for name in wanted}) == 1
    rows = [known[name] if alike else (sum(known[name]),) for name in wanted]
    return np.sum(np.array(rows), axis=0)


def _within(
    name: str, weights: Float[np.ndarray, " cell"], money: float, bounds: Relative, dated: str = ""
) -> list[Rule]:
    low, high = bounds.least * money, None if bounds.most is None else bounds.most * money
    if bounds.least == bounds.most:
        return [Rule(f"{name} at {_share(bounds.least)}{dated}", weights, low=low, high=low)]
    rules = [Rule(f"{name} at least {_share(bounds.least)}{dated}", weights, low=low)] if low else []
    if high is not None and bounds.most is not None:
        rules.append(Rule(f"{name} at most {_share(bounds.most)}{dated}", weights, high=high))
    return rules


def _share(multiple: float) -> str:
    return f"{100 * multiple:g} % of the last plan"
