"""The sales queue, one opportunity at a time, against queueing theory, the engine's weekly law, and its own books."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincc, gammaln

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.journey import run
from engine.simulate.world import build_world
from tests.simulate.pipeline import (
    Outcome,
    Team,
    by_week,
    erlang_c,
    poisson_arrivals,
    simulate_pipeline,
    steady,
)

RUNS, WARM, WEEKS = 30, 30, 170

QUEUES = {
    "M/M/1": (Team(1, 1, 2.0, 3.0), 3.0),
    "M/M/6": (Team(2, 3, 0.3, 0.5), 3.6),
    "M/M/6 with patience": (Team(3, 2, 0.3, 0.5, patience=2.0), 4.5),
    "more than a team can work": (Team(4, 1, 0.6, 0.6, patience=1.0), 6.0),
}


def observed(team, per_week, seed):
    """Share that must wait, mean wait and share that leaves, of the opportunities after a warm-up."""
    told = simulate_pipeline(team, poisson_arrivals(np.full(WEEKS, per_week), seed), WEEKS, seed)
    settled = (told.arrived > WARM) & (told.arrived < WEEKS - WARM)
    left = told.outcome[settled] == Outcome.ABANDONED
    stayed = np.where(left, told.ended[settled], told.started[settled]) - told.arrived[settled]
    return (stayed > 0).mean(), stayed.mean(), left.mean()


@pytest.mark.parametrize(("team", "per_week"), QUEUES.values(), ids=QUEUES)
def test_the_queue_waits_and_loses_as_erlang_says(team, per_week):
    runs = np.array([observed(team, per_week, seed) for seed in range(RUNS)])
    error = runs.std(axis=0, ddof=1) / np.sqrt(RUNS)
    theory = steady(team, per_week)
    off = runs.mean(axis=0) - [theory.must_wait, theory.wait, theory.abandoned]
    assert (np.abs(off) <= 3 * error).all()


@pytest.mark.parametrize(("load", "share"), [(0.5, 0.5), (0.8, 0.8), (0.99, 0.99)])
def test_with_one_slot_an_arrival_waits_as_often_as_the_slot_is_taken(load, share):
    assert erlang_c(1, load) == pytest.approx(share, rel=1e-12)


@given(slots=st.integers(1, 60), busy=st.floats(0.01, 0.99))
def test_erlang_c_is_the_textbook_sum(slots, busy):
    offered = slots * busy
    before = np.exp([k * np.log(offered) - gammaln(k + 1) for k in range(slots)]).sum()
    full = np.exp(slots * np.log(offered) - gammaln(slots + 1)) / (1 - busy)
    assert erlang_c(slots, offered) == pytest.approx(full / (before + full), rel=1e-9)


@given(reps=st.integers(1, 40), busy=st.floats(0.1, 2.5), patience=st.floats(0.05, 50.0))
def test_in_the_long_run_what_arrives_is_worked_or_leaves(reps, busy, patience):
    team = Team(reps, 2, 0.2, 0.3, patience)
    per_week = busy * team.slots * team.pace
    told = steady(team, per_week)
    assert told.worked * team.pace + told.waiting / patience == pytest.approx(per_week, rel=1e-9)
    assert told.won == pytest.approx(per_week * (1 - told.abandoned) * team.win / team.pace, rel=1e-9)
    assert told.wait == pytest.approx(told.abandoned * patience, rel=1e-9)


def test_endless_patience_is_erlang_c_and_none_at_all_is_erlangs_loss():
    team, per_week = Team(4, 2, 0.2, 0.3), 3.5
    patient = steady(dataclasses.replace(team, patience=1e9), per_week)
    for had, wanted in zip(patient, steady(team, per_week), strict=True):
        assert had == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    offered = per_week / team.pace
    lost = np.exp(8 * np.log(offered) - offered - gammaln(9)) / gammaincc(9, offered)
    hasty = steady(dataclasses.replace(team, patience=1e-9), per_week)
    assert hasty.abandoned == pytest.approx(lost, rel=1e-6)


def test_where_waiting_is_as_hard_as_work_nobody_notices_the_team():
    """If people leave the queue as fast as work ends, the number present is Poisson, however large the team."""
    for reps in (1, 3, 10):
        told = steady(Team(reps, 1, 0.2, 0.3, patience=2.0), 2.0)
        assert told.waiting + told.worked == pytest.approx(2.0 / 0.5, rel=1e-12)


@pytest.fixture(scope="module")
def busy():
    """A queue that has everything: waits, people who leave, and work that is not over at the end."""
    team = Team(3, 2, 0.2, 0.3, patience=1.5)
    rate = np.concatenate([np.full(20, 5.0), np.full(20, 1.0), np.full(12, 8.0)])
    return simulate_pipeline(team, poisson_arrivals(rate, 7), 52, 7)


def test_every_opportunity_is_somewhere_and_its_times_say_so(busy):
    count = np.bincount(busy.outcome, minlength=len(Outcome))
    assert count.sum() == busy.arrived.size and (count > 0).all()
    waiting, worked = busy.outcome == Outcome.WAITING, busy.outcome == Outcome.WORKED
    abandoned = busy.outcome == Outcome.ABANDONED
    assert (np.isnan(busy.started) == (waiting | abandoned)).all()
    assert (np.isnan(busy.ended) == (waiting | worked)).all()
    assert (np.nan_to_num(busy.started, nan=np.inf) >= busy.arrived).all()
    assert (np.diff(busy.started[~np.isnan(busy.started)]) >= 0).all()  # first come, first served


def test_no_slot_is_free_while_anybody_waits(busy):
    assert busy.worked.max() == busy.team.slots and busy.waiting.max() > 0
    assert (busy.worked[busy.waiting > 0] == busy.team.slots).all()


def test_the_count_of_the_queue_is_what_the_times_of_its_people_say(busy):
    present = busy.moment[:, None] >= busy.arrived
    begun = busy.moment[:, None] >= np.nan_to_num(busy.started, nan=np.inf)
    gone = busy.moment[:, None] >= np.nan_to_num(busy.ended, nan=np.inf)
    assert ((present & ~begun & ~gone).sum(axis=1) == busy.waiting).all()
    assert ((begun & ~gone).sum(axis=1) == busy.worked).all()


def test_by_week_nobody_is_lost(busy):
    weekly = by_week(busy)
    came = np.cumsum(weekly.arrived - weekly.won - weekly.lost - weekly.abandoned)
    assert (came == weekly.waiting + weekly.worked).all()
    assert weekly.arrived.sum() == busy.arrived.size and len(weekly.won) == 52


def test_more_opportunities_change_nothing_for_those_before_them(busy):
    rate = np.concatenate([np.full(20, 5.0), np.full(20, 1.0), np.full(12, 8.0), np.full(8, 30.0)])
    longer = simulate_pipeline(busy.team, poisson_arrivals(rate, 7), 60, 7)
    ended = ~np.isnan(busy.ended)
    same = slice(0, busy.arrived.size)
    assert (longer.arrived[same] == busy.arrived).all()
    assert (longer.ended[same][ended] == busy.ended[ended]).all()
    assert (longer.outcome[same][ended] == busy.outcome[ended]).all()


def test_a_queue_that_nobody_joins_is_empty():
    told = by_week(simulate_pipeline(Team(1, 1, 0.1, 0.1), np.zeros(0), 3, 1))
    assert [field.tolist() for field in told] == [[0, 0, 0]] * 6


CROWD = Team(reps=40, load=10, win=0.06, lose=0.14, patience=6.0)  # 400 slots
FIRST, COMING = 300, np.repeat([120, 20, 78], 12)  # present at first; arriving at each week's end


def fluid(team, coming, first, steps):
    """The weekly law of the journey in steps of a part of a week: wins by week, and opportunities at its end."""
    present, told = float(first), []
    for arrivals in coming:
        won = 0.0
        for _ in range(steps):
            served = min(1.0, team.slots / max(present, 1e-9))
            leave = (team.pace * served + (1 - served) / team.patience) / steps
            gone = -present * np.expm1(-leave)
            won += gone * team.win * served / steps / leave
            present -= gone
        present += arrivals
        told.append((won, present))
    return np.array(told).T


def test_a_large_team_wins_what_the_fluid_limit_says():
    """Of order 1 / sqrt(slots) at worst, where as many come as can be worked: a twentieth for 400 slots."""
    moments = np.concatenate([np.zeros(FIRST), np.repeat(np.arange(1.0, COMING.size + 1), COMING)])
    runs = [by_week(simulate_pipeline(CROWD, moments, COMING.size, seed)) for seed in range(12)]
    won, present = fluid(CROWD, COMING, FIRST, 256)
    for had, wanted in (
        ([week.won for week in runs], won),
        ([week.waiting + week.worked for week in runs], present),
    ):
        spread = np.maximum(np.std(had, axis=0, ddof=1), np.sqrt(wanted) / 2)
        off = np.abs(np.mean(had, axis=0) - wanted)
        assert (off <= 3 * spread / np.sqrt(12) + wanted / np.sqrt(CROWD.slots)).all()
        assert off.mean() <= 1.2 * spread.mean() / np.sqrt(12)


def test_what_the_fluid_limit_misses_falls_with_the_root_of_the_team():
    """Where as many come as can be worked, the queue of chance alone; below it, next to nothing."""
    shares = [steady(Team(reps, 1, 0.1, 0.1, patience=5.0), 0.2 * reps).abandoned for reps in (100, 400, 1600)]
    assert np.log(shares[0] / shares[1]) / np.log(4) == pytest.approx(0.5, abs=0.01)
    assert np.log(shares[1] / shares[2]) / np.log(4) == pytest.approx(0.5, abs=0.01)
    assert steady(Team(400, 1, 0.1, 0.1, patience=5.0), 0.75 * 0.2 * 400).abandoned < 1e-6


def test_a_step_of_a_week_costs_half_its_hazard_at_most_and_less_in_proportion():
    limit = fluid(CROWD, COMING, FIRST, 256)[0]
    off = [np.abs(fluid(CROWD, COMING, FIRST, steps)[0] / limit - 1).max() for steps in (1, 2, 4)]
    assert off[0] <= CROWD.pace / 2
    assert off[0] / off[1] == pytest.approx(2, rel=0.1) and off[1] / off[2] == pytest.approx(2, rel=0.1)


def test_the_journey_of_firms_wins_what_the_limit_says_but_for_its_step_of_a_week(bare):
    hazards = {"qualify": 1.0, "accept": 1.0, "propose": 0.08, "buy": CROWD.win, "lose": CROWD.lose}
    sales = {"reps": CROWD.reps, "load": CROWD.load, "patience": CROWD.patience}
    firms = bare(ladder="business", population=2_000.0, sales=sales)
    world = build_world(build({**firms, "journey": {**firms["journey"], **hazards}}, Market, "firms"), seed=1)
    people = np.zeros((1, len(world.ladder.stages)))
    people[0, [world.ladder.stage("accepted"), world.ladder.stage("opportunity")]] = [0.85, 0.15]
    world = dataclasses.replace(world, start=dataclasses.replace(world.start, people=jnp.asarray(people)))
    told = run(world, jnp.zeros((36, 1)))
    flows = np.asarray(told.flows)[:, 0]
    limit, present = fluid(CROWD, flows[:, world.ladder.event("propose")], FIRST, 256)
    assert present.max() > 1.2 * CROWD.slots and present.min() < 0.5 * CROWD.slots
    assert flows[:, world.ladder.event("buy")] == pytest.approx(limit, rel=CROWD.pace / 2)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Team(0, 4, 0.1, 0.1), "reps is 0"),
        (lambda: Team(2, -1, 0.1, 0.1), "load is -1"),
        (lambda: Team(2, 2, -0.1, 0.1), "hazard win is -0.1"),
        (lambda: Team(2, 2, 0.0, 0.0), "no work ever ends"),
        (lambda: Team(2, 2, 0.1, 0.1, patience=0.0), "patience is 0.0 weeks"),
        (lambda: steady(Team(2, 2, 0.1, 0.1), 0.9), "grows without end"),
        (lambda: steady(Team(2, 2, 0.1, 0.1), 0.0), "number above 0"),
        (lambda: poisson_arrivals(np.array([1.0, np.nan]), 1), "0 or more"),
        (lambda: poisson_arrivals(np.array([1e9]), 1), "1.00 bn opportunities"),
        (lambda: simulate_pipeline(Team(1, 1, 0.1, 0.1), np.array([2.0, 1.0]), 4, 1), "must rise"),
        (lambda: simulate_pipeline(Team(1, 1, 0.1, 0.1), np.array([2.0, 5.0]), 4, 1), "at most 4 weeks"),
    ],
)
def test_what_no_queue_can_be_is_refused_in_a_sentence(ask, words):
    with pytest.raises(InputError, match=words):
        ask()
