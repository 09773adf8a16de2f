"""Rows of an earlier fit count less, by the power prior; what moved since is told apart from sampling."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats

from engine.calibrate.baseline import Design
from engine.calibrate.chance import chance, log_volume, whiten
from engine.calibrate.fit import ChannelReading, Check, Fit, Health, Span
from engine.calibrate.linear import linear_block, log_marginal
from engine.calibrate.problem import hold_out, prepare
from engine.calibrate.refresh import Last, effective_draws, median_error, refreshed, spans_of, worth_of_rows
from engine.periods import starts

ROWS = 30
RANDOM = np.random.default_rng(5)
OUTCOME = 1 + 0.1 * RANDOM.standard_normal((ROWS, 1))
COLUMNS = Design(RANDOM.standard_normal((ROWS, 4)), np.array([0.3, 0.2, 0.1, 1.0]), np.zeros(4, int))
WEIGHTS = np.linspace(0.2, 1.0, ROWS)


def weighted(weights, keep=0.0, slow=0.0):
    shape = chance(np.ones(1), np.ones(len(weights), bool), keep, slow)
    return shape._replace(seen=np.sqrt(weights))


def marginal(outcome, shape, columns, noise):
    block = linear_block(outcome, shape, columns)
    return float(log_marginal(block.outcome, np.array(noise), block))


def test_a_row_of_half_weight_that_stands_twice_is_one_row():
    twice = Design(np.repeat(COLUMNS.columns, 2, axis=0), COLUMNS.spread, COLUMNS.component)
    for noise in (0.05, 0.2):
        once = marginal(OUTCOME, weighted(np.ones(ROWS)), COLUMNS, noise)
        halves = marginal(np.repeat(OUTCOME, 2, axis=0), weighted(np.full(2 * ROWS, 0.5)), twice, noise)
        assert halves == pytest.approx(once, rel=1e-10)


def test_the_weighted_likelihood_is_that_of_its_slow_twin():
    """Normal densities to the power of their weights, effects integrated out by a dense covariance."""

    def slow_twin(noise):
        design = COLUMNS.columns * COLUMNS.spread
        covariance = design @ design.T + np.diag(noise**2 / WEIGHTS)
        power = 0.5 * ((1 - WEIGHTS) * np.log(2 * np.pi * noise**2) - np.log(WEIGHTS)).sum()
        return stats.multivariate_normal(np.zeros(ROWS), covariance).logpdf(OUTCOME[:, 0]) + power

    found = [marginal(OUTCOME, weighted(WEIGHTS), COLUMNS, noise) for noise in (0.05, 0.2, 0.6)]
    assert np.diff(found) == pytest.approx(np.diff([slow_twin(noise) for noise in (0.05, 0.2, 0.6)]), rel=1e-9)


def test_slow_noise_weighs_each_innovation():
    """Of an ARMA(1, 1), each row's density given those before it stands to the power of its weight."""
    plain, powered = weighted(np.ones(ROWS), 0.8, 3.0), weighted(WEIGHTS, 0.8, 3.0)
    none = Design(np.zeros((ROWS, 1)), np.ones(1), np.zeros(1, int))
    innovation = whiten(OUTCOME, plain)[:, 0]
    scale = np.r_[float(plain.first), np.ones(ROWS - 1)]  # of the first row's density

    def slow_twin(noise):
        return (WEIGHTS * (stats.norm.logpdf(innovation, 0, noise) + np.log(scale))).sum()

    found = [marginal(OUTCOME, powered, none, noise) + log_volume(powered, 1) for noise in (0.05, 0.2)]
    assert found[1] - found[0] == pytest.approx(slow_twin(0.2) - slow_twin(0.05), rel=1e-10)
    constant = -0.5 * WEIGHTS.sum() * np.log(2 * np.pi)
    assert found[0] + constant == pytest.approx(slow_twin(0.05), rel=1e-10)


def test_weights_of_one_and_held_out_rows_are_what_they_were(world, with_tests, model, problem):
    dataset = with_tests(world(seed=1), both=60.0).dataset
    same = prepare(replace(dataset, worth=np.ones(len(dataset.starts))), model)
    assert np.array_equal(same.hint, problem.hint)
    assert np.array_equal(same.evidence.linear.basis, problem.evidence.linear.basis)
    halved = prepare(replace(dataset, worth=np.full(len(dataset.starts), 0.5)), model)
    seen = np.arange(len(dataset.starts)) < 80
    assert float(halved.evidence.linear.rows) == pytest.approx(52.0)
    assert float(hold_out(halved, seen).linear.rows) == pytest.approx(40.0)


