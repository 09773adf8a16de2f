"""What a plan from a fit earns in the true world, beside the oracle and beside its own promise."""

from collections.abc import Callable
from typing import Any

import numpy as np
from command import Calibration, plan
from jaxtyping import Float
from oracle import share_of_gain

REACHES: dict[str, tuple[float, float | None]] = {"30%": (0.7, 1.3), "unbounded": (0.0, None)}
"""Least and most spend of a channel as multiples of history's mean; None: the whole budget."""


def limits(
    reach: str, weekly: Float[np.ndarray, " curve"], budget: float
) -> tuple[Float[np.ndarray, " curve"], Float[np.ndarray, " curve"]]:
    """Least and most weekly spend of each curve [money/week]."""
    low, high = REACHES[reach]
    return low * weekly, np.full_like(weekly, budget) if high is None else high * weekly


def regret(
    fit: Calibration,
    weekly: dict[str, float],
    steady: Callable[[Float[np.ndarray, " channel"]], float],
    reach: str,
    oracles: dict[str, float],
) -> dict[str, Any]:
    """One plan's share of what could have been gained.

    Args:
        fit: The calibration to plan with.
        weekly: History's mean spend of each channel [money/week].
        steady: True outcome per week of constant weekly spends.
        reach: Of `REACHES`.
        oracles: Best true outcome per week; "national" of the problem that is planned, "by place" of a finer one.
    """
    chosen = plan(fit, weekly, REACHES[reach])
    before, after = steady(np.array(list(weekly.values()))), steady(chosen.weekly)
    found: dict[str, Any] = {
        "share_of_oracle": share_of_gain(before, after, oracles["national"]),
        "delivered": after / before - 1,
        "oracle": oracles["national"] / before - 1,
        "promised_05_mean_95": chosen.promise,
        "status": chosen.status,
        "needed_consent": chosen.needed_consent,
        "multiple_of_history": dict(zip(weekly, chosen.weekly / np.array(list(weekly.values())), strict=True)),
    }
    if "by place" in oracles:
        found["share_of_oracle_by_place"] = share_of_gain(before, after, oracles["by place"])
        found["oracle_by_place"] = oracles["by place"] / before - 1
    return found
