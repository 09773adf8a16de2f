"""Simulation-based calibration: worlds drawn from the sampler's own prior, and where the truth ranks in its answer.

If the sampler is right, the rank of a true figure among the draws of its own posterior is uniform.
Source: Talts, Betancourt, Simpson, Vehtari, Gelman (2018), Validating Bayesian inference algorithms with
simulation-based calibration; the envelopes follow Säilynoja, Bürkner, Vehtari (2022), Graphical test for discrete
uniformity, simulated instead of computed.

Run with the project's interpreter: python experiments/recovery/sbc.py [--worlds 100] [--speed fast|nuts]
"""

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from prior import Beliefs, drawn_beliefs
from scipy import stats
from scores import contributions, steady
from worlds import LEVEL, history, wandering

from engine.calibrate.calibrate import calibrate
from engine.calibrate.fit import Speed
from engine.config.model import Baseline, ChannelColumns, Data, Model
from engine.data.dataset import Dataset
from engine.errors import UntrustworthyError
from engine.response.curves import Channel, Curves, Family, Kind, Mixture, half_life

HERE = Path(__file__).resolve().parent
NAMES = ("tv", "search", "coverage")
KINDS: tuple[Kind, ...] = ("paid", "paid", "earned")
WEEKS, MEANS = 104, (60_000.0, 30_000.0, 15_000.0)  # of the frame's spend [currency/week]
BINS, LEVELS = 10, np.arange(1, 20) / 20
SIMULATED = 10_000  # sets of uniform ranks behind an envelope
DOUBT = 0.05  # probability with which a right sampler is called wrong, for each figure
MODEL = Model(
    data=Data(date="date", outcome="revenue"),
    channels={
        name: ChannelColumns(kind=kind, spend=name, follows_demand="no")  # that belief is set by the outcome itself
        for name, kind in zip(NAMES, KINDS, strict=True)
    },
    baseline=Baseline(trend="linear", season=2),
)


@dataclass(frozen=True)
class PriorWorld:
    """A history made from one draw of the prior, and that draw's curves."""

    dataset: Dataset
    curves: Curves  # a single draw: the truth


def frame() -> Dataset:
    """Spend that is the same in every world, and a placeholder outcome of the right mean."""
    random = np.random.default_rng(2022)
    spend = np.exp(0.6 * np.stack([wandering(WEEKS, 0.5, random) for _ in NAMES], axis=1))
    outcome = 1 + 0.05 * random.standard_normal(WEEKS)
    return history(LEVEL * outcome / outcome.mean(), spend / spend.mean(axis=0) * MEANS, NAMES, KINDS)


def prior_world(template: Dataset, beliefs: Beliefs, draw: int, seed: int) -> PriorWorld:
    """The history that one draw of the prior would have made.

    The prior speaks of shares of the mean outcome, so the level is set to keep the template's mean exactly; the
    level itself has a prior so wide that this takes nothing away.
    """
    random = np.random.default_rng([seed, draw])
    truth = only(beliefs.curves, draw)
    mean = float(template.outcome.mean())
    media = sum(contributions(channel, template.driver[:, 0, c])[0] for c, channel in enumerate(truth.channels))
    noise = beliefs.noise[draw] * random.standard_normal(len(template.starts))
    outcome = media + mean * (beliefs.base[draw] + noise)
    outcome = outcome + mean - outcome.mean()
    return PriorWorld(replace(template, outcome=outcome[:, None]), truth)


def only(curves: Curves, draw: int) -> Curves:
    """The curves of one draw."""
    channels = tuple(
        replace(one, adstock=_only(one.adstock, draw), saturation=_only(one.saturation, draw))
        for one in curves.channels
    )
    return replace(curves, channels=channels)


def _only(family: Family | Mixture, draw: int) -> Family:
    for part in family.parts:
        if draw < part.draws:
            return Family(part.name, {name: values[draw : draw + 1] for name, values in part.parameters.items()})
        draw -= part.draws
    raise IndexError(f"draw {draw} lies beyond the last one")


def _share(channel: Channel, driver: Float[np.ndarray, " period"]) -> Float[np.ndarray, " draw"]:
    return contributions(channel, driver).sum(axis=1)


def _half_life(channel: Channel, _: Float[np.ndarray, " period"]) -> Float[np.ndarray, " draw"]:
    return half_life(channel)


def _halfway(channel: Channel, _: Float[np.ndarray, " period"]) -> Float[np.ndarray, " draw"]:
    return channel.saturation.parameters["halfway"]


def _bend(times: float, channel: Channel, driver: Float[np.ndarray, " period"]) -> Float[np.ndarray, " draw"]:
    return steady(channel, times * driver.mean()) / steady(channel, driver.mean())


FIGURES: dict[str, Callable[..., Float[np.ndarray, " draw"]]] = {
    "contribution": _share,
    "half-life": _half_life,
    "halfway spend": _halfway,
    "response at half the mean spend": partial(_bend, 0.5),
    "response at twice the mean spend": partial(_bend, 2.0),
}
"""Figures that every family of curves has, so that mixtures of families can be ranked as well."""


