"""A plan beside what really happened: whether it is on course, why not, and where its horizon ends."""

import math
import shlex
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.data.actuals import read_actuals
from engine.errors import InputError
from engine.files import digest, read_bytes
from engine.periods import step
from engine.response.curves import Curves
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.spent_unit import require_own_unit
from engine.study.track_outcome import Forecast, Outcome, valued
from engine.study.tracked_plan import Planned, aligned, asked_of, read_planned
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
class Trigger:
    """One measure that left the band."""

    what: str  # "spend", "spend of CHANNEL", the outcome's name, or what is expected of it by what was bought
    gap: float  # actual less planned [currency or outcome]
    share: float | None  # of what was planned; None: nothing was


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
    triggers: tuple[Trigger, ...]
    command: str  # that plans the rest anew; empty where nothing is left
    decided_once: bool  # whether its scenario has one split for all of the horizon, and so no rest to decide
    unused: tuple[str, ...]
    warnings: tuple[str, ...]
    draws: int  # of the curves; 0 without them
    made_from: dict[str, str]  # digests of plan, actuals and curves

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
    lines = tuple(map(_line, plan.names, planned, spent, plan.money.sum(axis=0)))
    total = _in_all(lines)
    outcome, forecast, scenario = None, None, None
    if curves is not None:
        scenario = asked_of(plan, asked.scenario)
        outcome, forecast = valued(plan, actuals, curves, scenario, asked.doubt)
    once = plan.decisions == 1 if scenario is None or not asked.scenario else scenario.horizon.decide == "horizon"
    return Track(
        asked,
        plan,
        over,
        lines,
        total,
        outcome,
        forecast,
        _triggers(asked.band, lines, total, outcome),
        _command(asked, plan, over),
        once,
        actuals.unused,
        () if curves is None or asked.fit is None else (*fit_doubts(asked.fit), *_other_curves(plan, curves)),
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
        "horizon": {"start": str(plan.days[0]), "end": str(step(plan.days[-1], -1, "day")), "periods": plan.periods},
        "over": {"periods": found.over, "end": str(found.last)},
        "fires": bool(found.triggers),
        "band": found.asked.band,
        "doubt": found.asked.doubt,
        "triggers": [asdict(trigger) for trigger in found.triggers],
        "replan": found.command or None,
        "spend": {
            "total": _told(found.total),
            "by_channel": [_told(line) for line in found.lines],
        },
        "outcome": None if outcome is None else asdict(outcome),
        "forecast": None if found.forecast is None else asdict(found.forecast),
        "columns_not_used": list(found.unused),
        "warnings": list(found.warnings),
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


def _triggers(band: float, lines: tuple[Line, ...], total: Line, outcome: Outcome | None) -> tuple[Trigger, ...]:
    """What is off by more than the band: spend in all, that of channels that matter, and the outcome.

    The outcome is looked at as the curves expect it of what was bought, and as it came, there only beyond chance.
    """
    found = []
    for line, what, least in (
        (total, "spend", DUST),
        *((line, f"spend of {line.name}", NOTABLE) for line in lines),
    ):
        gap = line.spent - line.planned
        if abs(gap) > max(band * line.planned, least * total.planned):
            found.append(_trigger(what, gap, line.planned))
    if outcome is not None:
        mean, chance = outcome.planned.mean, CHANCE * math.hypot(outcome.scatter or 0.0, outcome.slant)
        expected = outcome.bought.mean - mean
        gap = expected if outcome.actual is None else outcome.actual - mean
        for what, size, least in (
            (expected_of(outcome.measure), expected, DUST * abs(mean)),
            (outcome.measure, gap, chance if outcome.actual is not None else math.inf),
        ):
            if abs(size) > max(band * abs(mean), least):
                found.append(_trigger(what, size, mean))
    return tuple(found)


def expected_of(measure: str) -> str:
    """The name of what the curves expect of an outcome by what was bought."""
    return f"{measure} expected of what was bought"


def _trigger(what: str, gap: float, planned: float) -> Trigger:
    return Trigger(what, gap, gap / planned if planned else None)


def _command(asked: Asked, plan: Planned, over: int) -> str:
    """What plans the rest anew."""
    if over == plan.periods:
        return ""
    named = [str(asked.fit or "FIT"), str(asked.scenario or "SCENARIO.toml")]
    flags = ["--as-of", str(plan.days[over]), "--spent", str(asked.actuals), "--plan", str(asked.plan)]
    return shlex.join(["peso", "replan", *named, *flags, "--out", "rest.json"])


def _other_curves(plan: Planned, curves: Curves) -> tuple[str, ...]:
    if not plan.made_from or plan.made_from == curves.made_from:
        return ()
    told = f"{plain(str(plan.path))} was made from other curves than these, which value here what it planned"
    return (told,)
