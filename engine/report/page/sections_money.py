"""Sections of money: what every budget brings, and what the plan does quarter by quarter."""

from collections.abc import Sequence

from engine.optimize.budgets.frontier import Frontier
from engine.optimize.plan import Plan
from engine.report.brought import brought_by_decision
from engine.report.charts.fan import course_chart
from engine.report.charts.frontier import frontier_chart
from engine.report.charts.look import opening
from engine.report.charts.spending import spending_chart
from engine.report.figures import told_gap
from engine.report.frontier import decision
from engine.report.page.beside import apart_told
from engine.report.page.cells import EMPTY, NOTHING, amounts, figured, ranged, ratio, single, text
from engine.report.page.given import Given
from engine.report.page.records import Absent, Block, Cell, Figure, Section, Table, Words
from engine.report.rounding import Scale, adding, scale_of
from engine.words import plain

NO_FRONTIER = "Give the folder of a frontier: peso frontier FIT SCENARIO --out FRONTIER."
NO_FIT = "Give the folder of the fit, too: peso report FIT PLAN."
NOT_TOLD = (
    "What comes of it by decision is not told: prices, demand or shocks of the scenario move what the plan brings, so "
    "that it does not follow from its curves and its money alone."
)
ONE_DECISION = 'Plan with several decisions: decide = "quarter" under horizon in the scenario, then peso optimize.'


def frontier_section(given: Given) -> Section | Absent:
    """What every budget brings, and up to where money pays."""
    found = given.frontier
    if found is None:
        return Absent("what other budgets would bring", NO_FRONTIER)
    blocks: list[Block] = [*apart_told(given, "this frontier", found.scenario), Words((decision(found),), "finding")]
    warnings = given.news(found.warnings)
    blocks += [Words(tuple(f"Beware: {plain(one)}." for one in warnings), "beware")] * bool(warnings)
    blocks += [Figure("frontier", frontier_chart(found), frontier_table(found))]
    title = "What other budgets would bring"
    title += f" in {plain(found.scenario)}" * given.other_than_plan(found.scenario)
    return Section("frontier", title, tuple(blocks))


def frontier_table(found: Frontier) -> Table:
    """One row for each budget."""
    scale = scale_of(max(point.budget for point in found.points))
    brought = scale_of(max(abs(point.outcome.mean) for point in found.points))
    rows = tuple(
        (
            single(point.budget, scale),
            single(point.spent, scale),
            single(point.outcome.mean, brought),
            *ranged(point.outcome, brought),
            ratio(point.average),
            ratio(point.marginal),
            NOTHING if point.step is None else ratio(point.step),
            Cell(told_gap(point.gap, found.risk, 4), point.gap),
        )
        for point in found.points
    )
    header = [scale.head("Budget", found.currency), scale.head("Spent", found.currency)]
    header += [brought.head(opening(plain(found.measure)), found.unit), "5 %", "95 %"]
    header += ["Return", "Next 1", "Step 1", "Gap"]
    return Table(
        "frontier",
        f"The best plan of each budget, {found.start} to {found.end}",
        tuple(header),
        rows,
        note=_frontier_note(found),
    )


def _frontier_note(found: Frontier) -> str:
    """What each unit of money is told as, and before or after which charge."""
    one = f"{found.currency} 1"
    told = [f"Return: what each {one} brings. Next 1: what the next {one} of budget brings."]
    told.append(f"Step 1: what each {one} on the way to the next budget brings.")
    if found.prudence:
        told.append("Next 1 is told after the charge for the doubt of moves, step 1 before it.")
    if any(point.marginal is None for point in found.points):
        told.append(
            "- under next 1: a single unit cannot be spent, as money goes in steps or every channel is at its cap."
        )
    if found.risk != "mean":
        told.append("Plans are chosen by another measure than the mean; next 1 and step 1 are of mean outcomes.")
    return " ".join(told)


def quarters_section(given: Given) -> Section | Absent:
    """Money and what it brings, decision by decision."""
    plan = next((one for one in given.plans if len(one.decisions) > 1), None)
    if plan is None:
        return Absent("the course of the year", ONE_DECISION)
    when = Figure("when", spending_chart(plan), when_table(plan))
    blocks: list[Block] = [] if plan is given.plan else [Words((f"Of the scenario {plain(plan.scenario)}.",))]
    return Section("quarters", "The course of the year", (*blocks, *_course(given, plan), when))


def _course(given: Given, plan: Plan) -> list[Block]:
    """What the plan brings by decision, or why that is not told."""
    if given.fit is None:
        return [Words((f"What comes of it by decision is not told without its curves. {NO_FIT}",))]
    found = brought_by_decision(given.fit.curves, plan)
    if found is None:
        return [Words((NOT_TOLD,))]
    scale, spend = scale_of(plan.chosen.outcome.mean), scale_of(plan.spend)
    after = len(found) - len(plan.decisions)  # whether what comes later counts, too
    moneys = [sum(row) for row in plan.chosen.decided] + [0.0] * after
    rows = tuple(
        (text(name), paid, mean, *ranged(one, scale))
        for name, paid, mean, one in zip(
            [*plan.decisions, *["after the end"] * after],
            amounts(moneys, spend, plan.spend),
            amounts([one.mean for one in found], scale, plan.chosen.outcome.mean),
            found,
            strict=True,
        )
    )
    unit = plan.currency if plan.in_money else ""
    name = opening(plain(plan.counts or plan.measure))
    header = ("When", spend.head("Money", plan.currency), scale.head(name, unit), "5 %", "95 %")
    total = (
        Cell("Total"),
        single(plan.spend, spend),
        single(plan.chosen.outcome.mean, scale),
        EMPTY,
        EMPTY,
    )
    note = "What is brought counts when it comes: money of one quarter works on in the next."
    table = Table("course", "Money and what comes of it, by decision", header, rows, total, note)
    return [Figure("course", course_chart(plan, found), table)]


def when_table(plan: Plan) -> Table:
    """Money by channel and decision: rounded once, so that the sums of rows and columns are those of what is read."""
    scale, decided = scale_of(plan.spend), plan.chosen.decided
    sums = adding([sum(row) for row in decided], plan.spend, scale)
    shown = [adding(row, one * scale.size, scale) for row, one in zip(decided, sums, strict=True)]
    columns = [_column(row, one, scale) for row, one in zip(decided, shown, strict=True)]
    columns.append(_column(plan.chosen.spend, [sum(row) for row in zip(*shown, strict=True)], scale))
    moneys = [*map(sum, decided), plan.spend]
    total = (Cell("Total"), *_column(moneys, [*sums, sum(sums)], scale))
    header = ("Channel", *(label[:10] for label in plan.decisions), scale.head("In all", plan.currency))
    rows = tuple(zip([text(line.name) for line in plan.lines], *columns, strict=True))
    caption = f"Money by channel and decision, from the day named on{scale.head('', plan.currency)}"
    return Table("when", caption, header, rows, total)


def _column(exact: Sequence[float], shown: Sequence[float], scale: Scale) -> list[Cell]:
    return [figured(one, value, scale) for one, value in zip(shown, exact, strict=True)]
