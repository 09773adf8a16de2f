"""A plan beside what really happened: whether it is on course, why not, and where its horizon ends."""

import itertools
import math
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.config.scenario import Scenario
from engine.data.actuals import Actuals, read_actuals
from engine.errors import InputError
from engine.files import digest, read_bytes
from engine.periods import step
from engine.response.curves import Curves
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.spent_unit import require_own_unit
from engine.study.track_outcome import Forecast, Outcome, valued
from engine.study.tracked_plan import Planned, aligned, asked_of, has_money_left, read_planned
from engine.study.tracked_unit import outcome_doubts, unit_doubts
from engine.words import plain

SCHEMA = "peso.track/1"
NOTABLE = 0.01  # of all money planned so far: a channel that is off by less calls for no new plan
DUST = 1e-6  # of what was planned: rounding of a table
CHANCE = 1.645  # standard errors: what passes them is chance in one of ten cases


@dataclass(frozen=True)
class Asked:
    """What is tracked, and with what."""

    plan: Path
    actuals: Path
    fit: Path | None = None  # none: spend alone is told
    scenario: Path | None = None  # the question behind the plan: its prices and effects
    band: float = 0.05  # share of what was planned by which spend and outcome may be off
    doubt: float = 0.02  # share by which the baseline, or what was attributed, may be off in all
    accept_weak_fit: bool = False


@dataclass(frozen=True)
class Line:
    """The money of one channel, or of all [currency]."""

    name: str
    planned: float  # so far
    spent: float  # so far
    year: float  # planned over the horizon
    at_this_pace: float  # of the horizon, if all that is planned is met as it was so far

    @property
    def left(self) -> float:
        """What the plan still has; below 0 where more was spent than it had."""
        return self.year - self.spent


@dataclass(frozen=True)
class Way:
    """How the rest of the horizon is planned anew: a command that runs as it stands, or what it lacks."""

    command: str  # empty where it would not run
    lacking: tuple[str, ...]  # what to do first, each as words that follow "First"


@dataclass(frozen=True)
class Measure:
    """One figure that is held against the plan, and how far it may be off."""

    what: str  # "spend", "spend of CHANNEL", the outcome's name, or what is expected of it by what was bought
    gap: float  # actual less planned [currency or outcome]
    share: float | None  # of what was planned; None: nothing was
    limit: float  # what a gap must pass for a new plan [currency or outcome]

    @property
    def fires(self) -> bool:
        """Whether it calls for a new plan."""
        return abs(self.gap) > self.limit

    @property
    def past(self) -> float:
        """By how much it left its band, with the sign of the gap; 0 within it."""
        return math.copysign(abs(self.gap) - self.limit, self.gap) if self.fires else 0.0


@dataclass(frozen=True)
class Track:
    """A plan beside what happened."""

    asked: Asked
    plan: Planned
    over: int  # periods
    lines: tuple[Line, ...]
    total: Line
    outcome: Outcome | None
    forecast: Forecast | None
    measures: tuple[Measure, ...]
    way: Way
    unused: tuple[str, ...]
    doubts: tuple[str, ...]  # of the units of the table
    warnings: tuple[str, ...]
    draws: int  # of the curves; 0 without them
    made_from: dict[str, str]  # digests of plan, actuals and curves

    @property
    def triggers(self) -> tuple[Measure, ...]:
        """The measures that left their band."""
        return tuple(measure for measure in self.measures if measure.fires)

    @property
    def left(self) -> int:
        """Periods of the horizon that are to come."""
        return self.plan.periods - self.over

    @property
    def end(self) -> date:
        """The last day of the horizon."""
        return step(self.plan.days[-1], -1, "day")

    @property
    def as_of(self) -> date:
        """The first day of which nothing is told."""
        return self.plan.days[self.over]

    @property
    def last(self) -> date:
        """The last day that is told."""
        return step(self.as_of, -1, "day")


