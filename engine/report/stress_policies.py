"""The sheets of a stress test's workbook that compare policies, and cases; all follows the inputs and the switch."""

from collections.abc import Callable

from engine.report.stress_choice import choice
from engine.report.stress_figures import OUTCOME, PRESENT, SPENT, earning, total_of
from engine.report.stress_layout import (
    CASE_NUMBER,
    CASES,
    HELD_ROW,
    LIVE,
    MARGIN,
    PLAN,
    POLICIES,
    POLICY_NUMBER,
    RUN,
    SHOWN_ROW,
    TARGET,
    TOP,
    Layout,
    Line,
    from_inputs,
    from_switch,
    mean,
    titled,
)
from engine.report.stress_run import found_column
from engine.report.stress_table import Field, each, write_table
from engine.report.workbook import Book, Form, block, place
from engine.stress.readout import Reading

AGREES = "1E-9"  # of a figure: how far it may lie from what this run found
NAMES = 3  # columns that say whose figures they are
Told = tuple[str, str, Form, Callable[[Line], float | str | None], Callable[[Line], str]]


def policy_fields(told: Layout) -> tuple[Field, ...]:
    """The columns of the sheet of policies."""
    lines = told.lines
    shown = [_shown(line) for line in lines]
    known = ["shown" if line is told.chosen else "" for line in lines]
    kept = [
        Field("case", "Case", "text", [told.cases[line.case - 1] for line in lines]),
        Field("policy", "Policy", "text", [told.policies[line.policy - 1] for line in lines]),
        Field("shown", "Shown", "text", known, shown),
    ]
    for key, head, form, of, formula in [*_outcomes(told), *_money(told)]:
        values = [of(line) for line in lines]
        formulas = [None if value is None else formula(line) for value, line in zip(values, lines, strict=True)]
        kept.append(Field(key, head, form, values, formulas))
    agree = _agreeing(told)
    return (*kept, *_of_run(told), Field("agrees", "Agrees with this run, 1: yes", "count", [1.0] * len(lines), agree))


def _shown(line: Line) -> str:
    """Whether a line is the one that the switch says."""
    chosen = (f"{from_switch(cell)}={number}" for cell, number in _numbers(line))
    return f'IF(AND({",".join(chosen)}),"shown","")'


def _numbers(line: Line) -> tuple[tuple[tuple[int, int], int], ...]:
    return (CASE_NUMBER, line.case), (POLICY_NUMBER, line.policy)


def _outcomes(told: Layout) -> list[Told]:
    plan, target, unit, form = told.found.planned.mean, told.found.target, f"[{told.outcome}]", told.amount
    goal = plan if target is None else target
    kept: list[Told] = [
        (
            "outcome",
            f"Outcome, mean {unit}",
            form,
            lambda line: line.told.outcome.mean,
            lambda line: total_of(told, line, OUTCOME),
        ),
        (
            "less plan",
            f"Outcome less plan {unit}",
            form,
            lambda line: line.told.outcome.mean - plan,
            lambda _: f"{{outcome}}-{from_inputs(PLAN)}",
        ),
        (
            "change",
            "Change against the plan",
            "share",
            lambda line: line.told.outcome.mean / plan - 1 if plan else 0.0,
            lambda _: _change("{outcome}"),
        ),
        (
            "less target",
            f"Outcome less target {unit}",
            form,
            lambda line: line.told.outcome.mean - goal,
            lambda _: f"{{outcome}}-{from_inputs(TARGET)}",
        ),
    ]
    return kept + (_gains(told) if any(line.told.gain for line in told.lines) else [])


def _gains(told: Layout) -> list[Told]:
    unit, form, sure = f"[{told.outcome}]", told.amount, found_column(told, "sure")

    def held(line: Line) -> str:
        there = told.held_beside(line)
        return place((there.row if there else line.row, NAMES), fixed=False)

    def within(line: Line) -> str:
        return place((line.row, sure), RUN)

    return [
        (
            "gain",
            f"Gain over hold {unit}",
            form,
            lambda line: line.told.gain.mean if line.told.gain else None,
            lambda line: f"{{outcome}}-{held(line)}",
        ),
        (
            "gain low",
            f"Gain, low end {unit}",
            form,
            lambda line: line.told.gain.low if line.told.gain else None,
            lambda line: f"{{gain}}-{within(line)}",
        ),
        (
            "gain high",
            f"Gain, high end {unit}",
            form,
            lambda line: line.told.gain.high if line.told.gain else None,
            lambda line: f"{{gain}}+{within(line)}",
        ),
    ]


def _money(told: Layout) -> list[Told]:
    money = f"[{told.currency}]"
    spend: Told = (
        "spend",
        f"Spend, mean {money}",
        "amount",
        lambda line: line.told.spend.mean,
        lambda line: total_of(told, line, SPENT),
    )
    if not told.in_money:
        return [spend]
    return [
        spend,
        (
            "profit",
            f"Profit, mean {money}",
            "amount",
            lambda line: mean(line.told.profit),
            lambda line: f"{from_inputs(MARGIN)}*{total_of(told, line, earning(told))}-{{spend}}",
        ),
        (
            "present",
            f"Value at the start {money}",
            "amount",
            lambda line: mean(line.told.present),
            lambda line: total_of(told, line, PRESENT),
        ),
    ]


def _of_run(told: Layout) -> list[Field]:
    """What no formula can follow, for it is counted on paths."""
    unit, reached = f"[{told.outcome}]", "plan" if told.found.target is None else "target"
    named: list[tuple[str, str, Form, Callable[[Reading], float]]] = [
        ("p05", f"Outcome 5 % {unit}", told.amount, lambda one: one.outcome.p05),
        ("p95", f"Outcome 95 % {unit}", told.amount, lambda one: one.outcome.p95),
        ("chance", f"Chance to reach the {reached}", "share", lambda one: one.target),
    ]
    kept = []
    for key, head, form, of in named:
        column = found_column(told, key)
        formulas = [place((line.row, column), RUN) for line in told.lines]
        kept.append(Field(key, head, form, [of(line.told) for line in told.lines], formulas, is_run=True))
    return kept


