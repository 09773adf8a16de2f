"""Holdout: the naive forecast and the scores by hand."""

import numpy as np
import pytest

from engine.calibrate.holdout import naive_seasonal, rolling_holdout, score
from engine.calibrate.problem import prepare
from engine.config.model import Baseline


def test_naive_forecast_is_last_year_scaled_by_the_latest_growth():
    past = np.arange(1.0, 25.0)  # two years of months
    ratio = (22 + 23 + 24) / (10 + 11 + 12)
    assert naive_seasonal(past, 3, "month") == pytest.approx([13 * ratio, 14 * ratio, 15 * ratio])


def test_naive_forecast_under_a_year_is_the_last_value():
    assert naive_seasonal(np.arange(1.0, 41.0), 2, "week").tolist() == [40.0, 40.0]
    assert naive_seasonal(np.array([5.0, 7.0]), 1, "year").tolist() == [7.0]


def test_naive_forecast_keeps_the_weekday():
    past = np.tile([1.0, 2, 3, 4, 5, 6, 7], 60)
    assert naive_seasonal(past, 8, "day").tolist() == [1.0, 2, 3, 4, 5, 6, 7, 1]


def test_scores_are_those_of_the_definition():
    random = np.random.default_rng(0)
    forecast, actual = random.normal(10, 2, (50, 6)), random.normal(10, 2, 6)
    naive = np.full(6, 9.0)
    found = score(actual, forecast, naive)
    crps = [
        np.abs(forecast[:, t] - actual[t]).mean() - 0.5 * np.abs(forecast[:, t, None] - forecast[None, :, t]).mean()
        for t in range(6)
    ]
    assert found.crps == pytest.approx(np.mean(crps) / actual.mean())
    assert found.naive_error == pytest.approx(np.mean(np.abs(9 - actual) / actual))
    low, high = np.percentile(forecast, [5, 95], axis=0)
    assert found.coverage == pytest.approx(np.mean((low <= actual) & (actual <= high)))


def test_a_forecast_of_a_known_world_is_as_good_as_its_noise(world):
    dataset = world(channels=2, periods=156, noise=0.03).dataset
    problem = prepare(dataset, Baseline())
    found = rolling_holdout(problem, "week", np.zeros(8), np.random.default_rng(0))
    assert found is not None and found.horizon == 13
    assert found.error < 0.05 < found.naive_error
    assert found.crps < found.naive_crps
    assert 0.7 <= found.coverage <= 1.0


def test_a_forecast_never_sees_what_it_forecasts(world):
    """What comes after an origin may change at will: the forecasts before it do not."""
    dataset = world(channels=1, periods=60).dataset
    outcome = dataset.outcome.copy()
    outcome[-1] *= 50
    changed = type(dataset)(**{**vars(dataset), "outcome": outcome})
    scores = []
    for one in (dataset, changed):
        problem = prepare(one, Baseline(trend="none", season=0))
        scores.append(rolling_holdout(problem, "week", np.zeros(4), np.random.default_rng(0)))
    assert scores[1].error - scores[0].error < 1.0 / 21 * 1.01 + 0.02  # only the last of 21 periods is missed


def test_short_histories_have_no_holdout(world):
    problem = prepare(world(channels=1, periods=30).dataset, Baseline())
    assert rolling_holdout(problem, "week", np.zeros(4), np.random.default_rng(0)) is None
