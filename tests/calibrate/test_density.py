"""The density: against the slowest code that could compute it."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from engine.calibrate.density import (
    FAR,
    Otherwise,
    contributions,
    densities_at,
    predicted,
    slope_at,
    stated,
    stock_of,
    ties,
)
from engine.calibrate.priors import CROWDED, CROWDED_WIDTH, FREEDOM, RISING_WIDTH, SCATTER, interpret
from engine.calibrate.problem import explain, hold_out, prepare
from engine.compiling import quickly
from engine.config.beliefs import ElasticityRange
from engine.config.model import ChannelColumns
from engine.errors import InputError
from engine.response.adstock import ADSTOCKS

TAIL_90 = 1.6448536269514722


def numpy_of(problem):
    """The evidence off the device."""
    return jax.tree.map(np.asarray, problem.evidence)


def parameters_at(problem, place):
    evidence = numpy_of(problem)
    return interpret(place, evidence.priors, evidence.structure, special)


def used_by_loops(dose, opening, parameters, channel):
    """Share of the ceiling along one geo's doses: the build-up first, then the decay, then Burr's curve."""
    retain, onset = (one[channel] for one in parameters.carry)
    slope, tail = (one[channel] for one in parameters.bend)
    built = stock = opening
    found = []
    for one in dose:
        built = (1 - onset) * one + onset * built
        stock = (1 - retain) * built + retain * stock
        found.append(1 - (1 + (2 ** (1 / tail) - 1) * (stock / parameters.halfway[channel]) ** slope) ** -tail)
    return np.array(found)


def media_by_loops(problem, place):
    """Contribution per head of each row and channel, and the ceilings, one channel at a time."""
    panel, parameters = problem.panel, parameters_at(problem, place)
    added, ceilings = np.zeros(panel.dose.shape), []
    for c in range(panel.dose.shape[-1]):
        for g in range(len(panel.size)):
            added[:, g, c] = used_by_loops(panel.dose[:, g, c], panel.opening[g, c], parameters, c)
        mean = (added[:, :, c] @ panel.size).sum() / len(added) / panel.size.sum()
        ceilings.append(parameters.share[c] / mean)
    return added * ceilings, np.array(ceilings)


def found_by_loops(problem, place):
    """What each test should have found, arm by arm."""
    parameters, tests = parameters_at(problem, place), numpy_of(problem).tests
    _, ceiling = media_by_loops(problem, place)
    found = np.zeros(len(tests.found))
    for arm, channel in enumerate(tests.channel):
        for geo in range(tests.dose.shape[1]):
            used = used_by_loops(tests.dose[:, geo, arm], tests.opening[geo, arm], parameters, channel)
            found += tests.owner[:, arm] * ceiling[channel] * (used @ tests.weight[arm, :, geo])
    return found


def white_by_loops(rows, shape):
    """Innovations of an ARMA(1, 1), row by row; national data share nothing."""
    rows, before, innovation, found = rows * shape.weight[0], 0.0, 0.0, []
    for number, row in enumerate(rows):
        moved = shape.first * row if number == 0 else row - shape.keep * before
        innovation, before = moved + shape.echo * innovation, row
        found.append(innovation)
    return np.array(found)


def ties_by_hand(problem, place):
    """Crowding, the multivariate t of the logs of marginal returns, and next money that returns more than all before.

    Slopes by differences.
    """
    panel, parameters = problem.panel, parameters_at(problem, place)
    _, ceiling = media_by_loops(problem, place)
    logs, rising = [], 0.0
    for c in range(len(ceiling)):
        steady = [
            used_by_loops([today], today, parameters, c)[0] for today in panel.today[c] * np.array([0.9999, 1.0001])
        ]
        money = panel.today[c] * 0.0002 * panel.dose_scale[c] / panel.dose_scale.mean()
        logs.append(np.log(ceiling[c] * (steady[1] - steady[0]) / money))
        rising += max(0.0, np.log((steady[1] - steady[0]) / 0.0002 / np.mean(steady)) / RISING_WIDTH) ** 2
    uneven = (np.array(logs) - np.mean(logs)) / SCATTER
    crowd = max(parameters.share.sum() - CROWDED, 0.0) / CROWDED_WIDTH
    return -0.5 * (crowd**2 + rising) - 0.5 * (FREEDOM + len(ceiling) - 1) * np.log1p(uneven @ uneven / FREEDOM)


def density_by_loops(problem, place):
    """Prior, tests, ties, and the normal density of whitened rows with covariance sigma^2 I + Z S^2 Z'."""
    shape, noise = numpy_of(problem).linear.chance, parameters_at(problem, place).noise
    media, _ = media_by_loops(problem, place)
    residual = white_by_loops((problem.panel.outcome - media.sum(axis=-1))[:, 0], shape)
    columns = np.stack([white_by_loops(one, shape) for one in problem.baseline.columns.T], axis=1)
    covariance = noise**2 * np.eye(len(residual)) + (columns * problem.baseline.spread**2) @ columns.T
    rows = -0.5 * (residual @ np.linalg.solve(covariance, residual) + np.linalg.slogdet(covariance)[1])
    missed = numpy_of(problem).tests.found - found_by_loops(problem, place)
    return rows - 0.5 * missed @ missed - 0.5 * place @ place + ties_by_hand(problem, place)


