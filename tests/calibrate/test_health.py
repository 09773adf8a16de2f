"""Health: what each check says, and what they come to."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.calibrate.fit import Check
from engine.calibrate.health import _holdout, trust
from engine.calibrate.holdout import Holdout


def checks(**verdicts):
    named = dict.fromkeys(("convergence", "fit", "holdout", "baseline", "known_money", "channel_tv"), "good")
    return [Check(name.replace("_", " "), verdict, 0.0, "") for name, verdict in {**named, **verdicts}.items()]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({}, "good"),
        ({"convergence": "bad"}, "bad"),
        ({"convergence": "weak"}, "weak"),
        ({"holdout": "bad"}, "weak"),
        ({"fit": "bad"}, "weak"),
        ({"fit": "bad", "holdout": "bad"}, "bad"),
        ({"baseline": "bad"}, "weak"),
        ({"known_money": "weak"}, "weak"),
        ({"channel_tv": "weak"}, "good"),
        ({"residuals": "weak"}, "good"),
        ({"geos": "good"}, "good"),
        ({"geos": "bad"}, "weak"),
    ],
)
def test_only_real_failures_are_bad(verdicts, expected):
    assert trust(checks(**verdicts)) == expected


@pytest.mark.parametrize(
    ("error", "coverage", "verdict", "told"),
    [
        (0.05, 0.9, "good", "nothing to do"),
        (0.05, 0.4, "weak", "too narrow"),
        (0.15, 0.4, "weak", "adds nothing"),
        (0.25, 0.9, "bad", "do not forecast"),
    ],
)
def test_a_forecast_is_as_good_as_its_error_and_its_band(error, coverage, verdict, told):
    found = _holdout(Holdout(3, 13, error, 0.1, 0.04, 0.1, coverage))
    assert found.verdict == verdict and told in found.sentence


@pytest.fixture(scope="module")
def noise_fit(world, model):
    """A history whose outcome is chance alone, and whose two channels move together."""
    dataset = world(channels=2).dataset
    random = np.random.default_rng(0)
    spend = np.repeat(dataset.spend[:, :, :1], 2, axis=2) * np.array([1.0, 2.0])
    spend[:, :, 1] *= random.lognormal(0.0, 0.05, (156, 1))
    outcome = random.lognormal(3.0, 1.0, (156, 1))
    return calibrate(replace(dataset, outcome=outcome, spend=spend, driver=spend), model, "fast", 1, draws=200)


def test_chance_is_not_taken_for_knowledge(noise_fit):
    found = {check.name: check for check in noise_fit.health.checks}
    assert noise_fit.health.trust != "good"
    assert found["fit"].verdict == "bad"
    assert found["channel channel 0"].verdict == "weak"
    assert "prior's" in found["channel channel 0"].sentence


def test_channels_that_move_together_are_named(noise_fit):
    found = {check.name: check for check in noise_fit.health.checks}["collinear"]
    assert found.verdict == "weak" and found.figure > 0.95
    assert "channel 0 and channel 1" in found.sentence


def test_every_check_says_what_to_do(noise_fit):
    for check in noise_fit.health.checks:
        assert ";" in check.sentence or ":" in check.sentence
        assert len(check.sentence) < 300
