"""The sheets of a workbook of plans that reckon: what is typed in, money by week, draws, and what money brings."""

import numpy as np

from engine.errors import InputError
from engine.periods import PERIODS, starts
from engine.report.plan_draws import DRAWS, FIRST_WEEK, NAMES, WEEK_ROW, WEEKS, Piece, Written, pieces
from engine.report.plan_layout import (
    EFFECT,
    FACTORS,
    INPUTS,
    KEPT,
    NUMBERS,
    OUTCOME,
    PRICE,
    SLOTS,
    SPEND,
    SUMMARY,
    TOP,
    VALUE,
    WORTH,
    Layout,
    anyway,
    by_week,
    case_row,
    of_inputs,
    titled,
    weeks,
)
from engine.report.workbook import Book, Cell, Form, Role, Sheet, block, place
from engine.response.curves import pace

WIDEST, LONGEST_FORMULA = 16_384, 8_000  # columns of a sheet, and letters of a formula
TAKEN = 24  # letters of a column of amounts
VALUE_NAME = (VALUE[0], 0)
KERNEL = (
    "Of money, weight * kept^lag of both parts works each period later; stock / halfway is the dose of the saturation."
)


def write_inputs(book: Book, told: Layout) -> None:
    """What a unit of outcome is worth, and factors on prices and effects."""
    sheet = book.sheet(INPUTS, (TOP, 0), is_one_page=True)
    titled(
        sheet, told, "Inputs", "Blue on light may be changed, here and in the sheet Spend: all other sheets follow.", ""
    )
    sheet.wide(0, [52, 18, 18, 18])
    sheet.heads((TOP - 1, 0), ["What", "Value"], tall=18)
    sheet.text(VALUE_NAME, f"What one of {told.book.curves.outcome} counts: {told.outcome}")
    sheet.number(VALUE, told.book.value, "factor", "input")
    heads = ["Channel", "Price of a contact, times", "Effect, times"]
    worth = told.book.worth
    if worth is not None:
        heads.append(f"Kept of one before media ({told.currency})")
        _write_kept(sheet, told, worth)
    sheet.heads((FACTORS - 1, 0), heads, tall=48)
    for at, name in enumerate(told.channels):
        sheet.text((FACTORS + at, 0), name)
        sheet.number((FACTORS + at, PRICE), 1.0, "factor", "input")
        sheet.number((FACTORS + at, EFFECT), 1.0, "factor", "input")
    last = FACTORS + told.count - 1
    _allow(sheet, (FACTORS, PRICE), (last, PRICE), ">", "a price is above 0")
    _allow(sheet, (FACTORS, EFFECT), (last, EFFECT), ">=", "an effect is 0 or more")
    _allow(sheet, VALUE, VALUE, ">=", "it counts 0 or more")


def _write_kept(sheet: Sheet, told: Layout, worth: tuple[float, ...]) -> None:
    """What is kept of a unit of outcome: one figure that all channels take, or one for each."""
    alike = len(set(worth)) == 1
    if alike:
        what = "Kept of each" if told.book.in_money else "Worth of one"
        sheet.text((KEPT[0], 0), f"{what} before media ({told.currency}), of all channels")
        sheet.number(KEPT, worth[0], "factor", "input")
    if told.book.plan.lines[0].worth is None:
        sheet.text((KEPT[0], 2), "The plan knows of no margin: type yours, and profit follows.", "remark")
    for at, one in enumerate(worth):
        cell = (FACTORS + at, WORTH)
        if alike:
            sheet.formula(cell, place(KEPT), one, "factor", "input")
        else:
            sheet.number(cell, one, "factor", "input")


def _allow(sheet: Sheet, first: Cell, last: Cell, than: str, said: str) -> None:
    """Let cells take nothing but numbers above 0, or 0 too."""
    rule = {"validate": "decimal", "criteria": than, "value": 0, "error_title": "No such number"}
    sheet.page.data_validation(*first, *last, {**rule, "error_message": f"Type a number: {said}."})


def write_spend(book: Book, told: Layout) -> None:
    """The money of every case; that of the last one may be typed in."""
    sheet, plan = book.sheet(SPEND, (TOP, 2)), told.book.plan
    titled(sheet, told, "Spend by scenario", "What is marked blue is your own scenario: choose it on the first sheet.")
    sheet.wide(0, [44, 24, *[TAKEN] * (told.decisions + 1)])
    sheet.heads((TOP - 1, 0), ["Scenario", "Channel", *plan.decisions, f"Total ({told.currency})"], 2)
    for number, case in enumerate(told.book.cases):
        role: Role = "figure" if case.split else "input"
        for channel, money in enumerate(case.money.tolist()):
            row = case_row(told, number, channel)
            sheet.text((row, 0), told.book.names[number])
            sheet.text((row, 1), told.channels[channel])
            for at, one in enumerate(money):
                sheet.number((row, 2 + at), one, "fine", role)
            _sum(sheet, (row, 2 + len(money)), (2, 1 + len(money)), sum(money), "amount")
    own = len(told.book.cases) - 1
    first, last = (case_row(told, own, 0), 2), (case_row(told, own, told.count - 1), 1 + told.decisions)
    _allow(sheet, first, last, ">=", "money is 0 or more")


