"""Charts of frontiers: what each budget brings and returns, and what one goal costs the other."""

from typing import Any

from engine.optimize.budgets.balance import Balances
from engine.optimize.budgets.frontier import Frontier
from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    PAPER,
    QUIET,
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
    opening,
    rows,
    short,
    unit_of,
    units,
)
from engine.report.figures import rate
from engine.words import money, plain

SCHEMA = "peso.charts/1"
TALL, LOW = 260, 150  # of what budgets bring, and of what they return [pixels]
APART = 44  # between names of a legend, for fonts wider than usual [pixels]
BLUE, GREEN, PURPLE = KIND_COLOURS["paid"], KIND_COLOURS["earned"], KIND_COLOURS["shared"]
LINES = (
    ("marginal", "next unit", BLUE),
    ("step", "each unit to the next budget", GREEN),
    ("average", "average", PURPLE),
)


def frontier_chart(found: Frontier) -> Spec:
    """What the best plan of each budget brings with its range, and what its money returns."""
    across = unit_of(max(point.budget for point in found.points))
    every = [point.outcome.p95 for point in found.points] + ([found.today[1].mean] if found.today else [])
    up = unit_of(max(every))
    at = found.nearest
    title = f"{money(at.budget, found.currency)} bring {money(at.outcome.mean, found.unit)} {short(found.measure)}"
    if at.step is not None:
        title += f"; each {money(1.0, found.currency)} on the way to the next budget brings {rate(at.step)}"
    charge = " The next unit is told after the charge for the doubt of moves, all else before it."
    subtitle = (
        "Line: the best plan of each budget, the mean over all draws; band: 5-95 %; solid rule: the budget asked for; "
        "dot: history's own split; dashed rules: budgets up to which money pays. Below: what a unit of money brings."
        f"{charge if found.prudence and any(point.marginal is not None for point in found.points) else ''}"
    )
    told = [f"{money(p.budget, found.currency)} {money(p.outcome.mean, found.unit)}" for p in found.points]
    return framed(
        heading(title, subtitle, WIDE),
        f"Best {short(found.measure)} by budget, {len(found.points)} budgets. {listed(told, 'budgets')}.",
        {
            "vconcat": [_brings(found, across, up), _returns(found, across)],
            "spacing": 18,
            "resolve": {"legend": {"color": "independent"}, "scale": {"color": "independent"}},
        },
    )


def _budget(found: Frontier, across: Unit) -> Spec:
    title = f"Budget {units(plain(found.currency), across.name)}"
    low, high = found.points[0].budget, found.points[-1].budget
    scale = {"domain": _ends(low / across.size, high / across.size), "nice": False}
    return amount("budget", title, scale=scale, axis={"tickCount": 6})


def _ends(low: float, high: float) -> list[float]:
    return [float(f"{low:.4g}"), float(f"{high:.4g}")] if high > low else [0.0, float(f"{high:.4g}") or 1.0]


def _brings(found: Frontier, across: Unit, up: Unit) -> Spec:
    points = found.points
    budget = [point.budget / across.size for point in points]
    title: Title = (
        f"{opening(short(found.measure, 24))} {units(plain(found.unit), up.name)}"
        if found.unit or up.name
        else opening(short(found.measure, 24))
    )
    outcome: Spec = {"title": title, "axis": {"tickCount": 5}, "scale": {"zero": False}}
    dots = []
    if found.today and points[0].budget <= found.today[0] <= points[-1].budget:
        today = rows(budget=[found.today[0] / across.size], mean=[found.today[1].mean / up.size])
        dots = [
            {
                "data": today,
                "mark": {"type": "point", "filled": True, "color": INK, "size": 60, "opacity": 1, "stroke": PAPER},
                "encoding": {"y": amount("mean", **outcome)},
            }
        ]
    low, high, mean = ([getattr(p.outcome, name) / up.size for p in points] for name in ("p05", "p95", "mean"))
    return {
        "width": WIDE,
        "height": TALL,
        "encoding": {"x": _budget(found, across)},
        "layer": [
            {
                "data": rows(budget=budget, low=low, high=high),
                "mark": faint("area", BLUE, 0.2),
                "encoding": {"y": amount("low", **outcome), "y2": {"field": "high"}},
            },
            {
                "data": rows(budget=budget, mean=mean),
                "mark": {"type": "line", "color": BLUE, "strokeWidth": 2, "point": len(points) == 1},
                "encoding": {"y": amount("mean", **outcome)},
            },
            *_marks(found, across),
            *dots,
        ],
    }


