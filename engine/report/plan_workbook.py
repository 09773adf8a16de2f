"""The workbook of plans, for finance: live formulas from spend to outcome to profit, valued by the engine."""

from pathlib import Path

from engine import __version__
from engine.report.answer import decision
from engine.report.plan_book import PlanBook
from engine.report.plan_checks import ALL, case_fields, write_cases, write_checks
from engine.report.plan_draws import DRAWS, WEEKS
from engine.report.plan_layout import (
    BESIDE,
    BRIDGE,
    CASES,
    CHANNELS,
    CHECKS,
    INPUTS,
    MADE,
    NUMBERS,
    OUTCOME,
    SHOWN,
    SLOTS,
    SPEND,
    SUMMARY,
    TIME,
    TOP,
    Layout,
    titled,
)
from engine.report.plan_results import channel_fields, write_bridge, write_channels, write_time
from engine.report.plan_sheets import placed_draws, write_draws, write_inputs, write_outcome, write_spend, write_weeks
from engine.report.workbook import LONGEST_TEXT, Book, Number, Sheet, block, opened, place, save, short
from engine.words import percent

LINE = 118  # letters of a line across the first sheet
AGREED, CHANGED = "All sums agree.", "Something does not add up, or an input of the plans was changed. See Checks."
CONTENTS = {
    INPUTS: "Worth, margin, prices and effects: may be changed",
    SPEND: "Money of every scenario; yours may be typed in",
    TIME: "Spend, outcome and profit by decision",
    CHANNELS: "The same by channel",
    BRIDGE: "From what is compared with to what is shown",
    CASES: "What the engine found of each scenario, with ranges and chances",
    OUTCOME: "What money brings, by channel and time: the formulas",
    CHECKS: "Whether everything adds up to what the engine found",
    WEEKS: "Money by period",
    DRAWS: "The draws of the curves",
    MADE: "Files, digests, versions, warnings",
}


def plan_workbook(path: Path, found: PlanBook) -> None:
    """Write plans as a workbook that recalculates to the engine's figures, whatever money is typed in.

    Args:
        path: Of the .xlsx file, which appears whole or not at all.
        found: What it holds.

    Raises:
        StorageError: The folder cannot be written or the disk is full.
    """
    base = next((at for at, case in enumerate(found.cases) if case.split is found.plan.baseline), 0)
    book, told = opened(), Layout(found, (0, base))
    write_summary(book.sheet(SUMMARY, is_one_page=True), told)
    placed = placed_draws(told)
    for write in (write_time, write_channels, write_bridge, write_cases, write_inputs, write_spend):
        write(book, told)
    write_outcome(book, told, placed)
    write_checks(book, told)
    write_weeks(book, told)
    write_draws(book, told, placed)
    write_made(book, told)
    save(book, path)


