"""Chart of a plan's moves: from history's split to the plan, channel by channel."""

from engine.optimize.plan import Line, Plan
from engine.report.answer import NOTABLE
from engine.report.charts.look import (
    KIND_COLOURS,
    SEVERAL,
    WIDE,
    Spec,
    framed,
    heading,
    labels,
    listed,
    short,
    total_title,
)
from engine.report.charts.waterfall import Ends, Step, unit_across, waterfall
from engine.report.figures import one_draw, ranged
from engine.report.history import split_name
from engine.response.curves import KINDS
from engine.words import money, percent

SHOWN = 18  # channels one by one; the rest together
STILL = 1e-6  # of the money: a smaller move is none
AFTER = "The plan"
REST = "several"  # channels of several kinds taken together


def moves_chart(plan: Plan) -> Spec:
    """History's split on the left, the plan on the right, and what each channel gives or takes on the way.

    The largest move comes first; channels that move least are taken together where there are many.
    """
    steps = moves_of(plan)
    ends = Ends(_before(plan), sum(plan.baseline.spend), AFTER)
    unit = unit_across(ends, steps)
    title = f"{total_title('Money', plan.currency, unit)}, {plan.start} to {plan.end}"
    colours: dict[str, str] = {kind: KIND_COLOURS[kind] for kind in KINDS} | {REST: SEVERAL}
    told = [f"{short(step.label)} {money(_seen(step.change, plan), plan.currency, signed=True)}" for step in steps]
    return framed(
        heading(_title(plan), _subtitle(plan), WIDE),
        f"Waterfall from {_before(plan).lower()}, {money(ends.begin, plan.currency)}, to the plan, "
        f"{money(plan.spend, plan.currency)}, {plan.start} to {plan.end}. {listed(told)}.",
        waterfall(ends, steps, colours, title),
    )


def moves_of(plan: Plan) -> list[Step]:
    """What each channel gets more or less than in history's split, the largest move first; they add up."""
    names = labels([_before(plan), AFTER, *(line.name for line in plan.lines)])[2:]
    found = sorted(
        (Step(name, _change(line), line.kind) for name, line in zip(names, plan.lines, strict=True)),
        key=lambda step: -abs(step.change),
    )
    rest = found[SHOWN:]
    if len(rest) < 2:
        return found
    name = labels([_before(plan), AFTER, *names, f"{len(rest)} other channels"])[-1]
    return [*found[:SHOWN], Step(name, sum(step.change for step in rest), REST)]


def _change(line: Line) -> float:
    return line.spend - line.baseline


def keeps(plan: Plan) -> bool:
    """Whether the decision names no channel whose money changes: it is to keep the split."""
    return all(abs(_change(line)) <= NOTABLE * plan.spend for line in plan.lines)


def _seen(change: float, plan: Plan) -> float:
    """A change without what a solver leaves."""
    return change if abs(change) > STILL * plan.spend else 0.0


def _before(plan: Plan) -> str:
    """What the plan is compared with, in a few words."""
    return "Even split" if plan.past is not None and not plan.past.spend else "History's split"


def _title(plan: Plan) -> str:
    """How much money moves, and where most of it comes from and goes to."""
    up = max(plan.lines, key=_change)
    down = min(plan.lines, key=_change)
    least = STILL * max(plan.spend, 1e-300)
    if all(abs(_change(line)) <= least for line in plan.lines):
        return f"No money moves: the plan keeps {split_name(plan)}"
    if keeps(plan):
        return f"The plan keeps {split_name(plan)}: no channel changes by more than {percent(NOTABLE)} of the money"
    gained = sum(max(_change(line), 0.0) for line in plan.lines)
    lost = sum(max(-_change(line), 0.0) for line in plan.lines)
    if lost <= least:
        return f"{money(gained, plan.currency)} come on top, most of it for {short(up.name)}"
    if gained <= least:
        return f"{money(lost, plan.currency)} are saved, most of it on {short(down.name)}"
    moved = min(gained, lost)
    share = f" ({percent(moved / plan.spend)})" if plan.spend > 0 else ""
    return f"{money(moved, plan.currency)}{share} move, most of it from {short(down.name)} to {short(up.name)}"


def _subtitle(plan: Plan) -> str:
    """How to read it, and what the moves are worth."""
    worth = f"{money(plan.gain.mean, plan.unit, signed=True)} {short(plan.measure)}"
    if not one_draw(plan):
        worth += f" ({ranged(plan.gain, plan.unit)}; chance to bring less {percent(plan.chance_of_loss)})"
    return (
        f"Bar: what a channel gets more or less, from {split_name(plan)} above to the plan below, the largest first. "
        f"All moves together: {worth}."
    )
