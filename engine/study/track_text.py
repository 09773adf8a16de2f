"""A plan beside what happened as text: the decision first, then the tables, the forecast and what is not known."""

from engine.report.figures import UNKNOWN, beware
from engine.study.track import NOTABLE, Measure, Track, expected_of
from engine.study.track_outcome import Forecast, Outcome
from engine.study.track_tables import bridge_table, channel_table, forecast_table, pace_table, spend_table
from engine.study.variance import FEW
from engine.words import money, percent, plain

MOST = 3  # channels that the first line names
ROUNDED = 0.005  # of an outcome: closer than this, two figures are the same to a reader


def text(found: Track) -> str:
    """What was found, for the terminal."""
    parts = [_decision(found), _next(found), beware((*found.doubts, *found.warnings)), _spent(found), _paced(found)]
    if found.outcome is not None and found.forecast is not None:
        outcome, forecast = found.outcome, found.forecast
        parts += [f"{bridge_table(found, outcome)}\n{_notes(found, outcome)}", channel_table(outcome)]
        parts += [f"{forecast_table(found, outcome, forecast)}\n{_forecast(found, forecast)}".strip()]
    else:
        parts.append("What the money brought is not told: add --fit FIT for the curves of the plan.")
    if found.unused:
        parts.append(f"Columns not used: {', '.join(map(plain, found.unused))}.")
    return "\n\n".join(part for part in parts if part)


def _decision(found: Track) -> str:
    plan, total, outcome = found.plan, found.total, found.outcome
    time = f"{plain(plan.scenario)}, {plan.days[0]} to {found.last} ({found.over} of {plan.periods} {plan.period}s)"
    if found.triggers:
        verdict = "Re-plan" if found.left else "Off plan"
        head = f"{verdict}: {time}: {_reasons(found)}; the band is {_band(found)}."
    else:
        spent = f"{money(total.spent, plan.currency)} spent ({_off(total.spent, total.planned)})"
        head = f"On plan: {time}: {spent}{_came(outcome)}; {_within(found)}."
    return head + _ends(found)


def _reasons(found: Track) -> str:
    """What left the band: spend in all and the outcome, then the channels that are farthest off."""
    channels = [each for each in found.triggers if each.what.startswith("spend of ")]
    named = sorted(channels, key=lambda each: -abs(each.gap))[:MOST]
    told = [_reason(each, found) for each in (*(each for each in found.triggers if each not in channels), *named)]
    more = len(channels) - len(named)
    return "; ".join([*told, *([f"{more} more channel{'s' if more > 1 else ''}"] if more else [])])


def _reason(measure: Measure, found: Track) -> str:
    is_money = measure.what.startswith("spend") or found.outcome is None
    unit = found.plan.currency if is_money else found.outcome.unit if found.outcome else ""
    share = f"{percent(measure.share, signed=True)}" if measure.share is not None else "nothing was planned"
    amount, side = money(abs(measure.gap), unit), "above" if measure.gap > 0 else "below"
    return f"{plain(measure.what)} {amount} {side} plan ({share})"


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
    if not found.left:
        known = outcome.actual is not None
        return f" The horizon ended at {year}." if known else f" By the curves the horizon ended at {year} ({sure})."
    goal = "" if found.draws == 1 else f", chance to reach {_goal(found, forecast)} {percent(forecast.chance)}"
    return f" With the rest as planned it ends at {year} ({sure}){goal}."


def _goal(found: Track, forecast: Forecast) -> str:
    whose, unit = "the target of" if forecast.is_asked else "the plan's", found.outcome.unit if found.outcome else ""
    return f"{whose} {money(forecast.target, unit)}"


def _ranged(found: Track, forecast: Forecast) -> str:
    year, unit = forecast.year, found.outcome.unit if found.outcome else ""
    if found.draws == 1:
        return UNKNOWN
    return f"5-95 %: {money(year.p05, unit)} .. {money(year.p95, unit)}"


