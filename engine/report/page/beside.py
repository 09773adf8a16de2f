"""Runs beside each other: which can be compared, and what one plan brings beyond another, draw by draw."""

import numpy as np
from jaxtyping import Float

from engine.optimize.plan import Plan
from engine.optimize.ranges import Range, spread
from engine.report.brought import SAME, is_explained, lasting
from engine.report.page.given import Given
from engine.report.page.records import Words
from engine.response.curves import Curves
from engine.words import plain


def why_apart(plan: Plan, first: Plan) -> str:
    """Why a plan cannot be compared with the first one, as the end of a sentence; empty where it can be."""
    if (plan.measure, plan.unit, plan.counts) != (first.measure, first.unit, first.counts):
        counted, other = (plain(one.counts or one.measure) for one in (plan, first))
        return f"it counts {counted}, the first one counts {other}"
    if (plan.start, plan.end) != (first.start, first.end):
        return f"it is about {plan.start} to {plan.end}, the first one about {first.start} to {first.end}"
    if plan.reach != first.reach:
        return f"it counts {_counting(plan)}; the first one counts {_counting(first)}"
    return ""


def apart_told(given: Given, what: str, scenario: str) -> tuple[Words, ...]:
    """A warning that a run is of another scenario than the plan; none where it is of the same."""
    if given.plan is None or not given.other_than_plan(scenario):
        return ()
    other = plain(given.plan.scenario)
    told = f"Beware: {what} is of the scenario {plain(scenario)}, not of {other}, which is decided upon above."
    return (Words((told,), "beware"),)


def _counting(plan: Plan) -> str:
    """Which effect of money is counted."""
    if plan.reach is None:
        return "as if its time came again and again, so that what is spent last still works at its start"
    return f"what comes from its first day on, up to {plan.reach} {plan.period}s after its end"


def beyond(curves: Curves, first: Plan, plan: Plan) -> tuple[Range, float] | None:
    """What a plan brings beyond the first one, and the share of draws in which that is less.

    None where one of them does not follow from its curves and its money alone, or where outcome is not what is
    maximised.
    """
    before, after = (_by_draw(curves, one) for one in (first, plan))
    if before is None or after is None:
        return None
    return spread(after - before), float(np.mean(after < before - SAME * np.abs(before)))


def _by_draw(curves: Curves, plan: Plan) -> Float[np.ndarray, " draw"] | None:
    """What a plan brings in all in each draw, where that is what it says."""
    if curves.names != tuple(line.name for line in plan.lines) or curves.period != plan.period:
        return None
    works = (lasting(one, curves, plan.periods, plan.reach) for one in curves.channels)
    brought = (one.brings(money).sum(axis=0) for one, money in zip(works, np.array(plan.schedule).T, strict=True))
    found: Float[np.ndarray, " draw"] = np.sum(list(brought), axis=0) * (curves.value if plan.in_money else 1.0)
    mean, outcome = float(found.mean()), plan.chosen.outcome.mean
    return found if is_explained(mean, outcome) and is_explained(outcome, plan.chosen.value.mean) else None
