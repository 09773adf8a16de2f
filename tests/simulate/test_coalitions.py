"""Shapley values against a mean over permutations, and by the axioms that define them."""

from itertools import permutations

import numpy as np
import pytest

from engine.simulate import coalitions as games
from engine.simulate.coalitions import alone, coalitions, missing, shapley

SIZES = (1, 2, 3, 5, 8)


@pytest.fixture
def luck():
    return np.random.default_rng(3)


def by_permutations(worth, count):
    """What each channel adds when channels come in some order, in the mean over all orders."""
    orders = list(permutations(range(count)))
    gains = np.zeros(count)
    for order in orders:
        row = 0
        for channel in order:
            gains[channel] += worth[row + 2**channel] - worth[row]
            row += 2**channel
    return gains / len(orders)


@pytest.mark.parametrize("count", (1, 2, 3, 5))
def test_it_is_the_mean_over_all_orders(count, luck):
    worth = luck.normal(size=2**count)
    assert shapley(coalitions(count), worth) == pytest.approx(by_permutations(worth, count), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("count", (*SIZES, 12))
def test_values_sum_to_what_all_are_worth_over_nobody(count, luck):
    worth = luck.uniform(1e9, 2e9, (2**count, 3))
    assert shapley(coalitions(count), worth).sum(axis=0) == pytest.approx(worth[-1] - worth[0], rel=1e-9)


@pytest.mark.parametrize("count", SIZES)
def test_in_an_additive_game_all_estimands_are_one(count, luck):
    who, each = coalitions(count), luck.normal(size=count)
    worth = 7.0 + who @ each
    for estimand in (shapley, alone, missing):
        assert estimand(who, worth) == pytest.approx(each, rel=1e-12, abs=1e-12)


def test_a_dummy_gets_exactly_nothing_and_who_is_alike_gets_the_same():
    who = coalitions(4)
    worth = np.sqrt(who[:, 0] + who[:, 1] + 3.0 * who[:, 3])
    values = shapley(who, worth)
    assert values[2] == 0 and values[0] == pytest.approx(values[1], rel=1e-14)
    assert values[3] > values[0] > 0


def test_permuting_players_permutes_values(luck):
    who, order = coalitions(4), np.array([2, 0, 3, 1])
    worth = luck.normal(size=16)
    turned = worth[[int(row @ 2**order) for row in who]]  # player p of the new game is order[p] of the old
    assert shapley(who, turned) == pytest.approx(shapley(who, worth)[order], rel=1e-12)


def test_more_channels_than_can_be_played_have_the_rest_but_no_shapley_value(luck, monkeypatch):
    full, worth = coalitions(5), luck.normal(size=32)
    monkeypatch.setattr(games, "MOST", 4)
    few = coalitions(5)
    assert len(few) == 2 * 5 + 2
    less = worth[[int(row @ 2 ** np.arange(5)) for row in few]]
    assert shapley(few, less) is None
    assert (alone(few, less) == alone(full, worth)).all() and (missing(few, less) == missing(full, worth)).all()


@pytest.mark.parametrize("count", (13, 20))
def test_beyond_twelve_channels_runs_grow_by_two_a_channel(count):
    assert coalitions(count).shape == (2 * count + 2, count)


def test_nobody_plays_alone():
    assert coalitions(0).shape == (1, 0) and shapley(coalitions(0), np.ones((1, 3))).shape == (0, 3)