def _marks(found: Frontier, across: Unit) -> list[Spec]:
    """Where the scenario's budget stands, and how far money pays, within the range that is shown."""
    inside = [
        each.money for each in found.break_even if found.points[0].budget <= each.money <= found.points[-1].budget
    ]
    places: list[tuple[float, dict[str, Any]]] = [(found.nearest.budget, {"color": INK})]
    places += [(money, {"color": QUIET, "strokeDash": [3, 3]}) for money in inside]
    return [{"data": rows(budget=[place / across.size]), "mark": {"type": "rule", **look}} for place, look in places]


def _returns(found: Frontier, across: Unit) -> Spec:
    columns: dict[str, list[Any]] = {"budget": [], "brings": [], "line": []}
    for name, label, _ in LINES:
        for point in found.points:
            brings = getattr(point, name)
            if brings is not None:
                columns["budget"].append(point.budget / across.size)
                columns["brings"].append(brings)
                columns["line"].append(label)
    per = f"{opening(short(found.measure, 18))} per {plain(found.currency)} 1"
    names, colours = [label for _, label, _ in LINES], [colour for _, _, colour in LINES]
    return {
        "width": WIDE,
        "height": LOW,
        "encoding": {"x": _budget(found, across)},
        "layer": [
            {
                "data": rows(**columns),
                "mark": {"type": "line", "strokeWidth": 2, "point": True},
                "encoding": {
                    "y": amount("brings", per, axis={"tickCount": 4}),
                    "color": {
                        "field": "line",
                        "type": "nominal",
                        "scale": {"domain": names, "range": colours},
                        "legend": {"orient": "top", "columnPadding": APART},
                    },
                },
            },
            *_marks(found, across),
        ],
    }


def balances_chart(found: Balances) -> Spec:
    """What the group brings against what the others bring, one dot a balance, the best sum marked."""
    best, group = found.points[found.best], labels([found.group])[0]
    across = unit_of(max(point.group.mean for point in found.points))
    up = unit_of(max(point.others.mean for point in found.points))
    shown = rows(
        group=[point.group.mean / across.size for point in found.points],
        others=[point.others.mean / up.size for point in found.points],
    )
    encoding = {
        "x": amount("group", f"{opening(short(group))} {units(plain(found.unit), across.name)}", scale={"zero": False}),
        "y": amount("others", f"All others {units(plain(found.unit), up.name)}", scale={"zero": False}),
    }
    title = (
        f"Most {short(found.measure)} in all with {money(best.money, found.currency)} on {short(group)}; "
        f"to either side one goal pays for the other"
    )
    told = [f"{money(p.group.mean, found.unit)} and {money(p.others.mean, found.unit)}" for p in found.points]
    top = rows(group=[best.group.mean / across.size], others=[best.others.mean / up.size])
    return framed(
        heading(title, "Each dot is the best plan of its money for the group; the black one brings most in all.", WIDE),
        f"{short(found.measure)} of {short(group)} against that of all others. {listed(told, 'plans')}.",
        {
            "width": WIDE,
            "height": TALL,
            "encoding": encoding,
            "layer": [
                {
                    "data": shown,
                    "mark": {"type": "line", "color": BLUE, "strokeWidth": 2, "point": True},
                },
                {"data": top, "mark": {"type": "point", "filled": True, "color": INK, "size": 80, "opacity": 1}},
            ],
        },
    )


def charts_document(found: Frontier | Balances) -> dict[str, Any]:
    """The content of charts.json beside a frontier."""
    chart = frontier_chart(found) if isinstance(found, Frontier) else balances_chart(found)
    return {
        "schema": SCHEMA,
        "made_from": found.made_from,
        "currency": found.currency,
        "outcome": found.measure,
        "period": found.period,
        "charts": {"frontier" if isinstance(found, Frontier) else "balances": chart},
    }
