"""Policies: against loops over paths and weeks, by what they may know and when, and by the rules of the plan."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.optimize.rules import broken, problem_of
from engine.stress.interior import objective
from engine.stress.policies import committed_share
from engine.stress.rolling import planner, replanned, rest_of, rows_of
from engine.stress.sets import ladder
from engine.stress.trial import Start, Trial
from tests.stress.scenes import asked, curves, set_up
from tests.stress.trials import (
    CUT,
    EVERY,
    JULY,
    LAST,
    SECOND,
    STORM,
    THIRD,
    accounts,
    made,
    one_path,
    scene,
    shock,
    some,
    spending,
    trial,
)

COMMITTED = "[channels.c0]\ncommitted = [4_000, 3_000, 6_000, 5_000]\n[channels.c2]\ncommitted = [2_000, 0, 5_000]\n"
RULES = {
    "budget alone": "",
    "ramps": "[ramp]\nmax_change = 0.15\n",
    "floors and caps": "[channels.c0]\nfloor = 20_000\n[channels.c1]\ncap = 26_000\n",
    "commitments": COMMITTED,
    "a share and a group's floor": (
        '[groups.e]\nkinds = ["earned"]\nshare = { min = 0.30, max = 0.34 }\n'
        '[groups.two]\nchannels = ["c0", "c2"]\nfloor = 50_000\n'
    ),
}


def loop_held(told, found, path):
    """The plan, week by week, until the money of the weeks that are cut is gone; commitments are paid all the same."""
    opened = closed(told, found, path, np.ones_like(told.money))
    planned, fixed = told.money * opened, told.money * committed_share(told) * opened
    there = found.money[min(path, len(found.money) - 1)]
    money, pool = planned.copy(), 0.0
    for week in range(told.periods):
        if not there[week] < 1:
            continue
        if week == 0 or not there[week - 1] < 1:  # a cut begins: what its weeks have together
            end = next((later for later in range(week, told.periods) if not there[later] < 1), told.periods)
            pool = sum(there[each] * told.money[each].sum() - fixed[each].sum() for each in range(week, end))
        free = planned[week] - fixed[week]
        paid = min(max(pool, 0.0), free.sum())
        money[week] = fixed[week] + (free * paid / free.sum() if free.sum() else 0.0)
        pool -= paid
    return money


def loop_trimmed(told, found, path):
    """The plan, week by week, with what is not committed cut to what the week's money leaves."""
    money = told.money.copy()
    there = found.money[min(path, len(found.money) - 1)]
    for week in range(told.periods):
        fixed = told.money[week] * committed_share(told)[week]
        free = told.money[week] - fixed
        left = there[week] * told.money[week].sum() - fixed.sum()
        if there[week] != 1:
            money[week] = fixed + free * max(left, 0.0) / free.sum()
    return closed(told, found, path, money)


def closed(told, found, path, money):
    """Without the money of dates that are closed."""
    for channel, level in enumerate(found.open):
        money[:, channel] *= level[min(path, len(level) - 1), : told.periods]
    return money


BUDGETS = {
    "for ever": (CUT,),
    "with an end": (shock("budget", factor=0.5, begins=JULY, until=date(2027, 9, 6), chance=0.5),),
    "slowly, and an outage": (
        shock("budget", factor=0.6, begins=date(2027, 3, 3), onset=6, until=JULY, recovery=4, within=9),
        shock("outage", channels=["c1"], begins=date(2027, 4, 1), until=date(2027, 5, 20), chance=0.5),
    ),
    "two at once": (
        shock("budget", name="a", factor={"low": 0.3, "mode": 0.6, "high": 0.9}, begins=date(2027, 5, 1)),
        shock("budget", name="b", factor=0.7, begins=date(2027, 8, 1), until=date(2027, 11, 1), chance=0.5),
    ),
    "next to nothing is left": (shock("budget", factor=0.05, begins=date(2027, 2, 1)),),
}


