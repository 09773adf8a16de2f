"""The sheet of a stress test's workbook with what this run found of every policy: with it live figures are checked."""

from collections.abc import Callable

from engine.report.stress_layout import GREY, RUN, SHOWN_ROW, TOP, Layout, from_switch, mean, titled
from engine.report.stress_table import Field, write_table
from engine.report.workbook import Book, Form, block
from engine.stress.readout import Reading
from engine.words import percent

NAMES = 4  # columns that say whose figures they are
Told = tuple[str, str, Form, Callable[[Reading], float | str | None]]


def run_fields(told: Layout) -> tuple[Field, ...]:
    """The columns of the sheet of this run."""
    named: list[tuple[str, str, Form, list[str | float]]] = [
        ("key", "Key", "count", [line.key for line in told.lines]),
        ("case", "Case", "text", [told.cases[line.case - 1] for line in told.lines]),
        ("policy", "Policy", "text", [told.policies[line.policy - 1] for line in told.lines]),
        ("paths", "Paths", "amount", [told.found.cases[line.case - 1].paths for line in told.lines]),
    ]
    return (
        *(Field(key, head, form, values, is_run=True) for key, head, form, values in named),
        *(
            Field(key, head, form, [of(line.told) for line in told.lines], is_run=True)
            for key, head, form, of in _read(told)
        ),
    )


def _read(told: Layout) -> list[Told]:
    """What is read of each policy, after whose it is."""
    money = _money(told) if told.in_money else []
    return [*_outcomes(told), *_risks(told), *money, *_gains(told), *_rules(told)]


def _outcomes(told: Layout) -> list[Told]:
    unit, form = f"[{told.outcome}]", told.amount
    return [
        ("outcome", f"Outcome, mean {unit}", form, lambda one: one.outcome.mean),
        ("p05", f"Outcome 5 % {unit}", form, lambda one: one.outcome.p05),
        ("p50", f"Outcome 50 % {unit}", form, lambda one: one.outcome.p50),
        ("p95", f"Outcome 95 % {unit}", form, lambda one: one.outcome.p95),
        ("spend", f"Spend, mean [{told.currency}]", "amount", lambda one: one.spend.mean),
    ]


def _risks(told: Layout) -> list[Told]:
    unit, form, plan = f"[{told.outcome}]", told.amount, told.found.planned.mean
    reached = "plan" if told.found.target is None else "target"
    return [
        ("chance", f"Chance to reach the {reached}", "share", lambda one: one.target),
        ("at risk", f"Value at risk {unit}", form, lambda one: one.at_risk),
        ("shortfall", f"CVaR {unit}", form, lambda one: one.shortfall),
        (
            "worst",
            f"Mean of the worst {percent(told.found.level)} of paths {unit}",
            form,
            lambda one: plan - one.shortfall,
        ),
    ]


def _money(told: Layout) -> list[Told]:
    unit = f"[{told.currency}]"
    return [
        ("profit", f"Profit, mean {unit}", "amount", lambda one: mean(one.profit)),
        ("profit low", f"Profit 5 % {unit}", "amount", lambda one: one.profit.p05 if one.profit else None),
        ("profit high", f"Profit 95 % {unit}", "amount", lambda one: one.profit.p95 if one.profit else None),
        ("present", f"Value at the start {unit}", "amount", lambda one: mean(one.present)),
        ("paid back", "Paths that pay back", "share", lambda one: one.paid_back),
    ]


def _gains(told: Layout) -> list[Told]:
    if not any(line.told.gain for line in told.lines):
        return []
    unit = f"[{told.outcome}]"
    return [
        (
            "sure",
            f"Gain over hold, 95 % sure within +- {unit}",
            told.amount,
            lambda one: one.gain.mean - one.gain.low if one.gain else None,
        ),
        ("worse", "Paths with less than hold", "share", lambda one: one.gain.worse if one.gain else None),
    ]


def _rules(told: Layout) -> list[Told]:
    kept: list[Told] = [
        ("overspent", "Paths on which more is committed than there is", "share", lambda one: one.overspent),
    ]
    if any(line.told.broken for line in told.lines):
        kept += [
            ("broken", "Paths on which a rule is not kept", "share", lambda one: one.broken),
            ("rule", "The rule that is kept least", "text", lambda one: one.unkept[0].rule if one.unkept else ""),
        ]
    return kept


def write_run(book: Book, told: Layout) -> None:
    """One row a policy of each case, all of them values."""
    sheet, every = book.sheet(RUN, (TOP, NAMES - 1)), run_fields(told)
    titled(sheet, told, "What this run found", (GREY, "The sheet Checks compares live figures with these."))
    sheet.wide(0, [8, 28, 22, 7, *[30 if one.form == "text" else 11 for one in every[NAMES:]]])
    write_table(sheet, (TOP - 1, 0), every, 62)
    sheet.page.autofilter(TOP - 1, 0, told.ends[1], len(every) - 1)


def found_column(told: Layout, key: str) -> int:
    """The column of a figure; `key` that of the keys themselves."""
    return 0 if key == "key" else NAMES + [name for name, *_ in _read(told)].index(key)


def all_found(told: Layout, key: str) -> str:
    """The cells with a figure of all policies, as formulas of other sheets call them."""
    column, (first, last) = found_column(told, key), told.ends
    return block((first, column), (last, column), RUN)


def found_for_shown(told: Layout, key: str) -> str:
    """A figure of the policy that is shown, as a formula."""
    return f"INDEX({all_found(told, key)},{from_switch(SHOWN_ROW)})"
