"""Stress sets: ladders whose rungs grow harsher, and the scenario's own shocks alone, together and at their ends."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.shocks import Shock, Spread
from engine.errors import InputError
from engine.optimize.shocked import strength
from engine.stress.levels import levels
from engine.stress.luck import met, quantile
from engine.stress.play import outcomes, paths_of, works
from engine.stress.policies import held
from engine.stress.sets import ladder, singles, together, tornado_ends
from engine.stress.trial import scene_of
from tests.stress.scenes import BUDGET, asked, curves, set_up

HELD = curves()
SALES = """
[stress.sales]
leads = 0.02
people = 8
handling = 0.5
patience = 1.0
"""


def told(text="", more="", **changed):
    """The setting of a small plan; `text` is what its scenario says beside the budget."""
    return set_up(HELD, asked(BUDGET + text, more=more, **changed))[0]


PLAIN, SELLING = told(), told(SALES)


def shock(**fields):
    """A table of a scenario's TOML with one shock."""
    return "[[shocks]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


def by_name(cases):
    return {case.name: case for case in cases}


def test_cases_have_names_of_their_own_in_the_words_of_people():
    names = [case.name for case in ladder(SELLING)]
    assert len(set(names)) == len(names)
    assert {
        "budget -15 % from 2027-01-04",
        "budget -15 % from 2027-07-05",
        "c0 effect -50 %",
        "prices of all paid channels +30 %",
        "c2 price +20 %",
        "demand -20 %",
        "people who sell -25 %",
    } <= set(names)


def test_each_rung_follows_a_milder_one_of_its_family_and_its_shock_is_larger():
    cases = by_name(ladder(SELLING))
    followers = [case for case in cases.values() if case.harsher_than]
    assert len(followers) == 5 + 5 + 3 + 2 + 2
    for case in followers:
        milder = cases[case.harsher_than]
        assert milder.family == case.family
        assert abs(case.shocks[0].size - 1) > abs(milder.shocks[0].size - 1)
        assert replace(case, shocks=()) != replace(milder, shocks=())
        changed = {"name": milder.shocks[0].name, "factor": milder.shocks[0].factor}
        assert case.shocks[0].model_copy(update=changed) == milder.shocks[0]


@pytest.mark.parametrize("periods", [1, 5, 52, 53, 104])
@pytest.mark.parametrize("decide", ["horizon", "quarter", "month"])
def test_every_case_holds_shocks_as_people_could_write_them(periods, decide):
    for case in ladder(told(SALES, periods=periods, decide=decide)):
        (one,) = case.shocks
        assert Shock.model_validate(one.model_dump(by_alias=True)) == one
        assert not one.is_random
        assert not one.expected


def test_without_people_who_sell_there_are_no_rungs_of_them():
    assert [case for case in ladder(SELLING) if case.family == "people"]
    assert {case.name for case in ladder(SELLING)} - {case.name for case in ladder(PLAIN)} == {
        f"people who sell -{share} %" for share in (10, 25, 50)
    }


@pytest.mark.parametrize(
    ("decide", "periods", "half"),
    [
        ("quarter", 52, date(2027, 7, 5)),
        ("month", 53, date(2027, 7, 5)),
        ("horizon", 53, date(2027, 7, 12)),
        ("horizon", 2, date(2027, 1, 11)),
    ],
)
def test_the_second_half_begins_with_the_decision_nearest_to_the_middle(decide, periods, half):
    later = [
        case for case in ladder(told(decide=decide, periods=periods)) if case.family == "budget in the second half"
    ]
    assert {case.shocks[0].first for case in later} == {half}


def test_a_plan_of_one_period_has_no_second_half():
    assert {case.family for case in ladder(told(periods=1))}.isdisjoint({"budget in the second half"})


def test_a_channel_is_off_in_the_quarter_in_which_the_plan_spends_most_on_it():
    begins = [date(2027, 1, 4), date(2027, 4, 5), date(2027, 7, 5), date(2027, 10, 4), date(2028, 1, 3)]
    for channel, name in enumerate(PLAIN.names):
        spent = [PLAIN.money[13 * quarter : 13 * quarter + 13, channel].sum() for quarter in range(4)]
        best = int(np.argmax(spent))
        case = by_name(ladder(PLAIN))[f"{name} off {begins[best]} to {begins[best + 1] - timedelta(days=1)}"]
        open_then = levels(PLAIN, met(PLAIN.planned, case.shocks, 0, np.arange(1))).open
        assert [float((1 - level).sum()) for level in open_then] == [13.0 * (at == channel) for at in range(3)]


