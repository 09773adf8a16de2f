"""Tuned policies as text and as documents: what to hold back or when to step in, and what that surely brings."""

import itertools
from dataclasses import asdict
from typing import Any

from engine.stress.proposals import Choice
from engine.stress.readout import Gain
from engine.stress.tuning import Tuned
from engine.words import COLUMNS, folded, money, percent


def tuned_document(found: tuple[Tuned, ...]) -> list[dict[str, Any]]:
    """The same for tools."""
    return [
        {
            **asdict(one),
            "choice": one.choice._asdict(),
            "default": one.default._asdict(),
            "sensitivity": [
                {"reserve": reserve, "band": band, "training": score} for reserve, band, score in one.sensitivity
            ],
            "helps": one.helps,
            "is_overstated": one.is_overstated,
        }
        for one in found
    ]


def tuned_text(found: tuple[Tuned, ...], currency: str, unit: str, width: int = COLUMNS) -> str:
    """Tuned policies for the terminal.

    Args:
        found: What was tuned.
        currency: That of the plan.
        unit: The same where the outcome is money, else empty.
        width: Of its tables, where that goes.
    """
    return "\n\n".join(
        f"{_told(one, in_money)}\n\n{_tried(one, in_money, width)}"
        for one in found
        for in_money in [currency if one.is_profit else unit]
    )


def tuned_next(found: tuple[Tuned, ...]) -> str:
    """The one thing to do, where tuning found something that surely helps; else empty."""
    best = [one for one in found if one.helps and one.fresh_beside_replan.high >= 0 and one.choice != one.default]
    if not best:
        return ""
    one = max(best, key=lambda one: one.fresh.mean)
    held = "" if one.policy == "trigger" else f"reserve = {one.choice.reserve:g} and "
    return f"Next: write {held}band = {one.choice.band:g} under [stress], and agree who watches the outcome."


def _told(one: Tuned, unit: str) -> str:
    """What to do, what it brings, and whether tuning was worth it."""
    training, fresh = one.paths
    better = one.fresh_beside_replan.high < 0
    told = "If you can plan anew each time, do that instead, it surely brings more. If not: " if better else ""
    told += (
        f"{_act(one)}: {_sure(one.fresh, unit)} over holding the plan on {fresh:,} fresh paths{_measure(one)}, less on "
        f"{percent(one.fresh.worse)} of them; tuned on {training:,} training paths, which said "
        f"{_sure(one.training, unit)} ({one.tried} choices tried{_plans(one)})."
    )
    return " ".join(part for part in (told, _doubt(one), _beside(one, unit), _replan(one, unit)) if part)


def _act(one: Tuned) -> str:
    if one.policy == "trigger":
        return f"Plan anew when {percent(one.choice.band)} or more off the plan"
    if not one.choice.reserve:
        return f"Hold nothing back, and plan anew once when {percent(one.choice.band)} behind the plan"
    return f"Hold back {percent(one.choice.reserve)} and release it when {percent(one.choice.band)} behind the plan"


def _plans(one: Tuned) -> str:
    return f", {one.plans} plans made for them" if one.plans else ""


def _measure(one: Tuned) -> str:
    worst = f", in the mean of the worst {percent(one.level)}" if one.of == "worst" else ""
    return f"{worst}, in profit" if one.is_profit else worst


def _doubt(one: Tuned) -> str:
    """What a reader must know before believing it."""
    doubts = []
    if one.fresh.high < 0:
        doubts.append("Holding the plan is surely better.")
    elif not one.helps:
        doubts.append("Whether it helps at all is not sure: holding the plan may do as well.")
    if one.is_overstated:
        doubts.append("Training promised more than luck explains: believe the fresh paths.")
    return " ".join(doubts)


def _beside(one: Tuned, unit: str) -> str:
    """What the scenario's own choice brings."""
    if one.choice == one.default:
        return "That is the scenario's own choice, and none that was tried was better."
    told = (
        f"The scenario's own {_words(one, one.default)} brings {_sure(one.default_fresh, unit)}; tuning changes that "
    )
    told += "by " + _sure(one.fresh_beside_default, unit)
    return f"{told}." if one.fresh_beside_default.low > 0 else f"{told}, so nothing is surely gained by tuning."


def _words(one: Tuned, choice: Choice) -> str:
    held = "" if one.policy == "trigger" else f"{percent(choice.reserve)} and "
    return f"{held}{percent(choice.band)}"


def _replan(one: Tuned, unit: str) -> str:
    return f"Beside planning anew each time it brings {_sure(one.fresh_beside_replan, unit)}."


def _sure(gain: Gain, unit: str) -> str:
    low, high = (money(end, unit, signed=True) for end in (gain.low, gain.high))
    return f"{money(gain.mean, unit, signed=True)} (95 % sure: {low} .. {high})"


def _tried(one: Tuned, unit: str, width: int) -> str:
    """What the best band of each reserve, or each band of a trigger, brought on the training paths."""
    is_trigger = one.policy == "trigger"
    hold = max(score for *_, score in one.sensitivity) - one.training.mean
    best: dict[float, tuple[float, float]] = {}
    for reserve, band, score in one.sensitivity:
        key = band if is_trigger else reserve
        best[key] = max(best.get(key, (score, band)), (score, band), key=lambda pair: pair[0])
    rows = [
        (percent(key), "" if is_trigger else percent(band), money(score - hold, unit, signed=True))
        for key, (score, band) in sorted(best.items())
    ]
    if is_trigger:
        return folded(["band", "over hold in training"], _alike([(band, said) for band, _, said in rows]), width)
    return folded(["reserve", "its best band", "over hold in training"], [list(row) for row in rows], width)


def _alike(rows: list[tuple[str, str]]) -> list[list[str]]:
    """Rows that follow each other and say the same as one, from the first to the last.

    >>> _alike([("1 %", "a"), ("2 %", "a"), ("3 %", "b")])
    [['1 % .. 2 %', 'a'], ['3 %', 'b']]
    """
    told = []
    for said, some in itertools.groupby(rows, key=lambda row: row[1]):
        names = [name for name, _ in some]
        told.append([names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}", said])
    return told
