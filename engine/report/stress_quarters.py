"""The sheet of a stress test's workbook that follows one policy of one case through the quarters, all in formulas."""

from dataclasses import dataclass

from engine.report.stress_figures import (
    FIRST,
    OUTCOME,
    PAID,
    PAID_AFTER,
    PLANNED,
    RECEIVED,
    RECEIVED_AFTER,
    SPENT,
    bands,
    column_of,
    contribution,
    earning,
    flow,
    present,
)
from engine.report.stress_layout import (
    BANDS,
    CASE,
    CASE_NUMBER,
    FIGURES,
    GREY,
    LIVE,
    MARGIN,
    NEXT_CASE,
    NEXT_POLICY,
    PLAN,
    POLICY,
    POLICY_NUMBER,
    QUARTERS,
    RATE,
    TOP,
    Layout,
    from_inputs,
    from_switch,
    mean,
    titled,
)
from engine.report.stress_table import chart_of
from engine.report.workbook import Book, Cell, Form, Sheet, block, place
from engine.stress.readout import Quarter, Spread

ROW = TOP + 2  # first quarter: the case and the policy stand above the header
NAME, FOUND, PLAN_AT, OUTCOME_AT, CHANGE, SPENT_AT = range(6)
CONTRIBUTION, PROFIT, PROFIT_SO_FAR, RECEIVED_AT, PAID_AT, CASH, CASH_SO_FAR, NOW = range(6, 14)
HIGH = 18  # rows under a chart


@dataclass(frozen=True)
class Amount:
    """One column: its header, how each quarter is reckoned, what the engine found, and whether quarters add up."""

    head: str
    form: Form
    formula: str  # with {row} for its row, and {before} for the one above
    values: tuple[float, ...]
    adds_up: bool = True


def totals(told: Layout) -> dict[str, Cell]:
    """The cells with the sums over all quarters, by the key of the figure."""
    row = ROW + len(told.chosen.told.quarters)
    cells = {"outcome": (row, OUTCOME_AT), "spend": (row, SPENT_AT)}
    return cells | ({"profit": (row, PROFIT), "present": (row, NOW)} if told.in_money else {})


def write_quarters(book: Book, told: Layout) -> None:
    """The quarters of the case and the policy that the switch says."""
    sheet, count = book.sheet(QUARTERS, (ROW, 1), is_one_page=True), len(told.chosen.told.quarters)
    titled(sheet, told, "Quarters", ("Follows the switch in the sheet Summary.", LIVE))
    names = (CASE, told.cases[told.chosen.case - 1]), (POLICY, told.policies[told.chosen.policy - 1])
    for row, (cell, name) in enumerate(names, 3):
        sheet.formula((row, 0), from_switch(cell), name, "text", "strong")
    sheet.wide(0, [27, 7, *[14.0] * 12])
    amounts = _amounts(told)
    sheet.heads((ROW - 1, 0), ["Quarter", "Row", *[one.head for one in amounts]])
    key = f"{from_switch(CASE_NUMBER)}*{NEXT_CASE}+{from_switch(POLICY_NUMBER)}*{NEXT_POLICY}"
    for at, quarter in enumerate(told.chosen.told.quarters):
        found = f"MATCH({key}+{at + 1},{block((TOP, 0), (told.last, 0), FIGURES)},0)"
        sheet.formula((ROW + at, FOUND), found, float(told.chosen.first - TOP + at + 1), "count", "remark")
        sheet.formula((ROW + at, NAME), _looked_up(told, 3, ROW + at), quarter.name, "text")
        for column, one in enumerate(amounts, PLAN_AT):
            formula = one.formula.format(row=ROW + at + 1, before=ROW + at)
            sheet.formula((ROW + at, column), formula, one.values[at], one.form)
    _sums(sheet, amounts, count)
    _chart(book, sheet, count)
    _bands(sheet, told, ROW + count + HIGH + 5)


def _sums(sheet: Sheet, amounts: tuple[Amount, ...], count: int) -> None:
    row = ROW + count
    sheet.text((row, NAME), "Total", "total")
    sheet.text((row, FOUND), "", "total")
    for column, one in enumerate(amounts, PLAN_AT):
        if one.adds_up:
            total = f"SUM({block((ROW, column), (row - 1, column))})"
            sheet.formula((row, column), total, sum(one.values), one.form, "total")
        else:
            sheet.text((row, column), "", "total")