def test_a_quarter_of_yearly_periods_is_a_quarter_of_one():
    yearly = replace(HELD, period="year")
    found = set_up(yearly, asked(BUDGET, periods=3, decide="horizon"))[0]
    (case,) = [case for case in ladder(found) if case.family == "outage" and case.shocks[0].channels == ("c0",)]
    assert 80 <= (case.shocks[0].last - case.shocks[0].first).days <= 92


def test_channels_without_money_have_nothing_to_lose():
    found = told("[channels.c0]\nlocked = 0.0\n")
    assert not [case for case in ladder(found) if "c0" in case.shocks[0].channels]
    assert [case for case in ladder(found) if "c1" in case.shocks[0].channels]


def test_parts_of_a_channel_are_lost_together():
    parts = [replace(one, part_of="tv", geo=f"g{at}", kind="paid") for at, one in enumerate(HELD.channels[:2])]
    found = set_up(replace(HELD, channels=(*parts, HELD.channels[2])), asked())[0]
    assert {case.shocks[0].channels for case in ladder(found) if case.family == "effectiveness"} == {("tv",), ("c2",)}
    case = by_name(ladder(found))["tv effect -50 %"]
    effect = levels(found, met(found.planned, case.shocks, 0, np.arange(1))).effect
    assert [float(level.mean()) for level in effect] == [0.5, 0.5, 1.0]


def test_prices_of_all_paid_channels_leave_the_others_alone():
    case = by_name(ladder(PLAIN))["prices of all paid channels +50 %"]
    had = levels(PLAIN, met(PLAIN.planned, case.shocks, 0, np.arange(1))).had
    assert [float(level.mean()) for level in had] == pytest.approx([2 / 3, 2 / 3, 1.0])


@pytest.mark.parametrize("decide", ["horizon", "quarter"])
def test_a_harsher_rung_is_never_better_under_hold(decide):
    found = told(decide=decide)
    (paths,) = paths_of(4, 4, 100)
    work = works(found, paths)

    def earned(shocks):
        one = met(found.planned, shocks, 0, paths.number)
        scene = scene_of(found, lambda setting, known_by: levels(setting, one, known_by), paths, work)
        return outcomes(found, work, scene.levels, held(scene).money, scene.count).sum(axis=(1, 2))

    plan, cases = earned(()), by_name(ladder(found))
    by_case = {name: earned(case.shocks) for name, case in cases.items()}
    for name, case in cases.items():
        milder = by_case[case.harsher_than] if case.harsher_than else plan
        assert np.all(by_case[name] <= milder * (1 + 1e-9)), name
        assert by_case[name].mean() < plan.mean(), name


def test_a_shock_that_is_sure_is_taken_as_it_is():
    found = told(shock(name='"dear"', kind='"price"', factor=1.3))
    (case,) = singles(found)
    assert (case.name, case.shocks) == ("dear", found.planned.shocks)


def test_what_chance_decides_is_taken_at_its_middle_and_surely():
    spread = {"low": 0.5, "mode": 0.9, "high": 1.1}
    written = "{ low = 0.5, mode = 0.9, high = 1.1 }"
    dates = {"from": "2027-03-01", "until": "2027-06-07"}
    found = told(shock(name='"slump"', kind='"demand"', factor=written, chance=0.3, within=9, onset=2, **dates))
    (case,) = singles(found)
    (before,), (one,) = found.planned.shocks, case.shocks
    assert one.factor == float(quantile(Spread(**spread), np.array([0.5]))[0])
    assert not one.is_random
    assert np.array_equal(strength(one, found.days, "week"), strength(before, found.days, "week", 4))
    assert Shock.model_validate(one.model_dump(by_alias=True)) == one


def test_a_shock_without_dates_that_begins_by_chance_begins_later():
    (case,) = singles(told(shock(kind='"budget"', factor=0.8, within=10)))
    assert (case.shocks[0].first, case.shocks[0].last) == (date(2027, 2, 8), None)


def test_the_middle_of_dates_is_the_one_that_half_of_the_paths_have_reached():
    found = told(shock(kind='"outage"', within=10))
    (one,) = met(found.planned, found.planned.shocks, 3, np.arange(20_000))
    assert np.median(one.later) in (4.0, 5.0)
    (case,) = singles(found)
    assert case.shocks[0].first == date(2027, 1, 4) + timedelta(weeks=5)