def rank(truth: float, draws: Float[np.ndarray, " draw"], random: np.random.Generator) -> int:
    """How many draws lie below the truth; a draw equal to it counts with a toss of a coin.

    >>> rank(2.5, np.array([1.0, 2.0, 3.0]), np.random.default_rng(0))
    2
    """
    return int((draws < truth).sum() + (random.uniform(size=int((draws == truth).sum())) < 0.5).sum())


def ranks(case: tuple[PriorWorld, Speed, int, int]) -> dict[str, list[int]] | None:
    """Each figure's rank for each channel; none where calibration refused to answer."""
    world, speed, seed, draws = case
    random = np.random.default_rng([seed, 7])
    try:
        fit = calibrate(world.dataset, MODEL, speed, seed, draws)
    except UntrustworthyError:
        return None
    found: dict[str, list[int]] = {}
    for name, figure in FIGURES.items():
        pairs = zip(world.curves.channels, fit.curves.channels, strict=True)
        found[name] = [
            rank(float(figure(true, driver)[0]), figure(told, driver), random)
            for (true, told), driver in zip(pairs, world.dataset.driver[:, 0, :].T, strict=True)
        ]
    return found


def verdict(found: Int[np.ndarray, "world channel"], draws: int) -> dict[str, Any]:
    """Whether the ranks of one figure are uniform, channel by channel, and what is wrong if not.

    `mean` is 1/2 for a right sampler: above, its answers are too low. `width` is 1: above, its bands are too
    narrow. A figure fails where a chi-square over ten bins or the envelope of the cumulative ranks is left by any
    channel more clearly than chance allows for so many looks.
    """
    worlds, channels = found.shape
    place = (found + 0.5) / (draws + 1)
    counts = np.stack([np.histogram(one, BINS, (0.0, 1.0))[0] for one in place.T])
    chance = float(min(1.0, channels * stats.chisquare(counts, axis=1).pvalue.min()))
    excess = max(float(departure(one[None])[0]) for one in place.T)
    limit = envelope(worlds, draws, 1 - DOUBT / channels)
    return {
        "worlds": worlds,
        "chi_square_p": chance,
        "departure": excess,
        "envelope": limit,
        "mean": float(place.mean()),
        "width": float(12 * ((place - 0.5) ** 2).mean()),
        "histogram": counts.tolist(),
        "uniform": bool(chance > DOUBT and excess <= limit),
    }


def departure(place: Float[np.ndarray, "set world"]) -> Float[np.ndarray, " set"]:
    """The largest distance between the cumulative ranks and the diagonal, in standard deviations."""
    below = (place[:, :, None] <= LEVELS).mean(axis=1)
    spread = np.sqrt(LEVELS * (1 - LEVELS) / place.shape[1])
    return np.abs((below - LEVELS) / spread).max(axis=1)


def envelope(worlds: int, draws: int, probability: float) -> float:
    """The departure that uniform ranks stay below with a probability, by simulation."""
    random = np.random.default_rng(1)
    parts = [random.integers(0, draws + 1, (SIMULATED // 20, worlds)) for _ in range(20)]
    return float(np.quantile(np.concatenate([departure((part + 0.5) / (draws + 1)) for part in parts]), probability))


def report(told: dict[str, Any]) -> list[str]:
    """One line a figure."""
    lines = [f"{'figure':34}{'worlds':>7}{'chi2 p':>8}{'departure':>11}{'envelope':>10}{'mean':>7}{'width':>7}"]
    for name, one in told.items():
        lines.append(
            f"{name:34}{one['worlds']:7d}{one['chi_square_p']:8.3f}{one['departure']:11.2f}{one['envelope']:10.2f}"
            f"{one['mean']:7.2f}{one['width']:7.2f}  {'uniform' if one['uniform'] else 'NOT UNIFORM: ' + fault(one)}"
        )
    return lines


def fault(one: dict[str, Any]) -> str:
    """What a departure means."""
    said = []
    if abs(one["mean"] - 0.5) > 0.05:
        said.append("answers are too " + ("low" if one["mean"] > 0.5 else "high"))
    if abs(one["width"] - 1) > 0.1:
        said.append("bands are too " + ("narrow" if one["width"] > 1 else "wide"))
    return " and ".join(said) or "the shape differs"


def judged(found: Sequence[dict[str, list[int]]], draws: int) -> dict[str, Any]:
    """The verdict on every figure."""
    return {name: verdict(np.array([one[name] for one in found]), draws) for name in FIGURES}


def main() -> None:
    """Draw worlds, calibrate each, print the verdicts and write sbc.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--speed", choices=["fast", "nuts"], default="nuts")
    parser.add_argument("--draws", type=int, default=199)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "sbc.json")
    asked = parser.parse_args()
    template = frame()
    beliefs = drawn_beliefs(template, MODEL, asked.worlds, asked.seed)
    worlds = [prior_world(template, beliefs, draw, asked.seed) for draw in range(asked.worlds)]
    cases = [(world, asked.speed, asked.seed + number, asked.draws) for number, world in enumerate(worlds)]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        found = [one for one in pool.map(ranks, cases) if one is not None]
    print(f"{len(worlds) - len(found)} of {len(worlds)} worlds were refused")
    told = judged(found, asked.draws)
    print("\n".join(report(told)))
    whole = {"speed": asked.speed, "draws": asked.draws, "refused": len(worlds) - len(found), "verdicts": told}
    asked.out.write_text(json.dumps(whole | {"ranks": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
