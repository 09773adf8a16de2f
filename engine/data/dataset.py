"""Dataset: a customer's history, or a simulated one; the two look the same."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from engine.data.lift import LiftTest
from engine.periods import Period
from engine.response.curves import Kind

ControlRole = Literal["other", "price", "promotion"]


@dataclass(frozen=True)
class Dataset:
    """History by period and geo; a national data set has one geo.

    `driver` is what each channel's curve runs on, in money: its spend, or its exposure at the channel's mean
    price of the latest year. A plan's money buys exposure at about that price, so curves over `driver` hold for
    plans; what history really paid is `spend`, and returns on it divide by that.
    """

    period: Period
    starts: tuple[date, ...]
    geos: tuple[str, ...]
    population: Float[np.ndarray, " geo"]  # people; ones where unknown
    currency: str
    outcome_name: str
    outcome: Float[np.ndarray, "period geo"]  # [currency/period], or units where `is_money` is false
    is_money: bool
    channels: tuple[str, ...]
    kinds: tuple[Kind, ...]
    spend: Float[np.ndarray, "period geo channel"]  # [currency/period]
    driver: Float[np.ndarray, "period geo channel"]  # [currency/period]
    control_names: tuple[str, ...]
    controls: Float[np.ndarray, "period geo control"]
    event_names: tuple[str, ...]
    events: Float[np.ndarray, "period geo event"]  # 1 where the event takes place (or its share), else 0
    made_from: str = ""  # digest of the file behind it
    notes: tuple[str, ...] = ()  # what the reader did because the model file told it to
    unrecorded: Bool[np.ndarray, "period geo channel"] | None = None  # spend left blank in the table, zero here
    lift_tests: tuple[LiftTest, ...] = ()  # experiments that the model file names
    control_roles: tuple[ControlRole, ...] = ()  # of each control; none at all where every one is "other"
    worth: Float[np.ndarray, " period"] | None = None  # weight of each period as evidence, in (0, 1]; one if absent
