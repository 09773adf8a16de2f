"""The first sheet of a stress test's workbook, with the decision and the switch, and the last, with its provenance."""

from engine import __version__
from engine.report.stress import SCHEMA, decision
from engine.report.stress_checks import ALL
from engine.report.stress_choice import told_case
from engine.report.stress_inputs import LIST_OF_CASES, LIST_OF_POLICIES
from engine.report.stress_layout import (
    BANDS,
    BRIDGE,
    CASE,
    CASE_NUMBER,
    CASES,
    CHECKS,
    FIGURES,
    HELD_ROW,
    INPUTS,
    LIMITS,
    LISTS,
    MADE,
    MARGIN,
    MOVES,
    NEXT_CASE,
    NEXT_POLICY,
    PLAN,
    POLICIES,
    POLICY,
    POLICY_NUMBER,
    QUARTERS,
    RUN,
    SHOWN_ROW,
    SPEND,
    TOP,
    TORNADO,
    WORST,
    Layout,
    from_inputs,
    mean,
    titled,
)
from engine.report.stress_notes import next_step
from engine.report.stress_policies import held, shown
from engine.report.stress_quarters import totals
from engine.report.stress_run import all_found, found_for_shown
from engine.report.workbook import Book, Form, Role, Sheet, block, place, short

AGREED, CHANGED = "All sums agree.", "Sums do not agree with this run's figures: an input was changed. See Checks."
WIDE, LETTERS = (0, 5), 125  # columns of a sentence, and letters of one of its lines
HIGHEST = 409.0  # points
CONTENTS = {  # sheet: what it tells, and what it follows
    QUARTERS: ("The policy that is shown, quarter by quarter", "inputs and switch"),
    POLICIES: ("Every policy of every case", "inputs"),
    CASES: ("Every case beside the plan", "inputs"),
    BRIDGE: ("From the plan to outcome and profit", "inputs and switch"),
    TORNADO: ("What each shock changes alone", "inputs; changes are of this run"),
    WORST: ("The paths with the least outcome", "inputs; paths are of this run"),
    LIMITS: ("Break-evens, commitments, who sells", "inputs; limits are of this run"),
    MOVES: ("Spend by channel and quarter beside the plan", "values of this run"),
    INPUTS: ("Margin, discount rate, target: may be changed", "inputs"),
    FIGURES: ("Means by quarter: may be changed", "inputs"),
    BANDS: ("5, 50 and 95 % by quarter", "values of this run"),
    RUN: ("What this run found of every policy", "values of this run"),
    CHECKS: ("Whether all sums agree", "all of them"),
    MADE: ("Seed, hashes, versions, warnings", "values of this run"),
}


def write_summary(sheet: Sheet, told: Layout, sheets: tuple[str, ...]) -> None:
    """The decision, the switch, what it shows, whether sums agree, and what stands in the other sheets."""
    found = told.found
    sheet.wide(0, [34, 44, 14, 16, 16, 16])
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), f"Stress test: {short(found.scenario, 100)}", "title")
    _sentence(sheet, 1, decision(found), "strong")
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
    _rows(sheet, told)
    row = _shown(sheet, told, HELD_ROW[0] + 2)
    verdict = f'IF({place(ALL, CHECKS)},"{AGREED}","{CHANGED}")'
    sheet.text((row, 0), "Checks", "strong")
    sheet.formula((row, 1), verdict, AGREED, "text", "strong")
    row = _told(sheet, row + 2, [next_step(found, told_case(found)), *_beware(told)])
    _contents(sheet, row + 1, sheets)


def _rows(sheet: Sheet, told: Layout) -> None:
    """In which rows of the sheets of policies and of this run the chosen policy and the plan held are found."""
    numbers = [(SHOWN_ROW, place(POLICY_NUMBER), told.chosen, "what is shown")]
    if told.held is not None:
        beside = told.held_beside(told.chosen) or told.chosen
        numbers.append((HELD_ROW, str(told.held), beside, "the plan held in that case"))
    for cell, number, line, what in numbers:
        key = f"{place(CASE_NUMBER)}*{NEXT_CASE}+{number}*{NEXT_POLICY}"
        sheet.text((cell[0], 1), f"Row of {what} in the table of policies", "remark")
        sheet.formula(cell, f"MATCH({key},{all_found(told, 'key')},0)", float(line.row - TOP + 1), "count", "remark")


def _shown(sheet: Sheet, told: Layout, row: int) -> int:
    """The totals of what the switch says; the row after them."""
    figures = [*_of_plan(told), *_of_policy(told)]
    for at, (name, formula, value, form, is_run) in enumerate(figures, row):
        sheet.text((at, 0), name)
        sheet.formula((at, 1), formula, value, form, "strong")
        sheet.text((at, 2), "of this run, not recalculated" if is_run else "", "remark")
    return row + len(figures) + 1


