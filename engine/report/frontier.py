"""Frontiers and balances as text, as documents and as tables for spreadsheets: the decision first."""

from dataclasses import asdict
from typing import Any

from engine.optimize.budgets.balance import Balance, Balances
from engine.optimize.budgets.frontier import Frontier, Point
from engine.report.figures import beware, rate, told_gap
from engine.words import folded, money, number, percent, plain, table

NEAR = 5e-3  # of a budget: how far from another it may be and is still told as the same
SCHEMA, BALANCES = "peso.frontier/1", "peso.balances/1"
BY = {"revenue": "returns {} of revenue", "margin": "returns {} of margin"}


def frontier_text(found: Frontier) -> str:
    """A frontier for the terminal."""
    parts = [decision(found), beware(found.warnings), _rises(found), _table(found), _proof(found)]
    return "\n\n".join(part for part in parts if part)


def decision(found: Frontier) -> str:
    """What the scenario's own budget brings, what its next unit does, and how far money pays."""
    at, one = found.nearest, money(1.0, found.currency)
    head = f"{plain(found.scenario)}, {found.start} to {found.end}: "
    near = "" if _is_asked(found) else f" (looked at as nearest to the scenario's {money(found.asked, found.currency)})"
    told = (
        f"{money(at.budget, found.currency)}{near} {'bring' if at.spent else 'is not spent and brings'} "
        f"{money(at.outcome.mean, found.unit)} {plain(found.measure)} (5-95 %: {money(at.outcome.p05, found.unit)} .. "
        f"{money(at.outcome.p95, found.unit)})"
    )
    if at.marginal is not None:
        told += f", the next {one} brings {rate(at.marginal)}"
    if at.step is not None:
        told += f"{', and' if at.marginal is None else ' and'} each {one} of the next step {rate(at.step)}"
    return f"{head}{told}. {_pays(found)}".rstrip()


def _is_asked(found: Frontier) -> bool:
    """Whether the scenario's own budget is among those that were looked at."""
    return abs(found.nearest.budget - found.asked) <= NEAR * found.asked


def _pays(found: Frontier) -> str:
    """How far money pays, and where today's budget stands."""
    sentences = []
    for each in found.break_even:
        what = BY[each.by].format(money(1.0, found.currency))
        sentences.append(
            f"Money pays up to {money(each.money, found.currency)} if each unit {what}."
            if each.money
            else f"No budget pays if each unit must be one that {what}."
        )
    if found.today:
        spent, brought = found.today
        sentences.append(
            f"History's split of {money(spent, found.currency)} brings {money(brought.mean, found.unit)} "
            f"(5-95 %: {money(brought.p05, found.unit)} .. {money(brought.p95, found.unit)})."
        )
    return " ".join(sentences)


def _rises(found: Frontier) -> str:
    """Where the next unit of a larger budget returns more than that of a smaller one."""
    if not found.rises:
        return ""
    places = ", ".join(f"{number(low)} and {number(high)}" for low, high in found.rises)
    *first, last = found.turns or ("",)
    cause = f", as it can with {' or '.join([', '.join(first), last] if first else [last])}" if last else ""
    return (
        f"Beware: the return of the next unit does not fall all along: between {places} {found.currency} it rises"
        f"{cause}. Judge budgets there as a whole, not by their margin."
    )


def _table(found: Frontier) -> str:
    header = ["budget", "spend", found.measure, "5 %", "95 %", "return", "next 1", "step 1"]
    if any(point.profit for point in found.points):
        header.insert(5, "profit")
    rows = [_row(found, point) for point in found.points]
    own = f"{'' if _is_asked(found) else 'nearest to '}the scenario's budget"
    notes = (
        f"{found.currency} over {found.periods} {found.period}s; > {own}; return: outcome per "
        f"{found.currency} spent; next 1: of the next {found.currency} 1; step 1: of each {found.currency} 1 on the "
        "way to the next budget."
    )
    if found.prudence:
        notes += " next 1 is told after the charge for the doubt of moves, step 1 before it."
    if any(point.marginal is None for point in found.points):
        notes += " - under next 1: a single unit cannot be spent, as money goes in steps or every cap is reached."
    if found.risk != "mean":
        notes += (
            f"\nPlans are chosen by risk.measure {found.risk!r}; next 1, step 1 and the budgets up to which money pays "
            "are of mean outcomes."
        )
    if found.without_plan:
        ends = " .. ".join(number(each) for each in sorted({found.without_plan[0], found.without_plan[-1]}))
        notes += f"\nNo plan keeps the rules with {len(found.without_plan)} further budgets ({ends})."
    names = list(zip(found.channels, zip(*(point.spend for point in found.points), strict=True), strict=True))
    shown = folded(
        ["channel", *(number(point.budget) for point in found.points)],
        [[name, *(number(each) for each in spend)] for name, spend in names],
    )
    return f"{table(header, rows)}\n{notes}\n\n{shown}"


def _row(found: Frontier, point: Point) -> list[str]:
    own = "> " if point is found.nearest else ""
    outcome = point.outcome
    row = [own + number(point.budget), number(point.spent), *map(number, (outcome.mean, outcome.p05, outcome.p95))]
    row += [] if point.profit is None else [number(point.profit.mean)]
    average, step = (rate(each) if each is not None else "-" for each in (point.average, point.step))
    return [*row, average, rate(point.marginal), step]


