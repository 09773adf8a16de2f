"""Charts of a fit over time: what every part added to the outcome, and how the fit follows it."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Contribution, Fit
from engine.report.charts.look import (
    BASELINE,
    EDGE,
    INK,
    KIND_COLOURS,
    LEGEND_EDGE,
    SEVERAL,
    WIDE,
    Spec,
    Title,
    Unit,
    amount,
    faint,
    framed,
    heading,
    labels,
    listed,
    moment,
    money_title,
    opening,
    outcome_currency,
    rows,
    shade,
    short,
    unit_of,
    units,
)
from engine.response.curves import KINDS, Kind
from engine.words import money, percent, plain

UNEXPLAINED = "unexplained"  # the part of the outcome that no other part explains
LEVEL = "level"  # the part of the baseline that hardly changes
MOST = 260  # moments that a chart shows; longer histories are averaged over a few periods
SINGLE, ALIKE = 8, 5  # channels stacked one by one, those that brought most; of one kind, for its shades
TALL, LOW = 260, 70  # of the stack, and of each part of the baseline [pixels]


class Layer(NamedTuple):
    """One layer of the stack."""

    label: str
    colour: str
    mean: Float[np.ndarray, " period"]  # [outcome/period]


class Moments(NamedTuple):
    """The times of a chart: first days, and the periods that each stands for."""

    days: list[str]
    width: int  # periods averaged

    def pooled(self, values: Float[np.ndarray, " period"]) -> Float[np.ndarray, " moment"]:
        """Means over the periods of each moment."""
        edges = np.arange(0, len(values), self.width)
        return np.add.reduceat(values, edges) / np.diff(np.append(edges, len(values)))


def moments_of(fit: Fit) -> Moments:
    """All periods, or as few in each moment as leave at most `MOST`."""
    width = math.ceil(len(fit.starts) / MOST)
    return Moments([day.isoformat() for day in fit.starts[::width]], width)


def contributions_chart(fit: Fit) -> Spec:
    """The baseline and what each channel brought, stacked; under it the parts of the baseline one by one."""
    moments = moments_of(fit)
    layers = layers_of(fit)
    edges = np.cumsum([np.zeros(len(moments.days)), *(moments.pooled(layer.mean) for layer in layers)], axis=0)
    unit = unit_of(float(np.abs(edges).max()))
    parts = [part for part in fit.contributions if not part.is_channel and part.component != LEVEL]
    moving = {f"part{index}": moments.pooled(part.mean) / unit.size for index, part in enumerate(parts)}
    top = {f"edge{index}": edge / unit.size for index, edge in enumerate(edges)}
    bounds = _bounds(list(moving.values()))
    outcome = short(fit.curves.outcome)
    title = f"The channels brought {brought_share(fit)} of {outcome}; the rest would have come without them"
    return framed(
        heading(title, _how(fit), WIDE),
        f"What each part added to {outcome} by {fit.curves.period}, stacked. Of all {outcome}: {listed(_shares(fit))}.",
        {
            "data": rows(start=moments.days, **top, **moving),
            "spacing": 10,
            "vconcat": [
                _stack(fit, layers, unit, moments),
                *(_part(fit, (f"part{index}", part), unit, bounds) for index, part in enumerate(parts)),
            ],
        },
    )


def brought_share(fit: Fit) -> str:
    """The share of the outcome that the channels brought, with its range, as the fit's health tells it."""
    base = next((check for check in fit.health.checks if check.name == "baseline"), None)
    if base is None or base.figure is None or not {"low", "high"} <= set(base.details):
        every = float(sum(part.mean.sum() for part in fit.contributions))
        brought = float(sum(part.mean.sum() for part in fit.contributions if part.is_channel))
        return percent(brought / every) if every else "an unknown part"
    low, high = 1 - base.details["high"], 1 - base.details["low"]
    return f"{percent(1 - base.figure)} (5-95 %: {percent(low)} .. {percent(high)})"


def _shares(fit: Fit) -> list[str]:
    """The share of the outcome that each channel brought, by its median."""
    return [f"{short(reading.name)} {percent(reading.share[1])}" for reading in fit.readings]


def _bounds(parts: list[Float[np.ndarray, " moment"]]) -> tuple[float, float]:
    """The ends of a scale that holds 0 and all of them."""
    low, high = min(0.0, *(float(one.min()) for one in parts)), max(0.0, *(float(one.max()) for one in parts))
    return (float(f"{low:.4g}"), float(f"{high:.4g}")) if high > low else (0.0, 1.0)


def layers_of(fit: Fit) -> list[Layer]:
    """From the bottom: all of the baseline, then channels by kind, those that brought least taken together.

    The layers add up to the outcome without what is unexplained.
    """
    base = [part.mean for part in fit.contributions if not part.is_channel and part.component != UNEXPLAINED]
    drifts = any(part.component == "drift" and not part.is_channel for part in fit.contributions)
    name = "baseline, with drift of effects" if drifts else "baseline"
    zero = np.zeros(len(fit.starts))
    channels = {part.component: part for part in fit.contributions if part.is_channel}
    kinds: dict[str, Kind] = {channel.name: channel.kind for channel in fit.curves.channels}
    largest = sorted(channels, key=lambda channel: -channels[channel].mean.sum())
    alike = {one: [other for other in largest if kinds[other] == kinds[one]].index(one) for one in largest}
    single = [one for one in largest if alike[one] < ALIKE][:SINGLE]
    rest = [one for one in largest if one not in single]
    found = [Layer(name, BASELINE, np.sum([zero, *base], axis=0))]
    if rest:
        found.append(
            Layer(f"{len(rest)} other channels", SEVERAL, np.sum([channels[one].mean for one in rest], axis=0))
        )
    for kind in KINDS:
        mine = [channel for channel in single if kinds[channel] == kind]
        found += [Layer(one, shade(kind, at, len(mine)), channels[one].mean) for at, one in enumerate(mine)]
    visible = labels(layer.label for layer in found)
    return [layer._replace(label=label) for layer, label in zip(found, visible, strict=True)]


