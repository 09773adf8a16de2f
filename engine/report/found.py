"""The budget that meets a target, and the money kept for tests, as text."""

from engine.optimize.asking import Found
from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import Plan
from engine.optimize.plan_file import gap_of_plan
from engine.words import money, number, percent, plain

CERTIFIED_ARE = "; certified is the money without prudence, and below the split of the money with it"
NOTABLE = 1e-6  # share of the money from which prudence is told to change it
TOLD = 6  # channels for tests that are named
TARGETS = {
    "target_outcome": ("an outcome of", "no plan with less than {0} reaches it", "no lower bound is known"),
    "target_roas": ("an average return of", "no plan with more than {0} keeps it", "no upper bound is known"),
    "target_marginal_roas": ("a return of the last unit of", "the best of all budgets at that price of money", ""),
    "target_cac": ("a cost per unit of outcome of", "no plan with more than {0} keeps it", "no upper bound is known"),
}


def budget_found(plan: Plan) -> str:
    """The budget that meets a target, and what is proven about it; empty without a target."""
    if plan.found is None:
        return ""
    found = plan.found
    wanted = number(found.wanted) if found.target in ("target_outcome", "target_cac") else f"{found.wanted:g}"
    prudent = ""
    if _is_prudent(found):
        prudent = f" (with prudence; without it {money(found.unhurried, plan.currency)})"
    what = TARGETS[found.target][0]
    return f"Budget: {money(found.money, plan.currency)}{prudent} for {what} {wanted}; {_proven(found, plan.currency)}."


def _proven(found: Found, currency: str) -> str:
    """What is proven of the money, without prudence and with it."""
    _, proven, unknown = TARGETS[found.target]
    proven = proven if found.sure else f"as far as is known {proven}"
    if found.target == "target_marginal_roas":
        return f"{proven} (gap {100 * found.gap:.3f} %{', without prudence' if _is_prudent(found) else ''})"
    own = gap_of_plan(found)
    if own is None:
        return unknown
    gaps, certified = f"gap {100 * found.gap:.3f} %", ""
    if _is_prudent(found):
        gaps = f"gap without prudence {100 * found.gap:.3f} %, of this plan {100 * own:.3f} %"
        certified = CERTIFIED_ARE if found.sure and found.gap <= CERTIFIED else ""
    return f"{proven.format(money(found.proven, currency))} ({gaps}){certified}"


def _is_prudent(found: Found) -> bool:
    return abs(found.unhurried - found.money) > (found.gap + NOTABLE) * found.money


def money_for_tests(plan: Plan) -> str:
    """The money that is kept for tests, and on which channels it goes; empty where none is asked for."""
    if plan.for_tests is None:
        return ""
    kept = plan.for_tests
    rest = f" and {len(kept.channels) - TOLD} more" if len(kept.channels) > TOLD else ""
    names = ", ".join(plain(name) for name in kept.channels[:TOLD]) + rest
    share = f" ({percent(kept.spend / plan.spend)} of all)" if plan.spend > 0 else ""
    return (
        f"For tests: at least {money(kept.least, plan.currency)} are kept for {names}; this plan spends "
        f"{money(kept.spend, plan.currency)}{share} there."
    )
