"""Charts of what comes over time, with its range: of a plan, and of a plan under shocks."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.optimize.plan import Plan
from engine.optimize.ranges import Range
from engine.report.charts.cases import case_first
from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    WIDE,
    Spec,
    Title,
    amount,
    faint,
    framed,
    heading,
    listed,
    opening,
    rows,
    short,
    unit_of,
    units,
)
from engine.report.charts.ranges import with_range
from engine.report.charts.spending import across, beginnings, stretch
from engine.report.stress_choice import TOLD
from engine.stress.readout import Answer, Reading, Spread
from engine.words import money, plain

TALL, BAR = 260, 16  # height of the chart, width of a bar [pixels]
BLUE = KIND_COLOURS["paid"]
LONG = 38  # letters of an axis title of one line
AFTER = "after the end"  # of the horizon: no part of it, so that no line leads there


class Part(NamedTuple):
    """What comes in one part of the time, and what was planned where that is something else."""

    name: str
    outcome: Range | Spread
    planned: float | None = None


def course_chart(plan: Plan, found: Sequence[Range]) -> Spec:
    """What a plan brings by decision, with its range; last what comes after the end, where that counts.

    Args:
        plan: With several decisions.
        found: By decision, and after the end.
    """
    names = [*plan.decisions, *[AFTER] * (len(found) - len(plan.decisions))]
    parts = [Part(name, one) for name, one in zip(names, found, strict=True)]
    unit, what = plan.currency if plan.in_money else "", short(plan.counts or plan.measure)
    most = max(parts, key=lambda one: one.outcome.mean)
    title = f"Most {what} comes {stretch(most.name, plan.decisions)}: {with_range(most.outcome, unit)}"
    reading = f"Line: {what} in the time of each decision, in the mean over all draws; bars: 5-95 %."
    return _fan(parts, (title, reading), unit, (what, "decision"))


def stressed_course_chart(found: Answer, one: Reading) -> Spec:
    """Outcome by quarter under shocks, with its range, beside the plan."""
    parts = [Part(each.name, each.outcome, each.planned) for each in one.quarters]
    what = short(found.measure)
    worst = min(one.quarters, key=lambda each: each.outcome.mean - each.planned)
    title = f"No part of the time falls behind the plan, if you {TOLD[one.policy]}"
    if worst.outcome.mean < worst.planned:
        spell = stretch(worst.name, [each.name for each in one.quarters])
        came = with_range(worst.outcome, found.unit)
        title = f"Shocks cost most {spell}: {came} instead of {money(worst.planned, found.unit)}"
    reading = (
        f"Line: {what} in the mean over all paths, if you {TOLD[one.policy]}; bars: 5-95 %; dashed, with rings: the "
        "plan without shocks, in the mean, too."
    )
    return _fan(parts, (case_first(found, title), reading), found.unit, (what, "quarter"))


def _fan(parts: Sequence[Part], told: tuple[str, str], currency: str, words: tuple[str, str]) -> Spec:
    """Mean and band by part of the time, joined up within the horizon, and what was planned.

    Args:
        parts: In their order.
        told: What is found, and how to read it.
        currency: Of the outcome; empty where it is counted.
        words: What the outcome counts, and what a part of the time is called.
    """
    what, part = words
    unit = unit_of(max(max(abs(one.outcome.p95), abs(one.planned or 0.0)) for one in parts))
    measured = units(plain(currency), unit.name, f"a {part}")
    title: Title = f"{opening(what)} {measured}" if len(what) + len(measured) < LONG else [opening(what), measured]
    names = beginnings([one.name for one in parts])
    within = sum(one.name != AFTER for one in parts)
    every = rows(
        when=names,
        low=[one.outcome.p05 / unit.size for one in parts],
        middle=[one.outcome.mean / unit.size for one in parts],
        high=[one.outcome.p95 / unit.size for one in parts],
        **({"plan": [(one.planned or 0.0) / unit.size for one in parts]} if parts[0].planned is not None else {}),
    )
    joined = {"values": every["values"][:within]}
    shown = [f"{short(one.name)} {with_range(one.outcome, currency)}" for one in parts]
    return framed(
        heading(*told, WIDE),
        f"{opening(what)} by {part}, with ranges of 5-95 %. {listed(shown, 'parts')}.",
        {
            "width": WIDE,
            "height": TALL,
            "encoding": {"x": across(names, f"First day of the {part}")},
            "layer": [
                *_bands(joined, every, title),
                *(_course(joined, every, title, "plan") if parts[0].planned is not None else []),
                *_course(joined, every, title, "middle"),
            ],
        },
    )


def _bands(joined: Spec, every: Spec, title: Title) -> list[Spec]:
    """The range of each part, and the fan of those that follow each other."""
    ends = {"y": amount("low", title, scale={"zero": True}), "y2": {"field": "high"}}
    fan = {"type": "area", "color": BLUE, "opacity": 0.15}  # leads from bar to bar
    bar = faint("bar", BLUE, 0.3, width=BAR)
    return [{"data": joined, "mark": fan, "encoding": ends}, {"data": every, "mark": bar, "encoding": ends}]


def _course(joined: Spec, every: Spec, title: Title, field: str) -> list[Spec]:
    """A line through the parts that follow each other, with a mark for each part."""
    planned = field == "plan"
    line = {"type": "line", "color": INK if planned else BLUE, "strokeWidth": 1.5 if planned else 2.5}
    dots = {"type": "point", "filled": not planned, "size": 70, "opacity": 1, "color": INK if planned else BLUE}
    height = {"y": amount(field, title, scale={"zero": True})}
    return [
        {"data": joined, "mark": {**line, **({"strokeDash": [5, 4]} if planned else {})}, "encoding": height},
        {"data": every, "mark": dots, "encoding": height},
    ]
