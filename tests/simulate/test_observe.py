"""What an analyst sees: noise of its size, late books, gaps, months, hidden series, and a file that reads back."""

import csv
import dataclasses
import itertools
import math
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.loading import build, load
from engine.config.market import Market
from engine.config.model import Model
from engine.data.aggregate import by_month_of_start
from engine.data.read import read_dataset
from engine.data.write import write_panel
from engine.errors import InputError
from engine.simulate import observe as observed
from engine.simulate.history import historical_spend
from engine.simulate.journey import YEAR, play
from engine.simulate.observe import booked, observe, rounded, year_before
from engine.simulate.world import build_world
from engine.study.inspect import inspect

WEEKS = 104
RIVALS = {"spending": {"mean": 3_000.0, "noise": 0.2}, "pull": 1.0}
PROMOTIONS = {"sale": {"week": 20, "weeks": 2, "discount": 0.2}}


@pytest.fixture(scope="module")
def seen(small):
    """`seen(weeks=104, **changes)`: a market, its world, its budgets, what happened, and what is seen of it."""

    def look(weeks=WEEKS, **changes):
        market = build(small(**changes), Market, "small")
        world = build_world(market, seed=1)
        spend = historical_spend(market, world, weeks, 3)
        told = play(world, spend)
        return market, world, spend, told, observe(market, world, told, spend, 5)

    return look


@pytest.fixture(scope="module")
def plain(seen):
    return seen()


def test_what_is_seen_is_revenue_with_noise_of_its_size(plain):
    market, world, spend, told, data = plain
    others = [observe(market, world, told, spend, seed) for seed in range(30)]
    ratio = np.stack([other.outcome[:, 0] / np.asarray(told.revenue) for other in others])
    assert ratio.mean() == pytest.approx(1, abs=4 * market.noise / np.sqrt(ratio.size))
    assert ratio.std() == pytest.approx(market.noise, rel=0.05)
    assert (data.spend[:, 0] == spend).all() and (data.driver == data.spend).all()
    assert data.control_names == ("rival",)
    assert (data.controls[:, 0, 0] == np.asarray(world.calendar.control)[world.calendar.before :][:WEEKS]).all()
    assert data.event_names == ("fair",) and data.events.sum() == 2
    assert data.starts[0] == market.start and data.unrecorded is None and data.notes == ()


def test_without_control_and_events_none_is_shown(bare):
    market = build(bare(), Market, "bare")
    world = build_world(market)
    spend = historical_spend(market, world, 10, 1)
    data = observe(market, world, play(world, spend), spend, 1)
    assert data.controls.shape == (10, 1, 0) and data.events.shape == (10, 1, 0)


def test_the_spend_that_is_seen_is_what_was_spent_and_not_the_budget(small, seen):
    channels = small()["channels"]
    channels["search"]["highest_bid"] = 0.5
    _, world, spend, told, data = seen(channels=channels)
    search = world.channels.index("search")
    assert (data.spend[:, 0] == np.asarray(told.spent)).all()
    assert (data.spend[:, 0, search] < spend[:, search]).any()
    assert (np.delete(data.spend[:, 0], search, axis=1) == np.delete(spend, search, axis=1)).all()


def test_books_spread_a_weeks_revenue_over_the_weeks_after_it_as_written(small, plain):
    delay = 0.6
    market = build(small(observation={"delay": delay}), Market, "small")
    _, world, _, told, _ = plain
    revenue = np.asarray(told.revenue)
    late = booked(market, world, revenue)
    whole = np.concatenate([year_before(market, world), revenue])
    twin = np.zeros(WEEKS)
    for week, money in enumerate(whole - whole[:YEAR].mean(), start=-YEAR):  # beyond the years before, all alike
        for after in range(max(0, week), WEEKS):
            twin[after] += (1 - delay) * delay ** (after - week) * money
    assert late == pytest.approx(twin + whole[:YEAR].mean(), rel=1e-12)
    owed = delay / (1 - delay) * (late[-1] - np.concatenate([[booked_before(whole, delay)], late])[0])
    assert late.sum() + owed == pytest.approx(revenue.sum(), rel=1e-9)


def booked_before(whole, delay):
    """What is booked in the week before the history, by the sum over all weeks until then."""
    past = whole[:YEAR][::-1]
    weight = (1 - delay) * delay ** np.arange(YEAR)
    return past @ weight + (1 - weight.sum()) * past.mean()


def test_late_books_leave_a_constant_revenue_and_books_that_are_not_late_any_revenue_as_they_are(bare, plain):
    selling = {**bare()["journey"], "notice": 0.1, "consider": 0.3, "buy": 0.8, "leave": 0.1, "forget": 0.04}
    market = build(bare(journey=selling, observation={"delay": 0.9}), Market, "bare")
    world = build_world(market)
    still = np.asarray(play(world, historical_spend(market, world, 30, 1)).revenue)
    assert still.mean() > 0 and booked(market, world, still) == pytest.approx(still, rel=1e-6)
    market, world, _, told, _ = plain
    assert (booked(market, world, np.asarray(told.revenue)) == np.asarray(told.revenue)).all()


