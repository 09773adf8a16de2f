"""Read-outs: figures over paths against NumPy, SciPy and counting, and quarters that add up to the whole."""

import functools
import math
from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem, t

from engine.stress.readout import Gain, gain, quarters_of, reading, spread, until, value_at_risk
from tests.stress.trials import accounts, shock, some, trial

MONEY = "[stress]\nmargin = 0.45\ndiscount_rate = 0.11\ncash = { customers_pay_after = 7, media_paid_after = 3 }\n"
STORM = (
    shock("price", channels=["c0"], factor={"low": 0.8, "mode": 1.2, "high": 1.8}, begins=date(2027, 2, 1), chance=0.7),
    shock("budget", factor=0.8, begins=date(2027, 7, 5), chance=0.6),
    shock("demand", factor={"p05": 0.8, "p95": 1.1}),
)


@functools.cache
def made(text="", policies=("hold", "trim"), **changed):
    """A plan of a year and some policies."""
    return replace(trial(text, **changed), policies=policies)


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
levels = st.sampled_from(["0.01", "0.05", "0.07", "0.1", "0.29", "0.3", "0.55", "0.58", "0.9", "0.99"])


def told_of(told, count=24):
    """What every policy comes to, and the plan without shocks on each draw."""
    return accounts(told, STORM, some(told, count)), accounts(told)["hold"]


def read(told, policy="hold", found=None, count=24):
    """What a policy comes to, and its account."""
    every, calm = told_of(told, count)
    found = found or every[policy]
    return reading(told, policy, found, every["hold"], calm), found


@settings(max_examples=50)
@given(numbers)
def test_a_spread_is_what_numpy_says(values):
    told = spread(np.array(values))
    assert told.mean == pytest.approx(np.mean(values))
    assert [told.p05, told.p50, told.p95] == np.quantile(values, [0.05, 0.5, 0.95]).tolist()


def by_counting(values, level):
    """The least of the values that a share of all do not exceed, and the mean of that share, in exact fractions."""
    rising, share = sorted(values), Fraction(level)
    edge = next(value for place, value in enumerate(rising, 1) if Fraction(place, len(rising)) >= share)
    left, total = share * len(rising), Fraction(0)
    for value in rising:
        part = min(left, Fraction(1))
        total, left = total + part * Fraction(value), left - part
    return edge, float(total / (share * len(rising)))


@settings(max_examples=100)
@given(numbers, levels, st.floats(-1e5, 1e5))
def test_values_at_risk_are_found_by_counting_paths(values, level, plan):
    at_risk, shortfall = value_at_risk(np.array(values), plan, float(level))
    edge, mean = by_counting(values, level)
    assert at_risk == plan - edge
    assert shortfall == pytest.approx(plan - mean, rel=1e-9, abs=1e-6)
    assert shortfall >= at_risk - 1e-6


@pytest.mark.parametrize("count", [100, 200, 300, 1000])
@pytest.mark.parametrize("level", ["0.05", "0.07", "0.14", "0.28", "0.29", "0.55", "0.57"])
def test_a_whole_number_of_worst_paths_ends_with_its_last(count, level):
    """7 % of 100 paths are 7 paths, though 0.07 times 100 is a hair more in floating point."""
    values = np.random.default_rng(1).permutation(np.arange(1.0, count + 1))
    worst = int(Fraction(level) * count)
    assert value_at_risk(values, 0.0, float(level)) == pytest.approx((-worst, -(worst + 1) / 2))


def test_of_one_path_value_at_risk_is_that_path():
    assert value_at_risk(np.array([70.0]), 100.0, 0.05) == (30.0, 30.0)
    assert vars(spread(np.array([70.0]))) == {"mean": 70.0, "p05": 70.0, "p50": 70.0, "p95": 70.0}


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(1, 1e3), st.floats(1, 1e3)), min_size=2, max_size=40))
def test_a_gain_has_students_interval_of_its_mean(pairs):
    values, over = (np.array(one) for one in zip(*pairs, strict=True))
    told, change = gain(values, over), values - over
    assert told.mean == pytest.approx(change.mean(), abs=1e-9)
    if sem(change) > 1e-6:
        wanted = t.interval(0.95, len(change) - 1, change.mean(), sem(change))
        assert (told.low, told.high) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert told.worse == np.mean(change < 0)


def test_a_gain_over_oneself_is_nothing_and_rounding_is_no_loss():
    values = np.random.default_rng(1).uniform(1e5, 2e5, 50)
    assert gain(values, values) == Gain(0.0, 0.0, 0.0, 0.0)
    assert gain(values * (1 - 2e-16), values) == Gain(0.0, 0.0, 0.0, 0.0)