@pytest.fixture(scope="module")
def places(problem):
    return np.random.default_rng(0).normal(size=(4, len(problem.hint))) * np.array([0.3, 0.7, 1.0, 2.0])[:, None]


def test_density_and_slope_equal_their_slow_twin(problem, places):
    for place in places:
        height, slope = slope_at(place, problem.evidence)
        assert float(height) == pytest.approx(density_by_loops(problem, place), rel=1e-7)
        for index in (0, 3, 5, 7, 8, 11, 12, 13):  # of each kind one, of what channels share both
            step = 1e-4 * np.eye(len(place))[index]
            difference = density_by_loops(problem, place + step) - density_by_loops(problem, place - step)
            assert float(slope[index]) == pytest.approx(difference / 2e-4, rel=1e-3, abs=2e-3)


def test_tests_are_predicted_as_two_arms(problem, places):
    evidence = numpy_of(problem)
    for place in places[:2]:
        parameters = parameters_at(problem, place)
        _, ceiling = contributions(parameters, evidence)
        assert predicted(parameters, ceiling, evidence) == pytest.approx(found_by_loops(problem, place), rel=1e-9)


def test_many_places_at_once_are_the_same_places(problem, places):
    together = densities_at(np.resize(places, (256, places.shape[1])), problem.evidence)
    assert np.allclose(together[:3], [slope_at(place, problem.evidence)[0] for place in places[:3]], rtol=1e-12)


def test_density_stays_finite_far_out(problem):
    for far in (-30.0, -8.0, 8.0, 30.0):
        for sign in (np.ones(len(problem.hint)), (-1.0) ** np.arange(len(problem.hint))):
            height, slope = slope_at(far * sign, problem.evidence)
            assert np.isfinite(height) and np.isfinite(slope).all()


def test_explained_rows_add_up_to_the_share(problem, places):
    media = explain(problem, places)
    total = (problem.panel.outcome @ problem.panel.size).sum() * problem.panel.outcome_scale
    assert np.allclose(media.national.sum(axis=1) / total, media.parameters.share)
    by_loops, ceiling = media_by_loops(problem, places[2])
    assert np.allclose(media.rows[2], by_loops.sum(axis=-1)) and np.allclose(media.ceiling[2], ceiling)
    assert np.allclose(media.national[2], by_loops[:, 0] * problem.panel.outcome_scale)


