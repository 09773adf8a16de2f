"""The whole of calibration: it finds what made the data, and the same answer however one asks."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate, reading_of
from engine.calibrate.importance import heights
from engine.calibrate.money import to_curves
from engine.calibrate.posterior import draw_posterior
from engine.calibrate.problem import explain, prepare
from engine.errors import InputError
from engine.response.curves import half_life, respond, respond_with_rate


def curve_draws(channel, draws, levels):
    """Responses at multiples of the historical mean, level by draw."""
    return respond(channel, np.repeat(channel.history.mean * levels[:, None], draws, axis=1))


def test_curves_are_recovered_with_their_bands_and_a_second_history_compiles_nothing(
    world, with_tests, model, fitted, compiled
):
    """Half the mean is hardly ever seen: its error is the prior's, its band is not."""
    levels = np.array([0.5, 1.0, 1.5, 2.0])
    errors, covered = [], []
    before, made = len(compiled), with_tests(world(seed=2, noise=0.01))
    other = calibrate(made.dataset, model, "fast", seed=2, draws=200)
    assert len(compiled) == before
    for truth, fit in (fitted, (made, other)):
        for index, channel in enumerate(fit.curves.channels):
            draws = curve_draws(channel, fit.curves.draws, levels)
            true = truth.response(index, levels * channel.history.mean)
            low, high = np.percentile(draws, [5, 95], axis=1)
            errors.append(np.abs(np.median(draws, axis=1) / true - 1)[1:])
            covered.append((low <= true) & (true <= high))
    assert np.mean(errors) < 0.15
    assert np.mean(covered) >= 0.75


def test_carry_over_lies_in_its_band(fitted):
    made, fit = fitted
    for channel, true in zip(fit.curves.channels, made.retain, strict=True):
        low, high = np.percentile(half_life(channel), [1, 99])
        assert low <= np.log(0.5) / np.log(true) <= high


def test_contributions_add_up_to_the_outcome_exactly(fitted):
    made, fit = fitted
    together = sum(part.mean for part in fit.contributions)
    assert together == pytest.approx(made.dataset.outcome.sum(axis=1), rel=1e-12)
    assert all((part.low <= part.high).all() for part in fit.contributions)
    names = [part.component for part in fit.contributions]
    assert names == ["level", "trend", "season", "demand", "channel 0", "channel 1", "unexplained"]


def test_readings_are_those_of_the_contributions_and_curves(fitted):
    made, fit = fitted
    dataset = made.dataset
    parts = [part for part in fit.contributions if part.is_channel]
    for reading, part, channel in zip(fit.readings, parts, fit.curves.channels, strict=True):
        assert reading.name == part.component == channel.name
        spent = dataset.spend[:, 0, dataset.channels.index(reading.name)]
        assert reading.spend == pytest.approx(spent.sum())
        assert reading.roas[0] < part.mean.sum() / reading.spend < reading.roas[2]
        assert np.array(reading.share) == pytest.approx(np.array(reading.roas) * reading.spend / dataset.outcome.sum())
        today = np.full(200, np.mean(channel.history.last))
        rates = respond_with_rate(channel, today)[1]
        step = (respond(channel, 1.001 * today) - respond(channel, 0.999 * today)) / (0.002 * today)
        assert np.allclose(rates, step, rtol=1e-4)
        assert reading.marginal_roas == pytest.approx(tuple(np.percentile(step, [5, 50, 95])), rel=1e-4)


def test_a_channel_that_did_not_run_in_the_latest_year_has_no_return_on_its_next_money(world, with_tests, model):
    dataset = with_tests(world(seed=1)).dataset
    spend = dataset.spend * np.array([1.0, 0.0]) ** (np.arange(104) >= 52)[:, None, None]
    dataset = replace(dataset, spend=spend, driver=spend)
    problem = prepare(dataset, model)
    media = explain(problem, 0.3 * np.random.default_rng(0).normal(size=(20, len(problem.hint))))
    curves = to_curves(dataset, problem, media).curves
    running, idle = (reading_of(dataset, curves, media, index) for index in range(2))
    assert idle.marginal_roas is None and idle.roas[0] > 0
    assert running.marginal_roas is not None and running.marginal_roas[0] > 0


def test_other_units_of_money_are_the_same_density_and_curves_in_those_units(fitted, problem, model):
    """Outcome in millionths, money in millions, about: a power of two leaves every rounding as it is."""
    million = 2.0**20
    dataset = fitted[0].dataset
    tests = tuple(
        replace(
            test,
            outcome_change=test.outcome_change * million,
            standard_error=test.standard_error * million,
            spend_change=tuple(money / million for money in test.spend_change),
        )
        for test in dataset.lift_tests
    )
    money = {"spend": dataset.spend / million, "driver": dataset.driver / million}
    scaled = replace(dataset, outcome=dataset.outcome * million, lift_tests=tests, **money)
    other = prepare(scaled, model)
    places = 0.5 * np.random.default_rng(0).normal(size=(3, len(problem.hint)))
    assert np.allclose(heights(places, problem.evidence), heights(places, other.evidence), rtol=1e-6)
    one, same = (to_curves(*each, explain(each[1], places)).curves for each in ((dataset, problem), (scaled, other)))
    for channel, twin in zip(one.channels, same.channels, strict=True):
        for name, unit in (("ceiling", million), ("halfway", 1 / million), ("slope", 1), ("tail", 1)):
            parameters = channel.saturation.parameters[name]
            assert np.allclose(parameters * unit, twin.saturation.parameters[name], rtol=1e-9)
        assert np.allclose(channel.history.support, np.array(twin.history.support) * million)


def test_a_test_that_says_nothing_changes_nothing(world, with_tests, model):
    """Whatever it found."""
    dataset = with_tests(world(seed=1)).dataset
    loud = tuple(replace(test, outcome_change=1e5) for test in dataset.lift_tests)
    problems = [prepare(one, model) for one in (dataset, replace(dataset, lift_tests=loud))]
    places = np.random.default_rng(0).normal(size=(3, len(problems[0].hint)))
    one, other = (heights(places, problem.evidence) for problem in problems)
    assert np.allclose(one, other, rtol=1e-6)


def test_geos_share_one_curve_per_head(world, model):
    made = world(channels=1, seed=3, people=(1.0, 2.0, 4.0, 0.5))
    problem = prepare(made.dataset, model)
    media = explain(problem, draw_posterior(problem, "fast", 1, 100).places)
    roas = media.national.sum(axis=(1, 2)) / made.dataset.spend.sum()
    assert np.percentile(roas, 1) < made.roas()[0] < np.percentile(roas, 99)
    assert roas.std() < 0.15 * roas.mean()


def test_no_spend_at_all_and_too_short_a_history_are_refused(world, model):
    dataset = world(channels=2, periods=60).dataset
    idle = dataset.driver.copy()
    idle[:, :, 1] = 0
    with pytest.raises(InputError, match="'channel 1' was never used"):
        calibrate(replace(dataset, driver=idle), model, "fast", 1)
    short = replace(
        dataset,
        starts=dataset.starts[:8],
        **{name: getattr(dataset, name)[:8] for name in ("outcome", "spend", "driver", "controls", "events")},
    )
    with pytest.raises(InputError, match="8 periods"):
        calibrate(short, model, "fast", 1)
    with pytest.raises(InputError, match="adds up to nothing"):
        calibrate(replace(dataset, outcome=-dataset.outcome), model, "fast", 1)
