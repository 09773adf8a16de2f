"""The sheets of a stress test's workbook that others read: what was asked, and the figures of every quarter."""

from engine.report.stress_layout import (
    BASE,
    CASE,
    CUSTOMERS,
    FIGURES,
    FIRST,
    INPUTS,
    LEVEL,
    LISTS,
    MARGIN,
    MEDIA,
    NEXT_CASE,
    NEXT_POLICY,
    OUTCOME,
    PLAN,
    POLICY,
    RATE,
    SPEND,
    SUMMARY,
    TARGET,
    TOP,
    Column,
    Layout,
    Line,
    column_of,
    columns,
    titled,
)
from engine.report.workbook import Book, Cell, Form, Sheet, place
from engine.stress.readout import Quarter

MARKED = "Blue on light: may be changed; Summary and Quarters follow. Other figures are the engine's."
LIST_OF_CASES, LIST_OF_POLICIES = (0, 1, 2), (4, 5, 6)  # columns: name, number, the number where it is chosen


def write_inputs(book: Book, told: Layout) -> None:
    """What was asked: terms, and the lists that the switch chooses from."""
    sheet, found = book.sheet(INPUTS), told.found
    titled(sheet, "Inputs", MARKED)
    sheet.wide(0, [46, 18, 24, 4, 34, 10, 10])
    sheet.heads((TOP - 1, 0), ["What", "Value", "Unit"], tall=18)
    _term(sheet, PLAN, ("Plan's outcome without shocks, mean", told.outcome), found.planned.mean, told.amount, False)
    target = found.planned.mean if found.target is None else found.target
    _term(sheet, TARGET, ("Target for the outcome", told.outcome), target, told.amount, True)
    _term(sheet, SPEND, ("Plan's spend", told.currency), found.spend, "amount", False)
    _term(sheet, LEVEL, ("Worst paths that are told", "share of paths"), found.level, "share", False)
    if told.in_money:
        _money_terms(sheet, told)
    _list(sheet, LIST_OF_CASES, ("Case", told.cases), CASE, told.chosen.case)
    _list(sheet, LIST_OF_POLICIES, ("Policy", told.policies), POLICY, told.chosen.policy)


def _money_terms(sheet: Sheet, told: Layout) -> None:
    terms = told.found.terms
    if told.margin is None:
        _term(sheet, MARGIN, ("Margins, as a multiple of those used", "times"), 1.0, "factor", True)
    else:
        _term(sheet, MARGIN, ("Margin on the outcome", "share"), told.margin, "rate", True)
    _term(sheet, RATE, ("Discount rate", "a year"), terms.discount_rate, "rate", True)
    after = f"{terms.period}s after, as used"
    _term(sheet, CUSTOMERS, ("Customers pay", after), float(terms.customers_pay_after), "count", False)
    _term(sheet, MEDIA, ("Media are paid", after), float(terms.media_paid_after), "count", False)


def _term(sheet: Sheet, cell: Cell, names: tuple[str, str], value: float, form: Form, is_input: bool) -> None:
    row, column = cell
    sheet.text((row, column - 1), names[0])
    sheet.number(cell, value, form, "input" if is_input else "figure")
    sheet.text((row, column + 1), names[1])


def _list(
    sheet: Sheet, where: tuple[int, int, int], listed: tuple[str, tuple[str, ...]], switch: Cell, chosen: int
) -> None:
    """Names to choose from; beside each its number where it is the one chosen, else 0."""
    head, names = listed
    sheet.heads((LISTS - 1, where[0]), [head, "No.", "Chosen"], tall=18)
    for at, name in enumerate(names):
        label, number, picked = ((LISTS + at, column) for column in where)
        sheet.number(number, at + 1, "count")
        sheet.text(label, name)
        is_it = f"{place(label, fixed=False)}={place(switch, SUMMARY)}"
        known = float(at + 1 if at + 1 == chosen else 0)
        sheet.formula(picked, f"IF({is_it},{place(number, fixed=False)},0)", known, "count")


def write_figures(book: Book, told: Layout) -> None:
    """The figures of every quarter, case and policy; contribution is taken of the outcome that stands there."""
    sheet, every = book.sheet(FIGURES, (TOP, FIRST), across=2), columns(told)
    titled(sheet, "Figures by quarter, case and policy: means of all paths, and bands", MARKED)
    heads = [f"{one.head} [{one.unit}]" if one.unit else one.head for one in every]
    sheet.heads((TOP - 1, 0), ["Key", "Case", "Policy", "Quarter", *heads], FIRST, 48)
    sheet.wide(0, [9, 24, 24, 25, *[14.0] * len(every)])
    for line in told.lines:
        for at, quarter in enumerate(line.told.quarters):
            _figures(sheet, told, line, at, quarter)
    sheet.page.autofilter(TOP - 1, 0, told.last, FIRST + len(every) - 1)


def _figures(sheet: Sheet, told: Layout, line: Line, at: int, quarter: Quarter) -> None:
    row = line.first + at
    sheet.number((row, 0), line.case * NEXT_CASE + line.policy * NEXT_POLICY + at + 1, "count")
    for column, name in enumerate((told.cases[line.case - 1], told.policies[line.policy - 1], quarter.name), 1):
        sheet.text((row, column), name)
    for column, one in enumerate(columns(told), FIRST):
        _figure(sheet, told, (row, column), one, quarter)


def _figure(sheet: Sheet, told: Layout, cell: Cell, one: Column, quarter: Quarter) -> None:
    if one.head == BASE and not one.is_input:
        outcome = place((cell[0], column_of(told, OUTCOME)), fixed=False)
        sheet.formula(cell, outcome, quarter.outcome.mean, one.form)
    else:
        sheet.number(cell, one.value(quarter), one.form, "input" if one.is_input else "figure")
