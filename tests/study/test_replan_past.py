"""Rules that the past has put out of the rest's reach: eased to what is left, and told."""

import json
import re

import numpy as np
import pytest

from engine.errors import InfeasibleError
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import optimize
from engine.response.curves_file import read_curves
from engine.study.replan import Past, replanned
from engine.study.replan_text import text
from engine.words import money
from tests.study.test_replan import BUDGET, CURVES, as_of, asked, uneven


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    path = tmp_path_factory.mktemp("curves") / "curves.json"
    path.write_text(json.dumps(CURVES))
    return read_curves(path)


OUT_OF_REACH = {  # with 9,300 of 60,000 left, of which tv can have 44,400, search 21,000 and pr 13,200 at the most
    "a least share": ("[groups.pr]\nchannels = ['pr']\nshare = { min = 0.4 }\n", 2, 13_200),
    "a share of what is spent": ("[groups.pr]\nchannels = ['pr']\nshare = { min = 0.4 }\n# at most", 2, 13_200),
    "a fixed share": ("[strategy]\nkinds = { paid = 0.6, earned = 0.4 }\n", 2, 13_200),
    "a floor": ("[channels.tv]\nfloor = 50_000\n", 0, 44_400),
    "a lock": ("[channels.search]\nlocked = 30_000\n", 1, 21_000),
}


@pytest.mark.parametrize(("rules", "at", "most"), OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_a_rule_that_all_the_money_left_cannot_keep_gets_all_of_it_and_is_told(curves, rules, at, most):
    """Shares that the past had put out of reach once ended every replan."""
    budget = BUDGET.replace("total", "at_most") if "at most" in rules else BUDGET
    spent = np.tile([900.0, 300.0, 100.0], (39, 1))
    found = replanned(curves, asked(rules, budget=budget), Past(Spent(spent), ""), as_of(39))
    assert np.array(found.plan.chosen.decided)[:, at].sum() == pytest.approx(most, rel=1e-5)
    assert sum("what was spent has broken" in one for one in found.plan.warnings) == 1


def test_two_rules_that_the_past_put_out_of_reach_share_what_is_left(curves):
    rules = "[groups.a]\nchannels = ['pr']\nshare = { min = 0.4 }\n[groups.b]\nchannels = ['tv']\nfloor = 50_000\n"
    found = replanned(curves, asked(rules), Past(Spent(np.tile([900.0, 300.0, 100.0], (39, 1))), ""), as_of(39))
    decided = np.array(found.plan.chosen.decided)
    assert decided[3:, [0, 2]].sum() == pytest.approx(9_300, rel=1e-5)
    assert any("gave way" in one for one in found.plan.warnings)


@pytest.mark.parametrize("active", ["max = 2", "min = 3\neach = 15_000"])
def test_numbers_of_channels_that_the_past_has_passed_or_put_out_of_reach_are_told(curves, active):
    spent = np.tile([900.0, 300.0, 100.0], (39, 1))
    found = replanned(curves, asked(f"[active]\n{active}\n"), Past(Spent(spent), ""), as_of(39))
    assert np.array(found.plan.chosen.decided).sum() == pytest.approx(60_000)
    assert any("active channels = " in one and "has broken" in one for one in found.plan.warnings)


def test_a_floor_above_all_money_is_a_conflict_whatever_was_spent(curves):
    with pytest.raises(InfeasibleError, match="floor of tv >= USD 70,000"):
        replanned(curves, asked("[channels.tv]\nfloor = 70_000\n"), Past(Spent(uneven(5)), ""), as_of(5))


def test_a_conflict_between_past_and_rest_names_both(curves):
    """Each floor can be kept by itself, both together cannot: which of them matters more is not ours to say."""
    spent = np.tile([900.0, 300.0, 100.0], (39, 1))
    rules = "[channels.tv]\nfloor = 40_000\n[channels.search]\nfloor = 18_000\n"
    with pytest.raises(InfeasibleError, match=r"tv as spent from .*floor of tv|floor of tv.*as spent from"):
        replanned(curves, asked(rules), Past(Spent(spent), ""), as_of(39))


def test_that_overspending_leaves_the_rest_less_than_it_had_is_told(curves):
    schedule = np.array(optimize(curves, asked(), priced=False).schedule)
    spent = Past(Spent(schedule[:26] * 1.1), "spent.csv")
    more = schedule[:26].sum() * 0.1
    told = text(replanned(curves, asked(), spent, as_of(26), schedule))
    had = schedule[26:].sum()
    assert f"leaves {money(had - more, 'USD')} where the earlier plan had {money(had, 'USD')} for the rest" in told
    assert "where the earlier plan had" not in text(
        replanned(curves, asked(), Past(Spent(schedule[:26]), ""), as_of(26), schedule)
    )


def test_where_a_soft_budget_is_spent_nothing_is_left_to_decide_and_no_dust_is_told(curves):
    spent = Past(Spent(np.full((20, 3), 80_000 / 60)), "")
    told = text(replanned(curves, asked("[soft]\nbudget = 1\n"), spent, as_of(20)))
    assert "with the USD 0 left, nothing is left to decide." in told
    assert not re.search(r"e-\d", told.partition("Proof:")[0])
