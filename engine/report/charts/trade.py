"""A chart of trades: how much of one goal each plan has against how much of the other."""

from typing import Any

from engine.optimize.budgets.trade import Trades
from engine.report.charts.frontier import SCHEMA, TALL
from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    WIDE,
    Spec,
    amount,
    framed,
    heading,
    listed,
    opening,
    rows,
    short,
    unit_of,
    units,
)
from engine.words import money, plain


def trades_chart(found: Trades) -> Spec:
    """One goal against the other, one dot a plan, that which the scenario asks for marked."""
    points, own = found.points, [] if found.own is None else [found.points[found.own]]
    across, up = (
        unit_of(max(abs(each) for each in side)) for side in zip(*((p.second, p.first) for p in points), strict=True)
    )
    shown, mark = (
        rows(second=[p.second / across.size for p in some], first=[p.first / up.size for p in some])
        for some in (points, own)
    )
    encoding = {
        "x": amount(
            "second", f"{opening(short(found.goals[1]))} {units(plain(found.unit), across.name)}", scale={"zero": False}
        ),
        "y": amount(
            "first", f"{opening(short(found.goals[0]))} {units(plain(found.unit), up.name)}", scale={"zero": False}
        ),
    }
    title = f"More {short(found.goals[1])} is paid for with {short(found.goals[0])}"
    told = [f"{money(p.first, found.unit)} and {money(p.second, found.unit)}" for p in points]
    marked = "; black: what the scenario asks for." if own else "."
    line: Spec = {"type": "line", "color": KIND_COLOURS["paid"], "strokeWidth": 2, "point": True}
    return framed(
        heading(title, f"{found.meant[0]} against {found.meant[1]}{marked}", WIDE),
        f"{plain(found.meant[0])} against {plain(found.meant[1])}. {listed(told, 'plans')}.",
        {
            "width": WIDE,
            "height": TALL,
            "encoding": encoding,
            "layer": [
                {"data": shown, "mark": line},
                {"data": mark, "mark": {"type": "point", "filled": True, "color": INK, "size": 80, "opacity": 1}},
            ],
        },
    )


def charts_document(found: Trades) -> dict[str, Any]:
    """The content of charts.json beside trades."""
    return {
        "schema": SCHEMA,
        "made_from": found.made_from,
        "currency": found.currency,
        "outcome": found.measure,
        "period": found.period,
        "charts": {"trades": trades_chart(found)},
    }
