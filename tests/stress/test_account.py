"""Account: profit, cash and paybacks against loops over weeks and closed forms, and the people who sell as a queue."""

import functools
import itertools
import math
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from engine.periods import PER_YEAR
from engine.response.curves import Family, pace
from engine.simulate.team import Team, served
from engine.stress.account import account, joined
from engine.stress.play import outcomes, works
from engine.stress.setting import Setting
from tests.stress.scenes import asked, calm, curves, set_up, surely
from tests.stress.trials import as_paid, one_path, scene, shock, some, spending, trial

CASH = "[stress]\nmargin = 0.45\ndiscount_rate = 0.11\ncash = {{ customers_pay_after = {}, media_paid_after = {} }}\n"
GOAL = '[goal]\nmaximise = "profit"\nmargin = 0.45\ndiscount_rate = 0.2\n'
STORM = (
    shock("price", channels=["c0"], factor={"low": 0.8, "mode": 1.2, "high": 1.8}, begins=date(2027, 2, 1), chance=0.7),
    shock("budget", factor=0.8, begins=date(2027, 7, 5), chance=0.6),
    shock("delay", shift=9, begins=date(2027, 5, 3), until=date(2028, 1, 10), recovery=6, chance=0.8),
)
SALES = "[stress.sales]\nleads = 0.02\nother_leads = 5.0\npeople = {}\nhandling = 0.5\npatience = 1.0\n"
made = functools.cache(trial)


def told_of(told, shocks=(), count=12):
    """The account of the plan held."""
    paths = some(told, count)
    there = scene(told, shocks, paths)
    money = spending(told, "hold", shocks, paths).money
    return account(told.setting, there.work, there.levels, as_paid(money), told.whole, count), there, money


def loop(told, there, money, count):
    """The same week by week, path by path, in plain numbers."""
    setting, stress = told.setting, told.setting.planned.stress
    came = outcomes(setting, there.work, there.levels, money, count)
    margin = stress.margin if stress.margin is not None else setting.planned.goal.margin
    for path in range(count):
        delay = there.levels.delay[min(path, len(there.levels.delay) - 1)]
        rows = setting.rows
        received, paid = ([[0.0, 0.0, 0.0] for _ in range(rows)] for _ in range(2))
        profit = [0.0] * rows
        for week in range(rows):
            plain = sum(came[path, week, channel] / setting.found[channel].discount[week] for channel in range(3))
            spent = float(money[min(path, len(money) - 1), week].sum()) if week < setting.periods else 0.0
            profit[week] = margin * plain - spent
            for book, amount, later in (
                (received, margin * plain, stress.cash.customers_pay_after + int(delay[week])),
                (paid, spent, stress.cash.media_paid_after),
            ):
                years = (week + later) / PER_YEAR["week"]
                for at, value in enumerate((amount, amount / (1 + stress.discount_rate) ** years, amount * years)):
                    book[min(week + later, rows - 1)][at] += value
        late = sum(
            margin * sum(came[path, week, channel] / setting.found[channel].discount[week] for channel in range(3))
            for week in range(rows)
            if week + stress.cash.customers_pay_after + int(delay[week]) > rows - 1
        )
        yield profit, received, paid, late


def by_span(setting: Setting, rows):
    """Rows added up by span."""
    edges = [*setting.spans.tolist(), setting.rows]
    return [sum(rows[begin:end]) for begin, end in itertools.pairwise(edges)]


def first_out_of_the_red(cash):
    """The first row from which on the sum of all cash so far is never below 0; -1: none."""
    so_far = np.cumsum(cash)
    return next((row for row in range(len(cash)) if all(so_far[row:] >= 0)), -1)


@pytest.mark.parametrize("more", ["", ", tail = 0"], ids=["with a tail", "without"])
@pytest.mark.parametrize("text", [CASH.format(0, 0), CASH.format(7, 0), CASH.format(3, 30), GOAL + CASH.format(60, 5)])
def test_profit_and_cash_are_a_loop_over_paths_and_weeks(text, more):
    told = made(text, more=more)
    found, there, money = told_of(told, STORM)
    for path, (profit, received, paid, late) in enumerate(loop(told, there, money, 12)):
        cash = [one[0] - other[0] for one, other in zip(received, paid, strict=True)]
        wanted = {
            "profit": profit,
            "cash": cash,
            "received": [one[0] for one in received],
            "received_now": [one[1] for one in received],
            "received_years": [one[2] for one in received],
            "paid_now": [one[1] for one in paid],
            "paid_years": [one[2] for one in paid],
        }
        for name, rows in wanted.items():
            scale = 1e-9 * told.whole.sum()
            assert getattr(found, name)[path] == pytest.approx(by_span(told.setting, rows), rel=1e-9, abs=scale)
        assert found.present[path] == pytest.approx(
            sum(one[1] - other[1] for one, other in zip(received, paid, strict=True))
        )
        assert found.payback[path] == first_out_of_the_red([*cash[:-1], cash[-1] - late])


