"""How well the fit forecasts periods it has not seen, beside a forecast that needs no model."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.calibrate.chance import draw_chance, split
from engine.calibrate.density import place_parameters
from engine.calibrate.importance import laplace, propose
from engine.calibrate.linear import LinearBlock, draw_linear
from engine.calibrate.mode import climb, describe
from engine.calibrate.problem import Problem, explain, hold_out, national
from engine.double import jax
from engine.periods import Period

FOLDS = 3
LONGEST = {"day": 28, "week": 13, "month": 4, "quarter": 2, "year": 1}  # periods forecast in one fold
YEAR: dict[Period, int] = {"day": 364, "week": 52, "month": 12, "quarter": 4}  # 364 keeps the weekday
FEWEST_SEEN = 24  # periods a fold must be able to learn from
FORECASTS = 200  # draws of a forecast


@dataclass(frozen=True)
class Holdout:
    """Errors over all folds; percentages are of the actual outcome."""

    folds: int
    horizon: int  # periods of one fold
    error: float  # mean absolute percentage error of the median forecast
    naive_error: float
    crps: float  # continuous ranked probability score over the mean outcome
    naive_crps: float  # absolute error over the mean outcome: the score of a forecast without a band
    coverage: float  # share of actuals inside the 90 % band
    shares: Float[np.ndarray, "fold channel"]  # contribution over outcome at each fold's mode


def rolling_holdout(
    problem: Problem, period: Period, best: Float[np.ndarray, " coordinate"], random: np.random.Generator
) -> Holdout | None:
    """Forecast each of the last folds from what came before it; None where history is too short.

    A fold refits the mode from the prior's centre and from the whole history's mode (a place to start, not
    information: the climb ends where the fold's own density is best) and forecasts with Laplace draws; slow noise
    goes on from where the fold's last period left it. Spend, controls and events of the forecast periods are taken
    as known, as a planner knows them. Some settings are those of all rows, the forecast ones included, so the score is
    a little kind: the scales of outcome and doses, the shape of the noise and with it how much demand may hide behind
    spend, and experiments whenever they took place.
    """
    periods = len(problem.panel.outcome)
    horizon = min(LONGEST[period], max(1, periods // 8))
    if periods - FOLDS * horizon < FEWEST_SEEN:
        return None
    actual = national(problem.panel, problem.panel.outcome.reshape(1, -1))[0]
    forecasts, naives, shares = [], [], []
    for fold in range(FOLDS):
        origin = periods - (FOLDS - fold) * horizon
        forecast, share = _forecast(problem, np.arange(periods) < origin, best, random)
        forecasts.append(forecast[:, origin : origin + horizon])
        shares.append(share)
        naives.append(naive_seasonal(actual[:origin], horizon, period))
    scored = score(actual[periods - FOLDS * horizon :], np.concatenate(forecasts, axis=1), np.concatenate(naives))
    return replace(scored, shares=np.stack(shares))


def _forecast(
    problem: Problem, seen: Bool[np.ndarray, " period"], best: np.ndarray, random: np.random.Generator
) -> tuple[Float[np.ndarray, "draw period"], Float[np.ndarray, " channel"]]:
    evidence = hold_out(problem, seen)
    linear: LinearBlock = jax.tree.map(np.asarray, evidence.linear)
    ends = [climb(begin, evidence) for begin in (np.zeros_like(best), best)]
    place = max(ends, key=lambda end: end[1])[0]
    places = propose(laplace((describe(place, evidence),)), FORECASTS, random)
    media = explain(problem, places)
    noise = media.parameters.noise
    effect = draw_linear(media.rows, noise, linear, problem.baseline, random)
    mean = media.rows + (effect @ problem.baseline.columns.T).reshape(media.rows.shape)
    past, later = (linear.chance._replace(seen=np.ones(len(rows))) for rows in (mean[0, seen], mean[0, ~seen]))
    left = split(problem.panel.outcome[seen] - mean[:, seen], noise, past, random)
    coming = draw_chance(noise, later, random, before=left.slow[:, -1])
    mean[:, ~seen] += coming.slow + coming.white
    return national(problem.panel, mean.reshape(len(mean), -1)), place_parameters(place[None], evidence).share[0]


def naive_seasonal(past: Float[np.ndarray, " period"], horizon: int, period: Period) -> Float[np.ndarray, " horizon"]:
    """A year ago, scaled by how the latest periods compare with theirs; the last value under a year.

    >>> naive_seasonal(np.array([1.0, 2, 3, 4, 2, 4, 6, 8]), 2, "quarter").tolist()
    [4.0, 8.0]
    """
    year = YEAR.get(period, 0)
    window = min(horizon, len(past) - year)
    if not year or window < 1:
        return np.full(horizon, past[-1])
    before = past[len(past) - year - window : len(past) - year].sum()
    ratio = past[-window:].sum() / before if before > 0 else 1.0
    back = len(past) - year + np.arange(horizon) % year
    return past[back] * ratio


def score(
    actual: Float[np.ndarray, " period"],
    forecast: Float[np.ndarray, "draw period"],
    naive: Float[np.ndarray, " period"],
) -> Holdout:
    """Errors of a forecast by draws and of one without a band, fold after fold of equal length."""
    size = np.abs(actual)
    counted = size > 0
    middle = np.median(forecast, axis=0)
    low, high = np.percentile(forecast, [5.0, 95.0], axis=0)
    ordered = np.sort(forecast, axis=0)
    count = len(ordered)
    rank = (2 * np.arange(1, count + 1) - count - 1)[:, None]
    half_spread = (rank * ordered).sum(axis=0) / count**2  # half the mean distance of two draws
    crps = np.abs(forecast - actual).mean(axis=0) - half_spread
    return Holdout(
        folds=FOLDS,
        horizon=len(actual) // FOLDS,
        error=float((np.abs(middle - actual)[counted] / size[counted]).mean()),
        naive_error=float((np.abs(naive - actual)[counted] / size[counted]).mean()),
        crps=float(crps.mean() / size.mean()),
        naive_crps=float(np.abs(naive - actual).mean() / size.mean()),
        coverage=float(((actual >= low) & (actual <= high)).mean()),
        shares=np.zeros((0, 0)),
    )
