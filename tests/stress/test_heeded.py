"""Heeded: rules that a policy does not keep are those that fail one by one, path by path."""

from datetime import date

import numpy as np
import pytest

from engine.optimize.rules import broken
from engine.stress.heeded import closed, heeded, rules_asked
from engine.stress.sets import Case
from tests.stress.trials import accounts, shock, some, trial

RULES = """[ramp]
max_change = 0.2
[channels.c1]
floor = 15_000
[groups.few]
channels = ["c0", "c2"]
share = { max = 0.6 }
"""
CUT = shock("budget", factor=0.6, begins=date(2027, 7, 5), chance=0.5)
BAN = shock("outage", channels=["c0"], begins=date(2027, 4, 5), until=date(2027, 7, 5))


@pytest.fixture(scope="module")
def told():
    return trial(RULES)


def played(told, *shocks, count=16):
    """What every policy comes to, the rules, and where dates are closed."""
    paths = some(told, count)
    shut = closed(told, Case("all", "montecarlo", tuple(shocks)), paths)
    return accounts(told, shocks, paths), rules_asked(told.setting), shut


def test_without_shocks_every_policy_that_starts_from_the_plan_keeps_every_rule(told):
    every, rules, shut = played(told)
    for policy in ("hold", "trim", "replan", "foresight"):
        found = heeded(told.setting, rules, every[policy].spend, shut)
        assert (found.broken, found.unkept) == (0.0, ())


def test_a_rule_is_unkept_where_it_fails_by_itself(told):
    """Against the check of a plan, which looks at each rule by its definition; the money is as much as is there."""
    every, rules, shut = played(told, CUT)
    spend = every["hold"].spend
    found = heeded(told.setting, rules, spend, shut)
    slack = 0.01 / spend.shape[1] / spend.shape[2]
    fails = [
        {rule.name for rule in broken(rules, one.T.ravel(), slack * told.setting.money.sum() / one.sum())}
        for one in spend
    ]
    fails = [{name for name in names if name.startswith(("ramp", "c1"))} for names in fails]
    told_of = {one.rule: one.paths for one in found.unkept if not one.rule.startswith("few")}
    assert told_of
    assert told_of == {name: np.mean([name in names for names in fails]) for name in set().union(*fails)}
    assert found.broken == np.mean([bool(names) for names in fails])


def test_who_spends_until_the_money_is_gone_breaks_ramps_where_it_is_cut_and_who_plans_anew_does_not(told):
    every, rules, shut = played(told, CUT.model_copy(update={"factor": 0.8}))
    cut = every["hold"].spend.sum(axis=(1, 2)) < told.setting.money.sum() * (1 - 1e-9)
    assert heeded(told.setting, rules, every["hold"].spend, shut).broken == cut.mean() > 0
    assert heeded(told.setting, rules, every["replan"].spend, shut).broken == 0


def test_nobody_is_blamed_for_the_ramps_of_a_channel_that_is_closed(told):
    every, rules, shut = played(told, BAN)
    blamed = heeded(told.setting, rules, every["hold"].spend, np.zeros_like(shut))
    fair = heeded(told.setting, rules, every["hold"].spend, shut)
    assert any(one.rule.startswith("ramp of c0") for one in blamed.unkept)
    assert not any(one.rule.startswith("ramp of c0") for one in fair.unkept)


def test_dates_are_closed_on_the_paths_on_which_an_outage_comes(told):
    ban = BAN.model_copy(update={"chance": 0.5})
    every, _, shut = played(told, ban)
    assert shut.shape == (16, 4, 3)
    assert shut[:, :, 1:].sum() == 0
    assert shut[:, 1, 0].tolist() == (every["hold"].spend[:, 1, 0] == 0).tolist()
    assert 0 < shut[:, 1, 0].mean() < 1
    assert not closed(told, Case("none", "none", (CUT,)), some(told, 16)).any()
