"""The sheets of a stress test's workbook about single shocks and single paths: the tornado, and the worst paths."""

from collections.abc import Sequence

from engine.report.stress_layout import LIVE, MARGIN, PLAN, TARGET, TOP, TORNADO, WORST, Layout, from_inputs, titled
from engine.report.stress_table import Field, chart_of, each, write_table
from engine.report.workbook import Book, Cell, Number, Sheet
from engine.stress.readout import Bar, WorstPath

AT: Cell = (TOP - 1, 0)
LOW, HIGH = "#8FA9C8", "#1F3A5F"


def tornado_fields(told: Layout) -> tuple[Field, ...]:
    """The columns of the tornado, the widest bar first."""
    bars: Sequence[Bar] = sorted(told.found.tornado, key=lambda bar: -max(abs(bar.low), abs(bar.high)))
    plan, unit, form = told.found.planned.mean, f"[{told.outcome}]", told.amount
    count, ends = len(bars), (("low", [bar.low for bar in bars]), ("high", [bar.high for bar in bars]))
    fields = [Field("shock", "Shock", "text", [bar.name for bar in bars])]
    fields += [Field(key, f"Change at its {key} end {unit}", form, values, is_run=True) for key, values in ends]
    fields.append(Field("plan", f"Plan {unit}", form, [plan] * count, [from_inputs(PLAN)] * count))
    target = plan if told.found.target is None else told.found.target
    for key, values in ends:
        outcome = [plan + value for value in values]
        head = f"Outcome at its {key} end {unit}"
        fields.append(Field(f"outcome {key}", head, form, outcome, [f"{{plan}}+{{{key}}}"] * count))
    if told.found.target is not None:
        spare = [plan + min(bar.low, bar.high) - target for bar in bars]
        formula = f"MIN({{outcome low}},{{outcome high}})-{from_inputs(TARGET)}"
        fields.append(Field("spare", f"Worse end less target {unit}", form, spare, [formula] * count))
    if told.margin:
        for key, values in ends:
            head, formula = f"Margin on the change, {key} end [{told.currency}]", f"{from_inputs(MARGIN)}*{{{key}}}"
            earned = [told.margin * value for value in values]
            fields.append(Field(f"margin {key}", head, "amount", earned, [formula] * count))
    return tuple(fields)


def write_tornado(book: Book, told: Layout) -> None:
    """Each shock alone, at both ends, while the plan is held; as a table and a chart."""
    sheet, fields = book.sheet(TORNADO, (TOP, 1), is_one_page=True), tornado_fields(told)
    note = "Each shock alone while the plan is held: at 5 and 95 % of its factor; of one size: without it, and with it."
    titled(sheet, told, "Tornado", (note, LIVE))
    sheet.wide(0, [36, *[15] * (len(fields) - 1)])
    after = write_table(sheet, AT, fields, 48)
    _chart(book, sheet, len(told.found.tornado), after)


def _chart(book: Book, sheet: Sheet, count: int, row: int) -> None:
    chart = chart_of(book, {"type": "bar"}, "What each shock changes alone", PLAN)
    for column, name, colour in ((1, "Low end of the factor", LOW), (2, "High end of the factor", HIGH)):
        chart.add_series(
            {
                "name": name,
                "categories": [TORNADO, TOP, 0, TOP + count - 1, 0],
                "values": [TORNADO, TOP, column, TOP + count - 1, column],
                "fill": {"color": colour},
                "gap": 40,
                "overlap": 100,
            }
        )
    chart.set_size({"width": 880, "height": 140 + 32 * count})
    sheet.page.insert_chart(row + 1, 0, chart)


def worst_fields(told: Layout) -> tuple[Field, ...]:
    """The columns of the worst paths."""
    paths: Sequence[WorstPath] = told.found.worst
    plan, unit, form = told.found.planned.mean, f"[{told.outcome}]", told.amount
    took: list[Number | str | None] = [path.took if path.shock else 0.0 for path in paths]
    less = [path.outcome - plan for path in paths]
    rest = [path.outcome - plan - path.curves - (path.took if path.shock else 0.0) for path in paths]
    fields = [
        Field("number", "Path", "count", [path.number for path in paths], is_run=True),
        Field("outcome", f"Outcome {unit}", form, [path.outcome for path in paths], is_run=True),
        Field("less", f"Less plan {unit}", form, less, each(less, f"{{outcome}}-{from_inputs(PLAN)}")),
        Field("curves", f"of it, its curves {unit}", form, [path.curves for path in paths], is_run=True),
        Field("took", f"of it, the shock that took most {unit}", form, took, is_run=True),
        Field("rest", f"of it, other shocks and the policy {unit}", form, rest, each(rest, "{less}-{curves}-{took}")),
    ]
    if told.margin:
        lost, formula = [told.margin * value for value in less], f"{from_inputs(MARGIN)}*{{less}}"
        fields.append(Field("margin", f"Margin on it [{told.currency}]", "amount", lost, each(lost, formula)))
    shocks = [path.shock or "none" for path in paths]
    came = [", ".join(path.came) or "none" for path in paths]
    return (
        *fields,
        Field("shock", "Shock that took most", "text", shocks, is_run=True),
        Field("came", "What came, with its factor", "text", came, is_run=True),
    )


def write_worst(book: Book, told: Layout) -> None:
    """The worst paths of the policy that this run says to choose, each with what took it there."""
    sheet, fields = book.sheet(WORST, (TOP, 1)), worst_fields(told)
    number = next(line.policy for line in told.lines if line.told.policy == told.found.worst[0].policy)
    note = f"The paths with the least outcome under: {told.policies[number - 1]}; case {told.cases[-1]}."
    titled(sheet, told, "Worst paths", (note, LIVE))
    sheet.wide(0, [9, *[13] * (len(fields) - 3), 24, 56])
    write_table(sheet, AT, fields, 62)