def test_the_year_before_the_history_is_the_first_year_of_a_history_that_begins_a_year_earlier(small):
    still = {"season": {"amplitude": 0.2, "peak_week": 20}, "control": None}
    market = build(small(**still), Market, "small")
    earlier = build(small(**still, start=market.start - timedelta(weeks=YEAR)), Market, "small")
    world = build_world(earlier)
    mean = np.full((YEAR, 7), 1_000.0)
    expected = np.asarray(play(world, mean).revenue)
    assert year_before(market, build_world(market)) == pytest.approx(expected, rel=0.01)


def test_cells_are_lost_by_their_own_luck_never_in_the_first_year_and_stay_lost_when_more_are(seen, small):
    few, more = (seen(260, observation={"missing": share})[-1] for share in (0.1, 0.3))
    assert not few.unrecorded[:YEAR].any() and not few.unrecorded[few.spend > 0].any()
    assert (more.unrecorded | ~few.unrecorded).all()
    cells = few.unrecorded[YEAR:].size
    for data, share in ((few, 0.1), (more, 0.3)):
        deviation = np.sqrt(share * (1 - share) / cells)
        assert data.unrecorded[YEAR:].mean() == pytest.approx(share, abs=4 * deviation)
        [note] = data.notes
        assert note.startswith(f"{data.unrecorded.sum()} of {data.unrecorded.size:,} weekly cells of spend were never")
    turned = dict(reversed(small()["channels"].items()))
    assert (
        seen(120, observation={"missing": 0.3}, channels=turned)[-1].unrecorded[:, :, ::-1] == more.unrecorded[:120]
    ).all()


def test_gaps_change_nothing_but_the_cells_that_are_lost(seen, plain):
    data = seen(observation={"missing": 0.4})[-1]
    kept = ~data.unrecorded
    assert (data.spend[kept] == plain[-1].spend[kept]).all() and kept.mean() < 0.9
    assert (data.outcome == plain[-1].outcome).all() and (data.controls == plain[-1].controls).all()


def test_months_hold_the_weeks_that_start_in_them(seen, plain):
    weekly, monthly = plain[-1], seen(observation={"grain": "month"})[-1]
    assert monthly.period == "month" and all(day.day == 1 for day in monthly.starts)
    assert monthly.control_names == ("rival", "weeks_in_month")
    for month, day in enumerate(monthly.starts):
        inside = [
            week for week, start in enumerate(weekly.starts) if (start.year, start.month) == (day.year, day.month)
        ]
        assert monthly.outcome[month] == pytest.approx(weekly.outcome[inside].sum(axis=0), rel=1e-12)
        assert monthly.spend[month] == pytest.approx(weekly.spend[inside].sum(axis=0), rel=1e-12)
        assert monthly.controls[month, 0, 0] == pytest.approx(weekly.controls[inside, 0, 0].mean(), rel=1e-12)
        assert monthly.controls[month, 0, 1] == len(inside) and len(inside) in (4, 5)
        assert monthly.events[month, 0, 0] == weekly.events[inside].max()
    assert monthly.starts[0] == date(2022, 1, 1)  # the week before the history starts in December


def test_a_month_of_which_a_week_is_outside_the_history_is_left_out_and_told(plain):
    weekly = plain[-1]

    def part(first, last):
        rows = {
            name: getattr(weekly, name)[first:last] for name in ("outcome", "spend", "driver", "controls", "events")
        }
        return dataclasses.replace(weekly, starts=weekly.starts[first:last], **rows)

    for first, last in itertools.product(range(6), range(12, 18)):
        told = by_month_of_start(part(first, last))
        days = weekly.starts
        whole = {days[week].replace(day=1) for week in range(first, last)}
        if first:
            whole -= {days[first - 1].replace(day=1)}
        whole -= {days[last].replace(day=1)}
        assert told.starts == tuple(sorted(whole))
        assert len(told.notes) == len({days[week].replace(day=1) for week in range(first, last)}) - len(whole)
    with pytest.raises(InputError, match="no month has all its weeks between 2022-01-10 and 2022-02-14; ask for more"):
        by_month_of_start(part(1, 7))


