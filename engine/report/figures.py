"""Figures of plans in words: amounts with what they count, rates without noise, ranges only where draws differ."""

import math
from collections.abc import Iterable, Mapping

from engine.optimize.plan import Plan
from engine.optimize.ranges import Range
from engine.report.rounding import evenly
from engine.words import money, number, plain, points

SMALL = 0.05  # outcome per money below which two digits after the point tell too little
LARGE, TINY = 1e4, 1e-5  # outcome per money from which thousands are named, and below which powers of ten are
NAMED = 6  # channels on each side of a move
NOTHING = 1e-8  # outcome per money that is none
UNKNOWN = "one draw: no uncertainty is known"


def amount(value: float, plan: Plan, signed: bool = False) -> str:
    """An amount of what the plan maximises, with its currency or with what is counted."""
    return f"{money(value, plan.unit, signed)} {plan.measure}" if signed or not plan.unit else money(value, plan.unit)


def rate(per_money: float | None) -> str:
    """What a unit of money brings; with three figures where it is next to nothing, as of outcomes that are counted.

    None is of a unit that cannot be spent.

    >>> rate(1.5), rate(0.0015), rate(1.5e-7), rate(1e-9), rate(45_000.0), rate(None)
    ('1.50', '0.00150', '1.50e-07', '0.00', '45.0 k', '-')
    """
    if per_money is None:
        return "-"
    size = abs(per_money)
    if LARGE <= size < math.inf:
        return number(per_money)
    if not NOTHING < size < SMALL:
        return f"{0.0 if size < SMALL else per_money:.2f}"
    return f"{per_money:.{2 - math.floor(math.log10(size))}f}" if size >= TINY else f"{per_money:.2e}"


def moves(change: Mapping[str, float], least: float, currency: str) -> str:
    """From where to where money goes, the largest on each side by name; empty where none is above `least` [currency].

    >>> moves({"tv": -30.0, "search": 20.0, "pr": 10.0}, 1.0, "USD")
    'move money from tv (USD 30) to search (USD 20) and pr (USD 10)'
    """
    up = sorted((name for name in change if change[name] > least), key=lambda name: -change[name])
    down = sorted((name for name in change if change[name] < -least), key=lambda name: change[name])

    def told(names: list[str]) -> str:
        first = [f"{plain(name)} ({money(abs(change[name]), currency)})" for name in names[:NAMED]]
        if rest := names[NAMED:]:
            first.append(f"{len(rest)} more ({money(sum(abs(change[name]) for name in rest), currency)})")
        return " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)

    if up and down:
        return f"move money from {told(down)} to {told(up)}"
    return f"spend {'more on ' + told(up) if up else 'less on ' + told(down)}" if up or down else ""


def told_gap(gap: float, risk: str, places: int) -> str:
    """How far a bound is away: relative, of chances as their difference."""
    return points(gap, places) if risk == "probability" else f"{100 * gap:.{places}f} %"


def beware(warnings: Iterable[str]) -> str:
    """Warnings, each on a line of its own; empty where there are none."""
    return "\n".join(f"Beware: {plain(warning)}." for warning in warnings)


def one_draw(plan: Plan) -> bool:
    """Whether the curves hold a single draw, so that nothing is known of how sure a figure is."""
    return plan.draws == 1


def ranged(change: Range, unit: str) -> str:
    """The range of a change, both ends with as many places."""
    low, high = evenly(change.p05, change.p95, currency=unit, signed=True)
    return f"5-95 %: {low} .. {high}"
