"""Laws of saturation, tested over the whole table: a new family is tested by standing in it."""

import decimal
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.response.saturation import SATURATIONS, hill

SLOPES = (0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 8.0, 20.0)
SHAPES = {
    "hill": [(slope,) for slope in SLOPES],
    "logistic": [(slope,) for slope in (1.0, 1.2, 2.0, 4.0, 12.0, 30.0)],
    "power": [(slope,) for slope in (0.05, 0.3, 0.7, 1.0)],
    "burr": list(itertools.product((0.3, 0.8, 1.0, 1.5, 3.0, 6.0), (0.05, 0.3, 1.0, 7.0, 1000.0))),
}
CASES = [
    pytest.param(family, shape, id="-".join(map(str, (name, *shape))))
    for name, family in SATURATIONS.items()
    for shape in SHAPES.get(name, [()])
]
LINEAR = np.linspace(0.0, 20.0, 4001)
LOGARITHMIC = np.geomspace(1e-9, 1e9, 2001)
SINGLE = jnp.asarray([0.0, *np.geomspace(1e-30, 1e12, 200)], dtype=jnp.float32)

every_case = pytest.mark.parametrize(("family", "shape"), CASES)


def arrays(shape):
    return tuple(np.array(value) for value in shape)


def singles(shape):
    return tuple(jnp.asarray(value, dtype=jnp.float32) for value in shape)


@every_case
def test_nothing_spent_wins_nothing_and_halfway_wins_half(family, shape):
    assert family.share(np.array([0.0, 1.0]), *arrays(shape)) == pytest.approx([0.0, 0.5], abs=1e-15)


@every_case
def test_share_never_falls_and_stays_within_one_where_it_has_a_ceiling(family, shape):
    for doses in (LINEAR, LOGARITHMIC):
        share = family.share(doses, *arrays(shape))
        assert (np.diff(share) >= 0).all()
        assert share[0] >= 0
        assert share[-1] <= 1 or not family.bounded
        assert (np.diff(share[share < 0.99]) > 0).all()


@every_case
def test_share_depends_on_spend_over_halfway_alone(family, shape):
    spend, halfway = np.geomspace(1.0, 1e7, 50), 3.7e4
    here = family.share(spend / halfway, *arrays(shape))
    in_cents = family.share((100 * spend) / (100 * halfway), *arrays(shape))
    assert in_cents == pytest.approx(here, rel=1e-13)


@every_case
def test_convex_up_to_the_inflection_and_concave_from_there(family, shape):
    bend = float(np.asarray(family.inflection(*arrays(shape))))
    below = np.linspace(0.0, bend, 201)
    above = np.linspace(bend, bend + 5.0, 201)
    if bend > 0:
        assert (np.diff(family.share(below, *arrays(shape)), 2) >= -1e-15).all()
    assert (np.diff(family.share(above, *arrays(shape)), 2) <= 2e-15).all()


@every_case
def test_the_inflection_is_where_steepness_peaks(family, shape):
    bend = float(np.asarray(family.inflection(*arrays(shape))))
    doses = np.linspace(1e-6, 3.0, 30_001)
    steepest = doses[np.argmax(family.with_steepness(doses, *arrays(shape))[1])]
    assert steepest == pytest.approx(bend, abs=2e-4)


@every_case
def test_curvature_is_the_slope_of_steepness(family, shape):
    doses = np.geomspace(1e-3, 3.0, 301)
    step = 1e-6 * doses
    share, here = family.with_steepness(doses, *arrays(shape))
    before, after = (family.with_steepness(doses + side, *arrays(shape))[1] for side in (-step, step))
    central = (after - before) / (2 * step)
    curvature = family.curvature(doses, share, here, *arrays(shape))
    noise = 4e-16 * here / step
    assert (np.abs(curvature - central) <= 1e-5 * np.abs(central) + 1e-6 * here / doses + 2 * noise).all()


@every_case
def test_curvature_rises_to_its_peak_falls_to_its_trough_and_only_rises_from_there(family, shape):
    peak, trough = (float(np.asarray(place(*arrays(shape)))) for place in (family.peak, family.trough))
    doses = np.unique(np.concatenate([np.geomspace(1e-6, 1e2, 4001), np.linspace(1e-6, 3.0, 4001)]))
    curvature = family.curvature(doses, *family.with_steepness(doses, *arrays(shape)), *arrays(shape))
    rises = np.diff(curvature) >= -1e-9 * np.abs(curvature).max()
    falls = np.diff(curvature) <= 1e-9 * np.abs(curvature).max()
    assert peak <= trough
    assert rises[doses[1:] <= peak].all()
    assert falls[(doses[:-1] >= peak) & (doses[1:] <= trough)].all()
    assert rises[doses[:-1] >= trough].all()


