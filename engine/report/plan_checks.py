"""What the engine found of each scenario, and whether the workbook of plans adds up to it."""

from engine.report.plan_book import CLOSE
from engine.report.plan_layout import (
    BESIDE,
    BRIDGE,
    CASES,
    CHANNELS,
    CHECKS,
    EFFECT,
    FACTORS,
    NUMBERS,
    PRICE,
    SHOWN,
    SLOTS,
    SPEND,
    SUMMARY,
    TIME,
    TOP,
    VALUE,
    Layout,
    of_inputs,
    titled,
)
from engine.report.plan_results import bridge_fields, channel_fields
from engine.report.stress_table import Field, write_table
from engine.report.workbook import Book, Form, Number, block, place

AT = (TOP - 1, 0)
ALL = (TOP - 1, 5)  # whether every check holds
TYPED = "typed in"


def write_cases(book: Book, told: Layout) -> None:
    """Every scenario as the engine found it, and which of them are chosen."""
    sheet = book.sheet(CASES, (TOP, 1))
    titled(sheet, told, "Scenarios", "What the engine found of each, with the range over all draws.")
    sheet.wide(0, [50, *[16] * 8, 8, 10, 10])
    write_table(sheet, AT, case_fields(told), 48)


def case_fields(told: Layout) -> list[Field]:
    """The columns of the table of scenarios."""
    cases = told.book.cases
    splits = [case.split for case in cases]
    plans = [case.plan for case in cases]
    outcome = told.outcome

    def known(name: str, head: str, form: Form, values: list[Number | None]) -> Field:
        return Field(name, head, form, values, is_run=True)

    fields = [
        Field("name", "Scenario", "text", [case.name for case in cases]),
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
        known(
            "chance",
            "Chance to bring less than history's split",
            "share",
            [one.chance_of_loss if one else None for one in plans],
        ),
        known("gap", "No plan is better by more than", "rate", [one.gap if one else None for one in plans]),
    ]
    fields.append(Field("n", "No.", "count", [float(at) for at in range(1, len(cases) + 1)], is_run=True))
    for slot, cell in enumerate((SHOWN, BESIDE)):
        values = [float(at + 1 if at == told.shown[slot] else 0) for at in range(len(cases))]
        formula = f"IF({{name}}={place(cell, SUMMARY)},{{n}},0)"
        fields.append(Field(f"c{slot}", SLOTS[slot].capitalize(), "count", values, [formula] * len(cases)))
    return fields


def _spent(told: Layout, case: int) -> str:
    first, last = (told.case_row(case, channel) for channel in (0, told.count - 1))
    return f"SUM({block((first, 2), (last, 1 + told.decisions), SPEND)})"


def write_checks(book: Book, told: Layout) -> None:
    """Whether sums agree, and whether what is shown is what the engine found."""
    sheet = book.sheet(CHECKS, (TOP, 1), is_one_page=True)
    titled(sheet, told, "Checks", "Every line should say yes; a changed input is told.", "")
    sheet.wide(0, [62, 20, 20, 20, 4, 10])
    rows = _checks(told)
    last = TOP + len(rows) - 1
    fields = [
        Field("name", "What is compared", "text", [name for name, *_ in rows]),
        Field("one", "This", "fine", [value for _, _, _, value in rows], [one for _, one, _, _ in rows]),
        Field("two", "With this", "fine", [value for _, _, _, value in rows], [two for _, _, two, _ in rows]),
        Field("ok", "The same", "text", ["yes"] * len(rows), [_verdict(told, at) for at in range(len(rows))]),
    ]
    write_table(sheet, AT, fields, 18)
    every = block((TOP, 3), (last, 3))
    sheet.formula(ALL, f'SUMPRODUCT(({every}="no")*1)=0', True, "flag", "strong")


def _checks(told: Layout) -> list[tuple[str, str, str, float]]:
    """What is compared, both sides as formulas, and what they come to."""
    by_channel, bridge = channel_fields(told), bridge_fields(told)
    spans, count = len(told.book.spans), told.count
    found = []
    keys = [field.key for field in by_channel]
    for key, name in (("m", "Money"), ("o", "What comes"), ("p", "Profit")):
        if f"{key}0" not in keys:
            continue
        for slot, which in enumerate(SLOTS):
            column = keys.index(f"{key}{slot}")
            value = sum(float(one or 0.0) for one in by_channel[column].values)
            total, over = place((TOP + count, column), CHANNELS), place((TOP + spans, column), TIME)
            found.append((f"{name}, {which}: by channel and by time", total, over, value))
        column = keys.index(f"{key}0")
        at = [field.key for field in bridge].index(key)
        end, total = place((TOP + count + 1, at), BRIDGE), place((TOP + count, column), CHANNELS)
        value = sum(float(one or 0.0) for one in by_channel[column].values)
        found.append((f"{name}: where the bridge ends, and what is shown", end, total, value))
    fields = [field.key for field in case_fields(told)]
    for slot, which in enumerate(SLOTS):
        case = told.book.cases[told.shown[slot]]
        column = fields.index("o")
        every = block((TOP, column), (TOP + len(told.book.cases) - 1, column), CASES)
        total = place((TOP + count, keys.index(f"o{slot}")), CHANNELS)
        engine = f"0+INDEX({every},{place(NUMBERS[slot], SUMMARY)})"  # 0 where it is typed in
        found.append((f"What comes, {which}: here, and as the engine found it", total, engine, case.outcome))
    return found


def _verdict(told: Layout, at: int) -> str:
    """Whether both sides of a check are the same; of the engine's figures only where nothing was changed."""
    count = len(_checks(told))
    same = f"ABS({{one}}-{{two}})<={2 * CLOSE:.9f}*MAX(ABS({{one}}),ABS({{two}}))"
    if at < count - 2:
        return f'IF({same},"yes","no")'
    first, last = FACTORS, FACTORS + told.count - 1
    factors = block((first, PRICE), (last, EFFECT), "Inputs")
    changed = f"SUMPRODUCT(({factors}<>1)*1)+({of_inputs(VALUE)}<>{told.book.value!r})"
    return f'IF({{two}}=0,"{TYPED}",IF({changed}>0,"inputs changed",IF({same},"yes","no")))'