def _how(fit: Fit) -> str:
    parts = {part.component: part for part in fit.contributions if not part.is_channel}
    level = money(float(parts[LEVEL].mean.mean()), outcome_currency(fit.curves)) if LEVEL in parts else "0"
    return (
        "Stacked: the baseline, then what each channel brought, in shades of its kind's colour. Below, on one scale: "
        f"the parts of the baseline around its level of {level} a {fit.curves.period}, and what no part explains."
    )


def _outcome_title(fit: Fit, unit: Unit, moments: Moments) -> Title:
    """The title of an axis of outcome, and over how many periods its means are."""
    told = money_title(fit.curves.outcome, outcome_currency(fit.curves), unit, fit.curves.period)
    if moments.width == 1:
        return told
    return [*([told] if isinstance(told, str) else told), f"means over {moments.width} {fit.curves.period}s"]


def _stack(fit: Fit, layers: list[Layer], unit: Unit, moments: Moments) -> Spec:
    """The layers one upon the other, and a legend in the order in which they lie."""
    title = _outcome_title(fit, unit, moments)
    named = layers[::-1]
    scale = {"domain": [layer.label for layer in named], "range": [layer.colour for layer in named]}
    legend = {"symbolType": "square", "symbolSize": 120, **LEGEND_EDGE}
    return {
        "width": WIDE - 130,
        "height": TALL,
        "layer": [
            {
                "mark": {"type": "area", "color": layer.colour, **EDGE},
                "encoding": {
                    "x": moment("start", fit.curves.period),
                    "y": amount(f"edge{index + 1}", title, scale={"zero": True}),
                    "y2": {"field": f"edge{index}"},
                },
            }
            for index, layer in enumerate(layers)
        ]
        + [
            {
                "data": rows(part=[layer.label for layer in named]),
                "mark": {"type": "point", "filled": True, "opacity": 0},
                "encoding": {"color": {"field": "part", "type": "nominal", "scale": scale, "legend": legend}},
            }
        ],
    }


def _part(fit: Fit, named: tuple[str, Contribution], unit: Unit, bounds: tuple[float, float]) -> Spec:
    """One part of the baseline, on the scale of all of them."""
    field, part = named
    title = units(plain(outcome_currency(fit.curves)), unit.name, f"a {fit.curves.period}")
    across = {**moment("start", fit.curves.period), "title": None, "axis": {"labels": False, "ticks": False}}
    scale = {"domain": list(bounds), "nice": False}
    axis = {"tickCount": 3, "titleFontSize": 10}
    return {
        "title": {"text": opening(part.component), "fontSize": 11, "anchor": "start", "frame": "group", "offset": 3},
        "width": WIDE - 130,
        "height": LOW,
        "mark": {"type": "area", "color": SEVERAL},
        "encoding": {"x": across, "y": amount(field, title, scale=scale, axis=axis), "y2": {"datum": 0}},
    }


def outcome_chart(fit: Fit) -> Spec:
    """The outcome as it was seen, and as the fit explains it, with the band of the explanation."""
    moments = moments_of(fit)
    seen = np.sum([part.mean for part in fit.contributions], axis=0)
    rest = next(part for part in fit.contributions if not part.is_channel and part.component == UNEXPLAINED)
    courses = {"seen": seen, "fitted": seen - rest.mean, "low": seen - rest.high, "high": seen - rest.low}
    pooled = {name: moments.pooled(values) for name, values in courses.items()}
    unit = unit_of(max(float(np.abs(values).max()) for values in pooled.values()))
    said = next((plain(check.sentence.split(";")[0]) for check in fit.health.checks if check.name == "fit"), "")
    told = f"{opening(said)}. " if said else ""
    band = "Thin, with dots: seen; blue: explained by the fit, with its band of 5-95 % (without the chance of single "
    outcome = short(fit.curves.outcome)
    shows = f"{opening(outcome)} by {fit.curves.period}, seen and as the fit explains it, with a band of 5-95 %."
    return framed(
        heading(f"Does the fit follow {outcome}?", f"{told}{band}{fit.curves.period}s).", WIDE),
        f"{shows} {told}".strip(),
        {
            "width": WIDE,
            "height": TALL,
            "data": rows(start=moments.days, **{name: values / unit.size for name, values in pooled.items()}),
            "encoding": {"x": moment("start", fit.curves.period)},
            "layer": _followed(_outcome_title(fit, unit, moments)),
        },
    )


def _followed(title: Title) -> list[Spec]:
    """Band, what is explained, what was seen."""
    scale = {"zero": False}
    blue = KIND_COLOURS["paid"]
    seen = {"type": "line", "color": INK, "strokeWidth": 0.8, "point": {"size": 10, "color": INK}}
    return [
        {
            "mark": faint("area", blue, 0.3),
            "encoding": {"y": amount("low", title, scale=scale), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": blue, "strokeWidth": 1.5},
            "encoding": {"y": amount("fitted", title, scale=scale)},
        },
        {"mark": seen, "encoding": {"y": amount("seen", title, scale=scale)}},
    ]
