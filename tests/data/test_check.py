"""Findings name what is wrong with a history, and only that."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.data.channel_checks import carrying_most, spend_after_outcome
from engine.data.check import check, headline, summary
from engine.data.dataset import Dataset
from engine.data.likeness_checks import variance_inflation
from engine.periods import starts

WEEKS = 156


def history(seed=0, channels=3, weeks=WEEKS, geos=1, period="week") -> Dataset:
    """A healthy history: independent bursts, an outcome that they move, no demand behind spend."""
    random = np.random.default_rng(seed)
    shape = (weeks, geos)
    spend = random.gamma(1.5, 100.0, (*shape, channels))
    outcome = 5000 + 200 * np.sqrt(spend).sum(axis=2) + random.normal(0, 300, shape)
    names = tuple(f"c{at}" for at in range(channels))
    return Dataset(
        period=period,
        starts=starts(date(2021, 1, 4), weeks, period),
        geos=tuple(f"g{at}" for at in range(geos)) if geos > 1 else ("national",),
        population=np.ones(geos),
        currency="EUR",
        outcome_name="sales",
        outcome=outcome,
        is_money=True,
        channels=names,
        kinds=("paid",) * channels,
        spend=spend,
        driver=spend,
        control_names=(),
        controls=np.zeros((*shape, 0)),
        event_names=(),
        events=np.zeros((*shape, 0)),
    )


def spent(dataset, at, values) -> Dataset:
    """The same history with another spend on channel `at`."""
    spend = dataset.spend.copy()
    spend[:, :, at] = values if np.ndim(values) == 2 else np.asarray(values)[:, None]
    return replace(dataset, spend=spend, driver=spend)


def raised(dataset, topic):
    return [finding for finding in check(dataset) if finding.topic == topic and finding.verdict != "good"]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("geos", [1, 4])
def test_a_healthy_history_raises_nothing(seed, geos):
    dataset = history(seed, geos=geos)
    assert {finding.verdict for finding in check(dataset)} == {"good"}
    assert headline(dataset, check(dataset)).endswith("nothing speaks against it.")


def test_a_short_history_cannot_support_a_model():
    dataset = history(weeks=12)
    assert raised(dataset, "length")[0].verdict == raised(dataset, "unknowns")[0].verdict == "bad"
    assert headline(dataset, check(dataset)).startswith("This history cannot support a weekly model of 3 channels")


@pytest.mark.parametrize(
    ("weeks", "verdict", "told"),
    [
        (40, "bad", "40 weeks, less than a year;"),
        (51, "bad", "51 weeks, less than a year;"),
        (52, "weak", "52 weeks, less than two years;"),
        (103, "weak", "103 weeks, less than two years;"),
        (104, None, ""),
        (156, None, ""),
    ],
)
def test_a_season_needs_two_years(weeks, verdict, told):
    found = raised(history(weeks=weeks), "length")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])
    assert all(told in finding.sentence for finding in found)


@pytest.mark.parametrize(("silent", "where"), [([1], "geo 1"), ([0, 2], "geo 0 and 1 other geo")])
def test_geos_without_any_outcome_are_named(silent, where):
    dataset = history(geos=4)
    outcome = dataset.outcome.copy()
    outcome[:, silent] = 0.0
    where = where.replace("geo 0", dataset.geos[0]).replace("geo 1", dataset.geos[1])
    found = raised(replace(dataset, outcome=outcome), "outcome")
    assert [f"zero in every row of {where};" in finding.sentence for finding in found] == [True]


@pytest.mark.parametrize(
    ("period", "verdict"), [("day", "weak"), ("week", None), ("month", "weak"), ("quarter", "bad"), ("year", "bad")]
)
def test_the_rhythm_of_the_rows_is_judged(period, verdict):
    found = raised(history(weeks=60, period=period), "rhythm")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])


@pytest.mark.parametrize(("mix", "verdict"), [(0.0, None), (0.6, "weak"), (0.1, "bad")])
def test_a_pair_that_moves_together_is_named_with_its_correlation(mix, verdict):
    dataset = history()
    if verdict:
        own = np.random.default_rng(9).gamma(1.5, 100.0, WEEKS)
        dataset = spent(dataset, 1, 3 * (dataset.spend[:, 0, 0] * (1 - mix / 2) + mix * own))
    found = raised(dataset, "alike")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])
    if verdict:
        real = np.corrcoef(dataset.spend[:, 0, 0], dataset.spend[:, 0, 1])[0, 1]
        assert found[0].figure == pytest.approx(real) and "c0 and c1" in found[0].sentence
        assert f"r = {real:.2f}" in found[0].sentence


def test_two_channels_alike_reach_the_first_sentence():
    dataset = history()
    dataset = spent(dataset, 2, 2 * dataset.spend[:, 0, 0])
    assert "but c0 and c2 cannot be told apart (r = 1.00)" in headline(dataset, check(dataset))


def test_a_channel_that_the_others_add_up_to_is_found_though_no_pair_is_alike():
    dataset = history(channels=5)
    noise = np.random.default_rng(3).normal(0, 5, WEEKS)
    dataset = spent(dataset, 4, dataset.spend[:, 0, :4].sum(axis=1) + noise + 20)
    found = raised(dataset, "alike")
    assert found and found[0].verdict == "bad" and "c4" in " ".join(finding.sentence for finding in found)


def test_variance_inflation_is_one_over_what_the_others_leave_unexplained():
    random = np.random.default_rng(0)
    columns = random.normal(size=(400, 3))
    columns -= columns.mean(axis=0)
    columns[:, 2] = columns[:, 0] + columns[:, 1] + random.normal(size=400)
    inverse = np.linalg.inv(np.corrcoef(columns, rowvar=False))
    assert variance_inflation(columns) == pytest.approx(np.diag(inverse))


def test_many_rows_tell_apart_what_few_rows_cannot():
    few, many = history(), history(geos=40)
    for dataset, verdict in ((few, "bad"), (many, "weak")):
        random = np.random.default_rng(9)
        own = random.gamma(1.5, 100.0, dataset.outcome.shape)
        found = raised(spent(dataset, 1, 0.8 * dataset.spend[:, :, 0] + 0.2 * own), "alike")
        assert [finding.verdict for finding in found] == [verdict]


@pytest.mark.parametrize(("spread", "verdict"), [(0.0, "bad"), (0.02, "bad"), (0.1, "weak"), (0.5, None)])
def test_a_flat_channel_is_found(spread, verdict):
    values = 100 * (1 + spread * np.random.default_rng(1).choice([-1.0, 1.0], WEEKS))
    found = raised(spent(history(), 1, values), "variation")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])
    assert all("c1" in finding.sentence for finding in found)


@pytest.mark.parametrize(("active", "verdict"), [(3, "bad"), (12, "weak"), (60, None)])
def test_a_channel_that_hardly_ran_is_found(active, verdict):
    values = np.zeros(WEEKS)
    values[np.random.default_rng(2).permutation(WEEKS)[:active]] = np.random.default_rng(2).gamma(2.0, 100.0, active)
    found = raised(spent(history(), 1, values), "activity")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])


def test_one_burst_that_holds_most_of_a_channel_is_found():
    values = np.full(WEEKS, 1.0)
    values[50:54] = [400, 900, 500, 200]
    found = raised(spent(history(), 1, values), "activity")
    assert [finding.figure for finding in found] == [4.0]
    assert carrying_most(values[:, None]) == 4


def test_a_slip_of_three_decimal_places_is_found_and_a_campaign_is_not():
    dataset = history()
    slipped = dataset.spend[:, 0, 1].copy()
    slipped[70] = 1000 * np.median(slipped)
    found = raised(spent(dataset, 1, slipped), "slips")
    assert len(found) == 1 and "c1" in found[0].sentence and str(dataset.starts[70]) in found[0].sentence
    campaign = np.full(WEEKS, 1.0)
    campaign[60:70] = [100, 400, 900, 900, 900, 900, 900, 900, 400, 100]
    assert not raised(spent(dataset, 1, campaign), "slips")


def test_a_change_of_unit_half_way_is_found():
    dataset = history()
    values = dataset.spend[:, 0, 1].copy()
    values[WEEKS // 2 :] *= 1000
    found = raised(spent(dataset, 1, values), "slips")
    assert len(found) == 1 and "second half" in found[0].sentence


@pytest.mark.parametrize(("factor", "verdict"), [(1e-4, "weak"), (1.0, None), (50.0, "weak"), (1e3, "bad")])
def test_spend_and_outcome_in_different_units_are_found(factor, verdict):
    dataset = history()
    dataset = replace(dataset, spend=dataset.spend * factor, driver=dataset.driver * factor)
    found = raised(dataset, "scale")
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])


def followed(strength, seed):
    """A channel whose spend answers last week's demand with the given strength, in a world where it does nothing."""
    random = np.random.default_rng(seed)
    demand = random.normal(0, 1, WEEKS)
    own = random.normal(0, 1, WEEKS)
    spend = 100 + 20 * own
    spend[1:] += 20 * strength * demand[:-1]
    return np.maximum(spend, 1.0), 5000 + 500 * demand


