"""The mean field on one core: one run, its gradient, many plans beside each other, every coalition of channels."""

import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from toy import plan, toy

from engine.config.loading import build
from engine.config.market import Market
from engine.simulate.coalitions import coalitions, shapley
from engine.simulate.journey import revenue, run
from engine.simulate.world import build_world

CONFIGS = Path(__file__).parents[2] / "configs"
WEEKS, SCENARIOS = 104, 1000
VIGNETTE_CPU_SECONDS = 26.0  # of the R package for its own example


def taken(call: Callable[[], Any], repeats: int = 21) -> float:
    """Median of CPU seconds, after one call that compiles."""
    jax.block_until_ready(call())
    each = []
    for _ in range(repeats):
        begin = time.process_time()
        jax.block_until_ready(call())
        each.append(time.process_time() - begin)
    return statistics.median(each)


def measure() -> dict[str, Any]:
    """CPU seconds after compilation."""
    world = toy()
    spend = jnp.asarray(np.array(plan(world, WEEKS)))
    total = jax.jit(lambda money: revenue(world, money).sum())
    slope = jax.jit(jax.grad(lambda money: revenue(world, money).sum()))
    whole = jax.jit(lambda money: run(world, money))
    many = jax.jit(jax.vmap(lambda money: revenue(world, money).sum()))
    luck = np.random.default_rng(1).uniform(0.5, 1.5, (SCENARIOS, 1, 8))
    plans = jnp.asarray(luck * np.asarray(spend))
    who = coalitions(8)
    played = jnp.asarray(who[:, None, :] * np.asarray(spend))
    one = taken(lambda: total(spend))
    return {
        "run_milliseconds": 1e3 * one,
        "run_with_all_its_books_milliseconds": 1e3 * taken(lambda: whole(spend)),
        "run_as_called_from_python_milliseconds": 1e3 * taken(lambda: revenue(world, spend)),
        "gradient_over_run": taken(lambda: slope(spend)) / one,
        "scenarios_1000_seconds": taken(lambda: many(plans), 5),
        "shapley_of_8_channels_seconds": taken(lambda: shapley(who, np.asarray(many(played))), 9),
        "shipped_markets_run_milliseconds": shipped(),
        **vignette(),
    }


def shipped() -> dict[str, float]:
    """One run of every market that comes along, each with mechanics of many kinds."""
    told = {}
    for file in sorted(CONFIGS.glob("*.toml")):
        market = build(tomllib.loads(file.read_text()), Market, file.stem)
        world = build_world(market, seed=1)
        spend = jnp.asarray([[channel.history.mean for channel in market.channels.values()]] * WEEKS)
        total = jax.jit(lambda money, world=world: revenue(world, money).sum())
        told[file.stem] = 1e3 * taken(lambda total=total, spend=spend: total(spend))
    return told


def vignette() -> dict[str, float]:
    """The published example of 208 weeks in the test world, against the CPU seconds of its own package."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "simulate"))
    import amss  # noqa: PLC0415

    weeks = amss.plan(np.ones(208), np.ones(208))
    people = amss.start(weeks)
    used = taken(lambda: amss.run(people, weeks))
    return {"vignette_milliseconds": 1e3 * used, "vignette_times_faster": VIGNETTE_CPU_SECONDS / used}
