"""Charts of curves alone, whoever made them: what spend brings, and how long it works on."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.report.charts.look import (
    FAINT,
    INK,
    KIND_COLOURS,
    PAPER,
    QUIET,
    Spec,
    Unit,
    amount,
    faint,
    framed,
    heading,
    labels,
    listed,
    money_title,
    opening,
    outcome_currency,
    panels,
    rows,
    short,
    span,
    unit_of,
)
from engine.report.rounding import evenly
from engine.response.curves import Channel, Curves, kernel, pace, respond, respond_with_rate
from engine.words import money

COLUMNS = 3  # panels side by side
WIDTH, HEIGHT, TOTAL = 210, 140, 880  # of a panel, and of a row of them with its axes [pixels]
POINTS = 29  # of a curve
THREE = (5.0, 50.0, 95.0)

Three = tuple[float, float, float]  # those percentiles

FADED = 0.97  # share of the effect that a carry-over chart shows at least
LAGS = 6, 40  # periods that it shows, at least and at most


class Planned(NamedTuple):
    """What a plan spends on one channel, and what its rules allow [currency/period]."""

    spend: float
    bounds: tuple[float, float] | None = None  # least and most


def response_chart(curves: Curves, plan: Mapping[str, Planned] | None = None) -> Spec:
    """What each channel brings at any constant spend, where it stands today and in a plan, and where the data end.

    The line is the mean over the draws, as plans count it; the band holds 5 to 95 % of them.

    Args:
        curves: The curves.
        plan: What a plan spends a period, by the name of the channel; channels that it does not know have no mark.
    """
    names, planned = labels(curves.names), plan or {}
    nexts = [next_brings(channel, curves) for channel in curves.channels]
    views = [
        _response(name, channel, brings, curves, planned.get(channel.name))
        for name, channel, brings in zip(names, curves.channels, nexts, strict=True)
    ]
    best = int(np.argmax([three[1] for three in nexts]))
    what = short(curves.measure)
    one = money(1.0, curves.currency)
    title = (
        f"Where does the next {one} bring most at today's spend? In {short(names[best])}: {_told(nexts[best], curves)}"
    )
    if not nexts[best][1] > 0:
        title = f"The next {one} at today's spend brings nothing in any channel, as far as the data tell"
    told = [
        f"{short(name)} brings {_brought(channel, curves)} at today's "
        f"{money(pace(channel, curves.period), curves.currency)} a {curves.period}{_plans(channel, planned, curves)}"
        for name, channel in zip(names, curves.channels, strict=True)
    ]
    subtitle = _reading(curves, planned)
    return framed(
        heading(title, subtitle, TOTAL),
        f"Response curves, {what} against spend, one panel for each of {len(views)} channels. {listed(told)}.",
        panels(views, COLUMNS),
    )


def _reading(curves: Curves, planned: Mapping[str, Planned]) -> str:
    """How to read the panels."""
    ring = "; ring: the plan's, in the mean" if planned else ""
    room = "; bar on the axis: what its rules allow" if any(one.bounds for one in planned.values()) else ""
    seen = f"Up to the dashed rule lay the spend of nineteen {curves.period}s in twenty, carried over into later ones"
    if not all(channel.history.support for channel in curves.channels):
        seen = "Up to the dashed rule data are known"
    return (
        f"Line: what a constant spend brings each {curves.period}, the mean over all draws; band: 5-95 %; dot: spend "
        f"of the latest year{ring}{room}. {seen}; beyond it the curve is little more than belief."
    )


def _plans(channel: Channel, planned: Mapping[str, Planned], curves: Curves) -> str:
    """What the plan spends on a channel, as the end of a sentence."""
    plan = planned.get(channel.name)
    return f", and the plan spends {money(plan.spend, curves.currency)}" if plan else ""


def next_brings(channel: Channel, curves: Curves) -> Three:
    """What the next unit of money brings at today's pace: 5th, 50th and 95th percentile over the draws."""
    today = np.full(curves.draws, pace(channel, curves.period))
    low, middle, high = np.percentile(respond_with_rate(channel, today)[1] * curves.value, THREE)
    return float(low), float(middle), float(high)


def _told(three: Three, curves: Curves, edges: str = "5-95 %: ") -> str:
    """A middle with its range, in money or in units of the outcome."""
    middle, *ends = evenly(three[1], three[0], three[2])
    unit = "" if curves.is_money else f" {short(curves.outcome)}"
    told = f"{outcome_currency(curves)} {middle}".strip()
    return f"{told}{unit} ({edges}{ends[0]} .. {ends[1]})"


