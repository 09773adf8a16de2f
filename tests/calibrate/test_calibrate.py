"""The whole of calibration: it finds what made the data, and the same answer however one asks."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.calibrate.posterior import draw_posterior
from engine.calibrate.problem import explain, prepare
from engine.errors import InputError
from engine.response.curves import half_life, respond, respond_with_rate


def curve_draws(channel, draws, levels):
    """Responses at multiples of the historical mean, level by draw."""
    return respond(channel, np.repeat(channel.history.mean * levels[:, None], draws, axis=1))


def test_curves_are_recovered_with_their_bands(world, with_tests, model, fitted):
    """Half the mean is hardly ever seen: its error is the prior's, its band is not."""
    levels = np.array([0.5, 1.0, 1.5, 2.0])
    errors, covered = [], []
    fits = [fitted]
    for seed in (2, 3):
        made = with_tests(world(seed=seed, noise=0.01))
        fits.append((made, calibrate(made.dataset, model, "fast", seed=seed, draws=200)))
    for made, fit in fits:
        for index, channel in enumerate(fit.curves.channels):
            draws = curve_draws(channel, fit.curves.draws, levels)
            true = made.response(index, levels * channel.history.mean)
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


def test_the_same_seed_gives_the_same_fit_to_the_last_bit_and_compiles_nothing(fitted, model, compiled):
    made, fit = fitted
    before = len(compiled)
    again = calibrate(made.dataset, model, "fast", seed=5, draws=200)
    assert len(compiled) == before
    for one, other in zip(fit.curves.channels, again.curves.channels, strict=True):
        for name, values in one.saturation.parameters.items():
            assert np.array_equal(values, other.saturation.parameters[name])
    assert fit.health == again.health


def test_other_units_of_money_give_the_same_curves_in_those_units(fitted, model):
    """Outcome and money in units of their own: millions, and millionths."""
    made, fit = fitted
    dataset = made.dataset
    large = [
        replace(
            test,
            outcome_change=test.outcome_change * 1e6,
            standard_error=test.standard_error * 1e6,
            spend_change=tuple(money * 1e-6 for money in test.spend_change),
        )
        for test in dataset.lift_tests
    ]
    scaled = replace(
        dataset,
        outcome=dataset.outcome * 1e6,
        spend=dataset.spend * 1e-6,
        driver=dataset.driver * 1e-6,
        lift_tests=tuple(large),
    )
    other = calibrate(scaled, model, "fast", seed=5, draws=200)
    for one, same in zip(fit.curves.channels, other.curves.channels, strict=True):
        for name, unit in (("ceiling", 1e6), ("halfway", 1e-6), ("slope", 1), ("tail", 1)):
            assert np.allclose(one.saturation.parameters[name] * unit, same.saturation.parameters[name], rtol=1e-4)
        assert np.allclose(one.adstock.parameters["retain"], same.adstock.parameters["retain"], atol=1e-5)


def test_a_test_that_says_nothing_changes_nothing(world, with_tests, model):
    """Whatever it found."""
    made = with_tests(world(seed=1))
    tests = made.dataset.lift_tests
    places = [
        draw_posterior(prepare(replace(made.dataset, lift_tests=each), model), "fast", 1, 50).places
        for each in (tests, tuple(replace(test, outcome_change=1e5) for test in tests))
    ]
    assert np.allclose(places[0], places[1], atol=1e-3)


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
