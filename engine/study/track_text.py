"""A plan beside what happened as text: the decision first, then the tables, the forecast and what is not known."""

import numpy as np

from engine.optimize.ranges import Range
from engine.report.figures import UNKNOWN, beware
from engine.study.track import Line, Track, Trigger, expected_of
from engine.study.track_outcome import Forecast, Outcome
from engine.study.variance import FEW, added_up
from engine.words import folded, money, number, percent, plain, table

CENTS = 1e4  # an outcome from which parts are told in whole units
MOST = 4  # reasons that the first line names
DUST = 1e-6  # of what is planned: less is rounding of a table
ROUNDED = 0.005  # of an outcome: closer than this, two figures are the same to a reader
MEANINGS = {
    "volume": "volume: more or less money in all",
    "mix": "mix: channels and time",
    "price": "price: cost of contacts",
    "effectiveness": "effectiveness: the rest",
}


def text(found: Track) -> str:
    """What was found, for the terminal."""
    parts = [_decision(found), _next(found), beware(found.warnings), _spend(found)]
    if found.outcome is not None and found.forecast is not None:
        parts += [_bridge(found, found.outcome), _by_channel(found.outcome), _forecast(found, found.forecast)]
    else:
        parts.append("What the money brought is not told: add --fit FIT for the curves of the plan.")
    if found.unused:
        parts.append(f"Columns not used: {', '.join(map(plain, found.unused))}.")
    return "\n\n".join(part for part in parts if part)


def _decision(found: Track) -> str:
    plan, total, outcome = found.plan, found.total, found.outcome
    time = f"{plain(plan.scenario)}, {plan.days[0]} to {found.last} ({found.over} of {plan.periods} {plan.period}s)"
    if found.triggers:
        more = len(found.triggers) - MOST
        told = [_reason(each, found) for each in found.triggers[:MOST]] + ([f"{more} more"] if more > 0 else [])
        head = f"{'Re-plan' if found.command else 'Off plan'}: {time}: {'; '.join(told)}; the band is {_band(found)}."
    else:
        spent = f"{money(total.spent, plan.currency)} spent ({_off(total.spent, total.planned)})"
        head = f"On plan: {time}: {spent}{_came(outcome)}; {_within(found)}."
    return head + _ends(found)


def _within(found: Track) -> str:
    """In which sense nothing calls for a new plan."""
    outcome = found.outcome
    if outcome is None or outcome.actual is None:
        return f"within the band of {_band(found)}"
    off = abs(outcome.actual - outcome.planned.mean) > found.asked.band * abs(outcome.planned.mean)
    return (
        f"spend is within the band of {_band(found)}, {plain(outcome.measure)} within what may be chance"
        if off
        else (f"within the band of {_band(found)}")
    )


def _band(found: Track) -> str:
    return percent(found.asked.band)


def _reason(trigger: Trigger, found: Track) -> str:
    is_money = trigger.what.startswith("spend") or found.outcome is None
    unit = found.plan.currency if is_money else found.outcome.unit if found.outcome else ""
    share = f"{percent(trigger.share, signed=True)}" if trigger.share is not None else "nothing was planned"
    amount, side = money(abs(trigger.gap), unit), "above" if trigger.gap > 0 else "below"
    return f"{plain(trigger.what)} {amount} {side} plan ({share})"


def _off(actual: float, planned: float) -> str:
    if not planned:
        return "nothing was planned"
    off = percent(actual / planned - 1, signed=True)
    return "as planned" if off == percent(0.0) else f"{off} against plan"