@pytest.mark.parametrize("text", ["", COMMITTED], ids=["free", "committed"])
@pytest.mark.parametrize("shocks", BUDGETS.values(), ids=BUDGETS)
@pytest.mark.parametrize(("policy", "twin"), [("hold", loop_held), ("trim", loop_trimmed)])
def test_hold_and_trim_are_a_loop_over_paths_and_weeks(policy, twin, shocks, text):
    told = made(text)
    paths = some(told, 12)
    levels = scene(told, shocks, paths).levels
    money = np.broadcast_to(spending(told, policy, shocks, paths).money, (12, 52, 3))
    for path in range(12):
        wanted = twin(told.setting, levels, path)
        assert money[path] == pytest.approx(wanted, rel=1e-9, abs=1e-9 * told.whole.sum())


def test_what_is_committed_is_the_least_share_of_its_decision():
    told = made(COMMITTED).setting
    bound = np.add.reduceat(told.money * committed_share(told), told.grid.edges[:-1], axis=0)
    assert bound == pytest.approx(np.array([[4e3, 0, 2e3], [3e3, 0, 0], [6e3, 0, 5e3], [5e3, 0, 0]]))


def test_what_is_committed_of_a_channel_is_that_of_its_parts_together():
    held = curves()
    parts = tuple(replace(held.channels[0], name=f"c0/{name}", part_of="c0") for name in "ab")
    split = replace(held, channels=(*parts, *held.channels[1:]))
    told = trial(COMMITTED, split).setting
    bound = np.add.reduceat(told.money * committed_share(told), told.grid.edges[:-1], axis=0)
    assert bound[:, :2].sum(axis=1) == pytest.approx([4e3, 3e3, 6e3, 5e3])
    cut = spending(trial(COMMITTED, split), "hold", [shock("budget", factor=0.05)]).money[0]
    assert np.add.reduceat(cut[:, :2].sum(axis=1), told.grid.edges[:-1]) == pytest.approx([4e3, 3e3, 6e3, 5e3])


@pytest.mark.parametrize("text", ["", COMMITTED], ids=["free", "committed"])
def test_harsher_rungs_are_never_better_under_hold_on_any_draw(text):
    told = made(text)
    cases = {case.name: case for case in ladder(told.setting)}
    only = replace(told, policies=("hold",))
    found = {name: accounts(only, case.shocks)["hold"].outcome.sum(axis=1) for name, case in cases.items()}
    plan = accounts(only)["hold"].outcome.sum(axis=1)
    for name, case in cases.items():
        milder = found[case.harsher_than] if case.harsher_than else plan
        assert np.all(found[name] <= milder * (1 + 1e-12))


def test_a_cut_that_ends_leaves_the_money_after_it_alone_and_one_for_ever_does_not():
    told = made()
    until = date(2027, 10, 4)
    ending, lasting = (
        spending(told, "hold", [shock("budget", factor=0.5, begins=JULY, **more)]).money[0]
        for more in ({"until": until}, {})
    )
    plan = told.setting.money
    assert np.array_equal(ending[LAST:], plan[LAST:])
    assert ending[THIRD:LAST].sum() == pytest.approx(0.5 * plan[THIRD:LAST].sum())
    assert np.allclose(lasting[THIRD:LAST], plan[THIRD:LAST], atol=1.0)  # the money of the half year's first half
    assert lasting[THIRD:].sum() == pytest.approx(0.5 * plan[THIRD:].sum())


def test_two_points_by_hand():
    """A cut to f on a share p of the paths leaves p f + 1 - p of the money that is cut, in the mean."""
    told, one = made(), shock("budget", factor=0.7, chance=0.4)
    paths = some(told, 200)
    levels = scene(told, [one], paths).levels
    share = np.mean(levels.money[:, 0] < 1)
    assert share == pytest.approx(0.4, abs=0.12)
    for policy in ("hold", "trim"):
        mean = spending(told, policy, [one], paths).money.sum(axis=(1, 2)).mean()
        assert mean == pytest.approx((share * 0.7 + 1 - share) * told.whole.sum())


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_without_shocks_every_policy_is_the_plan(text):
    told = made(text, band=0.9)
    found = accounts(told)
    plan = found["hold"].outcome.sum(axis=1)
    assert np.array_equal(found["trim"].outcome.sum(axis=1), plan)
    assert found["trigger"].outcome.sum(axis=1) == pytest.approx(plan, rel=1e-12)
    for policy in ("replan", "foresight", "reserve"):  # nothing is held back
        assert found[policy].outcome.sum(axis=1).mean() == pytest.approx(plan.mean(), rel=1e-3)
        assert found[policy].spend.sum(axis=(1, 2)) == pytest.approx(told.whole.sum(), rel=1e-6)
    assert not spending(told, "trigger").anew.any()
    assert not spending(told, "replan").anew[:, 0].any()