def write_summary(sheet: Sheet, told: Layout) -> None:
    """The decision, the switches, what they show, and what stands in the other sheets."""
    plan = told.book.plan
    sheet.wide(0, [34, 46, 18, 18, 18])
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), f"Plan: {short(plan.scenario, 100)}", "title")
    sheet.page.set_row(1, 64)
    sheet.paragraph(((1, 0), (1, 4)), decision(plan), "strong")
    if plan.warnings:
        sheet.page.set_row(2, 16 * (1 + sum(len(one) for one in plan.warnings) // LINE))
        sheet.paragraph(((2, 0), (2, 4)), "Beware: " + ". ".join(plan.warnings) + ".", "beware")
    sheet.heads((3, 0), ["Scenario", "Choose", "Number"], 2, 18)
    last = TOP + len(told.book.cases) - 1
    fields = [field.key for field in case_fields(told)]
    for slot, (cell, number) in enumerate(zip((SHOWN, BESIDE), NUMBERS, strict=True)):
        sheet.text((cell[0], 0), SLOTS[slot].capitalize())
        sheet.text(cell, told.book.names[told.shown[slot]], "input")
        listed = block((TOP, 0), (last, 0), CASES)
        sheet.page.data_validation(*cell, *cell, {"validate": "list", "source": f"={listed}"})
        column = fields.index(f"c{slot}")
        picked = block((TOP, column), (last, column), CASES)
        sheet.formula(number, f"SUM({picked})", float(told.shown[slot] + 1), "count", "remark")
    _totals(sheet, told, 7)
    sheet.text((13, 0), "Checks", "strong")
    verdict = f'IF({place(ALL, CHECKS)},"{AGREED}","{CHANGED}")'
    sheet.formula((13, 1), verdict, AGREED, "text", "strong")
    note = (
        "Ranges and chances stand in the sheet Scenarios, as the engine found them. Blue cells may be changed: Inputs, "
        "the scenario of your own in Spend, and the two above."
    )
    note = " ".join((note, *(f"Not in it: {why}" for why in told.book.left_out)))
    sheet.page.set_row(15, 16 * (1 + len(note) // LINE))
    sheet.paragraph(((15, 0), (15, 4)), note)
    sheet.heads((17, 0), ["Sheet", "What it tells"], 2, 18)
    for at, (name, what) in enumerate(CONTENTS.items(), 18):
        sheet.text((at, 0), name)
        sheet.text((at, 1), what)


def _totals(sheet: Sheet, told: Layout, row: int) -> None:
    """Spend, outcome and profit of both cases over the horizon."""
    fields = channel_fields(told)
    sheet.heads((row, 0), ["In all", "", *(name.capitalize() for name in SLOTS), "Difference"], 2, 18)
    names = {"m": f"Spend ({told.currency})", "o": f"Brings: {told.outcome}", "p": f"Profit ({told.currency})"}
    if told.has_profit and told.book.plan.lines[0].worth is None:
        sheet.text((row + 3, 1), "with all of the outcome kept: type your margin in Inputs", "remark")
    keys = [field.key for field in fields]
    for at, (key, name) in enumerate(names.items(), row + 1):
        if f"{key}0" not in keys:
            continue
        sheet.text((at, 0), name)
        for column, one in enumerate((f"{key}0", f"{key}1", f"d{key}"), 2):
            field = fields[keys.index(one)]
            cell = place((TOP + told.count, keys.index(one)), CHANNELS)
            sheet.formula((at, column), cell, field.total, field.form, "strong")
    _ratio(sheet, told, row)


def _ratio(sheet: Sheet, told: Layout, row: int) -> None:
    """What a unit of money brings, or what one costs."""
    at = row + 4 if told.has_profit else row + 3
    sheet.text((at, 0), f"Return per {told.currency} 1" if told.book.in_money else f"Cost of one ({told.currency})")
    for slot, case in enumerate(told.shown):
        money, comes = float(told.book.cases[case].money.sum()), float(told.book.brought[case].sum())
        high, low = (row + 2, row + 1) if told.book.in_money else (row + 1, row + 2)
        over, under = (comes, money) if told.book.in_money else (money, comes)
        value: Number | str = over / under if under else ""
        cells = place((high, 2 + slot)), place((low, 2 + slot))
        sheet.formula((at, 2 + slot), f'IF({cells[1]}=0,"",{cells[0]}/{cells[1]})', value, "fine", "strong")


def write_made(book: Book, told: Layout) -> None:
    """From what all of it was made, and what to beware of."""
    sheet, plan = book.sheet(MADE, (TOP, 1)), told.book.plan
    titled(sheet, told, "Made from", "What makes the same figures again.", "")
    sheet.wide(0, [34, 110])
    facts = {
        "Scenario": plan.scenario,
        "Outcome counts": told.outcome,
        "The plan maximises": plan.measure,
        "Draws": f"{told.book.curves.draws:,}",
        "Proof": f"no plan under its rules is worth over {percent(plan.gap)} more" if plan.proven else "not proven",
        **{f"{source.what} {at}": f"{source.name} {source.digest}" for at, source in enumerate(told.book.sources, 1)},
        "Made by": f"peso {__version__}",
    }
    rows = [
        *facts.items(),
        *(("Left out", why) for why in told.book.left_out),
        *(("Beware", one) for one in plan.warnings),
    ]
    for row, (name, text) in enumerate(rows, TOP):
        sheet.text((row, 0), name, "strong")
        sheet.text((row, 1), text, "note", LONGEST_TEXT)
