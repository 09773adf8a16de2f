"""Laws of carry-over: every kernel shares spend out, and the fast recursion equals its slow twins."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from engine.response.adstock import ADSTOCKS, REACH, adstock, delayed, geometric

CASES = [
    *(pytest.param("geometric", (retain,), id=f"geometric-{retain}") for retain in (0.0, 0.05, 0.5, 0.9, 0.97)),
    *(
        pytest.param("delayed", (retain, peak), id=f"delayed-{retain}-{peak}")
        for retain in (0.0, 1e-9, 0.3, 0.9, 0.999)
        for peak in (0.0, 0.5, 1.7, 3.0, 20.25, 51.9)
    ),
    *(
        pytest.param(name, (shape, scale), id=f"{name}-{shape}-{scale}")
        for name in ("weibull_cdf", "weibull_pdf")
        for shape in (1e-3, 0.5, 1.0, 2.0, 10.0)
        for scale in (0.1, 1.0, 5.5, 52.0)
    ),
    *(
        pytest.param("two_speed", shape, id=f"two_speed-{shape}")
        for shape in ((0.3, 0.9, 0.4), (0.0, 0.97, 1.0), (0.6, 0.6, 0.0), (0.9, 0.2, 0.5))
    ),
    *(
        pytest.param("buildup", shape, id=f"buildup-{shape}")
        for shape in ((0.8, 0.5), (0.5, 0.8), (0.7, 0.7), (0.7, 0.7000001), (0.9, 1e-9), (0.9, 0.0), (0.95, 0.949))
    ),
]
every_case = pytest.mark.parametrize(("name", "shape"), CASES)


def recursion(spend, retain, initial):
    """The stock, one period after the other."""
    stocks, stock = [], initial
    for money in spend:
        stock = (1 - retain) * money + retain * stock
        stocks.append(stock)
    return np.array(stocks)


def scanned(spend, retain, initial):
    """The stock by `lax.scan`."""

    def step(stock, money):
        stock = (1 - retain) * money + retain * stock
        return stock, stock

    return jax.lax.scan(step, initial, spend)[1]


@every_case
def test_a_kernel_is_never_negative_and_sums_to_one(name, shape):
    lags = 4000 if name in ("geometric", "two_speed", "buildup") else REACH
    weights = ADSTOCKS[name].kernel(np.arange(float(lags)), *map(np.array, shape))
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)


@every_case
def test_numpy_and_jax_kernels_agree(name, shape):
    with jax.enable_x64(True):
        jitted = jax.jit(ADSTOCKS[name].kernel)(jnp.arange(60.0), *map(jnp.asarray, shape))
    assert np.asarray(jitted) == pytest.approx(ADSTOCKS[name].kernel(np.arange(60.0), *map(np.array, shape)), abs=2e-14)


@every_case
def test_kernels_serve_many_draws_at_once(name, shape):
    lags = np.arange(30.0)
    draws = tuple(np.array([value, max(0.1, 0.5 * value)]) for value in shape)
    together = ADSTOCKS[name].kernel(lags[None, :], *(value[:, None] for value in draws))
    apart = [ADSTOCKS[name].kernel(lags, *(value[row] for value in map(np.asarray, draws))) for row in (0, 1)]
    assert together == pytest.approx(np.array(apart), rel=1e-14)


@every_case
def test_gradients_of_a_kernel_are_finite_inside_its_range(name, shape):
    if shape[0] == 0.0:
        shape = (1e-3, *shape[1:])  # at 0 the slope of 0^(1/4) is truly infinite

    def early(*values):
        return ADSTOCKS[name].kernel(jnp.arange(8.0, dtype=jnp.float32), *values)[3]

    values = tuple(jnp.asarray(value, dtype=jnp.float32) for value in shape)
    for gradient in jax.grad(early, argnums=tuple(range(len(shape))))(*values):
        assert jnp.isfinite(gradient)


def fading(retain, lags):
    """A geometric kernel, number by number."""
    return np.array([(1 - retain) * retain**lag for lag in range(lags)])


@given(st.floats(0.05, 10.0), st.floats(0.1, 52.0))
def test_weibull_kernels_are_products_and_densities_of_the_distribution(shape, scale):
    law = stats.weibull_min(shape, scale=scale)
    product = np.cumprod([1.0, *law.sf(np.arange(1.0, REACH))])
    found = ADSTOCKS["weibull_cdf"].kernel(np.arange(float(REACH)), np.array(shape), np.array(scale))
    assert found == pytest.approx(product / product.sum(), rel=1e-9, abs=1e-13)
    logs = law.logpdf(np.arange(1.0, REACH + 1))
    found = ADSTOCKS["weibull_pdf"].kernel(np.arange(float(REACH)), np.array(shape), np.array(scale))
    assert found == pytest.approx(special.softmax(logs), rel=1e-9, abs=1e-13)


TWELFTH = jax.jit(  # the weight of lag 12 of a buildup, and its gradient; compiled once
    jax.value_and_grad(
        lambda retain, onset: ADSTOCKS["buildup"].kernel(jnp.full((), 12.0), retain, onset), argnums=(0, 1)
    )
)


@given(st.floats(0, 0.98), st.floats(0, 0.98))
def test_buildup_is_one_geometric_kernel_after_the_other(retain, onset):
    expected = np.convolve(fading(retain, 80), fading(onset, 80))[:80]
    found = ADSTOCKS["buildup"].kernel(np.arange(80.0), np.array(retain), np.array(onset))
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-300)


@given(st.floats(0.05, 0.98), st.one_of(st.just(0.0), st.floats(-1e-3, 1e-3)))
def test_buildup_keeps_its_digits_and_its_gradient_where_both_stages_are_equal(retain, apart):
    onset = min(retain + apart, 0.985)
    lag, powers = 12, np.arange(13.0)
    terms = retain**powers * onset ** (lag - powers)
    share = (1 - retain) * (1 - onset) * terms.sum()
    by_retain = share * ((powers * terms).sum() / retain / terms.sum() - 1 / (1 - retain))
    by_onset = share * (((lag - powers) * terms).sum() / onset / terms.sum() - 1 / (1 - onset))
    with jax.enable_x64(True):
        found, gradient = TWELFTH(jnp.asarray(retain), jnp.asarray(onset))
    assert float(found) == pytest.approx(share, rel=1e-12)
    assert sum(map(float, gradient)) == pytest.approx(by_retain + by_onset, rel=1e-9, abs=1e-12)


@given(retained := st.floats(0, 0.99, allow_subnormal=False), retained)
def test_limits_of_the_families_are_geometric(retain, other):
    lags, plain = np.arange(60.0), fading(retain, 60)
    kept, gone, none = np.array(retain), np.array(other), np.array(0.0)
    assert ADSTOCKS["two_speed"].kernel(lags, kept, gone, none) == pytest.approx(plain, rel=1e-14)
    assert ADSTOCKS["two_speed"].kernel(lags, gone, kept, np.array(1.0)) == pytest.approx(plain, rel=1e-14)
    assert ADSTOCKS["buildup"].kernel(lags, kept, none) == pytest.approx(plain, rel=1e-14, abs=1e-300)
    assert ADSTOCKS["buildup"].kernel(lags, none, kept) == pytest.approx(plain, rel=1e-14, abs=1e-300)


def test_a_delayed_effect_is_largest_at_its_peak():
    weights = delayed(np.arange(20.0), np.array(0.8), np.array(4.0))
    assert int(np.argmax(weights)) == 4
    assert weights[3] == pytest.approx(weights[5])


@pytest.mark.parametrize("name", ["delayed", "weibull_cdf", "weibull_pdf"])
def test_nothing_is_left_of_a_kernel_beyond_its_reach(name):
    shape = (np.array(0.9), np.array(51.0))
    assert (ADSTOCKS[name].kernel(np.arange(REACH, REACH + 5.0), *shape) == 0).all()
    assert (ADSTOCKS[name].kernel(np.arange(REACH - 5.0, REACH), *shape) > 0).all()


money = st.floats(0, 1e7, allow_subnormal=False)
histories = st.lists(money, min_size=1, max_size=70)


@given(histories, retained, money)
def test_doubling_equals_the_obvious_recursion(spend, retain, initial):
    found = adstock(np.array(spend), np.array(retain), np.array(initial))
    scale = max(*spend, initial, 1.0)
    assert found == pytest.approx(recursion(spend, retain, initial), rel=1e-11, abs=1e-12 * scale)


@given(histories, retained)
def test_doubling_equals_convolution_with_the_kernel(spend, retain):
    weights = geometric(np.arange(float(len(spend))), np.array(retain))
    expected = np.convolve(spend, weights)[: len(spend)]
    found = adstock(np.array(spend), np.array(retain), np.array(0.0))
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-12 * max(*spend, 1.0))


@pytest.mark.parametrize("periods", [0, 1, 2, 3, 5, 8, 9, 104, 157])
def test_doubling_equals_a_scan_over_geos_and_channels(periods):
    random = np.random.default_rng(7)
    spend, retain = random.gamma(1.0, 1e4, (periods, 3, 4)), random.uniform(0, 0.95, (3, 4))
    initial = random.gamma(1.0, 1e4, (3, 4))
    with jax.enable_x64(True):
        expected = np.asarray(scanned(jnp.asarray(spend), jnp.asarray(retain), jnp.asarray(initial)))
        compiled = np.asarray(jax.jit(adstock)(jnp.asarray(spend), jnp.asarray(retain), jnp.asarray(initial)))
    assert adstock(spend, retain, initial) == pytest.approx(expected, rel=1e-12)
    assert compiled == pytest.approx(expected, rel=1e-12)


def test_stock_is_linear_in_spend_and_initial_stock():
    random = np.random.default_rng(3)
    one, two = random.gamma(1.0, 1.0, (2, 40, 3))
    before, after = random.gamma(1.0, 1.0, (2, 3))
    retain = np.array([0.0, 0.6, 0.9])
    mixed = adstock(2 * one + 3 * two, retain, 2 * before + 3 * after)
    assert mixed == pytest.approx(2 * adstock(one, retain, before) + 3 * adstock(two, retain, after), rel=1e-12)


def test_a_constant_spend_is_its_own_stock():
    retain = np.array([0.0, 0.5, 0.93])
    level = np.array([10.0, 20.0, 30.0])
    assert adstock(np.tile(level, (60, 1)), retain, level) == pytest.approx(np.tile(level, (60, 1)), rel=1e-13)


def test_an_initial_stock_fades_by_the_share_retained():
    faded = adstock(np.zeros(4), np.array(0.5), np.array(16.0))
    assert faded.tolist() == [8.0, 4.0, 2.0, 1.0]


def test_without_retention_the_stock_is_the_spend_and_the_past_is_forgotten():
    spend = np.array([3.0, 0.0, 5.0])
    assert adstock(spend, np.array(0.0), np.array(100.0)).tolist() == spend.tolist()


def test_spend_after_a_period_changes_nothing_before_it():
    spend = np.random.default_rng(5).gamma(1.0, 1.0, 50)
    later = np.where(np.arange(50) < 20, spend, 9.0)
    retain, initial = np.array(0.8), np.array(1.0)
    assert (adstock(spend, retain, initial)[:20] == adstock(later, retain, initial)[:20]).all()


def test_gradients_in_single_precision_are_finite_and_equal_a_difference():
    spend = jnp.asarray(np.random.default_rng(1).gamma(1.0, 1e6, 156), dtype=jnp.float32)

    def last(retain, initial, spend):
        return adstock(spend, retain, initial)[-1]

    for retain in (0.0, 0.3, 0.95, 0.999):
        start = (jnp.float32(retain), jnp.float32(1e6), spend)
        assert all(jnp.isfinite(part).all() for part in jax.grad(last, argnums=(0, 1, 2))(*start))
    with jax.enable_x64(True):
        double = jnp.asarray(np.asarray(spend), dtype=jnp.float64)
        before, step = jnp.asarray(1e6), 1e-6
        slope = jax.grad(last)(jnp.asarray(0.7), before, double)
        rise = last(jnp.asarray(0.7 + step), before, double) - last(jnp.asarray(0.7 - step), before, double)
    assert float(slope) == pytest.approx(float(rise) / (2 * step), rel=1e-7)
