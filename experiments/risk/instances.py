"""Random budgets over Hill curves whose joint draws share a market shock."""

from datetime import date

import numpy as np

from engine.config.scenario import Budget, ChannelRules, Horizon, Scenario
from engine.response.curves import Channel, Curves, Family, History

PERIODS, DRAWS = 52, 500
SLOPES = {"concave": (0.5, 1.0), "mixed": (0.5, 4.0)}
SHOCK = 0.3  # standard deviation of the market's luck, in logs of what a fully exposed channel earns


def question(
    family: str, channels: int, seed: int, shuffled: bool = False, draws: int = DRAWS
) -> tuple[Curves, Scenario]:
    """Joint draws of Hill curves and a budget of .3 to 1.2 of all halfway spends, with floors and caps.

    What a channel earns follows the market's luck by its own exposure, from none to one and a half. `shuffled` deals
    each channel's draws out anew, alone: every channel looks as risky as before and the shock is no longer shared.
    """
    rng = np.random.default_rng(seed)
    low, high = SLOPES[family]
    slope = rng.uniform(low, high, channels) * np.exp(0.05 * rng.standard_normal((draws, channels)))
    halfway = np.exp(rng.normal(10, 0.8, channels)) * np.exp(0.2 * rng.standard_normal((draws, channels)))
    exposure = rng.uniform(0.0, 1.5, channels)
    luck = SHOCK * rng.standard_normal((draws, 1)) * exposure + 0.1 * rng.standard_normal((draws, channels))
    ceiling = halfway.mean(0) * rng.uniform(0.5, 4, channels) * np.exp(luck)
    budget = float(PERIODS * rng.uniform(0.3, 1.2) * halfway.mean(0).sum())
    floor = np.where(rng.random(channels) < 0.2, 0.02 * budget / channels, 0.0)
    cap = np.where(rng.random(channels) < 0.3, 2.5 * budget / channels, budget)
    order = np.stack([rng.permutation(draws) if shuffled else np.arange(draws) for _ in range(channels)], axis=1)
    names = [f"c{at:03d}" for at in range(channels)]
    held = []
    for at, name in enumerate(names):
        drawn = {"ceiling": ceiling, "halfway": halfway, "slope": slope}
        known = {key: values[order[:, at], at].copy() for key, values in drawn.items()}
        stays = Family("geometric", {"retain": np.zeros(draws)})
        spent = History(budget / PERIODS / channels, budget / PERIODS)
        held.append(Channel(name, "paid", stays, Family("hill", known), spent))
    rules = {
        name: ChannelRules(floor=float(least), cap=float(most))
        for name, least, most in zip(names, floor, cap, strict=True)
    }
    scenario = Scenario(
        name="question",
        horizon=Horizon(start=date(2027, 1, 4), periods=PERIODS),
        budget=Budget(total=budget),
        channels=rules,
    )
    return Curves("USD", "revenue", "week", tuple(held)), scenario
