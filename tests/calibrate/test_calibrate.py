"""The whole of calibration: it finds what made the data, and the same answer however one asks."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.calibrate.density import densities_at, slope_at
from engine.calibrate.nuts import run_chains, thin
from engine.calibrate.posterior import draw_posterior
from engine.calibrate.problem import prepare
from engine.config.model import Baseline
from engine.errors import InputError
from engine.response.curves import respond


def curve_draws(fit, channel, levels):
    """Responses at multiples of the historical mean, level by draw."""
    one = fit.curves.channels[channel]
    return respond(one, np.repeat(one.history.mean * levels[:, None], fit.curves.draws, axis=1))


@pytest.fixture(scope="module")
def two(world, model):
    """Two channels, three years, fitted fast."""
    made = world(channels=2, seed=1)
    return made, calibrate(made.dataset, model, "fast", seed=5, draws=300)


def test_curves_are_recovered_with_their_bands(world, model):
    levels = np.array(
        [0.5, 1.0, 1.5, 2.0]
    )  # half the mean is hardly ever seen: its error is the prior's, its band is not
    errors, covered = [], []
    for seed in range(3):
        made = world(channels=2, seed=seed, noise=0.01)
        fit = calibrate(made.dataset, model, "fast", seed=seed, draws=300)
        for channel in range(2):
            draws = curve_draws(fit, channel, levels)
            true = made.response(channel, levels * fit.curves.channels[channel].history.mean)
            low, high = np.percentile(draws, [5, 95], axis=1)
            errors.append(np.abs(draws.mean(axis=1) / true - 1)[1:])
            covered.append((low <= true) & (true <= high))
    assert np.mean(errors) < 0.08
    assert np.mean(covered) >= 0.75


def test_carry_over_lies_in_its_band_and_health_is_good(two):
    made, fit = two
    for channel, true in zip(fit.curves.channels, made.retain, strict=True):
        low, high = np.percentile(channel.adstock.parameters["retain"], [2.5, 97.5])
        assert low <= true <= high
    assert fit.health.trust == "good"
    assert {check.name for check in fit.health.checks} >= {
        "convergence",
        "fit",
        "holdout",
        "baseline",
        "channel channel 0",
    }


def test_contributions_and_readings_add_up(two):
    made, fit = two
    together = sum(part.mean for part in fit.contributions)
    actual = made.dataset.outcome.sum(axis=1)
    assert abs(together.sum() / actual.sum() - 1) < 0.005
    assert all((part.low <= part.mean).all() and (part.mean <= part.high).all() for part in fit.contributions)
    for reading, part in zip(fit.readings, [p for p in fit.contributions if p.is_channel], strict=True):
        assert reading.name == part.component
        assert reading.roas[0] <= part.mean.sum() / reading.spend <= reading.roas[2]


def test_the_same_seed_gives_the_same_fit_to_the_last_bit(two, model):
    made, fit = two
    again = calibrate(made.dataset, model, "fast", seed=5, draws=300)
    for one, other in zip(fit.curves.channels, again.curves.channels, strict=True):
        for name, values in one.saturation.parameters.items():
            assert np.array_equal(values, other.saturation.parameters[name])
    assert fit.health == again.health


@pytest.mark.parametrize("unit", [1e6, 1e-6])
def test_other_units_of_money_give_the_same_curves_in_those_units(two, model, unit):
    made, fit = two
    dataset = made.dataset
    scaled = replace(dataset, outcome=dataset.outcome * unit, spend=dataset.spend * unit, driver=dataset.driver * unit)
    other = calibrate(scaled, model, "fast", seed=5, draws=300)
    for one, two_ in zip(fit.curves.channels, other.curves.channels, strict=True):
        for name, power in (("ceiling", 1), ("halfway", 1), ("slope", 0)):
            assert np.allclose(
                one.saturation.parameters[name] * unit**power, two_.saturation.parameters[name], rtol=1e-5
            )
        assert np.allclose(one.adstock.parameters["retain"], two_.adstock.parameters["retain"], rtol=1e-5)


def test_exchanging_channels_exchanges_their_curves(two, model):
    made, fit = two
    dataset = made.dataset
    turned = replace(
        dataset,
        channels=dataset.channels[::-1],
        kinds=dataset.kinds[::-1],
        spend=dataset.spend[:, :, ::-1],
        driver=dataset.driver[:, :, ::-1],
    )
    other = calibrate(turned, model, "fast", seed=5, draws=300)
    for channel in range(2):
        one, same = (curve_draws(f, c, np.array([0.5, 1.0, 2.0])) for f, c in ((fit, channel), (other, 1 - channel)))
        assert np.abs((one.mean(axis=1) - same.mean(axis=1)) / one.std(axis=1)).max() < 0.35  # chance of 300 draws


def test_both_speeds_draw_from_the_same_density(world):
    problem = prepare(world(channels=1, periods=77, seed=2).dataset, Baseline())
    fast = draw_posterior(problem, "fast", seed=1, draws=2000).places
    chains = run_chains(fast, problem.evidence, seed=1, kept=400)
    assert chains.r_hat < 1.02 and chains.bulk >= 400 and chains.divergences == 0
    slow = chains.places.reshape(-1, 4)
    spread = slow.std(axis=0)
    assert np.abs((fast.mean(axis=0) - slow.mean(axis=0)) / spread).max() < 0.2
    assert np.abs(fast.std(axis=0) / spread - 1).max() < 0.2
    assert thin(chains, 50).shape == (50, 4)


def test_one_shape_of_data_is_compiled_once(world, model):
    before = slope_at._cache_size(), densities_at._cache_size()
    dataset = world(channels=1, periods=71).dataset
    for seed in (1, 2):
        calibrate(dataset, model, "fast", seed=seed, draws=50)
    assert (slope_at._cache_size() - before[0], densities_at._cache_size() - before[1]) == (1, 1)


def test_geos_share_one_curve_per_head(world, model):
    made = world(channels=1, periods=80, seed=3, people=(1.0, 2.0, 4.0, 0.5))
    fit = calibrate(made.dataset, model, "fast", seed=1, draws=200)
    levels = np.array([0.5, 1.0, 2.0])
    draws = curve_draws(fit, 0, levels)
    true = made.response(0, levels * fit.curves.channels[0].history.mean)
    assert np.abs(draws.mean(axis=1) / true - 1).max() < 0.15
    assert {check.name: check.verdict for check in fit.health.checks}["geos"] == "good"


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
