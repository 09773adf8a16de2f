"""The sheets of a stress test's workbook with the figures of every quarter: those that formulas read, and the bands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.report.stress_layout import (
    BANDS,
    FIGURES,
    GREY,
    MARGIN,
    RATE,
    TOP,
    Layout,
    Line,
    from_inputs,
    head_of,
    mean,
    titled,
)
from engine.report.workbook import Book, Cell, Form, Sheet, block, place
from engine.stress.readout import Flow, Quarter, Spread

MARKED = "Blue on light may be changed: all other sheets follow. Dark headers: formulas."
FIRST = 4  # column of figures by quarter: those before say whose they are
PLANNED, OUTCOME, SPENT, BASE = "Plan", "Outcome", "Spend", "Base of contribution"
RECEIVED, RECEIVED_AFTER = "Base of what is received", "Years until received"
PAID, PAID_AFTER, PRESENT = "Paid to media", "Years until paid", "Value at the start"
POINTS = ("5 %", "50 %", "95 %")


@dataclass(frozen=True)
class Column:
    """A column of figures by quarter."""

    name: str
    unit: str
    form: Form
    value: Callable[[Quarter], float | None]
    formula: str = ""  # with {row} for its row; none: a value

    @property
    def head(self) -> str:
        """Its header."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def columns(told: Layout) -> tuple[Column, ...]:
    """The columns of the sheet by quarter, after those that say whose they are."""
    amounts = (
        Column(PLANNED, told.outcome, told.amount, lambda one: one.planned),
        Column(OUTCOME, told.outcome, told.amount, lambda one: one.outcome.mean),
        Column(SPENT, told.currency, "amount", lambda one: one.spend.mean),
    )
    return (*amounts, *(_flows(told, len(amounts)) if told.in_money else ()))


def _flows(told: Layout, before: int) -> tuple[Column, ...]:
    """Where all outcome has one margin, money stands as the outcome that it is a margin of; else as it is."""
    unit, form, what = told.margin or 1.0, told.amount, told.outcome
    if told.margin is None:
        form, what = "amount", told.currency
    kept = [Column(BASE, what, form, contribution)] if told.margin is None else []
    kept += [
        Column(RECEIVED, what, form, lambda one: flow(one).received / unit),
        Column(RECEIVED_AFTER, "years", "years", lambda one: flow(one).received_years),
        Column(PAID, told.currency, "amount", lambda one: flow(one).paid),
        Column(PAID_AFTER, "years", "years", lambda one: flow(one).paid_years),
    ]
    letters = {one.name: place((0, FIRST + before + at), fixed=False)[:-1] for at, one in enumerate(kept)}
    received, received_after, paid, paid_after = (letters[one.name] + "{row}" for one in kept[-4:])
    margin, yearly = from_inputs(MARGIN), f"(1+{from_inputs(RATE)})"
    now = f"{margin}*{received}*{yearly}^(0-{received_after})-{paid}*{yearly}^(0-{paid_after})"
    return (*kept, Column(PRESENT, told.currency, "amount", lambda one: present(told, one), now))


def bands(told: Layout) -> tuple[Column, ...]:
    """The columns of the sheet of bands, after those that say whose they are."""
    measures: list[tuple[str, str, Form, Callable[[Quarter], Spread | None]]] = [
        (OUTCOME, told.outcome, told.amount, lambda one: one.outcome),
        (SPENT, told.currency, "amount", lambda one: one.spend),
    ]
    if told.in_money:
        measures += [
            ("Profit", told.currency, "amount", lambda one: one.profit),
            ("Cash", told.currency, "amount", lambda one: one.cash),
        ]
    kept = [
        Column(f"{name} {POINTS[at]}", unit, form, _point(of, at))
        for name, unit, form, of in measures
        for at in range(len(POINTS))
    ]
    has_team = any(one.lost is not None for line in told.lines for one in line.told.quarters)
    return (*kept, *([Column("Leads lost", "", "share", lambda one: one.lost)] if has_team else []))


def _point(of: Callable[[Quarter], Spread | None], at: int) -> Callable[[Quarter], float | None]:
    def value(one: Quarter) -> float | None:
        band = of(one)
        return (band.p05, band.p50, band.p95)[at] if band else None

    return value


def contribution(one: Quarter) -> float:
    """What is left of the outcome of a quarter before the media [currency]."""
    return mean(one.profit) + one.spend.mean


def flow(one: Quarter) -> Flow:
    """The money that moves in a quarter; none where it is not known."""
    return one.flow or Flow(0.0, 0.0, 0.0, 0.0)


def present(told: Layout, one: Quarter) -> float:
    """The value at the start of the cash of a quarter [currency]."""
    moved, yearly = flow(one), 1 + told.found.terms.discount_rate
    return moved.received * yearly**-moved.received_years - moved.paid * yearly**-moved.paid_years


def earning(told: Layout) -> str:
    """The column of which the margin is the contribution."""
    return OUTCOME if told.margin else BASE


def column_of(told: Layout, name: str) -> int:
    """The column of a figure in the sheet by quarter."""
    return FIRST + [one.name for one in columns(told)].index(name)


def band_of(told: Layout, name: str) -> int:
    """The column of a figure in the sheet of bands."""
    return FIRST + head_of([one.name for one in bands(told)], name)


def total_of(told: Layout, line: Line, name: str) -> str:
    """The sum of a figure over the quarters of a policy, as a formula."""
    column = column_of(told, name)
    return f"SUM({block((line.first, column), (line.last, column), FIGURES)})"


def total_of_all(told: Layout, name: str) -> str:
    """The sum of a figure over the quarters of all policies, as a formula."""
    column = column_of(told, name)
    return f"SUM({block((TOP, column), (told.last, column), FIGURES)})"


def write_figures(book: Book, told: Layout) -> None:
    """The means of every quarter, case and policy, all of which may be changed."""
    sheet = book.sheet(FIGURES, (TOP, FIRST))
    titled(sheet, told, "Figures by quarter, case and policy: means of all paths", (MARKED, ""))
    _write(sheet, told, columns(told), is_run=False)


def write_bands(book: Book, told: Layout) -> None:
    """The bands of every quarter, case and policy."""
    sheet = book.sheet(BANDS, (TOP, FIRST))
    titled(sheet, told, "Bands by quarter, case and policy: points of all paths", (GREY, ""))
    _write(sheet, told, bands(told), is_run=True)


def _write(sheet: Sheet, told: Layout, every: Sequence[Column], is_run: bool) -> None:
    names = ["Key", "Case", "Policy", "Quarter", *[one.head for one in every]]
    sheet.heads((TOP - 1, 0), names, FIRST, 48, is_run)
    sheet.wide(0, [8, 28, 22, 25, *[13.0] * len(every)])
    for line in told.lines:
        for at, quarter in enumerate(line.told.quarters):
            row = line.first + at
            sheet.number((row, 0), line.key + at + 1, "count")
            for column, name in enumerate((told.cases[line.case - 1], told.policies[line.policy - 1], quarter.name), 1):
                sheet.text((row, column), name)
            for column, one in enumerate(every, FIRST):
                _figure(sheet, (row, column), one, quarter, is_run)
    sheet.page.autofilter(TOP - 1, 0, told.last, FIRST + len(every) - 1)


def _figure(sheet: Sheet, cell: Cell, one: Column, quarter: Quarter, is_run: bool) -> None:
    value = one.value(quarter)
    if one.formula and value is not None:
        sheet.formula(cell, one.formula.format(row=cell[0] + 1), value, one.form)
    else:
        sheet.number(cell, value, one.form, "figure" if is_run else "input")
