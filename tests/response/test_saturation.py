"""Laws of saturation, tested over the whole table: a new family is tested by standing in it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.response.saturation import SATURATIONS, hill

SLOPES = (0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 8.0, 20.0)
SHAPES = {
    "hill": [(slope,) for slope in SLOPES],
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
def test_share_never_falls_and_stays_within_one(family, shape):
    for doses in (LINEAR, LOGARITHMIC):
        share = family.share(doses, *arrays(shape))
        assert (np.diff(share) >= 0).all()
        assert share[0] >= 0
        assert share[-1] <= 1
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
    assert (np.diff(family.share(above, *arrays(shape)), 2) <= 1e-15).all()


@every_case
def test_the_inflection_is_where_steepness_peaks(family, shape):
    bend = float(np.asarray(family.inflection(*arrays(shape))))
    doses = np.linspace(1e-6, 3.0, 30_001)
    steepest = doses[np.argmax(family.with_steepness(doses, *arrays(shape))[1])]
    assert steepest == pytest.approx(bend, abs=2e-4)


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
