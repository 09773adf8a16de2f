"""The engines that move people through a world, all by one law, as a table."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.data.columnar import require_parquet
from engine.double import jnp
from engine.errors import InputError
from engine.simulate.agents import AgentRun, Work, replay_panel, simulate_agents
from engine.simulate.crowd import Lives, choose, live_panel
from engine.simulate.events import simulate_events
from engine.simulate.exposures import Weeks, look_back
from engine.simulate.journey import play
from engine.simulate.noise import Noise, noise
from engine.simulate.records import Trajectory, World
from engine.simulate.touchlog import TouchLog, log_touches, require_room

CROWD = 10**15  # people that may be asked for, whatever the engine
AGENTS, SINGLE = 1_000_000, 2_000  # people simulated where no number is given, at most the population

Tell = Callable[[str], None]
Budget = Float[np.ndarray, "period channel"]


class Played(NamedTuple):
    """What an engine made of a world's weeks, in terms of the population."""

    engine: str
    people: float | None  # simulated one by one, or that luck's bands are for; None: nobody in particular
    trajectory: Trajectory
    noise: Noise | None = None
    agents: AgentRun | None = None


def _mean(world: World, budget: Budget, people: int | None, seed: int, tell: Tell) -> Played:
    del people, seed, tell  # the mean knows nobody and no luck
    return Played("mean", None, play(world, budget))


def _noise(world: World, budget: Budget, people: int | None, seed: int, tell: Tell) -> Played:
    del seed
    tell("how far luck may carry each week")
    found = noise(world, budget, people=people)
    return Played("noise", found.persons, found.mean, noise=found)


def _agents(world: World, budget: Budget, people: int | None, seed: int, tell: Tell) -> Played:
    count = people or int(min(AGENTS, np.ceil(float(world.population))))
    run = simulate_agents(world, budget, count, seed, work=Work(tell=tell))
    return Played("agents", count, run.told, agents=run)


def _events(world: World, budget: Budget, people: int | None, seed: int, tell: Tell) -> Played:
    count = people or int(min(SINGLE, np.ceil(float(world.population))))
    run = simulate_events(world, budget, count, seed, tell)
    return Played("events", count, run.told)


ENGINES: dict[str, Callable[[World, Budget, int | None, int, Tell], Played]] = {
    "mean": _mean,
    "noise": _noise,
    "agents": _agents,
    "events": _events,
}
"""Each engine by its name: world, budgets, people, seed, and who hears of progress."""


def play_with(engine: str, world: World, budget: Budget, people: int | None, seed: int, tell: Tell) -> Played:
    """What an engine makes of some budgets, from the start of the world's history.

    Args:
        people: Simulated one by one (agents, events), or for whom luck is told (noise); a default if None.

    Raises:
        InputError: Nobody, or more people than the engine can hold.
    """
    if people is not None and people < 1:
        raise InputError(f"{people} people are asked for; ask for at least 1, or leave it out")
    if people is not None and people > CROWD:
        raise InputError(f"more than {CROWD:.0e} people are asked for; ask for fewer, or leave it out")
    return ENGINES[engine](world, budget, people, seed, tell)


def weeks_of(world: World, budget: Budget, played: Played) -> Weeks:
    """What each week did to people, whichever engine moved them."""
    first = np.asarray(world.start.people)[None] * float(world.population)
    people = np.concatenate([first, np.asarray(played.trajectory.people)[:-1]])
    weeks = look_back(world, jnp.asarray(budget), people, world.start)
    return weeks if played.agents is None else weeks._replace(hazard=played.agents.hazard)  # to the last bit


def panel_of(world: World, weeks: Weeks, played: Played, count: int, seed: int) -> Lives:
    """What some people did: of the agents themselves, evenly over their numbers, else of people of their own."""
    crowd = count if played.agents is None else len(played.agents.end.stages)
    ids = np.linspace(0, crowd - 1, min(count, crowd)).round().astype(np.int64)
    if played.agents is not None:
        return replay_panel(world, played.agents, ids)
    return live_panel(world, weeks.hazard, choose(world, world.start, crowd, seed, ids), seed, weeks.first)


def log_room(world: World, budget: Budget, people: int) -> None:
    """Refuse a touch log that cannot be written or would be too long, before anything is simulated.

    Raises:
        InputError: The optional package for Parquet is missing, or the log would be too long.
    """
    require_parquet()
    require_room(world, weeks_of(world, budget, Played("mean", None, play(world, budget))), people)


def log_of(world: World, budget: Budget, played: Played, people: int, luck: tuple[int, Tell]) -> TouchLog:
    """The touch log of some people; `luck` is a seed, and who hears of progress."""
    weeks = weeks_of(world, budget, played)
    return log_touches(world, weeks, panel_of(world, weeks, played, people, luck[0]), *luck)


class Instead(NamedTuple):
    """A run beside another, with other money and the same luck."""

    channel: str
    factor: float  # on the channel's money
    spent: float  # change of all money really spent [currency]
    revenue: float  # change of revenue [currency]
    customers: float  # change of new customers [people]


def require_channels(world: World, names: Iterable[str]) -> None:
    """Refuse names of channels that a world does not have.

    Raises:
        InputError: With the first of them, and the channels that there are.
    """
    for name in names:
        if name not in world.channels:
            raise InputError(f"the market {world.name} has no channel {name!r} (it has {', '.join(world.channels)})")


def beside(world: World, budget: Budget, played: Played, change: tuple[str, float], luck: tuple[int, Tell]) -> Instead:
    """What differs in a run with one channel's money multiplied, by the same engine and with the same luck.

    Raises:
        InputError: The market has no such channel.
    """
    channel, factor = change
    require_channels(world, (channel,))
    other = budget.copy()
    other[:, world.channels.index(channel)] *= factor
    people = None if played.people is None else int(played.people)
    luck[1](f"the same with {channel} x {factor:g}")
    run = play_with(played.engine, world, other, people, *luck).trajectory
    here, there = played.trajectory, run
    won = world.ladder.event("buy")

    def total(series: Float[Array, "*shape"]) -> float:
        return float(np.asarray(series).sum())

    return Instead(
        channel=channel,
        factor=factor,
        spent=total(there.spent) - total(here.spent),
        revenue=total(there.revenue) - total(here.revenue),
        customers=total(there.flows[:, :, won]) - total(here.flows[:, :, won]),
    )