def _brought(channel: Channel, curves: Curves) -> str:
    """What today's spend brings, in words."""
    low, mean, high = _band(channel, np.array([pace(channel, curves.period)]), curves)[:, 0].tolist()
    middle, *ends = evenly(mean, low, high)
    unit = "" if curves.is_money else f" {short(curves.outcome)}"
    told = f"{outcome_currency(curves)} {middle}".strip()
    return f"{told}{unit} a {curves.period} (5-95 %: {ends[0]} .. {ends[1]})"


def _band(channel: Channel, stock: Float[np.ndarray, " point"], curves: Curves) -> Float[np.ndarray, "three point"]:
    """5th percentile, mean and 95th percentile of what spend brings at a constant level [outcome/period]."""
    wide = np.broadcast_to(stock[:, None], (len(stock), curves.draws))
    brought = respond(channel, wide) * curves.value
    low, high = np.percentile(brought, (THREE[0], THREE[2]), axis=1)
    return np.stack([low, brought.mean(axis=1), high])


def seen_up_to(channel: Channel) -> float:
    """The 95 % point of the stock that the data show, or the largest spend where that is unknown [currency/period]."""
    return channel.history.support[1] if channel.history.support else channel.history.max


def _response(name: str, channel: Channel, brings: Three, curves: Curves, plan: Planned | None) -> Spec:
    """One panel: band, line as far as the data speak and beyond, where they end, today, the plan."""
    today, seen = pace(channel, curves.period), seen_up_to(channel)
    ahead = [plan.spend] if plan else []
    reach = max(1.4 * seen, 1.6 * today, *(1.15 * spend for spend in ahead)) or channel.history.max or 1.0
    stock = np.unique([*(reach * np.linspace(0.0, 1.0, POINTS) ** 1.5), today, min(seen, reach), *ahead])
    low, mean, high = _band(channel, stock, curves)
    across, up = unit_of(reach), unit_of(float(high.max()))
    at = stock / across.size
    spend = amount(
        "spend",
        money_title("Spend", curves.currency, across, curves.period),
        scale={"domain": [0, float(f"{reach / across.size:.4g}")], "nice": False},
        axis={"tickCount": 4},
    )
    title = money_title(curves.measure, outcome_currency(curves), up, curves.period)
    scale = {"domain": span(0.0, float(f"{high.max() / up.size:.4g}"))}
    outcome: Spec = {"title": title, "scale": scale, "axis": {"tickCount": 4}}
    said = f"next {money(1.0, curves.currency)} today: {_told(brings, curves, '')}"
    return {
        "title": _panel_title(name, f"{channel.kind}; {said}"),
        "width": WIDTH,
        "height": HEIGHT,
        "encoding": {"x": spend},
        "layer": [
            {
                "data": rows(spend=at, low=low / up.size, high=high / up.size),
                "mark": faint("area", KIND_COLOURS[channel.kind], 0.2),
                "encoding": {"y": amount("low", **outcome), "y2": {"field": "high"}},
            },
            *_end(seen / across.size),
            *(_room(plan.bounds, reach, across) if plan and plan.bounds else []),
            {
                "encoding": {"y": amount("mean", **outcome)},
                "layer": [
                    *_line(channel, at, mean / up.size, (today, seen), across),
                    *(_ring(at == one / across.size, at, mean / up.size) for one in ahead),
                ],
            },
        ],
    }


def _ring(here: Bool[np.ndarray, " point"], at: Float[np.ndarray, " point"], mean: Float[np.ndarray, " point"]) -> Spec:
    """Where the plan stands; around the dot of today where it stays."""
    ring = {"type": "point", "filled": False, "color": INK, "size": 130, "strokeWidth": 2, "opacity": 1}
    return {"data": rows(spend=at[here], mean=mean[here]), "mark": ring}


def _room(bounds: tuple[float, float], reach: float, across: Unit) -> list[Spec]:
    """From the least to the most that rules allow, as a bar on the axis; nothing where all of that lies outside."""
    least, most = (min(bound, reach) / across.size for bound in bounds)
    if bounds[0] > reach:
        return []
    bar = {"type": "rule", "color": QUIET, "strokeWidth": 5, "opacity": 0.85}
    at: Spec = {"x2": {"field": "most"}, "y": {"value": HEIGHT - 3}}
    return [{"data": rows(spend=[least], most=[most]), "mark": bar, "encoding": at}]


def _end(seen: float) -> list[Spec]:
    """Where the data end."""
    return [
        {"data": rows(spend=[seen]), "mark": {"type": "rule", "color": QUIET, "strokeDash": [3, 3]}},
        {
            "data": rows(spend=[seen], end=["data seen up to here"]),
            "mark": {"type": "text", "color": QUIET, "fontSize": 9, "baseline": "bottom"},
            "encoding": {"y": {"value": -2}, "text": {"field": "end", "type": "nominal"}},
        },
    ]


