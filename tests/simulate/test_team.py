"""A sales team against closed forms, a birth-death chain, and a line told by another rule."""

import heapq
from dataclasses import replace
from itertools import pairwise
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.simulate import team as teams
from engine.simulate.team import Leads, Team, begin, erlang_a, erlang_c, marginal, served, simulated, watched

CREWS = [Team(1, 1.0, 1.0), Team(1, 2.0, 0.05), Team(3, 0.5, 20.0), Team(12, 1.5, 3.0), Team(60, 0.25, 0.5)]
LAWS = {"exponential": None, "fixed": None, "lognormal": 1.5}
LOADS = np.array([0.0, 1e-6, 0.3, 0.9, 1.0, 1.1, 2.0, 10.0])


def with_law(team, law):
    return replace(team, service=law, variation=LAWS[law])


def chain(team, rate):
    """Chances of 0, 1, ... leads in the system by solving the generator, cut off where nobody is ever."""
    size = team.reps + int(2 * rate * team.patience) + 120
    state = np.arange(size)
    death = np.minimum(state, team.reps) / team.handling + np.maximum(state - team.reps, 0) / team.patience
    flow = np.diag(np.full(size - 1, rate), -1) + np.diag(death[1:], 1)
    flow -= np.diag(flow.sum(axis=0))
    flow[-1] = 1.0
    return np.linalg.solve(flow, np.eye(size)[-1])


def by_heap(reps, leads):
    """When each lead is taken on: when the first rep is free, unless its patience has ended."""
    free, begins = [0.0] * reps, []
    for came, handling, patience in zip(*leads, strict=True):
        start = max(came, free[0])
        taken = start == came or came + patience > start
        begins.append(start if taken else np.inf)
        if taken:
            heapq.heapreplace(free, start + handling)
    return np.array(begins)


def luck(size, rate, handling, patience, seed=3):
    draw = np.random.default_rng(seed).exponential(size=(3, size))
    return Leads(np.cumsum(draw[0]) / rate, handling * draw[1], patience * draw[2])


def test_one_rep_is_found_busy_as_often_as_it_works():
    load = np.array([0.0, 0.2, 0.7, 0.99])
    assert erlang_c(Team(1, 1.0, 1.0), load).waits == pytest.approx(load, rel=1e-12)


def test_erlang_c_knows_two_and_three_reps():
    assert erlang_c(Team(2, 1.0, 1.0), np.array([1.0])).waits == pytest.approx([1 / 3], rel=1e-12)
    three = erlang_c(Team(3, 1.0, 1.0), np.array([2.0]))  # the standard example of textbooks: 4/9 wait, 8/9 in line
    assert (three.waits[0], three.waiting[0], three.wait[0]) == pytest.approx((4 / 9, 8 / 9, 4 / 9), rel=1e-12)


@pytest.mark.parametrize("reps", [1, 4, 25])
def test_erlang_c_is_the_textbook_sum(reps):
    load = 0.85 * reps
    last = load**reps / factorial(reps) / (1 - load / reps)
    waits = last / (sum(load**n / factorial(n) for n in range(reps)) + last)
    told = erlang_c(Team(reps, 2.0, 1.0), np.array(load / 2.0))
    assert told.waits == pytest.approx(waits, rel=1e-12)
    assert told.wait == pytest.approx(waits * 2.0 / (reps - load), rel=1e-12)
    assert told.lost == 0.0


def test_without_lost_patience_the_line_of_a_full_team_has_no_end():
    told = erlang_c(Team(4, 2.0, 1.0), np.array([2.0, 30.0]))
    assert told.waits.tolist() == [1.0, 1.0] and told.lost.tolist() == [0.0, 0.0]
    assert np.isinf(told.wait).all() and np.isinf(told.waiting).all() and np.isinf(told.wait_in_line).all()


