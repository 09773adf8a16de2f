"""Chart of returns: what each channel's money earned so far against what its next money earns."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Fit
from engine.report.charts.look import (
    INK,
    KIND_SHAPES,
    PAPER,
    QUIET,
    Spec,
    amount,
    framed,
    heading,
    kind_scale,
    labels,
    listed,
    rows,
    short,
    shown,
)
from engine.report.charts.placing import Box, placed
from engine.response.curves import Kind
from engine.words import money, number, plain

DOTS = 12  # channels that the chart shows, those with most spend
SIDE = 430  # of the square [pixels]
APART = 26  # of two numbers of an axis, at least [pixels]
NEAR = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
TICKS = (0.0, 0.5, *(first * 10.0**power for power in range(13) for first in (1, 2, 5)))
BEYOND = 8.0  # times the largest middle of a return: bands are cut there
NAME = 22  # letters of a name beside its dot


class Returns(NamedTuple):
    """Both returns of one channel; a triple holds the 5th, 50th and 95th percentile."""

    name: str
    kind: Kind
    spend: float
    so_far: tuple[float, float, float]
    following: tuple[float, float, float]  # of the next unit of money


class Square(NamedTuple):
    """The square that dots are placed in, its axes logarithms of one more than a return."""

    reach: float  # where both axes end
    side: int  # [pixels]

    def pixel(self, value: float) -> float:
        """Where a value stands along an axis."""
        return self.side * math.log1p(min(max(value, 0.0), self.reach)) / math.log1p(self.reach)

    def value(self, pixel: float) -> float:
        """The value that stands at a pixel of an axis."""
        return math.expm1(pixel / self.side * math.log1p(self.reach))


def returns_chart(fit: Fit, side: int = SIDE) -> Spec:
    """Return on all spend so far against that on the next unit of money, with bands, break-even at 1; so wide [pixels].

    For fits whose outcome is money. Channels that did not run in the latest year have no return on the next money and
    are left out.
    """
    told = _told(fit)
    drawn = sorted(told, key=lambda one: -one.spend)[:DOTS]
    square = Square(_reach(drawn), side)
    one = money(1.0, plain(fit.curves.currency))
    per = f"({plain(fit.curves.currency)} per {one} spent)"
    earned = _axis("Return on all spend so far", per, square)
    coming = _axis(f"Return on the next {one}", per, square)
    even = {"data": rows(even=[1]), "mark": {"type": "rule", "color": INK, "strokeDash": [6, 4]}}
    listing = [
        f"{short(each.name)} {number(each.so_far[1])} so far, {number(each.following[1])} on the next {one}"
        for each in told
    ]
    return framed(
        heading(
            _title(told, one), _subtitle(len(fit.readings) - len(drawn), _is_cut(drawn, square.reach), one), side + 120
        ),
        f"Return on spend so far against return on the next {one}, break-even at 1. {listed(listing)}.",
        {
            "width": side,
            "height": side,
            "layer": [
                {
                    "data": rows(so_far=[0, square.reach], next=[0, square.reach]),
                    "mark": {"type": "line", "color": QUIET, "strokeWidth": 0.7},
                    "encoding": {"x": amount("so_far", **earned), "y": amount("next", **coming)},
                },
                {**even, "encoding": {"x": amount("even", **earned)}},
                {**even, "encoding": {"y": amount("even", **coming)}},
                *_dots(drawn, square, (earned, coming)),
            ],
        },
    )


def _told(fit: Fit) -> list[Returns]:
    """The channels whose returns are known."""
    every = zip(labels(fit.curves.names), fit.curves.channels, fit.readings, strict=True)
    return [
        Returns(label, channel.kind, reading.spend, reading.roas, reading.marginal_roas)
        for label, channel, reading in every
        if reading.marginal_roas is not None
    ]


def _reach(drawn: Sequence[Returns]) -> float:
    """Where both axes end: beyond break-even and every middle, and beyond the bands if they are not far out."""
    middles = [value for each in drawn for value in (each.so_far[1], each.following[1])]
    highs = [value for each in drawn for value in (each.so_far[2], each.following[2])]
    top = max(1.0, *middles, 0.0)
    return float(f"{max(1.5 * top, min(1.08 * max(highs, default=0.0), BEYOND * top)):.3g}")


def _axis(title: str, per: str, square: Square) -> Spec:
    """Both axes alike: even steps near 0, even ratios far above 1, and a place for 0."""
    reach = square.reach
    return {
        "title": f"{title} {per}" if square.side == SIDE else [title, per],
        "scale": {"type": "symlog", "constant": 1, "domain": [0, shown(reach)], "nice": False, "clamp": True},
        "axis": {"values": ticks_of(square), "format": ".3~s" if reach >= 1e4 else ".3~r"},
    }


def ticks_of(square: Square) -> list[float | int | None]:
    """Numbers of an axis that do not run into each other: 1, 0, powers of ten, then what there is room for."""
    every = [tick for tick in (NEAR if square.reach <= 10 else TICKS) if tick <= square.reach]
    kept: list[float] = []
    for tick in sorted(every, key=lambda tick: (tick not in (0.0, 1.0), f"{tick:e}"[0] != "1")):
        if all(abs(square.pixel(tick) - square.pixel(other)) >= APART for other in kept):
            kept.append(tick)
    return [shown(tick) for tick in sorted(kept)]


def _dots(drawn: list[Returns], square: Square, axes: tuple[Spec, Spec]) -> list[Spec]:
    """Bands and dots in the colour and shape of their kind, then names."""
    earned, coming = axes
    kinds = [each.kind for each in drawn]
    so_far = np.array([each.so_far for each in drawn]).reshape(-1, 3)
    following = np.array([each.following for each in drawn]).reshape(-1, 3)
    colour = {"field": "kind", "type": "nominal", "scale": kind_scale(kinds), "legend": {"title": "Kind"}}
    shape = {**colour, "scale": kind_scale(kinds, KIND_SHAPES)}
    x, y = amount("so_far", **earned), amount("next", **coming)
    band = {"type": "rule", "strokeWidth": 1, "opacity": 1}
    return [
        {
            "data": rows(kind=kinds, low=so_far[:, 0], high=so_far[:, 2], next=following[:, 1]),
            "mark": band,
            "encoding": {"x": amount("low", **earned), "x2": {"field": "high"}, "y": y, "color": colour},
        },
        {
            "data": rows(kind=kinds, low=following[:, 0], high=following[:, 2], so_far=so_far[:, 1]),
            "mark": band,
            "encoding": {"x": x, "y": amount("low", **coming), "y2": {"field": "high"}, "color": colour},
        },
        {
            "data": rows(kind=kinds, so_far=so_far[:, 1], next=following[:, 1]),
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape},
        },
        *_names([short(each.name, NAME) for each in drawn], so_far, following, square, axes),
    ]


def _names(
    names: list[str],
    so_far: Float[np.ndarray, "channel three"],
    following: Float[np.ndarray, "channel three"],
    square: Square,
    axes: tuple[Spec, Spec],
) -> list[Spec]:
    """Names beside their dots, each on paper of its own so that lines do not run through it."""
    side = square.side
    across = [[square.pixel(value) for value in three] for three in so_far]
    down = [[side - square.pixel(value) for value in three] for three in following]
    one = square.pixel(1.0)
    drawn = [Box(one - 1, 0, 2, side), Box(0, side - one - 1, side, 2)]
    for (left, middle, right), (bottom, centre, top) in zip(across, down, strict=True):
        drawn += [Box(left, centre - 1, right - left, 2), Box(middle - 1, top, 2, bottom - top)]
    boxes = placed([(x[1], y[1]) for x, y in zip(across, down, strict=True)], names, drawn, float(side))
    text = rows(
        name=names,
        at=[square.value(box.left) for box in boxes],
        level=[square.value(side - box.top - box.height / 2) for box in boxes],
    )
    lead = [_lead(box, x[1], y[1]) for box, x, y in zip(boxes, across, down, strict=True)]
    leaders = rows(
        so_far=so_far[:, 1],
        next=following[:, 1],
        at=[square.value(x) for x, _ in lead],
        level=[square.value(side - y) for _, y in lead],
    )
    mark = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 11}
    earned, coming = axes
    here = {"x": amount("at", **earned), "y": amount("level", **coming)}
    encoding = {**here, "text": {"field": "name", "type": "nominal"}}
    ends = {"x2": {"field": "at"}, "y2": {"field": "level"}}
    leading = {"x": amount("so_far", **earned), "y": amount("next", **coming), **ends}
    looks: tuple[Spec, ...] = ({"color": PAPER, "stroke": PAPER, "strokeWidth": 3, "opacity": 0.85}, {"color": INK})
    return [
        {"data": leaders, "mark": {"type": "rule", "color": QUIET, "strokeWidth": 0.8}, "encoding": leading},
        *({"data": text, "mark": {**mark, **look}, "encoding": encoding} for look in looks),
    ]


def _lead(box: Box, across: float, down: float) -> tuple[float, float]:
    """The point of a name's box that is nearest to its dot [pixels]."""
    return min(max(across, box.left), box.left + box.width), min(max(down, box.top), box.top + box.height)


def _title(told: list[Returns], one: str) -> str:
    if not told:
        return "No channel ran in the latest year"
    losing = [each.name for each in told if each.following[1] < 1]
    if not losing:
        return f"The next {one} returns {one} or more in every channel"
    where = f"in {short(losing[0])}" if len(losing) == 1 else f"in {len(losing)} of {len(told)} channels"
    return f"The next {one} returns less than {one} {where}"


def _is_cut(drawn: list[Returns], reach: float) -> bool:
    """Whether a band runs beyond the axes."""
    return any(max(each.so_far[2], each.following[2]) > reach for each in drawn)


def _subtitle(rest: int, is_cut: bool, one: str) -> str:
    cut = " Bands that reach the edge go on beyond it." if is_cut else ""
    left_out = f" {rest} channels with less spend, or none in the latest year, are not shown." if rest else ""
    return (
        f"Dot: median; lines: 5-95 %. Dashed: break-even, {one} for {one}. On the thin line the next money earns what "
        f"all money earned on average; below it, less.{cut}{left_out}"
    )
