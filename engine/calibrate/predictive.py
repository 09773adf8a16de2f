"""What is believed before the data, said as predictions: of each channel, and of the outcome itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.calibrate import DRAWS, reading_of, three
from engine.calibrate.chance import draw_chance
from engine.calibrate.fit import ChannelReading
from engine.calibrate.linear import LinearBlock, draw_linear
from engine.calibrate.money import to_curves
from engine.calibrate.posterior import draw_posterior
from engine.calibrate.problem import blind, explain, national, prepare
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.double import jax


@dataclass(frozen=True)
class Expected:
    """A figure of the outcome as it is believed, and as it is."""

    believed: tuple[float, float, float]  # 5, 50 and 95 % [outcome/period]
    actual: float  # [outcome/period]
    rank: float  # share of the belief below the actual figure, in [0, 1]


@dataclass(frozen=True)
class PriorPredictive:
    """What is believed before the data; a triple holds the 5th, 50th and 95th percentile."""

    readings: tuple[ChannelReading, ...]
    media_share: tuple[float, float, float]  # of the outcome, all channels together
    mean: Expected  # of the outcome over the periods
    spread: Expected  # its standard deviation over the periods


def prior_predictive(dataset: Dataset, model: Model, seed: int, draws: int = DRAWS) -> PriorPredictive:
    """The beliefs of a model upon a history: outcome and experiments are not looked at, spend and columns are.

    The size of the noise's slow part, and so of the demand that may hide behind spend, is the history's own.

    Args:
        dataset: The history.
        model: Its baseline, curves and what it tells of channels.
        seed: Of everything random.
        draws: Joint draws of the belief.

    Raises:
        InputError: The data cannot be calibrated.
    """
    problem = blind(prepare(dataset, model))
    posterior = draw_posterior(problem, "fast", seed, draws)
    random = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    media = explain(problem, posterior.places)
    linear: LinearBlock = jax.tree.map(np.asarray, problem.evidence.linear)
    noise = media.parameters.noise
    effect = draw_linear(media.rows, noise, linear, problem.baseline, random)
    chance = draw_chance(noise, linear.chance, random)
    rows = effect @ problem.baseline.columns.T + (media.rows + chance.slow + chance.white).reshape(draws, -1)
    believed, actual = national(problem.panel, rows), dataset.outcome.sum(axis=1)
    curves = to_curves(dataset, problem, media).curves
    return PriorPredictive(
        readings=tuple(reading_of(dataset, curves, media, index) for index in range(len(dataset.channels))),
        media_share=three(media.national.sum(axis=(1, 2)) / float(actual.sum())),
        mean=_expected(believed.mean(axis=1), float(actual.mean())),
        spread=_expected(believed.std(axis=1), float(actual.std())),
    )


def _expected(believed: Float[np.ndarray, " draw"], actual: float) -> Expected:
    return Expected(three(believed), actual, float((believed < actual).mean()))
