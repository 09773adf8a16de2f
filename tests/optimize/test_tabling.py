"""Tabling: measurements that problems share, fine where money goes; plans under odds from the same ones."""

from dataclasses import replace

import numpy as np
import pytest

from engine.optimize import solve as solving
from engine.optimize import tabling
from engine.optimize.envelope import Envelope, segments
from engine.optimize.solve import _scale, _tables, solve
from engine.optimize.tables import objective
from engine.optimize.tabling import focused
from engine.optimize.together import together
from engine.response.curves import Channel, Mixture

RULES = "[channels.c0]\nfloor = 12.0\n[channels.c1]\nminimum_flight = 25.0\n"


def problem(make, seed, slope=(0.5, 3.5), draws=24, count=5):
    held = make.random_curves(np.random.default_rng(seed), count, draws=draws, slope=slope)
    return make.problem(held, f"budget = {{ total = {60.0 * count} }}\n" + RULES)


def reweighted(asked, odds):
    return replace(asked, payoffs=tuple(replace(payoff, odds=odds) for payoff in asked.payoffs))


def tail(seed, draws=24):
    """Odds on a few draws only, as a measure of risk gives them."""
    rng = np.random.default_rng(seed)
    odds = np.zeros(draws)
    odds[rng.permutation(draws)[: draws // 6]] = 1.0
    return odds / odds.sum()


def assert_bounds(asked, tables):
    for payoff, table in zip(asked.payoffs, tables, strict=True):
        begin = table.spend[1] if table.gap else table.spend[0]
        spend = begin + (table.spend[-1] - begin) * np.random.default_rng(0).random(500)
        earned = payoff.average(objective(payoff, spend))
        assert (np.interp(spend, table.spend, table.upper) >= earned - 1e-12 * np.abs(earned).max()).all()


@pytest.mark.parametrize("seed", range(4))
def test_tables_under_odds_are_those_made_without_a_memory(make, seed):
    asked, memory = problem(make, seed), {}
    solve(asked, memory)
    for odds in (tail(seed), tail(seed + 50), None):
        again = reweighted(asked, odds)
        shared, alone = solve(again, memory), solve(again)
        assert shared.value == pytest.approx(alone.value, rel=1e-4)
        assert max(shared.gap, alone.gap) <= 1e-3
        assert min(shared.bound, alone.bound) >= max(shared.value, alone.value) * (1 - 1e-12)
        assert_bounds(again, _tables(again, memory, _scale(again)))


def test_draws_that_would_fill_the_memory_are_computed_again(make, monkeypatch):
    asked = reweighted(problem(make, 2), tail(2))
    kept, memory = solve(asked), {}
    monkeypatch.setattr(tabling, "LARGEST", 0)
    again = solve(asked, memory)
    assert all(entry.drawn is None for entry in memory.values())
    assert again.value == pytest.approx(kept.value, rel=1e-12)
    assert again.bound == pytest.approx(kept.bound, rel=1e-12)


def test_a_second_problem_on_the_same_curves_measures_nothing_anew(make, monkeypatch):
    monkeypatch.setattr(solving, "FINER", 1.0)
    asked, memory = problem(make, 3), {}
    odds = tail(3)
    first = solve(reweighted(asked, odds), memory)
    for name in ("measured", "sheet", "summed"):
        monkeypatch.setattr(tabling, name, None)
    tolled = tuple(replace(payoff, odds=tail(4), margin=0.9) for payoff in asked.payoffs)
    assert solve(replace(asked, payoffs=tolled), memory).value != first.value


@pytest.mark.parametrize("slope", [(0.5, 1.0), (0.5, 3.5), (2.5, 4.0)])
def test_focused_tables_bound_the_curves_and_are_fine_where_the_plan_is(make, slope):
    asked = problem(make, 5, slope, count=8)
    scale = _scale(asked)
    rough, fine = 1e-3 * scale / 8, 5e-5 * scale / 8
    tables = focused(asked, {}, (rough, fine), ())
    assert_bounds(asked, tables)
    spend = solve(asked).spend
    loose = [np.interp(x, t.spend, t.upper - t.value) for x, t in zip(spend, tables, strict=True)]
    assert max(loose) <= 3 * fine
    assert sum(len(table.spend) for table in tables) < sum(len(table.spend) for table in _tables(asked, {}, scale))


@pytest.mark.parametrize("seed", range(6))
def test_focus_and_fine_tables_everywhere_prove_the_same(make, monkeypatch, seed):
    asked = problem(make, seed, (0.8, 4.0))
    one = solve(asked)
    monkeypatch.setattr(solving, "_focused", _tables)
    other = solve(asked)
    assert one.value == pytest.approx(other.value, rel=2e-4)
    assert min(one.bound, other.bound) >= max(one.value, other.value) * (1 - 1e-12)


def test_channels_valued_together_earn_what_each_earns_alone(make):
    rng = np.random.default_rng(7)
    held = make.random_curves(rng, 6, draws=20)
    parts = Mixture(tuple(make.random_saturation(rng, name, 10) for name in ("burr", "tanh")))
    first = held.channels[0]
    mixed = Channel(first.name, first.kind, first.adstock, parts, first.history)
    text = "budget = { total = 300 }\n[channels.c3]\nflight = { until = 2027-01-25 }\n"
    asked = make.problem(replace(held, channels=(mixed, *held.channels[1:])), text, 8)
    spend = rng.uniform(0, 100, 6)
    value, slope = together(asked.payoffs).earned(spend)
    for channel, payoff in enumerate(asked.payoffs):
        at, step = spend[channel : channel + 1], 1e-5 * spend[channel]
        assert value[channel] == pytest.approx(objective(payoff, at)[0], rel=1e-12)
        rise = (objective(payoff, at + step) - objective(payoff, at - step))[0] / (2 * step)
        assert slope[channel] == pytest.approx(rise, rel=1e-6, abs=1e-9)


def test_payoffs_with_odds_of_their_own_are_averaged_by_them(make):
    asked = problem(make, 8)
    own = tuple(replace(payoff, odds=tail(at)) for at, payoff in enumerate(asked.payoffs))
    value, _ = together(own).means(np.full(5, 40.0))
    for channel, payoff in enumerate(own):
        assert value[channel] == pytest.approx(payoff.average(objective(payoff, np.array([40.0])))[0], rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_exchanged_segments_stand_as_if_sorted_anew(seed):
    rng = np.random.default_rng(seed)

    def drawn():
        size = int(rng.integers(0, 6))
        slope = np.sort(rng.integers(1, 9, size).astype(float))[::-1]
        return Envelope(np.arange(size + 1), rng.random(), rng.random(), rng.uniform(0.1, 2, size), slope)

    envelopes = [drawn() for _ in range(6)]
    others = {1: drawn(), 4: drawn()}
    found = segments(envelopes).exchanged(others)
    wanted = segments([others.get(at, part) for at, part in enumerate(envelopes)])
    assert found.slope.tolist() == wanted.slope.tolist()
    assert (found.start.tolist(), found.base.tolist()) == (wanted.start.tolist(), wanted.base.tolist())
    for channel in range(6):
        own = found.length[found.owner == channel]
        assert own.tolist() == wanted.length[wanted.owner == channel].tolist()


def test_a_memory_of_other_curves_is_not_mistaken_for_one_of_these(make):
    memory = {}
    solve(problem(make, 1), memory)
    asked = problem(make, 2)
    assert solve(asked, memory).spend.tolist() == solve(asked).spend.tolist()
