"""Holdout: the naive forecast and the scores by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.holdout import _forecast, naive_seasonal, rolling_holdout, score
from engine.calibrate.mode import climb
from engine.calibrate.problem import explain, prepare


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


@pytest.fixture(scope="module")
def long(world, with_tests, model):
    """Two years whose tests say nothing, and the best place of its density."""
    prepared = prepare(with_tests(world(seed=3)).dataset, model)
    return prepared, climb(prepared.hint, prepared.evidence)[0]


def test_a_forecast_of_a_known_world_is_as_good_as_its_noise(long):
    problem, best = long
    found = rolling_holdout(problem, "week", best, np.random.default_rng(0))
    assert found is not None and (found.folds, found.horizon) == (3, 13)
    assert found.error < 0.045 < found.naive_error  # noise of 3 % is off by 2.4 % in the mean
    assert found.crps < found.naive_crps
    assert 0.7 <= found.coverage <= 1.0
    truth = explain(problem, best[None]).parameters.share[0]
    assert found.shares.shape == (3, 2) and np.allclose(found.shares, truth, atol=0.06)


def test_a_forecast_never_sees_what_it_forecasts(long):
    """What comes after the last origin may change at will: only the score of the last fold does."""
    problem, best = long
    outcome = problem.panel.outcome.copy()
    outcome[91:] *= 50
    changed = replace(problem, panel=replace(problem.panel, outcome=outcome))
    one, other = (rolling_holdout(each, "week", best, np.random.default_rng(0)) for each in (problem, changed))
    assert np.array_equal(one.shares, other.shares)
    assert other.error > 5 * one.error


def test_a_forecast_goes_on_from_where_the_outcome_was(world, with_tests, modelled):
    """A rise just before the origin fades over the forecast; without a trend nothing else could bend so."""
    problem = prepare(with_tests(world(seed=3, demand=(0.06, 0.4))).dataset, modelled("none"))
    best = climb(problem.hint, problem.evidence)[0]
    outcome = problem.panel.outcome.copy()
    outcome[87:91] += 0.1
    raised = replace(problem, panel=replace(problem.panel, outcome=outcome))
    forecasts = [
        _forecast(one, np.arange(104) < 91, best, np.random.default_rng(0))[0].mean(axis=0) for one in (problem, raised)
    ]
    rise = (forecasts[1] - forecasts[0])[91:] / problem.panel.outcome_scale
    assert rise[0] > 0.05 and rise[0] > rise[12] + 0.01


def test_short_histories_have_no_holdout(long):
    problem, best = long
    panel = replace(problem.panel, outcome=problem.panel.outcome[:26], dose=problem.panel.dose[:26])
    assert rolling_holdout(replace(problem, panel=panel), "week", best, np.random.default_rng(0)) is None