def track(asked: Asked) -> Track:
    """A plan beside a table of what happened from the start of its horizon on.

    Raises:
        InputError: A file is wrong, or they are not about the same channels, time and currency.
        UntrustworthyError: The fit is not to be trusted and that was not accepted.
    """
    for name, share in (("--band", asked.band), ("--doubt", asked.doubt)):
        if not 0 <= share < 1:  # which is no number, too
            raise InputError(f"{name} is {share}, no share from 0 to below 1; write 0.05 for 5 %")
    plan = read_planned(asked.plan)
    if asked.scenario is not None and asked.fit is None:
        raise InputError("--scenario says prices and effects for the curves of a fit; add --fit FIT, or leave it out")
    curves = None if asked.fit is None else aligned(curves_of(asked.fit, asked.accept_weak_fit), plan, asked.fit)
    actuals = read_actuals(asked.actuals, plan.names, plan.horizon)
    over = len(actuals.money)
    spent, planned = actuals.money.sum(axis=0), plan.money[:over].sum(axis=0)
    require_own_unit(asked.actuals, spent, planned, plan.currency)
    doubts = unit_doubts(asked.actuals, plan, actuals)
    lines = tuple(map(_line, plan.names, planned, spent, plan.money.sum(axis=0)))
    total = _in_all(lines)
    outcome, forecast, scenario = None, None, None
    if curves is not None:
        scenario = asked_of(plan, asked.scenario)
        outcome, forecast = valued(plan, actuals, curves, scenario, asked.doubt)
        doubts += _of_outcome(asked, plan, actuals, outcome, curves)
    return Track(
        asked,
        plan,
        over,
        lines,
        total,
        outcome,
        forecast,
        _measures(asked.band, lines, total, outcome),
        _way(asked, plan, over, curves, scenario if asked.scenario else None, total.spent),
        actuals.unused,
        doubts,
        _warnings(asked, plan, curves, scenario),
        0 if curves is None else curves.draws,
        _digests(asked) | ({} if curves is None else {"curves": curves.made_from}),
    )


def document(found: Track) -> dict[str, Any]:
    """What was found as plain values (schema peso.track/1)."""
    plan, outcome = found.plan, found.outcome
    return {
        "schema": SCHEMA,
        "scenario": plan.scenario,
        "currency": plan.currency,
        "period": plan.period,
        "horizon": {"start": str(plan.days[0]), "end": str(found.end), "periods": plan.periods},
        "over": {"periods": found.over, "end": str(found.last)},
        "fires": bool(found.triggers),
        "band": found.asked.band,
        "doubt": found.asked.doubt,
        "triggers": [asdict(trigger) for trigger in found.triggers],
        "replan": found.way.command or None,
        "replan_lacks": list(found.way.lacking),
        "spend": {
            "total": _told(found.total),
            "by_channel": [_told(line) for line in found.lines],
        },
        "outcome": None if outcome is None else asdict(outcome),
        "forecast": None if found.forecast is None else asdict(found.forecast),
        "columns_not_used": list(found.unused),
        "warnings": [*found.doubts, *found.warnings],
        "made_from": found.made_from,
    }


def _digests(asked: Asked) -> dict[str, str]:
    return {name: digest(read_bytes(path)) for name, path in (("plan", asked.plan), ("actuals", asked.actuals))}


def _told(line: Line) -> dict[str, Any]:
    return asdict(line) | {"left": line.left}


def _line(name: str, planned: float, spent: float, year: float) -> Line:
    """A channel's money; where nothing was planned so far, what was spent comes on top of the plan."""
    going = spent / planned * year if planned else spent + year
    return Line(name, float(planned), float(spent), float(year), float(going))


def _in_all(lines: tuple[Line, ...]) -> Line:
    sums = (sum(getattr(line, name) for line in lines) for name in ("planned", "spent", "year", "at_this_pace"))
    return Line("total", *sums)