def test_common_luck_makes_a_small_gain_sure():
    """The interval is that of the differences path by path, not of two means."""
    luck = np.random.default_rng(1)
    values = luck.normal(1000, 300, 200)
    told = gain(values + luck.normal(5, 2, 200), values)
    assert 4 < told.low < told.mean < told.high < 6


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 9))
def test_paths_of_one_draw_count_as_much_as_they_have_not_in_common(seed, draws, each):
    """Of a balanced design the cluster-robust interval is that of the means by draw."""
    rng = np.random.default_rng(seed)
    change = rng.normal(3, 1, draws)[:, None] + rng.normal(0, 1, (draws, each))
    which = np.repeat(np.arange(draws) * 7, each)
    mixed = rng.permutation(draws * each)
    over = rng.uniform(50, 90, draws * each)
    told = gain(over + change.ravel()[mixed], over, which[mixed])
    by_draw = gain(change.mean(axis=1) + 60, np.full(draws, 60.0))
    assert (told.mean, told.low, told.high) == pytest.approx((by_draw.mean, by_draw.low, by_draw.high))


@pytest.mark.parametrize("draws", [2, 4, 8, 50])
def test_intervals_hold_the_truth_in_19_of_20_cases_however_few_draws_there_are(draws):
    rng, repeats, trials = np.random.default_rng(draws), 5, 2000
    which = np.tile(np.arange(draws), repeats)
    over, held = np.full(len(which), 100.0), 0
    for _ in range(trials):
        change = rng.normal(3, 1, draws)[which] + rng.normal(0, 1, len(which))
        told = gain(over + change, over, which)
        held += told.low <= 3 <= told.high
    assert held / trials == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / trials))


def test_the_same_paths_told_again_make_no_gain_surer():
    rng = np.random.default_rng(1)
    values, over = rng.normal(101, 9, 30), rng.normal(100, 9, 30)
    once = gain(values, over, np.arange(30))
    again = gain(np.tile(values, 50), np.tile(over, 50), np.tile(np.arange(30), 50))
    assert (again.mean, again.low, again.high) == pytest.approx((once.mean, once.low, once.high))
    assert once.low == pytest.approx(gain(values, over).low)
    assert again.low < gain(np.tile(values, 50), np.tile(over, 50)).low


def test_of_a_single_draw_paths_are_all_that_is_known():
    rng = np.random.default_rng(2)
    values, over = rng.normal(101, 9, 30), rng.normal(100, 9, 30)
    assert gain(values, over, np.zeros(30, int)) == gain(values, over)


def test_of_draws_of_unlike_count_the_interval_sums_what_lies_apart_by_draw():
    """The sandwich of a mean, written out."""
    change, which = np.array([1.0, 2.0, 4.0, 9.0, 5.0]), np.array([3, 3, 8, 8, 0])
    apart = {draw: sum(one - 4.2 for one, at in zip(change, which, strict=True) if at == draw) for draw in (0, 3, 8)}
    error = math.sqrt(3 / 2 * sum(one**2 for one in apart.values())) / 5
    told = gain(change + 10, np.full(5, 10.0), which)
    assert told.high - told.mean == pytest.approx(t.ppf(0.975, 2) * error)


@pytest.mark.parametrize("target", [None, 1.0, 170_000.0, 190_000.0, 1e9])
def test_the_chance_of_the_target_is_the_share_of_paths_that_reach_it(target):
    told = made("" if target is None else f"[stress]\ntarget = {target}\n")
    one, found = read(told)
    total = found.outcome.sum(axis=1)
    wanted = accounts(told)["hold"].outcome.sum(axis=1).mean() if target is None else target
    assert one.target == sum(value >= wanted for value in total.tolist()) / 24


def test_the_plan_reaches_itself():
    told = made()
    calm = accounts(told)["hold"]
    one = reading(told, "hold", replace(calm, outcome=np.repeat(calm.outcome.mean(axis=0)[None], 4, 0)), None, calm)
    assert one.target == 1.0
    assert one.at_risk == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("decide", ["quarter", "month"])
@pytest.mark.parametrize("more", ["", ", tail = 0"], ids=["with a tail", "without"])
def test_quarters_add_up_to_the_whole(decide, more):
    told = made(MONEY, decide=decide, more=more)
    one, found = read(told, "trim")
    assert len(one.quarters) == (4 if more else 5)
    whole = {"outcome": one.outcome, "spend": one.spend, "profit": one.profit, "cash": one.profit}
    for name, all_of_it in whole.items():
        assert sum(getattr(quarter, name).mean for quarter in one.quarters) == pytest.approx(all_of_it.mean)
    planned = accounts(told)["hold"].outcome.sum(axis=1).mean()
    assert sum(quarter.planned for quarter in one.quarters) == pytest.approx(planned)
    assert one.present.mean == pytest.approx(found.present.mean())


def test_months_are_told_by_the_quarter_that_they_lie_in():
    setting = made(MONEY, decide="month").setting
    parts = quarters_of(setting)
    assert [name for name, _ in parts] == [
        "2027-01-04 to 2027-04-04",
        "2027-04-05 to 2027-07-04",
        "2027-07-05 to 2027-10-03",
        "2027-10-04 to 2028-01-02",
        "after the end",
    ]
    assert [span for _, spans in parts for span in spans] == list(range(len(setting.spans)))
    for number, (_, spans) in enumerate(parts[:-1]):
        assert {setting.grid.quarters[span] for span in spans} == {number}


