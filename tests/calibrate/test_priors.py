"""The coordinate maps: standard normals become what is believed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.calibrate.priors import (
    HALFWAY_MEDIAN,
    HALFWAY_SPREAD,
    MEDIA_SHARE,
    RETAIN,
    SHARE_SHAPE,
    SLOPE_MEDIAN,
    SLOPE_SPREAD,
    believe,
    half_life,
    interpret,
)

LEVELS = np.linspace(0.01, 0.99, 99)


def at_levels(kind="paid", period="week"):
    priors = believe((kind,), np.array([100.0]), period)
    return interpret(np.repeat(special.ndtri(LEVELS)[:, None], 4, axis=1), priors, special)


def test_shares_are_weibull_and_expect_the_media_share_in_all():
    believed = stats.weibull_min(SHARE_SHAPE, scale=MEDIA_SHARE / special.gamma(1 + 1 / SHARE_SHAPE))
    assert np.allclose(at_levels().share[:, 0], believed.ppf(LEVELS))
    assert believed.mean() == pytest.approx(MEDIA_SHARE)
    priors = believe(("paid", "owned", "earned"), np.array([1.0, 10.0, 100.0]), "week")
    assert priors.share.sum() == pytest.approx(MEDIA_SHARE)
    assert priors.share[2] / priors.share[0] == pytest.approx(10.0)


@pytest.mark.parametrize("kind", RETAIN)
def test_weekly_retain_is_kumaraswamy(kind):
    low, high = RETAIN[kind]
    below = 1 - (1 - at_levels(kind).retain[:, 0] ** low) ** high
    assert np.allclose(below, LEVELS)


def test_halfway_and_slope_are_log_normal():
    found = at_levels()
    assert np.allclose(found.halfway[:, 0], stats.lognorm(HALFWAY_SPREAD, scale=HALFWAY_MEDIAN).ppf(LEVELS))
    assert np.allclose(found.slope[:, 0], stats.lognorm(SLOPE_SPREAD, scale=SLOPE_MEDIAN).ppf(LEVELS))


def test_a_belief_about_weeks_is_the_same_belief_about_days_and_quarters():
    weekly = at_levels().retain
    assert np.allclose(at_levels(period="day").retain ** 7, weekly, rtol=1e-3)
    assert np.allclose(at_levels(period="quarter").retain, weekly**13.0444, rtol=1e-3)


def test_slower_kinds_are_believed_slower():
    middle = [np.median(at_levels(kind).retain) for kind in ("paid", "shared", "earned", "owned")]
    assert middle == sorted(middle)


def test_values_and_gradients_are_finite_everywhere():
    priors = believe(("paid",), np.array([1.0]), "week")

    def total(place):
        found = interpret(place, priors, jax.scipy.special)
        return found.share.sum() + found.retain.sum() + found.slope.sum()

    steep = jax.jit(jax.value_and_grad(total))
    for far in (-1e3, -30.0, -7.0, 0.0, 7.0, 30.0):
        value, slope = steep(jnp.full(4, far))
        assert jnp.isfinite(value) and jnp.isfinite(slope).all()
        assert float(interpret(np.full(4, far), priors, special).retain[0]) < 1


def test_numpy_and_jax_agree():
    priors = believe(("paid", "owned"), np.array([1.0, 3.0]), "month")
    places = np.random.default_rng(0).normal(size=(50, 8)) * 2
    ours, theirs = (
        interpret(places, priors, special),
        jax.jit(lambda x: interpret(x, priors, jax.scipy.special))(places),
    )
    for one, other in zip(ours, theirs, strict=True):
        assert np.allclose(one, other, rtol=1e-10)


def test_half_life_of_no_carry_over_is_almost_nothing():
    assert 0 < half_life(np.array([0.0]))[0] < 0.1
