"""The bridges of a stress test's workbook: from the plan to the outcome, and to the profit, of what the switch says."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.report.stress_layout import (
    BRIDGE,
    CASE,
    CASE_NUMBER,
    LIVE,
    MARGIN,
    PLAN,
    POLICY,
    SPEND,
    TOP,
    Layout,
    Line,
    from_inputs,
    from_switch,
    mean,
    titled,
)
from engine.report.stress_policies import held, shown
from engine.report.stress_table import Field, chart_of, write_table
from engine.report.workbook import Book, Cell, Form, Sheet, place
from engine.stress.readout import Bar, Reading

DUST = "1E-9"  # of the plan: a bar that is rounding
FOUND_AT = 3  # column with what this run found of each shock
CHART_AT, CHART_WIDE = 5, 800  # first column of a chart, and pixels
DRAWN = 17  # first column of what charts are drawn of
HIGH = 18  # rows beside a chart
COLOURS = (None, "#1F3A5F", "#4C9A5B", "#4C9A5B", "#C0504D", "#C0504D")
PARTS = ("Foot", "Whole", "More, above 0", "More, below 0", "Less, above 0", "Less, below 0")


@dataclass(frozen=True)
class Step:
    """One bar: its name, or the cell with it, and what it adds."""

    name: str
    formula: str
    value: float
    cell: str = ""  # with the name, where it follows the switch
    is_whole: bool = False  # whether it stands for all before it, and adds nothing
    found: float | None = None  # what this run found, in the case that tells shocks apart


@dataclass(frozen=True)
class Bridge:
    """A bridge, and where it stands."""

    title: str
    head: str
    form: Form
    steps: tuple[Step, ...]
    row: int  # of its header
    unit: Cell  # the term of the inputs that has its unit

    def cell(self, step: int, sheet: str = BRIDGE) -> str:
        """What a bar comes to, as formulas call it."""
        return place((self.row + 1 + step % len(self.steps), 2), sheet)

    @property
    def after(self) -> int:
        """The row after its table and its chart, and a free one."""
        return self.row + max(len(self.steps) + 1, HIGH) + 2


def told_apart(told: Layout) -> tuple[Bar, ...]:
    """What each shock adds in the last case, where this run tells shocks apart."""
    return told.found.bridge[1:-2]


def bridges(told: Layout) -> tuple[Bridge, ...]:
    """All bridges: of the outcome, and of money where it is known."""
    outcome = Bridge(
        "From the plan to the outcome", f"Adds [{told.outcome}]", told.amount, tuple(_of_outcome(told)), TOP - 1, PLAN
    )
    if not told.in_money or (told.margin is None and told.held is None):
        return (outcome,)
    title = "From the plan to the profit and its value at the start"
    if told.margin is None:
        title = "From the profit of the plan held to that of the policy, and its value at the start"
    return outcome, Bridge(
        title, f"Adds [{told.currency}]", "amount", tuple(_of_money(told, outcome)), outcome.after, SPEND
    )


def _of_outcome(told: Layout) -> list[Step]:
    plan, one, bars = told.found.planned.mean, told.chosen, told_apart(told)
    is_apart = one.case == len(told.cases)
    steps = [Step("The plan", from_inputs(PLAN), plan)]
    for at, bar in enumerate(bars, TOP + 1):
        formula = f"IF({from_switch(CASE_NUMBER)}={len(told.cases)},{place((at, FOUND_AT), fixed=False)},0)"
        steps.append(Step(bar.name, formula, bar.low if is_apart else 0.0, found=bar.low))
    before, so_far = sum(step.value for step in steps), f"SUM(B{TOP + 1}:B{TOP + len(steps)})"
    beside = told.held_beside(one)
    known = beside.told.outcome.mean if beside else one.told.outcome.mean
    rest = held(told, "outcome") if beside else shown(told, "outcome")
    left = _settled(f"{rest}-{so_far}", known - before, PLAN, plan)
    steps.append(_rest(told, left, is_alone=beside is None))
    if beside:
        gain = f"{shown(told, 'outcome')}-{held(told, 'outcome')}"
        steps.append(_policy(told, gain, one.told.outcome.mean - known))
    total = f"SUM(B{TOP + 1}:B{TOP + len(steps)})"
    return [*steps, Step("Outcome", total, one.told.outcome.mean, is_whole=True)]


def _settled(formula: str, value: float, of: Cell, size: float) -> tuple[str, float]:
    """A difference that is 0 where it is nothing but rounding, beside a term of the inputs of some size."""
    told = f"IF(ABS({formula})<={DUST}*ABS({from_inputs(of)}),0,{formula})"
    return told, value if abs(value) > float(DUST) * abs(size) else 0.0


def _rest(told: Layout, left: tuple[str, float], is_alone: bool) -> Step:
    """What shocks change that are not told apart, and the policy where nobody holds the plan."""
    formula, value = left
    if told_apart(told):
        name = "Shocks not told apart"
        return Step(f"{name}, and the policy" if is_alone else name, formula, value)
    return Step(told.cases[told.chosen.case - 1], formula, value, from_switch(CASE))


def _policy(told: Layout, formula: str, value: float) -> Step:
    return Step(told.policies[told.chosen.policy - 1], formula, value, from_switch(POLICY))


def _of_money(told: Layout, outcome: Bridge) -> list[Step]:
    one, first = told.chosen.told, outcome.after + 1
    steps = _from_the_plan(told, outcome) if told.margin else _from_the_plan_held(told)
    steps.append(
        Step("Profit", f"SUM(B{first + 1}:B{first + len(steps)})", mean(one.profit), is_whole=True),
    )
    waits = f"{shown(told, 'present')}-{place((first + len(steps) - 1, 1), fixed=False)}"
    later = _settled(waits, mean(one.present) - mean(one.profit), SPEND, told.found.spend)
    steps.append(Step("Later payments", *later))
    value = f"B{first + len(steps) - 1}+B{first + len(steps)}"
    return [*steps, Step("Value at the start", value, mean(one.present), is_whole=True)]


def _from_the_plan(told: Layout, outcome: Bridge) -> list[Step]:
    """The margin on each bar of the outcome, and what is not spent."""
    margin, share, spend = from_inputs(MARGIN), told.margin or 0.0, told.found.spend
    plan, *steps, _ = outcome.steps
    found = [Step("The plan's profit", f"{margin}*B{TOP + 1}-{from_inputs(SPEND)}", share * plan.value - spend)]
    for at, step in enumerate(steps, TOP + 2):
        found.append(Step(step.name, f"{margin}*B{at}", share * step.value, step.cell))
    formula, value = f"{from_inputs(SPEND)}-{shown(told, 'spend')}", spend - told.chosen.told.spend.mean
    return [*found, Step("Spend below plan", *_settled(formula, value, SPEND, spend))]


def _from_the_plan_held(told: Layout) -> list[Step]:
    """What the policy earns and spends beyond the plan held, whose margins differ by channel."""
    beside: Line = told.held_beside(told.chosen) or told.chosen
    earned = f"({shown(told, 'profit')}+{shown(told, 'spend')})-({held(told, 'profit')}+{held(told, 'spend')})"
    less = f"{held(told, 'spend')}-{shown(told, 'spend')}"
    return [
        Step("Profit of the plan held", held(told, "profit"), mean(beside.told.profit)),
        _policy(told, earned, _contribution(told.chosen.told) - _contribution(beside.told)),
        Step("Spend below that", less, beside.told.spend.mean - told.chosen.told.spend.mean),
    ]


def _contribution(one: Reading) -> float:
    return mean(one.profit) + one.spend.mean


def write_bridge(book: Book, told: Layout) -> None:
    """The bridges of what the switch says, each with its chart."""
    sheet = book.sheet(BRIDGE, (TOP - 1, 0), is_one_page=True)
    apart = "" if len(told.cases) == 1 or not told_apart(told) else f"; only {told.cases[-1]} tells shocks apart"
    subset = 0 < told.found.bridged < told.found.cases[-1].paths
    on = f", on its first {told.found.bridged:,} paths" if subset and told_apart(told) else ""
    note = f"Follows the switch: means of all paths, shocks come in one by one{apart}{on}."
    titled(sheet, told, "Bridges", (note, LIVE))
    sheet.wide(0, [46, 17, 17, 17, 3, *[9] * (DRAWN - 5), *[13] * len(PARTS)])
    for one in bridges(told):
        _write(book, sheet, one)
    sheet.page.print_area(0, 0, bridges(told)[-1].after, DRAWN - 1)


def _write(book: Book, sheet: Sheet, one: Bridge) -> None:
    steps, first = one.steps, one.row + 1
    ends = _ends(steps)
    fields = [
        Field("name", one.title, "text", [step.name for step in steps], [step.cell or None for step in steps]),
        Field("adds", one.head, one.form, [step.value for step in steps], [step.formula for step in steps]),
        Field(
            "to",
            one.head.replace("Adds", "Comes to"),
            one.form,
            [end for _, end in ends],
            [_comes_to(step, first + at, at) for at, step in enumerate(steps)],
        ),
    ]
    if any(step.found is not None for step in steps):
        head = one.head.replace("Adds", "This run")
        fields.append(Field("found", head, one.form, [step.found for step in steps], is_run=True))
    write_table(sheet, (one.row, 0), fields, totals=[at for at, step in enumerate(steps) if step.is_whole])
    _drawn(sheet, one, ends)
    _chart(book, sheet, one)


def _ends(steps: Sequence[Step]) -> list[tuple[float, float]]:
    """Where each bar begins and ends."""
    found, so_far = [], 0.0
    for step in steps:
        begin = 0.0 if step.is_whole else so_far
        so_far = begin + step.value
        found.append((begin, so_far))
    return found


def _comes_to(step: Step, row: int, at: int) -> str:
    return "{adds}" if step.is_whole or at == 0 else f"C{row}+{{adds}}"


def _drawn(sheet: Sheet, one: Bridge, ends: Sequence[tuple[float, float]]) -> None:
    """What the chart is drawn of: an invisible foot, and a bar on it, which may reach from above 0 to below."""
    for number, name in enumerate(PARTS, DRAWN):
        sheet.text((one.row, number), name, "remark")
    for at, (begin, end) in enumerate(ends):
        row = one.row + 1 + at
        is_whole = at == 0 or one.steps[at].is_whole
        parts = _whole(row, end) if is_whole else _parts(row, begin, end)
        for number, (formula, value) in enumerate(parts, DRAWN):
            sheet.formula((row, number), formula, value, one.form, "remark")


def _whole(row: int, end: float) -> list[tuple[str, float]]:
    return [("0", 0.0), (f"C{row + 1}", end), *[("0", 0.0)] * 4]


def _parts(row: int, begin: float, end: float) -> list[tuple[str, float]]:
    """The foot and the bar of a step, above 0 and below, where it adds and where it takes."""
    a, b = f"C{row}", f"C{row + 1}"
    low, high = min(begin, end), max(begin, end)
    foot = f"MAX(0,MIN({a},{b}))+MIN(0,MAX({a},{b}))", max(0.0, low) + min(0.0, high)
    more = [
        (f"MAX(0,MAX(0,{b})-MAX(0,{a}))", max(0.0, max(0.0, end) - max(0.0, begin))),
        (f"0-MAX(0,MIN(0,{b})-MIN(0,{a}))", -max(0.0, min(0.0, end) - min(0.0, begin))),
    ]
    less = [
        (f"MAX(0,MAX(0,{a})-MAX(0,{b}))", max(0.0, max(0.0, begin) - max(0.0, end))),
        (f"0-MAX(0,MIN(0,{a})-MIN(0,{b}))", -max(0.0, min(0.0, begin) - min(0.0, end))),
    ]
    return [foot, ("0", 0.0), *more, *less]


def _chart(book: Book, sheet: Sheet, one: Bridge) -> None:
    chart = chart_of(book, {"type": "column", "subtype": "stacked"}, one.title, one.unit)
    first, last = one.row + 1, one.row + len(one.steps)
    for number, colour in enumerate(COLOURS, DRAWN):
        chart.add_series(
            {
                "name": [BRIDGE, one.row, number],
                "categories": [BRIDGE, first, 0, last, 0],
                "values": [BRIDGE, first, number, last, number],
                "fill": {"color": colour} if colour else {"none": True},
                "gap": 40,
            }
        )
    chart.set_legend({"none": True})
    chart.set_size({"width": CHART_WIDE, "height": 20 * HIGH})
    sheet.page.insert_chart(one.row, CHART_AT, chart)
