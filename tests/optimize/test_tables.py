"""Tables: nowhere below the curve they stand for, hardly above it, and honest about where it bends."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.optimize.tables import CHUNK, FINEST, Payoff, objective, outcomes, steepness, tabulate
from engine.optimize.timing import Timing, timing
from engine.response.saturation import SATURATIONS

FAMILIES = sorted(SATURATIONS)


def payoff(make, rng, family="hill", draws=1, slope=1.5, spread=0.2, unit=1.0, rows=1, profit=False):
    """A random channel under a timing of some rows, each with its own pace by draw."""

    def many(value, by):
        return value * np.exp(by * rng.standard_normal(draws))

    one = make.channel(
        "tv", many(100 * unit, spread), many(50 * unit, spread), many(slope, spread / 4).clip(0.3, 6), family=family
    )
    gain = rng.uniform(0, 1, (rows, draws)) if rows > 1 else np.ones((1, draws))
    return Payoff(one, Timing(gain, rng.uniform(0.5, 2, rows), 1.0, True), 0.4 if profit else 1.0, float(profit))


def above(table, asked, spend):
    """By how much the upper table is above the exact mean objective."""
    return np.interp(spend, table.spend, table.upper) - objective(asked, spend).mean(1)


ASKED = st.fixed_dictionaries(
    {
        "family": st.sampled_from(FAMILIES),
        "draws": st.sampled_from([1, 1, 2, 40]),
        "slope": st.floats(0.3, 6.0),
        "spread": st.sampled_from([0.0, 0.2, 1.0]),
        "unit": st.sampled_from([1e-6, 1.0, 1e5, 1e12]),
        "rows": st.sampled_from([1, 1, 4]),
        "profit": st.booleans(),
    }
)


@given(
    st.integers(0, 2**32 - 1), ASKED, st.floats(0.01, 50.0), st.sampled_from([0.0, 0.1, 0.9]), st.sampled_from([0, 0.3])
)
def test_the_upper_table_is_nowhere_below_the_curve(make, seed, asked, width, low, flight):
    rng = np.random.default_rng(seed)
    one = payoff(make, rng, **asked)
    high = 50 * asked["unit"] * width
    scale = 100 * asked["unit"]
    table = tabulate(one, low * high, high, flight * high, 1e-5 * scale)
    begin = table.spend[1] if table.gap else table.spend[0]
    spend = np.concatenate(
        [
            rng.uniform(begin, high, 300),
            begin + (high - begin) * 10.0 ** rng.uniform(-15, 0, 300),
            table.spend[table.spend >= begin],
        ]
    )
    size = np.abs(objective(one, np.array([begin, high]))).max() + scale
    assert above(table, one, spend).min() >= -1e-14 * size


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("slope", [0.5, 1.0, 2.5])
def test_the_upper_table_is_as_close_as_asked(make, family, slope):
    one = payoff(make, np.random.default_rng(1), family=family, draws=20, slope=slope)
    table = tabulate(one, 0.0, 500.0, 0.0, 1e-3)
    spend = np.linspace(0.0, 500.0, 20_001)
    assert above(table, one, spend).max() <= 3e-3
    assert len(table.spend) <= FINEST


def test_a_finer_tolerance_gives_a_closer_table(make):
    one = payoff(make, np.random.default_rng(2), draws=10, slope=3.0)
    spend = np.linspace(0.0, 300.0, 5_001)
    loose, close = (above(tabulate(one, 0.0, 300.0, 0.0, by), one, spend).max() for by in (1e-1, 1e-3))
    assert close < 0.1 * loose


def test_values_and_slopes_are_exact_at_the_knots(make):
    one = payoff(make, np.random.default_rng(3), draws=5, rows=3, slope=2.0, profit=True)
    table = tabulate(one, 10.0, 400.0, 0.0, 1e-2)
    assert table.value == pytest.approx(objective(one, table.spend).mean(1), rel=1e-12)
    step = 1e-6 * table.spend[1:-1]
    rise = (objective(one, table.spend[1:-1] + step) - objective(one, table.spend[1:-1] - step)).mean(1) / (2 * step)
    assert table.steepness[1:-1] == pytest.approx(rise, rel=1e-5, abs=1e-6)


def test_slopes_of_outcome_by_draw_are_those_of_its_differences(make):
    one = payoff(make, np.random.default_rng(4), draws=3, rows=2)
    spend = np.array([5.0, 60.0])
    rise = (outcomes(one, spend * (1 + 1e-6)) - outcomes(one, spend * (1 - 1e-6))) / (2e-6 * spend[:, None])
    assert steepness(one, spend) == pytest.approx(rise, rel=1e-7)


def test_large_questions_are_tabulated_in_parts_with_the_same_numbers(make):
    rng = np.random.default_rng(5)
    few = payoff(make, rng, draws=2, rows=3)
    times = CHUNK // few.timing.gain.size // 30  # so that one part holds about thirty knots
    copies = {name: np.tile(values, times) for name, values in few.channel.saturation.parameters.items()}
    many = make.channel("tv", *(copies[name] for name in ("ceiling", "halfway", "slope")))
    wide = Payoff(many, Timing(np.tile(few.timing.gain, times), few.timing.weight, 1.0, True))
    one, other = (tabulate(asked, 0.0, 200.0, 0.0, 1e-2) for asked in (few, wide))
    assert other.spend == pytest.approx(one.spend, rel=1e-9)
    assert other.value == pytest.approx(one.value, rel=1e-9)
    assert other.upper == pytest.approx(one.upper, rel=1e-9)


def test_a_minimum_flight_leaves_zero_and_all_from_it_on(make):
    table = tabulate(payoff(make, np.random.default_rng(6)), 0.0, 100.0, 30.0, 1e-3)
    assert table.gap == (0.0, 30.0)
    assert table.spend[:2].tolist() == [0.0, 30.0]
    assert table.upper[0] == table.value[0] == 0.0
    assert not table.concave


def test_a_floor_above_the_minimum_flight_leaves_no_gap(make):
    assert tabulate(payoff(make, np.random.default_rng(6)), 40.0, 100.0, 30.0, 1e-3).gap is None


@pytest.mark.parametrize("edge", [0.0, 25.0])
def test_a_fixed_channel_is_one_knot(make, edge):
    one = payoff(make, np.random.default_rng(7))
    table = tabulate(one, edge, edge, 0.0, 1e-3)
    assert table.spend.tolist() == [edge]
    assert table.upper.tolist() == table.value.tolist() == objective(one, np.array([edge])).mean(1).tolist()
    assert (table.stretches, table.concave) == ([], True)


@pytest.mark.parametrize(("slope", "bends"), [(0.5, [True]), (1.0, [True]), (3.0, [False, True])])
def test_stretches_tell_convex_from_concave(make, slope, bends):
    table = tabulate(payoff(make, np.random.default_rng(8), slope=slope, spread=0.0), 0.0, 300.0, 0.0, 1e-3)
    assert [concave for *_, concave in table.stretches] == bends
    assert table.concave == (bends == [True])
    firsts, lasts = zip(*((first, last) for first, last, _ in table.stretches), strict=True)
    assert firsts == (0, *lasts[:-1])
    assert lasts[-1] == len(table.spend) - 1
    if slope == 3.0:
        assert table.spend[firsts[1]] == pytest.approx(50 * 0.5 ** (1 / 3), rel=0.1)  # the inflection of slope 3


def test_draws_far_apart_bend_more_than_once(make):
    one = make.channel("tv", [100.0, 100.0], [5.0, 500.0], [5.0, 5.0])
    asked = Payoff(one, Timing(np.ones((1, 2)), np.ones(1), 1.0, True))
    assert [concave for *_, concave in tabulate(asked, 0.0, 2000.0, 0.0, 1e-3).stretches] == [False, True, False, True]


def test_rounding_next_to_a_floor_does_not_loosen_the_table(make):
    """Knots a hair's breadth apart once made the corner of two nearly equal tangents of rounding alone."""
    for low, high in ((0.1, 0.1 + 1e-16), (0.3, 0.3 * (1 + 1e-12)), (0.1, 0.2)):
        table = tabulate(payoff(make, np.random.default_rng(9), spread=0.0), low, high, 0.0, 1e-6)
        assert (table.upper - table.value).max() <= 1e-6


def test_an_unused_timing_earns_nothing_anywhere(make):
    tv = make.channel()
    asked = make.scenario('budget = { total = 1.0 }\n[[shocks]]\nkind = "outage"\n', 4)
    table = tabulate(Payoff(tv, timing(tv, make.curves(tv), asked)), 0.0, 50.0, 0.0, 1e-3)
    assert (table.upper == 0).all()


def test_a_record_is_not_changed(make):
    table = tabulate(payoff(make, np.random.default_rng(10)), 0.0, 50.0, 0.0, 1e-3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.gap = (0.0, 1.0)
