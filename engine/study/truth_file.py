"""The file truth.json: what each channel did over a history, and would do after it, with every figure's name.

Names are only added; a figure that does not exist (a ratio to nothing, the list of a channel without one) is null.
"""

from datetime import date
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.simulate.coalitions import MOST
from engine.simulate.customers import LIFETIME, Customers
from engine.simulate.records import World
from engine.simulate.truth import HORIZON, Change, Curves, Horizon, Truth

MEANS = {
    "window": "Figures count in the weeks of the history; those under with_tail count in the weeks after it too, in "
    "which every channel spends its mean of the history in all runs compared, so that only late effects differ.",
    "spend": "Money that might be spent: the plan. spent: what really was; a bid cap can leave money over.",
    "baseline": "Revenue with no money spent in the window: all channels out.",
    "incremental": "Leave-one-out: the history as it was, less the same without this channel's money.",
    "add_one_in": "This channel's money alone, less no money at all.",
    "shapley": "The mean, over all orders of adding the channels one by one, of what this one adds; sums to revenue "
    "less baseline.",
    "interaction": "Revenue less baseline less the sum of incremental_outcome.",
    "roas": "Change of revenue over the change of all money really spent, in all channels; cac: the latter over the "
    "change of new customers.",
    "marginal_roas": "Derivative of revenue over that of all money really spent, along the channel's own plan.",
    "curve": f"A week's change at a constant spend, in the mean over {HORIZON} weeks after the history, "
    "less the same without the channel; the others at their means.",
    "pulse": f"Change over {HORIZON} weeks after so much more money in the first week after the history.",
    "kernel": "Revenue of each week after 1 more of money in the first, all channels at their means.",
    "customers": "New customers buy first, or again after they lapsed. clv: margin on the purchase that wins one in "
    f"the last week of the history and on those of the {LIFETIME} weeks after it, discounted; revenue: the same, "
    "neither margin nor discount; both at mean spend, marketing not taken off. cac: all money spent per new customer.",
    "share": "Customers and advocates, of those and rivals' customers, at the end of the history.",
}
"""What the figures of the file mean."""


def truth_content(world: World, known: Truth, made_from: str, start: date) -> dict[str, Any]:
    """The content of truth.json.

    Args:
        made_from: The hash of the market.
        start: First day of the history.
    """
    inside, beyond = known.in_window, known.with_tail
    return {
        "schema": "peso.truth/1",
        "currency": world.currency,
        "period": "week",
        "made_from": made_from,
        "window": {"start": start.isoformat(), "periods": inside.weeks},
        "tail": {"periods": beyond.weeks - inside.weeks},
        "means": MEANS,
        **_totals(inside),
        "with_tail": _totals(beyond),
        **_absent(known),
        "customers": _customers(world, known.customers, inside.won),
        "share": _number(known.customers.share),
        "channels": [_channel(world, known, index) for index in range(len(world.channels))],
    }


def _totals(horizon: Horizon) -> dict[str, Any]:
    """What all channels did together."""
    return {
        "revenue": horizon.revenue,
        "baseline": horizon.baseline,
        "interaction": horizon.interaction,
        "spent": horizon.spent,
        "new_customers": horizon.won,
    }


def _absent(known: Truth) -> dict[str, str]:
    """Why Shapley values are missing, where they are."""
    if known.in_window.shapley is not None:
        return {}
    count = int((known.spend > 0).sum())
    return {
        "shapley_absent": f"{count} channels have 2^{count} coalitions, and each is a run of its own; "
        f"exact Shapley values are given for up to {MOST} channels that spend"
    }


def _channel(world: World, known: Truth, index: int) -> dict[str, Any]:
    """Everything that is true of one channel."""
    held = known.customers
    return {
        "name": world.channels[index],
        "kind": world.kinds[index],
        "spend": float(known.spend[index]),
        "spent": float(known.spent[index]),
        **_figures(known.in_window, index),
        "payback_weeks": _number(held.channel_payback[index]),
        "with_tail": _figures(known.with_tail, index),
        "curve": _curve(known.steady, index),
        "pulse": _curve(known.pulse, index),
        "kernel": known.kernel[:, index].tolist(),
        "subscribers": _number(held.lists[index]),
        "goodwill": float(held.goodwill[index]),
    }


def _figures(horizon: Horizon, index: int) -> dict[str, Any]:
    """What one channel did up to a horizon."""
    lost = horizon.leave_one_out
    return {
        **{f"incremental_{name}": figure for name, figure in _gains(lost, index).items()},
        "roas": _number(lost.roas[index]),
        "cac": _number(lost.cac[index]),
        "marginal_roas": _number(horizon.marginal.roas[index]),
        "marginal_cac": _number(horizon.marginal.cac[index]),
        "add_one_in": _share(horizon.add_one_in, index),
        "shapley": None if horizon.shapley is None else _share(horizon.shapley, index),
    }


def _gains(change: Change, index: int) -> dict[str, float]:
    return {
        "outcome": float(change.revenue[index]),
        "spend": float(change.spent[index]),
        "customers": float(change.won[index]),
    }


def _share(change: Change, index: int) -> dict[str, Any]:
    return {**_gains(change, index), "roas": _number(change.roas[index]), "cac": _number(change.cac[index])}


def _curve(curves: Curves, index: int) -> dict[str, list[float]]:
    """Money that may be spent, the change of all money really spent, and that of revenue."""
    return {
        "spend": curves.money[:, index].tolist(),
        "spent": curves.spent[:, index].tolist(),
        "outcome": curves.revenue[:, index].tolist(),
    }


def _customers(world: World, held: Customers, won: float) -> dict[str, Any]:
    """What customers cost and are worth, in the mean and by segment."""
    return {
        "new": won,
        "cac": _number(held.cost),
        "clv": _number(held.mean_value),
        "revenue": _number(held.mean_revenue),
        "clv_over_cac": _number(held.value_per_cost),
        "payback_weeks": _number(held.payback),
        "weeks": LIFETIME,
        "segments": [
            {"name": name, "new": new, "clv": _number(value), "revenue": _number(revenue)}
            for name, new, value, revenue in _segments(world, held)
        ],
    }


def _segments(world: World, held: Customers) -> list[tuple[str, float, float, float]]:
    columns: tuple[Float[np.ndarray, " segment"], ...] = (held.won, held.value, held.revenue)
    return list(zip(world.segments, *(column.tolist() for column in columns), strict=True))


def _number(value: float) -> float | None:
    """A number of JSON, which has none that is not finite."""
    return float(value) if np.isfinite(value) else None