def test_ties_look_only_at_how_marginal_returns_differ(problem, places):
    """Twice the return of every channel is as plausible, until nothing is left for a baseline."""
    evidence = numpy_of(problem)
    parameters = parameters_at(problem, places[0])._replace(share=np.array([0.05, 0.04]))
    ceiling = np.array([0.1, 0.2])
    one = float(ties(parameters, ceiling, evidence))
    assert float(ties(parameters, 3 * ceiling, evidence)) == pytest.approx(one, abs=1e-6)
    assert float(ties(parameters, ceiling * np.array([1.0, 9.0]), evidence)) < one
    crowded = parameters._replace(share=np.array([0.6, CROWDED - 0.6 + 2 * CROWDED_WIDTH]))
    assert float(ties(crowded, ceiling, evidence)) == pytest.approx(one - 2.0)


def test_a_told_elasticity_is_that_of_a_steady_response(world, with_tests, modelled):
    told = ChannelColumns(kind="paid", spend="x", elasticity=ElasticityRange(low=0.05, high=0.2))
    dataset = with_tests(world(seed=1)).dataset
    plain, known = (
        prepare(dataset, modelled(channels={"channel 1": one}))
        for one in (told.model_copy(update={"elasticity": None}), told)
    )
    place = np.zeros(len(plain.hint))
    parameters = parameters_at(plain, place)
    _, ceiling = media_by_loops(plain, place)
    today = plain.panel.today[1]
    up, down = (ceiling[1] * used_by_loops([one], one, parameters, 1)[0] for one in (1.001 * today, 0.999 * today))
    distance = (np.log((up - down) / 0.002) - np.log(0.1)) / (np.log(2) / TAIL_90)
    instead = numpy_of(known).otherwise
    before = (np.log((up - down) / 0.002) - instead.mean[1]) * np.sqrt(instead.precision[1, 1])
    heights = [float(ties(parameters, ceiling, numpy_of(one))) for one in (plain, known)]
    assert abs(before) < FAR
    assert heights[1] - heights[0] == pytest.approx(-0.5 * distance**2 + 0.5 * before**2, rel=1e-4)


@pytest.mark.parametrize("wide", [1.0, 3.0])
def test_what_is_told_of_an_elasticity_wins_far_out_however_wide_its_range(problem, wide):
    """Beside a belief of a spread of one: the quotient of both would grow without end."""
    instead = Otherwise(np.zeros(2), np.diag([1.0, 0.0]))
    told = np.array([[0.0, np.nan], [wide, np.nan]])
    evidence = eqx.tree_at(lambda one: (one.otherwise, one.priors.elasticity_told), numpy_of(problem), (instead, told))
    far = np.array([[0.0, 7.0], [-2.0, 0.0], [60.0, 0.0], [-200.0, 0.0]])
    found = stated(far, evidence)
    assert found[:2] == pytest.approx([0.0, 2.0 - 2.0 / wide**2])
    assert found[2] < 0 and found[3] < -1000


def test_an_elasticity_told_of_a_channel_that_does_not_run_is_refused(world, modelled):
    dataset = world(channels=2).dataset
    driver = dataset.driver.copy()
    driver[-60:, :, 1] = 0.0
    told = ChannelColumns(kind="paid", spend="x", elasticity=ElasticityRange(low=0.05, high=0.2))
    with pytest.raises(InputError, match="elasticity of 'channel 1' is told, and it did not run in the latest year"):
        prepare(replace(dataset, driver=driver), modelled(channels={"channel 1": told}))


def test_a_channel_at_rest_leaves_the_returns_of_the_others_as_even_as_they_were(problem, places):
    """Ties of two running channels are the same whether or not a third stands still today."""
    evidence, two = numpy_of(problem), parameters_at(problem, places[0])
    three = jax.tree.map(lambda one: np.append(one, one[:1]) if np.ndim(one) else one, two)
    idle = eqx.tree_at(
        lambda one: (one.today, one.price, one.priors.elasticity_told, one.otherwise),
        evidence,
        (
            np.append(evidence.today, 0.0),
            np.append(evidence.price, 1.0),
            np.full((2, 3), np.nan),
            Otherwise(np.zeros(3), np.zeros((3, 3))),
        ),
    )
    small = 0.1 * np.array([1.0, 2.0, 50.0])
    two, three = (one._replace(share=np.full(len(one.share), 0.01)) for one in (two, three))
    assert float(ties(three, small, idle)) == pytest.approx(float(ties(two, small[:2], evidence)), rel=1e-12)


