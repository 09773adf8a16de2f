"""The sheets of a workbook of plans that tell: what is shown beside what it is compared with."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.report.plan_layout import (
    BRIDGE,
    CHANNELS,
    FACTORS,
    INPUTS,
    OUTCOME,
    SLOTS,
    TIME,
    TOP,
    WORTH,
    Layout,
    letters,
    of_inputs,
    titled,
)
from engine.report.stress_table import Field, each, write_table
from engine.report.workbook import Book, Cell, Number, block, place

AT = (TOP - 1, 0)  # of each table
Amounts = tuple[list[float], list[str]]  # values, and what formulas call or reckon them


def write_time(book: Book, told: Layout) -> None:
    """Spend, outcome and profit of both cases, decision by decision."""
    sheet = book.sheet(TIME, (TOP, 1))
    titled(sheet, told, "By time", "What is shown beside what it is compared with, by decision.")
    sheet.wide(0, [28, *[letters(told)] * 10])
    labels = told.book.labels
    every = [(_by_decision(told, slot), *_by_span(told, slot)) for slot in range(2)]
    write_table(sheet, AT, _fields(told, "Time", labels, every), 48)


def write_channels(book: Book, told: Layout) -> None:
    """The same channel by channel."""
    sheet = book.sheet(CHANNELS, (TOP, 1))
    titled(sheet, told, "By channel", "What is shown beside what it is compared with, by channel.")
    sheet.wide(0, [28, *[letters(told)] * 10])
    write_table(sheet, AT, channel_fields(told), 48)


def channel_fields(told: Layout) -> list[Field]:
    """The columns of the table by channel."""
    every: list[tuple[Amounts, Amounts, Amounts]] = []
    worth = told.book.worth or (0.0,) * told.count
    for slot in range(2):
        case = told.shown[slot]
        money, comes = told.book.cases[case].money.sum(axis=1), told.book.brought[case].sum(axis=1)
        spent = [place((told.spent(slot, at, 0)[0], 1 + told.decisions), OUTCOME) for at in range(told.count)]
        brings = [place((told.brings(slot, at, 0)[0], 1 + len(told.book.spans)), OUTCOME) for at in range(told.count)]
        kept = [f"{brings[at]}*{of_inputs((FACTORS + at, WORTH))}" for at in range(told.count)]
        every.append(((money.tolist(), spent), (comes.tolist(), brings), ((comes * worth).tolist(), kept)))
    return _fields(told, "Channel", told.channels, every)


def _by_decision(told: Layout, slot: int) -> Amounts:
    """Money of all channels by decision; none after the end."""
    money = told.book.cases[told.shown[slot]].money.sum(axis=0).tolist()
    cells = [_down(told.spent(slot, 0, at), told) for at in range(told.decisions)]
    after = len(told.book.spans) - told.decisions
    return [*money, *[0.0] * after], [*cells, *["0"] * after]


def _by_span(told: Layout, slot: int) -> tuple[Amounts, Amounts]:
    """What comes by span, and what is kept of it."""
    comes, worth = told.book.brought[told.shown[slot]], np.array(told.book.worth or (0.0,) * told.count)
    spans = range(comes.shape[1])
    each_worth = block((FACTORS, WORTH), (FACTORS + told.count - 1, WORTH), INPUTS)
    kept = [f"SUMPRODUCT({_column(told.brings(slot, 0, at), told)}*{each_worth})" for at in spans]
    found = [_down(told.brings(slot, 0, at), told) for at in spans]
    return (comes.sum(axis=0).tolist(), found), ((worth @ comes).tolist(), kept)


def _column(first: Cell, told: Layout) -> str:
    """What formulas call the cells of all channels."""
    return block(first, (first[0] + told.count - 1, first[1]), OUTCOME)


def _down(first: Cell, told: Layout) -> str:
    """The sum over all channels."""
    return f"SUM({_column(first, told)})"


def _fields(
    told: Layout, head: str, names: tuple[str, ...], every: Sequence[tuple[Amounts, Amounts, Amounts]]
) -> list[Field]:
    """Columns of both cases, and what the first has more than the second."""
    fields = [Field("name", head, "text", names)]
    for slot, ((money, spent), (comes, brings), (kept, keeps)) in enumerate(every):
        what = SLOTS[slot]
        fields.append(Field(f"m{slot}", f"Spend, {what} ({told.currency})", "amount", money, spent, adds_up=True))
        fields.append(Field(f"o{slot}", f"Brings, {what}: {told.outcome}", told.amount, comes, brings, adds_up=True))
        if told.has_profit:
            profit = (np.array(kept) - np.array(money)).tolist()
            formulas = [f"{one}-{{m{slot}}}" for one in keeps]
            title = f"Profit, {what} ({told.currency})"
            fields.append(Field(f"p{slot}", title, "amount", profit, formulas, adds_up=True))
    (money, _), (comes, _), _ = every[0]
    fields.append(_difference("m", f"Spend, difference ({told.currency})", fields))
    fields.append(_difference("o", f"Brings, difference: {told.outcome}", fields))
    if told.has_profit:
        fields.append(_difference("p", f"Profit, difference ({told.currency})", fields))
    one, two, title = ("o0", "m0", "Return") if told.book.in_money else ("m0", "o0", f"Cost of one ({told.currency})")
    pairs_of = zip(comes, money, strict=True) if told.book.in_money else zip(money, comes, strict=True)
    ratios: list[Number | str] = [high / low if low else "" for high, low in pairs_of]
    fields.append(
        Field("r", f"{title}, {SLOTS[0]}", "fine", ratios, each(ratios, f'IF({{{two}}}=0,"",{{{one}}}/{{{two}}})'))
    )
    return fields


def _difference(key: str, head: str, fields: list[Field]) -> Field:
    """What the first case has more than the second."""
    one, two = (next(field for field in fields if field.key == f"{key}{slot}") for slot in range(2))
    values = (_numbers(one) - _numbers(two)).tolist()
    return Field(f"d{key}", head, one.form, values, each(values, f"{{{key}0}}-{{{key}1}}"), adds_up=True)


def _numbers(field: Field) -> Float[np.ndarray, " row"]:
    return np.array([float(one or 0.0) for one in field.values])


def write_bridge(book: Book, told: Layout) -> None:
    """From what is compared with to what is shown, channel by channel."""
    sheet = book.sheet(BRIDGE, (TOP, 1), is_one_page=True)
    titled(sheet, told, "Bridge", "From what is compared with to what is shown, channel by channel.")
    sheet.wide(0, [30, 20, 20, 20])
    fields = bridge_fields(told)
    write_table(sheet, AT, fields, 48, totals=(0, told.count + 1))
    chart = book.book.add_chart({"type": "column"})
    key = len(fields) - 1
    chart.add_series(
        {
            "name": [BRIDGE, AT[0], key],
            "categories": [BRIDGE, TOP + 1, 0, TOP + told.count, 0],
            "values": [BRIDGE, TOP + 1, key, TOP + told.count, key],
            "fill": {"color": "#1F3A5F"},
        }
    )
    chart.set_title({"name": f"Change by channel: {fields[key].head}", "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_x_axis({"label_position": "low"})
    chart.set_size({"width": 720, "height": 320})
    sheet.page.insert_chart(TOP + told.count + 4, 0, chart, {"description": "Change by channel, as in the table above"})


def bridge_fields(told: Layout) -> list[Field]:
    """The columns of the bridge: the second case, what each channel adds, and the first case."""
    channels = {field.key: field for field in channel_fields(told)}
    fields = [Field("name", "Step", "text", (SLOTS[1].capitalize(), *told.channels, SLOTS[0].capitalize()))]
    for key in ("m", "o", *(["p"] if told.has_profit else [])):
        base, change = channels[f"{key}1"], channels[f"d{key}"]
        begin, changes = float(_numbers(base).sum()), _numbers(change).tolist()
        column, number = [list(channels).index(name) for name in (f"{key}1", f"d{key}")]
        whole = place((TOP + told.count, column), CHANNELS)
        cells = [place((TOP + at, number), CHANNELS) for at in range(told.count)]
        here = len(fields)
        every = f"SUM({place((TOP, here))}:{place((TOP + told.count, here))})"
        values = [begin, *changes, begin + sum(changes)]
        fields.append(Field(key, change.head.replace(", difference", ""), change.form, values, [whole, *cells, every]))
    return fields
