"""A simulated world tells an analyst of the lift tests that can be entered, and its model file names them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.config.loading import build, load
from engine.config.market import Market
from engine.config.model import Model
from engine.data.experiments import arms
from engine.data.read import read_dataset
from engine.study.imagine import imagine, known_lifts, write_world

TEST = {"channel": "tv", "week": 9, "weeks": 4, "factor": 2.0, "share": 0.25, "wash_out": 3}


@pytest.fixture
def world(small):
    """`world(changes of the test, weeks, changes of the market)`: some weeks with one lift test."""

    def made(test=None, weeks=30, **changes):
        market = small(lift_tests={"more_tv": {**TEST, **(test or {})}}, **changes)
        return imagine(build(market, Market, "small"), weeks, 1)

    return made


@pytest.mark.parametrize("factor", [2.0, 0.0])
def test_a_world_reads_back_with_its_test_and_the_arms_are_those_that_were_played(world, tmp_path, factor):
    imagined = world({"factor": factor})
    write_world(tmp_path, imagined)
    dataset = read_dataset(tmp_path / "panel.csv", load(tmp_path / "model.toml", Model), tmp_path / "model.toml")
    [test] = dataset.lift_tests
    [lift] = imagined.lifts
    assert (test.channels, test.first, test.last, test.final, test.share) == (("tv",), 8, 11, 14, 0.25)
    assert test.outcome_change == pytest.approx(lift.lift_read, abs=0.006) and not test.in_history
    two = arms(dataset, test)
    changed = dataset.spend[:, 0].copy()
    changed[8:12, 0] *= factor
    np.testing.assert_allclose(two.changed[:, 0], changed, rtol=1e-6, atol=0.1)
    assert np.array_equal(two.left_alone, dataset.driver)


@pytest.mark.parametrize(
    ("test", "changes"),
    [({"factor": 1.0}, {}), ({}, {"noise": 0.0})],
    ids=["no money changed", "no error"],
)
def test_what_nobody_could_enter_is_not_told_and_the_world_still_reads(world, tmp_path, test, changes):
    imagined = world(test, **changes)
    assert len(imagined.lifts) == 1 and known_lifts(imagined) == []
    write_world(tmp_path, imagined)
    assert not (tmp_path / "lift_tests.csv").exists()
    model = load(tmp_path / "model.toml", Model)
    assert read_dataset(tmp_path / "panel.csv", model, tmp_path / "model.toml").lift_tests == ()


def test_a_holdout_whose_money_was_not_recorded_is_not_told_but_more_money_is(world):
    stopped, more = world({"factor": 0.0}), world()
    blank = np.zeros(stopped.dataset.spend.shape, dtype=bool)
    blank[9, 0, 0] = True
    assert known_lifts(stopped) and known_lifts(more)
    assert known_lifts(stopped._replace(dataset=replace(stopped.dataset, unrecorded=blank))) == []
    assert len(known_lifts(more._replace(dataset=replace(more.dataset, unrecorded=blank)))) == 1


def test_a_test_counted_beyond_the_last_whole_month_is_not_told(world):
    late = {"week": 18, "weeks": 6, "wash_out": 4}
    assert len(known_lifts(world(late, weeks=28))) == 1
    monthly = world(late, weeks=28, observation={"grain": "month"})
    assert known_lifts(monthly) == [] and len(monthly.lifts) == 1
