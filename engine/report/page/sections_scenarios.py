"""Section of several plans side by side: those that count the same, over the same time."""

from collections.abc import Sequence

from engine.optimize.plan import Plan
from engine.optimize.ranges import Range
from engine.report.answer import plan_outcome
from engine.report.charts.look import opening
from engine.report.charts.ranges import scenarios_chart
from engine.report.figures import one_draw, told_gap
from engine.report.page.beside import beyond, why_apart
from engine.report.page.cells import NOTHING, amounts, ranged, share, single, text
from engine.report.page.given import FitRun, Given
from engine.report.page.records import Absent, Block, Cell, Figure, Section, Table, Words
from engine.report.rounding import scale_of
from engine.words import money, plain

TWO_PLANS = "Give a second plan.json of the same fit, from another scenario: peso optimize FIT OTHER --out other.json."
TITLE = "Scenarios side by side"
Column = tuple[str, list[Cell]]  # heading and cells


def scenarios_section(given: Given) -> Section | Absent:
    """Several plans side by side."""
    if len(given.plans) < 2:
        return Absent("a comparison of scenarios", TWO_PLANS)
    why = [why_apart(plan, given.plans[0]) for plan in given.plans]
    plans = [plan for plan, apart in zip(given.plans, why, strict=True) if not apart]
    told = tuple(
        f"Not compared is {plain(plan.scenario)}: {apart}."
        for plan, apart in zip(given.plans, why, strict=True)
        if apart
    )
    blocks: list[Block] = [Words(told)] if told else []
    if len(plans) > 1:
        blocks += [Figure("scenarios", scenarios_chart(plans)), scenarios_table(plans, given.fit), split_table(plans)]
    return Section("scenarios", TITLE, tuple(blocks))


def scenarios_table(plans: Sequence[Plan], fit: FitRun | None = None) -> Table:
    """One row for each plan: its money, what it brings, what that is more than history and the first, its proof."""
    first = plans[0]
    spend = scale_of(max(plan.spend for plan in plans))
    brought = scale_of(max(plan.chosen.outcome.mean for plan in plans))
    name = opening(plain(plan_outcome(first)))
    outcomes = [plan.chosen.outcome for plan in plans]
    columns: list[Column] = [
        ("Scenario", [text(plan.scenario) for plan in plans]),
        (spend.head("Money", first.currency), [single(plan.spend, spend) for plan in plans]),
        (
            brought.head(name, first.currency if first.in_money else ""),
            [single(outcome.mean, brought) for outcome in outcomes],
        ),
        *_ends([ranged(outcome, brought) for outcome in outcomes]),
        *_beyond_history(plans),
        *_beyond_first(plans, fit),
        ("Gap", [Cell(told_gap(plan.gap, plan.risk, 3), plan.gap) for plan in plans]),
    ]
    return Table(
        "scenarios",
        f"What each scenario brings, {first.start} to {first.end}",
        tuple(head for head, _ in columns),
        tuple(zip(*(cells for _, cells in columns), strict=True)),
        note=" ".join(_notes(plans, fit, [head for head, _ in columns])),
    )


def _ends(ranges: Sequence[tuple[Cell, Cell]]) -> list[Column]:
    """The columns of 5 and 95 % points."""
    return [(head, [ends[at] for ends in ranges]) for at, head in enumerate(("5 %", "95 %"))]


def _more(head: str, found: Sequence[Range | None], unit: str) -> list[Column]:
    """The columns of a change with its range; none of a plan against itself."""
    scale = scale_of(max((abs(one.mean) for one in found if one), default=0.0))
    means = [single(one.mean, scale, signed=True) if one else NOTHING for one in found]
    return [
        (scale.head(head, unit), means),
        *_ends([ranged(one, scale, signed=True) if one else (NOTHING, NOTHING) for one in found]),
    ]


def _beyond_history(plans: Sequence[Plan]) -> list[Column]:
    """What each plan brings beyond history with its own money, the same base for all; empty where there is none."""
    pasts = [plan.past for plan in plans]
    if any(past is None or not past.spend for past in pasts):
        return []
    return _more("More than history", [past.change if past else None for past in pasts], plans[0].unit)


def _beyond_first(plans: Sequence[Plan], fit: FitRun | None) -> list[Column]:
    """What each plan brings beyond the first one; empty where plans do not follow from the curves and their money."""
    first, *others = plans
    if fit is None:
        return []
    found = [beyond(fit.curves, first, plan) for plan in others]
    known = [one for one in found if one]
    if len(known) < len(found):
        return []
    less = [Cell("unknown") if one_draw(first) else share(chance) for _, chance in known]
    return [
        *_more("More than the first", [None, *(change for change, _ in known)], first.unit),
        ("Chance of less", [NOTHING, *less]),
    ]


def _notes(plans: Sequence[Plan], fit: FitRun | None, heads: Sequence[str]) -> list[str]:
    """What each scenario is compared with, and what is not told."""
    first, told = plans[0], []
    past = first.past
    if past and any(head.startswith("More than history") for head in heads):
        told.append(f"History: as it was, with {money(past.spend, first.currency)} in as many {first.period}s.")
    if "Chance of less" in heads:
        told.append(
            f"The first: {plain(first.scenario)}, draw by draw; chance of less: the share of draws in which a scenario "
            "brings less than it."
        )
    elif fit:
        told.append(
            "What one scenario brings beyond another is not told: prices, demand, shocks or another goal move at least "
            "one of them beyond what its curves and its money say."
        )
    return [*told, "Gap: to what is proven."]


def split_table(plans: Sequence[Plan]) -> Table:
    """Money by channel and scenario."""
    names = list(dict.fromkeys(line.name for plan in plans for line in plan.lines))
    scale = scale_of(max(plan.spend for plan in plans))
    columns = []
    for plan in plans:
        spent = {line.name: line.spend for line in plan.lines}
        columns.append(amounts([spent.get(name, 0.0) for name in names], scale, plan.spend))
    rows = tuple((text(name), *cells) for name, cells in zip(names, zip(*columns, strict=True), strict=True))
    header = ("Channel", *(scale.head(plain(plan.scenario), plans[0].currency) for plan in plans))
    total = (Cell("Total"), *(single(plan.spend, scale) for plan in plans))
    return Table("scenarios_split", "Money by channel in each scenario", header, rows, total)
