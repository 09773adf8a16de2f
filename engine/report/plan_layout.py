"""Where everything stands in a workbook of plans, so that formulas of one sheet find the cells of another."""

from dataclasses import dataclass

from engine.report.plan_book import PlanBook
from engine.report.plan_draws import FIRST_WEEK, WEEK_ROW, WEEKS
from engine.report.workbook import Cell, Form, Sheet, block, place, short

SUMMARY, INPUTS, SPEND, TIME, CHANNELS = "Summary", "Inputs", "Spend", "By time", "By channel"
BRIDGE, CASES, OUTCOME, CHECKS, MADE = "Bridge", "Scenarios", "Outcome", "Checks", "Made from"
TOP = 4  # first row of a table, below its title and its header
SHOWN, BESIDE = (4, 1), (5, 1)  # the two that are compared, on the first sheet
NUMBERS = (4, 2), (5, 2)  # of them
VALUE, KEPT = (TOP, 1), (TOP + 1, 1)  # what a unit of outcome counts, and what is kept of it
FACTORS = TOP + 6  # first row of the factors of channels
PRICE, EFFECT, WORTH = 1, 2, 3  # columns of them
SLOTS = ("shown", "compared with")
LIVE = "Dark headers: formulas, which follow what is marked blue. Grey headers: values of this run, not recalculated."


@dataclass(frozen=True)
class Layout:
    """What is told, and where."""

    book: PlanBook
    shown: tuple[int, int]  # numbers of the two cases when the workbook is opened, from 0

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, as they are written."""
        return tuple(short(name, 60) for name in self.book.curves.names)

    @property
    def count(self) -> int:
        """How many channels there are."""
        return len(self.book.curves.channels)

    @property
    def currency(self) -> str:
        """For the header of a column."""
        return short(self.book.curves.currency, 20)

    @property
    def outcome(self) -> str:
        """What the outcome counts, and in what, for the header of a column."""
        what = short(self.book.plan.counts or self.book.curves.outcome, 40)
        return f"{what} ({self.currency})" if self.book.in_money else what

    @property
    def has_profit(self) -> bool:
        """Whether it is known what a unit of outcome is worth."""
        return self.book.worth is not None

    @property
    def amount(self) -> Form:
        """The form of amounts of outcome."""
        return "amount" if abs(self.book.plan.chosen.outcome.mean) >= 1000 else "fine"

    @property
    def decisions(self) -> int:
        """How many decisions there are."""
        return len(self.book.begins)

    def spent(self, slot: int, channel: int, decision: int) -> Cell:
        """The money of a channel in a decision, of the one shown or the one compared with; on the sheet of outcome."""
        return (self.block(2 * slot) + channel, 1 + decision)

    def brings(self, slot: int, channel: int, span: int) -> Cell:
        """What that brings in a span."""
        return (self.block(2 * slot + 1) + channel, 1 + span)

    def block(self, number: int) -> int:
        """The first row of a block of the sheet of outcome."""
        return TOP + number * (self.count + 4)


def knows_profit(told: Layout) -> bool:
    """Whether any plan says what profit it makes."""
    return told.has_profit and any(case.profit is not None for case in told.book.cases)


def letters(told: Layout) -> int:
    """How wide a column of amounts is."""
    largest = max(max(abs(one.outcome), float(one.money.sum())) for one in told.book.cases)
    return max(13, len(f"{largest:,.0f}") + 3)


def case_row(told: Layout, case: int, channel: int) -> int:
    """The row of a channel of a case in the sheet of spend."""
    return TOP + case * told.count + channel


def anyway(told: Layout, channel: int, span: int) -> Cell:
    """What comes in a span without any money."""
    return (told.block(4) + channel, 1 + span)


def by_week(told: Layout, slot: int, channel: int) -> int:
    """The row of a channel's money by period in the sheet of weeks; slot 2: its shares of a decision's money."""
    return WEEK_ROW + 1 + slot * (told.count + 1) + channel


def weeks(told: Layout, row: int) -> str:
    """What formulas call a row of the sheet of weeks."""
    return block((row, FIRST_WEEK), (row, FIRST_WEEK + told.book.time.rows - 1), WEEKS)


def of_inputs(cell: Cell) -> str:
    """What a formula calls a cell of the inputs."""
    return place(cell, INPUTS)


def titled(sheet: Sheet, told: Layout, title: str, note: str, legend: str = LIVE) -> None:
    """Write the title of a sheet, of which days and in which currency it tells, and what one has to know of it."""
    plan = told.book.plan
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), title, "title")
    sheet.text((1, 0), f"{note} {plan.start} to {plan.end}, money in {told.currency}.", "remark")
    sheet.text((2, 0), legend, "remark")