def _next(found: Track) -> str:
    """What to do where the plan is off; a command stands there only if it runs."""
    if not found.triggers:
        return ""
    if not found.left:
        return "Next: nothing of its horizon is left to decide; calibrate with what happened, and plan the next one."
    told, fired = [], {measure.what for measure in found.triggers}
    if found.doubts:
        told.append("First look at the amounts that seem to be in another unit (below).")
    if found.outcome is not None and found.outcome.measure in fired:
        told.append("First calibrate with what came: these curves do not know it, and would plan as before.")
    if found.outcome is not None and found.outcome.total.price and expected_of(found.outcome.measure) in fired:
        told.append('Prices that stay belong into the scenario, as [[shocks]] with kind = "price".')
    if found.way.lacking:
        told.append(f"To plan the rest anew, {_listed(found.way.lacking)}; then run this again for the command.")
    if found.way.command:
        told.append("Then plan the rest anew:" if told else "plan the rest anew:")
    whole = plain(found.way.command).replace("peso replan", "peso replan ", 1)  # two spaces: terminals keep the line
    command = f"\n  {whole}" if whole else ""
    return f"Next: {' '.join(told)}" + command


def _listed(steps: tuple[str, ...]) -> str:
    *first, last = map(plain, steps)
    return f"{', '.join(first)} and {last}" if first else last


def _spent(found: Track) -> str:
    """Money so far, and from where on it calls for a new plan."""
    where = f"The band is {_band(found)} of the plan, and for a channel at least {percent(NOTABLE)} of all planned."
    return f"{spend_table(found)}\n{where}"


def _paced(found: Track) -> str:
    """Money each period, and what its columns mean."""
    if not found.left:
        return ""
    plan, total = found.plan, found.total
    more, gone = total.spent - total.planned, percent(found.over / plan.periods)
    side = f"{money(abs(more), plan.currency)} {'more' if more > 0 else 'less'} than the plan has"
    rest = f" With the rest as planned, {side} is spent." if abs(more) > ROUNDED * total.year else ""
    return (
        f"{pace_table(found)}\n{gone} of the horizon is over. rest left: what the plan still has; at pace: all money, "
        f"if spend goes on to stand to the plan as it did so far.{rest}"
    )


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
    return " ".join([*_fires(found, outcome), *told])


def _fires(found: Track, outcome: Outcome) -> list[str]:
    """Whether what came calls for a new plan, and from where on it does."""
    measure = next((each for each in found.measures if each.what == outcome.measure), None)
    if measure is None:
        return []
    is_band = measure.limit <= found.asked.band * abs(outcome.planned.mean)
    limit = (
        f"{f'the band of {_band(found)}' if is_band else 'what may be chance'}, {money(measure.limit, outcome.unit)}"
    )
    past = f"fires, {money(abs(measure.past), outcome.unit)} past" if measure.fires else "does not fire: it is within"
    off = f"{plain(outcome.measure)} {money(measure.gap, outcome.unit, signed=True)} against plan"
    return [f"{off} {past} {limit}."]


def _forecast(found: Track, forecast: Forecast) -> str:
    """How the forecast is made, and how it goes with the plan's own figure."""
    unit, told = found.outcome.unit if found.outcome else "", []
    if found.left:
        effect = "with effects as the curves have them"
        if forecast.believed is not None:
            effect = (
                f"and {percent(forecast.believed)} of what effectiveness was so far goes on (the more, the surer what "
                "came is beside what the curves expect)"
            )
        told.append(f"What came so far stays, the rest of the plan is carried out at prices as so far, {effect}.")
        if found.draws > 1:
            told.append(f"The range is that of the {found.draws} draws of the curves.")
            told.append(
                f"Chance to reach {_goal(found, forecast)}: {percent(forecast.chance)}, when planned "
                f"{percent(forecast.chance_before)}."
            )
    says, planned = forecast.file_says, forecast.planned.mean
    if says is not None and abs(says - planned) > ROUNDED * abs(says):
        told.append(
            f"The plan's own figure is {money(says, unit)}: all that its money brings, also after the end; within the "
            f"horizon {money(planned, unit)} were planned, with what earlier money still brings."
        )
    return " ".join(told)