def test_the_same_policy_twice_makes_no_difference_at_all():
    told = made(COMMITTED, reserve=0.1)
    paths = some(told, 12)
    for one, other in zip(*(accounts(told, (*STORM, CUT), paths).values() for _ in range(2)), strict=True):
        assert all(np.array_equal(vars(one)[name], vars(other)[name], equal_nan=True) for name in vars(one))


def test_every_policy_meets_the_same_luck():
    told = made(reserve=0.1)
    paths = some(told, 12)
    plan, less = (scene(told, (*STORM, CUT), paths, policy).levels for policy in ("hold", "reserve"))
    for one, other in zip(flat(plan), flat(less), strict=True):
        assert np.array_equal(one, other)


def flat(levels):
    """All levels, one after the other."""
    for level in vars(levels).values():
        yield from level if isinstance(level, tuple) else (level,)


@pytest.mark.parametrize("policy", EVERY)
def test_a_path_alone_has_the_money_that_it_has_among_others(policy):
    told = made(draws=1, reserve=0.1)
    first = shock("price", name="at once", channels=["c2"], factor=1.5, chance=0.5)
    paths = some(told, 12)
    together = spending(told, policy, (*STORM, CUT, first), paths)
    for path in range(0, 12, 2):
        alone = spending(told, policy, (*STORM, CUT, first), one_path(told, path))
        one = together.money[min(path, len(together.money) - 1)]
        assert alone.money[0] == pytest.approx(one, abs=1e-6 * told.whole.sum())
        assert np.array_equal(alone.anew[0], together.anew[min(path, len(together.anew) - 1)])


@pytest.mark.parametrize("kind", ["effectiveness", "curves", "demand", "price"])
def test_what_is_not_known_moves_no_money_before_it_is(kind):
    """A shock of March is told in July, or never: what is spent until then is what is spent without it, bit for bit."""
    told = made()
    late = {} if kind in ("effectiveness", "curves") else {"known_after": 18}
    where = {} if kind == "demand" else {"channels": ["c1"]}
    one = shock(kind, factor=1.5, begins=date(2027, 3, 1), **where, **late)
    calm, struck = spending(told, "replan").money, spending(told, "replan", [one]).money
    until = 52 if not late else THIRD
    assert np.array_equal(struck[:, :until], calm[:, :until])
    if kind == "price":
        assert np.abs(struck[:, until:] - calm[:, until:]).max() > 0.01 * calm.max()


