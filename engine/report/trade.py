"""Trades between two goals as text, as a document and as a table for spreadsheets: the decision first."""

from dataclasses import asdict
from typing import Any

from engine.optimize.budgets.trade import Trade, Trades
from engine.report.figures import beware, rate
from engine.words import folded, money, number, percent, plain, table

SCHEMA = "peso.trades/1"


def trades_text(found: Trades) -> str:
    """Trades for the terminal."""
    parts = [_decision(found), beware(found.warnings), _table(found), _splits(found), _proof(found)]
    return "\n\n".join(part for part in parts if part)


def _decision(found: Trades) -> str:
    """What is there to choose between, and what the first steps away from either end cost."""
    start, end = found.points[0], found.points[-1]
    one, two = (plain(goal) for goal in found.goals)
    head = (
        f"{plain(found.scenario)}, {found.start} to {found.end}, {money(found.budget, found.currency)}: "
        f"{plain(found.meant[0])} ({one}) against {plain(found.meant[1])} ({two})."
    )
    if start is end:
        return (
            f"{head} One plan is best in both: {money(start.first, found.unit)} and {money(start.second, found.unit)}."
        )
    first, second = start.first - end.first, end.second - start.second
    told = f"From one end to the other {money(second, found.unit)} more of {two}{_of(second, start.second)} cost "
    told += f"{money(first, found.unit)} of {one}{_of(first, start.first)}."
    if start.costs is not None and len(found.points) > 2:
        told += (
            f" The first step costs {rate(start.costs)} of {one} for each 1 of {two}, the last {rate(_last(found))}."
        )
    return f"{head} {told}"


def _of(change: float, base: float) -> str:
    return f" ({percent(change / base)})" if base > 0 else ""


def _last(found: Trades) -> float:
    """What the last step costs."""
    return found.points[-2].costs or 0.0


def _table(found: Trades) -> str:
    one, two = found.goals
    header = ["weight", one, two, f"less {one}", f"more {two}", "costs", "gap"]
    asked = "" if found.own is None else "> what the scenario asks for; "
    notes = (
        f"{plain(found.measure)} {_in(found)}over the horizon; weight: of {plain(two)}, the rest is that of "
        f"{plain(one)}; {asked}less and more: than in the first row; costs: {plain(one)} given "
        f"up for one more of {plain(two)}, to the next row."
    )
    if found.dropped:
        plans = "plan is" if found.dropped == 1 else "plans are"
        notes += f"\n{found.dropped} further {plans} left out: another is as good in both goals."
    notes += "".join(f"\n{note[:1].upper()}{note[1:]}." for note in found.notes)
    return f"{table(header, [_row(found, point) for point in found.points])}\n{notes}"


def _in(found: Trades) -> str:
    return f"in {found.unit} " if found.unit else ""


def _row(found: Trades, point: Trade) -> list[str]:
    start = found.points[0]
    goals = (point.first, point.second, start.first - point.first, point.second - start.second)
    mark = "> " if found.own is not None and point is found.points[found.own] else ""
    costs = "-" if point.costs is None else rate(point.costs)
    return [f"{mark}{point.weight:.2f}", *map(number, goals), costs, _gap(point.gap)]


def _gap(gap: float) -> str:
    return f"{100 * gap:.3f} %"


def _splits(found: Trades) -> str:
    """Money by channel, one column a plan."""
    header = ["channel", *(f"{point.weight:.2f}" for point in found.points)]
    spends = zip(*(point.spend for point in found.points), strict=True)
    rows = [[name, *map(number, spend)] for name, spend in zip(found.channels, spends, strict=True)]
    return f"Money by weight of {plain(found.goals[1])} ({found.currency}):\n{folded(header, rows)}"


def _proof(found: Trades) -> str:
    sure, worst = sum(point.certified for point in found.points), max(point.gap for point in found.points)
    told = "each is the best of its weights, so no plan has more of both by more than its gap"
    if sure < len(found.points):
        told = "as far as is known, " + told
    return (
        f"Proof: {sure} of {len(found.points)} plans certified, the largest gap is {_gap(worst)}; {told}. Where "
        f"curves are S-shaped, plans between two rows may be the best of no weights. {found.seconds:.2f} s."
    )


def trades_document(found: Trades) -> dict[str, Any]:
    """The content of trades.json."""
    return {
        "schema": SCHEMA,
        "scenario": found.scenario,
        "warnings": list(found.warnings),
        "currency": found.currency,
        "period": found.period,
        "horizon": {"start": str(found.start), "end": str(found.end), "periods": found.periods},
        "measure": found.measure,
        "goals": list(found.goals),
        "meant": list(found.meant),
        "channels": list(found.channels),
        "decisions": list(found.decisions),
        "budget": found.budget,
        "points": [_point(point) for point in found.points],
        "own": found.own,
        "dropped": found.dropped,
        "prudence": found.prudence,
        "notes": list(found.notes),
        "seconds": found.seconds,
        "made_from": found.made_from,
    }


def _point(point: Trade) -> dict[str, Any]:
    return {
        "weight": point.weight,
        "by_channel": list(point.spend),
        "spend": [list(row) for row in point.decided],
        "first": point.first,
        "second": point.second,
        "value": asdict(point.objective),
        "net": point.net,
        "bound": point.bound,
        "gap": point.gap,
        "status": "certified" if point.certified else "feasible",
        "costs": point.costs,
    }


def trade_rows(found: Trades) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of trades.csv: one row a plan."""
    header = ["weight", *found.goals, "mean", "p05", "p95", "bound", "gap", "costs"]
    rows = [
        [
            *(point.weight, point.first, point.second),
            *(point.objective.mean, point.objective.p05, point.objective.p95),
            *(point.bound, point.gap, point.costs),
            *point.spend,
        ]
        for point in found.points
    ]
    return [*header, *(f"spend: {name}" for name in found.channels)], rows