def _came(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.actual is None:
        return f" (what came of {plain(outcome.measure)} is not known)"
    came = f"{money(outcome.actual, outcome.unit)} {plain(outcome.measure)}"
    return f" and {came} ({_off(outcome.actual, outcome.planned.mean)})"


def _ends(found: Track) -> str:
    """Where the horizon ends, as the end of the first line."""
    forecast, outcome = found.forecast, found.outcome
    if forecast is None or outcome is None:
        return ""
    year = f"{money(forecast.year.mean, outcome.unit)} {plain(outcome.measure)}"
    sure = _ranged(found, forecast)
    goal = (
        ""
        if found.draws == 1
        else f", chance to reach the plan's {money(forecast.planned.mean, outcome.unit)} {percent(forecast.chance)}"
    )
    if found.over == found.plan.periods:
        known = outcome.actual is not None
        return f" The horizon ended at {year}." if known else f" By the curves the horizon ended at {year} ({sure})."
    return f" With the rest as planned it ends at {year} ({sure}){goal}."


def _ranged(found: Track, forecast: Forecast) -> str:
    year, unit = forecast.year, found.outcome.unit if found.outcome else ""
    if found.draws == 1:
        return UNKNOWN
    return f"5-95 %: {money(year.p05, unit)} .. {money(year.p95, unit)}"


def _next(found: Track) -> str:
    """What to do where the plan is off."""
    if not found.triggers:
        return ""
    if not found.command:
        return "Nothing of its horizon is left to decide: calibrate with what happened, and plan the next one."
    named = " (SCENARIO.toml: the question that the plan answers)" if found.asked.scenario is None else ""
    told, fired = [], {trigger.what for trigger in found.triggers}
    if found.outcome is not None and found.outcome.measure in fired:
        told.append("First calibrate with what came: these curves do not know it, and would plan as before.")
    if found.outcome is not None and found.outcome.total.price and expected_of(found.outcome.measure) in fired:
        told.append('Prices that stay belong into the scenario, as [[shocks]] with kind = "price".')
    if found.decided_once:
        told.append('Write horizon.decide = "quarter" into the scenario: one split has no rest to decide.')
    return f"Next{named}: {' '.join(told)}".rstrip(" ") + f"\n  {plain(found.command)}"


def _spend(found: Track) -> str:
    plan, total = found.plan, found.total
    header = ["channel", "planned", "spent", "more", "off plan", "of plan", "at pace", "plan", "left"]
    rows = [_money_row(line, DUST * total.year) for line in (*found.lines, total)]
    more, gone = total.spent - total.planned, percent(found.over / plan.periods)
    side = f"{money(abs(more), plan.currency)} {'more' if more > 0 else 'less'} than the plan has"
    rest = f" With the rest as planned, {side} is spent." if abs(more) > ROUNDED * total.year else ""
    return (
        f"Spend ({plan.currency}), {plan.days[0]} to {found.last}:\n{table(header, rows)}\n"
        f"{gone} of the horizon is over. of plan: share of the horizon's money that is spent; at pace: the horizon's "
        f"money, if spend stands to the plan as it did so far; left: what the plan still has.{rest}"
    )


def _money_row(line: Line, dust: float) -> list[str]:
    off = percent(line.spent / line.planned - 1, signed=True) if line.planned else "-"
    share = percent(line.spent / line.year) if line.year else "-"
    left = line.left if abs(line.left) > dust else 0.0
    return [
        *(line.name, number(line.planned), number(line.spent), _signed(line.spent - line.planned, dust), off, share),
        *(number(line.at_this_pace), number(line.year), number(left)),
    ]


def _signed(amount: float, dust: float) -> str:
    """A change; nothing where it is rounding."""
    if abs(amount) <= dust:
        return "0"
    return f"{'+' if amount > 0 else ''}{number(amount)}"


def _bridge(found: Track, outcome: Outcome) -> str:
    """From planned to actual, in parts that add up as they stand."""
    total = outcome.total
    known = [(name, getattr(total, name)) for name in _parts(outcome)]
    unit = 1.0 if max(abs(total.planned), abs(total.actual or 0.0)) >= CENTS else 0.01
    amounts = added_up(np.array([total.planned, *(amount for _, amount in known)]), unit)
    amounts = amounts + 0.0
    places = 0 if unit == 1.0 else 2
    rows = [["planned, on the curves", f"{amounts[0]:,.{places}f}", *_points(found, outcome.planned)]]
    rows += [
        [
            MEANINGS[name],
            f"{amount:+,.{places}f}" if amount else "0",
            *_points(found, outcome.parts[name], DUST * total.planned),
        ]
        for (name, _), amount in zip(known, amounts[1:].tolist(), strict=True)
    ]
    last = "came" if total.actual is not None else "expected of what was bought"
    rows.append([last, f"{amounts.sum():,.{places}f}", "", ""])
    head = f"{plain(outcome.measure)} so far ({outcome.unit})" if outcome.unit else f"{plain(outcome.measure)} so far"
    return f"{table([head, 'mean', '5 %', '95 %'], rows)}\n{_notes(found, outcome)}"


def _parts(outcome: Outcome) -> list[str]:
    """The parts that are told: price only where some contacts are."""
    return [name for name in outcome.parts if name != "price" or len(outcome.unpriced) < len(outcome.channels)]


def _points(found: Track, values: Range, dust: float = -1.0) -> list[str]:
    """The 5 and 95 % points; of a change where `dust` is given."""
    if found.draws == 1:
        return ["", ""]
    return [number(edge) if dust < 0 else _signed(edge, dust) for edge in (values.p05, values.p95)]


def _notes(found: Track, outcome: Outcome) -> str:
    """What is not known of the parts."""
    periods, told = f"{found.plan.period}s", []
    slant = money(outcome.slant, outcome.unit)
    off = f"an error of the baseline or attribution counts as effectiveness (here {slant}: --doubt)"
    if outcome.actual is None:
        told.append(f"What came, and so effectiveness, is not known: {outcome.lacking}.")
    elif outcome.scatter is None:
        told.append(
            f"{found.over} {periods} say nothing of chance ({FEW} do), which counts as effectiveness too; {off}."
        )
    else:
        chance = money(outcome.scatter, outcome.unit)
        told.append(f"Chance in what came, by the scatter of its {periods}: {chance} either way; {off}.")
    if outcome.unpriced:
        names = f" of {', '.join(map(plain, outcome.unpriced))}" if len(outcome.unpriced) < len(found.lines) else ""
        told.append(f"No contacts{names} are told, so their price is a part of effectiveness.")
    return " ".join(told)


def _by_channel(outcome: Outcome) -> str:
    """The parts by channel; those that are known only in all are left out, and so are all where nothing moved."""
    names = _parts(outcome)
    if any(part.effectiveness is None for part in outcome.channels):
        names = [name for name in names if name != "effectiveness"]
    dust = DUST * abs(outcome.planned.mean)
    if all(abs(getattr(part, name)) <= dust for part in outcome.channels for name in names):
        return ""
    rows = [
        [part.name, number(part.planned), *(_signed(getattr(part, name), dust) for name in names)]
        for part in outcome.channels
    ]
    return f"By channel{f' ({outcome.unit})' if outcome.unit else ''}:\n" + folded(["channel", "planned", *names], rows)


def _forecast(found: Track, forecast: Forecast) -> str:
    """What the forecast supposes, and how it goes with the plan's own figure."""
    unit, told = found.outcome.unit if found.outcome else "", []
    if found.over < found.plan.periods:
        effect = "with effects as the curves have them"
        if forecast.believed is not None:
            effect = (
                f"and {percent(forecast.believed)} of what effectiveness was so far goes on (the more, the surer what "
                "came is beside what the curves expect)"
            )
        before = f"; when planned, the chance to reach the plan's mean was {percent(forecast.chance_before)}"
        told.append(
            f"Forecast: what came so far stays, the rest of the plan is carried out at prices as so far, "
            f"{effect}{before if found.draws > 1 else ''}."
        )
    says, planned = forecast.file_says, forecast.planned.mean
    if says is not None and abs(says - planned) > ROUNDED * abs(says):
        told.append(
            f"The plan's own figure is {money(says, unit)}: all that its money brings, also after the end; within the "
            f"horizon {money(planned, unit)} were planned, with what earlier money still brings."
        )
    return " ".join(told)
