"""The tables of a plan beside what happened: columns and rows add up as they stand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from engine.optimize.ranges import Range
from engine.study.track import Line, Measure, Track
from engine.study.track_outcome import Forecast, Outcome, Part
from engine.study.variance import added_up
from engine.words import folded, number, percent, plain, table

MEANINGS = {
    "volume": "volume: more or less money in all",
    "mix": "mix: channels and time",
    "price": "price: cost of contacts",
    "effectiveness": "effectiveness: the rest",
}
DUST = 1e-6  # of what is planned: less is rounding of a table


@dataclass(frozen=True)
class Unit:
    """In what the amounts of a table are told."""

    step: float  # what they are rounded to
    scale: float
    places: int
    name: str

    def amount(self, amount: float) -> str:
        """An amount."""
        return f"{amount / self.scale + 0.0:,.{self.places}f}"

    def change(self, amount: float) -> str:
        """A change, with its sign."""
        return f"{amount / self.scale:+,.{self.places}f}" if abs(amount) >= self.step / 2 else "0"

    def of(self, currency: str) -> str:
        """What stands behind the head of a table, nothing where it is a number.

        >>> LARGEST.of("USD"), unit_of([9.0]).of("")
        (' (USD million)', '')
        """
        told = f"{currency} {self.name}".strip()
        return f" ({plain(told)})" if told else ""


UNITS = (
    (1e4, Unit(0.01, 1.0, 2, "")),
    (1e8, Unit(1.0, 1.0, 0, "")),
    (1e11, Unit(1e3, 1e3, 0, "thousand")),
)
LARGEST = Unit(1e6, 1e6, 0, "million")


def unit_of(amounts: Iterable[float]) -> Unit:
    """The unit in which the largest of some amounts has a width that reads.

    >>> unit_of([1100748.4]).amount(1100748.4), unit_of([250.0]).change(-3.2)
    ('1,100,748', '-3.20')
    """
    largest = max(map(abs, amounts), default=0.0)
    return next((unit for limit, unit in UNITS if largest < limit), LARGEST)


def _with_total(amounts: Iterable[float], unit: Unit, total: float | None = None) -> list[float]:
    """Amounts in whole units, and what they add up to."""
    rounded = added_up(np.array([*amounts]), unit.step, total).tolist()
    return [*rounded, sum(rounded)]


def spend_table(found: Track) -> str:
    """Money so far beside the plan, and what of it lies outside the band."""
    lines, measures = (*found.lines, found.total), {measure.what: measure for measure in found.measures}
    unit = unit_of([found.total.planned, found.total.spent])
    planned = _with_total((line.planned for line in found.lines), unit)
    spent = _with_total((line.spent for line in found.lines), unit)
    rows = [
        [
            *(line.name, unit.amount(before), unit.amount(after), unit.change(after - before)),
            percent(line.spent / line.planned - 1, signed=True) if line.planned else "-",
            _past(measures["spend" if line is found.total else f"spend of {line.name}"], unit),
        ]
        for line, before, after in zip(lines, planned, spent, strict=True)
    ]
    head = f"Spend so far{unit.of(found.plan.currency)}, {found.plan.days[0]} to {found.last}:"
    return f"{head}\n{table(['channel', 'planned', 'spent', 'more', 'off plan', 'past the band'], rows)}"


def _past(measure: Measure, unit: Unit) -> str:
    return unit.change(measure.past) if measure.fires else "-"


def pace_table(found: Track) -> str:
    """Money a period so far and in the rest, and all of it at this pace; nothing where no rest is left."""
    over, left = found.over, found.left
    if not left:
        return ""
    columns: dict[str, Callable[[Line], float]] = {
        "planned": lambda line: line.planned / over,
        "spent": lambda line: line.spent / over,
        "rest plan": lambda line: (line.year - line.planned) / left,
        "rest left": lambda line: line.left / left,
        "at pace": lambda line: line.at_this_pace,
        "plan": lambda line: line.year,
    }
    unit = unit_of(amount(found.total) for amount in columns.values())
    told = [[unit.amount(each) for each in _with_total(map(amount, found.lines), unit)] for amount in columns.values()]
    rows = [[line.name, *cells] for line, *cells in zip((*found.lines, found.total), *told, strict=True)]
    head = f"Pace{unit.of(found.plan.currency)}, a {found.plan.period} and in all to {found.end}:"
    return f"{head}\n{folded(['channel', *columns], rows)}"


def bridge_table(found: Track, outcome: Outcome) -> str:
    """From the planned to the actual outcome, in parts that add up as they stand."""
    unit, names = unit_of_outcome(outcome), parts_told(outcome)
    first, *moved = bridge_amounts(outcome, unit)
    rows = [["planned, on the curves", unit.amount(first), *_points(found, outcome.planned)]]
    rows += [
        [MEANINGS[name], unit.change(amount), *_points(found, outcome.parts[name], True)]
        for name, amount in zip(names, moved, strict=True)
    ]
    last = "came" if outcome.actual is not None else "expected of what was bought"
    rows.append([last, unit.amount(first + sum(moved)), "", ""])
    return table([f"{plain(outcome.measure)} so far{unit.of(outcome.unit)}", "mean", "5 %", "95 %"], rows)


def unit_of_outcome(outcome: Outcome) -> Unit:
    """In what the outcome so far is told."""
    return unit_of([outcome.planned.mean, outcome.actual or 0.0])


def parts_told(outcome: Outcome) -> list[str]:
    """The parts that are told: price only where some contacts are."""
    return [name for name in outcome.parts if name != "price" or len(outcome.unpriced) < len(outcome.channels)]


def bridge_amounts(outcome: Outcome, unit: Unit) -> list[float]:
    """What was planned and its parts, in whole units that add up to what came."""
    known = [getattr(outcome.total, name) for name in ("planned", *parts_told(outcome))]
    amounts: list[float] = added_up(np.array(known), unit.step).tolist()
    return amounts


def _points(found: Track, values: Range, signed: bool = False) -> list[str]:
    """The 5 and 95 % points."""
    if found.draws == 1:
        return ["", ""]
    return [_change(edge) if signed else number(edge) for edge in (values.p05, values.p95)]


def _change(amount: float) -> str:
    return f"{'+' if amount > 0 else ''}{number(amount)}" if abs(amount) > DUST else "0"


def channel_table(outcome: Outcome) -> str:
    """The parts by channel, adding up to those of all; nothing where nothing moved."""
    names, unit = parts_told(outcome), unit_of_outcome(outcome)
    totals = dict(zip(("planned", *names), bridge_amounts(outcome, unit), strict=True))
    known = [name for name in totals if all(getattr(part, name) is not None for part in outcome.channels)]
    if all(abs(getattr(part, name)) < unit.step / 2 for part in outcome.channels for name in known[1:]):
        return ""
    columns = {name: _with_total(_of(outcome.channels, name), unit, totals[name]) for name in known}
    ends = [sum(cells) for cells in zip(*columns.values(), strict=True)]
    rows = [
        [name, unit.amount(planned), *map(unit.change, moved), unit.amount(end)]
        for name, planned, *moved, end in zip(
            (*(part.name for part in outcome.channels), "total"), *columns.values(), ends, strict=True
        )
    ]
    last = "came" if len(known) == len(totals) and outcome.actual is not None else "expected"
    head = f"{plain(outcome.measure)} so far by channel{unit.of(outcome.unit)}:"
    return f"{head}\n{folded(['channel', *known, last], rows)}"


def _of(parts: Iterable[Part], name: str) -> list[float]:
    return [float(getattr(part, name)) for part in parts]


def forecast_table(found: Track, outcome: Outcome, forecast: Forecast) -> str:
    """Where the horizon ends with the rest as planned: what came and what is to come add up to it."""
    if not found.left:
        return ""
    so_far = outcome.bought.mean if outcome.actual is None else outcome.actual
    unit = unit_of([forecast.year.mean, forecast.planned.mean])
    came, rest, year = _with_total([so_far, forecast.year.mean - so_far], unit)
    (planned,) = added_up(np.array([forecast.planned.mean]), unit.step).tolist()
    rows = [
        ["so far" if outcome.actual is not None else "so far, on the curves", unit.amount(came), "", "", ""],
        ["rest, carried out as planned", unit.amount(rest), "", "", ""],
        ["forecast", unit.amount(year), *_range(found, forecast.year)],
        ["planned, on the curves", unit.amount(planned), *_range(found, forecast.planned)],
        ["forecast less planned", unit.change(year - planned), "", "", ""],
    ]
    head = f"{plain(outcome.measure)} to {found.end}{unit.of(outcome.unit)}"
    return table([head, "mean", "5 %", "50 %", "95 %"], rows)


def _range(found: Track, values: Range) -> list[str]:
    return ["", "", ""] if found.draws == 1 else [number(edge) for edge in (values.p05, values.p50, values.p95)]