@every_case
def test_steepness_is_the_slope_of_share(family, shape):
    doses = np.geomspace(1e-3, 1e3, 301)
    step = 1e-6 * doses
    rise = family.share(doses + step, *arrays(shape)) - family.share(doses - step, *arrays(shape))
    central = rise / (2 * step)
    noise = 1e-16 / step  # a difference of shares cannot know more than its last digit
    error = np.abs(family.with_steepness(doses, *arrays(shape))[1] - central)
    assert (error <= 1e-7 * np.abs(central) + 2 * noise).all()


@every_case
def test_steepness_is_the_gradient_jax_takes(family, shape):
    with jax.enable_x64(True):
        doses = jnp.asarray(np.geomspace(1e-6, 1e4, 200))
        gradient = jax.vmap(jax.grad(lambda dose: family.share(dose, *map(jnp.asarray, shape))))(doses)
    assert family.with_steepness(np.asarray(doses), *arrays(shape))[1] == pytest.approx(
        np.asarray(gradient), rel=1e-9, abs=1e-14
    )


@every_case
def test_value_and_gradients_are_finite_in_single_precision_from_nothing_to_a_trillion(family, shape):
    inputs = tuple(range(1 + len(shape)))
    for function in (family.share, lambda *given: family.with_steepness(*given)[1]):
        values, gradients = jax.vmap(jax.value_and_grad(function, argnums=inputs), in_axes=(0, *(None for _ in shape)))(
            SINGLE, *singles(shape)
        )
        assert values.dtype == jnp.float32
        assert jnp.isfinite(values).all()
        for gradient in gradients if function is family.share else ():
            assert jnp.isfinite(gradient).all()


@every_case
def test_share_is_the_same_with_or_without_its_steepness(family, shape):
    for doses in (LINEAR, LOGARITHMIC):
        share, _ = family.with_steepness(doses, *arrays(shape))
        assert share == pytest.approx(family.share(doses, *arrays(shape)), rel=1e-14, abs=1e-300)


@every_case
def test_gradients_in_single_precision_are_not_negative(family, shape):
    gradient = jax.vmap(jax.grad(lambda dose: family.share(dose, *singles(shape))))(SINGLE)
    assert (gradient >= -1e-6).all()


@every_case
def test_numpy_and_jax_agree_batched_compiled_or_one_by_one(family, shape):
    doses = np.geomspace(1e-4, 1e4, 60)
    with jax.enable_x64(True):
        several = jnp.asarray(doses)
        whole = family.share(several, *map(jnp.asarray, shape))
        compiled = jax.jit(family.share)(several, *map(jnp.asarray, shape))
        batched = jax.vmap(lambda dose: family.share(dose, *map(jnp.asarray, shape)))(several)
    expected = family.share(doses, *arrays(shape))
    for found in (whole, compiled, batched):
        assert np.asarray(found) == pytest.approx(expected, rel=1e-13)


def test_hill_is_the_textbook_quotient_where_that_can_be_computed():
    doses, slopes = np.geomspace(1e-2, 1e2, 50)[:, None], np.array(SLOPES)
    assert hill(doses, slopes) == pytest.approx(doses**slopes / (1 + doses**slopes), rel=1e-13)


def test_hill_keeps_small_shares_and_late_steepness_apart_from_zero():
    """The last tenth of a percent decides where the next dollar goes between two saturated channels."""
    family = SATURATIONS["hill"]
    doses = np.array([1e-100, 1e100])
    assert family.share(doses, np.array(1.0))[0] == pytest.approx(1e-100, rel=1e-12)
    assert family.with_steepness(doses, np.array(1.0))[1] == pytest.approx([1.0, 1e-200], rel=1e-10)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("michaelis_menten", lambda dose: dose / (1 + dose)),
        ("exponential", lambda dose: 1 - 2**-dose),
        ("tanh", lambda dose: (1 - 3**-dose) / (1 + 3**-dose)),
    ],
)
def test_closed_forms_of_the_other_families(name, formula):
    doses = np.linspace(0.0, 10.0, 101)
    assert SATURATIONS[name].share(doses) == pytest.approx(formula(doses), abs=1e-15)


def of_family(name):
    """Shapes anywhere in the documented range of a family, its ends included where they belong to it."""
    tuples = st.tuples(*(anywhere(one) for one in SATURATIONS[name].shape.values()))
    return st.tuples(st.just(SATURATIONS[name]), tuples)


def anywhere(interval):
    low = interval.low if interval.closed_low else interval.low + 0.02
    high = interval.high if interval.closed_high else interval.high - 1e-3
    return st.floats(low, high, allow_subnormal=False)


@functools.cache
def value_and_gradient(share):
    """A share and its gradient by the dose, compiled once."""
    return jax.jit(jax.value_and_grad(share))