MONDAYS = starts(date(2024, 1, 1), 200, "week")


def last(*spans, discount=0.5, roas=None, effective=400.0):
    return Last(roas or {}, effective, spans, discount)


def test_without_a_new_row_nothing_is_discounted():
    seen = (Span(MONDAYS[0], MONDAYS[51], 0.37), Span(MONDAYS[52], MONDAYS[103], 1.0))
    worth = worth_of_rows(MONDAYS[:104], "week", last(*seen))
    assert np.array_equal(worth, np.r_[np.full(52, 0.37), np.ones(52)])
    assert spans_of(MONDAYS[:104], worth) == seen


def test_discounts_of_two_refreshes_multiply_to_that_of_one():
    first = last(Span(MONDAYS[0], MONDAYS[99], 1.0))
    once = worth_of_rows(MONDAYS[:150], "week", first)
    between = worth_of_rows(MONDAYS[:120], "week", first)
    twice = worth_of_rows(MONDAYS[:150], "week", last(*spans_of(MONDAYS[:120], between)))
    assert twice[:100] == pytest.approx(once[:100], rel=1e-12)
    assert once[0] == pytest.approx(0.5 ** (50 / 52.1775))
    assert (once[100:] == 1).all() and twice[119] == pytest.approx(0.5 ** (30 / 52.1775))


def test_a_discount_of_one_forgets_nothing():
    assert (worth_of_rows(MONDAYS, "week", last(Span(MONDAYS[0], MONDAYS[99], 1.0), discount=1.0)) == 1).all()


@pytest.mark.parametrize("skewed", [False, True])
def test_the_error_of_a_median_is_what_repeated_samples_show(skewed):
    random = np.random.default_rng(1)
    samples = random.normal(1.0, 0.5 if skewed else 0.2, (4000, 100))
    samples = np.exp(samples) if skewed else samples
    band = tuple(np.percentile(samples, [5, 50, 95]))
    assert median_error(band, 100.0) == pytest.approx(np.median(samples, axis=1).std(), rel=0.06)


def test_draws_are_worth_no_more_than_the_sample_behind_them():
    assert effective_draws({"effective": 500.0}, 500) == pytest.approx(250.0)
    assert effective_draws({"bulk": 1e9, "effective": 3.0}, 500) == pytest.approx(500.0)
    assert effective_draws({}, 500) == pytest.approx(250.0)


def a_fit(**roas):
    """A fit of channels with these returns, all else left out."""
    readings = tuple(
        ChannelReading(name, 1.0, (0.1, 0.2, 0.3), (0.8 * one, one, 1.25 * one), (1.0,) * 3, (1.0,) * 3)
        for name, one in roas.items()
    )
    health = Health("good", (Check("convergence", "good", 1.0, "", {"effective": 1000.0}),))

    class OfThousandDraws:
        draws = 1000

    fit = object.__new__(Fit)
    parts = {"curves": OfThousandDraws, "health": health, "readings": readings, "starts": MONDAYS[:113]}
    for name, value in parts.items():
        object.__setattr__(fit, name, value)
    return fit


def test_what_moved_is_named_with_its_cause():
    before = last(Span(MONDAYS[0], MONDAYS[99], 1.0), roas={"tv": (1.6, 1.8, 2.0), "radio": (1.6, 2.0, 2.5)})
    found = refreshed(a_fit(tv=1.5, radio=2.0), before, ("13 new weeks",))
    assert found.sentence == "tv 1.8 -> 1.5: 13 new weeks; beyond the noise of drawing; nothing else moved beyond it"
    assert found.new_periods == 13
    assert [one.is_beyond for one in found.changes] == [True, False]
    assert found.changes[0].change == pytest.approx(-0.3) and found.changes[1].change == 0.0


def test_what_did_not_move_is_said_too():
    before = last(Span(MONDAYS[0], MONDAYS[112], 1.0), roas={"tv": (1.2, 1.5, 1.9)})
    found = refreshed(a_fit(tv=1.51), before, ())
    assert found.sentence == "same data, same questions: nothing moved beyond the noise of drawing"
    assert found.new_periods == 0