@pytest.mark.parametrize("late", [(0, 0), (30, 0), (0, 104), (104, 104)])
def test_all_money_is_paid_in_the_end(late):
    """What is paid after the last row counts in the last span: cash adds up to profit, whenever it is paid."""
    told = made(CASH.format(*late))
    found, _, _ = told_of(told, STORM)
    assert found.cash.sum(axis=1) == pytest.approx(found.profit.sum(axis=1))


def test_where_all_is_paid_at_once_cash_is_profit_and_without_a_rate_its_value_too():
    told = made("[stress]\nmargin = 0.45\n")
    found, _, _ = told_of(told, STORM[:2])
    assert found.cash == pytest.approx(found.profit)
    assert found.present == pytest.approx(found.profit.sum(axis=1))


def test_profit_is_the_margin_on_the_outcome_less_what_is_spent():
    told = made("[stress]\nmargin = 0.45\n")
    found, _, _ = told_of(told, STORM)
    spent = np.concatenate([found.spend.sum(axis=2), np.zeros((12, 1))], axis=1)
    assert found.profit == pytest.approx(0.45 * found.outcome - spent)
    assert found.by_channel.sum(axis=1) == pytest.approx(found.outcome.sum(axis=1))


def test_a_discount_of_the_goal_is_not_in_the_profit():
    """The plan's outcome is discounted by its goal; profit by the same margin is of what really comes."""
    plainly, discounted = made(GOAL.replace("0.2", "0.0")), made(GOAL)
    paths = some(plainly, 4)
    money, work = plainly.setting.money[None], works(plainly.setting, paths)
    one, other = (
        account(told.setting, work, calm(told.setting), as_paid(money), told.whole, 4) for told in (plainly, discounted)
    )
    assert other.profit == pytest.approx(one.profit)
    assert np.all(other.outcome < one.outcome)


def test_nobody_knows_a_profit_without_a_margin():
    found, _, _ = told_of(made(), STORM)
    assert np.isnan(found.profit).all()
    assert np.all(found.payback == -1)
    assert np.isfinite(found.outcome).all()


@functools.cache
def straight(text):
    """A plan on straight curves without carry-over: each week's money brings three times itself that week."""
    held = curves(draws=1)
    line = Family("power", {"ceiling": np.full(1, 18e5), "halfway": np.full(1, 3e5), "slope": np.full(1, 1.0)})
    here = Family("geometric", {"retain": np.zeros(1)})
    every = tuple(replace(one, saturation=line, adstock=here) for one in held.channels)
    return set_up(replace(held, channels=every), asked("budget = { total = 90_000 }\n" + text))[0]


@pytest.mark.parametrize("late", [0, 1, 2, 5, 13, 24, 25])
@pytest.mark.parametrize("margin", [0.5, 0.75, 1.0])
def test_even_money_that_comes_back_later_is_paid_back_by_a_closed_form(margin, late):
    """Of 1 a week r comes back d weeks later: (w + 1 - d) r >= w + 1 first holds in the week before d r / (r - 1)."""
    told = straight(f"[stress]\nmargin = {margin}\ncash = {{ customers_pay_after = {late}, media_paid_after = 0 }}\n")
    work, money = works(told, some_of(told)), np.full((1, 52, 3), 100.0)
    rate = margin * float(outcomes(told, work, calm(told), money).sum() / money.sum())
    assert rate == pytest.approx(3 * margin)
    found = account(told, work, calm(told), as_paid(money), told.money.sum(axis=1), 1)
    wanted = 0 if late == 0 else math.ceil(late * rate / (rate - 1)) - 1
    if wanted >= told.periods:  # nothing is spent any more: what came back by then is what is left to come
        left = 52 - (np.arange(told.rows) + 1 - late) * rate
        wanted = int(np.flatnonzero(left <= 0)[0])
    assert found.payback.tolist() == [wanted]


def some_of(told):
    """One path for each draw."""
    return some(type("", (), {"setting": told}), told.curves.draws)


def test_money_that_never_comes_back_is_never_paid_back():
    told = straight("[stress]\nmargin = 0.2\n")
    money = np.full((1, 52, 3), 100.0)
    found = account(told, works(told, some_of(told)), calm(told), as_paid(money), told.money.sum(axis=1), 1)
    assert found.payback.tolist() == [-1]


def test_what_is_committed_beyond_the_money_that_there_is_is_told():
    told = made("[channels.c0]\ncommitted = [4_000, 3_000, 6_000, 5_000]\n")
    deep, _, _ = told_of(told, [shock("budget", factor=0.05)], 4)
    assert deep.overspent == pytest.approx(18_000 - 0.05 * 90_000, rel=1e-4)
    mild, _, _ = told_of(told, [shock("budget", factor=0.7)], 4)
    assert not mild.overspent.any()


