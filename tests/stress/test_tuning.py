"""Tuning finds what is best on its training paths, the default among it, and judges it on others."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError
from engine.stress.proposals import Choice, Choices, searched
from engine.stress.readout import gain, value_at_risk
from engine.stress.rolling import planner
from engine.stress.trial import Start, Trial, factors
from engine.stress.tuning import Search, counted, earned, fresh_luck, gained, measured, training_luck, tuned
from tests.stress.scenes import asked, curves, set_up
from tests.stress.trials import accounts, trial

BUDGET = "budget = { total = 40_000 }\n"
LUCK = (
    BUDGET
    + """
[[shocks]]
name = "cut"
kind = "budget"
factor = 0.6
from = 2027-03-29
chance = 0.5
[[shocks]]
name = "demand"
kind = "demand"
factor = { p05 = 0.8, p95 = 1.2 }
"""
)
BOOM = (
    BUDGET
    + """
[[shocks]]
name = "boom"
kind = "demand"
factor = 6.0
from = 2027-04-05
"""
)
SMALL = Search(policies=("reserve",), tries=8, training=12, fresh=16, reserves=(0.0, 0.1, 0.3), bands=(0.02, 0.05, 0.2))


class World:
    """A trial, its shocks, and plans with a reserve that count how often they are asked for."""

    def __init__(self, text, decide="month", seed=7, draws=4):
        self.scenario, self.held, self.asked = asked(text, periods=20, decide=decide), curves(draws=draws), []
        start = self._start(self.scenario)
        self.trial = Trial(start, None, ("hold",), self.scenario.stress.band, seed)

    def _start(self, scenario):
        told, plan = set_up(self.held, scenario)
        return Start(told, planner(told, plan.cells))

    def start_of(self, share):
        self.asked.append(share)
        budget = self.scenario.budget.model_copy(update={"reserve": share})
        return self._start(self.scenario.model_copy(update={"budget": budget}))

    def tuned(self, search, **changed):
        trial = replace(self.trial, **changed)
        return tuned(trial, self.scenario.shocks, self.start_of, search)


@pytest.fixture(scope="module")
def chance():
    """A world of cuts and demand by chance."""
    return World(LUCK)


@pytest.fixture(scope="module")
def found(chance):
    """What is tuned there, of a grid that is larger than what is tried."""
    return chance.tuned(replace(SMALL, policies=("reserve", "trigger")))


def scores(one):
    return {Choice(reserve, band): score for reserve, band, score in one.sensitivity}


def test_the_same_seed_tunes_to_the_same(chance, found):
    assert chance.tuned(replace(SMALL, policies=("reserve",))) == found[:1]  # and whatever else is tuned


def test_on_the_training_paths_nothing_that_was_tried_is_better_and_the_default_was(found):
    for one in found:
        known = scores(one)
        assert one.default in known
        assert known[one.choice] == max(known.values())
        assert len(known) == one.tried


def test_each_size_of_a_reserve_is_planned_once_and_none_for_the_whole_budget(chance):
    chance.asked.clear()
    (one,) = chance.tuned(replace(SMALL, tries=12))
    assert sorted(chance.asked) == [0.1, 0.3]
    assert (one.plans, one.tried) == (2, 9)


def test_a_trigger_holds_nothing_back(found):
    trigger = found[1]
    assert (trigger.choice.reserve, trigger.plans) == (0.0, 0)
    assert {choice.band for choice in scores(trigger)} == {0.02, 0.05, 0.2}


def test_fresh_paths_have_other_shocks_and_other_draws(chance):
    fresh, training = fresh_luck(chance.trial, SMALL), training_luck(chance.trial, SMALL)
    draws, sizes = [], []
    for luck in (fresh, training):
        draws.append({int(draw) for paths, _ in luck.pieces for draw in paths.draws})
        other = replace(chance.trial, seed=luck.seed)
        sizes.append(np.concatenate([factors(other, chance.scenario.shocks, paths) for paths, _ in luck.pieces])[:, 1])
    assert draws == [{0, 2}, {1, 3}]
    assert not set(sizes[0].tolist()) & set(sizes[1].tolist())
    assert [len(size) for size in sizes] == [16, 12]


def test_what_is_told_is_what_the_policies_earn_on_the_same_fresh_paths(chance, found):
    one, shocks = found[0], chance.scenario.shocks
    luck = fresh_luck(chance.trial, SMALL)
    best = replace(chance.trial, band=one.choice.band, reserve=chance.start_of(one.choice.reserve))
    usual = replace(chance.trial, reserve=chance.start_of(one.default.reserve))
    values, default = (earned(trial, shocks, "reserve", luck) for trial in (best, usual))
    hold, anew = (earned(chance.trial, shocks, policy, luck) for policy in ("hold", "replan"))
    draws = np.array([0, 2] * 8)  # every other one of the curves, in turn
    assert one.fresh == gain(values, hold, draws)
    assert one.default_fresh == gain(default, hold, draws)
    assert one.fresh_beside_default == gain(values, default, draws)
    assert one.fresh_beside_replan == gain(values, anew, draws)


def test_where_nothing_happens_nothing_is_held_back_and_that_brings_nothing():
    chance = World(LUCK, draws=12)  # of two or three draws nothing is sure
    (one,) = tuned(chance.trial, (), chance.start_of, SMALL)
    assert one.choice.reserve == 0.0
    assert one.default_fresh.high < 0
    assert one.fresh_beside_default.low > 0
    assert one.fresh.mean == pytest.approx(
        0.0, abs=2e-3 * float(earned(chance.trial, (), "hold", fresh_luck(chance.trial, SMALL)).mean())
    )


def test_before_a_boom_that_nobody_foresees_most_is_held_back_and_surely_pays():
    world = World(BOOM, draws=12)
    (every,) = world.tuned(replace(SMALL, tries=9))
    (some,) = world.tuned(replace(SMALL, tries=7, bands=(0.02, 0.05, 0.1, 0.15, 0.2)))
    assert every.choice.reserve == some.choice.reserve == 0.3
    assert every.helps
    assert every.fresh_beside_default.mean > 0


def test_the_best_of_a_small_grid_is_found_by_trying_all_of_it():
    known = {Choice(r, b): -((r - 0.2) ** 2) - (b - 0.1) ** 2 for r in (0.0, 0.1, 0.2) for b in (0.05, 0.1)}
    told = []
    found = searched(known.get, Choices((0.0, 0.1, 0.2), (0.05, 0.1), Choice(0.1, 0.05)), 6, 1, told.append)
    assert found == known
    assert next(iter(found)) == Choice(0.1, 0.05)
    assert told == list(range(7))


@pytest.mark.parametrize("seed", range(5))
def test_in_a_large_grid_proposals_come_near_the_best(seed):
    reserves, bands = tuple(step / 40 for step in range(13)), tuple(step / 100 for step in range(1, 26))

    def score(choice):
        return None if choice.reserve > 0.25 else -abs(choice.reserve - 0.2) - abs(choice.band - 0.08)

    found = searched(score, Choices(reserves, bands, Choice(0.1, 0.05)), 60, seed, lambda _: None)
    told = {choice: value for choice, value in found.items() if value is not None}
    random = [-abs(r - 0.2) - abs(b - 0.08) for r in reserves for b in bands if r <= 0.25]
    assert max(told.values()) > np.quantile(random, 0.97)
    assert list(found)[:2] == [Choice(0.1, 0.05), Choice(0.0, 0.05)]


def test_a_size_whose_rest_keeps_no_plan_is_passed_over_and_the_default_refused(chance):
    def start_of(share):
        return None if share > 0.2 else chance.start_of(share)

    (one,) = tuned(chance.trial, chance.scenario.shocks, start_of, replace(SMALL, tries=12))
    assert {choice.reserve for choice in scores(one)} == {0.0, 0.1}
    with pytest.raises(InfeasibleError, match=r"reserve holds 10.0 % of the money back, and the rest keeps no plan"):
        tuned(chance.trial, chance.scenario.shocks, lambda _: None, SMALL)


def test_a_policy_without_reserve_and_band_is_refused(chance):
    with pytest.raises(InputError, match="policy trim goes by no reserve and no band"):
        chance.tuned(replace(SMALL, policies=("trim",)))


@pytest.mark.parametrize("level", [0.05, 0.13, 0.5])
def test_terms_of_the_worst_share_have_its_mean(level):
    values = np.random.default_rng(3).standard_normal(101)
    assert counted(values, "worst", level).mean() == pytest.approx(-value_at_risk(values, 0.0, level)[1])
    assert counted(values, "mean", level) is values


def test_the_interval_of_a_gain_in_the_worst_share_holds_the_truth_in_19_of_20_cases():
    """Of normal numbers the mean of the worst tenth lies 1.7550 deviations below the middle (density over 0.1)."""
    rng, inside = np.random.default_rng(4), 0
    for _ in range(400):
        over = rng.standard_normal(2000)
        told = gained(0.5 * over + 0.1 * rng.standard_normal(2000), over, np.arange(2000), "worst", 0.1)
        inside += told.low <= 1.7549833 * (1 - np.sqrt(0.26)) <= told.high
    assert 0.95 * 400 - 3 * np.sqrt(400 * 0.95 * 0.05) <= inside


def test_the_worst_paths_are_tuned_for_by_their_own_mean(chance):
    text = LUCK + "[stress]\nlevel = 0.25\n"
    world = World(text)
    (one,) = world.tuned(replace(SMALL, of="worst", tries=9))
    hold = earned(world.trial, world.scenario.shocks, "hold", fresh_luck(world.trial, SMALL))
    luck = fresh_luck(world.trial, SMALL)
    best = replace(world.trial, band=one.choice.band, reserve=world.start_of(one.choice.reserve))
    values = earned(best, world.scenario.shocks, "reserve", luck)
    worst = [np.sort(each)[:4].mean() for each in (values, hold)]
    assert one.fresh.mean == pytest.approx(worst[0] - worst[1])
    assert one.fresh.worse == np.mean(values < hold)


@pytest.mark.parametrize(
    ("training", "fresh", "helps", "overstated"),
    [
        ((9.0, 7.0, 11.0), (1.0, -1.0, 3.0), False, True),
        ((3.0, 1.0, 5.0), (2.0, 1.0, 3.0), True, False),
        ((3.0, 1.0, 5.0), (0.5, -1.0, 2.0), False, False),
    ],
)
def test_it_says_when_tuning_did_not_help_or_training_promised_too_much(found, training, fresh, helps, overstated):
    one = replace(
        found[0],
        training=replace(found[0].training, mean=training[0], low=training[1], high=training[2]),
        fresh=replace(found[0].fresh, mean=fresh[0], low=fresh[1], high=fresh[2]),
    )
    assert (one.helps, one.is_overstated) == (helps, overstated)


def test_who_plays_without_tuning_does_not_load_optuna():
    code = "import sys, engine.stress.trial, engine.stress.run; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("goal", "counts", "is_profit"),
    [
        ("", "revenue", False),
        ('goal = { maximise = "profit", margin = 0.6 }\n', "revenue", True),
        ('goal = { maximise = "customers" }\n', "customers", False),
        ('goal = { maximise = "clv", lifetime_value = 3 }\n', "customers", True),
    ],
)
def test_what_is_tuned_is_what_policies_are_ranked_by(goal, counts, is_profit):
    """The value of customers less what they cost is profit, as margins less spend are."""
    told = trial(goal, replace(curves(), outcome=counts))
    found = accounts(told)["hold"]
    assert np.array_equal(measured(told.setting, found), found.profit if is_profit else found.outcome)
    assert bool(np.isfinite(found.profit).all()) == is_profit
