"""Money formulas against slow twins: a ledger kept week by week, customers one at a time, and real ones."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.special import betaln

from engine.errors import InputError
from engine.finance import (
    cac,
    clv,
    clv_to_cac,
    contribution,
    discount_factors,
    expected_purchases,
    payback_weeks,
    present_value,
    roas,
    roi,
)

CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
weekly_money = arrays(float, st.integers(1, 80), elements=st.floats(0.0, 1e4))


def test_a_sum_invested_at_the_yearly_rate_pays_for_what_it_is_discounted_from():
    factors = discount_factors(0.07, 300)
    assert factors[0] == 1.0
    assert factors[261] * 1.07 ** (261 * 7 / 365.2425) == pytest.approx(1.0, rel=1e-12)
    assert factors[1:] / factors[:-1] == pytest.approx(factors[1], rel=1e-12)
    assert (discount_factors(0.0, 5) == 1.0).all()


@given(money=weekly_money, rate=st.floats(-0.5, 3.0))
def test_present_value_is_what_an_account_with_interest_needs_today(money, rate):
    """Pay every week's money out of an account that bears interest: what was there at first is just used up."""
    account = float(present_value(money, rate))
    start = account
    for paid in money:
        account = (account - paid) * (1 + rate) ** (1 / 52.1775)
    assert account == pytest.approx(0.0, abs=1e-9 * max(start, 1.0) * max((1 + rate) ** 2, 1.0))


@given(revenue=st.floats(0.0, 1e9), spend=st.floats(1e-3, 1e9), margin=st.floats(-1.0, 1.0))
def test_roi_is_margin_times_roas_less_one(revenue, spend, margin):
    assert roi(revenue, spend, margin) == pytest.approx(margin * roas(revenue, spend) - 1, rel=1e-9, abs=1e-9)


def test_spend_that_wins_nobody_costs_without_end_and_no_spend_tells_nothing():
    assert np.isinf(cac(100.0, 0.0))
    assert np.isnan(cac(0.0, 0.0)) and np.isnan(roas(0.0, 0.0)) and np.isnan(roi(0.0, 0.0, 0.4))
    assert np.isinf(roas(5.0, 0.0))


def test_a_customer_who_stays_with_one_chance_is_worth_a_geometric_sum():
    stay, margin, rate, spend = 0.97, 0.4, 0.1, 12.0
    weekly = discount_factors(rate, 2)[1]
    revenue = spend * stay ** np.arange(3_000)
    assert clv(revenue, margin, rate) == pytest.approx(margin * spend / (1 - stay * weekly), rel=1e-12)


def test_worth_and_cost_of_cohorts_are_those_of_each_alone():
    revenue = np.random.default_rng(1).uniform(0, 5, (40, 3))
    cost = np.array([3.0, 20.0, 1_000.0])
    value, weeks = clv(revenue, 0.5, 0.1), payback_weeks(revenue, 0.5, cost, 0.1)
    for cohort in range(3):
        alone = revenue[:, cohort]
        assert value[cohort] == pytest.approx(clv(alone, 0.5, 0.1), rel=1e-12)
        assert weeks[cohort] == pytest.approx(payback_weeks(alone, 0.5, float(cost[cohort]), 0.1), nan_ok=True)
        assert payback_weeks(alone, 0.5, cost, 0.1)[cohort] == pytest.approx(weeks[cohort], nan_ok=True)
    assert clv_to_cac(value, cost) == pytest.approx(value / cost)
    assert np.isnan(weeks[2]) and not np.isnan(weeks[:2]).any()


@given(revenue=weekly_money, cost=st.floats(0.0, 1e5), rate=st.sampled_from([0.0, 0.2]))
def test_at_payback_the_margin_earned_so_far_is_the_cost(revenue, cost, rate):
    margin = 0.35
    told = float(payback_weeks(revenue, margin, cost, rate))
    earned = margin * revenue * discount_factors(rate, len(revenue))
    if np.isnan(told):
        assert earned.cumsum()[-1] < cost
        return
    full = int(told)
    part = (told - full) * earned[full] if told > full else 0.0
    assert earned[:full].sum() + part == pytest.approx(cost, rel=1e-9, abs=1e-9)
    assert 0 <= told <= len(revenue)


def test_payback_is_the_first_crossing_even_if_money_flows_back():
    assert payback_weeks(np.array([10.0, -8.0, 20.0]), 1.0, 5.0) == pytest.approx(0.5)
    assert payback_weeks(np.array([0.0, 0.0]), 1.0, 0.0) == 0.0
    assert np.isnan(payback_weeks(np.zeros(0), 1.0, 1.0))
    assert payback_weeks(np.array([4.0, 0.0, 4.0]), 1.0, 4.0) == 1.0