def write_outcome(book: Book, told: Layout, written: list[list[Written]]) -> None:
    """What the money of the two cases brings, by channel and time: mean over all draws."""
    sheet = book.sheet(OUTCOME, (TOP, 1))
    titled(
        sheet,
        told,
        "What the money brings",
        "Mean over all draws of the curves, reckoned from the sheets Weeks and Draws.",
    )
    sheet.wide(0, [30, *[TAKEN] * (len(told.book.labels) + 1)])
    for slot, name in enumerate(SLOTS):
        _head(sheet, told, 2 * slot, f"Spend, {name} ({told.currency})", told.book.plan.decisions)
        _head(sheet, told, 2 * slot + 1, f"Brings, {name}: {told.outcome}", told.book.labels)
        for channel in range(told.count):
            _write_spent(sheet, told, slot, channel)
            _write_brought(sheet, told, (slot, channel), written[channel])
    _head(sheet, told, 4, "Comes without any money (units of the curves)", told.book.labels, is_run=True)
    for channel, row in enumerate(_anyway(told).tolist()):
        sheet.text((told.block(4) + channel, 0), told.channels[channel])
        for span, one in enumerate(row):
            sheet.number(anyway(told, channel, span), one, "fine")


def _head(sheet: Sheet, told: Layout, number: int, title: str, labels: tuple[str, ...], is_run: bool = False) -> None:
    total = [] if is_run else ["Total"]
    sheet.heads((told.block(number) - 1, 0), [title, *labels, *total], is_run=is_run)


def _write_spent(sheet: Sheet, told: Layout, slot: int, channel: int) -> None:
    """Money of a channel by decision, of the case that is chosen."""
    known = told.book.cases[told.shown[slot]].money[channel].tolist()
    row = told.block(2 * slot) + channel
    sheet.text((row, 0), told.channels[channel])
    last = case_row(told, len(told.book.cases) - 1, told.count - 1)
    for at, money in enumerate(known):
        every = block((TOP, 2 + at), (last, 2 + at), SPEND)
        number = f"({place(NUMBERS[slot], SUMMARY)}-1)*{told.count}+{channel + 1}"
        sheet.formula(told.spent(slot, channel, at), f"INDEX({every},{number})", money, "fine")
    _sum(sheet, (row, 1 + len(known)), (1, len(known)), sum(known), "amount")


def _write_brought(sheet: Sheet, told: Layout, where: tuple[int, int], written: list[Written]) -> None:
    """What that brings by span: mean over all draws."""
    slot, channel = where
    known = told.book.brought[told.shown[slot]][channel].tolist()
    row = told.block(2 * slot + 1) + channel
    sheet.text((row, 0), told.channels[channel])
    spent, every = weeks(told, by_week(told, slot, channel)), weeks(told, WEEK_ROW)
    for span, (looked, value) in enumerate(zip(told.book.spans, known, strict=True)):
        comes = "+".join(one.brings(spent, every, looked, told.book.time) for one in written)
        factor = f"{of_inputs(VALUE)}*{of_inputs((FACTORS + channel, EFFECT))}"
        formula = f"({comes}-{place(anyway(told, channel, span))})*{factor}"
        if len(formula) > LONGEST_FORMULA:
            raise InputError(
                f"channel {told.channels[channel]!r}: its draws change their curve {len(written) - 1} times, more "
                "often than a formula of a spreadsheet can follow; report the plan with --out"
            )
        sheet.array(told.brings(slot, channel, span), formula, value, told.amount)
    _sum(sheet, (row, 1 + len(known)), (1, len(known)), sum(known), told.amount)


def _sum(sheet: Sheet, cell: Cell, columns: tuple[int, int], value: float, form: Form) -> None:
    """The sum of some columns of a row."""
    cells = block((cell[0], columns[0]), (cell[0], columns[1]))
    sheet.formula(cell, f"SUM({cells})", value, form)


def _anyway(told: Layout) -> np.ndarray:
    """What comes in each span without any money: nothing where the horizon is a cycle [units of the curves]."""
    firsts = [first for first, _ in told.book.spans]
    return np.array([np.add.reduceat(one.anyway.mean(axis=1), firsts) for one in told.book.works])


