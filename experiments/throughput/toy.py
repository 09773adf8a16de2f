"""The funnel that all engines run here: two segments, eight channels at a constant spend, word of mouth.

Nothing carries over from week to week but who is in which stage, so that a twin needs no more than a table:
hazard = fixed + talk x (customers + advocate weight x advocates) / people.
"""

from datetime import date
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.journey import expose, talkers
from engine.simulate.records import World
from engine.simulate.world import build_world

EFFECTS = (
    {"notice": 0.05},
    {"notice": 0.04, "consider": 0.2},
    {"notice": 0.03, "buy": 0.3},
    {"consider": 0.3, "buy": 0.2},
    {"buy": 0.4, "repeat": 0.01},
    {"reconsider": 0.2, "repeat": 0.02},
    {"notice": 0.02, "praise": 0.01},
    {"win": 0.2, "reconsider": 0.1},
)
MARKET: dict[str, Any] = {
    "name": "Toy",
    "currency": "EUR",
    "start": date(2024, 1, 1),
    "population": 10_000_000.0,
    "in_market": 0.2,
    "noise": 0.05,
    "purchase": {"price": 30.0, "margin": 0.4, "repeat": 0.05, "advocate_factor": 1.5},
    "journey": {
        "notice": 0.03,
        "consider": 0.3,
        "buy": 0.6,
        "reconsider": 0.3,
        "praise": 0.02,
        "leave": 0.1,
        "quiet": 0.05,
        "forget": 0.04,
        "cool": 0.12,
        "lose": 0.1,
        "win": 0.05,
    },
    "word_of_mouth": {"advocate_weight": 3.0, "effect": {"notice": 0.1, "buy": 0.5, "praise": 0.02}},
    "segments": {"city": {"share": 0.4, "value": 1.3, "habits": {"paid": 1.4}}, "country": {"share": 0.6}},
    "channels": {
        f"channel {place + 1}": {
            "mechanic": "reach",
            "cost_per_contact": 0.02,
            "audience": 0.5 + place / 20,
            "wear": 0.3,
            "effect": effect,
            "history": {"mean": 40_000.0 + 10_000.0 * place},
        }
        for place, effect in enumerate(EFFECTS)
    },
}


class Table(NamedTuple):
    """The funnel as plain numbers, for engines that know nothing of ours."""

    source: list[int]  # stage left by each move
    target: list[int]
    fixed: list[list[float]]  # hazard by segment and event, the last being a further purchase [1/week]
    talk: list[list[float]]  # the same, if everybody were a customer
    weight: float  # talk of an advocate, as a multiple of a customer's
    factor: float  # further purchases of an advocate, as a multiple of a customer's
    customer: int
    advocate: int
    start: list[list[float]]  # share of the people by segment and stage


def toy() -> World:
    """The world of the funnel."""
    return build_world(build(MARKET, Market, "toy"), seed=1)


def plan(world: World, weeks: int) -> np.ndarray:
    """Every channel's mean, every week."""
    return np.broadcast_to([MARKET["channels"][name]["history"]["mean"] for name in world.channels], (weeks, 8))


def table(world: World) -> Table:
    """What a twin needs."""
    ladder = world.ladder
    hazard = np.asarray(expose(world, world.start, jnp.asarray(plan(world, 1)[0])).hazard)
    return Table(
        source=ladder.source.tolist(),
        target=ladder.target.tolist(),
        fixed=hazard[:-1].sum(axis=0).tolist(),
        talk=(hazard[-1] / float(talkers(world, world.start.people))).tolist(),
        weight=float(world.hazards.advocate_weight),
        factor=float(world.hazards.advocate_repeat),
        customer=ladder.stage("customer"),
        advocate=ladder.stage("advocate"),
        start=np.asarray(world.start.people).tolist(),
    )
