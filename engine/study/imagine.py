"""From a market to a world with a history: what an analyst sees of it, and the truth beside it."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from engine import __version__, periods
from engine.config.market import Market
from engine.data.dataset import Dataset
from engine.data.write import write_panel
from engine.errors import InputError
from engine.files import digest, read_bytes, write_csv, write_json
from engine.simulate.history import historical_spend
from engine.simulate.journey import play
from engine.simulate.observe import observe, rounded
from engine.simulate.records import Trajectory, World
from engine.simulate.truth import Truth, truth
from engine.simulate.world import build_world, require_calendar

SHORTEST = 8  # weeks of a history


class Imagined(NamedTuple):
    """A simulated history: the world, what was spent, what happened, what is seen, and what is true."""

    market: Market
    seed: int
    world: World
    spend: Float[np.ndarray, "period channel"]  # [currency/week], to the cent
    trajectory: Trajectory
    dataset: Dataset
    truth: Truth


def imagine(market: Market, weeks: int, seed: int) -> Imagined:
    """A history of some weeks in the world of a market; the same market, weeks and seed give the same history.

    Raises:
        InputError: Too few weeks, or more than a world holds.
    """
    if weeks < SHORTEST:
        raise InputError(f"{weeks} weeks are too short a history; ask for at least {SHORTEST}")
    world = build_world(market, seed)
    require_calendar(world, weeks)
    spend = np.round(historical_spend(market, world, weeks, seed), 2)
    trajectory = play(world, spend)
    dataset = rounded(observe(market, world, trajectory, spend, seed))
    return Imagined(market, seed, world, spend, trajectory, dataset, truth(world, spend, trajectory.end))


def write_world(folder: Path, imagined: Imagined) -> None:
    """Write panel.csv with its model.toml, funnel.csv, truth.json and manifest.json into a folder.

    Raises:
        StorageError: The folder cannot be written.
    """
    write_panel(folder, imagined.dataset)
    write_csv(folder / "funnel.csv", *funnel(imagined))
    write_json(folder / "truth.json", truth_document(imagined))
    files = ("panel.csv", "model.toml", "funnel.csv", "truth.json")
    write_json(
        folder / "manifest.json", manifest(imagined, {name: digest(read_bytes(folder / name)) for name in files})
    )


def truth_document(imagined: Imagined) -> dict[str, Any]:
    """The content of truth.json: what each channel did over the history and would do in the year after it."""
    known, world = imagined.truth, imagined.world
    mean = imagined.spend.mean(axis=0)
    return {
        "schema": "peso.truth/1",
        "currency": world.currency,
        "period": "week",
        "made_from": market_digest(imagined.market),
        "window": {"start": world.start_date.isoformat(), "periods": len(imagined.spend)},
        "revenue": known.revenue,
        "baseline": known.baseline,
        "interaction": known.revenue - known.baseline - float(known.incremental.sum()),
        "channels": [
            {
                "name": name,
                "kind": world.kinds[index],
                "spend": float(known.spend[index]),
                "incremental_outcome": float(known.incremental[index]),
                "roas": _number(known.roas[index]),
                "marginal_roas": _number(known.marginal_roas[index]),
                "curve": {
                    "spend": (known.multiples * mean[index]).tolist(),
                    "outcome": known.curves[:, index].tolist(),
                },
                "kernel": known.kernel[:, index].tolist(),
            }
            for index, name in enumerate(world.channels)
        ],
    }


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


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
