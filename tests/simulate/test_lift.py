"""Simulated lift tests: exact where the truth is known, unbiased but for the bias, honest about their error."""

import csv
import json
from datetime import date

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.files import write_csv
from engine.simulate.history import historical_spend
from engine.simulate.journey import play, revenue
from engine.simulate.lift import HEADER, lift_rows, lift_tests, lift_truth
from engine.simulate.world import build_world

WEEKS = 52
DOUBLED = {"channel": "tv", "week": 21, "weeks": 8, "factor": 2.0, "share": 0.3}


@pytest.fixture(scope="module")
def tested(small):
    """`tested(test, seed=1, **changes)`: the read-out of one test in a small market, and what it was made of."""

    def read(test, seed=1, **changes):
        market = build(small(lift_tests={"more_tv": {**DOUBLED, **test}}, **changes), Market, "small")
        world = build_world(market, seed=1)
        spend = historical_spend(market, world, WEEKS, 3)
        return lift_tests(market, world, spend, seed)[0], market, world, spend

    return read


@pytest.fixture(scope="module")
def many(tested):
    """Four hundred read-outs of one test."""
    market, world, spend = tested({"share": 0.4})[1:]
    return [lift_tests(market, world, spend, seed)[0] for seed in range(400)]


def test_money_that_does_not_change_has_no_lift_at_all(tested):
    one = tested({"factor": 1.0})[0]
    assert one.spend_change == 0 and one.lift_true == 0 and one.standard_error > 0
    assert np.isnan(one.iroas_true) and np.isnan(one.iroas_read)
    assert lift_truth([one])[0]["iroas_true"] is None


def test_the_lift_is_the_share_times_the_difference_of_two_worlds_until_the_wash_out_is_over(tested):
    one, _, world, spend = tested({"factor": 1.5, "wash_out": 6})
    more = spend.copy()
    more[20:28, 0] *= 1.5
    gain = np.asarray(play(world, more).revenue) - np.asarray(play(world, spend).revenue)
    assert one.spend_change == pytest.approx(0.3 * 0.5 * spend[20:28, 0].sum(), rel=1e-12)
    assert one.lift_true == pytest.approx(0.3 * gain[20:34].sum(), rel=1e-9) and one.lift_true > 0
    assert one.iroas_true == pytest.approx(one.lift_true / one.spend_change)
    assert (one.name, one.channel, one.start, one.weeks) == ("more_tv", "tv", date(2022, 5, 23), 8)
    assert (gain[:20] == 0).all() and gain[34:].sum() != 0


def test_a_longer_wash_out_counts_more_of_what_comes_late_and_stopping_a_channel_costs(tested):
    lifts = [tested({"wash_out": weeks})[0].lift_true for weeks in (0, 4, 12)]
    assert lifts == sorted(lifts) and len(set(lifts)) == 3
    stopped = tested({"factor": 0.0})[0]
    assert stopped.spend_change < 0 and stopped.lift_true < 0 and stopped.iroas_true > 0


def test_doubling_a_linear_channel_brings_its_derivative(bare):
    selling = {**bare()["journey"], "notice": 0.05, "consider": 0.3, "buy": 0.8, "leave": 0.1, "forget": 0.04}
    again = {"mechanic": "reach", "cost_per_contact": 0.02, "effect": {"repeat": 0.01}, "history": {"mean": 1_000.0}}
    test = {**DOUBLED, "channel": "club"}
    changes = {"journey": selling, "channels": {"club": again}, "lift_tests": {"club": test}}
    market = build(bare(**changes), Market, "bare")
    world = build_world(market)
    spend = historical_spend(market, world, WEEKS, 1)
    pulse = np.zeros_like(spend)
    pulse[20:28] = spend[20:28]
    slope = jax.jvp(lambda money: revenue(world, money), (jnp.asarray(spend),), (jnp.asarray(pulse),))[1]
    one = lift_tests(market, world, spend, 1)[0]
    assert one.lift_true > 0
    assert one.lift_true == pytest.approx(0.3 * float(slope[20:32].sum()), rel=1e-9)


