"""The sheet of a stress test's workbook that says whether sums agree, and the one that opens it."""

from dataclasses import dataclass

from engine.report.stress import decision
from engine.report.stress_inputs import LIST_OF_CASES, LIST_OF_POLICIES
from engine.report.stress_layout import (
    BASE,
    CASE,
    CASE_NUMBER,
    CHECKS,
    INPUTS,
    LISTS,
    MARGIN,
    OUTCOME,
    PAID,
    PLAN,
    PLANNED,
    POLICIES,
    POLICY,
    POLICY_NUMBER,
    QUARTERS,
    RECEIVED,
    SPENT,
    SUMMARY,
    TOP,
    Layout,
    Line,
    from_inputs,
    mean,
    titled,
    total_of,
)
from engine.report.stress_policies import bridge_end, bridge_outcome, policy_cell
from engine.report.stress_quarters import totals
from engine.report.workbook import Book, Form, Sheet, block, place, short

TOLERANCE = "1E-9"  # of what is compared
WHAT, HERE, THERE, DIFFERENCE, ALLOWED, AGREES = range(6)
ALL = (2, 1)  # the cell that says whether every check agrees
AGREED, CHANGED = "All sums agree.", "Sums do not agree with the engine's figures: an input was changed. See Checks."


@dataclass(frozen=True)
class Check:
    """Two ways to one figure."""

    what: str
    here: str  # formula
    there: str  # formula of the engine's figure
    value: float
    size: float  # of what it is a difference of: sets how far the two may lie apart


def write_checks(book: Book, told: Layout) -> None:
    """Sums that must agree, each with its verdict, and one verdict over all."""
    sheet, every = book.sheet(CHECKS, (TOP, 1)), _checks(told)
    titled(sheet, "Checks", "Quarters against totals, the bridge, and the inputs against the engine's figures.")
    sheet.wide(0, [70, 18, 18, 14, 14, 10])
    verdicts = block((TOP, AGREES), (TOP + len(every) - 1, AGREES))
    sheet.text((ALL[0], 0), "All agree", "strong")
    sheet.formula(ALL, f"AND({verdicts})", True, "flag", "strong")
    sheet.heads((TOP - 1, 0), ["What", "Here", "Engine", "Difference", "Allowed", "Agrees"], tall=18)
    for row, one in enumerate(every, TOP):
        at = {name: place((row, column), fixed=False) for name, column in (("here", HERE), ("there", THERE))}
        difference, allowed = (place((row, column), fixed=False) for column in (DIFFERENCE, ALLOWED))
        sheet.text((row, WHAT), one.what)
        sheet.formula((row, HERE), one.here, one.value, "fine")
        sheet.formula((row, THERE), one.there, one.value, "fine")
        sheet.formula((row, DIFFERENCE), f"{at['here']}-{at['there']}", 0.0, "fine")
        scale = f"ABS({at['there']})+{one.size!r}"
        sheet.formula((row, ALLOWED), f"{TOLERANCE}*({scale})", 1e-9 * (abs(one.value) + one.size), "factor")
        sheet.formula((row, AGREES), f"ABS({difference})<={allowed}", True, "flag")
    red = book.book.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})
    sheet.page.conditional_format(
        TOP, AGREES, TOP + len(every) - 1, AGREES, {"type": "cell", "criteria": "==", "value": "FALSE", "format": red}
    )


def _checks(told: Layout) -> tuple[Check, ...]:
    bars = told.found.bridge
    end = bars[-1].low if bars else 0.0
    ends = [Check("Bridge: bars add up to the outcome", bridge_end(told), bridge_outcome(told), end, 0.0)]
    return (
        *_of_the_switch(told),
        *(ends if bars else ()),
        *(check for line in told.lines for check in _of_line(told, line)),
    )


def _of_the_switch(told: Layout) -> list[Check]:
    """The totals of the quarters that are shown against the engine's figures of the same policy."""
    one, first, last = told.chosen.told, told.lines[0], told.lines[-1]
    values = {"Outcome": one.outcome.mean, "Spend": one.spend.mean}
    values |= {"Profit": mean(one.profit), "Value at the start": mean(one.present)} if told.in_money else {}
    named = {"Outcome": "Mean", "Spend": "Spend", "Profit": "Profit [", "Value at the start": "Value at the start"}
    row = (
        f"({place(CASE_NUMBER, SUMMARY)}-1)*{len(told.policies)}+{place(POLICY_NUMBER, SUMMARY)}"
        if len(told.lines) == len(told.cases) * len(told.policies)
        else "1"
    )
    found = []
    for name, value in values.items():
        column = f"{policy_cell(told, first, named[name], POLICIES)}:{policy_cell(told, last, named[name], '')}"
        size = _size(one.spend.mean, mean(one.profit)) if name in ("Profit", "Value at the start") else 0.0
        here = place(totals(told)[name], QUARTERS)
        found.append(Check(f"Shown: {name.lower()} of all quarters", here, f"INDEX({column},{row})", value, size))
    return found


def _size(spend: float, profit: float) -> float:
    """What a profit is the difference of [currency]."""
    return 2 * abs(spend) + abs(profit)