def write_weeks(book: Book, told: Layout) -> None:
    """Money by period of the two cases, and the shares by which a decision's money is spread."""
    sheet, curves, time = book.sheet(WEEKS, (WEEK_ROW + 1, FIRST_WEEK)), told.book.curves, told.book.time
    titled(sheet, told, f"Money by {curves.period}", "Contacts bought, at the prices of the curves.")
    sheet.wide(0, [30, 16, *[11] * time.rows])
    period = next(one for one in PERIODS if one == curves.period)
    days = starts(told.book.plan.start, time.rows, period)
    sheet.text((WEEK_ROW, 0), curves.period.capitalize() + ", from 0", "head")
    sheet.text((WEEK_ROW, 1), "", "head")
    for at, day in enumerate(days):
        sheet.text((WEEK_ROW - 1, FIRST_WEEK + at), str(day), "remark")
        sheet.number((WEEK_ROW, FIRST_WEEK + at), at, "count", "heads")
    owner = np.repeat(np.arange(told.decisions), np.diff([*told.book.begins, time.periods])).tolist()
    for slot, name in enumerate(SLOTS):
        known = told.book.bought(told.book.cases[told.shown[slot]].money)
        for channel in range(told.count):
            _write_weeks_of(sheet, told, (slot, channel), owner, known[channel].tolist(), name)
    for channel, shares in enumerate(told.book.pace.tolist()):
        row = by_week(told, 2, channel)
        _named(sheet, row, told.channels[channel], "share")
        for at, share in enumerate(shares):
            sheet.number((row, FIRST_WEEK + at), share, "factor")


def _named(sheet: Sheet, row: int, channel: str, what: str) -> None:
    sheet.text((row, 0), channel)
    sheet.text((row, 1), what)


def _write_weeks_of(
    sheet: Sheet, told: Layout, where: tuple[int, int], owner: list[int], known: list[float], name: str
) -> None:
    """Money of a channel by period; after the horizon its pace of before."""
    slot, channel = where
    row, shares = by_week(told, slot, channel), by_week(told, 2, channel)
    _named(sheet, row, told.channels[channel], name)
    price = of_inputs((FACTORS + channel, PRICE))
    for at, (decision, money) in enumerate(zip(owner, known, strict=True)):
        spent = place(told.spent(slot, channel, decision), OUTCOME)
        formula = f"{spent}*{place((shares, FIRST_WEEK + at))}/{price}"
        sheet.formula((row, FIRST_WEEK + at), formula, money, "fine")
    going = pace(told.book.curves.channels[channel], told.book.curves.period)
    for at in range(told.book.time.periods, told.book.time.rows):
        sheet.number((row, FIRST_WEEK + at), going, "fine")


def placed_draws(told: Layout) -> list[list[Written]]:
    """The draws of every channel, and where they stand in their sheet: a row each."""
    found, column = [], 1
    for works in told.book.works:
        parts = pieces(works, told.book.curves, told.book.time)
        names = [name for name in NAMES if any(name in part.columns for part in parts)]
        columns = {name: column + number for number, name in enumerate(names)}
        lags = column + len(names)
        before = lags + max(0 if part.lags is None else part.lags.shape[1] for part in parts)
        column = before + max(0 if part.before is None else part.before.shape[1] for part in parts)
        found.append([_placed(part, columns, (lags, before)) for part in parts])
    if column > WIDEST:
        raise InputError(
            f"{told.count} channels of {told.book.time.rows} {told.book.curves.period}s, whose carry-over a workbook "
            "holds lag by lag, need more columns than a spreadsheet has; report the plan with --out"
        )
    return found


def _placed(piece: Piece, columns: dict[str, int], tables: tuple[int, int]) -> Written:
    lags, before = tables
    rows = (TOP + piece.first, TOP + piece.first + piece.draws - 1)
    return Written(piece, rows, columns, 0 if piece.lags is None else lags, 0 if piece.before is None else before)


def write_draws(book: Book, told: Layout, placed: list[list[Written]]) -> None:
    """The draws of every channel, one row each."""
    sheet = book.sheet(DRAWS, (TOP, 1))
    titled(
        sheet, told, "Draws of the curves", "One row is one draw of all channels: one way the market may be.", KERNEL
    )
    sheet.heads((TOP - 1, 0), ["draw"])
    sheet.column((TOP, 0), list(range(1, told.book.curves.draws + 1)))
    for name, parts in zip(told.channels, placed, strict=True):
        sheet.text((TOP - 2, min(parts[0].columns.values())), name, "strong")
        for part in parts:
            for key, values in part.piece.columns.items():
                sheet.text((TOP - 1, part.columns[key]), NAMES[key], "heads")
                sheet.column((part.rows[0], part.columns[key]), values.tolist())
            _write_table(sheet, (part.rows[0], part.lags), part.piece.lags, "lag")
            _write_table(sheet, (part.rows[0], part.before), part.piece.before, "before,")


def _write_table(sheet: Sheet, first: Cell, table: np.ndarray | None, name: str) -> None:
    for at, values in enumerate([] if table is None else table.T.tolist()):
        sheet.text((TOP - 1, first[1] + at), f"{name} {at}", "heads")
        sheet.column((first[0], first[1] + at), values)
