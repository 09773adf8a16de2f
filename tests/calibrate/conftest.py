"""Histories simulated by the plainest code, with the truth that made them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from engine.config.model import ChannelColumns, Data, Model
from engine.data.dataset import Dataset
from engine.periods import starts

RETAIN = (0.2, 0.5, 0.35, 0.1, 0.6)
HALFWAY = (1.2, 0.8, 1.5, 1.0, 2.0)  # over the mean of active periods
SLOPE = (1.0, 1.6, 1.2, 0.9, 1.3)
CEILING = (300.0, 200.0, 250.0, 150.0, 220.0)  # over a baseline of about 1000


@dataclass(frozen=True)
class World:
    """A data set and the curves behind it, in its own money."""

    dataset: Dataset
    retain: tuple[float, ...]
    halfway: tuple[float, ...]
    slope: tuple[float, ...]
    ceiling: tuple[float, ...]

    def response(self, channel: int, spend: np.ndarray) -> np.ndarray:
        """True national outcome of one period at a constant spend."""
        power = spend ** self.slope[channel]
        return self.ceiling[channel] * power / (power + self.halfway[channel] ** self.slope[channel])


def simulate(
    channels: int = 2, periods: int = 156, seed: int = 0, noise: float = 0.03, people: tuple[float, ...] = (1.0,)
) -> World:
    """Weeks of bursts of spend on some channels in geos of some sizes, response by loops."""
    random = np.random.default_rng(seed)
    size = np.array(people)
    active = random.random((periods, len(size), channels)) < 0.6
    spend = active * random.lognormal(4.0, 0.6, (periods, len(size), channels)) * size[None, :, None]
    spend[0] += size[:, None]
    years = np.arange(periods) / 52.1775
    outcome = np.zeros((periods, len(size)))
    mean = [(spend / size[:, None])[:, :, c][spend[:, :, c] > 0].mean() for c in range(channels)]
    for geo, heads in enumerate(size):
        outcome[:, geo] = heads * (1000 + 30 * years + 60 * np.sin(2 * np.pi * years))
        for c in range(channels):
            stock = spend[:4, geo, c].mean()
            for period in range(periods):
                stock = (1 - RETAIN[c]) * spend[period, geo, c] + RETAIN[c] * stock
                dose = (stock / heads / (HALFWAY[c] * mean[c])) ** SLOPE[c]
                outcome[period, geo] += heads * CEILING[c] * dose / (1 + dose)
    outcome += noise * 1000 * size * random.standard_normal(outcome.shape)
    dataset = Dataset(
        period="week",
        starts=starts(date(2022, 1, 3), periods, "week"),
        geos=tuple(f"geo {index}" for index in range(len(size))),
        population=size,
        currency="EUR",
        outcome_name="revenue",
        outcome=outcome,
        is_money=True,
        channels=tuple(f"channel {index}" for index in range(channels)),
        kinds=("paid", "owned", "earned", "shared", "paid")[:channels],
        spend=spend,
        driver=spend,
        control_names=(),
        controls=np.zeros((periods, len(size), 0)),
        event_names=(),
        events=np.zeros((periods, len(size), 0)),
        made_from="sha256:simulated",
    )
    total = size.sum()
    return World(
        dataset,
        RETAIN[:channels],
        tuple(HALFWAY[c] * mean[c] * total for c in range(channels)),
        SLOPE[:channels],
        tuple(CEILING[c] * total for c in range(channels)),
    )


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """The simulator."""
    return simulate


@pytest.fixture(scope="session")
def model() -> Model:
    """A model file's content; calibration looks only at its baseline."""
    return Model(
        data=Data(date="date", outcome="revenue"), channels={"channel 0": ChannelColumns(kind="paid", spend="x")}
    )
