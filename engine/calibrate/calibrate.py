"""The one entry: a data set becomes a fit."""

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.fit import BAND, ChannelReading, Contribution, Fit, Speed
from engine.calibrate.health import Findings, examine
from engine.calibrate.holdout import rolling_holdout
from engine.calibrate.linear import LinearDraws, draw_linear
from engine.calibrate.money import to_curves
from engine.calibrate.posterior import Posterior, draw_posterior
from engine.calibrate.priors import half_life
from engine.calibrate.problem import Media, Problem, explain, national, prepare
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.response.curves import Curves, respond_with_rate

DRAWS = 500
THREE = (BAND[0], 50.0, BAND[1])


def calibrate(dataset: Dataset, model: Model, speed: Speed, seed: int, draws: int = DRAWS) -> Fit:
    """Curves, contributions and health of a history.

    Args:
        dataset: The history.
        model: Only its baseline is looked at: the columns have been read.
        speed: "fast" (seconds: modes and importance draws) or "nuts" (minutes: no-U-turn chains).
        seed: Of everything random; the same seed gives the same fit, bit for bit, on one machine.
        draws: Joint draws in the curves.

    Raises:
        InputError: The data cannot be calibrated.
        UntrustworthyError: No finite density was found.
    """
    problem = prepare(dataset, model.baseline)
    posterior = draw_posterior(problem, speed, seed, draws)
    random_linear, random_holdout = (np.random.default_rng(one) for one in np.random.SeedSequence([seed, 1]).spawn(2))
    media = explain(problem, posterior.places)
    linear = draw_linear(media.rows, problem.linear, problem.baseline, random_linear)
    parts = _parts(problem, linear)
    projection = to_curves(dataset, problem, media)
    base = np.sum(list(parts.values()), axis=0)
    outcome = float(dataset.outcome.sum())
    findings = Findings(
        posterior=posterior,
        fitted=(base + media.national.sum(axis=-1)).mean(axis=0),
        baseline_share=1 - media.national.sum(axis=(1, 2)) / outcome,
        lowest_baseline=float(base.mean(axis=0).min()),
        holdout=rolling_holdout(problem, dataset.period, posterior.search.modes[0].place, random_holdout),
        curves=projection.curves,
        projection=projection.error,
    )
    return Fit(
        curves=projection.curves,
        health=examine(dataset, problem, findings),
        contributions=_contributions(dataset, parts, media),
        readings=tuple(_reading(dataset, projection.curves, media, index) for index in range(len(dataset.channels))),
        starts=dataset.starts,
        settings=_settings(problem, posterior, speed, seed, draws),
    )


def _parts(problem: Problem, linear: LinearDraws) -> dict[str, Float[np.ndarray, "draw period"]]:
    """Each part of the baseline that has columns, over all geos [outcome/period]."""
    found = {}
    for index, name in enumerate(COMPONENTS):
        mine = problem.baseline.component == index
        if mine.any():
            found[name] = national(problem, linear.effect[:, mine] @ problem.baseline.columns[:, mine].T)
    return found


def _contributions(
    dataset: Dataset, parts: dict[str, Float[np.ndarray, "draw period"]], media: Media
) -> tuple[Contribution, ...]:
    channels = {name: media.national[:, :, index] for index, name in enumerate(dataset.channels)}
    return tuple(
        Contribution(name, is_channel, values.mean(axis=0), *np.percentile(values, BAND, axis=0))
        for group, is_channel in ((parts, False), (channels, True))
        for name, values in group.items()
    )


def _reading(dataset: Dataset, curves: Curves, media: Media, index: int) -> ChannelReading:
    channel = curves.channels[index]
    spend = float(dataset.driver[:, :, index].sum())
    gained = media.national[:, :, index].sum(axis=1)
    today = np.full(curves.draws, np.mean(channel.history.last))
    return ChannelReading(
        name=channel.name,
        spend=spend,
        share=_three(gained / float(dataset.outcome.sum())),
        roas=_three(gained / spend),
        marginal_roas=_three(respond_with_rate(channel, today)[1]),
        half_life=_three(half_life(channel.adstock.parameters["retain"])),
    )


def _three(values: Float[np.ndarray, " draw"]) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, THREE)
    return float(low), float(middle), float(high)


def _settings(
    problem: Problem, posterior: Posterior, speed: Speed, seed: int, draws: int
) -> dict[str, str | int | float]:
    return {
        "speed": speed,
        "seed": seed,
        "draws": draws,
        "starts": len(posterior.search.heights),
        "baseline_columns": problem.baseline.columns.shape[1],
        "rows": problem.panel.outcome.size,
        "geo_size": problem.panel.sized_by,
    }
