"""Thresholds on words: probabilities of the weekly law, and people whom a slow obvious twin moves the same way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.lottery import DEPTHS, MOST, WORD, apportion, move, odds, purchases, rules
from engine.simulate.world import build_world

FIRMS = {"qualify": 0.1, "accept": 0.2, "propose": 0.3, "reject": 0.05, "stall": 0.04, "lose": 0.1, "win": 0.02}


@pytest.fixture(scope="module")
def worlds(small):
    market = small()
    firms = {**market["journey"], **FIRMS}
    return {
        "consumer": build_world(build(market, Market, "consumer")),
        "business": build_world(build(small(ladder="business", journey=firms), Market, "business")),
    }


def hazards(world, seed, scale=1.0):
    shape = len(world.segments), len(world.ladder.events)
    hazard = np.random.default_rng(seed).uniform(0, scale, shape)
    hazard[:, -1] = np.minimum(hazard[:, -1], 1.0)
    return hazard


def chances(world, hazard):
    """h / H (1 - exp(-H)) for each segment and move, in plain loops."""
    table = np.zeros((len(hazard), len(world.ladder.moves)))
    for segment, row in enumerate(hazard):
        for place, one in enumerate(world.ladder.moves):
            whole = sum(
                rate for rate, other in zip(row, world.ladder.moves, strict=False) if other.source == one.source
            )
            table[segment, place] = row[place] / whole * (1 - np.exp(-whole)) if whole else 0.0
    return table


def decide(world, limits, stage, word):
    """The stage after the week of one person, by plain comparisons of whole numbers."""
    ladder, here = world.ladder, world.ladder.stages[stage]
    for place, one in enumerate(ladder.moves):
        if one.source == here and one.advances and word < int(limits[place]):
            return int(ladder.target[place])
    for place, one in reversed(list(enumerate(ladder.moves))):
        if one.source == here and not one.advances and 2**32 - 1 - word < int(limits[place]):
            return int(ladder.target[place])
    return stage


@pytest.mark.parametrize("name", ["consumer", "business"])
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 1e-6, 0.1, 1.0, 40.0]))
@settings(max_examples=20, deadline=None)
def test_the_room_between_thresholds_is_each_moves_probability(worlds, name, seed, scale):
    world = worlds[name]
    hazard = hazards(world, seed, scale)
    told, expected = odds(world, hazard).moves / WORD, chances(world, hazard)
    for stage in world.ladder.stages:
        for ahead in (True, False):
            leaving = [k for k, one in enumerate(world.ladder.moves) if (one.source, one.advances) == (stage, ahead)]
            leaving = leaving if ahead else leaving[::-1]
            room = np.diff(told[:, leaving], axis=1, prepend=0.0)
            assert np.abs(room - expected[:, leaving]).max(initial=0.0) <= 2 / WORD


@pytest.mark.parametrize("name", ["consumer", "business"])
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 0.3, 3.0, 49.0]))
@settings(max_examples=20, deadline=None)
def test_people_move_as_a_slow_twin_moves_them(worlds, name, seed, scale):
    world, luck = worlds[name], np.random.default_rng(seed)
    limits = odds(world, hazards(world, seed, scale)).moves[0]
    edges = np.concatenate([limits, limits - np.uint32(1), ~limits, [np.uint32(0), np.uint32(2**32 - 1)]])
    word = np.concatenate([edges, luck.integers(0, 2**32, 100)]).astype(np.uint32)
    stage = luck.integers(0, len(world.ladder.stages), word.size).astype(np.uint8)
    told = move(rules(world), stage, word, limits)
    assert told.tolist() == [decide(world, limits, int(s), int(w)) for s, w in zip(stage, word, strict=True)]


@pytest.mark.parametrize("pace", [0.0, 1e-5, 0.05, 0.8, 3.0, 15.0])
def test_further_purchases_are_poissons_to_a_word(worlds, pace):
    world = worlds["consumer"]
    hazard = hazards(world, 1)
    hazard[:, -1] = pace
    tails = odds(world, hazard).purchases
    factors = [pace, pace * float(world.hazards.advocate_repeat)]
    assert tails.shape[2] in DEPTHS
    depth = np.arange(1, tails.shape[2] + 1)
    for buyer, rate in enumerate(factors):
        assert np.abs(tails[0, buyer] / WORD - poisson.sf(depth - 1, rate)).max() <= 1 / WORD
        assert poisson.sf(tails.shape[2], rate) <= 1 / WORD


def test_only_customers_and_advocates_buy_again(worlds):
    world = worlds["business"]
    hazard = hazards(world, 2)
    tails = odds(world, hazard).purchases[1]
    luck = np.random.default_rng(3)
    stage = luck.integers(0, len(world.ladder.stages), 2000).astype(np.uint8)
    word = luck.integers(0, 2**32, 2000).astype(np.uint32)
    told = np.asarray(purchases(rules(world), stage, word, tails))
    buyers = {world.ladder.stage("customer"): 0, world.ladder.stage("advocate"): 1}
    expected = [
        int((w < tails[buyers[s]]).sum()) if s in buyers else 0 for s, w in zip(stage.tolist(), word, strict=True)
    ]
    assert told.tolist() == expected and max(expected) > 1


@given(seed=st.integers(0, 10**6), event=st.integers(0, 9), more=st.floats(1.0, 3.0))
@settings(max_examples=30, deadline=None)
def test_more_of_an_advance_turns_nobody_back(worlds, seed, event, more):
    world = worlds["consumer"]
    rungs = {
        name: rung
        for rung, name in enumerate(("rival", "lapsed", "unaware", "aware", "considering", "customer", "advocate"))
    }
    height = np.array([rungs[name] for name in world.ladder.stages])
    hazard = hazards(world, seed, 0.5)
    raised = hazard.copy()
    event = [place for place, one in enumerate(world.ladder.moves) if one.advances][event % 6]
    raised[:, event] *= more
    luck = np.random.default_rng(seed)
    stage = luck.integers(0, 7, 3000).astype(np.uint8)
    word = luck.integers(0, 2**32, 3000).astype(np.uint32)
    before, after = (
        height[np.asarray(move(rules(world), stage, word, odds(world, some).moves[0]))] for some in (hazard, raised)
    )
    assert (after >= before).all()


def test_people_who_buy_more_often_than_can_be_told_apart_are_refused(worlds):
    hazard = hazards(worlds["consumer"], 1)
    hazard[1, -1] = 40.0
    with pytest.raises(InputError, match=f"country buy 60 times a week.* at most {MOST} purchases.*--engine mean"):
        odds(worlds["consumer"], hazard)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_hazards_that_are_none_are_refused(worlds, wrong):
    hazard = hazards(worlds["consumer"], 1)
    hazard[0, 2] = wrong
    with pytest.raises(InputError, match="hazards"):
        odds(worlds["consumer"], hazard)


@given(
    share=st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(lambda parts: sum(parts) > 0.01),
    whole=st.integers(0, 2**32),
)
@settings(max_examples=100, deadline=None)
def test_parts_add_up_to_the_whole_and_are_never_one_off(share, whole):
    parts = apportion(np.array(share), whole)
    assert parts.sum() == whole and (parts >= 0).all()
    assert np.abs(parts - np.array(share) / sum(share) * whole).max() < 1.001
