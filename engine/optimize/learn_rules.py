"""Money for learning: at least so much of the budget goes to channels that are being tested."""

import difflib

import numpy as np

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.rule import Rule
from engine.optimize.selecting import is_named
from engine.optimize.share_rules import of_total
from engine.response.curves import Curves

TOLD = 3  # channels that the rule's name tells


def learn_rules(curves: Curves, scenario: Scenario, budget: Rule) -> list[Rule]:
    """The rule on money for learning, over all cells; none where nothing is asked.

    Raises:
        InputError: A channel is not known, or none is named and none was found.
    """
    learn = scenario.learn
    if learn is None:
        return []
    if not learn.channels:
        raise InputError(
            f"scenario {scenario.name!r}: learn names no channels, and those worth learning about were not looked for; "
            "name them, or take the scenario from engine.optimize.learning.with_learners"
        )
    _require_known(curves, scenario, learn.channels)
    inside = np.array([is_named(channel, learn.channels) for channel in curves.channels])
    cells = np.repeat(inside.astype(float), len(budget.weights) // len(inside))
    more = len(learn.channels) - TOLD
    told = ", ".join(learn.channels[:TOLD]) + (f" and {more} more" if more > 0 else "")
    if learn.share is None:
        return [Rule(f"floor of learning ({told})", cells, low=learn.amount or 0.0)]
    name = f"least share of learning ({told})"
    if budget.low == budget.high:
        return [of_total(Rule(name, cells, low=0.0, share=learn.share), budget.high)]
    return [Rule(name, cells - learn.share, low=0.0)]


def _require_known(curves: Curves, scenario: Scenario, names: tuple[str, ...]) -> None:
    known = [*curves.names, *curves.wholes]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"scenario {scenario.name!r}: learn names {name!r}, which the curves do not have; {hint}channels "
                f"there: {', '.join(curves.names)}"
            )
