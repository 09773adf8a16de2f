"""From a market to a world with a history: what an analyst sees of it, and the truth beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from engine import __version__, periods
from engine.config.market import Market
from engine.data.dataset import Dataset
from engine.data.write import write_panel
from engine.double import jax
from engine.errors import InputError
from engine.files import digest, read_bytes, whole_folder, write_csv, write_json
from engine.simulate.history import historical_spend
from engine.simulate.lift import LiftResult, lift_rows, lift_tests
from engine.simulate.observe import observe, rounded
from engine.simulate.paths import path_rows, path_table
from engine.simulate.records import Trajectory, World
from engine.simulate.touchlog import TouchLog, write_touches
from engine.simulate.truth import Truth, truth
from engine.simulate.world import build_world, require_calendar
from engine.study.engines import Instead, Played, beside, log_of, log_room, play_with, require_channels
from engine.study.replay import Replayed, Schedule, budgets, replay
from engine.study.truth_file import truth_content

LIFT_TESTS = "lift_tests.csv"
FILES = (
    *("panel.csv", "model.toml", "funnel.csv", "truth.json", LIFT_TESTS, "touches.parquet", "paths.csv"),
    "manifest.json",
)
"""All that a world folder may hold; the manifest last, so that it never names files that are not there yet."""
SHORTEST = 8  # weeks of a history
MOST_DEMAND = 1e12  # of a week, as a multiple of the usual


@dataclass(frozen=True)
class How:
    """What a simulation is asked for, beyond its market, weeks and seed."""

    engine: str = "mean"
    people: int | None = None  # simulated one by one (agents, events), or for whom luck is told (noise)
    touches: int = 0  # people whose touches are logged
    plan: Schedule | None = None  # that follows the history
    instead: tuple[tuple[str, float], ...] = ()  # channels whose money is multiplied in a run beside this one
    tell: Callable[[str], None] = lambda _: None


class Imagined(NamedTuple):
    """A simulated history: the world, what was spent, what happened, what is seen, and what is true."""

    market: Market
    seed: int
    world: World
    budget: Float[np.ndarray, "period channel"]  # money that could be spent [currency/week], to the cent
    spend: Float[np.ndarray, "period channel"]  # money that was [currency/week], to the cent
    trajectory: Trajectory
    dataset: Dataset
    truth: Truth
    played: Played
    lifts: tuple[LiftResult, ...] = ()
    touches: TouchLog | None = None
    instead: tuple[Instead, ...] = ()
    replayed: Replayed | None = None


def imagine(market: Market, weeks: int, seed: int, how: How | None = None) -> Imagined:
    """A history of some weeks in the world of a market; the same market, weeks and seed give the same history.

    Where a plan follows the history, the weeks of the plan are part of it.

    Raises:
        InputError: Too few weeks, more than a world holds, or something asked for that cannot be.
    """
    how = how or How()
    if weeks < SHORTEST:
        raise InputError(f"{weeks} weeks are too short a history; ask for at least {SHORTEST}")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused in words
        world = build_world(market, seed)
    _require_bounded(world)
    require_calendar(world, weeks)
    require_channels(world, (channel for channel, _ in how.instead))
    budget, replayed = np.round(historical_spend(market, world, weeks, seed), 2), None
    if how.plan is not None:
        following = budgets(how.plan, world, weeks)
        how.tell("the plan in the true world")
        replayed = replay(how.plan, world, budget, following)
        budget = np.concatenate([budget, following])
    if how.touches:
        log_room(world, budget, how.touches)
    played = play_with(how.engine, world, budget, how.people, seed, how.tell)
    spend = np.round(np.asarray(played.trajectory.spent, float), 2)
    how.tell("what is seen, and what is true")
    return Imagined(
        market=market,
        seed=seed,
        world=world,
        budget=budget,
        spend=spend,
        trajectory=played.trajectory,
        dataset=rounded(observe(market, world, played.trajectory, budget, seed)),
        truth=truth(world, budget, played.trajectory.end if how.engine == "mean" else None),
        played=played,
        lifts=tuple(lift_tests(_with_tests_inside(market, len(budget)), world, budget, seed)),
        touches=log_of(world, budget, played, how.touches, (seed, how.tell)) if how.touches else None,
        instead=tuple(beside(world, budget, played, change, (seed, how.tell)) for change in how.instead),
        replayed=replayed,
    )


def _require_bounded(world: World) -> None:
    """Refuse a world in which some week's demand is no number, or beyond all business."""
    with np.errstate(over="ignore", invalid="ignore"):
        demand = np.asarray(world.calendar.demand) * np.asarray(world.calendar.price) ** float(world.elasticity)
    if odd := np.flatnonzero(~(demand <= MOST_DEMAND)).tolist():
        week = periods.step(world.start_date, odd[0] - world.calendar.before, "week")
        raise InputError(
            f"the market {world.name}: demand of the week from {week} is "
            f"{demand[odd[0]]:.3g} times the usual, more than {MOST_DEMAND:g}; lower the lift of its events, the "
            f"elasticity and deviation of its control, its discounts or its price elasticity"
        )