@pytest.mark.parametrize("family", ADSTOCKS)
def test_a_stock_is_the_sum_over_lags_after_a_steady_past(family):
    random = np.random.default_rng(3)
    dose, opening = random.gamma(1.0, 1.0, (40, 2, 3)), random.gamma(1.0, 1.0, (2, 3))
    some = {
        "retain": [0.3, 0.6, 0.1],
        "onset": [0.5, 0.1, 0.7],
        "retain_slow": [0.9, 0.8, 0.95],
        "slow": [0.2, 0.4, 0.1],
    }
    some |= {"peak": [1.3, 0.2, 3.0], "shape": [0.7, 1.5, 3.0], "scale": [0.5, 3.0, 6.0]}
    carry = tuple(np.array(some[name]) for name in ADSTOCKS[family].shape)
    found = stock_of(dose, opening, carry, family)
    weights = ADSTOCKS[family].kernel(np.arange(1000.0)[:, None], *carry)
    assert np.allclose(weights.sum(axis=0), 1)
    for period in (0, 1, 7, 39):
        now = sum(weights[lag] * dose[period - lag] for lag in range(period + 1))
        assert np.allclose(found[period], now + weights[period + 1 :].sum(axis=0) * opening, rtol=1e-9)


def test_every_stock_has_a_slope_that_is_its_difference():
    """All carry-over families in one program."""
    random = np.random.default_rng(4)
    dose, opening, worth = (
        random.gamma(1.0, 1.0, (9, 1, 2)),
        random.gamma(1.0, 1.0, (1, 2)),
        random.normal(size=(9, 1, 2)),
    )
    families = {name: np.arange(len(one.shape)) for name, one in ADSTOCKS.items()}

    def total(shapes):
        xp = shapes.__array_namespace__()
        given = xp.asarray(dose), xp.asarray(opening)
        return sum(
            (stock_of(*given, tuple(shapes[at] for at in rows), name) * worth).sum() for name, rows in families.items()
        )

    at = np.array([[0.3, 0.6], [0.85, 0.45], [0.2, 0.4]])
    slope = quickly(jax.grad(total))(jnp.asarray(at))
    for index in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[index] = 1e-6
        assert float(slope[index]) == pytest.approx((total(at + step) - total(at - step)) / 2e-6, rel=1e-5, abs=1e-7)


def test_exchanging_channels_exchanges_coordinates(world, with_tests, model):
    history = with_tests(world(seed=2), one=50.0, both=80.0).dataset
    turned = replace(
        history,
        channels=history.channels[::-1],
        kinds=history.kinds[::-1],
        spend=history.spend[:, :, ::-1],
        driver=history.driver[:, :, ::-1],
        lift_tests=tuple(replace(test, columns=tuple(1 - at for at in test.columns)) for test in history.lift_tests),
    )
    place = 0.5 * np.random.default_rng(1).normal(size=14)
    other = np.concatenate([place[:12].reshape(6, 2)[:, ::-1].reshape(-1), place[12:]])
    one, same = (
        float(slope_at(at, prepare(each, model).evidence)[0]) for at, each in ((place, history), (other, turned))
    )
    assert one == pytest.approx(same, rel=1e-6)


def test_holding_out_compiles_nothing_and_unseen_outcomes_have_no_say(problem, compiled):
    place = np.zeros(len(problem.hint))
    slope_at(place, problem.evidence)
    before = len(compiled)
    seen = np.arange(104) < 80
    outcome = problem.panel.outcome * np.where(seen, 1, 50)[:, None]
    changed = replace(problem, panel=replace(problem.panel, outcome=outcome))
    one, other = (float(slope_at(place, hold_out(each, seen))[0]) for each in (problem, changed))
    assert one == other != float(slope_at(place, problem.evidence)[0])
    assert len(compiled) == before
