"""Scaled draws back into money."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.money import Hill, fit_hill, to_curves
from engine.calibrate.problem import explain, prepare
from engine.config.model import Baseline
from engine.response.curves import respond

LEVELS = np.geomspace(1.0, 200.0, 24)


def hill_of(curve, spend):
    power = spend ** curve.slope[:, None]
    return curve.ceiling[:, None] * power / (power + curve.halfway[:, None] ** curve.slope[:, None])


def test_a_hill_curve_is_recovered_exactly():
    random = np.random.default_rng(0)
    true = Hill(random.uniform(1, 1e6, 40), random.uniform(20, 80, 40), random.uniform(0.7, 2.5, 40))
    begin = Hill(true.ceiling * 1.5, true.halfway * 0.6, np.full(40, 1.0))
    found, error = fit_hill(LEVELS, hill_of(true, LEVELS), begin)
    assert error < 1e-6
    for one, other in zip(found, true, strict=True):
        assert np.allclose(one, other, rtol=1e-3)


def test_no_response_stays_none():
    begin = Hill(np.zeros(3), np.ones(3), np.ones(3))
    with np.errstate(divide="ignore"):
        found, error = fit_hill(LEVELS, np.zeros((3, 24)), Hill(np.full(3, 1e-9), begin.halfway, begin.slope))
    assert error < 1e-6 and (found.ceiling >= 0).all() and np.isfinite(found.halfway).all()


def test_one_geo_gives_back_the_contributions_of_history(world):
    dataset = world(channels=2, periods=60).dataset
    problem = prepare(dataset, Baseline())
    media = explain(problem, np.random.default_rng(0).normal(size=(7, 8)))
    projection = to_curves(dataset, problem, media)
    assert projection.error == 0
    for index, channel in enumerate(projection.curves.channels):
        retain = channel.adstock.parameters["retain"]
        stock = np.full(7, dataset.driver[:4, 0, index].mean())
        for period in range(60):
            stock = (1 - retain) * dataset.driver[period, 0, index] + retain * stock
            assert np.allclose(respond(channel, stock), media.national[:, period, index], rtol=1e-9)


def test_equal_geos_are_one_large_geo(world):
    dataset = world(channels=1, periods=60, people=(1.0, 1.0, 1.0)).dataset
    same = dataset.driver[:, :1].repeat(3, axis=1)
    dataset = type(dataset)(**{**vars(dataset), "spend": same, "driver": same})
    problem = prepare(dataset, Baseline())
    media = explain(problem, np.random.default_rng(0).normal(size=(5, 4)))
    projection = to_curves(dataset, problem, media)
    assert projection.error < 1e-6
    parameters = projection.curves.channels[0].saturation.parameters
    scale = problem.panel.dose_scale[0] * 3
    assert np.allclose(parameters["halfway"], media.parameters.halfway[:, 0] * scale, rtol=1e-4)
    assert np.allclose(parameters["ceiling"], 3 * media.ceiling[:, 0] * problem.panel.outcome_scale, rtol=1e-4)


def test_unequal_geos_are_summed_closely_and_the_miss_is_told(world):
    dataset = world(channels=1, periods=60, people=(1.0, 2.0, 5.0)).dataset
    tilt = dataset.driver * np.array([3.0, 1.0, 0.3])[None, :, None]
    dataset = type(dataset)(**{**vars(dataset), "spend": tilt, "driver": tilt})
    problem = prepare(dataset, Baseline())
    media = explain(problem, np.random.default_rng(0).normal(size=(5, 4)))
    projection = to_curves(dataset, problem, media)
    channel = projection.curves.channels[0]
    by_geo = tilt.mean(axis=0)[:, 0]

    def summed(level):
        dose = level * by_geo / (problem.panel.size * problem.panel.dose_scale[0])
        power = (dose / media.parameters.halfway[:, :1]) ** media.parameters.slope[:, :1]
        return media.ceiling[:, 0] * problem.panel.outcome_scale * (power / (1 + power) @ problem.panel.size)

    for level in (0.1, 0.5, 1.0, 3.0):
        miss = np.abs(respond(channel, np.full(5, level * by_geo.sum())) - summed(level)) / summed(4.0)
        assert miss.max() <= 1.1 * projection.error
    assert 0 < projection.error < 0.05


def test_history_is_the_national_total(world):
    dataset = world(channels=2, periods=60, people=(1.0, 2.0)).dataset
    problem = prepare(dataset, Baseline())
    history = to_curves(dataset, problem, explain(problem, np.zeros((2, 8)))).curves.channels[1].history
    total = dataset.driver[:, :, 1].sum(axis=1)
    assert history.mean == pytest.approx(total.mean()) and history.max == pytest.approx(total.max())
    assert history.last == pytest.approx(tuple(total[-52:]))


@pytest.mark.parametrize("is_money", [True, False])
def test_an_outcome_in_money_is_worth_itself_whatever_its_name(world, is_money):
    dataset = replace(world(channels=1, periods=60).dataset, outcome_name="net sales", is_money=is_money)
    problem = prepare(dataset, Baseline())
    curves = to_curves(dataset, problem, explain(problem, np.zeros((1, 4)))).curves
    assert curves.is_money == is_money and curves.measure == "net sales"


@pytest.mark.parametrize(("period", "year"), [("day", 365), ("month", 12), ("quarter", 4)])
def test_the_latest_history_is_a_year_whatever_the_period(world, period, year):
    dataset = replace(world(channels=1, periods=400).dataset, period=period)
    problem = prepare(dataset, Baseline(trend="linear", season=0))
    channel = to_curves(dataset, problem, explain(problem, np.zeros((1, 4)))).curves.channels[0]
    assert channel.history.last == pytest.approx(tuple(dataset.driver[-year:, 0, 0]))
