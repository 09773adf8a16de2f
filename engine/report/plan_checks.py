"""What the engine found of each scenario, and whether the workbook of plans adds up to it."""

from typing import NamedTuple

from engine.report.plan_book import CLOSE
from engine.report.plan_layout import (
    BESIDE,
    BRIDGE,
    CASES,
    CHANNELS,
    CHECKS,
    EFFECT,
    FACTORS,
    INPUTS,
    NUMBERS,
    PRICE,
    SHOWN,
    SLOTS,
    SPEND,
    SUMMARY,
    TIME,
    TOP,
    VALUE,
    WORTH,
    Layout,
    case_row,
    knows_profit,
    letters,
    of_inputs,
    titled,
)
from engine.report.plan_results import bridge_fields, channel_fields
from engine.report.stress_table import Field, write_table
from engine.report.workbook import Book, Form, Number, block, place, short

AT = (TOP - 1, 0)
NOTHING = 1e-3  # of the plan's size: sums below it are compared with it, as differences of large ones end there
ALL = (TOP - 1, 5)  # whether every check holds
TYPED = "typed in"


def write_cases(book: Book, told: Layout) -> None:
    """Every scenario as the engine found it, and which of them are chosen."""
    sheet = book.sheet(CASES, (TOP, 1))
    titled(sheet, told, "Scenarios", "What the engine found of each, with the range over all draws.")
    wide = letters(told)
    sheet.wide(0, [36, *[wide] * 5, 20, wide, wide, 11, 11, *[wide] * knows_profit(told), 6, 8, 10])
    write_table(sheet, AT, case_fields(told), 62)


def case_fields(told: Layout) -> list[Field]:
    """The columns of the table of scenarios."""
    cases = told.book.cases
    splits = [case.split for case in cases]
    plans = [case.plan for case in cases]
    alike = [one if one and one.measure == told.book.plan.measure else None for one in plans]  # of one measure
    outcome = told.outcome

    def known(name: str, head: str, form: Form, values: list[Number | None]) -> Field:
        return Field(name, head, form, values, is_run=True)

    fields = [
        Field("name", "Scenario", "text", told.book.names),
        Field(
            "m",
            f"Spend ({told.currency})",
            "amount",
            [float(case.money.sum()) for case in cases],
            [_spent(told, at) for at in range(len(cases))],
        ),
        known("o", f"Brings: {outcome}, mean", told.amount, [one.outcome.mean if one else None for one in splits]),
        known("low", "5 %", told.amount, [one.outcome.p05 if one else None for one in splits]),
        known("mid", "50 %", told.amount, [one.outcome.p50 if one else None for one in splits]),
        known("high", "95 %", told.amount, [one.outcome.p95 if one else None for one in splits]),
        known("gain", _gain(told), told.amount, [one.gain.mean if one else None for one in alike]),
        known("gain_low", "5 %", told.amount, [one.gain.p05 if one else None for one in alike]),
        known("gain_high", "95 %", told.amount, [one.gain.p95 if one else None for one in alike]),
        known("chance", "Chance of less than it", "share", [one.chance_of_loss if one else None for one in alike]),
        known("gap", "No plan is better by more than", "rate", [one.gap if one else None for one in plans]),
    ]
    if knows_profit(told):
        profits = [case.profit for case in cases]
        fields.append(known("profit", f"Profit ({told.currency}), where the plan counts it", "amount", profits))
    fields.append(Field("n", "No.", "count", [float(at) for at in range(1, len(cases) + 1)], is_run=True))
    for slot, cell in enumerate((SHOWN, BESIDE)):
        values = [float(at + 1 if at == told.shown[slot] else 0) for at in range(len(cases))]
        formula = f"IF({{name}}={place(cell, SUMMARY)},{{n}},0)"
        fields.append(Field(f"c{slot}", SLOTS[slot].capitalize(), "count", values, [formula] * len(cases)))
    return fields


def _gain(told: Layout) -> str:
    """What is told of a plan beside its own money split as in history."""
    plan = told.book.plan
    unit = f" ({short(plan.unit, 20)})" if plan.unit else ""
    return f"More {short(plan.measure, 40)} than history's split of the same money, mean{unit}"


def _spent(told: Layout, case: int) -> str:
    first, last = (case_row(told, case, channel) for channel in (0, told.count - 1))
    return f"SUM({block((first, 2), (last, 1 + told.decisions), SPEND)})"


