"""Effects that move slowly: they are found, they add nothing on the whole, and only who asks gets them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.calibrate.drift import drift_columns
from engine.config.model import CurveFamilies
from engine.periods import PER_YEAR

FADING = 0.25  # a year


@pytest.fixture(scope="module")
def fading(world):
    """Two years in which the first channel fades; the truth of its drift beside it."""
    made = world(seed=4, noise=0.01)
    years = np.arange(len(made.dataset.starts)) / PER_YEAR["week"]
    effect = made.brought(made.dataset.spend)[:, 0, 0]
    lost = -FADING * effect * (years - effect @ years / effect.sum())
    outcome = made.dataset.outcome + lost[:, None]
    return replace(made.dataset, outcome=outcome), effect, lost


@pytest.fixture(scope="module")
def drifting(fading, modelled):
    return calibrate(fading[0], modelled(curves=CurveFamilies(drift=True)), "fast", seed=1, draws=200)


def test_drift_moves_effects_in_time_and_adds_none():
    random = np.random.default_rng(2)
    effect, size = random.uniform(0, 1, (156, 3, 2)), np.array([1.0, 2.0, 0.5])
    found = drift_columns(effect, np.arange(156) / 52.1775, size)
    assert found.columns.shape == (156 * 3, 6)  # three years: a slope and two bends for each channel
    assert np.abs(np.einsum("tgk,g->k", found.columns.reshape(156, 3, 6), size)).max() < 1e-9
    ratio = found.columns.reshape(156, 3, 2, 3)[:, 1, :, 0] / effect[:, 1]
    assert np.diff(ratio, axis=0) == pytest.approx(np.full((155, 2), 1 / 52.1775))  # one more each year


def test_two_years_have_a_slope_only_and_a_channel_without_effect_has_nothing():
    effect = np.zeros((104, 1, 2))
    effect[:, 0, 0] = 1.0
    found = drift_columns(effect, np.arange(104) / 52.1775, np.ones(1))
    assert found.columns.shape == (104, 2)
    assert (found.columns[:, 1] == 0).all()


def test_a_fading_channel_is_seen_to_fade(drifting, fading):
    _, _, lost = fading
    part = next(one for one in drifting.contributions if one.component == "drift")
    assert np.corrcoef(part.mean, lost)[0, 1] > 0.8
    assert 0.4 < (part.mean @ lost) / (lost @ lost) < 1.3
    assert ((part.low <= lost) & (lost <= part.high)).mean() > 0.8


def test_the_curve_holds_the_average_effect(drifting, fading):
    dataset, effect, _ = fading
    low, _, high = drifting.readings[0].roas
    assert low <= effect.sum() / dataset.spend[:, 0, 0].sum() <= high
    part = next(one for one in drifting.contributions if one.component == "drift")
    assert abs(part.mean.sum()) < 1e-9 * dataset.outcome.sum()
    explained = sum(one.mean for one in drifting.contributions)
    assert explained == pytest.approx(dataset.outcome[:, 0], rel=1e-9)


def test_nobody_drifts_unasked(fitted):
    assert "drift" not in {one.component for one in fitted[1].contributions}
