"""The sheets of a workbook of plans that tell: what is shown beside what it is compared with."""

import numpy as np
from jaxtyping import Float

from engine.report.plan_layout import (
    BRIDGE,
    CHANNELS,
    MARGIN,
    OUTCOME,
    SLOTS,
    TIME,
    TOP,
    Layout,
    of_inputs,
    titled,
)
from engine.report.stress_table import Field, each, write_table
from engine.report.workbook import Book, Cell, Number, place

AT = (TOP - 1, 0)  # of each table
Amounts = tuple[list[float], list[str]]  # values, and what formulas call or reckon them


def write_time(book: Book, told: Layout) -> None:
    """Spend, outcome and profit of both cases, decision by decision."""
    sheet = book.sheet(TIME, (TOP, 1))
    titled(sheet, told, "By time", "What is shown beside what it is compared with, by decision.")
    sheet.wide(0, [30, *[18] * 10])
    labels = told.book.labels
    pairs = [(_by_decision(told, slot), _by_span(told, slot)) for slot in range(2)]
    write_table(sheet, AT, _fields(told, "Time", labels, pairs), 48)


def write_channels(book: Book, told: Layout) -> None:
    """The same channel by channel."""
    sheet = book.sheet(CHANNELS, (TOP, 1))
    titled(sheet, told, "By channel", "What is shown beside what it is compared with, by channel.")
    sheet.wide(0, [30, *[18] * 10])
    write_table(sheet, AT, channel_fields(told), 48)


def channel_fields(told: Layout) -> list[Field]:
    """The columns of the table by channel."""
    pairs = []
    for slot in range(2):
        case = told.shown[slot]
        money, comes = told.book.cases[case].money.sum(axis=1), told.book.brought[case].sum(axis=1)
        spent = [place((told.spent(slot, at, 0)[0], 1 + told.decisions), OUTCOME) for at in range(told.count)]
        brings = [place((told.brings(slot, at, 0)[0], 1 + len(told.book.spans)), OUTCOME) for at in range(told.count)]
        pairs.append(((money.tolist(), spent), (comes.tolist(), brings)))
    return _fields(told, "Channel", told.channels, pairs)


def _by_decision(told: Layout, slot: int) -> Amounts:
    """Money of all channels by decision; none after the end."""
    money = told.book.cases[told.shown[slot]].money.sum(axis=0).tolist()
    cells = [_down(told.spent(slot, 0, at), told) for at in range(told.decisions)]
    after = len(told.book.spans) - told.decisions
    return [*money, *[0.0] * after], [*cells, *["0"] * after]


def _by_span(told: Layout, slot: int) -> Amounts:
    comes = told.book.brought[told.shown[slot]].sum(axis=0).tolist()
    return comes, [_down(told.brings(slot, 0, at), told) for at in range(len(comes))]


def _down(first: Cell, told: Layout) -> str:
    """The sum over all channels."""
    last = (first[0] + told.count - 1, first[1])
    return f"SUM({place(first, OUTCOME)}:{place(last)})"


def _fields(told: Layout, head: str, names: tuple[str, ...], pairs: list[tuple[Amounts, Amounts]]) -> list[Field]:
    """Columns of both cases, and what the first has more than the second."""
    fields = [Field("name", head, "text", names)]
    kept = []
    for slot, ((money, spent), (comes, brings)) in enumerate(pairs):
        what = SLOTS[slot]
        fields.append(Field(f"m{slot}", f"Spend, {what} ({told.currency})", "amount", money, spent, adds_up=True))
        fields.append(Field(f"o{slot}", f"Brings, {what}: {told.outcome}", told.amount, comes, brings, adds_up=True))
        if told.book.in_money:
            kept.append((np.array(comes) * told.book.margin - np.array(money)).tolist())
            formula = f"{{o{slot}}}*{of_inputs(MARGIN)}-{{m{slot}}}"
            title = f"Profit, {what} ({told.currency})"
            fields.append(Field(f"p{slot}", title, "amount", kept[-1], each(kept[-1], formula), adds_up=True))
    (money, _), (comes, _) = pairs[0]
    fields.append(_difference("m", f"Spend, difference ({told.currency})", fields))
    fields.append(_difference("o", f"Brings, difference: {told.outcome}", fields))
    if told.book.in_money:
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
    for key in ("m", "o", *(["p"] if told.book.in_money else [])):
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