class Check(NamedTuple):
    """Two formulas that should come to the same."""

    name: str
    one: str
    two: str
    value: float  # to which both come
    of_engine: bool = False  # whether the second is what the engine found, whatever is typed in


def write_checks(book: Book, told: Layout) -> None:
    """Whether sums agree, and whether what is shown is what the engine found."""
    sheet = book.sheet(CHECKS, (TOP, 1), is_one_page=True)
    titled(sheet, told, "Checks", "Every line should say yes; a changed input is told.", "")
    sheet.wide(0, [62, 20, 20, 20, 4, 10])
    rows = [*_sums(told), *_of_engine(told)]
    values = [row.value for row in rows]
    fields = [
        Field("name", "What is compared", "text", [row.name for row in rows]),
        Field("one", "This", "fine", values, [row.one for row in rows]),
        Field("two", "With this", "fine", values, [row.two for row in rows]),
        Field("ok", "The same", "text", ["yes"] * len(rows), [_verdict(told, row.of_engine) for row in rows]),
    ]
    write_table(sheet, AT, fields, 18)
    every = block((TOP, 3), (TOP + len(rows) - 1, 3))
    sheet.formula(ALL, f'SUMPRODUCT(({every}="no")*1)=0', True, "flag", "strong")


def _sums(told: Layout) -> list[Check]:
    """Sums that can be made in two ways."""
    by_channel, bridge = channel_fields(told), bridge_fields(told)
    keys, count, found = [field.key for field in by_channel], told.count, []
    for key, name in (("m", "Money"), ("o", "What comes"), ("p", "Profit")):
        if f"{key}0" not in keys:
            continue
        for slot, which in enumerate(SLOTS):
            column = keys.index(f"{key}{slot}")
            total, over = place((TOP + count, column), CHANNELS), place((TOP + len(told.book.spans), column), TIME)
            found.append(Check(f"{name}, {which}: by channel and by time", total, over, by_channel[column].total))
        at, column = [field.key for field in bridge].index(key), keys.index(f"{key}0")
        end, total = place((TOP + count + 1, at), BRIDGE), place((TOP + count, column), CHANNELS)
        told_as = f"{name}: where the bridge ends, and what is shown"
        found.append(Check(told_as, end, total, by_channel[column].total))
    return found


def _of_engine(told: Layout) -> list[Check]:
    """What the workbook comes to, and what the engine found; 0 where money is typed in."""
    fields, keys = [field.key for field in case_fields(told)], [field.key for field in channel_fields(told)]
    found = []
    for slot, which in enumerate(SLOTS):
        case = told.book.cases[told.shown[slot]]
        for name, key, column, value in (
            ("What comes", "o", "o", case.outcome),
            ("Profit", "p", "profit", case.profit),
        ):
            if value is None:
                continue
            at = fields.index(column)
            every = block((TOP, at), (TOP + len(told.book.cases) - 1, at), CASES)
            total = place((TOP + told.count, keys.index(f"{key}{slot}")), CHANNELS)
            engine = f"0+INDEX({every},{place(NUMBERS[slot], SUMMARY)})"
            found.append(Check(f"{name}, {which}: here, and as the engine found it", total, engine, value, True))
    return found


def _verdict(told: Layout, of_engine: bool) -> str:
    """Whether both sides of a check are the same; of the engine's figures only where nothing was changed."""
    least = NOTHING * max(abs(told.book.plan.chosen.outcome.mean), told.book.plan.spend)
    same = f"ABS({{one}}-{{two}})<={2 * CLOSE:.9f}*MAX(ABS({{one}}),ABS({{two}}),{least!r})"
    if not of_engine:
        return f'IF({same},"yes","no")'
    factors = block((FACTORS, PRICE), (FACTORS + told.count - 1, EFFECT), INPUTS)
    changed = f"SUMPRODUCT(({factors}<>1)*1)+({of_inputs(VALUE)}<>{told.book.value!r})"
    for at, one in enumerate(told.book.worth or ()):
        changed += f"+({of_inputs((FACTORS + at, WORTH))}<>{one!r})"
    return f'IF({{two}}=0,"{TYPED}",IF({changed}>0,"inputs changed",IF({same},"yes","no")))'
