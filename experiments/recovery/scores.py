"""How far a fit is from a world's truth, channel by channel, and what a class of worlds comes to.

Everything is read from the public curves, draw by draw, as a planner reads them; only health's verdicts and the
engine's own band of returns come from the fit beside them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from worlds import World

from engine.calibrate.fit import Fit
from engine.response.curves import Channel, kernel, respond

OPENING = 4  # weeks whose mean stands for the spend before the history, as in the engine
REACH, POINTS = 1.5, 61  # of the largest steady stock; points of the curve looked at
RAISED = 1.3  # of today's spend
BANDS = {"80": (10.0, 90.0), "95": (2.5, 97.5)}
QUANTITIES = ("roas", "today", "raised")


def contributions(channel: Channel, driver: Float[np.ndarray, " period"]) -> Float[np.ndarray, "draw period"]:
    """What a channel brought in each period, draw by draw [outcome/period]: the curve run over its history.

    Before the history the channel is taken to have spent the mean of its first periods.
    """
    weights = kernel(channel, len(driver))
    opening = driver[:OPENING].mean()
    before = opening * (1 - np.cumsum(weights, axis=1))
    later = np.arange(len(driver))[:, None] - np.arange(len(driver))[None, :]  # lag of one period's spend in another
    shifted = np.where(later >= 0, weights[:, np.maximum(later, 0)], 0.0)  # draw, period, period of spend
    stock = before + shifted @ driver
    return respond(channel, np.maximum(stock.T, 0.0)).T


def steady(channel: Channel, spend: float) -> Float[np.ndarray, " draw"]:
    """Outcome of a period at an even spend, draw by draw."""
    return respond(channel, np.full(channel.saturation.draws, spend))


def channel_rows(world: World, fit: Fit) -> list[dict[str, Any]]:
    """Each channel of a world: errors, and whether bands hold the truth."""
    return [_row(world, fit, index) for index in range(len(world.dataset.channels))]


def _row(world: World, fit: Fit, index: int) -> dict[str, Any]:
    channel, truth, today = fit.curves.channels[index], world.truth, float(world.today[index])
    driver = world.dataset.driver[:, 0, index]
    spent = world.dataset.spend[:, 0, index].sum()
    true = {
        "roas": float(world.media[:, index].sum() / spent),
        "today": truth.steady(index, today),
        "raised": truth.steady(index, RAISED * today),
    }
    found = {
        "roas": contributions(channel, driver).sum(axis=1) / spent,
        "today": steady(channel, today),
        "raised": steady(channel, RAISED * today),
    }
    low, middle, high = fit.readings[index].roas
    lags = len(truth.kernel)
    kept = kernel(channel, lags).mean(axis=0)
    return {
        "channel": channel.name,
        "family": truth.family[index],
        "curve_error": curve_error(channel, world, index),
        "kernel_error": 0.5 * float(np.abs(kept - truth.kernel[:, index]).sum() + 1 - kept.sum()),
        "log_roas": float(np.log(np.median(found["roas"]) / true["roas"])),
        "true": true,
        "median": {name: float(np.median(draws)) for name, draws in found.items()},
        "covered": {
            f"{name} {band}": inside(found[name], true[name], edges)
            for name in QUANTITIES
            for band, edges in BANDS.items()
        },
        "own_band_90": bool(low <= true["roas"] <= high),
        "own_median": middle / float(np.median(found["roas"])),
    }


def inside(draws: Float[np.ndarray, " draw"], truth: float, edges: tuple[float, float]) -> bool:
    """Whether the central band between two percentiles holds the truth."""
    low, high = np.percentile(draws, edges)
    return bool(low <= truth <= high)


def curve_error(channel: Channel, world: World, index: int) -> float:
    """Mean distance of the median curve from the true one, over the true response at today's spend.

    Looked at from nothing to 1.5 times the largest stock of history: the stock is the steady spend that does the same.
    """
    spend = np.linspace(0.0, REACH * world.stock[:, index].max(), POINTS)
    draws = respond(channel, np.broadcast_to(spend[:, None], (POINTS, channel.saturation.draws)))
    miss = np.abs(np.median(draws, axis=1) - world.truth.response(index, spend))
    return float(np.trapezoid(miss, spend) / spend[-1] / world.truth.steady(index, float(world.today[index])))


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A class in figures; spreads are taken over worlds, whose channels are not independent."""
    channels = [one for row in rows for one in row["channels"]]
    bias = np.array([np.mean([one["log_roas"] for one in row["channels"]]) for row in rows])
    error = np.array([one["curve_error"] for one in channels])
    told: dict[str, Any] = {
        "worlds": len(rows),
        "curve_error": {"median": float(np.median(error)), "mean": float(error.mean())},
        "kernel_error": float(np.median([one["kernel_error"] for one in channels])),
        "roas_bias": {"mean_log": float(bias.mean()), "standard_error": spread_of_mean(bias)},
        "roas_error": float(np.median(np.abs([one["log_roas"] for one in channels]))),
        "bias_by_channel": _by_channel(channels),
        "coverage": {name: covered(rows, name) for name in channels[0]["covered"]},
        "own_band_90": float(np.mean([one["own_band_90"] for one in channels])),
        "own_median_off": float(max(abs(one["own_median"] - 1) for one in channels)),
        "trust": dict(Counter(row["trust"] for row in rows)),
        "flags": flags(rows),
    }
    return told


def covered(rows: Sequence[dict[str, Any]], name: str) -> dict[str, float | None]:
    """The share of channels whose band holds the truth, and its standard error over worlds."""
    shares = np.array([np.mean([one["covered"][name] for one in row["channels"]]) for row in rows])
    return {"share": float(shares.mean()), "standard_error": spread_of_mean(shares)}


def spread_of_mean(values: Float[np.ndarray, " world"]) -> float | None:
    """Standard error of a mean; none for a single value.

    >>> spread_of_mean(np.array([1.0, 3.0]))
    1.0
    """
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _by_channel(channels: Sequence[dict[str, Any]]) -> dict[str, float]:
    names = dict.fromkeys(one["channel"] for one in channels)
    return {name: float(np.mean([one["log_roas"] for one in channels if one["channel"] == name])) for name in names}


def flags(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How often each of health's checks was weak or bad, over worlds, the most frequent first."""
    names = dict.fromkeys(name for row in rows for name in row["checks"])
    shares = {
        name: {
            verdict: float(np.mean([row["checks"].get(name) == verdict for row in rows])) for verdict in ("weak", "bad")
        }
        for name in names
    }
    flagged = {name: share for name, share in shares.items() if sum(share.values()) > 0}
    return dict(sorted(flagged.items(), key=lambda entry: -sum(entry[1].values())))