def _agreeing(told: Layout) -> list[str]:
    """For each line whether its live figures are those of this run, but for rounding."""
    keys = ("outcome", "spend", *(("profit", "present") if told.in_money else ()))
    there = [(key, found_column(told, key)) for key in keys]
    spent = found_column(told, "spend")
    told_of = []
    for line in told.lines:
        size = f"ABS({place((line.row, spent), RUN)})"  # of what a profit is the difference
        near = [
            f"ABS({{{key}}}-{at})<={AGREES}*(ABS({at})+{size})"
            for key, column in there
            for at in [place((line.row, column), RUN)]
        ]
        told_of.append(f"IF(AND({','.join(near)}),1,0)")
    return told_of


def _change(value: str) -> str:
    """The change of a mean against the plan; none where the plan brings nothing."""
    plan = from_inputs(PLAN)
    return f"IF({plan}=0,0,{value}/{plan}-1)"


def policy_column(told: Layout, key: str) -> int:
    """The column of a live figure in the sheet of policies."""
    keys = [key for key, *_ in [*_outcomes(told), *_money(told)]]
    return NAMES + keys.index(key)


def all_policies(told: Layout, key: str) -> str:
    """The cells with a live figure of all policies, as formulas of other sheets call them."""
    column, (first, last) = policy_column(told, key), told.ends
    return block((first, column), (last, column), POLICIES)


def shown(told: Layout, key: str) -> str:
    """A live figure of the policy that is shown, as a formula."""
    return f"INDEX({all_policies(told, key)},{from_switch(SHOWN_ROW)})"


def held(told: Layout, key: str) -> str:
    """A live figure of the plan held in the case that is shown, as a formula."""
    return f"INDEX({all_policies(told, key)},{from_switch(HELD_ROW)})"


def all_agreeing(told: Layout) -> str:
    """The cells that say of each policy whether it agrees with this run."""
    column, (first, last) = NAMES + len([*_outcomes(told), *_money(told), *_of_run(told)]), told.ends
    return block((first, column), (last, column), POLICIES)


def write_policies(book: Book, told: Layout) -> None:
    """One row a policy of each case."""
    sheet, every = book.sheet(POLICIES, (TOP, NAMES)), policy_fields(told)
    titled(sheet, told, "Policies", ("What each policy comes to over all quarters, in the mean of all paths.", LIVE))
    sheet.wide(0, [28, 22, 8, *[11.5] * (len(every) - NAMES)])
    write_table(sheet, (TOP - 1, 0), every, 62)
    first, last = told.ends
    look = book.book.add_format({"bg_color": "#FFF2CC"})
    rule = {"type": "formula", "criteria": f'=$C{first + 1}="shown"', "format": look}
    sheet.page.conditional_format(first, 0, last, len(every) - 1, rule)
    sheet.page.autofilter(TOP - 1, 0, last, len(every) - 1)


def write_cases(book: Book, told: Layout) -> None:
    """One row a case: what each policy brings, and how far from the plan that is."""
    sheet, count = book.sheet(CASES, (TOP, 1)), len(told.policies)
    note = "Mean outcome of each policy over all quarters, and its change against the plan."
    titled(sheet, told, "Cases", (note, LIVE))
    every = case_fields(told)
    sheet.wide(0, [44, *[14.0] * (2 * count), 26, *[13] * (len(every) - 2 * count - 2)])
    write_table(sheet, (TOP - 1, 0), every, 62)
    shade = {"type": "3_color_scale", "min_color": "#F4B6B0", "mid_color": "#FFFFFF", "max_color": "#B7DDB0"}
    zero = {"mid_type": "num", "mid_value": 0}
    sheet.page.conditional_format(TOP, count + 1, TOP + len(told.cases) - 1, 2 * count, {**shade, **zero})


def case_fields(told: Layout) -> tuple[Field, ...]:
    """The columns of the sheet of cases."""
    plan, outcome = told.found.planned.mean, policy_column(told, "outcome")
    means, changes = [], []
    for number, name in enumerate(told.policies, 1):
        lines = [line for line in told.lines if line.policy == number]
        values = [line.told.outcome.mean for line in lines]
        cells = [place((line.row, outcome), POLICIES) for line in lines]
        means.append(Field(f"mean {number}", f"{name} [{told.outcome}]", told.amount, values, cells))
        change = [value / plan - 1 if plan else 0.0 for value in values]
        formulas = each(change, _change(f"{{mean {number}}}"))
        changes.append(Field(f"change {number}", f"{name}, change against the plan", "share", change, formulas))
    return Field("case", "Case", "text", told.cases), *means, *changes, *_to_choose(told)


def _to_choose(told: Layout) -> list[Field]:
    """Under the policy that this run says to choose."""
    best = [next(line for line in told.lines if line.told is choice(case)) for case in told.found.cases]
    kept = [Field("choose", "Policy to choose", "text", [told.policies[line.policy - 1] for line in best], is_run=True)]
    if told.in_money:
        column = policy_column(told, "profit")
        cells = [place((line.row, column), POLICIES) for line in best]
        values = [mean(line.told.profit) for line in best]
        kept.append(Field("profit", f"Profit under it [{told.currency}]", "amount", values, cells))
    column = found_column(told, "chance")
    cells = [place((line.row, column), RUN) for line in best]
    return [*kept, Field("chance", "Chance under it", "share", [line.told.target for line in best], cells, is_run=True)]