def test_read_outs_are_unbiased_and_their_error_is_what_they_say(many):
    read, true, error = (np.array([getattr(one, name) for one in many]) for name in FIGURES)
    assert np.ptp(true) == 0 and np.ptp(error) == 0  # the truth is the plan's, not the seed's
    assert read.mean() == pytest.approx(true[0], abs=3 * error[0] / np.sqrt(len(many)))
    assert read.std() == pytest.approx(error[0], rel=4 / np.sqrt(2 * len(many)))
    assert np.mean(np.abs(read - true) < 1.96 * error) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / len(many)))


FIGURES = ("lift_read", "lift_true", "standard_error")


def test_the_error_is_that_of_a_share_against_the_rest_by_its_formula(tested):
    one, market, world, spend = tested({"factor": 1.0, "share": 0.25})
    weekly = np.asarray(play(world, spend).revenue)[20:32]
    assert one.standard_error == pytest.approx(market.noise * np.sqrt((weekly**2).sum() * 0.25 / 0.75), rel=1e-9)
    alike = tested({"factor": 1.0, "share": 0.25, "shared_noise": 0.84})[0]
    assert alike.standard_error == pytest.approx(0.4 * one.standard_error, rel=1e-9)
    assert alike.lift_read == pytest.approx(0.4 * one.lift_read, abs=0.1 * alike.standard_error)  # the same luck
    shares = (0.1, 0.25, 0.5)
    precision = [one.lift_true / one.standard_error for one in (tested({"share": share})[0] for share in shares)]
    assert precision == sorted(precision)


def test_a_bias_shows_and_grows_with_the_lift(tested):
    honest, flattering = tested({})[0], tested({"bias": 0.5})[0]
    assert flattering.lift_read - honest.lift_read == pytest.approx(0.5 * honest.lift_true, rel=1e-9)
    assert flattering.lift_true == honest.lift_true and flattering.standard_error == honest.standard_error
    exact = tested({"bias": 0.5}, noise=0.0)[0]
    assert exact.lift_read == pytest.approx(1.5 * exact.lift_true, rel=1e-12) and exact.standard_error == 0


def test_luck_is_keyed_by_the_test_and_the_week_so_other_tests_do_not_change_it(tested, small):
    one, _, world, spend = tested({})
    second = {**DOUBLED, "channel": "press", "week": 5, "weeks": 4}
    market = build(small(lift_tests={"before": second, "more_tv": DOUBLED, "twin": DOUBLED}), Market, "small")
    before, again, twin = lift_tests(market, world, spend, 1)
    assert again == one and before.name == "before" and before.lift_true > 0
    assert twin.lift_true == one.lift_true and twin.lift_read != one.lift_read
    assert lift_tests(market, world, spend[:40], 1)[1].lift_read == pytest.approx(one.lift_read, rel=1e-9)


def test_what_an_analyst_is_told_holds_no_truth_and_the_truth_stands_beside_it(tested, tmp_path):
    one = tested({})[0]
    write_csv(tmp_path / "lift_tests.csv", *lift_rows([one]))
    [row] = csv.DictReader((tmp_path / "lift_tests.csv").open())
    assert list(row) == HEADER
    assert (row["channel"], row["start"], row["end"]) == ("tv", "2022-05-23", "2022-07-17")
    assert float(row["spend_change"]) == pytest.approx(one.spend_change, abs=0.005)
    assert float(row["outcome_change"]) == pytest.approx(one.lift_read, abs=0.005)
    assert float(row["standard_error"]) == pytest.approx(one.standard_error, abs=0.005)
    [told] = json.loads(json.dumps(lift_truth([one])))
    assert told["lift_true"] == one.lift_true and told["start"] == "2022-05-23" and told["iroas_true"] == one.iroas_true


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (
            {"week": 45},
            "changes money in weeks 45 to 52 and counts the outcome of 4 more, but the history has 52 weeks",
        ),
        ({"week": 80}, "ask for 91 weeks or more, or let the test begin earlier"),
    ],
)
def test_a_test_that_ends_after_the_history_is_refused_by_name(tested, test, told):
    with pytest.raises(InputError, match=f"^lift_tests.more_tv .*{told}"):
        tested(test)


def test_a_market_without_tests_has_no_read_outs(small):
    market = build(small(), Market, "small")
    assert lift_tests(market, build_world(market), np.ones((WEEKS, 7)), 1) == []
    assert lift_rows([]) == (HEADER, []) and lift_truth([]) == []