def _measures(band: float, lines: tuple[Line, ...], total: Line, outcome: Outcome | None) -> tuple[Measure, ...]:
    """What is held against the plan: spend in all, that of each channel, and the outcome.

    A channel is left alone below 1 % of all money. The outcome is looked at as the curves expect it of what was bought,
    and as it came, there only beyond chance.
    """
    found = [
        _measure(what, line.spent - line.planned, line.planned, (band, least * total.planned))
        for line, what, least in (
            (total, "spend", DUST),
            *((line, f"spend of {line.name}", NOTABLE) for line in lines),
        )
    ]
    if outcome is None:
        return tuple(found)
    mean, chance = outcome.planned.mean, CHANCE * math.hypot(outcome.scatter or 0.0, outcome.slant)
    found.append(_measure(expected_of(outcome.measure), outcome.bought.mean - mean, mean, (band, DUST * abs(mean))))
    if outcome.actual is not None:
        found.append(_measure(outcome.measure, outcome.actual - mean, mean, (band, chance)))
    return tuple(found)


def expected_of(measure: str) -> str:
    """The name of what the curves expect of an outcome by what was bought."""
    return f"{measure} expected of what was bought"


def _measure(what: str, gap: float, planned: float, free: tuple[float, float]) -> Measure:
    """A measure that may be off by a share of its plan, or by an amount where that is more."""
    band, least = free
    return Measure(what, gap, gap / planned if planned else None, max(band * abs(planned), least))


def _way(asked: Asked, plan: Planned, over: int, curves: Curves | None, scenario: Scenario | None, spent: float) -> Way:
    """How the rest is planned anew."""
    if over == plan.periods:
        return Way("", ())
    lacking = []
    if curves is None:
        lacking.append("add --fit with the curves of the plan")
    if scenario is None:
        lacking.append("add --scenario with the question that the plan answers")
        if plan.decisions == 1:
            lacking.append('let that question decide by quarter (horizon.decide = "quarter")')
    elif scenario.horizon.decide == "horizon":
        lacking.append(f'write horizon.decide = "quarter" into {asked.scenario}, as one split has no rest to decide')
    if curves is not None and scenario is not None and not has_money_left(curves, scenario, spent):
        lacking.append(f"raise the budget in {asked.scenario}, as all of it is spent")
    if lacking or asked.fit is None or asked.scenario is None:
        return Way("", tuple(lacking))
    return Way(_command(asked.fit, asked.scenario, asked, plan.days[over]), ())


def _command(fit: Path, scenario: Path, asked: Asked, as_of: date) -> str:
    """What plans the rest anew, into a file that is not there yet."""
    out = next(path for path in _names_of_rest(as_of) if not path.exists())
    named = [_as_argument(path) for path in (fit, scenario)]
    flags = ["--as-of", str(as_of), "--spent", str(asked.actuals), "--plan", str(asked.plan), "--out", str(out)]
    weak = ["--accept-weak-fit"] if asked.accept_weak_fit else []
    return shlex.join(["peso", "replan", *named, *flags, *weak])


def _names_of_rest(as_of: date) -> Iterator[Path]:
    yield Path("rest.json")
    yield Path(f"rest_{as_of}.json")
    yield from (Path(f"rest_{as_of}_{number}.json") for number in itertools.count(2))


def _as_argument(path: Path) -> str:
    """A path as a command line takes it, where one may begin like an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _of_outcome(asked: Asked, plan: Planned, actuals: Actuals, outcome: Outcome, curves: Curves) -> tuple[str, ...]:
    if outcome.actual is None:
        return ()
    return outcome_doubts(asked.actuals, plan, actuals, outcome.actual, outcome.planned.mean, curves.value)


def _warnings(asked: Asked, plan: Planned, curves: Curves | None, scenario: Scenario | None) -> tuple[str, ...]:
    """What speaks against the curves and the question that were named."""
    if curves is None or asked.fit is None or scenario is None:
        return ()
    told = list(fit_doubts(asked.fit))
    if plan.made_from and plan.made_from != curves.made_from:
        told.append(f"{plain(str(plan.path))} was made from other curves than these, which value here what it planned")
    if asked.scenario is not None and scenario.name != plan.scenario:
        told.append(
            f"{plain(str(asked.scenario))} asks {plain(repr(scenario.name))} and {plain(str(plan.path))} answers "
            f"{plain(repr(plan.scenario))}: prices and effects are those of the former"
        )
    return tuple(told)