def _line(
    channel: Channel,
    at: Float[np.ndarray, " point"],
    mean: Float[np.ndarray, " point"],
    marks: tuple[float, float],
    across: Unit,
) -> list[Spec]:
    """The mean as far as data were seen, beyond that, and at today's spend."""
    today, seen = (mark / across.size for mark in marks)
    line = {"type": "line", "color": KIND_COLOURS[channel.kind], "strokeWidth": 2}
    dot = {"type": "point", "filled": True, "color": INK, "size": 55, "opacity": 1, "stroke": PAPER}
    return [
        {"data": rows(spend=at[at <= seen], mean=mean[at <= seen]), "mark": line},
        {"data": rows(spend=at[at >= seen], mean=mean[at >= seen]), "mark": {**line, "strokeDash": [5, 4]}},
        {"data": rows(spend=[today], mean=mean[at == today]), "mark": dot},
    ]


def _panel_title(name: str, subtitle: str) -> Spec:
    return {
        "text": name,
        "subtitle": subtitle,
        "fontSize": 12,
        "subtitleFontSize": 10,
        "anchor": "start",
        "frame": "group",
        "limit": WIDTH + 55,
        "offset": 5,
    }


def carry_over_chart(curves: Curves, halves: Sequence[Three]) -> Spec:
    """The share of one period's spend that works in that period and in each after it, with its half-life.

    Args:
        curves: The curves.
        halves: Half-life of each channel: 5th, 50th and 95th percentile over the draws [periods].
    """
    names = labels(curves.names)
    kernels = [kernel(channel, LAGS[1]) for channel in curves.channels]
    come = np.array([one.mean(axis=0).cumsum() for one in kernels])
    lags = int(np.clip((come < FADED).sum(axis=1).max() + 1, *LAGS))
    shares = [
        np.stack([*np.percentile(one[:, :lags], (THREE[0], THREE[2]), axis=0), one[:, :lags].mean(axis=0)]) * 100
        for one in kernels
    ]
    top = max(float(one.max()) for one in shares)
    views = [
        _carry_over(name, channel, (half, share), top, curves)
        for name, channel, half, share in zip(names, curves.channels, halves, shares, strict=True)
    ]
    longest = int(np.argmax([half[1] for half in halves]))
    told = [f"{short(name)} {_weeks(half, curves)}" for name, half in zip(names, halves, strict=True)]
    subtitle = (
        f"Bars: share of one {curves.period}'s spend that works in that {curves.period} and in each after it, the mean "
        f"over all draws; thin lines: 5-95 %; dashed: half-life, by which half of the effect has come."
    )
    return framed(
        heading(
            f"How long does spend work on? Longest in {short(names[longest])}: half of it comes within "
            f"{_weeks(halves[longest], curves)}",
            subtitle,
            TOTAL,
        ),
        f"Carry-over, one panel for each of {len(views)} channels. Half-lives: {listed(told)}.",
        panels(views, COLUMNS),
    )


def _weeks(half: Three, curves: Curves) -> str:
    """A half-life with its range, in words."""
    low, middle, high = (f"{one:.1f}" for one in half)
    return f"{middle} {curves.period}s (5-95 %: {low} .. {high})"


def _carry_over(
    name: str,
    channel: Channel,
    figures: tuple[Three, Float[np.ndarray, "three lag"]],
    top: float,
    curves: Curves,
) -> Spec:
    half, (low, high, mean) = figures
    lag = np.arange(float(len(mean)))
    title = opening(f"time since the spend ({curves.period}s)")
    since = amount("lag", title, scale={"domain": [0, len(mean)], "nice": False}, axis={"tickCount": 6, "grid": False})
    share: Spec = {"title": "Share of the effect (%)", "scale": {"domain": span(0.0, float(f"{top:.4g}"))}}
    share["axis"] = {"tickCount": 4}
    return {
        "title": _panel_title(name, f"{channel.kind}; half within {_weeks(half, curves)}"),
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            {
                "data": rows(lag=lag, end=lag + 1, mean=mean),
                "mark": {"type": "rect", "color": KIND_COLOURS[channel.kind], "opacity": 1, "stroke": PAPER},
                "encoding": {"x": since, "x2": {"field": "end"}, "y": amount("mean", **share), "y2": {"datum": 0}},
            },
            {
                "data": rows(lag=lag + 0.5, low=low, high=high),
                "mark": {"type": "rule", "color": INK},
                "encoding": {"x": since, "y": amount("low", **share), "y2": {"field": "high"}},
            },
            {
                "data": rows(lag=[min(half[1], len(mean))]),
                "mark": {"type": "rule", "color": QUIET, "strokeDash": [3, 3], "strokeWidth": 1.5},
                "encoding": {"x": since},
            },
        ],
        "view": {"stroke": FAINT},
    }
