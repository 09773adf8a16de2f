"""The laws of luck over every market that comes along, with more people and seeds than a test can take."""

import tomllib
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.agents import simulate_agents
from engine.simulate.journey import run
from engine.simulate.records import World
from engine.simulate.world import build_world

CONFIGS = Path(__file__).parents[2] / "configs"
WEEKS, SEEDS = 26, 40
MOST = 1e6  # times smaller: next to nobody did anything else
NUMBERS = (1_000, 4_000, 16_000, 64_000)


def all_laws() -> dict[str, Any]:
    """Every market's figures, and whether all of them hold."""
    told = {}
    for file in sorted(CONFIGS.glob("*.toml")):
        market = build(tomllib.loads(file.read_text()), Market, file.stem)
        mean = np.array([channel.history.mean for channel in market.channels.values()])
        told[file.stem] = laws(build_world(market, seed=1), np.broadcast_to(mean, (WEEKS, len(mean))))
    return {"hold_everywhere": all(figures["hold"] for figures in told.values()), **told}


def laws(world: World, spend: np.ndarray) -> dict[str, Any]:
    """Slope of luck by number, distance from the mean field, and what shared luck saves."""
    field = float(run(world, jnp.asarray(spend)).revenue.sum())
    earned = {number: revenues(world, spend, number) for number in NUMBERS}
    deviation = [earned[number].std(ddof=1) for number in NUMBERS]
    slope = float(np.polyfit(np.log(NUMBERS), np.log(deviation), 1)[0])
    off = {
        str(number): float((earned[number].mean() - field) / (earned[number].std(ddof=1) / np.sqrt(SEEDS)))
        for number in NUMBERS
    }
    base, cuts = earned[NUMBERS[-1]], {}
    for name, factor in {"plus 1 %": 1.01, "minus 1 %": 0.99, "plus 10 %": 1.1, "minus 10 %": 0.9}.items():
        cuts[name] = cut(base, revenues(world, spend * factor, NUMBERS[-1]))
    for place, channel in enumerate(world.channels):
        without = spend.copy()
        without[:, place] = 0.0
        cuts[f"no {channel}"] = cut(base, revenues(world, without, NUMBERS[-1]))
    theory = across_seeds(world, spend)
    least = [100, 100, 20, 20] + [3] * len(world.channels)
    hold = -0.6 <= slope <= -0.4 and all(a >= b for a, b in zip(cuts.values(), least, strict=True))
    return {
        "hold": bool(hold and 0.8 <= theory <= 1.25),
        "slope_of_log_deviation": slope,
        "mean_less_mean_field_in_standard_errors": off,
        "variance_cut": cuts,
        "variance_across_seeds_over_theory": theory,
    }


def revenues(world: World, spend: np.ndarray, people: int) -> np.ndarray:
    """Revenue of all weeks by seed."""
    return np.array([simulate_agents(world, spend, people, seed).told.revenue.sum() for seed in range(SEEDS)])


def cut(one: np.ndarray, other: np.ndarray) -> float:
    """How many times smaller the variance of the difference is than if each had its own luck."""
    apart = one.var(ddof=1) + other.var(ddof=1)
    return float(apart / max((other - one).var(ddof=1), apart / MOST))


def across_seeds(world: World, spend: np.ndarray) -> float:
    """Variance over the multinomial's of a week's moves, in the mean over moves that 5 or more are expected to make."""
    runs = [simulate_agents(world, spend[:1], NUMBERS[-1], seed) for seed in range(200)]
    flows = np.array([one.flows[0, :, :-1] for one in runs])
    first = runs[0].people[0] - flows[0] @ world.ladder.change
    hazard = runs[0].hazard[0].sum(axis=0)[:, :-1]
    total = (hazard @ world.ladder.leaves)[:, world.ladder.source]
    chance = hazard / np.maximum(total, 1e-300) * -np.expm1(-total)
    theory = first[:, world.ladder.source] * chance * (1 - chance)
    often = theory >= 5
    return float((flows.var(axis=0, ddof=1)[often] / theory[often]).mean())