def test_an_analyst_sees_prices_and_rivals_but_nothing_that_is_hidden(seen, small):
    control = {**small()["control"], "hidden": True}
    world, data = (seen(promotions=PROMOTIONS, rivals=RIVALS)[at] for at in (1, -1))
    assert data.control_names == ("rival", "price_index", "rival_spend")
    first = world.calendar.before
    assert (data.controls[:, 0, 1] == np.asarray(world.calendar.price)[first:][:WEEKS]).all()
    assert (data.controls[:, 0, 2] == np.asarray(world.calendar.rivals)[first:][:WEEKS]).all()
    assert sorted(set(data.controls[:, 0, 1])) == [0.8, 1.0]
    assert seen(control=control, rivals={**RIVALS, "hidden": True})[-1].control_names == ()
    assert seen(control=control, promotions=PROMOTIONS)[-1].control_names == ("price_index",)


OPTIONS = {
    "as it is": {},
    "months": {"observation": {"grain": "month"}},
    "gaps": {"observation": {"missing": 0.2}},
    "late": {"observation": {"delay": 0.7}},
    "all at once": {
        "observation": {"delay": 0.3, "missing": 0.97, "grain": "month"},
        "promotions": PROMOTIONS,
        "rivals": RIVALS,
        "demand_following": 0.5,
    },
    "hidden": {"promotions": PROMOTIONS, "rivals": {**RIVALS, "hidden": True}},
}


@pytest.mark.parametrize("changes", OPTIONS.values(), ids=OPTIONS)
def test_what_is_seen_is_written_read_back_and_checked(seen, tmp_path, changes):
    data = rounded(seen(156, **changes)[-1])
    write_panel(tmp_path, data)
    model = load(tmp_path / "model.toml", Model)
    again = read_dataset(tmp_path / "panel.csv", model, tmp_path / "model.toml")
    for name in ("period", "starts", "currency", "outcome_name", "channels", "kinds", "control_names", "event_names"):
        assert getattr(again, name) == getattr(data, name)
    for name in ("population", "outcome", "spend", "driver", "controls", "events"):
        assert (getattr(again, name) == getattr(data, name)).all()
    inspection = inspect(tmp_path / "panel.csv", tmp_path / "model.toml")
    assert inspection.verdict.startswith("This history ") and len(inspection.channels) == 7


def test_cells_that_were_never_recorded_are_blank_in_the_file_and_the_reader_says_so(seen, tmp_path):
    data = rounded(seen(156, observation={"missing": 0.2})[-1])
    write_panel(tmp_path, data)
    rows = list(csv.DictReader((tmp_path / "panel.csv").open()))
    blank = np.array([[row[f"{name}_spend"] == "" for name in data.channels] for row in rows])
    assert (blank == data.unrecorded[:, 0]).all()
    assert all(row["revenue"] and row["rival"] for row in rows)
    again = read_dataset(tmp_path / "panel.csv", load(tmp_path / "model.toml", Model), tmp_path / "model.toml")
    assert again.notes[0].startswith(f"{blank.sum()} blank cells count as zero, as declared")
    text = (tmp_path / "model.toml").read_text().replace('blank = "zero"\n', "")
    (tmp_path / "model.toml").write_text(text)
    with pytest.raises(InputError, match="the cell is blank, and missing is not zero"):
        read_dataset(tmp_path / "panel.csv", load(tmp_path / "model.toml", Model), tmp_path / "model.toml")


def test_months_of_which_no_week_was_recorded_are_blank_and_others_are_not(seen):
    lost = {"missing": 0.7}
    weekly = seen(156, observation=lost)[-1]
    monthly = seen(156, observation={**lost, "grain": "month"})[-1]
    month = np.array([day.replace(day=1).toordinal() for day in weekly.starts])
    whole = [weekly.unrecorded[month == day.toordinal()].all(axis=0) for day in monthly.starts]
    assert (monthly.unrecorded == np.stack(whole)).all() and monthly.unrecorded.any()


def test_spend_in_a_cell_that_was_never_recorded_is_not_written(plain, tmp_path):
    data = plain[-1]
    with pytest.raises(InputError, match="spend in a cell that it calls never recorded"):
        write_panel(tmp_path, dataclasses.replace(data, unrecorded=data.spend > 0))


@pytest.mark.parametrize("name", [observed.PRICE, observed.RIVALS, observed.WEEKS_OF_MONTH])
def test_a_control_that_takes_the_name_of_another_is_refused(seen, small, name):
    with pytest.raises(InputError, match=f"control.name is '{name}', which a panel needs for itself; rename it"):
        seen(20, control={**small()["control"], "name": name})


def test_the_noise_is_the_same_whatever_else_is_seen(seen, plain):
    late = seen(observation={"delay": 0.5})
    noise = late[-1].outcome[:, 0] / booked(late[0], late[1], np.asarray(late[3].revenue))
    assert noise == pytest.approx(plain[-1].outcome[:, 0] / np.asarray(plain[3].revenue), rel=1e-12)
    assert math.isclose(noise.mean(), 1, abs_tol=4 * 0.05 / np.sqrt(WEEKS))
