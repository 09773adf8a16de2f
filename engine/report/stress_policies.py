"""The sheets of a stress test's workbook that compare: policies, cases, and the bridge from the plan to the outcome."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.report.stress import choice
from engine.report.stress_layout import (
    BRIDGE,
    CASES,
    PLAN,
    POLICIES,
    TARGET,
    TOP,
    Layout,
    Line,
    from_inputs,
    mean,
    titled,
)
from engine.report.workbook import Book, Form, Sheet, block, place
from engine.stress.readout import Reading
from engine.words import percent


@dataclass(frozen=True)
class Figure:
    """One column of the sheet of policies: a number that the engine found, or a formula with what it found."""

    head: str
    form: Form
    value: Callable[[Reading], float | None]
    formula: Callable[[Layout, Line], str | None] | None = None


MEAN = "Mean"
PATHS = 2  # column: before it stand the case and the policy


def policy_columns(told: Layout) -> tuple[Figure, ...]:
    """The columns of the sheet of policies, after the number of paths."""
    return (
        *_outcomes(told),
        *_risks(told),
        Figure(f"Spend [{told.currency}]", "amount", lambda one: one.spend.mean),
        *(_money(told) if told.in_money else ()),
        *(_gains(told) if any(line.told.gain for line in told.lines) else ()),
        Figure("Paths on which more is committed than there is", "share", lambda one: one.overspent),
    )


def _outcomes(told: Layout) -> tuple[Figure, ...]:
    plan, form, unit = told.found.planned.mean, told.amount, f"[{told.outcome}]"
    return (
        Figure(f"{MEAN} {unit}", form, lambda one: one.outcome.mean),
        Figure("5 %", form, lambda one: one.outcome.p05),
        Figure("50 %", form, lambda one: one.outcome.p50),
        Figure("95 %", form, lambda one: one.outcome.p95),
        Figure(
            f"Mean less plan {unit}",
            form,
            lambda one: one.outcome.mean - plan,
            lambda told, line: f"{mean_of(told, line)}-{from_inputs(PLAN)}",
        ),
        Figure(
            "Change against the plan",
            "share",
            lambda one: one.outcome.mean / plan - 1 if plan else 0.0,
            lambda told, line: _change(mean_of(told, line)),
        ),
    )


def _risks(told: Layout) -> tuple[Figure, ...]:
    plan, target, form, unit = told.found.planned.mean, told.found.target, told.amount, f"[{told.outcome}]"
    goal, reached = (plan, "plan") if target is None else (target, "target")
    return (
        Figure(
            f"Mean less target {unit}",
            form,
            lambda one: one.outcome.mean - goal,
            lambda told, line: f"{mean_of(told, line)}-{from_inputs(TARGET)}",
        ),
        Figure(f"Chance to reach the {reached}", "share", lambda one: one.target),
        Figure(f"Value at risk {unit}", form, lambda one: one.at_risk),
        Figure(f"CVaR {unit}", form, lambda one: one.shortfall),
        Figure(
            f"Mean of the worst {percent(told.found.level)} of paths {unit}",
            form,
            lambda one: plan - one.shortfall,
            lambda told, line: f"{from_inputs(PLAN)}-{policy_cell(told, line, 'CVaR')}",
        ),
    )


def _money(told: Layout) -> tuple[Figure, ...]:
    unit = f"[{told.currency}]"
    return (
        Figure(f"Profit {unit}", "amount", lambda one: mean(one.profit)),
        Figure("Profit, 5 %", "amount", lambda one: one.profit.p05 if one.profit else None),
        Figure("Profit, 95 %", "amount", lambda one: one.profit.p95 if one.profit else None),
        Figure(f"Value at the start {unit}", "amount", lambda one: mean(one.present)),
        Figure("Paths that pay back", "share", lambda one: one.paid_back),
    )


def _gains(told: Layout) -> tuple[Figure, ...]:
    form, unit = told.amount, f"[{told.outcome}]"
    return (
        Figure(
            f"Gain over hold {unit}", form, lambda one: one.gain.mean if one.gain else None, _if_gain(_gain_over_hold)
        ),
        Figure("95 % sure within +-", form, lambda one: one.gain.mean - one.gain.low if one.gain else None),
        Figure("Gain, low end", form, lambda one: one.gain.low if one.gain else None, _if_gain(_end("-"))),
        Figure("Gain, high end", form, lambda one: one.gain.high if one.gain else None, _if_gain(_end("+"))),
        Figure("Paths with less than hold", "share", lambda one: one.gain.worse if one.gain else None),
    )


def _if_gain(formula: Callable[[Layout, Line], str]) -> Callable[[Layout, Line], str | None]:
    return lambda told, line: formula(told, line) if line.told.gain else None


def _gain_over_hold(told: Layout, line: Line) -> str:
    hold = next(one for one in told.lines if one.case == line.case and one.told.policy == "hold")
    return f"{mean_of(told, line)}-{mean_of(told, hold)}"


def _end(sign: str) -> Callable[[Layout, Line], str]:
    return lambda told, line: f"{policy_cell(told, line, 'Gain over')}{sign}{policy_cell(told, line, '95 % sure')}"


def _change(value: str) -> str:
    """The change of a mean against the plan; none where the plan brings nothing."""
    plan = from_inputs(PLAN)
    return f"IF({plan}=0,0,{value}/{plan}-1)"


def policy_cell(told: Layout, line: Line, head: str, sheet: str = "") -> str:
    """What a formula calls the cell of a policy, by how the header of its column begins."""
    at = next(at for at, one in enumerate(policy_columns(told)) if one.head.startswith(head))
    return place((line.row, PATHS + 1 + at), sheet, fixed=bool(sheet))


def mean_of(told: Layout, line: Line, sheet: str = "") -> str:
    """The cell of the mean outcome of a policy."""
    return policy_cell(told, line, MEAN, sheet)


def write_policies(book: Book, told: Layout) -> None:
    """One row a policy of each case; differences are formulas."""
    sheet, every = book.sheet(POLICIES, (TOP, PATHS), across=2), policy_columns(told)
    titled(sheet, "Policies", "What each policy comes to over all paths; differences are formulas.")
    sheet.heads((TOP - 1, 0), ["Case", "Policy", "Paths", *[one.head for one in every]], 2, 62)
    sheet.wide(0, [24, 25, 8, *[12.5] * len(every)])
    for line in told.lines:
        sheet.text((line.row, 0), told.cases[line.case - 1])
        sheet.text((line.row, 1), told.policies[line.policy - 1])
        sheet.number((line.row, PATHS), told.found.cases[line.case - 1].paths, "amount")
        for column, one in enumerate(every, PATHS + 1):
            value, formula = one.value(line.told), one.formula and one.formula(told, line)
            if formula and value is not None:
                sheet.formula((line.row, column), formula, value, one.form)
            else:
                sheet.number((line.row, column), value, one.form)
    sheet.page.autofilter(TOP - 1, 0, told.lines[-1].row, PATHS + len(every))


def write_cases(book: Book, told: Layout) -> None:
    """One row a case: what each policy brings, and how far from the plan that is."""
    sheet, count = book.sheet(CASES, (TOP, 1)), len(told.policies)
    titled(sheet, "Cases", "Mean outcome of each policy, and its change against the plan; all are formulas.")
    means = [f"{name} [{told.outcome}]" for name in told.policies]
    changes = [f"{name}, change against the plan" for name in told.policies]
    sheet.heads((TOP - 1, 0), ["Case", *means, *changes, "Policy to choose", "Chance under it"], tall=48)
    sheet.wide(0, [44, *[16.0] * (2 * count), 26, 12])
    for line in told.lines:
        row, value, plan = TOP + line.case - 1, line.told.outcome.mean, told.found.planned.mean
        sheet.text((row, 0), told.cases[line.case - 1])
        sheet.formula((row, line.policy), mean_of(told, line, POLICIES), value, told.amount)
        change = _change(place((row, line.policy), fixed=False))
        sheet.formula((row, count + line.policy), change, value / plan - 1 if plan else 0.0, "share")
    for at, case in enumerate(told.found.cases):
        best = choice(case)
        line = next(one for one in told.lines if one.told is best)
        sheet.text((TOP + at, 2 * count + 1), told.policies[line.policy - 1])
        sheet.formula((TOP + at, 2 * count + 2), policy_cell(told, line, "Chance", POLICIES), best.target, "share")
    shade = {"type": "3_color_scale", "min_color": "#F4B6B0", "mid_color": "#FFFFFF", "max_color": "#B7DDB0"}
    zero = {"mid_type": "num", "mid_value": 0}
    sheet.page.conditional_format(TOP, count + 1, TOP + len(told.cases) - 1, 2 * count, {**shade, **zero})


def bridge_end(told: Layout) -> str:
    """The cell in which the bars of the bridge add up, as other sheets call it."""
    return place((TOP + len(told.found.bridge) - 1, 1), BRIDGE)


def bridge_outcome(told: Layout) -> str:
    """The cell of the outcome that the bridge leads to, as other sheets call it."""
    return place((TOP + len(told.found.bridge), 1), BRIDGE)


def write_bridge(book: Book, told: Layout) -> None:
    """The bars from the plan to the outcome: what each adds, the end as their sum, and whether it is the outcome."""
    sheet, (first, *steps, last) = book.sheet(BRIDGE), told.found.bridge
    titled(sheet, "From the plan to the outcome", "Bars add up, in the mean of all paths; shocks come in one by one.")
    sheet.wide(0, [44, 16, 16, 14, 14, 14, 14])
    unit = f"[{told.outcome}]"
    sheet.heads((TOP - 1, 0), [f"Bar {unit}", "Adds", "Comes to", "Below", "Whole", "More", "Less"], tall=20)
    end, so_far = TOP + len(steps) + 1, 0.0
    for row, bar in enumerate((first, *steps), TOP):
        so_far += bar.low
        sheet.text((row, 0), bar.name)
        sheet.number((row, 1), bar.low, told.amount)
        sheet.formula((row, 2), f"SUM(B${TOP + 1}:B{row + 1})", so_far, told.amount)
        _shape(sheet, told, row, so_far - bar.low, so_far)
    sheet.text((end, 0), last.name, "total")
    sheet.formula((end, 1), f"SUM({block((TOP, 1), (end - 1, 1))})", so_far, told.amount, "total")
    sheet.formula((end, 2), place((end, 1), fixed=False), so_far, told.amount, "total")
    _shape(sheet, told, end, 0.0, so_far)
    sheet.text((end + 1, 0), "Outcome that the engine found")
    sheet.number((end + 1, 1), last.low, told.amount)
    sheet.text((end + 2, 0), "Check: end less outcome")
    sheet.formula((end + 2, 1), f"ROUND(B{end + 1}-B{end + 2},2)", 0.0, "cents", "strong")
    _waterfall(book, sheet, end)


def _shape(sheet: Sheet, told: Layout, row: int, before: float, after: float) -> None:
    """What the chart is drawn of: an invisible foot, and a bar on it."""
    here, above = row + 1, row
    form = told.amount
    if row == TOP or before == 0.0:
        parts = [("0", 0.0), (f"C{here}", after), ("0", 0.0), ("0", 0.0)]
    else:
        parts = [
            (f"MIN(C{above},C{here})", min(before, after)),
            ("0", 0.0),
            (f"MAX(C{here}-C{above},0)", max(after - before, 0.0)),
            (f"MAX(C{above}-C{here},0)", max(before - after, 0.0)),
        ]
    for column, (formula, value) in enumerate(parts, 3):
        sheet.formula((row, column), formula, value, form, "remark")


def _waterfall(book: Book, sheet: Sheet, end: int) -> None:
    chart = book.book.add_chart({"type": "column", "subtype": "stacked"})
    colours = (None, "#1F3A5F", "#4C9A5B", "#C0504D")
    for column, colour in enumerate(colours, 3):
        chart.add_series(
            {
                "name": [BRIDGE, TOP - 1, column],
                "categories": [BRIDGE, TOP, 0, end, 0],
                "values": [BRIDGE, TOP, column, end, column],
                "fill": {"color": colour} if colour else {"none": True},
                "gap": 40,
            }
        )
    chart.set_title({"name": "From the plan to the outcome", "name_font": {"size": 11}})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_legend({"none": True})
    chart.set_size({"width": 900, "height": 360})
    sheet.page.insert_chart(end + 4, 0, chart)