def by_integral(time, r, alpha, a, b):
    """E[(1 - exp(-rate p t)) / p] over Gamma rates in closed form and over Beta chances p = u^(1/a) by quadrature."""

    def weight(u):
        p = u ** (1 / a)
        return -np.expm1(-r * np.log1p(p * time / alpha)) / p * np.exp((b - 1) * np.log1p(-p) - betaln(a, b)) / a

    return sum(quad(weight, *ends, limit=400, epsabs=0, epsrel=1e-10)[0] for ends in ((0, 0.5), (0.5, 1)))


@pytest.mark.parametrize("time", [0.01, 1.0, 52.0, 520.0])
@pytest.mark.parametrize(
    "customers",
    [
        tuple(CDNOW.values()),
        (2.0, 10.0, 0.2, 0.5),
        (1.3, 20.0, 2.5, 1.1),
        (0.05, 0.5, 0.01, 10.0),
        (0.5, 3.0, 1.0, 3.0),
        (0.5, 3.0, 1.00009, 3.0),
        (0.5, 3.0, 0.6, 0.4),
    ],
    ids=["cdnow", "a + b < 1", "a > 1", "hardly anybody leaves", "a = 1", "a next to 1", "a + b = 1"],
)
def test_expected_purchases_are_the_integral_over_customers(time, customers):
    assert expected_purchases(time, *customers) == pytest.approx(by_integral(time, *customers), rel=2e-7)


def test_expected_purchases_are_what_customers_do_one_purchase_at_a_time():
    luck = np.random.default_rng(11)
    people, horizon = 200_000, 52.0
    pace = luck.gamma(CDNOW["r"], 1 / CDNOW["alpha"], people)
    leaves = luck.beta(CDNOW["a"], CDNOW["b"], people)
    bought, clock, alive = np.zeros(people), np.zeros(people), np.ones(people, bool)
    while alive.any():
        with np.errstate(divide="ignore"):
            clock[alive] += luck.exponential(size=alive.sum()) / pace[alive]
        alive &= clock < horizon
        bought[alive] += 1
        alive &= luck.random(people) >= leaves
    error = bought.std() / np.sqrt(people)
    assert bought.mean() == pytest.approx(float(expected_purchases(horizon, **CDNOW)), abs=3 * error)


def test_purchases_start_at_nothing_grow_ever_slower_and_first_at_the_mean_rate():
    told = expected_purchases(np.arange(0.0, 521.0), **CDNOW)
    assert told[0] == 0.0
    assert (np.diff(told) > 0).all() and (np.diff(told, 2) < 0).all()
    soon = 1e-6
    assert expected_purchases(soon, **CDNOW) / soon == pytest.approx(CDNOW["r"] / CDNOW["alpha"], rel=1e-5)


def test_real_customers_buy_as_often_as_their_published_model_says(public_data):
    """2,357 buyers of music: fitted to their first 39 weeks, the model is followed there, and 39 weeks on to 5 %."""
    summary = public_data / "lifetimes" / "cdnow_customers_summary.csv"
    sample = public_data / "lifetimes" / "CDNOW_sample.txt"
    if not (summary.is_file() and sample.is_file()):
        pytest.skip("the CDNOW purchases are not in the folder 'lifetimes' of the public data")
    with summary.open() as lines:
        rows = np.array([[float(row["frequency"]), float(row["T"])] for row in csv.DictReader(lines)])
    assert expected_purchases(rows[:, 1], **CDNOW).mean() == pytest.approx(rows[:, 0].mean(), rel=0.02)
    days = {tuple(line.split()[i] for i in (1, 2)) for line in sample.read_text().splitlines()}
    repeats = len(days) - len({who for who, _ in days})
    assert expected_purchases(rows[:, 1] + 39, **CDNOW).sum() == pytest.approx(repeats, rel=0.05)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: discount_factors(-1.0, 3), "-1.0 a year is no rate"),
        (lambda: contribution(1.0, 1.5), "margin: 1.5"),
        (lambda: expected_purchases(1.0, 0.0, 1.0, 1.0, 1.0), "r is 0.0"),
        (lambda: expected_purchases(-1.0, **CDNOW), "0 weeks or more"),
    ],
)
def test_what_is_no_money_question_is_refused_in_a_sentence(ask, words):
    with pytest.raises(InputError, match=words):
        ask()
