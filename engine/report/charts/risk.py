"""Chart of how bad it can get: the outcome over all paths of a stress test, its worst part in a colour of its own."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.report.charts.cases import case_first
from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    PAPER,
    QUIET,
    SEVERAL,
    WIDE,
    Spec,
    amount,
    framed,
    heading,
    opening,
    rows,
    short,
    total_title,
    unit_of,
)
from engine.report.stress_choice import TOLD
from engine.stress.readout import Answer, Reading
from engine.words import money, percent, plain

BINS, TALL = 36, 220  # bars over the whole range; height of the chart [pixels]
PLAN = "the plan"
RED = KIND_COLOURS["owned"]
LEVEL = 15  # height of a line of names above the chart [pixels]
FAR = 0.8  # of the way to the right, from where on a name stands to the left of its line


class Bins(NamedTuple):
    """Bars of a distribution, each open on the left; one of them ends where the worst paths end."""

    edges: Float[np.ndarray, " edge"]  # [outcome]
    shares: Float[np.ndarray, " bin"]  # of the paths; they add up to 1
    worst: int  # number of bars, from the left, that hold the worst paths


def bins_of(outcomes: Float[np.ndarray, " path"], edge: float) -> Bins:
    """Bars of equal width over all outcomes, of which one ends at the best of the worst paths.

    >>> bins_of(np.array([1.0, 2.0, 2.0, 5.0]), 1.0).worst, bins_of(np.array([3.0, 3.0]), 3.0).shares.tolist()
    (1, [1.0])
    """
    low, high = float(outcomes.min()), float(outcomes.max())
    width = (high - low) / BINS or max(abs(high), 1.0) / BINS
    before = max(int(np.ceil((edge - low) / width + 1e-9)), 1)
    after = max(int(np.ceil((high - edge) / width - 1e-9)), 0)
    edges = edge + width * np.arange(-before, after + 1)
    place = np.clip(np.searchsorted(edges - 1e-9 * width, outcomes, side="left"), 1, before + after) - 1
    place = np.where(outcomes <= edge, np.minimum(place, before - 1), place)
    return Bins(edges, np.bincount(place, minlength=before + after) / len(outcomes), before)


def outcomes_chart(found: Answer, one: Reading, outcomes: Float[np.ndarray, " path"]) -> Spec:
    """How often each outcome comes under one policy, with the plan, the value at risk and the mean of the worst.

    Args:
        found: The answer of the stress test.
        one: What the policy comes to.
        outcomes: Of its paths.
    """
    edge, mean = found.planned.mean - one.at_risk, found.planned.mean - one.shortfall
    bins, unit = bins_of(outcomes, edge), unit_of(float(np.abs(outcomes).max()))
    what, level = short(found.measure), percent(found.level)
    finding = (
        f"In the worst {level} of paths {what} is {money(edge, found.unit)} or less, {money(mean, found.unit)} in the "
        f"mean; the plan was {money(found.planned.mean, found.unit)}"
    )
    reading = (
        f"Bar: share of {len(outcomes):,} paths with that outcome, if you {TOLD[one.policy]}; coloured: the worst "
        f"{level}. Value at risk: {money(one.at_risk, found.unit)}, from the plan to where they begin."
    )
    marks = [
        ("mean of the worst", mean),
        (f"the worst {level} end", edge),
        ("median", one.outcome.p50),
        (PLAN, found.planned.mean),
    ]
    said = "; ".join(f"{name} {money(at, found.unit)}" for name, at in marks)
    return framed(
        heading(case_first(found, finding), reading, WIDE),
        f"Distribution of {what} over {len(outcomes):,} paths, {plain(found.span)}. {opening(said)}.",
        {
            "width": WIDE,
            "height": TALL,
            "layer": _layers(bins, marks, unit.size, total_title(opening(what), found.unit, unit)),
        },
    )


def _layers(bins: Bins, marks: list[tuple[str, float]], size: float, title: str) -> list[Spec]:
    """Bars, and a line with its name for each figure."""
    ends = [*(at for _, at in marks), float(bins.edges[0]), float(bins.edges[-1])]
    room = 0.02 * ((max(ends) - min(ends)) or 1.0)
    domain = [float(f"{end / size:.5g}") for end in (min(ends) - room, max(ends) + room)]
    across: Spec = {"title": title, "scale": {"domain": domain, "nice": False, "zero": False}, "axis": {"tickCount": 8}}
    share = amount("share", "Share of paths (%)", axis={"tickCount": 5})
    bars = rows(
        begin=bins.edges[:-1] / size,
        end=bins.edges[1:] / size,
        share=100 * bins.shares,
        colour=[RED if at < bins.worst else SEVERAL for at in range(len(bins.shares))],
    )
    encoding = {"x": amount("begin", **across), "x2": {"field": "end"}, "y": share, "y2": {"datum": 0}}
    colour = {"color": {"field": "colour", "type": "nominal", "scale": None}}
    drawn: list[Spec] = [{"data": bars, "mark": {"type": "rect", "stroke": PAPER}, "encoding": {**encoding, **colour}}]
    limit = min(ends) + FAR * (max(ends) - min(ends))
    order = sorted(marks, key=lambda mark: (mark[1] <= limit, -mark[1] if mark[1] > limit else mark[1]))
    for place, (name, at) in enumerate(order):
        drawn += _mark((name, at / size), len(order) - place, across, at > limit)
    return drawn


def _mark(mark: tuple[str, float], level: int, across: Spec, is_far: bool) -> list[Spec]:
    """A line from the axis up to its name, each on a level of its own: no line crosses the name of another one.

    The further to the left, the higher, since names stand to the right of their lines; those far out, whose names stand
    to the left, come first.
    """
    name, at = mark
    top = 7 - LEVEL * level
    x = amount("at", **across)
    rule = {"type": "rule", "color": INK if name == PLAN else QUIET, "strokeDash": [4, 3], "strokeWidth": 1.5}
    side = {"align": "right", "dx": -4} if is_far else {"align": "left", "dx": 4}
    text = {"type": "text", "baseline": "middle", "fontSize": 11, "color": INK, **side}
    return [
        {"data": rows(at=[at]), "mark": rule, "encoding": {"x": x, "y": {"value": TALL}, "y2": {"value": top}}},
        {
            "data": rows(at=[at], told=[name]),
            "mark": text,
            "encoding": {"x": x, "y": {"value": top}, "text": {"field": "told", "type": "nominal"}},
        },
    ]
