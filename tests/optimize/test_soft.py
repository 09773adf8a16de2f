"""Soft rules: no more gives way than must, lower priorities first, and what is left can be kept."""

import numpy as np
import pytest
from scipy.optimize import linprog

from engine.errors import InputError
from engine.optimize.conflict.feasible import can_be_kept
from engine.optimize.conflict.soft import soften
from engine.optimize.rules import Rule

UNIT = np.eye(3)
BUDGET = Rule("budget", np.ones(3), low=100.0, high=100.0)


def limits(**changed):
    """A budget of 100 and floors that ask for 130 of it."""
    rules = [BUDGET, *(Rule(f"floor of c{at}", UNIT[at], low=low) for at, low in enumerate((60.0, 40.0, 30.0)))]
    return tuple(changed.get(rule.name.replace(" ", "_"), rule) for rule in rules)


def gave(found):
    return {item.rule.name: round(item.amount, 6) for item in found.gave_way}


def test_rules_that_can_be_kept_are_left_as_they_are():
    rules = limits(floor_of_c0=Rule("floor of c0", UNIT[0], low=20.0))
    found = soften(rules, {"floor of c0": 1})
    assert found.rules == rules
    assert found.gave_way == ()


def test_the_lowest_priority_gives_way_first_and_the_next_only_for_what_is_left():
    assert gave(soften(limits(), {"floor of c0": 1, "floor of c1": 2})) == {"floor of c0": 30.0}
    assert gave(soften(limits(), {"floor of c2": 1, "floor of c1": 2})) == {"floor of c2": 30.0}
    bigger = limits(floor_of_c1=Rule("floor of c1", UNIT[1], low=90.0))
    assert gave(soften(bigger, {"floor of c0": 1, "floor of c2": 2})) == {"floor of c0": 60.0, "floor of c2": 20.0}


def test_where_not_even_hard_rules_can_be_kept_there_is_no_softening():
    rules = (*limits(), Rule("floor of group g", UNIT[0] + UNIT[1], low=120.0))
    assert soften(rules, {"floor of c0": 1, "floor of c1": 1, "floor of c2": 2}) is None


def test_what_gave_way_is_what_the_new_limits_say():
    found = soften(limits(), {"floor of c0": 1})
    (item,) = found.gave_way
    assert (item.upwards, item.limit) == (False, pytest.approx(30.0))
    assert found.rules[1].low == pytest.approx(30.0)
    assert found.rules[0] is BUDGET


def test_a_soft_total_moves_and_its_shares_move_with_it():
    share = Rule("least share of a", UNIT[0], low=60.0, share=0.6)
    found = soften((BUDGET, share, Rule("c1 locked", UNIT[1], low=50.0, high=50.0)), {"budget": 1})
    assert found.rules[0].low == found.rules[0].high == pytest.approx(125.0)
    assert found.rules[1].low == pytest.approx(75.0)


def test_a_soft_fixed_amount_becomes_a_range():
    found = soften((BUDGET, Rule("c0 locked", UNIT[0], low=150.0, high=150.0)), {"c0 locked": 1})
    assert (found.rules[1].low, found.rules[1].high) == (pytest.approx(100.0), 150.0)


def test_a_soft_minimum_flight_is_lowered():
    flight = Rule("minimum flight of c0", UNIT[0], flight=80.0)
    rules = (BUDGET, flight, Rule("floor of c0", UNIT[0], low=5.0), Rule("floor of c1", UNIT[1], low=40.0))
    found = soften(rules, {"minimum flight": 1})
    assert found.rules[1].flight == pytest.approx(60.0)
    assert can_be_kept(found.rules)


def test_names_stand_for_all_rules_that_begin_with_them_and_longer_ones_count_more():
    assert gave(soften(limits(), {"floor": 1})).keys() <= {"floor of c0", "floor of c1", "floor of c2"}
    assert gave(soften(limits(), {"floor": 1, "floor of c2": 2})).keys() <= {"floor of c0", "floor of c1"}
    assert gave(soften(limits(), {"floor": 2, "floor of c2": 1})) == {"floor of c2": 30.0}


def test_a_name_of_no_rule_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match=r"soft names 'floor of c9', which is no rule .* did you mean 'floor of c"):
        soften(limits(), {"floor of c9": 1})
    with pytest.raises(InputError, match="soft names 'flo'"):
        soften(limits(), {"flo": 1})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tv floor", "floor of tv"),
        ("Floor_of_TV", "floor of tv"),
        ("tv_quarter_cap", "quarter cap of tv"),
        ("cap of earned", "cap of group earned"),
        ("min share earned", "least share of earned"),
        ("ramp for search", "ramp of search"),
    ],
)
def test_a_rule_in_other_words_is_told_by_its_own(written, meant):
    names = ("budget", "floor of tv", "quarter cap of tv from 2027-01-04", "quarter cap of tv from 2027-04-04")
    names += ("cap of group earned", "least share of earned", "ramp of search into 2027-04-04, upwards", "floor of pr")
    rules = tuple(Rule(name, np.ones(2), low=1.0) for name in names)
    with pytest.raises(InputError, match=f"did you mean {meant!r}"):
        soften(rules, {written: 1})


@pytest.mark.parametrize("unit", [1e-3, 1e12])
def test_amounts_scale_with_the_money(unit):
    rules = tuple(Rule(rule.name, rule.weights, rule.low * unit, rule.high * unit) for rule in limits())
    found = soften(rules, {"floor of c0": 1})
    assert [item.amount for item in found.gave_way] == pytest.approx([30.0 * unit])
    assert can_be_kept(found.rules)


@pytest.mark.parametrize("seed", range(10))
def test_levels_give_way_as_little_as_another_solver_finds_one_after_the_other(seed):
    """Random floors and caps of random groups, all soft in three priorities, under a hard budget."""
    rng = np.random.default_rng(seed)
    rules, priorities = [Rule("budget", np.ones(5), low=100.0, high=100.0)], {}
    for number in range(9):
        members = (rng.random(5) < 0.5).astype(float)
        members[rng.integers(5)] = 1.0
        amount = float(rng.integers(10, 90))
        side = {"low": amount} if rng.random() < 0.6 else {"high": amount}
        rules.append(Rule(f"rule {number}", members, **side))
        priorities[f"rule {number}"] = int(rng.integers(1, 4))
    found = soften(tuple(rules), priorities)
    assert can_be_kept(found.rules)
    levels = [priorities.get(rule.name, 0) for rule in rules]
    given = dict.fromkeys((3, 2, 1), 0.0)
    for item in found.gave_way:
        given[levels[item.index]] += item.amount
    assert [given[level] for level in (3, 2, 1)] == pytest.approx(one_after_the_other(rules, levels), abs=1e-5)


def one_after_the_other(rules, levels):
    """The least sums of what rules of priority 3, 2 and 1 give way, by SciPy."""
    weights, count = np.array([rule.weights for rule in rules[1:]]), len(rules) - 1
    sign = np.array([1.0 if rule.high < np.inf else -1.0 for rule in rules[1:]])
    limit = np.array([rule.high if rule.high < np.inf else -rule.low for rule in rules[1:]])
    rows, ends, sums = np.hstack([sign[:, None] * weights, -np.eye(count)]), limit, []
    for level in (3, 2, 1):
        price = np.concatenate([np.zeros(5), np.array(levels[1:]) == level]).astype(float)
        total = np.concatenate([np.ones(5), np.zeros(count)])[None]
        sums.append(linprog(price, rows, ends, total, [100.0]).fun)
        rows, ends = np.vstack([rows, price]), np.append(ends, sums[-1] + 1e-7)
    return sums
