"""Random budgets over Hill curves whose value and rules are written down here once more, in numpy alone."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from engine.config.scenario import Budget, ChannelRules, Group, Horizon, Scenario, ShareBounds
from engine.response.curves import Channel, Curves, Family, History

PERIODS, DRAWS = 52, 200
SLOPES = {"concave": (0.5, 1.0), "robyn": (0.5, 3.0), "mixed": (0.5, 4.0), "steepS": (2.5, 4.0)}
KEPT = 1e-6  # of the budget: what a rule may be missed by


@dataclass(frozen=True)
class Bounds:
    """Channels that together spend between two amounts."""

    members: np.ndarray
    low: float
    high: float


@dataclass(frozen=True)
class Instance:
    """Joint draws of Hill curves (draw x channel), a budget for a year, floors, caps and groups without overlap."""

    slope: np.ndarray
    halfway: np.ndarray
    ceiling: np.ndarray
    budget: float
    floor: np.ndarray
    cap: np.ndarray
    groups: tuple[Bounds, ...] = ()

    def by_channel(self, spend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean outcome of each channel over the year and its derivative by the spend."""
        weekly = np.maximum(spend / PERIODS, 1e-9 * self.budget / PERIODS)
        odds = np.exp(np.clip(self.slope * (np.log(weekly) - np.log(self.halfway)), -700, 700))
        share = odds / (1 + odds)
        steepness = (self.ceiling * self.slope * share * (1 - share) / weekly).mean(0)
        return PERIODS * (self.ceiling * share).mean(0), steepness

    def value(self, spend: np.ndarray) -> float:
        """Mean outcome over the year [currency]."""
        return float(self.by_channel(spend)[0].sum())

    def rows(self) -> list[tuple[np.ndarray, float, float]]:
        """The budget and the groups as weights, lower and upper limit."""
        total = (np.ones(len(self.floor)), self.budget, self.budget)
        return [total, *((group.members.astype(float), group.low, group.high) for group in self.groups)]

    def is_kept(self, spend: np.ndarray) -> bool:
        """Whether a spend keeps every rule."""
        slack = KEPT * self.budget
        within = np.all((spend >= self.floor - slack) & (spend <= self.cap + slack))
        return bool(within and all(low - slack <= row @ spend <= high + slack for row, low, high in self.rows()))


def instance(family: str, channels: int, seed: int, grouped: bool = False) -> Instance:
    """One question: slopes from the family's range, budgets of .3 to 1.2 of all halfway spends.

    With groups, every fourth channel is paid and together at most .1 to .2 of the budget, and every fourth one is
    earned and together at least .3 to .4 of it.
    """
    rng = np.random.default_rng(seed)
    low, high = SLOPES[family]
    slope = rng.uniform(low, high, channels) * np.exp(0.05 * rng.standard_normal((DRAWS, channels)))
    halfway = np.exp(rng.normal(10, 0.8, channels)) * np.exp(0.2 * rng.standard_normal((DRAWS, channels)))
    most = halfway.mean(0) * rng.uniform(0.5, 4, channels)
    ceiling = most * np.exp(0.2 * rng.standard_normal((DRAWS, channels)))
    budget = float(PERIODS * rng.uniform(0.3, 1.2) * halfway.mean(0).sum())
    floor = np.where(rng.random(channels) < 0.2, 0.02 * budget / channels, 0.0)
    cap = np.where(rng.random(channels) < 0.3, 2.5 * budget / channels, budget)
    kind = np.arange(channels) % 4
    groups = (
        Bounds(kind == 0, 0.0, float(rng.uniform(0.1, 0.2) * budget)),
        Bounds(kind == 1, float(rng.uniform(0.3, 0.4) * budget), budget),
    )
    return Instance(slope, halfway, ceiling, budget, floor, cap, groups if grouped else ())


def as_question(asked: Instance, unit: float = 1.0) -> tuple[Curves, Scenario]:
    """The same question in the engine's records, with money counted in another unit."""
    names = [f"c{at:03d}" for at in range(len(asked.floor))]
    retain = Family("geometric", {"retain": np.zeros(DRAWS)})
    channels = tuple(
        Channel(
            name,
            "paid",
            retain,
            Family(
                "hill",
                {
                    "ceiling": asked.ceiling[:, at] * unit,
                    "halfway": asked.halfway[:, at] * unit,
                    "slope": asked.slope[:, at].copy(),
                },
            ),
            History(asked.budget * unit / PERIODS / len(names), asked.budget * unit / PERIODS),
        )
        for at, name in enumerate(names)
    )
    rules = {
        name: ChannelRules(floor=float(asked.floor[at] * unit), cap=float(asked.cap[at] * unit))
        for at, name in enumerate(names)
    }
    groups = {
        f"g{at}": Group(
            channels=tuple(name for name, inside in zip(names, group.members, strict=True) if inside),
            share=ShareBounds(min=group.low / asked.budget, max=group.high / asked.budget),
        )
        for at, group in enumerate(asked.groups)
    }
    scenario = Scenario(
        name="question",
        horizon=Horizon(start=date(2027, 1, 4), periods=PERIODS),
        budget=Budget(total=asked.budget * unit),
        channels=rules,
        groups=groups,
    )
    return Curves("USD", "revenue", "week", channels), scenario
