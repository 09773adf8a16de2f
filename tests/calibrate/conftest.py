"""Histories simulated by the plainest code, with the truth that made them, and experiments upon them.

All but a few tests use one shape: 104 weeks, two channels, one geo, and the two experiments of `tested`. So one
program is compiled for them all; an experiment that should not matter has an enormous standard error.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import jax
import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.calibrate.fit import Fit
from engine.calibrate.problem import Problem, prepare
from engine.config.experiments import Experiment
from engine.config.model import Baseline, ChannelColumns, Data, Model
from engine.data.dataset import Dataset
from engine.data.experiments import placed
from engine.periods import starts

RETAIN = (0.2, 0.5, 0.35, 0.1, 0.6)
HALFWAY = (1.2, 0.8, 1.5, 1.0, 2.0)  # over the mean of active periods
SLOPE = (1.0, 1.6, 1.2, 0.9, 1.3)
CEILING = (300.0, 200.0, 250.0, 150.0, 220.0)  # over a baseline of about 1000
MUTE = 1e9  # a standard error that says nothing


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

    def brought(self, spend: np.ndarray) -> np.ndarray:
        """What each channel brings along a path of spend by period, geo and channel."""
        share = self.dataset.population / self.dataset.population.sum()
        stock, found = self.dataset.spend[:4].mean(axis=0), np.zeros(spend.shape)
        for period in range(len(spend)):
            stock = (1 - np.array(self.retain)) * spend[period] + self.retain * stock
            for channel in range(len(self.retain)):
                found[period, :, channel] = share * self.response(channel, stock[:, channel] / share)
        return found

    def roas(self) -> np.ndarray:
        """True return on history's spend, channel by channel."""
        spend = self.dataset.spend
        found: np.ndarray = self.brought(spend).sum(axis=(0, 1)) / spend.sum(axis=(0, 1))
        return found


def simulate(
    channels: int = 2,
    periods: int = 104,
    seed: int = 0,
    noise: float = 0.03,
    people: tuple[float, ...] = (1.0,),
    demand: tuple[float, float] = (0.0, 0.0),
) -> World:
    """Weeks of bursts of spend on some channels in geos of some sizes.

    `demand` is the spread of a slow course of the outcome that no column records, over the baseline, and that of
    the first channel's own movement around what it follows: where there is demand, its log spend has a spread of 0.4
    from it.
    """
    random = np.random.default_rng(seed)
    size = np.array(people)
    active = random.random((periods, len(size), channels)) < 0.6
    spend = active * random.lognormal(4.0, 0.6, (periods, len(size), channels)) * size[None, :, None]
    spend[0] += size[:, None]
    years = np.arange(periods) / 52.1775
    hidden = np.zeros(periods)
    if demand[0]:
        for period in range(1, periods):
            hidden[period] = 0.9 * hidden[period - 1] + np.sqrt(1 - 0.9**2) * random.standard_normal()
        spend[:, :, 0] = 60 * size * np.exp(0.4 * hidden + demand[1] * random.standard_normal(periods))[:, None]
    mean = [one[one > 0].mean() for one in np.moveaxis(spend / size[:, None], -1, 0)]
    base = 1000 + 30 * years + 60 * np.sin(2 * np.pi * years) + 1000 * demand[0] * hidden
    total = size.sum()
    dataset = Dataset(
        period="week",
        starts=starts(date(2022, 1, 3), periods, "week"),
        geos=tuple(f"geo {index}" for index in range(len(size))),
        population=size,
        currency="EUR",
        outcome_name="revenue",
        outcome=np.zeros((periods, len(size))),
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
    world = World(
        dataset,
        RETAIN[:channels],
        tuple(HALFWAY[c] * mean[c] * total for c in range(channels)),
        SLOPE[:channels],
        tuple(CEILING[c] * total for c in range(channels)),
    )
    chance = noise * 1000 * size * random.standard_normal((periods, len(size)))
    outcome = base[:, None] * size + world.brought(spend).sum(axis=-1) + chance
    return replace(world, dataset=replace(dataset, outcome=outcome))


def told(world: World, name: str, error: float, channels: tuple[int, ...], miss: float = 0.0) -> Experiment:
    """Ten weeks without some channels, counted for twenty; found is the truth plus `miss` standard errors."""
    dataset = world.dataset
    inside = (np.arange(len(dataset.starts)) >= 60) & (np.arange(len(dataset.starts)) < 70)
    change = -1.0 * inside[:, None, None] * dataset.spend * np.isin(np.arange(len(dataset.channels)), channels)
    lift = (world.brought(dataset.spend + change) - world.brought(dataset.spend)).sum(axis=(1, 2))
    return Experiment(
        name=name,
        channels=tuple(dataset.channels[channel] for channel in channels),
        start=dataset.starts[60],
        end=dataset.starts[69] + (dataset.starts[1] - dataset.starts[0]) * 6 / 7,
        until=dataset.starts[79] + (dataset.starts[1] - dataset.starts[0]) * 6 / 7,
        spend_change=tuple(float(change[:, :, channel].sum()) for channel in channels),
        outcome_change=float(lift[60:80].sum()) + miss * error,
        standard_error=error,
    )


def tested(world: World, one: float = MUTE, both: float = MUTE, miss: float = 0.0) -> World:
    """A history with a test of the first channel and one of both, with these standard errors."""
    tests = tuple(
        told(world, name, error, channels, miss if error < MUTE else 0.0)
        for name, error, channels in (("one", one, (0,)), ("both", both, (0, 1)))
    )
    placed_tests = tuple(placed(test, world.dataset) for test in tests)
    return replace(world, dataset=replace(world.dataset, lift_tests=placed_tests))


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """The simulator."""
    return simulate


@pytest.fixture(scope="session")
def with_tests() -> Callable[..., World]:
    """What lays the two experiments upon a world."""
    return tested


@pytest.fixture(scope="session")
def modelled() -> Callable[..., Model]:
    """A model file's content: calibration looks at its baseline, its families and what it tells of channels."""

    def build(trend: str = "piecewise", season: int | None = None, **parts: object) -> Model:
        channels = parts.pop("channels", {"channel 0": ChannelColumns(kind="paid", spend="x")})
        data = Data(date="date", outcome="revenue")
        return Model(data=data, channels=channels, baseline=Baseline(trend=trend, season=season), **parts)

    return build


@pytest.fixture(scope="session")
def model(modelled: Callable[..., Model]) -> Model:
    """The usual one."""
    return modelled()


@pytest.fixture(scope="session")
def problem(model: Model) -> Problem:
    """Two channels, two years, two experiments of which one speaks."""
    return prepare(tested(simulate(seed=1), both=60.0).dataset, model)


@pytest.fixture(scope="session")
def fitted(model: Model) -> tuple[World, Fit]:
    """The same history and its fit."""
    made = tested(simulate(seed=1), both=60.0)
    return made, calibrate(made.dataset, model, "fast", seed=5, draws=200)


@pytest.fixture(scope="session")
def compiled() -> list[str]:
    """One entry for each program compiled from now on."""
    seen: list[str] = []

    def listen(event: str, _seconds: float, **_labels: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seen
