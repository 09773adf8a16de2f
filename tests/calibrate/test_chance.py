"""The noise: what its filter makes of it, and its likelihood beside that of the exact covariance."""

import numpy as np
import pytest
from scipy import stats

from engine.calibrate.baseline import Design
from engine.calibrate.chance import chance, draw_chance, log_volume, shared_part, slow_spread, split, whiten
from engine.calibrate.linear import linear_block, log_marginal

KEEP, SLOW, SHARED = 0.9, 3.0, 0.6
ONE = np.ones(1)


def autocovariance(keep: float, slow: float, lags: int) -> np.ndarray:
    """Of a slow autoregression with `slow` times the variance of the white noise of one that is added to it."""
    found = slow * keep ** np.arange(float(lags))
    found[0] += 1
    return found


def spread_of(keep: float, slow: float) -> float:
    """Of an innovation where the white noise has one: the prediction variance that the past leaves in the end."""
    lags = 400
    covariance = autocovariance(keep, slow, lags + 1)[np.abs(np.subtract.outer(range(lags + 1), range(lags + 1)))]
    return float(
        np.sqrt(covariance[-1, -1] - covariance[-1, :-1] @ np.linalg.solve(covariance[:-1, :-1], covariance[:-1, -1]))
    )


def rows_like(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Rows of geos with a slow part and white noise, by a loop; one part of each is shared by all geos."""
    periods, geos = shape
    found, slow = np.zeros(shape), np.zeros(geos)

    def once() -> np.ndarray:
        return random.standard_normal(geos) + np.sqrt(SHARED / geos) * random.standard_normal()

    slow = np.sqrt(SLOW) * once()
    for period in range(periods):
        found[period] = slow + once()
        slow = KEEP * slow + np.sqrt(SLOW * (1 - KEEP**2)) * once()
    return found


def covariance_of(periods: int, geos: int) -> np.ndarray:
    """Of `rows_like`, row by row with geos fastest."""
    lags = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    return np.kron(autocovariance(KEEP, SLOW, periods)[lags], np.eye(geos) + SHARED / geos)


def test_whitened_rows_are_white_with_one_spread():
    rows = rows_like((4000, 3), np.random.default_rng(0))
    white = whiten(rows, chance(np.ones(3), np.ones(4000, bool), KEEP, SLOW, SHARED)) / spread_of(KEEP, SLOW)
    assert np.allclose(np.cov(white.T), np.eye(3), atol=3 * np.sqrt(2 / 4000))
    for lag in (1, 2, 5, 20):
        assert np.abs(white[lag:].T @ white[:-lag] / 4000).max() < 3.5 / np.sqrt(4000)


@pytest.mark.parametrize(("keep", "slow"), [(0.0, 0.0), (0.5, 1.0), (KEEP, SLOW), (0.98, 0.1), (0.98, 30.0)])
def test_the_shape_has_the_autocovariance_of_a_slow_part_and_white_noise(keep, slow):
    """Of an ARMA(1, 1) with innovations of variance v: v (1 + (phi - psi)^2 / (1 - phi^2)), then phi times less."""
    shape = chance(ONE, np.ones(5, bool), keep, slow)
    phi, psi, variance = float(shape.keep), float(shape.echo), spread_of(keep, slow) ** 2
    at_zero = variance * (1 + (phi - psi) ** 2 / (1 - phi**2))
    at_one = variance * (1 - phi * psi) * (phi - psi) / (1 - phi**2)
    assert [at_zero, at_one] == pytest.approx(autocovariance(keep, slow, 2).tolist(), rel=1e-6)
    assert float(shape.first) == pytest.approx(np.sqrt(variance / at_zero))
    assert slow_spread(shape) * np.sqrt(variance) == pytest.approx(np.sqrt(slow), rel=1e-6)


@pytest.mark.parametrize(("keep", "slow", "error"), [(0.0, 0.0, 1e-9), (0.7, 1.0, 0.6), (KEEP, SLOW, 1.5)])
def test_the_likelihood_is_that_of_the_exact_covariance_but_for_the_first_periods(keep, slow, error):
    """The filter takes its steady state at once. That errs by a little in the first periods, however long the rest."""
    random = np.random.default_rng(1)
    for periods in (60, 180):
        lags = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
        covariance = autocovariance(keep, slow, periods)[lags]
        for _ in range(4):
            rows = np.linalg.cholesky(covariance) @ random.standard_normal(periods)
            shape = chance(ONE, np.ones(periods, bool), keep, slow)
            block = linear_block(rows[:, None], shape, empty(periods))
            found = float(log_marginal(block.outcome, np.array(spread_of(keep, slow)), block)) + log_volume(shape, 1)
            exact = stats.multivariate_normal(cov=covariance).logpdf(rows) + 0.5 * periods * np.log(2 * np.pi)
            assert abs(found - exact) < error


def test_the_likelihood_of_geos_that_share_their_noise_is_exact():
    rows = rows_like((30, 3), np.random.default_rng(2))
    flat = chance(np.ones(3), np.ones(30, bool), shared=SHARED)
    covariance = np.kron(np.eye(30), np.eye(3) + SHARED / 3)
    block = linear_block(rows, flat, empty(90))
    found = float(log_marginal(block.outcome, np.array(1.0), block)) + log_volume(flat, 3)
    exact = stats.multivariate_normal(cov=covariance).logpdf(rows.reshape(-1)) + 45 * np.log(2 * np.pi)
    assert found == pytest.approx(exact, abs=1e-9)


def empty(rows: int) -> Design:
    """No effect: one column of nothing."""
    return Design(np.zeros((rows, 1)), np.ones(1), np.zeros(1, dtype=int))


def test_unseen_rows_are_nothing_and_change_nothing_before_them():
    rows = rows_like((20, 2), np.random.default_rng(3))
    seen = np.arange(20) < 15
    found = whiten(rows, chance(np.array([1.0, 2.0]), seen, KEEP, SLOW, SHARED))
    assert (found[15:] == 0).all()
    short = whiten(rows[:15], chance(np.array([1.0, 2.0]), seen[:15], KEEP, SLOW, SHARED))
    assert np.allclose(found[:15], short, rtol=1e-12)


def test_drawn_noise_has_the_variance_of_a_row():
    shape = chance(np.array([0.5, 1.0, 1.5]), np.ones(50, bool), KEEP, SLOW, SHARED)
    noisy = draw_chance(np.full(8000, spread_of(KEEP, SLOW)), shape, np.random.default_rng(4))
    drawn = noisy.slow + noisy.white
    weight = shape.weight[0]
    common = weight / np.linalg.norm(weight)
    exact = (np.eye(3) + SHARED * np.outer(common, common)) / np.outer(weight, weight)
    for part, variance in ((noisy.slow, SLOW), (noisy.white, 1), (drawn, 1 + SLOW)):
        for period in (0, 20, 49):
            off = np.cov(part[:, period].T) / variance - exact
            assert np.abs(off / np.sqrt(np.outer(exact.diagonal(), exact.diagonal()))).max() < 0.05
    apart = (drawn[:, 10] * drawn[:, 13] * weight**2).mean(axis=0)  # of one geo, three periods apart
    assert np.allclose(apart, SLOW * KEEP**3 * (1 + SHARED * common**2), rtol=0.15)


def exact_split(shape: tuple[int, int], keep: float, slow: float, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances of the slow and of the white part, row by row with geos fastest."""
    lags = np.abs(np.subtract.outer(np.arange(shape[0]), np.arange(shape[0])))
    common = weight / np.linalg.norm(weight)
    between = (np.eye(shape[1]) + SHARED * np.outer(common, common)) / np.outer(weight, weight)
    return np.kron(slow * keep**lags, between), np.kron(np.eye(shape[0]), between)


@pytest.mark.parametrize(
    ("shape", "keep", "slow"), [((30, 1), KEEP, SLOW), ((12, 3), 0.98, 1.0), ((12, 3), 0.98, 30.0)]
)
def test_noise_is_split_as_a_normal_distribution_splits_it(shape, keep, slow):
    """Beside the conditional mean and covariance by the exact covariances, from the first period to the last."""
    weight = np.array([0.5, 1.0, 1.5])[: shape[1]]
    drift, white = exact_split(shape, keep, slow, weight)
    random = np.random.default_rng(5)
    rows = (np.linalg.cholesky(drift + white) @ random.standard_normal(len(drift))).reshape(shape)
    gain = drift @ np.linalg.inv(drift + white)
    mean, left = gain @ rows.reshape(-1), drift - gain @ drift
    spread = np.sqrt(np.diag(left))
    form = chance(weight, np.ones(shape[0], bool), keep, slow, SHARED)
    found = split(np.tile(rows, (20_000, 1, 1)), np.full(20_000, spread_of(keep, slow)), form, random)
    assert np.allclose(found.slow + found.white, rows)
    drawn = found.slow.reshape(20_000, -1)
    assert (np.abs(drawn.mean(axis=0) - mean) / spread).max() < 4 / np.sqrt(20_000)
    assert (np.abs(np.cov(drawn.T) - left) / np.outer(spread, spread)).max() < 6 / np.sqrt(20_000)


def test_a_forecast_is_the_conditional_distribution_of_what_comes():
    """What was seen is split, and both parts go on from the last slow one: mean and covariance by the exact formula."""
    keep, slow, weight, seen = 0.95, 1.0, np.array([0.5, 1.5]), 8
    whole = sum(exact_split((12, 2), keep, slow, weight))
    random = np.random.default_rng(9)
    rows = (np.linalg.cholesky(whole) @ random.standard_normal(24)).reshape(12, 2)[:seen]
    old, new = slice(0, 2 * seen), slice(2 * seen, 24)
    gain = whole[new, old] @ np.linalg.inv(whole[old, old])
    mean, left = gain @ rows.reshape(-1), whole[new, new] - gain @ whole[old, new]
    past, later = (chance(weight, np.ones(count, bool), keep, slow, SHARED) for count in (seen, 12 - seen))
    noise = np.full(20_000, spread_of(keep, slow))
    before = split(np.tile(rows, (20_000, 1, 1)), noise, past, random).slow[:, -1]
    coming = draw_chance(noise, later, random, before)
    drawn = (coming.slow + coming.white).reshape(20_000, -1)
    spread = np.sqrt(np.diag(left))
    assert (np.abs(drawn.mean(axis=0) - mean) / spread).max() < 4 / np.sqrt(20_000)
    assert (np.abs(np.cov(drawn.T) - left) / np.outer(spread, spread)).max() < 6 / np.sqrt(20_000)


@pytest.mark.parametrize("keep", [0.5**52, 0.7**52, 0.5**13])
def test_a_slow_part_that_hardly_outlives_a_period_is_as_large_as_it_was_said_to_be(keep):
    """Rows of quarters and years: three times the white part, of which the rows can tell no more than the ratio."""
    form = chance(ONE, np.ones(4, bool), keep, SLOW)
    assert slow_spread(form) ** 2 == pytest.approx(SLOW / (1 + SLOW), rel=1e-3)
    found = split(np.ones((2000, 4, 1)), np.full(2000, 2.0), form, np.random.default_rng(10)).slow
    assert found.mean() == pytest.approx(SLOW / (1 + SLOW), abs=0.04)
    assert found.var() == pytest.approx(4 * SLOW / (1 + SLOW) ** 2, rel=0.1)


def test_white_noise_has_no_slow_part():
    rows = np.ones((2, 6, 1))
    found = split(rows, np.ones(2), chance(ONE, np.ones(6, bool)), np.random.default_rng(6))
    assert (found.slow == 0).all() and (found.white == rows).all()


def test_noise_goes_on_from_where_it_was():
    """Far above its mean it decays by `keep` a period, and its spread grows to that of any period."""
    form = chance(np.array([2.0]), np.ones(60, bool), KEEP, SLOW)
    slow = draw_chance(
        np.full(20_000, spread_of(KEEP, SLOW)), form, np.random.default_rng(7), np.full((20_000, 1), 10.0)
    ).slow[:, :, 0]
    ahead = 1 + np.arange(60)
    assert np.allclose(slow.mean(axis=0), 10 * KEEP**ahead, atol=0.03)
    assert np.allclose(slow.std(axis=0), np.sqrt(SLOW * (1 - KEEP ** (2 * ahead))) / 2, rtol=0.03)


def test_the_shared_part_of_white_noise_is_its_conditional_mean():
    weight = np.array([0.5, 1.0, 1.5])
    common = weight / np.linalg.norm(weight)
    both = SHARED * np.outer(common, common)
    white = np.random.default_rng(8).standard_normal((4, 3)) / weight
    exact = (both @ np.linalg.solve(np.eye(3) + both, (white * weight).T)).T / weight
    assert np.allclose(shared_part(white, chance(weight, np.ones(4, bool), shared=SHARED)), exact)
