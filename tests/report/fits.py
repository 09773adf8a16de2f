"""Fits made by hand: curves, contributions and readings that agree with each other, in any money."""

from dataclasses import replace
from datetime import date

import numpy as np

from engine.calibrate.fit import BAND, ChannelReading, Check, Contribution, Fit, Health
from engine.periods import starts
from engine.response.curves import KINDS, Channel, Curves, Family, History, half_life, respond, respond_with_rate

DRAWS = 40
THREE = (BAND[0], 50.0, BAND[1])


def channel_of(name: str, place: int, unit: float, ceiling: float, random: np.random.Generator) -> Channel:
    """A channel of the kind whose turn it is, with draws around its own figures."""

    def many(middle: float) -> np.ndarray:
        return middle * np.exp(0.3 * random.standard_normal(DRAWS))

    spend = unit * random.lognormal(3.0, 0.5, 52) * (1 + place % 3)
    return Channel(
        name,
        KINDS[place % 4],
        Family("geometric", {"retain": np.clip(many(0.4), 0.0, 0.9)}),
        Family("hill", {"ceiling": many(ceiling * unit), "halfway": many(30 * unit), "slope": many(1.1)}),
        History(float(spend.mean()), float(spend.max()), tuple(spend.tolist()), (0.5 * spend.min(), 0.8 * spend.max())),
    )


def fit_of(
    names: tuple[str, ...] = ("tv", "press", "club", "letter"),
    unit: float = 1.0,
    ceiling: float = 60.0,
    periods: int = 60,
    is_money: bool = True,
    outcome: str = "revenue",
) -> Fit:
    """A fit of these channels, whose money is counted in `unit`; its means add up to an outcome."""
    random = np.random.default_rng(7)
    channels = tuple(channel_of(name, place, unit, ceiling, random) for place, name in enumerate(names))
    curves = Curves("EUR", outcome, "week", channels, 1.0 if is_money else None, made_from="sha256:by hand")
    year = np.arange(periods) / 52.0
    base = {
        "level": np.full((DRAWS, periods), 500.0 * unit),
        "season": unit * 40 * np.sin(2 * np.pi * year) * (1 + 0.1 * random.standard_normal((DRAWS, 1))),
    }
    wave = 1 + 0.4 * np.sin(9 * year)
    brought = {
        channel.name: respond(channel, np.full(DRAWS, channel.history.mean))[:, None] * wave for channel in channels
    }
    chance = unit * 15 * random.standard_normal(periods)
    outcomes = sum(values.mean(axis=0) for values in (*base.values(), *brought.values())) + chance
    rest = {"unexplained": outcomes - sum((*base.values(), *brought.values()))}
    return Fit(
        curves,
        Health("good", (Check("fit", "good", 0.9, "the model explains 90% of the outcome; nothing to do"),)),
        tuple(
            Contribution(name, is_channel, values.mean(axis=0), *np.percentile(values, BAND, axis=0))
            for group, is_channel in ((base, False), (brought, True), (rest, False))
            for name, values in group.items()
        ),
        tuple(reading_of(channel, brought[channel.name], float(outcomes.sum())) for channel in channels),
        starts(date(2026, 1, 5), periods, "week"),
        {"speed": "fast", "seed": 1},
    )


def reading_of(channel: Channel, brought: np.ndarray, outcome: float) -> ChannelReading:
    """The channel in figures, from its draws."""
    gained, spend = brought.sum(axis=1), channel.history.mean * brought.shape[1]
    today = np.full(DRAWS, np.mean(channel.history.last))
    three = [
        tuple(np.percentile(values, THREE).tolist())
        for values in (gained / outcome, gained / spend, respond_with_rate(channel, today)[1], half_life(channel))
    ]
    return ChannelReading(channel.name, spend, *three)


def renamed(fit: Fit, outcome: str) -> Fit:
    """The fit of an outcome with another name."""
    return replace(fit, curves=replace(fit.curves, outcome=outcome))
