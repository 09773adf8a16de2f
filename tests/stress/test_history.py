"""History: blocks of past years as they were, demand neutral in the mean, prices those of their dates."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.calibrate import UNEXPLAINED, UNRECORDED
from engine.data.dataset import Dataset
from engine.data.values import in_money
from engine.errors import InputError
from engine.files import write_csv
from engine.periods import starts
from engine.stress.history import NOT_PLANNED, PARTS, Past, blocks, past_of, replayed, without_prices
from engine.stress.levels import levels
from engine.study.learn import FILES
from tests.stress.scenes import asked, curves, set_up

WEEKS = 130
PLAIN = set_up(curves(), asked())[0]
LUCK = np.random.default_rng(4)
RATIO = np.exp(0.2 * LUCK.standard_normal(WEEKS))
EXPLAINED = 1000 + 100 * np.sin(np.arange(WEEKS))


def history(spend=None, exposure=None, weeks=WEEKS, channels=("c0", "c1", "c2"), **changed):
    """A national history by week; a channel without exposure runs on its spend."""
    spend = np.full((weeks, 1, len(channels)), 100.0) if spend is None else spend
    driver = spend.copy()
    for at, contacts in (exposure or {}).items():
        driver[:, :, at] = in_money(contacts, spend[:, :, at], "week")
    given = Dataset(
        "week",
        starts(date(2024, 6, 3), weeks, "week"),
        ("all",),
        np.ones(1),
        "USD",
        "sales",
        (EXPLAINED * RATIO)[:weeks, None],
        True,
        channels,
        ("paid",) * len(channels),
        spend,
        driver,
        (),
        np.zeros((weeks, 1, 0)),
        (),
        np.zeros((weeks, 1, 0)),
    )
    return replace(given, **changed)


def parts_of(dataset, **more):
    """Columns of contributions, of which `more` are beside level and rest."""
    weeks = len(dataset.starts)
    outcome, level = dataset.outcome.sum(axis=1), EXPLAINED[:weeks]
    found = {"level": level - 300, **{name: np.full(weeks, 300 / 3) for name in dataset.channels}, **more}
    return {**found, "unexplained": outcome - np.sum(list(found.values()), axis=0)}


def write(folder, dataset, parts=None):
    """A fit folder with the parts of a history."""
    parts = parts_of(dataset) if parts is None else parts
    header = ["start", *(f"{name} {edge}" for name in parts for edge in ("mean", "5%", "95%"))]
    rows = zip(*(values for values in parts.values() for _ in range(3)), strict=True)
    write_csv(folder / PARTS, header, [[day.isoformat(), *row] for day, row in zip(dataset.starts, rows, strict=True)])
    return folder


def past(tmp_path, **changed):
    dataset = history(**changed)
    return past_of(dataset, write(tmp_path, dataset))


SHORT = Past("week", starts(date(2024, 6, 3), WEEKS, "week"), RATIO / RATIO.mean(), {"c1": 1 + RATIO}, ("c0", "c2"))


def test_demand_is_outcome_over_what_the_fit_explains_and_1_in_the_mean_of_history(tmp_path):
    found = past(tmp_path).demand
    assert found.mean() == pytest.approx(1.0, abs=1e-12)
    assert found == pytest.approx(RATIO / RATIO.mean())


@pytest.mark.parametrize("name", ["unrecorded", "drift"])
def test_what_drifts_beside_the_fit_is_demand_that_no_plan_reckons_with(tmp_path, name):
    dataset, slow = history(), 50 * np.cos(np.arange(WEEKS) / 20)
    found = past_of(dataset, write(tmp_path, dataset, parts_of(dataset, **{name: slow})))
    assert found.demand == pytest.approx(RATIO / RATIO.mean())


def test_other_parts_of_the_baseline_are_explained(tmp_path):
    dataset, season = history(), 50 * np.cos(np.arange(WEEKS) / 20)
    found = past_of(dataset, write(tmp_path, dataset, parts_of(dataset, season=season)))
    ratio = EXPLAINED * RATIO / (EXPLAINED + season)
    assert found.demand == pytest.approx(ratio / ratio.mean())


def test_a_channel_with_the_name_of_a_part_is_a_channel(tmp_path):
    dataset = history(channels=("c0", "drift", "unexplained"))
    parts = parts_of(dataset)
    channel = {**parts, "unexplained (channel)": np.full(WEEKS, 100.0)}
    channel["unexplained"] = dataset.outcome[:, 0] - EXPLAINED
    assert past_of(dataset, write(tmp_path, dataset, channel)).demand == pytest.approx(RATIO / RATIO.mean())


def test_parts_have_the_names_that_a_fit_gives_them():
    assert set(NOT_PLANNED) == {UNRECORDED, UNEXPLAINED, "drift"}
    assert "drift" in COMPONENTS
    assert PARTS in FILES


def test_prices_are_those_of_a_contact_over_the_latest_years_mean(tmp_path):
    price = np.where(np.arange(WEEKS) < WEEKS - 52, 0.5, 1.0) * np.exp(0.1 * LUCK.standard_normal(WEEKS))
    spend = 100 * np.exp(0.3 * LUCK.standard_normal((WEEKS, 1, 3)))
    found = past(tmp_path, spend=spend, exposure={1: spend[:, :, 1] / price[:, None]})
    late = slice(WEEKS - 52, None)
    usual = spend[late, 0, 1].sum() / (spend[late, 0, 1] / price[late]).sum()
    assert set(found.prices) == {"c1"}
    assert found.prices["c1"] == pytest.approx(price / usual)


def test_a_channel_that_rests_keeps_the_price_it_had(tmp_path):
    spend = np.full((WEEKS, 1, 3), 100.0)
    contacts = 100.0 / (1 + np.arange(WEEKS) / 100)[:, None]
    spend[[0, 1, 60, 61], 0, 0] = 0.0
    contacts[[70, 71]] = 0.0
    found = past(tmp_path, spend=spend, exposure={0: contacts}).prices["c0"]
    assert found[0] == found[1] == found[2]
    assert found[59] == found[60] == found[61] < found[62]
    assert found[69] == found[70] == found[71] < found[72]
    assert np.all(np.isfinite(found) & (found > 0))


def test_contacts_at_one_price_tell_no_prices(tmp_path):
    spend = 100 * np.exp(LUCK.standard_normal((WEEKS, 1, 3)))
    found = past(tmp_path, spend=spend, exposure={0: 7 * spend[:, :, 0]})
    assert (found.prices, found.unpriced) == ({}, ("c0", "c1", "c2"))
    assert "'c0', 'c1', 'c2' stay as they are" in without_prices(found)
    assert without_prices(replace(found, unpriced=())) == ""


def test_a_path_replays_past_periods_in_their_order_and_its_tail_goes_on():
    found = blocks(PLAIN, SHORT, 1, np.arange(200))
    assert found.shape == (200, 78)
    for path in found:
        assert path.tolist() == [(path[0] + row) % WEEKS for row in range(78)]


def test_each_year_of_a_longer_plan_replays_a_year_of_its_own():
    long = set_up(curves(), asked(periods=110))[0]
    found = blocks(long, SHORT, 1, np.arange(300))
    steps = np.diff(found, axis=1) % WEEKS
    broken = np.flatnonzero((steps != 1).any(axis=0)) + 1
    assert broken.tolist() == [52, 104]
    assert len({(one, other) for one, other in found[:, [0, 52]].tolist()}) > 250


def test_levels_are_what_history_was_in_the_periods_of_a_block():
    paths = np.arange(50)
    then, found = blocks(PLAIN, SHORT, 2, paths), replayed(PLAIN, SHORT, 2, paths)
    for path, row in ((0, 0), (7, 51), (49, 77)):
        at = int(then[path, row])
        assert [float(level[path, row]) for level in found.effect] == [SHORT.demand[at]] * 3
        assert float(found.had[1][path, row]) == pytest.approx(1 / SHORT.prices["c1"][at])


def test_what_history_does_not_tell_stays_as_the_plan_reckons_with_it():
    found, calm = replayed(PLAIN, SHORT, 2, np.arange(5)), levels(PLAIN, ())
    for name in ("money", "cut", "people", "delay"):
        assert np.array_equal(getattr(found, name), getattr(calm, name))
    assert all(np.array_equal(level, other) for level, other in zip(found.open, calm.open, strict=True))
    assert np.array_equal(found.had[0], calm.had[0])


def test_parts_of_a_channel_cost_what_the_channel_cost():
    held = curves()
    parts = [replace(one, part_of="c1", geo=f"g{at}", name=f"c1 in g{at}") for at, one in enumerate(held.channels[:2])]
    found = replayed(set_up(replace(held, channels=(*parts, held.channels[2])), asked())[0], SHORT, 2, np.arange(5))
    assert np.array_equal(found.had[0], found.had[1])
    assert found.had[0].shape == (5, 78)


def test_each_past_period_is_as_likely_as_any_other_and_the_mean_path_is_neutral():
    paths = np.arange(40_000)
    then, found = blocks(PLAIN, SHORT, 3, paths), replayed(PLAIN, SHORT, 3, paths)
    for row in (0, 40, 77):
        counts = np.bincount(then[:, row], minlength=WEEKS)
        expected = len(paths) / WEEKS
        assert ((counts - expected) ** 2 / expected).sum() < 200  # chi square of 129 degrees: 1 in 20,000
    error = SHORT.demand.std() / np.sqrt(len(paths))
    assert np.abs(found.effect[0].mean(axis=0) - 1).max() < 5 * error


def test_every_start_once_gives_1_in_every_row():
    rows = (np.arange(WEEKS)[:, None] + np.arange(78)) % WEEKS
    assert SHORT.demand[rows].mean(axis=0) == pytest.approx(1.0, abs=1e-12)


def test_a_path_replays_the_same_block_whatever_else_is_asked():
    every = blocks(PLAIN, SHORT, 5, np.arange(3000))
    some = np.array([2999, 3, 1024, 1023])
    assert np.array_equal(blocks(PLAIN, SHORT, 5, some), every[some])
    without = replace(SHORT, prices={}, unpriced=("c0", "c1", "c2"))
    assert np.array_equal(replayed(PLAIN, without, 5, some).effect[0], replayed(PLAIN, SHORT, 5, some).effect[2])
    longer = set_up(curves(), asked(periods=110))[0]
    assert np.array_equal(blocks(longer, SHORT, 5, some)[:, :52], every[some, :52])
    assert not np.array_equal(blocks(PLAIN, SHORT, 6, some), every[some])


def refused(dataset, folder):
    with pytest.raises(InputError) as fault:
        past_of(dataset, folder)
    assert "\n" not in str(fault.value)
    return str(fault.value)


def test_a_folder_that_is_none_or_holds_no_parts_is_refused(tmp_path):
    assert "is no folder" in refused(history(), tmp_path / "fit")
    assert f"{PARTS}: no such file" in refused(history(), tmp_path)


def test_the_fit_of_another_history_is_refused(tmp_path):
    dataset = history()
    write(tmp_path, dataset)
    assert "130 weeks, and the history has 129" in refused(history(weeks=129), tmp_path)
    moved = replace(dataset, starts=starts(date(2024, 6, 10), WEEKS, "week"))
    assert "'2024-06-03' where the history has 2024-06-10" in refused(moved, tmp_path)
    restated = dataset.outcome.copy()
    restated[3] += 40
    assert "miss the sales of the history by up to 40" in refused(replace(dataset, outcome=restated), tmp_path)


def test_less_than_a_year_is_not_replayed(tmp_path):
    dataset = history(weeks=51)
    assert "51 weeks, and a year of 52 is needed" in refused(dataset, write(tmp_path, dataset))


def test_amounts_without_a_ratio_are_refused(tmp_path):
    dataset = history()
    parts = parts_of(dataset)
    for name in ("level", "unexplained"):
        parts[name] = parts[name].copy()
    parts["unexplained"][9] += parts["level"][9] + 400
    parts["level"][9] = -400
    assert f"week of {dataset.starts[9]}" in refused(dataset, write(tmp_path, dataset, parts))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("level mean", "level", "miss the sales"),
        ("unexplained mean", "rest mean", "has no column 'unexplained mean'"),
        ("start,", "day,", "has no column 'start'"),
        ("2024-06-03,", "2024-06-03,nan", "is no number"),
        ("2024-06-03,", "2024-06-03,,", "cells where the header has"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path, old, new, said):
    dataset = history()
    place = write(tmp_path, dataset) / PARTS
    place.write_text(place.read_text().replace(old, new, 1))
    assert said in refused(dataset, tmp_path)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path, odd):
    dataset = history()
    parts = {**parts_of(dataset), "season": np.where(np.arange(WEEKS) == 5, odd, 0.0)}
    assert "line 7, column 'season mean'" in refused(dataset, write(tmp_path, dataset, parts))


def test_a_history_of_other_periods_is_not_replayed():
    with pytest.raises(InputError, match="counts in months and the curves in weeks"):
        replayed(PLAIN, replace(SHORT, period="month"), 1, np.arange(3))
