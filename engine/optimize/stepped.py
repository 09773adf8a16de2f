"""Tables of channels that spend whole steps: knots at the steps alone, where values are exact and nothing lies between.

The concave envelope over steps touches them, so the relaxed problem spends whole steps nearly everywhere.
"""

import numpy as np

from engine.optimize.closeness import ROUNDING
from engine.optimize.rules import Problem
from engine.optimize.tables import Payoff, Table, objective

MOST = 2000  # steps of one channel: of more, a finer one changes too little to be told apart


def stepped(problem: Problem, tables: list[Table]) -> list[Table] | None:
    """The tables with those of channels in steps cut to their steps; None where a channel has no step it may take."""
    sizes = {rule.channel: rule.step for rule in problem.rules if rule.step and rule.channel is not None}
    found = []
    for channel, (payoff, table) in enumerate(zip(problem.payoffs, tables, strict=True)):
        step = sizes.get(channel, 0.0)
        if step and (table.spend[-1] - table.spend[0]) / step <= MOST:
            cut = _cut(payoff, table, step)
            if cut is None:
                return None
            found.append(cut)
        else:
            found.append(table)
    return found


def _cut(payoff: Payoff, table: Table, step: float) -> Table | None:
    """One table at the steps that it allows; None where it allows none."""
    rounding = ROUNDING * max(float(table.spend[-1]), step)
    first, last = (np.ceil((table.spend[0] - rounding) / step), np.floor((table.spend[-1] + rounding) / step))
    spend = step * np.arange(first, last + 1)
    if table.gap:
        spend = spend[(spend == 0) | (spend >= table.gap[1] - rounding)]
    if not len(spend):
        return None
    value = payoff.average(objective(payoff, spend))
    rise = np.diff(value) / np.diff(spend)
    slope = (np.append(rise[:1], rise) + np.append(rise, rise[-1:])) / 2 if len(spend) > 1 else np.zeros(1)
    has_gap = table.gap is not None and len(spend) > 1 and spend[0] == 0
    return Table(spend, value, slope, value, (0.0, float(spend[1])) if has_gap else None)
