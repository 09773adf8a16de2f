"""Flighting: money of a decision by week, against loops over weeks and dates, and the plans that follow it."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.compare import compare
from engine.optimize.flighting import pattern
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import by_draw, optimize
from engine.optimize.rules import broken, problem_of
from engine.optimize.solve import solve
from engine.response.curves import Channel, Family, History

HEAD = 'name = "x"\nhorizon = {{ start = {start}, periods = {periods}, decide = "{decide}"{more} }}\n'
BUDGET = "budget = { total = 30_000 }\n"
KINDS = {
    "seasonal": 'flighting = "seasonal"',
    "bursts": "flighting = { on = 2, off = 3 }",
    "weights of a year": f"flighting = {[1 + (week % 5) * (week % 3) for week in range(52)]}",
}


def asked(rules, periods=52, decide="quarter", start="2027-01-04", more=""):
    head = HEAD.format(start=start, periods=periods, decide=decide, more=more)
    return parse(f"{head}{BUDGET}[every_channel]\n{rules}\n", Scenario, "q.toml")


def brand(make, slopes=(0.8, 2.5), weeks=60, until=date(2026, 11, 2), draws=3):
    """Weekly channels with carry-over, whose money of the last weeks is known up to a date."""
    rng = np.random.default_rng(5)

    def known(level):
        scatter = np.exp(0.2 * rng.standard_normal((2, draws)))
        return {"ceiling": 3 * level * scatter[0], "halfway": level * scatter[1]}

    channels = [
        Channel(
            f"c{at}",
            "paid",
            Family("geometric", {"retain": rng.uniform(0.2, 0.8, draws)}),
            Family("hill", {**known(900.0), "slope": np.full(draws, slope)}),
            History(600.0, 2000.0, tuple(rng.uniform(100, 1500, weeks).tolist())),
        )
        for at, slope in enumerate(slopes)
    ]
    return replace(make.curves(*channels), until=until)


def by_hand(rules, one, until, periods, start):
    """What each week weighs, week by week and by its date."""
    weights = []
    for week in range(periods):
        if "seasonal" in rules:
            day = start + timedelta(weeks=week)
            while day >= until:
                day -= timedelta(weeks=52)
            weights.append(one.history.last[(day - until).days // 7])
        elif "on" in rules:
            weights.append(1.0 if week % 5 in (0, 1) else 0.0)
        else:
            weights.append(1.0 + (week % 52 % 5) * (week % 52 % 3))
    return weights


def spent_by_week(weights, lengths, money):
    """The money of each decision by the weights of its weeks."""
    rows, begin = [], 0
    for length, amount in zip(lengths, money, strict=True):
        inside = weights[begin : begin + length]
        rows += [amount * weight / sum(inside) for weight in inside]
        begin += length
    return rows


def added_by_loop(make, one, weeks, tail):
    """What money by week adds to what comes anyway, one week at a time, draw by draw."""

    def run(inside):
        going, retain = float(np.mean(one.history.last[-52:])), one.adstock.parameters["retain"]
        stock, total = np.full(len(retain), going), np.zeros(len(retain))
        for money in one.history.last:
            stock = (1 - retain) * money + retain * stock
        for money in [*inside, *([going] * tail)]:
            stock = (1 - retain) * money + retain * stock
            total = total + make.earned(one, stock)
        return total

    return run(weeks) - run([0.0] * len(weeks))


@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    ("periods", "decide", "more"),
    [(52, "quarter", ""), (70, "month", ""), (52, "horizon", ', carry_over = "history", tail = 9')],
)
def test_money_by_week_brings_what_a_loop_over_weeks_says(make, rules, periods, decide, more):
    held = brand(make)
    problem = problem_of(held, asked(rules, periods, decide, more=more))
    money = np.random.default_rng(1).uniform(2_000, 9_000, (2, problem.decisions))
    found, tail = by_draw(problem, money.ravel())[0], 9 if more else 26
    for one, row, outcome in zip(held.channels, money, found, strict=True):
        weights = by_hand(rules, one, held.until, periods, date(2027, 1, 4))
        weeks = spent_by_week(weights, problem.grid.lengths, row)
        assert outcome == pytest.approx(added_by_loop(make, one, weeks, tail), rel=1e-6)


@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
def test_one_split_brings_what_many_turns_of_its_year_settle_to(make, rules):
    held = brand(make)
    problem = problem_of(held, asked(rules, decide="horizon"))
    found = by_draw(problem, np.array([20_000.0, 40_000.0]))[0]
    for one, money, outcome in zip(held.channels, (20_000.0, 40_000.0), found, strict=True):
        weeks = spent_by_week(by_hand(rules, one, held.until, 52, date(2027, 1, 4)), [52], [money])
        retain = one.adstock.parameters["retain"]
        stock, total = np.zeros(len(retain)), np.zeros(len(retain))
        for turn in range(12):
            for spent in weeks:
                stock = (1 - retain) * spent + retain * stock
                total = total + (make.earned(one, stock) if turn == 11 else 0.0)
        assert outcome == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("decide", ["horizon", "quarter", "month"])
@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
def test_the_schedule_of_a_plan_follows_the_weights_and_adds_up_to_its_decisions(make, rules, decide):
    held = brand(make, slopes=(0.7, 0.9))
    plan = optimize(held, asked(rules, 26, decide), priced=False)
    schedule = np.array(plan.schedule)
    begin = 0
    lengths = problem_of(held, asked(rules, 26, decide)).grid
    for length, decided in zip(lengths.lengths if lengths else [26], plan.chosen.decided, strict=True):
        inside = schedule[begin : begin + length]
        assert inside.sum(axis=0) == pytest.approx(decided, rel=1e-9, abs=1e-6)
        for at, one in enumerate(held.channels):
            weights = np.array(by_hand(rules, one, held.until, 26, date(2027, 1, 4)))[begin : begin + length]
            assert inside[:, at] == pytest.approx(decided[at] * weights / weights.sum(), rel=1e-9, abs=1e-6)
        begin += length


@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
def test_no_plan_on_a_grid_beats_a_plan_with_flighting_or_its_bound(make, rules):
    problem = problem_of(brand(make, draws=2), asked(rules, 26))
    found, best = solve(problem), -np.inf
    for taken in itertools.combinations_with_replacement(range(4), 12):
        spend = np.bincount(taken, minlength=4) * 2_500.0
        best = max(best, float(by_draw(problem, spend)[1].mean()))
    assert not broken(problem, found.spend)
    assert best <= found.value * (1 + 1e-9)
    assert best <= found.bound


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e6])
def test_only_proportions_of_weights_count_and_equal_ones_are_even(make, unit):
    held = brand(make)
    even = problem_of(held, asked("", 26))
    alike = problem_of(held, asked(f"flighting = {[unit] * 26}", 26))
    spend = np.array([9_000.0, 1_000.0, 12_000.0, 8_000.0])
    assert by_draw(alike, spend)[0] == pytest.approx(by_draw(even, spend)[0], rel=1e-9)


@pytest.mark.parametrize(
    ("start", "until"), [(date(2027, 1, 4), date(2026, 11, 2)), (date(2031, 3, 3), date(2024, 12, 30))]
)
def test_a_season_falls_into_its_weeks_of_the_calendar(make, start, until):
    held = brand(make, until=until)
    peak = [0.0] * 60
    for week in range(60):
        day = until - timedelta(weeks=60 - week)
        peak[week] = 1000.0 if (day.month, day.day // 15) == (12, 1) else 10.0
    one = replace(held.channels[0], history=History(100.0, 1000.0, tuple(peak)))
    season = asked('flighting = "seasonal"', 52, start=str(start))
    found = pattern(one, replace(held, channels=(one,)), season, np.ones(52))
    days = [start + timedelta(weeks=int(week)) for week in np.flatnonzero(found > 500)]
    assert len(days) in (2, 3)
    assert all(day.month == 12 and 8 <= day.day <= 31 for day in days)


@pytest.mark.parametrize(("period", "count"), [("day", 364), ("month", 12), ("quarter", 4)])
def test_a_season_of_other_periods_is_that_of_the_year_before(make, period, count):
    last = tuple(float(at) for at in range(1, count + 1))
    one = replace(make.channel(), history=History(5.0, 400.0, last))
    held = replace(make.curves(one), period=period, until=date(2027, 1, 4))
    question = asked('flighting = "seasonal"', 2 * count, "horizon", start="2027-01-04")
    found = pattern(one, held, question, np.ones(2 * count)).tolist()
    assert found[:count] == list(last)
    assert sorted(found[count:]) == pytest.approx(sorted(last), abs=7)


def test_where_last_year_was_silent_a_decision_is_even_and_weights_of_nothing_close_it(make):
    held = brand(make, until=date(2027, 1, 4))
    silent = tuple([500.0] * 47 + [0.0] * 13)  # the last quarter of the year
    quiet = replace(held, channels=(replace(held.channels[0], history=History(300.0, 500.0, silent)),))
    problem = problem_of(quiet, asked('flighting = "seasonal"'))
    assert problem.ways[0].pace[-1][problem.ways[0].pace[-1] > 0] == pytest.approx([1 / 13] * 13)
    weights = f"flighting = {[1] * 39 + [0] * 13}"
    closed = problem_of(quiet, asked(weights))
    assert closed.ways[0].active == (True, True, True, False)
    with pytest.raises(InfeasibleError, match="no date on which c0 may spend under its flighting from 2027-10-04"):
        optimize(quiet, asked(f"{weights}\nquarter_floor = 5_000"))


def test_open_dates_and_flighting_hold_together(make):
    held = brand(make)
    text = "flighting = { on = 2, off = 2 }\nflight = { from = 2027-01-18 }"
    plan = optimize(held, asked(text, 12), priced=False)
    assert [bool(sum(row)) for row in plan.schedule] == [False] * 4 + [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_today_s_split_is_valued_with_its_season_and_without_bursts(make):
    held = brand(make, draws=1, slopes=(0.7, 0.9))
    for rules, alike in (('flighting = "seasonal"', KINDS["seasonal"]), (KINDS["bursts"], "")):
        plan, base = optimize(held, asked(rules, 26), priced=False), problem_of(held, asked(alike, 26))
        split = np.array(plan.baseline.decided).T.ravel()
        assert plan.baseline.value.mean == pytest.approx(float(by_draw(base, split)[1].mean()), rel=1e-9)
    assert plan.baseline.broken[:2] == ("flighting of c0", "flighting of c1")


def test_scenarios_side_by_side_have_one_base_whatever_their_flighting(make):
    held = brand(make, draws=1, slopes=(0.7, 0.9))
    even, season = asked("", 26), asked('flighting = "seasonal"', 26).model_copy(update={"name": "season"})
    one, two = compare(held, [even, season])
    assert one.base.outcome == pytest.approx(two.base.outcome, rel=1e-12)
    assert one.change.mean - two.change.mean == pytest.approx(one.outcome.mean - two.outcome.mean, rel=1e-9)


def test_a_part_follows_the_flighting_of_its_channel_unless_it_has_its_own(make):
    one, two = brand(make).channels
    parts = [replace(each, part_of="tv", geo=geo) for each, geo in ((one, "north"), (two, "south"))]
    held = replace(make.curves(*parts), until=date(2026, 11, 2))
    text = (
        "flighting = { on = 1, off = 1 }\n[channels.tv]\nflighting = { on = 1, off = 2 }\n[channels.c1]\ncap = 20_000\n"
    )
    own = "[channels.c0]\nflighting = { on = 1, off = 3 }\n"
    steps = {}
    for name, rules in (("both", text), ("own", text + own)):
        problem = problem_of(held, asked(rules, 24, "horizon"))
        steps[name] = [int(np.diff(np.flatnonzero(payoff.timing.pace))[0]) for payoff in problem.payoffs]
    assert steps == {"both": [3, 3], "own": [4, 3]}


def test_a_year_that_has_begun_goes_on_in_its_bursts(make):
    held = brand(make)
    spent = Spent(np.full((7, 2), 100.0))
    plan = optimize(held, asked(KINDS["bursts"], 26), priced=False, spent=spent)
    assert [week for week, row in enumerate(plan.schedule) if sum(row)] == [*range(7), 10, 11, 15, 16, 20, 21, 25]


@pytest.mark.parametrize(
    ("changed", "rules", "words"),
    [
        ({"until": None}, KINDS["seasonal"], "the curves do not say when their history ends"),
        ({"weeks": 51}, KINDS["seasonal"], "needs the last 52 weeks of the channel's history, and the curves give 51"),
        ({}, "flighting = [1, 2, 3]", "gives 3 weights, where 26 for the weeks of the horizon or 52 for a year"),
    ],
)
def test_a_flighting_that_does_not_fit_the_curves_is_refused(make, changed, rules, words):
    with pytest.raises(InputError, match=words):
        problem_of(brand(make, **changed), asked(rules, 26))


def test_bursts_of_monthly_curves_are_refused(make):
    monthly = replace(make.curves(make.channel()), period="month")
    with pytest.raises(
        InputError, match="counts bursts in weeks and the curves count in months; give weights by month"
    ):
        problem_of(monthly, asked(KINDS["bursts"], 12, "horizon"))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('flighting = "seasonl"', "line 5: every_channel.flighting = 'seasonl': must be 'even' or 'seasonal'"),
        ("flighting = { on = 2 }", "every_channel.flighting.off is missing; add it"),
        ("flighting = { on = 2, of = 2 }", "did you mean 'off'"),
        ("flighting = { on = 0, off = 2 }", "flighting.on = 0: must be greater than or equal to 1"),
        ("flighting = [0, 0]", "no period has a weight above 0"),
        ("flighting = [1, -2]", "flighting.1 = -2: must be greater than or equal to 0"),
        ("flighting = 3", "must be 'even' or 'seasonal'"),
    ],
)
def test_a_flighting_that_says_nothing_is_refused_with_its_place(rules, words):
    with pytest.raises(InputError) as told:
        asked(rules)
    assert words in str(told.value)
    assert "\n" not in str(told.value) or "of" in rules
