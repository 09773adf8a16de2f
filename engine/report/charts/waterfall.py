"""From one total to another, step by step: bars that hang between what was before and what is after them."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from engine.report.charts.look import INK, QUIET, Spec, Title, Unit, amount, rows, unit_of
from engine.report.rounding import Scale, adding, written

STEP, ACROSS = 26, 480  # height of a row, width of the chart [pixels]
ROOM = 0.06, 0.17  # of the span that is drawn: to the left, and to the right, where numbers stand
DIGITS = 3, 2  # of the largest step, from 1 on and below 1
TENTH = 0.1  # of a unit: where all steps are smaller, the unit below it tells them
UNDER = {1e12: Unit(1e9, "bn"), 1e9: Unit(1e6, "m"), 1e6: Unit(1e3, "k"), 1e3: Unit(1.0, "")}


class Step(NamedTuple):
    """One bar: what changes, by how much, and what sort of change it is."""

    label: str
    change: float
    group: str


class Ends(NamedTuple):
    """The totals before and after all steps, by their names."""

    before: str
    begin: float
    after: str


def unit_across(ends: Ends, steps: Sequence[Step]) -> Unit:
    """The unit in which totals and steps are read."""
    return unit_of(max(map(abs, running(ends, steps)), default=0.0))


def running(ends: Ends, steps: Sequence[Step]) -> list[float]:
    """The total before each step, and after the last one."""
    return list(accumulate((step.change for step in steps), initial=ends.begin))


def waterfall(ends: Ends, steps: Sequence[Step], groups: Mapping[str, str], title: Title) -> Spec:
    """What is drawn: a mark for each total, a bar for each step with its number, and lines that lead on.

    The axis need not begin at 0, for only the lengths of steps are read; totals are marks, not bars. Numbers are
    rounded so that they add up.

    Args:
        ends: The totals.
        steps: In the order in which they are shown; their labels differ from each other and from the totals' names.
        groups: The colour of each sort of step, in the order of the legend.
        title: Of the axis of amounts, with its units.
    """
    unit, totals = unit_across(ends, steps), running(ends, steps)
    order = [ends.before, *(step.label for step in steps), ends.after]
    low, high = min(totals), max(totals)
    span = (high - low) or abs(high) or 1.0
    domain = [float(f"{edge / unit.size:.4g}") for edge in (low - ROOM[0] * span, high + ROOM[1] * span)]
    across = {"title": title, "scale": {"domain": domain, "nice": False, "zero": False}, "axis": {"tickCount": 6}}
    name = {"field": "step", "type": "nominal", "scale": {"domain": order}, "title": None, "axis": {"labelColor": INK}}
    return {
        "width": ACROSS,
        "height": {"step": STEP},
        "encoding": {"y": name},
        "layer": [
            _lines(order, totals, across, unit),
            _bars(steps, totals, across, groups),
            _totals(ends, totals, across, unit),
            _numbers(order, steps, totals, across),
        ],
    }


def _lines(order: Sequence[str], totals: Sequence[float], across: Spec, unit: Unit) -> Spec:
    """From where each row ends down to where the next one begins."""
    return {
        "data": rows(step=order[:-1], next=order[1:], at=[one / unit.size for one in totals]),
        "mark": {"type": "rule", "color": QUIET, "strokeDash": [2, 2]},
        "encoding": {"x": amount("at", **across), "y2": {"field": "next"}},
    }


def _bars(steps: Sequence[Step], totals: Sequence[float], across: Spec, groups: Mapping[str, str]) -> Spec:
    present = [group for group in groups if any(step.group == group for step in steps)]
    size = unit_of(max(map(abs, totals))).size
    colour = {"domain": present, "range": [groups[group] for group in present]}
    return {
        "data": rows(
            step=[step.label for step in steps],
            group=[step.group for step in steps],
            begin=[one / size for one in totals[:-1]],
            end=[one / size for one in totals[1:]],
        ),
        "mark": {"type": "bar", "height": {"band": 0.66}},
        "encoding": {
            "x": amount("begin", **across),
            "x2": {"field": "end"},
            "color": {"field": "group", "type": "nominal", "scale": colour, "legend": {"orient": "bottom"}},
        },
    }


def _totals(ends: Ends, totals: Sequence[float], across: Spec, unit: Unit) -> Spec:
    return {
        "data": rows(step=[ends.before, ends.after], at=[totals[0] / unit.size, totals[-1] / unit.size]),
        "mark": {"type": "tick", "color": INK, "thickness": 4, "size": STEP - 6, "opacity": 1},
        "encoding": {"x": amount("at", **across)},
    }


def _numbers(order: Sequence[str], steps: Sequence[Step], totals: Sequence[float], across: Spec) -> Spec:
    """The number of each row, to the right of what is drawn in it."""
    places = [max(pair) for pair in pairwise(totals)]
    unit = unit_of(max(map(abs, totals)))
    return {
        "data": rows(
            step=order,
            at=[one / unit.size for one in (totals[0], *places, totals[-1])],
            told=told(totals[0], [step.change for step in steps], unit),
        ),
        "mark": {"type": "text", "align": "left", "dx": 6, "color": INK, "fontSize": 11},
        "encoding": {"x": amount("at", **across), "text": {"field": "told", "type": "nominal"}},
    }


def told(begin: float, changes: Sequence[float], unit: Unit) -> list[str]:
    """The first total, each change and the last total, rounded alike so that they add up.

    >>> told(1e6, [331_000.0, 331_000.0, -662_000.0], Unit(1e6, "m"))
    ['1.00 m', '+0.33 m', '+0.33 m', '-0.66 m', '1.00 m']
    >>> told(1e6, [26_000.0, -4_000.0], Unit(1e6, "m"))
    ['1,000.0 k', '+26.0 k', '-4.0 k', '1,022.0 k']
    """
    most = max(map(abs, changes), default=0.0)
    if 0 < most < TENTH * unit.size:
        unit = UNDER.get(unit.size, unit)
    largest = most / unit.size
    whole = math.floor(math.log10(largest)) if largest > 0 else 0
    places = min(max(DIGITS[whole < 0] - 1 - whole, 0), 6)
    scale, end = Scale(unit.size, unit.name, places), begin + sum(changes)
    first, *shown = adding([begin, *changes], end, scale)
    last = first + sum(shown)
    name = f" {unit.name}" if unit.name else ""
    signed = [written(one, places, signed=True) if round(one, places) else "0" for one in shown]
    return [f"{one}{name}" if one != "0" else one for one in (written(first, places), *signed, written(last, places))]
