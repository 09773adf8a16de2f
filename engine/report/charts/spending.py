"""Chart of a plan's money over time: by decision, stacked by channel."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from engine.optimize.plan import Plan
from engine.report.charts.look import (
    EDGE,
    INK,
    LEGEND_EDGE,
    SEVERAL,
    WIDE,
    Spec,
    Title,
    amount,
    framed,
    heading,
    labels,
    listed,
    rows,
    shade,
    short,
    unit_of,
    units,
)
from engine.response.curves import KINDS
from engine.words import money, number, percent, plain

TALL = 260  # [pixels]
SINGLE, ALIKE = 8, 5  # channels stacked one by one, those with most money; of one kind, for its shades
FEW = 6  # names that stand upright below an axis


class Layer(NamedTuple):
    """One layer of the stack."""

    label: str
    colour: str
    money: tuple[float, ...]  # by decision [currency]


def spending_chart(plan: Plan) -> Spec:
    """Money by decision, stacked by channel in shades of its kind's colour."""
    layers, names = layers_of(plan), beginnings(plan.decisions)
    totals = [sum(row) for row in plan.chosen.decided]
    unit = unit_of(max(totals))
    edges = [[sum(layer.money[at] for layer in layers[:place]) for at in range(len(names))] for place in _to(layers)]
    title: Title = f"Money {units(plain(plan.currency), unit.name, 'by decision')}"
    most = max(range(len(totals)), key=lambda at: totals[at])
    share = f" ({percent(totals[most] / plan.spend)} of {money(plan.spend, plan.currency)})" if plan.spend > 0 else ""
    spell = stretch(plan.decisions[most], plan.decisions)
    shown = [f"{short(name)} {money(one, plan.currency)}" for name, one in zip(plan.decisions, totals, strict=True)]
    return framed(
        heading(
            f"Most money is spent {spell}: {money(totals[most], plan.currency)}{share}",
            "Stacked: the money of each channel in each decision, in shades of its kind's colour; above: the sum.",
            WIDE,
        ),
        f"Money by decision and channel, {plan.start} to {plan.end}. {listed(shown, 'decisions')}.",
        {
            "width": WIDE - 130,
            "height": TALL,
            "encoding": {"x": across(names, "First day of the decision")},
            "layer": [
                _stack(layers, names, [[one / unit.size for one in edge] for edge in edges], title),
                {
                    "data": rows(when=names, top=[one / unit.size for one in totals], told=map(number, totals)),
                    "mark": {"type": "text", "baseline": "bottom", "dy": -4, "color": INK, "fontSize": 11},
                    "encoding": {"y": amount("top", title), "text": {"field": "told", "type": "nominal"}},
                },
            ],
        },
    )


def _to(layers: Sequence[Layer]) -> range:
    return range(len(layers) + 1)


def layers_of(plan: Plan) -> list[Layer]:
    """From the bottom: channels by kind, those with least money taken together; they add up to the plan."""
    order = sorted(range(len(plan.lines)), key=lambda at: -plan.lines[at].spend)
    alike = {at: [other for other in order if plan.lines[other].kind == plan.lines[at].kind].index(at) for at in order}
    single = [at for at in order if alike[at] < ALIKE][:SINGLE]
    rest = [at for at in order if at not in single]

    def together(channels: Sequence[int]) -> tuple[float, ...]:
        return tuple(sum(row[at] for at in channels) for row in plan.chosen.decided)

    found = [Layer(f"{len(rest)} other channels", SEVERAL, together(rest))] if rest else []
    for kind in KINDS:
        mine = [at for at in single if plan.lines[at].kind == kind]
        found += [
            Layer(plan.lines[at].name, shade(kind, place, len(mine)), together([at])) for place, at in enumerate(mine)
        ]
    visible = labels(layer.label for layer in found)
    return [layer._replace(label=label) for layer, label in zip(found, visible, strict=True)]


def beginnings(names: Sequence[str]) -> list[str]:
    """The first days of parts of the time that are named by their first and last ones; other names as they are.

    >>> beginnings(["2027-01-04 to 2027-04-04", "after the end"])
    ['2027-01-04', 'after the end']
    """
    return labels(name.partition(" to ")[0] for name in names)


def stretch(name: str, names: Sequence[str]) -> str:
    """A part of the time as words after a verb, with its length where parts differ in it.

    >>> stretch("2027-01-04 to 2027-01-17", ["2027-01-04 to 2027-01-17", "2027-01-18 to 2027-01-24"])
    'from 2027-01-04 to 2027-01-17, 2 of the 3 weeks'
    >>> stretch("2027-01-04 to 2027-01-17", ["2027-01-04 to 2027-01-17", "after the end"])
    'from 2027-01-04 to 2027-01-17'
    """
    days = {one: _days(one) for one in names if " to " in one}
    if name not in days or len(set(days.values())) == 1:
        return when(name)
    size, unit = (7, "weeks") if all(one % 7 == 0 for one in days.values()) else (1, "days")
    return f"{when(name)}, {days[name] // size} of the {sum(days.values()) // size} {unit}"


def _days(name: str) -> int:
    """How long a part of the time is that is named by its first and last day [days]."""
    first, last = map(date.fromisoformat, name.split(" to "))
    return (last - first).days + 1


def when(name: str) -> str:
    """A part of the time, as words after a verb.

    >>> when("2027-01-04 to 2027-04-04"), when("after the end")
    ('from 2027-01-04 to 2027-04-04', 'after the end')
    """
    return f"from {plain(name)}" if " to " in name else plain(name)


def across(names: Sequence[str], title: str) -> Spec:
    """An axis of parts of the time, in their order."""
    axis = {"labelAngle": 0 if len(names) <= FEW else -45, "labelColor": INK, "labelOverlap": len(names) > FEW}
    return {"field": "when", "type": "ordinal", "scale": {"domain": list(names)}, "title": title, "axis": axis}


def _stack(layers: Sequence[Layer], names: Sequence[str], edges: Sequence[Sequence[float]], title: Title) -> Spec:
    """The layers one upon the other, and a legend in the order in which they lie."""
    named = layers[::-1]
    scale = {"domain": [layer.label for layer in named], "range": [layer.colour for layer in named]}
    legend = {"symbolType": "square", "symbolSize": 120, **LEGEND_EDGE}
    return {
        "data": rows(
            when=[name for _ in layers for name in names],
            part=[layer.label for layer in layers for _ in names],
            low=[one for edge in edges[:-1] for one in edge],
            high=[one for edge in edges[1:] for one in edge],
        ),
        "mark": {"type": "bar", "width": {"band": 0.62}, **EDGE},
        "encoding": {
            "y": amount("low", title),
            "y2": {"field": "high"},
            "color": {"field": "part", "type": "nominal", "scale": scale, "legend": legend},
        },
    }
