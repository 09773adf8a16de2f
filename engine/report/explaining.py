"""The reasons of a plan as text: why money moved, what would change it, how sure it is, what to test."""

from engine.optimize.changing import Threshold, Unchanged
from engine.optimize.explaining import Experiments, Explanation, Reason
from engine.optimize.plan import Plan
from engine.report.figures import UNKNOWN, one_draw, rate
from engine.words import money, number, percent, plain, table

NO_GAIN = 1e-6  # share of a plan's value below which a dropped rule earns nothing
BECAUSE = {
    "prudence": "no move that the rules allow is worth its doubt (prudence {0:g}); the rules alone would allow one",
    "rules": "the rules allow no better split, and without them money moves",
    "either": "to give up the prudence ({0:g}) is enough to move money, and so is to give up the rules",
    "both": "prudence ({0:g}) and the rules hold it together: money moves only without both",
    "best": "it is the best split there is, rules and prudence aside",
}


def explanation_text(plan: Plan, explanation: Explanation) -> str:
    """The reasons of a plan for the terminal, to be read after its decision."""
    parts = [
        _why_unchanged(plan, explanation.unchanged),
        _channels(plan, explanation),
        _changes(plan, explanation),
        _rules(plan, explanation),
        _sure(plan, explanation),
        _experiments(plan, explanation.experiments),
        f"Not looked at: {plain('; '.join(explanation.left_out))}." if explanation.left_out else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _channels(plan: Plan, explanation: Explanation) -> str:
    """Why each channel has its money, the largest moves first."""
    unit = f"{plan.currency} 1"
    head = f"Why the money is where it is (what the next {unit} brings there, after its cost):"
    if explanation.price is not None:
        after = ", after its cost" if plan.measure == "profit" else ""
        head = f"Why the money is where it is: the last {unit} of this plan is worth {rate(explanation.price)}{after}."
    elif none := [price for price in plan.prices if price.rule == "budget" and price.dual is None]:
        why = "it goes in steps" if none[0].gain is not None else "no more can be spent under the other rules"
        head = f"Why the money is where it is ({why}, so a single {unit} has no price):"
    charged = any(any(reason.charge) for reason in explanation.reasons)
    header = ["channel", "move", "next 1 today", "next 1 plan", *(["doubt of 1"] if charged else []), "pays in"]
    ranked = sorted(explanation.reasons, key=lambda reason: (-abs(reason.move), -reason.plan))
    rows = [_row(reason, charged) for reason in ranked]
    told = [line for reason in ranked if (line := _stands(plan, reason))]
    notes = f"next 1: what the next {unit} brings, before the charge for doubt; pays in: draws (possible "
    notes += "responses) in which the move earns more than it takes elsewhere."
    return "\n".join([head, table(header, rows), notes, *told])


def _row(reason: Reason, charged: bool) -> list[str]:
    doubt = [rate(reason.charge[1 if reason.move > 0 else 0])] if charged else []
    right = "-" if reason.right is None else percent(reason.right)
    slopes = [rate(reason.at_today), "-" if reason.best else rate(reason.at_plan)]
    return [reason.name, money(reason.move, "", signed=True), *slopes, *doubt, right]


def _stands(plan: Plan, reason: Reason) -> str:
    """What holds a channel, or keeps it without money."""
    name, said = plain(reason.name), []
    if reason.held:
        said.append(f"held by {plain(', '.join(reason.held))}")
    if reason.best and plan.risk == "mean":
        spend, average = reason.best
        said.append(
            f"nothing spent: at best, {money(spend, plan.currency)} on it return {rate(average)} per {plan.currency} 1"
        )
    return f"  {name}: {'; '.join(said)}." if said else ""


def _changes(plan: Plan, explanation: Explanation) -> str:
    """What would change the plan, by channel."""
    lines = [f"  {plain(reason.name)} {_changed(plan, reason)}" for reason in explanation.reasons if reason.looked_at]
    if not lines:
        return ""
    return "What would change the plan (asked again with the effect of one channel changed):\n" + "\n".join(lines)


def _changed(plan: Plan, reason: Reason) -> str:
    if reason.idle:
        return _enters(plan, reason)
    if not reason.lessens:
        return f"keeps nine tenths of its money even at a sixteenth of its effect{_kept(reason)}."
    told = f"loses more than a tenth of its money if it works {_times(reason.lessens)}"
    if reason.leaves is None:
        return f"{told}; it keeps some even at a sixteenth of its effect{_kept(reason)}."
    return f"{told}, and all of it if it works {_times(reason.leaves)}."


def _kept(reason: Reason) -> str:
    """The rules that were seen to hold a channel there."""
    if not reason.kept:
        return ""
    return f": {plain(' and '.join(reason.kept))} {'hold' if len(reason.kept) > 1 else 'holds'} it there"


def _enters(plan: Plan, reason: Reason) -> str:
    if reason.enters is None:
        return f"gets no money even if it works 16 times as well{_kept(reason)}."
    cheaper = f" (or costs {percent(1 - 1 / reason.enters.factor)} less)" if reason.enters.cheaper else ""
    return f"gets {money(reason.enters.spend, plan.currency)} if it works {_times(reason.enters)}{cheaper}."


def _times(threshold: Threshold) -> str:
    digits = 2 if f"{threshold.factor:.2f}" != f"{threshold.within:.2f}" else 4
    return f"{threshold.factor:.{digits}f} times as well, not yet at {threshold.within:.{digits}f}"


def _rules(plan: Plan, explanation: Explanation) -> str:
    """What rules cost to keep."""
    if not explanation.rules:
        return ""
    least = "at least " if len(plan.decisions) > 1 else ""
    lines = []
    for cost in explanation.rules:
        told = f"{least}{money(cost.gain, plan.unit)}, with {money(cost.moved, plan.currency)} elsewhere"
        if cost.gain <= NO_GAIN * abs(plan.chosen.value.mean):
            told = "nothing: without it the plan earns no more"
        lines.append(f"  {plain(cost.rule)}: {told}")
    return "What rules cost (what the plan earns more without them, before the charge for doubt):\n" + "\n".join(lines)


def _sure(plan: Plan, explanation: Explanation) -> str:
    """How sure the plan is, and where it leaves what the data show."""
    sure = UNKNOWN if one_draw(plan) else f"chance to bring less {percent(explanation.chance_of_loss)}"
    lines = [f"How sure: {sure}."]
    for reason in explanation.reasons:
        seen = reason.seen
        if not (seen.extrapolated or seen.below):
            continue
        side = "beyond" if seen.extrapolated else "below"
        known = f"history spent at most {number(seen.most)} a {plan.period}"
        if seen.support:
            known += f" and shows stocks of {number(seen.support[0])} to {number(seen.support[1])}"
        uses = f"the plan spends up to {number(seen.peak)} and builds a stock of up to {number(seen.stock[1])}"
        lines.append(f"  {plain(reason.name)}: {known}, {uses}: {side} what was seen its curve is extrapolated.")
    return "\n".join(lines)


def _experiments(plan: Plan, experiments: Experiments | None) -> str:
    """What an experiment can be worth at the most."""
    if experiments is None:
        return ""
    whole = experiments.everything
    if whole.upper <= NO_GAIN * abs(plan.chosen.value.mean):
        return "Which experiment would pay: none; whatever the responses are, no plan under these rules is better."
    most = f"{money(whole.upper, plan.unit)}{f' ± {number(whole.error)}' if whole.error else ''}"
    head = f"Which experiment would pay: to know every response exactly before planning is worth at most {most}"
    head += " over the horizon, so no experiment is worth more."
    if not whole.proven:
        head += " Its bound is an estimate."
    if experiments.flat:
        head += " Told for one split of a year, not for the decisions of this plan."
    rows = [
        [one.name, number(one.gain), number(one.error), number(one.seen)]
        for one in experiments.channels
        if one.looked_at
    ]
    guessed = [one for one in experiments.channels if not one.looked_at]
    told = [head, table(["knowing", "worth", "±", "with luck"], rows)] if rows else [head]
    if rows:
        told.append("with luck: planned and valued on the same draws, too high rather than too low.")
    if guessed:
        largest = max(guessed, key=lambda one: one.seen)
        told.append(
            "Only roughly, from what the next unit of money brings, worth at most "
            f"{money(largest.seen, plan.unit)} ({plain(largest.name)}): "
            f"{plain(', '.join(one.name for one in guessed))}."
        )
    return "\n".join(told)


def _why_unchanged(plan: Plan, unchanged: Unchanged | None) -> str:
    """Why the plan keeps today's split, and what least change would move money."""
    if unchanged is None:
        return ""
    lines = [f"Why nothing moves: {BECAUSE[unchanged.because].format(plan.prudence)}."]
    if unchanged.prudence is not None:
        lines.append(f"  prudence {unchanged.prudence:.3g} instead of {plan.prudence:g} is low enough to move money.")
    for one in unchanged.eased:
        room, within = (money(amount, plan.currency) for amount in (one.by, one.within))
        lines.append(f"  {plain(one.rule)}: {room} more room moves money, {within} does not.")
    if unchanged.together:
        lines.append(f"  no single rule is enough; without {plain(' and '.join(unchanged.together))} money moves.")
    if unchanged.because == "rules" and not (unchanged.eased or unchanged.together):
        lines.append("  no single rule is enough, nor are those of the two channels that bring most and least.")
    return "\n".join(lines)
