"""A plan beside what happened, against a loop over weeks, and what it says of invented years."""

import json
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import by_draw, optimize
from engine.optimize.plan_file import write_plan
from engine.optimize.rules import problem_of
from engine.response.curves_file import read_curves
from engine.study.brought import brought
from engine.study.replan import Today, replan
from engine.study.track import Asked, document, track
from engine.study.track_text import text
from engine.study.tracked_plan import asked_of, read_planned

START, WEEKS, NAMES = date(2027, 1, 4), 52, ("tv", "search", "pr")
RETAIN, CEILING, HALFWAY, PACE = (0.7, 0.2, 0.5), (3000.0, 1500.0, 900.0), (900.0, 500.0, 300.0), (700.0, 400.0, 200.0)
SPREAD = (0.8, 1.0, 1.25)  # of ceilings, by draw
QUARTERS = """name = "By quarter"
horizon = { start = 2027-01-04, periods = 52, decide = "quarter", tail = 0 }
budget = { total = 60_000 }
[ramp]
max_change = 0.2
"""
SHOCK = '[[shocks]]\nname = "dear"\nkind = "price"\nchannels = ["tv"]\nfactor = 2.0\nfrom = 2027-03-01\n'


def content(value=None):
    told = {"schema": "peso.curves/1", "currency": "USD", "outcome": "revenue", "period": "week"}
    if value:
        told |= {"outcome": "orders", "outcome_value": value}
    channels = [
        {
            "name": name,
            "kind": "paid",
            "adstock": {"family": "geometric", "retain": [RETAIN[at]] * 3},
            "saturation": {
                "family": "hill",
                "ceiling": [CEILING[at] * each for each in SPREAD],
                "halfway": [HALFWAY[at]] * 3,
                "slope": [1.0] * 3,
            },
            "history": {"mean": PACE[at], "max": 5 * PACE[at], "last": [PACE[at] * (1 + k % 2) for k in range(8)]},
        }
        for at, name in enumerate(NAMES)
    ]
    return json.dumps(told | {"channels": channels})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with curves, a scenario and its plan."""
    folder = tmp_path_factory.mktemp("tracked")
    (folder / "curves.json").write_text(content())
    (folder / "q.toml").write_text(QUARTERS)
    curves = read_curves(folder / "curves.json")
    write_plan(folder / "plan.json", optimize(curves, parse(QUARTERS, Scenario, "q.toml"), priced=False))
    return folder


@pytest.fixture(scope="module")
def planned(place):
    return read_planned(place / "plan.json")


@pytest.fixture(scope="module")
def mean(place, planned):
    """The mean outcome of a schedule in each week, all channels together."""
    curves = read_curves(place / "curves.json")
    return lambda money: brought(curves, asked_of(planned), money).mean(axis=2).sum(axis=0)


def looped(money, draw):
    """Outcome of each week, week after week, channel after channel."""
    found = np.zeros(len(money))
    for at in range(3):
        stock = PACE[at]
        for before in range(8):
            stock = RETAIN[at] * stock + (1 - RETAIN[at]) * PACE[at] * (1 + before % 2)
        for week, spent in enumerate(money[:, at]):
            stock = RETAIN[at] * stock + (1 - RETAIN[at]) * spent
            found[week] += SPREAD[draw] * CEILING[at] * stock / (stock + HALFWAY[at])
    return found


def table(money, step=7, **columns):
    """The text of a table."""
    rows = [["date", *NAMES, *columns]]
    for at, amounts in enumerate(money):
        day = START + timedelta(step * at)
        rows.append([str(day), *map(repr, amounts.tolist()), *(repr(float(each[at])) for each in columns.values())])
    return "\n".join(",".join(row) for row in rows)


def tracked(place, money, band=0.05, scenario=False, fit="curves.json", doubt=0.02, plan="plan.json", **columns):
    (place / "actuals.csv").write_text(table(money, **columns))
    asked = Asked(
        place / plan,
        place / "actuals.csv",
        place / fit if fit else None,
        place / "q.toml" if scenario else None,
        band,
        doubt,
    )
    return track(asked)


def with_outcome(mean, money, effect=1.0):
    """The columns of an outcome on a baseline of 5,000 a week."""
    return {"outcome": effect * mean(money) + 5000.0, "baseline": np.full(len(money), 5000.0)}


def test_what_a_schedule_brings_is_what_a_loop_over_weeks_says(place, planned):
    money = np.random.default_rng(2).uniform(0.0, 1500.0, (20, 3))
    curves = read_curves(place / "curves.json")
    found = brought(curves, asked_of(planned), money).sum(axis=0)
    for draw in range(3):
        assert found[:, draw] == pytest.approx(looped(money, draw), rel=1e-9)


@pytest.mark.parametrize("shocks", ["", SHOCK])
def test_less_what_earlier_money_brings_it_is_what_the_planner_values(place, planned, shocks):
    scenario, curves = parse(QUARTERS + shocks, Scenario, "q.toml"), read_curves(place / "curves.json")
    problem = problem_of(curves, scenario, Spent(planned.money))
    cells = np.array([way.spent for way in problem.ways]).ravel()
    own = brought(curves, scenario, planned.money) - brought(curves, scenario, np.zeros_like(planned.money))
    assert own.sum(axis=(0, 1)) == pytest.approx(by_draw(problem, cells)[1], rel=1e-9)


@pytest.mark.parametrize("weeks", [1, 6, 52])
def test_as_planned_to_the_letter_it_is_on_plan_and_every_part_is_nothing(place, planned, mean, weeks):
    money = planned.money[:weeks]
    found = tracked(place, money, **with_outcome(mean, money))
    assert found.triggers == ()
    assert found.total.spent == pytest.approx(found.total.planned)
    parts = found.outcome.total
    assert [parts.volume, parts.mix, parts.price, parts.effectiveness] == pytest.approx([0.0] * 4, abs=1e-6)
    assert found.forecast.year.mean == pytest.approx(found.forecast.planned.mean, rel=1e-9)
    assert text(found).startswith("On plan: By quarter, 2027-01-04 to ")


def test_parts_add_up_in_all_and_by_channel(place, planned, mean):
    money = planned.money[:9] * np.random.default_rng(4).uniform(0.5, 1.5, (9, 3))
    came = brought_by_channel(place, planned, 0.9 * money)
    told = {f"{name}.outcome": came[at] for at, name in enumerate(NAMES)}
    priced = {"tv.contacts": money[:, 0] / 3.0, "tv.planned_price": np.full(9, 2.0)}
    found = tracked(place, money, **told, **priced).outcome
    for part in (found.total, *found.channels):
        moved = part.volume + part.mix + part.price + part.effectiveness
        assert part.planned + moved == pytest.approx(part.actual, abs=1e-6)
    for name in ("planned", "volume", "mix", "price", "effectiveness", "actual"):
        assert sum(getattr(part, name) for part in found.channels) == pytest.approx(getattr(found.total, name))
    assert [part.price < 0 for part in found.channels] == [True, False, False]
    assert found.unpriced == ("search", "pr")


def brought_by_channel(place, planned, money):
    curves = read_curves(place / "curves.json")
    return brought(curves, asked_of(planned), money).mean(axis=2)


def test_spend_off_plan_fires_by_its_channel_and_names_the_command_that_runs(place, planned, mean):
    money = planned.money[:13].copy()
    money[:, 0] *= 1.3
    found = tracked(place, money, scenario=True, **with_outcome(mean, money))
    off = {trigger.what: trigger for trigger in found.triggers}
    assert off["spend of tv"].share == pytest.approx(0.3)
    assert off["spend of tv"].gap == pytest.approx(0.3 * planned.money[:13, 0].sum())
    assert not {"spend of search", "spend of pr"} & off.keys()
    assert f"--as-of {START + timedelta(91)} --spent" in found.way.command
    assert document(found)["fires"] is True
    assert text(found).startswith("Re-plan: ")
    again = replan(place / "curves.json", place / "q.toml", Today(found.as_of, place / "actuals.csv", planned.path))
    assert again.plan.spend == pytest.approx(60_000)


def test_a_wider_band_or_a_channel_of_next_to_no_money_calls_for_nothing(place, planned):
    money = planned.money[:13].copy()
    money[:, 0] *= 1.3
    assert tracked(place, money, band=0.5).triggers == ()
    money = planned.money[:13].copy()
    money[0, 2] += 0.009 * money.sum()
    assert tracked(place, money, band=0.02).triggers == ()
    money[0, 2] += 0.002 * money.sum()
    assert [trigger.what for trigger in tracked(place, money, band=0.02).triggers] == ["spend of pr"]


def test_columns_of_the_total_add_up(place, planned):
    found = tracked(place, planned.money[:13] * [1.3, 0.7, 1.0])
    for name in ("planned", "spent", "year", "at_this_pace", "left"):
        assert sum(getattr(line, name) for line in found.lines) == pytest.approx(getattr(found.total, name))


def test_money_before_any_was_planned_fires_and_comes_on_top(place, planned):
    told = json.loads(planned.path.read_text())
    told["schedule"] = [[0.0] * 3] * 2 + told["schedule"][2:]
    told["spend"][0] = np.sum(told["schedule"][:13], axis=0).tolist()
    (place / "late.json").write_text(json.dumps(told))
    found = tracked(place, planned.money[:2], plan="late.json")
    assert found.triggers[0].share is None
    assert found.total.at_this_pace == pytest.approx(found.total.year + found.total.spent)
    assert "(nothing was planned)" in text(found)


def test_dearer_contacts_are_price_and_go_on(place, planned, mean):
    money = planned.money[:13]
    columns = with_outcome(mean, money / 1.25)
    for at, name in enumerate(NAMES):
        columns |= {f"{name}.contacts": money[:, at] / 1.25 / 0.02, f"{name}.planned_price": np.full(13, 0.02)}
    found = tracked(place, money, **columns)
    parts = found.outcome.total
    assert [parts.volume, parts.mix, parts.effectiveness] == pytest.approx([0.0] * 3, abs=1e-6)
    assert parts.price == pytest.approx(float((mean(money / 1.25) - mean(money)).sum()))
    assert [trigger.what for trigger in found.triggers] == ["revenue expected of what was bought", "revenue"]
    dear = np.concatenate([money, planned.money[13:]]) / 1.25
    assert found.forecast.year.mean == pytest.approx(float(mean(dear).sum()), rel=1e-6)
    assert 'as [[shocks]] with kind = "price"' in text(found)


def test_half_the_outcome_is_effectiveness_and_all_of_it_goes_on_where_it_is_sure(place, planned, mean):
    money = planned.money[:13]
    found = tracked(place, money, doubt=0.0, **with_outcome(mean, money, effect=0.5))
    assert found.outcome.total.effectiveness == pytest.approx(-0.5 * float(mean(money).sum()))
    assert [trigger.what for trigger in found.triggers] == ["revenue"]
    assert found.forecast.believed == pytest.approx(1.0)
    assert found.forecast.year.mean == pytest.approx(0.5 * float(mean(planned.money).sum()), rel=1e-6)
    assert found.forecast.chance == 0.0
    assert "First calibrate with what came" in text(found)


def test_a_gap_that_may_be_an_error_of_the_baseline_does_not_fire_and_goes_on_less(place, planned, mean):
    money = planned.money[:13]
    told = with_outcome(mean, money, effect=0.9)
    sure, unsure = (tracked(place, money, doubt=doubt, **told) for doubt in (0.0, 0.1))
    assert [bool(sure.triggers), bool(unsure.triggers)] == [True, False]
    assert unsure.forecast.believed < sure.forecast.believed
    assert unsure.forecast.year.mean > sure.forecast.year.mean
    assert "revenue within what may be chance" in text(unsure)


def test_without_an_outcome_effectiveness_is_not_known_and_said_to_be_so(place, planned, mean):
    money = planned.money[:13]
    found = tracked(place, money, outcome=mean(money) + 5000.0)
    assert found.outcome.actual is None
    assert found.outcome.total.effectiveness is None
    assert found.unused == ("outcome",)
    assert "add a column baseline for that" in text(found)
    going = np.concatenate([money, planned.money[13:]])
    assert found.forecast.year.mean == pytest.approx(float(mean(going).sum()))


def test_without_curves_spend_alone_is_told(place, planned):
    found = tracked(place, planned.money[:4], fit=None)
    assert (found.outcome, found.forecast) == (None, None)
    assert "add --fit FIT" in text(found)


def test_an_outcome_in_units_is_told_at_its_value(place, planned):
    (place / "orders.json").write_text(content(value=20.0))
    curves = read_curves(place / "orders.json")
    money = planned.money[:8]
    orders = brought(curves, asked_of(planned), money).mean(axis=2).sum(axis=0) / 20.0
    found = tracked(place, money, fit="orders.json", outcome=orders + 100.0, baseline=np.full(8, 100.0))
    assert found.outcome.total.effectiveness == pytest.approx(0.0, abs=1e-6)
    assert found.outcome.actual == pytest.approx(20.0 * orders.sum())
    assert "was made from other curves than these" in text(found)


def test_a_plan_of_one_split_is_tracked_and_told_how_it_can_be_replanned(place, planned):
    once = parse(QUARTERS.replace('"quarter", tail = 0', '"horizon"').split("[ramp]")[0], Scenario, "one.toml")
    write_plan(place / "once.json", optimize(read_curves(place / "curves.json"), once, priced=False))
    money = read_planned(place / "once.json").money[:13] * 1.2
    found = tracked(place, money, plan="once.json")
    assert found.way.command == ""
    assert 'let that question decide by quarter (horizon.decide = "quarter")' in text(found)


def test_a_command_stands_there_only_where_it_has_all_it_needs(place, planned):
    money = 1.3 * planned.money[:13]
    for given in ({"fit": None}, {}):
        lacking = tracked(place, money, **given).way
        assert lacking.command == ""
        assert "add --scenario with the question that the plan answers" in lacking.lacking
    assert tracked(place, money, scenario=True).way.lacking == ()


def test_where_all_money_is_spent_the_budget_is_named_and_no_command(place, planned):
    money = planned.money[:13] * 60_001 / planned.money[:13].sum()
    found = tracked(place, money, scenario=True)
    assert found.way.command == ""
    assert "raise the budget in" in text(found)


def test_a_measure_is_past_its_band_by_what_is_beyond_the_limit(place, planned):
    money = planned.money[:13].copy()
    money[:, 0] *= 1.3
    found = tracked(place, money, band=0.1)
    tv = next(each for each in found.measures if each.what == "spend of tv")
    assert tv.limit == pytest.approx(max(0.1 * planned.money[:13, 0].sum(), 0.01 * planned.money[:13].sum()))
    assert tv.past == pytest.approx(tv.gap - tv.limit)
    search = next(each for each in found.measures if each.what == "spend of search")
    assert (search.fires, search.past) == (False, 0.0)
    assert document(found)["triggers"][0]["limit"] == found.triggers[0].limit


def test_the_chance_of_a_target_is_that_of_the_forecast_to_reach_it(place, planned, mean):
    asked = QUARTERS.replace("total = 60_000", f"target_outcome = {planned.outcome + 4000.0!r}")
    (place / "wanted.toml").write_text(asked)
    (place / "actuals.csv").write_text(table(planned.money[:13]))
    curves, target = place / "curves.json", place / "wanted.toml"
    found = track(Asked(planned.path, place / "actuals.csv", curves, target)).forecast
    year = brought(read_curves(curves), asked_of(planned), planned.money).sum(axis=(0, 1))
    assert found.target == pytest.approx(year.mean() + 4000.0)
    assert found.is_asked
    assert found.chance == np.mean(year >= year.mean() + 4000.0)


def test_a_horizon_that_is_over_leaves_nothing_to_decide(place, planned):
    found = tracked(place, 1.2 * planned.money)
    assert found.way.command == ""
    assert text(found).startswith("Off plan: ")


def test_days_are_the_same_as_their_weeks(place, planned, mean):
    money = planned.money[:4]
    weekly = tracked(place, money, **with_outcome(mean, money)).outcome
    daily = {name: np.repeat(each / 7, 7) for name, each in with_outcome(mean, money).items()}
    (place / "actuals.csv").write_text(table(np.repeat(money / 7, 7, axis=0), step=1, **daily))
    found = track(Asked(planned.path, place / "actuals.csv", place / "curves.json")).outcome
    assert found.total.actual == pytest.approx(weekly.total.actual)
    assert found.total.planned == pytest.approx(weekly.total.planned)


WRONG = {
    "in thousands": (lambda text: scaled(text, 1e-3), "seems to be in thousands of USD"),
    "a day within a week": (lambda text: text.replace("2027-01-18", "2027-01-19"), "no row for"),
    "a blank": (lambda text: text.replace("5000.0", "", 1), "blank"),
    "one attributed": (lambda text: text.replace("outcome", "tv.outcome"), "no 'search.outcome'"),
    "contacts without a price": (lambda text: text.replace("baseline", "tv.contacts"), "no 'tv.planned_price'"),
}


def scaled(text, factor):
    head, *rows = [line.split(",") for line in text.splitlines()]
    return "\n".join(
        ",".join(row) for row in [head, *([day, *(repr(float(x) * factor) for x in r)] for day, *r in rows)]
    )


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_cannot_be_read_is_refused_in_words(place, planned, mean, name):
    change, told = WRONG[name]
    money = planned.money[:4]
    (place / "wrong.csv").write_text(change(table(money, **with_outcome(mean, money))))
    with pytest.raises(InputError, match=told):
        track(Asked(planned.path, place / "wrong.csv", place / "curves.json"))


def test_days_that_end_within_a_week_are_refused_with_where_to_end(place, planned):
    (place / "wrong.csv").write_text(table(np.repeat(planned.money[:2] / 7, 7, axis=0)[:10], step=1))
    with pytest.raises(InputError, match="end it on 2027-01-17, or already on 2027-01-10"):
        track(Asked(planned.path, place / "wrong.csv"))


@pytest.mark.parametrize("change", [{"period": "fortnight"}, {"channels": ["tv", "tv", "pr"]}, {"horizon": None}])
def test_a_plan_that_is_damaged_is_refused(place, planned, change):
    told = json.loads(planned.path.read_text()) | change
    (place / "damaged.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="are not those of a plan"):
        tracked(place, planned.money[:4], plan="damaged.json")


def test_curves_of_other_channels_and_questions_of_another_time_are_refused(place, planned):
    (place / "other.json").write_text(content().replace('"pr"', '"press"'))
    with pytest.raises(InputError, match="pr, press stand in only one"):
        tracked(place, planned.money[:4], fit="other.json")
    (place / "later.toml").write_text(QUARTERS.replace("2027-01-04", "2028-01-03"))
    with pytest.raises(InputError, match="name the scenario that the plan answers"):
        asked_of(planned, place / "later.toml")
    with pytest.raises(InputError, match="add --fit FIT"):
        tracked(place, planned.money[:4], fit=None, scenario=True)


def test_the_order_of_channels_in_curves_and_table_does_not_matter(place, planned, mean):
    told = json.loads(content())
    (place / "turned.json").write_text(json.dumps(told | {"channels": told["channels"][::-1]}))
    money = planned.money[:6] * [1.1, 0.9, 1.0]
    before = tracked(place, money, **with_outcome(mean, money))
    after = tracked(place, money, fit="turned.json", **with_outcome(mean, money))
    for one, other in zip(before.outcome.channels, after.outcome.channels, strict=True):
        assert (one.name, one.planned, one.mix) == (other.name, pytest.approx(other.planned), pytest.approx(other.mix))
