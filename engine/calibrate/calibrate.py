"""The one entry: a data set becomes a fit."""

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.chance import Noisy, shared_part, split
from engine.calibrate.conflict import agreements
from engine.calibrate.fit import BAND, ChannelReading, Contribution, Fit, Speed
from engine.calibrate.health import Findings, examine
from engine.calibrate.holdout import rolling_holdout
from engine.calibrate.linear import LinearBlock, draw_linear
from engine.calibrate.money import by_geo, to_curves
from engine.calibrate.posterior import Posterior, draw_posterior
from engine.calibrate.problem import Media, Problem, explain, national, prepare
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.double import jax
from engine.response.curves import Curves, half_life, respond_with_rate

DRAWS = 500
UNRECORDED = "unrecorded"  # what moves slowly and no column shows
UNEXPLAINED = "unexplained"
THREE = (BAND[0], 50.0, BAND[1])


def calibrate(dataset: Dataset, model: Model, speed: Speed, seed: int, draws: int = DRAWS) -> Fit:
    """Curves, contributions and health of a history.

    Args:
        dataset: The history, with its experiments.
        model: Its baseline, curves and what it tells of channels; the columns have been read.
        speed: "fast" (seconds: modes and importance draws) or "nuts" (minutes: no-U-turn chains).
        seed: Of everything random; the same seed gives the same fit, bit for bit, on one machine.
        draws: Joint draws in the curves.

    Raises:
        InputError: The data cannot be calibrated, or the model asks for what this version does not do.
        UntrustworthyError: No finite density was found.
    """
    problem = prepare(dataset, model)
    posterior = draw_posterior(problem, speed, seed, draws)
    seeds = np.random.SeedSequence([seed, 1]).spawn(4)
    random_linear, random_holdout, random_tests, random_noise = (np.random.default_rng(one) for one in seeds)
    media = explain(problem, posterior.places)
    linear: LinearBlock = jax.tree.map(np.asarray, problem.evidence.linear)
    effect = draw_linear(media.rows, media.parameters.noise, linear, problem.baseline, random_linear)
    noisy = _noise(problem, effect, media, random_noise)
    parts = _parts(problem, effect)
    projection = to_curves(dataset, problem, media)
    base = np.sum([values for name, values in parts.items() if name != "drift"], axis=0)
    best = posterior.search.modes[0].place
    tests = tuple(test.name for test in dataset.lift_tests)
    findings = Findings(
        posterior=posterior,
        media=media,
        fitted=_fitted(problem, effect, media),
        level=_level(problem, noisy),
        effect=effect,
        lowest_baseline=float(base.mean(axis=0).min()),
        holdout=rolling_holdout(problem, dataset.period, best, random_holdout),
        agreements=agreements(tests, problem.evidence, best, random_tests),
        curves=projection.curves,
        miss=projection.miss,
    )
    return Fit(
        curves=projection.curves,
        health=examine(dataset, problem, findings),
        contributions=_contributions(dataset, parts | _slow(problem, noisy), media),
        readings=tuple(reading_of(dataset, projection.curves, media, index) for index in range(len(dataset.channels))),
        starts=dataset.starts,
        settings=_settings(problem, posterior, speed, seed, draws),
        by_geo=by_geo(dataset, problem, media),
    )


def _fitted(
    problem: Problem, effect: Float[np.ndarray, "draw column"], media: Media
) -> Float[np.ndarray, "period geo"]:
    """Posterior mean of the outcome [outcome/period]."""
    base = (problem.baseline.columns @ effect.mean(axis=0)).reshape(media.rows.shape[1:])
    return (base + media.rows.mean(axis=0)) * problem.panel.size * problem.panel.outcome_scale


def _noise(
    problem: Problem, effect: Float[np.ndarray, "draw column"], media: Media, random: np.random.Generator
) -> Noisy:
    """What each draw leaves over, by its parts [scaled outcome]."""
    base = (effect @ problem.baseline.columns.T).reshape(media.rows.shape)
    return split(problem.panel.outcome - base - media.rows, media.parameters.noise, problem.chance, random)


def _level(problem: Problem, noisy: Noisy) -> Float[np.ndarray, "period geo"]:
    """Posterior mean of the noise that is not a geo's own in one period alone [outcome/period]."""
    mean = noisy.slow.mean(axis=0) + shared_part(noisy.white.mean(axis=0), problem.chance)
    return mean * problem.panel.size * problem.panel.outcome_scale


def _slow(problem: Problem, noisy: Noisy) -> dict[str, Float[np.ndarray, "draw period"]]:
    """The slow part of the noise over all geos [outcome/period], where there is one."""
    found = national(problem.panel, noisy.slow.reshape(len(noisy.slow), -1))
    return {UNRECORDED: found} if found.any() else {}


def _parts(problem: Problem, effect: Float[np.ndarray, "draw column"]) -> dict[str, Float[np.ndarray, "draw period"]]:
    """Each part of the baseline that has columns, over all geos [outcome/period]."""
    found = {}
    for index, name in enumerate(COMPONENTS):
        mine = problem.baseline.component == index
        if mine.any():
            found[name] = national(problem.panel, effect[:, mine] @ problem.baseline.columns[:, mine].T)
    return found


def _contributions(
    dataset: Dataset, parts: dict[str, Float[np.ndarray, "draw period"]], media: Media
) -> tuple[Contribution, ...]:
    """Every part of the outcome; the means add up to it, because what no part explains is the last of them."""
    channels = {name: media.national[:, :, index] for index, name in enumerate(dataset.channels)}
    explained = np.sum([*parts.values(), *channels.values()], axis=0)
    rest = {UNEXPLAINED: dataset.outcome.sum(axis=1) - explained}
    return tuple(
        Contribution(name, is_channel, values.mean(axis=0), *np.percentile(values, BAND, axis=0))
        for group, is_channel in ((parts, False), (channels, True), (rest, False))
        for name, values in group.items()
    )


def reading_of(dataset: Dataset, curves: Curves, media: Media, index: int) -> ChannelReading:
    """One channel in figures."""
    channel = curves.channels[index]
    spend = float(dataset.spend[:, :, index].sum())
    gained = media.national[:, :, index].sum(axis=1)
    today = float(np.mean(channel.history.last))
    return ChannelReading(
        name=channel.name,
        spend=spend,
        share=three(gained / float(dataset.outcome.sum())),
        roas=three(gained / spend),
        marginal_roas=three(respond_with_rate(channel, np.full(curves.draws, today))[1]) if today > 0 else None,
        half_life=three(half_life(channel)),
    )


def three(values: Float[np.ndarray, " draw"]) -> tuple[float, float, float]:
    """The 5th, 50th and 95th percentile."""
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
        "adstock": problem.structure.adstock,
        "saturation": problem.structure.saturation,
        "slow_noise": round(problem.slow, 6),
        "experiments": len(problem.evidence.tests.found),
    }
