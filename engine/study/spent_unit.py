"""Whether a table of what was spent is in the currency, or in thousands or millions of it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.errors import InputError
from engine.words import money

UNITS = {"thousands": 1e3, "millions": 1e6}
NEAR = 5.0  # times: how far money in a unit may be from what is usual and still be told by it
FEW = 1 / 50  # of what is usual: no channel spends more where all are in a larger unit


def require_own_unit(
    path: Path, spent: Float[np.ndarray, " channel"], usual: Float[np.ndarray, " channel"], currency: str
) -> None:
    """Refuse what was spent where all of it looks like thousands or millions.

    Args:
        path: Of the table.
        spent: On each channel in all that is over [currency].
        usual: What the plan, or history's pace, spends in that time [currency].
        currency: Of both.

    Raises:
        InputError: All that was spent is so little as only another unit makes it.
    """
    total, wanted = float(spent.sum()), float(usual.sum())
    if not total or not wanted or (spent > FEW * usual).any():
        return
    for name, unit in UNITS.items():
        if wanted / NEAR <= total * unit <= wanted * NEAR:
            told = f"{money(total, currency)} in all where {money(wanted, currency)} would be usual"
            raise InputError(
                f"{path}: {told}, so it seems to be in {name} of {currency}; write amounts in {currency} "
                f"(each times {unit:,.0f}), or 0 where so little was spent"
            )
