"""A new plan for the rest of a horizon as text: what to move first, then the tables, the why and the proof."""

from collections.abc import Sequence

from engine.optimize.plan import Line, Plan
from engine.report.above import split_above, with_parts
from engine.report.answer import DUST, over_time, proof
from engine.report.figures import UNKNOWN, amount, moves, one_draw, ranged
from engine.report.history import SAME
from engine.study.replan import Replan
from engine.words import folded, money, number, percent, plain, table

NOTABLE = 0.005  # share of the money that is left below which a move is not told
MOST = 12  # rules that are told


def text(found: Replan) -> str:
    """The new plan for the terminal."""
    warnings = [f"Beware: {plain(warning)}." for warning in found.plan.warnings]
    if found.carried.broken and found.carried.is_plan:
        unkept = _listed(found.carried.broken)
        warnings.append(f"Beware: {found.carried.name} does not keep {unkept}.")
    spent = f"What was spent: {found.source}.{_left_by_it(found)}"
    parts = [
        _decision(found),
        spent,
        "\n".join(warnings),
        _split_above(found),
        _channels(found),
        _decisions(found),
        _why(found),
    ]
    return "\n\n".join(part for part in (*parts, proof(found.plan)) if part)


def rest_of(plan: Plan, over: int) -> list[float]:
    """Money of each channel in the decisions that are not over [currency]."""
    return [sum(column) for column in zip(*plan.chosen.decided[over:], strict=True)]


def _left_by_it(found: Replan) -> str:
    """That less is left than the earlier plan had for the rest, where the budget is what leaves it."""
    left, had = sum(rest_of(found.plan, found.over)), sum(found.carried.rest)
    if not found.carried.is_plan or "budget" not in found.plan.binding or had - left <= DUST * found.plan.spend:
        return ""
    told = (money(amount, found.plan.currency) for amount in (left, had))
    return " That leaves {} where the earlier plan had {} for the rest.".format(*told)


def _decision(found: Replan) -> str:
    """What to move in the rest of the horizon, and what that is worth."""
    plan, carried = found.plan, found.carried
    left = sum(rest_of(plan, found.over))
    head = (
        f"{plain(plan.scenario)}, {found.as_of} to {plan.end}: of {money(plan.spend, plan.currency)}, "
        f"{money(plan.spend - left, plan.currency)} are spent; with the {money(left, plan.currency)} left, "
    )
    if left <= DUST * plan.spend:
        return f"{head}nothing is left to decide."
    told, gain = _moves(found, left), carried.gain
    if not told and abs(gain.mean) <= max(plan.gap, 1e-9) * abs(carried.value):
        same = carried.name.removeprefix("going on with ")
        return f"{head}stay close to {same}: no move is worth more than the gap of the proof can hide."
    sure = UNKNOWN if one_draw(plan) else ranged(gain, plan.unit)
    loss = "" if one_draw(plan) else f", chance to bring less {percent(carried.chance_of_loss)}"
    gained = f"{amount(gain.mean, plan, signed=True)} ({sure}) against {carried.name}{_unlike(found, left)}"
    return f"{head}{told or 'move little'}: {gained}{loss}."


def _unlike(found: Replan, left: float) -> str:
    """What the earlier plan has that the new one may not have: other money for the rest, and rules that it breaks."""
    carried, currency = found.carried, found.plan.currency
    if not carried.is_plan:
        return ""
    had, said = sum(carried.rest), []
    if abs(had - left) > SAME * max(had, left):
        said.append(f"would spend {money(had, currency)} in the rest where this one spends {money(left, currency)}")
    if carried.broken:
        more = f" and {len(carried.broken) - 1} more" if len(carried.broken) > 1 else ""
        said.append(f"is not allowed (it breaks {plain(carried.broken[0])}{more})")
    return f", which {' and '.join(said)}" if said else ""


def _split_above(found: Replan) -> str:
    """The strategic split, beside what was spent and history's split of the money that is left."""
    if not found.over:
        return split_above(found.plan)
    note = f"spent, history: what was spent before {found.as_of}, and history's split of the money left after it."
    return split_above(found.plan, "spent, history", note)


def _moves(found: Replan, left: float) -> str:
    """From where to where money goes in the rest."""
    plan = found.plan
    pairs = zip(plan.lines, rest_of(plan, found.over), found.carried.rest, strict=True)
    change = {line.name: after - before for line, after, before in pairs}
    return moves(change, NOTABLE * max(left, 1e-300), plan.currency)


def _channels(found: Replan) -> str:
    """What was spent on each channel, what would be, and what shall be."""
    plan = found.plan
    before = "earlier plan" if found.carried.is_plan else "history"
    header = ["channel", "kind", "spent", f"rest, {before}", "rest, now", "change"]
    rest = zip(plan.lines, rest_of(plan, found.over), found.carried.rest, strict=True)
    amounts = {line.name: (max(0.0, line.spend - after), carried, after) for line, after, carried in rest}

    def row(name: str, kind: str, lines: Sequence[Line]) -> list[str]:
        spent, *rest = map(sum, zip(*(amounts[line.name] for line in lines), strict=True))
        carried, after = (each if abs(each) > DUST * plan.spend else 0.0 for each in rest)
        return [name, kind, number(spent), number(carried), number(after), _change(carried, after)]

    rows = with_parts(
        plan,
        lambda line: row(line.name, line.kind, [line]),
        lambda level, parts: row(str(level.name), parts[0].kind, parts),
    )
    after, carried = sum(rest_of(plan, found.over)), sum(found.carried.rest)
    rows.append(["total", "", *map(number, (plan.spend - after, carried, after)), _change(carried, after)])
    return f"{table(header, rows)}\n{plan.currency}; spent: before {found.as_of}; rest: from then to {plan.end}."


def _change(before: float, after: float) -> str:
    if before <= 0:
        return "new" if after > 0 else "-"
    return percent(after / before - 1, signed=True)


def _decisions(found: Replan) -> str:
    """Money by channel and decision; what is over is marked."""
    plan = found.plan
    header = ["channel"]
    header += [f"{label[:10]}{' spent' if at < found.over else ''}" for at, label in enumerate(plan.decisions)]
    return f"When ({plan.currency} by decision, from the day named on):\n" + folded(header, over_time(plan))


def _why(found: Replan) -> str:
    if not found.holding:
        return "Why: no rule holds the rest of the plan back."
    return f"Why: these rules hold the rest of the plan: {_listed(found.holding)}."


def _listed(names: tuple[str, ...]) -> str:
    told = "; ".join(plain(name) for name in names[:MOST])
    return told + (f"; and {len(names) - MOST} more" if len(names) > MOST else "")
