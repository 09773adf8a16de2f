"""Where everything stands in the workbook of a stress test, so that formulas of one sheet find the cells of another."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.report.stress import TOLD, choice
from engine.report.workbook import Cell, Form, Sheet, place, short
from engine.stress.readout import Answer, Flow, Quarter, Reading, Spread

SUMMARY, INPUTS, FIGURES, QUARTERS = "Summary", "Inputs", "By quarter", "Quarters"
BRIDGE, POLICIES, CASES, CHECKS = "Bridge", "Policies", "Cases", "Checks"
TOP = 4  # first row of a table, below its title and its header
SHORT = 60  # letters of a name in a list that one chooses from
NEXT_CASE, NEXT_POLICY = 100_000, 1_000  # by which the keys of cases and of policies differ

# Sheet "Summary": the switch, and the numbers of what it says.
CASE, POLICY = (4, 1), (5, 1)
CASE_NUMBER, POLICY_NUMBER = (4, 2), (5, 2)
# Sheet "Inputs".
PLAN, TARGET, SPEND, LEVEL, MARGIN, RATE, CUSTOMERS, MEDIA = ((row, 1) for row in range(TOP, TOP + 8))
LISTS = TOP + 12  # first row of the lists of cases and policies


@dataclass(frozen=True)
class Line:
    """One policy of one case."""

    case: int  # from 1
    policy: int  # from 1
    told: Reading
    first: int  # its first row in the sheet of figures by quarter
    row: int  # in the sheet of policies

    @property
    def last(self) -> int:
        """Its last row in the sheet of figures by quarter."""
        return self.first + len(self.told.quarters) - 1

    @property
    def key(self) -> int:
        """By which its quarters are found, each with its number from 1 on top."""
        return self.case * NEXT_CASE + self.policy * NEXT_POLICY


@dataclass(frozen=True)
class Layout:
    """What is told, and where."""

    found: Answer
    cases: tuple[str, ...]  # as they are chosen from a list
    policies: tuple[str, ...]
    lines: tuple[Line, ...]
    chosen: Line  # when the workbook is opened
    in_money: bool  # whether profit is known
    amount: Form

    @property
    def margin(self) -> float | None:
        """The margin that all outcome has; None where there is no such one, and only sums of money are known."""
        return self.found.terms.margin or None

    @property
    def outcome(self) -> str:
        """What the outcome counts, for the header of a column."""
        return short(self.found.unit or self.found.measure, SHORT)

    @property
    def currency(self) -> str:
        """For the header of a column."""
        return short(self.found.currency, SHORT)

    @property
    def last(self) -> int:
        """The last row of the sheet of figures by quarter."""
        return max(line.last for line in self.lines)


def layout(found: Answer) -> Layout:
    """Where everything stands."""
    names = list(dict.fromkeys(one.policy for case in found.cases for one in case.policies))
    lines: list[Line] = []
    first = TOP
    for number, case in enumerate(found.cases, 1):
        for told in case.policies:
            lines.append(Line(number, names.index(told.policy) + 1, told, first, TOP + len(lines)))
            first = lines[-1].last + 1
    worst = min(range(len(found.cases)), key=lambda at: found.cases[at].policies[0].outcome.mean)
    best = choice(found.cases[worst])
    size = max(abs(found.planned.mean), *(abs(line.told.outcome.mean) for line in lines))
    return Layout(
        found=found,
        cases=tuple(f"{number}. {short(case.name, SHORT)}" for number, case in enumerate(found.cases, 1)),
        policies=tuple(short(TOLD.get(name, name), SHORT) for name in names),
        lines=tuple(lines),
        chosen=next(line for line in lines if line.case == worst + 1 and line.told is best),
        in_money=all(
            line.told.profit and line.told.present and all(one.flow for one in line.told.quarters) for line in lines
        ),
        amount="amount" if size >= 1000 else "fine",
    )


@dataclass(frozen=True)
class Column:
    """A column of figures by quarter."""

    head: str
    unit: str
    form: Form
    value: Callable[[Quarter], float | None]
    is_input: bool = True


def columns(told: Layout) -> tuple[Column, ...]:
    """The columns of figures by quarter, after those that say whose they are."""
    return (*_amounts(told), *(_flows(told) if told.in_money else ()), *_bands(told), *_leads(told))


def column_of(told: Layout, head: str) -> int:
    """The column that has a header, in the sheet of figures by quarter."""
    return FIRST + [one.head for one in columns(told)].index(head)


FIRST = 4  # column of figures by quarter: those before say whose they are
PLANNED, OUTCOME, SPENT = "Plan", "Outcome", "Spend"
BASE, RECEIVED, RECEIVED_AFTER = "Base of contribution", "Base of what is received", "Years until received"
PAID, PAID_AFTER, LOST = "Paid to media", "Years until paid", "Leads lost"
BANDS = ("5 %", "50 %", "95 %")


def _amounts(told: Layout) -> tuple[Column, ...]:
    return (
        Column(PLANNED, told.outcome, told.amount, lambda one: one.planned),
        Column(OUTCOME, told.outcome, told.amount, lambda one: one.outcome.mean),
        Column(SPENT, told.currency, "amount", lambda one: one.spend.mean),
    )


def _flows(told: Layout) -> tuple[Column, ...]:
    """Where all outcome has one margin, money stands as the outcome that it is a margin of; else as it is."""
    unit = told.margin or 1.0
    form: Form = told.amount if told.margin else "amount"
    what = told.outcome if told.margin else told.currency
    return (
        Column(BASE, what, form, lambda one: contribution(one) / unit, told.margin is None),
        Column(RECEIVED, what, form, lambda one: flow(one).received / unit),
        Column(RECEIVED_AFTER, "years", "years", lambda one: flow(one).received_years),
        Column(PAID, told.currency, "amount", lambda one: flow(one).paid),
        Column(PAID_AFTER, "years", "years", lambda one: flow(one).paid_years),
    )


def _bands(told: Layout) -> tuple[Column, ...]:
    measures: list[tuple[str, str, Form, Callable[[Quarter], Spread | None]]] = [
        (OUTCOME, told.outcome, told.amount, lambda one: one.outcome),
        (SPENT, told.currency, "amount", lambda one: one.spend),
    ]
    if told.in_money:
        measures += [
            ("Profit", told.currency, "amount", lambda one: one.profit),
            ("Cash", told.currency, "amount", lambda one: one.cash),
        ]
    return tuple(
        Column(f"{name} {BANDS[at]}", unit, form, _point(of, at), is_input=False)
        for name, unit, form, of in measures
        for at in range(len(BANDS))
    )


def _point(of: Callable[[Quarter], Spread | None], at: int) -> Callable[[Quarter], float | None]:
    def value(one: Quarter) -> float | None:
        band = of(one)
        return (band.p05, band.p50, band.p95)[at] if band else None

    return value


def _leads(told: Layout) -> tuple[Column, ...]:
    has_team = any(one.lost is not None for line in told.lines for one in line.told.quarters)
    return (Column(LOST, "", "share", lambda one: one.lost, is_input=False),) if has_team else ()


def contribution(one: Quarter) -> float:
    """What is left of the outcome of a quarter before the media [currency]."""
    return mean(one.profit) + one.spend.mean


def mean(of: Spread | None) -> float:
    """The mean of a figure, 0 where it is not known."""
    return of.mean if of else 0.0


def flow(one: Quarter) -> Flow:
    """The money that moves in a quarter; none where it is not known."""
    return one.flow or Flow(0.0, 0.0, 0.0, 0.0)


def total_of(told: Layout, line: Line, head: str) -> str:
    """The sum of a column over the quarters of a policy, as a formula."""
    column = column_of(told, head)
    return f"SUM({place((line.first, column), FIGURES)}:{place((line.last, column))})"


def from_inputs(cell: Cell) -> str:
    """What a formula calls a cell of the inputs."""
    return place(cell, INPUTS)


def titled(sheet: Sheet, title: str, note: str) -> None:
    """Write the title of a sheet, and what one has to know of it."""
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), title, "title")
    sheet.text((1, 0), note, "remark")