def _of_plan(told: Layout) -> list[tuple[str, str, float, Form, bool]]:
    found = told.found
    kept: list[tuple[str, str, float, Form, bool]] = [
        (f"Plan's outcome [{told.outcome}]", from_inputs(PLAN), found.planned.mean, told.amount, False),
        (f"Plan's spend [{told.currency}]", from_inputs(SPEND), found.spend, "amount", False),
    ]
    if told.margin:
        formula = f"{from_inputs(MARGIN)}*{from_inputs(PLAN)}-{from_inputs(SPEND)}"
        value = told.margin * found.planned.mean - found.spend
        kept.append((f"Plan's profit [{told.currency}]", formula, value, "amount", False))
    return kept


def _of_policy(told: Layout) -> list[tuple[str, str, float, Form, bool]]:
    one, cells, money = told.chosen.told, totals(told), f"[{told.currency}]"
    unit, form, beside = f"[{told.outcome}]", told.amount, told.held_beside(told.chosen)
    kept: list[tuple[str, str, float, Form, bool]] = [
        (f"Outcome {unit}", place(cells["outcome"], QUARTERS), one.outcome.mean, form, False)
    ]
    if beside:
        gain = f"{shown(told, 'outcome')}-{held(told, 'outcome')}"
        kept.append((f"Gain over hold {unit}", gain, one.outcome.mean - beside.told.outcome.mean, form, False))
    kept.append((f"Spend {money}", place(cells["spend"], QUARTERS), one.spend.mean, "amount", False))
    if told.in_money:
        kept += [
            (f"Profit {money}", place(cells["profit"], QUARTERS), mean(one.profit), "amount", False),
            (f"Value at start {money}", place(cells["present"], QUARTERS), mean(one.present), "amount", False),
        ]
    reached = "plan's outcome" if told.found.target is None else "target"
    return [
        *kept,
        (f"Outcome 5 % {unit}", found_for_shown(told, "p05"), one.outcome.p05, form, True),
        (f"Outcome 95 % {unit}", found_for_shown(told, "p95"), one.outcome.p95, form, True),
        (f"Chance of the {reached}", found_for_shown(told, "chance"), one.target, "share", True),
    ]


def _beware(told: Layout) -> list[str]:
    return [f"Beware: {warning}." for warning in told.found.warnings]


def _told(sheet: Sheet, row: int, sentences: list[str]) -> int:
    """Sentences below each other; the row after them."""
    for sentence in filter(None, sentences):
        _sentence(sheet, row, sentence)
        row += 1
    return row


def _sentence(sheet: Sheet, row: int, text: str, role: Role = "note") -> None:
    _high(sheet, row, text, LETTERS)
    left, right = WIDE
    sheet.paragraph(((row, left), (row, right)), text, role)


def _high(sheet: Sheet, row: int, text: str, letters: int) -> None:
    """Make a row as high as a text needs, with so many letters in a line; a spreadsheet has no higher rows than 409."""
    sheet.page.set_row(row, min(14.5 * (1 + len(text) // letters), HIGHEST))


def _contents(sheet: Sheet, row: int, sheets: tuple[str, ...]) -> None:
    sheet.heads((row, 0), ["Sheet", "What it tells", "Follows", ""], 4, 18)
    for at, name in enumerate((name for name in sheets if name in CONTENTS), row + 1):
        for column, text in enumerate((name, *CONTENTS[name])):
            sheet.text((at, column), text)


def write_made(book: Book, told: Layout) -> None:
    """From what all of it was made, and what to beware of."""
    sheet = book.sheet(MADE, (TOP, 1))
    titled(sheet, told, "Made from", ("What makes the same figures again.", ""))
    sheet.wide(0, [34, 44, 14, 16, 16, 16])
    sheet.heads((TOP - 1, 0), ["What", "", "", "", "", ""], 6, 18)
    row = TOP
    for name, text in _facts(told).items():
        sheet.text((row, 0), name, "strong")
        _high(sheet, row, text, LETTERS * 3 // 4)
        sheet.paragraph(((row, 1), (row, 5)), text)
        row += 1
    _told(sheet, row + 1, _beware(told) or ["No warnings."])


def _facts(told: Layout) -> dict[str, str]:
    found = told.found
    facts = {
        "Scenario": found.scenario,
        "Period": found.span,
        "Decisions": ", ".join(found.decisions),
        "Currency": found.currency,
        "Outcome counts": found.measure,
        "The plan maximises": found.aim or found.measure,
        "Played": f"{found.asked}: {', '.join(f'{one.paths:,}' for one in found.cases[:1])} paths a case",
        "Cases": str(len(told.cases)),
        "Policies": ", ".join(told.policies),
        "Seed": str(found.seed),
        "Hash of all paths": found.hash,
        "Made from": found.made_from,
        "Made by": f"peso {__version__}, {SCHEMA}",
    }
    return {name: text for name, text in facts.items() if text}
