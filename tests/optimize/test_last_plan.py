"""Bounds by an earlier plan: what it gave, read back by hand, and by whoever has no file."""

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError
from engine.optimize.plan import optimize

LAST = "budget = {{ total = 100 }}\n[last_plan]\nmin = {0}\nmax = {1}\n[last_plan.channels]\ntv = [60]\npr = [40]\n"


def two(make):
    return make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 300.0, 50.0, kind="earned"))


def test_every_channel_stays_between_multiples_of_its_last_money(make):
    plan = optimize(two(make), make.scenario(LAST.format(0.8, 1.25)))
    assert plan.chosen.spend == pytest.approx((50.0, 50.0))  # pr pays most, up to 1.25 times 40
    assert "pr at most 125 % of the last plan" in plan.binding


def test_a_channel_with_bounds_of_its_own_has_not_those_of_all(make):
    own = "[channels.pr]\nof_last_plan = { max = 1.1 }\n"
    plan = optimize(two(make), make.scenario(LAST.format(0.5, 1.25) + own))
    assert plan.chosen.spend == pytest.approx((56.0, 44.0))
    free = "[channels.pr]\nof_last_plan = { min = 0 }\n"
    plan = optimize(two(make), make.scenario(LAST.format(0.5, 2) + free))
    assert plan.chosen.spend[1] > 60.0


def test_bounds_by_an_earlier_plan_in_conflict_are_told_in_their_own_unit(make):
    with pytest.raises(InfeasibleError, match=r"tv at most 100 % of the last plan.*\(150 % of the last plan\)"):
        optimize(two(make), make.scenario(LAST.format(0, 1).replace("100", "130")))


def quarters(make, money):
    text = "budget = { total = 5200 }\n[last_plan]\nmin = 0.9\nmax = 1.1\n[last_plan.channels]\n" + money
    head = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\n'
    return make.parse(head + text, make.Scenario, "q.toml")


def test_money_by_decision_bounds_each_decision(make):
    money = "tv = [200, 1000, 200, 1200]\npr = [900, 300, 900, 500]\n"
    plan = optimize(two(make), quarters(make, money), priced=False)
    decided, last = np.array(plan.chosen.decided).T, np.array([[200, 1000, 200, 1200], [900, 300, 900, 500]])
    assert np.all(decided >= 0.9 * last - 1e-3) and np.all(decided <= 1.1 * last + 1e-3)
    assert any(name.startswith("pr at ") and " of the last plan from 2027-" in name for name in plan.binding)
    in_all = optimize(two(make), quarters(make, "tv = [2600]\npr = [2600]\n"), priced=False)
    assert 0.9 * 2600 - 1e-3 <= in_all.chosen.spend[0] <= 1.1 * 2600
    assert in_all.chosen.value.mean >= plan.chosen.value.mean * (1 - 1e-6)  # sums bind less than decisions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tv = [60]\n", "the last plan says nothing of 'pr'"),
        ("tv = [60]\npr = [40]\nprr = [1]\n", r"last_plan.channels names 'prr'.*did you mean 'pr'"),
        ("tv = [60, 2]\npr = [40]\n", "2 amounts for 'tv' and this plan has 1 decisions"),
    ],
)
def test_money_that_does_not_fit_is_refused(make, text, words):
    asked = make.scenario("budget = { total = 100 }\n[last_plan]\nmin = 0.5\n[last_plan.channels]\n" + text)
    with pytest.raises(InputError, match=words):
        optimize(two(make), asked)


def test_bounds_without_the_plan_that_they_are_of_are_refused(make):
    asked = make.scenario("budget = { total = 100 }\n[channels.tv]\nof_last_plan = { min = 0.5 }\n")
    with pytest.raises(InputError, match=r"channels.tv.of_last_plan needs the last plan"):
        optimize(two(make), asked)
    asked = make.scenario("budget = { total = 100 }\n[last_plan.channels]\ntv = [60]\npr = [40]\n")
    with pytest.raises(InputError, match=r"names a plan and no bounds by it.*give min or max there"):
        optimize(two(make), asked)
    asked = make.scenario('budget = { total = 100 }\n[last_plan]\nfile = "plan.json"\n')
    with pytest.raises(InputError, match=r"'plan.json' was not read"):
        optimize(two(make), asked)