def _proof(found: Frontier) -> str:
    sure = sum(point.certified for point in found.points)
    worst = max(point.gap for point in found.points)
    return (
        f"Proof: {sure} of {len(found.points)} plans certified; the largest gap to what any plan of its budget can "
        f"have is {told_gap(worst, found.risk, 4)}. {found.seconds:.2f} s."
    )


def frontier_document(found: Frontier) -> dict[str, Any]:
    """The content of frontier.json."""
    return {
        "schema": SCHEMA,
        "scenario": found.scenario,
        "warnings": list(found.warnings),
        "currency": found.currency,
        "period": found.period,
        "horizon": {"start": str(found.start), "end": str(found.end), "periods": found.periods},
        "measure": found.measure,
        "unit": found.unit,
        "channels": list(found.channels),
        "kinds": list(found.kinds),
        "asked": found.asked,
        "points": [_point(point) for point in found.points],
        "without_plan": list(found.without_plan),
        "today": None if found.today is None else {"spend": found.today[0], "outcome": asdict(found.today[1])},
        "break_even": [asdict(each) for each in found.break_even],
        "marginal_rises": [list(each) for each in found.rises],
        "turns": list(found.turns),
        "prudence": found.prudence,
        "risk": found.risk,
        "seconds": found.seconds,
        "made_from": found.made_from,
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "budget": point.budget,
        "spend": list(point.spend),
        "outcome": asdict(point.outcome),
        "profit": None if point.profit is None else asdict(point.profit),
        "net": point.net,
        "bound": point.bound,
        "gap": point.gap,
        "status": "certified" if point.certified else "feasible",
        "return": point.average,
        "marginal": point.marginal,
        "step": point.step,
    }


def frontier_rows(found: Frontier) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of frontier.csv: one row a budget."""
    header = ["budget", "outcome", "outcome_p05", "outcome_p95", "profit", "bound", "gap", "return", "marginal", "step"]
    rows = [
        [
            point.budget,
            *(point.outcome.mean, point.outcome.p05, point.outcome.p95),
            None if point.profit is None else point.profit.mean,
            *(point.bound, point.gap, point.average, point.marginal, point.step),
            *point.spend,
        ]
        for point in found.points
    ]
    return [*header, *(f"spend: {name}" for name in found.channels)], rows


def balances_text(found: Balances) -> str:
    """Balances for the terminal."""
    best = found.points[found.best]
    group = plain(found.group)
    head = (
        f"{plain(found.scenario)}, {found.start} to {found.end}, {money(found.budget, found.currency)}: "
        f"most in all with {money(best.money, found.currency)} on {group} ({', '.join(map(plain, found.members))}): "
        f"{money(best.group.mean, found.unit)} {plain(found.measure)} of {group} and "
        f"{money(best.others.mean, found.unit)} of the others."
    )
    if best.exchange is not None:
        head += f" From there one more of {group} costs {rate(best.exchange)} of the others."
    header = [f"on {found.group}", found.group, "5 %", "95 %", "others", "5 %", "95 %", "all", "costs", "gap"]
    rows = [_balance_row(found, point) for point in found.points]
    notes = (
        f"{found.currency} over the horizon; > most in all; costs: {plain(found.measure)} of the others given up for "
        f"one more of {group}, to the next row."
    )
    parts = [head, beware(found.warnings), f"{table(header, rows)}\n{notes}", _balance_proof(found)]
    return "\n\n".join(part for part in parts if part)


def _balance_row(found: Balances, point: Balance) -> list[str]:
    sides = [each for side in (point.group, point.others) for each in (side.mean, side.p05, side.p95)]
    return [
        ("> " if point is found.points[found.best] else "") + number(point.money),
        *map(number, sides),
        number(point.total.mean),
        "-" if point.exchange is None else rate(point.exchange),
        f"{100 * point.gap:.3f} %",
    ]


def _balance_proof(found: Balances) -> str:
    sure, worst = sum(point.certified for point in found.points), max(point.gap for point in found.points)
    told = "no plan of this budget has more of one by more than its gap without less of the other"
    if found.tied:
        told = (
            f"each holds for its money on {plain(found.group)} alone, because rules tie both sides: "
            f"{', '.join(map(plain, found.tied))}"
        )
    return (
        f"Proof: {sure} of {len(found.points)} plans certified, the largest gap is {percent(worst)} of all; {told}. "
        f"{found.seconds:.2f} s."
    )


def balances_document(found: Balances) -> dict[str, Any]:
    """The content of balances.json."""
    return {
        "schema": BALANCES,
        "scenario": found.scenario,
        "warnings": list(found.warnings),
        "currency": found.currency,
        "period": found.period,
        "horizon": {"start": str(found.start), "end": str(found.end)},
        "measure": found.measure,
        "group": found.group,
        "members": list(found.members),
        "channels": list(found.channels),
        "budget": found.budget,
        "points": [
            {**asdict(point), "spend": list(point.spend), "status": "certified" if point.certified else "feasible"}
            for point in found.points
        ],
        "best": found.best,
        "tied": list(found.tied),
        "seconds": found.seconds,
        "made_from": found.made_from,
    }


def balance_rows(found: Balances) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of balances.csv: one row a balance."""
    header = ["money", "group", "group_p05", "group_p95", "others", "others_p05", "others_p95", "total", "gap", "costs"]
    rows = [
        [
            point.money,
            *(point.group.mean, point.group.p05, point.group.p95),
            *(point.others.mean, point.others.p05, point.others.p95),
            *(point.total.mean, point.gap, point.exchange),
            *point.spend,
        ]
        for point in found.points
    ]
    return [*header, *(f"spend: {name}" for name in found.channels)], rows