@pytest.mark.parametrize("seed", range(5))
def test_spend_that_follows_demand_is_found(seed):
    spend, outcome = followed(1.0, seed)
    dataset = replace(spent(history(seed), 1, spend), outcome=outcome[:, None])
    found = raised(dataset, "demand")
    assert len(found) == 1 and "c1" in found[0].sentence and found[0].figure > 0.4


def test_false_alarms_about_demand_are_rare_even_where_spend_is_persistent_and_works():
    alarms = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        spend = np.zeros(WEEKS)
        for week in range(1, WEEKS):
            spend[week] = 0.7 * spend[week - 1] + random.gamma(1.0, 50.0)
        carried = np.convolve(spend, 0.6 ** np.arange(12))[:WEEKS]
        outcome = 5000 + 3 * carried + random.normal(0, 200, WEEKS)
        follows, errors = spend_after_outcome(spend, outcome, np.zeros((WEEKS, 0)), 3.0)
        alarms += follows >= 0.2 and errors >= 3.5
    assert alarms <= 2


def test_controls_that_repeat_or_never_change_are_found():
    dataset = history()
    random = np.random.default_rng(4)
    mood = random.normal(size=WEEKS)
    columns = np.stack([mood, 2 * mood, np.ones(WEEKS), dataset.outcome[:, 0] * 1.1], axis=1)[:, None, :]
    dataset = replace(dataset, control_names=("mood", "again", "still", "echo"), controls=columns)
    said = " ".join(finding.claim for finding in raised(dataset, "controls"))
    assert "mood and again say the same" in said and "still never changes" in said and "echo moves with" in said