any_shape = st.sampled_from(sorted(SATURATIONS)).flatmap(of_family)
any_dose = st.floats(-12.0, 12.0).map(lambda power: 10.0**power)


@settings(max_examples=300)
@given(any_shape, any_dose)
def test_every_family_is_zero_at_zero_half_at_one_and_as_steep_as_jax_says(case, dose):
    family, shape = case
    share, steepness = family.with_steepness(np.array([0.0, 1.0, dose]), *arrays(shape))
    assert share[0] == 0.0
    assert share[1] == pytest.approx(0.5, rel=1e-13)
    assert (share[2] >= 0.5) == (dose >= 1.0) or share[2] == pytest.approx(0.5)
    assert np.isfinite(share).all()
    assert np.isfinite(steepness).all()
    with jax.enable_x64(True):
        value, gradient = value_and_gradient(family.share)(jnp.asarray(dose), *map(jnp.asarray, shape))
    assert share[2] == pytest.approx(float(value), rel=1e-12, abs=1e-300)
    assert steepness[2] == pytest.approx(float(gradient), rel=1e-9, abs=1e-14 / dose)


@settings(max_examples=300)
@given(any_shape, st.floats(0.02, 0.98), st.floats(1.02, 50.0))
def test_every_family_grows_steeper_up_to_its_inflection_and_flatter_from_there(case, before, after):
    family, shape = case
    bend = float(np.asarray(family.inflection(*arrays(shape))))
    assert 0.0 <= bend < 3.0
    doses = np.array([0.5 * before, before, 1.0, after, 2 * after]) * (bend or 1.0)
    steepness = family.with_steepness(doses, *arrays(shape))[1]
    rounding = 1e-12 * steepness.max()
    if bend:
        assert (np.diff(steepness[:3]) >= -rounding).all()
        assert (np.diff(steepness[2:]) <= rounding).all()
    else:
        assert (np.diff(steepness) <= rounding).all()


@settings(max_examples=200)
@given(st.floats(0.3, 6.0), st.floats(0.05, 1000.0), any_dose)
def test_burr_is_what_many_digits_say(slope, tail, dose):
    """Share, what is left, and steepness, from the formula as it is written in a book."""
    with decimal.localcontext(prec=130):
        a, b, x = (decimal.Decimal(number) for number in (slope, tail, dose))
        odds = (decimal.Decimal(2) ** (1 / b) - 1) * x**a
        left = (1 + odds) ** -b
        expected = float(1 - left), float(a * b / x * odds / (1 + odds) * left)
    found = SATURATIONS["burr"].with_steepness(np.array(dose), np.array(slope), np.array(tail))
    assert found == pytest.approx(expected, rel=3e-13, abs=1e-300)


def test_burr_holds_hill_and_tends_to_the_curve_of_weibull():
    burr, doses, slope = SATURATIONS["burr"], np.geomspace(1e-6, 1e6, 200), np.array(1.7)
    assert burr.share(doses, slope, np.array(1.0)) == pytest.approx(hill(doses, slope), rel=1e-12)
    away = [
        np.abs(burr.share(doses, slope, np.array(tail)) - (1 - 2.0 ** -(doses**1.7))).max() for tail in (250.0, 1e3)
    ]
    assert away[1] == pytest.approx(away[0] / 4, rel=0.02)
    assert away[1] < 4e-4


def test_a_small_tail_of_burr_grows_as_slowly_as_a_logarithm():
    doses = 10.0 ** np.arange(3.0, 9.0)
    share = SATURATIONS["burr"].share(doses, np.array(0.6), np.array(0.05))
    steps = np.diff(share)  # for each tenfold spend
    assert (steps > 0.02).all()
    assert steps.max() / steps.min() < 1.6


def test_logistic_is_a_shifted_logistic_function_and_tanh_without_its_shift():
    doses = np.linspace(0.0, 6.0, 200)
    for slope in (1.3, 2.5, 7.0):
        shift = np.log(3.0**slope - 2)
        rise = 1 / (1 + np.exp(shift - slope * np.log(3.0) * doses))
        foot = 1 / (1 + np.exp(shift))
        found = SATURATIONS["logistic"].share(doses, np.array(slope))
        assert found == pytest.approx((rise - foot) / (1 - foot), abs=1e-13)
    assert SATURATIONS["logistic"].share(doses, np.array(1.0)) == pytest.approx(np.tanh(np.arctanh(0.5) * doses))


def test_power_has_one_elasticity_everywhere():
    doses = np.geomspace(1e-9, 1e9, 50)
    share, steepness = SATURATIONS["power"].with_steepness(doses, np.array(0.3))
    assert steepness * doses / share == pytest.approx(0.3, rel=1e-13)
