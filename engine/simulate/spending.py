"""How money comes in flights, seasons and swings: past budgets, and what rivals spend."""

import numpy as np
from jaxtyping import Float, Int

from engine.config.touches import Spending
from engine.simulate.chance import Stream, normal, uniform

QUARTER = 13  # weeks for which a spend level holds


def flights(spending: Spending, name: str, week: Int[np.ndarray, " week"], seed: int) -> Float[np.ndarray, " week"]:
    """Money by week [currency/week], its season apart; expected to be the mean over whole cycles.

    A week's value depends on nothing but the name, the week and the seed.
    """
    cycle = spending.on + spending.off
    phase = int(uniform(seed, Stream.SPEND_PHASE, name, np.array([0]))[0] * cycle)
    level = np.where((week + phase) % cycle < spending.on, 1.0, spending.off_level)
    level = level * cycle / (spending.on + spending.off * spending.off_level)
    weekly = spending.noise * normal(seed, Stream.SPEND_WEEK, name, week) - spending.noise**2 / 2
    quarterly = spending.swing * normal(seed, Stream.SPEND_QUARTER, name, week // QUARTER) - spending.swing**2 / 2
    return spending.mean * level * np.exp(weekly + quarterly)


def seasonal(spending: Spending, season: Float[np.ndarray, " week"], amplitude: float) -> Float[np.ndarray, " week"]:
    """season ** power over its mean of a year, where season is exp(amplitude cos) / I0(amplitude)."""
    power = spending.season
    return season**power * np.i0(amplitude) ** power / np.i0(amplitude * power)