def test_an_exposure_whose_price_moves_or_that_is_missing_is_found():
    dataset = history()
    random = np.random.default_rng(5)
    driver = dataset.spend * np.exp(random.normal(0, [0.1, 1.5, 0.1], dataset.spend.shape))
    driver[:20, :, 2] = 0
    found = raised(replace(dataset, driver=driver), "price")
    said = " ".join(finding.sentence for finding in found)
    assert "c1 (" in said and "on c2 falls in rows without exposure" in said and "c0" not in said


def test_a_last_week_that_was_not_over_is_found():
    dataset = history()
    outcome = dataset.outcome.copy()
    outcome[-1] *= 0.1
    assert "2023-12-25" in raised(replace(dataset, outcome=outcome), "outcome")[0].sentence


@pytest.mark.parametrize(("change", "said"), [(lambda y: y * 0 + 7, "never changes"), (lambda y: y - 9000, "negative")])
def test_an_odd_outcome_is_found(change, said):
    dataset = history()
    assert said in raised(replace(dataset, outcome=change(dataset.outcome)), "outcome")[0].sentence


def test_the_summary_adds_up_and_the_findings_are_plain_values():
    dataset = history(geos=3)
    rows = summary(dataset)
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert [row.total for row in rows] == pytest.approx(dataset.spend.sum(axis=(0, 1)).tolist())
    assert all(row.max >= row.mean > 0 and row.active == 1 for row in rows)
    json.dumps([finding.figure for finding in check(dataset)], allow_nan=False)


def test_every_finding_that_is_not_good_says_what_to_do():
    dataset = spent(spent(history(weeks=30), 1, np.full(30, 5.0)), 2, 2 * history(weeks=30).spend[:, 0, 0])
    for finding in check(dataset):
        assert finding.sentence.endswith(".")
        assert finding.verdict == "good" or ";" in finding.sentence