def _with_tests_inside(market: Market, weeks: int) -> Market:
    """The market with those of its lift tests that are over before the history is."""
    inside = {
        name: test for name, test in market.lift_tests.items() if test.week - 1 + test.weeks + test.wash_out <= weeks
    }
    return market.model_copy(update={"lift_tests": inside})


def write_world(folder: Path, imagined: Imagined) -> None:
    """Write all files of a world folder: what is seen, the funnel, the truth, touches, and the manifest.

    Raises:
        StorageError: The folder cannot be written.
    """
    with whole_folder(folder, FILES) as place:
        write_panel(place, imagined.dataset, LIFT_TESTS if (known := known_lifts(imagined)) else None)
        write_csv(place / "funnel.csv", *funnel(imagined))
        write_json(place / "truth.json", truth_document(imagined))
        if known:
            write_csv(place / LIFT_TESTS, *lift_rows(known))
        if imagined.touches is not None:
            write_touches(place / "touches.parquet", imagined.touches, market_digest(imagined.market))
            write_csv(place / "paths.csv", *path_rows(path_table(imagined.touches)))
        written = {name: digest(read_bytes(place / name)) for name in FILES if (place / name).exists()}
        write_json(place / "manifest.json", manifest(imagined, written))


def known_lifts(imagined: Imagined) -> list[LiftResult]:
    """The lift tests that an analyst can enter beside the panel: their money changed, their error is known,
    they lie within the panel, and what a holdout took away was recorded."""
    seen = imagined.dataset
    after = periods.step(seen.starts[-1], 1, seen.period)

    def is_known(one: LiftResult) -> bool:
        until = periods.step(one.start, one.weeks + one.wash_out, "week")
        within = seen.starts[0] <= one.start and until <= after
        is_told = round(one.spend_change, 2) != 0 and round(one.standard_error, 2) > 0
        return within and is_told and (one.spend_change > 0 or not _is_lost(seen, one))

    return [one for one in imagined.lifts if is_known(one)]


def _is_lost(seen: Dataset, one: LiftResult) -> bool:
    """Whether some of the spend on a channel was not recorded while it was tested."""
    if seen.unrecorded is None:
        return False
    inside = periods.share_inside(seen.starts, seen.period, one.start, periods.step(one.start, one.weeks, "week"))
    return bool(seen.unrecorded[np.array(inside) > 0][:, :, seen.channels.index(one.channel)].any())


def truth_document(imagined: Imagined) -> dict[str, Any]:
    """The content of truth.json: what each channel did over the history and would do in the year after it."""
    world = imagined.world
    return truth_content(world, imagined.truth, market_digest(imagined.market), world.start_date)


def manifest(imagined: Imagined, files: dict[str, str]) -> dict[str, Any]:
    """The content of manifest.json: what a world folder was made from, and by what."""
    return {
        "schema": "peso.world/1",
        "currency": imagined.world.currency,
        "period": "week",
        "market": imagined.market.name,
        "market_hash": market_digest(imagined.market),
        "seed": imagined.seed,
        "weeks": len(imagined.spend),
        "engine": imagined.played.engine,
        "people": imagined.played.people,
        "versions": {"peso-engine": __version__, "jax": jax.__version__, "numpy": np.__version__},
        "files": files,
    }


def market_digest(market: Market) -> str:
    """The hash of a market's values, whatever its file looks like."""
    return digest(market.model_dump_json().encode())


def funnel(imagined: Imagined) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of funnel.csv: people by week, segment and stage, who entered and left, and purchases.

    First purchases stand with the stage they are made in; repeat purchases with customers, those of
    advocates included.
    """
    ladder = imagined.world.ladder
    people, flows = np.asarray(imagined.trajectory.people), np.asarray(imagined.trajectory.flows)
    moves = flows[:, :, :-1]
    entered, left = moves @ np.maximum(ladder.change, 0), moves @ np.maximum(-ladder.change, 0)
    bought = np.zeros_like(people)
    bought[:, :, ladder.source[ladder.event("buy")]] = flows[:, :, ladder.event("buy")]
    bought[:, :, ladder.stage("customer")] = flows[:, :, ladder.event("repeat")]
    figures = np.round(np.stack([people, entered, left, bought], axis=-1), 4)
    rows = [
        [day.isoformat(), segment, stage, *figures[week, row, column].tolist()]
        for week, day in enumerate(periods.starts(imagined.world.start_date, len(imagined.spend), "week"))
        for row, segment in enumerate(imagined.world.segments)
        for column, stage in enumerate(ladder.stages)
    ]
    return ["period", "segment", "stage", "people", "entered", "left", "purchases"], rows
