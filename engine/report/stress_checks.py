"""The sheet of a stress test's workbook that says whether sums agree, with each other and with what this run found."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.report.stress_bridge import FOUND_AT, bridges, told_apart
from engine.report.stress_figures import OUTCOME, PAID, PLANNED, PRESENT, RECEIVED, SPENT, earning, total_of_all
from engine.report.stress_layout import (
    BRIDGE,
    CHECKS,
    LIMITS,
    MARGIN,
    MOVES,
    PLAN,
    QUARTERS,
    RUN,
    SPEND,
    TOP,
    TORNADO,
    WORST,
    Layout,
    from_inputs,
    mean,
    titled,
)
from engine.report.stress_limits import MOVES_AT, limit_tables, move_fields
from engine.report.stress_policies import all_agreeing
from engine.report.stress_quarters import totals
from engine.report.stress_run import all_found, found_column, found_for_shown, run_fields
from engine.report.stress_table import Field, cells_of
from engine.report.stress_tornado import AT, tornado_fields, worst_fields
from engine.report.workbook import Book, Cell, block, place

TOLERANCE = "1E-9"  # of what is compared
WHAT, HERE, THERE, DIFFERENCE, ALLOWED, AGREES = range(6)
ALL = (2, 1)  # the cell that says whether every check agrees


@dataclass(frozen=True)
class Check:
    """Two ways to one figure."""

    what: str
    here: str  # formula
    value: float
    there: str = ""  # formula of the figure of this run; none: the value itself
    size: float = 0.0  # of what it is a difference of: sets how far the two may lie apart


def write_checks(book: Book, told: Layout) -> None:
    """Sums that must agree, each with its verdict, and one verdict over all."""
    sheet, every = book.sheet(CHECKS, (TOP, 1)), checks(told)
    titled(sheet, told, "Checks", ("Live figures against their parts, and against what this run found.", ""))
    sheet.wide(0, [66, 18, 18, 14, 14, 10])
    verdicts = block((TOP, AGREES), (TOP + len(every) - 1, AGREES))
    sheet.text((ALL[0], 0), "All agree", "strong")
    sheet.formula(ALL, f"AND({verdicts})", True, "flag", "strong")
    sheet.heads((TOP - 1, 0), ["What", "Here", "There", "Difference", "Allowed", "Agrees"], tall=18)
    for row, one in enumerate(every, TOP):
        at = {name: place((row, column), fixed=False) for name, column in (("here", HERE), ("there", THERE))}
        difference, allowed = (place((row, column), fixed=False) for column in (DIFFERENCE, ALLOWED))
        sheet.text((row, WHAT), one.what)
        sheet.formula((row, HERE), one.here, one.value, "fine")
        if one.there:
            sheet.formula((row, THERE), one.there, one.value, "fine")
        else:
            sheet.number((row, THERE), one.value, "fine")
        sheet.formula((row, DIFFERENCE), f"{at['here']}-{at['there']}", 0.0, "fine")
        scale = f"ABS({at['there']})+{one.size!r}"
        sheet.formula((row, ALLOWED), f"{TOLERANCE}*({scale})", 1e-9 * (abs(one.value) + one.size), "factor")
        sheet.formula((row, AGREES), f"ABS({difference})<={allowed}", True, "flag")
    red = book.book.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})
    sheet.page.conditional_format(
        TOP, AGREES, TOP + len(every) - 1, AGREES, {"type": "cell", "criteria": "==", "value": "FALSE", "format": red}
    )


def checks(told: Layout) -> list[Check]:
    """All checks."""
    return [*_of_shown(told), *_of_bridges(told), *_of_all(told), *_of_tables(told)]


def _size(told: Layout) -> float:
    """What a profit is the difference of [currency]."""
    one = told.chosen.told
    return 2 * abs(one.spend.mean) + abs(mean(one.profit))


def _of_shown(told: Layout) -> list[Check]:
    """The totals of the quarters that are shown, and the plan's own profit."""
    one, cells = told.chosen.told, totals(told)
    values = {"outcome": ("outcome", one.outcome.mean), "spend": ("spend", one.spend.mean)}
    if told.in_money:
        values["profit"] = ("profit", mean(one.profit))
        values["present"] = ("value at the start", mean(one.present))
    found = []
    for key, (name, value) in values.items():
        here, size = place(cells[key], QUARTERS), _size(told) if key in ("profit", "present") else 0.0
        found.append(Check(f"Shown: {name} of all quarters", here, value, found_for_shown(told, key), size))
    calm = told.found.unshocked
    if told.margin and calm and calm.profit:
        formula = f"{from_inputs(MARGIN)}*{from_inputs(PLAN)}-{from_inputs(SPEND)}"
        found.append(Check("The plan's profit", formula, calm.profit.mean, size=2 * told.found.spend))
    return found