def test_parts_are_joined_in_order():
    told = made()
    whole, there, money = told_of(told, STORM)
    halves = [
        account(told.setting, there.work, sliced(there.levels, part), as_paid(money[part]), told.whole, 4)
        for part in (slice(0, 4), slice(4, 8), slice(8, 12))
    ]
    both = joined(halves)
    for field in fields(whole):
        assert getattr(both, field.name) == pytest.approx(getattr(whole, field.name), rel=1e-9, nan_ok=True)


def sliced(levels, part):
    """The levels of some paths."""

    def one(level):
        return level[part] if len(level) > 1 else level

    return type(levels)(
        **{
            name: tuple(map(one, level)) if isinstance(level, tuple) else one(level)
            for name, level in vars(levels).items()
        }
    )


def test_a_team_that_is_never_busy_changes_nothing():
    alone, huge = made(), made(SALES.format(50_000))
    plain, _, _ = told_of(alone, STORM)
    found, _, _ = told_of(huge, STORM)
    assert found.outcome == pytest.approx(plain.outcome, rel=1e-9)
    assert found.lost == pytest.approx(np.zeros_like(found.lost), abs=1e-9)


def test_fewer_people_never_bring_more_and_none_bring_nothing():
    told, before = made(SALES.format(20)), None
    for left in (1.0, 0.9, 0.6, 0.3, 0.04, 0.0):
        found, _, _ = told_of(told, [shock("capacity", factor=left, begins=date(2027, 4, 5))])
        if before:
            assert np.all(found.outcome <= before.outcome * (1 + 1e-6))  # read off a table
            assert np.all(found.lost >= before.lost - 1e-6)
        before = found
    assert not before.outcome[:, 1:].any()
    assert np.all(before.lost[:, 1:] == 1)
    assert before.outcome[:, 0].all()


def usual(told):
    """History's money, every week."""
    every = [pace(channel, "week") for channel in told.setting.curves.channels]
    return np.broadcast_to(np.array(every), (1, *told.setting.money.shape))


def test_at_the_pace_of_history_a_team_sells_what_it_always_sold():
    """On each draw: whoever else is looked at."""
    told, plain = (trial(text) for text in (SALES.format(3), ""))
    work = works(told.setting, some(told, 4))
    found, without = (
        account(one.setting, work, calm(one.setting), as_paid(usual(told)), told.whole, 4) for one in (told, plain)
    )
    assert np.array_equal(found.outcome, without.outcome)
    assert found.lost.min() > 0.01  # though it loses some


def test_a_team_sells_on_one_path_what_it_sells_on_that_path_among_others():
    told = made(SALES.format(3))
    whole, _, _ = told_of(told, (), 4)
    for number in range(4):
        alone = one_path(told, number)
        there = scene(told, (), alone)
        found = account(told.setting, there.work, there.levels, spending(told, "hold", (), alone), told.whole, 1)
        assert found.outcome[0] == pytest.approx(whole.outcome[number], rel=2e-5)  # read off a table


@pytest.mark.parametrize("people", [2, 5, 12])
def test_what_more_leads_bring_is_what_the_queue_serves_of_them(people):
    """What is served beyond what would be without them, lead by lead, as a multiple of that at the pace of history."""
    told = trial(SALES.format(people), curves(draws=1))
    setting, team = told.setting, Team(people, 0.5, 1.0)
    work = works(setting, some(told, 1))
    money = np.where(np.arange(52)[None, :, None] < 20, 3.0, 0.4) * usual(told)
    came, then = (outcomes(setting, work, calm(setting), amount)[0].sum(axis=1) for amount in (money, usual(told)))

    def share(week, outcome):
        with_them, without = served(team, np.array([5.0 + 0.02 * outcome[week], 5.0])).tolist()
        return (with_them - without) / (0.02 * outcome[week])

    def lost_of(leads):
        return 1 - float(served(team, np.array([leads]))[0]) / leads

    weeks = [came[week] * share(week, came) / share(week, then) for week in range(setting.rows)]
    lost = [lost_of(5.0 + 0.02 * came[week]) for week in range(setting.rows)]
    found = account(setting, work, calm(setting), as_paid(money), told.whole, 1)
    edges = [*setting.spans.tolist(), setting.rows]
    assert found.outcome[0] == pytest.approx(by_span(setting, weeks), rel=2e-5)
    wanted = [np.mean(lost[begin:end]) for begin, end in itertools.pairwise(edges)]
    assert found.lost[0] == pytest.approx(wanted, abs=2e-5)


def test_people_who_leave_are_counted_as_whole_ones():
    told = made(SALES.format(5))
    less = [surely(shock("capacity", factor=factor)) for factor in (0.5, 0.61)]  # 2.5 and 3.05 of 5
    assert [np.round(one.factor[0] * 5) for one in less] == [2, 3]
    half, more = (told_of(told, [one.shock], 4)[0].lost for one in less)
    assert np.all(half > more)
