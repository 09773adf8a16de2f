"""Luck: the same for each path whoever asks, spread as the shocks say, and tied as the drivers are."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.config.shocks import Shock, Spread
from engine.errors import InputError
from engine.stress.luck import BLOCK, met, quantile, require_correlation, uniform

HEAD = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 52 }\nbudget = { total = 1 }\n'
MANY = np.arange(20_000)
SPREADS = {
    "triangle": Spread(low=0.4, mode=0.7, high=1.3),
    "triangle with its mode at an end": Spread(low=0.4, mode=0.4, high=1.3),
    "point": Spread(low=0.7, mode=0.7, high=0.7),
    "log-normal": Spread(p05=0.6, p95=1.1),
    "list": Spread(values=(0.5, 0.9, 1.2), chances=(0.2, 0.5, 0.3)),
    "list without chances": Spread(values=(1.2, 0.5)),
}


def asked(*shocks: str, more: str = "") -> Scenario:
    return parse(HEAD + "".join(f"[[shocks]]\n{one}\n" for one in shocks) + more, Scenario, "q.toml")


def lucks(scenario: Scenario, paths=MANY, seed=1):
    return met(scenario, scenario.shocks, seed, paths)


FACTOR = "factor = { p05 = 0.5, p95 = 2.0 }"


def named(name: str, more: str = "") -> str:
    return f'name = "{name}"\nkind = "demand"\n{FACTOR}\nchance = 0.4\nwithin = 9\n{more}'


def alike(one, other, some=slice(None)) -> bool:
    return all(
        np.array_equal(getattr(one, field)[some], getattr(other, field)) for field in ("comes", "factor", "later")
    )


@given(st.lists(st.integers(0, 3 * BLOCK), max_size=30), st.integers(0, 5))
def test_a_path_has_the_same_numbers_whichever_others_are_asked_for(some, seed):
    every = uniform(seed, "a", np.arange(3 * BLOCK + 1))
    assert np.array_equal(uniform(seed, "a", np.array(some, int)), every[np.array(some, int)])


def test_shocks_have_the_same_luck_on_any_paths_in_any_order():
    scenario = asked(named("a"), named("b"), more="[stress.correlation]\na = { b = 0.6 }\n")
    whole = lucks(scenario)
    some = np.random.default_rng(0).permutation(len(MANY))[:777]
    for one, other in zip(whole, lucks(scenario, some), strict=True):
        assert alike(one, other, some)


def test_further_shocks_change_nothing_in_the_luck_of_others():
    tied = "[stress.correlation]\na = { b = 0.6 }\n"
    few = lucks(asked(named("a"), named("b"), more=tied))
    more = lucks(asked(named("z"), named("b"), named("0"), named("a"), more=tied))
    by_name = {one.shock.name: one for one in more}
    for one in few:
        assert alike(one, by_name[one.shock.name])


def test_seeds_names_and_neighbours_have_luck_of_their_own():
    rows = [uniform(1, "a", MANY), uniform(2, "a", MANY), uniform(1, "b", MANY), uniform(1, "a", MANY + len(MANY))]
    assert np.abs(np.corrcoef(rows) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(rows[0][1:], rows[0][:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["a", "size of demand", "é"])
def test_luck_is_even_between_0_and_1(name):
    assert stats.kstest(uniform(3, name, MANY), "uniform").pvalue > 0.001


SHARES = np.array([0.001, 0.05, 0.2, 1 / 3, 0.5, 0.81, 0.95, 0.999])


@pytest.mark.parametrize("name", ["triangle", "triangle with its mode at an end"])
def test_a_triangle_is_that_of_the_textbooks(name):
    spread = SPREADS[name]
    width = spread.high - spread.low
    theirs = stats.triang.ppf(SHARES, (spread.mode - spread.low) / width, loc=spread.low, scale=width)
    assert quantile(spread, SHARES) == pytest.approx(theirs, rel=1e-9)


def test_nine_of_ten_log_normal_factors_lie_between_its_points():
    spread = SPREADS["log-normal"]
    sd = np.log(1.1 / 0.6) / (stats.norm.ppf(0.95) - stats.norm.ppf(0.05))
    theirs = stats.lognorm.ppf(SHARES, sd, scale=np.sqrt(1.1 * 0.6))
    assert quantile(spread, SHARES) == pytest.approx(theirs, rel=1e-9)
    assert quantile(spread, np.array([0.05, 0.95])).tolist() == pytest.approx([0.6, 1.1])
    assert np.isfinite(quantile(spread, np.array([0.0, 1.0]))).all()


def test_values_of_a_list_come_as_often_as_their_chances_say():
    shares = (np.arange(1000) + 0.5) / 1000
    found, counts = np.unique(quantile(SPREADS["list"], shares), return_counts=True)
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == {0.5: 200, 0.9: 500, 1.2: 300}
    found, counts = np.unique(quantile(SPREADS["list without chances"], shares), return_counts=True)
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == {0.5: 500, 1.2: 500}
    assert set(quantile(Spread(values=(0.5, 0.9), chances=(0.0, 1.0)), np.array([0.0, 0.5, 1.0])).tolist()) == {0.9}


@pytest.mark.parametrize("spread", SPREADS.values(), ids=SPREADS)
def test_factors_are_never_below_their_least_but_for_the_tail_of_a_log_normal(spread):
    found = quantile(spread, np.linspace(0, 1, 1001))
    low = found if spread.p05 is None else quantile(spread, np.linspace(0.05, 1, 1001))
    assert low.min() >= spread.least * (1 - 1e-9)
    assert found.shape == (1001,)


def test_chance_0_never_comes_and_chance_1_always():
    never, always = lucks(asked('kind = "outage"\nchance = 0.0\nname = "a"', 'kind = "outage"\nname = "b"'))
    assert not never.comes.any()
    assert always.comes.all()
    assert (always.factor == 1).all()
    assert (always.later == 0).all()


def test_a_shock_comes_as_often_as_its_chance_and_begins_in_each_period_as_likely():
    [one] = lucks(asked('kind = "price"\nfactor = 1.2\nchance = 0.3\nwithin = 5'))
    assert one.comes.mean() == pytest.approx(0.3, abs=0.015)
    assert (np.bincount(one.later, minlength=5) / len(MANY)).tolist() == pytest.approx([0.2] * 5, abs=0.015)
    assert (one.factor == 1.2).all()
    assert abs(np.corrcoef(one.comes, one.later)[0, 1]) < 0.03


def test_shocks_with_one_driver_share_their_luck():
    more = 'driver = "war"\n'
    wide = 'kind = "demand"\nfactor = { values = [0.5, 2.0] }\nchance = 0.8\nwithin = 9\nname = "c"\n' + more
    one, two, other = lucks(asked(named("a", more), named("b", more), wide))
    assert alike(one, two)
    assert np.array_equal(one.later, other.later)
    assert np.all(other.comes[one.comes])  # what is likelier comes wherever the other does
    assert stats.spearmanr(one.factor, other.factor).statistic > 0.8
    assert np.array_equal(one.factor > 1, other.factor > 1)  # the middle of both


def test_a_shock_without_a_driver_is_moved_by_its_own_name():
    own, given_ = asked(named("a")), asked(named("x", 'driver = "a"\n'))
    assert alike(lucks(own)[0], lucks(given_)[0])


TIES = "[stress.correlation]\na = { b = 0.7, c = -0.4 }\nb = { c = -0.2 }\n"


def test_sizes_of_drivers_are_tied_as_the_scenario_says_and_whether_shocks_come_is_not():
    """Ranks of a Gaussian copula are tied by 6 / pi arcsin(rho / 2) (Kruskal, 1958)."""
    names = ("a", "b", "c")
    found = lucks(asked(*(named(name) for name in names), more=TIES))
    wanted = np.array([[1, 0.7, -0.4], [0.7, 1, -0.2], [-0.4, -0.2, 1]])
    ranks = stats.spearmanr(np.array([one.factor for one in found]).T).statistic
    assert ranks == pytest.approx(6 / np.pi * np.arcsin(wanted / 2), abs=0.025)
    for one, other in itertools.combinations(found, 2):
        assert np.mean(one.comes & other.comes) == pytest.approx(0.4**2, abs=0.015)
        assert abs(np.corrcoef(one.comes, other.factor)[0, 1]) < 0.03


def test_ties_change_nothing_in_whether_shocks_come_and_when():
    names = tuple(named(name) for name in "abc")
    for one, other in zip(lucks(asked(*names)), lucks(asked(*names, more=TIES)), strict=True):
        assert np.array_equal(one.comes, other.comes)
        assert np.array_equal(one.later, other.later)
    assert not np.array_equal(one.factor, other.factor)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_ties_change_nothing_in_how_each_driver_is_spread(name):
    found = {one.shock.name: one for one in lucks(asked(*(named(one) for one in "abc"), more=TIES))}[name]
    sd = np.log(4) / (2 * stats.norm.ppf(0.95))
    assert stats.kstest(np.log(found.factor), "norm", args=(0, sd)).pvalue > 0.001
    assert found.comes.mean() == pytest.approx(0.4, abs=0.015)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = { x = 0.5 }", "names 'x', which drives no shock; drivers there: a, b, c"),
        ("x = { a = 0.5 }", "names 'x'"),
        ('a = { " b" = 0.5 }', "names ' b', which drives no shock; did you mean 'b'? drivers there: a, b, c"),
        ("a = { b = 0.5 }\nb = { a = 0.4 }", "gives 'b' and 'a' twice"),
        ("a = { b = 0.5 }\nb = { a = 0.5 }", "gives 'b' and 'a' twice"),
        ("a = { b = 0.0 }\nb = { a = 0.5 }", "gives 'b' and 'a' twice"),
        ("a = { a = 1.0 }", "one with itself"),
        ("a = { b = 1.0 }", "no drivers can be correlated so"),
        ("a = { b = 0.9, c = 0.9 }\nb = { c = -0.9 }", "no drivers can be correlated so"),
    ],
)
def test_ties_that_no_drivers_can_have_are_refused(text, words):
    scenario = asked(*(named(name) for name in "abc"), more=f"[stress.correlation]\n{text}\n")
    with pytest.raises(InputError) as told:
        require_correlation(scenario)
    assert words in str(told.value)


def test_ties_of_drivers_that_other_shocks_name_are_taken():
    more = "[stress.correlation]\nwar = { a = 0.5 }\n"
    require_correlation(asked(named("a"), named("b", 'driver = "war"\n'), more=more))
    require_correlation(asked(named("a")))


def test_no_paths_have_no_luck():
    [one] = lucks(asked(named("a")), MANY[:0])
    assert (len(one.comes), len(one.factor), len(one.later)) == (0, 0, 0)


def test_a_shock_by_itself_has_the_luck_that_it_has_among_all():
    scenario = asked(named("a"), named("b"), more="[stress.correlation]\na = { b = 0.6 }\n")
    one = Shock.model_validate(scenario.shocks[1])
    assert alike(met(scenario, (one,), 1, MANY)[0], lucks(scenario)[1])
