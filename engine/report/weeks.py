"""What a plan spends by period, where its weeks differ within a decision."""

from datetime import date

import numpy as np

from engine.optimize.plan import Plan
from engine.periods import PERIODS, starts
from engine.words import money, plain

EVEN = 1e-9  # of the largest amount: those that differ by less are even
TOLD = 6  # channels that a sentence names


def weeks_text(plan: Plan) -> str:
    """The channels whose money is not even over the periods of a decision: in how many they spend, and the most."""
    schedule = np.array(plan.schedule)
    told = [
        f"{plain(line.name)} in {np.count_nonzero(spent)} of {len(spent)}, "
        f"at most {money(float(spent.max()), plan.currency)}"
        for line, spent in zip(plan.lines, schedule.T, strict=True)
        if _is_uneven(plan, spent)
    ]
    if not told:
        return ""
    rest = f"; and {len(told) - TOLD} more channels" if len(told) > TOLD else ""
    return f"By {plan.period} (as plan.json has under schedule): {'; '.join(told[:TOLD])}{rest}."


def _is_uneven(plan: Plan, spent: np.ndarray) -> bool:
    """Whether a channel's money differs between periods of one decision."""
    length = next(period for period in PERIODS if period == plan.period)
    days = starts(plan.start, plan.periods, length)
    edges = [days.index(date.fromisoformat(label[:10])) for label in plan.decisions]
    within = np.split(spent, edges[1:])
    return any(float(np.ptp(part)) > EVEN * float(spent.max()) for part in within)
