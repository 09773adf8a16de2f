"""The sheet of a stress test's workbook that follows one policy of one case through the quarters, all in formulas."""

from dataclasses import dataclass

from engine.report.stress_layout import (
    BANDS,
    BASE,
    CASE,
    CASE_NUMBER,
    FIGURES,
    LOST,
    MARGIN,
    NEXT_CASE,
    NEXT_POLICY,
    OUTCOME,
    PAID,
    PAID_AFTER,
    PLANNED,
    POLICY,
    POLICY_NUMBER,
    QUARTERS,
    RATE,
    RECEIVED,
    RECEIVED_AFTER,
    SPENT,
    SUMMARY,
    TOP,
    Layout,
    column_of,
    columns,
    contribution,
    flow,
    from_inputs,
    mean,
    titled,
)
from engine.report.workbook import Book, Cell, Form, Sheet, block, place
from engine.stress.readout import Quarter, Spread

ROW = TOP + 1  # first quarter: the case and the policy stand above the header
NAME, FOUND, PLAN_AT, OUTCOME_AT, CHANGE, SPENT_AT = range(6)
CONTRIBUTION, PROFIT, PROFIT_SO_FAR, RECEIVED_AT, PAID_AT, CASH, CASH_SO_FAR, NOW = range(6, 14)


@dataclass(frozen=True)
class Amount:
    """One column: its header, how each quarter is reckoned, what the engine found, and whether quarters add up."""

    head: str
    form: Form
    formula: str  # with {row} for its row, and {before} for the one above
    values: tuple[float, ...]
    adds_up: bool = True


def totals(told: Layout) -> dict[str, Cell]:
    """The cells with the sums over all quarters, by what they are called in checks."""
    row = ROW + len(told.chosen.told.quarters)
    cells = {"Outcome": (row, OUTCOME_AT), "Spend": (row, SPENT_AT)}
    return cells | ({"Profit": (row, PROFIT), "Value at the start": (row, NOW)} if told.in_money else {})


def write_quarters(book: Book, told: Layout) -> None:
    """The quarters of the case and the policy that the switch says."""
    sheet, count = book.sheet(QUARTERS, (ROW, 1)), len(told.chosen.told.quarters)
    titled(sheet, "By quarter", "Follows the switch in the sheet Summary; all figures are formulas on the inputs.")
    for row, (cell, name) in enumerate(
        ((CASE, told.cases[told.chosen.case - 1]), (POLICY, told.policies[told.chosen.policy - 1])), 2
    ):
        sheet.formula((row, 0), place(cell, SUMMARY), name, "text", "strong")
    sheet.wide(0, [27, 7, *[14.0] * 12])
    amounts = _amounts(told)
    sheet.heads((ROW - 1, 0), ["Quarter", "Row", *[one.head for one in amounts]])
    first, last = (TOP, 0), (told.last, 0)
    key = f"{place(CASE_NUMBER, SUMMARY)}*{NEXT_CASE}+{place(POLICY_NUMBER, SUMMARY)}*{NEXT_POLICY}"
    for at, quarter in enumerate(told.chosen.told.quarters):
        found = f"MATCH({key}+{at + 1},{block(first, last, FIGURES)},0)"
        sheet.formula((ROW + at, FOUND), found, float(told.chosen.first - TOP + at + 1), "count", "remark")
        sheet.formula((ROW + at, NAME), _looked_up(told, 3, ROW + at), quarter.name, "text")
        for column, one in enumerate(amounts, PLAN_AT):
            formula = one.formula.format(row=ROW + at + 1, before=ROW + at)
            sheet.formula((ROW + at, column), formula, one.values[at], one.form)
    _sums(sheet, amounts, count)
    _chart(book, sheet, count)
    _bands(sheet, told, ROW + count + 20)


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


def _looked_up(told: Layout, column: int, row: int | None = None) -> str:
    """A figure of the quarter that was found; the row is a place to fill where none is given."""
    found = place((row, FOUND), fixed=False) if row is not None else "B{row}"
    return f"INDEX({block((TOP, column), (told.last, column), FIGURES)},{found})"


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
        Amount(f"Contribution {money}", "amount", f"{margin}*{_of(told, BASE)}", tuple(map(contribution, quarters))),
        Amount(f"Profit {money}", "amount", "G{row}-F{row}", earned),
        Amount(f"Profit so far {money}", "amount", "SUM(H$6:H{row})", _so_far(earned), adds_up=False),
        Amount(f"Received {money}", "amount", f"{margin}*{_of(told, RECEIVED)}", received),
        Amount(f"Paid to media {money}", "amount", _of(told, PAID), paid),
        Amount(f"Cash {money}", "amount", "J{row}-K{row}", cash),
        Amount(f"Cash so far {money}", "amount", "SUM(L$6:L{row})", _so_far(cash), adds_up=False),
        Amount(
            f"Cash, value at the start {money}",
            "amount",
            f"J{{row}}*{years[0]}-K{{row}}*{years[1]}",
            tuple(_now(told, one) for one in quarters),
        ),
    )


def _now(told: Layout, one: Quarter) -> float:
    """The value at the start of the cash of a quarter."""
    moved, yearly = flow(one), 1 + told.found.terms.discount_rate
    return moved.received * yearly**-moved.received_years - moved.paid * yearly**-moved.paid_years


def _means(of: list[Spread | None]) -> tuple[float, ...]:
    return tuple(mean(one) for one in of)


def _so_far(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(values[: at + 1]) for at in range(len(values)))


def _bands(sheet: Sheet, told: Layout, row: int) -> None:
    """The bands of the quarters that were chosen, which do not follow the marked inputs."""
    ends = (*BANDS, LOST)
    kept = [(at, one) for at, one in enumerate(columns(told), 4) if one.head.endswith(ends)]
    sheet.text((row - 2, 0), "Bands of all paths, as the engine played them (they do not follow the inputs)", "remark")
    heads = [f"{one.head} [{one.unit}]" if one.unit else one.head for _, one in kept]
    sheet.heads((row - 1, 0), ["Quarter", "", *heads])
    for at, quarter in enumerate(told.chosen.told.quarters):
        sheet.formula((row + at, NAME), place((ROW + at, NAME)), quarter.name, "text")
        for column, (there, one) in enumerate(kept, PLAN_AT):
            value = one.value(quarter)
            known = "" if value is None else value
            sheet.formula((row + at, column), _looked_up(told, there, ROW + at), known, one.form)


def _chart(book: Book, sheet: Sheet, count: int) -> None:
    """Plan and outcome by quarter as columns."""
    chart = book.book.add_chart({"type": "column"})
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
    chart.set_title({"name": "Plan and outcome by quarter", "name_font": {"size": 11}})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 820, "height": 310})
    sheet.page.insert_chart(ROW + count + 2, 0, chart)
