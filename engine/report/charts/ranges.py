"""Outcomes side by side, each with its range: of the policies of a stress test, and of several plans."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import Plan
from engine.optimize.ranges import Range
from engine.report.charts.cases import case_first
from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    QUIET,
    SEVERAL,
    WIDE,
    Spec,
    Title,
    amount,
    faint,
    framed,
    heading,
    labels,
    listed,
    opening,
    rows,
    short,
    total_title,
    unit_of,
)
from engine.report.figures import one_draw
from engine.report.rounding import evenly
from engine.report.stress_choice import BARE, DOING, TOLD, choice, gain_told, gained, rank_unit
from engine.stress.readout import Answer, CaseReading, Spread
from engine.words import money, percent, plain

STEP, ACROSS, BESIDE = 30, 460, 150  # height of a row, widths of the ranges and of what stands beside them [pixels]
BAR = 10  # width of a range [pixels]
ROOM = 0.34  # of the span, to the right of the ranges: for notes
SHOWN = 24  # plans one by one, in the order given
NAMED = 3  # plans that bring the same
BLUE = KIND_COLOURS["paid"]


class Dot(NamedTuple):
    """One outcome with its range, and what is said beside it."""

    label: str
    outcome: Range | Spread
    note: str
    colour: str = BLUE


def policies_chart(found: Answer, case: CaseReading) -> Spec:
    """What each policy comes to over the paths of a case, beside the plan without shocks."""
    without, *names = labels(["the plan, without shocks", *(TOLD[one.policy] for one in case.policies)])
    dots = [Dot(without, found.planned, f"{percent(found.calm)} reach it", SEVERAL)]
    dots += [
        Dot(name, one.outcome, f"{percent(one.target)} reach it", SEVERAL if one.policy == BARE else BLUE)
        for name, one in zip(names, case.policies, strict=True)
    ]
    goal = found.planned.mean if found.target is None else found.target
    unit = unit_of(max(abs(dot.outcome.p95) for dot in dots))
    title = f"{total_title(opening(short(found.measure)), found.unit, unit)}, {plain(found.span)}"
    what = f"{money(goal, found.unit)}, {'the plan' if found.target is None else 'the target'}"
    reading = (
        f"Dot: the mean over {case.paths:,} paths; bar: 5-95 %; dashed: {what}, and beside each bar the share of paths "
        "that reach it. Grey: what nobody can choose."
    )
    told = [f"{dot.label} {with_range(dot.outcome, found.unit)}" for dot in dots]
    return framed(
        heading(case_first(found, _best(found, case), case), reading, WIDE),
        f"{opening(short(found.measure))} by policy, {plain(case.name)}. {listed(told, 'policies')}.",
        {**_panel(dots, unit.size, title, goal), "width": ACROSS},
    )


def _best(found: Answer, case: CaseReading) -> str:
    """Which policy surely brings most, or that none does."""
    first, best = case.policies[0], choice(case)
    over = gained(best)
    if best.policy == first.policy or over is None:
        return f"Nothing surely brings more than {DOING[first.policy]}: {with_range(first.outcome, found.unit)}"
    unit, what = rank_unit(found, case)
    return f"{opening(DOING[best.policy])} brings {gain_told(over, unit, what)} against {DOING[first.policy]}"


def with_range(of: Range | Spread, unit: str) -> str:
    """A mean with its range, all with as many places."""
    mean, low, high = evenly(of.mean, of.p05, of.p95, currency=unit)
    return f"{mean} (5-95 %: {low} .. {high})"


def scenarios_chart(plans: Sequence[Plan]) -> Spec:
    """Several plans side by side: what each brings, with its range, and what it spends.

    All are of one currency and count the same outcome over the same time.
    """
    told, first = list(plans[:SHOWN]), plans[0]
    names = labels(short(plan.scenario) for plan in told)
    unit = first.currency if first.in_money else ""
    what = opening(short(first.counts or (first.measure if first.measure != "profit" else "outcome")))
    dots = [
        Dot(name, plan.chosen.outcome, money(plan.chosen.outcome.mean, unit))
        for name, plan in zip(names, told, strict=True)
    ]
    size, spent = unit_of(max(abs(dot.outcome.p95) for dot in dots)), unit_of(max(plan.spend for plan in told))
    ranged = "" if all(map(one_draw, told)) else "; blue bar: 5-95 %"
    reading = f"Dot: what these channels bring, in the mean{ranged}; grey bar: the money. Over {first.start} to "
    reading += f"{first.end}."
    if len(plans) > SHOWN:
        reading += f" The first {SHOWN} of {len(plans)} plans."
    said = [f"{dot.label} {with_range(dot.outcome, unit)} with {_money(p)}" for dot, p in zip(dots, told, strict=True)]
    return framed(
        heading(_brings_most(told, names, unit), reading, WIDE),
        f"{len(told)} plans side by side. {listed(said, 'plans')}.",
        {
            "hconcat": [
                {**_panel(dots, size.size, total_title(what, unit, size)), "width": ACROSS - BESIDE},
                _spent(dots, [plan.spend for plan in told], spent.size, total_title("Money", first.currency, spent)),
            ],
            "spacing": 24,
        },
    )


def _brings_most(plans: Sequence[Plan], called: Sequence[str], unit: str) -> str:
    """The plan that brings most, as it is called; none where others bring the same."""
    best = max(plans, key=lambda plan: plan.chosen.outcome.mean)
    most = best.chosen.outcome
    names = [
        name for name, plan in zip(called, plans, strict=True) if _is_tie(plan.chosen.outcome.mean, most.mean, unit)
    ]
    if len(plans) == 1:
        return f"{names[0]} brings {with_range(most, unit)} with {_money(best)}"
    if len(names) == len(plans):
        return f"All {len(plans)} plans bring the same but for rounding: {with_range(most, unit)}"
    if len(names) > NAMED:
        return f"{len(names)} of {len(plans)} plans bring most, the same but for rounding: {with_range(most, unit)}"
    if len(names) > 1:
        told = f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{told} bring most, the same but for rounding: {with_range(most, unit)}"
    return f"{names[0]} brings most: {with_range(most, unit)} with {_money(best)}"


def _is_tie(one: float, other: float, unit: str) -> bool:
    """Whether two outcomes are the same as they are told, or as far as a proof can tell them apart."""
    return money(one, unit) == money(other, unit) or abs(one - other) <= CERTIFIED * abs(other)


def _money(plan: Plan) -> str:
    return money(plan.spend, plan.currency)


def _panel(dots: Sequence[Dot], size: float, title: Title, goal: float | None = None) -> Spec:
    """Ranges, means and notes, one row each; a dashed line where there is a goal."""
    ends = [edge for dot in dots for edge in (dot.outcome.p05, dot.outcome.mean, dot.outcome.p95)]
    low, high = min(*ends, *([] if goal is None else [goal])), max(*ends, *([] if goal is None else [goal]))
    span = (high - low) or abs(high) or 1.0
    domain = [float(f"{edge / size:.4g}") for edge in (low - 0.05 * span, high + ROOM * span)]
    across: Spec = {"title": title, "scale": {"domain": domain, "nice": False}, "axis": {"tickCount": 5}}
    told = rows(
        name=[dot.label for dot in dots],
        low=[dot.outcome.p05 / size for dot in dots],
        mean=[dot.outcome.mean / size for dot in dots],
        high=[dot.outcome.p95 / size for dot in dots],
        end=[(high + 0.03 * span) / size for _ in dots],
        note=[dot.note for dot in dots],
        colour=[dot.colour for dot in dots],
    )
    colour = {"field": "colour", "type": "nominal", "scale": None}
    note: Spec = {"type": "text", "align": "left", "color": QUIET, "fontSize": 11}
    return {
        "data": told,
        "height": {"step": STEP},
        "encoding": {"y": _names(dots)},
        "layer": [
            *([] if goal is None else [_goal(goal / size, across)]),
            {
                "mark": faint("bar", opacity=0.35, height=BAR),
                "encoding": {"x": amount("low", **across), "x2": {"field": "high"}, "color": colour, "stroke": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {"x": amount("mean", **across), "color": colour},
            },
            {"mark": note, "encoding": {"x": amount("end", **across), "text": {"field": "note", "type": "nominal"}}},
        ],
    }


def _names(dots: Sequence[Dot], shown: bool = True) -> Spec:
    axis = {"labelColor": INK, "ticks": False} if shown else None
    scale = {"domain": [dot.label for dot in dots]}
    return {"field": "name", "type": "nominal", "scale": scale, "title": None, "axis": axis}


def _goal(at: float, across: Spec) -> Spec:
    dashed = {"type": "rule", "color": INK, "strokeDash": [4, 3]}
    return {"data": rows(goal=[at]), "mark": dashed, "encoding": {"x": amount("goal", **across), "y": None}}


def _spent(dots: Sequence[Dot], spend: Sequence[float], size: float, title: Title) -> Spec:
    """Bars of money, on the rows of the ranges beside them, each with its amount."""
    top = float(f"{1.45 * (max(spend) or 1.0) / size:.4g}")
    across: Spec = {"title": title, "scale": {"domain": [0, top], "nice": False}, "axis": {"tickCount": 3}}
    told = rows(
        name=[dot.label for dot in dots], spend=[one / size for one in spend], note=[money(one, "") for one in spend]
    )
    note: Spec = {"type": "text", "align": "left", "dx": 5, "color": QUIET, "fontSize": 11}
    x = amount("spend", **across)
    return {
        "data": told,
        "width": BESIDE,
        "height": {"step": STEP},
        "encoding": {"y": _names(dots, shown=False)},
        "layer": [
            {"mark": {"type": "bar", "color": SEVERAL, "height": 14}, "encoding": {"x": x}},
            {"mark": note, "encoding": {"x": x, "text": {"field": "note", "type": "nominal"}}},
        ],
    }
