"""What a plan is compared with, told so that nobody takes history's split of other money for history itself."""

from engine.optimize.plan import Plan
from engine.report.figures import amount, one_draw, ranged
from engine.words import money, plain

SAME = 1e-6  # of the money: closer than this is the same
TOLD = 6  # rules that the split does not keep and are named


def compared(plan: Plan) -> str:
    """What the plan is compared with, as words after `against`."""
    base = sum(plan.baseline.spend)
    if plan.past is not None and not plan.past.spend:
        return "an even split of the same money"
    if is_scaled(plan):
        return f"the same {money(base, plan.currency)} split as in history (which spent {_really(plan)})"
    if _differ(base, plan.spend):
        return f"history's {money(base, plan.currency)} ({_change(plan, base)})"
    return "the same money split as in history"


def is_scaled(plan: Plan) -> bool:
    """Whether history's split stands in the plan with other money than history spent."""
    past = plan.past
    return past is not None and past.spend > 0 and _differ(sum(plan.baseline.spend), past.spend)


def beside_history(plan: Plan) -> str:
    """The change against history as it was, and the rules that its split does not keep; empty where all is the same."""
    told, past = [], plan.past
    if past is not None and is_scaled(plan):
        change = amount(past.change.mean, plan, signed=True)
        told.append(
            f"Beside history as it was: {_change(plan, past.spend)} money, {change}{_range(plan)} over as many "
            f"{plan.period}s."
        )
    if unkept := plan.baseline.broken:
        rest = f"; and {len(unkept) - TOLD} more" if len(unkept) > TOLD else ""
        named = "; ".join(plain(rule) for rule in unkept[:TOLD])
        name = split_name(plan)
        told.append(f"{name[0].upper()}{name[1:]}, with which the plan is compared, does not keep: {named}{rest}.")
    return "\n".join(told)


def scaled_note(plan: Plan) -> str:
    """A footnote on the column of history's money where that is not what history spent; else empty."""
    if plan.past is not None and not plan.past.spend:
        return "history: none, so an even split."
    if not is_scaled(plan):
        return ""
    split = money(sum(plan.baseline.spend), plan.currency)
    return (
        f"history: its split, scaled to {split}; it spent {_really(plan)} in as many {plan.period}s. "
        "change: against the scaled split; rules of history (relative) are about what it spent, unscaled."
    )


def saved(plan: Plan, before: float) -> str:
    """The money that is saved, in brackets, where a plan spends less than something before it; else empty."""
    if plan.spend >= before or not _differ(plan.spend, before):
        return ""
    return f" ({money(before - plan.spend, plan.currency)} saved)"


def cost_of_rules(plan: Plan) -> str:
    """That a loss is what the rules cost, where what the plan is compared with need not keep them; else empty."""
    if plan.gain.mean >= 0 or plan.risk != "mean" or not plan.baseline.broken:
        return ""
    return f"; the rules asked for cost that: {split_name(plan)} does not keep them"


def _range(plan: Plan) -> str:
    if plan.past is None or one_draw(plan):
        return ""
    return f" ({ranged(plan.past.change, plan.unit)})"


def split_name(plan: Plan) -> str:
    """The split that the plan is compared with, by its name."""
    if plan.past is not None and not plan.past.spend:
        return "the even split"
    return "history's split" + (f" of {money(sum(plan.baseline.spend), plan.currency)}" if is_scaled(plan) else "")


def _change(plan: Plan, before: float) -> str:
    """How much more or less money the plan spends."""
    return f"{money(abs(plan.spend - before), plan.currency)} {'more' if plan.spend > before else 'less'}"


def _really(plan: Plan) -> str:
    return money(plan.past.spend if plan.past else 0.0, plan.currency)


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > SAME * max(one, other)