def _looked_up(told: Layout, column: int, row: int | None = None, sheet: str = FIGURES) -> str:
    """A figure of the quarter that was found; the row is a place to fill where none is given."""
    found = place((row, FOUND), fixed=False) if row is not None else "B{row}"
    return f"INDEX({block((TOP, column), (told.last, column), sheet)},{found})"


def _amounts(told: Layout) -> tuple[Amount, ...]:
    quarters = told.chosen.told.quarters
    kept = [
        Amount(f"Plan [{told.outcome}]", told.amount, _of(told, PLANNED), tuple(one.planned for one in quarters)),
        Amount(f"Outcome [{told.outcome}]", told.amount, _of(told, OUTCOME), _means([one.outcome for one in quarters])),
        Amount(
            f"Change [{told.outcome}]",
            told.amount,
            "D{row}-C{row}",
            tuple(one.outcome.mean - one.planned for one in quarters),
        ),
        Amount(f"Spend [{told.currency}]", "amount", _of(told, SPENT), _means([one.spend for one in quarters])),
    ]
    return (*kept, *(_money(told, quarters) if told.in_money else ()))


def _of(told: Layout, head: str) -> str:
    return _looked_up(told, column_of(told, head))


def _money(told: Layout, quarters: tuple[Quarter, ...]) -> tuple[Amount, ...]:
    margin, rate = from_inputs(MARGIN), from_inputs(RATE)
    years = [f"(1+{rate})^(0-{_of(told, head)})" for head in (RECEIVED_AFTER, PAID_AFTER)]
    earned, cash = _means([one.profit for one in quarters]), _means([one.cash for one in quarters])
    received, paid = (tuple(getattr(flow(one), name) for one in quarters) for name in ("received", "paid"))
    money = f"[{told.currency}]"
    return (
        Amount(
            f"Contribution {money}",
            "amount",
            f"{margin}*{_of(told, earning(told))}",
            tuple(map(contribution, quarters)),
        ),
        Amount(f"Profit {money}", "amount", "G{row}-F{row}", earned),
        Amount(f"Profit so far {money}", "amount", f"SUM(H${ROW + 1}:H{{row}})", _so_far(earned), adds_up=False),
        Amount(f"Received {money}", "amount", f"{margin}*{_of(told, RECEIVED)}", received),
        Amount(f"Paid to media {money}", "amount", _of(told, PAID), paid),
        Amount(f"Cash {money}", "amount", "J{row}-K{row}", cash),
        Amount(f"Cash so far {money}", "amount", f"SUM(L${ROW + 1}:L{{row}})", _so_far(cash), adds_up=False),
        Amount(
            f"Cash, value at the start {money}",
            "amount",
            f"J{{row}}*{years[0]}-K{{row}}*{years[1]}",
            tuple(present(told, one) for one in quarters),
        ),
    )


def _means(of: list[Spread | None]) -> tuple[float, ...]:
    return tuple(mean(one) for one in of)


def _so_far(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(values[: at + 1]) for at in range(len(values)))


def _bands(sheet: Sheet, told: Layout, row: int) -> None:
    """The bands of the quarters that were chosen."""
    kept = bands(told)
    sheet.text((row - 2, 0), f"Bands of all paths. {GREY}", "remark")
    sheet.heads((row - 1, 0), ["Quarter", "", *[one.head for one in kept]], is_run=True)
    for at, quarter in enumerate(told.chosen.told.quarters):
        sheet.formula((row + at, NAME), place((ROW + at, NAME)), quarter.name, "text")
        for column, one in enumerate(kept):
            value = one.value(quarter)
            known, there = "" if value is None else value, _looked_up(told, FIRST + column, ROW + at, BANDS)
            sheet.formula((row + at, PLAN_AT + column), there, known, one.form)


def _chart(book: Book, sheet: Sheet, count: int) -> None:
    """Plan and outcome by quarter as columns."""
    chart = chart_of(book, {"type": "column"}, "Plan and outcome by quarter", PLAN)
    last = ROW + count - 1
    for column, name, colour in ((PLAN_AT, "Plan", "#B8CCE4"), (OUTCOME_AT, "Outcome", "#1F3A5F")):
        chart.add_series(
            {
                "name": name,
                "categories": [QUARTERS, ROW, NAME, last, NAME],
                "values": [QUARTERS, ROW, column, last, column],
                "fill": {"color": colour},
            }
        )
    chart.set_size({"width": 880, "height": 20 * HIGH - 15})
    sheet.page.insert_chart(ROW + count + 2, 0, chart)
