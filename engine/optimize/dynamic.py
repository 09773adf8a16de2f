"""Dynamic programming over steps of the budget: the best plan on a grid, whatever the curves' shapes."""

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from engine.optimize.tables import Table


def best_on_grid(tables: list[Table], most: float, exact: bool, steps: int) -> Float[np.ndarray, " channel"] | None:
    """The best spend with each channel at a whole number of steps above its least; None where there is none.

    Args:
        tables: One per channel.
        most: The budget [currency].
        exact: Whether all of it must be spent.
        steps: Steps into which the budget above the least spends is cut.
    """
    low = np.array([table.spend[0] for table in tables])
    step = (most - low.sum()) / steps
    if step <= 0:
        return None
    best = np.full(steps + 1, -np.inf)
    best[0] = 0.0
    choices = []
    for table in tables:
        best, choice = _added(best, _worth(table, step, steps))
        choices.append(choice)
    at = steps if exact else int(np.argmax(best))
    if best[at] == -np.inf:
        return None
    spend = low.copy()
    for channel in range(len(tables) - 1, -1, -1):
        taken = int(choices[channel][at])
        spend[channel] += taken * step
        at -= taken
    return spend


def _added(
    best: Float[np.ndarray, " step"], worth: Float[np.ndarray, " taken"]
) -> tuple[Float[np.ndarray, " step"], Int[np.ndarray, " step"]]:
    """The best of each number of steps with one more channel, and how many of them that takes."""
    behind = np.concatenate([np.full(len(worth) - 1, -np.inf), best])
    totals = sliding_window_view(behind, len(worth)) + worth[::-1]  # by steps, and by steps not taken
    chosen = totals.argmax(axis=1)
    return totals[np.arange(len(best)), chosen], len(worth) - 1 - chosen


def _worth(table: Table, step: float, steps: int) -> Float[np.ndarray, " taken"]:
    """Objective of one channel at each whole number of steps that it can take."""
    width = table.spend[-1] - table.spend[0]
    spend = table.spend[0] + step * np.arange(min(steps, int(width / step + 1e-9)) + 1)
    worth = np.interp(spend, table.spend, table.value)
    if table.gap:
        worth[(spend > table.gap[0]) & (spend < table.gap[1] * (1 - 1e-12))] = -np.inf
    return worth
