"""The sheet of a stress test's workbook with what was asked: its terms, and the lists that the switch chooses from."""

from engine.report.stress_layout import (
    CASE,
    CUSTOMERS,
    INPUTS,
    LEVEL,
    LISTS,
    MARGIN,
    MEDIA,
    PLAN,
    POLICY,
    RATE,
    SPEND,
    SUMMARY,
    TARGET,
    TOP,
    Layout,
    titled,
)
from engine.report.workbook import Book, Cell, Form, Sheet, place

MARKED = "Blue on light may be changed, here and in the sheet By quarter: all other sheets follow."
NEAR = "a year; exact as it is, near at other rates"
LIST_OF_CASES, LIST_OF_POLICIES = (0, 1, 2), (4, 5, 6)  # columns: name, number, the number where it is chosen


def write_inputs(book: Book, told: Layout) -> None:
    """What was asked: terms, and the lists that the switch chooses from."""
    sheet, found = book.sheet(INPUTS, (TOP, 0), is_one_page=True), told.found
    titled(sheet, told, "Inputs", (MARKED, ""))
    sheet.wide(0, [46, 18, 42, 4, 34, 10, 10])
    sheet.heads((TOP - 1, 0), ["What", "Value"], tall=18)
    sheet.text((TOP - 1, 2), "Unit", "head")
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
    _term(sheet, RATE, ("Discount rate", NEAR), terms.discount_rate, "rate", True)
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