@pytest.mark.parametrize("policy", [policy for policy in EVERY if policy != "foresight"])
@pytest.mark.parametrize("until", [None, date(2027, 12, 20)], ids=["for ever", "with an end"])
@pytest.mark.parametrize("factor", [0.1, 0.6])
def test_no_money_before_a_cut_that_nobody_foresaw_depends_on_it(policy, until, factor):
    """Dear weeks before have moved money out of the cut's weeks, which is missed only in them."""
    told = made(draws=8, reserve=0.1, band=0.02)
    begins = date(2027, 12, 6)
    late = shock("budget", name="late", factor=factor, begins=begins, **({"until": until} if until else {}))
    paths = some(told, 32)
    calm, struck = (
        np.broadcast_to(spending(told, policy, each, paths).money, (32, 52, 3)) for each in (STORM, (*STORM, late))
    )
    row = told.setting.days.index(begins)
    assert np.array_equal(calm[:, :row], struck[:, :row])
    assert np.all(struck[:, row:].sum(axis=(1, 2)) < calm[:, row:].sum(axis=(1, 2)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("policy", EVERY)
def test_weeks_of_a_cut_in_which_all_channels_are_closed_cost_nothing(policy):
    told = made(reserve=0.1)
    closed_ = shock("outage", begins=date(2027, 8, 2), until=date(2027, 9, 6))
    for until in ({}, {"until": date(2027, 10, 4)}):
        money = spending(told, policy, (shock("budget", factor=0.5, begins=JULY, **until), closed_)).money
        assert np.isfinite(money).all()
        assert not money[:, 30:35].any()


def test_a_shock_that_is_told_at_the_first_day_moves_money_from_then_on_where_it_comes_and_nowhere_else():
    told, one = made(), shock("price", channels=["c0"], factor=1.6, chance=0.5)
    paths = some(told, 12)
    comes = scene(told, [one], paths).levels.had[0][:, 0] < 1
    found = spending(told, "replan", [one], paths)
    assert 0 < comes.sum() < 12
    assert np.array_equal(found.anew[:, 0], comes)
    moved = np.abs(found.money - told.setting.money).max(axis=(1, 2)) > 0.01 * told.setting.money.max()
    assert np.array_equal(moved, comes)


def test_notice_of_a_year_keeps_the_plan_of_its_channel_and_of_a_quarter_the_next_decision():
    one = shock("price", channels=["c0"], factor=1.7, begins=date(2027, 4, 5))
    quarters = {
        weeks: np.add.reduceat(
            spending(made(f"[stress.notice]\nc0 = {weeks}\n"), "replan", [one]).money[0, :, 0], [0, SECOND, THIRD, LAST]
        )
        for weeks in (0, 13, 52)
    }
    told = made("[stress.notice]\nc0 = 52\n")
    plan = np.add.reduceat(told.setting.money[:, 0], [0, SECOND, THIRD, LAST])
    room = 1e-4 * told.whole.sum()
    assert quarters[52] == pytest.approx(plan, abs=room)
    assert quarters[13][1] == pytest.approx(plan[1], abs=room)
    assert abs(quarters[13][2] - plan[2]) > 10 * room
    assert abs(quarters[0][1] - plan[1]) > 10 * room


def test_who_foresees_an_outage_spends_the_money_on_open_weeks():
    told = made()
    one = shock("outage", channels=["c1"], begins=date(2027, 7, 19), until=date(2027, 8, 16))
    found = spending(told, "foresight", [one]).money[0]
    assert not found[28:32, 1].any()
    assert found[THIRD:LAST, 1].sum() > 1.05 * found[[*range(THIRD, 28), *range(32, LAST)], 1].mean() * 8
    assert found[THIRD:28, 1] == pytest.approx(found[32, 1], rel=1e-9)  # evenly over open weeks
    assert found.sum() == pytest.approx(told.whole.sum(), rel=1e-6)
    held = spending(told, "hold", [one]).money[0]
    assert held.sum() == pytest.approx(told.whole.sum() - told.setting.money[28:32, 1].sum())


def test_foresight_decides_once_and_lacks_nothing_that_others_have():
    told = made()
    for shocks in ((CUT.model_copy(update={"chance": 1.0}),), (shock("price", channels=["c0"], factor=2.0),)):
        anew = spending(told, "foresight", shocks).anew
        assert anew[:, 0].all()
        assert not anew[:, 1:].any()
        means = {policy: one.outcome.sum(axis=1).mean() for policy, one in accounts(told, shocks).items()}
        assert means["foresight"] >= (1 - 1e-3) * max(means.values())


def test_the_money_of_a_quarter_moves_among_its_months_and_stays_in_it():
    text = "budget = { total = 90_000, quarters = [20_000, 30_000, 18_000, 22_000] }\n"
    setting, plan = set_up(curves(), asked(text, decide="month"))
    told = Trial(Start(setting, planner(setting, plan.cells)), None, EVERY, 0.05, 1)
    dear = shock("price", factor=2.5, begins=date(2027, 5, 3), until=date(2027, 6, 7))
    shocks = (dear, shock("budget", factor=0.9, begins=date(2027, 10, 4), known_after=0))
    found = spending(told, "replan", shocks).money.sum(axis=2)
    by_month = np.add.reduceat(found, setting.grid.edges[:-1], axis=1)
    planned = np.add.reduceat(setting.money.sum(axis=1), setting.grid.edges[:-1])
    by_quarter = np.add.reduceat(by_month, np.searchsorted(setting.grid.quarters, range(4)), axis=1)
    assert by_quarter == pytest.approx(np.tile([20_000, 30_000, 18_000, 0.9 * 22_000], (4, 1)), rel=1e-4)
    assert np.all(by_month[:, 4] < 0.9 * planned[4])  # May is dear
    assert np.all(by_month[:, 5] > 1.05 * planned[5])


@pytest.mark.parametrize("begins", [date(2027, 1, 4), date(2027, 5, 11), JULY, date(2027, 11, 1)])
def test_reserve_never_spends_more_than_there_is(begins):
    told = made(reserve=0.15)
    cut = shock("budget", factor={"low": 0.5, "mode": 0.9, "high": 1.0}, begins=begins, chance=0.7)
    paths = some(told, 24)
    money = spending(told, "reserve", (*STORM, cut), paths).money.sum(axis=(1, 2))
    there = scene(told, (*STORM, cut), paths).levels.money[:, :52] @ told.whole
    assert np.all(money <= there + 1e-6 * told.whole.sum())


def test_reserve_meets_a_cut_first():
    """Until it is released, a cut of less than was held back changes nothing in what is spent."""
    told = made(reserve=0.1, draws=1)
    found = spending(told, "reserve", [shock("budget", factor=0.92, begins=date(2027, 2, 1))]).money[0]
    assert found[:LAST] == pytest.approx(told.reserve.setting.money[:LAST], rel=1e-9)
    deep = spending(told, "reserve", [shock("budget", factor=0.5, begins=date(2027, 2, 1), known_after=50)]).money[0]
    kept = 0.5 * told.whole.sum() / told.reserve.setting.money.sum()
    assert deep[4:SECOND] == pytest.approx(kept * told.reserve.setting.money[4:SECOND], rel=1e-9)


def cells(told, money):
    """Money by channel and decision, as rules know it."""
    return np.add.reduceat(money, told.setting.grid.edges[:-1], axis=0).T.ravel()


@pytest.mark.parametrize("policy", ["replan", "foresight"])
@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_the_rules_of_the_plan_are_kept_on_every_path(policy, text):
    told = made(text)
    held, scenario = told.setting.curves, told.setting.scenario
    shocks = (*STORM, shock("budget", factor=0.95, begins=JULY, chance=0.5))
    paths = some(told, 16)
    for money in spending(told, policy, shocks, paths).money:
        total = scenario.budget.model_copy(update={"total": float(money.sum())})
        problem = problem_of(held, scenario.model_copy(update={"budget": total}))
        assert [rule.name for rule in broken(problem, cells(told, money), 1e-4)] == []


@pytest.mark.parametrize("slopes", [(0.6, 0.8, 1.0), (0.8, 1.7, 1.0)], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("text", [RULES["budget alone"], COMMITTED], ids=["free", "committed"])
def test_no_new_plan_is_worse_than_trimming_by_what_is_known_then(monkeypatch, text, slopes):
    told, asked = made(text, slopes=slopes), []

    def noted(plan, at, known):
        asked.append((plan, at, known, replanned(plan, at, known)))
        return asked[-1][-1]

    monkeypatch.setattr("engine.stress.policies.replanned", noted)
    spending(told, "replan", (*STORM, CUT), some(told, 8))
    assert len(asked) == 3
    for plan, at, known, found in asked:
        rest, rows = rest_of(plan, at, known), rows_of(plan, at, known)
        planned = known.current * known.open
        share = (known.total - known.spent.sum(axis=(1, 2))) / planned.sum(axis=(1, 2))
        trimmed = planned * np.maximum(share, 0.0)[:, None, None]
        mine, other = (objective(rest, rows, money / plan.unit) for money in (found, trimmed))
        assert np.all(mine >= other - 1e-6 * np.abs(other))


def test_all_policies_are_told():
    assert tuple(accounts(made(), ())) == EVERY