def test_a_quarter_is_told_over_all_paths():
    told = made(MONEY, decide="month")
    one, found = read(told, "trim")
    for quarter, (_, spans) in zip(one.quarters, quarters_of(told.setting), strict=True):
        assert quarter.outcome == spread(found.outcome[:, spans].sum(axis=1))
        assert quarter.cash == spread(found.cash[:, spans].sum(axis=1))
        assert quarter.lost is None


def test_what_a_quarter_moves_has_its_value_at_the_start():
    """Amounts at their times are worth what all paths are worth in the mean."""
    one, found = read(made(MONEY))
    rate = 1.11
    worth = sum(
        quarter.flow.received * rate**-quarter.flow.received_years - quarter.flow.paid * rate**-quarter.flow.paid_years
        for quarter in one.quarters
    )
    assert worth == pytest.approx(found.present.mean())
    assert sum(quarter.flow.paid for quarter in one.quarters) == pytest.approx(one.spend.mean)


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 3)), min_size=1, max_size=9), st.sampled_from([0.0, 0.1, 1.0])
)
def test_parts_are_worth_as_much_as_their_sum_at_its_time(parts, rate):
    amount, now = (sum(money * (1 + power * rate) ** -years for money, years in parts) for power in (0, 1))
    found = until(amount, now, sum(money * years for money, years in parts), rate)
    assert amount * (1 + rate) ** -found == pytest.approx(now)
    assert min(years for _, years in parts) - 1e-9 <= found <= max(years for _, years in parts) + 1e-9


def test_how_often_the_rest_was_planned_anew_is_a_share_of_paths():
    told = made()
    _, found = read(told)
    anew = np.arange(96).reshape(24, 4) % 5 == 0
    one = alone(told, replace(found, anew=anew))
    assert one.anew == tuple(sum(column) / 24 for column in anew.T.tolist())
    assert one.ever_anew == sum(any(row) for row in anew.tolist()) / 24
    assert (read(told)[0].anew, read(told)[0].ever_anew) == ((0.0,) * 4, 0.0)


def test_without_a_margin_nothing_is_said_of_money():
    one, _ = read(made())
    assert (one.profit, one.present, one.paid_back, one.payback) == (None, None, None, None)
    assert all((quarter.profit, quarter.cash, quarter.flow) == (None, None, None) for quarter in one.quarters)


@pytest.mark.parametrize(
    ("rows", "share", "half"),
    [
        ([3, 5, 9, -1], 0.75, 5),
        ([3, -1, -1, 7], 0.5, 7),
        ([3, -1, -1, -1], 0.25, None),
        ([4], 1.0, 4),
        ([-1], 0.0, None),
        ([9, 2, 4], 1.0, 4),
    ],
)
def test_half_of_the_paths_have_paid_back_by_the_end_of_the_row_that_is_told(rows, share, half):
    told = made(MONEY)
    _, found = read(told, count=24)
    some_paths = replace(
        found, **{name: value[: len(rows)] for name, value in vars(found).items()} | {"payback": np.array(rows)}
    )
    one = alone(told, some_paths)
    assert (one.paid_back, one.payback) == (share, half)
    if half is not None:
        assert sum(0 <= row <= half for row in rows) >= len(rows) / 2
        assert sum(0 <= row < half for row in rows) < len(rows) / 2


def alone(told, found):
    """What an account comes to, compared with none."""
    return reading(told, "replan", found, None, accounts(told)["hold"])


def test_the_worst_paths_are_those_with_the_least_outcome_the_worst_first():
    one, found = read(made())
    total = found.outcome.sum(axis=1).tolist()
    assert list(one.worst) == sorted(range(24), key=lambda path: (total[path], path))[:5]


def test_value_at_risk_is_told_against_the_plan_at_the_level_that_is_asked_for():
    for level in (0.05, 0.4):
        told = made(f"[stress]\nlevel = {level}\n")
        one, found = read(told)
        planned = accounts(told)["hold"].outcome.sum(axis=1).mean()
        total = np.sort(found.outcome.sum(axis=1))
        assert one.at_risk == pytest.approx(planned - total[math.ceil(level * 24) - 1])


def test_a_policy_is_compared_with_holding_and_holding_with_nothing():
    told = made(policies=("hold", "replan"))
    every, calm = told_of(told)
    assert reading(told, "hold", every["hold"], every["hold"], calm).gain is None
    one = reading(told, "replan", every["replan"], every["hold"], calm)
    assert one.gain == gain(every["replan"].outcome.sum(axis=1), every["hold"].outcome.sum(axis=1))
    assert one.overspent == np.mean(every["replan"].overspent > 0)


def test_the_gain_of_a_policy_knows_which_paths_share_a_draw():
    told = made(policies=("hold", "trim"))
    every, calm = told_of(told)
    draws = np.arange(24) % told.setting.curves.draws
    one = reading(told, "trim", every["trim"], every["hold"], calm, draws)
    total = [every[policy].outcome.sum(axis=1) for policy in ("trim", "hold")]
    assert one.gain == gain(*total, draws)
    assert one.gain.high != gain(*total).high