@pytest.mark.parametrize("team", CREWS, ids=str)
@pytest.mark.parametrize("load", [0.02, 0.7, 1.0, 1.3, 4.0])
def test_erlang_a_is_the_birth_death_chain(team, load):
    rate = load * team.capacity
    chance, leads = chain(team, rate), np.arange(chain(team, rate).size)
    busy, line = np.minimum(leads, team.reps), np.maximum(leads - team.reps, 0)
    told = erlang_a(team, np.array([rate]))
    assert told.waits == pytest.approx(chance[team.reps :].sum(), rel=1e-8)
    assert told.waiting == pytest.approx(chance @ line, rel=1e-8)
    assert told.lost == pytest.approx(chance @ line / team.patience / rate, rel=1e-8)
    assert told.wait == pytest.approx(chance @ line / rate, rel=1e-8)
    assert told.wait_in_line * told.waits == pytest.approx(told.wait, rel=1e-12)
    assert served(team, np.array([rate])) == pytest.approx(chance @ busy / team.handling, rel=1e-10)
    slope = (chance @ (busy * leads) - (chance @ busy) * (chance @ leads)) / rate / team.handling
    assert marginal(team, np.array([rate])) == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("reps", [1, 30, 3000])
def test_endless_patience_is_the_limit_of_long_patience(reps):
    rates = np.array([0.1, 0.5, 0.95]) * reps
    long, endless = Team(reps, 1.0, 1e9), Team(reps, 1.0, np.inf)
    for name in ("waits", "waiting", "wait", "wait_in_line"):
        assert getattr(erlang_a(long, rates), name) == pytest.approx(getattr(erlang_c(endless, rates), name), rel=1e-5)
    assert served(endless, LOADS * reps) == pytest.approx(np.minimum(LOADS, 1.0) * reps, rel=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_without_lost_patience_all_that_comes_is_served_up_to_the_capacity(law):
    team = with_law(Team(5, 2.0, np.inf), law)
    assert served(team, np.array([0.0, 2.0, 2.5, 9.0])).tolist() == pytest.approx([0.0, 2.0, 2.5, 2.5])
    assert marginal(team, np.array([0.0, 2.0, 9.0])).tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("reps", [1, 40, 5000])
@pytest.mark.parametrize("patience", [1e-6, 0.3, 50.0, 1e12])
def test_no_lead_is_worth_a_whole_one_less_and_none_is_worth_anything_to_a_full_team(reps, patience):
    team = Team(reps, 0.7, patience)
    rates = team.capacity * np.array([0.0, 1e-9, 1.0, 10.0, 1e9])
    done, slope, told = served(team, rates), marginal(team, rates), erlang_a(team, rates)
    assert done[0] == 0.0 and done[1] == pytest.approx(rates[1], rel=1e-6)
    assert done[-1] == pytest.approx(team.capacity, rel=1e-6)
    assert slope[0] == 1.0 and slope[-1] < 1e-6 and told.lost[0] == 0.0
    assert all(np.isfinite(getattr(told, name)).all() for name in ("waits", "lost", "waiting", "wait", "wait_in_line"))


@given(
    reps=st.integers(1, 200),
    handling=st.floats(0.01, 50),
    patience=st.floats(1e-3, 1e4),
    shape=st.sampled_from([(), (9,)]),
)
@settings(max_examples=40, deadline=None)
def test_leads_served_rise_ever_more_slowly_and_never_beyond_what_comes_or_can_be_served(
    reps, handling, patience, shape
):
    team = Team(reps, handling, patience)
    rates = team.capacity * np.linspace(0.0, 4.0, 161)
    done, slope = served(team, rates), marginal(team, rates)
    close = 1e-9 * team.capacity
    assert (done <= rates).all() and (done <= team.capacity).all()
    assert (np.diff(done) >= -close).all() and (np.diff(done, 2) <= close).all()
    assert (slope >= 0).all() and (slope <= 1).all() and (np.diff(slope) <= 1e-9).all()
    assert served(team, np.full(shape, team.capacity)).shape == shape == marginal(team, np.ones(shape)).shape


@pytest.mark.parametrize("team", CREWS, ids=str)
def test_the_worth_of_a_further_lead_is_the_slope_of_leads_served(team):
    rates, step = team.capacity * np.linspace(0.1, 3.0, 30), 1e-4 * team.capacity
    slope = (served(team, rates + step) - served(team, rates - step)) / (2 * step)
    assert marginal(team, rates) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("reps", [1, 2, 20])
def test_more_reps_and_more_patience_serve_more_in_the_long_run(reps):
    rates = np.linspace(0.1, 60.0, 40)
    team = Team(reps, 1.0, 2.0)
    for better in (replace(team, reps=reps + 1), replace(team, patience=3.0)):
        assert (served(better, rates) >= served(team, rates) - 1e-12).all()
        assert served(better, np.array([1.0 * reps])) > served(team, np.array([1.0 * reps]))


@pytest.mark.parametrize("reps", [1, 3, 10])
@pytest.mark.parametrize("patience", [0.3, 5.0])
def test_clocks_tell_the_same_line_as_a_heap_of_free_reps(reps, patience):
    leads = luck(3000, rate=1.1 * reps, handling=1.0, patience=patience)
    assert begin(reps, leads).tolist() == by_heap(reps, leads).tolist()


@pytest.mark.parametrize(("team", "load"), [(Team(4, 0.5, 1.0), 0.9), (Team(10, 0.5, 0.5), 1.3)], ids=str)
def test_a_watched_team_is_erlang_a_within_its_error(team, load):
    rate = load * team.capacity
    told, weeks = erlang_a(team, np.array([rate])), watched(team, np.full(4050, rate), seed=11)
    parts = slice(50, None)
    lost, waiting = weeks.lost[parts].reshape(40, 100).mean(axis=1), weeks.waiting[parts].reshape(40, 100).mean(axis=1)
    begun, finished = (part[parts].reshape(40, 100).mean(axis=1) for part in (weeks.begun, weeks.finished))
    for seen, true in (
        (lost, rate * told.lost[0]),
        (waiting, told.waiting[0]),
        (begun, served(team, np.array([rate]))[0]),
        (finished, served(team, np.array([rate]))[0]),
    ):
        assert abs(seen.mean() - true) < 4 * seen.std(ddof=1) / np.sqrt(40)


@pytest.mark.parametrize("law", LAWS)
def test_the_line_is_as_long_as_leads_come_times_their_wait(law):
    weeks = watched(with_law(Team(5, 0.5, 0.8), law), np.full(3000, 11.0), seed=2)
    left = weeks.begun + weeks.lost
    minutes = np.where(left > 0, np.nan_to_num(weeks.wait) * left, 0.0)
    gap = (weeks.waiting - minutes).reshape(30, 100).mean(axis=1)  # Little's law: both are its two sides
    assert weeks.waiting.mean() > 1.0
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(30)


def test_fixed_handling_waits_half_as_long_as_exponential():
    rates = np.full(8000, 0.7 / 0.25)
    mean = {}
    for law in ("exponential", "fixed"):
        weeks = watched(with_law(Team(1, 0.25, np.inf), law), rates, seed=5)
        waited = (np.nan_to_num(weeks.wait) * weeks.begun).reshape(80, 100).sum(axis=1)
        each = waited / weeks.begun.reshape(80, 100).sum(axis=1)
        mean[law] = (each.mean(), each.std(ddof=1) / np.sqrt(80))
    for law, wait in (("exponential", 0.25 * 0.7 / 0.3), ("fixed", 0.25 * 0.7 / 0.3 / 2)):  # Pollaczek, Khinchine
        seen, error = mean[law]
        assert abs(seen - wait) < 4 * error and error < 0.06 * wait


@pytest.mark.parametrize("law", LAWS)
def test_handling_times_have_their_mean_and_variation(law):
    team = with_law(Team(1, 3.0, 1.0), law)
    times = teams._handling(team, 7, 400_000)
    assert times.mean() == pytest.approx(3.0, rel=0.01)
    wanted = {"exponential": 1.0, "fixed": 0.0, "lognormal": 1.5}[law]
    assert times.std() / times.mean() == pytest.approx(wanted, rel=0.03, abs=1e-12)


def test_leads_come_at_the_rate_of_their_week():
    rates = np.tile([0.0, 4.0, 25.0, 1.0], 500)
    came = watched(Team(3, 0.1, 0.5), rates, seed=9).came.reshape(500, 4)
    assert (came[:, 0] == 0).all()
    for place, rate in ((1, 4.0), (2, 25.0), (3, 1.0)):
        assert abs(came[:, place].mean() - rate) < 4 * np.sqrt(rate / 500)
        assert came[:, place].var() == pytest.approx(rate, rel=0.25)


def test_nobody_comes_and_nothing_happens():
    weeks = watched(Team(2, 1.0, 1.0), np.zeros(3), seed=0)
    for name in ("came", "begun", "finished", "lost", "waiting"):
        assert getattr(weeks, name).tolist() == [0, 0, 0]
    assert np.isnan(weeks.wait).all()


@given(seed=st.integers(0, 2**32 - 1), law=st.sampled_from(sorted(LAWS)), reps=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_every_lead_is_somewhere(seed, law, reps):
    rates = np.array([5.0, 0.0, 12.0, 3.0, 0.0, 0.5])
    weeks = watched(with_law(Team(reps, 0.7, 0.9), law), rates, seed)
    assert (np.cumsum(weeks.came - weeks.begun - weeks.lost) == weeks.waiting).all() and (weeks.waiting >= 0).all()
    at_work = np.cumsum(weeks.begun - weeks.finished)
    assert (at_work >= 0).all() and (at_work <= reps).all()
    assert (at_work[weeks.waiting > 0] == reps).all()


def test_the_same_seed_tells_the_same_weeks_and_another_one_others():
    team, rates = Team(4, 0.5, 1.0, "lognormal", 1.5), np.full(30, 9.0)
    first, again, other = (watched(team, rates, seed) for seed in (4, 4, 5))
    assert first.lost.tolist() == again.lost.tolist() and first.wait.tolist() == again.wait.tolist()
    assert first.came.tolist() != other.came.tolist()


def test_a_lead_keeps_its_luck_when_more_leads_come():
    team = Team(4, 0.5, 1.0)
    for draw in (teams._handling, teams._patience):
        assert draw(team, 6, 5000)[:70].tolist() == draw(team, 6, 70).tolist()
    rates = np.array([3.0, 8.0, 0.0, 5.0])
    few, many = (teams._arrivals(factor * rates, 6)[0] for factor in (1.0, 1.5))
    assert few.size < many.size and (many[: few.size] <= few).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("law", LAWS)
def test_one_more_rep_serves_no_fewer_on_the_same_luck_while_all_wait(seed, law):
    rates = np.tile([3.0, 9.0, 0.0], 20)
    done = [watched(with_law(Team(reps, 0.5, np.inf), law), rates, seed) for reps in range(1, 7)]
    for fewer, more in pairwise(done):
        assert (np.cumsum(more.begun) >= np.cumsum(fewer.begun)).all()
        assert (np.cumsum(more.finished) >= np.cumsum(fewer.finished)).all()


def test_with_lost_patience_one_more_rep_serves_more_over_many_weeks():
    rates = np.tile([6.0, 9.0, 2.0], 100)
    for law in LAWS:
        done = [watched(with_law(Team(reps, 0.5, 0.6), law), rates, 3).begun.sum() for reps in range(1, 7)]
        assert (np.diff(done) >= 0).all()


def test_one_more_rep_can_serve_fewer_on_the_same_luck_when_it_takes_on_long_work_that_else_is_lost():
    late = np.arange(106.0, 186.0, 2.0)
    came = np.array([0.0, 0.1, 1.0, 1.5, *late])
    handling = np.array([5.0, 100.0, 200.0, 1000.0, *np.full(late.size, 0.5)])
    patience = np.array([1.0, 1000.0, 50.0, 102.0, *np.full(late.size, 1.0)])
    taken = [np.isfinite(begin(reps, Leads(came, handling, patience))).sum() for reps in (1, 2)]
    assert taken == [2 + late.size, 4]


@pytest.mark.parametrize("team", [Team(2, 1.0, 1.0), Team(20, 0.5, 2.0)], ids=str)
@pytest.mark.parametrize("load", [0.3, 1.0, 1.5])
def test_a_long_run_of_exponential_handling_serves_as_the_closed_form_does(team, load):
    rate = load * team.capacity
    assert simulated(team, rate) == pytest.approx(served(team, np.array([rate]))[0], abs=0.01 * team.capacity)


@pytest.fixture(scope="module")
def bends():
    return {law: teams._bend(with_law(Team(2, 1.0, 1.0), law)) for law in LAWS}


def test_the_curve_of_long_runs_is_the_closed_form_where_both_are_known(bends):
    share = np.linspace(0.0, 1.0, 201)
    assert bends["exponential"](share) == pytest.approx(share, abs=0.01)


def test_reps_who_are_never_surprised_serve_more_and_the_often_surprised_fewer():
    rate, team = np.array([2.0]), Team(2, 1.0, 1.0)
    fixed, plain, uneven = (served(with_law(team, law), rate)[0] for law in ("fixed", "exponential", "lognormal"))
    assert uneven < plain - 0.02 and fixed > plain + 0.02


@pytest.mark.parametrize("law", ["fixed", "lognormal"])
def test_the_curve_of_any_law_rises_within_what_comes_and_can_be_served(law):
    team = with_law(Team(2, 1.0, 1.0), law)
    rates = np.concatenate([np.linspace(0.0, 8.0, 401), [100.0, 1e6]])
    done, slope = served(team, rates), marginal(team, rates)
    assert (done <= rates).all() and (done <= team.capacity).all() and (np.diff(done) >= -1e-12).all()
    assert slope[0] > 0.98 and slope[-1] == pytest.approx(0.0, abs=1e-6)
    assert ((slope >= 0) & (slope <= 1)).all()
    assert done[-1] == pytest.approx(team.capacity)
    assert np.gradient(done[1:400], rates[1:400]) == pytest.approx(slope[1:400], abs=0.03)


def test_noise_does_not_make_a_curve_fall_or_steepen():
    rates, told = np.array([0.5, 0.8, 0.9, 1.1, 1.5]), np.array([0.51, 0.72, 0.70, 0.90, 0.91])
    curve = teams._curve(told[[0, 2, 1, 3, 4]] - 0.01, rates, told)
    steps = np.diff(curve(told[[0, 2, 1, 3, 4]] - 0.01), prepend=0.0) / np.diff(rates, prepend=0.0)
    assert (steps >= 0).all() and (steps <= 1).all() and (np.diff(steps) <= 1e-12).all()


WRONG = {
    "no reps": ({"reps": 0}, "0 reps"),
    "no time": ({"handling": 0.0}, "0.0 weeks"),
    "endless work": ({"handling": np.inf}, "inf weeks"),
    "no patience": ({"patience": 0.0}, "wait 0.0 weeks"),
    "unknown patience": ({"patience": np.nan}, "wait nan weeks"),
    "no variation": ({"service": "lognormal"}, "variation None"),
    "negative variation": ({"service": "lognormal", "variation": -1.0}, "variation -1.0"),
    "variation of none": ({"service": "fixed", "variation": 1.0}, "leave it out"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_a_team_that_cannot_be_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        Team(**{"reps": 2, "handling": 1.0, "patience": 1.0, **changes})


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("ask", [erlang_a, erlang_c, served, marginal, lambda team, rates: watched(team, rates, 0)])
def test_rates_that_are_none_are_refused(ask, rate):
    with pytest.raises(InputError, match=f"{rate} leads come"):
        ask(Team(2, 1.0, 1.0), np.array([1.0, rate]))


def test_a_watch_of_nothing_or_too_much_or_without_a_seed_is_refused():
    team = Team(2, 1.0, 1.0)
    for rates, seed, said in (
        (np.zeros(0), 0, "0 leads of 0 weeks"),
        (np.full(2, 2e6), 0, "4,000,000 leads"),
        (np.ones(2), -1, "seed is -1"),
    ):
        with pytest.raises(InputError, match=said):
            watched(team, rates, seed)


def test_closed_forms_of_other_laws_are_refused():
    with pytest.raises(InputError, match="fixed handling times have no closed form"):
        erlang_a(Team(2, 1.0, 1.0, "fixed"), np.array([1.0]))
