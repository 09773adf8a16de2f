"""Sheets: sums by knot and by draw that agree with the draws, under any odds, and what tables make of them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.optimize import sheets
from engine.optimize.sheets import cells, off_chords, sheet, summed, turned
from engine.optimize.tables import Payoff, Table, objective, outcomes, steepness, tabulate
from engine.optimize.timing import Timing
from engine.response.curves import Channel, Family, History, Mixture

DRAWS = 30
KNOTS = np.concatenate([[0.0], np.geomspace(1e-6, 400.0, 40)])


def asked(make, seed, rows=1, mixed=False):
    """A channel whose draws bend at different spends, from concave to steep."""
    rng = np.random.default_rng(seed)
    plain = Family("geometric", {"retain": np.zeros(DRAWS)})
    hill = make.random_saturation(rng, "hill", DRAWS)
    hill.parameters["slope"][:] = rng.uniform(0.6, 4.0, DRAWS)
    parts = tuple(make.random_saturation(rng, name, DRAWS // 2) for name in ("burr", "logistic"))
    one = Channel("tv", "paid", plain, Mixture(parts) if mixed else hill, History(10.0, 20.0))
    gain = rng.uniform(0, 1, (rows, DRAWS)) * (rng.random((rows, DRAWS)) > 0.1)
    return Payoff(one, Timing(gain, rng.uniform(0.5, 2, rows), 1.0, True), 0.7)


def some_odds(seed):
    """Odds that leave out half of the draws."""
    rng = np.random.default_rng(seed)
    odds = rng.random(DRAWS) * (rng.random(DRAWS) > 0.5)
    return odds / odds.sum()


KINDS = {"one row": {}, "rows": {"rows": 4}, "mixture": {"mixed": True}}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_sums_are_those_of_the_draws(make, kind):
    one, odds = asked(make, 1, **kind), some_odds(2)
    for chance in (None, odds):
        found = summed(cells(one.channel, one.timing), chance, KNOTS)
        mean = replace(one, odds=chance).average
        assert found.value == pytest.approx(mean(outcomes(one, KNOTS)), rel=1e-12)
        assert found.slope == pytest.approx(mean(steepness(one, KNOTS)), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("chunk", [1, 12_000])
def test_a_sheet_weighed_is_what_the_draws_sum_to(make, monkeypatch, kind, chunk):
    monkeypatch.setattr(sheets, "CHUNK", chunk)
    one, odds = asked(make, 3, **kind), some_odds(4)
    held, wanted = (
        sheet(cells(one.channel, one.timing), KNOTS).sums(odds),
        summed(cells(one.channel, one.timing), odds, KNOTS),
    )
    for name in ("value", "slope", "bent"):
        assert getattr(held, name) == pytest.approx(getattr(wanted, name), rel=1e-12, abs=1e-12)


def chord_gaps(one, odds, left, right):
    """By how much the mean outcome is at most above and below its chord between two spends, from many points."""
    spend = np.linspace(left, right, 400)
    mean = replace(one, odds=odds).average(outcomes(one, spend))
    away = mean - (mean[0] + (mean[-1] - mean[0]) * (spend - left) / (right - left))
    return away.max(), -away.min()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_no_mean_is_further_off_its_chord_than_said(make, kind, seed):
    one, odds = asked(make, 10 + seed, **kind), some_odds(20 + seed)
    knots = np.concatenate([[0.0], np.geomspace(0.1, 500.0, 14)])
    for chance in (None, odds):
        sums = summed(cells(one.channel, one.timing), chance, knots)
        turns = turned(cells(one.channel, one.timing), knots).sums(chance, len(knots) - 1)
        said = off_chords(knots, sums, turns)
        for interval in range(len(knots) - 1):
            seen = chord_gaps(one, chance, knots[interval], knots[interval + 1])
            assert (np.array(seen) <= said[:, interval] + 1e-11).all()


def test_where_all_draws_bend_one_way_the_bound_is_close(make):
    """For a parabola the corner of the tangents is twice as far off the chord as the curve: no more is lost."""
    one = Payoff(make.channel(slope=[0.9, 0.8]), Timing(np.ones((1, 2)), np.ones(1), 1.0, True))
    knots = np.linspace(40.0, 60.0, 11)
    sums = summed(cells(one.channel, one.timing), None, knots)
    said = off_chords(knots, sums, turned(cells(one.channel, one.timing), knots).sums(None, 10))[0]
    seen = [chord_gaps(one, None, *knots[at : at + 2])[0] for at in range(10)]
    assert said == pytest.approx(2 * np.array(seen), rel=0.02)


def test_a_convex_interval_beside_a_kink_is_not_called_concave(make):
    """The fall of the slope at today's spend once hid that the curve rises ever faster on both sides of it."""
    steep = Payoff(make.channel(slope=3.0), Timing(np.ones((1, 1)), np.ones(1), 1.0, True))
    tolled = replace(steep, anchor=20.0, toll=(0.5, 0.5))
    table = tabulate(tolled, 0.0, 35.0, 0.0, 1e-2)
    kink = int(np.flatnonzero(table.spend == 20.0)[0])
    assert table.stretches == [(0, kink, False), (kink, len(table.spend) - 1, False)]
    assert not table.concave
    few = Table(
        *(getattr(table, name)[[0, kink, -1]] for name in ("spend", "value", "steepness", "upper")),
        kink=table.kink[[0, kink, -1]],
    )
    assert [concave for *_, concave in few.stretches] == [False, False]


def test_a_concave_curve_with_a_kink_is_concave(make):
    flat = Payoff(make.channel(slope=0.9), Timing(np.ones((1, 1)), np.ones(1), 1.0, True), anchor=20.0, toll=(0.1, 0.2))
    table = tabulate(flat, 0.0, 100.0, 0.0, 1e-3)
    assert table.concave
    spend = np.linspace(0, 100, 5001)
    assert (np.interp(spend, table.spend, table.upper) >= objective(flat, spend)[:, 0] - 1e-12).all()