def test_ends_of_a_spread_are_its_5_and_95_percent_points():
    found = told(shock(name='"dear"', kind='"price"', factor="{ p05 = 0.9, p95 = 1.6 }", chance=0.5))
    ((low, high),) = tornado_ends(found)
    assert (low.name, high.name) == ("dear: 5 % point", "dear: 95 % point")
    assert low.shocks[0].factor == pytest.approx(0.9)
    assert high.shocks[0].factor == pytest.approx(1.6)
    (middle,) = singles(found)
    assert middle.shocks[0].factor == pytest.approx((0.9 * 1.6) ** 0.5)
    assert not any(case.shocks[0].is_random for case in (low, middle, high))


def test_ends_of_a_shock_whose_size_is_known_are_the_plan_and_it():
    found = told(shock(name='"dark"', kind='"outage"', chance=0.2, until="2027-03-01"))
    ((low, high),) = tornado_ends(found)
    assert low.shocks == ()
    assert (high.name, high.shocks) == ("dark", singles(found)[0].shocks)


def test_what_the_plan_reckons_with_does_not_come_twice():
    found = told(shock(name='"known"', kind='"price"', factor=1.2, expected="true") + shock(kind='"outage"'))
    assert [case.name for case in singles(found)] == ["shock"]
    assert [one.name for one in together(found).shocks] == ["shock"]
    assert len(tornado_ends(found)) == 1


def test_shocks_of_one_name_are_told_apart():
    found = told(
        shock(kind='"outage"') + shock(kind='"demand"', factor=0.9) + shock(name='"shock (2)"', kind='"outage"')
    )
    assert [case.name for case in singles(found)] == ["shock", "shock (2)", "shock (2) (2)"]


@pytest.mark.parametrize("name", ["all shocks together", "All  shocks by Chance", "past years", "the plan", "Comes to"])
def test_a_shock_is_not_called_as_a_test_calls_something_else(name):
    found = told(shock(name=f'"{name}"', kind='"outage"'))
    for question in (singles, together, tornado_ends):
        with pytest.raises(InputError, match=f"shock '{name}' has a name by which a stress test calls something else"):
            question(found)
    assert singles(told(shock(name=f'"{name} again"', kind='"outage"')))


def test_together_is_each_alone_at_once_and_nothing_where_there_is_none():
    found = told(shock(kind='"price"', factor="{ p05 = 1.0, p95 = 1.5 }") + shock(kind='"demand"', factor=0.9))
    assert together(found).shocks == tuple(case.shocks[0] for case in singles(found))
    assert together(PLAIN).shocks == singles(PLAIN) == tornado_ends(PLAIN) == ()


@pytest.mark.parametrize("question", [singles, together, tornado_ends])
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"kind": '"demand"', "factor": 0.9, "from": "2029-01-01"},
            "(from 2029-01-01) lies outside the horizon and",
        ),
        ({"kind": '"demand"', "factor": 0.9, "until": "2027-01-04"}, "(until 2027-01-04) lies outside"),
        ({"kind": '"price"', "factor": 1.2, "from": "2028-01-03"}, "outside the horizon, 2027-01-04 to 2028-01-02"),
        ({"kind": '"outage"', "from": "2028-01-03", "within": 9}, "within 9 weeks"),
    ],
)
def test_a_shock_that_can_touch_nothing_is_refused(question, fields, said):
    with pytest.raises(InputError) as fault:
        question(told(shock(name='"late"', **fields)))
    assert "shock 'late'" in str(fault.value)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": '"demand"', "factor": 0.9, "from": "2028-01-03"},  # in the tail
        {"kind": '"demand"', "factor": 0.9, "until": "2027-01-04", "recovery": 4},  # its recovery
        {"kind": '"outage"', "from": "2026-12-28", "until": "2027-01-04", "within": 9},  # if it begins later
        {"kind": '"season"', "factor": 2.0, "shift": 20, "from": "2026-11-02", "until": "2026-12-28"},  # its new place
        {"kind": '"outage"', "from": "2028-01-02"},  # the last day
    ],
)
def test_a_shock_that_can_touch_one_period_is_taken(fields):
    assert len(singles(told(shock(**fields)))) == 1


def test_a_shock_on_a_channel_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="shock 'odd' names 'c9', which the curves do not have"):
        singles(told(shock(name='"odd"', kind='"outage"', channels='["c9"]')))
