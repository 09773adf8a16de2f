"""The sheets of a stress test's workbook with what bounds a plan (how far shocks may go, commitments, who sells), and
with where the money goes.
"""

from engine.report.stress_choice import TOLD
from engine.report.stress_layout import (
    LIMITS,
    LIVE,
    MARGIN,
    MOVES,
    SHORT,
    SPEND,
    TOP,
    Layout,
    from_inputs,
    titled,
)
from engine.report.stress_table import Field, each, write_table
from engine.report.workbook import Book, Cell, short

TO = {"profit": "makes no profit", "target": "misses its target"}
LENGTHENS = 0.5  # of further leads: where fewer are served, marketing lengthens the queue


def limit_tables(told: Layout) -> dict[str, tuple[Cell, tuple[Field, ...]]]:
    """The tables of the sheet of limits, by title, each with the cell of its first header."""
    found = told.found
    kept = {
        "Break-evens": even_fields(told) if found.even else (),
        "Commitments": committed_fields(told) if found.committed else (),
        "Who sells": queue_fields(told) if found.queue else (),
    }
    row, tables = TOP, {}
    for title, fields in kept.items():
        if fields:
            tables[title] = (row, 0), fields
            row += len(fields[0].values) + any(field.adds_up for field in fields) + 4
    return tables


def even_fields(told: Layout) -> tuple[Field, ...]:
    """How far each shock may go alone."""
    every = told.found.even
    room = [None if one.factor is None else one.factor - 1 for one in every]
    holds = ["holds at every factor looked at" if one.factor is None else "" for one in every]
    return (
        Field("shock", "Shock alone, while the plan is held", "text", [one.shock for one in every], is_run=True),
        Field("kind", "Kind", "text", [one.kind for one in every], is_run=True),
        Field("fails", "The plan", "text", [TO.get(one.what, one.what) for one in every], is_run=True),
        Field("factor", "Beyond a factor of", "factor", [one.factor for one in every], is_run=True),
        Field("room", "That is a change of", "share", room, each(room, "{factor}-1")),
        Field("holds", "Or", "text", holds, is_run=True),
    )


def committed_fields(told: Layout) -> tuple[Field, ...]:
    """What each commitment costs."""
    every, found = told.found.committed, told.found
    unit = f"{told.currency} {short(found.aim, SHORT)}" if found.aim else told.outcome
    shares = [one.money / found.spend if found.spend else None for one in every]
    rates = [one.cost / one.money if one.money else None for one in every]
    fields = [
        Field("channel", "Committed to", "text", [one.channel for one in every], is_run=True),
        Field("money", f"Money [{told.currency}]", "amount", [one.money for one in every], (), True, True),
        Field(
            "share",
            "Share of the plan's spend",
            "share",
            shares,
            each(shares, f"{{money}}/{from_inputs(SPEND)}"),
            adds_up=True,
        ),
        Field("cost", f"Its cost: more without it [{unit}]", "amount", [one.cost for one in every], (), True, True),
        Field("rate", f"Cost of each {told.currency}", "factor", rates, each(rates, "{cost}/{money}")),
    ]
    if told.margin and not found.aim:
        lost = [told.margin * one.cost for one in every]
        formula = each(lost, f"{from_inputs(MARGIN)}*{{cost}}")
        fields.append(Field("margin", f"Margin on its cost [{told.currency}]", "amount", lost, formula, adds_up=True))
    return tuple(fields)


def queue_fields(told: Layout) -> tuple[Field, ...]:
    """What becomes of leads as planned, by quarter."""
    every = told.found.queue
    lost = [1 - adds for _, _, adds in every]
    says = ["more marketing lengthens the queue" if adds < LENGTHENS else "" for _, _, adds in every]
    rule = f'IF({{adds}}<{LENGTHENS},"more marketing lengthens the queue","")'
    return (
        Field("quarter", "Quarter, as planned", "text", [name for name, _, _ in every], is_run=True),
        Field("lost", "Leads lost in line", "share", [share for _, share, _ in every], is_run=True),
        Field("adds", "Of each further lead served", "share", [adds for _, _, adds in every], is_run=True),
        Field("gone", "Of each further lead lost", "share", lost, each(lost, "1-{adds}")),
        Field("says", "That is", "text", says, each(says, rule)),
    )


def write_limits(book: Book, told: Layout) -> None:
    """How far shocks may go, what commitments cost, and what becomes of leads."""
    sheet = book.sheet(LIMITS, (TOP - 1, 0), is_one_page=True)
    titled(sheet, told, "Limits", ("How far shocks may go, what commitments cost, what becomes of leads.", LIVE))
    sheet.wide(0, [36, 18, 24, 18, 26, 34])
    for title, (at, fields) in limit_tables(told).items():
        sheet.text((at[0] - 1, 0), title, "strong")
        write_table(sheet, at, fields)


MOVES_AT: Cell = (TOP - 1, 0)


def move_fields(told: Layout) -> tuple[Field, ...]:
    """Where the money goes: the plan and the chosen policy, by channel and quarter."""
    every, unit = told.found.moved, f"[{told.currency}]"
    change = [one.change for one in every]
    shares = [one.change / one.planned if one.planned else None for one in every]
    return (
        Field("channel", "Channel", "text", [one.channel for one in every], is_run=True),
        Field("quarter", "Quarter", "text", [one.quarter for one in every], is_run=True),
        Field("planned", f"Plan {unit}", "amount", [one.planned for one in every], (), True, True),
        Field("spend", f"Spend, mean {unit}", "amount", [one.spend for one in every], (), True, True),
        Field("change", f"Change {unit}", "amount", change, each(change, "{spend}-{planned}"), adds_up=True),
        Field("share", "Change against the plan", "share", shares, each(shares, "{spend}/{planned}-1")),
    )


def write_moves(book: Book, told: Layout) -> None:
    """Where the money goes under the policy that this run says to choose."""
    sheet, (case, policy) = book.sheet(MOVES, (TOP, 2)), told.found.moved_in
    note = f"Mean spend under: {short(TOLD.get(policy, policy), SHORT)}; case {short(case, SHORT)}."
    titled(sheet, told, "Where the money goes", (note, LIVE))
    sheet.wide(0, [36, 27, 16, 16, 16, 14])
    write_table(sheet, MOVES_AT, move_fields(told))
    sheet.page.autofilter(TOP - 1, 0, TOP + len(told.found.moved) - 1, 5)