def _of_line(told: Layout, line: Line) -> list[Check]:
    """What the quarters of one policy of one case add up to."""
    one, name = line.told, f"{told.cases[line.case - 1]}, {told.policies[line.policy - 1]}"
    planned = sum(quarter.planned for quarter in one.quarters)
    found = [
        Check(f"{name}: plan by quarter", total_of(told, line, PLANNED), from_inputs(PLAN), planned, 0.0),
        Check(
            f"{name}: outcome by quarter",
            total_of(told, line, OUTCOME),
            policy_cell(told, line, "Mean", POLICIES),
            one.outcome.mean,
            0.0,
        ),
        Check(
            f"{name}: spend by quarter",
            total_of(told, line, SPENT),
            policy_cell(told, line, "Spend", POLICIES),
            one.spend.mean,
            0.0,
        ),
    ]
    return found + (_of_money(told, line, name) if told.in_money else [])


def _of_money(told: Layout, line: Line, name: str) -> list[Check]:
    margin, profit = from_inputs(MARGIN), policy_cell(told, line, "Profit [", POLICIES)
    value, size = mean(line.told.profit), _size(line.told.spend.mean, mean(line.told.profit))
    earned = f"{margin}*{total_of(told, line, BASE)}-{total_of(told, line, SPENT)}"
    cash = f"{margin}*{total_of(told, line, RECEIVED)}-{total_of(told, line, PAID)}"
    return [
        Check(f"{name}: profit by quarter", earned, profit, value, size),
        Check(f"{name}: all cash is profit", cash, profit, value, size),
    ]


def write_summary(sheet: Sheet, told: Layout) -> None:
    """The decision, the switch, what it shows, whether sums agree, and what the answer was made from."""
    found = told.found
    sheet.wide(0, [26, 40, 12, 16, 16, 16])
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), f"Stress test: {short(found.scenario, 100)}", "title")
    sentence = decision(found)
    sheet.page.set_row(1, 14.5 * (1 + len(sentence) // 105))
    sheet.paragraph(((1, 0), (1, 5)), sentence, "strong")
    sheet.heads((3, 0), ["Shown in the sheets", "Choose", "Number"], 2, 18)
    lists = (
        ("Case", CASE, CASE_NUMBER, told.cases, LIST_OF_CASES, told.chosen.case),
        ("Policy", POLICY, POLICY_NUMBER, told.policies, LIST_OF_POLICIES, told.chosen.policy),
    )
    for name, cell, number, names, columns, chosen in lists:
        sheet.text((cell[0], 0), name)
        sheet.text(cell, names[chosen - 1], "input")
        first, last = LISTS, LISTS + len(names) - 1
        listed = block((first, columns[0]), (last, columns[0]), INPUTS)
        sheet.page.data_validation(*cell, *cell, {"validate": "list", "source": f"={listed}"})
        picked = block((first, columns[2]), (last, columns[2]), INPUTS)
        sheet.formula(number, f"SUM({picked})", float(chosen), "count", "remark")
    row = _shown(sheet, told, POLICY[0] + 2)
    verdict = f'IF({place(ALL, CHECKS)},"{AGREED}","{CHANGED}")'
    sheet.text((row, 0), "Checks", "strong")
    sheet.formula((row, 1), verdict, AGREED, "text", "strong")
    _made_from(sheet, told, row + 2)


def _shown(sheet: Sheet, told: Layout, row: int) -> int:
    """The totals of what the switch says; the row after them."""
    one, cells = told.chosen.told, totals(told)
    figures: list[tuple[str, str, float, Form]] = [
        (f"Plan's outcome [{told.outcome}]", from_inputs(PLAN), told.found.planned.mean, told.amount),
        (f"Outcome [{told.outcome}]", place(cells["Outcome"], QUARTERS), one.outcome.mean, told.amount),
        (f"Spend [{told.currency}]", place(cells["Spend"], QUARTERS), one.spend.mean, "amount"),
    ]
    if told.in_money:
        money = f"[{told.currency}]"
        figures += [
            (f"Profit {money}", place(cells["Profit"], QUARTERS), mean(one.profit), "amount"),
            (f"Value at start {money}", place(cells["Value at the start"], QUARTERS), mean(one.present), "amount"),
        ]
    for name, formula, value, form in figures:
        sheet.text((row, 0), name)
        sheet.formula((row, 1), formula, value, form, "strong")
        row += 1
    return row + 1


def _made_from(sheet: Sheet, told: Layout, row: int) -> None:
    found = told.found
    facts = {
        "Period": found.span,
        "Currency": found.currency,
        "Outcome counts": found.measure,
        "Played": f"{found.asked}: {', '.join(f'{one.paths:,}' for one in found.cases[:1])} paths a case",
        "Seed": str(found.seed),
        "Hash of all paths": found.hash,
        "Made from": found.made_from,
    }
    for name, text in facts.items():
        sheet.text((row, 0), name)
        sheet.page.set_row(row, 14.5 * (1 + len(text) // 90))
        sheet.paragraph(((row, 1), (row, 5)), text)
        row += 1
    for warning in found.warnings:
        sheet.page.set_row(row, 14.5 * (1 + len(warning) // 105))
        sheet.paragraph(((row, 0), (row, 5)), f"Beware: {warning}.")
        row += 1