def _of_bridges(told: Layout) -> list[Check]:
    """Bars that come to what the switch says; and shocks told apart that come to what the plan held brings."""
    outcome, *money = bridges(told)
    one, size = told.chosen.told, abs(told.found.planned.mean)
    found = [
        Check(
            "Bridge: bars come to the outcome",
            outcome.cell(-1),
            one.outcome.mean,
            found_for_shown(told, "outcome"),
            size,
        )
    ]
    for bridge in money:
        profit, present = (found_for_shown(told, key) for key in ("profit", "present"))
        size = _size(told) + (told.margin or 0.0) * size
        found += [
            Check("Bridge: bars come to the profit", bridge.cell(-3), mean(one.profit), profit, size),
            Check("Bridge: bars come to the value at the start", bridge.cell(-1), mean(one.present), present, size),
        ]
    return [*found, *_of_shocks(told)]


def _of_shocks(told: Layout) -> list[Check]:
    line = next((one for one in told.lines if (one.case, one.policy) == (len(told.cases), told.held)), None)
    bars = told_apart(told)
    if not bars or line is None or 0 < told.found.bridged < told.found.cases[-1].paths:
        return []
    first = TOP + 1
    here = f"{from_inputs(PLAN)}+SUM({block((first, FOUND_AT), (first + len(bars) - 1, FOUND_AT), BRIDGE)})"
    there = place((line.row, found_column(told, "outcome")), RUN)
    value, size = line.told.outcome.mean, abs(told.found.planned.mean)
    return [Check("Bridge: shocks one by one come to the plan held", here, value, there, size)]


def _of_all(told: Layout) -> list[Check]:
    """Quarters that add up to the year, in all policies of all cases together, and in each by itself."""
    count, plan = len(told.lines), told.found.planned.mean
    outcome, spend = (_sum(told, key) for key in ("outcome", "spend"))
    found = [
        Check("Quarters of the plan add up to the year", total_of_all(told, PLANNED), count * plan),
        Check("Quarters add up: outcome, all policies", total_of_all(told, OUTCOME), *outcome),
        Check("Quarters add up: spend, all policies", total_of_all(told, SPENT), *spend),
    ]
    if told.in_money:
        margin, (profit, there) = from_inputs(MARGIN), _sum(told, "profit")
        size = 2 * spend[0] + sum(abs(mean(line.told.profit)) for line in told.lines)
        earned = f"{margin}*{total_of_all(told, earning(told))}-{total_of_all(told, SPENT)}"
        cash = f"{margin}*{total_of_all(told, RECEIVED)}-{total_of_all(told, PAID)}"
        found += [
            Check("Quarters add up: profit, all policies", earned, profit, there, size),
            Check("Quarters add up: all cash is profit, all policies", cash, profit, there, size),
            Check(
                "Quarters add up: value at the start, all policies",
                total_of_all(told, PRESENT),
                *_sum(told, "present"),
                size,
            ),
        ]
    agreeing = Check("Policies of which all sums agree, one by one", f"SUM({all_agreeing(told)})", float(count))
    return [*found, agreeing]


def _sum(told: Layout, key: str) -> tuple[float, str]:
    """What this run found of all policies together, and its formula."""
    value = sum(one for field in run_fields(told) if field.key == key for one in field.values if isinstance(one, float))
    return value, f"SUM({all_found(told, key)})"


def _of_tables(told: Layout) -> list[Check]:
    """Tables against the figures that this run wrote into them, which nothing may change."""
    found, plan = told.found, told.found.planned.mean
    kept: list[Check] = []
    if found.tornado:
        fields, count, ends = tornado_fields(told), len(found.tornado), ("outcome low", "outcome high")
        kept.append(Check("Tornado: starts from the plan", _total(fields, "plan", AT, TORNADO), count * plan))
        kept += [_as_found(f"Tornado: {key} ends", fields, key, (AT, TORNADO)) for key in ends]
    if found.worst:
        fields = worst_fields(told)
        parts = "+".join(_total(fields, key, AT, WORST) for key in ("curves", "took", "rest"))
        less = sum(path.outcome - plan for path in found.worst)
        kept.append(Check("Worst paths: parts add up to what is lost", parts, less, size=abs(plan)))
    columns = {"Break-evens": "room", "Commitments": "cost", "Who sells": "gone"}
    for title, (at, fields) in limit_tables(told).items():
        kept.append(_as_found(f"{title}: as found", fields, columns[title], (at, LIMITS)))
    if found.moved:
        fields = move_fields(told)
        planned = _total(fields, "planned", MOVES_AT, MOVES)
        kept.append(Check("Where money goes: channels add up to the plan's spend", planned, found.spend))
        kept.append(_as_found("Where money goes: changes", fields, "change", (MOVES_AT, MOVES), 2 * abs(found.spend)))
    return kept


def _total(fields: Sequence[Field], key: str, at: Cell, sheet: str) -> str:
    return f"SUM({cells_of(fields, key, at, sheet)})"


def _as_found(what: str, fields: Sequence[Field], key: str, where: tuple[Cell, str], size: float = 0.0) -> Check:
    """The sum of a column against the one of this run."""
    values = next(field.values for field in fields if field.key == key)
    value = sum(one for one in values if isinstance(one, int | float))
    return Check(what, _total(fields, key, *where), value, size=size + len(values))
